"""Keras' metrics, schedules and initialisers as the graph of a case calls them: with a batch, a step, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.protocol.adapter import Unsupported


class AskedMetric:
    """A metric of Keras behind one call, which Keras' own `metric(...)` is too: `update_state`, then `result`.

    Without a batch it gives the result as it stands; `reset_state` forgets first.
    """

    eager_only = True
    stateful = True

    def __init__(self, keras: Any, metric: Any) -> None:
        self._keras = keras
        self.metric = metric

    def __call__(self, *batch: Any, reset_state: bool = False, **weights: Any) -> Any:
        """The result as a tensor of its own: a variable would change under the node's name with the next batch."""
        from conformance.lanes.keras_custom import tensor

        if reset_state:
            self.reset_state()
        if batch:
            self.metric.update_state(*batch, **weights)
        result = self.metric.result()
        to_numpy = self._keras.ops.convert_to_numpy if hasattr(self._keras, "ops") else np.asarray
        return tensor(self._keras, np.array(to_numpy(result)))

    def reset_state(self) -> None:
        """Forgets every batch; Keras 2 had `reset_states` for long."""
        forget = getattr(self.metric, "reset_state", None) or self.metric.reset_states
        forget()

    reset_states = reset_state


def metric(keras: Any, name: str) -> Callable[..., AskedMetric]:
    """What makes a metric of this class from its arguments."""
    kind = getattr(keras.metrics, name)
    return lambda **arguments: AskedMetric(keras, kind(**arguments))


class AskedSchedule:
    """A schedule of Keras as the graph of a case calls it: a step goes in, a rate comes out."""

    eager_only = True

    def __init__(self, keras: Any, schedule: Any) -> None:
        self._keras = keras
        self.schedule = schedule

    def __call__(self, step: Any) -> Any:
        """The rate as a tensor; Keras gives a plain number where nothing had to be computed."""
        from conformance.lanes.keras_custom import tensor

        rate = self.schedule(step)
        to_numpy = self._keras.ops.convert_to_numpy if hasattr(self._keras, "ops") else np.asarray
        return tensor(self._keras, np.asarray(to_numpy(rate), dtype="float32"))


def schedule(keras: Any, name: str) -> Callable[..., AskedSchedule]:
    """What makes a schedule of this class from its arguments."""
    kind = getattr(keras.optimizers.schedules, name)
    return lambda **arguments: AskedSchedule(keras, kind(**arguments))


class AskedInitializer:
    """An initialiser of Keras with the shape that a case asks for: called with nothing, it gives the weight."""

    eager_only = True

    def __init__(self, initializer: Any, shape: tuple[int, ...]) -> None:
        self._initializer, self._shape = initializer, shape

    def __call__(self) -> Any:
        return self._initializer(self._shape, dtype="float32")


def initial(keras: Any, name: str) -> Callable[..., AskedInitializer]:
    """What makes an initialiser of this class from its arguments and a shape."""
    kind = getattr(keras.initializers, name)
    return lambda name, shape, **arguments: AskedInitializer(kind(**arguments), tuple(shape))


def weight_function(keras: Any, module: str, name: str) -> Callable[..., Any]:
    """What makes a layer that calls a regulariser or a constraint of this class with its input.

    Raises Unsupported where this Keras has none.
    """
    if not hasattr(getattr(keras, module), name):
        raise Unsupported(f"Keras {keras.__version__} has no {name} in {module}")
    kind = getattr(getattr(keras, module), name)

    class Asked(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        """A function of a weight."""

        def __init__(self, function: Any, name: str) -> None:
            super().__init__(name=name)
            self._function = function

        def call(self, x: Any) -> Any:
            return self._function(x)

    return lambda name, **arguments: Asked(kind(**arguments), name)
