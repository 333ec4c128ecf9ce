"""Gradients on both sides of where the inputs stand: at a kink or a tie they are two, and none of them is the gradient.

Every float input is moved a little, once to the left and once to the right, later numbers a little further than earlier
ones: so |x| has both its slopes at 0, and of two numbers that tie for a maximum the first is the larger one on the left
and the last on the right. Where the two gradients stay as far apart when the step shrinks, there is a kink; where they
come together, the gradient is only steep, and where they part, there is a pole. Where a value jumps, the gradient is
that of the side on which the value is taken, and no matter of convention.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from autograd import value_and_grad
from autograd.tracer import getval

from conformance.oracle.arrays import ReferenceArrays, inputs_of, make_layers, weights_of
from conformance.oracle.rounding import floats_of, score, terms
from conformance.protocol.adapter import Observing
from conformance.protocol.plan import Plan

STEP = 2.0**-20
SHRINKS = 2.0**-6
"""The second step in relation to the first: what is smooth comes as much closer."""
APART = 1e-3
"""Of the larger gradient: from here on the two sides differ."""
RESIDUE = 2.0**-30
"""Of the largest of all gradients: below it lies what is left of terms that cancel, which is another on each side."""

Array = numpy.ndarray[Any, Any]


@dataclass(frozen=True)
class Sides:
    """`input x` or `layer.weight` to its gradient on either side, and to where the two are a kink's."""

    left: Mapping[str, Array]
    right: Mapping[str, Array]
    kinks: Mapping[str, Array]

    @property
    def are_there(self) -> bool:
        """Whether the case stands at a kink or a tie anywhere."""
        return any(found.any() for found in self.kinks.values())


NO_SIDES = Sides({}, {}, {})


@dataclass(frozen=True)
class _Side:
    """What a step to one side gives."""

    score: float
    size: float
    """Of all that the score is the sum of, by their absolute values."""
    gradients: Mapping[str, Array]


def sides_of(plan: Plan) -> Sides:
    """The gradients on both sides of a plan's first run; none where the reference has no gradients."""
    if not plan.cotangents:
        return NO_SIDES
    try:
        with warnings.catch_warnings(), numpy.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            near = [_gradients(plan, sign * STEP * SHRINKS) for sign in (-1, 1)]
            left, right = (side.gradients for side in near)
            apart = _apart(left, right)
            if not any(found.any() for found in apart.values()):  # as nearly always: then the second step tells nothing
                return Sides(left, right, {})
            far = [_gradients(plan, sign * STEP) for sign in (-1, 1)]
    except Exception:  # a layer that refuses such numbers, or has no way back, has no sides
        return NO_SIDES
    if _jumps(*far, *near):
        return Sides(left, right, {})
    far_left, far_right = (side.gradients for side in far)
    stays = {name: _stays_apart(far_left[name], far_right[name], left[name], right[name]) for name in left}
    return Sides(left, right, {name: apart[name] & stays[name] for name in left})


def _jumps(left: _Side, right: _Side, near_left: _Side, near_right: _Side) -> bool:
    """Whether what comes out stays as far apart as it was when the step shrinks: something in it jumps."""
    far, near = abs(left.score - right.score), abs(near_left.score - near_right.score)
    return near > RESIDUE * max(near_left.size, near_right.size) and near > 0.5 * far


def _apart(left: Mapping[str, Array], right: Mapping[str, Array]) -> dict[str, Array]:
    """Where the gradients differ after a small step, by more than is left of terms that cancel."""
    sizes = {name: numpy.maximum(numpy.abs(left[name]), numpy.abs(right[name])) for name in left}
    every = [numpy.abs(found[numpy.isfinite(found)]) for found in (*left.values(), *right.values())]
    least = RESIDUE * max((float(numpy.max(found, initial=0.0)) for found in every), default=0.0)
    return {
        name: numpy.abs(left[name] - right[name]) > max(APART * numpy.max(size, initial=0.0), least)
        for name, size in sizes.items()
    }


def _stays_apart(left: Array, right: Array, near_left: Array, near_right: Array) -> Array:
    """Where the gradients are as far apart after a small step as after a larger one."""
    with numpy.errstate(invalid="ignore"):
        far, near = numpy.abs(left - right), numpy.abs(near_left - near_right)
        found: Array = (near > 0.5 * far) & (near < 2.0 * far)
    return found


def _gradients(plan: Plan, step: float) -> _Side:
    """The score and its gradients by all inputs and weights where the float inputs are moved by this step."""
    layers, weights, inputs = make_layers(plan), weights_of(plan), inputs_of(plan)
    variables = _moved(floats_of(weights, inputs), step)
    size = 0.0

    def total(variables: Mapping[str, Any]) -> Any:
        def of_layer(name: str, *_: Any) -> dict[str, Any]:
            prefix = name + "."
            return {key[len(prefix) :]: value for key, value in variables.items() if key.startswith(prefix)}

        arrays = ReferenceArrays(plan, layers, of_layer, Observing())
        arrays.run({name: variables.get(f"input {name}", array) for name, array in inputs.items()})
        nonlocal size
        size = sum(float(numpy.sum(numpy.abs(getval(term)))) for term in terms(arrays, plan.observed, plan.cotangents))
        return score(arrays, plan.observed, plan.cotangents)

    score_there, found = value_and_grad(total)(dict(variables))
    return _Side(float(score_there), size, {name: numpy.asarray(array) for name, array in found.items()})


def _moved(variables: Mapping[str, Any], step: float) -> dict[str, Any]:
    """The variables with each input's numbers moved, later ones further by up to as much again."""
    count = sum(array.size for name, array in variables.items() if name.startswith("input "))
    moved, before = {}, 0
    for name, array in variables.items():
        if not name.startswith("input "):
            moved[name] = array
            continue
        ranks = (before + numpy.arange(array.size).reshape(array.shape)) / count
        moved[name] = array + step * numpy.maximum(1.0, numpy.abs(array)) * (1.0 + ranks)
        before += array.size
    return moved
