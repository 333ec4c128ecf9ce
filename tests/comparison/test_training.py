"""Where training starts to differ: in a gradient, in moving statistics, or in the step alone; never silently."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from conformance.comparison.judging import Share
from conformance.comparison.training import _starts
from tests.comparison.fakes import layer, model, paired

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
