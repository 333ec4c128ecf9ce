"""The index of a report: a row a case, worst first, in parts of which a browser lays out those that are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from conformance.record.case import Record
from conformance.report.answer import answer
from conformance.report.blocks import case_href
from conformance.report.facts import Lanes, is_failure
from conformance.report.words import one_line, safe, share_text

PART = 100
"""Rows of a part at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """A case in the index."""

    id: str
    href: str
    outcome: str
    answer: str
    layers: str
    used: str
    facts: str
    """Words for the filter: lanes and aspects that differ, questions, tags."""
    is_drawn: bool
    """Whether its page is written out, so that the permanent link leads there and not to this row."""


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring rows with what they have in common: a family's passing cases, or an outcome that is no pass."""

    title: str
    rows: tuple[Row, ...]


def row_of(record: Record, lanes: Lanes, is_drawn: bool) -> Row:
    """What the index says of a case."""
    case_id = safe(record.id, 400)
    facts = [f"question:{row}" for row in record.questions] + [f"tag:{one_line(tag, 40)}" for tag in record.tags]
    for name, held in record.lanes.items():
        if held.verdict != "agree":
            facts.append(f"lane:{one_line(name, 40)}")
        if held.deviation:
            facts.append(f"deviation:{one_line(held.deviation.id, 80)}")
        facts += [f"aspect:{aspect}" for aspect, state in held.aspects.items() if state == "differ"]
    if any(pair.finding is not None for pair in record.pairs):
        facts.append("is:different")
    if is_failure(record.outcome):
        facts.append("is:failing")
    if record.changed:
        facts.append("is:changed")
    return Row(
        id=case_id,
        href=case_href(case_id),
        outcome=one_line(record.outcome, 20),
        answer=answer(record, lanes),
        layers=", ".join(one_line(layer, 60) for layer in record.layers),
        used=_used(record),
        facts=" ".join(dict.fromkeys(facts)),
        is_drawn=is_drawn,
    )


def _used(record: Record) -> str:
    """The largest share of the budget over the lanes, short; empty where nothing was measured."""
    used = [float(held.used) for held in record.lanes.values() if held.verdict in ("agree", "differ")]
    largest = max((share for share in used if share == share), default=0.0)
    if record.outcome not in ("agree", "differ"):
        return ""
    if largest == 0:
        return "exact" if record.outcome == "agree" else ""
    if largest > 1:
        return "not exact" if largest == float("inf") else share_text(largest)
    return f"{max(round(100 * largest), 1)} %"


def parts_of(rows: Sequence[Row]) -> Iterator[Part]:
    """The rows in their order, parted by outcome, passing ones by family too, and long parts again."""
    for (outcome, family), group in groupby(rows, _group):
        every = tuple(group)
        for first in range(0, len(every), PART):
            shown = every[first : first + PART]
            count = f"{len(every):,}"
            if len(every) > PART:
                upto = f" to {first + len(shown):,}" if len(shown) > 1 else ""
                count = f"{first + 1:,}{upto} of {count}"
            agreeing = "agrees" if len(every) == 1 else "agree"
            yield Part(f"{family}: {count} {agreeing}" if family else f"{outcome}: {count}", shown)


def _group(row: Row) -> tuple[str, str]:
    return row.outcome, one_line(row.id, 60).partition("/")[0] if row.outcome == "agree" else ""
