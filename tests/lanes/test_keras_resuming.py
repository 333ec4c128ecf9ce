"""A model that is saved in the midst of a `fit`: its later epochs are those of the model that was loaded."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes.keras_fitting import Fitter
from conformance.lanes.keras_saving import saved_model
from conformance.protocol.adapter import Unsupported
from conformance.protocol.fit import PlannedFit
from conformance.protocol.plan import PlannedLayer, PlannedSaved
from conformance.protocol.wire import unpack

FIT = PlannedFit(
    through="fit",
    inputs=("x",),
    losses={"one": "mse"},
    y={"one": "y"},
    batch_size=2,
    epochs=3,
    optimizer="SGD",
    layers=("dense",),
)


class Variable:
    """A weight of one number."""

    path = name = "dense_/kernel"
    shape = (1,)

    def __init__(self, value: float) -> None:
        self.value = value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array([self.value], dtype=dtype)

    def assign(self, value: Any) -> None:
        self.value = float(np.asarray(value)[0])


class Model:
    """One weight, which each epoch moves by a stride that doubles; whole files keep the stride, weights do not."""

    output_names = ("one",)

    def __init__(self, weight: float = 0.0, stride: float = 1.0, is_compiled: bool = False) -> None:
        self.layer = SimpleNamespace(name="dense_", built=True, weights=[Variable(weight)])
        self.weights = self.layer.weights
        self.stride = stride
        self.is_compiled = is_compiled

    def fit(self, epochs: int, initial_epoch: int, callbacks: list[Any], **given: Any) -> Any:
        assert self.is_compiled
        told = []
        for epoch in range(initial_epoch, epochs):
            self.weights[0].value += self.stride
            self.stride *= 2
            told.append(self.weights[0].value)
            for callback in callbacks:
                callback.on_epoch_end(epoch)
        self.weights[0].value += 1000  # as `fit` puts means in place when it ends, which no file has
        return SimpleNamespace(history={"loss": told})

    def save(self, path: str) -> None:
        Path(path).write_text(f"{self.weights[0].value} {self.stride}", encoding="utf-8")

    def save_weights(self, path: str) -> None:
        Path(path).write_text(f"{self.weights[0].value}", encoding="utf-8")

    def load_weights(self, path: str) -> None:
        assert self.weights[0].value == 0.5, "weights of its own until then"
        self.weights[0].value = float(Path(path).read_text(encoding="utf-8"))

    def get_layer(self, name: str) -> Any:
        assert name == self.layer.name
        return self.layer

    def get_config(self) -> dict[str, Any]:
        return {}


def load_model(path: str, compile: bool) -> Model:
    weight, stride = Path(path).read_text(encoding="utf-8").split()
    return Model(float(weight), float(stride), is_compiled=compile)


KERAS = SimpleNamespace(
    Model=SimpleNamespace(from_config=lambda config: Model()),
    models=SimpleNamespace(load_model=load_model),
    callbacks=SimpleNamespace(LambdaCallback=SimpleNamespace),
)


class Fitting(Fitter):
    """The loop over the model of this file."""

    first: Model

    def _model(self, fit: PlannedFit) -> Model:
        return self.first

    def _compile(self, model: Model, fit: PlannedFit) -> None:
        model.is_compiled = True


def reported(saved: PlannedSaved | None) -> dict[str, Any]:
    """Label to what is reported, of three epochs; texts of what is no number."""
    first = Model()
    arrays: Any = SimpleNamespace(
        keras=KERAS, layers={"dense": first.layer}, observing=SimpleNamespace(steps=[], node="")
    )
    plan: Any = SimpleNamespace(fits=(FIT,), saved=saved, layers={"dense": PlannedLayer("Dense", {}, is_planned=False)})
    fitter = Fitting(plan, arrays, dict, lambda layer: None, None)
    fitter.first = first
    found = {label: unpack(one["items"][0]["data"]) for label, one in fitter.reports({"x": 0, "y": 0}).items()}
    return {label: bytes(data) if data.dtype == np.uint8 else float(data.flat[0]) for label, data in found.items()}


def told(*values: float) -> dict[str, float]:
    """These values of the weight, and of the loss that is the same, after each epoch."""
    each = list(enumerate(values, start=1))
    return {f"fit.loss@{n}": one for n, one in each} | {f"dense.kernel@{n}": one for n, one in each}


def test_without_a_file_the_epochs_are_one_fit() -> None:
    assert reported(None) == told(1, 3, 7)


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_a_whole_file_goes_on_as_if_nothing_had_been(form: str) -> None:
    assert reported(PlannedSaved(form, ".keras", after=1)) == told(1, 3, 7)
    assert reported(PlannedSaved(form, ".keras", after=2)) == told(1, 3, 7)


def test_weights_go_into_a_model_that_was_compiled_anew() -> None:
    assert reported(PlannedSaved("weights", ".weights.h5", after=1)) == told(1, 2, 4)


def test_a_file_of_another_lane_takes_the_place_of_ones_own() -> None:
    assert reported(PlannedSaved("keras", ".keras", file=b"10 100", after=1)) == told(1, 110, 310)


def test_a_file_that_is_wanted_is_all_that_is_given() -> None:
    assert reported(PlannedSaved("keras", ".keras", is_wanted=True, after=2)) == {"written": b"3.0 4.0"}


def test_of_a_file_that_was_cut_so_much_is_loaded_as_was_kept() -> None:
    with pytest.raises(ValueError, match="not enough values to unpack"):
        reported(PlannedSaved("keras", ".keras", kept=0.5, after=1))


def test_a_case_that_is_saved_as_it_trains_answers_before_it_is_saved() -> None:
    plan: Any = SimpleNamespace(saved=PlannedSaved("keras", ".keras", after=1))
    assert saved_model(plan, KERAS, lambda value: value, None) is None
    with pytest.raises(Unsupported, match=r"^mode function loads no files; the lane without a mode does$"):
        saved_model(plan, KERAS, lambda value: value, SimpleNamespace(name="function"))
