"""Inner products between two tensors of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autograd.numpy as np

from .base import Array, Layer, LayerError, Mutant, Shape, Weights, arg
from .traits import Arithmetic, asked, composed

EPSILON = 1e-7
"""Lower bound of a norm that is divided by (documentation of `keras.ops.normalize`)."""


class Dot(Layer):
    """Inner products of two tensors along one axis each, sample by sample.

    The batch is axis 0 and is counted. x: (batch, ...), y: (batch, ...); the result has x's other axes, then y's:
    (2, 3, 5) and (2, 10, 3) with axes (1, 2) give (2, 5, 10). Two vectors a sample give (batch, 1). Carries no mask.
    """

    arithmetic = "linear"
    native = composed("torch.einsum('bi,bi->b', a, b).unsqueeze(1)")
    example = asked("Dot(axes=1)", "3", "3")
    takes_list = (2, 2)

    axes: int | tuple[int, int] = arg("the axis in both inputs, or one for each; may be negative")
    normalize: bool = arg("divide by the L2 norm along the axis first: the cosine", default=False)

    mutants = (
        Mutant("other_norm", "has normalize the wrong way", config=lambda layer: {"normalize": not layer.normalize}),
        Mutant(
            "normalizes_one_axis",
            "normalizes the second input along the axis of the first",
            config=lambda layer: {"normalize": False},
            inputs=lambda layer, args, kwargs: ([layer.unlike(args[0])] if layer.normalize else args, kwargs),
        ),
        Mutant("never_normalizes", "multiplies what it was given", config=lambda layer: {"normalize": False}),
        Mutant(
            "all_pairs",
            "takes products between the samples too",
            output=lambda layer, y, args: np.tensordot(*args[0], layer.axes_of(*map(np.shape, args[0]))),
        ),
        Mutant(
            "rank_1",
            "gives (batch,) for two vectors",
            output=lambda layer, y, args: y[:, 0] if np.shape(y)[1:] == (1,) else y,
        ),
        Mutant(
            "second_first",
            "puts the second input's axes first",
            inputs=lambda layer, args, kwargs: ([args[0][::-1]], kwargs),
            config=lambda layer: {"axes": layer.axes if isinstance(layer.axes, int) else layer.axes[::-1]},
        ),
    )

    def check(self) -> None:
        if not isinstance(self.axes, int) and len(self.axes) != 2:
            raise LayerError(f"axes takes one or two integers, not {len(self.axes)}")

    def computes(self) -> Arithmetic:
        return self.arithmetic if not self.normalize else "rounds"

    def call(self, w: Weights, inputs: Any) -> Array:
        if not isinstance(inputs, list | tuple) or len(inputs) != 2:
            raise LayerError("Dot takes exactly 2 inputs")
        x, y = inputs
        axis_x, axis_y = self._checked(np.shape(x), np.shape(y))
        if self.normalize:
            x, y = unit(x, axis_x), unit(y, axis_y)
        in_x, in_y = list(range(np.ndim(x))), [0, *range(np.ndim(x), np.ndim(x) + np.ndim(y) - 1)]
        in_y[axis_y] = in_x[axis_x]
        out = [axis for axis in [*in_x, *in_y[1:]] if axis != in_x[axis_x]]
        product = np.einsum(f"{letters(in_x)},{letters(in_y)}->{letters(out)}", x, y)
        return product if len(out) > 1 else np.expand_dims(product, 1)

    def unlike(self, inputs: Any) -> list[Array]:
        """Both inputs over their norms along the axis of the first."""
        axis, _ = self.axes_of(*map(np.shape, inputs))
        return [unit(x, axis) for x in inputs]

    def axes_of(self, x: Shape, y: Shape) -> tuple[int, int]:
        """The two axes, counted from 0."""
        first, second = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        return (first + len(x) if first < 0 else first), (second + len(y) if second < 0 else second)

    def _checked(self, x: Shape, y: Shape) -> tuple[int, int]:
        if len(x) < 2 or len(y) < 2:
            raise LayerError(f"Dot takes inputs of rank 2 and more, not {x} and {y}")
        if x[0] != y[0]:
            raise LayerError(f"Dot works sample by sample; batch sizes {x[0]} and {y[0]} differ")
        axis_x, axis_y = self.axes_of(x, y)
        if 0 in (axis_x, axis_y):
            raise LayerError("axis 0 is the batch and cannot be summed over")
        if not (0 < axis_x < len(x) and 0 < axis_y < len(y)):
            raise LayerError(f"axes {axis_x} and {axis_y} do not exist in {x} and {y}")
        if x[axis_x] != y[axis_y]:
            raise LayerError(f"axis {axis_x} of {x} and axis {axis_y} of {y} have different lengths")
        return axis_x, axis_y

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        x, y = map(tuple, shapes[0])
        return int(x[self.axes_of(x, y)[0]])

    def rule(self, *shapes: Any) -> str:
        x, y = map(tuple, shapes[0])
        axis_x, axis_y = self.axes_of(x, y)
        ending = ", then 1" if len(x) == len(y) == 2 else ""
        return f"{x} without axis {axis_x}, then {y} without the batch and axis {axis_y}{ending}"


def letters(axes: Sequence[int]) -> str:
    """Axes by number as einsum writes them."""
    return "".join(chr(ord("a") + axis) for axis in axes)


def unit(x: Array, axis: int) -> Array:
    """The input over its L2 norm along the axis, or over EPSILON where that is larger."""
    squares = np.sum(x**2, axis=axis, keepdims=True)
    # the bound is put under the root, whose slope at 0 is infinite
    return x / np.sqrt(np.where(squares > EPSILON**2, squares, EPSILON**2))
