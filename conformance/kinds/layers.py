"""What is asked of every layer that takes numbers: dtypes, batches, lengths, both ends of the range, masks, modes.

Which of these a layer is asked follows from its traits and from what its call takes; no layer is named here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from conformance.ask.meaning import call_parameters, input_names, numbers, takes_list, takes_training
from conformance.ask.write import snake
from conformance.campaign.draft import Layer
from conformance.campaign.shapes import shape_after
from conformance.campaign.space import Space, space_of
from conformance.case.draws import is_random
from conformance.case.layers import types
from conformance.kinds.model import BATCH, LAYER, MASKING, RESULT, TIES, USUAL_BATCH, Cell

FLOATS = ("float32", None)
"""Dtype and fill of an input that takes any numbers."""
ENDS = (0.0, -1.0e-37, 1.0e15, 88.5, -1.0e15, 1.0, -0.0, -104.0, 1.0e-37, -1.0)
"""So large that squares still have sums, so small that nothing is flushed to 0, near the ends of the exponential
(88.7 and -103.3), and both zeros."""
LONGER = 2
"""How much longer an open axis is in the second run."""
WHOLE, TRUTHS, BYTES = ({"integers": [-3, 4]}, {"integers": [0, 2]}, {"integers": [0, 256]})
OPEN = ("steps", "more_steps", "other_steps", "last_steps")
"""Open axes, by the lengths that they have at first: axes of one length are one axis."""
MASK = "real"
INSIDE = 4
"""Steps that a wrapper puts in front of what it wraps."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer as its example has it: its arguments, and its inputs with shape (without the batch), dtype and fill."""

    kind: str
    config: Mapping[str, Any]
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    drawn: tuple[tuple[str, Any], ...]
    draws: bool
    """Whether it draws in training, so that it is asked outside of it alone."""

    @property
    def takes_numbers(self) -> bool:
        """Whether every input takes any numbers."""
        return all(one == FLOATS for one in self.drawn)

    @property
    def lanes(self) -> tuple[str, ...]:
        return ("numpy", "keras") if types()[self.kind].without_port else ()

    @property
    def is_image(self) -> bool:
        return "height" in types()[self.kind].input_axis_names


def asked(kind: str) -> Asked | None:
    """The layer as its example has it; None for one that cannot be asked in one line."""
    space = space_of(kind)
    if space is None:
        return None
    names = input_names(kind, len(space.shapes))
    lengths = {name: list(shape) for name, shape in zip(names, space.shapes, strict=True)}
    drawn = tuple(numbers(kind, space.config, name, lengths) for name in names)
    return Asked(kind, space.config, names, space.shapes, drawn, _draws(space))


def _draws(space: Space) -> bool:
    """Whether there is no single answer in training: by its arguments, or because the reference finds none."""
    if is_random(space.type, space.config):
        return True
    shapes = [(USUAL_BATCH, *shape) for shape in space.shapes]
    layer = Layer(LAYER, space.type, space.config)
    return takes_training(space.type) and shape_after(layer, shapes, takes_list(space.type)) is None


def given(shape: Sequence[Any], drawn: tuple[str, Any]) -> dict[str, Any]:
    """An input as a case writes it, with the batch before its shape."""
    dtype, fill = drawn
    spec: dict[str, Any] = {"shape": [BATCH, *shape]}
    spec |= {"dtype": dtype} if dtype != "float32" else {}
    return spec | ({"fill": fill} if fill is not None else {})


def called(one: Asked, extra: str = "", names: Sequence[str] = ()) -> str:
    """The call of the layer on its inputs."""
    inside = ", ".join(names or one.names)
    extra += ", training=False" if one.draws and "training=" not in extra else ""
    return f"{LAYER}({f'[{inside}]' if takes_list(one.kind) else inside}{extra})"


def cell(one: Asked, name: str, question: str, drawn: Sequence[tuple[str, Any]] = (), **changes: Any) -> Cell:
    """A cell with the layer's usual inputs, or with other numbers in them."""
    inputs = {
        word: given(shape, how) for word, shape, how in zip(one.names, one.shapes, drawn or one.drawn, strict=True)
    }
    made = Cell(
        name=name,
        question=question,
        inputs=inputs,
        layers={LAYER: {"type": one.kind, **one.config}},
        graph={RESULT: called(one)},
        lanes=one.lanes,
    )
    return replace(made, **changes)


def cells(kind: str) -> Iterator[Cell]:
    """Every cell of a layer, in order."""
    one = asked(kind)
    if one is None:
        return
    yield from _numbers(one)
    yield from _batches(one)
    yield from _lengths(one)
    yield from _masks(one)
    yield from _modes(one)


def _numbers(one: Asked) -> Iterator[Cell]:
    if not one.takes_numbers:
        return
    kinds = [("integers", "int32", WHOLE), ("booleans", "bool", TRUTHS)]
    kinds += [("bytes", "uint8", BYTES)] if one.is_image else []
    for name, dtype, fill in kinds:
        question = f"What does {one.kind} make of {'bytes' if name == 'bytes' else name}?"
        yield cell(one, name, question, [(dtype, fill)] * len(one.names), no_gradients=TIES)
    ends = [
        ("float32", {"values": nested(ENDS, (USUAL_BATCH, *shape), 3 * place)})
        for place, shape in enumerate(one.shapes)
    ]
    question = f"What does {one.kind} make of numbers at both ends of the range?"
    yield cell(
        one, "ends_of_the_range", question, ends, no_gradients="at both ends of the range slopes are 0 or infinite"
    )


def nested(numbers: Sequence[Any], shape: Sequence[int], start: int = 0) -> Any:
    """These numbers, over and over, as nested lists of a shape."""
    if not shape:
        return numbers[start % len(numbers)]
    size = prod(shape[1:])
    return [nested(numbers, shape[1:], start + index * size) for index in range(shape[0])]


def _batches(one: Asked) -> Iterator[Cell]:
    yield cell(one, "batch_of_none", f"What does {one.kind} make of a batch of no samples?", dims={BATCH: 0})
    yield cell(one, "batches", f"What does {one.kind} make of one sample, and of three?", dims={BATCH: [1, 3]})


def _lengths(one: Asked) -> Iterator[Cell]:
    """Every axis open that is neither the batch nor the last, which weights are made for."""
    lengths = list(dict.fromkeys(length for shape in one.shapes for length in shape[:-1]))
    if not lengths:
        return
    words = dict(zip(lengths, OPEN, strict=False))
    dims = {BATCH: USUAL_BATCH, **{word: [length, length + LONGER] for length, word in words.items()}}
    shapes = [[*(words[length] for length in shape[:-1]), *shape[-1:]] for shape in one.shapes]
    inputs = {name: given(shape, how) for name, shape, how in zip(one.names, shapes, one.drawn, strict=True)}
    question = f"Does {one.kind} take {'several axes' if len(words) > 1 else 'an axis'} of open length?"
    yield cell(one, "open_lengths", question, inputs=inputs, dims=dims, dynamic=tuple(words.values()))


def _masks(one: Asked) -> Iterator[Cell]:
    """Masks of steps: by a layer in front, and as an argument where the call takes one."""
    if len(one.shapes[0]) != 2 or one.drawn[0] != FLOATS:
        return
    first, steps = one.names[0], one.shapes[0][0]
    usual = cell(one, "", "").inputs
    rows = [[int(step < steps - 1 - row) for step in range(steps)] for row in range(USUAL_BATCH)]
    empty = [[0] * steps, [1] * steps]
    for name, real, words in (("masked", rows, "masked steps"), ("masked_row", empty, "a sample without any step")):
        inputs = {**usual, MASK: {"shape": [BATCH, steps], "fill": {"values": real}}}
        graph = {"_masked": f"masking({first} * expand_dims({MASK}, -1))"}
        graph |= {RESULT: called(one, names=("_masked", *one.names[1:]))}
        layers = {LAYER: {"type": one.kind, **one.config}, "masking": {"type": MASKING}}
        question = f"What does {one.kind} make of {words}?"
        yield cell(one, name, question, inputs=inputs, graph=graph, layers=layers, no_gradients=TIES)
    if "mask" not in call_parameters(one.kind):
        return
    word = f"[{', '.join([MASK, *('None' for _ in one.names[1:])])}]" if takes_list(one.kind) else MASK
    graph = {RESULT: called(one, f", mask={word}")}
    ways: list[tuple[str, str, list[list[int]], Any]] = [
        ("mask_of_floats", "a mask of floats", rows, "float32"),
        ("mask_of_integers", "a mask of integers", rows, "int32"),
        ("mask_of_one_row", "one row of mask for all samples", rows[:1], "bool"),
    ]
    for name, words, real, dtype in ways:
        spec = {"shape": [len(real), steps], "dtype": dtype, "fill": {"values": real}}
        question = f"What does {one.kind} make of {words}?"
        yield cell(one, name, question, inputs={**usual, MASK: spec}, graph=graph)
    spec = {"shape": [BATCH, steps], "dtype": "bool", "fill": {"values": rows}}
    for name, spoilt, what in (("nan_beneath", math.nan, "NaN"), ("infinite_beneath", math.inf, "infinities")):
        numbers = _spoilt(one.shapes[0], rows, spoilt)
        inputs = {**usual, first: {"shape": [BATCH, *one.shapes[0]], "fill": {"values": numbers}}, MASK: spec}
        question = f"Does {one.kind} keep {what} beneath a mask out?"
        yield cell(one, name, question, inputs=inputs, graph=graph, no_gradients=TIES)


def _spoilt(shape: Sequence[int], rows: Sequence[Sequence[int]], spoilt: float) -> Any:
    """Numbers of a sequence, with what must not be heard where its rows have 0."""
    whole = nested([0.25, -1.5, 0.75, 2.0, -0.5, 1.25, -2.25], (len(rows), *shape))
    return [
        [numbers if real else [spoilt] * len(numbers) for numbers, real in zip(steps, row, strict=True)]
        for steps, row in zip(whole, rows, strict=True)
    ]


def _modes(one: Asked) -> Iterator[Cell]:
    """`training=` said to the layer itself, and through every layer that can hold it."""
    if not takes_training(one.kind) and not types()[one.kind].is_recurrent:
        return
    modes = [False] if one.draws else [False, True]
    for training in modes:
        how = "in_training" if training else "outside_training"
        words = "in training" if training else "outside of training"
        if takes_training(one.kind):
            graph = {RESULT: called(one, f", training={training}")}
            yield cell(one, how, f"What does {one.kind} do {words}?", graph=graph)
        for wrapper, inner in _wrapped(one):
            shape = (INSIDE, *one.shapes[0]) if types()[wrapper].holds == "any" else one.shapes[0]
            yield cell(
                one,
                f"{how}_inside_{snake(wrapper)}",
                f"Does {one.kind} inside {wrapper} hear that it is {words}?",
                inputs={one.names[0]: given(shape, one.drawn[0])},
                layers={LAYER: {"type": wrapper, **inner}},
                graph={RESULT: f"{LAYER}({one.names[0]}, training={training})"},
            )


def _wrapped(one: Asked) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Layers that can hold this one, each with the argument that holds it."""
    layer = {"type": one.kind, **one.config}
    if len(one.names) != 1 or takes_list(one.kind) or "layer" in one.config:
        return
    is_recurrent = types()[one.kind].is_recurrent and len(one.shapes[0]) == 2 and "cell" not in one.config
    taken = {"any": True, "recurrent": is_recurrent, "images": one.is_image}
    for kind, wrapper in sorted(types().items(), key=lambda item: item[1].holds):
        if taken.get(wrapper.holds):
            yield kind, {"layers": [layer]} if wrapper.holds == "images" else {"layer": layer}
