"""Reads a layer as somebody types it: its name and arguments as YAML, or the call of its constructor pasted from code.

Both become located values, so that a mistake is shown under the text that was typed, by the reader of case files.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from conformance.case import elsewhere, layers, optimizers
from conformance.case.keras_names import WHERE_ADDED, has_class
from conformance.case.kinds import Field, Record, Text
from conformance.case.problems import Problems, did_you_mean, listed
from conformance.case.structure import BAD, Reader
from conformance.case.yaml import Located, Point, parse
from conformance.errors import CaseError, QuestionError

LAYER, CONFIG = "--layer", "--config"
"""What stands for the path in messages."""

_SEVERAL = ("Sequential", "Model", "Functional")


@cache
def of_torch() -> Mapping[str, tuple[str, ...]]:
    """What torch calls layers, by the last part of the name, to Keras' names of those that a user would mean by it."""
    found: dict[str, tuple[str, ...]] = {}
    for kind, layer in layers.types().items():
        for name in layer.native.names:
            short = name.rpartition(".")[2]
            found[short] = (*found.get(short, ()), kind)
    return found


class AskedLayer(NamedTuple):
    """A layer as asked for: its Keras class name, and the arguments that were given, as plain values."""

    type: str
    config: Mapping[str, Any]


def read_layer(layer: str, config: str | None) -> AskedLayer:
    """The layer of `--layer` and `--config`. Raises QuestionError or CaseError with what to write instead."""
    kind, written = _constructor(layer)
    record = _record(kind)
    if written is not None and written.value and config is not None:
        raise QuestionError("arguments stand in --layer and in --config", "put all of them into one of the two")
    if config is not None:
        document = _yaml(config)
        found = _checked(document.root, record, document.problems)
    else:
        found = _checked(written or Located({}, 1, 1, 1, {}), record, Problems(LAYER, layer.splitlines()))
    if found.get("dtype", "float32") != "float32":
        hint = "ask lanes that run in it: --lane 'keras[policy=mixed_float16]' --lane 'torch[policy=float16]'"
        raise QuestionError("the dtype of a layer is a policy, which a lane has and a question has not", hint)
    return AskedLayer(kind, found)


def _record(kind: str) -> Record:
    """The arguments of a layer. Raises QuestionError for a layer that there is not."""
    record = layers.record_of(kind)
    if record is None:
        if "." in kind:
            raise QuestionError(*elsewhere.unknown_torch(kind))
        if kind in _SEVERAL:
            hint = "a question is about one layer; several in a row are a case: see CONTRIBUTING.md"
            raise QuestionError(f"{kind} is not a layer but several", hint)
        if kind in optimizers.types():
            raise QuestionError(f"{kind} is an optimizer", "a case trains with it: see docs/training.md")
        if has_class(kind, "layers", "losses", "metrics"):
            raise QuestionError(f"Keras has {kind}; it has no reference here", WHERE_ADDED)
        meant = (*of_torch().get(kind, ()), *(name for name in layers.torch_types() if name == f"nn.{kind}"))
        near = f"did you mean {' or '.join(meant)}?" if meant else did_you_mean(kind, layers.types())
        hint = near or f"there are {listed(sorted(layers.types()))}; docs/evidence/mutants.md lists them"
        raise QuestionError(f"there is no layer {kind}", hint)
    return record


def _yaml(config: str) -> Any:
    try:
        document = parse(config, CONFIG)
    except CaseError as error:
        problem = error.problems[0]
        hint = "arguments as YAML in braces: --config '{filters: 100, padding: same}'"
        raise CaseError([dataclasses.replace(problem, hint=hint)]) from None
    if not document.root.is_mapping:
        hint = "arguments as YAML in braces: --config '{filters: 100, padding: same}'"
        document.problems.add(document.root, "not a mapping of arguments to values", hint)
        document.problems.raise_if_any()
    return document


def _checked(written: Located, record: Record, problems: Problems) -> Mapping[str, Any]:
    """The plain arguments. Raises CaseError with every mistake in them."""
    fields = {name: field for name, field in record.fields.items() if name != "type"}
    if "dtype" in fields:  # another policy has a message of its own
        fields["dtype"] = Field(Text(), fields["dtype"].description)
    if "type" in written:
        problems.add(written.keys["type"], "the type stands in --layer", "leave it out here")
    values = Reader(problems).record(written, dataclasses.replace(record, fields=fields), record.title)
    problems.raise_if_any()
    assert values is not BAD  # a value that cannot be read has been noted
    return {key: value for key, value in values.items() if key in written}


def _constructor(text: str) -> tuple[str, Located | None]:
    """The class name, and the arguments where there is a call. Raises QuestionError or CaseError."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        hint = "a name or a call: --layer Conv1D, --layer 'Conv1D(100, 4, padding=\"same\")'"
        raise QuestionError(f"--layer {text[:80]!r} cannot be read", hint) from None
    problems = Problems(LAYER, text.strip().splitlines())
    if isinstance(tree, ast.Call):
        kind = _name(tree.func, problems)
        _record(kind)
        written = _arguments(tree, kind, problems)
        problems.raise_if_any()
        return kind, written
    kind = _name(tree, problems)
    problems.raise_if_any()
    return kind, None


_TORCHS = {
    **dict.fromkeys(("nn", "torch.nn"), "nn"),
    **dict.fromkeys(("F", "functional", "nn.functional", "torch.nn.functional"), "F"),
    **dict.fromkeys(
        ("parametrizations", "nn.utils.parametrizations", "torch.nn.utils.parametrizations"),
        "nn.utils.parametrizations",
    ),
    **dict.fromkeys(("nn.utils.rnn", "torch.nn.utils.rnn"), "nn.utils.rnn"),
}
"""How modules of torch's are written before a name, and what they are called here."""


def _at(node: ast.AST) -> Point:
    return Point(getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1)


def _name(node: ast.expr, problems: Problems) -> str:
    """The class name in `Conv1D`, `layers.Convolution1D` or `keras.layers.Conv1D`; torch's in `torch.nn.Conv1d`."""
    match node:
        case ast.Attribute(module, name) if ast.unparse(module) in _TORCHS:
            return f"{_TORCHS[ast.unparse(module)]}.{name}"
        case ast.Name(name) | ast.Attribute(attr=name):
            return name if name in layers.types() else elsewhere.own_name("layer", name)
    problems.add(_at(node), "not the name of a layer", "as in Conv1D, or Conv1D(filters=100, kernel_size=4)")
    problems.raise_if_any()
    raise AssertionError("a problem was just noted")


def _arguments(call: ast.Call, kind: str, problems: Problems) -> Located:
    """The arguments of a call by name; the first ones without a name are those that the layer requires."""
    record = layers.record_of(kind)
    if record is None:
        hint = did_you_mean(kind, layers.types()) or f"there are {listed(sorted(layers.types()))}"
        problems.add(_at(call), f"there is no layer {kind}", hint)
        return _located({}, call)
    own = layers.every_type()[kind].positional
    required = _without_names(record) if own is None else own
    values: dict[str, Located] = {}
    keys: dict[str, Point] = {}
    several = getattr(layers.every_type()[kind], "variadic", "")
    if several:
        values[several] = _located([_value(argument, problems) for argument in call.args], call)
        keys[several] = _at(call)
    for index, argument in enumerate(() if several else call.args):
        if index >= len(required):
            problems.add(_at(argument), "which argument is this?", "write its name before it: padding='same'")
            break
        values[required[index]], keys[required[index]] = _value(argument, problems), _at(argument)
    for keyword in call.keywords:
        if keyword.arg is None:
            problems.add(_at(keyword), "** is not understood here", "write the arguments out")
            continue
        if keyword.arg in values:
            problems.add(_at(keyword), f"{keyword.arg} is given twice")
        values[keyword.arg], keys[keyword.arg] = _value(keyword.value, problems), _at(keyword)
    return _located(values, call, keys)


def _without_names(record: Record) -> tuple[str, ...]:
    """The arguments that need no name: those that are required, else the first, as in Cropping1D(2)."""
    names = [name for name in record.fields if name != "type"]
    return tuple(name for name in names if record.fields[name].required) or tuple(names[:1])


def _located(value: Any, node: ast.AST, keys: dict[str, Point] | None = None) -> Located:
    where = _at(node)
    return Located(value, where.line, where.column, where.line, keys or {})


def _value(node: ast.expr, problems: Problems) -> Located:
    """A literal, a list of them, or a layer inside a layer."""
    match node:
        case ast.Constant(value) if value is None or isinstance(value, bool | int | float | str):
            return _located(value, node)
        case ast.UnaryOp(ast.USub(), ast.Constant(value)) if isinstance(value, int | float):
            return _located(-value, node)
        case ast.Tuple(items) | ast.List(items):
            return _located([_value(item, problems) for item in items], node)
        case ast.Dict(names, items) if all(isinstance(name, ast.Constant) for name in names):
            words = [str(name.value) for name in names if isinstance(name, ast.Constant)]
            found = dict(zip(words, (_value(item, problems) for item in items), strict=True))
            return _located(found, node, {word: _at(node) for word in words})
        case ast.Call():
            kind = _name(node.func, problems)
            inner = _arguments(node, kind, problems)
            typed = {"type": _located(kind, node), **inner.value}
            return _located(typed, node, {"type": _at(node), **inner.keys})
    hint = "numbers, text in quotes, True, False, None, lists, and layers: LSTM(3)"
    problems.add(_at(node), "not a value that a case can hold", hint)
    return _located(None, node)
