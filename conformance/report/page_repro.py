"""How a reader checks a case without this harness: the scripts of a case that differs, the command for any other."""

from __future__ import annotations

from conformance.report.answer import lane_title
from conformance.report.blocks import Block, Fold, Paragraph, ReproCommand
from conformance.report.facts import Lanes, Record
from conformance.report.words import one_line, safe
from conformance.repro.lanes import why_not

_WORDS = "A script with the arrays inside, without this harness; it ends with 0 where it gives what stands here."
_UNSAVED = "With --save cases/mine/topic.case.yaml this is a case, and conformance repro prints a script of it."


def repro_blocks(record: Record, lanes: Lanes) -> list[Block]:
    """A script a lane, folded, where results hold them; else the command that prints one."""
    if record.get("again"):
        return [Paragraph(_UNSAVED, "note")]
    blocks: list[Block] = []
    for row in lanes:
        held = record["lanes"].get(row["name"])
        if held is None or why_not(row) or held["verdict"] in ("unsupported", "timeout"):
            continue
        if held["verdict"] == "crash" and not held.get("repro"):  # of some crashes there is one
            continue
        if held.get("repro"):
            blocks.append(Fold(f"Script for {lane_title(row)}", safe(held["repro"], 40_000).rstrip()))
        blocks.append(ReproCommand(safe(record["id"], 400), one_line(row["name"], 60)))
    return [Paragraph(_WORDS, "note"), *blocks] if blocks else []
