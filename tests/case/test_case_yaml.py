"""YAML 1.2 with positions, and everything that is refused."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml

from conformance.case import yaml
from conformance.case.yaml import MAX_BYTES, parse, read
from conformance.errors import CaseError, Position, Problem

PARSERS = [pyyaml.SafeLoader] + ([pyyaml.CSafeLoader] if hasattr(pyyaml, "CSafeLoader") else [])


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__, autouse=True)
def _every_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything below holds with and without the C library."""
    monkeypatch.setattr(yaml, "_FASTEST", request.param)


def value(text: str) -> Any:
    return parse(f"a: {text}", "f.yaml").root.plain()["a"]


def message(text: str) -> str:
    with pytest.raises(CaseError) as raised:
        parse(text, "f.yaml")
    return str(raised.value)


# YAML 1.2.2, chapter 10.3.2, and the traps of YAML 1.1 that PyYAML has
CORE = {
    "1e-5": 1e-5,
    "1.0e-5": 1e-5,
    "1E5": 1e5,
    "-1e-6": -1e-6,
    ".5": 0.5,
    "3.": 3.0,
    "-0.0": -0.0,
    "+12": 12,
    "010": 10,
    "0o10": 8,
    "0x1F": 31,
    "no": "no",
    "on": "on",
    "Yes": "Yes",
    "1:30": "1:30",
    "190:20:30": "190:20:30",
    "1_000": "1_000",
    "2024-01-01": "2024-01-01",
    "0b11": "0b11",
    "true": True,
    "FALSE": False,
    "null": None,
    "~": None,
    "": None,
    ".inf": math.inf,
    "-.INF": -math.inf,
    "nan": "nan",
    "inf": "inf",
    "None": "None",
    "'1'": "1",
    '"true"': "true",
    '"a\\tb"': "a\tb",
}


@pytest.mark.parametrize(("text", "expected"), CORE.items())
def test_scalars_mean_what_the_core_schema_says(text: str, expected: Any) -> None:
    found = value(text)
    assert (type(found), found) == (type(expected), expected)
    if expected == 0 and isinstance(expected, float):
        assert math.copysign(1, found) == math.copysign(1, expected)


def test_nan() -> None:
    assert math.isnan(value(".nan"))


def test_every_value_and_key_knows_its_place() -> None:
    root = parse("# c\na: 1\nb:\n  - x\n  - {c: [2, 3]}\n", "f.yaml").root
    assert root.keys == {"a": (2, 1), "b": (3, 1)}
    inner = root["b"][1]["c"]
    assert (inner.line, inner.column) == (5, 9)
    assert (inner[1].line, inner[1].column) == (5, 13)
    assert root["b"][1].keys == {"c": (5, 6)}


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("a: 1\nb: 2\n\n# after\n", 2),
        ("a: |\n  one\n  two\n\nb: 1\n", 5),
        ("a: {b: 1,\n  c: 2\n  }\n", 3),
        ('a: "one\n  two"\n', 2),
        ("a: one\n  two\n", 2),
        ("- a: 1\n  b: [\n    2]\n", 3),
    ],
)
def test_a_value_ends_on_its_last_line(text: str, last: int) -> None:
    assert parse(text, "f.yaml").root.last_line == last


def test_columns_count_characters_and_a_byte_order_mark_is_none(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa\xc3\xa9: \xf0\x9f\x8d\x8e x")
    root = read(file, "f.yaml").root
    assert root.plain() == {"aé": "🍎 x"}
    assert (root["aé"].line, root["aé"].column) == (1, 5)


def test_windows_lines() -> None:
    document = parse("a: 1\r\nb: 2\r\n", "f.yaml")
    assert document.root.keys["b"] == (2, 1)
    assert document.lines[1] == "b: 2"


REFUSED = {
    "a: &x 1\nb: *x\n": """\
f.yaml:1:4: error: the anchor &x is not allowed
  |
1 | a: &x 1
  |    ^
   = help: write the value where it is used""",
    "a: *x\n": """\
f.yaml:1:4: error: the alias *x is not allowed
  |
1 | a: *x
  |    ^
   = help: write the value again; no anchors or aliases""",
    "<<: {a: 1}\n": """\
f.yaml:1:1: error: the merge key << is not allowed
  |
1 | <<: {a: 1}
  | ^
   = help: write the keys where they are used""",
    "a: !!python/object/apply:os.system [ls]\n": """\
f.yaml:1:4: error: the tag 'tag:yaml.org,2002:python/object/apply...' is not allowed
  |
1 | a: !!python/object/apply:os.system [ls]
  |    ^
   = help: remove it; a type follows from how a value is written""",
    "a: ! x\n": """\
f.yaml:1:4: error: the tag '!' is not allowed
  |
1 | a: ! x
  |    ^
   = help: remove it; a type follows from how a value is written""",
    "a: 1\n---\nb: 2\n": """\
f.yaml:2:1: error: a second document is not allowed
  |
2 | ---
  | ^
   = help: one file is one document; remove the `---`""",
    "# c\n%YAML 1.1\n---\na: 1\n": """\
f.yaml:2:1: error: a directive is not allowed
  |
2 | %YAML 1.1
  | ^
   = help: files are YAML 1.2 anyway; remove the % line""",
    "# nothing\n": """\
f.yaml:1:1: error: the file is empty
  |
1 | # nothing
  | ^
   = help: a case file starts with `schema_version: 1`""",
    "? [1, 2]\n: 3\n": """\
f.yaml:1:3: error: a key must be text
  |
1 | ? [1, 2]
  |   ^
   = help: a list or a mapping cannot be a key""",
    "a: " + 500 * "9" + "\n": f"""\
f.yaml:1:4: error: a number of 500 characters; 400 are allowed
  |
1 | a: {154 * "9"}...
  |    ^""",
    40 * "[": f"""\
f.yaml:1:33: error: nested more than 32 deep
  |
1 | {40 * "["}
  | {32 * " "}^""",
    "a: [1, 2\nb: 3\n": """\
f.yaml:2:2: error: not YAML: expected ',' or ']', but got ':'
  |
2 | b: 3
  |  ^
   = help: while parsing a flow sequence that starts at line 1""",
    "a: it says: yes\n": """\
f.yaml:1:11: error: not YAML: mapping values are not allowed here
  |
1 | a: it says: yes
  |           ^
   = help: put text with a colon in it in quotes""",
    "a:\n\tb: 1\n": """\
f.yaml:2:1: error: not YAML: found character '\\t' that cannot start any token
  |
2 |  b: 1
  | ^
   = help: indent with spaces, not with tabs""",
    "a: @x\n": """\
f.yaml:1:4: error: not YAML: found character '@' that cannot start any token
  |
1 | a: @x
  |    ^
   = help: put text that starts with this character in quotes""",
    "a:\n    b: 1\n  c: 2\n": """\
f.yaml:3:3: error: not YAML: expected <block end>, but found '<block mapping start>'
  |
3 |   c: 2
  |   ^
   = help: is this line indented as the one before it?""",
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_refused_at_once(text: str, expected: str) -> None:
    assert message(text) == expected


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x07", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff", "\uffff"])
def test_invisible_characters_are_refused_without_repeating_them(character: str) -> None:
    assert message(f"a: 1\nb: x{character}y\n") == (
        f"f.yaml:2:5: error: the invisible character U+{ord(character):04X} is not allowed"
    )


@pytest.mark.parametrize("character", ["\0", "\x1b", "\u202e"])
def test_invisible_characters_are_refused_behind_a_backslash(character: str) -> None:
    problems = parse(f'a: "x\\u{ord(character):04x}"', "f.yaml").problems.found
    assert [problem.message for problem in problems] == [
        f"the invisible character U+{ord(character):04X} is not allowed"
    ]


def test_half_a_surrogate_pair_is_refused() -> None:
    try:
        found = [problem.message for problem in parse('a: "\\ud800"', "f.yaml").problems.found]
    except CaseError as error:
        found = [problem.message for problem in error.problems]
    assert found[0] in (
        "the invisible character U+D800 is not allowed",
        "not YAML: found invalid Unicode character escape code",
    )


PASSED_ON = {
    "x: 1\ny: 2\nx: 3\n": """\
f.yaml:3:1: error: the key 'x' stands here twice
  |
3 | x: 3
  | ^
   = help: first defined at line 1""",
    "a: {1: x}\n": """\
f.yaml:1:5: error: the key '1' is not text
  |
1 | a: {1: x}
  |     ^
   = help: write "1" in quotes""",
    "true: x\n": """\
f.yaml:1:1: error: the key 'true' is not text
  |
1 | true: x
  | ^
   = help: write "true" in quotes""",
    "a: 1e999\n": """\
f.yaml:1:4: error: the number '1e999' is too large
  |
1 | a: 1e999
  |    ^
   = help: write .inf where infinity is meant""",
}


@pytest.mark.parametrize(("text", "expected"), PASSED_ON.items(), ids=range(len(PASSED_ON)))
def test_what_does_not_stop_the_reading(text: str, expected: str) -> None:
    assert [str(problem) for problem in parse(text, "f.yaml").problems.found] == [expected]


def test_the_first_of_two_equal_keys_is_kept() -> None:
    assert parse("x: 1\nx: 2\n", "f.yaml").root.plain() == {"x": 1}


def test_billion_laughs_stop_at_the_first_anchor() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert message("\n".join(levels)).startswith("f.yaml:1:5: error: the anchor &a0 is not allowed")


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a:\n" + " " * 5 + "- " * 50_000])
def test_depth_is_refused_before_it_hurts(text: str) -> None:
    assert "nested more than 32 deep" in message(text)


def test_32_levels_are_allowed() -> None:
    assert parse("[" * 32 + "]" * 32, "f.yaml").root.is_list


@pytest.mark.parametrize("text", ["\n" * 500_000 + "a: 1", "# c\n" * 200_000 + "a: 1", "a: " + "9" * 400])
def test_long_but_harmless(text: str) -> None:
    assert parse(text, "f.yaml").root.is_mapping


def test_a_place_far_out_on_a_line_is_named_without_the_line() -> None:
    assert message("a: [" + "1, " * 100 + "x: y: z]") == (
        "f.yaml:1:309: error: not YAML: expected ',' or ']', but got ':'\n"
        "   = help: while parsing a flow sequence that starts at line 1"
    )


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes("a: é\nb: ü".encode("latin-1"))
    with pytest.raises(CaseError) as raised:
        read(file, "f.yaml")
    assert str(raised.value) == ("f.yaml:1:4: error: byte 0xe9 is not UTF-8\n   = help: save the file as UTF-8")


def test_a_huge_file_is_refused_without_being_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "f.yaml"
    with file.open("wb") as huge:
        huge.truncate(100 * 2**20)

    def opened(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(CaseError) as raised:
        read(file, "f.yaml")
    assert str(raised.value) == (
        "f.yaml:1:1: error: 104857600 bytes; a case file has at most 1048576\n"
        "   = help: split the file, or put the numbers into a data file (`fill: {file: ...}`)"
    )


def test_the_largest_file(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("a: 1 #" + "x" * (MAX_BYTES - 6))
    assert read(file, "f.yaml").root.plain() == {"a": 1}


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"^f.yaml:1:1: error: not a file$"):
        read(tmp_path, "f.yaml")
    with pytest.raises(CaseError, match=r"^f.yaml:1:1: error: cannot be read: No such file or directory$"):
        read(tmp_path / "missing", "f.yaml")


def test_mistakes_come_out_of_another_process() -> None:
    """Cases are read in several processes; what one finds wrong is told by the first."""
    problem = Problem(Position("a.case.yaml", 3, 5), "no such layer")
    found = pickle.loads(pickle.dumps(CaseError([problem])))
    assert found.problems == [problem]
    assert str(found) == str(CaseError([problem]))
