"""Transposed convolution: the map that carries gradients back through a convolution, used forwards.

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4. A step of the input
writes a whole kernel into the output, `strides` steps after the kernel of the step before it; what overlaps is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .conv import flip_kernel, no_bias
from .windows import DataFormat, channels_last, check_positive, in_format, split_shape, spread

Padding = Literal["valid", "same"]


class Conv1DTranspose(Layer):
    """Transposed convolution over steps: from the steps after a convolution to those before it.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, longer, filters).
    kernel: (kernel_size, filters, channels), bias: (filters,).

    The kernels cover (steps - 1) strides + span steps, span = (kernel_size - 1) dilation_rate + 1.
    valid: all of them, and at least `strides` for each step of x; output_padding adds steps at the end.
    same: steps * strides of them, or (steps - 1) strides + span % 2 + output_padding; as many are cut off at both ends,
    the odd one at the right end, which makes it the transpose of a convolution with `same` padding.
    Steps that no kernel reaches hold the bias alone.
    """

    rank: ClassVar[int] = 1
    keras_only: ClassVar[tuple[str, ...]] = (
        *(f"{weight}_{kind}" for weight in ("kernel", "bias") for kind in ("initializer", "regularizer", "constraint")),
        "activity_regularizer",
    )

    filters: int = arg("Number of filters: channels of the output.", at_least=1)
    kernel_size: int | tuple[int] = arg("Steps that a filter writes.", at_least=1)
    strides: int | tuple[int] = arg(
        "Steps from where one step of x writes to where the next does.", default=1, at_least=1
    )
    padding: Padding = arg("`valid`: everything that is written; `same`: steps * strides of it.", default="valid")
    output_padding: int | tuple[int] | None = arg(
        "Steps more at the end of the output, fewer than strides.", default=None, at_least=0
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    dilation_rate: int | tuple[int] = arg("Distance between the steps that a filter writes.", default=1, at_least=1)
    activation: Activation = arg("Applied to the output.", default=None)
    use_bias: bool = arg("Whether a number per filter is added.", default=True)

    @property
    def _numbers(self) -> tuple[int, int, int]:
        """Kernel size, stride and dilation."""
        sizes, strides, dilations = (spread(v, 1) for v in (self.kernel_size, self.strides, self.dilation_rate))
        return sizes[0], strides[0], dilations[0]

    def check(self) -> None:
        check_positive(
            1,
            filters=self.filters,
            kernel_size=self.kernel_size,
            strides=self.strides,
            dilation_rate=self.dilation_rate,
        )
        _, stride, dilation = self._numbers
        if stride > 1 and dilation > 1:
            raise LayerError(f"strides={stride} cannot be combined with dilation_rate={dilation}")
        if self.output_padding is not None and spread(self.output_padding, 1)[0] >= stride:
            raise LayerError(f"output_padding={self.output_padding} must be less than strides={stride}")

    def lengths(self, steps: int) -> tuple[int, int, int]:
        """How many steps the kernels cover, how many of these are cut off on the left, and the output's length."""
        size, stride, dilation = self._numbers
        span = (size - 1) * dilation + 1
        covered = (steps - 1) * stride + span
        extra = None if self.output_padding is None else spread(self.output_padding, 1)[0]
        if self.padding == "valid":
            return covered, 0, covered + (max(stride - span, 0) if extra is None else extra)
        length = steps * stride if extra is None else (steps - 1) * stride + span % 2 + extra
        if -(-length // stride) != steps:
            raise LayerError(
                f"output_padding={extra} asks for {length} steps, and `same` with a stride of {stride} does not take "
                f"{length} steps to {steps}"
            )
        return covered, max(covered - length, 0) // 2, length

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        _, channels = split_shape(shape, 1, self.data_format)
        kernel = Weight((self._numbers[0], self.filters, channels))
        return {"kernel": kernel, "bias": Weight((self.filters,), "bias")} if self.use_bias else {"kernel": kernel}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        size, _, channels = weights["kernel"].shape
        return channels * -(-size // self._numbers[1])

    def call(self, w: Weights, x: Array) -> Array:
        """covered[t s + j d] = sum over t and j of x[t] k[j]; then cut or lengthened, bias, activation."""
        size, stride, dilation = self._numbers
        x = channels_last(x, self.data_format)
        steps = split_shape(x.shape, 1, "channels_last")[0][0]
        _, left, length = self.lengths(steps)
        written = np.arange(steps)[:, None] * stride + np.arange(size)[None, :] * dilation
        place = (written[:, :, None] == left + np.arange(length)).astype(float)
        y = np.einsum("btko,tkn->bno", np.tensordot(x, w.kernel, axes=([2], [2])), place)
        return activate(self.activation, in_format(y + w.bias if self.use_bias else y, self.data_format))

    def rule(self, shape: Shape) -> str:
        size, stride, dilation = self._numbers
        steps = split_shape(shape, 1, self.data_format)[0][0]
        covered, left, length = self.lengths(steps)
        span = (size - 1) * dilation + 1
        return (
            f"{self.padding}: kernels cover ({steps} - 1) * {stride} + {span} = {covered} steps; "
            f"{length} are given, from step {left} on"
        )

    mutants = (
        Mutant("flipped_kernel", "flips the kernel", weights=flip_kernel),
        Mutant("no_bias", "leaves the bias out", weights=no_bias),
        Mutant("no_activation", "leaves the activation out", config=lambda layer: {"activation": None}),
        Mutant(
            "valid_for_same",
            "gives everything that is written for `same`",
            config=lambda layer: {"padding": "valid", "output_padding": 0} if layer.padding == "same" else {},
        ),
        Mutant(
            "cuts_left_first",
            "cuts the odd step of `same` off the left end",
            weights=lambda layer, weights: flip_kernel(layer, weights) if layer.padding == "same" else {},
            inputs=lambda layer, args, kwargs: ([_backwards(layer, args[0]), *args[1:]], kwargs),
            output=lambda layer, output, args: _backwards(layer, output),
        ),
        Mutant(
            "ends_with_kernel",
            "ends the output of `valid` with the last kernel, as torch does, where the stride is longer",
            config=lambda layer: {"output_padding": 0} if layer.padding == "valid" else {},
        ),
    )


def _backwards(layer: Conv1DTranspose, x: Array) -> Array:
    """x with its steps in reverse, under `same`: right and left change places."""
    axis = 1 if layer.data_format == "channels_last" else 2
    return np.flip(x, axis=axis) if layer.padding == "same" else x
