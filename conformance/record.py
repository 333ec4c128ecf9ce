"""One judged case as plain JSON: what results.json keeps of it, and all that any report, diff or message is made from.

Everything here is an exact built-in type, so that a record may cross processes. NaN and infinities are written as the
strings `NaN`, `Infinity` and `-Infinity`, for JSON has no numbers for them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.arguments import exercised
from conformance.case.model import Case
from conformance.diagnose.explain import Explanation
from conformance.judge.budget import Allowance
from conformance.judge.compare import labels, matched_outputs
from conformance.judge.expectations import stated
from conformance.judge.precision import USUAL, seen_in
from conformance.judge.verdict import CaseVerdict, Finding, LaneVerdict
from conformance.pictures import picture_of
from conformance.protocol.observation import REFERENCE, Array, Failure, Observation, Output
from conformance.protocol.wire import bounded

SMALL = 64
"""Arrays of at most so many elements are kept whole; of larger ones, a summary and the worst elements."""
WORST_KEPT = 10
FINDINGS_KEPT = 20


def case_record(
    case: Case,
    verdict: CaseVerdict,
    observations: Mapping[str, Observation],
    explained: Mapping[str, Explanation] | None = None,
) -> dict[str, Any]:
    """A case, what its lanes gave and what was said of it, as plain JSON; `explained` says why a lane differs."""
    reference = observations[REFERENCE]
    reasons = explained or {}
    return {
        "id": case.id,
        "topic": case.topic,
        "question": case.question,
        "answer": case.answer,
        "remark": case.remark,
        "source": dataclasses.asdict(case.source),
        "path": case.position.path,
        "line": case.position.line,
        "tags": list(case.tags),
        "questions": list(case.questions),
        "layers": list(case.layer_types),
        "options": exercised(case),
        "dims": [dict(sizes) for sizes in case.sizes],
        "dynamic": list(case.dynamic),
        "digest": case.digest,
        "kills": list(case.kills),
        "text": case.text,
        "matrix": plain_json(dict(case.matrix)),
        "expects": _expectations(case),
        "tolerance": None if case.tolerance is None else dataclasses.asdict(case.tolerance),
        "budget_scale": case.budget_scale,
        "exact": list(case.exact),
        "expects_error": bool(case.expect.errors),
        "outcome": str(verdict.outcome),
        "odd_one_out": verdict.odd_one_out,
        "pairs": [
            plain_json(
                {
                    "first": pair.first,
                    "second": pair.second,
                    "finding": None if pair.finding is None else finding_json(pair.finding),
                    "used": pair.used,
                    "over": pair.over,
                    "count": pair.count,
                    "largest": pair.largest,
                }
            )
            for pair in verdict.pairs
        ],
        "lanes": {
            name: lane_record(case, verdict.lanes[name], got, reference) | explained_json(reasons.get(name))
            for name, got in observations.items()
        },
    }


def _expectations(case: Case) -> dict[str, Any]:
    """What the case says beforehand, as written: shapes by axis names; literal values where they are few."""
    stated: dict[str, Any] = plain_json(
        {
            "nodes": {
                label: {
                    "shape": node.shape,
                    "symbolic": node.symbolic,
                    "dtype": node.dtype,
                    "mask": node.mask,
                    "values": None if node.values is None or np.size(node.values) > SMALL else node.values,
                }
                for label, node in case.expect.nodes.items()
            },
            "params": case.expect.params,
            "weights": case.expect.weights,
            "native_weights": case.expect.native_weights,
            "errors": [
                {"phase": error.phase, "lanes": error.lanes, "contains": error.contains} for error in case.expect.errors
            ],
            "claims": [{"kind": claim.kind, "nodes": claim.nodes} for claim in case.claims],
        }
    )
    return stated


def _failure_json(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {"phase": failure.phase, "type": failure.type, "message": failure.message, "node": failure.node}


def lane_record(case: Case, verdict: LaneVerdict, got: Observation, reference: Observation) -> dict[str, Any]:
    """One lane's part of a record."""
    reference = seen_in(reference, got.policy)
    record: dict[str, Any] = plain_json(
        {
            "verdict": str(verdict.verdict),
            "aspects": dict(verdict.aspects),
            "findings": [finding_json(finding) for finding in verdict.findings[:FINDINGS_KEPT]],
            "findings_left_out": max(len(verdict.findings) - FINDINGS_KEPT, 0),
            "reason": bounded(verdict.reason),
            "used": verdict.used,
            "failure": _failure_json(got.failure),
            "runs": [_run_record(case, run, verdict, got, reference) for run in range(len(got.runs))],
            "gradients": {
                name: {"shape": got.gradients[name].shape, "distance": dataclasses.asdict(found)}
                for name, found in verdict.gradients.items()
            },
            "gradient_note": case.no_gradients or got.gradient_note,
            "gradient_failure": _failure_json(got.gradient_failure),
            "params": dict(got.params),
            "weights": {layer: dict(held) for layer, held in got.weights.items()},
            "native": {layer: dict(held) for layer, held in got.native.items()},
            "steps": [dataclasses.asdict(step) for step in got.steps],
            "longest_sum": got.longest_sum,
            "seconds": round(got.seconds, 6),
            "chatter": got.chatter,
        }
    )
    picture = picture_of(case, verdict.cause, got, reference, SMALL)
    return record if picture is None else {**record, "picture": plain_json(picture)}


def explained_json(explanation: Explanation | None) -> dict[str, Any]:
    """Why a lane differs: a sentence (empty where it agrees), the mistakes that would, and where it starts."""
    if explanation is None:
        return {"explanation": "", "explained_by": [], "divergences": []}
    return {
        "explanation": explanation.sentence,
        "explained_by": list(explanation.mutants),
        "divergences": [plain_json(dataclasses.asdict(start)) for start in explanation.divergences],
    }


def _run_record(case: Case, run: int, verdict: LaneVerdict, got: Observation, reference: Observation) -> dict[str, Any]:
    """Node label to what one lane gave for it in one run."""
    nodes: dict[str, Any] = {}
    distances = verdict.distances[run] if run < len(verdict.distances) else {}
    is_over = any(found.over for found in distances.values())
    every = matched_outputs(got, reference, reference, case.demands, 1.0) if is_over else ()
    allowed = {item.label: item.allowed for item in every if item.run == run}
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
            nodes[label] = {
                "shape": output.shape,
                "axes": axis_names(case, run, label, output.shape),
                "symbolic": symbolic[index].shape if index < len(symbolic) else None,
                "dtype": output.dtype,
                "mask": mask_json(output.mask),
                "summary": summary(output.values),
                "values": output.values.tolist() if output.values.size <= SMALL else None,
                "distance": None if found is None else dataclasses.asdict(found),
                "tier": tier_of(case, name, known, reference),
                "worst": [] if limits is None else worst_elements(output, limits),
            }
    return nodes


def tier_of(case: Case, name: str, output: Output, reference: Observation) -> str:
    """How strictly an output is judged: see `conformance.judge.budget.Tier`."""
    if output.values.dtype.kind != "f":
        return "exact"
    is_exact = name in reference.exact or (name in case.exact and output.precision == USUAL)
    return "tolerance" if case.tolerance is not None else "exact" if is_exact else "budget"


def axis_names(case: Case, run: int, label: str, shape: tuple[int, ...]) -> list[str]:
    """A name for each axis where the case gives one: from the expected shape, else from a length that only one has."""
    sizes = case.sizes[run]
    expected = case.expect.nodes.get(label)
    if expected is not None and expected.shape is not None and len(expected.shape) == len(shape):
        return [axis if isinstance(axis, str) else "" for axis in expected.shape]
    by_length: dict[int, list[str]] = {}
    for name, length in sizes.items():
        by_length.setdefault(length, []).append(name)
    return [by_length[n][0] if len(by_length.get(n, ())) == 1 else "" for n in shape]


def mask_json(mask: Array | None) -> Any:
    """None for no mask; else its shape, how many entries are true, and the entries where they are few."""
    if mask is None:
        return None
    return {
        "shape": list(mask.shape),
        "true": int(mask.sum()),
        "values": mask.astype(int).tolist() if mask.size <= SMALL else None,
    }


def summary(values: Array) -> dict[str, Any]:
    """An array in five numbers: range and mean of the finite elements, how many are NaN or infinite."""
    data = values.astype(np.float64) if values.dtype != object else np.zeros(0)
    finite = data[np.isfinite(data)]
    return {
        "min": float(finite.min()) if finite.size else None,
        "max": float(finite.max()) if finite.size else None,
        "mean": float(finite.mean()) if finite.size else None,
        "nan": int(np.isnan(data).sum()),
        "inf": int(np.isinf(data).sum()),
    }


def worst_elements(got: Output, allowed: Allowance) -> list[dict[str, Any]]:
    """The elements that are furthest over what they are allowed, worst first."""
    if got.shape != allowed.reference.shape:
        return []
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
                {
                    "index": list(index),
                    "got": float(values[index]),
                    "reference": float(wanted[index]),
                    "error": float(error[index]),
                    "allowed": float(allowed.allowed[index]),
                    "used": float(used[index]),
                }
            )
    return rows


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as plain JSON; masks as their entries."""
    return {field.name: _evidence(getattr(finding, field.name)) for field in dataclasses.fields(finding)}


def _evidence(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return mask_json(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: _evidence(item) for name, item in dataclasses.asdict(value).items() if name != "position"}
    return value


def plain_json(value: Any) -> Any:
    """The same value in JSON's types; NaN and infinities as strings; text that cannot be encoded is escaped."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(item) for item in value]
    raise TypeError(f"{type(value).__name__} in a record")
