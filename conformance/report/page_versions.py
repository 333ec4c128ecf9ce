"""What other versions said to the same case, where a matrix was given beside the results."""

from __future__ import annotations

from conformance.record.case import Record
from conformance.report.blocks import Block, Cell, Mark, Paragraph, Table
from conformance.report.facts import differs
from conformance.report.words import one_line


def version_blocks(record: Record) -> list[Block]:
    """A row for neighbouring versions of one answer, changes marked; nothing where no other version was asked."""
    versions = record.versions
    if versions is None:
        return []
    rows = []
    for row in versions.rows:
        mark: Mark = "differ" if differs(row.verdict) else "agree" if row.verdict == "agree" else "muted"
        letter = f"{'▸ ' if row.is_change else ''}{one_line(row.letter, 4)}"
        rows.append(
            (
                Cell(one_line(row.lanes, 120)),
                Cell(letter),
                Cell(one_line(row.verdict, 20), mark),
                Cell(one_line(row.answer, 200)),
            )
        )
    blocks: list[Block] = []
    if rows:
        caption = "the same case in other versions; ▸ where the answer is another than before"
        blocks.append(Table(caption, ("versions", "answer", "verdict", "what it was"), tuple(rows), "ruled"))
    return [*blocks, Paragraph(one_line(versions.note), "note")]
