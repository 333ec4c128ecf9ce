"""Weights that a side holds otherwise than the case names them: an answer about weights, never an error of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.gate.answers import ending_words, moves
from conformance.gate.diff import diff
from conformance.gate.rows import Row, Section
from conformance.gate.words import effect, told
from conformance.judge.verdict import Verdict
from conformance.record.lane import LaneRecord
from conformance.record.parts import FailureRecord, OtherWeightRecord
from conformance.record.run import Results
from tests.gate.builders import CASE, results_of
from tests.typed import as_record

TRANSPOSED = FailureRecord(
    "weights",
    "WeightMismatch",
    "norm.gamma has shape (7, 4) in Keras, (4, 7) in the reference",
    "y",
    weight=OtherWeightRecord("norm", "gamma", (7, 4), (4, 7)),
)
UNKNOWN = FailureRecord(
    "weights",
    "WeightMismatch",
    "norm has weights that the reference does not know: moving_mean",
    "y",
    weight=OtherWeightRecord("norm", "", None, None),
)
RAISED = FailureRecord("build", "ValueError", "axis", "y")
HELD = {"norm": {"gamma": (4, 7), "beta": (4, 7)}}


def side(failure: FailureRecord | None) -> Results:
    """A run whose lane holds the case's weights, or ended so."""
    results: Results = as_record(results_of())
    record = next(record for record in results.cases if record.id == CASE)
    lane = record.lanes["lane"]
    verdict = Verdict.DIFFER if failure else Verdict.AGREE
    held: LaneRecord = replace(lane, failure=failure, verdict=verdict, weights={} if failure else HELD)
    return replace(results, cases=(replace(record, lanes={**record.lanes, "lane": held}),))


def row(old: FailureRecord | None, new: FailureRecord | None) -> Row:
    (found,) = diff(side(old), side(new), [("lane", "lane")]).rows
    return found


def test_a_weight_of_another_shape_is_wrong_now_and_named_with_both_shapes() -> None:
    found = row(None, TRANSPOSED)
    assert found.section is Section.WRONG
    assert told(found) == "wrong weights of norm: gamma (4, 7) -> gamma (7, 4)"


def test_the_same_read_backwards_is_right_now() -> None:
    found = row(TRANSPOSED, None)
    assert found.section is Section.RIGHT
    assert told(found) == "right weights of norm: gamma (7, 4) -> gamma (4, 7)"


def test_weights_that_the_reference_does_not_know_are_told_beside_all_that_it_names() -> None:
    assert told(row(None, UNKNOWN)) == (
        "wrong weights of norm: gamma (4, 7), beta (4, 7) -> "
        "norm has weights that the reference does not know: moving_mean"
    )


def test_an_error_of_the_framework_stays_one() -> None:
    assert row(TRANSPOSED, RAISED).section is Section.REFUSES
    found = row(RAISED, TRANSPOSED)
    assert found.section is Section.ANSWERS
    assert effect(found) == "a wrong answer where there was an error"


def test_the_same_other_weights_are_no_move() -> None:
    assert row(TRANSPOSED, TRANSPOSED).section is Section.UNCHANGED


@pytest.mark.parametrize("failure", [TRANSPOSED, UNKNOWN])
def test_no_words_name_an_error_of_the_harness(failure: FailureRecord) -> None:
    old, new = (side(one).cases[0].lanes["lane"] for one in (RAISED, failure))
    words = [ending_words(new), *(word for move in moves(old, new) for word in (move.old, move.new))]
    assert not any("WeightMismatch" in word for word in words)
