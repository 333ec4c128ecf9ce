"""What judging gives: data only. `conformance.report.text` makes the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from conformance.judge.compare import Matched


class Verdict(StrEnum):
    """What is said of one lane on one case. Only `agree` is a pass; an opt-out never is."""

    AGREE = "agree"
    KNOWN = "known"
    UNSUPPORTED = "unsupported"
    NOT_JUDGED = "not judged"
    """Within a budget that allows every answer (`conformance.judge.undecided`)."""
    STALE = "stale"
    DIFFER = "differ"
    ERROR = "error"
    TIMEOUT = "timeout"
    CRASH = "crash"

    @property
    def is_failure(self) -> bool:
        return self in _FAILURES


_FAILURES = {Verdict.STALE, Verdict.DIFFER, Verdict.ERROR, Verdict.TIMEOUT, Verdict.CRASH}

Aspect = Literal[
    "error",
    "structure",
    "shape",
    "dtype",
    "mask",
    "special",
    "values",
    "invariants",
    "gradient",
    "weights",
    "params",
    "claims",
    "model",
    "methods",
    "relations",
]
"""What a difference may be in, in the order in which the first cause is decided."""
INVARIANTS: Final = "invariants"
"""The aspect of what must hold of a call whatever the rounding (`conformance.judge.invariants`)."""
MODEL: Final = "model"
"""The aspect of the functional model that is asked beside the eager calls (`conformance.judge.functional`)."""
RELATIONS: Final = "relations"
"""The aspect that is judged only where everything else agrees, and only where it is asked for."""
ASPECTS: tuple[Aspect, ...] = tuple(aspect for aspect in get_args(Aspect) if aspect != RELATIONS)
"""What is judged of every case; the later ones follow from the earlier."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The element that used most of what it was allowed, with every term of its inequality."""

    index: tuple[int, ...]
    got: float
    reference: float
    allowed: float
    constant: float
    sensitivity: float
    floor: float

    @property
    def error(self) -> float:
        return abs(self.got - self.reference)


@dataclass(frozen=True, slots=True)
class Distance:
    """How far one output lies from the reference, in multiples of what it was allowed."""

    used: float
    """Largest error over allowed error; 1 is the limit."""
    over: int
    count: int
    largest: float
    """Largest absolute error."""
    worst: Worst | None = None
    rms: float = 0.0
    """Root mean square of the error, in roundings: over that of S_i + u |ref_i|."""
    mean: float = 0.0
    """Mean of the signed error, in the same unit: what does not cancel, rounding does not make."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: which aspect, where, what was wanted, what came. `kind` says which sort of it."""

    aspect: Aspect
    kind: str
    node: str = ""
    run: int = 0
    wanted: Any = None
    got: Any = None
    wanted_by: str = "reference"
    """`reference`, `case` (its `expect`), `claim`, or the name of another lane."""
    distance: Distance | None = None
    nodes: tuple[str, ...] = ()
    """Of a claim: the two nodes between which it does not hold."""


@dataclass(frozen=True, slots=True)
class LaneVerdict:
    """The verdict on one lane: the first cause, and where every aspect stands."""

    lane: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    """The first cause first; the rest are differences of the same aspect in other nodes."""
    aspects: Mapping[str, str] = field(default_factory=dict)
    """Aspect to `agree`, `differ` or `-` (not judged: it does not apply, or an earlier one differs)."""
    distances: tuple[Mapping[str, Distance], ...] = ()
    """One mapping a run: `node` or `node[i]` to its distance from the reference."""
    undecided: frozenset[tuple[int, str]] = frozenset()
    """Run and label of the outputs whose budget allows every answer."""
    random: frozenset[tuple[int, str]] = frozenset()
    """Run and label of the outputs that are another with every draw: they are compared with nothing."""
    matched: tuple[Matched, ...] = ()
    """Every output beside the reference's, with what it was allowed."""
    gradients: Mapping[str, Distance] = field(default_factory=dict)
    """`input x` or `layer.weight` to its gradient's distance from the reference's."""
    undecided_gradients: frozenset[str] = frozenset()
    """Names of the gradients whose budget allows every answer."""
    conventions: Mapping[str, str] = field(default_factory=dict)
    """Gradient to the convention that it takes at a kink or a tie (`conformance.judge.conventions`)."""
    reason: str = ""
    """Why a lane is unsupported, or how it crashed."""

    @property
    def cause(self) -> Finding | None:
        return self.findings[0] if self.findings else None

    @property
    def used(self) -> float:
        """The largest share of the budget that any output used, of those that are judged."""
        measured = (
            (found, (run, label) in self.undecided)
            for run, nodes in enumerate(self.distances)
            for label, found in nodes.items()
        )
        return max((found.used for found, is_open in measured if not is_open), default=0.0)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two lanes side by side: None where nothing can be compared."""

    first: str
    second: str
    finding: Finding | None
    used: float | None
    over: int = 0
    count: int = 0
    largest: float = 0.0


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """The verdict on a case: one a lane, the agreement of every pair, and who stands alone."""

    case: str
    lanes: Mapping[str, LaneVerdict]
    pairs: tuple[Pair, ...] = ()
    odd_one_out: str | None = None
    """The one lane that all others contradict while they agree among themselves; `numpy`: suspect the reference."""

    @property
    def outcome(self) -> Verdict:
        """The worst verdict.

        `unsupported` only where no lane beside the reference could run the case, `not judged` only where nothing that
        they gave is judged.
        """
        verdicts = [lane.verdict for lane in self.lanes.values()]
        failures = [verdict for verdict in verdicts if verdict.is_failure]
        order = list(Verdict)
        if failures:
            return max(failures, key=order.index)
        subjects = [lane.verdict for name, lane in self.lanes.items() if name != "numpy"] or verdicts
        if all(verdict is Verdict.UNSUPPORTED for verdict in subjects):
            return Verdict.UNSUPPORTED
        if all(verdict in (Verdict.UNSUPPORTED, Verdict.NOT_JUDGED) for verdict in subjects):
            return Verdict.NOT_JUDGED
        return Verdict.KNOWN if Verdict.KNOWN in verdicts else Verdict.AGREE
