"""`draw: integers` gives whole numbers from -4 to 4 and another digest, but only where nothing else is stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from conformance.plans.draw import plan_of
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: draws
    dims: {batch: 4, features: 7}
    source: {kind: hand}
    cases:
      - id: drawn
        question: What is drawn?
        draw: integers
        inputs:
          x: {shape: [batch, features]}
          stated: {shape: [batch, features], fill: {normal: {mean: 3, std: 1}}}
        layers:
          dense: {type: Dense, units: 5}
          norm: {type: BatchNormalization}
        graph:
          y: norm(dense(x))
          z: stated * 2.0
"""


def drawn(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    (case,) = cases_of(TEXT, folder)
    plan = plan_of(case, with_gradients=False)
    weights = {f"{n}.{k}": v for n, layer in plan.layers.items() for k, v in layer.weights.items()}
    return dict(plan.runs[0]), weights


def is_whole(array: Any) -> bool:
    return bool(np.all(array == np.rint(array)) and np.abs(array).max() <= 4 and len(np.unique(array)) > 2)


def test_inputs_without_a_fill_and_weights_are_whole(tmp_path: Path) -> None:
    inputs, weights = drawn(tmp_path)
    assert is_whole(inputs["x"])
    assert is_whole(weights["dense.kernel"])
    assert inputs["x"].dtype == weights["dense.kernel"].dtype == np.float32


def test_a_stated_fill_and_a_variance_are_not_touched(tmp_path: Path) -> None:
    inputs, weights = drawn(tmp_path)
    assert not is_whole(inputs["stated"])
    assert (weights["norm.moving_variance"] > 0).all()


def test_the_way_of_drawing_is_part_of_the_digest(tmp_path: Path) -> None:
    (whole,) = cases_of(TEXT, tmp_path)
    (spread,) = cases_of(TEXT.replace("draw: integers", "draw: spread"), tmp_path)
    (silent,) = cases_of(TEXT.replace("        draw: integers\n", ""), tmp_path)
    assert (whole.draw, spread.draw, silent.draw) == ("integers", "spread", "spread")
    assert whole.digest != spread.digest == silent.digest
