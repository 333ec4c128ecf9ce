"""Inputs that do not fit: shapes, dtypes and literals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.case.casefile import message, text_with

FILLS: dict[str, tuple[str, str]] = {
    "integers without bounds": (
        "{shape: [2], dtype: int32}",
        """\
error: the input x of dtype int32 needs a fill
7 |     inputs: {x: {shape: [2], dtype: int32}}
  |                 ^
   = help: integers are drawn between bounds: `fill: {integers: [0, 30]}`""",
    ),
    "floats for integers": (
        "{shape: [2], dtype: int32, fill: {normal: {}}}",
        """\
error: the fill normal gives floats, the dtype is int32
7 |     inputs: {x: {shape: [2], dtype: int32, fill: {normal: {}}}}
  |                                                   ^
   = help: use integers, arange, constant or values""",
    ),
    "no shape": (
        "{fill: {normal: {}}}",
        """\
error: the input x needs a shape
7 |     inputs: {x: {fill: {normal: {}}}}
  |                 ^
   = help: named axes: `shape: [batch, steps]`""",
    ),
    "unknown fill": (
        "{shape: [2], fill: {norml: {}}}",
        """\
error: unknown key norml in the fill
7 |     inputs: {x: {shape: [2], fill: {norml: {}}}}
  |                                     ^
   = help: did you mean normal?""",
    ),
    "two fills": (
        "{shape: [2], fill: {constant: 1, values: [1, 2]}}",
        """\
error: fill needs exactly one of normal, uniform, integers, arange, constant, values, strings, ragged, file, lists
7 |     inputs: {x: {shape: [2], fill: {constant: 1, values: [1, 2]}}}
  |                                    ^""",
    ),
    "unknown dtype": (
        "{shape: [2], dtype: float}",
        """\
error: dtype must be one of float32, float64, float16, int32, int64, int8, int16, uint8, bool, string, \
not the text 'float'
7 |     inputs: {x: {shape: [2], dtype: float}}
  |                                     ^
   = help: did you mean float64?""",
    ),
    "huge": (
        "{shape: [100000, 100000]}",
        """\
error: 10000000000 elements; an input has at most 16777216
7 |     inputs: {x: {shape: [100000, 100000]}}
  |                         ^""",
    ),
    "more values than floats": (
        "{shape: [100, 400], fill: {normal: {mean: 300, std: 1}}}",
        """\
error: 40000 values cannot all differ: 16384 can, in float32 at mean 300 and std 1
7 |     inputs: {x: {shape: [100, 400], fill: {normal: {mean: 300, std: 1}}}}
  |                                                    ^""",
    ),
    "bounds the wrong way": (
        "{shape: [2], fill: {uniform: [1, -1]}}",
        """\
error: the lower bound 1 must be below the upper bound -1
7 |     inputs: {x: {shape: [2], fill: {uniform: [1, -1]}}}
  |                                              ^""",
    ),
    "no integers between": (
        "{shape: [2], fill: {integers: [3, 3]}}",
        """\
error: the bounds 3, 3 enclose no integers
7 |     inputs: {x: {shape: [2], fill: {integers: [3, 3]}}}
  |                                               ^
   = help: write [low, high]; high is not drawn""",
    ),
    "one bound": (
        "{shape: [2], fill: {integers: 30}}",
        """\
error: integers must be a list of 2, not the integer 30
7 |     inputs: {x: {shape: [2], fill: {integers: 30}}}
  |                                               ^""",
    ),
    "integers that do not fit": (
        "{shape: [2], dtype: int8, fill: {integers: [0, 200]}}",
        """\
error: integers[1] cannot be int8: 199 is not between -128 and 127
7 |     inputs: {x: {shape: [2], dtype: int8, fill: {integers: [0, 200]}}}
  |                                                                ^""",
    ),
    "steps that do not fit": (
        "{shape: [2], dtype: int32, fill: {arange: {step: 0.5}}}",
        """\
error: start 0 and step 0.5 do not give integers, the dtype is int32
7 |     inputs: {x: {shape: [2], dtype: int32, fill: {arange: {step: 0.5}}}}
  |                                                           ^""",
    ),
    "steps that go too far": (
        "{shape: [200], dtype: int8, fill: {arange: {}}}",
        """\
error: the values go from 0 to 199, which int8 cannot hold
7 |     inputs: {x: {shape: [200], dtype: int8, fill: {arange: {}}}}
  |                                                            ^""",
    ),
    "steps of truth": (
        "{shape: [2], dtype: bool, fill: {arange: {}}}",
        """\
error: arange gives numbers, the dtype is bool
7 |     inputs: {x: {shape: [2], dtype: bool, fill: {arange: {}}}}
  |                                                          ^""",
    ),
    "a list for one number": (
        "{shape: [2], fill: {constant: [1, 2]}}",
        """\
error: constant is one number, not a list
7 |     inputs: {x: {shape: [2], fill: {constant: [1, 2]}}}
  |                                               ^
   = help: use `values` for an array""",
    ),
    "unequal rows": (
        "{shape: [3, 2], fill: {values: [[1, 2], [3, 4], [5]]}}",
        """\
error: row values[2] has 1 entry, row values[0] has 2 entries
7 |     inputs: {x: {shape: [3, 2], fill: {values: [[1, 2], [3, 4], [5]]}}}
  |                                                                 ^
   = help: pad the rows, or use the fill `ragged`""",
    ),
    "unequal rows further in": (
        "{fill: {values: [[[1, 2], [3]], [[4, 5], [6, 7]]]}}",
        """\
error: row values[0][1] has 1 entry, row values[0][0] has 2 entries
7 |     inputs: {x: {fill: {values: [[[1, 2], [3]], [[4, 5], [6, 7]]]}}}
  |                                           ^
   = help: pad the rows, or use the fill `ragged`""",
    ),
    "unequal depth": (
        "{fill: {values: [[1, 2], 3, [[4]]]}}",
        """\
error: row values[1] has one number, row values[0] has 2 entries
7 |     inputs: {x: {fill: {values: [[1, 2], 3, [[4]]]}}}
  |                                          ^""",
    ),
    "values of another shape": (
        "{shape: [batch, 3], fill: {values: [[1, 2], [3, 4]]}}",
        """\
error: values has shape (2, 2), the input (2, 3)
7 |     inputs: {x: {shape: [batch, 3], fill: {values: [[1, 2], [3, 4]]}}}
  |                                                    ^""",
    ),
    "values of another dtype": (
        "{dtype: int32, fill: {values: [[1, 2], [3, 4.0]]}}",
        """\
error: values[1][1] cannot be int32: 4.0 is not an integer
7 |     inputs: {x: {dtype: int32, fill: {values: [[1, 2], [3, 4.0]]}}}
  |                                                            ^""",
    ),
    "nan for an integer": (
        "{dtype: int32, fill: {values: [1, nan]}}",
        """\
error: values[1] cannot be int32: nan is not an integer
7 |     inputs: {x: {dtype: int32, fill: {values: [1, nan]}}}
  |                                                   ^""",
    ),
    "truth among floats": (
        "{fill: {values: [1, true]}}",
        """\
error: values[1] cannot be float32: true is not a number
7 |     inputs: {x: {fill: {values: [1, true]}}}
  |                                     ^""",
    ),
    "a number for truth": (
        "{dtype: bool, fill: {values: [1, 2]}}",
        """\
error: values[1] cannot be bool: 2 is not true, false, 1 or 0
7 |     inputs: {x: {dtype: bool, fill: {values: [1, 2]}}}
  |                                                  ^""",
    ),
    "too large for the dtype": (
        "{fill: {values: [1e39]}}",
        """\
error: values[0] cannot be float32: 1e+39 is too large
7 |     inputs: {x: {fill: {values: [1e39]}}}
  |                                  ^""",
    ),
    "rows that are numbers": (
        "{fill: {ragged: {rows: [[1], 2]}}}",
        """\
error: rows[1] is a number, not a row
7 |     inputs: {x: {fill: {ragged: {rows: [[1], 2]}}}}
  |                                              ^""",
    ),
    "rows of unequal entries": (
        "{fill: {ragged: {rows: [[[1, 2]], [], [[1], [2]]]}}}",
        """\
error: the entries of rows[2] have another shape than those above
7 |     inputs: {x: {fill: {ragged: {rows: [[[1, 2]], [], [[1], [2]]]}}}}
  |                                                       ^""",
    ),
    "rows that are too long": (
        "{shape: [2, 2], fill: {ragged: {rows: [[1, 2, 3], [4]]}}}",
        """\
error: 2 rows of up to 3 entries do not fit into (2, 2)
7 |     inputs: {x: {shape: [2, 2], fill: {ragged: {rows: [[1, 2, 3], [4]]}}}}
  |                                                ^""",
    ),
    "a row that does not exist": (
        '{fill: {lists: {count: 3, shape: [2], shapes: {"3": [1]}}}}',
        """\
error: there is no row 3
7 |     inputs: {x: {fill: {lists: {count: 3, shape: [2], shapes: {"3": [1]}}}}}
  |                                                                     ^
   = help: rows are 0 to 2""",
    ),
    "no such file": (
        "{fill: {file: {path: none.npy}}}",
        """\
error: the data file cannot be read: No such file or directory
7 |     inputs: {x: {fill: {file: {path: none.npy}}}}
  |                                      ^
   = help: paths are relative to the case file""",
    ),
    "a file elsewhere": (
        "{fill: {file: {path: ../../etc/passwd}}}",
        """\
error: the data file is outside the folder of the case
7 |     inputs: {x: {fill: {file: {path: ../../etc/passwd}}}}
  |                                      ^
   = help: data files stand beside the case file or in a folder there""",
    ),
    "an absolute path": (
        "{fill: {file: {path: /etc/passwd}}}",
        """\
error: the data file is outside the folder of the case
7 |     inputs: {x: {fill: {file: {path: /etc/passwd}}}}
  |                                      ^
   = help: data files stand beside the case file or in a folder there""",
    ),
    "a file of another shape": (
        "{shape: [batch, dim], fill: {file: {path: x.npy}}}",
        """\
error: the data file has shape (2, 2), the input (2, 3)
7 |     inputs: {x: {shape: [batch, dim], fill: {file: {path: x.npy}}}}
  |                                                    ^""",
    ),
    "a file of another dtype": (
        "{dtype: int32, fill: {file: {path: x.npy}}}",
        """\
error: the data file holds float64, the dtype is int32
7 |     inputs: {x: {dtype: int32, fill: {file: {path: x.npy}}}}
  |                                             ^""",
    ),
    "a file of larger numbers": (
        "{dtype: int8, fill: {file: {path: large.json}}}",
        """\
error: the data file goes up to 300, which int8 cannot hold
7 |     inputs: {x: {dtype: int8, fill: {file: {path: large.json}}}}
  |                                            ^""",
    ),
}


@pytest.mark.parametrize("name", FILLS)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    (tmp_path / "fam").mkdir()
    np.save(tmp_path / "fam" / "x.npy", np.array([[0.5, 1.0], [2.0, 3.0]]))
    (tmp_path / "fam" / "large.json").write_text("[1, 300]")
    fill, expected = FILLS[name]
    shown = message(tmp_path, text_with(inputs=f"    inputs: {{x: {fill}}}"))
    place, _, rest = shown.partition(" error: ")
    assert place.startswith("fam/topic.case.yaml:7:")
    error, *lines = expected.splitlines()
    assert rest.splitlines() == [error.removeprefix("error: "), "  |", *lines]
    assert lines[1].index("^") - 3 == int(place.rstrip(":").rpartition(":")[2])


@pytest.mark.parametrize(
    ("given", "message_part"),
    [
        ("{dtype: string, fill: {values: [1]}}", "the fill values does not go with the dtype string"),
        ("{fill: {strings: [a]}}", "the fill strings does not go with the dtype float32"),
        ("{dtype: string, fill: {strings: [a, [b]]}}", "some are texts, some are rows of texts"),
        ("{dtype: string, fill: {strings: [[a, b], [c]]}}", "the rows hold different numbers of texts"),
        ('{dtype: string, fill: {strings: ["a\\0"]}}', "a text holds the character NUL"),
        ("{dtype: string, shape: [3], fill: {strings: [a]}}", "strings has shape (1,), the input (3,)"),
    ],
)
def test_mistakes_in_texts(given: str, message_part: str, tmp_path: Path) -> None:
    assert message_part in message(tmp_path, text_with(inputs=f"    inputs: {{x: {given}}}"))
