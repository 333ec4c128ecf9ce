"""Pieces of messages as plain text: a shape with its axes, a mask, a number, an inequality, an error."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.record.case import Record
from conformance.record.parts import DirectRecord, DistanceRecord, FailureRecord, MaskRecord, WorstRecord
from conformance.report.facts import (
    axes_of,
    error_of,
    flat,
    is_exact,
)

LINE = 400
"""Characters of a field that are shown on one line."""
TEXT = 16_384
"""Characters of a field that are shown at all."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline; ESC begins a terminal code
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, breaks, no width
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tags
)


_COLOUR = re.compile("\x1b\\[[0-9;]*m")
"""Terminal codes for colour and weight, which frameworks put into their messages."""


def safe(text: Any, limit: int = TEXT) -> str:
    """Any text as it may be shown, bounded in length.

    Colour codes are left out; other control, bidi and invisible characters become visible escapes.
    """
    shown = _INVISIBLE.sub(_escape, _COLOUR.sub("", str(text)[: limit + 1].replace("\r\n", "\n")))
    if len(str(text)) <= limit:
        return shown
    return f"{shown[:limit]} [... {len(str(text)) - limit} more characters]"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_START_UP = re.compile(
    r"WARNING: All log messages before absl::InitializeLog\(\) "
    r"|[IWE]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ (port|cpu_feature_guard|cuda_platform|cuda_executor|cudart_stub)\.cc:\d+\]"
)
"""What TensorFlow writes of a machine, above all that it has no GPU, with whatever it is asked first."""


def without_start_up(printed: str) -> str:
    """What a lane printed, without what its framework says of the machine when it starts, and blank lines."""
    return "\n".join(line for line in printed.splitlines() if line.strip() and not _START_UP.match(line))


def is_address(text: str) -> bool:
    """Whether a text is the address of a page, and may be a link."""
    return re.fullmatch(r"https?://[^\s\\]+", text) is not None


def one_line(text: Any, limit: int = LINE) -> str:
    """Any text on one line: safe, blank runs as one blank, bounded."""
    words = " ".join(safe(str(text)[: 4 * limit]).split())
    is_cut = len(str(text)) > 4 * limit or len(words) > limit
    return f"{words[: limit - 1]}…" if is_cut else words


def shape_text(shape: Sequence[int | None] | None) -> str:
    """A shape as Python prints it: `(2, 7)`, `(7,)`, `()`."""
    if shape is None:
        return "none"
    inner = ", ".join(str(length) for length in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def named_shape(axes: Sequence[str], shape: Sequence[int | None]) -> str:
    """A shape with its axes' names bound to numbers: `[batch, steps] = (2, 11)`; without names just `(2, 11)`."""
    if not any(axes):
        return shape_text(shape)
    names = ", ".join(one_line(name, 60) or str(length) for name, length in zip(axes, shape, strict=True))
    return f"[{names}] = {shape_text(shape)}"


def bound_shape(axes: Sequence[str], shape: Sequence[int | None]) -> str:
    """A shape with each name beside its number: `(batch 2, steps 11, 7)`."""
    inner = ", ".join(
        f"{one_line(name, 60)} {length}" if name else str(length) for name, length in zip(axes, shape, strict=True)
    )
    return f"({inner},)" if len(shape) == 1 and not axes[0] else f"({inner})"


def node_shape(record: Record, label: str, shape: Sequence[int | None], run: int = 0) -> str:
    """The shape of a node with the names that its axes have in the case."""
    return named_shape(axes_of(record, label, shape, run), shape)


def shapes_text(nested: Any) -> str:
    """One shape, or a list of them in brackets: `(2, 5)`, `[(2, 5), (2, 3)]`."""
    if isinstance(nested, tuple) and nested and all(isinstance(item, tuple) for item in nested):
        return f"[{', '.join(shapes_text(item) for item in nested)}]"
    return shape_text(nested)


def decimal(value: Any, digits: int = 4) -> str:
    """A number in at most so many significant digits: `3.1e-06`, `0.4274`, `nan`, `-inf`."""
    return f"{float(value):.{digits}g}"


def single(value: Any) -> str:
    """The shortest text that reads back as the same float32: what a lane gave, without the digits it never had."""
    exact = float(value)
    if exact != exact or exact in (float("inf"), float("-inf")):
        return f"{exact:g}"
    try:
        stored = struct.pack("<f", exact)
    except OverflowError:
        return f"{exact:.9g}"
    texts = (f"{exact:.{digits}g}" for digits in range(1, 10))
    return repr(float(next((text for text in texts if _packed(text) == stored), f"{exact:.9g}")))


def _packed(text: str) -> bytes:
    """A number as float32 holds it; nothing of one that is rounded up beyond its end."""
    try:
        return struct.pack("<f", float(text))
    except OverflowError:
        return b""


def element_text(value: Any, dtype: str = "float32") -> str:
    """One element of an array as its dtype prints it."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return one_line(value, 60)
    return single(value) if isinstance(value, float) or dtype.startswith("float") else str(value)


def index_text(index: Sequence[int]) -> str:
    """Where an element stands: `[0, 3]`; `[]` in a scalar."""
    return f"[{', '.join(str(position) for position in index)}]"


def mask_text(mask: MaskRecord | None) -> str:
    """A mask in a few words: `none`, `(2, 5) with 7 of 10 true`."""
    if mask is None:
        return "none"
    total = 1
    for length in mask.shape:
        total *= length
    return f"{shape_text(mask.shape)} with {mask.true} of {total} true"


def direct_text(said: DirectRecord) -> str:
    """What a method said when it was asked directly: shapes, masks, or what it raised."""
    if said.failure is not None:
        return f"raises {raised_text(said.failure)}"
    if said.shapes is not None:
        return " and ".join(shape_text(shape) for shape in said.shapes)
    return ", ".join(mask_text(mask) for mask in said.masks or ())


def mask_differences(a: MaskRecord | None, b: MaskRecord | None) -> tuple[int, int] | None:
    """At how many of how many positions two masks differ; None where they cannot be laid side by side."""
    if a is None or b is None or a.shape != b.shape or a.values is None or b.values is None:
        return None
    pairs = list(zip(flat(a.values), flat(b.values), strict=True))
    return sum(x != y for x, y in pairs), len(pairs)


def dims_text(sizes: Mapping[str, int]) -> str:
    """Axis names bound to numbers: `batch = 2, steps = 11`."""
    return ", ".join(f"{one_line(name, 60)} = {length}" for name, length in sizes.items())


def used_text(used: Any, noun: str = "budget") -> str:
    """How much of what was allowed an error took: `exact`, `7 % of the budget`, `140 times the budget`."""
    share = float(used)
    if share == 0:
        return "exact"
    if share == float("inf"):
        return "where no error is allowed"
    if share <= 1:
        percent = 100 * share
        return f"{percent:.0f} % of the {noun}" if percent >= 1 else f"under 1 % of the {noun}"
    return f"{share:,.3g} times the {noun}" if share < 1000 else f"{share:,.0f} times the {noun}"


def share_text(used: Any) -> str:
    """The same under a head that says of what: `exact`, `7 %`, `140 times`."""
    return used_text(used).removesuffix(" of the budget").removesuffix(" the budget")


def noun_of(record: Record) -> str:
    """What errors are measured by: the derived budget, or the case's own tolerance."""
    return "tolerance" if record.tolerance else "budget"


def inequality(worst: WorstRecord) -> str:
    """The worst element's inequality with its numbers: `|0.5726 - 1.0| = 0.4274 > 3.1e-06`."""
    error, allowed = error_of(worst), float(worst.allowed)
    sign = ">" if error > allowed else "<="
    subtrahend = single(worst.reference)
    subtrahend = f"({subtrahend})" if subtrahend.startswith("-") else subtrahend
    return f"|{single(worst.got)} - {subtrahend}| = {decimal(error)} {sign} {decimal(allowed)}"


def inequality_terms(record: Record, worst: WorstRecord) -> str:
    """Where the right-hand side of an inequality comes from, with every term."""
    constant, floor = decimal(worst.constant), decimal(worst.floor)
    if record.tolerance:
        return f"atol + rtol |ref| with rtol = {constant}, atol = {floor}: {one_line(record.tolerance.reason)}"
    if is_exact(worst):
        return "0, for every number here is exact"
    return f"C (S + u |ref|) + floor with C = {constant}, S = {decimal(worst.sensitivity)}, u = 2^-24, floor = {floor}"


_WRAPPED = re.compile(
    "^Exception encountered when calling (.+?)\\.?\n\n(.+?)\n\n(?:Call a|A)rguments received", re.DOTALL
)
_OPERATION = re.compile(r"\{\{function_node [^}]*\}\} ?")
"""Where TensorFlow ran an operation: a device, which no answer is about."""


def bias_text(distance: DistanceRecord) -> str:
    """The errors of a whole output, in roundings of float32: what one rounding gives is 1, and 0 in the mean."""
    rms, mean = decimal(distance.rms, 2), decimal(distance.mean, 2)
    return f"{rms} roundings in the root mean square, {mean} in the mean, over {distance.count:,} elements"


def essence(message: str) -> str:
    """What a message says beneath Keras' wrapping of the call that raised it and of its arguments."""
    plain = _OPERATION.sub("", _COLOUR.sub("", message))
    found = _WRAPPED.match(plain)
    return plain if found is None else f"{found[2].strip()} (in {found[1]})"


_CONVENTIONS = {
    "left": "the left side",
    "right": "the right side",
    "shared": "the mean of both sides",
    "zero": "0",
    "one": "both sides at once",
    "mixed": "no one side",
}


def convention_text(word: str) -> str:
    """Which gradient is taken at a kink or a tie, after `takes`."""
    return f"{_CONVENTIONS.get(word, word)} ({one_line(word, 20)})"


def failure_text(failure: FailureRecord | None, limit: int = LINE) -> str:
    """What a framework raised, on one line: type, phase, node and message."""
    if failure is None:
        return "gave an answer"
    return f"raised {raised_text(failure)}: {one_line(essence(failure.message), limit)}"


def raised_text(failure: FailureRecord) -> str:
    """Type, phase and node of an error."""
    where = f" at {one_line(failure.node, 60)}" if failure.node else ""
    phase = "the backward pass" if failure.phase == "backward" else one_line(failure.phase, 20)
    return f"{one_line(failure.type, 60)} in {phase}{where}"


def joined(items: Sequence[str]) -> str:
    """Items in a row as a sentence has them: `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def rerun_command(record: Record, lane: str | None = None) -> str:
    """How to run a case again, in one lane or in all; a question that no file holds says itself how."""
    if record.again:
        return one_line(record.again, 2_000)
    name = one_line(record.id) + (f"[{one_line(lane, 60)}]" if lane else "")
    return f'pytest "{one_line(record.path)}::{name}"'


def place(record: Record) -> str:
    """Where a case stands: `cases/pooling/global_average.case.yaml:14`; or that it was asked and not saved."""
    if record.again:
        return "asked on the command line, not saved"
    return f"{one_line(record.path)}:{record.line}"
