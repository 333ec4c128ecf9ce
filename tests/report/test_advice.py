"""What a page says last of the three: what to do. One voice: answer, cause, what to do."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.report.frame import slug
from tests.report import factory
from tests.report.asked import advice, page_of, render
from tests.report.factory import LANE_ROWS, agreeing, differing, failure, finding, lane, odd, results
from tests.report.test_html import LOST, Reading

STALE = {"id": "other-axis", "kind": "upstream", "reason": "r", "link": "", "owner": "ann", "expires": "2027-05-01"}


def torch_alone(**given: Any) -> Any:
    return odd("torch", differing("torch", factory.SHAPE), factory.SHAPE, id="pooling/one.shape", **given)


def stale() -> Any:
    held = {**lane(verdict="stale"), "deviation": {**STALE, "position": "deviations/pooling.yaml:3:5"}}
    return odd("torch", held, outcome="stale")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (agreeing(), ""),
        (
            torch_alone(),
            "If torch is yours, mend it. If not, "
            "`conformance repro pooling/one.shape --lane torch --issue` writes the report to its makers, "
            "and `conformance deviations draft` lists it until it is mended.",
        ),
        (
            LOST,
            "Give it more time (`time_limit:`) if it needs it; else run it alone: "
            "`conformance explain rnn/slow.loop --run`.",
        ),
        (
            stale(),
            "Take the deviation other-axis from deviations/pooling.yaml:3:5, or narrow it to the versions that still "
            "show it: torch agrees.",
        ),
    ],
)
def test_what_to_do(record: Any, words: str) -> None:
    assert advice(record, LANE_ROWS) == words


def refused(*answering: str) -> Any:
    """A case that the reference refuses, torch does not know, and the others answer."""
    found = agreeing()
    raised = {
        "verdict": "error",
        "findings": [finding("error", "raised")],
        "failure": failure("LayerError"),
        "runs": [],
    }
    for name, held in found["lanes"].items():
        held["verdict"] = "differ" if name in answering else "unsupported"
    found["lanes"]["numpy"].update(raised, runs=[])
    found["odd_one_out"] = "numpy"
    return found


def test_where_the_reference_refuses_what_one_lane_answers_nobody_agrees() -> None:
    assert advice(refused("keras"), LANE_ROWS) == (
        "Look at why the reference refuses this: there is nothing that the answer of keras could be held against."
    )
    assert advice(refused("keras", "torch"), LANE_ROWS) == (
        "Look at the formula of the reference and at what the case expects: the lanes agree with each other."
    )


def test_the_cause_is_named_as_the_place_to_mend_where_there_is_one() -> None:
    found = torch_alone()
    held = found["lanes"]["torch"]
    held.update(
        explanation="torch's answer is the reference's times 2.", cause=factory.cause("change", change="times 2")
    )
    assert advice(found, LANE_ROWS).startswith("If torch is yours, mend it where the cause says. If not, ")
    held.update(explanation="No known mistake gives it.", cause=factory.cause("unknown"))
    assert advice(found, LANE_ROWS).startswith("If torch is yours, mend it. If not, ")


def test_a_lane_that_has_no_scripts_is_not_asked_for_one() -> None:
    rows = [{**row, "adapter": "tests.fakes"} if row["name"] == "torch" else row for row in LANE_ROWS]
    assert advice(torch_alone(), rows) == (
        "If torch is yours, mend it. If not, `conformance deviations draft` lists it until it is mended."
    )


def test_a_crash_has_a_script_where_results_hold_one() -> None:
    record = odd("keras", lane(verdict="crash", reason="killed"), id="rnn/lost.loop")
    assert advice(record, LANE_ROWS).startswith(
        "Run it alone to see what ends keras: `conformance explain rnn/lost.loop"
    )
    record["lanes"]["keras"]["repro"] = "import keras"
    assert advice(record, LANE_ROWS).startswith("`conformance repro rnn/lost.loop --lane keras` writes a script")


def test_a_page_says_answer_cause_and_what_to_do_in_this_order() -> None:
    (answer,) = [section for section in page_of(torch_alone(), LANE_ROWS).sections if section.title == "Answer"]
    roles = [getattr(block, "role", "") for block in answer.blocks]
    assert roles[0] == "answer"
    assert roles[-1] == "todo"


def test_what_follows_the_first_cause_was_not_reached() -> None:
    record = torch_alone()
    strip = record["lanes"]["torch"]["aspects"]
    reached = list(strip).index("shape")
    record["lanes"]["torch"]["aspects"] = {
        name: "agree" if place < reached else "differ" if place == reached else "-" for place, name in enumerate(strip)
    }
    text = Reading(render(results(record))).text
    assert "✗ shape: torch differs · not reached: dtype, mask, special, values, invariants, gradient" in text
    assert "✓ dtype" not in text


def test_a_verdict_of_two_words_is_one_word_of_the_filter() -> None:
    assert slug("not judged") == "not-judged"
    record = agreeing(id="a/a.b", outcome="not judged")
    record["lanes"]["torch"]["verdict"] = "not judged"
    page = render(results(record))
    assert '<td class="not-judged">○ not judged' in page
    assert 'data-query="status:not-judged"' in page
    assert "lane:torch=not-judged" in page
    assert advice(record, LANE_ROWS) == ""
    chips = [
        block for section in page_of(record, LANE_ROWS).sections for block in section.blocks if hasattr(block, "items")
    ]
    assert ("torch: not judged", "not judged") in chips[0].items
