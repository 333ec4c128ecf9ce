"""Which findings are one: a signature says what differs, in which layer, and as what it is recognised.

Two differences with the same signature are one finding, however many drafts show it. A listed deviation has signatures
too, made from the cases that it lists by the same few lines, so that what is known is recognised in drafts that look
nothing like those cases.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from conformance.campaign.draft import Draft
from conformance.case.expressions import Call, parse
from conformance.case.model import Case
from conformance.diagnose.effort import without_number
from conformance.form import CONFIG
from conformance.gate.signature import aspect_of, mask_word
from conformance.judge.verdict import RELATIONS, Verdict
from conformance.protocol.observation import REFERENCE
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.parts import FindingRecord
from conformance.reference.base import Unanswerable
from conformance.report.facts import is_failure

NO_ROWS = "of no rows"
"""The detail of a shape without rows."""
_CALLED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASKED_WHY = ("values", "weights")
"""Aspects whose detail is known only where it was found out why a lane differs."""
_SEEN = ("error", "dtype", "crash", "timeout")
_NEVER_ASKED = ("params", "claims", "invariants", "model", "methods", RELATIONS)
TOLD_BY_WORDS = (*_SEEN, *_NEVER_ASKED)
"""Aspects in which what is seen says enough: the type and words of an error, which dtype came, how a lane ended; and
those of which nobody can say why."""
_STEM = 60
"""Characters of a message, without its numbers, that tell one error from another."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a difference is, whatever draft shows it."""

    __pydantic_config__ = CONFIG

    lane: str
    """The lane that differs."""
    layer: str
    """The class of the layer at which the difference starts; several where that is not known."""
    aspect: str
    """The aspect in which it differs first; of a lane that was lost, how."""
    kind: str
    """Which sort of difference within the aspect."""
    detail: str = ""
    """What tells it from others of the kind: the type and phase of an error, the dtype or mask that came, the change
    that makes the reference's answer the lane's."""
    mistakes: tuple[str, ...] = ()
    """The named mistakes that would give it; none where the aspect is told by words."""

    @property
    def is_of_relations(self) -> bool:
        """Whether it shows only where relations are asked."""
        return self.aspect == RELATIONS

    @property
    def layers(self) -> frozenset[str]:
        """The classes among which the one is at which the difference starts."""
        return frozenset(self.layer.split(", "))

    def coarse(self) -> Signature:
        """The same as far as it is seen without asking why."""
        is_asked_why = self.aspect in _ASKED_WHY
        return replace(self, detail="" if is_asked_why else self.detail, mistakes=())

    def may_be(self, seen: Signature) -> bool:
        """Whether what was seen of a draft, without asking why, may turn out to be this one."""
        return self.is_beside(seen) and (bool(self.mistakes) or self.aspect in _ASKED_WHY or self.detail == seen.detail)

    @property
    def is_told_by_words(self) -> bool:
        """Whether what is seen says enough. No formula explains what a symbolic run promises of shapes or masks."""
        return self.aspect in TOLD_BY_WORDS or self.kind.startswith("symbolic")

    def is_plainly(self, seen: Signature) -> bool:
        """Whether what was seen of a draft is this one, for which nobody has to be asked why."""
        return self.is_told_by_words and self.is_like(seen)

    def is_nameless(self, seen: Signature) -> bool:
        """Whether what was seen is this one, which no mistake gives, in an aspect in which no numbers are compared."""
        return not self.mistakes and self.aspect not in ("values", "gradient", "weights") and self.is_like(seen)

    def shows_in(self, other: Signature) -> bool:
        """Whether another draft's difference is this one. With fewer or other numbers the change that makes the
        reference's answer the lane's may be put otherwise: unlike the named mistakes, that is no sign of another.
        """
        is_open = self.aspect in _ASKED_WHY and not (self.mistakes or other.mistakes)
        return self.is_like(replace(other, detail=self.detail) if is_open else other)

    def is_like(self, other: Signature) -> bool:
        """Whether the two are one finding.

        Named mistakes must have one in common, for a draft may leave several; and where a draft does not show at which
        of its layers a difference starts, that of one of them is like it. A process that ended tells of no layer: it is
        enough that both have one.
        """
        if not self.is_beside(other):
            return False
        if self.mistakes or other.mistakes:
            return bool(self.named() & other.named())
        return self.detail == other.detail

    def is_beside(self, other: Signature) -> bool:
        """Whether both lie in the same lane and aspect, and may lie in the same layer."""
        if (self.lane, self.aspect, self._sort) != (other.lane, other.aspect, other._sort):
            return False
        if self.aspect == "crash":
            return bool(self.layers & other.layers)
        return self.layers <= other.layers or other.layers <= self.layers

    @property
    def _sort(self) -> str:
        """The sort of difference. Of slopes NaN and a wrong number are one: what was in memory may be either. Of values
        errors that are large together and ones that are large alone are one: it depends on how many elements there are.
        """
        return "values" if (self.aspect, self.kind) in (("gradient", "special"), ("values", "bias")) else self.kind

    def named(self) -> set[str]:
        """The named mistakes without the numbers of the draft."""
        return {without_number(mistake) for mistake in self.mistakes}

    def __str__(self) -> str:
        what = " or ".join(self.mistakes[:2]) or self.detail
        return f"{self.lane}: {self.layer}, {self.aspect} ({self.kind})" + (f": {what}" if what else "")


def signatures(record: Record, calls: Mapping[str, str]) -> Iterator[Signature]:
    """A signature for each lane that differs; `calls` is node to the class of the layer that is called there."""
    for name, lane in record.lanes.items():
        if name != REFERENCE and is_failure(lane.verdict) and not says_nothing(lane, record.lanes[REFERENCE]):
            yield _signature(name, lane, calls)


OLD, NEW = "from", "to"
"""The lanes of a campaign between two versions."""

Tell = Callable[[Record, Mapping[str, str]], Iterator[Signature]]
"""From a record, and node to the class of the layer that is called there, to what is found in it."""


def moved(record: Record, calls: Mapping[str, str]) -> Iterator[Signature]:
    """What one version shows and the other does not: of the newer it is wrong now, of the older it was repaired."""
    found = list(signatures(record, calls))
    old, new = ([one for one in found if one.lane == lane] for lane in (OLD, NEW))
    for mine, others in ((new, old), (old, new)):
        for one in mine:
            if not any(one.shows_in(replace(other, lane=one.lane)) for other in others):
                yield one


def says_nothing(lane: LaneRecord, reference: LaneRecord) -> bool:
    """Whether a lane fails for nothing that can be held against it.

    Its budget allows every answer; or the reference's number is beyond float32, where infinity is the answer; or
    nobody refuses a draft that asks whether everybody does, the reference only has no answer to it.
    """
    if not lane.findings:
        return False
    first = lane.findings[0]
    if first.kind == "did_not_raise":
        return reference.failure is None or reference.failure.type == Unanswerable.__name__
    return first.kind == "nothing_judged" or (first.aspect == "special" and _is_beyond(first))


_LARGEST = 3.4028235e38
"""The largest number of float32."""


def _is_beyond(finding: FindingRecord) -> bool:
    if not _is_special(finding):
        return False
    got, wanted = float(finding.got[1]), float(finding.wanted[1])
    is_lost = math.isnan(got) or (math.isinf(got) and (got > 0) == (wanted > 0))  # NaN of two infinities on the way
    return is_lost and _LARGEST * (1 - 1e-6) < abs(wanted) < math.inf


def _signature(name: str, lane: LaneRecord, calls: Mapping[str, str]) -> Signature:
    if not lane.findings:
        everything = set(calls.values())
        everything = everything - {"Masking"} or everything  # it only carries a mask: what ends a process is the rest
        return Signature(name, ", ".join(sorted(everything)), aspect_of(lane), str(lane.verdict), lane.signal or "")
    first = lane.findings[0]
    is_open = first.aspect in TOLD_BY_WORDS or first.kind.startswith("symbolic") or _has_no_rows(first)
    mistakes = () if is_open else tuple(sorted(lane.explained_by))
    layer = _layer(lane, first, calls)
    return Signature(name, layer, first.aspect, first.kind, _detail(lane, first, bool(mistakes)), mistakes)


def _has_no_rows(finding: FindingRecord) -> bool:
    """Whether it is the shape of an array without rows: any mistake that gives such a shape is one by chance."""
    return finding.aspect == "shape" and isinstance(finding.got, tuple | list) and tuple(finding.got)[:1] == (0,)


def _layer(lane: LaneRecord, finding: FindingRecord, calls: Mapping[str, str]) -> str:
    """The class of the layer at which a difference starts."""
    starts = [] if finding.kind == "symbolic" else [one.node for one in lane.divergences]
    raised = lane.failure or lane.gradient_failure
    if raised is not None and raised.node:
        starts = [raised.node]
    for node in [*starts, finding.node]:
        place = _CALLED.match(node)
        if place is not None and place[0] in calls:
            return calls[place[0]]
    return ", ".join(sorted(set(calls.values())))


def _detail(lane: LaneRecord, finding: FindingRecord, is_explained: bool) -> str:
    match finding.aspect:
        case "shape" | "model" if finding.kind.startswith("symbolic"):
            return ""
        case "error":
            failure = lane.failure
            return "" if failure is None else f"{failure.phase} {failure.type}: {stem(failure.message)}"
        case "shape" if _has_no_rows(finding):
            return NO_ROWS
        case "dtype":
            return f"{finding.got} for {finding.wanted}"
        case "mask":
            if finding.got is None:
                return "none"
            return "one for none" if finding.wanted is None else "all" if mask_word(finding.got) == "all" else "another"
        case "special":
            return f"{_sort(finding.got[1])} for {_sort(finding.wanted[1])}" if _is_special(finding) else "signed zero"
        case "gradient":
            failure = lane.gradient_failure
            return f"{failure.type}: {stem(failure.message)}" if failure is not None else finding.node.split(".")[-1]
        case "relations":
            return ", ".join(sorted({one.kind for one in lane.findings}))
    return "" if lane.cause is None or is_explained else stem(lane.cause.change)


def _sort(number: float) -> str:
    """NaN and the infinities by name, any other number as one."""
    return "a number" if math.isfinite(number) else str(number)


def _is_special(finding: FindingRecord) -> bool:
    return isinstance(finding.got, tuple) and isinstance(finding.wanted, tuple) and len(finding.got) == 2


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_OF_KERAS = re.compile(r"Exception encountered when calling \S+\s*")
_OF_A_DRAFT = re.compile(r"\{\{.*?\}\}|['\"`].*?['\"`]|\[[^\]]*\]|\([^)]*\)|-?[0-9][0-9.,x]*")


def stem(message: str) -> str:
    """The first words of a message, without its numbers and names, which belong to one draft."""
    text = _OF_KERAS.sub("", _COLOURS.sub("", message))
    return " ".join(_OF_A_DRAFT.sub("", text).split())[:_STEM]


def calls_in(case: Case) -> dict[str, str]:
    """Node to the class of the layer that is called there, of a case that is written."""
    kinds = {layer.name: layer.type for layer in case.layers}
    return _calls_of_text({node.name: node.expression for node in case.graph}, kinds)


def _calls_of_text(graph: Mapping[str, str], kinds: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, expression in graph.items():
        for part in parse(expression).walk():
            if isinstance(part, Call) and part.callee in kinds:
                found[name] = kinds[part.callee]
                break
    return found


def calls_of(draft: Draft) -> dict[str, str]:
    """Node to the class of the layer that is called there; a mask that a layer carries is a call of `Masking`."""
    if draft.written is not None:
        return _calls_of_text(draft.written.get("graph", {}), draft.kinds)
    masked = {f"_{x.name}": "Masking" for x in draft.inputs if x.mask is not None and x.mask.carried == "layer"}
    return masked | {call.name: draft.layer(call.layer).type for call in draft.calls}


def is_silent(record: Record) -> bool:
    """Whether nothing is judged in a record that could have been: its budget allows every answer."""
    lanes = [lane for name, lane in record.lanes.items() if name != REFERENCE]
    judged = [lane for lane in lanes if lane.verdict is not Verdict.UNSUPPORTED]
    reference = record.lanes[REFERENCE]
    return bool(judged) and all(lane.verdict is Verdict.NOT_JUDGED or says_nothing(lane, reference) for lane in judged)
