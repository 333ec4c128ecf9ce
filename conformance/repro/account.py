"""What the report says of one lane, as data that a script can hold its own answer against.

Values: those of the reference where the lane agrees with it, within the largest error that the report allows there;
the lane's own, as the report has them, where it does not. The report keeps arrays of up to 64 elements whole; of larger
ones that differ it keeps the range, the mean, and the worst elements, and so does the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.judge.budget import allowance
from conformance.judge.compare import is_trained
from conformance.judge.expectations import outputs_by_label
from conformance.judge.gradients import allowed_around
from conformance.protocol.counterparts import is_torchs
from conformance.protocol.observation import Array, Output
from conformance.record.parts import FailureRecord, MaskRecord, NodeRecord
from conformance.report.scriptable import why_not
from conformance.repro.endings import signal_of
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.gradients import are_wanted, label_of, were_raised

MOST = 1024
"""Elements of an output that a script holds; of larger outputs those at equal distances."""
ABOUT = 1e-5
"""Allowed, relative to the largest element, where the reference has no output of this shape to derive a budget from."""


@dataclass(frozen=True)
class Said:
    """What the report says of one output; None where it says nothing."""

    shape: tuple[int, ...]
    dtype: str
    mask: Any = None
    """`none`, an array of booleans, or the shape and the number of true entries of a larger one; None: not judged."""
    symbolic: tuple[int | None, ...] | None = None
    values: Array | None = None
    every: int = 1
    atol: float = 0.0
    rtol: float = 0.0
    worst: tuple[tuple[tuple[int, ...], float], ...] = ()
    """Index and value of elements that differ, of an output that is not kept whole."""
    outline: tuple[float, float, float] | None = None
    """Least, largest and mean of the finite elements of such an output."""
    reference: Output | None = None
    """What the reference gives, where the lane differs from it here."""


@dataclass(frozen=True)
class Account:
    """What the report says of a lane: an error, or one mapping of outputs a run."""

    verdict: str
    failure: FailureRecord | None = None
    runs: tuple[Mapping[str, Said], ...] = ()
    signal: str = ""
    """What ended the lane's process, where it did not survive the case."""


def account_of(evidence: Evidence, lane: str) -> Account:
    """What the report says of this lane. Raises NotScriptable where that cannot be checked by a script."""
    held = evidence.record.lanes.get(lane)
    if held is None:
        raise NotScriptable(f"the lane {lane} did not run this case")
    cause = held.findings[0] if held.findings else None
    failure = held.failure
    row = evidence.row(lane)
    if reason := why_not(row, [kind for kind in evidence.record.layers if not is_torchs(kind)]):
        raise NotScriptable(reason)
    if evidence.plan.fits and row.adapter != "keras":
        raise NotScriptable("fit and evaluate are Keras' own loop, and Keras' script says it; this one would have none")
    if held.verdict == "unsupported":
        raise NotScriptable(f"there is no answer to reproduce: {held.reason}")
    if held.verdict in ("timeout", "crash") or (cause is None and held.verdict in ("known", "stale")):
        if not signal_of(held):
            how = held.reason or "it did not end"
            raise NotScriptable(f"the process of this lane did not survive the case, nor would the script: {how}")
        return Account(held.verdict, signal=signal_of(held))
    if cause is not None and cause.aspect == "relations":
        raise NotScriptable("what differs is a relation between several runs, not an answer")
    if cause is not None and cause.aspect == "model":
        raise NotScriptable("what differs is the functional model, and scripts call layers eagerly")
    if failure is not None:
        return Account(held.verdict, failure)
    if cause is not None and (cause.aspect in ("params", "runs") or cause.kind == "weights"):
        raise NotScriptable(f"what differs is {cause.aspect}, and scripts compare outputs")
    if were_raised(held):
        return Account(held.verdict, held.gradient_failure)
    runs = [_run(evidence, lane, run) for run in range(len(held.runs))]
    if are_wanted(evidence.record):
        runs[0] |= {label_of(name): _gradient(evidence, lane, name) for name in evidence.reference.gradients}
    return Account(held.verdict, None, tuple(runs))


def _run(evidence: Evidence, lane: str, run: int) -> dict[str, Said]:
    """The outputs of one run by label."""
    held, reference = evidence.record.lanes[lane], evidence.reference
    exact = outputs_by_label(reference.runs[run]) if run < len(reference.runs) else {}
    differing = {
        finding.node
        for finding in held.findings
        if finding.run == run and finding.wanted_by != "claim" and finding.aspect != "error"
    }
    return {
        label: _said(evidence, lane, label, found, exact.get(label), label in differing)
        for label, found in held.runs[run].items()
    }


def _said(evidence: Evidence, lane: str, label: str, found: NodeRecord, exact: Output | None, differs: bool) -> Said:
    row = evidence.row(lane)
    shape, dtype = tuple(found.shape), found.dtype
    fits = exact is not None and exact.shape == shape
    terms = evidence.reference.longest_sum
    is_exact = found.tier == "exact"
    atol = 0.0
    if exact is not None and exact.values.dtype.kind == "f":
        allowed = allowance(
            exact.values, exact.sensitivity, terms, None, is_exact=is_exact and fits, share=evidence.case.budget_scale
        ).allowed
        atol = float(allowed.max(initial=0.0))
    held = evidence.record.lanes[lane]
    refused = any(finding.kind == "did_not_raise" for finding in held.findings)
    is_planned = all(layer.is_planned or not held.weights.get(name) for name, layer in evidence.plan.layers.items())
    said: dict[str, Any] = {
        "shape": shape,
        "dtype": exact.values.dtype.name if row.adapter == "numpy" and exact is not None else dtype,
        "mask": _mask(found.mask) if row.gives_masks and not is_trained(label) else None,
        "symbolic": None if found.symbolic is None else tuple(found.symbolic),
        "reference": exact if differs and exact is not None else None,
    }
    # an answer where an error is due may be memory that nobody wrote to, and weights that nobody planned are drawn
    # anew each time: only that there is an answer counts
    if refused or not is_planned:
        return Said(**said)
    if fits and exact is not None and not differs:
        every = max(1, -(-exact.values.size // MOST))  # of an array of nothing, all
        said |= {"values": exact.values.ravel()[::every].astype(_stored(exact.values, dtype)), "every": every}
        if evidence.case.tolerance is not None and exact.values.dtype.kind == "f":
            return Said(**said, rtol=evidence.case.tolerance.rtol, atol=evidence.case.tolerance.atol)
        return Said(**said, atol=atol)
    atol = atol or (0.0 if np.dtype(dtype).kind != "f" else ABOUT * max(_largest(found), 1e-30))
    if found.values is not None:
        return Said(**said, values=_recorded(found.values, dtype).ravel(), atol=atol)
    finite = found.summary.min is not None
    outline = (
        tuple(float(end or 0.0) for end in (found.summary.min, found.summary.max, found.summary.mean))
        if finite
        else None
    )
    worst = tuple((tuple(one.index), float(one.got)) for one in found.worst)
    return Said(**said, worst=worst, outline=outline, atol=atol)  # type: ignore[arg-type]  # three numbers


def _gradient(evidence: Evidence, lane: str, name: str) -> Said:
    """What the report says of one gradient: it keeps the worst element of those that differ."""
    wanted, held = evidence.reference.gradients[name], evidence.record.lanes[lane]
    allowed = allowed_around(name, evidence.reference, evidence.case.budget_scale).allowed
    is_reference = evidence.row(lane).adapter == "numpy"
    said: dict[str, Any] = {"shape": wanted.shape, "dtype": "float64" if is_reference else "float32"}
    cause = next((one for one in held.findings if (one.aspect, one.node) == ("gradient", name)), None)
    if cause is None and (is_reference or name in held.gradients):
        return Said(**said, values=wanted.values.ravel(), atol=float(allowed.max(initial=0.0)))
    if cause is None or cause.kind not in ("values", "special"):
        raise NotScriptable(f"the gradient of {name.removeprefix('input ')} is not there to be compared")
    if cause.kind == "special":
        index, got = cause.got
    else:
        assert cause.distance is not None
        assert cause.distance.worst is not None
        index, got = cause.distance.worst.index, cause.distance.worst.got
    index = tuple(index)
    return Said(**said, worst=((index, float(got)),), atol=float(allowed[index]), reference=wanted)


def _stored(values: Array, dtype: str) -> Any:
    """The dtype in which a script holds the reference's values: float32 is exact to half a rounding, and short."""
    return np.float32 if values.dtype.kind == "f" else values.dtype


def _recorded(nested: Any, dtype: str) -> Array:
    def plain(value: Any) -> Any:
        return [plain(item) for item in value] if isinstance(value, tuple) else float(value)

    return np.asarray(plain(nested)).astype(dtype)


def _largest(found: NodeRecord) -> float:
    return max(abs(found.summary.min or 0.0), abs(found.summary.max or 0.0))


def _mask(mask: MaskRecord | None) -> Any:
    if mask is None:
        return "none"
    if mask.values is None:
        return (tuple(mask.shape), mask.true)
    return np.asarray(mask.values, dtype=bool).reshape(mask.shape)
