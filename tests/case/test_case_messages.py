"""Mistakes in the fields of a case file, and the whole of what is said about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case.casefile import LINES, load, message, text_with

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
fam/topic.case.yaml:10:13: error: lanes[0] must be a lane (as keras, torch, keras@3.3.3), not the text 'kears'
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


@pytest.mark.parametrize("name", FIELDS)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = FIELDS[name]
    assert message(tmp_path, text_with(**lines)) == expected


def errors(folder: Path, text: str) -> list[str]:
    """The first line of each message, without its place."""
    return [line.partition(" error: ")[2] for line in message(folder, text).splitlines() if " error: " in line]


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    text = text_with(layers="    layers: {dense: {type: Dense, units: 3.0}}", new="    lanes: [kears]")
    second = "\n".join(["  - id: b", "    question: q", "    inputs: {x: {shape: [step]}}", "    graph: {y: x + z}"])
    assert errors(tmp_path, text + second) == [
        "units of Dense must be an integer from 1, not the number 3.0",
        "lanes[0] must be a lane (as keras, torch, keras@3.3.3), not the text 'kears'",
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


def test_what_is_right(tmp_path: Path) -> None:
    (case,) = load(tmp_path, text_with())
    assert case.id == "fam/topic.a"


@pytest.mark.parametrize(("written", "help_wanted"), [("3.0", "   = help: write 3"), ("1e30", None)])
def test_a_float_is_a_slip_for_an_integer_only_where_it_may_be_one(
    written: str, help_wanted: str | None, tmp_path: Path
) -> None:
    text = text_with(layers=f"    layers: {{dense: {{type: Dense, units: {written}}}}}")
    hints = [line for line in message(tmp_path, text).splitlines() if line.startswith("   = help")]
    assert hints == ([] if help_wanted is None else [help_wanted])
