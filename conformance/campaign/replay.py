"""Asks the findings of a folder once more, in fresh processes: is each of them still so?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.campaign.asking import Asker
from conformance.campaign.folder import Finding, Folder
from conformance.campaign.triage import calls_in
from conformance.campaign.written import read_cases, words_of
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.judge.verdict import Verdict


class State(StrEnum):
    """How a finding stands."""

    STILL = "STILL"
    """It shows what it showed."""
    FIXED = "FIXED"
    """The lane agrees."""
    CHANGED = "CHANGED"
    """It shows something else, or nothing can be said of it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One finding, asked again."""

    finding: Finding
    state: State
    words: str


def replayed(folder: Folder, asker: Asker) -> Sequence[Replayed]:
    """How each finding of a folder stands now."""
    return [
        Replayed(finding, State.CHANGED, "its case file is gone or cannot be read")
        if case is None
        else _again(finding, case, asker)
        for finding, case in read_cases(folder)
    ]


def _again(finding: Finding, case: Case, asker: Asker) -> Replayed:
    lane = finding.signature.lane
    if lane not in asker.names:
        return Replayed(finding, State.CHANGED, f"nobody asked the lane {lane}")
    try:
        record = asker.case(case, asker.lanes_for(lane), with_relations=finding.signature.is_of_relations)
    except CaseError as error:
        return Replayed(finding, State.CHANGED, error.problems[0].message)
    found = list(asker.tell(record, calls_in(case)))
    if any(finding.signature.shows_in(one) for one in found):
        return Replayed(finding, State.STILL, words_of(record, lane))
    if record.lanes[lane].verdict is Verdict.AGREE:
        return Replayed(finding, State.FIXED, f"{lane} agrees")
    return Replayed(
        finding, State.CHANGED, words_of(record, lane) if found else f"{lane}: {record.lanes[lane].verdict}"
    )
