"""Makes the record of a case from what its lanes gave and from the verdict on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from conformance.arguments import exercised
from conformance.case.model import Case, ExpectedError
from conformance.diagnose.cause import Explanation
from conformance.diagnose.divergence import Divergence
from conformance.diagnose.words import sentence
from conformance.form import nested, to_json
from conformance.judge.budget import Allowance, Tier
from conformance.judge.compare import labels
from conformance.judge.expectations import stated
from conformance.judge.precision import USUAL, reference_under
from conformance.judge.verdict import CaseVerdict, Distance, Finding, LaneVerdict, Pair
from conformance.protocol.observation import REFERENCE, Array, Direct, Failure, Observation, Output
from conformance.protocol.wire import bounded
from conformance.record.axes import axis_names
from conformance.record.case import (
    ClaimRecord,
    DrawsRecord,
    ExpectedNodeRecord,
    ExpectsRecord,
    Record,
    SourceRecord,
    ToleranceRecord,
)
from conformance.record.lane import LaneRecord
from conformance.record.parts import (
    BlameRecord,
    CauseRecord,
    DirectRecord,
    DistanceRecord,
    DivergenceRecord,
    ElementRecord,
    Evidence,
    ExpectedErrorRecord,
    FailureRecord,
    FindingRecord,
    GradientRecord,
    MaskRecord,
    NativeWeightRecord,
    NodeRecord,
    OtherWeightRecord,
    PairRecord,
    Phase,
    StepRecord,
    SummaryRecord,
    WindowRecord,
    WorstRecord,
)
from conformance.record.pictures import picture_of

SMALL = 64
"""Arrays of at most so many elements are kept whole; of larger ones, a summary and the worst elements."""
WORST_KEPT = 10
FINDINGS_KEPT = 20


def case_record(
    case: Case,
    verdict: CaseVerdict,
    observations: Mapping[str, Observation],
) -> Record:
    """A case, what its lanes gave and what was said of it; why a lane differs is added by `with_explanations`."""
    reference = observations[REFERENCE]
    return Record(
        id=case.id,
        topic=case.topic,
        question=case.question,
        answer=case.answer,
        remark=case.remark,
        source=SourceRecord(case.source.kind, case.source.reference, case.source.note),
        path=case.position.path,
        line=case.position.line,
        tags=case.tags,
        questions=case.questions,
        layers=case.layer_types,
        options={kind: tuple(names) for kind, names in exercised(case).items()},
        dims=tuple(dict(sizes) for sizes in case.sizes),
        dynamic=case.dynamic,
        digest=case.digest,
        kills=case.kills,
        text=case.text,
        matrix=to_json(case.matrix),
        expects=_expectations(case),
        tolerance=_tolerance(case),
        budget_scale=case.budget_scale,
        exact=tuple(case.exact),
        expects_error=bool(case.expect.errors),
        outcome=verdict.outcome,
        odd_one_out=verdict.odd_one_out,
        pairs=tuple(_pair(pair) for pair in verdict.pairs),
        lanes={name: lane_record(case, verdict.lanes[name], got, reference) for name, got in observations.items()},
    )


def _tolerance(case: Case) -> ToleranceRecord | None:
    given = case.tolerance
    return None if given is None else ToleranceRecord(given.rtol, given.atol, given.reason)


def _pair(pair: Pair) -> PairRecord:
    return PairRecord(
        first=pair.first,
        second=pair.second,
        finding=None if pair.finding is None else finding_record(pair.finding),
        used=pair.used,
        over=pair.over,
        count=pair.count,
        largest=pair.largest,
    )


def _expectations(case: Case) -> ExpectsRecord:
    """What the case says beforehand, as written: shapes by axis names; literal values where they are few."""
    return ExpectsRecord(
        nodes={
            label: ExpectedNodeRecord(
                shape=node.shape,
                symbolic=node.symbolic,
                dtype=node.dtype,
                mask=nested(node.mask),
                values=None if node.values is None or np.size(node.values) > SMALL else nested(node.values),
            )
            for label, node in case.expect.nodes.items()
        },
        params=dict(case.expect.params),
        weights=case.expect.weights,
        native_weights=case.expect.native_weights,
        errors=tuple(_expected_error(error) for error in case.expect.errors),
        claims=tuple(ClaimRecord(claim.kind, claim.nodes) for claim in case.claims),
        draws=tuple(DrawsRecord(**dataclasses.asdict(claim)) for claim in case.draws) or None,
    )


def _expected_error(error: ExpectedError) -> ExpectedErrorRecord:
    return ExpectedErrorRecord(error.phase, error.lanes, error.contains)


def _model_note(got: Observation) -> str | None:
    """Why there is no functional model, or what it leaves out."""
    asked = got.functional
    if asked is None:
        return None
    left_out = f"{', '.join(asked.left_out)}: no part of it, for nothing there is computed from its inputs"
    return asked.note or (left_out if asked.left_out else None)


def failure_record(failure: Failure | None) -> FailureRecord | None:
    """What was raised; None where nothing was."""
    if failure is None:
        return None
    other = failure.weight
    weight = None if other is None else OtherWeightRecord(other.layer, other.key, other.got, other.wanted)
    return FailureRecord(cast("Phase", failure.phase), failure.type, failure.message, failure.node, weight=weight)


def lane_record(
    case: Case,
    verdict: LaneVerdict,
    got: Observation,
    reference: Observation,
) -> LaneRecord:
    """One lane's part of a record."""
    reference = reference_under(reference, got.policy)
    return LaneRecord(
        verdict=verdict.verdict,
        aspects=dict(verdict.aspects),  # type: ignore[arg-type]  # made of these words
        findings=tuple(finding_record(finding) for finding in verdict.findings[:FINDINGS_KEPT]),
        findings_left_out=max(len(verdict.findings) - FINDINGS_KEPT, 0),
        reason=bounded(verdict.reason),
        signal=got.signal or None,
        used=verdict.used,
        failure=failure_record(got.failure),
        runs=tuple(_run_record(case, run, verdict, got, reference) for run in range(len(got.runs))),
        gradients={
            name: GradientRecord(
                got.gradients[name].shape,
                distance_record(found),
                "allows_every_answer" if name in verdict.undecided_gradients else None,
                verdict.conventions.get(name),  # type: ignore[arg-type]  # one of these words
            )
            for name, found in verdict.gradients.items()
        },
        gradient_note=case.no_gradients or got.gradient_note,
        gradient_failure=failure_record(got.gradient_failure),
        model_note=_model_note(got),
        params=dict(got.params),
        weights={layer: dict(held) for layer, held in got.weights.items()},
        native={layer: {name: _native_weight(one) for name, one in held.items()} for layer, held in got.native.items()},
        steps=tuple(
            StepRecord(
                step.node,
                step.callee,
                nested(step.inputs),
                nested(step.outputs),
                step.rule,
                tuple(WindowRecord(**numbers) for numbers in step.windows) or None,
                tuple(step.gates) or None,
            )
            for step in got.steps
        ),
        longest_sum=got.longest_sum,
        seconds=round(got.seconds, 6),
        chatter=got.chatter,
        picture=picture_of(case, verdict.cause, got, reference, SMALL, verdict.matched),
        explanation="",
        explained_by=(),
        divergences=(),
        methods={node: {name: _direct(one) for name, one in said.items()} for node, said in got.methods.items()}
        or None,
    )


def _direct(said: Direct) -> DirectRecord:
    if said.failure is not None:
        return DirectRecord(failure=failure_record(said.failure))
    if said.shapes:
        return DirectRecord(shapes=said.shapes)
    return DirectRecord(masks=tuple(mask_record(mask) for mask in said.masks))


def _native_weight(given: Mapping[str, Any]) -> NativeWeightRecord:
    steps = given.get("steps")
    return NativeWeightRecord(
        tuple(given["shape"]), given["from"], given.get("source"), None if steps is None else nested(steps)
    )


def with_explanations(record: Record, explained: Mapping[str, Explanation]) -> Record:
    """The record with why each of these lanes differs."""
    lanes = {name: _explained(held, explained.get(name)) for name, held in record.lanes.items()}
    return dataclasses.replace(record, lanes=lanes) if explained else record


def _explained(held: LaneRecord, explanation: Explanation | None) -> LaneRecord:
    if explanation is None:
        return held
    return dataclasses.replace(
        held,
        explanation=sentence(explanation),
        explained_by=explanation.mutants,
        divergences=tuple(_start(start) for start in explanation.divergences),
        cause=CauseRecord(
            kind=explanation.kind,
            mistakes=tuple(BlameRecord(one.does, one.name, one.node) for one in explanation.mistakes),
            change=explanation.change,
            is_confirmed=explanation.is_confirmed,
        ),
    )


def _start(start: Divergence) -> DivergenceRecord:
    return DivergenceRecord(start.node, start.inputs, start.step, start.gate, start.is_fed)


def distance_record(distance: Distance) -> DistanceRecord:
    """How far an array lies off, as it is kept."""
    worst = distance.worst
    return DistanceRecord(
        used=distance.used,
        over=distance.over,
        count=distance.count,
        largest=distance.largest,
        worst=None if worst is None else WorstRecord(**dataclasses.asdict(worst)),
        rms=distance.rms,
        mean=distance.mean,
    )


def _run_record(
    case: Case, run: int, verdict: LaneVerdict, got: Observation, reference: Observation
) -> dict[str, NodeRecord]:
    """Node label to what one lane gave for it in one run."""
    nodes: dict[str, NodeRecord] = {}
    distances = verdict.distances[run] if run < len(verdict.distances) else {}
    allowed = {item.label: item.allowed for item in verdict.matched if item.run == run}
    stating = {item.node for item in verdict.findings if (item.aspect, item.wanted_by) == ("values", "case")}
    for name, node in got.runs[run].items():
        symbolic = got.symbolic.get(name, ())
        exact = reference.runs[run].get(name) if run < len(reference.runs) else None
        for index, label in enumerate(labels(name, len(node.outputs), node.structure)):
            output = node.outputs[index]
            known = exact.outputs[index] if exact is not None and index < len(exact.outputs) else output
            found = distances.get(label)
            limits = allowed.get(label) if found is not None and found.over else None
            if limits is None and label in stating:
                given = exact.outputs[index] if exact is not None and index < len(exact.outputs) else None
                limits = stated(case, case.expect.nodes[label], output, given, reference)
            nodes[label] = NodeRecord(
                shape=output.shape,
                axes=axis_names(case, run, label, output.shape),
                symbolic=symbolic[index].shape if index < len(symbolic) else None,
                dtype=output.dtype,
                mask=mask_record(output.mask),
                summary=summary(output.values),
                values=nested(output.values.tolist()) if output.values.size <= SMALL else None,
                distance=None if found is None else distance_record(found),
                tier=tier_of(case, name, known, reference),
                worst=() if limits is None else worst_elements(output, limits),
                not_judged=(
                    "random"
                    if (run, label) in verdict.random
                    else "allows_every_answer"
                    if (run, label) in verdict.undecided
                    else None
                ),
            )
    return nodes


def tier_of(case: Case, name: str, output: Output, reference: Observation) -> Tier:
    """How strictly an output is judged: see `conformance.judge.budget.Tier`."""
    if output.values.dtype.kind != "f":
        return "exact"
    is_exact = name in reference.exact or (name in case.exact and output.precision == USUAL)
    return "tolerance" if case.tolerance is not None else "exact" if is_exact else "budget"


def mask_record(mask: Array | None) -> MaskRecord | None:
    """None for no mask; else its shape, how many entries are true, and the entries where they are few."""
    if mask is None:
        return None
    values = nested(mask.astype(int).tolist()) if mask.size <= SMALL else None
    return MaskRecord(tuple(mask.shape), int(mask.sum()), values)


def summary(values: Array) -> SummaryRecord:
    """An array in five numbers: range and mean of the finite elements, how many are NaN or infinite."""
    data = values.astype(np.float64) if values.dtype != object else np.zeros(0)
    finite = data[np.isfinite(data)]
    return SummaryRecord(
        min=float(finite.min()) if finite.size else None,
        max=float(finite.max()) if finite.size else None,
        mean=float(finite.mean()) if finite.size else None,
        nan=int(np.isnan(data).sum()),
        inf=int(np.isinf(data).sum()),
    )


def worst_elements(got: Output, allowed: Allowance) -> tuple[ElementRecord, ...]:
    """The elements that are furthest over what they are allowed, worst first."""
    if got.shape != allowed.reference.shape:
        return ()
    values, wanted = got.values.astype(np.float64), allowed.reference.astype(np.float64)
    with np.errstate(all="ignore"):
        error = np.abs(values - wanted)
        used = np.where(error > 0, error / allowed.allowed, 0.0)
    order = np.argsort(-np.nan_to_num(used.ravel(), nan=-1.0, posinf=1e300), kind="stable")[:WORST_KEPT]
    rows = []
    for flat in order:
        index = tuple(int(i) for i in np.unravel_index(int(flat), used.shape))
        if used[index] > 1:
            rows.append(
                ElementRecord(
                    index=index,
                    got=float(values[index]),
                    reference=float(wanted[index]),
                    error=float(error[index]),
                    allowed=float(allowed.allowed[index]),
                    used=float(used[index]),
                )
            )
    return tuple(rows)


def finding_record(finding: Finding) -> FindingRecord:
    """A finding as it is kept; masks as their entries."""
    return FindingRecord(
        aspect=finding.aspect,
        kind=finding.kind,
        node=finding.node,
        run=finding.run,
        wanted=_evidence(finding.wanted),
        got=_evidence(finding.got),
        wanted_by=finding.wanted_by,
        distance=None if finding.distance is None else distance_record(finding.distance),
        nodes=finding.nodes or None,
    )


def _evidence(value: Any) -> Evidence:
    if isinstance(value, np.ndarray):
        return mask_record(value)
    if isinstance(value, Failure):
        return failure_record(value)
    if isinstance(value, ExpectedError):
        return _expected_error(value)
    return nested(value)
