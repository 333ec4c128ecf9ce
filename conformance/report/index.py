"""The index of a report: a row a case, worst first, in parts of which a browser lays out those that are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from conformance.record.case import Record
from conformance.report.answer import answer
from conformance.report.blocks import GLYPHS, case_href
from conformance.report.facts import Lanes, is_failure
from conformance.report.frame import Part, Row, slug
from conformance.report.words import one_line, safe, share_text

PART = 100
"""Rows of a part at most."""


HEAD = ("verdict", "case and answer", "layers", "budget used")


def row_of(record: Record, lanes: Lanes, is_drawn: bool) -> Row:
    """What the index says of a case; `is_drawn` is whether its page is written out, so that links lead there."""
    case_id = safe(record.id, 400)
    facts = [f"question:{row}" for row in record.questions] + [f"tag:{one_line(tag, 40)}" for tag in record.tags]
    held_by = record.lanes
    for name, held in held_by.items():
        if held.verdict != "agree":
            facts.append(f"lane:{one_line(name, 40)}={slug(one_line(held.verdict, 20))}")
        if held.deviation:
            facts.append(f"deviation:{one_line(held.deviation.id, 80)}")
        facts += [f"aspect:{aspect}" for aspect, state in held.aspects.items() if state == "differ"]
    if any(pair.finding is not None for pair in record.pairs):
        facts.append("is:different")
    if is_failure(record.outcome):
        facts.append("is:failing")
    if record.changed:
        facts.append("is:changed")
    facts += [f"without:{one_line(lane.name, 40)}" for lane in lanes if lane.selected and lane.name not in held_by]
    outcome = one_line(record.outcome, 20)
    return Row(
        id=case_id,
        href=case_href(case_id),
        anchor="" if is_drawn else case_id,
        state=outcome,
        sign=GLYPHS.get(outcome, "?"),
        word=outcome,
        lines=(answer(record, lanes),),
        cells=(", ".join(one_line(layer, 60) for layer in record.layers), _used(record)),
        facts=" ".join(dict.fromkeys(facts)),
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
    return row.state, one_line(row.id, 60).partition("/")[0] if row.state == "agree" else ""
