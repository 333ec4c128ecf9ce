"""What is printed of a round."""

from __future__ import annotations

from typing import Any

from conformance.watch.told import FEW, Teller, words_of


def told(cases: dict[str, dict[str, tuple[str, str]]], before: dict[str, Any], number: int | None = None) -> list[str]:
    lines: list[str] = []
    teller = Teller(before, lambda text, flush: lines.append(text))
    teller.begin(len(cases) if number is None else number)
    for case, lanes in cases.items():
        for lane, (word, text) in lanes.items():
            teller.add(case, lane, word, text)
        teller.end_case(case)
    teller.end(0.25, len(cases))
    return lines


AGREES = {"keras": ("agree", ""), "torch": ("agree", "")}
DIFFERS = {"keras": ("agree", ""), "torch": ("differ", "values of y\n  more")}


def test_of_few_cases_each_is_told() -> None:
    assert told({"a/b.c": AGREES, "a/b.d": DIFFERS}, {}) == [
        "  ✓ a/b.c  agree: keras, torch",
        "  ✗ a/b.d  agree: keras; differ: torch",
        "      values of y\n        more",
        "  2 cases in 0.2 s, 1 of them with a difference",
    ]


def test_of_many_cases_those_that_fail_or_have_changed() -> None:
    before = {"a/b.e": {"keras": "agree", "torch": "differ"}}
    lines = told({"a/b.c": AGREES, "a/b.d": DIFFERS, "a/b.e": AGREES}, before, FEW + 1)
    assert [line for line in lines if "/b." in line] == [
        "  ✗ a/b.d  agree: keras; differ: torch",
        "  ✓ a/b.e  agree: keras, torch   (before: torch differ)",
    ]


def test_a_lane_that_did_not_run_is_no_agreement() -> None:
    lines = told({"a/b.c": {"keras": ("agree", ""), "torch": ("not run", "")}}, {})
    assert lines[0].startswith("  – a/b.c  agree: keras; not run: torch")
    assert lines[-1].endswith("1 of them with a difference")


def test_where_nothing_is_judged_it_says_so() -> None:
    assert told({}, {}) == ["  nothing to judge again (0 cases selected)"]


def test_a_problem_is_told_once_and_short() -> None:
    lines: list[str] = []
    teller = Teller({}, lambda text, flush: lines.append(text))
    for _ in range(2):
        teller.problem("one\n\ntwo\nthree\nfour\nfive")
    assert lines == ["  one\n  two\n  three\n  four"]


def test_a_file_that_cannot_be_read_has_no_lane() -> None:
    assert words_of({"": "error"}) == "error"
