"""What can be drawn of a layer: each argument, and each property of its inputs, with a few values that matter.

All of it is read off the layer's own schema and example, so that a new layer is drawn without a word here. The values
are few and finite: that is what makes it possible to say which pairs of them nobody has tried yet.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import permutations
from typing import Any, Final, TypeAlias

from conformance.ask.layer import read_layer
from conformance.ask.meaning import call_parameters, input_names, numbers, takes_list, takes_training
from conformance.ask.question import lengths_of
from conformance.campaign.draft import Call, Draft, Input, Layer, Mask
from conformance.campaign.shapes import states_after
from conformance.case import kinds
from conformance.case.draws import is_random
from conformance.case.layers import record_of, types
from conformance.errors import ConformanceError

USUAL: Final = "usual"
MOST_VALUES = 40
"""Values of one argument that are drawn at most."""

FILLS: Mapping[str, tuple[str, Mapping[str, Any] | None]] = {
    USUAL: ("float32", None),
    "whole numbers": ("float32", {"integers": [-3, 4]}),
    "zeros": ("float32", {"constant": 0.0}),
    "large": ("float32", {"uniform": [-1000.0, 1000.0]}),
    "tiny": ("float32", {"normal": {"mean": 0.0, "std": 1.0e-5}}),
    "int32": ("int32", {"integers": [-3, 4]}),
}
"""Kinds of numbers to their dtype and fill."""
OF_ACTIVATION_ITSELF = ("glu", "sparsemax")
"""Activations that are drawn of `Activation` alone: what Keras does otherwise in them is listed there, and would be a
finding of every layer that takes one."""
ENDS = (USUAL, "at the lower end", "at the upper end")
"""Where in the range that a layer asks for its numbers lie: probabilities of nearly 0, the brightest pixels."""
BOUNDED = ("hard_sigmoid", "hard_tanh", "relu6", "sigmoid", "softmax", "softsign", "sparse_sigmoid", "tanh")
SLOW = ("elu", "hard_shrink", "leaky_relu", "linear", "relu", "selu", "soft_shrink", "tanh_shrink")
"""Activations of recurrent layers: with others, or these as gates, a state is multiplied by itself at every step, and
few steps go beyond float32."""
MASKS = ("none", "right", "left", "holes", "an empty row", "all false")
CALLS = ("once", "twice", "in training before")
"""How often a layer that can train is called: it may remember something from one call to the next."""
SHAPES = (USUAL, "ones", "longer", "last longer", "an axis more", "an axis fewer")
BATCHES = (2, 0, 1, 3)


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that can be drawn: its name and its values, the usual one first."""

    name: str
    values: tuple[Any, ...]

    @property
    def others(self) -> tuple[Any, ...]:
        return self.values[1:]


@dataclass(frozen=True, slots=True)
class Space:
    """All that can be drawn of one layer."""

    type: str
    config: Mapping[str, Any]
    """The arguments of its example."""
    shapes: tuple[tuple[int, ...], ...]
    """The shapes of its example's inputs, without the batch."""
    arguments: tuple[Dimension, ...]
    inputs: tuple[Dimension, ...]

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return (*self.arguments, *self.inputs)

    def label(self, dimension: Dimension) -> str:
        """How a dimension is called in coverage: `Conv1D.padding`, `Conv1D's mask`."""
        return f"{self.type}.{dimension.name}" if dimension in self.arguments else f"{self.type}'s {dimension.name}"


@cache
def space_of(kind: str) -> Space | None:
    """What can be drawn of a layer; None for one that cannot be asked in one line."""
    layer = types()[kind]
    if layer.written_as_case:
        return None
    try:
        asked = read_layer(layer.example.layer, None)
        shapes = tuple(tuple(lengths_of(text)) for text in layer.example.inputs)
        names = input_names(kind, len(shapes))
    except ConformanceError:
        return None
    arguments = tuple(_arguments(kind, asked.config))
    return Space(kind, asked.config, shapes, arguments, tuple(_inputs(kind, asked.config, names, shapes)))


def drawable() -> tuple[str, ...]:
    """The layers that can be drawn, in alphabetical order."""
    return tuple(kind for kind in sorted(types()) if space_of(kind) is not None)


def _arguments(kind: str, given: Mapping[str, Any]) -> Iterator[Dimension]:
    record = record_of(kind)
    assert record is not None  # it is a layer
    fields = {field.name: field for field in dataclasses.fields(types()[kind])}  # type: ignore[arg-type]  # made one
    for name, field in record.fields.items():
        if name not in fields or name in ("type", "trainable"):
            continue
        default = given.get(name, fields[name].default)
        first = USUAL if default is dataclasses.MISSING else plain(default)
        others = values_of(field.kind, name, given.get(name))
        if name.endswith("activation") and default is not dataclasses.MISSING and name not in given:
            others = [value for value in others if value not in OF_ACTIVATION_ITSELF]
        if "recurrent_initializer" in record.fields and name.endswith("activation"):
            others = [value for value in others if value in BOUNDED or (name == "activation" and value in SLOW)]
        values = [first, *(value for value in others if value != first)]
        if len(values) > 1:
            yield Dimension(name, tuple(_distinct(values)[:MOST_VALUES]))


def defaults_of(made: Any) -> dict[str, Any]:
    """The arguments of a class with their defaults, as a case has them; none where there is no class."""
    fields = () if made is None else dataclasses.fields(made)
    return {one.name: plain(one.default) for one in fields if one.default is not dataclasses.MISSING}


def plain(value: Any) -> Any:
    """Tuples as lists, as a case has them."""
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _distinct(values: list[Any]) -> list[Any]:
    """Each value once; 1 and True are two."""
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(repr(value), value)
    return list(found.values())


def is_axis(name: str) -> bool:
    """Whether an argument of this name counts axes."""
    return "axis" in name or "axes" in name


def values_of(kind: kinds.Kind, name: str, given: Any = None) -> list[Any]:
    """A few values of a kind that are worth drawing; none of a text or of what only one framework reads."""
    match kind:
        case kinds.Null():
            return [None]
        case kinds.Truth():
            return [False, True]
        case kinds.Choice():
            return list(kind.options)
        case kinds.Integer():
            if is_axis(name):
                return [-1, 1, -2, 2, 3, -3]
            return sorted({1, 2, 3, 4} | ({kind.at_least} if kind.at_least is not None else set()))
        case kinds.Number():
            numbers = [0.0, 0.25, 1.0, 3.0, -0.5]
            if name == "epsilon":
                numbers = numbers[1:]  # without it 0 / 0 is asked, of constant rows and of masked ones
            if name.endswith(("dropout", "smoothing")):
                numbers = numbers[:3]  # what no share is, is cut off, refused or passed over, each somewhere else
            return [number for number in numbers if kind.at_least is None or number >= kind.at_least]
        case kinds.Row():
            if "range" in name:
                return [[0.0, 1.0], [-1.0, 3.0]]  # of no length it is divided by: there is no answer
            return [_row(kind, start, name) for start in range(2)]
        case kinds.ListOf():
            return _lists(name, given)
        case kinds.Either():
            return [value for one in kind.kinds for value in values_of(one, name, given)]
        case kinds.LayerOf():
            return _layers(name, given)
    return []


def _row(kind: kinds.Row, start: int, name: str) -> list[Any]:
    """One of few rows: other numbers at each place, so that no two axes can be mistaken for each other."""
    found: list[Any] = []
    for place, item in enumerate(kind.items):
        if isinstance(item, kinds.Row):
            found.append(_row(item, start + place, name))
            continue
        values = [value for value in values_of(item, name) if isinstance(value, int)]
        found.append(values[(start + place) % min(3, len(values))] if values else 1)
    return found


def _lists(name: str, given: Any) -> list[Any]:
    if is_axis(name):
        return [[-1], [1], [1, 2], [-2, -1], [2, 1]]
    if isinstance(given, list) and all(isinstance(item, int) for item in given):
        return [list(order) for order in permutations(given)][:4]
    return []


def _layers(name: str, given: Any) -> list[Any]:
    """Layers that can stand where this one stands: the same with each argument varied, those that run alike, and those
    that are asked only within another.
    """
    if not isinstance(given, Mapping) or given.get("type") not in types():
        return []
    inner = types()[given["type"]]
    arguments = {key: value for key, value in given.items() if key != "type"}
    found: list[Any] = [given]
    for kind, layer in types().items():
        if kind == given["type"] or layer.is_recurrent != inner.is_recurrent:
            continue
        if layer.written_as_case != inner.written_as_case:  # a cell stands where a cell does, and nowhere else
            continue
        takes = {field.name for field in dataclasses.fields(layer)}  # type: ignore[arg-type]  # made one
        if set(arguments) <= takes and arguments and (layer.written_as_case or len(layer.example.inputs) == 1):
            found.append({"type": kind, **arguments})
    record = record_of(given["type"])
    if record is not None:
        for key, field in record.fields.items():
            if isinstance(field.kind, kinds.Truth) and key != "trainable":
                found.append({**given, key: True})
    return [*found, *(within for within in _asked_within(name) if within not in found)]


def _asked_within(name: str) -> Iterator[Mapping[str, Any]]:
    """Layers that are asked as this argument of another: cells, stacked ones too."""
    for layer in types().values():
        if layer.asked_within is not None:
            try:
                config = read_layer(layer.asked_within.layer, None).config
            except ConformanceError:
                continue
            inner = config.get(name)
            if isinstance(inner, Mapping) and inner.get("type") in types():
                yield inner


def _inputs(
    kind: str, config: Mapping[str, Any], names: tuple[str, ...], shapes: tuple[tuple[int, ...], ...]
) -> Iterator[Dimension]:
    layer = types()[kind]
    lengths = {name: list(shape) for name, shape in zip(names, shapes, strict=True)}
    usual = [numbers(kind, config, name, lengths) for name in names]
    yield Dimension("shape", SHAPES[:4] if layer.input_axis_names else SHAPES)
    if all(drawn == ("float32", None) for drawn in usual):
        yield Dimension("numbers", tuple(FILLS))
    elif any(set(fill or ()) == {"uniform"} for _, fill in usual):
        yield Dimension("numbers", ENDS)
    yield Dimension("batch", BATCHES)
    yield Dimension("open axis", (False, True))
    parameters = call_parameters(kind)
    if shapes and len(shapes[0]) in _of_sequences(kind) and usual[0] == ("float32", None):
        yield Dimension("mask", MASKS)
        yield Dimension("beneath the mask", ("zeros", "numbers", "nan", "inf"))
        if len(shapes) > 1:
            yield Dimension("masked inputs", ("the first", "the last", "all"))
        if "mask" in parameters and layer.takes_list != (2, None):  # what merges reads the masks of its inputs alone
            yield Dimension("mask comes", ("by a layer", "as an argument"))
    if takes_training(kind) and not is_random(kind, config):
        yield Dimension("training", (False, True))
        yield Dimension("called", CALLS)
    for name in (*flags(kind), *optional_inputs(kind, len(shapes))):
        yield Dimension(name, (False, True))
    if "initial_state" in parameters and states_after(kind, config, (BATCHES[0], *shapes[0])):
        yield Dimension("initial_state", (False, True))
    if "attention_mask" in parameters:
        yield Dimension("attention_mask", MASKS)


def _of_sequences(kind: str) -> tuple[int, ...]:
    """Of how many axes an example is that masks are drawn for: vectors become sequences where any rank will do."""
    return (2,) if types()[kind].input_axis_names else (1, 2)


def flags(kind: str) -> tuple[str, ...]:
    """What the call of a layer takes that is yes or no, but for `training`, and `reverse`, which wants other inputs."""
    call = inspect.signature(types()[kind].call).parameters
    left_out = ("training", "reverse")
    return tuple(name for name, one in call.items() if isinstance(one.default, bool) and name not in left_out)


def optional_inputs(kind: str, count: int) -> tuple[str, ...]:
    """What may follow the inputs of a layer's example: the weights of samples, a key that is not the value."""
    if takes_list(kind):
        return ()
    try:
        return input_names(kind, count + 1)[count:]
    except ConformanceError:
        return ()


def built(space: Space, varied: Mapping[str, Any]) -> Draft:
    """The draft of a layer with what is drawn otherwise than usual, by the dimension's name."""
    config = {**space.config, **{name: varied[name] for name in varied if name in _names(space.arguments)}}
    kind = space.type
    shapes = [_shaped(shape, varied.get("shape", USUAL)) for shape in space.shapes]
    if varied.get("mask", MASKS[0]) != MASKS[0]:
        shapes = [_shaped(shape, "an axis more") if len(shape) == 1 else shape for shape in shapes]
    more = [name for name in optional_inputs(kind, len(shapes)) if varied.get(name)]
    shapes += [() if name == "sample_weight" else shapes[-1] for name in more]
    names = input_names(kind, len(shapes))
    lengths = {name: list(shape) for name, shape in zip(names, shapes, strict=True)}
    batch = varied.get("batch", BATCHES[0])
    masked = _masked(varied, len(space.shapes))
    inputs = []
    for index, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        dtype, fill = numbers(kind, config, name, lengths)
        is_own = (dtype, fill) != ("float32", None)
        if is_own:
            fill = _at_end(fill, varied.get("numbers", USUAL))
        else:
            dtype, fill = FILLS.get(varied.get("numbers", USUAL), FILLS[USUAL])
        mask = _mask(varied, shape, batch) if index in masked else None
        if mask is not None and mask.carried == "layer" and dtype != "float32":
            mask = None  # Masking itself promises floats of integers, which is listed, and hides what comes after it
        inputs.append(Input(name, shape, dtype, fill, mask, is_own))
    arguments: dict[str, Any] = {"training": True} if varied.get("training") else {}
    arguments |= {name: True for name in flags(kind) if varied.get(name)}
    called = varied.get("called", CALLS[0])
    if is_random(kind, config):
        arguments.pop("training", None)
        called = CALLS[0]
    given = _given(space, config, varied, shapes, batch)
    call = Call(
        "y",
        "layer",
        names,
        takes_list(kind),
        arguments,
        {name: tuple(one.name for one in held) for name, held in given},
    )
    before = replace(call, name="before", arguments=arguments | ({"training": True} if called == CALLS[2] else {}))
    varied = {name: value for name, value in varied.items() if name != "mask" or any(one.mask for one in inputs)}
    is_open = bool(varied.get("open axis")) and not given and all(one.mask is None for one in inputs)
    if config.get("data_format") == "channels_first":
        is_open = False  # the first axis is that of the channels, which weights are as long as
    return Draft(
        inputs=(*inputs, *(one for _, held in given for one in held)),
        layers=(Layer("layer", kind, config),),
        calls=(call,) if called == CALLS[0] else (before, call),
        batch=batch,
        is_open=is_open,
        varied=tuple((space.label(one), varied[one.name]) for one in space.dimensions if one.name in varied),
    )


Given: TypeAlias = "list[tuple[str, list[Input]]]"
"""Arguments of a call and the inputs that they are."""


def _given(
    space: Space, config: Mapping[str, Any], varied: Mapping[str, Any], shapes: Sequence[tuple[int, ...]], batch: int
) -> Given:
    """The arguments that are inputs: the states to begin with, which query sees which key."""
    found: Given = []
    if varied.get("initial_state"):
        states = states_after(space.type, config, (max(batch, 1), *shapes[0]))
        held = [Input(f"state{number}", shape[1:]) for number, shape in enumerate(states, 1)]
        found += [("initial_state", held)] if held else []
    how = varied.get("attention_mask", MASKS[0])
    if how != MASKS[0] and len(shapes[0]) == 2 and batch:
        queries, keys = shapes[0][0], shapes[1][0]
        rows = [[list(_mask_row(how, row + query, keys)) for query in range(queries)] for row in range(batch)]
        found.append(("attention_mask", [Input("sees", (queries, keys), "bool", {"values": rows}, is_own=True)]))
    return found


def _masked(varied: Mapping[str, Any], count: int) -> tuple[int, ...]:
    """Which inputs are masked, by their places."""
    match varied.get("masked inputs"):
        case "the last":
            return (count - 1,)
        case "all":
            return tuple(range(count))
    return (0,)


def _names(dimensions: tuple[Dimension, ...]) -> set[str]:
    return {one.name for one in dimensions}


def _shaped(shape: tuple[int, ...], how: str) -> tuple[int, ...]:
    match how:
        case "ones":
            return tuple(1 for _ in shape)
        case "longer":
            return (*(length + 4 for length in shape[:-1]), *shape[-1:])
        case "last longer":
            return (*shape[:-1], *(length + 2 for length in shape[-1:]))
        case "an axis more":
            return (4, *shape)
        case "an axis fewer":
            return shape[1:]
    return shape


_END = 1e-5
"""How much of a range of probabilities is its end; of another range a thousand times as much is."""


def _at_end(fill: Any, how: str) -> Any:
    """The numbers of a layer's own range, or those at an end of it; what lies between 0 and 1 is a probability."""
    if how == USUAL or set(fill or ()) != {"uniform"}:
        return fill
    low, high = fill["uniform"]
    is_probability = low >= 0 and high <= 1
    low, high = (0.0, 1.0) if is_probability else (low, high)
    width = (high - low) * (_END if is_probability else 1000 * _END)
    return {"uniform": [low, low + width] if how == ENDS[1] else [high - width, high]}


def _mask(varied: Mapping[str, Any], shape: tuple[int, ...], batch: int) -> Mask | None:
    how = varied.get("mask", "none")
    if how == "none" or len(shape) < 2 or not batch:
        return None
    is_argument = varied.get("mask comes") == "as an argument"
    if not is_argument and FILLS.get(varied.get("numbers", USUAL), FILLS[USUAL])[0] != "float32":
        return None  # `Masking` in front of the layer promises floats of integers, and would be all that is seen
    steps = shape[0]
    rows = tuple(_mask_row(how, row, steps) for row in range(batch))
    beneath = varied.get("beneath the mask", "zeros")
    if is_argument:
        return Mask(rows, "argument", "zeros" if beneath == "numbers" else beneath)  # numbers stand there anyway
    return Mask(rows, "layer", "numbers" if beneath == "numbers" else "zeros")


def _mask_row(how: str, row: int, steps: int) -> tuple[int, ...]:
    real = max(steps - 1 - (1, 0, 2)[row % 3], 0)  # neither the first nor the last row is the longest
    match how:
        case "left":
            return tuple(int(step >= steps - real) for step in range(steps))
        case "holes":
            return tuple(int(step % (row + 2) != row % 2) for step in range(steps))
        case "an empty row":
            return (0,) * steps if row == 0 else (1,) * steps
        case "all false":
            return (0,) * steps
    return tuple(int(step < real) for step in range(steps))
