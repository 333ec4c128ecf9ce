"""A comparison as text, for the terminal: the answer first, then where it starts and why, then every layer."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.comparison.judging import Share
from conformance.comparison.result import Comparison, Row, Start

GLYPHS = {"agree": "✓", "start": "✗", "follows": "·", "own code": "–", "not compared": " "}
WORDS = {
    "agree": "agrees",
    "start": "starts here",
    "follows": "follows",
    "own code": "in the port's own code",
    "not compared": "",
}
MOST_ROWS = 400
WIDTH = 110


def text(comparison: Comparison, is_long: bool = True) -> str:
    """The whole comparison; `is_long` lists every layer, else those where something starts."""
    lines = [*_answer(comparison), ""]
    for number, start in enumerate(comparison.starts):
        lines += [*_start(start, number, len(comparison.starts)), ""]
    lines += [*_weights(comparison), *_counts(comparison), ""]
    lines += _table(comparison, is_long)
    if comparison.gradients or comparison.trained:
        lines += ["", *_training(comparison)]
    for remark in comparison.remarks:
        lines.append(f"note: {remark}")
    return "\n".join(lines).rstrip() + "\n"


def verdict(comparison: Comparison) -> str:
    """The answer in one sentence."""
    names = f"{comparison.port} and {comparison.model}"
    if comparison.agrees:
        if comparison.used is None:
            rest = [output.share.relative for output in comparison.outputs if not output.share.agrees]
            if rest:
                off = f"the results lie {max(rest):.1g} of their largest number apart"
                return f"{names} agree in every layer; {off}, and rounding was not measured"
            return f"{names} agree; rounding was not measured"
        return f"{names} agree within rounding: the result uses {of_rounding(comparison.used)}"
    count = len(comparison.starts)
    where = "in one place" if count == 1 else f"in {count} places" if count else "in the result, and start in no layer"
    if comparison.used is None or comparison.used <= 1:
        return f"{names} differ {where}"
    return f"{names} differ {where}: the result is off by {of_rounding(comparison.used)}"


def times(used: float) -> str:
    """`0.7`, `3,400 times`: a share of the allowance."""
    if used <= 1:
        return f"{used:.2g}"
    if used == float("inf"):
        return "infinitely often"
    return f"{used:,.0f} times" if used >= 10 else f"{used:.1f} times"


def of_rounding(used: float) -> str:
    """`0.7 of what rounding explains`, `3,400 times what rounding explains`."""
    return f"{times(used)} of what rounding explains" if used <= 1 else f"{times(used)} what rounding explains"


def share_words(share: Share | None) -> str:
    """A share for a column."""
    if share is None:
        return ""
    if share.used == float("inf"):
        return "inf"
    if share.used == 0.0:
        return "0"
    return f"{share.used:,.0f}" if share.used >= 10 else f"{share.used:.2g}"


def _answer(comparison: Comparison) -> Iterator[str]:
    yield verdict(comparison)
    ran = ", ".join(f"{name} {version}" for name, version in comparison.versions.items())
    shapes = ", ".join(f"{name} {shape}" for name, shape in comparison.batch.items())
    yield f"  {ran}; inputs {shapes}"
    for output in comparison.outputs:
        share = output.share
        yield (
            f"  {output.name}: largest error {share.relative:.1e} of the largest number, {of_rounding(share.used)}"
            if share.by != "plain"
            else f"  {output.name}: largest error {share.relative:.1e} of the largest number"
        )
    if comparison.rounding:
        yield f"  rounding was not measured: {comparison.rounding}"


def place(start: Start) -> str:
    """Where a start is, in words."""
    if start.kind == "lost":
        return "a side was lost"
    port = f"its {start.port}" if start.port else "its results"
    if start.kind in ("before", "output") or (start.kind == "shape" and start.span != (start.layer,)):
        if start.span:
            return f"{' then '.join(start.span)}, which the port computes itself before {port}"
        return f"what reaches {start.port or 'the end'} of the port{f' ({start.layer})' if start.layer else ''}"
    return f"{start.layer} (the port's {start.port})"


def _start(start: Start, number: int, count: int) -> Iterator[str]:
    yield f"{'first' if number == 0 else f'{number + 1} of {count}'}: {place(start)}"
    if start.detail:
        yield f"  {start.detail}"
    share = start.share
    if share is not None and not share.agrees:
        at = f"[{', '.join(map(str, share.index))}]" if share.index else ""
        yield (
            f"  given the model's own activations it gives {share.got:.6g} at {at} where the model has "
            f"{share.wanted:.6g}: {of_rounding(share.used)}, "
            f"{share.over:,} of {share.count:,} numbers"
        )
    if start.cause is not None:
        yield f"  why: the port {start.cause.sentence}"
        for other in start.cause.others:
            yield f"       or it {other}, which gives the same here"
        for line in start.cause.mend:
            yield f"  right: {line}"
    elif start.kind not in ("weights", "steps", "random", "mask", "lost", "gradient", "step"):
        yield "  why: no known mistake gives this answer"


def _weights(comparison: Comparison) -> Iterator[str]:
    right = sum(not proof.is_wrong and proof.state != "unknown" for proof in comparison.weights)
    unknown = [proof for proof in comparison.weights if proof.state == "unknown"]
    wrong = [proof for proof in comparison.weights if proof.is_wrong]
    yield f"weights: {right} of {len(comparison.weights)} found in the port by their content"
    for proof in wrong:
        yield f"  ✗ {proof.layer} {proof.weight}: {proof.state}{f', {proof.layout}' if proof.layout else ''}"
    if unknown:
        names = ", ".join(f"{proof.layer} {proof.weight}" for proof in unknown[:6])
        yield f"  {len(unknown)} tell nothing by their content (all numbers the same): {names}"


def _counts(comparison: Comparison) -> Iterator[str]:
    paired = [row for row in comparison.rows if row.port]
    own = [row for row in comparison.rows if row.state == "own code" or (row.state == "start" and not row.port)]
    leaves = [row for row in comparison.rows if row.state != "not compared"]
    count = f"{len(paired)} of {len(leaves)} calls"
    yield f"layers: {count} have a module of their own, {len(own)} are in the port's own code"
    if comparison.unpaired_of_port:
        names = ", ".join(comparison.unpaired_of_port[:12])
        more = f" and {len(comparison.unpaired_of_port) - 12} more" if len(comparison.unpaired_of_port) > 12 else ""
        yield f"  modules without a layer: {names}{more}"


def _table(comparison: Comparison, is_long: bool) -> list[str]:
    rows = [row for row in comparison.rows if is_long or row.state == "start"][:MOST_ROWS]
    if not rows:
        return []
    head = ["", "layer", "module", "end to end", "alone", "arrives", "order of axes, mask"]
    body = [_cells(row) for row in rows]
    widths = [max(len(line[place]) for line in [head, *body]) for place in range(len(head))]
    lines = ["shares of what rounding explains: over 1 is not rounding"]
    for line in [head, *body]:
        cells = [
            cell.rjust(width) if place in (3, 4, 5) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    if len(comparison.rows) > MOST_ROWS:
        lines.append(f"and {len(comparison.rows) - MOST_ROWS} more: --format json has all")
    return lines


def _cells(row: Row) -> list[str]:
    name = "  " * row.depth + row.path.rpartition("/")[2] + (f"#{row.index}" if row.index else "")
    module = row.port or ("" if row.state == "not compared" else WORDS["own code"])
    if row.state == "own code":
        module = f"({row.judged_at or row.by_itself})"
    notes = "; ".join(part for part in (row.order, f"mask {row.mask}" if row.mask else "") if part)
    if row.state == "start":
        notes = f"starts here; {notes}" if notes else "starts here"
    return [
        GLYPHS[row.state],
        f"{name} ({row.type})",
        module,
        share_words(row.whole),
        share_words(row.alone),
        share_words(row.arrives),
        notes,
    ]


def _training(comparison: Comparison) -> Iterator[str]:
    for title, every in (("gradients", comparison.gradients), ("weights after one step", comparison.trained)):
        if not every:
            continue
        wrong = [one for one in every if not one[2].agrees]
        yield f"{title}: {len(every) - len(wrong)} of {len(every)} agree within rounding"
        for layer, role, share in wrong[:20]:
            yield f"  ✗ {layer} {role}: {of_rounding(share.used)}"
