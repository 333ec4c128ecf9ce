"""Where lane and reference part: the nodes that differ although everything that goes into them agrees."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from conformance.case.expressions import parse
from conformance.case.model import Case
from conformance.judge.compare import COMPARERS, Matched, Place, is_trained, matched_outputs
from conformance.protocol.observation import Observation


@dataclass(frozen=True, slots=True)
class Divergence:
    """One node at which a difference starts."""

    node: str
    inputs: tuple[str, ...]
    """The observed nodes and inputs of the case that it is computed from, all of which agree."""
    step: int | None = None
    """For a sequence, the first index of axis 1 at which it differs."""
    gate: str = ""
    """Of a recurrent layer: the gates that hold the fault, in words."""
    is_fed: bool = False
    """Whether it shows only when the reference's activations are given in place of the lane's."""


def divergences(
    case: Case, got: Observation, reference: Observation, gives_masks: bool, given: Collection[str] = ()
) -> tuple[Divergence, ...]:
    """The starts of all differences between a lane and the reference, in the order of the graph.

    `given` are nodes that the lane did not compute, in a run without training.
    """
    wrong = _wrong(case, got, reference, gives_masks, given)
    sources = observed_sources(case)
    starts = tuple(
        Divergence(name, sources[name], first_step(wrong[name]) if _is_sequence(case, name) else None)
        for name in sources
        if name in wrong and not any(source in wrong for source in sources[name])
    )
    return starts or _of_training(wrong)


def wrong_nodes(
    case: Case, got: Observation, reference: Observation, gives_masks: bool, given: Collection[str] = ()
) -> set[str]:
    """Every node of the graph that differs, wherever its difference starts."""
    wrong = _wrong(case, got, reference, gives_masks, given)
    return {name for name in wrong if not is_trained(name)}


def _wrong(
    case: Case, got: Observation, reference: Observation, gives_masks: bool, given: Collection[str]
) -> dict[str, list[Matched]]:
    wrong: dict[str, list[Matched]] = {}
    for item in matched_outputs(got, reference, reference, case.demands, 1.0):
        if differs(item, gives_masks):
            wrong.setdefault(item.label.partition("[")[0], []).append(item)
    for name in (name for run in reference.runs for name in run):
        is_asked = not given or (name not in given and not is_trained(name))
        if is_asked and any(name not in run for run in got.runs):
            wrong.setdefault(name, [])
    return wrong


def _of_training(wrong: Mapping[str, object]) -> tuple[Divergence, ...]:
    """Where the forward run agrees: the weights that differ after the first step after which any does."""
    steps = {label: int(label.partition("@")[2]) for label in wrong if is_trained(label)}
    return tuple(Divergence(label, ()) for label, step in steps.items() if step == min(steps.values()))


def differs(item: Matched, gives_masks: bool) -> bool:
    """Whether one output differs in any aspect."""
    place = Place(item.label, item.run, "reference")
    return any(
        comparer.compare(item.got, item.wanted, item.allowed, place) is not None
        for comparer in COMPARERS
        if gives_masks or comparer.aspect != "mask"
    )


def observed_sources(case: Case) -> dict[str, tuple[str, ...]]:
    """Every observed node and what it is computed from: observed nodes and inputs, seen through unobserved nodes."""
    expressions = {node.name: parse(node.expression) for node in case.graph}
    models = {model.name: model for model in case.models}
    observed = {node.name for node in case.graph if node.is_observed}
    known = {*expressions, *(item.name for item in case.inputs)}

    def sources(name: str) -> list[str]:
        found: list[str] = []
        for used in sorted(expressions[name].names()):
            names = models[used].inputs if used in models else (used,)
            for source in names:
                if source in known:
                    found += [source] if source in observed or source not in expressions else sources(source)
        return found

    return {node.name: tuple(dict.fromkeys(sources(node.name))) for node in case.graph if node.is_observed}


def first_step(wrong: Sequence[Matched]) -> int | None:
    """The first wrong step of the first output that is a sequence, by its rank; None where none is."""
    for item in wrong:
        values, wanted = item.got.values, item.wanted.values
        if values.shape == wanted.shape and values.ndim >= 3 and values.dtype.kind == "f":
            over = item.allowed.exceeded(values)
            steps = over.any(axis=(0, *range(2, over.ndim)))
            if steps.any():
                return int(np.argmax(steps))
    return None


def _is_sequence(case: Case, name: str) -> bool:
    """Whether the node is made by a layer that gives the outputs of all steps."""
    layers: Mapping[str, bool] = {layer.name: _returns_sequences(layer.config) for layer in case.layers}
    expression = next(node.expression for node in case.graph if node.name == name)
    return layers.get(expression.partition("(")[0].strip(), False)


def _returns_sequences(config: Mapping[str, object]) -> bool:
    inner = [value for value in config.values() if isinstance(value, Mapping)]
    return bool(config.get("return_sequences")) or any(_returns_sequences(value) for value in inner)
