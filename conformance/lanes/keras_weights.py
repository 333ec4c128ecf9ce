"""The harness owns every weight of a Keras layer: finds them by name and role, sets them, and reads them back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.protocol.adapter import WeightMismatch
from conformance.protocol.plan import Plan, PlannedLayer


def role(variable: Any) -> str:
    """The last part of a variable's path: `kernel`, `recurrent_kernel`, `gamma`."""
    path = str(getattr(variable, "path", variable.name))
    return path.rpartition("/")[2].partition(":")[0]


_EARLIER = {"kernel": "depthwise_kernel"}
"""What Keras 2 called a weight of a depthwise convolution."""


def variables(layer: Any) -> list[Any]:
    """The arrays of a built layer; a lookup of Keras 2 that has adapted lists its table of words among them."""
    return [weight for weight in layer.weights if hasattr(weight, "shape")]


def matched(layer: Any, name: str, wanted: Sequence[str]) -> dict[str, Any]:
    """The wanted names, each with its variable: by role, and within a role in order of creation.

    Raises WeightMismatch unless every variable is wanted and every wanted name is found.
    """
    by_role: dict[str, list[Any]] = {}
    for variable in variables(layer):
        by_role.setdefault(role(variable), []).append(variable)
    found = {}
    for key in wanted:
        last = key.rpartition(".")[2]
        candidates = by_role.get(last) or by_role.get(_EARLIER.get(last, ""), [])
        if not candidates:
            held = ", ".join(role(variable) for variable in variables(layer)) or "none"
            raise WeightMismatch(f"{name} has no weight {key}; Keras holds {held}", name, key)
        found[key] = candidates.pop(0)
    left = [role(variable) for variables in by_role.values() for variable in variables]
    if left:
        raise WeightMismatch(f"{name} has weights that the reference does not know: {', '.join(left)}", name)
    return found


def held_by(layer: Any, name: str, planned: PlannedLayer) -> dict[str, Any]:
    """The variables of a built layer by the plan's names; by Keras' own where nobody planned any.

    Nobody did where the reference raised before it came to this layer: what Keras made is its answer, not a mismatch.
    """
    if planned.is_planned:
        return matched(layer, name, list(planned.weights))
    found: dict[str, Any] = {}
    for variable in variables(layer):
        key = role(variable)
        repeats = sum(other.partition(" ")[0] == key for other in found)
        found[f"{key} {repeats + 1}" if repeats else key] = variable
    return found


def set_weights(layer: Any, name: str, planned: PlannedLayer) -> None:
    """Puts the plan's arrays into a built layer and asserts that they arrived; kept weights are left as built.

    Weights that nobody planned stay as Keras made them: see `held_by`.
    """
    if not planned.is_planned:
        return
    for key, variable in held_by(layer, name, planned).items():
        array = planned.weights[key]
        shape = tuple(int(length) for length in variable.shape)
        if shape != array.shape:
            words = f"{name}.{key} has shape {shape} in Keras, {array.shape} in the reference"
            raise WeightMismatch(words, name, key, shape, array.shape)
        if key in planned.as_built:
            continue
        variable.assign(array)
        if not np.array_equal(np.asarray(variable), array):
            raise WeightMismatch(f"{name}.{key} does not hold what was assigned to it", name, key)


def restore_weights(layer: Any, name: str, planned: PlannedLayer) -> None:
    """Puts the plan's arrays back into a built layer, kept ones too: what moved in a run must not reach the next."""
    if planned.is_planned and getattr(layer, "built", False) and hasattr(layer, "weights"):
        for key, variable in held_by(layer, name, planned).items():
            variable.assign(planned.weights[key])


def forget_states(layers: Iterable[Any], reset_state: Callable[[Any], None]) -> None:
    """Lets every stateful layer forget what it has seen."""
    for layer in layers:
        if getattr(layer, "stateful", False):
            reset_state(layer)


def start_again(plan: Plan, layers: Mapping[str, Any], reset_state: Callable[[Any], None]) -> None:
    """Every weight as the plan has it, and nothing remembered: a run before has moved statistics and states."""
    for name, layer in layers.items():
        restore_weights(layer, name, plan.layers[name])
    forget_states(layers.values(), reset_state)
