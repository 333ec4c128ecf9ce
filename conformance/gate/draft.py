"""Writes deviations from what a run found, lists them, and removes those that no longer happen."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.gate.deviations import Deviation
from conformance.gate.signature import aspect_of, observed_of
from conformance.record.run import Results
from conformance.report.facts import REFERENCE, is_failure
from conformance.report.findings import verdict_text
from conformance.report.words import one_line

HORIZON = datetime.timedelta(days=180)
"""How long a drafted deviation lives before somebody must look at it again."""


def draft(results: Results, today: datetime.date) -> str:
    """The failing verdicts of a results file as a deviations file; cases with one signature share an entry.

    The reason, the owner and the link are for a person to write: what is drafted holds their places with what is known.
    """
    entries: dict[tuple[str, str, str], tuple[list[str], dict[str, Any], str]] = {}
    for record in results.cases:
        for name, lane in record.lanes.items():
            if name == REFERENCE or not is_failure(lane.verdict) or lane.verdict == "stale":
                continue  # a reference that fails is to be mended, never to be excused
            observed = observed_of(record, name)
            key = (name, aspect_of(lane), json.dumps(observed, sort_keys=True))
            cases, _, _ = entries.setdefault(key, ([], observed, one_line(verdict_text(record, name), 160)))
            cases.append(record.id)
    versions = {row.name: row.versions for row in results.lanes}
    lines = ["schema_version: 1", "deviations:" if entries else "deviations: []"]
    for number, ((name, aspect, _), (cases, observed, words)) in enumerate(entries.items(), start=1):
        lines += _entry(
            f"{name}-{aspect}-{number}", name, aspect, cases, observed, words, versions.get(name, {}), today
        )
    return "\n".join(lines) + "\n"


def _entry(
    identity: str,
    lane: str,
    aspect: str,
    cases: Sequence[str],
    observed: Mapping[str, Any],
    words: str,
    versions: Mapping[str, str],
    today: datetime.date,
) -> list[str]:
    package = next((name for name in ("keras", "tf_keras", "torch", "transformers") if name in versions), None)
    version = versions[package].partition("+")[0] if package else ""
    lines = [f"  - id: {_scalar(_as_id(identity))}", "    cases:"]
    lines += [f"      - {case}" for case in cases]
    lines += [f"    lanes: [{_scalar(lane)}]", f"    aspect: {aspect}", f"    observed: {_flow(observed)}"]
    if package:  # open towards newer ones, until a run finds it stale; no older one was tried
        lines += [f"    when: {_scalar(f'{package}>={version}')}", f"    began: {_scalar(f'{package}<={version}')}"]
    lines += [
        "    kind: ours to do",
        f"    reason: {_scalar(words)}",
        "    owner: nobody yet",
        f"    added: {today.isoformat()}",
        f"    expires: {(today + HORIZON).isoformat()}",
    ]
    return lines


def _as_id(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "-" for c in text).lstrip("-._")


def _flow(value: Any) -> str:
    """A value in YAML's flow style; JSON is that, but for NaN, which a signature writes as text."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    """Text as YAML reads it back as text; always quoted where it could mean anything else."""
    is_plain = text and text[0].isalpha() and all(c.isascii() and (c.isalnum() or c in "_-") for c in text)
    return text if is_plain and text.lower() not in ("true", "false", "null") else json.dumps(text)


def listing(deviations: Iterable[Deviation], today: datetime.date, within: int | None = None) -> str:
    """One line a deviation, those that expire first on top; with `within`, only those that expire in so many days."""
    rows = []
    for deviation in sorted(deviations, key=lambda deviation: (deviation.expires, deviation.id)):
        days = (deviation.expires - today).days
        if within is not None and days > within:
            continue
        left = f"expired {-days} days ago" if days < 0 else f"expires in {days} days"
        rows.append(
            f"{deviation.position}  {one_line(deviation.id, 60)}  {deviation.kind}  {deviation.aspect}  {left}  "
            f"{one_line(deviation.owner, 40)}: {one_line(deviation.reason, 120)}"
        )
    return "\n".join([*rows, f"{len(rows)} deviations"]) + "\n"


def prune(deviations: Sequence[Deviation], stale: Iterable[str], files: Mapping[str, Path]) -> dict[Path, str]:
    """The new text of every file that holds a stale deviation, without it; comments elsewhere stand.

    `files` maps the path that a position shows to the file.
    """
    gone = set(stale)
    texts: dict[Path, str] = {}
    for display, file in files.items():
        drop = [d for d in deviations if d.id in gone and d.position.path == display]
        if not drop:
            continue
        lines = file.read_text(encoding="utf-8-sig").splitlines(keepends=True)
        for deviation in sorted(drop, key=lambda deviation: -deviation.position.line):
            del lines[deviation.position.line - 1 : deviation.last_line]
        left = [d for d in deviations if d.position.path == display and d.id not in gone]
        text = "".join(lines)
        texts[file] = text if left else text.replace("deviations:", "deviations: []", 1)
    return texts
