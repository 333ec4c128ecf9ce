from __future__ import annotations

from typing import Any

import pytest

from tests.report import factory
from tests.report.asked import answer, lane_title
from tests.report.factory import (
    LANE_ROWS,
    agreeing,
    answered,
    differing,
    failure,
    lane,
    mask,
    node,
    odd,
    record,
    wrong_shape,
)

EVERYBODY = "Keras 3.15.1 (TensorFlow 2.21.0), torch 2.13.0 and the NumPy reference"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{pooled.shape}", "(2, 11)"),
        ("{pooled.symbolic}", "(None, 11)"),
        ("{pooled.dtype}", "float32"),
        ("{pooled.mask}", "none"),
        ("{params.embed}", "210"),
        ("{weights.embed.embeddings}", "(30, 7)"),
        ("in {versions}", f"in {EVERYBODY}"),
        (
            "torch has no masks: {pooled.mask} in {versions}",
            "torch has no masks: none in Keras 3.15.1 (TensorFlow 2.21.0) and the NumPy reference",
        ),
        ("{{braces}} stay: {pooled.shape}", "{braces} stay: (2, 11)"),
        ("a plain sentence", "a plain sentence"),
        ("two\n  lines", "two lines"),
    ],
)
def test_a_template_is_filled_from_facts(template: Any, words: Any) -> None:
    assert answer(agreeing(answer=template), LANE_ROWS) == words


def test_small_arrays_and_masks_are_written_out() -> None:
    held = {
        name: lane({"y": node([2, 2], values=[[20.0, 0.1], [-1e-9, "NaN"]], mask=mask([[1, 1], [0, 1]]))})
        for name in ("keras", "numpy")
    }
    found = record(held, answer="{y.values} with {y.mask}")
    assert answer(found, LANE_ROWS) == "[[20, 0.1], [-1e-09, nan]] with [[1, 1], [0, 1]]"


def test_an_array_that_was_not_kept_is_told_by_its_range() -> None:
    found = record({"numpy": lane({"y": node([500])})}, answer="{y.values}")
    assert answer(found, LANE_ROWS) == "(500,) numbers from -1.5 to 2.25"


def test_a_list_of_outputs_is_reached_by_index() -> None:
    held = {name: lane({"state[0]": node([2, 4]), "state[1]": node([2, 5])}) for name in ("keras", "numpy")}
    assert answer(record(held, answer="{state[1].shape}"), LANE_ROWS) == "(2, 5)"


def test_a_fact_of_several_runs_is_given_once_where_it_stays_the_same() -> None:
    runs = [{"x": node([2, steps, 7]), "y": node([2, 7])} for steps in (3, 7, 10)]
    sizes = [{"batch": 2, "steps": steps, "dim": 7} for steps in (3, 7, 10)]
    found = record({"numpy": lane(*runs)}, dims=sizes, answer="{x.shape} give {y.shape}")
    assert answer(found, LANE_ROWS) == "(2, 3, 7), (2, 7, 7) and (2, 10, 7) give (2, 7)"


def test_an_expected_error_is_a_fact() -> None:
    raised = lane(failure=failure("ValueError", "too long", "build"), aspects={"error": "agree"})
    found = record({"keras": raised, "numpy": answered("numpy")}, answer="Keras: {error.keras}; else {pooled.shape}.")
    assert answer(found, LANE_ROWS) == "Keras: ValueError in build at pooled; else (2, 11)."


@pytest.mark.parametrize("template", ["{gone.shape}", "{error.torch}", "{params.gone}", "{weights.embed.gone}", "{x"])
def test_a_template_without_its_facts_gives_way_to_the_facts(template: Any) -> None:
    assert answer(agreeing(answer=f"A claim: {template}."), LANE_ROWS) == (
        f"{EVERYBODY} agree: pooled has shape [batch, steps] = (2, 11) (the mean over the 7 of the last axis)."
    )


def test_a_case_without_a_template_is_answered_from_facts() -> None:
    assert answer(agreeing(answer=""), LANE_ROWS).startswith(f"{EVERYBODY} agree: pooled has shape")


def test_lanes_that_raise_and_lanes_that_answer_are_told_apart() -> None:
    raised = lane(failure=failure("ValueError", "a sequence too short.", "build"), aspects={"error": "agree"})
    found = record({"keras": raised, "numpy": answered("numpy")})
    assert answer(found, LANE_ROWS) == (
        "Keras 3.15.1 (TensorFlow 2.21.0) raised ValueError in build at pooled: a sequence too short. "
        "The NumPy reference gives: embedded has shape [batch, steps, dim] = (2, 11, 7) "
        "(each of the 22 ids becomes a row of 7 numbers); "
        "pooled has shape [batch, steps] = (2, 11) (the mean over the 7 of the last axis)."
    )


def test_where_all_that_can_do_the_case_refuse_it_the_others_are_said_to_be_unable() -> None:
    raised = lane(verdict="error", failure=failure("ValueError", "strides and dilation.", "build"), aspects={})
    unable = lane(verdict="unsupported", reason="it gets no weights")
    found = record({"keras": raised, "torch": unable, "numpy": raised}, expects_error=False)
    said = answer(found, LANE_ROWS)
    assert said.startswith("No lane gives an answer. Keras 3.15.1 (TensorFlow 2.21.0) raised ValueError in build")
    assert "torch 2.13.0 cannot do this (it gets no weights)." in said
    assert "suspect" not in said


def test_where_a_lane_fails_the_template_is_not_repeated() -> None:
    found = wrong_shape(answer="All agree on {pooled.shape}.")
    assert answer(found, LANE_ROWS) == (
        "Not settled: shape of pooled: torch (2, 7), expected [batch, steps] = (2, 11) by the case. "
        f"Torch stands alone: numpy and keras agree with each other. With {EVERYBODY}."
    )


def test_several_failing_lanes_are_all_named() -> None:
    lanes = {name: differing(name, factory.SHAPE) for name in ("keras", "torch")} | {"numpy": answered("numpy")}
    assert answer(record(lanes), LANE_ROWS) == (
        "Not settled: shape of pooled: keras (2, 7), expected [batch, steps] = (2, 11) by the case. "
        f"Torch fails too. With {EVERYBODY}."
    )


@pytest.mark.parametrize(("state", "words"), [("agree", " Torch agrees with the reference."), ("-", "")])
def test_a_lane_agrees_only_in_what_was_judged(state: Any, words: Any) -> None:
    found = factory.finding("mask", wanted=mask([[1, 0]]), got=None)
    torch = {**answered("torch"), "aspects": {**answered("torch")["aspects"], "mask": state}}
    lanes = {"keras": differing("keras", found), "torch": torch, "numpy": answered("numpy")}
    start = "Not settled: mask of pooled: keras none, the reference (1, 2) with 1 of 2 true."
    assert answer(record(lanes), LANE_ROWS) == f"{start}{words} With {EVERYBODY}."


def test_a_known_deviation_is_said_beside_the_answer() -> None:
    held = {**differing("torch", factory.SHAPE, verdict="known"), "deviation": factory.deviation("D-1")}
    found = odd("torch", held, outcome="known", answer="It is {pooled.shape} in {versions}.")
    assert answer(found, LANE_ROWS) == (
        "It is (2, 11) in Keras 3.15.1 (TensorFlow 2.21.0) and the NumPy reference. "
        "Torch differs, a known deviation (D-1)."
    )


def test_a_case_that_only_the_reference_can_do_claims_no_more() -> None:
    lanes = {
        "torch": lane(verdict="unsupported", reason="there is no nn.GRU with reset_after=False"),
        "numpy": answered("numpy"),
    }
    assert answer(record(lanes, answer="{pooled.shape}"), LANE_ROWS) == (
        "Only the NumPy reference answers: torch 2.13.0 cannot do this (there is no nn.GRU with reset_after=False)."
    )


def test_two_lanes_of_one_version_keep_their_names() -> None:
    rows = [*LANE_ROWS, {**LANE_ROWS[1], "name": "torch-compiled"}]
    lanes = {name: answered("torch") for name in ("torch", "torch-compiled")} | {"numpy": answered("numpy")}
    found = record(lanes, answer="{versions}")
    assert answer(found, rows) == "torch 2.13.0 [torch], torch 2.13.0 [torch-compiled] and the NumPy reference"


def test_a_lane_is_named_by_what_it_proved_to_be() -> None:
    row = {**factory.LANE_ROWS[1], "versions": {"torch": "2.13.0+cpu", "numpy": "2.4", "python": "3.11"}}
    assert lane_title(row) == "torch 2.13.0"
    assert lane_title({**row, "versions": {}}) == "torch"


CLAIMED = {"nodes": {}, "claims": [{"kind": "same", "nodes": ["pooled", "mean"]}]}


def with_claim(**differs: Any) -> Any:
    """A case that claims two nodes to be the same; torch gives what is said of them, and another mask beside."""
    held = differing("torch", factory.finding("mask", node="embedded", wanted=None, got=None))
    lanes = {"keras": answered("keras"), "torch": held, "numpy": answered("numpy")}
    for found in lanes.values():
        nodes = found["runs"][0]
        nodes["pooled"] = {**nodes["pooled"], "shape": [2], "values": [1.0, 2.0], "axes": ["batch"]}
        nodes["mean"] = {**nodes["pooled"]}
    for name, values in differs.items():
        lanes[name]["runs"][0]["mean"]["values"] = values
    return record(lanes, expects={**record(lanes)["expects"], **CLAIMED}, answer="")


def test_a_side_aspect_does_not_decide_what_the_claims_ask() -> None:
    said = answer(with_claim(), LANE_ROWS)
    assert said.startswith("Pooled and mean are the same, in every lane. Beside the question, not settled: mask of ")


def test_a_claim_that_does_not_hold_in_a_lane_settles_nothing() -> None:
    assert answer(with_claim(torch=[1.0, 2.5]), LANE_ROWS).startswith("Not settled: mask of ")


def test_an_answer_without_a_template_names_the_claims_first() -> None:
    found = with_claim()
    found["lanes"]["torch"] = found["lanes"]["keras"]
    assert answer({**found, "outcome": "agree"}, LANE_ROWS).startswith(
        f"{EVERYBODY} agree: pooled and mean are the same; pooled has shape "
    )
