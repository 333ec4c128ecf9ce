"""Layers that only move numbers: Flatten, Reshape, Permute, RepeatVector, UpSampling1D.

All read and write in row-major order, the last axis fastest. None passes a mask on. Rules: the layers' documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .traits import FEATURES, asked, called, composed
from .windows import DataFormat


class _Moving(Layer):
    """A layer without sums: nothing can pile up."""

    arithmetic = "moves"

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1


def other_format(layer: Any) -> dict[str, str]:
    return {"data_format": "channels_first" if layer.data_format == "channels_last" else "channels_last"}


def _column_major(layer: Any, y: Array, args: list[Any]) -> Array:
    """The same numbers, read with the first axis after the batch fastest."""
    x = args[0]
    return np.reshape(np.transpose(x, (0, *range(x.ndim - 1, 0, -1))), y.shape)


def _channels_first(layer: Any, output: Any, args: list[Any]) -> Any:
    x = args[0]
    axes = (0, np.ndim(x) - 1, *range(1, np.ndim(x) - 1))
    return np.reshape(np.transpose(x, axes), np.shape(output))


_PORTED_ORDER = (
    Mutant(
        "channels_first_order",
        "flattens channels, rows, columns, as torch lays them out, where the model flattens rows, columns, channels",
        output=_channels_first,
    ),
)
_FLATTENED = ("x.permute(0, 2, 3, 1).flatten(1)  # the model's order: rows, columns, channels",)


class Flatten(_Moving):
    """All axes after the batch in one.

    x: (batch, ...). Returns (batch, product of the rest); (batch,) becomes (batch, 1). `channels_first` moves axis 1 to
    the end before, so that the result is that of the same data with the channels last.
    """

    native = called("nn.Flatten")
    example = asked("Flatten", "5,3")
    porting = _PORTED_ORDER

    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")

    def call(self, w: Weights, x: Array) -> Array:
        if self.data_format == "channels_first" and x.ndim > 2:
            x = np.moveaxis(x, 1, -1)
        return np.reshape(x, (x.shape[0], math.prod(x.shape[1:])))

    def rule(self, shape: Shape) -> str:
        return f"{' * '.join(map(str, shape[1:])) or 1} = {math.prod(shape[1:])}"

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return _FLATTENED

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("other_data_format", "moves the channels where they are not", config=other_format),
        Mutant(
            "ignores_data_format",
            "leaves the channels where they are",
            config=lambda layer: {"data_format": "channels_last"},
        ),
        Mutant("column_major", "reads the first axis fastest", output=_column_major),
    )


class Reshape(_Moving):
    """The same numbers in the same order under another shape; the batch stays.

    x: (batch, ...). Returns (batch, *target_shape); one entry of it may be -1, which the others decide.
    """

    native = called("reshape")
    example = asked("Reshape((3, 5))", "15")
    porting = _PORTED_ORDER

    target_shape: tuple[int, ...] = arg("The shape without the batch.")

    def check(self) -> None:
        if sum(size == -1 for size in self.target_shape) > 1:
            raise LayerError(f"target_shape={self.target_shape} has more than one unknown length")

    def call(self, w: Weights, x: Array) -> Array:
        return np.reshape(x, (x.shape[0], *self.target(x.shape)))

    def target(self, shape: Shape) -> Shape:
        """The target shape with -1 replaced. Raises LayerError where the numbers do not come out."""
        have, known = math.prod(shape[1:]), math.prod(size for size in self.target_shape if size != -1)
        has_unknown = -1 in self.target_shape
        if (has_unknown and (known == 0 or have % known)) or (not has_unknown and have != known):
            raise LayerError(f"{have} numbers do not fill the shape {self.target_shape}")
        return tuple(have // known if size == -1 else size for size in self.target_shape)

    def rule(self, shape: Shape) -> str:
        sizes = (" * ".join(map(str, part)) or "1" for part in (shape[1:], self.target(shape)))
        return f"{' = '.join(sizes)} = {math.prod(shape[1:])}"

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return _FLATTENED

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("column_major", "reads the first axis fastest", output=_column_major),
        Mutant(
            "column_by_column",
            "reads and fills column by column, the first axis fastest, as Fortran does",
            output=lambda layer, y, args: np.transpose(np.reshape(np.transpose(args[0]), y.shape[::-1])),
        ),
        Mutant(
            "fills_columns",
            "writes the first axis fastest",
            output=lambda layer, y, args: np.transpose(
                np.reshape(args[0], (y.shape[0], *y.shape[:0:-1])), (0, *range(y.ndim - 1, 0, -1))
            ),
        ),
    )


class Permute(_Moving):
    """Axis i of the output is axis dims[i] of the input, counted from 1; the batch stays.

    x: (batch, n1, ..., nk) for k dims. Returns (batch, n[dims[0]], ..., n[dims[k-1]]).
    """

    native = called("permute")
    example = asked("Permute((2, 1))", "5,3")

    dims: tuple[int, ...] = arg("The input's axes in their new order, counted from 1.")

    def check(self) -> None:
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise LayerError(f"dims={self.dims} is not an order of 1 .. {len(self.dims)}")

    def call(self, w: Weights, x: Array) -> Array:
        if x.ndim != len(self.dims) + 1:
            raise LayerError(f"dims={self.dims} needs {len(self.dims)} axes after the batch, not the shape {x.shape}")
        return np.transpose(x, (0, *self.dims))

    def rule(self, shape: Shape) -> str:
        return ", ".join(f"axis {to} is axis {axis} of {shape[axis]}" for to, axis in enumerate(self.dims, 1))

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "inverse",
            "takes dims for where each axis goes, not for where it comes from",
            config=lambda layer: {"dims": tuple(int(axis) + 1 for axis in np.argsort(layer.dims))},
        ),
        Mutant(
            "reshaped",
            "gives the right shape to numbers in the old order",
            output=lambda layer, y, args: np.reshape(args[0], y.shape),
        ),
    )


class RepeatVector(_Moving):
    """The same vector n times, as n steps. x: (batch, features). Returns (batch, n, features)."""

    input_axis_names = ("features",)
    native = composed("x.unsqueeze(1).repeat(1, n, 1)")
    example = asked("RepeatVector(5)", "3")

    n: int = arg("Number of steps.", at_least=1)

    def call(self, w: Weights, x: Array) -> Array:
        if x.ndim != 2:
            raise LayerError(f"RepeatVector takes (batch, features), not the shape {x.shape}")
        return np.repeat(x[:, None, :], self.n, axis=1)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("one_more", "adds n copies to the one it has", config=lambda layer: {"n": layer.n + 1}),
        Mutant(
            "repeats_features",
            "repeats each feature, not the vector",
            output=lambda layer, y, args: np.reshape(np.repeat(args[0], layer.n, axis=1), y.shape),
        ),
    )


class UpSampling1D(_Moving):
    """Every step `size` times in a row. x: (batch, steps, features). Returns (batch, size steps, features)."""

    input_axis_names = FEATURES
    native = composed("x.repeat_interleave(size, dim=1)")
    example = asked("UpSampling1D", "5,3")

    size: int = arg("How often each step appears.", default=2, at_least=1)

    def call(self, w: Weights, x: Array) -> Array:
        if x.ndim != 3:
            raise LayerError(f"UpSampling1D takes three axes, not the shape {x.shape}")
        return np.repeat(x, self.size, axis=1)

    def rule(self, shape: Shape) -> str:
        return f"{self.size} * {shape[1]} = {self.size * shape[1]}"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "whole_sequence",
            "repeats the whole sequence, not each step",
            output=lambda layer, y, args: np.concatenate([args[0]] * layer.size, axis=1),
        ),
        Mutant(
            "interpolates",
            "draws a line between two steps",
            output=lambda layer, y, args: (y + np.concatenate([y[:, :1], y[:, :-1]], axis=1)) / 2.0,
        ),
    )
