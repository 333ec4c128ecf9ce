"""What `compute_output_shape` and `compute_mask` say when they are asked directly, held against what comes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.gate.answers import moves
from conformance.gate.signature import KEYS, matches, observed_of
from conformance.judge.case import judge_case
from conformance.judge.methods import method_findings
from conformance.protocol.adapter import Observing
from conformance.protocol.observation import REFERENCE, Direct, Failure, Observation, from_message
from conformance.protocol.wire import pack
from conformance.record.build import case_record
from conformance.record.case import Record
from conformance.report.findings import verdict_text
from tests.builders import POOLED, cases_of, fake, running
from tests.in_process import keras_here

SHAPE, MASK = "compute_output_shape", "compute_mask"
NODE = "embedded"
RIGHT: dict[str, Direct] = {
    SHAPE: Direct(shapes=((None, None, 3),)),
    MASK: Direct(masks=(np.array([[1, 1, 0, 0, 0], [1, 1, 1, 0, 0]], bool),)),
}
RAISED = Failure("call", "TypeError", "no mask here", NODE)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Observation]]:
    """A case, and what a right lane and the reference give for it."""
    (case,) = cases_of(POOLED, tmp_path_factory.mktemp("methods"))
    with running(replace(fake("always_right"), name="lane")) as run:
        run.announce([(case, ["lane"])])
        return case, dict(run.observations(case))


def record_of(answers: Any, **methods: Direct) -> Record:
    """The record in which the lane's methods say this of a node."""
    case, seen = answers
    seen = {**seen, "lane": replace(seen["lane"], methods={NODE: {**RIGHT, **methods}})}
    return case_record(case, judge_case(case, seen, dict.fromkeys(seen, True)), seen)


def test_what_is_said_rightly_agrees_with_open_lengths_and_with_known_ones(answers: Any) -> None:
    assert record_of(answers).lanes["lane"].aspects["methods"] == "agree"
    known = record_of(answers, compute_output_shape=Direct(shapes=((2, 5, 3),)))
    assert known.lanes["lane"].verdict == "agree"


WRONG: dict[str, tuple[dict[str, Direct], str]] = {
    "another length": (
        {SHAPE: Direct(shapes=((None, None, 4),))},
        "compute_output_shape of lane says (?, ?, 4), and (2, 5, 3) comes",
    ),
    "another rank": (
        {SHAPE: Direct(shapes=((None, 3),))},
        "compute_output_shape of lane says (?, 3), and (2, 5, 3) comes",
    ),
    "two shapes of one array": (
        {SHAPE: Direct(shapes=((None, None, 3), (None, 3)))},
        "compute_output_shape of lane says (?, ?, 3) and (?, 3), and (2, 5, 3) comes",
    ),
    "no mask": (
        {MASK: Direct(masks=(None,))},
        "compute_mask of lane says none, the reference (2, 5) with 5 of 10 true",
    ),
    "two masks of one array": (
        {MASK: Direct(masks=(None, None))},
        "compute_mask of lane gives 2 masks, and 1 arrays come",
    ),
    "an error for a shape": ({SHAPE: Direct(failure=RAISED)}, "compute_output_shape of lane raised TypeError"),
    "an error for a mask": ({MASK: Direct(failure=RAISED)}, "compute_mask of lane raised TypeError"),
}


@pytest.mark.parametrize(("methods", "words"), WRONG.values(), ids=WRONG)
def test_what_is_said_wrongly_differs_in_an_aspect_of_its_own(
    answers: Any, methods: dict[str, Direct], words: str
) -> None:
    record = record_of(answers, **methods)
    lane = record.lanes["lane"]
    assert (lane.verdict, lane.findings[0].aspect, lane.aspects["values"]) == ("differ", "methods", "agree")
    assert words in verdict_text(record, "lane").replace("None", "?")
    observed = observed_of(record, "lane")
    assert set(observed) == set(KEYS["methods"])
    assert matches("methods", observed, record, "lane")
    assert not matches("methods", {**observed, "method": "another"}, record, "lane")


def test_methods_beside_a_reference_that_raised_are_not_said_to_agree(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED + "        expect: {error: {phase: any, lanes: [numpy]}}\n", tmp_path)
    reference = Observation(REFERENCE, REFERENCE, failure=Failure("call", "ValueError", "no", NODE))
    for methods, stands in ((RIGHT, "-"), ({SHAPE: Direct(failure=RAISED)}, "differ")):
        got = Observation("lane", "lane", methods={NODE: methods}, gradient_note="none")
        verdict = judge_case(case, {REFERENCE: reference, "lane": got}, {"lane": True}).lanes["lane"]
        assert verdict.aspects["methods"] == stands


def test_no_mask_of_a_list_is_no_mask_of_each(answers: Any) -> None:
    _, seen = answers
    reference = seen[REFERENCE]
    (output,) = reference.runs[0][NODE].outputs
    bare = replace(output, mask=None)
    two = replace(reference.runs[0][NODE], structure=2, outputs=(bare, bare))
    got = replace(seen["lane"], methods={NODE: {MASK: Direct(masks=(None,))}})
    assert list(method_findings(got, replace(reference, runs=({NODE: two},)), True)) == []


def test_a_lane_whose_masks_are_not_its_own_has_no_say_on_them(answers: Any) -> None:
    _, seen = answers
    got = replace(seen["lane"], methods={NODE: {MASK: Direct(masks=(None,))}})
    assert list(method_findings(got, seen[REFERENCE], gives_masks=False)) == []


def test_a_gate_says_what_a_method_says_now(answers: Any) -> None:
    old = record_of(answers).lanes["lane"]
    new = record_of(answers, compute_mask=Direct(masks=(None,)), compute_output_shape=Direct(failure=RAISED))
    found = [(move.aspect, move.node, move.old, move.new) for move in moves(old, new.lanes["lane"])]
    assert found == [
        ("methods", "compute_output_shape of embedded", "(None, None, 3)", "raises TypeError in call at embedded"),
        ("methods", "compute_mask of embedded", "11000 11100", "none"),
    ]
    assert moves(old, replace(old, methods=None)) == ()


def test_what_travels_is_read_back() -> None:
    mask = np.array([[True, False]])
    told = {"y": {SHAPE: {"shapes": [[None, 3]]}, MASK: {"masks": [pack(mask), None]}}}
    found = from_message("lane", "keras", {**Observing().as_message(), "methods": told}).methods["y"]
    assert found[SHAPE].shapes == ((None, 3),)
    assert np.array_equal(np.asarray(found[MASK].masks[0]), mask)
    assert found[MASK].masks[1] is None


@pytest.mark.frameworks
@pytest.mark.filterwarnings("ignore")
def test_keras_is_asked_and_a_method_that_lies_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keras = keras_here()
    from conformance.run import LANES

    (case,) = cases_of(POOLED, tmp_path)
    with running(LANES["keras"]) as run:
        run.announce([(case, ["keras"])])
        held = run.record(case).lanes["keras"]
        assert held.verdict == "agree"
        assert held.methods is not None
        assert held.methods[NODE][SHAPE].shapes == ((None, 5, 3),)
        assert [mask and mask.true for mask in held.methods[NODE][MASK].masks or ()] == [5]
        honest = keras.layers.Embedding.compute_mask

        def compute_mask(self: Any, inputs: Any, mask: Any = None) -> Any:
            is_asked = sys._getframe(1).f_code.co_filename.endswith("keras_methods.py")
            return None if is_asked else honest(self, inputs, mask)

        monkeypatch.setattr(keras.layers.Embedding, "compute_mask", compute_mask)
        run.announce([(case, ["keras"])])
        record = run.record(case)
    assert [(one.aspect, one.kind, one.node) for one in record.lanes["keras"].findings] == [("methods", MASK, NODE)]
