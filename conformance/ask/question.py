"""From the options of a question to what stands in its case: inputs with named axes, fills, masks, the call."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.ask.layer import Asked, read_layer
from conformance.ask.meaning import axis_names, input_names, is_random, numbers, takes_list, takes_training
from conformance.case.arrays import MAX_ELEMENTS
from conformance.case.layers import types
from conformance.case.problems import did_you_mean
from conformance.case.schema import DTYPES, INTEGERS
from conformance.errors import QuestionError

RESULT = "result"
_BATCHES = (2, 3, 5, 7, 11, 13)
_AXIS = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_]*)=)?([0-9]+)")


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


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the question: named axes without the batch, and how it is filled (None: the default draw)."""

    name: str
    axes: tuple[str, ...]
    dtype: str
    fill: Mapping[str, Any] | None
    mask: tuple[tuple[int, ...], ...] | None
    """A row of 1 (real) and 0 (padding) for each sequence."""


@dataclass(frozen=True, slots=True)
class Question:
    """A layer, its inputs and the words of the question."""

    asked: Asked
    dims: Mapping[str, int]
    inputs: tuple[Input, ...]
    call: str
    """How the layer is called, over the names of inputs, with `{}` where each stands."""
    words: str


def question_of(options: Options) -> Question:
    """The question that the options ask. Raises QuestionError or CaseError for what means nothing."""
    asked = read_layer(options.layer, options.config)
    given = [_axes(text) for text in options.inputs]
    names = input_names(asked.type, len(given))
    shapes = {name: [length for _, length in axes] for name, axes in zip(names, given, strict=True)}
    masks = [_mask(text) for text in _each(options.masks, len(given), "mask")]
    batch = _batch(masks, {*_integers(asked.config), *(length for shape in shapes.values() for length in shape)})
    dims = {"batch": batch}
    dtypes, ranges = _each(options.dtypes, len(given), "dtype"), _each(options.ranges, len(given), "range")
    inputs = []
    for index, (name, axes) in enumerate(zip(names, given, strict=True)):
        named = _named(dims, axes, axis_names(asked.type, asked.config, name, len(axes)))
        dtype, fill = _drawn(*numbers(asked.type, asked.config, name, shapes), dtypes[index], ranges[index])
        rows = _rows(masks[index], asked, shapes[name])
        if rows is not None and types()[asked.type].takes_ids:
            fill = {"integers": [1, fill["integers"][1]]}
        inputs.append(Input(name, named, dtype, fill, rows))
    if options.is_training:
        _check_training(asked)
    size = max((math.prod(shape) * batch for shape in shapes.values()), default=1)
    if size > MAX_ELEMENTS:
        raise QuestionError(f"an input of {size} elements; {MAX_ELEMENTS} are allowed", "ask with shorter axes")
    return Question(asked, dims, tuple(inputs), _call(asked.type, inputs, options), options.question or "")


def _axes(text: str) -> list[tuple[str | None, int]]:
    """`50,300` or `steps=50,300`: names, where they are given, and lengths. Empty text is one number a row."""
    found: list[tuple[str | None, int]] = []
    for part in [part.strip() for part in text.strip().strip("()[]").split(",")]:
        matched = _AXIS.fullmatch(part)
        if matched is None:
            if part == "" and text.strip() in ("", "()", "[]"):
                return []
            hint = "lengths without the batch: --input 50,300 or --input steps=50,channels=300"
            if part in ("None", "-1", "?", "batch", "null"):
                hint = "the batch is added; every other axis needs a length: --input 50,300"
            raise QuestionError(f"--input {text[:60]}: {part[:40]!r} is not a length", hint)
        found.append((matched[1], int(matched[2])))
    return found


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


def _named(dims: dict[str, int], axes: Sequence[tuple[str | None, int]], usual: Sequence[str]) -> tuple[str, ...]:
    """Names for the axes of one input; equal lengths at the same place share one, others get a name of their own."""
    names: list[str] = []
    for (given, length), name in zip(axes, usual, strict=True):
        wanted = given or name
        if given is not None and dims.get(given, length) != length:
            raise QuestionError(f"the axis {given} is {dims[given]} and {length}", "one name has one length")
        number = 2
        while wanted in names or dims.get(wanted, length) != length:
            wanted, number = f"{name}_{number}", number + 1
        dims[wanted] = length
        names.append(wanted)
    return tuple(names)


def _integers(value: Any) -> Iterator[int]:
    """Every integer in a layer's arguments: units and filters become axes."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _integers(item)
    elif isinstance(value, int):
        yield value


def _check_training(asked: Asked) -> None:
    """Raises QuestionError where training changes nothing, or what it changes is random."""
    if not takes_training(asked.type):
        raise QuestionError(f"{asked.type} does the same while training", "leave --training out")
    if is_random(asked.type, asked.config):
        hint = "write a case that claims what must hold whatever was drawn, as cases/core/dropout.case.yaml does"
        raise QuestionError(f"what {asked.type} gives while training is random, and another in every lane", hint)


def _batch(masks: Sequence[tuple[str, ...] | None], taken: Collection[int]) -> int:
    """As many rows as the masks have; else the first small prime that is not the length of another axis."""
    rows = {len(mask) for mask in masks if mask is not None}
    if len(rows) > 1:
        raise QuestionError("the masks have different numbers of rows", "one entry a sequence, equally many in each")
    if rows:
        return rows.pop()
    return next(size for size in (*_BATCHES, 17) if size not in taken or size == 17)


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


def _rows(mask: tuple[str, ...] | None, asked: Asked, shape: Sequence[int]) -> tuple[tuple[int, ...], ...] | None:
    """A mask as rows: `3,5` are real steps of each sequence, `0110,1111` the steps themselves. Raises QuestionError."""
    if mask is None:
        return None
    is_table = types()[asked.type].takes_ids
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


def _call(kind: str, inputs: Sequence[Input], options: Options) -> str:
    listed = ", ".join("{}" for _ in inputs)
    arguments = f"[{listed}]" if takes_list(kind) else listed
    return f"layer({arguments}{', training=True' if options.is_training else ''})"


def described(question: Question) -> str:
    """The question in words: as it was put, or made from the layer and its inputs."""
    if question.words:
        return question.words
    arguments = ", ".join(f"{key}={_python(value)}" for key, value in question.asked.config.items())
    shapes = []
    for item in question.inputs:
        axes = ", ".join(["batch", *(f"{axis} {question.dims[axis]}" for axis in item.axes)])
        masked = ", masked" if item.mask is not None else ""
        shapes.append(f"({axes}{masked})")
    while_training = " while training" if "training=True" in question.call else ""
    return f"What does {question.asked.type}({arguments}) make of {' and '.join(shapes)}{while_training}?"


def _python(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}={_python(item)}" for key, item in value.items() if key != "type")
        return f"{value['type']}({inside})" if "type" in value else json.dumps(value)
    return repr(value)
