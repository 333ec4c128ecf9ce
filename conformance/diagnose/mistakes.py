"""Which mistakes are tried on a case: those with names, arguments forgotten or given otherwise, masks read wrongly."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.case.model import Case
from conformance.diagnose.arguments import derived_arguments, forgotten_arguments, other_arguments
from conformance.diagnose.masks import misread_masks
from conformance.diagnose.weights import misused_weights
from conformance.mutants.activation import mistaken_activations
from conformance.mutants.gate_order import gate_orders
from conformance.mutants.layer import broken, inside, mutable
from conformance.oracle.arrays import make_layers
from conformance.oracle.training import make_optimizers
from conformance.protocol.plan import Plan
from conformance.reference.base import DoesNotApply, Layer, Mutant
from conformance.reference.optimizers import Optimizer

Mistake = tuple[str, Mutant]
"""The kind of layer or optimiser, and what is done wrong in it."""


def kinds_of(case: Case) -> list[str]:
    """The case's layers and optimisers in the order in which they are tried: what a wrapper wraps comes before it."""
    held = _held_by_kind(case)
    found: dict[str, None] = {}

    def visit(kind: str) -> None:
        for inner in held.get(kind, ()):
            if inner not in found and inner != kind:
                visit(inner)
        found.setdefault(kind)

    for kind in case.layer_types:
        visit(kind)
    return list(found)


def rather_inside(case: Case, found: Sequence[Mistake]) -> list[Mistake]:
    """Of mistakes that all give the answer those of the layers that compute, where wrappers of them have some too."""
    held = _held_by_kind(case)
    kinds = {kind for kind, _ in found}
    return [(kind, mutant) for kind, mutant in found if not (held.get(kind, set()) - {kind}) & kinds]


def _held_by_kind(case: Case) -> dict[str, set[str]]:
    """Kind of layer to the kinds that stand inside of it, at whatever depth."""
    found: dict[str, set[str]] = {}

    def visit(kind: str, config: Mapping[str, Any]) -> set[str]:
        inside: set[str] = set()
        for value in config.values():
            for nested in value if isinstance(value, list | tuple) else [value]:
                if isinstance(nested, Mapping) and nested.get("type") in mutable():
                    inside |= {nested["type"]} | visit(nested["type"], nested)
        found.setdefault(kind, set()).update(inside)
        return inside

    for layer in case.layers:
        visit(layer.type, layer.config)
    return found


def named_ones(case: Case) -> Iterator[Mistake]:
    """All mutants of the case's layers, in the order of the layers."""
    for kind in kinds_of(case):
        mutants: tuple[Mutant, ...] = mutable().get(kind, Layer).mutants
        for mutant in mutants:
            yield kind, mutant


def forgotten_ones(case: Case) -> Iterator[Mistake]:
    """Every argument of the case's layers that is left at its default."""
    for kind in _known(case):
        for mutant in forgotten_arguments(mutable()[kind]):  # type: ignore[arg-type]  # mypy takes a class for its value
            yield kind, mutant


def other_ones(case: Case) -> Iterator[Mistake]:
    """Every other order of gates, activation and argument, and every mask read wrongly."""
    for kind in _known(case):
        made: Any = mutable()[kind]
        every = (*gate_orders(made), *mistaken_activations(made), *other_arguments(made), *misread_masks(made))
        for mutant in every:
            yield kind, mutant


def derived_ones(case: Case, plan: Plan) -> Iterator[Mistake]:
    """Every number that comes from a given one, and every weight used otherwise."""
    weights = tuple(misused_weights(plan))
    for kind in _known(case):
        made: Any = mutable()[kind]
        for mutant in (*derived_arguments(made), *(weights if issubclass(made, Layer) else ())):
            yield kind, mutant


def _known(case: Case) -> list[str]:
    return [kind for kind in kinds_of(case) if kind in mutable()]


def are_one(plan: Plan, mistake: Mistake, other: Mistake) -> bool:
    """Whether both put the same arguments in place of others, in every layer of the plan: one thing said twice."""
    kind, mutant = mistake
    if other[0] != kind or not (_changes_arguments_only(mutant) and _changes_arguments_only(other[1])):
        return False
    every = [*make_layers(plan).values(), *make_optimizers(plan)]
    held = [one for layer in every for one in inside(layer) if type(one) is mutable()[kind]]
    try:
        return all(_changed(one, mutant) == _changed(one, other[1]) for one in held)
    except (DoesNotApply, ArithmeticError, LookupError, TypeError, ValueError):
        return False


def _changes_arguments_only(mutant: Mutant) -> bool:
    hooks = (mutant.weights, mutant.inputs, mutant.output, mutant.mask, mutant.state, mutant.step)
    return mutant.config is not None and not mutant.methods and not any(hooks)


def _changed(one: Any, mutant: Mutant) -> Any:
    if isinstance(one, Optimizer):
        return dataclasses.replace(one, **(mutant.config(one) if mutant.config else {}))
    return broken(one, mutant)
