"""The page of a case as text, whole: in which order it settles an argument, what it shows of each kind of answer."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from conformance.report.blocks import Paragraph, Table
from conformance.report.text import MAX_LINES
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report import factory
from tests.report.asked import (
    answer_facts,
    axis_names,
    case_text,
    headline,
    key_label,
    lane_failure,
    page_of,
    trace_table,
)
from tests.report.factory import (
    LANE_ROWS,
    OVER,
    SHAPE,
    agreeing,
    answered,
    differing,
    expected,
    lane,
    mask,
    node,
    odd,
    record,
    step,
    wrong_shape,
)


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
          ✓ error   ✓ structure   ✓ shape   ✓ dtype   ✓ mask   ✓ special   ✓ values   ✓ invariants   ✓ gradient   ✓ weights
          ✓ params   ✓ claims   ✓ model   ✓ methods

        Lanes
          the node pooled, lane by lane:
            lane      version                           verdict  batch  steps  dtype    mask  budget
            expected  by the case                                    2     11
            numpy     the NumPy reference               agree        2     11  float32  none  the reference
            keras     Keras 3.15.1 (TensorFlow 2.21.0)  agree        2     11  float32  none  7 %
            torch     torch 2.13.0                      agree        2     11  float32  none  7 %
          Lane torch: torch, made to compute Keras' formula.

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
          $ pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first\""""  # noqa: E501 (a line of the page is as wide as its aspects)
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
        ("2026-13-45", "2026-11-21T00:00:00Z", "by 2026-13-45 (ann)"),
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


def test_where_the_reference_refuses_the_trace_is_of_the_lane_that_answers() -> None:
    found = agreeing()
    found["lanes"]["numpy"].update(steps=[], failure=factory.failure("LayerError", "refused"))
    (table,) = trace_table(found, "numpy", 0)
    assert isinstance(table, Table)
    assert table.caption.startswith("calls of keras at ")
    assert [row[3].text for row in table.rows][-1] == "numpy raised LayerError in call at pooled"
    for held in found["lanes"].values():
        held["failure"] = factory.failure("LayerError", "refused")
    (alone,) = trace_table(found, "numpy", 0)
    assert isinstance(alone, Table)
    assert len(alone.rows) == 1


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
        ({"steps": 5}, [5, 5], ["", ""]),
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


@pytest.mark.parametrize(
    ("behaviour", "headings"),
    [
        ("no_mask", ["embedded (2, 5, 3) in numpy, no_mask:"]),
        ("always_wrong", ["embedded (2, 5, 3) in numpy:", "embedded (2, 5, 3) in always_wrong:"]),
    ],
)
def test_numbers_that_are_the_same_stand_once(behaviour: str, headings: list[str], tmp_path: Any) -> None:
    """A lane that differs in its mask alone gave the same array: beside itself it would be searched for nothing."""
    (found,) = records_of(cases_of(POOLED, tmp_path), fake(behaviour))
    shown = [line.strip() for line in case_text(found, LANE_ROWS).splitlines()]
    assert [line for line in shown if line.startswith("embedded (2, 5, 3) in ")] == headings
