"""The functional model beside the eager run: made of the symbolic run's tensors, called with the arrays of every size.

A user who writes `keras.Model(inputs, outputs)` gets the graph that the symbolic run made: with open lengths, masks on
symbolic tensors, and constants that were worked out before there were numbers. The layers are those that were asked
eagerly, so that nothing is built twice. What it gives is sent only where it is not, to the last bit, what the eager
calls gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.lanes.keras_arrays import KerasArrays, absent_in, flat
from conformance.lanes.keras_config import Absent
from conformance.lanes.keras_weights import forget_states, held_by, restore_weights
from conformance.protocol.adapter import Observing, Unsupported
from conformance.protocol.plan import Plan

Given = Mapping[str, Any]
"""Node or input to a tensor, or a list of tensors."""


class FunctionalModel:
    """The model from a case's inputs to those observed nodes that have a symbolic value."""

    def __init__(self, plan: Plan, arrays: KerasArrays, symbolic: Given, reset_state: Callable[[Any], None]) -> None:
        """`symbolic` is what the symbolic run gave for every input and node.

        Raises Unsupported where the case has no such model, and whatever Keras raises when it makes one.
        """
        _refuse_order(plan, arrays)
        self._plan, self._arrays, self._reset_state = plan, arrays, reset_state
        self.inputs = {name: symbolic[name] for name in plan.inputs if _is_symbolic(symbolic.get(name, Absent))}
        values = {node: symbolic.get(node, Absent) for node in plan.observed}
        self.nodes = {node: value for node, value in values.items() if _is_symbolic(value)}
        if not self.inputs or not self.nodes:
            raise Unsupported("nothing that is observed has a symbolic value")
        self.left_out = [node for node in plan.observed if node not in self.nodes]
        name_apart(arrays.layers)
        try:
            self._model = self._made(arrays.keras)
        except ValueError as error:
            if "connected" not in str(error):
                raise
            self.nodes = {node: value for node, value in self.nodes.items() if self._is_connected(arrays.keras, node)}
            self.left_out = [node for node in plan.observed if node not in self.nodes]
            if not self.nodes:
                raise Unsupported(f"no model has these outputs: {error}") from None
            self._model = self._made(arrays.keras)

    def _made(self, keras: Any) -> Any:
        return keras.Model(list(self.inputs.values()), [item for value in self.nodes.values() for item in flat(value)])

    def _is_connected(self, keras: Any, node: str) -> bool:
        """Whether a model of this node alone can be made: a layer may give a tensor that it did not compute."""
        try:
            keras.Model(list(self.inputs.values()), flat(self.nodes[node]))
        except ValueError:
            return False
        return True

    def takes(self, inputs: Given) -> bool:
        """Whether these inputs have the lengths that the model was made for; open ones may be of any length."""
        return all(
            wanted is None or int(length) == wanted
            for name, held in self.inputs.items()
            for wanted, length in zip(held.shape, inputs[name].shape, strict=True)
        )

    def answer(self, inputs: Given) -> dict[str, Any]:
        """Node to its tensors, with the masks that Keras gave them; states and statistics are those of the plan."""
        for name, layer in self._arrays.layers.items():
            if self._plan.layers[name].fixed:
                restore_weights(layer, name, self._plan.layers[name])
        forget_states(self._arrays.layers.values(), self._reset_state)
        found = self._model([inputs[name] for name in self.inputs])
        leaves = iter(found if isinstance(found, list | tuple) else [found])
        return {node: _as_in(value, leaves) for node, value in self.nodes.items()}


def beside(
    plan: Plan,
    arrays: KerasArrays,
    symbolic: Callable[[int], Given],
    inputs: Iterator[Given],
    observed: Callable[[Any], dict[str, Any]],
    reset_state: Callable[[Any], None],
) -> dict[str, Any]:
    """What the model of a case gives, as an adapter's message has it; see `conformance.protocol.adapter`.

    `symbolic` makes a symbolic run with the lengths of a run by its number, those of open axes left open: where another
    length is not what it was, that run has a model of its own. `inputs` are the tensors of each run, and `observed`
    makes of a node's tensors what a message says of them.
    """
    told = Observing(phase="model")
    note, left_out = "", []
    try:
        model = FunctionalModel(plan, arrays, symbolic(0), reset_state)
        left_out = model.left_out
        for number, (eager, given) in enumerate(zip(arrays.observing.runs, inputs, strict=True)):
            if not model.takes(given):
                arrays.models = {}
                model = FunctionalModel(plan, arrays, symbolic(number), reset_state)
            found = {node: observed(value) for node, value in model.answer(given).items()}
            told.runs.append({node: value for node, value in found.items() if value != eager.get(node)})
    except Unsupported as reason:
        note = str(reason)
    except Exception as error:
        told.failed(error)
    return {"runs": told.runs, "failure": told.failure, "note": note, "left_out": left_out}


def _refuse_order(plan: Plan, arrays: KerasArrays) -> None:
    """Raises Unsupported where what a call changes is seen by a later one, or read: a model has an order of its own."""
    calls = [step["callee"] for step in arrays.observing.steps]
    for name, layer in arrays.layers.items():
        moved = _moved(plan, name, layer)
        is_repeated = calls.count(name) > len(plan.runs) or bool(plan.models)
        if is_repeated and (plan.layers[name].is_stateful or moved):
            raise Unsupported(f"{name} is called more than once and changes with each call")
        if read := moved & {weight for owner, weight in arrays.weights_read if owner == name}:
            raise Unsupported(f"{name}.{min(read)} is read, and a call changes it")


def _moved(plan: Plan, name: str, layer: Any) -> set[str]:
    """The weights of a layer that a call has moved."""
    planned = plan.layers[name]
    if not planned.fixed or not getattr(layer, "built", False):
        return set()
    held = held_by(layer, name, planned)
    return {key for key in planned.fixed if not np.array_equal(np.asarray(held[key]), planned.weights[key])}


def name_apart(layers: Given) -> None:
    """Gives each layer a name that nothing else has, as a model wants it; see `keras_modes.named_apart`."""
    for name, layer in layers.items():
        try:
            layer.name = f"{name}_"
        except AttributeError:  # Keras 2 has a property there
            layer._name = f"{name}_"


def _is_symbolic(value: Any) -> bool:
    """Whether every array of a node depends on an input."""
    items = flat(value)
    return bool(items) and not absent_in(value) and all(type(item).__name__ == "KerasTensor" for item in items)


def _as_in(symbolic: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(symbolic, list | tuple):
        return [_as_in(item, leaves) for item in symbolic]
    return next(leaves)
