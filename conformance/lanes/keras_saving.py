"""A model saved and loaded in the Keras lane: the answers of a case are those of the model that was loaded.

The functional model of the case is saved as Keras saves it: whole (`.keras`, or the `.h5` of Keras 2), or its weights
alone, which go into a model that was made again from the configuration and has weights of its own until then. A file
that another lane wrote is loaded as it came. Nothing in a file is run: Keras' safe mode stays on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from conformance.lanes.keras_arrays import KerasArrays
from conformance.lanes.keras_modes import Functional, Inputs
from conformance.protocol.adapter import Observing, Unsupported
from conformance.protocol.names import WRITTEN
from conformance.protocol.plan import Plan, PlannedSaved
from conformance.protocol.wire import pack


class SavedModel(Functional):
    """A functional model from the inputs to the observed nodes, saved and loaded before it answers."""

    name = "saved"
    called = "a saved model"

    def __init__(self, keras: Any, to_tensor: Callable[[Any], Any], saved: PlannedSaved) -> None:
        super().__init__(keras, to_tensor)
        self.saved = saved
        self.file = b""

    def begin(self, plan: Plan, arrays: KerasArrays) -> None:
        super().begin(plan, arrays)
        arrays.observing.phase = "call"
        arrays.observing.node = ""
        self.file = self.saved.file or written(self._model, self.saved)
        if not self.saved.is_wanted:  # who writes for others need not be able to read it
            self._model = loaded(self.keras, self._model, self.saved, self.file)

    def run(self, plan: Plan, arrays: KerasArrays, inputs: Inputs, observing: Observing, index: int) -> None:
        super().run(plan, arrays, inputs, observing, index)
        observing.gradient_note = "gradients are asked of the model that was saved"
        if self.saved.is_wanted:
            observing.runs[index][WRITTEN] = handed_out(self.file)


def written(model: Any, saved: PlannedSaved) -> bytes:
    """The file that Keras makes of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{saved.suffix}"
        if saved.form == "weights":
            model.save_weights(str(path))
        else:
            model.save(str(path))
        return path.read_bytes()


def loaded(
    keras: Any, model: Any, saved: PlannedSaved, file: bytes, compiled: Callable[[Any], None] | None = None
) -> Any:
    """The model that Keras makes of so much of a file as is kept.

    `compiled` compiles one, where it is to be trained on: a file of the whole model says itself how it was compiled,
    and weights go into a model that was made and compiled anew.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{saved.suffix}"
        path.write_bytes(file[: max(1, int(len(file) * saved.kept))])
        if saved.form != "weights":
            return keras.models.load_model(str(path), compile=compiled is not None)
        made = keras.Model.from_config(model.get_config())
        if compiled is not None:
            compiled(made)
        for array in made.weights:  # so that nothing of the first model is left in it
            array.assign(np.full(tuple(array.shape), 0.5, dtype="float32"))
        made.load_weights(str(path))
        return made


def handed_out(file: bytes) -> dict[str, Any]:
    """A file as the answer of a node."""
    data = np.frombuffer(file, dtype=np.uint8)
    item = {"shape": list(data.shape), "dtype": "uint8", "data": pack(data), "mask": None}
    return {"structure": None, "items": [item]}


def saved_model(plan: Plan, keras: Any, to_tensor: Callable[[Any], Any], mode: Any) -> SavedModel | None:
    """How a case that is saved before it answers is run; None for others, one that is saved as it trains among them.

    Raises Unsupported in a mode of its own.
    """
    if plan.saved is None:
        return None
    if mode is not None:
        raise Unsupported(f"mode {mode.name} loads no files; the lane without a mode does")
    if plan.saved.after:  # see `keras_fitting`
        return None
    return SavedModel(keras, to_tensor, plan.saved)
