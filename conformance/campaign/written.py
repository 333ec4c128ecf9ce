"""A finding as files: a case that anybody can read and run, with its facts, and the script of the lane that differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from conformance.campaign.asking import Asker
from conformance.campaign.draft import case_lines, described, file_text
from conformance.campaign.folder import Finding, Folder
from conformance.campaign.triage import calls_in
from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import CaseError, LaneUnavailable
from conformance.record.case import Record
from conformance.report.findings import finding_text
from conformance.report.words import one_line
from conformance.results import write_whole

LONGEST = 12
"""Lines below `cases:` that the case of a finding has at most, where it could be made small."""
_NAMES = ("", "_b", "_c")
"""Ends of the id: numbers follow from the id, and not every draw shows every finding."""


def write_case(folder: Folder, finding: Finding, asker: Asker | None) -> Finding:
    """Writes a finding's case and, where it is asked once more as it is written, its facts and script.

    Returns the finding with what differs in words, and how many of the draws that were tried showed it.
    """
    path = folder.file(finding)
    if asker is None:
        write_whole(path, _text(finding, "", ""))
        return finding
    tried = 0
    for end in _NAMES:
        write_whole(path, _text(finding, end, ""))
        case = _read(path)
        if case is None:
            break
        try:
            lanes, is_relation = asker.lanes_for(finding.signature.lane), finding.signature.is_of_relations
            record = asker.case(case, lanes, scripts=True, with_relations=is_relation)
        except LaneUnavailable:
            raise
        except Exception as error:  # our own code, as where a draft is asked: it is said, and the campaign goes on
            words = f"cannot be judged as it is written: {type(error).__name__}: {error}"
            return replace(finding, again=f"0 of {tried}", words=one_line(words, 300))
        tried += 1
        if any(finding.signature.shows_in(one) for one in asker.tell(record, calls_in(case))):
            words = words_of(record, finding.signature.lane)
            write_whole(path, _text(finding, end, words))
            _write_script(path, record, finding.signature.lane)
            return replace(finding, words=words, again=f"1 of {tried}")
    write_whole(path, _text(finding, "", "Seen with the numbers of its draw only: conformance campaign replay"))
    return replace(finding, again=f"0 of {tried}")


def _text(finding: Finding, end: str, words: str) -> str:
    draft = finding.draft
    remark = words or str(finding.signature)
    lines = case_lines(draft, f"{finding.name}{end}", described(draft), one_line(remark, 300), dims=False)
    return file_text(f"found by a campaign, seed {finding.seed}", [lines], draft.dims or None)


def lines_below(finding: Finding) -> int:
    """How many lines the case has below `cases:`."""
    return len(case_lines(finding.draft, finding.name, "?", "?", dims=False))


def _read(path: Path) -> Case | None:
    try:
        (case,) = load_file(path)
    except CaseError:
        return None
    return case


def read_cases(folder: Folder) -> Sequence[tuple[Finding, Case | None]]:
    """Each finding with the case that is written of it; None where that cannot be read any more."""
    return [(finding, _read(folder.file(finding))) for finding in folder.kept]


def words_of(record: Record, lane: str) -> str:
    """What a lane's first finding is, in words."""
    held = record.lanes[lane]
    if not held.findings:
        return f"{lane}: {held.verdict}" + (f" ({held.reason})" if held.reason else "")
    return f"{lane}: {one_line(finding_text(record, lane, held.findings[0]), 240)}"


def _write_script(path: Path, record: Record, lane: str) -> None:
    text = record.lanes[lane].repro
    if text is not None:
        stem = path.name.removesuffix(".case.yaml")
        write_whole(path.with_name(f"{stem}.{lane.replace('/', '_')}.py"), text)
