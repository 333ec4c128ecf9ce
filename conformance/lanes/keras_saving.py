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
        model = self._model
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model{self.saved.suffix}"
            self.file = self.saved.file or self._written(model, path)
            if not self.saved.is_wanted:  # who writes for others need not be able to read it
                path.write_bytes(self.file[: max(1, int(len(self.file) * self.saved.kept))])
                self._model = self._loaded(model, path)

    def _written(self, model: Any, path: Path) -> bytes:
        if self.saved.form == "weights":
            model.save_weights(str(path))
        else:
            model.save(str(path))
        return path.read_bytes()

    def _loaded(self, model: Any, path: Path) -> Any:
        if self.saved.form != "weights":
            return self.keras.models.load_model(str(path), compile=False)
        made = self.keras.Model.from_config(model.get_config())
        for array in made.weights:  # so that nothing of the first model is left in it
            array.assign(np.full(tuple(array.shape), 0.5, dtype="float32"))
        made.load_weights(str(path))
        return made

    def run(self, plan: Plan, arrays: KerasArrays, inputs: Inputs, observing: Observing, index: int) -> None:
        super().run(plan, arrays, inputs, observing, index)
        observing.gradient_note = "gradients are asked of the model that was saved"
        if self.saved.is_wanted:
            data = np.frombuffer(self.file, dtype=np.uint8)
            item = {"shape": list(data.shape), "dtype": "uint8", "data": pack(data), "mask": None}
            observing.runs[index][WRITTEN] = {"structure": None, "items": [item]}


def saved_model(plan: Plan, keras: Any, to_tensor: Callable[[Any], Any], mode: Any) -> SavedModel | None:
    """How a case that is saved is run; None for others. Raises Unsupported in a mode of its own."""
    if plan.saved is None:
        return None
    if mode is not None:
        raise Unsupported(f"mode {mode.name} loads no files; the lane without a mode does")
    return SavedModel(keras, to_tensor, plan.saved)
