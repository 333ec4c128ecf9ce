"""What a report says of a lane in one line, whole: what a reader sees is what is under test."""

from __future__ import annotations

from typing import Any

import pytest

from tests.report import factory
from tests.report.asked import headline, lane_failure, verdict_text
from tests.report.factory import (
    OVER,
    agreeing,
    answered,
    differing,
    distance,
    failure,
    finding,
    lane,
    mask,
    odd,
    worst,
)


def said(found: Any, **given: Any) -> Any:
    """The headline of a lane with one finding."""
    return headline(odd("torch", differing("torch", found), **given), "torch")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            finding("shape", wanted=[2, 11], got=[2, 7], wanted_by="case"),
            "shape of pooled: torch (2, 7), expected [batch, steps] = (2, 11) by the case",
        ),
        (
            finding("shape", wanted=[2, 11], got=[2, 7, 1]),
            "shape of pooled: torch (2, 7, 1), the reference [batch, steps] = (2, 11)",
        ),
        (
            finding("shape", "symbolic", wanted=[None, 11], got=[None, 7], wanted_by="case"),
            "symbolic shape of pooled: torch (None, 7), expected (None, 11) by the case",
        ),
        (
            finding("shape", "symbolic", wanted=[None, 11], got=[2, 7], wanted_by="symbolic run"),
            "shape of pooled: torch (2, 7), its symbolic run promised (None, 11)",
        ),
        (
            finding("dtype", wanted="int32", got="int64", wanted_by="case"),
            "dtype of pooled: torch int64, expected int32 by the case",
        ),
        (finding("dtype", wanted="float32", got="float64"), "dtype of pooled: torch float64, the reference float32"),
        (
            finding("mask", wanted=mask([[1, 1, 0], [1, 0, 0]]), got=None),
            "mask of pooled: torch none, the reference (2, 3) with 3 of 6 true",
        ),
        (
            finding("mask", wanted=mask([[1, 1, 0], [1, 0, 0]]), got=mask([[1, 1, 1], [1, 0, 0]]), wanted_by="case"),
            "mask of pooled: torch (2, 3) with 4 of 6 true, expected (2, 3) with 3 of 6 true by the case; "
            "they differ at 1 of 6 positions",
        ),
        (
            finding("special", wanted=[[0, 3], 1.5], got=[[0, 3], "NaN"]),
            "special values of pooled: torch nan at [0, 3], the reference 1.5",
        ),
        (
            OVER,
            "values of pooled: torch has 12 of 22 elements over the budget around the reference, worst at [0, 3]: "
            "|0.5726 - 1.0| = 0.4274 > 3.1e-06",
        ),
        (
            finding("values", distance=distance("Infinity", 1, 1, 1.0, worst(3.0, -4.0, 0.0, [], constant=0.0)))
            | {"wanted_by": "case"},
            "values of pooled: torch has 1 of 1 elements that are not exactly those of the case, worst: "
            "|3.0 - (-4.0)| = 7 > 0",
        ),
        (
            finding("gradient", "values", "embed.embeddings", distance=OVER["distance"]),
            "gradient of embed.embeddings: torch has 12 of 22 elements over the budget around the reference, "
            "worst at [0, 3]: |0.5726 - 1.0| = 0.4274 > 3.1e-06",
        ),
        (
            finding("gradient", "missing", "input x"),
            "gradient of input x: torch has none, the reference has it",
        ),
        (
            finding("gradient", "shape", "input x", wanted=[2, 3], got=[3, 2]),
            "shape of the gradient of input x: torch (3, 2), the reference (2, 3)",
        ),
        (
            finding("gradient", "special", "input x", wanted=[[0], 1.0], got=[[0], "Infinity"]),
            "special values in the gradient of input x: torch inf at [0], the reference 1.0",
        ),
        (
            finding("error", "raised", got=failure(message="no such\naxis: 3")),
            "error: torch raised ValueError in call at pooled: no such axis: 3",
        ),
        (
            finding("error", "did_not_raise", "", wanted="build", wanted_by="case"),
            "error: torch gave an answer, the case expects an error in build",
        ),
        (
            finding(
                "error",
                "other_error",
                wanted={"phase": "any", "lanes": [], "contains": "out of range"},
                got=failure("TypeError", "bad"),
                wanted_by="case",
            ),
            "error: torch raised TypeError in call at pooled: bad; the case expects an error that says 'out of range'",
        ),
        (
            finding("error", "only_reference_raised", "", got=failure("LayerError", "id 31 has no row")),
            "error: torch gave an answer, the reference raised LayerError in call at pooled: id 31 has no row",
        ),
        (
            finding("error", "reference_lost", "", got="timeout (still running after 60 s)"),
            "error: torch gave an answer, and nothing judges it; the reference: timeout (still running after 60 s)",
        ),
        (finding("structure", "missing"), "structure: torch gave no pooled, the reference has it"),
        (
            finding("structure", wanted=[3, 3], got=[None, 1]),
            "structure of pooled: torch one array, the reference a list of 3 arrays",
        ),
        (
            finding("structure", "runs", "", wanted=3, got=1),
            "structure: torch gave 1 runs, the reference 3",
        ),
        (
            finding("weights", "weight_shape", "embed.embeddings", wanted=[30, 7], got=None, wanted_by="case"),
            "shape of weight embed.embeddings: torch does not have it, expected (30, 7) by the case",
        ),
        (
            finding("weights", "weights", "embed", got="kernel and bias are there, the reference has kernel"),
            "weights of embed: torch: kernel and bias are there, the reference has kernel",
        ),
        (
            finding("params", label="embed", wanted=210, got=217, wanted_by="case"),
            "params of embed: torch 217, expected 210 by the case",
        ),
        (
            finding("claims", "same", "pooled, mean", distance=OVER["distance"], wanted_by="claim"),
            "claim same(pooled, mean): in torch 12 of 22 elements lie further apart than the budget, "
            "worst at [0, 3]: |0.5726 - 1.0| = 0.4274 > 3.1e-06",
        ),
        (
            finding("claims", "same", "pooled, mean", wanted=[2, 11], got=[2, 7], wanted_by="claim"),
            "claim same(pooled, mean): in torch their shapes are (2, 11) and (2, 7)",
        ),
        (
            finding("claims", "same", "pooled, mean", wanted=[2, 7], got=[2, 7], wanted_by="claim"),
            "claim same(pooled, mean): in torch NaN or an infinity stands at different places",
        ),
        (
            finding("claims", "differ", "pooled, mean", wanted_by="claim"),
            "claim differ(pooled, mean): in torch they are the same",
        ),
        (finding("claims", "missing", "mean", wanted_by="claim"), "claim: torch gave no mean"),
        (
            finding("values", "bias", distance={**distance(0.5), "rms": 9.13, "mean": -8.77}),
            "values of pooled: torch's errors around the reference are small each, but not together: "
            "9.1 roundings in the root mean square, -8.8 in the mean, over 22 elements",
        ),
        (finding("structure", "hue"), "structure of pooled: torch differs from the reference"),
    ],
)
def test_a_finding_is_one_line_that_names_what_where_and_by_whom(found: Any, words: Any) -> None:
    assert said(found) == words


def test_a_finding_of_one_of_several_runs_says_which() -> None:
    sizes = [{"batch": 2, "steps": n, "dim": 7} for n in (3, 7, 10)]
    found = finding("shape", wanted=[2, 7], got=[2, 3], run=1)
    assert said(found, dims=sizes, expects={}) == (
        "shape of pooled: torch (2, 3), the reference [batch, 7] = (2, 7) (run 2 of 3: steps = 7)"
    )


def test_a_tolerance_of_the_case_is_not_called_a_budget() -> None:
    tolerance = {"rtol": 1e-5, "atol": 1e-6, "reason": "a table of four digits"}
    found = finding("values", distance=distance(9.0, 1, 4, 1e-3, worst(1.001, 1.0, 1.1e-5, constant=1e-5, floor=1e-6)))
    torn = odd("torch", differing("torch", found), tolerance=tolerance)
    assert headline(torn, "torch") == (
        "values of pooled: torch has 1 of 4 elements over the tolerance around the reference, worst at [0, 3]: "
        "|1.001 - 1.0| = 0.001 > 1.1e-05"
    )
    assert "atol + rtol |ref| with rtol = 1e-05, atol = 1e-06: a table of four digits" in lane_failure(torn, "torch")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (answered("torch"), "agree: torch, 7 % of the budget"),
        (lane(verdict="unsupported", reason="there is no port"), "unsupported: torch: there is no port"),
        (lane(verdict="timeout", reason="no answer within 60 s"), "timeout: torch: no answer within 60 s"),
        (lane(verdict="crash", reason="the process died (SIGABRT)"), "crash: torch: the process died (SIGABRT)"),
        (lane(verdict="crash"), "crash: torch: no reason given"),
        (
            lane(failure=failure("IndexError", "out of range"), aspects={"error": "agree"}),
            "agree: torch raised IndexError in call at pooled: out of range, as the case expects",
        ),
        (
            {**differing("torch", factory.SHAPE, verdict="known"), "deviation": factory.deviation("D-1")},
            "known: shape of pooled: torch (2, 7), expected [batch, steps] = (2, 11) by the case (deviation D-1)",
        ),
        (
            {**answered("torch"), "verdict": "stale", "deviation": factory.deviation("D-1")},
            "stale: torch agrees, but the deviation D-1 says that it differs",
        ),
    ],
)
def test_a_verdict_without_findings_is_a_line_too(held: Any, words: Any) -> None:
    assert verdict_text(odd("torch", held), "torch") == words


def test_the_reference_is_named_as_such() -> None:
    assert headline(agreeing(), "numpy") == "agree: numpy is the reference"


def test_where_nothing_is_judged_no_element_is_shown() -> None:
    nothing = finding("values", "nothing_judged")
    text = lane_failure(odd("torch", differing("torch", nothing), nothing), "torch")
    assert "torch  (2, 11)" in text
