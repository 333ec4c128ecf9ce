"""The functional model beside a lane's eager calls: its values, shapes, masks and errors.

Judged are the outputs that are not what the eager calls gave to the last bit; the others are judged already. They are
held to the same budget around the reference, and to what the case expects. So is the mask of a symbolic tensor: a later
layer, and `fit`, follow it, whether the same call with numbers has one or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from conformance.case.model import Case
from conformance.judge.compare import compare_outputs, labels, matched_outputs, structure_findings
from conformance.judge.expectations import node_findings
from conformance.judge.verdict import ASPECTS, MODEL, Finding
from conformance.protocol.observation import Node, Observation


def is_asked(got: Observation) -> bool:
    """Whether a lane has a functional model of the case."""
    return got.functional is not None and not got.functional.note


def model_findings(case: Case, got: Observation, reference: Observation, gives_masks: bool) -> Iterator[Finding]:
    """What differs in the functional model, in the aspect `model`; `kind` is the aspect in which, or `raised`."""
    asked = got.functional
    if asked is None or asked.note:
        return
    if asked.failure is not None:
        yield Finding(MODEL, "raised", asked.failure.node, got=asked.failure)
        return
    other = replace(got, runs=asked.runs)
    changed = replace(reference, runs=tuple(map(_only, reference.runs, asked.runs)))
    found = structure_findings(other, changed, "reference")
    matched = list(matched_outputs(other, changed, reference, case.demands, 1.0))
    by_aspect, _ = compare_outputs(matched, "reference", {"mask": gives_masks})
    found += [finding for findings in by_aspect.values() for finding in findings]
    stated = {name for run in asked.runs for name in run}
    found += [
        finding
        for finding in node_findings(case, _with(got, asked.runs), reference, gives_masks)
        if finding.node.partition("[")[0] in stated and finding.kind not in ("missing", "symbolic")
    ]
    found.sort(key=lambda finding: (ASPECTS.index(finding.aspect), finding.run))
    yield from (replace(finding, aspect=MODEL, kind=finding.aspect) for finding in found)
    if gives_masks:
        yield from _symbolic_masks(got)


def _only(run: Mapping[str, Node], asked: Mapping[str, Node]) -> Mapping[str, Node]:
    """Those nodes of the reference that the model gave otherwise than the eager calls."""
    return {name: node for name, node in run.items() if name in asked}


def _with(got: Observation, runs: tuple[Mapping[str, Node], ...]) -> Observation:
    """The lane with what its model gave in place of what the eager calls gave."""
    return replace(got, runs=tuple({**eager, **model} for eager, model in zip(got.runs, runs, strict=True)))


def _symbolic_masks(got: Observation) -> Iterator[Finding]:
    """A symbolic tensor carries a mask where, and only where, the same node with numbers does."""
    for run, nodes in enumerate(got.runs):
        for name, items in got.symbolic.items():
            node = nodes.get(name)
            if node is None:
                continue
            names = labels(name, len(node.outputs), node.structure)
            for label, promised, output in zip(names, items, node.outputs, strict=False):
                if promised.has_mask is not None and promised.has_mask != (output.mask is not None):
                    yield Finding(MODEL, "symbolic_mask", label, run, wanted=output.mask, wanted_by="eager calls")
