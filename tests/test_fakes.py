"""Each fake does one thing wrong; each must get the verdict, and the first cause, that it is named for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import POOLED, cases_of, fake, records_of, running

MEANS_ONLY = POOLED.replace("embedded", "_embedded")
"""Without the rows of the table, which no lane rounds."""


def verdict_on(behaviour: str, folder: Path, in_process: bool = True, text: str = POOLED) -> dict[str, Any]:
    (record,) = records_of(cases_of(text, folder), fake(behaviour), in_process=in_process)
    return record["lanes"][behaviour]


@pytest.mark.parametrize(
    ("behaviour", "aspect"),
    [
        ("always_wrong", "values"),
        ("off_by_a_thousandth", "values"),
        ("wrong_shape", "shape"),
        ("transposed", "shape"),
        ("wrong_dtype", "dtype"),
        ("no_mask", "mask"),
        ("inverted_mask", "mask"),
        ("gives_nan", "special"),
    ],
)
def test_a_wrong_answer_differs_in_the_aspect_it_is_wrong_in(behaviour: str, aspect: str, tmp_path: Path) -> None:
    found = verdict_on(behaviour, tmp_path)
    assert found["verdict"] == "differ"
    assert found["findings"][0]["aspect"] == aspect
    assert found["aspects"][aspect] == "differ"


@pytest.mark.parametrize("behaviour", ["always_right", "off_by_one_ulp"])
def test_a_right_answer_and_one_rounding_agree(behaviour: str, tmp_path: Path) -> None:
    found = verdict_on(behaviour, tmp_path, text=MEANS_ONLY)
    assert found["verdict"] == "agree"
    assert found["findings"] == []
    assert found["used"] <= 1.0


def test_one_rounding_in_numbers_that_are_only_moved_differs(tmp_path: Path) -> None:
    found = verdict_on("off_by_one_ulp", tmp_path)
    assert found["verdict"] == "differ"
    assert found["findings"][0]["node"] == "embedded"
    assert found["runs"][0]["embedded"]["tier"] == "exact"
    assert found["runs"][0]["pooled"]["tier"] == "budget"


def test_only_the_first_cause_is_judged(tmp_path: Path) -> None:
    aspects = verdict_on("wrong_shape", tmp_path)["aspects"]
    assert aspects["structure"] == "agree"
    assert aspects["shape"] == "differ"
    assert {aspects[later] for later in ("dtype", "mask", "special", "values", "claims")} == {"-"}


def test_raising_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    found = verdict_on("raises", tmp_path)
    assert found["verdict"] == "error"
    assert found["failure"]["message"] == "this lane always raises"


def test_raising_on_the_way_back_is_a_difference_in_gradients(tmp_path: Path) -> None:
    found = verdict_on("raises_on_the_way_back", tmp_path)
    assert (found["verdict"], found["failure"], found["gradient_note"]) == ("differ", None, "")
    (finding,) = found["findings"]
    assert (finding["aspect"], finding["kind"]) == ("gradient", "raised")
    assert finding["got"] == found["gradient_failure"]
    assert found["gradient_failure"]["message"] == "a state that the way back needs was overwritten"
    assert (found["aspects"]["values"], found["aspects"]["gradient"]) == ("agree", "differ")
    assert found["runs"][0]["pooled"]["distance"]["used"] <= 1.0


def test_a_lane_that_says_that_it_has_no_gradients_agrees_and_they_are_not_judged(tmp_path: Path) -> None:
    found = verdict_on("has_no_way_back", tmp_path)
    assert (found["verdict"], found["aspects"]["gradient"]) == ("agree", "-")
    assert (found["gradient_note"], found["gradient_failure"]) == ("this lane has no gradients", None)


def test_a_lane_that_keeps_its_gradients_back_without_a_word_differs(tmp_path: Path) -> None:
    found = verdict_on("keeps_gradients_back", tmp_path)
    assert [(one["aspect"], one["kind"], one["node"]) for one in found["findings"]] == [
        ("gradient", "missing", "embed.embeddings")
    ]


def test_where_the_case_asks_for_no_gradients_nobody_is_asked(tmp_path: Path) -> None:
    text = POOLED.replace("question: Are", 'no_gradients: "a mean is a mean"\n        question: Are')
    found = verdict_on("keeps_gradients_back", tmp_path, text=text)
    assert (found["verdict"], found["aspects"]["gradient"]) == ("agree", "-")


def test_a_crash_is_that_cases_verdict_and_the_lane_goes_on(tmp_path: Path) -> None:
    two = POOLED + POOLED[POOLED.index("      - id: masked") :].replace("id: masked", "id: other")
    cases = cases_of(two, tmp_path)
    first, second = records_of(cases, fake("crashes", only="fam/topic.masked"), in_process=False)
    assert first["lanes"]["crashes"]["verdict"] == "crash"
    assert "SIGABRT" in first["lanes"]["crashes"]["reason"]
    assert second["lanes"]["crashes"]["verdict"] == "agree"


def test_a_killed_lane_says_that_memory_may_be_the_reason(tmp_path: Path) -> None:
    found = verdict_on("killed", tmp_path, in_process=False)
    assert found["verdict"] == "crash"
    assert found["reason"] == "the lane's process died (SIGKILL; out of memory?)"


def test_a_hang_is_a_timeout_and_the_lane_goes_on(tmp_path: Path) -> None:
    two = POOLED + POOLED[POOLED.index("      - id: masked") :].replace("id: masked", "id: other")
    text = two.replace("question: Are", "time_limit: 0.5\n        question: Are")
    first, second = records_of(cases_of(text, tmp_path), fake("hangs", only="fam/topic.masked"), in_process=False)
    assert first["lanes"]["hangs"]["verdict"] == "timeout"
    assert first["lanes"]["hangs"]["reason"] == "no answer within 0.5 s"
    assert second["lanes"]["hangs"]["verdict"] == "agree"


def test_chatter_is_kept_bounded_and_does_not_change_the_verdict(tmp_path: Path) -> None:
    found = verdict_on("chatters", tmp_path, in_process=False)
    assert found["verdict"] == "agree"
    assert "a word on stdout" in found["chatter"] or "characters left out" in found["chatter"]
    assert "red ones on stderr" in found["chatter"] or "characters left out" in found["chatter"]
    assert len(found["chatter"]) < 20_000


def test_the_odd_one_out_is_named(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(POOLED, tmp_path), fake("always_wrong"), fake("always_right"))
    assert record["odd_one_out"] == "always_wrong"


def test_two_lanes_that_agree_against_the_reference_are_an_outcome_of_their_own(tmp_path: Path) -> None:
    twin = replace(fake("always_wrong"), name="its_twin")
    (record,) = records_of(cases_of(POOLED, tmp_path), fake("always_wrong"), twin)
    assert record["odd_one_out"] == "numpy"
    assert record["outcome"] == "differ"


def test_nobody_stands_alone_where_all_agree(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(MEANS_ONLY, tmp_path), fake("off_by_one_ulp"), fake("always_right"))
    assert record["odd_one_out"] is None
    assert record["outcome"] == "agree"


def test_a_lane_may_answer_where_only_others_must_raise(tmp_path: Path) -> None:
    text = POOLED.replace("pooled: pool(embedded)", "pooled: pool(embedded)[9]")
    raising = text + "        expect:\n          error: {phase: any, lanes: [numpy]}\n"
    (silent,) = records_of(cases_of(raising, tmp_path), fake("raises"))
    assert silent["lanes"]["numpy"]["verdict"] == "agree"
    assert silent["lanes"]["raises"]["verdict"] == "error"
    (unexpected,) = records_of(cases_of(text, tmp_path, "other"), fake("raises"))
    assert unexpected["lanes"]["numpy"]["verdict"] == "error"


def test_a_lane_that_is_lost_over_every_case_is_given_up(tmp_path: Path) -> None:
    case = POOLED[POOLED.index("      - id: masked") :]
    many = POOLED + "".join(case.replace("id: masked", f"id: more{i}") for i in range(8))
    records = records_of(cases_of(many, tmp_path), fake("crashes"), in_process=False)
    reasons = [record["lanes"]["crashes"]["reason"] for record in records]
    assert {record["lanes"]["crashes"]["verdict"] for record in records} == {"crash"}
    assert [reason.startswith("given up after 5 losses in a row") for reason in reasons] == [False] * 5 + [True] * 4


def test_where_judging_itself_fails_every_item_of_the_case_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("conformance.run.judge_case", broken)
    (case,) = cases_of(POOLED, tmp_path)
    with running(fake("always_right")) as run:
        run.announce([(case, ["always_right"])])
        for _ in ("the lane's item", "the reference's item"):
            with pytest.raises(ZeroDivisionError):
                run.record(case)
