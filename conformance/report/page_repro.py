"""How a reader checks a case without this harness: the scripts of a case that differs, the command for any other."""

from __future__ import annotations

import shlex

from conformance.protocol.counterparts import is_torchs
from conformance.record.case import Record
from conformance.report.answer import lane_title
from conformance.report.blocks import Block, Command, Fold, Paragraph
from conformance.report.facts import Lanes
from conformance.report.scriptable import why_not
from conformance.report.words import one_line, safe

_WORDS = "A script with the arrays inside, without this harness; it ends with 0 where it gives what stands here."


def repro_blocks(record: Record, lanes: Lanes) -> list[Block]:
    """A script a lane, folded, where results hold them; else the command that prints one."""
    if record.again:
        names = [row.name for row in lanes if row.name in record.lanes and not why_not(row, record.layers)]
        commands = [_asked(record.again, name) for name in names]
        if any(map(is_torchs, record.layers)):
            commands.append(_asked(record.again, "keras", "--module"))
        return [Paragraph(_WORDS, "note"), *map(Command, commands)]
    blocks: list[Block] = []
    for row in lanes:
        held = record.lanes.get(row.name)
        if held is None or why_not(row, record.layers) or held.verdict in ("unsupported", "timeout"):
            continue
        if held.verdict == "crash" and not held.repro:  # of some crashes there is one
            continue
        if held.repro:
            blocks.append(Fold(f"Script for {lane_title(row)}", safe(held.repro, 40_000).rstrip()))
        blocks.append(Command(f'conformance repro "{safe(record.id, 400)}" --lane {one_line(row.name, 60)}'))
    return [Paragraph(_WORDS, "note"), *blocks] if blocks else []


def _asked(again: str, lane: str, *more: str) -> str:
    """The command that asks a question, as the one that prints a script of it."""
    words = shlex.split(again)
    dropped = {place + step for place, word in enumerate(words) if word in ("--lane", "--question") for step in (0, 1)}
    kept = [word for place, word in enumerate(words) if place not in dropped]
    return safe(shlex.join([kept[0], "repro", *kept[2:], "--lane", lane, *more]), 4_000)
