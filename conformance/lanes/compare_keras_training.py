"""Gradients of a Keras model in a comparison, and its weights after one step of training, by hand or by `fit`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.lanes.compare_far import DROPPING, Refused, Store, leaves, opened, replaced
from conformance.lanes.compare_keras_arrays import KerasTensors, arranged, arrays_of, call_model, put_weights
from conformance.lanes.compare_keras_float64 import computing_in
from conformance.lanes.compare_keras_watch import watched


def train(
    keras: Any, tensors: KerasTensors, models: tuple[Any, Any], store: Store, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Gradients of the results times cotangents, and the weights after one step; in float64 moved by rounding.

    `models` are the model itself and the one to measure by: the same in float64, or itself again where the request has
    no patterns. The backend is TensorFlow. Raises Refused where `fit` is asked for and cannot be.
    """
    model, wide = models
    trainer = _Trainer(keras, tensors)
    storages = [id(weight) for weight in model.weights]
    exact: list[Any] = []
    sums: list[Any] = []
    for pattern in (None, *range(request["patterns"])):
        moved = None if pattern is None else (pattern, request["unit"])
        found = trainer.made(wide, request, moved)
        if pattern is None:
            exact, sums = found, [None if array is None else np.zeros(array.shape) for array in found]
            continue
        for total, array, near in zip(sums, exact, found, strict=True):
            if total is not None:
                total += (near - array) ** 2
    own = trainer.made(model, request, None) if request["patterns"] else exact
    answer = []
    for place, storage in enumerate((*storages, *storages)):
        if exact[place] is None:
            continue
        size = None
        if request["patterns"]:
            size = store.keep(np.sqrt(sums[place] / request["patterns"]))
        answer.append(
            {
                "storage": storage,
                "of": "gradient" if place < len(storages) else "after",
                "exact": store.keep(exact[place]),
                "own": store.keep(own[place]),
                "moved": size,
            }
        )
    return {"arrays": answer}


class _Trainer:
    """What takes gradients and makes steps with one Keras; the models that it trains have their weights back after."""

    def __init__(self, keras: Any, tensors: KerasTensors) -> None:
        self.keras, self.tensors = keras, tensors

    def made(self, model: Any, request: Mapping[str, Any], moved: Any) -> list[Any]:
        """The gradient of every weight, then every weight after the step; None where there is none."""
        import tensorflow as tf

        dtype = str(self.tensors.array(model.weights[0]).dtype)
        before = [np.asarray(self.tensors.array(weight)) for weight in model.weights]
        rates = [(layer, layer.rate) for _, layer in watched(self.keras, model).values() if _drops(layer)]
        cotangents = {place: np.asarray(opened(one)).astype(dtype) for place, one in request["cotangents"].items()}
        try:
            for layer, _ in rates:
                object.__setattr__(layer, "rate", 0.0)
            put_weights(model, before, moved)
            is_step = request.get("step") is not None
            trained = model.trainable_weights
            with tf.GradientTape() as tape:
                result = call_model(self.tensors, model, request["inputs"], dtype, moved, is_training=is_step)
                held = dict(leaves({"": result} if self.tensors.is_leaf(result) else result, self.tensors.is_leaf))
                loss = sum(tf.reduce_sum(held[place] * array) for place, array in cotangents.items())
            values = [getattr(variable, "value", variable) for variable in trained]
            values = [value() if callable(value) else value for value in values]
            gradients = [None if one is None else tf.convert_to_tensor(one) for one in tape.gradient(loss, values)]
            by_id = {id(variable): one for variable, one in zip(trained, gradients, strict=True)}
            found = [None if by_id.get(id(w)) is None else np.asarray(by_id[id(w)]) for w in model.weights]
            if not is_step:
                return [*found, *(None for _ in found)]
            step = request["step"]
            if step.get("is_fit"):
                put_weights(model, before, moved)  # moving statistics were moved by the gradient's run already
                self._fit(model, request, dtype, moved, result, cotangents)
            else:
                optimizer = getattr(self.keras.optimizers, step["type"])(**step["config"])
                pairs = [(one, variable) for one, variable in zip(gradients, trained, strict=True) if one is not None]
                optimizer.apply_gradients(pairs)
            return [*found, *(np.asarray(self.tensors.array(weight)) for weight in model.weights)]
        finally:
            for layer, rate in rates:
                object.__setattr__(layer, "rate", rate)
            put_weights(model, before, None)

    def _fit(
        self, model: Any, request: Mapping[str, Any], dtype: str, moved: Any, result: Any, targets: Mapping[str, Any]
    ) -> None:
        """One step of `fit`, compiled with the mean squared error to the targets; the whole batch at once.

        Raises Refused for what has no `fit`, and for results that are no numbers to learn.
        """
        if not callable(getattr(model, "fit", None)):
            raise Refused("fit", f"{type(model).__name__} is a layer: it has no fit")
        nest = {"": result} if self.tensors.is_leaf(result) else result
        if set(dict(leaves(nest, self.tensors.is_leaf))) != set(targets):
            raise Refused("fit", "a result holds no floats that fit could learn")
        step = request["step"]
        wanted = replaced(nest, {place: np.asarray(target) for place, target in targets.items()})
        given = {name: np.asarray(array) for name, array in arrays_of(request["inputs"], dtype, moved).items()}
        rows = len(next(iter(given.values())))
        with computing_in(self.keras, dtype):  # fit turns floats into Keras' default
            optimizer = getattr(self.keras.optimizers, step["type"])(**step["config"])
            # XLA, which Keras may choose by itself, would compile for seconds each time
            model.compile(optimizer=optimizer, loss="mean_squared_error", jit_compile=False)
            model.fit(arranged(given, model), wanted, batch_size=rows, epochs=1, shuffle=False, verbose=0)


def _drops(layer: Any) -> bool:
    return DROPPING in type(layer).__name__ and hasattr(layer, "rate")
