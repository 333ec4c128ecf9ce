"""Reads one YAML 1.2 document into plain values that know where they stand.

PyYAML splits the text into events (in C where it can); what a scalar means is decided here, because PyYAML's rules are
those of YAML 1.1: there `1e-5` is text, `no` is false, `010` is 8 and `1:30` is 90. The core schema of YAML 1.2.2
(chapter 10.3) is what editors use too. Anchors, aliases, merge keys, tags and directives are refused: a case says what
it says, and a file of 300 bytes cannot unfold into gigabytes.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from conformance.case.problems import Problems, shown
from conformance.errors import CaseError

MAX_BYTES = 2**20
MAX_DEPTH = 32

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Control characters, line breaks of YAML 1.1 that editors do not show as such, and marks that reorder text."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_BREAK = re.compile("\r\n|\r|\n")
_DIRECTIVE = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?[\r\n])*%")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MAX_DIGITS = 400

Scalar = None | bool | int | float | str


class Point(NamedTuple):
    """A line and a column, counted from 1."""

    line: int
    column: int


@dataclass(slots=True, eq=False)
class Located:
    """A value and where it stands: a scalar, a list of these, or a mapping from keys to these."""

    value: Any
    line: int
    column: int
    last_line: int
    keys: dict[str, Point] = field(default_factory=dict)
    """Of a mapping: where each key stands."""

    def __getitem__(self, part: str | int) -> Located:
        return self.value[part]  # type: ignore[no-any-return]  # lists and mappings hold these only

    def get(self, key: str) -> Located | None:
        return self.value.get(key)  # type: ignore[no-any-return]  # as above

    def __contains__(self, key: str) -> bool:
        return key in self.value

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def plain(self) -> Any:
        """The value without positions."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def walk(self) -> Iterator[Located]:
        """This and everything in it, in the order of the file."""
        yield self
        if isinstance(self.value, dict | list):
            for item in self.value.values() if isinstance(self.value, dict) else self.value:
                yield from item.walk()


@dataclass(frozen=True, slots=True)
class Document:
    """One file: its value, its lines, and the mistakes that did not stop the reading (duplicate keys)."""

    root: Located
    lines: list[str]
    problems: Problems


def read(path: Path, display: str) -> Document:
    """Reads a file; `display` is the path in messages. Raises CaseError, for a huge file before reading it."""
    problems = Problems(display, [])
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _stop(problems, Point(1, 1), "not a file")
        data = b""
        if status.st_size <= MAX_BYTES:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _stop(problems, Point(1, 1), f"cannot be read: {error.strerror}") from None
    size = max(status.st_size, len(data))
    if size > MAX_BYTES:
        help = "split the file, or put the numbers into a data file (`fill: {file: ...}`)"
        raise _stop(problems, Point(1, 1), f"{size} bytes; a case file has at most {MAX_BYTES}", help)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        lines = _LINE_BREAK.split(before)
        where = Point(len(lines), len(lines[-1]) + 1)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise _stop(problems, where, message, "save the file as UTF-8") from None
    return parse(text, display)


def parse(text: str, display: str) -> Document:
    """Reads the text of one document. Raises CaseError at the first thing that is not YAML or is not allowed."""
    lines = _LINE_BREAK.split(text)
    problems = Problems(display, lines)
    refused = _REFUSED.search(text)
    if refused:
        before = _LINE_BREAK.split(text[: refused.start()])
        problems.lines = []  # the line would do to the terminal what it is refused for
        where = Point(len(before), len(before[-1]) + 1)
        raise _stop(problems, where, f"the invisible character U+{ord(refused[0]):04X} is not allowed")
    directive = _DIRECTIVE.match(text)
    if directive:
        where = Point(len(_LINE_BREAK.split(directive[0])), 1)
        raise _stop(problems, where, "a directive is not allowed", "files are YAML 1.2 anyway; remove the % line")
    root = _Builder(problems).build(text)
    return Document(root, lines, problems)


def _stop(problems: Problems, where: Point, message: str, hint: str | None = None) -> CaseError:
    problems.add(where, message, hint)
    return CaseError(problems.found)


class _Builder:
    """Makes a tree of values from PyYAML's events, without recursion, so that depth is ours to limit."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.open: list[Located] = []
        self.key: list[tuple[str, Point] | None] = []
        """For each open collection the key that waits for its value."""
        self.root: Located | None = None
        self.documents = 0

    def build(self, text: str) -> Located:
        try:
            self._read(text, _FASTEST)
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(text, error) from None
        if self.root is None:
            raise _stop(self.problems, Point(1, 1), "the file is empty", "a case file starts with `schema_version: 1`")
        return self.root

    def _read(self, text: str, loader: Any) -> None:
        for event in yaml.parse(text, Loader=loader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self._start(event, {} if kind is yaml.MappingStartEvent else [])
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            elif kind is yaml.AliasEvent:
                raise self._refusal(event, f"the alias *{event.anchor}", "write the value again; no anchors or aliases")
            elif kind is yaml.DocumentStartEvent:
                self._document(event)

    def _refusal(self, event: Any, what: str, hint: str) -> CaseError:
        return _stop(self.problems, _point(event.start_mark), f"{what} is not allowed", hint)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._refusal(event, "a second document", "one file is one document; remove the `---`")

    def _plain_event(self, event: Any) -> None:
        """Refuses what hangs on a value: an anchor or a tag."""
        if event.anchor is not None:
            raise self._refusal(event, f"the anchor &{event.anchor}", "write the value where it is used")
        if event.tag is not None:
            raise self._refusal(
                event, f"the tag {shown(event.tag)}", "remove it; a type follows from how a value is written"
            )

    def _start(self, event: Any, empty: Any) -> None:
        self._plain_event(event)
        where = _point(event.start_mark)
        if self.open and self.open[-1].is_mapping and self.key[-1] is None:
            raise _stop(self.problems, where, "a key must be text", "a list or a mapping cannot be a key")
        if len(self.open) >= MAX_DEPTH:
            raise _stop(self.problems, where, f"nested more than {MAX_DEPTH} deep")
        self.open.append(Located(empty, where.line, where.column, where.line))
        self.key.append(None)

    def _end(self, event: Any) -> None:
        done = self.open.pop()
        self.key.pop()
        mark = event.end_mark
        if mark.column > event.start_mark.column:
            done.last_line = mark.line + 1
        self._add(done)

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._plain_event(event)
        start, end = event.start_mark, event.end_mark
        line = start.line + 1
        if self.open and self.key[-1] is None and self.open[-1].is_mapping:
            self._key(event, Point(line, start.column + 1))
            return
        value = event.value
        if not event.style and (value[:1] not in _STARTS_TEXT):
            value = self._resolve(value, Point(line, start.column + 1))
        if event.style == '"':
            self._escaped(value, Point(line, start.column + 1))
        last = max(line, end.line + 1 if end.column else end.line)
        self._add(Located(value, line, start.column + 1, last))

    def _escaped(self, text: str, where: Point) -> None:
        """Refuses behind a backslash what is refused when written out."""
        refused = _REFUSED.search(text) or _SURROGATE.search(text)
        if refused:
            self.problems.add(where, f"the invisible character U+{ord(refused[0]):04X} is not allowed")

    def _key(self, event: Any, where: Point) -> None:
        key = event.value
        mapping = self.open[-1]
        if key == "<<" and not event.style:
            raise self._refusal(event, "the merge key <<", "write the keys where they are used")
        if not event.style and not isinstance(self._resolve(key, where), str):
            self.problems.add(where, f"the key {shown(key)} is not text", f'write "{key}" in quotes')
        if key in mapping.keys:
            first = mapping.keys[key]
            self.problems.add(where, f"the key {shown(key)} stands here twice", f"first defined at line {first.line}")
        self.key[-1] = (key, where)

    def _add(self, item: Located) -> None:
        if not self.open:
            self.root = item
            return
        parent = self.open[-1]
        parent.last_line = max(parent.last_line, item.last_line)
        waiting = self.key[-1]
        if waiting is None:
            parent.value.append(item)
            return
        self.key[-1] = None
        key, where = waiting
        if key not in parent.keys:
            parent.value[key] = item
            parent.keys[key] = where

    def _resolve(self, text: str, where: Point) -> Scalar:
        """The core schema: what a scalar without quotes means."""
        if text in _WORDS:
            return _WORDS[text]
        if len(text) > _MAX_DIGITS:
            if _FLOAT.fullmatch(text):
                raise _stop(self.problems, where, f"a number of {len(text)} characters; {_MAX_DIGITS} are allowed")
            return text
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if not _FLOAT.fullmatch(text):
            return text
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self.problems.add(where, f"the number {shown(text)} is too large", "write .inf where infinity is meant")
        return number

    def _syntax_error(self, text: str, error: yaml.MarkedYAMLError) -> CaseError:
        """The error in the words of PyYAML's own parser, which says more than the C one, and the same everywhere."""
        try:
            for _ in yaml.parse(text, Loader=yaml.SafeLoader):
                pass
        except yaml.MarkedYAMLError as plainer:
            error = plainer
        mark = error.problem_mark or error.context_mark
        where = _point(mark) if mark else Point(1, 1)
        problem = error.problem or "not YAML"
        hint = next((help for words, help in _SYNTAX_HELP.items() if words in problem), None)
        if hint is None and error.context and error.context_mark:
            hint = f"{error.context} that starts at line {error.context_mark.line + 1}"
        return _stop(self.problems, where, f"not YAML: {problem}", hint)


_FASTEST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STARTS_TEXT = frozenset("abcdeghijklmopqrsuvwxyzABCDEGHIJKLMOPQRSUVWXYZ_")
"""First characters of plain text that cannot be a number, a truth value or null."""
_SYNTAX_HELP = {
    "mapping values are not allowed here": "put text with a colon in it in quotes",
    "found character '\\t'": "indent with spaces, not with tabs",
    "that cannot start any token": "put text that starts with this character in quotes",
    "expected <block end>": "is this line indented as the one before it?",
}


def _point(mark: Any) -> Point:
    return Point(mark.line + 1, mark.column + 1)
