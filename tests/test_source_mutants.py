"""Generic mutants of the source: what counts as one, that the changed text is what runs, and what the page says."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import source_mutants_run
from benchmarks.source_mutants import differing_lines, is_other_code, lines_of_mistakes, modules
from benchmarks.source_mutants_run import Changed, forked, is_good, page

MODULE = "conformance.reference.dot"


def test_annotations_and_spelling_are_no_other_code() -> None:
    assert not is_other_code("def f(x: int) -> int:\n    return x\n", "def f(x: float) -> str:\n    return (x)\n")
    assert is_other_code("x = 1\n", "x = 2\n")
    assert not is_other_code("x = 1\n", "x = = 1\n"), "what does not compile is found by everybody"


def test_the_named_mistakes_of_layers_are_left_alone() -> None:
    text = "a = 1\nMUTANTS = (\n    Mutant(\n        'x',\n        2,\n    ),\n)\nb = 3\n"
    assert lines_of_mistakes(text) == {3, 4, 5, 6}


def test_the_first_changed_line_is_shown() -> None:
    assert differing_lines("a\n  b\nc", "a\n  x\nc") == ("b", "x")


def test_every_module_with_code_has_tests() -> None:
    root = source_mutants_run.ROOT
    for path in modules():
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        found = source_mutants_run.tests_of(module)
        assert found, module
        assert all((root / test).exists() for test in found), module


def test_a_process_gives_its_code_and_a_failure_is_not_zero() -> None:
    assert [forked(lambda: 0), forked(lambda: 3)] == [0, 3]
    assert forked(lambda: 1 // 0) == 97


def test_a_process_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_mutants_run, "SECONDS", 1)

    def endless() -> int:
        while True:
            pass

    assert forked(endless) == 99


def test_the_text_stands_in_for_the_file() -> None:
    spec = Changed(MODULE, "answer = 42\n").find_spec(MODULE)
    module: Any = type("M", (), {})()
    module.__file__ = spec.origin
    module.__dict__.update({"__file__": spec.origin})
    spec.loader.exec_module(module)
    assert module.answer == 42
    assert Changed(MODULE, "").find_spec("conformance.reference.conv") is None


def outcome(found: str, after: str = "b") -> dict[str, Any]:
    texts = {"operator": "O", "before": "a", "after": after, "text": ""}
    return {"module": MODULE, "of": 20, "line": 3, "found": found, **texts}


def test_the_page_counts_and_a_gap_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_mutants_run, "ARGUED", {("reference.dot", "a", "same"): "it is the same"})
    outcomes = [outcome("tests"), outcome("cases"), outcome("time"), outcome("", "same"), outcome("")]
    text = page(outcomes)
    assert "- found: 3 of 5; by tests 1, by cases only 1, by not ending 1" in text
    assert "- score without the equivalent ones: 3 of 4, 75.0 %" in text
    assert "| reference.dot | 5 | 20 | 2 | 1 | 1 | 1 |" in text
    assert "- reference.dot:3, O: `a` becomes `same`: it is the same" in text
    assert "- reference.dot:3, O: `a` becomes `b`" in text
    assert not is_good(outcomes)
    assert is_good(outcomes[:4])
