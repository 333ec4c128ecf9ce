"""A comparison as markdown, for an issue or a chat."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.comparison.result import Comparison, Row
from conformance.comparison.text import GLYPHS, WORDS, of_rounding, place, share_words, verdict


def markdown(comparison: Comparison) -> str:
    """The answer, where it starts and why, and every layer as a table."""
    lines = [f"**{_escaped(verdict(comparison))}**", ""]
    for number, start in enumerate(comparison.starts):
        lines += [f"{number + 1}. {_escaped(place(start))}"]
        if start.detail:
            lines.append(f"   {_escaped(start.detail)}")
        if start.share is not None and not start.share.agrees:
            lines.append(
                f"   {start.share.got:.6g} where the model has {start.share.wanted:.6g}: "
                f"{of_rounding(start.share.used)}"
            )
        if start.cause is not None:
            lines += [f"   Why: the port {_escaped(start.cause.sentence)}"]
            if start.cause.mend:
                lines += ["", "   ```python", *(f"   {line}" for line in start.cause.mend), "   ```", ""]
    lines += ["", *_table(comparison)]
    lines += [f"- {_escaped(remark)}" for remark in comparison.remarks]
    return "\n".join(lines).rstrip() + "\n"


def _table(comparison: Comparison) -> Iterator[str]:
    yield "| | layer | module | end to end | alone | arrives | |"
    yield "|---|---|---|---:|---:|---:|---|"
    for row in comparison.rows:
        yield (
            f"| {GLYPHS[row.state]} | {_escaped(row.path)} ({_escaped(row.type)}) | {_escaped(_module(row))} | "
            f"{share_words(row.whole)} | {share_words(row.alone)} | {share_words(row.arrives)} | "
            f"{WORDS[row.state]}{f'; {row.order}' if row.order else ''} |"
        )


def _module(row: Row) -> str:
    return row.port or (f"({row.judged_at or row.by_itself})" if row.state == "own code" else "")


def _escaped(words: str) -> str:
    for sign in ("\\", "|", "*", "_", "`", "<", "["):
        words = words.replace(sign, f"\\{sign}")
    return words
