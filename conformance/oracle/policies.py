"""The reference under a dtype policy: which dtype each node has there, how coarsely its way to it rounds, and how far.

The graph is walked once with a format in place of each array. Layers give the policy's compute dtype; operations
promote what they are given, as `keras.ops` and torch do; a loss and a weight have the given dtype. Runs in the NumPy
lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from conformance.case.expressions import evaluate
from conformance.oracle.exactness import exact_nodes
from conformance.oracle.rounding import Perturbed
from conformance.protocol.formats import FORMATS, POLICIES, Format, Policy, coarser, promoted
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack, unpack
from conformance.reference.base import Layer

_OF_BOOLEANS = ("equal", "greater", "mask")
_GIVE_FLOATS = ("mean", "one_hot", "exp", "log", "sqrt", "tanh")
"""Operations that give floats of the given dtype where they are given whole numbers."""


_SHARES = ("rate", "dropout", "recurrent_dropout")
"""Arguments by which a layer in training leaves entries out at random."""


@dataclass(frozen=True)
class Precision:
    """The dtype of a value, and the coarsest format on the way to it; None for what is no float."""

    dtype: Format | None
    coarsest: Format | None
    is_random: bool = False
    """Whether a lane's own draw decides which elements are which."""


NO_FLOAT = Precision(None, None)


class _PrecisionWalk:
    """The graph verbs over precisions."""

    def __init__(self, plan: Plan, layers: Mapping[str, Layer], policy: Policy) -> None:
        self.models = plan.models
        self.layers = layers
        self.policy = policy
        self.values: dict[str, Any] = {}
        self.trained: set[str] = set()
        """Layers that were called in training: what they remember was computed under the policy."""

    def name(self, name: str) -> Any:
        return self.values[name]

    def weight(self, layer: str, weight: str) -> Precision:
        return Precision(self.policy.given, self.policy.coarsest if layer in self.trained else self.policy.given)

    def item(self, value: Any, index: Any) -> Any:
        return value[index] if isinstance(value, list) else value

    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if callee in self.models:
            outputs = [self.values[name] for name in self.models[callee].outputs]
            return outputs[0] if len(outputs) == 1 else outputs
        if kwargs.get("training") is True:
            self.trained.add(callee)
        layer, given = self.layers[callee], [args, list(kwargs.values())]
        is_loss = hasattr(layer, "reduction")  # as every loss has, and no layer
        own = self.policy.given if is_loss else self.policy.compute
        draws = kwargs.get("training") is True and any(getattr(layer, name, None) for name in _SHARES)
        return Precision(own, _coarsest(given, own), draws or any(precision.is_random for precision in _leaves(given)))

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Precision:
        given = [args, list(kwargs.values())]
        if operation in _OF_BOOLEANS:
            return NO_FLOAT
        if operation == "cast":
            dtype = FORMATS.get(next(leaf for leaf in [*args[1:], *kwargs.values()] if isinstance(leaf, str)))
            return Precision(dtype, dtype and _coarsest(given, dtype))
        found = self._together(given)
        if found.dtype or operation not in _GIVE_FLOATS:
            return found
        return Precision(self.policy.given, self.policy.given)

    def arithmetic(self, operator: str, left: Any, right: Any) -> Precision:
        found = self._together([left, right])
        return found if found.dtype or operator != "/" else Precision(self.policy.given, self.policy.given)

    def _together(self, given: Any) -> Precision:
        dtype: Format | None = None
        for precision in _leaves(given):
            dtype = promoted(dtype, precision.dtype)
        is_random = any(precision.is_random for precision in _leaves(given))
        return Precision(dtype, dtype and _coarsest(given, dtype), is_random)


def _leaves(nested: Any) -> Iterator[Precision]:
    if isinstance(nested, list | tuple):
        for item in nested:
            yield from _leaves(item)
    elif isinstance(nested, Precision):
        yield nested


def _coarsest(nested: Any, own: Format) -> Format:
    found = own
    for precision in _leaves(nested):
        if precision.coarsest is not None:
            found = coarser(found, precision.coarsest)
    return found


def walked(plan: Plan, layers: Mapping[str, Layer], policy: Policy) -> dict[str, Precision]:
    """Every observed node to its precision."""
    walk = _PrecisionWalk(plan, layers, policy)
    for name, given in plan.inputs.items():
        is_float = given.dtype in FORMATS
        walk.values[name] = Precision(policy.given, policy.given) if is_float else NO_FLOAT
        if given.holds_arrays:  # they go in as they are
            walk.values[name] = Precision(FORMATS["float32"], FORMATS["float32"])
    for node, expression in plan.expressions:
        walk.values[node] = evaluate(expression, walk)
    return {node: walk._together([walk.values[node]]) for node in plan.observed}


def trained_precisions(plan: Plan, weights: Mapping[str, Mapping[str, Any]], policy: Policy) -> dict[str, Precision]:
    """Every weight after every step of training: it keeps its dtype, and its gradient came through every layer.

    What `fit` reports is taken for one of them.
    """
    precision = Precision(policy.given, policy.coarsest)
    reported = {
        label: precision
        for fit in plan.fits
        for number in range(1, fit.epochs + 1)
        for label in (
            *(fit.label(name, number) for name in fit.reports()),
            *(f"{layer}.{key}@{number}" for layer in fit.layers if fit.optimizer for key in weights[layer]),
        )
    }
    return reported | {
        f"{layer}.{key}@{number}": precision
        for training in plan.trainings
        for layer in training.layers
        for key in weights[layer]
        for number in range(1, training.steps + 1)
    }


def precisions(by_node: Mapping[str, Precision], policy: Policy) -> dict[str, list[str]]:
    """Every observed node to its dtype and to the coarsest format on the way, for whatever floats it holds."""
    return {
        node: [(one.dtype or policy.given).name, (one.coarsest or policy.given).name] for node, one in by_node.items()
    }


def _of_any_draw(sensitivity: Mapping[str, Any], by_node: Mapping[str, Precision]) -> dict[str, Any]:
    """Sensitivities in which each element of a random node moves as far as any: the lane's draw is another one."""
    return {
        node: [_largest(one) if by_node[node].is_random else one for one in packed]
        for node, packed in sensitivity.items()
        if node in by_node
    }


def _largest(packed: dict[str, Any]) -> dict[str, Any]:
    array = unpack(packed)
    return pack(numpy.full(array.shape, numpy.max(array[numpy.isfinite(array)], initial=0.0)))


def under_policies(
    plan: Plan,
    layers: Mapping[str, Layer],
    weights: Mapping[str, Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    terms: int,
) -> dict[str, Any]:
    """What the plan's policies make of the reference, by policy: `precisions`, `exact`, `sensitivity` and `gradients`.

    The data move by the unit of the coarsest format. For float64, whose unit the reference itself rounds by, nothing is
    run: the sensitivity to float32 is scaled down by whoever judges.
    """
    found: dict[str, Any] = {}
    moved: dict[str, list[Perturbed]] = {}
    for name in plan.policies:
        policy = POLICIES[name]
        coarsest = policy.coarsest
        if coarsest.digits < FORMATS["float32"].digits and coarsest.name not in moved:
            moved[coarsest.name] = [
                Perturbed(plan, layers, weights, inputs, index == 0, (), coarsest) for index, inputs in enumerate(runs)
            ]
        probes = moved.get(coarsest.name, [])
        exact = set(plan.observed)
        for inputs in runs:
            exact &= exact_nodes(plan, layers, weights, inputs, terms, coarsest.whole_below)
        each = walked(plan, layers, policy) | trained_precisions(plan, weights, policy)
        every = precisions(each, policy)
        found[name] = {
            "precisions": every,
            "exact": sorted(node for node in exact if every[node][0] == every[node][1]),
            "sensitivity": [_of_any_draw(probe.sensitivity, each) for probe in probes],
            "gradients": {key: held["sensitivity"] for key, held in probes[0].gradients.items()} if probes else {},
        }
    return found
