"""Values as Python text: the same values again, and nothing else."""

from __future__ import annotations

import ast
import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from conformance.repro.literals import PACKED, array_text, comment, quoted, value_text

SCOPE: dict[str, object] = {"np": np, "base64": base64}
exec(PACKED, SCOPE)  # the helper as scripts have it


def read_back(text: str) -> np.ndarray:
    found = eval(text, dict(SCOPE))  # the text is under test: it must be an expression
    assert isinstance(found, np.ndarray)
    return found


SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)


@given(st.sampled_from(["float32", "float64", "float16", "int32", "int64", "bool"]).flatmap(
    lambda dtype: arrays.arrays(dtype, SHAPES)
))  # fmt: skip
def test_any_array_comes_back_bit_by_bit(array: np.ndarray) -> None:
    found = read_back(array_text(array))
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    is_nan = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    assert np.array_equal(np.isnan(found) if array.dtype.kind == "f" else is_nan, is_nan)
    assert np.where(is_nan, 0, found).tobytes() == np.where(is_nan, 0, array).tobytes()


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([[1.5, -2.0], [0.1, 3.0]], np.float32), 'np.array([[1.5, -2.0], [0.1, 3.0]], dtype="float32")'),
        (np.array([1, 2, 3], np.int32), 'np.array([1, 2, 3], dtype="int32")'),
        (np.ones((2, 3), np.float32), 'np.full((2, 3), 1.0, dtype="float32")'),
        (np.array([np.nan, np.inf, -np.inf]), 'np.array([np.nan, np.inf, -np.inf], dtype="float64")'),
        (np.array(-0.0), 'np.array(-0.0, dtype="float64")'),
        (np.zeros((0, 3), np.float32), 'np.zeros((0, 3), dtype="float32")'),
    ],
)
def test_few_numbers_are_written_as_one_would(array: np.ndarray, text: str) -> None:
    assert array_text(array) == text


def test_many_numbers_are_written_as_little_endian_bytes() -> None:
    """1.0 is 0x3f800000, little-endian 00 00 80 3f; 3 of those bytes are 4 characters of base64: AACAPwAAgD8..."""
    array = np.ones(66, np.float32)
    array[65] = 2.0
    text = array_text(array)
    assert text.startswith('packed(\n    "AACAPwAAgD8AAIA/')
    assert text.endswith('    "<f4", 66,\n)')
    assert np.array_equal(read_back(text), array)


HOSTILE = [
    '"""',
    "'''",
    '"); import os; os.system("x"); ("',
    "line\nbreak",
    "return\rcarriage",
    "{braces} %s {0.__class__}",
    "back\\slash\\",
    "\u2028separator\u2029",
    "\u202ebidi",
    "nul\0",
    "\ud800",
    "# comment",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_a_string(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).isascii()
    assert ast.literal_eval(value_text({"key": [text, (text, None, True, 2, 0.1)]})) == {
        "key": [text, (text, None, True, 2, 0.1)]
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_a_comment(text: str) -> None:
    written = comment(text)
    assert ast.parse(written).body == []
    assert all(line.startswith("#") for line in written.splitlines())
    written.encode("utf-8")
