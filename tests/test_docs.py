"""Documents that are made from the tree are current, and every question that users ask has its cases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import numbers
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


def test_the_ten_numbers_are_those_of_the_pages_of_evidence() -> None:
    assert len(numbers.NUMBERS) == 10
    assert (numbers.EVIDENCE / "README.md").read_text(encoding="utf-8") == numbers.page(), (
        "run: python -m benchmarks.numbers -o docs/evidence/README.md"
    )


def test_a_page_that_says_its_number_no_more_is_named(tmp_path: Path) -> None:
    for page in numbers.EVIDENCE.glob("*.md"):
        (tmp_path / page.name).write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "faults.md").write_text("# Faults\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^docs/evidence/faults\.md does not say any more: \{\} of \{\} faults"):
        numbers.page(tmp_path)


def pages_with(pattern: str, *folders: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for folder in folders
        for path in sorted(folder.glob("*.md"))
        for found in re.finditer(pattern, path.read_text(encoding="utf-8"))
    ]


COUNT = r"\b1,?[01]\d\d (?:of now \S+ )?cases\b"


def test_no_users_page_counts_the_cases_of_the_suite() -> None:
    assert pages_with(COUNT, ROOT, ROOT / "docs", ROOT / "reports") == []


def test_a_count_of_cases_is_seen() -> None:
    assert pages_with(COUNT, numbers.EVIDENCE)


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = []
    for folder in (ROOT, ROOT / "docs", numbers.EVIDENCE, ROOT / "reports"):
        for path in folder.glob("*.md"):
            for target in re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
                if not (path.parent / target).exists():
                    broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_there_are_more_than_a_hundred_and_twenty_cases(cases: tuple[Case, ...]) -> None:
    assert len(cases) >= 120
