"""Training in the Keras lane: `keras.optimizers` moves the weights by the gradients of the backend, as a loop does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from conformance.lanes.keras_arrays import KerasArrays
from conformance.lanes.keras_autograd import Run, jax_gradients, torch_gradients
from conformance.lanes.keras_weights import held_by, start_again
from conformance.protocol.adapter import Unsupported
from conformance.protocol.plan import Plan, PlannedTraining
from conformance.protocol.training import batch_of, number_of
from conformance.protocol.wire import pack

EXCLUDED = "exclude_from_weight_decay"
"""What is no argument of a constructor, but a call of an optimiser that is not built yet."""
Step = Callable[[Mapping[str, Any]], Any]
"""One step of training over the arrays that it is fed."""


def eagerly(step: Step) -> Step:
    """The step as it is."""
    return step


class Trainer:
    """Runs the trainings of a plan over layers that are built; raises Unsupported where a backend has no gradients.

    Which weights are moved is Keras' own answer: the trainable variables of the layers. A step is a forward run,
    gradients and what the optimiser moves; `executed` says how it runs.
    """

    def __init__(
        self,
        plan: Plan,
        arrays: KerasArrays,
        reset_state: Callable[[Any], None],
        backend: str,
        executed: Callable[[Step], Step] = eagerly,
    ) -> None:
        if backend not in BACKENDS:
            raise Unsupported(f"no training on the {backend} backend, which has no gradients")
        if any(getattr(layer, "eager_only", False) for layer in arrays.layers.values()):
            raise Unsupported("a layer here runs outside of what Keras differentiates")
        self.plan = plan
        self.arrays = arrays
        self.reset_state = reset_state
        self.executed = executed
        self.gradients = _GRADIENTS[backend]
        self.detached = sys.modules["torch"].no_grad if backend == "torch" else nullcontext

    def weights_after_steps(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """`layer.weight@step` to the observed weight, for every training; calls made on the way are not observed."""
        observing = self.arrays.observing
        calls = len(observing.steps)
        found: dict[str, Any] = {}
        for training in self.plan.trainings:
            found |= self._train(training, inputs)
        del observing.steps[calls:]
        return found

    def _train(self, training: PlannedTraining, inputs: Mapping[str, Any]) -> dict[str, Any]:
        start_again(self.plan, self.arrays.layers, self.reset_state)
        keras = self.arrays.keras
        optimizer = made_optimizer(keras, training.optimizer, training.config)
        held = {
            f"{name}.{key}": variable for name in training.layers for key, variable in self._variables(name).items()
        }
        moved = {id(v) for name in training.layers for v in self.arrays.layers[name].trainable_variables}
        trained = [variable for variable in held.values() if id(variable) in moved]
        if self.executed is not eagerly:
            optimizer.build(trained)  # a function that is traced again may make no variables

        # what a step of Keras' own carries on where JAX traces it: states of recurrent layers are not among these
        every = [v for layer in self.arrays.layers.values() for v in getattr(layer, "variables", ())]
        untrained = [variable for variable in every if id(variable) not in moved]

        def step(feed: Mapping[str, Any]) -> None:
            def loss() -> Any:
                self.arrays.run(feed, is_symbolic=False)
                total = number_of(training.loss, self.arrays.values[training.loss])
                for name in training.layers:
                    for penalty in getattr(self.arrays.layers[name], "losses", ()):  # as fit and train_on_batch do
                        total = total + penalty
                return optimizer.scale_loss(total) if hasattr(optimizer, "scale_loss") else total

            gradients = self.gradients(loss, trained, untrained, self.arrays.keras)
            with self.detached():
                optimizer.apply_gradients(zip(gradients, trained, strict=True))

        run = self.executed(step)
        found: dict[str, Any] = {}
        for number in range(1, training.steps + 1):
            run(batch_of(training, inputs, number))
            if training.finalize and number == training.steps:  # as fit does when it ends
                with self.detached():
                    optimizer.finalize_variable_values(trained)
            found |= {f"{name}@{number}": _observed(variable) for name, variable in held.items()}
        return found

    def _variables(self, name: str) -> dict[str, Any]:
        layer = self.arrays.layers[name]
        if not getattr(layer, "built", False) or not hasattr(layer, "weights"):
            return {}
        return held_by(layer, name, self.plan.layers[name])


def made_optimizer(keras: Any, kind: str, config: Mapping[str, Any]) -> Any:
    """An optimiser from its arguments as a case writes them: schedules are made, names without decay told to it."""
    if not hasattr(keras.optimizers, kind):
        raise Unsupported(f"Keras {keras.__version__} has no optimizer {kind}")
    arguments = {name: _argument(keras, value) for name, value in config.items() if name != EXCLUDED}
    optimizer = getattr(keras.optimizers, kind)(**arguments)
    if config.get(EXCLUDED):
        optimizer.exclude_from_weight_decay(var_names=list(config[EXCLUDED]))
    return optimizer


def _argument(keras: Any, value: Any) -> Any:
    if isinstance(value, Mapping) and "default_optimizer" in value:
        others = {key: _argument(keras, one) for key, one in value.get("optimizer_map", {}).items()}
        return keras.optimizers.OptimizerMap(_argument(keras, value["default_optimizer"]), others)
    if not isinstance(value, Mapping) or "type" not in value:
        return list(value) if isinstance(value, tuple) else value
    of, _, kind = value["type"].rpartition(".")
    arguments = {name: item for name, item in value.items() if name != "type"}
    if not of:
        return made_optimizer(keras, kind, arguments)
    if not hasattr(keras.optimizers.schedules, kind):
        raise Unsupported(f"Keras {keras.__version__} has no schedule {kind}")
    return getattr(keras.optimizers.schedules, kind)(**arguments)


def _tape_gradients(run: Run, trained: Sequence[Any], moved: Sequence[Any], keras: Any) -> Sequence[Any]:
    """The gradient of the number that `run` gives by every trained variable; None where one has no part in it."""
    with sys.modules["tensorflow"].GradientTape() as tape:
        score = run()
    found: Sequence[Any] = tape.gradient(score, [_native(variable) for variable in trained])
    return found


_GRADIENTS = {"tensorflow": _tape_gradients, "torch": torch_gradients, "jax": jax_gradients}
BACKENDS = tuple(_GRADIENTS)
"""Backends of Keras that have gradients."""


def _native(variable: Any) -> Any:
    """The backend's variable, which the tape knows; in Keras 2 it is the variable itself."""
    return variable if callable(variable.value) else variable.value


def _observed(variable: Any) -> dict[str, Any]:
    data = np.array(variable)
    item = {"shape": list(data.shape), "dtype": str(data.dtype), "data": pack(data), "mask": None}
    return {"structure": None, "items": [item]}
