"""Sizes, axes and shapes in a case file that are refused, with the whole message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case.casefile import message, text_with

Lines = dict[str, str]

SIZES: dict[str, tuple[Lines, str]] = {
    "unknown dynamic axis": (
        {"new": "    dynamic: [step]"},
        """\
fam/topic.case.yaml:10:15: error: unknown axis step
   |
10 |     dynamic: [step]
   |               ^
   = help: did you mean steps?""",
    ),
    "unequal lists of sizes": (
        {"dims": "dims: {batch: [2, 3], steps: [5, 6, 7], dim: 3}"},
        """\
fam/topic.case.yaml:3:23: error: steps has 3 sizes, batch has 2
  |
3 | dims: {batch: [2, 3], steps: [5, 6, 7], dim: 3}
  |                       ^
   = help: sizes at the same place in their lists belong to one run""",
    ),
    "a size that is none": (
        {"dims": "dims: {batch: 2.0, steps: 5, dim: 3}"},
        """\
fam/topic.case.yaml:3:15: error: batch must be an integer from 0 or a list, not the number 2.0
  |
3 | dims: {batch: 2.0, steps: 5, dim: 3}
  |               ^
   = help: write 2""",
    ),
    "unknown axis in a shape": (
        {"inputs": "    inputs: {x: {shape: [batch, step, dim]}}"},
        """\
fam/topic.case.yaml:7:33: error: unknown axis step
  |
7 |     inputs: {x: {shape: [batch, step, dim]}}
  |                                 ^
   = help: did you mean steps?""",
    ),
    "a shape of fractions": (
        {"dims": "dims: {batch: 2, steps: [4, 5], dim: 3}", "inputs": "    inputs: {x: {shape: [batch, steps / 2]}}"},
        """\
fam/topic.case.yaml:7:33: error: steps / 2 is 5/2 with steps = 5, not an integer
  |
7 |     inputs: {x: {shape: [batch, steps / 2]}}
  |                                 ^
   = help: write ceil(steps / 2) or floor(steps / 2)""",
    ),
    "a shape below nothing": (
        {"inputs": "    inputs: {x: {shape: [batch, dim - steps]}}"},
        """\
fam/topic.case.yaml:7:33: error: dim - steps is -2 with dim = 3, steps = 5
  |
7 |     inputs: {x: {shape: [batch, dim - steps]}}
  |                                 ^
   = help: a length is at least 0; max(..., 0) where nothing is left""",
    ),
    "None in a shape": (
        {
            "inputs": "    inputs: {x: {shape: [None, 3]}, z: {shape: [null, 3]}}",
            "graph": "    graph: {y: dense(x) + z}",
        },
        """\
fam/topic.case.yaml:7:26: error: shape[0] must be a length, not the text 'None'
  |
7 |     inputs: {x: {shape: [None, 3]}, z: {shape: [null, 3]}}
  |                          ^
   = help: give an open axis a name, and list it in `dynamic`
fam/topic.case.yaml:7:49: error: shape[0] must be a length, not null
  |
7 |     inputs: {x: {shape: [None, 3]}, z: {shape: [null, 3]}}
  |                                                 ^
   = help: give an open axis a name, and list it in `dynamic`""",
    ),
    "a tuple for a shape": (
        {"inputs": '    inputs: {x: {shape: "(2, 3)"}}'},
        """\
fam/topic.case.yaml:7:25: error: shape must be a list, not the text '(2, 3)'
  |
7 |     inputs: {x: {shape: "(2, 3)"}}
  |                         ^
   = help: write [2, 3]""",
    ),
    "a tuple without quotes": (
        {"inputs": "    inputs: {x: {shape: (2, 3)}}"},
        """\
fam/topic.case.yaml:7:25: error: shape must be a list, not the text '(2'
  |
7 |     inputs: {x: {shape: (2, 3)}}
  |                         ^
   = help: a comma cut this in two: a list is written [2, 3], arithmetic with a comma stands in quotes
fam/topic.case.yaml:7:29: error: unknown key '3)' in the input
  |
7 |     inputs: {x: {shape: (2, 3)}}
  |                             ^
   = help: a comma cut this in two: a list is written [2, 3], arithmetic with a comma stands in quotes""",
    ),
    "arithmetic cut by a comma": (
        {"inputs": "    inputs: {x: {shape: [batch, max(steps, 3)]}}"},
        """\
fam/topic.case.yaml:7:33: error: shape[1] must be a length, not the text 'max(steps'
  |
7 |     inputs: {x: {shape: [batch, max(steps, 3)]}}
  |                                 ^
   = help: a comma cut this in two: a list is written [2, 3], arithmetic with a comma stands in quotes
fam/topic.case.yaml:7:44: error: shape[2] must be a length, not the text '3)'
  |
7 |     inputs: {x: {shape: [batch, max(steps, 3)]}}
  |                                            ^
   = help: a comma cut this in two: a list is written [2, 3], arithmetic with a comma stands in quotes""",
    ),
    "a number with underscores": (
        {"inputs": "    inputs: {x: {shape: [1_000, 3.0]}}"},
        """\
fam/topic.case.yaml:7:26: error: shape[0] must be a length, not the text '1_000'
  |
7 |     inputs: {x: {shape: [1_000, 3.0]}}
  |                          ^
   = help: write 1000
fam/topic.case.yaml:7:33: error: shape[1] must be a length, not the number 3.0
  |
7 |     inputs: {x: {shape: [1_000, 3.0]}}
  |                                 ^
   = help: write 3""",
    ),
    "an axis and a variable": (
        {"new": "    matrix: {steps: [1, 2]}"},
        """\
fam/topic.case.yaml:3:18: error: steps is an axis and a matrix variable
  |
3 | dims: {batch: 2, steps: 5, dim: 3}
  |                  ^
   = help: give one of them another name (in the variant steps = 1)""",
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = SIZES[name]
    assert message(tmp_path, text_with(**lines)) == expected
