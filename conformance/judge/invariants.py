"""What must hold of one call of a layer whatever the rounding, asked of every lane in every case.

Which invariants a layer has stands on its class (`conformance.reference.invariants`). A call is checked on the lane's
own numbers: the inputs as this lane had them, its output, and the masks that the reference carries there. So an
invariant is judged where the budget of a value allows anything, and no difference that came in is held against a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from conformance.case.arrays import draw_inputs
from conformance.case.expressions import Call, Constant, Item, List, Name, Tree, parse
from conformance.case.model import Case
from conformance.judge.compare import labels
from conformance.judge.verdict import INVARIANTS, Distance, Finding, Worst
from conformance.protocol.formats import FORMATS
from conformance.protocol.observation import Array, Node, Observation, Output
from conformance.reference.base import Layer, LayerError, make
from conformance.reference.invariants import MASKED_GRADIENT, Checked, Invariant, Seen

NO_INFLUENCE = "what a mask hides has no influence: its gradient is 0"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that is a node of its own, and the layer whose invariants are asked of it."""

    node: str
    layer: Layer
    call: Call
    index: int | None
    """Of a node that is one of the call's outputs, `heads(x, x)[1]`: which."""


def invariant_findings(case: Case, got: Observation, reference: Observation) -> tuple[list[Finding], int]:
    """Every invariant that a lane does not keep, and how many were asked of it."""
    checks = list(_checks(case, got, reference))
    return [check for check in checks if check.distance is not None and check.distance.over], len(checks)


def _checks(case: Case, got: Observation, reference: Observation) -> Iterator[Finding]:
    """Every invariant that applies, at the part of the output that is furthest from it."""
    asked = asked_of(case)
    for run, nodes in enumerate(got.runs):
        exact = reference.runs[run] if run < len(reference.runs) else {}
        arrays = _Arrays(case, run, nodes, exact)
        for one in asked:
            if one.node in nodes and one.node in exact:
                yield from _findings(case, one, nodes[one.node], exact[one.node], arrays, run)
    if MASKED_GRADIENT not in case.no_invariants:
        yield from _masked_gradients(case, got, reference)


def asked_of(case: Case) -> tuple[Asked, ...]:
    """The calls of a case whose layers have invariants, those left out that the case switches off."""
    layers = {spec.name: (spec.type, spec.config) for spec in case.layers}
    found = []
    for node in case.graph:
        tree: Tree = parse(node.expression).tree
        index: int | None = None
        if isinstance(tree, Item) and isinstance(tree.index, int):
            index, tree = tree.index, tree.value
        if not node.is_observed or not isinstance(tree, Call) or tree.callee not in layers:
            continue
        try:
            layer = make(*layers[tree.callee])
        except LayerError:
            continue
        if any(one.name not in case.no_invariants for one in layer.invariants):
            found.append(Asked(node.name, layer, tree, index))
    return tuple(found)


class _Arrays:
    """What went into calls, as one lane had it in one run."""

    def __init__(self, case: Case, run: int, nodes: Mapping[str, Node], exact: Mapping[str, Node]) -> None:
        self._case, self._run, self._nodes, self._exact = case, run, nodes, exact
        self._names = {item.name for item in case.inputs}

    def of(self, tree: Tree) -> tuple[Array, Array | None] | None:
        """An argument and its mask; None where it is no input and no single array that is observed."""
        if not isinstance(tree, Name):
            return None
        if tree.name in self._names:
            return _drawn(self._case, self._run)[tree.name], None
        node, exact = self._nodes.get(tree.name), self._exact.get(tree.name)
        if node is None or exact is None or node.structure is not None or exact.structure is not None:
            return None
        return node.outputs[0].values, exact.outputs[0].mask


@dataclass(frozen=True, slots=True)
class _Draw:
    """One run of a case; its digest says which."""

    digest: str
    run: int
    case: Case = field(compare=False)


def _drawn(case: Case, run: int) -> Mapping[str, Array]:
    """The inputs of a run, the same for all lanes."""
    return _inputs(_Draw(case.digest, run, case))


@lru_cache(maxsize=8)
def _inputs(draw: _Draw) -> Mapping[str, Array]:
    return draw_inputs(draw.case, draw.run)


def _findings(case: Case, one: Asked, got: Node, exact: Node, arrays: _Arrays, run: int) -> Iterator[Finding]:
    given = _given(one.call, arrays)
    names = labels(one.node, len(got.outputs), got.structure)
    for place, (label, output, known) in enumerate(zip(names, got.outputs, exact.outputs, strict=False)):
        if output.values.dtype.kind != "f" or output.shape != known.shape or not output.values.size:
            continue
        index = one.index if got.structure is None else place
        seen = _seen(one.call, given, output, known, index)
        for invariant in one.layer.invariants:
            if invariant.name in case.no_invariants:
                continue
            with np.errstate(all="ignore"):
                checked = invariant.check(one.layer, seen)
            if checked is not None:
                yield _finding(invariant, label, run, _distance(checked))


def _given(call: Call, arrays: _Arrays) -> tuple[tuple[Array, Array | None], ...] | None:
    """The positional arguments with their masks, a list spread; None where one of them is not known."""
    trees = [item for tree in call.args for item in (tree.items if isinstance(tree, List) else (tree,))]
    found = [arrays.of(tree) for tree in trees]
    if any(one is None for one in found):
        return None
    masks = dict(call.kwargs).get("mask")
    told = tuple(one for one in found if one is not None)
    if masks is None:
        return told
    written = [arrays.of(tree) for tree in (masks.items if isinstance(masks, List) else (masks,))]
    if any(one is None for one in written) or len(written) > len(told):
        return None
    explicit = [one[0] for one in written if one is not None]
    return tuple(
        (array, explicit[place] if place < len(explicit) else mask) for place, (array, mask) in enumerate(told)
    )


def _seen(
    call: Call, given: tuple[tuple[Array, Array | None], ...] | None, got: Output, known: Output, index: int | None
) -> Seen:
    constants = {name: tree.value for name, tree in call.kwargs if isinstance(tree, Constant)}
    rounding = FORMATS[known.precision]
    return Seen(
        output=got.values.astype(np.float64),
        inputs=None if given is None else tuple(_wide(array) for array, _ in given),
        masks=() if given is None else tuple(mask for _, mask in given),
        arguments=constants,
        index=index,
        unit=rounding.unit,
        tiny=rounding.tiny,
        is_cast=given is None or any(str(array.dtype) != got.dtype for array, _ in given),
    )


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _distance(checked: Checked) -> Distance:
    """How far the whole output is from keeping it, in multiples of what rounding may do."""
    error, allowed = np.asarray(checked.error, dtype=float), np.asarray(checked.allowed, dtype=float)
    if not error.size:
        return Distance(0.0, 0, 0, 0.0)
    with np.errstate(all="ignore"):
        used = np.where(error > 0, error / allowed, 0.0)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(used)), used.shape))
    off, room = float(error[index]), float(allowed[index])
    worst = Worst(index, off, 0.0, room, 0.0, 0.0, room)
    return Distance(float(used[index]), int(np.sum(error > allowed)), error.size, float(np.max(error)), worst)


def _finding(invariant: Invariant, label: str, run: int, distance: Distance) -> Finding:
    return Finding(INVARIANTS, invariant.name, label, run, wanted=invariant.statement, distance=distance)


def _masked_gradients(case: Case, got: Observation, reference: Observation) -> Iterator[Finding]:
    """The gradient by an input that a mask hides in its only call, where the reference has exactly 0 there."""
    for name, mask in hidden_inputs(case):
        key = f"input {name}"
        wanted, found = reference.gradients.get(key), got.gradients.get(key)
        if wanted is None or found is None or wanted.shape != found.shape:
            continue
        hidden = ~np.asarray(_drawn(case, 0)[mask], dtype=bool)
        if hidden.shape != wanted.shape[: hidden.ndim]:
            continue
        place = hidden.reshape((*hidden.shape, *(1,) * (len(wanted.shape) - hidden.ndim)))
        is_zero = np.broadcast_to(place, wanted.shape) & (wanted.values == 0)
        if not is_zero.any():
            continue
        error = np.where(is_zero & np.isfinite(found.values), np.abs(found.values.astype(float)), 0.0)
        distance = _distance(Checked(error, np.zeros(error.shape)))
        yield Finding(INVARIANTS, MASKED_GRADIENT, key, wanted=NO_INFLUENCE, distance=distance)


def hidden_inputs(case: Case) -> Iterator[tuple[str, str]]:
    """Inputs that one call takes and nothing else, each with the input that is its mask there."""
    inputs = {item.name: item.dtype for item in case.inputs}
    trees = [parse(node.expression) for node in case.graph]
    uses: dict[str, int] = {}
    for part in _parts(trees):
        if isinstance(part, Name):
            uses[part.name] = uses.get(part.name, 0) + 1
    layers = {spec.name for spec in case.layers}
    for part in _parts(trees):
        if not isinstance(part, Call) or part.callee not in layers or len(part.args) != 1:
            continue
        (given,), mask = part.args, dict(part.kwargs).get("mask")
        if not isinstance(given, Name) or not isinstance(mask, Name) or uses[given.name] != 1:
            continue
        if inputs.get(given.name, "").startswith("float") and inputs.get(mask.name) == "bool":
            yield given.name, mask.name


def _parts(trees: Iterable[Any]) -> Iterator[Tree]:
    for tree in trees:
        yield from tree.walk()
