"""Reads located YAML by the declarations of `schema`: plain values out, every mistake noted where it stands.

What is wrong is left out of the result (an entry of a mapping, a key of a record) or becomes BAD, so that the rest of
the file can still be checked in the same pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any

from conformance import imports
from conformance.case import axes, functions, kinds, layers, optimizers, penalties, schedules
from conformance.case.elsewhere import own_name, unknown_argument, unknown_type
from conformance.case.kinds import Kind
from conformance.case.problems import Place, Problems, TooManyProblems, did_you_mean, listed
from conformance.case.wording import CUT_BY_A_COMMA, found, help_for, noun
from conformance.case.wording import key as word
from conformance.case.yaml import Located
from conformance.imports import is_own

BAD: Any = type("Bad", (), {"__repr__": lambda self: "BAD"})()
"""Stands for a value that could not be read; the reason has been noted."""

WORDS = {"nan": float("nan"), "inf": float("inf"), "+inf": float("inf"), "-inf": float("-inf")}
"""Numbers that literal arrays may spell as words; -0.0 is a float of YAML already."""


class Reader:
    """Reads values of one case (or of the head of a file); names in lengths stand for `bindings`."""

    def __init__(
        self,
        problems: Problems,
        bindings: axes.Bindings | None = None,
        several: Mapping[str, Any] | None = None,
        takes_refused: bool = False,
    ) -> None:
        self.problems = problems
        self.bindings = bindings or {}
        self.several = several or {}
        """Axes with several sizes: no argument of a layer, which is built once, can depend on them."""
        self.takes_refused = takes_refused
        """Whether arguments may be smaller than Keras allows: the case expects an error."""
        self.is_mismatch = False
        """Whether something was of another kind altogether, not just out of bounds."""

    def read(self, node: Located, kind: Kind, label: str) -> Any:
        """The plain value of a node, or BAD after noting what is wrong with it."""
        return _READERS[type(kind)](self, node, kind, label)

    def record(self, node: Located, record: kinds.Record, label: str) -> Any:
        """The fields of a record; BAD if it is none, or if a required field is missing or could not be read."""
        values = self.fields(node, record, label)
        if values is BAD:
            return BAD
        if record.one_of and len(values) != 1:
            if len(node.value) != 1:
                self.problems.add(node, f"{label} needs exactly one of {', '.join(record.fields)}")
            return BAD
        return values if all(key in values for key, field in record.fields.items() if field.required) else BAD

    def fields(self, node: Located, record: kinds.Record, label: str, skip: Collection[str] = ()) -> Any:
        """The fields of a record that could be read, whether or not others are missing; BAD if it is no mapping."""
        if not node.is_mapping:
            return self.mismatch(node, record, label)
        values = {}
        for key, item in node.value.items():
            field = record.fields.get(key)
            if key in skip:
                continue
            if field is not None:
                value = self.read(item, field.kind, key if record.keys == "key" else f"{key} of {record.title}")
            elif record.rest is not None and _matches(record.rest.pattern, key):
                value = self.read(item, record.rest.value, key)
            else:
                self._unknown_key(node.keys[key], key, record)
                continue
            if value is not BAD:
                values[key] = value
        for key, field in record.fields.items():
            if field.required and key not in node and key not in skip:
                self.problems.add(
                    node, f"{_titled(record)} needs the {record.keys} {key}", f"{key}: {field.description}"
                )
        return values

    def _unknown_key(self, where: Place, key: str, record: kinds.Record) -> None:
        if key in record.former:
            self.problems.add(where, *record.former[key])
            return
        hint = did_you_mean(key, record.fields) or f"{record.keys}s: {listed(record.fields)}"
        if key.endswith(")") and "(" not in key:
            hint = CUT_BY_A_COMMA
        elsewhere = unknown_argument(record.title, key) if record.keys == "argument" else None
        if elsewhere is not None:
            self.problems.add(where, *elsewhere)
            return
        joined = "for" if record.keys == "argument" else "in"
        self.problems.add(where, f"unknown {record.keys} {word(key)} {joined} {_titled(record)}", hint)

    def mismatch(self, node: Located, kind: Kind, label: str, hint: str | None = None) -> Any:
        """Notes that a value is of another kind; one that is BAD has been noted when variables were put in."""
        self.is_mismatch = True
        if node.value is not BAD:
            self.problems.add(node, f"{label} must be {noun(kind)}, not {found(node)}", hint or help_for(node, kind))
        return BAD

    def resolve(self, node: Located, kind: kinds.Integer, label: str) -> Any:
        """The integer that an axis, or arithmetic over axes, stands for."""
        text = node.value
        try:
            varying = sorted(axes.names_in(text) & self.several.keys())
            if varying:
                sizes = ", ".join(str(size) for size in self.several[varying[0]])
                hint = "use an axis with one size, or `matrix:` for a layer of its own at each size"
                self.problems.add(node, f"{label} cannot depend on {varying[0]}, which has the sizes {sizes}", hint)
                return BAD
            return axes.value(text, self.bindings)
        except axes.AxisError as error:
            return self.no_length(node, kind, label, error)

    def no_length(self, node: Located, kind: Kind, label: str, error: axes.AxisError) -> Any:
        self.is_mismatch = True
        help = help_for(node, kind)
        reason = "" if help else f": {error.message}"
        self.problems.add(node, f"{label} must be {noun(kind)}, not {found(node)}{reason}", help or error.hint)
        return BAD


def _text(reader: Reader, node: Located, kind: kinds.Text, label: str) -> Any:
    if not isinstance(node.value, str):
        return reader.mismatch(node, kind, label)
    if not node.value.strip() and not kind.may_be_empty:
        reader.problems.add(node, f"{label} is empty")
        return BAD
    if kind.pattern is not None and not _matches(kind.pattern, node.value):
        return reader.mismatch(node, kind, label)
    return node.value


def _integer(reader: Reader, node: Located, kind: kinds.Integer, label: str) -> Any:
    value = node.value
    if kind.axes and isinstance(value, str):
        value = reader.resolve(node, kind, label)
        if value is BAD:
            return BAD
    if type(value) is not int:
        return reader.mismatch(node, kind, label)
    return _bounded(reader, node, value, kind.at_least, label)


def _number(reader: Reader, node: Located, kind: kinds.Number, label: str) -> Any:
    if type(node.value) not in (int, float):
        return reader.mismatch(node, kind, label)
    value = float(node.value)
    if kind.finite and value - value != 0:
        reader.problems.add(node, f"{label} must be finite, not {value}")
        return BAD
    return _bounded(reader, node, value, kind.at_least, label)


def _bounded(reader: Reader, node: Located, value: Any, at_least: float | None, label: str) -> Any:
    if at_least is not None and value < at_least and not (reader.takes_refused and " of " in label):
        reader.problems.add(node, f"{label} must be at least {at_least:g}, not {value}")
        return BAD
    return value


def _truth(reader: Reader, node: Located, kind: kinds.Truth, label: str) -> Any:
    return node.value if isinstance(node.value, bool) else reader.mismatch(node, kind, label)


def _null(reader: Reader, node: Located, kind: kinds.Null, label: str) -> Any:
    return None if node.value is None else reader.mismatch(node, kind, label)


def _choice(reader: Reader, node: Located, kind: kinds.Choice, label: str) -> Any:
    if any(type(node.value) is type(option) and node.value == option for option in kind.options):
        return node.value
    words = [option for option in kind.options if isinstance(option, str)]
    near = did_you_mean(node.value, words) if isinstance(node.value, str) else None
    return reader.mismatch(node, kind, label, kind.otherwise or help_for(node, kind) or near)


def _length(reader: Reader, node: Located, kind: kinds.Length, label: str) -> Any:
    value = node.value
    if isinstance(value, str):
        try:
            axes.parse(value)
        except axes.AxisError as error:
            return reader.no_length(node, kind, label, error)
        return value
    if type(value) is not int:
        return reader.mismatch(node, kind, label)
    return _bounded(reader, node, value, 0, label)


def _nested(reader: Reader, node: Located, kind: kinds.Nested, label: str) -> Any:
    value = node.value
    if isinstance(value, list):
        items = [_nested(reader, item, kind, label) for item in value]
        return BAD if any(item is BAD for item in items) else items
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and value in WORDS:
        return WORDS[value]
    what = kind if node.is_mapping else kinds.Number()
    return reader.mismatch(node, what, label, help_for(node, kind))


def _list(reader: Reader, node: Located, kind: kinds.ListOf, label: str) -> Any:
    if not node.is_list:
        return reader.mismatch(node, kind, label)
    if len(node.value) < kind.at_least:
        entries = "1 entry" if kind.at_least == 1 else f"{kind.at_least} entries"
        reader.problems.add(node, f"{label} needs at least {entries}, not {len(node.value)}")
        return BAD
    items = [reader.read(item, kind.item, _entry(label, index)) for index, item in enumerate(node.value)]
    return BAD if any(item is BAD for item in items) else items


def _entry(label: str, index: int) -> str:
    """`axis[0] of Conv1D` for `axis of Conv1D`."""
    name, of, owner = label.partition(" of ")
    return f"{name}[{index}]{of}{owner}"


def _row(reader: Reader, node: Located, kind: kinds.Row, label: str) -> Any:
    if not node.is_list or len(node.value) != len(kind.items):
        return reader.mismatch(node, kind, label)
    pairs = zip(node.value, kind.items, strict=True)
    items = [reader.read(item, part, _entry(label, index)) for index, (item, part) in enumerate(pairs)]
    return BAD if any(item is BAD for item in items) else items


def _map(reader: Reader, node: Located, kind: kinds.MapOf, label: str) -> Any:
    if not node.is_mapping:
        return reader.mismatch(node, kind, label)
    if len(node.value) < kind.at_least:
        reader.problems.add(node, f"{label} is empty")
        return BAD
    values = {}
    for key, item in node.value.items():
        if not _matches(kind.pattern, key):
            reader.problems.add(
                node.keys[key], f"{word(key)} cannot be a name in {label}", f"names match {kind.pattern}"
            )
            continue
        value = reader.read(item, kind.value, key)
        if value is not BAD:
            values[key] = value
    return values


def _record(reader: Reader, node: Located, kind: kinds.Record, label: str) -> Any:
    return reader.record(node, kind, label)


def _either(reader: Reader, node: Located, kind: kinds.Either, label: str) -> Any:
    fitting = [option for option in kind.kinds if _has_form(node, option)]
    if len(fitting) == 1 and not isinstance(node.value, str | int | float):
        return reader.read(node, fitting[0], label)
    hint = None
    for option in fitting:
        trial = Reader(
            Problems(reader.problems.path, [], limit=1), reader.bindings, reader.several, reader.takes_refused
        )
        try:
            value = trial.read(node, option, label)
        except TooManyProblems:
            if not trial.is_mismatch:
                return reader.read(node, option, label)
            hint = hint or trial.problems.found[0].hint
        else:
            return value
    return reader.mismatch(node, kind, label, help_for(node, kind) or hint)


def _has_form(node: Located, kind: Kind) -> bool:
    """Whether a scalar, a list or a mapping is what this kind is written as."""
    match kind:
        case kinds.Anything():
            return True
        case kinds.ListOf() | kinds.Row():
            return node.is_list
        case kinds.MapOf() | kinds.Record() | kinds.LayerOf():
            return node.is_mapping
        case kinds.Nested():
            return not node.is_mapping
        case _:
            return not node.is_list and not node.is_mapping


_KNOWN: dict[str, Any] = {
    "layer": layers,
    "optimizer": optimizers,
    "schedule": schedules,
    "regularizer": penalties.REGULARIZERS,
    "constraint": penalties.CONSTRAINTS,
}
"""Where each kind of thing with a type has its types."""
_EXAMPLES = {
    "layer": "{type: Dense, units: 3}",
    "optimizer": "{type: SGD, learning_rate: 0.1}",
    "schedule": "{type: schedules.CosineDecay, initial_learning_rate: 0.1, decay_steps: 10}",
    "regularizer": "{type: L2, l2: 0.1}",
    "constraint": "{type: MaxNorm, max_value: 2}",
}


def _layer(reader: Reader, node: Located, kind: kinds.LayerOf, label: str) -> Any:
    if not node.is_mapping:
        return reader.mismatch(node, kind, label)
    type_node = node.get("type")
    if type_node is None:
        reader.problems.add(node, f"{label} needs the key type", f"the class name in Keras: {_EXAMPLES[kind.what]}")
        return BAD
    known = _KNOWN[kind.what]
    record = known.record_of(type_node.value) if isinstance(type_node.value, str) else None
    if record is None and isinstance(type_node.value, str):
        name = own_name(kind.what, type_node.value)
        record, node = known.record_of(name), _renamed(node, type_node, name)
    if record is None:
        if not isinstance(type_node.value, str):
            return reader.mismatch(type_node, kinds.Text(), f"type of {label}")
        elsewhere = unknown_type(kind.what, type_node.value)
        if elsewhere is not None:
            reader.problems.add(type_node, *elsewhere)
            return BAD
        hint = did_you_mean(type_node.value, known.types()) or f"there are {listed(sorted(known.types()))}"
        reader.problems.add(type_node, f"unknown {kind.what} type {word(type_node.value)}", hint)
        return BAD
    if kind.what == "layer" and is_own(type_node.value) and not _is_allowed(reader, node):
        return BAD
    arguments = reader.record(node, record, label)
    return BAD if arguments is BAD or _has_no_function(reader, node, record.title, arguments) else arguments


def _has_no_function(reader: Reader, node: Located, type: str, arguments: Mapping[str, Any]) -> bool:
    """Whether an argument that is a function of the graph language is none; notes where in its text."""
    noted = reader.problems.noted
    kind = layers.every_type().get(type)
    for argument, column, message, hint in functions.mistakes(kind.functions if kind else {}, arguments):
        text = node[argument]
        lines = reader.problems.lines[text.line - 1 : text.line]
        quoted = bool(lines) and lines[0][text.column - 1 : text.column] in ("'", '"')
        reader.problems.add(text, f"{argument} of {type}: {message}", hint, column + quoted)
    return reader.problems.noted > noted


def _renamed(node: Located, type_node: Located, name: str) -> Located:
    """A layer of this type, where it was written."""
    typed = Located(name, type_node.line, type_node.column, type_node.last_line)
    return Located({**node.value, "type": typed}, node.line, node.column, node.last_line, node.keys)


def _is_allowed(reader: Reader, node: Located) -> bool:
    """Whether the project allows every path that a layer of the user's own names; notes those that it does not."""
    is_it = True
    for key in ("type", "torch", "reference"):
        held = node.get(key)
        if held is None or not isinstance(held.value, str):
            continue
        try:
            imports.check(held.value)
        except imports.NotAllowed as error:
            reader.problems.add(held, str(error), error.hint)
            is_it = False
    return is_it


def _anything(reader: Reader, node: Located, kind: kinds.Anything, label: str) -> Any:
    return node.plain()


_READERS: dict[type[Any], Callable[[Reader, Located, Any, str], Any]] = {
    kinds.Text: _text,
    kinds.Integer: _integer,
    kinds.Number: _number,
    kinds.Truth: _truth,
    kinds.Null: _null,
    kinds.Choice: _choice,
    kinds.Length: _length,
    kinds.Nested: _nested,
    kinds.ListOf: _list,
    kinds.Row: _row,
    kinds.MapOf: _map,
    kinds.Record: _record,
    kinds.Either: _either,
    kinds.LayerOf: _layer,
    kinds.Anything: _anything,
}


def _titled(record: kinds.Record) -> str:
    return record.title if record.keys == "argument" else f"the {record.title}"


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


def _matches(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None
