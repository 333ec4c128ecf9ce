"""What a diff says of two runs: every fake lands in the section that it is named for, and nothing is netted out."""

from __future__ import annotations

import pytest

from conformance.errors import UsageError
from conformance.gate.diff import Diff, Row, Section
from tests.builders import POOLED
from tests.gate.asked import diff
from tests.gate.builders import CASE, OTHER, TWO, results_of


def only_row(found: Diff, section: Section) -> Row:
    (row,) = found.section(section)
    return row


def test_the_same_answers_are_unchanged() -> None:
    found = diff(results_of(), results_of())
    assert found.counts()[Section.UNCHANGED] == 2
    assert found.moved == ()


def test_one_rounding_is_not_an_answer_that_changed() -> None:
    means_only = TWO.replace("embedded", "_embedded")  # the rows of a table are exact: there a rounding is a change
    found = diff(results_of(text=means_only), results_of("off_by_one_ulp", text=means_only))
    assert found.counts()[Section.UNCHANGED] == 2


@pytest.mark.parametrize(
    ("behaviour", "aspect", "old", "new"),
    [
        ("wrong_shape", "shape", "(2, 5, 3)", "(2, 5, 3, 1)"),
        ("wrong_dtype", "dtype", "float32", "float16"),
        ("no_mask", "mask", "11000 11100", "none"),
        ("raises", "error", "pooled (2, 3)", "raises RuntimeError in call: this lane always raises"),
    ],
)
def test_a_wrong_answer_is_a_regression_with_both_answers(behaviour: str, aspect: str, old: str, new: str) -> None:
    row = only_row(diff(results_of(), results_of(behaviour, only=CASE)), Section.REGRESSIONS)
    assert (row.case, row.aspect, row.moved) == (CASE, aspect, ("behaviour",))
    assert row.old is not None
    assert row.new is not None
    assert (row.old.answer, row.new.answer) == (old, new)


def test_the_same_read_backwards_is_fixed() -> None:
    row = only_row(diff(results_of("no_mask", only=CASE), results_of()), Section.FIXED)
    assert (row.aspect, row.old and row.old.answer, row.new and row.new.answer) == ("mask", "none", "11000 11100")


def test_wrong_in_another_way_is_an_answer_that_changed() -> None:
    found = diff(results_of("no_mask", only=CASE), results_of("inverted_mask", only=CASE))
    row = only_row(found, Section.CHANGED)
    assert (row.aspect, row.old and row.old.answer, row.new and row.new.answer) == ("mask", "none", "00111 00011")


def test_wrong_in_the_same_way_is_unchanged() -> None:
    found = diff(results_of("always_wrong"), results_of("always_wrong"))
    assert found.counts()[Section.UNCHANGED] == 2


def test_a_swap_is_two_rows_and_not_none() -> None:
    found = diff(results_of("no_mask", only=CASE), results_of("no_mask", only=OTHER))
    assert only_row(found, Section.REGRESSIONS).case == OTHER
    assert only_row(found, Section.FIXED).case == CASE


def test_cases_on_one_side_only_are_new_or_removed() -> None:
    one, two = results_of(text=POOLED), results_of(text=TWO)
    assert only_row(diff(one, two), Section.NEW).case == OTHER
    assert only_row(diff(two, one), Section.REMOVED).case == OTHER


def test_a_case_that_an_interrupted_run_left_out_is_not_removed() -> None:
    stopped = results_of(not_run=[OTHER], is_complete=False)
    row = only_row(diff(results_of(), stopped), Section.NOT_COMPARABLE)
    assert (row.case, row.note) == (OTHER, "did not run after: interrupted")


def test_an_edited_case_is_not_a_regression() -> None:
    edited = results_of(text=POOLED.replace("[1, 2, 0, 0, 0]", "[1, 2, 3, 0, 0]"))
    row = only_row(diff(results_of(text=POOLED), edited), Section.NOT_COMPARABLE)
    assert row.note == "the case was edited"
    assert row.moved == ("behaviour", "case", "reference")


def test_a_lane_of_another_version_moves_the_environment() -> None:
    old = results_of(versions={"keras": "3.3.3", "python": "3.11.2"})
    new = results_of("no_mask", only=CASE, versions={"keras": "3.6.0", "python": "3.11.2"})
    found = diff(old, new)
    assert [(move.name, move.old, move.new) for move in found.environment] == [("keras", "3.3.3", "3.6.0")]
    assert only_row(found, Section.REGRESSIONS).moved == ("behaviour", "environment")
    assert found.old.label == "lane (keras 3.3.3)"


def test_two_lanes_of_one_run_are_two_sides() -> None:
    results = results_of("no_mask")
    found = diff(results, results, [("numpy", "lane")])
    assert [row.lane for row in found.section(Section.REGRESSIONS)] == ["numpy -> lane"] * 2


def test_two_suites_are_refused() -> None:
    other = results_of(text=POOLED.replace("id: masked", "id: elsewhere"))
    with pytest.raises(UsageError, match="no case in common: they are of different suites"):
        diff(results_of(text=POOLED), other)


def test_results_without_a_common_lane_are_refused() -> None:
    with pytest.raises(UsageError, match=r"share no lane beside the reference: lane before, other after"):
        diff(results_of(), results_of(lane="other"))


def test_a_lane_that_is_not_there_is_named() -> None:
    results = results_of()
    with pytest.raises(UsageError, match="there is no lane nope"):
        diff(results, results, [("lane", "nope")])


@pytest.mark.parametrize(("verdict", "section"), [("unsupported", Section.NOT_COMPARABLE), ("crash", Section.FIXED)])
def test_what_could_not_be_asked_before_is_not_fixed(verdict: str, section: Section) -> None:
    old, new = results_of("raises"), results_of()
    for record in old["cases"]:
        record["lanes"]["lane"].update(verdict=verdict, failure=None, findings=[], runs=[], reason="no such layer")
    rows = diff(old, new).rows
    assert {row.section for row in rows} == {section}
    assert {row.note for row in rows} == ({"unsupported before, agree after"} if verdict == "unsupported" else {""})
