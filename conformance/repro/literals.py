"""Values as Python text: exact, short, and never able to become code of their own."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LITERAL = 64
"""Elements up to which an array is written out in numbers; above, its bytes are written in base64."""
WIDTH = 100

PACKED = '''\
def packed(text, dtype, *shape):
    """An array from the base64 of its little-endian bytes."""
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape).copy()
'''
"""The helper that scripts with larger arrays begin with."""


def array_text(array: Array, indent: int = 0) -> str:
    """An expression for an array, of the same dtype and shape bit by bit; later lines are indented."""
    if array.dtype.kind == "U":
        return f"np.array({array.tolist()!r})"
    if array.size <= LITERAL:
        return _literal(array, indent)
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    text = base64.b64encode(little.tobytes()).decode("ascii")
    pad = " " * (indent + 4)
    lines = "\n".join(f'{pad}"{line}"' for line in textwrap.wrap(text, WIDTH))
    shape = ", ".join(str(length) for length in array.shape)
    return f'packed(\n{lines},\n{pad}"{little.dtype.str}", {shape},\n{" " * indent})'


def _literal(array: Array, indent: int) -> str:
    dtype = f'dtype="{array.dtype.name}"'
    if array.size == 0:
        return f"np.zeros({tuple(array.shape)!r}, {dtype})"
    flat = array.ravel()
    is_even = array.size > 1 and array.dtype.kind != "b" and np.array_equal(flat, np.full_like(flat, flat[0]))
    if is_even and not np.signbit(flat.astype(np.float64)).any():
        return f"np.full({tuple(array.shape)!r}, {scalar_text(flat[0])}, {dtype})"
    opening = "np.array("
    rows = nested_text(array, indent + len(opening))
    return f"{opening}{rows}, {dtype})"


def nested_text(array: Array, indent: int = 0) -> str:
    """An array as nested lists, the innermost on lines of their own where they do not fit on one."""
    if array.ndim == 0:
        return scalar_text(array[()])
    items = [nested_text(item, indent + 1) for item in array]
    line = f"[{', '.join(items)}]"
    if (len(line) + indent <= WIDTH and "\n" not in line) or array.ndim == 1:
        return line if len(line) + indent <= WIDTH + 10 else _filled(items, indent)
    separator = ",\n" + " " * (indent + 1)
    return f"[{separator.join(items)}]"


def _filled(items: Iterable[str], indent: int) -> str:
    text = textwrap.fill(", ".join(items), max(WIDTH - indent, 40), break_long_words=False)
    return "[" + text.replace("\n", "\n" + " " * (indent + 1)) + "]"


def scalar_text(value: Any) -> str:
    """A number: the shortest decimal that gives the same float again; NaN and infinities as NumPy's names."""
    if isinstance(value, np.bool_ | bool):
        return str(bool(value))
    if isinstance(value, np.integer | int):
        return str(int(value))
    if np.isnan(value):
        return "np.nan"
    if np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    text = np.format_float_positional(value, unique=True, trim="0")
    return text if len(text) <= 14 else np.format_float_scientific(value, unique=True, trim="0")


def value_text(value: Any) -> str:
    """A plain value of a config: numbers, strings, None, lists, mappings."""
    if value is None or isinstance(value, bool | int | str):
        return repr(value) if not isinstance(value, str) else quoted(value)
    if isinstance(value, float):
        return repr(value) if np.isfinite(value) else f'float("{value}")'
    if isinstance(value, tuple):
        return "(" + ", ".join(value_text(item) for item in value) + (",)" if len(value) == 1 else ")")
    if isinstance(value, list):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{value_text(key)}: {value_text(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"{type(value).__name__} in a config")


def quoted(text: str) -> str:
    """A string literal in double quotes where that needs no escape; `ascii` keeps everything else out of the code."""
    return f'"{text}"' if text.isascii() and text.isprintable() and not set(text) & {'"', "\\"} else ascii(text)


def comment(text: str, width: int = 116) -> str:
    """Text as comment lines; what is not printable is escaped, so that no line of it can end the comment."""
    lines = []
    for part in text.replace("\r\n", "\n").split("\n"):
        plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in part)
        lines += textwrap.wrap(plain, width) or [""]
    return "\n".join(f"# {line}".rstrip() for line in lines)
