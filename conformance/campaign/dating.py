"""When a finding began: the two neighbouring releases of which one shows it and the other does not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from conformance.campaign.folder import Dated, Finding, Folder
from conformance.campaign.triage import Signature, calls_in, signatures
from conformance.campaign.written import read_cases
from conformance.case.model import Case
from conformance.errors import LaneUnavailable, UsageError
from conformance.gate.bisect import neighbours
from conformance.record.case import Record

Ask = Callable[[str, Case, str], Record]
"""A release, a case and the name that its lane shall have, to what comes of the case there. Raises LaneUnavailable."""


def date_all(folder: Folder, versions: Sequence[str], ask: Ask, lanes: Collection[str]) -> Iterator[Finding]:
    """Dates the findings of these lanes that are made small and have no date yet, and keeps each as it comes.

    `versions` are releases, the oldest first, of the package that these lanes are of.
    """
    for finding, case in read_cases(folder):
        if case is None or not finding.is_reduced or finding.dated is not None or finding.signature.lane not in lanes:
            continue
        found = replace(finding, dated=date(finding.signature, case, versions, ask))
        folder.add(found)
        yield found


def date(wanted: Signature, case: Case, versions: Sequence[str], ask: Ask) -> Dated:
    """Between which releases a case began, or ceased, to show what it shows; by binary search.

    Where both ends show it, or neither does, there is no such pair, and the date says that. A release that cannot be
    asked ends the search, and is named.
    """
    shown: dict[str, bool] = {}

    def shows(version: str) -> bool:
        if version not in shown:
            record = ask(version, case, wanted.lane)
            shown[version] = any(wanted.shows_in(one) for one in signatures(record, calls_in(case)))
        return shown[version]

    try:
        first, last = shows(versions[0]), shows(versions[-1])
        if first == last:
            return Dated(versions[0], versions[-1], first, last)
        before, after = neighbours(versions, lambda version: shows(version) != first)
    except (LaneUnavailable, UsageError) as error:
        return Dated(versions[0], versions[-1], False, False, failure=error.message[:200])
    return Dated(before, after, first, last)


def words(dated: Dated) -> str:
    """A date as a sentence."""
    if dated.failure:
        return f"not dated: {dated.failure}"
    match dated.old_shows, dated.new_shows:
        case False, True:
            return f"began in {dated.new}; {dated.old} does not show it"
        case True, False:
            return f"ended in {dated.new}; {dated.old} is the last that shows it"
        case True, True:
            return f"shown by {dated.old} and by {dated.new} already"
    return f"shown neither by {dated.old} nor by {dated.new}, where it was asked by itself"
