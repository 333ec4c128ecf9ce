"""Transposed convolution: the map that carries gradients back through a convolution, used forwards.

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4. A step of the input
writes a whole kernel into the output, `strides` steps after the kernel of the step before it; what overlaps is added.
On an image the same holds of rows and of columns, each by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .conv import BIAS_ALONG_THE_LAST_AXIS, KERNEL_AND_BIAS, TRANSPOSED_KERNEL, flip_kernel, no_bias, plus_bias
from .invariants import OF_ACTIVATION
from .traits import IMAGE, SEQUENCE, VOLUME, asked, called
from .windows import DataFormat, channels_last, check_positive, in_format, per_axis, split_shape

Padding = Literal["valid", "same"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """How kernels are written along one axis: `covered` steps in all, of which `length` are given from `first` on."""

    steps: int
    size: int
    stride: int
    dilation: int
    padding: str
    covered: int
    first: int
    length: int

    @property
    def place(self) -> Array:
        """Where tap j of the kernel of step t lands: (steps, size, length), 1 at its place and 0 elsewhere."""
        written = np.arange(self.steps)[:, None] * self.stride + np.arange(self.size)[None, :] * self.dilation
        return (written[:, :, None] == self.first + np.arange(self.length)).astype(float)

    @property
    def numbers(self) -> dict[str, int]:
        """The windows that the steps of the input write into the output, of which `left` and `right` are cut off."""
        cut = max(self.covered - self.first - self.length, 0)
        return {
            "length": int(self.length),
            "size": int(self.size),
            "stride": int(self.stride),
            "dilation": int(self.dilation),
            "left": int(self.first),
            "right": int(cut),
            "count": int(self.steps),
            "writes": True,
        }

    @property
    def rule(self) -> str:
        """The length rule with its numbers filled in."""
        span = (self.size - 1) * self.dilation + 1
        return (
            f"{self.padding}: kernels cover ({self.steps} - 1) * {self.stride} + {span} = {self.covered} steps; "
            f"{self.length} are given, from step {self.first} on"
        )


def stretch(steps: int, size: int, stride: int, dilation: int, extra: int | None, padding: str) -> Stretch:
    """Lays out one axis; `extra` is output_padding. Raises LayerError where `same` cannot have that length.

    The kernels cover (steps - 1) stride + span steps, span = (size - 1) dilation + 1.
    valid: all of them, and at least `stride` for each step; `extra` adds steps at the end.
    same: steps * stride of them, or (steps - 1) stride + span % 2 + extra; as many are cut off at both ends, the odd
    one at the far end, which makes it the transpose of a convolution with `same` padding.
    """
    span = (size - 1) * dilation + 1
    covered = (steps - 1) * stride + span
    if padding == "valid":
        length = covered + (max(stride - span, 0) if extra is None else extra)
        return Stretch(steps, size, stride, dilation, padding, covered, 0, length)
    length = steps * stride if extra is None else (steps - 1) * stride + span % 2 + extra
    if -(-length // stride) != steps:
        raise LayerError(
            f"output_padding={extra} asks for {length} steps, and `same` with a stride of {stride} does not take "
            f"{length} steps to {steps}"
        )
    return Stretch(steps, size, stride, dilation, padding, covered, max(covered - length, 0) // 2, length)


class _ConvTranspose(Layer):
    """What transposed convolutions over one, two and three axes share; `rank` is the number of those axes."""

    arithmetic = "linear"
    layout = "transposed"

    rank: ClassVar[int]
    keras_only: ClassVar[tuple[str, ...]] = KERNEL_AND_BIAS

    filters: int = arg("Number of filters: channels of the output.", at_least=1)
    kernel_size: Any = arg("Steps that a filter writes.")
    strides: Any = arg("Steps from where one step of x writes to where the next does.", default=1)
    padding: Padding = arg("`valid`: everything that is written; `same`: steps * strides of it.", default="valid")
    output_padding: Any = arg("Steps more at the end of the output, fewer than strides.", default=None)
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    dilation_rate: Any = arg("Distance between the steps that a filter writes.", default=1)
    invariants = OF_ACTIVATION
    activation: Activation = arg("Applied to the output.", default=None)
    use_bias: bool = arg("Whether a number per filter is added.", default=True)

    def check(self) -> None:
        check_positive(
            self.rank,
            filters=self.filters,
            kernel_size=self.kernel_size,
            strides=self.strides,
            dilation_rate=self.dilation_rate,
        )
        strides = per_axis(self.strides, self.rank)
        if max(strides) > 1 and max(per_axis(self.dilation_rate, self.rank)) > 1:
            raise LayerError(f"strides={self.strides} cannot be combined with dilation_rate={self.dilation_rate}")
        if self.output_padding is not None:
            extras = per_axis(self.output_padding, self.rank)
            if any(extra >= stride for extra, stride in zip(extras, strides, strict=True)):
                raise LayerError(f"output_padding={self.output_padding} must be less than strides={self.strides}")

    def stretches(self, shape: Shape) -> list[Stretch]:
        """The layout of each spatial axis for an input of this shape."""
        steps, _ = split_shape(shape, self.rank, self.data_format)
        sizes, strides, dilations = (
            per_axis(value, self.rank) for value in (self.kernel_size, self.strides, self.dilation_rate)
        )
        extras = (None,) * self.rank if self.output_padding is None else per_axis(self.output_padding, self.rank)
        numbers = zip(steps, sizes, strides, dilations, extras, strict=True)
        return [stretch(*axis, self.padding) for axis in numbers]

    def windows_on(self, shape: Shape) -> tuple[Mapping[str, int], ...]:
        return tuple(axis.numbers for axis in self.stretches(shape))

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        _, channels = split_shape(shape, self.rank, self.data_format)
        kernel = Weight((*per_axis(self.kernel_size, self.rank), self.filters, channels))
        return {"kernel": kernel, "bias": Weight((self.filters,), "bias")} if self.use_bias else {"kernel": kernel}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        *sizes, _, channels = weights["kernel"].shape
        strides = per_axis(self.strides, self.rank)
        return int(channels) * math.prod(-(-size // stride) for size, stride in zip(sizes, strides, strict=True))

    def call(self, w: Weights, x: Array) -> Array:
        """x: (batch, *steps, channels). Returns (batch, *longer, filters); channels second for `channels_first`.

        covered[t s + j d] = sum over t and j of x[t] k[j]; then cut or lengthened, bias, activation.
        """
        layout = self.stretches(x.shape)
        x = channels_last(x, self.data_format)
        y = np.tensordot(x, w.kernel, axes=([self.rank + 1], [self.rank + 1]))
        for index, axis in enumerate(layout):
            # (batch, *steps, *sizes, filters, *lengths): steps and taps of one axis become a length of the output
            y = np.tensordot(y, axis.place, axes=([1, 1 + self.rank - index], [0, 1]))
        y = np.moveaxis(y, 1, -1)
        return activate(self.activation, in_format(self.plus_bias(w, y), self.data_format))

    plus_bias = plus_bias

    def rule(self, shape: Shape) -> str:
        return "; then ".join(axis.rule for axis in self.stretches(shape))


def _backwards(layer: _ConvTranspose, x: Array) -> Array:
    """x with its steps in reverse, under `same`: near and far ends change places."""
    first = 1 if layer.data_format == "channels_last" else 2
    return np.flip(x, axis=tuple(range(first, first + layer.rank))) if layer.padding == "same" else x


TRANSPOSED_MUTANTS: tuple[Mutant, ...] = (
    Mutant("flipped_kernel", "flips the kernel", weights=flip_kernel),
    Mutant("no_bias", "leaves the bias out", weights=no_bias),
    BIAS_ALONG_THE_LAST_AXIS,
    Mutant("no_activation", "leaves the activation out", config=lambda layer: {"activation": None}),
    Mutant(
        "valid_for_same",
        "gives everything that is written for `same`",
        config=lambda layer: {"padding": "valid", "output_padding": 0} if layer.padding == "same" else {},
    ),
    Mutant(
        "cuts_left_first",
        "cuts the odd step of `same` off the near end, as torch's padding with output_padding does",
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


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over steps: from the steps after a convolution to those before it.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, longer, filters).
    kernel: (kernel_size, filters, channels), bias: (filters,). Steps that no kernel reaches hold the bias alone.
    """

    input_axis_names = SEQUENCE
    native = called("nn.ConvTranspose1d")
    example = asked("Conv1DTranspose(7, 3)", "5,2")
    weights_by_name = True

    rank: ClassVar[int] = 1

    kernel_size: int | tuple[int] = arg("Steps that a filter writes.", at_least=1)
    strides: int | tuple[int] = arg(
        "Steps from where one step of x writes to where the next does.", default=1, at_least=1
    )
    output_padding: int | tuple[int] | None = arg(
        "Steps more at the end of the output, fewer than strides.", default=None, at_least=0
    )
    dilation_rate: int | tuple[int] = arg("Distance between the steps that a filter writes.", default=1, at_least=1)

    mutants = TRANSPOSED_MUTANTS


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over rows and columns: from the image after a convolution to the one before it.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, more rows, more columns, filters). kernel: (kernel rows, kernel columns, filters, channels), bias:
    (filters,). Pixels that no kernel reaches hold the bias alone.
    """

    input_axis_names = IMAGE
    native = called("nn.ConvTranspose2d")
    example = asked("Conv2DTranspose(7, 3)", "5,7,2")

    rank: ClassVar[int] = 2

    kernel_size: int | tuple[int, int] = arg("Rows and columns that a filter writes.", at_least=1)
    strides: int | tuple[int, int] = arg(
        "Rows and columns from where one pixel of x writes to where the next does.", default=1, at_least=1
    )
    output_padding: int | tuple[int, int] | None = arg(
        "Rows and columns more at the end of the output, fewer than strides.", default=None, at_least=0
    )
    dilation_rate: int | tuple[int, int] = arg(
        "Distance between the rows and columns that a filter writes.", default=1, at_least=1
    )

    mutants = (
        *TRANSPOSED_MUTANTS,
        TRANSPOSED_KERNEL,
        Mutant(
            "swapped_filters",
            "reads the last two axes of the kernel as a convolution's: channels, then filters",
            weights=lambda layer, weights: {
                "kernel": np.reshape(np.swapaxes(weights["kernel"], -2, -1), weights["kernel"].shape)
            },
        ),
    )


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over frames, rows and columns: from the volume after a convolution to the one before it.

    x: (batch, frames, rows, columns, channels), or (batch, channels, frames, rows, columns) for `channels_first`.
    Returns (batch, more frames, more rows, more columns, filters). kernel: (kernel frames, kernel rows, kernel columns,
    filters, channels), bias: (filters,). Places that no kernel reaches hold the bias alone.
    """

    input_axis_names = VOLUME
    native = called("nn.ConvTranspose3d")
    example = asked("Conv3DTranspose(7, 3)", "3,5,7,2")

    rank: ClassVar[int] = 3

    kernel_size: int | tuple[int, int, int] = arg("Frames, rows and columns that a filter writes.", at_least=1)
    strides: int | tuple[int, int, int] = arg(
        "Frames, rows and columns from where one place of x writes to where the next does.", default=1, at_least=1
    )
    output_padding: int | tuple[int, int, int] | None = arg(
        "Frames, rows and columns more at the end of the output, fewer than strides.", default=None, at_least=0
    )
    dilation_rate: int | tuple[int, int, int] = arg(
        "Distance between the frames, rows and columns that a filter writes.", default=1, at_least=1
    )

    mutants = (
        *TRANSPOSED_MUTANTS,
        Mutant(
            "frames_last",
            "takes the kernel's axes in the order rows, columns, frames",
            config=lambda layer: {"kernel_size": tuple(np.roll(per_axis(layer.kernel_size, 3), 1).tolist())},
            weights=lambda layer, weights: {"kernel": np.moveaxis(weights["kernel"], 2, 0)},
        ),
    )
