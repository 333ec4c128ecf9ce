"""A script as a bug report in markdown: what is expected and who says so, what comes instead, and how to see it."""

from __future__ import annotations

import re

from conformance.record.case import Record
from conformance.record.run import LaneRow
from conformance.report.answer import answer, lane_title
from conformance.report.findings import finding_text
from conformance.report.words import is_address, one_line, safe
from conformance.repro.account import account_of
from conformance.repro.check import expected_words
from conformance.repro.evidence import Evidence
from conformance.repro.script import script

MOST = 65_536
"""Characters of an issue that trackers commonly take."""
_SOURCES = {
    "docs": "the documentation",
    "paper": "a paper",
    "hand": "a calculation by hand",
    "observed": "behaviour that was observed",
    "question": "a question of users",
}


def issue(evidence: Evidence, lane: str) -> str:
    """The bug report. Raises NotScriptable where there is no script to put into it."""
    record, row = evidence.record, evidence.row(lane)
    held = record.lanes[lane]
    differs = bool(held.findings)
    code = script(evidence, lane)
    title = one_line(finding_text(record, lane, held.findings[0]) if differs else answer(record, evidence.lanes), 160)
    layers = ", ".join(one_line(layer, 60) for layer in record.layers[:3])
    sections = [
        f"# {_plain(one_line(f'{layers}: {title}', 200))}",
        _plain(safe(record.question, 2_000)),
        f"## Versions\n\n{_versions(row)}",
        f"## Expected\n\n{_expected(evidence, lane)}",
        f"## Got\n\n{_got(record, lane)}",
        f"## To reproduce\n\nThis script needs nothing but {lane_title(row)} and NumPy. It ends with 0 where it gives "
        f"what is said above, with 1 where it does not.\n\n{_fenced(code)}",
    ]
    text = "\n\n".join(sections) + "\n"
    if len(text) <= MOST:
        return text
    return text.replace(
        "## To reproduce\n\n", "## To reproduce\n\n(Too long for most trackers: attach the script.) ", 1
    )


def _versions(row: LaneRow) -> str:
    return "\n".join(
        f"- {_plain(one_line(name))} {_plain(one_line(version))}" for name, version in row.versions.items()
    )


def _got(record: Record, lane: str) -> str:
    held = record.lanes[lane]
    if not held.findings:
        reason = _plain(one_line(held.reason))
        return f"{reason[0].upper()}{reason[1:]}." if reason else "The same."
    found = [_plain(finding_text(record, lane, finding)) for finding in held.findings[:5]]
    raised = held.failure or held.gradient_failure
    message = [] if raised is None else [_fenced(safe(raised.message, 4_000) + "\n", "")]
    return "\n\n".join([*(f"- {words}" for words in found), *message])


def _expected(evidence: Evidence, lane: str) -> str:
    """What the reference or the case expects of each node that differs, and where that comes from."""
    record = evidence.record
    source = record.source
    who = _SOURCES.get(source.kind, one_line(source.kind))
    parts = [part for part in (safe(source.reference, 1_000), safe(source.note, 2_000)) if part]
    words = ["What the same mathematics gives in NumPy, in float64, written from papers and documentation."]
    said = "; ".join(part if is_address(part) else _plain(part) for part in parts)
    words.append(f"The question rests on {who}{': ' + said.rstrip('.') if said else ''}.")
    account = account_of(evidence, lane)
    wanted = [f"{label}: {text}" for run in account.runs for label, text in expected_words(run)]
    if wanted:
        words.append(_fenced("\n".join(wanted) + "\n", ""))
    others = [
        lane_title(row)
        for row in evidence.lanes
        if row.name != lane and row.name in record.lanes and record.lanes[row.name].verdict == "agree"
    ]
    if others:
        words.append(f"{' and '.join(others)} agree{'s' if len(others) == 1 else ''} with it.")
    return "\n\n".join(words)


def _plain(text: str) -> str:
    """Text that markdown shows as it stands."""
    return re.sub(r"([\\`*_{}\[\]<>#|~@])", r"\\\1", text)


def _fenced(code: str, language: str = "python") -> str:
    """Code in a fence that is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{code}{fence}"
