"""Claims about draws: what honest draws keep, and what each mistake in a dropout breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.draws import is_random
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.judge.case import judge_case
from conformance.judge.draws import ALARM, bounds, chance_of_repeat, draw_findings, least
from conformance.judge.undecided import RandomOutputs
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Functional, Node, Observation, Output
from conformance.record.build import case_record
from conformance.reference.base import Weights, make
from conformance.report.findings import verdict_text
from tests.builders import cases_of

FILE = """
    schema_version: 1
    topic: draws
    dims: {batch: 4, steps: 5, features: 20}
    source: {kind: hand}
    cases:
      - id: one
        question: What is dropped?
        inputs:
          x: {shape: [batch, steps, features]}
        layers:
          drop: {LAYER}
          dense: {type: Dense, units: 2}
        graph: {GRAPH}
"""
DROP = "type: Dropout, rate: 0.25"
Y = 'y: "drop(x, training=True)", _more: "dense(x)"'
CLAIM = "        claims: [{draws: {node: y, of: x, dropped: 0.25, scale: 1.3333333333333333, shared: SHARED}}]\n"


def case_with(folder: Path, layer: str = DROP, graph: str = Y, more: str = CLAIM, shared: str = "[]") -> Case:
    text = FILE.replace("{LAYER}", "{" + layer + "}").replace("{GRAPH}", "{" + graph + "}")
    (case,) = cases_of(text + more.replace("SHARED", shared), folder)
    return case


def gave(case: Case, y: np.ndarray[Any, Any]) -> Observation:
    output = Output(y.shape, "float32", y.astype("float32"), None)
    return Observation("keras", "keras", runs=({"y": Node(None, (output,))},), gradient_note="none")


def kinds(case: Case, y: np.ndarray[Any, Any]) -> list[str]:
    return [finding.kind for finding in draw_findings(case, gave(case, y))]


def kept(case: Case, rate: float, shape: tuple[int, ...], scale: float = 4 / 3, seed: int = 0) -> np.ndarray[Any, Any]:
    """x with a share dropped, one draw for each place of `shape`, and scaled."""
    x = plan_of(case).runs[0]["x"]
    return np.where(np.random.default_rng(seed).random(shape) >= rate, x * np.float32(scale), 0.0)


WHOLE, ONE_A_SAMPLE = (4, 5, 20), (4, 1, 20)


def test_honest_draws_keep_every_claim(tmp_path: Path) -> None:
    each, along = case_with(tmp_path), case_with(tmp_path, shared="[1]")
    for seed in range(200):
        assert kinds(each, kept(each, 0.25, WHOLE, seed=seed)) == []
        assert kinds(along, kept(along, 0.25, ONE_A_SAMPLE, seed=seed)) == []


@pytest.mark.parametrize(
    ("rate", "shape", "scale", "shared", "kind"),
    [
        (0.75, WHOLE, 4 / 3, "[]", "draw_share"),  # keeps what it must drop
        (0.0, WHOLE, 1.0, "[]", "draw_scale"),  # does nothing
        (0.25, WHOLE, 1.0, "[]", "draw_scale"),  # is not scaled in training
        (0.25, WHOLE, 4 / 3, "[1]", "draw_shared"),  # draws anew at every step
        (0.25, ONE_A_SAMPLE, 4 / 3, "[]", "draw_repeated"),  # draws once for all steps
        (0.25, (1, 5, 20), 4 / 3, "[]", "draw_repeated"),  # draws once for all samples
    ],
)
def test_each_mistake_breaks_a_claim(
    rate: float, shape: tuple[int, ...], scale: float, shared: str, kind: str, tmp_path: Path
) -> None:
    case = case_with(tmp_path, shared=shared)
    assert kind in kinds(case, kept(case, rate, shape, scale))


@pytest.mark.parametrize("special", [np.nan, np.inf])
def test_what_is_no_number_is_neither_dropped_nor_kept(special: float, tmp_path: Path) -> None:
    case = case_with(tmp_path)
    y = kept(case, 0.25, WHOLE)
    y[1, 2, 3] = special
    (finding,) = draw_findings(case, gave(case, y))
    assert (finding.kind, finding.got[0]) == ("draw_scale", (1, 2, 3))
    assert str(
        judge_case(case, {"numpy": answer(plan_of(case)), "keras": gave(case, y)}, {}).lanes["keras"].verdict
    ) == ("differ")


def test_nan_where_no_draw_gives_any_is_a_difference_of_a_random_node(tmp_path: Path) -> None:
    more = "        claims: [{draws: {node: y, dropped: 0.25}}]\n"
    case = case_with(tmp_path, more=more)
    reference, y = answer(plan_of(case)), kept(case, 0.25, WHOLE)
    y[1, 2, 3] = np.nan
    verdict = judge_case(case, {"numpy": reference, "keras": gave(case, y)}, {}).lanes["keras"]
    assert (str(verdict.verdict), [(found.aspect, found.node) for found in verdict.findings]) == (
        "differ",
        [("special", "y")],
    )


def test_infinities_that_a_draw_gives_stand_where_they_were_drawn(tmp_path: Path) -> None:
    case = case_with(tmp_path, more="        claims: [{draws: {node: y, dropped: 0.25}}]\n")
    reference = answer(plan_of(case))
    drawn = np.where(kept(case, 0.25, WHOLE, seed=4) == 0, 0.0, np.inf)
    output = replace(reference.runs[0]["y"].outputs[0], values=drawn)
    reference = replace(reference, runs=({"y": Node(None, (output,))},))
    got = gave(case, np.where(kept(case, 0.25, WHOLE, seed=3) == 0, 0.0, np.inf))
    assert str(judge_case(case, {"numpy": reference, "keras": got}, {}).lanes["keras"].verdict) == "agree"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, None),
        ({"shape": (4, 20), "values": np.zeros((4, 20), "float32")}, "shape"),
        ({"dtype": "float64"}, "dtype"),
        ({"mask": np.ones((4, 5), bool)}, "mask"),
        ({"values": np.full(WHOLE, np.nan, "float32")}, "special"),
    ],
)
def test_of_a_random_node_a_model_is_judged_in_all_but_what_was_drawn(
    changed: dict[str, Any], kind: str | None, tmp_path: Path
) -> None:
    case = case_with(tmp_path)
    reference, got = answer(plan_of(case)), gave(case, kept(case, 0.25, WHOLE, seed=3))
    again = gave(case, kept(case, 0.25, WHOLE, seed=4)).runs[0]["y"]
    model = Functional(({"y": replace(again, outputs=(replace(again.outputs[0], **changed),))},))
    observations = {"numpy": reference, "keras": replace(got, functional=model)}
    verdict = judge_case(case, observations, {"keras": True}).lanes["keras"]
    assert [(found.aspect, found.kind) for found in verdict.findings] == ([("model", kind)] if kind else [])
    assert verdict.aspects["model"] == ("differ" if kind else "agree")


@pytest.mark.parametrize(("count", "rate"), [(40, 0.5), (240, 0.25), (60, 0.1), (1000, 0.4), (22, 0.5)])
def test_a_share_fails_by_chance_less_than_once_in_a_million(count: int, rate: float) -> None:
    """Summed up by the recurrence of the binomial's terms, not by the logarithms under test."""
    low, high = bounds(count, rate)
    term, outside = (1 - rate) ** count, 0.0
    for dropped in range(count + 1):
        outside += term if not low <= dropped <= high else 0.0
        term *= (count - dropped) / (dropped + 1) * rate / (1 - rate)
    assert 0 < outside <= ALARM
    draws = np.random.default_rng(1).binomial(count, rate, 200_000)
    assert np.sum((draws < low) | (draws > high)) <= 3


def test_repetition_is_only_held_against_a_lane_where_chance_does_not_make_it() -> None:
    assert chance_of_repeat(np.zeros((2, 12), bool), 0, 0.5) == pytest.approx(0.5**12)
    assert chance_of_repeat(np.zeros((2, 12), bool), 0, 0.5) > ALARM > chance_of_repeat(np.zeros((3, 12), bool), 0, 0.5)


def test_too_few_draws_decide_nothing_and_fail_in_every_lane(tmp_path: Path) -> None:
    case = case_with(tmp_path, shared="[0, 1]")
    (finding,) = draw_findings(case, gave(case, kept(case, 0.25, (1, 1, 20))))
    assert (finding.kind, finding.got) == ("too_few_draws", 20)
    assert finding.wanted == least(0.25) > 20


def test_a_random_node_is_compared_with_nothing_and_its_claims_decide(tmp_path: Path) -> None:
    case = case_with(tmp_path)
    reference = answer(plan_of(case))
    assert RandomOutputs(case, reference).labels == {(0, "y")}
    for rate, verdict in ((0.25, "agree"), (0.75, "differ")):
        got = gave(case, kept(case, rate, WHOLE, seed=3))
        found = judge_case(case, {"numpy": reference, "keras": got}, {})
        assert str(found.lanes["keras"].verdict) == verdict
        record = case_record(case, found, {"numpy": reference, "keras": got})
        assert record.lanes["keras"].runs[0]["y"].not_judged == "random"
    assert verdict_text(record, "keras").startswith("claim about draws of y: in keras ")
    assert "of its draws are 0, where " in verdict_text(record, "keras")


def test_what_is_made_of_a_draw_is_not_compared_either_and_alone_it_is_no_pass(tmp_path: Path) -> None:
    case = case_with(tmp_path, graph='y: "dense(drop(x, training=True))"', more="")
    reference = answer(plan_of(case))
    values = np.zeros(reference.runs[0]["y"].outputs[0].shape)
    observations = {"numpy": reference, "keras": gave(case, values)}
    found = judge_case(case, observations, {})
    record = case_record(case, found, observations)
    assert str(found.lanes["keras"].verdict) == "differ"
    assert verdict_text(record, "keras") == (
        "values: nothing that keras gave is judged: y is random, and another in every lane; "
        "claim what must hold of every draw (claims: - draws: ...)"
    )
    assert record.pairs[0].finding is None


def test_what_follows_whatever_was_drawn_is_judged(tmp_path: Path) -> None:
    case = case_with(
        tmp_path, graph='_y: "drop(x, training=True)", y: "_y * (3 * _y - 4 * x)", _m: "dense(x)"', more=""
    )
    assert RandomOutputs(case, answer(plan_of(case))).labels == frozenset()


@pytest.mark.parametrize(
    ("layer", "graph", "more", "message"),
    [
        (DROP, Y, "", "y is random, and another in every lane"),
        (DROP, 'y: "drop(x)", _m: "dense(x)"', CLAIM, "y is not random"),
        ("type: Dropout, rate: 1.0", Y, CLAIM, "y is not random"),
        (DROP, Y, "        claims: [{draws: {node: z, dropped: 0.5}}]\n", "unknown node z"),
        (DROP, Y, CLAIM.replace("of: x", "of: xs"), "unknown node xs"),
        (DROP, Y, CLAIM.replace("of: x", "of: _more"), "_more is not observed"),
        (DROP, Y, "        claims: [{draws: {node: y, scale: 2}}]\n", "the scale of what is kept, of what"),
        (DROP, Y, "        claims: [{draws: {node: y, droped: 0.5}}]\n", "dropped"),
    ],
)
def test_what_a_case_cannot_claim_is_said_when_it_is_read(
    layer: str, graph: str, more: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match=message):
        case_with(tmp_path, layer, graph, more)


def test_a_layer_is_random_by_its_rates() -> None:
    assert is_random("Dropout", {"rate": 0.5})
    assert not is_random("Dropout", {"rate": 1.0})
    assert is_random("GaussianNoise", {"stddev": 1.0})
    assert is_random("Bidirectional", {"layer": {"type": "LSTM", "units": 2, "dropout": 0.1}})
    assert not is_random("LSTM", {"units": 2})
    cells = [{"type": "GRUCell", "units": 2}, {"type": "LSTMCell", "units": 2, "dropout": 0.1}]
    assert is_random("RNN", {"cell": {"type": "StackedRNNCells", "cells": cells}})
    assert not is_random("RNN", {"cell": {"type": "StackedRNNCells", "cells": cells[:1]}})
    assert is_random("Pipeline", {"layers": [{"type": "Dropout", "rate": 0.5}]})


def test_the_reference_keeps_what_it_draws_within_its_claims(tmp_path: Path) -> None:
    case = case_with(tmp_path)
    for draw in range(20):
        found = answer(plan_of(case), draw=draw)
        assert list(draw_findings(case, replace(found, lane="numpy"))) == []


IMAGES = """
    schema_version: 1
    topic: images
    dims: {batch: 128}
    source: {kind: hand}
    cases:
      - id: one
        question: What is drawn?
        inputs:
          x: {shape: [batch, 3, 1, 1]}
        layers:
          mirror: {type: RandomFlip, mode: vertical}
        graph:
          y: "mirror(x, training=True)"
          turned: "x[:, ::-1]"
          low: x - 1.0
          high: x + 1.0
        claims: [{draws: CLAIMED}]
"""
AMONG = "{node: y, among: {x: 0.5, turned: 0.5}}"
BETWEEN = "{node: y, between: [low, high]}"


def images_drawn(folder: Path, claim: str, y: Any) -> list[str]:
    """What is found where a lane drew y from x and a generator of numbers."""
    (case,) = cases_of(IMAGES.replace("CLAIMED", claim), folder)
    x = plan_of(case).runs[0]["x"]
    given = {"y": y(x, np.random.default_rng(5)), "turned": x[:, ::-1], "low": x - 1, "high": x + 1}
    nodes = {
        name: Node(None, (Output(one.shape, "float32", np.asarray(one, "float32"), None),))
        for name, one in given.items()
    }
    got = Observation("keras", "keras", runs=(nodes,), gradient_note="none")
    return [finding.kind for finding in draw_findings(case, got)]


def _some(x: Any, other: Any, share: float, random: Any) -> Any:
    return np.where(random.random((len(x), 1, 1, 1)) < share, other, x)


def test_samples_are_some_of_few_and_as_often_as_claimed(tmp_path: Path) -> None:
    assert images_drawn(tmp_path, AMONG, lambda x, random: _some(x, x[:, ::-1], 0.5, random)) == []


@pytest.mark.parametrize(
    ("y", "kinds"),
    [
        (lambda x, random: x, ["draw_share_of", "draw_share_of"]),  # never
        (lambda x, random: _some(x, x[:, ::-1], 0.9, random), ["draw_share_of", "draw_share_of"]),  # too often
        (lambda x, random: x + 0.01, ["draw_strange"]),  # neither of the two
        (lambda x, random: x * np.nan, ["draw_strange"]),
        (lambda x, random: x[:5], ["draw_shape"]),
    ],
)
def test_each_mistake_in_what_samples_are_is_found(y: Any, kinds: list[str], tmp_path: Path) -> None:
    assert images_drawn(tmp_path, AMONG, y) == kinds


def test_a_share_that_so_few_samples_cannot_decide_is_the_mistake_of_the_case(tmp_path: Path) -> None:
    claim = "{node: y, among: {x: 0.99, turned: 0.01}}"
    found = images_drawn(tmp_path, claim, lambda x, random: _some(x, x[:, ::-1], 0.01, random))
    assert found == ["too_few_draws", "too_few_draws"]


def test_nodes_that_are_alike_can_not_be_told(tmp_path: Path) -> None:
    claim = "{node: y, among: {x: 0.5, same: 0.5}}"
    text = IMAGES.replace("CLAIMED", claim).replace("low: x - 1.0", "same: x * 1.0")
    (case,) = cases_of(text, tmp_path)
    x = plan_of(case).runs[0]["x"]
    nodes = {name: Node(None, (Output(x.shape, "float32", x, None),)) for name in ("y", "same")}
    got = Observation("keras", "keras", runs=(nodes,), gradient_note="none")
    assert [finding.kind for finding in draw_findings(case, got)] == ["draws_alike"]


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (lambda x, random: x + random.uniform(-1, 1, (len(x), 1, 1, 1)), None),
        (lambda x, random: x + random.uniform(0, 1, (len(x), 1, 1, 1)), "draw_share_of"),  # one way only
        (lambda x, random: x + random.uniform(-1, 1), "draw_share_of"),  # one draw for all samples
        (lambda x, random: x + random.uniform(-2, 2, (len(x), 1, 1, 1)), "draw_outside"),  # too far
        (lambda x, random: x + random.uniform(-1, 1, x.shape), "draw_outside"),  # a draw for each pixel
        (lambda x, random: x * np.nan, "draw_outside"),
    ],
)
def test_samples_lie_evenly_between_two_nodes(y: Any, kind: str | None, tmp_path: Path) -> None:
    assert set(images_drawn(tmp_path, BETWEEN, y)) == ({kind} if kind else set())


def test_shares_that_do_not_add_up_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"how likely these are adds up to 0\.75, not to 1"):
        cases_of(IMAGES.replace("CLAIMED", "{node: y, among: {x: 0.5, turned: 0.25}}"), tmp_path)


@pytest.mark.parametrize("draw", range(10))
def test_the_reference_draws_as_it_says(draw: int) -> None:
    random = np.random.default_rng(draw)
    x = np.full((64, 2, 2, 1), 100.0)
    y = make("RandomBrightness", {"factor": 0.25}).call(Weights({}, None, random), x)
    added = (y - x)[:, 0, 0, 0] / 255
    assert np.all(np.abs(added) <= 0.25)
    assert len(set(np.round(added, 6))) > 60
