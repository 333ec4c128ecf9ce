"""What one lane gave for a case, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from conformance.form import ABSENT, CONFIG, Count, Number
from conformance.judge.verdict import Verdict
from conformance.record.parts import (
    CauseRecord,
    DeviationRecord,
    DirectRecord,
    DivergenceRecord,
    FailureRecord,
    FindingRecord,
    GradientRecord,
    NativeWeightRecord,
    NodeRecord,
    PictureRecord,
    StepRecord,
    Weights,
)

Standing = Literal["agree", "differ", "-"]
"""Where an aspect stands; `-` is not judged: it does not apply, or an earlier one differs."""


@dataclass(frozen=True, slots=True)
class LaneRecord:
    """What one lane gave for a case, and what was said of it."""

    __pydantic_config__ = CONFIG

    verdict: Verdict
    """The verdict on this lane."""
    aspects: Mapping[str, Standing]
    """Aspect to `agree`, `differ` or `-` (not judged: it does not apply, or an earlier one differs)."""
    findings: tuple[FindingRecord, ...]
    """The first cause, then further differences of the same aspect; at most 20."""
    findings_left_out: Count
    """Findings beyond those."""
    reason: str
    """Why the lane is unsupported, or how it ended; else empty."""
    signal: str | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The signal that ended the lane's process, as `SIGFPE`. Only there for a crash by one."""
    used: Number
    """The largest share of the budget that any output used."""
    failure: FailureRecord | None
    """What the lane raised; null where it gave an answer."""
    runs: tuple[Mapping[str, NodeRecord], ...]
    """One mapping a run: node label to what the lane gave."""
    gradients: Mapping[str, GradientRecord]
    """Input or weight to how far its gradient lies from the reference's."""
    gradient_note: str
    """Why gradients were not judged; else empty."""
    gradient_failure: FailureRecord | None = field(default=None, kw_only=True)
    """What the lane raised when it was asked for gradients, beside the values that it gave; else null. Not there in
    older results, which have a note instead."""
    model_note: str | None = field(default=None, kw_only=True, metadata=ABSENT)
    """Why the functional model was not asked beside the eager calls, or which nodes it has not. Only there where so, of
    a lane that has such models."""
    params: Mapping[str, Count]
    """Layer to its number of weight scalars; empty where the lane does not count."""
    weights: Weights
    """Layer to its weights' shapes in Keras' layout, by name."""
    native: Mapping[str, Mapping[str, NativeWeightRecord]]
    """Layer to the lane's own weights, by name."""
    steps: tuple[StepRecord, ...]
    """The calls that were made, in order, those of all runs in a row."""
    longest_sum: Count
    """Terms of the longest sum, from which the budget's constant follows; only the reference says it."""
    seconds: Number
    """How long the lane took."""
    chatter: str
    """What the lane printed while it ran the case, bounded."""
    picture: PictureRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The array of the first finding where it is too large to keep: levels to draw. Only there for one that differs."""
    explanation: str = field(kw_only=True)
    """Why the lane differs, as far as it is known; empty where it agrees."""
    explained_by: tuple[str, ...] = field(kw_only=True)
    """`Layer.mutant` of the mistakes that would give this answer."""
    divergences: tuple[DivergenceRecord, ...] = field(kw_only=True)
    """Where the difference starts: nodes that differ although everything that goes into them agrees."""
    cause: CauseRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The same as data. Only there where a difference was to be explained; older files do not say."""
    deviation: DeviationRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The listed deviation that excuses this lane, or that it has outlived. Only there for `known` and `stale`."""
    other_deviation: str | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The id of a listed deviation that foresaw another difference than the one that came. Only there where one did."""
    methods: Mapping[str, Mapping[str, DirectRecord]] | None = field(default=None, kw_only=True, metadata=ABSENT)
    """Node to what `compute_output_shape` and `compute_mask` of its layer say when they are asked directly. Only there
    for Keras, of nodes that are one call of a layer."""
    repro: str | None = field(default=None, kw_only=True, metadata=ABSENT)
    """A stand-alone script that gives this lane's answer. Only there where a lane of the case differs, and the script
    is not too long."""
