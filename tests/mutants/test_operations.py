"""Mistakes in operations: by rules, traps and slips, and that cases find them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.cli import main
from conformance.errors import Exit
from conformance.mutants.operation import Mistake, by_rules
from conformance.mutants.operation_probes import is_mistake
from conformance.mutants.operation_traps import TRAPS, traps_of
from conformance.reference.operations.base import table
from conformance.score import operations_page
from conformance.score.operations import Tried, mistakes_of, score, score_operation

FOLDER = Path("operations")
X = np.array([[1.0, 5.0, 5.0], [2.0, 0.0, -3.0]])


def known(operation: str) -> list[Mistake]:
    """All but slips, of which there are many."""
    return [*by_rules(table()[operation]), *traps_of(table()[operation])]


def one(operation: str, name: str) -> Mistake:
    (found,) = [mistake for mistake in known(operation) if mistake.name == name]
    return found


def names(operation: str) -> set[str]:
    return {mistake.name for mistake in known(operation) if mistake.kind == "argument" or is_mistake(mistake)}


@pytest.mark.parametrize(
    ("operation", "name", "arguments", "wanted"),
    [
        ("sum", "beside_axis", {"x": X, "axis": 0}, [11.0, -1.0]),
        ("sum", "ignores_axis", {"x": X, "axis": 0}, 10.0),
        ("sum", "turns_keepdims", {"x": X}, [[10.0]]),
        ("sum", "negates", {"x": X}, -10.0),
        ("argmax", "last_of_ties", {"x": X, "axis": 1}, [2, 0]),
        ("subtract", "swaps_x1_x2", {"x1": X[0], "x2": X[1]}, [1.0, -5.0, -8.0]),
        ("mean", "integers_stay", {"x": np.array([1, 2])}, 1),
        ("quantile", "other_method", {"x": X[0], "q": 0.25}, 1.0),
        ("round", "halves_up", {"x": np.array([0.5, 2.5])}, [1.0, 3.0]),
        ("sign", "zero_is_one", {"x": np.array([0.0, -2.0])}, [1.0, -1.0]),
    ],
)
def test_by_hand_a_mistake_is_made(operation: str, name: str, arguments: dict[str, Any], wanted: Any) -> None:
    np.testing.assert_allclose(one(operation, name).function(**arguments), wanted)


def test_what_changes_nothing_is_no_mistake() -> None:
    assert "swaps_x1_x2" not in names("add")
    assert {"swaps_x1_x2", "at_the_front", "one_way"} <= names("subtract")
    assert "integers_as_floats" not in names("mean")


def test_a_mistake_about_an_argument_counts_whatever_questions_write() -> None:
    assert "ignores_initial" in names("max")
    assert not any(name.endswith("_synchronized") for name in names("moments"))  # Keras has it, no formula does


def test_a_slip_is_in_place_while_it_is_tried_alone() -> None:
    slips = [mistake for mistake in mistakes_of("cumsum") if mistake.kind == "formula"]
    assert any("cumprod" in mistake.mistake for mistake in slips)
    helper = [mistake for mistake in slips if "reductions._running" in mistake.mistake]
    with helper[0].applied():
        assert is_mistake(helper[0])
    np.testing.assert_allclose(table()["cumsum"].function(np.array([1.0, 2.0]), 0), [1.0, 3.0])


def test_traps_are_of_operations_that_there_are() -> None:
    assert set(TRAPS) <= set(table())
    assert [mistake.name for mistake in traps_of(table()["round"])] == ["halves_up", "halves_away"]


def test_every_rule_gives_the_signature_of_the_right_function() -> None:
    entry = table()["softmax"]
    assert {tuple(mistake.entry.parameters) for mistake in by_rules(entry)} == {("x", "axis")}


def test_cases_find_all_mistakes_in_an_operation() -> None:
    tried = score_operation("sign", FOLDER)
    assert operations_page.problems(tried) == []
    assert {one.aspect for one in tried} >= {"values", "dtype", "error"}


def test_a_case_less_leaves_a_mistake_alive(tmp_path: Path) -> None:
    text = (FOLDER / "round.case.yaml").read_text(encoding="utf-8")
    blocks = text.split("\n\n")
    kept = [block for block in blocks if "id: halves" not in block]
    assert len(kept) == len(blocks) - 1
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations" / "round.case.yaml").write_text("\n\n".join(kept), encoding="utf-8")
    tried = score(["round"], tmp_path / "operations")
    assert any(one.name == "halves_up" for one in operations_page.survivors(tried))


def test_the_page_says_what_survives_and_what_is_wrongly_argued(monkeypatch: pytest.MonkeyPatch) -> None:
    alive = Tried("sum", "negates", "sign", "has the other sign")
    found = Tried("sum", "reverses", "order", "gives the last axis from its end", "operations/sum.all", "values")
    text = operations_page.page([alive, found])
    assert "1 of 2 mistakes in 1 operations are found; 1 survive, 0 are equivalent." in text
    assert "- `sum.negates`: somebody who has the other sign" in text
    assert operations_page.problems([alive]) == ["sum.negates survives: somebody who has the other sign"]
    monkeypatch.setattr(operations_page, "EQUIVALENT_OPERATIONS", {found.told: "it is not"})
    assert "sum.reverses is listed as equivalent; operations/sum.all kills it" in operations_page.problems([found])


def test_the_command_tries_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", "--operations", "--names", "sign"]) == Exit.OK
    assert "mistakes in 1 operations are found" in capsys.readouterr().out


def test_operations_are_chosen_among_operations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mutants", "--shard", "1/2"]) == Exit.UNAVAILABLE
    assert "--names and --shard choose among operations" in capsys.readouterr().err
