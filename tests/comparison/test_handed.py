"""What a port does to an array on its way, told by the numbers alone: and nothing where it is another thing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.comparison.handed import changed, changes_of, functions_of
from conformance.comparison.orders import Order
from conformance.comparison.values import Call, Held
from tests.comparison.fakes import layer, model, stored

IMAGE = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
FIRST = IMAGE.transpose(0, 3, 1, 2)
RESHAPED = "gives its numbers another shape, by view or reshape, where the axes have to be permuted"


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (IMAGE.reshape(2, 3, 4, 5), [RESHAPED]),
        (FIRST[:, ::-1], ["turns axis 1 round before it"]),
        (FIRST / np.float32(255), ["multiplies by 0.0039216 before it"]),
        (FIRST / np.float32(127.5) - 1, ["divides by 127.5 and subtracts 1 before it"]),
        (FIRST + 0.1, []),
        (np.tanh(FIRST), []),
    ],
)  # fmt: skip
def test_plain_changes_are_told_and_others_are_not(got: Any, said: list[str]) -> None:
    assert list(changes_of(got, FIRST, IMAGE)) == said


def looking(folder: Path, got: Any) -> tuple[Any, Any]:
    """A model `conv, norm, relu` whose port hands `got` to its norm."""
    x, y = Held("0", stored(folder, IMAGE)), Held("", stored(folder, np.maximum(IMAGE, 0)))
    layers = model(layer(folder, "norm", "BatchNormalization", {"name": "norm"}, gamma=[1.0]),
                   layer(folder, "relu", "ReLU", {"name": "relu"}))  # fmt: skip
    calls = [Call("norm", 0, 0, -1, (x,), (x,), {}), Call("relu", 0, 1, -1, (x,), (y,), {})]
    slot = SimpleNamespace(model=x, order=Order((0, 3, 1, 2), FIRST.shape))
    pair = SimpleNamespace(model=SimpleNamespace(path="norm"))
    place = SimpleNamespace(slot=slot, got=Held("0", stored(folder, got)), pair=pair)
    return SimpleNamespace(runs=SimpleNamespace(calls=calls), model=layers), place


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (np.maximum(FIRST, 0), ["puts relu before norm, where the model has it elsewhere"]),
        (np.tanh(FIRST), ["applies tanh before norm, which the model does not"]),
        (FIRST + 0.1, []),
        (FIRST, []),
    ],
)
def test_a_layer_in_another_place_and_a_function_too_many(got: Any, said: list[str], tmp_path: Path) -> None:
    assert list(functions_of(*looking(tmp_path, got))) == said


def test_what_was_changed_is_told_as_that_change() -> None:
    for words, array in changed(IMAGE):
        assert list(changes_of(array.transpose(0, 3, 1, 2), FIRST, IMAGE))[:1] == [
            {"divides by 255 before it": "multiplies by 0.0039216 before it",
             "multiplies by 255 before it": "multiplies by 255 before it"}.get(words, words)
        ]  # fmt: skip
