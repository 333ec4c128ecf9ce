"""Documents that are made from the tree are current, and every question that users ask has its cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.report.questions import questions_page

ROOT = Path(__file__).parents[1]
QUESTIONS = range(1, 35)


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_folder(ROOT / "cases")


def test_every_question_is_settled_by_cases(cases: tuple[Case, ...]) -> None:
    asked = {row for case in cases for row in case.questions}
    assert asked == set(QUESTIONS)


def test_the_list_of_questions_is_current(cases: tuple[Case, ...]) -> None:
    assert (ROOT / "docs" / "questions.md").read_text(encoding="utf-8") == questions_page(cases), (
        "run: conformance questions cases -o docs/questions.md"
    )


def test_a_list_without_a_case_is_seen_to_be_old(cases: tuple[Case, ...]) -> None:
    settling = next(case for case in cases if case.questions)
    assert questions_page([case for case in cases if case is not settling]) != questions_page(cases)


def test_a_case_that_settles_a_question_has_an_answer_to_read(cases: tuple[Case, ...]) -> None:
    assert [case.id for case in cases if case.questions and not case.answer] == []


def test_there_are_more_than_a_hundred_and_twenty_cases(cases: tuple[Case, ...]) -> None:
    assert len(cases) >= 120
