"""A dense layer whose sums are written as an equation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .conv import KERNEL_AND_BIAS, no_bias
from .core import LINEAR_LINE
from .invariants import OF_ACTIVATION
from .traits import asked, called

_FORMS = tuple(
    re.compile(form)
    for form in (r"(\w+),(\w+)->(\w+)", r"\.{3}(\w+),(\w+)->\.{3}(\w+)", r"(\w+)\.{3},(\w+)->(\w+)\.{3}")
)
"""Without axes that stay unnamed, with them at the start, and at the end."""


@dataclass(frozen=True, slots=True)
class Axes:
    """An equation read for an input of some rank, each axis with a letter of its own, those of `...` included."""

    inputs: str
    kernel: str
    output: str
    hidden: str
    """The letters of `...`."""

    @property
    def equation(self) -> str:
        return f"{self.inputs},{self.kernel}->{self.output}"


def _bias_last(layer: Any, w: Weights, x: Array) -> Array:
    y = activate(layer.activation, np.einsum(layer.axes(x.ndim).equation, x, w.kernel))
    return y + w.bias if layer.bias_axes else y


class EinsumDense(Layer):
    """activation(einsum(equation, x, kernel) + bias): which axes are summed, kept and made new is said in letters.

    x: an axis for each letter before the comma, the batch first; returns those after the arrow. Letters of the kernel
    that x does not have get their lengths from `output_shape`, which leaves out the batch and what `...` stands for.
    bias: the axes named in `bias_axes`, with length 1 for others behind them. Einstein's summation convention, 1916.
    """

    arithmetic = "rounds"
    native = called("einsum")
    also_modules = ("Linear", "Conv1D")
    layout = "linear"
    example = asked("EinsumDense('abc,cd->abd', (None, 7), bias_axes='d')", "5,3")

    keras_only: ClassVar[tuple[str, ...]] = KERNEL_AND_BIAS

    equation: str = arg("`x,kernel->output` in letters; `...` for axes at the start, or at the end, that stay.")
    output_shape: int | tuple[int | None, ...] = arg("Lengths of the output's axes; null for one that x decides.")
    invariants = OF_ACTIVATION
    activation: Activation = arg("Applied to the sums.", default=None)
    bias_axes: str | None = arg("Axes of the output along which the bias differs; null for no bias.", default=None)

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Letters of input, kernel and output, and where `...` stands: `start`, `end` or nowhere."""
        for form, place in zip(_FORMS, ("", "start", "end"), strict=True):
            found = form.fullmatch(self.equation.replace(" ", ""))
            if found:
                return (*found.groups(), place)  # type: ignore[return-value]  # three groups each
        raise LayerError(f"equation {self.equation} has none of the forms ab,bc->ac, ...b,bc->...c and ab...,bc->ac...")

    def check(self) -> None:
        _, _, output, _ = self.parts
        if not set(self.bias_axes or "") <= set(output):
            raise LayerError(f"bias_axes={self.bias_axes} names axes that the output {output} does not have")

    def axes(self, rank: int) -> Axes:
        """The equation for an input of so many axes. Raises LayerError where it has not as many."""
        inputs, kernel, output, place = self.parts
        free = (letter for letter in "ABCDEFGHIJKLMNOP" if letter not in inputs + kernel + output)
        missing = rank - len(inputs)
        if missing < (1 if place == "start" else 0) or (missing and not place):
            raise LayerError(f"equation {self.equation} does not fit an input of {rank} axes")
        hidden = "".join(next(free) for _ in range(missing))
        if place == "start":
            return Axes(hidden + inputs, kernel, hidden + output, hidden)
        return Axes(inputs + hidden, kernel, output + hidden, hidden)

    def sizes(self, shape: Shape) -> Mapping[str, int]:
        """The length of each letter. Raises LayerError where input and output_shape do not agree."""
        axes = self.axes(len(shape))
        sizes = dict(zip(axes.inputs, shape, strict=True))
        given = (self.output_shape,) if isinstance(self.output_shape, int) else self.output_shape
        named = [letter for letter in axes.output[1:] if letter not in axes.hidden]
        for letter, size in zip(named, given, strict=False):
            if size is not None and sizes.setdefault(letter, size) != size:
                raise LayerError(f"axis {letter} has length {sizes[letter]} in the input and {size} in output_shape")
        unknown = [letter for letter in axes.kernel + axes.output if letter not in sizes]
        if unknown or len(named) != len(given):
            raise LayerError(f"output_shape={self.output_shape} does not say how long the axes of {self.equation} are")
        return sizes

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        axes, sizes = self.axes(len(shape)), self.sizes(shape)
        kernel = {"kernel": Weight(tuple(sizes[letter] for letter in axes.kernel))}
        if not self.bias_axes:
            return kernel
        first = min(axes.output.index(letter) for letter in self.bias_axes)
        lengths = (sizes[letter] if letter in self.bias_axes else 1 for letter in axes.output[first:])
        return {**kernel, "bias": Weight(tuple(lengths), "bias")}

    def fan_axes(self, key: str, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        if key != "kernel":
            return None
        _, kernel, output, _ = self.parts
        outputs = tuple(place for place, letter in enumerate(kernel) if letter in output)
        return tuple(place for place in range(len(kernel)) if place not in outputs), outputs

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        sizes = self.sizes(shapes[0])
        axes = self.axes(len(shapes[0]))
        return math.prod(sizes[letter] for letter in set(axes.inputs) | set(axes.kernel) if letter not in axes.output)

    def call(self, w: Weights, x: Array) -> Array:
        self.sizes(x.shape)
        y = np.einsum(self.axes(x.ndim).equation, x, w.kernel)
        return activate(self.activation, y + w.bias if self.bias_axes else y)

    @property
    def use_bias(self) -> bool:
        return bool(self.bias_axes)

    def rule(self, shape: Shape) -> str:
        axes, sizes = self.axes(len(shape)), self.sizes(shape)
        summed = [letter for letter in dict.fromkeys(axes.inputs + axes.kernel) if letter not in axes.output]
        over = ", ".join(f"{letter} of {sizes[letter]}" for letter in summed) or "nothing"
        kept = ", ".join(f"{letter} of {sizes[letter]}" for letter in axes.output)
        return f"{axes.equation}: sums over {over}; the output has {kept}"

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return (LINEAR_LINE,)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("no_bias", "leaves the bias out", weights=no_bias),
        Mutant("bias_after_activation", "adds the bias after the activation", methods={"call": _bias_last}),
        Mutant("no_activation", "leaves the activation out", config=lambda layer: {"activation": None}),
        Mutant(
            "kernel_backwards",
            "keeps the kernel's numbers with its axes in the other order, as torch's linear does",
            weights=lambda layer, weights: {
                "kernel": np.reshape(np.transpose(weights["kernel"]), weights["kernel"].shape)
            },
        ),
        Mutant(
            "bias_of_the_last_axis",
            "takes one bias for all axes but the last",
            weights=lambda layer, weights: (
                {"bias": 0.0 * weights["bias"] + np.reshape(weights["bias"], (-1, weights["bias"].shape[-1]))[0]}
                if layer.bias_axes
                else {}
            ),
        ),
    )
