"""From a case to a plan: everything that a lane needs, as built-in values, drawn once and the same for every lane.

The weights' shapes come from one run of the reference; where the reference raises before it reaches a layer, that
layer's weights stay undrawn and a lane that gets further keeps its own. Layers with the same Keras `name` get the same
numbers in weights of the same name and shape: so that a case can compare two configurations of one layer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conformance.case.arrays import MAX_ELEMENTS, draw_inputs, draw_weight
from conformance.case.axes import symbolic_shape
from conformance.case.initializers import binary
from conformance.case.model import Case, Training
from conformance.errors import CaseError, Problem
from conformance.oracle.arrays import ReferenceArrays, as_reference, flat, make_layers
from conformance.protocol.adapter import Observing
from conformance.protocol.wire import pack
from conformance.reference.base import LayerError, full_config, make
from conformance.reference.optimizers import make_optimizer

Plan = Mapping[str, Any]
DEFAULT_TIME_LIMIT = 60.0
"""Seconds a lane may take for one case."""


def plan_of(case: Case, with_gradients: bool = True, policies: Sequence[str] = ()) -> Plan:
    """The plan of a case. Never raises for what a layer refuses: that is the lanes' answer, and the reference's.

    Raises CaseError for a weight that is too large to be drawn, which is no lane's answer. `policies` are the dtype
    policies other than float32 under which the reference will be asked for.
    """
    has_memory = any(is_stateful(layer.config) for layer in case.layers)
    runs = [draw_inputs(case, index) for index in range(len(case.sizes))]
    plan: dict[str, Any] = {
        "id": case.id,
        "layers": {
            layer.name: {
                "type": layer.type,
                "config": dict(layer.config),
                "full": {},
                "weights": {},
                "kept": [],
                "fixed": [],
                "is_planned": False,
            }
            for layer in case.layers
        },
        "models": {model.name: {"inputs": list(model.inputs), "outputs": list(model.outputs)} for model in case.models},
        "inputs": {
            item.name: {
                "shape": list(runs[0][item.name].shape) if has_memory else symbolic_shape(case, item),
                "dtype": runs[0][item.name].dtype.name,
            }
            for item in case.inputs
        },
        "graph": [[node.name, node.expression] for node in case.graph],
        "observed": [node.name for node in case.graph if node.is_observed],
        "runs": [{name: pack(array) for name, array in run.items()} for run in runs],
        "cotangents": {},
        "policies": list(policies),
        "trainings": [],
        "time_limit": case.time_limit or DEFAULT_TIME_LIMIT,
    }

    def draw(name: str, layer: Any, shapes: tuple[Any, ...]) -> Mapping[str, Any]:
        spec = plan["layers"][name]
        if not spec["is_planned"] and shapes:
            for key, weight in layer.weights(*shapes).items():
                if (size := math.prod(weight.shape)) > MAX_ELEMENTS:
                    raise _too_large(case, name, f"a {key} of {size} elements, more than {MAX_ELEMENTS}")
                fixed = _fixed(_initializer(spec["config"], key), weight.shape)
                if fixed is not None:
                    spec["kept"].append(key)
                if not weight.is_trained or _is_frozen(spec["config"], key):
                    spec["fixed"].append(key)
                shared = spec["config"].get("name", name)
                way = "integers" if case.draw == "integers" and weight.draw != "variance" else weight.draw
                array = fixed if fixed is not None else draw_weight(case.drawn_as, shared, key, weight.shape, way)
                drawn.setdefault(name, {})[key] = array
            spec["is_planned"] = True
        return {key: as_reference(array) for key, array in drawn.get(name, {}).items()}

    drawn: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    try:
        layers = make_layers(plan)
        for name, layer in layers.items():
            plan["layers"][name]["full"] = full_config(layer)
        arrays = ReferenceArrays(plan, layers, draw, Observing())
        arrays.run({name: as_reference(array) for name, array in runs[0].items()})
        if with_gradients and not case.no_gradients:
            plan["cotangents"] = _cotangents(case, plan["observed"], arrays.values)
    except CaseError:
        raise
    except Exception:  # the numpy lane runs the same plan, and reports the same error as its answer
        pass
    for name, weights in drawn.items():
        plan["layers"][name]["weights"] = {key: pack(array) for key, array in weights.items()}
    for spec in plan["layers"].values():
        spec["full"] = spec["full"] or full_config(make(spec["type"], spec["config"], is_checked=False))
    plan["trainings"] = [_training(training, plan["layers"]) for training in case.trainings]
    return plan


def _too_large(case: Case, layer: str, what: str) -> CaseError:
    hint = "ask the same of smaller layers and inputs; what is true of them is hardly ever a matter of size"
    return CaseError([Problem(case.position, f"the layer {layer} has {what}", hint)])


def _training(training: Training, layers: Mapping[str, Any]) -> dict[str, Any]:
    """A training with the weights that it moves: those of the layers that its loss reaches, but for fixed ones."""
    try:
        full = dataclasses.asdict(make_optimizer(training.optimizer, training.config))
    except LayerError:  # the numpy lane says so
        full = dict(training.config)
    return {
        "optimizer": training.optimizer,
        "config": dict(training.config),
        "full": full,
        "loss": training.loss,
        "steps": training.steps,
        "layers": list(training.layers),
        "trained": [
            f"{name}.{key}"
            for name in training.layers
            for key in layers[name]["weights"]
            if key not in layers[name]["fixed"]
        ],
        "batches": {name: list(row) for name, row in training.batches.items()},
        "is_native": training.is_native,
    }


def _cotangents(case: Case, observed: list[str], values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """A drawn array for every observed float output: one backward pass of their products gives all gradients.

    None at all where an output is not finite: there is no gradient to agree on.
    """
    drawn: dict[str, list[Any]] = {}
    for node in observed:
        drawn[node] = []
        for index, item in enumerate(flat([values[node]])):
            data = np.asarray(item.data)
            if not np.all(np.isfinite(data)):
                return {}
            is_float = data.dtype.kind == "f"
            label = f"{node}[{index}]"
            drawn[node].append(
                pack(draw_weight(case.drawn_as, "cotangent", label, data.shape, "table")) if is_float else None
            )
    return drawn


def is_stateful(config: Any) -> bool:
    """Whether a layer of this config, or one inside it, carries its state from call to call."""
    if isinstance(config, Mapping):
        return bool(config.get("stateful")) or any(is_stateful(value) for value in config.values())
    return isinstance(config, list | tuple) and any(is_stateful(value) for value in config)


def has_memory(plan: Plan) -> bool:
    """Whether a layer of a plan carries its state from call to call."""
    return any(is_stateful(spec["config"]) for spec in plan["layers"].values())


_INITIALIZERS = {
    "recurrent_kernel": "recurrent_initializer",
    "depthwise_kernel": "depthwise_initializer",
    "pointwise_kernel": "pointwise_initializer",
}
"""Arguments that are not called after the weight that they fill."""
_WRAPPED = {"forward": ("layer",), "backward": ("backward_layer", "layer")}
"""The arguments that hold the layer whose weights stand under a scope, where they are not called like the scope."""


def _initializer(config: Any, weight: str) -> Any:
    """What the case says a weight starts with; for `forward.bias` what it says in the wrapped layer."""
    scope, _, rest = weight.partition(".")
    if not rest:
        # a depthwise convolution calls its only kernel `kernel`, and what fills it `depthwise_initializer`
        depthwise = config.get("depthwise_initializer") if weight == "kernel" else None
        return config.get(_INITIALIZERS.get(weight, f"{weight}_initializer"), depthwise)
    inner = _inner(config, scope)
    return _initializer(inner, rest) if isinstance(inner, Mapping | list) else None


def _inner(config: Any, scope: str) -> Any:
    """The arguments of the wrapped layer whose weights stand under a scope; None where there are none."""
    if scope.isdigit():
        return (config if isinstance(config, list) else config["cells"])[int(scope)]
    if not isinstance(config, Mapping):
        return None
    return next((config[name] for name in _WRAPPED.get(scope, (scope,)) if config.get(name)), None)


def _is_frozen(config: Any, weight: str) -> bool:
    """Whether the case takes a weight, or a layer that holds it, out of training."""
    if isinstance(config, Mapping) and config.get("trainable") is False:
        return True
    scope, _, rest = weight.partition(".")
    return bool(rest) and _is_frozen(_inner(config, scope), rest)


def _fixed(initializer: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any] | None:
    """What a deterministic initialiser, written in the case, gives; None where the harness draws the weight."""
    match initializer:
        case "zeros":
            return np.zeros(shape, np.float32)
        case "ones":
            return np.ones(shape, np.float32)
        case "identity":
            return np.eye(*shape, dtype=np.float32)
        case {"type": "Constant", "value": value}:
            return np.full(shape, value, np.float32)
        case {"type": "Binary"}:
            return np.asarray(binary(shape), dtype=np.float32)
    return None
