"""What the case said beforehand, held against one lane: shapes by named axes, masks, literal values, errors, claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from conformance.case.axes import Bindings, bindings_of, runs_as_promised, value
from conformance.case.model import Axis, Case, ExpectedError, ExpectedNode
from conformance.judge.budget import Allowance, allowance, distance
from conformance.judge.compare import labels, overflows, unlike
from conformance.judge.precision import USUAL
from conformance.judge.undecided import passes_anything
from conformance.judge.verdict import Finding
from conformance.protocol.formats import FORMATS, coarser
from conformance.protocol.observation import Array, Observation, Output


def expected_errors(case: Case, got: Observation) -> tuple[ExpectedError, ...]:
    """The errors that this lane must raise; any one of them is enough."""
    called = {got.lane, got.adapter}
    return tuple(error for error in case.expect.errors if not error.lanes or called & set(error.lanes))


def error_finding(case: Case, got: Observation) -> Finding | None:
    """Whether the lane raised when and how it had to, and only then."""
    wanted = expected_errors(case, got)
    if got.failure is None:
        return Finding("error", "did_not_raise", wanted=wanted[0].phase, wanted_by="case") if wanted else None
    if got.failure.phase == "weights":
        return Finding("weights", "weights", got.failure.node, got=got.failure.message)
    if not wanted:
        return Finding("error", "raised", got.failure.node, got=got.failure)
    for error in wanted:
        text = f"{got.failure.type}: {got.failure.message}"
        if error.phase in ("any", got.failure.phase) and error.contains.lower() in text.lower():
            return None
    return Finding("error", "other_error", got.failure.node, 0, wanted[0], got.failure, "case")


def outputs_by_label(run: Mapping[str, Any]) -> dict[str, Output]:
    """All outputs of a run under the names by which cases call them."""
    return {
        label: output
        for name, node in run.items()
        for label, output in zip(labels(name, len(node.outputs), node.structure), node.outputs, strict=True)
    }


def node_findings(case: Case, got: Observation, reference: Observation, gives_masks: bool) -> Iterator[Finding]:
    """Everything that `expect` says of nodes, in every run."""
    for run in range(len(got.runs)):
        names = bindings_of(case, run)
        outputs = outputs_by_label(got.runs[run])
        exact = outputs_by_label(reference.runs[run]) if run < len(reference.runs) else {}
        for label, expected in case.expect.nodes.items():
            if label not in outputs:
                yield Finding("structure", "missing", label, run, wanted_by="case")
                continue
            yield from _shape(expected, outputs[label], label, run, names)
            yield from _symbolic(expected, got, label, run, names)
            wanted = _dtype(expected, got, exact.get(label))
            if wanted is not None and outputs[label].dtype != wanted:
                yield Finding("dtype", "dtype", label, run, wanted, outputs[label].dtype, "case")
            if gives_masks:
                yield from _mask(expected, outputs[label], label, run)
            yield from _values(case, expected, outputs[label], exact.get(label), reference, label, run)


def _dtype(expected: ExpectedNode, got: Observation, exact: Output | None) -> str | None:
    """The dtype that the case states; where it says float32, a policy's own stands in its place."""
    if expected.dtype == USUAL and got.policy != USUAL and exact is not None:
        return exact.dtype
    return expected.dtype


def resolved(shape: tuple[Axis | None, ...], names: Bindings) -> tuple[int | None, ...]:
    """A shape of named axes in numbers."""
    return tuple(None if axis is None else value(axis, names) for axis in shape)


def _shape(expected: ExpectedNode, got: Output, label: str, run: int, names: Bindings) -> Iterator[Finding]:
    if expected.shape is not None and (wanted := resolved(expected.shape, names)) != got.shape:
        yield Finding("shape", "shape", label, run, wanted, got.shape, "case")


def _symbolic(expected: ExpectedNode, got: Observation, label: str, run: int, names: Bindings) -> Iterator[Finding]:
    if expected.symbolic is None or not got.symbolic:
        return
    found = {
        name: item.shape
        for node, items in got.symbolic.items()
        for name, item in zip(labels(node, len(items), None if len(items) == 1 else len(items)), items, strict=True)
    }
    wanted = resolved(expected.symbolic, names)
    if label in found and found[label] != wanted:
        yield Finding("shape", "symbolic", label, run, wanted, found[label], "case")


def _mask(expected: ExpectedNode, got: Output, label: str, run: int) -> Iterator[Finding]:
    if expected.mask is None:
        return
    wanted: Array | None
    if isinstance(expected.mask, str):
        wanted = None if expected.mask == "none" else np.ones(got.mask.shape if got.mask is not None else (), bool)
        agrees = (got.mask is None) if wanted is None else got.mask is not None and bool(got.mask.all())
    else:
        wanted = np.asarray(expected.mask, dtype=bool)
        agrees = got.mask is not None and np.array_equal(got.mask, wanted)
    if not agrees:
        yield Finding("mask", "mask", label, run, wanted, got.mask, "case")


def _values(
    case: Case,
    expected: ExpectedNode,
    got: Output,
    exact: Output | None,
    reference: Observation,
    label: str,
    run: int,
) -> Iterator[Finding]:
    if expected.values is None:
        return
    allowed = stated(case, expected, got, exact, reference)
    wanted = allowed.reference
    if wanted.shape != got.shape:
        yield Finding("shape", "shape", label, run, wanted.shape, got.shape, "case")
        return
    if wanted.dtype.kind == "f":
        nan = np.isnan(wanted) != np.isnan(got.values)
        infinite = np.isinf(wanted) | np.isinf(got.values)
        zeros = (wanted == 0) & (got.values == 0) & np.signbit(wanted) & ~np.signbit(got.values)
        wrong = nan | (infinite & (wanted != got.values)) & ~np.isnan(wanted) & ~overflows(got.values, allowed) | zeros
        if wrong.any():
            index = tuple(int(i) for i in np.argwhere(wrong)[0])
            yield Finding(
                "special",
                "special",
                label,
                run,
                (index, float(wanted[index])),
                (index, float(got.values[index])),
                "case",
            )
            return
    found = distance(got.values, allowed)
    if found.over:
        yield Finding("values", "values", label, run, wanted_by="case", distance=found)


def stated(case: Case, expected: ExpectedNode, got: Output, exact: Output | None, reference: Observation) -> Allowance:
    """The array that a case states of a node, and what is allowed around it."""
    wanted = np.asarray(expected.values)
    if got.values.dtype.kind == "f":
        wanted = wanted.astype(np.float64)
    moved = exact.sensitivity if exact is not None and exact.shape == wanted.shape else None
    precision = USUAL if exact is None else coarser(FORMATS[exact.precision], FORMATS[USUAL]).name  # as it is written
    return _allowed(case, wanted, moved, reference.longest_sum, precision=precision)


def _allowed(
    case: Case, wanted: Array, moved: Array | None, terms: int, scale: float = 1.0, precision: str = USUAL
) -> Allowance:
    """What the case allows around an array that it states itself, or that another node gave."""
    return allowance(wanted, moved, terms, case.tolerance, scale, share=case.budget_scale, precision=precision)


def decides_values(case: Case, got: Observation, reference: Observation) -> bool:
    """Whether what the case says itself of values, or of what holds between its nodes, could fail.

    It decides nothing where the budget around every array that it states, and around every node of a claim, would let
    zeros and twice as much pass.
    """
    if case.draws or any(claim.kind == "differ" for claim in case.claims):
        return True
    terms = reference.longest_sum
    for nodes, exact_nodes in zip(got.runs, reference.runs, strict=False):
        found, exact = outputs_by_label(nodes), outputs_by_label(exact_nodes)
        around = [
            stated(case, expected, found[label], exact.get(label), reference)
            for label, expected in case.expect.nodes.items()
            if expected.values is not None and label in found
        ]
        around += [
            claimed(case, exact[claim.nodes[0]], exact[claim.nodes[0]], exact.get(name), terms)
            for claim in case.claims
            for name in claim.nodes[1:]
            if claim.nodes[0] in exact
        ]
        if any(not passes_anything(one.reference, one) for one in around):
            return True
    return False


def symbolic_findings(case: Case, got: Observation) -> Iterator[Finding]:
    """A symbolic shape promises what every run must keep: the same rank, and every known axis as long as promised.

    Every run, but those in which a length that is not open is another one than the symbolic run was told.
    """
    spoken_of = runs_as_promised(case)
    for run, nodes in enumerate(got.runs):
        if run not in spoken_of:
            continue
        for name, items in got.symbolic.items():
            if name not in nodes:
                continue
            node = nodes[name]
            for label, promised, output in zip(
                labels(name, len(node.outputs), node.structure), items, node.outputs, strict=False
            ):
                kept = len(promised.shape) == len(output.shape) and all(
                    length is None or length == found
                    for length, found in zip(promised.shape, output.shape, strict=True)
                )
                if not kept:
                    yield Finding("shape", "symbolic", label, run, promised.shape, output.shape, "symbolic run")
                elif promised.dtype != output.dtype:
                    yield Finding("dtype", "symbolic", label, run, promised.dtype, output.dtype, "symbolic run")


def count_findings(case: Case, got: Observation) -> Iterator[Finding]:
    """Weights' shapes and numbers; a lane that does not count in Keras' layout has no opinion on them."""
    for name, shapes in case.expect.weights.items():
        held = got.weights.get(name)
        for key, shape in shapes.items():
            wanted = resolved(shape, bindings_of(case, 0))
            if held is not None and held.get(key) != wanted:
                yield Finding("weights", "weight_shape", f"{name}.{key}", 0, wanted, held.get(key), "case")
    for name, shapes in case.expect.native_weights.get(got.adapter, {}).items():
        own = got.native.get(name, {})
        for key, shape in shapes.items():
            wanted = resolved(shape, bindings_of(case, 0))
            found = tuple(own[key]["shape"]) if key in own else None
            if found != wanted:
                yield Finding("weights", "weight_shape", f"{name}.{key}", 0, wanted, found, "case")
    for name, number in case.expect.params.items():
        if got.params and got.params.get(name, 0) != number:
            yield Finding("params", "params", name, 0, number, got.params.get(name, 0), "case")


def claim_findings(case: Case, got: Observation, reference: Observation) -> Iterator[Finding]:
    """Statements between nodes of one lane: `same` within both budgets, or `differ` beyond them."""
    for run, (nodes, exact_nodes) in enumerate(zip(got.runs, reference.runs, strict=False)):
        outputs, exact = outputs_by_label(nodes), outputs_by_label(exact_nodes)
        for claim in case.claims:
            if any(name not in outputs for name in claim.nodes):
                missing = next(name for name in claim.nodes if name not in outputs)
                yield Finding("claims", "missing", missing, run, wanted_by="claim")
                continue
            pairs = [(a, b) for i, a in enumerate(claim.nodes) for b in claim.nodes[i + 1 :]]
            for a, b in pairs if claim.kind == "differ" else pairs[: len(claim.nodes) - 1]:
                if claim.kind == "differ" and not _can_differ(case, got.policy, exact.get(a), exact.get(b), reference):
                    continue
                found = _apart(case, outputs[a], outputs[b], exact.get(a), exact.get(b), reference.longest_sum)
                if (found is None) != (claim.kind == "same"):
                    label = f"{a}, {b}"
                    if isinstance(found, Finding):
                        yield Finding(
                            "claims", claim.kind, label, run, found.wanted, found.got, "claim", found.distance, (a, b)
                        )
                    else:
                        yield Finding("claims", claim.kind, label, run, wanted_by="claim", nodes=(a, b))


def _can_differ(case: Case, policy: str, a: Output | None, b: Output | None, reference: Observation) -> bool:
    """Whether a policy leaves two nodes apart that the case claims to differ: beside its roundings they may not be."""
    if policy == USUAL or a is None or b is None:
        return True
    return _apart(case, a, b, a, b, reference.longest_sum) is not None


def _apart(case: Case, a: Output, b: Output, exact_a: Output | None, exact_b: Output | None, n: int) -> Finding | None:
    if a.shape != b.shape:
        return Finding("shape", "shape", wanted=a.shape, got=b.shape)
    allowed = claimed(case, a, exact_a, exact_b, n)
    if unlike(a.values, b.values, allowed).any():
        return Finding("special", "special", wanted=a.shape, got=b.shape)
    found = distance(b.values, allowed)
    return Finding("values", "values", distance=found) if found.over else None


def claimed(case: Case, a: Output, exact_a: Output | None, exact_b: Output | None, n: int) -> Allowance:
    """One node of a claim, and how far the other may lie from it: twice what each is allowed."""
    sensitivities = [
        output.sensitivity
        for output in (exact_a, exact_b)
        if output is not None and output.sensitivity is not None and output.shape == a.shape
    ]
    moved = np.max(sensitivities, axis=0) if sensitivities else None
    base = a.values.astype(np.float64) if a.values.dtype.kind == "f" else a.values
    precisions = [output.precision for output in (exact_a, exact_b) if output is not None] or [USUAL]
    coarsest = min(precisions, key=lambda name: FORMATS[name].digits)
    return _allowed(case, base, moved, n, scale=2.0, precision=coarsest)
