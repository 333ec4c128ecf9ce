"""What a diff says of two runs: every fake lands in the section that it is named for, and nothing is netted out."""

from __future__ import annotations

import pytest

from conformance.errors import UsageError
from conformance.gate.rows import Diff, Row, Section
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
    ],
)
def test_what_was_right_and_is_not_is_wrong_now_with_both_answers(
    behaviour: str, aspect: str, old: str, new: str
) -> None:
    row = only_row(diff(results_of(), results_of(behaviour, only=CASE)), Section.WRONG)
    assert (row.case, row.aspect, row.moved) == (CASE, aspect, ("behaviour",))
    assert (row.moves[0].old, row.moves[0].new) == (old, new)


def test_an_answer_before_and_an_error_now_is_a_refusal() -> None:
    row = only_row(diff(results_of(), results_of("raises", only=CASE)), Section.REFUSES)
    assert row.old is not None
    assert row.new is not None
    assert row.old.answer == "pooled (2, 3)"
    assert row.new.answer == "raises RuntimeError in call: this lane always raises"


def test_an_error_before_and_an_answer_now_answers_now() -> None:
    row = only_row(diff(results_of("raises", only=CASE), results_of()), Section.ANSWERS)
    assert row.note == ""
    wrong = only_row(diff(results_of("raises", only=CASE), results_of("no_mask", only=CASE)), Section.ANSWERS)
    assert wrong.note == "the answer is not the expected one"


def test_the_same_read_backwards_is_right_now() -> None:
    row = only_row(diff(results_of("no_mask", only=CASE), results_of()), Section.RIGHT)
    assert (row.aspect, row.moves[0].old, row.moves[0].new) == ("mask", "none", "11000 11100")


def test_wrong_in_another_way_is_another_answer() -> None:
    found = diff(results_of("no_mask", only=CASE), results_of("inverted_mask", only=CASE))
    row = only_row(found, Section.ANOTHER)
    assert (row.aspect, row.moves[0].old, row.moves[0].new) == ("mask", "none", "00111 00011")


def test_right_in_another_way_is_another_answer() -> None:
    """Both sides agree, and a dtype that nobody judges moved."""
    old, new = results_of(only=CASE), results_of(only=CASE)
    node = new["cases"][0]["lanes"]["lane"]["runs"][0]["pooled"]
    node["dtype"] = "float64"
    row = only_row(diff(old, new), Section.ANOTHER)
    assert (row.old and row.old.verdict, row.new and row.new.verdict, row.aspect) == ("agree", "agree", "dtype")


def test_a_listed_deviation_excuses_nothing_and_gives_the_reason() -> None:
    new = results_of("no_mask", only=CASE)
    lane = new["cases"][0]["lanes"]["lane"]
    lane.update(verdict="known", deviation=DEVIATION)
    row = only_row(diff(results_of(), new), Section.WRONG)
    assert row.because == "it attaches no mask"
    assert row.new is not None
    assert row.new.known == "lost-mask"
    assert diff(results_of(), new).regressions == (row,)


def test_known_before_and_known_now_is_unchanged() -> None:
    sides = [results_of("no_mask", only=CASE) for _ in range(2)]
    sides[0]["cases"][0]["lanes"]["lane"].update(verdict="known", deviation=DEVIATION)
    assert diff(*sides).counts()[Section.UNCHANGED] == 2


DEVIATION = {
    "id": "lost-mask",
    "kind": "bug",
    "reason": "it attaches no mask",
    "link": "",
    "owner": "alice",
    "expires": "2027-05-01",
    "position": "deviations/a.yaml:3:5",
}


def test_every_output_that_moved_is_named_later_values_and_masks_too() -> None:
    old, new = results_of(only=CASE), results_of("no_mask", only=CASE)
    pooled = new["cases"][0]["lanes"]["lane"]["runs"][0]["pooled"]
    pooled["values"][0][1] += 1.5
    row = only_row(diff(old, new), Section.WRONG)
    assert [(move.aspect, move.node) for move in row.moves] == [("mask", "embedded"), ("values", "pooled")]
    (_, values) = row.moves
    assert (values.at, values.count, values.size) == ((0, 1), 1, 6)
    assert values.by == pytest.approx(1.5)


def test_an_output_that_agreed_with_the_reference_and_does_not_is_wrong_now_in_a_case_that_failed_before() -> None:
    old, new = results_of("no_mask", only=CASE), results_of("no_mask", only=CASE)
    pooled = new["cases"][0]["lanes"]["lane"]["runs"][0]["pooled"]
    pooled["values"][0][1] += 1.5
    pooled["distance"]["used"] = 7.0
    row = only_row(diff(old, new), Section.WRONG)
    assert (row.aspect, row.node, row.note) == ("values", "pooled", "it was wrong before in another way")


def test_what_is_said_of_an_answer_may_move_where_it_does_not() -> None:
    old, new = results_of(only=CASE), results_of(only=CASE)
    finding = results_of("always_wrong", only=CASE)["cases"][0]["lanes"]["lane"]["findings"]
    new["cases"][0]["lanes"]["lane"].update(verdict="differ", findings=finding)
    row = only_row(diff(old, new), Section.WRONG)
    assert (row.moves, row.note) == ((), "the answer moved by no more than rounding; what is said of it did")


SAID = [
    ("invariants", "breaks first", "breaks second"),
    ("claims", "breaks first", "breaks second"),
    ("model", "another first than called eagerly", "another second than called eagerly"),
]


@pytest.mark.parametrize(("aspect", "was", "now"), SAID)
def test_another_statement_that_is_not_kept_is_another_answer(aspect: str, was: str, now: str) -> None:
    """The lane was wrong before, and is wrong in another of them now: the values have not moved."""
    old, new = results_of(only=CASE), results_of(only=CASE)
    finding = results_of("always_wrong", only=CASE)["cases"][0]["lanes"]["lane"]["findings"][0]
    for side, kind in ((old, "first"), (new, "second")):
        lane = side["cases"][0]["lanes"]["lane"]
        said = {**finding, "aspect": aspect, "kind": kind, "node": "pooled"}
        lane.update(verdict="differ", findings=[said], aspects={**lane["aspects"], aspect: "differ"})
    row = only_row(diff(old, new), Section.ANOTHER)
    assert [(move.aspect, move.node, move.old, move.new) for move in row.moves] == [(aspect, "pooled", was, now)]
    assert not diff(old, old).section(Section.ANOTHER)
    new["cases"][0]["lanes"]["lane"]["aspects"][aspect] = "-"
    assert not diff(old, new).section(Section.ANOTHER)


@pytest.mark.parametrize(
    ("aspect", "was", "now"),
    [
        ("invariants", "keeps masked entries are zero", "breaks masked entries are zero"),
        ("model", "as called eagerly", "another masked entries are zero than called eagerly"),
    ],
)
def test_a_statement_that_is_not_kept_any_more_is_told_with_both_sides(aspect: str, was: str, now: str) -> None:
    old, new = results_of(only=CASE), results_of(only=CASE)
    finding = results_of("always_wrong", only=CASE)["cases"][0]["lanes"]["lane"]["findings"][0]
    for side, findings in ((old, []), (new, [{**finding, "aspect": aspect, "kind": "masked_entries_are_zero"}])):
        lane = side["cases"][0]["lanes"]["lane"]
        lane.update(findings=findings, aspects={**lane["aspects"], aspect: "differ" if findings else "agree"})
    new["cases"][0]["lanes"]["lane"]["verdict"] = "differ"
    (move,) = only_row(diff(old, new), Section.WRONG).moves
    assert (move.old, move.new) == (was, now)


def test_an_error_before_and_no_way_to_ask_now_cannot_be_compared() -> None:
    old, new = results_of("raises", only=CASE), results_of(only=CASE)
    new["cases"][0]["lanes"]["lane"].update(verdict="unsupported", reason="step works on numbers alone", runs=[])
    row = only_row(diff(old, new), Section.NOT_COMPARABLE)
    assert row.note == "cannot be asked now: step works on numbers alone"


def test_the_error_that_a_case_expects_is_a_refusal_too() -> None:
    """To a person whose model ran, an error is one, whether it is right or not."""
    old, new = results_of("raises", only=CASE), results_of("raises", only=CASE)
    answered = results_of(only=CASE)["cases"][0]["lanes"]["lane"]
    old["cases"][0]["lanes"]["lane"] = {**answered, "verdict": "known", "deviation": DEVIATION}
    new["cases"][0]["lanes"]["lane"].update(verdict="agree", findings=[])
    row = only_row(diff(old, new), Section.REFUSES)
    assert row.note == "the error is what the case expects"
    back = only_row(diff(new, old), Section.WRONG)
    assert back.because == "it attaches no mask"


def test_wrong_in_the_same_way_is_unchanged() -> None:
    found = diff(results_of("always_wrong"), results_of("always_wrong"))
    assert found.counts()[Section.UNCHANGED] == 2


def test_a_swap_is_two_rows_and_not_none() -> None:
    found = diff(results_of("no_mask", only=CASE), results_of("no_mask", only=OTHER))
    assert only_row(found, Section.WRONG).case == OTHER
    assert only_row(found, Section.RIGHT).case == CASE


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
    assert only_row(found, Section.WRONG).moved == ("behaviour", "environment")
    assert found.old.label == "lane (keras 3.3.3)"


def test_two_lanes_of_one_run_are_two_sides() -> None:
    results = results_of("no_mask")
    found = diff(results, results, [("numpy", "lane")])
    assert [row.lane for row in found.section(Section.WRONG)] == ["numpy -> lane"] * 2


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


@pytest.mark.parametrize(
    ("verdict", "section", "note"),
    [
        ("unsupported", Section.NOT_COMPARABLE, "could not be asked before: no such layer"),
        ("crash", Section.ANSWERS, ""),
    ],
)
def test_what_could_not_be_asked_before_is_not_right_now(verdict: str, section: Section, note: str) -> None:
    old, new = results_of("raises"), results_of()
    for record in old["cases"]:
        record["lanes"]["lane"].update(verdict=verdict, failure=None, findings=[], runs=[], reason="no such layer")
    rows = diff(old, new).rows
    assert {(row.section, row.note) for row in rows} == {(section, note)}
    assert {row.section for row in diff(new, old).rows} == {Section.REFUSES}


def test_a_lane_on_a_tensorflow_of_another_time_says_so() -> None:
    versions = {"keras": "3.6.0", "tensorflow": "2.21.0"}
    found = diff(results_of(versions=versions), results_of(versions={"keras": "3.11.3", "tensorflow": "2.19.1"}))
    assert found.old.label == "lane (keras 3.6.0, tensorflow 2.21.0)"
    assert found.old.remark == "tensorflow 2.21.0 is newer than keras 3.6.0, which came out with 2.17"
    assert found.new.remark == ""
