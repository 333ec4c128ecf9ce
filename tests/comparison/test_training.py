"""Where training starts to differ: in a gradient, in moving statistics, or in the step alone; never silently."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conformance.comparison.judging import Share
from conformance.comparison.result import Start
from conformance.comparison.training import _following, _starts, ahead_of_others
from conformance.comparison.values import Call, Held
from tests.comparison.fakes import layer, model, paired, stored

RIGHT = Share(0.1, 0, 3, (0,), 1.0, 1.0, 1.0, "float64")
WRONG = Share(9.0, 1, 3, (0,), 2.0, 1.0, 0.1, "float64")


def starts(entries: Any, kind: Any, folder: Path, follows: Any = ()) -> list[tuple[str, str]]:
    mine = layer(folder, "dense", "Dense", {"name": "dense"}, kernel=[[1.0, 2.0]])
    session: Any = SimpleNamespace(model=model(mine), port=model(layer(folder, "fc", "Linear", weight=[[1.0], [2.0]])))
    looking: Any = SimpleNamespace(runs=SimpleNamespace(pairs=()))
    found = _starts(session, paired(("dense", "fc")), looking, entries, kind, follows)
    return [(start.kind, start.layer) for start in found]


def test_a_gradient_that_differs_is_a_start(tmp_path: Path) -> None:
    assert starts((("dense", "kernel", WRONG),), "gradient", tmp_path) == [("gradient", "dense")]
    assert starts((("dense", "kernel", RIGHT),), "gradient", tmp_path) == []


def test_a_weight_that_differs_after_a_step_is_a_start_unless_its_gradient_was_one(tmp_path: Path) -> None:
    after = (("dense", "kernel", WRONG),)
    assert starts(after, "step", tmp_path) == [("step", "dense")]
    assert starts(after, "step", tmp_path, {("dense", "kernel")}) == []


def chain(folder: Path, *steps: tuple[str, float, float]) -> list[Call]:
    """Calls that take one array and give another, each told by its number."""
    held = {number: (Held("0", stored(folder, [number])),) for _, *numbers in steps for number in numbers}
    return [Call(path, 0, place, -1, held[given], held[made], {}) for place, (path, given, made) in enumerate(steps)]


def differing(*paths: str) -> list[Start]:
    return [Start("gradient", path, path, (path,), WRONG) for path in paths]


def test_a_wrong_gradient_explains_those_of_the_layers_before_it(tmp_path: Path) -> None:
    calls = chain(tmp_path, ("first", 1, 2), ("second", 2, 3), ("third", 3, 4))
    ahead, (remark,) = ahead_of_others(differing("first", "second"), calls)
    assert [start.layer for start in ahead] == ["first"]
    assert remark == "the gradients of first differ too, which a wrong gradient behind them explains"


def test_gradients_of_two_branches_are_two_starts(tmp_path: Path) -> None:
    calls = chain(tmp_path, ("left", 1, 2), ("right", 1, 3), ("apart", 5, 6))
    assert ahead_of_others(differing("left", "right", "apart"), calls) == ([], [])


def test_layers_that_reach_each_other_stay_starts(tmp_path: Path) -> None:
    calls = chain(tmp_path, ("shared", 1, 2), ("other", 2, 3), ("shared", 3, 4))
    assert ahead_of_others(differing("shared", "other"), calls) == ([], [])


def test_where_values_differ_gradients_are_counted_and_start_nothing() -> None:
    wrong, right = ("dense", "kernel", WRONG), ("dense", "bias", RIGHT)
    assert list(_following((wrong, right), (wrong,))) == [
        "1 of 2 gradients and 1 of 1 weights after one step differ too; they may follow from the values, and are "
        "judged once those agree"
    ]
    assert list(_following((right,), ())) == []
