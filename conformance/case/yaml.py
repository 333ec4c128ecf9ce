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
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from conformance.case.problems import Problems, TooManyProblems, shown
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


_NO_KEYS: dict[str, Point] = {}
"""Shared by all that is no mapping, for there are many; never written to."""


class Located:
    """A value and where it stands: a scalar, a list of these, or a mapping from keys to these.

    `line` and `column` count from 1; `last_line` is the line on which it ends; `keys` says where each key of a mapping
    stands. A plain class, for a folder of cases has hundreds of thousands.
    """

    __slots__ = ("column", "keys", "last_line", "line", "value")

    def __init__(self, value: Any, line: int, column: int, last_line: int, keys: dict[str, Point] = _NO_KEYS) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.last_line = last_line
        self.keys = keys

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
        """Itself and everything in it, in the order of the file."""
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

    def entries(self, key: str, starts: str) -> list[Located]:
        """What a file of `schema_version` and one list holds; each entry starts with `- STARTS: ...`.

        Other keys and other versions become problems. Raises CaseError where there is no such list.
        """
        root, problems = self.root, self.problems
        if not root.is_mapping or key not in root:
            problems.add(root, f"this file needs the key {key}", f"{key}: a list of mappings")
            problems.raise_if_any()
        for name, where in root.keys.items():
            if name not in ("schema_version", key):
                problems.add(where, f"unknown key {shown(name)}", f"the file has schema_version and {key}")
        version = root.get("schema_version")
        if version is None or version.value != 1:
            problems.add(version or root, "schema_version must be 1", f"this harness reads {key} of version 1")
        items = root[key]
        if not items.is_list:
            problems.add(items, f"{key} must be a list", f"each starts with `- {starts}: ...`")
            problems.raise_if_any()
        return list(items.value)


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
    try:
        root = _Builder(problems).build(text)
    except TooManyProblems:
        raise CaseError(problems.found) from None
    return Document(root, lines, problems)


def _stop(problems: Problems, where: Point, message: str, hint: str | None = None) -> CaseError:
    problems.add(where, message, hint)
    return CaseError(problems.found)


class _Builder:
    """Makes a tree of values from PyYAML's events, without recursion, so that depth is ours to limit."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.root: Located | None = None
        self.parent: Located | None = None
        """The innermost open collection."""
        self.key: tuple[str, Point] | None = None
        """The key in it that waits for its value."""
        self.outer: list[tuple[Located | None, tuple[str, Point] | None]] = []
        """The collections around it, and the keys that wait there."""
        self.documents = 0

    def build(self, text: str) -> Located:
        """The tree of a document. Raises CaseError."""
        try:
            self._read(_FASTEST(text))
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(text, error) from None
        if self.root is None:
            raise _stop(self.problems, Point(1, 1), "the file is empty", "a case file starts with `schema_version: 1`")
        return self.root

    def _read(self, loader: Any) -> None:
        while (event := loader.get_event()) is not None:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._start(event, {}, {})
            elif kind is yaml.SequenceStartEvent:
                self._start(event, [], _NO_KEYS)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            elif kind is yaml.AliasEvent:
                raise self._refusal(event, f"the alias *{event.anchor}", "write the value again; no anchors or aliases")
            elif kind is yaml.DocumentStartEvent:
                self.documents += 1
                if self.documents > 1:
                    raise self._refusal(event, "a second document", "one file is one document; remove the `---`")

    def _refusal(self, event: Any, what: str, hint: str) -> CaseError:
        return _stop(self.problems, _point(event.start_mark), f"{what} is not allowed", hint)

    def _check_bare(self, event: Any) -> None:
        """Refuses what hangs on a value: an anchor or a tag."""
        if event.anchor is not None:
            raise self._refusal(event, f"the anchor &{event.anchor}", "write the value where it is used")
        if event.tag is not None:
            hint = "remove it; a type follows from how a value is written"
            raise self._refusal(event, f"the tag {shown(event.tag)}", hint)

    def _start(self, event: Any, empty: Any, keys: dict[str, Point]) -> None:
        self._check_bare(event)
        where = _point(event.start_mark)
        if self.key is None and self.parent is not None and type(self.parent.value) is dict:
            raise _stop(self.problems, where, "a key must be text", "a list or a mapping cannot be a key")
        if len(self.outer) >= MAX_DEPTH:
            raise _stop(self.problems, where, f"nested more than {MAX_DEPTH} deep")
        self.outer.append((self.parent, self.key))
        self.parent, self.key = Located(empty, where.line, where.column, where.line, keys), None

    def _end(self, event: Any) -> None:
        done = self.parent
        assert done is not None
        mark = event.end_mark
        if mark.column > event.start_mark.column:
            done.last_line = mark.line + 1
        self.parent, self.key = self.outer.pop()
        self._add(done)

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._check_bare(event)
        start, value, style = event.start_mark, event.value, event.style
        line, column = start.line + 1, start.column + 1
        if not style and value[:1] not in _STARTS_TEXT:
            value = self._resolve(value, line, column)
        elif style == '"':
            self._check_escaped(value, Point(line, column))
        if self.key is None and self.parent is not None and type(self.parent.value) is dict:
            self._key(value, event, Point(line, column))
            return
        end = event.end_mark
        last = end.line + 1 if end.column else end.line
        self._add(Located(value, line, column, last if last > line else line))

    def _check_escaped(self, text: str, where: Point) -> None:
        """Refuses behind a backslash what is refused when written out."""
        refused = _REFUSED.search(text) or _SURROGATE.search(text)
        if refused:
            self.problems.add(where, f"the invisible character U+{ord(refused[0]):04X} is not allowed")

    def _key(self, value: Scalar, event: Any, where: Point) -> None:
        key = event.value
        assert self.parent is not None
        if key == "<<" and not event.style:
            raise self._refusal(event, "the merge key <<", "write the keys where they are used")
        if not isinstance(value, str):
            self.problems.add(where, f"the key {shown(key)} is not text", f'write "{key}" in quotes')
        if key in self.parent.keys:
            first = self.parent.keys[key]
            self.problems.add(where, f"the key {shown(key)} stands here twice", f"first defined at line {first.line}")
        self.key = key, where

    def _add(self, item: Located) -> None:
        parent = self.parent
        if parent is None:
            self.root = item
            return
        if item.last_line > parent.last_line:
            parent.last_line = item.last_line
        if self.key is None:
            parent.value.append(item)
            return
        key, where = self.key
        self.key = None
        if key not in parent.keys:
            parent.value[key] = item
            parent.keys[key] = where

    def _resolve(self, text: str, line: int, column: int) -> Scalar:
        """What a scalar without quotes means."""
        if len(text) > _MAX_DIGITS and _FLOAT.fullmatch(text):
            message = f"a number of {len(text)} characters; {_MAX_DIGITS} are allowed"
            raise _stop(self.problems, Point(line, column), message)
        value = _core(text)
        if isinstance(value, float) and value - value != 0 and text not in _WORDS:
            message = f"the number {shown(text)} is too large"
            self.problems.add(Point(line, column), message, "write .inf where infinity is meant")
        return value

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


@lru_cache(maxsize=4096)
def _core(text: str) -> Scalar:
    """The core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


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
