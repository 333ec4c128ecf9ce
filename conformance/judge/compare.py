"""Two answers to one case, aspect by aspect: one small comparer each, in the order of the first cause.

A comparer looks at one output of one node and gives a `Finding` or None. It never raises and never reshapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from conformance.case.model import Demands
from conformance.judge.budget import FLOAT32, Allowance, allowance, distance, is_biased
from conformance.judge.verdict import Distance, Finding
from conformance.protocol.observation import Array, Observation, Output


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comparison happens, for the finding that may come of it."""

    node: str
    run: int
    wanted_by: str


class Comparer(Protocol):
    """One aspect: its name, and what it finds between two outputs."""

    aspect: str

    def compare(self, got: Output, wanted: Output, allowed: Allowance, place: Place) -> Finding | None: ...


class Shape:
    """Every axis has the same length; nothing is broadcast or transposed to fit."""

    aspect = "shape"

    def compare(self, got: Output, wanted: Output, allowed: Allowance, place: Place) -> Finding | None:
        if got.shape == wanted.shape:
            return None
        return Finding("shape", "shape", place.node, place.run, wanted.shape, got.shape, place.wanted_by)


class Dtype:
    """The same dtype; the reference's float64 stands for float32."""

    aspect = "dtype"

    def compare(self, got: Output, wanted: Output, allowed: Allowance, place: Place) -> Finding | None:
        if got.dtype == wanted.dtype:
            return None
        return Finding("dtype", "dtype", place.node, place.run, wanted.dtype, got.dtype, place.wanted_by)


class Mask:
    """The same mask. No mask is not the same as a mask that is true everywhere."""

    aspect = "mask"

    def compare(self, got: Output, wanted: Output, allowed: Allowance, place: Place) -> Finding | None:
        if (got.mask is None) == (wanted.mask is None) and (
            got.mask is None or np.array_equal(got.mask, np.asarray(wanted.mask))
        ):
            return None
        return Finding("mask", "mask", place.node, place.run, wanted.mask, got.mask, place.wanted_by)


class Special:
    """NaN and infinities stand at the same places, infinities with the same sign."""

    aspect = "special"

    def compare(self, got: Output, wanted: Output, allowed: Allowance, place: Place) -> Finding | None:
        found, expected = special_kinds(got.values), special_kinds(wanted.values)
        expected = np.where(overflows(got.values, allowed), found, expected)
        if np.array_equal(found, expected):
            return None
        index = tuple(int(i) for i in np.argwhere(found != expected)[0])
        return Finding(
            "special",
            "special",
            place.node,
            place.run,
            (index, float(wanted.values[index])),
            (index, float(got.values[index])),
            place.wanted_by,
        )


class Values:
    """Every element lies within what it is allowed, and all together do not lean to one side."""

    aspect = "values"

    def compare(self, got: Output, wanted: Output, allowed: Allowance, place: Place) -> Finding | None:
        return self.judged(distance(got.values, allowed), allowed, place)

    def judged(self, found: Distance, allowed: Allowance, place: Place) -> Finding | None:
        """The same of a distance that was measured."""
        if found.over == 0 and not is_biased(found, allowed.terms, allowed.share):
            return None
        kind = "values" if found.over else "bias"
        return Finding("values", kind, place.node, place.run, wanted_by=place.wanted_by, distance=found)


COMPARERS: tuple[Comparer, ...] = (Shape(), Dtype(), Mask(), Special(), Values())
"""In the order in which the first cause is decided."""


def special_kinds(values: Array) -> Array:
    """0 for finite, 1 for NaN, 2 and 3 for the two infinities."""
    if values.dtype.kind != "f":
        return np.zeros(values.shape, dtype=int)
    kinds: Array = np.isnan(values) + 2 * np.isposinf(values) + 3 * np.isneginf(values)
    return kinds


def overflows(got: Array, allowed: Allowance) -> Array:
    """Where a lane gave an infinity that its format may give: with its error, the reference reaches the format's end.

    float16 ends at 65504. Of float32 and wider formats nothing is excused.
    """
    if got.dtype.kind != "f" or allowed.format.digits >= FLOAT32.digits or got.shape != np.shape(allowed.reference):
        return np.zeros(got.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        reaches = np.sign(got) * allowed.reference + allowed.allowed >= allowed.format.overflows_at
    excused: Array = np.isinf(got) & np.isfinite(allowed.reference) & reaches
    return excused


def unlike(base: Array, other: Array, allowed: Allowance) -> Array:
    """Where NaN or an infinity stands in one of two arrays of a shape alone, but where a format ends; see `overflows`.

    `allowed` is around the first.
    """
    around = replace(allowed, reference=other.astype(np.float64))
    differs: Array = special_kinds(base) != special_kinds(other)
    return differs & ~overflows(other, allowed) & ~overflows(base, around)


@dataclass(frozen=True, slots=True)
class Matched:
    """One output of one node, as two lanes gave it."""

    label: str
    run: int
    got: Output
    wanted: Output
    allowed: Allowance


def is_trained(label: str) -> bool:
    """Whether this is a weight after a step of training (`dense.kernel@3`), which is judged in the aspect `weights`."""
    return "@" in label


def labels(node: str, count: int, structure: int | None) -> list[str]:
    """`node`, or `node[0]`, `node[1]`, ... where a node gives a list."""
    return [node] if structure is None else [f"{node}[{index}]" for index in range(count)]


def structure_findings(got: Observation, wanted: Observation, wanted_by: str) -> list[Finding]:
    """Nodes that one side does not have, or that are one array here and a list there."""
    findings = []
    for run, (mine, theirs) in enumerate(zip(got.runs, wanted.runs, strict=False)):
        for name, node in theirs.items():
            if name not in mine:
                findings.append(Finding("structure", "missing", name, run, wanted_by=wanted_by))
                continue
            have = (mine[name].structure, len(mine[name].outputs))
            want = (node.structure, len(node.outputs))
            if have != want:
                findings.append(Finding("structure", "structure", name, run, want, have, wanted_by))
    if len(got.runs) != len(wanted.runs):
        findings.append(Finding("structure", "runs", "", 0, len(wanted.runs), len(got.runs), wanted_by))
    return findings


def matched_outputs(
    got: Observation, wanted: Observation, reference: Observation, demands: Demands, scale: float
) -> Iterator[Matched]:
    """Every output that both sides have, with what it is allowed around the wanted one."""
    for run, (mine, theirs, exact) in enumerate(zip(got.runs, wanted.runs, reference.runs, strict=False)):
        for name, node in theirs.items():
            if name not in mine or name not in exact:
                continue
            names = labels(name, len(node.outputs), node.structure)
            for index, (a, b) in enumerate(zip(mine[name].outputs, node.outputs, strict=False)):
                known = exact[name].outputs[index] if index < len(exact[name].outputs) else b
                moved = known.sensitivity if known.shape == b.shape else None
                is_exact = name in reference.exact or (name in demands.exact and known.precision == FLOAT32.name)
                allowed = allowance(
                    b.values,
                    moved,
                    reference.longest_sum,
                    demands.tolerance,
                    scale,
                    is_exact,
                    demands.share,
                    known.precision,
                )
                yield Matched(names[index], run, a, b, allowed)


def compare_outputs(
    matched: list[Matched], wanted_by: str, aspects: Mapping[str, bool]
) -> tuple[dict[str, list[Finding]], list[dict[str, Distance]]]:
    """All findings by aspect, and all distances by run.

    `aspects` switches an aspect off where a lane has no opinion. An output that differs in one aspect is not looked at
    in the later ones: they would only repeat the first.
    """
    findings: dict[str, list[Finding]] = {}
    distances: list[dict[str, Distance]] = []
    for item in matched:
        while len(distances) <= item.run:
            distances.append({})
        place = Place(item.label, item.run, wanted_by)
        for comparer in COMPARERS:
            if not aspects.get(comparer.aspect, True):
                continue
            if isinstance(comparer, Values):
                measured = distances[item.run][item.label] = distance(item.got.values, item.allowed)
                finding = comparer.judged(measured, item.allowed, place)
            else:
                finding = comparer.compare(item.got, item.wanted, item.allowed, place)
            if finding is not None:
                findings.setdefault(finding.aspect, []).append(finding)
                break
    return findings, distances
