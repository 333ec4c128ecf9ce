"""From a layer as a case writes it to a Keras object: layers inside layers, initialisers, losses, custom layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance import imports
from conformance.case.initializers import binary
from conformance.lanes.keras_initial import initial_weights
from conformance.protocol.adapter import Unsupported
from conformance.protocol.names import ADAPT


class Absent:
    """Stands in the symbolic run for what has no symbolic value: a loss, an array of arrays."""


def find_type(keras: Any, name: str) -> Any:
    """The class of this name among custom layers, Keras' layers and Keras' losses; of a path, the user's own.

    `metrics.Recall`, `schedules.CosineDecay`, `ops.softmax` and `random.normal` are wrapped, so that they are
    called as layers are.
    Raises Unsupported for a name that Keras does not have, NotAllowed for a path that leads nowhere.
    """
    from conformance.lanes.keras_custom import CUSTOM, said_function, tensor, type_of
    from conformance.lanes.keras_metrics import initial, metric, schedule, weight_function
    from conformance.lanes.keras_ops import operation
    from conformance.lanes.keras_random import random_function

    module, _, short = name.rpartition(".")
    if module == "metrics":
        if not hasattr(keras.metrics, short):
            raise Unsupported(f"Keras {keras.__version__} has no metric {short}")
        return metric(keras, short)
    if module == "schedules":
        if not hasattr(keras.optimizers.schedules, short):
            raise Unsupported(f"Keras {keras.__version__} has no schedule {short}")
        return schedule(keras, short)
    if module == "initializers":
        if not hasattr(keras.initializers, short):
            raise Unsupported(f"Keras {keras.__version__} has no initializer {short}")
        return initial(keras, short)
    if module in ("regularizers", "constraints"):
        return weight_function(keras, module, short)
    if module == "ops":
        return operation(keras, short)
    if module == "random":
        return random_function(keras, short)
    if imports.is_own(name):
        return _of_ones_own(name)
    if name == type_of(initial_weights):
        return initial_weights(
            lambda kind: constructor(keras, find_type(keras, kind)), lambda array: tensor(keras, array)
        )
    if name in CUSTOM:
        return CUSTOM[name](keras)
    for place in (keras.layers, keras.losses):
        if hasattr(place, name):
            kind = getattr(place, name)
            return said_function(keras, kind) if "function" in inspect.signature(kind.__init__).parameters else kind
    raise Unsupported(f"Keras {keras.__version__} has no layer {name}")


def _of_ones_own(path: str) -> Any:
    """A function of the arguments of a case that makes a layer of the user's own."""
    kind = imports.imported(path)
    taken = inspect.signature(kind).parameters
    takes_name = "name" in taken or any(one.kind is one.VAR_KEYWORD for one in taken.values())

    def make(**config: Any) -> Any:
        told = {
            key: item
            for key, item in config.items()
            if key not in imports.TOLD_TO_OTHERS and (key != "name" or takes_name)
        }
        return kind(**told)

    return make


def constructor(keras: Any, kind: Any) -> Callable[[str, Mapping[str, Any]], Any]:
    """A function from name and written arguments to an object of this class, adapted where a case has data for it.

    What `kind.as_written` names stays as the case writes it: that class makes layers itself.
    """
    as_written = getattr(kind, "as_written", ())

    def construct(name: str, config: Mapping[str, Any]) -> Any:
        arguments = {
            key: value if key in as_written else _value(keras, key, value)
            for key, value in config.items()
            if key != ADAPT
        }
        made = kind(**{"name": name, **arguments})
        if config.get(ADAPT) is not None:
            made.adapt(np.asarray(config[ADAPT]))
        return made

    return construct


def _value(keras: Any, key: str, value: Any) -> Any:
    if isinstance(value, Mapping) and "type" in value:
        arguments = {name: item for name, item in value.items() if name != "type"}
        if key.endswith("_initializer"):
            return _initializer(keras, value["type"])(**arguments)
        for suffix, module in (("_regularizer", "regularizers"), ("_constraint", "constraints")):
            if key.endswith(suffix):
                return getattr(getattr(keras, module), value["type"])(**arguments)
        kind = find_type(keras, value["type"])
        return kind(**{name: _value(keras, name, item) for name, item in arguments.items()})
    if isinstance(value, list | tuple):
        return [_value(keras, key, item) for item in value]
    return value


def _initializer(keras: Any, name: str) -> Any:
    from conformance.lanes.keras_custom import tensor

    if name != "Binary":
        return getattr(keras.initializers, name)

    class Binary(keras.initializers.Initializer):  # type: ignore[misc]  # the base is known at run time only
        """Zeros and ones by position."""

        def __call__(self, shape: Any, dtype: Any = None) -> Any:
            return tensor(keras, np.asarray(binary(tuple(shape)), dtype=getattr(dtype, "name", dtype) or "float32"))

        def get_config(self) -> dict[str, Any]:
            return {}

    return Binary
