"""The inventory as text for a terminal, as markdown for the docs, as JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from conformance.case.keras_names import Argument
from conformance.inventory.coverage import Count, Coverage, Entry
from conformance.inventory.ours import arguments_of
from conformance.inventory.releases import Difference

_COUNTED = ("names", "reference", "port", "cases", "arguments", "in the mathematics", "written in a case", "reason")


_COLUMNS = ("name", "reference", "port", "in torch", "mutants", "cases", "arguments written", "not in the mathematics")


def as_text(coverage: Coverage) -> str:
    """Counts, then what is to be done."""
    head = f"Keras {coverage.release.version}: {len(coverage.entries)} public names, aliases folded\n"
    rows = [("kind", *_COUNTED), *(_counts(count) for count in coverage.counts())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([head, *lines, "", *_open(coverage), ""])


def _open(coverage: Coverage) -> list[str]:
    lines = [f"{_name(entry)}: no reference, and no reason" for entry in coverage.uncovered]
    lines += [f"{name}: has a reference now; take its reason out" for name in coverage.needless]
    lines += [f"{name}: has two reasons" for name in coverage.doubled]
    return lines or ["Every name has a reference or a reason."]


def as_markdown(coverage: Coverage) -> str:
    """The page of the docs: counts, what there is, and what there is not, by its reason."""
    lines = [
        "# What of Keras a case can say",
        "",
        f"Every public name of Keras {coverage.release.version}, aliases folded: what there is of it here, or why",
        "there is nothing. Made by `conformance coverage -o docs/coverage.md`, which walks the names in a lane of",
        "Keras and fails when one of them has neither: a newer release says so by itself.",
        "",
        _row(("kind", *_COUNTED)),
        _row(["---"] * (1 + len(_COUNTED))),
        *(_row(_counts(count)) for count in coverage.counts()),
        "",
    ]
    for count in coverage.counts():
        if count.with_reference:
            lines += _held(count.kind, [entry for entry in coverage.entries if entry.name.kind == count.kind])
    return "\n".join([*lines, *_reasons(coverage), ""])


def _held(kind: str, entries: Sequence[Entry]) -> list[str]:
    rows = [
        f"## {kind}",
        "",
        _row(_COLUMNS),
        _row(["---"] * len(_COLUMNS)),
    ]
    for entry in entries:
        held = entry.available
        if held is not None:
            absent = [name for name in arguments_of(entry.name) if name not in held.known]
            rows.append(
                _row(
                    (
                        " / ".join((entry.name.name, *entry.name.aliases)),
                        held.reference,
                        "yes" if held.port else "-",
                        f"`{held.native}`" if held.native else "-",
                        str(held.mutants) if held.mutants else "-",
                        str(len(held.use.cases)),
                        f"{len(entry.exercised)} of {len(held.known)}",
                        ", ".join(absent) or "-",
                    )
                )
            )
    return [*rows, ""]


def _reasons(coverage: Coverage) -> list[str]:
    by_reason: dict[str, list[Entry]] = {}
    for entry in coverage.entries:
        if entry.reason:
            by_reason.setdefault(entry.reason, []).append(entry)
    functions = [reason for reason in by_reason if reason.startswith("the function form of")]
    lines = ["## Names without a reference", ""]
    for reason, entries in by_reason.items():
        if reason not in functions:
            lines += [f"**{reason[:1].upper()}{reason[1:]}**: {', '.join(_name(entry) for entry in entries)}.", ""]
    if functions:
        names = ", ".join(_name(entry) for reason in functions for entry in by_reason[reason])
        lines += [f"**The function form of a class that can be asked**: {names}.", ""]
    return lines[:-1]


def as_json(coverage: Coverage) -> str:
    """All that is known, an object for each name."""
    held = {
        "keras": coverage.release.version,
        "is_complete": coverage.is_complete,
        "needless_reasons": list(coverage.needless),
        "names": [_plain(entry) for entry in coverage.entries],
    }
    return json.dumps(held, indent=1) + "\n"


def _plain(entry: Entry) -> dict[str, Any]:
    held = entry.available
    plain: dict[str, Any] = {"kind": entry.name.kind, "name": entry.name.name, "aliases": list(entry.name.aliases)}
    plain["arguments"] = {argument.name: argument.default for argument in entry.name.arguments}
    if held is None:
        return {**plain, "reason": entry.reason or None}
    return {
        **plain,
        "reference": held.reference,
        "port": held.port,
        "native": held.native or None,
        "mutants": held.mutants,
        "cases": sorted(held.use.cases),
        "in_mathematics": list(held.known),
        "read_by_keras_only": list(held.unread),
        "exercised": list(entry.exercised),
    }


def difference_as_text(difference: Difference, drafts: Sequence[str]) -> str:
    """What came, what went, what moved, and how to ask about it."""
    lines = [f"Keras {difference.before} to {difference.now}"]
    for title, items in (("came", difference.came), ("went", difference.went)):
        lines += ["", f"{len(items)} names {title}"]
        lines += [f"  {item.kind}.{item.name}" for item in items]
    lines += ["", f"{len(difference.moved)} signatures moved"]
    for moved in difference.moved:
        parts = [f"+{_argument(argument)}" for argument in moved.added]
        parts += [f"-{argument.name}" for argument in moved.removed]
        parts += [f"{name}: {_default(before)} -> {_default(now)}" for name, before, now in moved.defaults]
        lines.append(f"  {moved.name.kind}.{moved.name.name}  {', '.join(parts)}")
    if drafts:
        lines += ["", "to ask about them", *(f"  {line}" for line in drafts)]
    return "\n".join([*lines, ""])


def difference_as_markdown(difference: Difference, drafts: Sequence[str]) -> str:
    """The same as a page."""
    title, _, rest = difference_as_text(difference, drafts).partition("\n")
    return f"# {title}\n\n```text{rest}```\n"


def difference_as_json(difference: Difference, drafts: Sequence[str]) -> str:
    """The same for a program."""
    held = {
        "before": difference.before,
        "now": difference.now,
        "came": [f"{item.kind}.{item.name}" for item in difference.came],
        "went": [f"{item.kind}.{item.name}" for item in difference.went],
        "moved": [
            {
                "name": f"{moved.name.kind}.{moved.name.name}",
                "added": {argument.name: argument.default for argument in moved.added},
                "removed": [argument.name for argument in moved.removed],
                "defaults": {name: [before, now] for name, before, now in moved.defaults},
            }
            for moved in difference.moved
        ],
        "drafts": list(drafts),
    }
    return json.dumps(held, indent=1) + "\n"


def _argument(argument: Argument) -> str:
    return argument.name if argument.default is None else f"{argument.name}={argument.default}"


def _default(default: str | None) -> str:
    return "none" if default is None else default


def _name(entry: Entry) -> str:
    return f"{entry.name.kind}.{entry.name.name}"


def _counts(count: Count) -> tuple[str, ...]:
    numbers = (count.names, count.with_reference, count.with_port, count.with_cases)
    return (
        count.kind,
        *(str(number) for number in numbers),
        *(str(number) for number in (count.arguments, count.in_mathematics, count.exercised, count.with_reason)),
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
