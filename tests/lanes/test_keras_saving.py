"""A case that is saved is answered by the model that was loaded, whatever the one was that was saved."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes.keras_saving import SavedModel, saved_model
from conformance.protocol.adapter import Observing, Unsupported
from conformance.protocol.plan import PlannedSaved


class KerasTensor:
    """A symbolic tensor by its class's name, which is all that is asked of it."""

    shape = (None, 2)


class Written:
    """A model that writes what it is worth, and whose file says it again."""

    def __init__(self, worth: float) -> None:
        self.worth = worth
        self.weights: list[Any] = []

    def __call__(self, inputs: list[Any]) -> Any:
        return np.full((1, 2), self.worth)

    def save(self, path: str) -> None:
        Path(path).write_text(f"{self.worth}", encoding="utf-8")

    save_weights = save

    def load_weights(self, path: str) -> None:
        self.worth = float(Path(path).read_text(encoding="utf-8"))

    def get_config(self) -> dict[str, Any]:
        return {}


class Models:
    """`keras.Model`: makes a model that is worth 2.5; from a configuration one that is worth nothing yet."""

    def __call__(self, inputs: Any, outputs: Any) -> Written:
        return Written(2.5)

    def from_config(self, config: Any) -> Written:
        return Written(0.0)


def loaded(path: str, compile: bool) -> Written:
    return Written(float(Path(path).read_text(encoding="utf-8")) + 1000.0)


KERAS = SimpleNamespace(Model=Models(), models=SimpleNamespace(load_model=loaded))
PLAN: Any = SimpleNamespace(observed=("y",), inputs={"x": None}, cotangents={}, saved=None)


def answered(saved: PlannedSaved) -> tuple[Any, Observing]:
    """What the lane gives for `y`, and all that it observes."""
    observing = Observing(runs=[{}])
    arrays: Any = SimpleNamespace(layers={}, values={"x": KerasTensor(), "y": KerasTensor()}, observing=observing)
    model = SavedModel(KERAS, lambda value: value, saved)
    model.begin(PLAN, arrays)
    model.run(PLAN, arrays, {"x": np.zeros((1, 2))}, observing, 0)
    return arrays.values["y"][0, 0], observing


@pytest.mark.parametrize(("form", "worth"), [("keras", 1002.5), ("h5", 1002.5), ("weights", 2.5)])
def test_the_answer_is_that_of_the_model_that_was_loaded(form: str, worth: float) -> None:
    value, observing = answered(PlannedSaved(form, ".keras"))
    assert value == worth
    assert "written" not in observing.runs[0]


def test_a_file_of_another_lane_is_loaded_as_it_came() -> None:
    assert answered(PlannedSaved("keras", ".keras", file=b"7"))[0] == 1007.0


def test_of_a_file_that_was_cut_so_much_is_loaded_as_was_kept() -> None:
    assert answered(PlannedSaved("keras", ".keras", kept=0.34, file=b"7.5"))[0] == 1007.0


def test_the_file_comes_back_where_it_is_wanted() -> None:
    value, observing = answered(PlannedSaved("keras", ".keras", is_wanted=True))
    assert value == 2.5
    assert observing.runs[0]["written"]["items"][0]["shape"] == [len("2.5")]


def test_other_modes_load_nothing() -> None:
    plan: Any = SimpleNamespace(saved=PlannedSaved("keras", ".keras"))
    with pytest.raises(Unsupported, match=r"^mode xla loads no files; the lane without a mode does$"):
        saved_model(plan, KERAS, lambda value: value, SimpleNamespace(name="xla"))
    plan.saved = None
    assert saved_model(plan, KERAS, lambda value: value, SimpleNamespace(name="xla")) is None
