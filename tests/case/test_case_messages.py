"""Every mistake in a case file, and the whole of what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case.casefile import LINES, load, message, only, text_with

Lines = dict[str, str]

FIELDS: dict[str, tuple[Lines, str]] = {
    "version": (
        {"schema_version": "schema_version: 2"},
        """\
fam/topic.case.yaml:1:17: error: schema_version must be 1, not the integer 2
  |
1 | schema_version: 2
  |                 ^""",
    ),
    "unknown key of the file": (
        {"topic": "topics: t"},
        """\
fam/topic.case.yaml:1:1: error: the case file needs the key topic
  |
1 | schema_version: 1
  | ^
   = help: topic: What the questions of this file are about.
fam/topic.case.yaml:2:1: error: unknown key topics in the case file
  |
2 | topics: t
  | ^
   = help: did you mean topic?""",
    ),
    "unknown key of a case": (
        {"new": "    lane: [keras]"},
        """\
fam/topic.case.yaml:10:5: error: unknown key lane in the case
   |
10 |     lane: [keras]
   |     ^
   = help: did you mean lanes?""",
    ),
    "unknown key with nothing near": (
        {"source": "    source: {kind: hand, zzz: 1}"},
        """\
fam/topic.case.yaml:10:26: error: unknown key zzz in the source
   |
10 |     source: {kind: hand, zzz: 1}
   |                          ^
   = help: keys: kind, reference, note""",
    ),
    "missing question": (
        {"question": "    # question: q"},
        """\
fam/topic.case.yaml:5:5: error: the case needs the key question
  |
5 |   - id: a
  |     ^
   = help: question: The question, in the words of somebody who asks it.""",
    ),
    "empty question": (
        {"question": '    question: " "'},
        """\
fam/topic.case.yaml:6:15: error: question is empty
  |
6 |     question: " "
  |               ^""",
    ),
    "a question that is a number": (
        {"question": "    question: 2.10"},
        """\
fam/topic.case.yaml:6:15: error: question must be text, not the number 2.1
  |
6 |     question: 2.10
  |               ^
   = help: write "2.1" in quotes""",
    ),
    "a key without a value": (
        {"new": "    remark:"},
        """\
fam/topic.case.yaml:10:12: error: remark must be text, not null
   |
10 |     remark:
   |            ^
   = help: remove the key, or give it a value""",
    ),
    "id": (
        {"id": "  - id: Channels First"},
        """\
fam/topic.case.yaml:5:9: error: id must be lower-case letters, digits, _ . and -, starting with a letter or digit, \
not the text 'Channels First'
  |
5 |   - id: Channels First
  |         ^""",
    ),
    "two equal ids": (
        {"new": LINES["id"], **{f"{key} 2": LINES[key] for key in ("question", "inputs", "layers", "graph")}},
        """\
fam/topic.case.yaml:10:5: error: a second case has the id fam/topic.a
   = help: the first is at fam/topic.case.yaml:5:5""",
    ),
    "cases that are none": (
        {"id": "  - a", "question": "", "inputs": "", "layers": "", "graph": ""},
        """\
fam/topic.case.yaml:5:5: error: cases[0] must be a mapping
  |
5 |   - a
  |     ^
   = help: a case starts with `- id: ...`""",
    ),
    "an empty list of cases": (
        {"cases": "cases: []", "id": "", "question": "", "inputs": "", "layers": "", "graph": ""},
        """\
fam/topic.case.yaml:4:8: error: cases must be a list of at least one case
  |
4 | cases: []
  |        ^
   = help: each starts with `- id: ...`""",
    ),
    "no source to look up": (
        {"new": "    source: {kind: docs}"},
        """\
fam/topic.case.yaml:10:13: error: a source of kind docs needs a reference
   |
10 |     source: {kind: docs}
   |             ^
   = help: which page or paper?""",
    ),
    "kind of source": (
        {"new": "    source: {kind: doc}"},
        """\
fam/topic.case.yaml:10:20: error: kind must be one of docs, paper, hand, observed, question, not the text 'doc'
   |
10 |     source: {kind: doc}
   |                    ^
   = help: did you mean docs?""",
    ),
    "lane": (
        {"new": "    lanes: [kears]"},
        """\
fam/topic.case.yaml:10:13: error: lanes[0] must be a lane, not the text 'kears'
   |
10 |     lanes: [kears]
   |             ^""",
    ),
    "tolerance": (
        {"new": '    tolerance: {rtol: "1e-5", atol: -1}'},
        """\
fam/topic.case.yaml:10:16: error: the tolerance needs the key reason
   |
10 |     tolerance: {rtol: "1e-5", atol: -1}
   |                ^
   = help: reason: Why the budget does not do.
fam/topic.case.yaml:10:23: error: rtol must be a number, not the text '1e-5'
   |
10 |     tolerance: {rtol: "1e-5", atol: -1}
   |                       ^
   = help: remove the quotes: 1e-5
fam/topic.case.yaml:10:37: error: atol must be at least 0, not -1.0
   |
10 |     tolerance: {rtol: "1e-5", atol: -1}
   |                                     ^""",
    ),
    "a tolerance that is not finite": (
        {"new": "    tolerance: {rtol: .nan, atol: 0, reason: r}"},
        """\
fam/topic.case.yaml:10:23: error: rtol must be finite, not nan
   |
10 |     tolerance: {rtol: .nan, atol: 0, reason: r}
   |                       ^""",
    ),
    "a wider budget": (
        {"new": "    budget: {scale: 2}"},
        """\
fam/topic.case.yaml:10:21: error: a budget is scaled by more than 0 and at most 1, not 2
   |
10 |     budget: {scale: 2}
   |                     ^
   = help: `tolerance: {rtol, atol, reason}` replaces it""",
    ),
    "no budget": (
        {"new": "    budget: {scale: 0}"},
        """\
fam/topic.case.yaml:10:21: error: a budget is scaled by more than 0 and at most 1, not 0
   |
10 |     budget: {scale: 0}
   |                     ^
   = help: `exact: [node]` allows nothing at all""",
    ),
    "a budget beside a tolerance": (
        {"new": "    budget: {scale: 0.5}", "newer": "    tolerance: {rtol: 0, atol: 1, reason: r}"},
        """\
fam/topic.case.yaml:10:5: error: budget tightens the derived budget, which the tolerance replaces
   |
10 |     budget: {scale: 0.5}
   |     ^
   = help: leave one of them out""",
    ),
    "an exact node that is not there": (
        {"new": "    exact: [z]"},
        """\
fam/topic.case.yaml:10:13: error: there is no observed node z
   |
10 |     exact: [z]
   |             ^
   = help: observed nodes here: y""",
    ),
    "no time": (
        {"new": "    time_limit: 0"},
        """\
fam/topic.case.yaml:10:17: error: time_limit must be above 0
   |
10 |     time_limit: 0
   |                 ^""",
    ),
    "a list that is none": (
        {"new": "    tags: slow"},
        """\
fam/topic.case.yaml:10:11: error: tags must be a list, not the text 'slow'
   |
10 |     tags: slow
   |           ^
   = help: write it in brackets: [slow]""",
    ),
    "a mapping that is none": (
        {"graph": "    graph: [dense(x)]"},
        """\
fam/topic.case.yaml:9:12: error: graph must be a mapping, not a list of 1
  |
9 |     graph: [dense(x)]
  |            ^""",
    ),
    "a name that is none": (
        {"graph": "    graph: {2y: dense(x)}"},
        """\
fam/topic.case.yaml:9:13: error: 2y cannot be a name in graph
  |
9 |     graph: {2y: dense(x)}
  |             ^
   = help: names match [A-Za-z_][A-Za-z0-9_]*""",
    ),
    "a key that would move the cursor": (
        {"new": '    source: {kind: hand, "\\ta": 1}'},
        """\
fam/topic.case.yaml:10:26: error: unknown key '\\ta' in the source
   |
10 |     source: {kind: hand, "\\ta": 1}
   |                          ^
   = help: keys: kind, reference, note""",
    ),
}

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

LAYERS: dict[str, tuple[Lines, str]] = {
    "unknown type": (
        {"layers": "    layers: {dense: {type: Dens, units: 4}}"},
        """\
fam/topic.case.yaml:8:28: error: unknown layer type Dens
  |
8 |     layers: {dense: {type: Dens, units: 4}}
  |                            ^
   = help: did you mean Dense?""",
    ),
    "unknown type with nothing near": (
        {"layers": "    layers: {dense: {type: Conv9D, units: 4}}"},
        """\
fam/topic.case.yaml:8:28: error: unknown layer type Conv9D
  |
8 |     layers: {dense: {type: Conv9D, units: 4}}
  |                            ^
   = help: there are Dense, Window, Wrapper""",
    ),
    "no type": (
        {"layers": "    layers: {dense: {units: 4}}"},
        """\
fam/topic.case.yaml:8:21: error: dense needs the key type
  |
8 |     layers: {dense: {units: 4}}
  |                     ^
   = help: the class name in Keras: {type: Dense, units: 3}""",
    ),
    "a type that is none": (
        {"layers": "    layers: {dense: {type: [Dense]}, d: Dense}"},
        """\
fam/topic.case.yaml:8:28: error: type of dense must be text, not a list of 1
  |
8 |     layers: {dense: {type: [Dense]}, d: Dense}
  |                            ^
fam/topic.case.yaml:8:38: error: the layer d is never called
  |
8 |     layers: {dense: {type: [Dense]}, d: Dense}
  |                                      ^
   = help: use it in `graph`, or remove the layer
fam/topic.case.yaml:8:41: error: d must be a layer, not the text 'Dense'
  |
8 |     layers: {dense: {type: [Dense]}, d: Dense}
  |                                         ^""",
    ),
    "unknown argument": (
        {"layers": "    layers: {dense: {type: Window, size: 2, dataformat: channels_first}}"},
        """\
fam/topic.case.yaml:8:45: error: unknown argument dataformat for Window
  |
8 |     layers: {dense: {type: Window, size: 2, dataformat: channels_first}}
  |                                             ^
   = help: did you mean data_format?""",
    ),
    "missing argument": (
        {"layers": "    layers: {dense: {type: Dense, unit: 4}}"},
        """\
fam/topic.case.yaml:8:21: error: Dense needs the argument units
  |
8 |     layers: {dense: {type: Dense, unit: 4}}
  |                     ^
   = help: units: Length of the output.
fam/topic.case.yaml:8:35: error: unknown argument unit for Dense
  |
8 |     layers: {dense: {type: Dense, unit: 4}}
  |                                   ^
   = help: did you mean units?""",
    ),
    "float for int": (
        {"layers": "    layers: {dense: {type: Dense, units: 3.0}}"},
        """\
fam/topic.case.yaml:8:42: error: units of Dense must be an integer from 1, not the number 3.0
  |
8 |     layers: {dense: {type: Dense, units: 3.0}}
  |                                          ^
   = help: write 3""",
    ),
    "truth for int and for float": (
        {"layers": "    layers: {dense: {type: Dense, units: true, rate: false}}"},
        """\
fam/topic.case.yaml:8:42: error: units of Dense must be an integer from 1, not true
  |
8 |     layers: {dense: {type: Dense, units: true, rate: false}}
  |                                          ^
   = help: write 1
fam/topic.case.yaml:8:54: error: rate of Dense must be a number, not false
  |
8 |     layers: {dense: {type: Dense, units: true, rate: false}}
  |                                                      ^
   = help: write 0""",
    ),
    "yes for truth": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, use_bias: no}}"},
        """\
fam/topic.case.yaml:8:55: error: use_bias of Dense must be true or false, not the text 'no'
  |
8 |     layers: {dense: {type: Dense, units: 1, use_bias: no}}
  |                                                       ^
   = help: write false""",
    ),
    "None for null": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, activation: None}}"},
        """\
fam/topic.case.yaml:8:57: error: activation of Dense must be one of relu, tanh, null, not the text 'None'
  |
8 |     layers: {dense: {type: Dense, units: 1, activation: None}}
  |                                                         ^
   = help: write null""",
    ),
    "a word near another": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, activation: rellu}}"},
        """\
fam/topic.case.yaml:8:57: error: activation of Dense must be one of relu, tanh, null, not the text 'rellu'
  |
8 |     layers: {dense: {type: Dense, units: 1, activation: rellu}}
  |                                                         ^
   = help: did you mean relu?""",
    ),
    "nan as a word": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, rate: nan}}"},
        """\
fam/topic.case.yaml:8:51: error: rate of Dense must be a number, not the text 'nan'
  |
8 |     layers: {dense: {type: Dense, units: 1, rate: nan}}
  |                                                   ^
   = help: write .nan""",
    ),
    "too small": (
        {"layers": "    layers: {dense: {type: Window, size: 0}}"},
        """\
fam/topic.case.yaml:8:42: error: size of Window must be at least 1, not 0
  |
8 |     layers: {dense: {type: Window, size: 0}}
  |                                          ^""",
    ),
    "too long a list": (
        {"layers": "    layers: {dense: {type: Window, size: [1, 2]}}"},
        """\
fam/topic.case.yaml:8:42: error: size of Window must be a list of 1, not a list of 2
  |
8 |     layers: {dense: {type: Window, size: [1, 2]}}
  |                                          ^""",
    ),
    "a value of none of several kinds": (
        {"layers": "    layers: {dense: {type: Window, size: 1, axis: 1.5, pads: {a: 1}}}"},
        """\
fam/topic.case.yaml:8:51: error: axis of Window must be an integer, a list or null, not the number 1.5
  |
8 |     layers: {dense: {type: Window, size: 1, axis: 1.5, pads: {a: 1}}}
  |                                                   ^
fam/topic.case.yaml:8:62: error: pads of Window must be an integer, a list of 2 or a list, not a mapping
  |
8 |     layers: {dense: {type: Window, size: 1, axis: 1.5, pads: {a: 1}}}
  |                                                              ^""",
    ),
    "an axis that does not exist": (
        {"layers": "    layers: {dense: {type: Dense, units: dims}}"},
        """\
fam/topic.case.yaml:8:42: error: units of Dense must be an integer from 1, not the text 'dims': unknown axis dims
  |
8 |     layers: {dense: {type: Dense, units: dims}}
  |                                          ^
   = help: did you mean dim?""",
    ),
    "an axis with several sizes": (
        {
            "dims": "dims: {batch: 2, steps: [5, 7], dim: 3}",
            "layers": "    layers: {dense: {type: Dense, units: steps + 1}}",
        },
        """\
fam/topic.case.yaml:8:42: error: units of Dense cannot depend on steps, which has the sizes 5, 7
  |
8 |     layers: {dense: {type: Dense, units: steps + 1}}
  |                                          ^
   = help: use an axis with one size, or `matrix:` for a layer of its own at each size""",
    ),
    "inside a wrapped layer": (
        {"layers": "    layers: {dense: {type: Wrapper, layer: {type: Dense, units: x}, cells: [{type: Densee}]}}"},
        """\
fam/topic.case.yaml:8:65: error: units of Dense must be an integer from 1, not the text 'x': unknown axis x
  |
8 |     layers: {dense: {type: Wrapper, layer: {type: Dense, units: x}, cells: [{type: Densee}]}}
  |                                                                 ^
   = help: named axes here: batch, steps, dim
fam/topic.case.yaml:8:84: error: unknown layer type Densee
  |
8 |     layers: {dense: {type: Wrapper, layer: {type: Dense, units: x}, cells: [{type: Densee}]}}
  |                                                                                    ^
   = help: did you mean Dense?""",
    ),
}

ALL = {**FIELDS, **SIZES, **LAYERS}


@pytest.mark.parametrize("name", ALL)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = ALL[name]
    assert message(tmp_path, text_with(**lines)) == expected


def errors(folder: Path, text: str) -> list[str]:
    """The first line of each message, without its place."""
    return [line.partition(" error: ")[2] for line in message(folder, text).splitlines() if " error: " in line]


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    text = text_with(layers="    layers: {dense: {type: Dense, units: 3.0}}", new="    lanes: [kears]")
    second = "\n".join(["  - id: b", "    question: q", "    inputs: {x: {shape: [step]}}", "    graph: {y: x + z}"])
    assert errors(tmp_path, text + second) == [
        "units of Dense must be an integer from 1, not the number 3.0",
        "lanes[0] must be a lane, not the text 'kears'",
        "unknown axis step",
        "unknown node or input z",
    ]


def test_a_duplicate_key_is_named_beside_the_others(tmp_path: Path) -> None:
    text = text_with(new="    question: again", graph="    graph: {y: dense(z)}")
    assert errors(tmp_path, text) == [
        "the input x is never read",
        "unknown node or input z",
        "the key 'question' stands here twice",
    ]


def test_a_hundred_mistakes_are_enough(tmp_path: Path) -> None:
    graph = "\n".join(["    graph:", *(f"      y{n}: x + z{n}" for n in range(20_000))])
    said = message(tmp_path, text_with(layers="    layers: {}", graph=graph)).splitlines()
    assert sum(" error: " in line for line in said) == 101
    assert said[0] == "fam/topic.case.yaml:10:15: error: unknown node or input z0"
    assert said[-1] == "fam/topic.case.yaml:20010:1: error: 100 mistakes are named; the rest of the file is not checked"


def test_a_hundred_doubled_keys_are_enough(tmp_path: Path) -> None:
    said = message(tmp_path, text_with(more="    remark: r\n" * 1000)).splitlines()
    assert sum("stands here twice" in line for line in said) == 100


def test_a_long_list_of_another_kind_is_still_named(tmp_path: Path) -> None:
    words = ", ".join(["a"] * 300)
    text = text_with(layers=f"    layers: {{dense: {{type: Window, size: 1, axis: [{words}]}}}}")
    assert "axis[0] of Window must be an integer, not the text 'a': unknown axis a" in message(tmp_path, text)


def test_what_is_right(tmp_path: Path) -> None:
    (case,) = load(tmp_path, text_with())
    assert case.id == "fam/topic.a"


ACCEPTED = {
    "an integer where a float is meant": ("{type: Dense, units: 1, rate: 1}", {"units": 1, "rate": 1.0}),
    "null": ("{type: Dense, units: 1, activation: null}", {"units": 1, "activation": None}),
    "an axis": ("{type: Dense, units: dim}", {"units": 3}),
    "arithmetic": ("{type: Dense, units: 2 * dim - 1}", {"units": 5}),
    "what every layer has": (
        "{type: Dense, units: 1, name: d, dtype: float32, trainable: false}",
        {"units": 1, "name": "d", "dtype": "float32", "trainable": False},
    ),
    "what Keras alone reads": (
        "{type: Dense, units: 1, seed: 3, kernel_initializer: {type: Constant, value: 2}}",
        {"units": 1, "seed": 3, "kernel_initializer": {"type": "Constant", "value": 2}},
    ),
    "one of several forms": ("{type: Window, size: [dim], pads: [1, 2]}", {"size": [3], "pads": [1, 2]}),
    "another of them": ("{type: Window, size: 1, pads: [[1, 2], [0, 0]]}", {"size": 1, "pads": [[1, 2], [0, 0]]}),
    "layers inside": (
        "{type: Wrapper, layer: {type: Dense, units: dim}, cells: [{type: Dense, units: 2}]}",
        {"layer": {"type": "Dense", "units": 3}, "cells": [{"type": "Dense", "units": 2}]},
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_arguments_that_are_taken(name: str, tmp_path: Path) -> None:
    written, expected = ACCEPTED[name]
    (layer,) = only(tmp_path, layers=f"    layers: {{dense: {written}}}").layers
    assert layer.config == expected
    assert [type(value) for value in layer.config.values()] == [type(value) for value in expected.values()]
