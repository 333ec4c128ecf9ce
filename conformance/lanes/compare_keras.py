"""The far end of a comparison over Keras, 2 or 3: what a model is made of, and what its layers give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from conformance.lanes.compare_far import DROPPING, Refused, Request, Store, refusing
from conformance.lanes.compare_keras_arrays import KerasTensors, call_model, put_weights
from conformance.lanes.compare_keras_float64 import in_float64
from conformance.lanes.compare_keras_load import model_of
from conformance.lanes.compare_keras_training import train
from conformance.lanes.compare_keras_watch import activation_of, is_whole, watched, watching
from conformance.lanes.compare_recorder import Noise, Recorder
from conformance.protocol.adapter import Identity

_RANDOM = (DROPPING, "Noise", "Random")
"""What names of classes that draw numbers have in them."""


class KerasEnd:
    """The adapter: answers requests about one Keras model."""

    def __init__(self, keras: Any, versions: Mapping[str, str], files: Mapping[str, str], live: Any = None) -> None:
        self.keras = keras
        self.identity = Identity(versions, files, True)
        self.tensors = KerasTensors(keras)
        self._model, self._live = live, live
        self._of: Any = None
        """What the model that is held was loaded from."""
        self._wide: Any = None
        self._store: Store | None = None
        self._asked: Mapping[str, Any] = {}

    from_wire = Request.from_wire
    """How the worker reads what it is sent."""

    def observe(self, asked: Request) -> dict[str, Any]:
        """The answer to a request, or its `failure`."""
        request = asked.body
        with refusing() as answer:
            self._asked = request
            self._store = self._store or Store(request["folder"])
            answer.update(getattr(self, f"_{request['verb']}")(request))
        return answer

    def leave(self) -> None:
        """Nothing of the model was changed for longer than a run."""

    # --- the model ---------------------------------------------------------------------------------------------

    def _loaded(self) -> Any:
        if self._live is not None:
            return self._live
        wanted = (self._asked["model"], self._asked.get("load"))
        if self._model is None or self._of != wanted:  # several models are asked one after the other in one process
            self._model = self._wide = None
            self._model = model_of(self.keras, self._asked["model"])
            if self._asked.get("load"):
                self._model.load_weights(self._asked["load"])
            self._of = wanted
        return self._model

    # --- what it is made of ------------------------------------------------------------------------------------

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        model = self._loaded()
        if request.get("inputs") and not (getattr(model, "built", False) and getattr(model, "inputs", None)):
            # a subclassed model is built by its first call
            call_model(self.tensors, model, request["inputs"], "float32")
        found = watched(self.keras, model)
        below = _below(found)
        layers = []
        for path, layer in found.values():
            inside = below[path]
            held = {id(weight) for child in inside for weight in child.weights}
            own = [weight for weight in layer.weights if id(weight) not in held]
            layers.append(
                {
                    "path": path,
                    "class": type(layer).__name__,
                    "module": type(layer).__module__,
                    "config": {"name": layer.name} if isinstance(layer, self.keras.Model) else _config_of(layer),
                    "weights": [self._weight(weight) for weight in own],
                    "is_leaf": not inside,
                    "is_training": False,
                    "is_random": any(word in type(layer).__name__ for word in _RANDOM),
                }
            )  # fmt: skip
            activation = activation_of(self.keras, layer)
            if activation is not None and not inside and not is_whole(self.keras, layer):
                name = getattr(activation, "__name__", type(activation).__name__)
                layers.append(
                    {
                        "path": f"{path}/activation" if path else "activation",
                        "class": self.keras.layers.Activation.__name__,
                        "module": "keras.layers",
                        "config": {"activation": name},
                        "weights": [],
                        "is_leaf": True,
                        "is_training": False,
                        "is_random": False,
                    }
                )
        return {"class": type(model).__name__, "layers": layers, "inputs": self._inputs(model), "remarks": []}

    def _inputs(self, model: Any) -> list[dict[str, Any]]:
        given = getattr(model, "inputs", None) or []
        return [
            {
                "name": str(tensor.name).partition(":")[0],
                "shape": [None if length is None else int(length) for length in tensor.shape],
                "dtype": str(getattr(tensor.dtype, "name", tensor.dtype)),
            }
            for tensor in given
        ]

    def _weight(self, variable: Any) -> dict[str, Any]:
        assert self._store is not None
        path = str(getattr(variable, "path", variable.name)).partition(":")[0]
        return {
            "name": path.rpartition("/")[2],
            "full": path,
            "is_trained": bool(getattr(variable, "trainable", True)),
            "array": self._store.keep(self.tensors.array(variable)),
            "storage": id(variable),
        }

    # --- runs --------------------------------------------------------------------------------------------------

    def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        model = self._loaded()
        recorder = Recorder(self.tensors, self._store, request.get("force", ()), request.get("only"))
        with watching(self.keras, model, recorder):
            call_model(self.tensors, model, request["inputs"], "float32")
        return {"calls": recorder.calls}

    def _rounding(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The float64 model, exact and moved: every array of every layer, and how far rounding carries it."""
        assert self._store is not None
        wide = self._in_float64(request["inputs"])
        noise = Noise(self._store, request["unit"])
        calls: list[dict[str, Any]] = []
        weights = [np.asarray(self.tensors.array(weight)) for weight in wide.weights]
        for pattern in (None, *range(request["patterns"])):
            moved = None if pattern is None else (pattern, request["unit"])
            if moved is not None:
                put_weights(wide, weights, moved)
            for is_local in (False,) if moved is None else (True, False):
                noise.start(pattern, is_local)
                recorder = Recorder(self.tensors, None, noise=noise)
                with watching(self.keras, wide, recorder):
                    call_model(self.tensors, wide, request["inputs"], "float64", moved)
                calls = calls or recorder.calls
        put_weights(wide, weights, None)
        return {
            "local": noise.answer(is_local=True),
            "whole": noise.answer(is_local=False),
            "calls": [{key: call[key] for key in ("path", "index", "order")} for call in calls],
        }

    def _train(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Gradients and weights after a step, as `train` makes them. Raises Refused for backends but TensorFlow."""
        assert self._store is not None
        if self.keras.backend.backend() != "tensorflow":
            raise Refused("backend", "gradients of a model are taken over TensorFlow", "--lane keras")
        model = self._loaded()
        wide = self._in_float64(request["inputs"]) if request["patterns"] else model
        return train(self.keras, self.tensors, (model, wide), self._store, request)

    def _in_float64(self, inputs: Mapping[str, Any]) -> Any:
        """The same model in float64, made once."""
        if self._wide is None:
            spec = self._asked.get("model") or {}
            self._wide = in_float64(self.keras, self.tensors, self._loaded(), spec, inputs)
        return self._wide


def _below(found: Mapping[int, tuple[str, Any]]) -> dict[str, list[Any]]:
    """The layers that stand in each one, by its path."""
    below: dict[str, list[Any]] = {path: [] for path, _ in found.values()}
    for path, layer in found.values():
        above = path
        while above:
            above = above.rpartition("/")[0]
            if above in below:
                below[above].append(layer)
    return below


def _config_of(layer: Any) -> Any:
    """The layer's arguments as plain values; None where it gives none."""
    try:
        return json.loads(json.dumps(layer.get_config(), default=str))
    except Exception:  # a layer of the user's own may raise anything: it is compared without its arguments
        return None


def start(options: Mapping[str, Any]) -> KerasEnd:
    """Imports what was asked for, as the lane of the same name does."""
    from conformance.lanes import keras_start

    lane = keras_start.start(options)
    return KerasEnd(lane.keras, lane.identity.versions, lane.identity.files)


def over(model: Any) -> KerasEnd:
    """The far end of a live model, in this process."""
    import sys

    name = type(model).__mro__[-2].__module__.partition(".")[0]
    for kind in type(model).__mro__:
        if kind.__module__.partition(".")[0] in ("keras", "tf_keras"):
            name = kind.__module__.partition(".")[0]
            break
    keras = sys.modules[name]
    return KerasEnd(keras, {name: str(keras.__version__)}, {name: str(Path(str(keras.__file__)))}, model)
