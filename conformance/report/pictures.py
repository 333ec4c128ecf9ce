"""Arrays too large for a table: the first block that differs in numbers, and a heat map of lane, reference, difference.

Both sides share one scale; the difference has levels where it is more than allowed. Arrays of different shapes are
drawn side by side, without one. NaN and infinities are marks, never colours. A map is an image of one pixel a cell
inside the page, with rows and columns named; what it shows is said in words too.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from conformance.record.parts import LayoutRecord, PictureRecord
from conformance.report.blocks import Block, Cell, Drawing, Panel, Pictures, Table
from conformance.report.words import decimal, index_text, joined, one_line, shape_text

CELL, SMALL_CELL = 12, 6
"""Width and height of a cell in a map; the small one where there are more than `FEW` columns."""
FEW = 24
TOP = 14
"""Room for the names of columns."""
LETTER = 6
"""Width of a letter of a label."""

VALUE_COLOURS = (
    "#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678",
    "#a59c74", "#c3b369", "#d9c55c", "#e8d34f", "#f4df43", "#fee838",
)  # fmt: skip
"""Dark to light, evenly, and safe for the colour blind: after cividis (Nuñez, Anderton and Renslow 2018)."""
ERROR_COLOURS = ("#e9e9e4", "#fbd9b0", "#f5b07a", "#e8824a", "#cf5230", "#9c2430", "#5f0f40")
"""Allowed, then over, in sixths of the largest error: ever darker."""
LEVELS = "0123456789ab"
MARKS = {"n": "N", "+": "+", "-": "−"}
MARK_WORDS = {"n": "N: NaN", "+": "+: infinity", "-": "−: minus infinity"}
BLANK = len(VALUE_COLOURS)
"""The palette's entry for a cell without a level: the paper shows through."""


def picture_blocks(picture: PictureRecord, lane: str, worst: Sequence[int] | None) -> list[Block]:
    """The first block that differs, on both sides, and the maps; `worst` is where the worst element stands."""
    sides = _sides(picture, one_line(lane, 40))
    if picture.other is not None:
        return _side_by_side(picture, picture.other, sides)
    block = picture.block
    tables = (
        _block_table(picture, sides.block, block.got, block.over),
        _block_table(picture, sides.same, block.reference, ()),
    )
    place = None if worst is None else _place(picture, worst)
    panels = (
        _values_panel(picture, sides.mine, picture.got),
        _values_panel(picture, sides.wanted, picture.reference),
        _error_panel(picture, worst, place),
    )
    scales = (_values_scale(picture), _error_scale(picture))
    caption = f"{sides.caption}, and how far they are apart; {_layout(picture, picture.error)}"
    return [*tables, Pictures(caption, (*panels, *scales), _lines(picture))]


@dataclass(frozen=True, slots=True)
class _Sides:
    """What the two arrays of a picture are called."""

    mine: str
    wanted: str
    block: str
    same: str
    caption: str


def _sides(picture: PictureRecord, lane: str) -> _Sides:
    node = one_line(picture.node, 120)
    if picture.wanted_by == "claim":
        first, second = (one_line(name, 60) for name in picture.between)
        block, same = f"the first block that differs: {second} in {lane}", f"the same block of {first}"
        return _Sides(
            second, first, block, same, f"{second} and {first}, which the case claims to be the same, in {lane}"
        )
    what = f"{picture.aspect} of {node}" if picture.aspect in ("gradient", "mask") else node
    is_stated = picture.wanted_by == "case"
    wanted = "stated by the case" if is_stated else "reference"
    return _Sides(
        lane,
        wanted,
        f"the first block of {what} that differs, in {lane}",
        "the same block as the case states it" if is_stated else "the same block in the reference",
        f"{what} in {lane}, {'as the case states it' if is_stated else 'in the reference'}",
    )


def _side_by_side(picture: PictureRecord, other: LayoutRecord, sides: _Sides) -> list[Block]:
    """Two arrays of different shapes: the first block and a map of each, on one scale; no difference can be drawn."""
    theirs = replace(picture, shape=other.shape, split=other.split)
    node = one_line(picture.between[0], 120)
    both = ((picture, sides.mine, "got"), (theirs, sides.wanted, "reference"))
    titles = [f"{name} {shape_text(side.shape)}" for side, name, _ in both]
    tables = [
        _block_table(side, f"where {node} begins: {title}", getattr(picture.block, key), ())
        for (side, _, key), title in zip(both, titles, strict=True)
    ]
    panels = [
        _values_panel(side, title, getattr(picture, key)) for (side, _, key), title in zip(both, titles, strict=True)
    ]
    layouts = [
        f"{title}: {_layout(side, getattr(picture, key))}" for (side, _, key), title in zip(both, titles, strict=True)
    ]
    caption = "; ".join([f"{sides.caption}, each by itself, on one scale", *layouts])
    return [*tables, Pictures(caption, (*panels, _values_scale(picture)), ())]


def _layout(picture: PictureRecord, lines: Sequence[str]) -> str:
    """Which axes make rows and columns, and which of them are drawn."""
    high, wide = _rectangle(picture)
    cut = [
        f"{noun} {first + 1:,} to {first + shown:,} of {whole:,}"
        for noun, first, shown, whole in (
            ("rows", picture.row, len(lines), high),
            ("columns", picture.column, len(lines[0]), wide),
        )
        if shown < whole
    ]
    split, rank = picture.split, len(picture.shape)
    axes = [_axes_words(0, split, "a row"), _axes_words(split, rank, "a column")]
    return ", ".join(filter(None, [*axes, *cut]))


def _axes_words(first: int, last: int, noun: str) -> str:
    axes = [str(axis) for axis in range(first, last)]
    if len(axes) < 2:
        return f"axis {axes[0]} makes {noun}" if axes else ""
    return f"axes {joined(axes)} make {noun}"


def _rectangle(picture: PictureRecord) -> tuple[int, int]:
    shape, split = picture.shape, picture.split
    return prod(shape[:split]), prod(shape[split:])


def _place(picture: PictureRecord, index: Sequence[int]) -> tuple[int, int] | None:
    """Row and column in the window of an element; None where it lies outside."""
    shape, split = picture.shape, picture.split
    row = _flat(index[:split], shape[:split]) - picture.row
    column = _flat(index[split:], shape[split:]) - picture.column
    is_inside = 0 <= row < len(picture.error) and 0 <= column < len(picture.error[0])
    return (row, column) if is_inside else None


def _flat(index: Sequence[int], shape: Sequence[int]) -> int:
    position = 0
    for place, length in zip(index, shape, strict=True):
        position = position * length + place
    return position


def _unflat(position: int, shape: Sequence[int]) -> list[int]:
    index: list[int] = []
    for length in reversed(shape):
        index.insert(0, position % length)
        position //= length
    return index


def _block_table(picture: PictureRecord, caption: str, numbers: Sequence[Sequence[Any]], over: Sequence[str]) -> Table:
    shape, split, block = picture.shape, picture.split, picture.block
    columns = range(block.column, block.column + len(numbers[0]))
    head = ("", *(_place_name(column, shape[split:]) for column in columns))
    rows = []
    for row, line in enumerate(numbers):
        label = index_text(_unflat(block.row + row, shape[:split]))[:-1] + (", …]" if split else "…]")
        marks = over[row] if over else "0" * len(line)
        cells = (
            Cell(decimal(value, 6), "differ" if mark == "1" else "number")
            for value, mark in zip(line, marks, strict=True)
        )
        rows.append((Cell(label), *cells))
    return Table(caption, head, tuple(rows), "grid")


def _place_name(position: int, shape: Sequence[int]) -> str:
    """Where a row or a column stands on the axes that make it: `1, 143`; nothing where no axis does."""
    return ", ".join(str(place) for place in _unflat(position, shape))


# ---- maps


def _values_panel(picture: PictureRecord, title: str, lines: Sequence[str]) -> Panel:
    marked = {sign: sum(line.count(sign) for line in lines) for sign in MARKS}
    specials = [f"{count} {MARK_WORDS[sign].partition(': ')[2]}" for sign, count in marked.items() if count]
    size = f"{len(lines)} by {len(lines[0])} cells between {decimal(picture.low)} and {decimal(picture.high)}"
    return _panel(picture, title, f"{title}: {', '.join([size, *specials])}", lines, VALUE_COLOURS)


def _error_panel(picture: PictureRecord, worst: Sequence[int] | None, place: tuple[int, int] | None) -> Panel:
    lines = picture.error
    over = sum(level != "0" for line in lines for level in line)
    words = f"difference: {over} of {len(lines) * len(lines[0])} cells are over what is allowed"
    words += f", by up to {decimal(picture.largest)}"
    if worst is not None:
        words += f", the worst at {index_text(worst)}" + (" is framed" if place is not None else "")
    return _panel(picture, "difference", words, lines, ERROR_COLOURS, place)


def _panel(
    picture: PictureRecord,
    title: str,
    words: str,
    lines: Sequence[str],
    colours: Sequence[str],
    framed: tuple[int, int] | None = None,
) -> Panel:
    rows, columns = len(lines), len(lines[0])
    cell = CELL if columns <= FEW else SMALL_CELL
    shape, split = picture.shape, picture.split
    row_names = [_place_name(picture.row + row, shape[:split]) for row in range(rows)]
    column_names = [_place_name(picture.column + column, shape[split:]) for column in range(columns)]
    left = LETTER + max(map(len, row_names)) * LETTER
    drawings = [
        _text(left - 4, TOP + row * cell + cell // 2 + 3, row_names[row], "end")
        for row in range(0, rows, CELL // cell * (1 + rows // 20))
    ]
    room = (max(map(len, column_names)) + 1) * LETTER // cell + 1
    drawings += [
        _text(left + column * cell + cell // 2, 9, column_names[column], "middle") for column in range(0, columns, room)
    ]
    where = (("x", left), ("y", TOP), ("width", columns * cell), ("height", rows * cell))
    image = ("href", f"data:image/png;base64,{png(lines, colours)}")
    drawings.append(
        Drawing("image", (*where, ("preserveAspectRatio", "none"), ("image-rendering", "pixelated"), image))
    )
    drawings.append(_frame(left, TOP, columns * cell, rows * cell, "0.5", "currentColor"))
    drawings += [
        _text(left + column * cell + cell // 2, TOP + row * cell + cell // 2 + 3, MARKS[sign], "middle")
        for row, line in enumerate(lines)
        for column, sign in enumerate(line)
        if sign in MARKS
    ]
    if framed is not None:
        x, y = left + framed[1] * cell - 1, TOP + framed[0] * cell - 1
        drawings += [_frame(x, y, cell + 2, cell + 2, *line) for line in (("4", "#fff"), ("2", "#000"))]
    return Panel(title, words, left + columns * cell + 2, TOP + rows * cell + 2, tuple(drawings))


def _text(x: int, y: int, words: str, anchor: str = "") -> Drawing:
    return Drawing("text", (("x", x), ("y", y), *((("text-anchor", anchor),) if anchor else ())), words)


def _frame(x: int, y: int, width: int, height: int, stroke: str, colour: str) -> Drawing:
    size = (("x", x), ("y", y), ("width", width), ("height", height))
    return Drawing("rect", (*size, ("fill", "none"), ("stroke", colour), ("stroke-width", stroke)))


def _values_scale(picture: PictureRecord) -> Panel:
    """The scale that lane and reference share, and what the marks mean."""
    low, high = decimal(picture.low), decimal(picture.high)
    signs = [sign for sign in MARKS if any(sign in line for line in (*picture.got, *picture.reference))]
    marks = [MARK_WORDS[sign] for sign in signs]
    said = "; ".join([f"values from {low}, dark, to {high}, light", *marks])
    return _scale("values", said, low, VALUE_COLOURS, "   ".join([high, *marks]))


def _error_scale(picture: PictureRecord) -> Panel:
    largest = f"largest error {decimal(picture.largest)}"
    said = f"differences, light where they are allowed, darker up to the {largest}"
    return _scale("difference", said, "allowed", ERROR_COLOURS, largest)


def _scale(title: str, said: str, low: str, colours: Sequence[str], high: str) -> Panel:
    """Colours in a row between their two ends."""
    start = (len(low) + 1) * LETTER
    drawings = [_text(0, 10, low)]
    for index, colour in enumerate(colours):
        size = (("x", start + index * CELL), ("y", 0), ("width", CELL), ("height", CELL))
        drawings.append(Drawing("rect", (*size, ("fill", colour))))
    drawings.append(_frame(start, 0, len(colours) * CELL, CELL, "0.5", "currentColor"))
    end = start + len(colours) * CELL + LETTER
    drawings.append(_text(end, 10, high))
    return Panel(f"scale of the {title}", said, end + len(high) * LETTER, CELL + 2, tuple(drawings))


def _lines(picture: PictureRecord) -> tuple[str, ...]:
    """The difference in digits, for a terminal: a point where it is allowed, else its level."""
    return tuple(line.replace("0", ".") for line in picture.error)


def png(lines: Sequence[str], colours: Sequence[str]) -> str:
    """Lines of levels as a palette image of 4 bits a cell, one pixel each, in base64.

    The image is stored, not compressed: it is small, and its bytes are the same whichever zlib there is.
    """
    width, height = len(lines[0]), len(lines)
    palette = b"".join(bytes.fromhex(colour[1:]) for colour in colours)
    palette += bytes(3 * (BLANK + 1 - len(colours)))
    raw = b"".join(b"\x00" + _nibbles(line) for line in lines)
    stored = (
        b"\x78\x01\x01" + struct.pack("<HH", len(raw), len(raw) ^ 0xFFFF) + raw + struct.pack(">I", zlib.adler32(raw))
    )
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"tRNS", b"\xff" * BLANK + b"\x00"),
        (b"IDAT", stored),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)) for tag, data in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode("ascii")


def _nibbles(line: str) -> bytes:
    entries = [LEVELS.index(level) if level in LEVELS else BLANK for level in line]
    entries += [0] * (len(entries) % 2)
    return bytes(16 * entries[i] + entries[i + 1] for i in range(0, len(entries), 2))
