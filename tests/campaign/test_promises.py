"""What is known in a draft of several layers: shapes promised wrongly, and differences that hide each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.campaign.asking import Judged
from conformance.campaign.draft import Call, Draft, Input, Layer
from conformance.campaign.known import Candidate
from conformance.campaign.recognise import Answer, Recogniser
from conformance.campaign.triage import NO_ROWS, Signature

PROMISE = Signature("keras", "MelSpectrogram", "shape", "symbolic")
WEIGHTS = Signature("keras", "BatchNormalization", "weights", "weights")
MASK = Signature("keras", "MelSpectrogram", "mask", "mask", "one for none")
BUILT = Signature("keras", "BatchNormalization", "error", "raised", "build ValueError: ndim")
DRAFT = Draft(
    inputs=(Input("x", (4,)),),
    layers=(Layer("mel", "MelSpectrogram"), Layer("normalize", "BatchNormalization")),
    calls=(Call("y1", "mel", ("x",)), Call("y2", "normalize", ("y1",))),
)


class PromisesAnother:
    """Lanes in which what stands before a call shows this, and nothing more."""

    explains = False

    def __init__(self, shown: Sequence[Signature]) -> None:
        self.shown = shown
        self.asked: list[Draft] = []

    def lanes_for(self, lane: str) -> list[str]:
        return [lane]

    def ask(self, drafts: Sequence[Draft], **how: Any) -> list[Judged]:
        self.asked += drafts
        return [Judged(one, SimpleNamespace()) for one in drafts]

    def tell(self, record: Any, calls: Any) -> Iterator[Signature]:
        return iter(self.shown)


def _recognised(found: Signature, shown: Sequence[Signature], listed: Sequence[Signature] = (PROMISE,)) -> Answer:
    lanes: Any = PromisesAnother(shown)
    folder: Any = SimpleNamespace(findings={})
    known = [Candidate("promises-a-frame-too-many", one) for one in listed]
    return Recogniser(folder, lanes, lambda one: [held for held in known if held.signature.is_like(one)])(found, DRAFT)


@pytest.mark.parametrize("found", [WEIGHTS, BUILT, replace(BUILT, detail="call ValueError: ndim")])
def test_what_is_built_for_a_shape_that_is_known_to_be_wrong_is_known(found: Signature) -> None:
    assert _recognised(found, [PROMISE]) == Answer("listed", "promises-a-frame-too-many")


def test_a_layer_that_refuses_a_mask_that_is_known_to_be_wrong_is_known() -> None:
    assert _recognised(BUILT, [MASK], [MASK]) == Answer("listed", "promises-a-frame-too-many")


def test_a_promise_is_looked_for_where_the_difference_looks_like_something_listed_too() -> None:
    other = replace(WEIGHTS, mistakes=("BatchNormalization.another",))
    lanes: Any = PromisesAnother([PROMISE])
    lanes.explains = True
    folder: Any = SimpleNamespace(findings={})
    known = [Candidate("axes-change-places", other), Candidate("promises-a-frame-too-many", PROMISE)]
    recognise = Recogniser(folder, lanes, lambda one: [held for held in known if held.signature.may_be(one)])
    assert recognise(WEIGHTS, DRAFT) == Answer("listed", "promises-a-frame-too-many")


def test_a_shape_without_rows_is_what_the_same_draft_shows_with_rows() -> None:
    of_rows = Signature("keras", "MelSpectrogram", "shape", "shape")
    none = replace(of_rows, detail=NO_ROWS)
    assert _recognised(none, [of_rows], [of_rows]) == Answer("listed", "promises-a-frame-too-many")
    assert _recognised(none, [of_rows], []) == Answer("finding")
    assert _recognised(none, [], [of_rows]) == Answer("finding")


@pytest.mark.parametrize(
    ("found", "shown", "listed"),
    [
        (WEIGHTS, [], [PROMISE]),
        (WEIGHTS, [PROMISE], []),
        (WEIGHTS, [replace(PROMISE, lane="torch")], [PROMISE]),
        (WEIGHTS, [replace(PROMISE, aspect="values", kind="values")], [PROMISE]),
        (replace(WEIGHTS, aspect="values", kind="values"), [PROMISE], [PROMISE]),
    ],
)
def test_anything_else_is_a_finding(found: Signature, shown: list[Signature], listed: list[Signature]) -> None:
    assert _recognised(found, shown, listed) == Answer("finding")


SPREAD = Signature("keras", "Equalization", "values", "values", "", ("Equalization.whole_batch",))
MOVED = Signature("keras", "RandomTranslation", "values", "values", "", ("RandomTranslation.other_way",))
BESIDE = Draft(
    inputs=(Input("x", (4, 4, 1)),),
    layers=(Layer("spread", "Equalization"), Layer("move", "RandomTranslation")),
    calls=(Call("y1", "spread", ("x",)), Call("y2", "move", ("x",))),
)


class HidesAnother(PromisesAnother):
    """Lanes in which each of two layers differs, and whose mistake is told where a draft has one of them alone."""

    explains = True

    def ask(self, drafts: Sequence[Draft], **how: Any) -> list[Judged]:
        return [Judged(one, SimpleNamespace(lanes={"numpy": None}, draft=one)) for one in drafts]

    def tell(self, record: Any, calls: Any) -> Iterator[Signature]:
        one = next(one for one in (SPREAD, MOVED) if one.layer in record.draft.types)
        return iter([one if len(record.draft.types) == 1 else one.coarse()])


@pytest.mark.parametrize(
    ("listed", "answer"),
    [
        ((SPREAD, MOVED), Answer("listed", "known-0")),
        ((SPREAD,), Answer("finding")),
        ((replace(SPREAD, mistakes=("Equalization.never",)), MOVED), Answer("finding")),
    ],
)
def test_two_known_differences_beside_each_other_are_known_and_one_alone_excuses_nothing(
    listed: Sequence[Signature], answer: Answer
) -> None:
    lanes: Any = HidesAnother(())
    folder: Any = SimpleNamespace(findings={})
    known = [Candidate(f"known-{number}", one) for number, one in enumerate(listed)]
    recognise = Recogniser(folder, lanes, lambda one: [held for held in known if held.signature.may_be(one)])
    assert recognise(SPREAD.coarse(), BESIDE) == answer


def test_a_mistake_by_chance_hides_no_listed_slope_and_a_named_one_is_no_other() -> None:
    slope = Signature("keras", "RandomZoom", "gradient", "values", "input x")
    by_chance = replace(slope, mistakes=("RandomZoom.never",))
    folder: Any = SimpleNamespace(findings={})
    lanes: Any = PromisesAnother(())

    def listed(one: Signature) -> Candidate | None:
        return Recogniser(folder, lanes, lambda _: [Candidate("projected", one)]).listed(by_chance)

    assert listed(slope) == Candidate("projected", slope)
    assert listed(replace(slope, kind="special")) is not None
    assert listed(replace(slope, mistakes=("RandomZoom.twice",))) is None
    assert listed(replace(slope, detail="input z")) is None
