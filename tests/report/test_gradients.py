"""A framework that raises on the way back, as every reader meets it: in a line, whole, on the page, in a gate."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from conformance.report.blocks import Cell, Code, Page, Paragraph, Table
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report.asked import (
    _got,
    cause,
    draft,
    first_move,
    headline,
    judge_again,
    lane_failure,
    matches,
    observed_of,
    page_of,
)
from tests.report.factory import LANE_ROWS, agreeing, differing, distance, failure, finding, odd, results

WORDS = "one of the variables needed for gradient computation has been modified\nby an inplace operation: version 3"
RAISED = failure("RuntimeError", WORDS, "backward", "")
FOUND = finding("gradient", "raised", "", got=RAISED)
GIVEN = {"embed.embeddings": {"shape": [30, 7], "distance": distance(0.25, 0, 210)}}


def raising(**given: Any) -> dict[str, Any]:
    """torch gives the values and raises on the way back; keras has gradients, of which one is measured."""
    made = odd("torch", differing("torch", FOUND, gradient_failure=RAISED, **given), FOUND)
    made["lanes"]["keras"] = {**made["lanes"]["keras"], "gradients": GIVEN}
    made["odd_one_out"] = None
    made["pairs"] = agreeing()["pairs"]
    return made


def section(page: Page, title: str) -> Any:
    return next((one.blocks for one in page.sections if one.title == title), ())


def test_it_is_told_in_one_line_with_the_frameworks_own_words() -> None:
    assert headline(raising(), "torch") == (
        "gradient: torch gave values, and raised RuntimeError in the backward pass: one of the variables needed for "
        "gradient computation has been modified by an inplace operation: version 3"
    )


def test_of_the_reference_it_is_said_what_follows_and_what_a_case_may_do() -> None:
    raised = failure("NotImplementedError", "VJP of flip wrt argnums (0,) not defined", "backward", "")
    found = finding("gradient", "raised", "", got=raised)
    assert headline(odd("numpy", differing("numpy", found, gradient_failure=raised), found), "numpy") == (
        "gradient: numpy gave values, and raised NotImplementedError in the backward pass: VJP of flip wrt argnums "
        '(0,) not defined; nobody\'s gradients are judged then, which a case may allow: no_gradients: "why"'
    )


def test_a_long_message_is_cut() -> None:
    long = failure("RuntimeError", "x" * 1_000, "backward", "")
    made = odd("torch", differing("torch", finding("gradient", "raised", "", got=long), gradient_failure=long))
    assert headline(made, "torch").endswith("xxx…")
    assert len(headline(made, "torch")) < 500


def test_it_is_told_whole_with_what_the_others_gave() -> None:
    shown = lane_failure(raising(), "torch")
    assert shown.split("\n\n")[0] == headline(raising(), "torch")
    below = shown[shown.index("  answers") :]
    expected = """\
          answers   numpy  has them                                                                  agree
                    keras  gives 1                                                                   agree
                    torch  raised RuntimeError in the backward pass: one of the variables needed f…  differ
          steps     embedded = embed  (2, 11) -> (2, 11, 7)   each of the 22 ids becomes a row of 7 numbers
                    pooled = pool     (2, 11, 7) -> (2, 11)   the mean over the 7 of the last axis
          so        the lanes' values agree with each other; gradients are what differs
          again     pytest "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first[torch]"
    """
    assert below == indent(dedent(expected).rstrip(), "  ")


def test_a_lane_that_only_has_a_note_says_it_where_another_raises() -> None:
    made = raising()
    made["lanes"]["keras"] |= {"gradients": {}, "gradient_note": "model.predict gives no gradients"}
    assert "keras  model.predict gives no gradients" in lane_failure(made, "torch")


def test_the_page_has_it_beside_the_gradients_and_whole_among_the_errors() -> None:
    page = page_of(raising(), LANE_ROWS)
    table, *said = section(page, "Gradients")
    assert isinstance(table, Table)
    assert (table.head, table.rows[0][-1]) == (("of", "shape", "keras"), Cell("25 %", "number"))
    assert said == [
        Paragraph(headline(raising(), "torch").replace("gradient: torch gave values, and", "torch"), "cause")
    ]
    assert section(page, "Errors") == (Paragraph("torch raised RuntimeError in the backward pass:"), Code(WORDS))


@pytest.mark.parametrize("older", [True, False])
def test_a_page_without_it_says_nothing_of_it(older: bool) -> None:
    made = agreeing()
    if older:  # results that were written before there was such a field
        for held in made["lanes"].values():
            del held["gradient_failure"]
    page = page_of(made, LANE_ROWS)
    assert (section(page, "Gradients"), section(page, "Errors")) == ((), ())


def test_cases_that_raise_alike_stand_under_one_head() -> None:
    other = failure("RuntimeError", WORDS.replace("3", "8"), "backward", "")
    made = odd("torch", differing("torch", finding("gradient", "raised", "", got=other), gradient_failure=other))
    assert cause(made) == cause(raising())
    assert cause(made).startswith("torch: RuntimeError in the backward pass in pooling: one of the variables")


def test_a_listed_deviation_knows_it_by_its_type_and_its_words() -> None:
    made = raising()
    assert observed_of(made, "torch") == {"type": "RuntimeError"}
    assert matches("gradient", {"type": "RuntimeError", "contains": "inplace operation"}, made, "torch")
    assert not matches("gradient", {"type": "RuntimeError", "contains": "leaf Variable"}, made, "torch")
    assert not matches("gradient", {"type": "TypeError"}, made, "torch")
    assert not matches("gradient", {"node": "embed.embeddings", "off": 0.5}, made, "torch")
    drafted = draft(results(made), date(2026, 11, 22))
    assert "    aspect: gradient\n    observed: {type: RuntimeError}\n" in drafted


def test_a_gradient_that_is_only_wrong_is_none_that_was_raised() -> None:
    wrong = finding("gradient", "values", "embed.embeddings", distance=distance(3.0, 1, 210, 0.5))
    made = odd("torch", differing("torch", wrong), wrong)
    assert not matches("gradient", {"type": "RuntimeError"}, made, "torch")


def test_a_gate_sees_that_gradients_are_raised_no_more() -> None:
    before, after = raising()["lanes"]["torch"], {**agreeing()["lanes"]["torch"], "gradients": GIVEN}
    moved = first_move(before, after)
    assert moved is not None
    assert (moved.aspect, moved.old, moved.new) == (
        "gradient",
        "raises RuntimeError in the backward pass",
        "gives them",
    )
    assert first_move(before, before) is None
    silent = {**after, "gradients": {}, "gradient_note": "no gradients here"}
    assert first_move(before, silent) is None, "who was not asked has not moved"


def test_no_budget_makes_it_right(tmp_path: Path) -> None:
    (made,) = records_of(cases_of(POOLED, tmp_path), fake("raises_on_the_way_back"))
    assert judge_again([made], 1e9).changes == ()


def test_a_bug_report_holds_the_message() -> None:
    assert WORDS in _got(raising(), "torch")
