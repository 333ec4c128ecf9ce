"""The slip in a formula of the reference that gives a lane's answer, where no mistake with a name does."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from conformance.diagnose.divergence import Divergence
from conformance.mutants.formula import Slip, slips
from conformance.mutants.layer import inside
from conformance.oracle.arrays import make_layers
from conformance.oracle.run import Depth, answer
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.reference.base import Layer

Fits = Callable[[Observation, float], bool]
"""Whether the lane answers as this observation does, within so many budgets."""
LARGEST = 20_000
"""Numbers in a plan from which on no slips are tried: there are some hundreds of them."""
ENOUGH = 2
"""Slips that are shown where several give the same answer."""


def formula_slips(
    plan: Plan, reference: Observation, starts: Sequence[Divergence], near: float, fits: Fits
) -> list[str]:
    """What somebody has who answers as the lane does: the changed and the right expression, and where it stands.

    Only formulas of the layers are tried that are called where a difference starts.
    """
    if numbers_in(plan) > LARGEST:
        return []
    found: list[str] = []
    for kind in _kinds(plan, reference, {start.node for start in starts}):
        for slip in slips(kind):  # type: ignore[arg-type]  # mypy takes a class for its value
            with np.errstate(all="ignore"):  # infinities are compared like numbers
                quick = _answer(plan, slip, Depth.VALUES)
                if quick is None or not fits(quick, near):
                    continue
                exact = _answer(plan, slip, Depth.SENSITIVITIES)
                if exact is not None and fits(exact, 1.0):
                    found.append(slip.mistake)
            if len(found) == ENOUGH:
                return found
    return found


def with_slip(plan: Plan, reference: Observation, mistake: str) -> Iterator[Observation]:
    """What the reference gives with the slips that are told in these words."""
    called = {step.node for step in reference.steps}
    for kind in _kinds(plan, reference, called):
        for slip in slips(kind):  # type: ignore[arg-type]  # mypy takes a class for its value
            if slip.mistake == mistake and (found := _answer(plan, slip, Depth.SENSITIVITIES)) is not None:
                yield found


def numbers_in(plan: Plan) -> int:
    """How many numbers go into a plan, weights included; too many where nobody knows."""
    held = [value for run in plan.runs for value in run.values()]
    held += [value for layer in plan.layers.values() for value in layer.weights.values()]
    return sum(LARGEST if value.dtype == object else value.size for value in held)


def _kinds(plan: Plan, reference: Observation, nodes: set[str]) -> list[type[Layer]]:
    """The layers that are called at these nodes, wrapped ones included."""
    layers = make_layers(plan)
    called = {step.callee for step in reference.steps if step.node in nodes and step.callee in layers}
    return list(dict.fromkeys(type(one) for name in layers if name in called for one in inside(layers[name])))


def _answer(plan: Plan, slip: Slip, depth: Depth) -> Observation | None:
    """None where the slip leads nowhere."""
    with slip.applied(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is compared
        try:
            found = answer(plan, depth)
        except Exception:  # whatever a changed line raises: it explains nothing
            return None
    return None if found.failure is not None else found
