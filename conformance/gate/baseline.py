"""What changed since an earlier run, laid beside the results that a report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from conformance.errors import UsageError
from conformance.gate.diff import Diff, Row, Section, diff

Results = Mapping[str, Any]


def with_baseline(results: Results, old: Results) -> dict[str, Any]:
    """The results with `baseline` beside them, and `changed` in every case whose answer or verdict moved.

    Where the two cannot be laid side by side, `baseline` says why, and nothing else.
    """
    try:
        found = diff(old, results)
    except UsageError as error:
        return {**results, "baseline": {**_about(old), "note": str(error), "counts": {}, "environment": [], "rows": []}}
    moved: dict[str, list[dict[str, Any]]] = {}
    for row in found.moved:
        moved.setdefault(row.case, []).append(_row(row))
    cases = [
        {**record, "changed": moved[record["id"]]} if record["id"] in moved else record for record in results["cases"]
    ]
    return {**results, "cases": cases, "baseline": _baseline(found, old)}


def _about(old: Results) -> dict[str, Any]:
    return {"started": old["started"], "command": old["command"]}


def _baseline(found: Diff, old: Results) -> dict[str, Any]:
    return {
        **_about(old),
        "note": "",
        "label": found.old.label,
        "counts": {str(section): count for section, count in found.counts().items()},
        "environment": [asdict(move) for move in found.environment],
        "rows": [_row(row) for row in found.rows if row.section is not Section.UNCHANGED],
    }


def _row(row: Row) -> dict[str, Any]:
    return {**asdict(row), "section": str(row.section), "moved": list(row.moved)}
