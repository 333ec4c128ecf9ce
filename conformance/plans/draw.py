"""From a case to a plan: everything that a lane needs, drawn once and the same for every lane.

The weights' shapes come from one run of the reference; where the reference raises before it reaches a layer, that
layer's weights stay undrawn and a lane that gets further keeps its own. Layers with the same Keras `name` get the same
numbers in weights of the same name and shape: so that a case can compare two configurations of one layer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case.arrays import MAX_ELEMENTS, draw_inputs, draw_weight
from conformance.case.axes import symbolic_shape
from conformance.case.data import load_array
from conformance.case.initializers import binary
from conformance.case.model import Case, Fit, Training
from conformance.case.penalty_words import named
from conformance.case.saving import SUFFIX
from conformance.counterpart import Counterpart
from conformance.errors import CaseError, Problem
from conformance.oracle.arrays import ReferenceArrays, as_reference, flat, make_layers
from conformance.oracle.penalties import activity_penalty, is_frozen, penalties, written_for
from conformance.protocol.adapter import Observing
from conformance.protocol.fit import PlannedFit
from conformance.protocol.plan import (
    Array,
    Plan,
    PlannedInput,
    PlannedLayer,
    PlannedModel,
    PlannedNode,
    PlannedSaved,
    PlannedTraining,
    dtype_name,
    is_stateful,
    read_only,
)
from conformance.reference.base import Layer, LayerError, Weight, full_config, make
from conformance.reference.catalog import KINDS
from conformance.reference.constraints import make_constraint
from conformance.reference.optimizer_base import full_arguments, make_optimizer
from conformance.reference.regularizers import make_regularizer
from conformance.reference.torch.base import TorchLayer
from conformance.reference.torch.optim import in_keras

DEFAULT_TIME_LIMIT = 60.0
"""Seconds a lane may take for one case."""


def plan_of(case: Case, with_gradients: bool = True, policies: Sequence[str] = ()) -> Plan:
    """The plan of a case. Never raises for what a layer refuses: that is the lanes' answer, and the reference's.

    Raises CaseError for a weight that is too large to be drawn, which is no lane's answer. `policies` are the dtype
    policies other than float32 under which the reference will be asked for.
    """
    plan = _without_weights(case, policies)
    drawing, cotangents = _Drawing(case), {}
    try:
        arrays = ReferenceArrays(plan, make_layers(plan), drawing.weights_for, Observing())
        arrays.on_call = drawing.called
        arrays.run({name: as_reference(array) for name, array in plan.runs[0].items()})
        if with_gradients and not case.no_gradients:
            cotangents = _cotangents(case, plan.observed, arrays.values)
    except CaseError:
        raise
    except Exception:  # the numpy lane runs the same plan, and reports the same error as its answer
        pass
    layers = {name: drawing.finished(name, layer) for name, layer in plan.layers.items()}
    trainings = tuple(_training(training, layers) for training in case.trainings)
    fits = tuple(_fit(fit, layers) for fit in case.fits)
    plan = dataclasses.replace(plan, layers=layers, cotangents=cotangents, trainings=trainings, fits=fits)
    return dataclasses.replace(plan, saved=_saved(case))


def _saved(case: Case) -> PlannedSaved | None:
    """How the model is saved, with the file that another lane wrote. Raises CaseError where that is not there."""
    if case.saved is None:
        return None
    file = b""
    if case.saved.written_in:
        if not case.saved.sha256:
            raise _refused(case, f"there is no file that {case.saved.written_in} wrote", f"conformance save {case.id}")
        file = Path(case.saved.path).read_bytes()
    return PlannedSaved(case.saved.form, SUFFIX[case.saved.form], case.saved.kept, file, after=case.saved.after)


def _without_weights(case: Case, policies: Sequence[str]) -> Plan:
    """The plan before anything has run: no weights, no cotangents, no trainings."""
    has_memory = any(is_stateful(layer.config) for layer in case.layers)
    runs = [draw_inputs(case, index) for index in range(len(case.sizes))]
    return Plan(
        id=case.id,
        layers={layer.name: PlannedLayer(layer.type, dict(layer.config), is_planned=False) for layer in case.layers},
        models={model.name: PlannedModel(tuple(model.inputs), tuple(model.outputs)) for model in case.models},
        inputs={
            item.name: PlannedInput(
                _symbolic(case, item, runs[0][item.name] if has_memory else None),
                dtype_name(runs[0][item.name]),
            )
            for item in case.inputs
        },
        graph=tuple(PlannedNode(node.name, node.expression) for node in case.graph),
        observed=tuple(node.name for node in case.graph if node.is_observed),
        runs=tuple({name: read_only(array) for name, array in run.items()} for run in runs),
        time_limit=case.time_limit or DEFAULT_TIME_LIMIT,
        policies=tuple(policies),
    )


def _symbolic(case: Case, item: Any, remembered: Any) -> tuple[int | None, ...]:
    """An input's shape with its open axes; a layer that remembers is built for as many rows as there are."""
    shape = tuple(symbolic_shape(case, item))
    return shape if remembered is None else (*remembered.shape[:1], *shape[1:])


class _Drawing:
    """The weights of a case: drawn when the reference calls a layer, for only then their shapes are known."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._weights: dict[str, dict[str, Array]] = {}
        self._as_built: dict[str, list[str]] = {}
        self._fixed: dict[str, list[str]] = {}
        self._planned: set[str] = set()
        self._counterparts: dict[str, list[Counterpart]] = {}

    def called(self, name: str, layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Notes what Keras has in the place of a module of torch's, for this call."""
        if isinstance(layer, TorchLayer):
            self._counterparts.setdefault(name, []).append(layer.counterpart_of(args, kwargs))

    def weights_for(self, name: str, layer: Layer, shapes: tuple[Any, ...]) -> Mapping[str, Any]:
        """A layer's weights in float64, drawn at its first call. Raises CaseError for one that is too large."""
        if name not in self._planned and shapes:
            self._draw(name, layer, shapes)
            self._planned.add(name)
        return {key: as_reference(array) for key, array in self._weights.get(name, {}).items()}

    def _draw(self, name: str, layer: Layer, shapes: tuple[Any, ...]) -> None:
        case = self._case
        kind, config = next((one.type, one.config) for one in case.layers if one.name == name)
        for key, weight in layer.weights(*shapes).items():
            if (size := math.prod(weight.shape)) > MAX_ELEMENTS:
                raise _too_large(case, name, f"a {key} of {size} elements, more than {MAX_ELEMENTS}")
            array = _held(weight) if weight.value is not None else _fixed(written_for(kind, config, key), weight.shape)
            if key in case.weights.get(name, {}):
                array = _from_file(case, name, key, weight)
            elif array is not None:
                self._as_built.setdefault(name, []).append(key)
            else:
                shared = config.get("name", name)
                drawn = "integers" if case.draw == "integers" and weight.draw != "variance" else weight.draw
                array = draw_weight(case.weights_drawn_as, shared, key, weight.shape, drawn)
            if not weight.is_trained or is_frozen(kind, config, key):
                self._fixed.setdefault(name, []).append(key)
            self._weights.setdefault(name, {})[key] = read_only(array)

        unknown = [key for key in case.weights.get(name, {}) if key not in self._weights.get(name, {})]
        if unknown:
            held = ", ".join(self._weights.get(name, {})) or "none"
            raise _refused(case, f"the layer {name} has no weight {unknown[0]}", f"its weights: {held}")

    def finished(self, name: str, layer: PlannedLayer) -> PlannedLayer:
        """The layer with what was drawn for it, and all its arguments."""
        held, fixed = self._weights.get(name, {}), self._fixed.get(name, ())
        return PlannedLayer(
            type=layer.type,
            config=layer.config,
            full=full_config(make(layer.type, layer.config, is_checked=False)),
            weights=held,
            as_built=tuple(self._as_built.get(name, ())),
            fixed=tuple(fixed),
            penalties=penalties(layer.type, layer.config, [key for key in held if key not in fixed]),
            activity_penalty=activity_penalty(layer.type, layer.config),
            counterparts=tuple(self._counterparts.get(name, ())),
            is_planned=name in self._planned,
            in_torch=_in_torch(layer.type),
        )


def _from_file(case: Case, layer: str, key: str, weight: Weight) -> Array:
    """A weight that stands in a data file. Raises CaseError for one of another shape."""
    held = case.weights[layer][key]
    if held.shape != tuple(weight.shape):
        raise _refused(case, f"the file of {layer}.{key} holds shape {held.shape}; it needs {tuple(weight.shape)}")
    array = load_array(Path(held.path), held.key)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _refused(case: Case, what: str, hint: str | None = None) -> CaseError:
    return CaseError([Problem(case.position, what, hint)])


def _in_torch(kind: str) -> str:
    """What users of torch have in the place of a layer, or why torch has nothing."""
    if kind not in KINDS:
        return ""
    native = KINDS[kind].native
    call = ", ".join(native.names) or native.instead
    return f"users have {call}" + (f"; {native.reason}" if native.reason else "") if call else native.reason


def _too_large(case: Case, layer: str, what: str) -> CaseError:
    hint = "ask the same of smaller layers and inputs; what is true of them is hardly ever a matter of size"
    return _refused(case, f"the layer {layer} has {what}", hint)


def _training(training: Training, layers: Mapping[str, PlannedLayer]) -> PlannedTraining:
    """A training with the weights that it moves: those of the layers that its loss reaches, but for fixed ones."""
    try:
        optimizer = make_optimizer(training.optimizer, training.config)
        full, counterpart = full_arguments(optimizer), in_keras(optimizer)
    except LayerError:  # the numpy lane says so
        full, counterpart = dict(training.config), {}
    trained = _trained(training.layers, layers)
    return PlannedTraining(
        optimizer=training.optimizer,
        config=dict(training.config),
        full=full,
        loss=training.loss,
        steps=training.steps,
        layers=tuple(training.layers),
        trained=tuple(f"{name}.{key}" for name, key in trained),
        batches={name: tuple(row) for name, row in training.batches.items()},
        penalties=_written_for("regularizer", trained, layers),
        constraints=_written_for("constraint", trained, layers),
        counterpart=counterpart,
        finalize=training.finalize,
    )


def _trained(reached: Sequence[str], layers: Mapping[str, PlannedLayer]) -> list[tuple[str, str]]:
    """Layer and name of every weight of these layers that an optimiser may move."""
    return [(name, key) for name in reached for key in layers[name].weights if key not in layers[name].fixed]


def _fit(fit: Fit, layers: Mapping[str, PlannedLayer]) -> PlannedFit:
    """A training through `fit` or `evaluate`, with the weights that it may move."""
    try:
        full = full_arguments(make_optimizer(fit.optimizer, fit.config)) if fit.optimizer else {}
    except LayerError:  # the numpy lane says so
        full = dict(fit.config)
    trained = _trained(fit.layers, layers)
    return PlannedFit(
        through=fit.through,
        inputs=fit.inputs,
        losses=fit.loss,
        y=fit.y,
        batch_size=fit.batch_size,
        epochs=fit.epochs,
        steps_per_execution=fit.steps_per_execution,
        loss_weights=fit.loss_weights,
        sample_weight=fit.sample_weight,
        class_weight=fit.class_weight,
        metrics=fit.metrics,
        weighted_metrics=fit.weighted_metrics,
        optimizer=fit.optimizer,
        config=dict(fit.config),
        full=full,
        layers=fit.layers,
        trained=tuple(f"{name}.{key}" for name, key in trained),
        penalties=_written_for("regularizer", trained, layers),
        constraints=_written_for("constraint", trained, layers),
    )


def _written_for(
    what: str, trained: Sequence[tuple[str, str]], layers: Mapping[str, PlannedLayer]
) -> dict[str, Mapping[str, Any]]:
    """Trained weight to the regulariser or constraint that the case writes for it, defaults filled in."""
    make_one: Any = {"regularizer": make_regularizer, "constraint": make_constraint}[what]
    found: dict[str, Mapping[str, Any]] = {}
    for name, key in trained:
        config = named(what, written_for(layers[name].type, layers[name].config, key, what))
        if config is not None:
            found[f"{name}.{key}"] = {"type": config["type"], **dataclasses.asdict(make_one(config))}
    return found


def _cotangents(case: Case, observed: Sequence[str], values: Mapping[str, Any]) -> dict[str, tuple[Array | None, ...]]:
    """A drawn array for every observed float output: one backward pass of their products gives all gradients.

    None at all where an output is not finite: there is no gradient to agree on.
    """
    drawn: dict[str, tuple[Array | None, ...]] = {}
    for node in observed:
        arrays: list[Array | None] = []
        for index, item in enumerate(flat([values[node]])):
            data = np.asarray(item.data)
            if not np.all(np.isfinite(data)):
                return {}
            label = f"{node}[{index}]"
            is_float = data.dtype.kind == "f"
            array = draw_weight(case.drawn_as, "cotangent", label, data.shape, "table") if is_float else None
            arrays.append(None if array is None else read_only(array))
        drawn[node] = tuple(arrays)
    return drawn


def _held(weight: Weight) -> Array:
    """What a weight holds of itself: floats as float32, integers as they are."""
    array = np.asarray(weight.value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


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
