"""Every message of the report, whole: what a reader sees is what is under test."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from conformance.report.blocks import Paragraph, Table
from conformance.report.facts import answer_facts, axis_names, key_label
from conformance.report.findings import attribution, verdict_text
from conformance.report.page import page_of
from conformance.report.text import MAX_LINES, case_text, headline, lane_failure
from conformance.report.trace import trace_table
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report import factory
from tests.report.factory import (
    LANE_ROWS,
    OVER,
    SHAPE,
    agreeing,
    answered,
    differing,
    distance,
    expected,
    failure,
    finding,
    lane,
    mask,
    node,
    odd,
    pair,
    record,
    step,
    worst,
    wrong_shape,
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
            "claim same(pooled, mean): in torch NaN stands at different places",
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
        (finding("colour", "hue"), "colour of pooled: torch differs from the reference"),
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
            {**differing("torch", factory.SHAPE, verdict="known"), "deviation": {"id": "D-1"}},
            "known: shape of pooled: torch (2, 7), expected [batch, steps] = (2, 11) by the case (deviation D-1)",
        ),
        (
            {**answered("torch"), "verdict": "stale", "deviation": {"id": "D-1"}},
            "stale: torch agrees, but the deviation D-1 says that it differs",
        ),
    ],
)
def test_a_verdict_without_findings_is_a_line_too(held: Any, words: Any) -> None:
    assert verdict_text(odd("torch", held), "torch") == words


def test_the_reference_is_named_as_such() -> None:
    assert headline(agreeing(), "numpy") == "agree: numpy is the reference"


def test_a_wrong_shape_whole() -> None:
    assert lane_failure(wrong_shape(), "torch") == dedent(
        """\
        shape of pooled: torch (2, 7), expected [batch, steps] = (2, 11) by the case

          question  One number per word, or one vector per sentence?
          case      cases/pooling/global_average.case.yaml:14
          answers   expected  [batch, steps] = (2, 11)  by the case
                    numpy     (2, 11)                   agree
                    keras     (2, 11)                   agree
                    torch     (2, 7)                    differ
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 7)   the mean over the 7 of the last axis
          so        torch stands alone: numpy and keras agree with each other
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[torch]\""""
    )


def test_values_over_the_budget_whole() -> None:
    held = differing("torch", OVER, pooled={"values": [[0.5726] * 11] * 2, "distance": OVER["distance"]})
    held["explanation"] = "torch answers as one who averages over the other axis (GlobalAveragePooling1D.wrong_axis)."
    assert lane_failure(odd("torch", held, OVER), "torch") == dedent(
        """\
        values of pooled: torch has 12 of 22 elements over the budget around the reference, worst at [0, 3]: \
|0.5726 - 1.0| = 0.4274 > 3.1e-06

          question  One number per word, or one vector per sentence?
          case      cases/pooling/global_average.case.yaml:14
          answers   numpy  0.75 at [0, 3]                              agree
                    keras  0.75 at [0, 3], 7 % of the budget           agree
                    torch  0.5726 at [0, 3], 137,871 times the budget  differ
          allowed   |0.5726 - 1.0| = 0.4274 > 3.1e-06 at [0, 3]; 137,871 times the budget
                    C (S + u |ref|) + floor with C = 9.414, S = 2.1e-07, u = 2^-24, floor = 2.4e-07
          because   torch answers as one who averages over the other axis (GlobalAveragePooling1D.wrong_axis).
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 11)   the mean over the 7 of the last axis
          so        torch stands alone: numpy and keras agree with each other
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[torch]\""""
    )


def test_an_error_whole() -> None:
    raised = failure("InvalidArgumentError", "Incompatible shapes\n[2,11] vs. [2,7]")
    found = finding("error", "raised", got=raised)
    held = lane(verdict="error", failure=raised, findings=[found], chatter="a warning\nthe last line that it printed\n")
    assert lane_failure(odd("keras", held, found), "keras") == dedent(
        """\
        error: keras raised InvalidArgumentError in call at pooled: Incompatible shapes [2,11] vs. [2,7]

          question  One number per word, or one vector per sentence?
          case      cases/pooling/global_average.case.yaml:14
          answers   numpy  (2, 11)                                                                   agree
                    keras  raised InvalidArgumentError in call at pooled: Incompatible shapes [2,1…  error
                    torch  (2, 11)                                                                   agree
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 11)   the mean over the 7 of the last axis
                    pooled            raised InvalidArgumentError in call
          printed   the last line that it printed
          so        keras stands alone: numpy and torch agree with each other
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[keras]\""""
    )


@pytest.mark.parametrize(
    ("verdict", "reason"), [("timeout", "no answer within 60 s"), ("crash", "the lane's process died (SIGABRT)")]
)
def test_a_lost_lane_says_how_and_how_to_run_it_again(verdict: Any, reason: Any) -> None:
    text = lane_failure(odd("keras", lane(verdict=verdict, reason=reason, chatter="Fatal Python error")), "keras")
    assert text.splitlines()[0] == f"{verdict}: keras: {reason}"
    assert "printed   Fatal Python error" in text
    assert text.splitlines()[-1].endswith('global_average.channels_first[keras]"')


def test_a_failure_never_takes_more_than_its_lines_and_keeps_verdict_and_command() -> None:
    lanes = {f"lane{index}": answered("torch") for index in range(20)}
    many = [factory.step(f"n{index}", "f", [[2, 11]], [2, 11], "a rule " * 40) for index in range(60)]
    findings = [OVER, *(finding("values", label=f"n{index}", distance=OVER["distance"]) for index in range(19))]
    raised = failure(message="line\n" * 500)
    held = lane(
        verdict="differ", findings=findings, failure=raised, steps=many, findings_left_out=40, chatter="x\n" * 99
    )
    held["explanation"] = "because " * 400
    torn = record({**lanes, "torch": held, "numpy": answered("numpy")}, question="why? " * 500, odd_one_out="torch")
    lines = lane_failure(torn, "torch").splitlines()
    assert len(lines) <= MAX_LINES
    assert lines[0].startswith("values of pooled: torch has 12 of 22")
    assert lines[-1].startswith("  again     pytest ")
    assert any("and 16 more lanes" in line for line in lines)
    assert any("also      values of n0, n1, n2, n3, n4, n5 and 53 more" in line for line in lines)
    assert max(len(line) for line in lines) < 420


def test_hostile_text_cannot_reach_the_terminal() -> None:
    hostile = "\x1b[2J\x1b]0;owned\x07 a\u202eb\x00"
    held = lane(verdict="error", failure=failure(hostile, hostile, label=hostile), findings=[], chatter=hostile)
    held["findings"] = [finding("error", "raised", hostile, got=held["failure"])]
    torn = odd(
        "torch", held, question=hostile, remark=hostile, path=hostile, text=hostile, id=hostile, layers=[hostile]
    )
    for text in (headline(torn, "torch"), lane_failure(torn, "torch"), case_text(torn, LANE_ROWS)):
        assert not set(text) & set("\x1b\x07\x00\u202e")
        assert "\\x1b]0;owned\\x07" in text


@pytest.mark.parametrize(
    ("torn", "words"),
    [
        (
            odd("numpy", answered("numpy")),
            "keras and torch agree with each other, the reference differs: suspect the reference",
        ),
        (wrong_shape(), "torch stands alone: numpy and keras agree with each other"),
        (
            record(
                {name: differing(name, factory.SHAPE) for name in ("keras", "torch", "numpy")},
                pairs=[pair("numpy", "keras"), pair("numpy", "torch"), pair("keras", "torch")],
            ),
            "all lanes give the same answer: suspect what the case expects",
        ),
        (
            record(
                {"keras": differing("keras", factory.SHAPE), "torch": answered("torch"), "numpy": answered("numpy")},
                pairs=[pair("numpy", "keras"), pair("numpy", "torch"), pair("keras", "torch")],
            ),
            "the lanes agree with each other; the difference is to what the case expects",
        ),
        (
            record(
                {name: differing(name, OVER) for name in ("keras", "torch")} | {"numpy": answered("numpy")},
                pairs=[
                    pair(*names, OVER, 9.0) for names in (("numpy", "keras"), ("numpy", "torch"), ("keras", "torch"))
                ],
            ),
            "no two lanes agree",
        ),
        (agreeing(), ""),
    ],
)
def test_what_follows_from_who_agrees_with_whom(torn: Any, words: Any) -> None:
    assert attribution(torn) == words


def test_the_page_of_a_passing_case_as_text() -> None:
    assert case_text(agreeing(remark="A remark."), LANE_ROWS) == dedent(
        """\
        ✓ AGREE  pooling/global_average.channels_first
        Embedding, GlobalAveragePooling1D; question 5; tags pooling

        Question
          One number per word, or one vector per sentence?

        Answer
          One per word: (2, 11).
          So say Keras 3.15.1 (TensorFlow 2.21.0), torch 2.13.0 and the NumPy reference.
          A remark.

        Aspects
          ✓ error   ✓ structure   ✓ shape   ✓ dtype   ✓ mask   ✓ special   ✓ values   ✓ gradient   ✓ weights   ✓ params
          ✓ claims

        Lanes
          the node pooled, lane by lane:
            lane      version                           verdict  batch  steps  dtype    mask  budget
            expected  by the case                                    2     11
            numpy     the NumPy reference               agree        2     11  float32  none  the reference
            keras     Keras 3.15.1 (TensorFlow 2.21.0)  agree        2     11  float32  none  7 %
            torch     torch 2.13.0                      agree        2     11  float32  none  7 %

        Nodes
          every node:
            node      shape                       symbolic    dtype    mask  judged by   lanes
            embedded  (batch 2, steps 11, dim 7)              float32  none  the budget  7 % of the budget
            pooled    (batch 2, steps 11)         (None, 11)  float32  none  the budget  7 % of the budget

        Steps
          calls of numpy at batch = 2, steps = 11, dim = 7:
            node      layer  in                          out                         symbolic    rule
            embedded  embed  (batch 2, steps 11)         (batch 2, steps 11, dim 7)              each of the 22 ids \
becomes a row of 7 numbers
            pooled    pool   (batch 2, steps 11, dim 7)  (batch 2, steps 11)         (None, 11)  the mean over the 7 \
of the last axis

        Agreement
          largest difference of every two lanes, and its share of the budget:
                   numpy                  keras
            keras  2e-07, 7 %; none over
            torch  2e-07, 7 %; none over  0, exact

        Values
          pooled (2, 11) in numpy:
                     0      1     2      3  4     5    6     7  8     9   10
            [0, :]   0   0.25   0.5   0.75  1  1.25  1.5  1.75  2  2.25  2.5
            [1, :]  -1  -0.75  -0.5  -0.25  0  0.25  0.5  0.75  1  1.25  1.5

        Weights
          weights in Keras' layout; parameters: embed 210:
            layer  weight      shape
            embed  embeddings  (30, 7)
          the same numbers as torch holds them:
            layer  weight  shape    made from Keras'
            embed  weight  (30, 7)  embeddings

        Source
          documentation; keras.io/api/layers

        Check it yourself
          A script with the arrays inside, without this harness; it ends with 0 where it gives what stands here.
          $ conformance repro "pooling/global_average.channels_first" --lane keras
          $ conformance repro "pooling/global_average.channels_first" --lane torch
          $ conformance repro "pooling/global_average.channels_first" --lane numpy

        Case file
            id: channels_first
            question: One number per word?
          $ pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first\""""
    )


def test_the_page_of_a_failing_case_shows_what_differs() -> None:
    text = case_text(wrong_shape(), LANE_ROWS)
    assert text.startswith("✗ DIFFER  pooling/global_average.channels_first\n")
    assert "✗ shape: torch differs" in text
    assert "✗ 7, not 11" in text
    assert "calls of torch at batch = 2, steps = 11, dim = 7:" in text
    assert "✗ differ in shape" in text


def test_ten_worst_elements_and_masks_are_on_the_page() -> None:
    rows = [
        {"index": [0, column], "got": 0.5, "reference": 1.0, "error": 0.5, "allowed": 1e-6, "used": 500_000.0}
        for column in range(3)
    ]
    held = differing(
        "keras", OVER, pooled={"distance": OVER["distance"], "worst": rows, "mask": mask([[1, 1], [1, 0]])}
    )
    other = odd("keras", held, OVER)
    other["lanes"]["numpy"]["runs"][0]["pooled"]["mask"] = mask([[1, 0], [1, 0]])
    other["lanes"]["torch"]["runs"][0]["pooled"]["mask"] = mask([[0, 0], [1, 0]])
    text = case_text(other, LANE_ROWS)
    assert "keras, pooled at [0, 3]: |0.5726 - 1.0| = 0.4274 > 3.1e-06 = C (S + u |ref|) + floor with C = 9.414" in text
    assert "the worst elements of pooled in keras:" in text
    assert text.count("500,000 times") == 3
    assert "mask of pooled in numpy:" in text
    assert text.splitlines()[text.splitlines().index("  mask of pooled in keras:") :][1:4] == [
        "            0    1",
        "    [0, :]  1  ✗ 1",
        "    [1, :]  1    0",
    ]
    assert "mask of pooled in torch" not in text  # it has none of its own
    assert "(2, 2) with 1 of 4 true, carried" in text


def test_large_arrays_are_told_in_five_numbers() -> None:
    lanes = {name: answered(name, values=None) for name in ("keras", "torch", "numpy")}
    text = case_text(record(lanes), LANE_ROWS)
    assert "pooled in five numbers:" in text
    assert "-1.5" in text
    assert "2.25" in text


def test_scalars_empty_arrays_and_long_axes_have_grids() -> None:
    for shape, values, words in (
        ([], 2.5, "2.5"),
        ([2, 0], [[], []], "no elements"),
        ([30], [float(i) for i in range(30)], "[29]     29"),
        ([2, 1, 2], [[[1.0, 2.0]], [[3.0, 4.0]]], "[1, 0, :]  3  4"),
    ):
        lanes = {name: lane({"y": factory.node(shape, values=values)}) for name in ("keras", "numpy")}
        assert words in case_text(record(lanes, expects={"nodes": {"y": expected()}}), LANE_ROWS)


@pytest.mark.parametrize(
    ("behaviour", "start"),
    [
        (
            "always_wrong",
            "values of embedded: always_wrong has 30 of 30 elements that are not exactly those of",
        ),
        ("wrong_shape", "shape of embedded: wrong_shape (2, 5, 3, 1), the reference [batch, steps, dim] = (2, 5, 3)"),
        ("wrong_dtype", "dtype of embedded: wrong_dtype float16, the reference float32"),
        ("no_mask", "mask of embedded: no_mask none, the reference (2, 5) with 5 of 10 true"),
        ("gives_nan", "special values of embedded: gives_nan nan at [0, 0, 0], the reference "),
    ],
)
def test_records_of_a_real_run_are_told_the_same_way(behaviour: Any, start: Any, tmp_path: Any) -> None:
    (found,) = records_of(cases_of(POOLED, tmp_path), fake(behaviour))
    assert headline(found, behaviour).startswith(start)
    text = lane_failure(found, behaviour)
    assert len(text.splitlines()) <= MAX_LINES
    assert case_text(found, []).startswith("✗ DIFFER  fam/topic.masked")


@pytest.mark.parametrize(
    ("expires", "started", "words"),
    [
        ("2027-05-01", "2026-11-21T22:00:00Z", "by 2027-05-01, 161 days after this run (ann)"),
        ("2026-11-22", "2026-11-21T23:59:59Z", "by 2026-11-22, 1 day after this run (ann)"),
        ("2026-11-21", "2026-11-21T00:00:00Z", "by 2026-11-21, 0 days after this run (ann)"),
        ("2026-11-11", "2026-11-21T00:00:00Z", "by 2026-11-11, 10 days before this run: it has expired (ann)"),
        ("soon", "2026-11-21T00:00:00Z", "by soon (ann)"),
        ("2027-05-01", "", "by 2027-05-01 (ann)"),
    ],
)
def test_a_deviation_says_how_many_days_it_had_left(expires: str, started: str, words: str) -> None:
    about = {
        "id": "other-axis",
        "kind": "upstream",
        "reason": "r",
        "link": "",
        "owner": "ann",
        "position": "d.yaml:3:5",
    }
    held = {**differing("torch", SHAPE), "verdict": "known", "deviation": {**about, "expires": expires}}
    page = page_of(odd("torch", held, outcome="known"), LANE_ROWS, started=started)
    shown = [block.text for section in page.sections for block in section.blocks if isinstance(block, Paragraph)]
    assert f"To be looked at again {words}; listed in d.yaml:3:5" in "\n".join(shown)


def test_the_trace_has_the_symbolic_shapes_of_a_step_that_gives_several() -> None:
    found = agreeing()
    for name, symbolic in (("keras", [None, 4]), ("numpy", None)):
        held = found["lanes"][name]
        held["runs"][0] |= {f"out[{index}]": node([2, 4], symbolic=symbolic) for index in range(2)}
        held["steps"] = [step("out", "lstm", [[2, 11, 7]], [[2, 4], [2, 4]])]
    (table,) = trace_table(found, "numpy", 0)
    assert isinstance(table, Table)
    assert [cell.text for cell in table.rows[0]][-1] == "[(None, 4), (None, 4)]"


def test_a_call_whose_output_has_another_shape_than_the_references_is_marked() -> None:
    (table,) = trace_table(wrong_shape(), "torch", 0)
    assert isinstance(table, Table)
    assert [row[3].mark for row in table.rows] == ["", "differ"]
    (table,) = trace_table(wrong_shape(), "keras", 0)
    assert isinstance(table, Table)
    assert [row[3].mark for row in table.rows] == ["", ""]


def test_a_page_is_about_what_its_answer_speaks_of() -> None:
    found = agreeing(answer="{embedded.shape} and {pooled.values}, not {{pooled.mask}}")
    assert answer_facts(found) == [("embedded", "shape"), ("pooled", "values")]
    assert key_label(found) == "embedded"
    assert key_label({**found, "answer": "nothing"}) == "pooled"  # the case states its shape
    assert key_label({**found, "answer": "", "expects": {**found["expects"], "nodes": {}}}) == "pooled"  # the last
    assert key_label({**found, "answer": "{gone.shape}"}) == "pooled"
    text = case_text(found, LANE_ROWS)
    assert "the node embedded, lane by lane:" in text
    assert "pooled (2, 11) in numpy:" in text


@pytest.mark.parametrize(
    ("sizes", "shape", "names"),
    [
        ({"batch": 2, "steps": 3, "dim": 2}, [2, 3, 2], ["batch", "steps", "dim"]),
        ({"batch": 1, "steps": 4}, [1, 4, 1], ["batch", "steps", ""]),
        ({"batch": 1, "steps": 5, "dim": 1}, [1, 5, 1], ["batch", "steps", "dim"]),
        ({"batch": 2, "steps": 5, "units": 5}, [2, 5], ["batch", ""]),
        ({"batch": 2, "steps": 5}, [5, 2], ["steps", ""]),
        ({"steps": 5}, [5, 5], ["steps", "steps"]),
        ({"batch": 2}, [None, 2], ["", ""]),
        ({}, [], []),
    ],
)
def test_the_first_axis_alone_is_the_batch(sizes: Any, shape: Any, names: list[str]) -> None:
    assert axis_names(agreeing(dims=[sizes]), shape, 0) == names


def test_torch_does_not_say_what_the_mask_is() -> None:
    found = agreeing(answer="The mask of all words.")
    assert "So say Keras 3.15.1 (TensorFlow 2.21.0), torch 2.13.0 and the NumPy reference." in case_text(
        found, LANE_ROWS
    )
    found = agreeing(answer="{pooled.mask}")
    assert "So say Keras 3.15.1 (TensorFlow 2.21.0) and the NumPy" in case_text(found, LANE_ROWS)
