"""The one way to run the reference: for a lane, for a mistake in its layers, for a plan made on the way to a diagnosis.

How deep it looks is the caller's to say: values alone, with what rounding does to them, or with gradients, exactness
and dtype policies too, which is what lanes are judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

from conformance.case.expressions import Call, Constant, parse
from conformance.oracle.arrays import ReferenceArrays, inputs_of, make_layers, observed, weights_of
from conformance.oracle.exactness import exact_nodes
from conformance.oracle.policies import under_policies
from conformance.oracle.rounding import Perturbed
from conformance.oracle.training import make_optimizers, weights_after_steps
from conformance.protocol.adapter import Observing
from conformance.protocol.carried import Value
from conformance.protocol.counterparts import is_torchs
from conformance.protocol.observation import REFERENCE, Observation, from_message
from conformance.protocol.plan import Plan, PlannedLayer
from conformance.reference.base import HookError, Layer
from conformance.reference.catalog import KINDS
from conformance.reference.optimizers import Optimizer

MISTAKEN = "mutant"
"""The name under which a rewritten reference is judged as if it were a lane."""
Rewrite = Callable[[Any], Any]
"""A layer, or an optimiser, to the one that takes its place."""


class Depth(IntEnum):
    """How much of a plan's answer is wanted; each contains those before."""

    VALUES = 0
    """One run without perturbation."""
    SENSITIVITIES = 1
    """How far each value moves under rounding, too."""
    EVERYTHING = 2
    """Gradients, the nodes that are exact, and what each policy of the plan makes of all this, too."""


def answer(plan: Plan, depth: Depth = Depth.EVERYTHING, rewrite: Rewrite | None = None, draw: int = 0) -> Observation:
    """What the reference gives for a plan; what a layer raises is the answer, as in any lane.

    `draw` says which of many draws random layers make.
    Every layer and optimiser is put through `rewrite` first. Raises what that raises, and HookError where a mutant is
    broken.
    """
    name = REFERENCE if rewrite is None else MISTAKEN
    return from_message(name, REFERENCE, message(plan, depth, rewrite, draw))


def message(
    plan: Plan, depth: Depth = Depth.EVERYTHING, rewrite: Rewrite | None = None, draw: int = 0
) -> dict[str, Any]:
    """The same as a lane's process sends it."""
    observing = Observing()
    try:
        layers, optimizers = make_layers(plan), make_optimizers(plan)
    except Exception as error:
        observing.failed(error)
        return observing.as_message()
    if rewrite is not None:
        layers = {name: rewrite(layer) for name, layer in layers.items()}
        optimizers = [rewrite(optimizer) for optimizer in optimizers]
    try:
        _Run(plan, depth, layers, optimizers, observing, draw).whole()
    except HookError:
        raise
    except Exception as error:
        observing.failed(error)
    return observing.as_message()


def moved_by_calls(plan: Plan) -> frozenset[str]:
    """The weights that a call in training moves and no optimiser trains, as gradients name them: `norm.moving_mean`.

    Once a call has moved it there are two values of such a weight, and none that a gradient would be of: frameworks
    give that of the new value, and the chain to the old one is nobody's.
    """
    parts = [part for node in plan.graph for part in parse(node.expression).walk()]
    calls = [part for part in parts if isinstance(part, Call)]
    moving = {call.callee for call in calls if ("training", Constant(True)) in call.kwargs}
    return frozenset(
        f"{name}.{key}"
        for name, layer in plan.layers.items()
        if name in moving and _moves_weights(layer)
        for key in layer.fixed
    )


def buffers(plan: Plan) -> frozenset[str]:
    """The weights of torch's modules that are buffers, which no gradient is asked of: running statistics."""
    return frozenset(
        f"{name}.{key}" for name, layer in plan.layers.items() if is_torchs(layer.type) for key in layer.fixed
    )


def _moves_weights(layer: PlannedLayer) -> bool:
    """Whether a call in training moves weights of this layer: a frozen one answers as in inference, and moves none."""
    return layer.type in KINDS and KINDS[layer.type].moves_weights and layer.config.get("trainable") is not False


class _Run:
    """A plan on its way through the reference; what was reached is in `observing` even where something raises."""

    def __init__(
        self,
        plan: Plan,
        depth: Depth,
        layers: Mapping[str, Layer],
        optimizers: list[Optimizer],
        observing: Observing,
        draw: int = 0,
    ) -> None:
        self.plan, self.depth, self.observing, self.draw = plan, depth, observing, draw
        self.layers, self.optimizers = layers, optimizers
        self.weights = weights_of(plan)
        self.longest_sum = 1

    def whole(self) -> None:
        """All runs, and what is to be known of them together."""
        plan, observing = self.plan, self.observing
        observing.phase = "call"
        observing.weights = {n: {k: list(v.shape) for k, v in held.items()} for n, held in self.weights.items()}
        observing.params = {n: sum(int(v.size) for v in held.values()) for n, held in self.weights.items()}
        sensitivity = []
        exact = set(plan.observed)
        for index in range(len(plan.runs)):
            inputs = inputs_of(plan, index)
            self._values(index, inputs)
            if self.depth >= Depth.SENSITIVITIES:
                sensitivity.append(self._moves(index, inputs))
            if self.depth >= Depth.EVERYTHING:
                exact &= exact_nodes(plan, self.layers, self.weights, inputs, self.longest_sum)
        observing.extra = {"sensitivity": sensitivity, "longest_sum": self.longest_sum}
        if self.depth >= Depth.EVERYTHING:
            observing.extra["exact"] = sorted(exact)
            if plan.policies:
                runs = [inputs_of(plan, index) for index in range(len(plan.runs))]
                found = under_policies(plan, self.layers, self.weights, runs, self.longest_sum)
                observing.extra["policies"] = found

    def _values(self, index: int, inputs: Mapping[str, Any]) -> None:
        """One run of the graph and, in the first, the weights after each step of training."""
        arrays = ReferenceArrays(self.plan, self.layers, lambda name, *_: self.weights[name], self.observing)
        arrays.draw = self.draw
        self.observing.runs.append({})
        try:
            arrays.run(inputs)
        finally:
            reached = [node for node in self.plan.observed if node in arrays.values]
            self.observing.runs[-1].update({node: observed(arrays.values[node]) for node in reached})
        self.longest_sum = max(self.longest_sum, arrays.longest_sum)
        if index == 0:
            trained = weights_after_steps(self.plan, self.layers, self.optimizers, self.weights, inputs)
            self.observing.runs[0].update({label: observed(Value(array)) for label, array in trained.items()})

    def _moves(self, index: int, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """How far each value of one run moves; of the first the gradients are noted too, where they are wanted."""
        is_first = index == 0
        wants_gradients = is_first and self.depth >= Depth.EVERYTHING
        trained = self.optimizers if is_first else ()
        probe = Perturbed(self.plan, self.layers, self.weights, inputs, wants_gradients, trained)
        if wants_gradients:
            moved = moved_by_calls(self.plan) | buffers(self.plan)
            self.observing.gradients = {name: one for name, one in probe.gradients.items() if name not in moved}
            if probe.failure is not None:
                self.observing.failed_backwards(probe.failure)
        return probe.sensitivity
