"""From the options of a question to what stands in its case: inputs with named axes, fills, masks, the call."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.ask.layer import AskedLayer, read_layer
from conformance.ask.meaning import (
    axis_names,
    batch_place,
    call_parameters,
    implying,
    input_names,
    numbers,
    takes_list,
    takes_training,
)
from conformance.case.arrays import MAX_ELEMENTS
from conformance.case.draws import draws_unasked, is_random
from conformance.case.layers import every_type
from conformance.case.problems import did_you_mean
from conformance.case.schema import DTYPES, INTEGERS
from conformance.case.yaml import parse
from conformance.errors import CaseError, QuestionError

RESULT = "result"
_BATCHES = (2, 3, 5, 7, 11, 13)
_AXIS = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_]*)=)?(\?|[0-9]+(?:/[0-9]+)*)")
_OPEN = (5, 8)
"""The lengths in which an open axis is asked: none divides the other, and one is odd."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed. Those that come several times belong to the inputs in their order; one is for all of them."""

    layer: str
    config: str | None = None
    inputs: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    is_training: bool = False
    question: str | None = None
    batches: str | None = None
    """How many rows, as `1,3`: once for each."""
    call: str | None = None
    """Arguments of the call, as YAML in braces."""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of an input as it was typed: its name, where it has one, its lengths, and whether it is open."""

    name: str | None
    sizes: tuple[int, ...]
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the question: named axes without the batch, and how it is filled (None: the default draw)."""

    name: str
    axes: tuple[str, ...]
    dtype: str
    fill: Mapping[str, Any] | None
    mask: tuple[tuple[int, ...], ...] | None
    """A row of 1 (real) and 0 (padding) for each sequence."""
    batch_place: int = 0
    """How many axes come before the batch: 1 for torch's recurrent modules without batch_first."""

    @property
    def shape(self) -> tuple[str, ...]:
        """All axes, the batch among them."""
        return (*self.axes[: self.batch_place], "batch", *self.axes[self.batch_place :])


@dataclass(frozen=True, slots=True)
class Question:
    """A layer, its inputs and the words of the question."""

    asked: AskedLayer
    dims: Mapping[str, tuple[int, ...]]
    """Axis to its lengths; the case is asked once for each."""
    dynamic: tuple[str, ...]
    """Axes that are open in the symbolic run, beside the batch."""
    inputs: tuple[Input, ...]
    call: str
    """How the layer is called, over the names of inputs, with `{}` where each stands."""
    words: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What else its call is given."""


def question_of(options: Options) -> Question:
    """The question that the options ask. Raises QuestionError or CaseError for what means nothing."""
    asked = read_layer(options.layer, options.config)
    given = _with_implied(asked.type, [_axes(text) for text in options.inputs])
    names = input_names(asked.type, len(given))
    shapes = {name: [axis.sizes[0] for axis in axes] for name, axes in zip(names, given, strict=True)}
    masks = [_mask(text) for text in _each(options.masks, len(given), "mask")]
    taken = {*_integers(asked.config), *(size for axes in given for axis in axes for size in axis.sizes)}
    dims: dict[str, tuple[int, ...]] = {"batch": _batches(options.batches, masks, taken)}
    dtypes, ranges = _each(options.dtypes, len(given), "dtype"), _each(options.ranges, len(given), "range")
    inputs, dynamic = [], []
    for index, (name, axes) in enumerate(zip(names, given, strict=True)):
        named = _named(dims, axes, axis_names(asked.type, asked.config, name, len(axes)))
        dynamic += [own for own, axis in zip(named, axes, strict=True) if axis.is_open]
        dtype, fill = _drawn(*numbers(asked.type, asked.config, name, shapes), dtypes[index], ranges[index])
        if masks[index] is not None and any(len(axis.sizes) > 1 for axis in axes[:1]):
            raise QuestionError("a mask is of one length, and the steps have several", "one length: --input 5,3")
        rows = _rows(masks[index], asked, shapes[name])
        if rows is not None and every_type()[asked.type].takes_ids:
            fill = {"integers": [1, fill["integers"][1]]}
        inputs.append(Input(name, named, dtype, fill, rows, batch_place(asked.type, asked.config)))
    if options.is_training:
        _check_training(asked)
    rows_of = max(dims["batch"])
    size = max((math.prod(max(axis.sizes) for axis in axes) * rows_of for axes in given), default=1)
    if size > MAX_ELEMENTS:
        raise QuestionError(f"an input of {size} elements; {MAX_ELEMENTS} are allowed", "ask with shorter axes")
    arguments = call_arguments(asked.type, options.call, names)
    call = _call(asked, inputs, options, arguments)
    words = options.question or ""
    return Question(asked, dims, tuple(dict.fromkeys(dynamic)), tuple(inputs), call, words, arguments)


def _with_implied(kind: str, given: list[list[Axis]]) -> list[list[Axis]]:
    """The inputs, and those that follow from the first ones: a loss of torch's has a target for its input."""
    layer = every_type()[kind]
    if not issubclass(layer, implying()):
        return given
    shapes = layer.implied([[axis.sizes[0] for axis in axes] for axes in given])
    return [*given, *([Axis(None, (size,)) for size in shape] for shape in shapes[len(given) :])]


def _axes(text: str) -> list[Axis]:
    """`50,300` or `steps=50/80,300`, `?` for an open axis: names, where they are given, and lengths.

    Empty text is one number a row.
    """
    found: list[Axis] = []
    for part in [part.strip() for part in text.strip().strip("()[]").split(",")]:
        matched = _AXIS.fullmatch(part)
        if matched is None:
            if part == "" and text.strip() in ("", "()", "[]"):
                return []
            hint = "lengths without the batch: --input 50,300 or --input steps=50/80,channels=300; ? is an open one"
            if part in ("None", "-1", "batch", "null"):
                hint = "the batch is added; an axis of any length is a question mark: --input steps=?,channels=3"
            raise QuestionError(f"--input {text[:60]}: {part[:40]!r} is not a length", hint)
        is_open = matched[2] == "?"
        found.append(Axis(matched[1], _OPEN if is_open else tuple(map(int, matched[2].split("/"))), is_open))
    return found


def lengths_of(text: str) -> list[int]:
    """The lengths of a typed input, the first of each axis. Raises QuestionError."""
    return [axis.sizes[0] for axis in _axes(text)]


def _each(given: Sequence[str], count: int, option: str) -> list[str | None]:
    """An option's value for each input: one for all of them, or one for each."""
    if not given:
        return [None] * count
    if len(given) == 1:
        return [given[0]] * count
    if len(given) != count:
        hint = f"give --{option} once for all inputs, or once for each"
        raise QuestionError(f"{len(given)} times --{option}, and {count} input{'' if count == 1 else 's'}", hint)
    return list(given)


def _named(dims: dict[str, tuple[int, ...]], axes: Sequence[Axis], usual: Sequence[str]) -> tuple[str, ...]:
    """Names for the axes of one input; equal lengths at the same place share one, others get a name of their own."""
    names: list[str] = []
    for axis, name in zip(axes, usual, strict=True):
        wanted = axis.name or name
        if axis.name is not None and dims.get(axis.name, axis.sizes) != axis.sizes:
            first, second = (size_text(sizes) for sizes in (dims[axis.name], axis.sizes))
            raise QuestionError(f"the axis {axis.name} is {first} and {second}", "one name has one length")
        number = 2
        while wanted in names or dims.get(wanted, axis.sizes) != axis.sizes:
            wanted, number = f"{name}_{number}", number + 1
        dims[wanted] = axis.sizes
        names.append(wanted)
    return tuple(names)


def size_text(sizes: Sequence[int]) -> str:
    """`5`, or `5 and 8` of an axis that has several lengths."""
    return " and ".join(map(str, sizes))


def _integers(value: Any) -> Iterator[int]:
    """Every integer in a layer's arguments: units and filters become axes."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _integers(item)
    elif isinstance(value, int):
        yield value


def _check_training(asked: AskedLayer) -> None:
    """Raises QuestionError where what training changes is random."""
    if is_random(asked.type, asked.config):
        hint = "write a case that claims what must hold whatever was drawn, as cases/core/dropout.case.yaml does"
        raise QuestionError(f"what {asked.type} gives while training is random, and another in every lane", hint)


def _batches(given: str | None, masks: Sequence[tuple[str, ...] | None], taken: Collection[int]) -> tuple[int, ...]:
    """As many rows as were asked for, or as the masks have; else the first small prime that no other axis is long."""
    rows = {len(mask) for mask in masks if mask is not None}
    if len(rows) > 1:
        raise QuestionError("the masks have different numbers of rows", "one entry a sequence, equally many in each")
    if given is not None:
        parts = [part.strip() for part in given.split(",")]
        if not all(part.isdecimal() and int(part) > 0 for part in parts):
            raise QuestionError(f"--batch {given[:40]} is not a number of rows", "as in --batch 3, or --batch 1,3")
        sizes = tuple(map(int, parts))
        if rows and rows != set(sizes):
            hint = f"leave --batch out: the masks have {rows.pop()} rows"
            raise QuestionError("--batch and the masks have different numbers of rows", hint)
        return sizes
    if rows:
        return (rows.pop(),)
    return (next(size for size in (*_BATCHES, 17) if size not in taken or size == 17),)


def call_arguments(kind: str, text: str | None, inputs: Sequence[str]) -> Mapping[str, Any]:
    """The arguments of `--call`, checked by name. Raises QuestionError for one that the layer's call does not take."""
    if text is None:
        return {}
    example = "as YAML in braces: --call '{use_causal_mask: true}'"
    try:
        document = parse(text, "--call")
    except CaseError as error:
        raise QuestionError(f"--call {text[:60]} cannot be read: {error.problems[0].message}", example) from None
    if not document.root.is_mapping or document.problems.found:
        raise QuestionError(f"--call {text[:60]} is not a mapping of arguments to values", example)
    known = [name for name in call_parameters(kind) if name not in inputs]
    given: Mapping[str, Any] = document.root.plain()
    for name, value in given.items():
        if name not in known:
            hint = did_you_mean(name, known) or (f"it takes {', '.join(known)}" if known else "it takes no others")
            raise QuestionError(f"the call of {kind} does not take {name}", hint)
        if not isinstance(value, bool | int | float | str | None):
            raise QuestionError(f"--call {name} is not a number, a word, true, false or null", example)
    return given


def _drawn(dtype: str, fill: Any, own: str | None, bounds: str | None) -> tuple[str, Any]:
    """The dtype and fill of an input, after what was asked for."""
    if own is not None and own not in DTYPES:
        raise QuestionError(f"there is no dtype {own}", did_you_mean(own, DTYPES) or f"dtypes: {', '.join(DTYPES)}")
    chosen = own or dtype
    if bounds is None:
        if chosen == "bool":
            return chosen, {"integers": [0, 2]}
        if chosen in INTEGERS and fill is None:
            raise QuestionError(
                f"integers of {chosen} need bounds", "--range 0,30 draws from 0 to 29; --range 0,30 --dtype int32"
            )
        return chosen, fill
    matched = re.fullmatch(r"\s*(-?[0-9.eE+-]+)\s*(?:,|\.\.)\s*(-?[0-9.eE+-]+)\s*", bounds)
    try:
        low, high = (float(part) for part in matched.groups()) if matched else (math.nan, math.nan)
    except ValueError:
        low = high = math.nan
    if not low < high:
        raise QuestionError(f"--range {bounds[:40]} is not two bounds", "the lower first: --range 0,30")
    if chosen in INTEGERS or chosen == "bool":
        if not (low.is_integer() and high.is_integer()):
            raise QuestionError(f"--range {bounds[:40]}: {chosen} needs integers", "as in --range 0,30")
        return chosen, {"integers": [int(low), int(high)]}
    return chosen, {"uniform": [low, high]}


def _mask(text: str | None) -> tuple[str, ...] | None:
    if text is None or text.strip() == "none":
        return None
    return tuple(part.strip() for part in re.split(r"[,/]", text.strip().strip("()[]")))


def _rows(mask: tuple[str, ...] | None, asked: AskedLayer, shape: Sequence[int]) -> tuple[tuple[int, ...], ...] | None:
    """A mask as rows: `3,5` are real steps of each sequence, `0110,1111` the steps themselves. Raises QuestionError."""
    if mask is None:
        return None
    is_table = every_type()[asked.type].takes_ids
    if is_table and asked.config.get("mask_zero") is not True:
        raise QuestionError(f"an {asked.type} makes a mask only with mask_zero", "add mask_zero: true to its arguments")
    if len(shape) != (1 if is_table else 2):
        takes = "steps" if is_table else "steps,features"
        raise QuestionError(f"a mask is over steps: an input of {len(shape)} numbers has none", f"--input {takes}")
    return tuple(_row(part, shape[0]) for part in mask)


def _row(part: str, steps: int) -> tuple[int, ...]:
    if len(part) == steps and set(part) <= {"0", "1"}:
        return tuple(int(entry) for entry in part)
    if part.isdecimal() and int(part) <= steps:
        return tuple(int(step < int(part)) for step in range(steps))
    hint = f"real steps of each sequence, as in --mask {steps},{max(steps - 2, 0)}; or 0 and 1 for each step"
    raise QuestionError(f"--mask: {part[:40]!r} is not a mask of {steps} steps", hint)


def _call(asked: AskedLayer, inputs: Sequence[Input], options: Options, arguments: Mapping[str, Any]) -> str:
    listed = ", ".join("{}" for _ in inputs)
    words = [f"[{listed}]" if takes_list(asked.type) else listed]
    if options.is_training and takes_training(asked.type):
        words.append("training=True")
    elif draws_unasked(asked.type, asked.config) and "training" not in arguments:
        words.append("training=False")  # what it draws while training has no answer
    words += [f"{name}={value!r}" for name, value in arguments.items()]
    return f"layer({', '.join(words)})"


def described(question: Question) -> str:
    """The question in words: as it was put, or made from the layer and its inputs."""
    if question.words:
        return question.words
    arguments = ", ".join(f"{key}={_python(value)}" for key, value in question.asked.config.items())
    shapes = []
    for item in question.inputs:
        axes = ", ".join(axis if axis == "batch" else f"{axis} {size_text(question.dims[axis])}" for axis in item.shape)
        masked = ", masked" if item.mask is not None else ""
        shapes.append(f"({axes}{masked})")
    while_training = " while training" if "training=True" in question.call else ""
    while_training = " outside of training" if "training=False" in question.call else while_training
    given = ", ".join(f"{name}={value!r}" for name, value in question.arguments.items())
    while_training += f", called with {given}" if given else ""
    rows = question.dims["batch"]
    while_training += f" in batches of {size_text(rows)}" if len(rows) > 1 else ""
    return f"What does {question.asked.type}({arguments}) make of {' and '.join(shapes)}{while_training}?"


def _python(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}={_python(item)}" for key, item in value.items() if key != "type")
        return f"{value['type']}({inside})" if "type" in value else json.dumps(value)
    return repr(value)
