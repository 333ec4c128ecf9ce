"""Is what a draft shows known? As far as it is seen without asking why; and where that may be several things, by asking
for the mistakes of those alone.

Why a draft differs takes a hundred times as long as that it does. So nobody asks why of a difference that looks like
nothing known: it is a finding, and what is left of it when it was made small is explained. Of one that looks like
something known only the mistakes of that are tried. Where none of them is the reason, or where what is known has no
mistake to be recognised by, it is kept as a finding of its own, and explained when it is small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.campaign.asking import Asker
from conformance.campaign.draft import Draft
from conformance.campaign.folder import Finding, Folder
from conformance.campaign.known import Candidate
from conformance.campaign.reduce import before, rest_of, up_to
from conformance.campaign.triage import NO_ROWS, Signature, calls_of, is_silent

Explains = Callable[[Signature], Iterable[Candidate]]
"""From what differs to the listed deviations that it may be."""
MOST_ALIKE = 3
"""Findings that look alike, before it is known why they differ, which are kept and made small; more are counted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a difference was recognised as."""

    outcome: str
    """`listed`, `seen before`, `finding` or `not told apart`."""
    name: str = ""
    """The listed deviation or the earlier finding."""


class Recogniser:
    """What is known in a campaign: the listed deviations, and what it found itself."""

    def __init__(self, folder: Folder, asker: Asker, known: Explains) -> None:
        self.folder = folder
        self.asker = asker
        self.known = known
        self._alike: Counter[Signature] = Counter(one.seen for one in folder.findings.values() if one.seen is not None)

    def __call__(self, found: Signature, draft: Draft) -> Answer:
        """What a difference is that was seen in a draft."""
        open_ones = []
        for one in self._candidates(found):
            if one.signature.is_plainly(found) or one.signature.is_nameless(found) or not self.asker.explains:
                return _as(one)
            open_ones.append(one)
        if (elsewhere := self._of_rows(found, draft) or self._of_promise(found, draft)) is not None:
            return elsewhere
        if not open_ones:
            return Answer("finding")
        if (known := self.which(found, draft, open_ones)) is not None:
            return _as(known)
        return Answer("finding" if self._alike[found] < MOST_ALIKE else "not told apart")

    def which(self, found: Signature, draft: Draft, by: Sequence[Candidate]) -> Candidate | None:
        """Which of these a draft shows: all of it, or the calls up to a layer, where all the rest is known as well.

        A mistake explains what is not told by another one beside it: two things that are known hide one another.
        """
        if (one := self._told_as(found, draft, by)) is not None:
            return one
        for index, call in enumerate(draft.calls):
            if len(draft.calls) > 1 and draft.layer(call.layer).type in found.layers:
                alone = up_to(draft, index)
                one = self._told_as(found, alone, by) if len(alone.calls) < len(draft.calls) else None
                if one is not None and self._is_known(draft, index, found.lane):
                    return one
        return None

    def _told_as(self, found: Signature, draft: Draft, by: Sequence[Candidate]) -> Candidate | None:
        told = self.told(found, draft, by)
        if told is None or not _is_told(told):
            return None
        return next((one for one in by if one.signature.is_like(told)), None)

    def _is_known(self, draft: Draft, index: int, lane: str) -> bool:
        """Whether a draft without one of its calls shows nothing in this lane, or nothing that is not known."""
        for rest in rest_of(draft, index):
            (judged,) = self.asker.ask([rest], lanes=self.asker.lanes_for(lane), explains=False)
            if judged.record is None or is_silent(judged.record):
                continue
            shown = (one for one in self.asker.tell(judged.record, calls_of(rest)) if one.lane == lane)
            return all(self(one, rest).outcome in ("listed", "seen before") for one in shown)
        return True

    def _of_promise(self, found: Signature, draft: Draft) -> Answer | None:
        """What is known of the shape, mask or NaN of what goes into a layer that cannot be built or called for it."""
        if found.aspect not in ("weights", "error"):
            return None
        for index, call in enumerate(draft.calls):
            if draft.layer(call.layer).type not in found.layers or (needed := before(draft, index)) is None:
                continue
            (judged,) = self.asker.ask([needed], lanes=self.asker.lanes_for(found.lane), explains=False)
            shown = () if judged.record is None else self.asker.tell(judged.record, calls_of(needed))
            for promise in shown:
                is_lost = found.aspect == "error" and promise.aspect == "special"  # no place of a table is NaN
                if promise.lane == found.lane and (promise.aspect in ("shape", "mask") or is_lost):
                    return _known(self(promise, needed))
        return None

    def _of_rows(self, found: Signature, draft: Draft) -> Answer | None:
        """What is known of a shape without rows, of which no mistake can be told: what two rows show."""
        if found.detail != NO_ROWS:
            return None
        full = replace(draft, batch=2)
        lanes = self.asker.lanes_for(found.lane)
        (judged,) = self.asker.ask([full], lanes=lanes, explains=False)
        shown = () if judged.record is None else self.asker.tell(judged.record, calls_of(full))
        alike = (one for one in shown if one.detail != NO_ROWS and one.is_beside(found))
        return next((answer for one in alike if (answer := _known(self(one, full))) is not None), None)

    def kept(self, finding: Finding) -> None:
        """Counts a finding that looks like others may."""
        if finding.seen is not None:
            self._alike[finding.seen] += 1

    def told(self, found: Signature, draft: Draft, by: Iterable[Candidate]) -> Signature | None:
        """What a draft shows, where the mistakes of these candidates alone are tried as the reason."""
        names = {name for one in by for name in one.signature.mistakes}
        lanes = self.asker.lanes_for(found.lane)
        (again,) = self.asker.ask([draft], lanes=lanes, only=names)
        shown = () if again.record is None else self.asker.tell(again.record, calls_of(again.draft))
        return next((one for one in shown if found.is_beside(one)), None)

    def _candidates(self, found: Signature) -> Iterator[Candidate]:
        """What this may be: of what was found already, and of what is listed."""
        for one in self.folder.findings.values():
            if one.signature.may_be(found):
                is_listed = bool(one.same_as) and one.same_as not in self.folder.findings
                yield Candidate(one.same_as or one.name, one.signature, is_listed)
        yield from self.known(found)

    def listed(self, found: Signature) -> Candidate | None:
        """The listed deviation that a difference is of which it was asked why; None where there is none."""
        if (one := next((one for one in self.known(found) if one.signature.is_like(found)), None)) is not None:
            return one
        if found.aspect != "gradient" or not found.mistakes:
            return None
        # in few numbers a mistake gives by chance what a listed case shows for no mistake: the draft is one of it
        nameless = (one for one in self.known(found.coarse()) if not one.signature.mistakes)
        return next((one for one in nameless if one.signature.is_like(found.coarse())), None)


def _is_told(told: Signature) -> bool:
    """Whether anything was found by which it can be recognised."""
    return bool(told.mistakes or told.detail) or told.is_told_by_words


def _known(answer: Answer) -> Answer | None:
    return answer if answer.outcome in ("listed", "seen before") else None


def _as(one: Candidate) -> Answer:
    return Answer("listed" if one.is_listed else "seen before", one.name)
