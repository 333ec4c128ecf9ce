"""One step of fit in two releases, as the far ends make it: compiled, traced, in float64 too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.comparison.session import UNIT
from conformance.lanes.compare_far import Request, Store, opened
from tests.in_process import keras_here

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # TensorFlow's tensors beside NumPy 2
]
GIVEN = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
TARGET = np.random.default_rng(1).normal(size=(4, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def keras() -> Any:
    return keras_here()


def trained(model: Any, folder: Path, step: dict[str, Any], patterns: int = 0) -> dict[str, Any]:
    """The answer of the far end of a live model to one request for a step."""
    from conformance.lanes.compare_keras import over

    store = Store(str(folder))
    body = {
        "verb": "train", "model": None, "folder": str(folder), "inputs": {"x": store.keep(GIVEN)}, "unit": UNIT,
        "patterns": patterns, "cotangents": {"": store.keep(TARGET)}, "step": step,
    }  # fmt: skip
    return over(model).observe(Request("train", 60.0, body))


def after(answer: dict[str, Any], what: str = "own") -> list[Any]:
    assert "failure" not in answer, answer
    return [np.asarray(opened(one[what])) for one in answer["arrays"] if one["of"] == "after"]


def test_a_step_of_fit_is_that_of_the_formula(keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,), name="x"), keras.layers.Dense(2), keras.layers.BatchNormalization()])
    kernel = np.asarray(model.get_weights()[0], dtype=np.float64)
    statistics = model.get_weights()[-2:]
    answer = trained(model, tmp_path, {"type": "SGD", "config": {"learning_rate": 0.1}, "is_fit": True}, patterns=1)
    found = after(answer)
    made = GIVEN @ kernel
    np.testing.assert_allclose(found[-2], 0.99 * statistics[0] + 0.01 * made.mean(0), rtol=1e-5)
    np.testing.assert_allclose(found[-1], 0.99 * statistics[1] + 0.01 * made.var(0), rtol=1e-5)
    normal = (made - made.mean(0)) / np.sqrt(made.var(0) + 1e-3)
    beta = -0.1 * np.sum(2.0 * (normal - TARGET), axis=0) / TARGET.size
    np.testing.assert_allclose(found[3], beta, rtol=1e-4)
    wide = after(answer, "exact")
    assert {array.dtype for array in wide} == {np.dtype("float64")}
    np.testing.assert_allclose(wide[3], beta, rtol=1e-12)
    assert [np.array_equal(one, other) for one, other in zip(model.get_weights()[-2:], statistics, strict=True)] == [
        True,
        True,
    ]


def test_fit_runs_what_a_model_overrides_and_a_plain_step_does_not(keras: Any, tmp_path: Path) -> None:
    class Doubled(keras.Model):  # type: ignore[misc]  # Keras has no types
        def train_step(self, data: Any) -> Any:
            x, y = data
            return super().train_step((x, 2.0 * y))

    inputs = keras.Input((3,), name="x")
    dense = keras.layers.Dense(2, kernel_initializer="ones")
    model = Doubled(inputs, dense(inputs))
    config = {"type": "SGD", "config": {"learning_rate": 0.1}}
    bias = after(trained(model, tmp_path, {**config, "is_fit": True}))[1]
    wanted = -0.1 * np.sum(2.0 * (GIVEN.sum(1, keepdims=True) - 2.0 * TARGET), axis=0) / TARGET.size
    np.testing.assert_allclose(bias, wanted, rtol=1e-4)
    assert not np.allclose(after(trained(model, tmp_path, config))[1], wanted, rtol=1e-2)


def test_what_has_no_fit_is_said(keras: Any, tmp_path: Path) -> None:
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    answer = trained(layer, tmp_path, {"type": "SGD", "config": {"learning_rate": 0.1}, "is_fit": True})
    assert answer["failure"]["kind"] == "fit"
    assert answer["failure"]["message"] == "Dense is a layer: it has no fit"
