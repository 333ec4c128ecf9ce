"""Convolutions: a kernel slides over the steps and takes a weighted sum of each window and of all channels.

What deep learning calls a convolution is a cross-correlation, y[t] = sum_j x[t s + j d] k[j]: the kernel is not flipped
(Goodfellow, Bengio, Courville, "Deep Learning", 2016, equation 9.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .activations import Activation, activate
from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .invariants import OF_ACTIVATION
from .traits import IMAGE, SEQUENCE, VOLUME, asked, called
from .windows import (
    DataFormat,
    Placement,
    channels_last,
    check_positive,
    in_format,
    padded,
    per_axis,
    place_axes,
    split_shape,
    windows,
)

Padding = Literal["valid", "same"]
KERNEL_AND_BIAS = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)
"""What Keras takes for a kernel and a bias and what does not enter the mathematics."""


def correlate(patches: Array, kernel: Array, groups: int) -> Array:
    """Weighted sums of windows.

    patches: (batch, *counts, *sizes, in), kernel: (*sizes, in / groups, out). Returns (batch, *counts, out): the first
    out / groups filters read the first in / groups channels, and so on. Raises LayerError for other channels than the
    kernel was made for.
    """
    if patches.shape[-1] != kernel.shape[-2] * groups:
        wanted = kernel.shape[-2] * groups
        raise LayerError(f"the input has {patches.shape[-1]} channels, and the kernel was made for {wanted}")
    rank = kernel.ndim - 2
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    summed = (list(range(rank + 1, 2 * rank + 2)), list(range(rank + 1)))
    parts = [
        np.tensordot(
            patches[..., g * inputs : (g + 1) * inputs], kernel[..., g * outputs : (g + 1) * outputs], axes=summed
        )
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=-1)


def plus_bias(layer: Any, w: Weights, y: Array) -> Array:
    """y: (batch, *counts, filters), with the number of each filter added."""
    return y + w.bias if layer.use_bias else y


class _Conv(Layer):
    """What convolutions over one, two and three axes share; `rank` is the number of those axes."""

    arithmetic = "linear"
    layout = "convolution"
    is_convolution = True
    units_last = True

    rank: ClassVar[int]
    keras_only: ClassVar[tuple[str, ...]] = KERNEL_AND_BIAS

    filters: int = arg("Number of filters: channels of the output.", at_least=1)
    kernel_size: Any = arg("Steps that a filter sees.")
    strides: Any = arg("Steps from one window to the next.", default=1)
    padding: Any = arg(
        "`valid`: only whole windows; `same`: zeros around, ceil(length / strides) windows.", default="valid"
    )
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    dilation_rate: Any = arg("Distance between the steps that a filter sees.", default=1)
    groups: int = arg(
        "Parts into which channels and filters are cut; each is convolved on its own.", default=1, at_least=1
    )
    invariants = OF_ACTIVATION
    activation: Activation = arg("Applied to the output.", default=None)
    use_bias: bool = arg("Whether a number per filter is added.", default=True)

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        if config.get("padding") != "same":
            return ()
        sides = ", ".join(("left, right", "top, bottom", "front, back")[: cls.rank])
        return (f"F.pad(x, ({sides}))  # 'same' pads total // 2 before and the rest after; it goes by the stride too",)

    def check(self) -> None:
        if self.filters < 1 or self.groups < 1 or self.filters % self.groups:
            raise LayerError(f"filters={self.filters} must be a positive multiple of groups={self.groups}")
        check_positive(self.rank, kernel_size=self.kernel_size, strides=self.strides, dilation_rate=self.dilation_rate)
        strides, dilations = per_axis(self.strides, self.rank), per_axis(self.dilation_rate, self.rank)
        if max(strides) > 1 and max(dilations) > 1:
            raise LayerError(f"strides={self.strides} cannot be combined with dilation_rate={self.dilation_rate}")

    def windows_on(self, shape: Shape) -> tuple[Mapping[str, int], ...]:
        return tuple(placement.numbers for placement in self.place(shape))

    def place(self, shape: Shape) -> list[Placement]:
        """The windows on each spatial axis of an input of this shape."""
        sizes, strides, dilations = (
            per_axis(value, self.rank) for value in (self.kernel_size, self.strides, self.dilation_rate)
        )
        return place_axes(shape, self.data_format, sizes, strides, dilations, self.padding)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        _, channels = split_shape(shape, self.rank, self.data_format)
        if channels % self.groups:
            raise LayerError(f"the input has {channels} channels, which groups={self.groups} does not divide")
        kernel = Weight((*per_axis(self.kernel_size, self.rank), channels // self.groups, self.filters))
        return {"kernel": kernel, "bias": Weight((self.filters,), "bias")} if self.use_bias else {"kernel": kernel}

    def call(self, w: Weights, x: Array) -> Array:
        """x: (batch, *lengths, in). Returns (batch, *counts, filters); both with channels second for `channels_first`.

        activation(sum over taps and channels of x k + b). The activation sees the layout that was asked for.
        """
        placements = self.place(x.shape)
        patches = windows(padded(channels_last(x, self.data_format), placements), placements)
        y = self.plus_bias(w, correlate(patches, w.kernel, self.groups))
        return activate(self.activation, in_format(y, self.data_format))

    plus_bias = plus_bias

    def rule(self, shape: Shape) -> str:
        return "; then ".join(placement.rule for placement in self.place(shape))


def repadded(padding: str, pads: Callable[[Placement], tuple[int, int]]) -> dict[str, Callable[..., Any]]:
    """Hooks of a mutant that pads by hand, where the layer has this padding, and then convolves without."""

    def config(layer: Any) -> Mapping[str, Any]:
        return {"padding": "valid"} if layer.padding == padding else {}

    def inputs(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        if layer.padding != padding:
            return args, kwargs
        x = args[0]
        spatial = [pads(placement) for placement in layer.place(x.shape)]
        widths = [(0, 0), *spatial, (0, 0)] if layer.data_format == "channels_last" else [(0, 0), (0, 0), *spatial]
        return [np.pad(x, widths, "constant"), *args[1:]], kwargs

    return {"config": config, "inputs": inputs}


def _padded_by_hand(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    placements = layer.place(np.shape(args[0]))
    return [in_format(padded(channels_last(args[0], layer.data_format), placements), layer.data_format)], kwargs


def flip_kernel(layer: Any, weights: dict[str, Array]) -> Mapping[str, Array]:
    return {"kernel": weights["kernel"][(slice(None, None, -1),) * layer.rank]}


def _reshape_kernel(layer: _Conv, weights: dict[str, Array]) -> Mapping[str, Array]:
    kernel = weights["kernel"]
    native = np.reshape(kernel, kernel.shape[::-1])
    return {"kernel": np.transpose(native, tuple(range(kernel.ndim))[::-1])}


def no_bias(layer: Any, weights: dict[str, Array]) -> Mapping[str, Array]:
    return {"bias": np.zeros_like(weights["bias"])} if layer.use_bias else {}


def _interleave_channels(layer: _Conv, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    axis = -1 if layer.data_format == "channels_last" else 1
    channels = args[0].shape[axis]
    order = np.arange(channels).reshape(channels // layer.groups, layer.groups).T.reshape(-1)
    dealt = args[0][..., order] if axis == -1 else args[0][:, order]
    return [dealt, *args[1:]], kwargs


def _along_the_last_axis(layer: Any, w: Weights, y: Array) -> Array:
    if not layer.use_bias or layer.data_format == "channels_last" or np.shape(y)[-2] != len(w.bias):
        return plus_bias(layer, w, y)
    return y + np.expand_dims(w.bias, -1)


BIAS_ALONG_THE_LAST_AXIS = Mutant(
    "bias_along_the_last_axis",
    "adds the bias along the last axis, the channels being first, where that axis is as long",
    methods={"plus_bias": _along_the_last_axis},
)
CONVOLUTION_MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "odd_padding_left",
        "puts the odd step of `same` padding on the left",
        **repadded("same", lambda p: (p.right, p.left)),
    ),
    Mutant(
        "half_kernel_padding",
        "pads kernel_size // 2 on both sides for `same`, which is one step too many for even kernels",
        **repadded("same", lambda p: (p.span // 2, p.span // 2)),
    ),
    Mutant(
        "stride_ignored_in_padding",
        "pads for `same` as if the stride were 1 and then strides",
        **repadded("same", lambda p: ((p.span - 1) // 2, p.span - 1 - (p.span - 1) // 2)),
    ),
    Mutant("flipped_kernel", "flips the kernel, as a convolution in mathematics does", weights=flip_kernel),
    Mutant(
        "reshaped_kernel", "reshapes the kernel into torch's layout in place of transposing it", weights=_reshape_kernel
    ),
    Mutant("no_bias", "leaves the bias out", weights=no_bias),
    BIAS_ALONG_THE_LAST_AXIS,
    Mutant("no_activation", "leaves the activation out", config=lambda layer: {"activation": None}),
    Mutant(
        "no_dilation", "reads neighbouring steps where the kernel is dilated", config=lambda layer: {"dilation_rate": 1}
    ),
    Mutant(
        "dilates_padding_only",
        "pads for the dilation and then reads neighbouring steps",
        config=lambda layer: {"padding": "valid", "dilation_rate": 1},
        inputs=_padded_by_hand,
    ),
    Mutant("interleaved_groups", "deals the channels out to the groups in turn", inputs=_interleave_channels),
)


TRANSPOSED_KERNEL = Mutant(
    "transposed_kernel",
    "takes the kernel's rows for its columns",
    config=lambda layer: {"kernel_size": per_axis(layer.kernel_size, 2)[::-1]},
    weights=lambda layer, weights: {
        name: np.swapaxes(weights[name], 0, 1) for name in ("kernel", "depthwise_kernel") if name in weights
    },
)
"""Of layers over rows and columns."""


def _causal_as_same(layer: _Conv) -> Mapping[str, Any]:
    return {"padding": "same"} if layer.padding == "causal" else {}


class Conv1D(_Conv):
    """Convolution over the steps of a sequence.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, windows, filters), or
    (batch, filters, windows). kernel: (kernel_size, channels / groups, filters), bias: (filters,).
    """

    input_axis_names = SEQUENCE
    native = called("nn.Conv1d")
    example = asked("Conv1D(7, 3)", "5,2")
    weights_by_name = True

    rank: ClassVar[int] = 1

    kernel_size: int | tuple[int] = arg("Steps that a filter sees.", at_least=1)
    strides: int | tuple[int] = arg("Steps from one window to the next.", default=1, at_least=1)
    padding: Literal["valid", "same", "causal"] = arg(
        "`valid`: only whole windows; `same`: zeros on both sides, ceil(steps / strides) windows; `causal`: zeros on "
        "the left only, so that no window sees later steps.",
        default="valid",
    )
    dilation_rate: int | tuple[int] = arg("Distance between the steps that a filter sees.", default=1, at_least=1)

    mutants = (
        *CONVOLUTION_MUTANTS,
        Mutant(
            "looks_ahead",
            "pads on the right for `causal`, so that a window sees later steps",
            **repadded("causal", lambda p: (0, p.left)),
        ),
        Mutant("causal_as_same", "takes `causal` for `same`", config=_causal_as_same),
    )


class Conv2D(_Conv):
    """Convolution over the rows and columns of an image.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, window rows, window columns, filters), or (batch, filters, window rows, window columns).
    kernel: (kernel rows, kernel columns, channels / groups, filters), bias: (filters,).
    """

    input_axis_names = IMAGE
    native = called("nn.Conv2d")
    example = asked("Conv2D(7, 3)", "5,7,2")
    weights_by_name = True

    rank: ClassVar[int] = 2

    kernel_size: int | tuple[int, int] = arg("Rows and columns that a filter sees.", at_least=1)
    strides: int | tuple[int, int] = arg("Rows and columns from one window to the next.", default=1, at_least=1)
    padding: Padding = arg(
        "`valid`: only whole windows; `same`: zeros around, ceil(length / strides) windows.", default="valid"
    )
    dilation_rate: int | tuple[int, int] = arg(
        "Distance between the rows and columns that a filter sees.", default=1, at_least=1
    )

    mutants = (*CONVOLUTION_MUTANTS, TRANSPOSED_KERNEL)


class Conv3D(_Conv):
    """Convolution over the frames, rows and columns of a film, or over a volume.

    x: (batch, frames, rows, columns, channels), or (batch, channels, frames, rows, columns) for `channels_first`.
    Returns (batch, window frames, window rows, window columns, filters). kernel: (kernel frames, kernel rows, kernel
    columns, channels / groups, filters), bias: (filters,).
    """

    input_axis_names = VOLUME
    native = called("nn.Conv3d")
    example = asked("Conv3D(7, 3)", "3,5,7,2")

    rank: ClassVar[int] = 3

    kernel_size: int | tuple[int, int, int] = arg("Frames, rows and columns that a filter sees.", at_least=1)
    strides: int | tuple[int, int, int] = arg(
        "Frames, rows and columns from one window to the next.", default=1, at_least=1
    )
    padding: Padding = arg(
        "`valid`: only whole windows; `same`: zeros around, ceil(length / strides) windows.", default="valid"
    )
    dilation_rate: int | tuple[int, int, int] = arg(
        "Distance between the frames, rows and columns that a filter sees.", default=1, at_least=1
    )

    mutants = (
        *CONVOLUTION_MUTANTS,
        Mutant(
            "frames_last",
            "takes the kernel's axes in the order rows, columns, frames",
            config=lambda layer: {"kernel_size": tuple(np.roll(per_axis(layer.kernel_size, 3), 1).tolist())},
            weights=lambda layer, weights: {"kernel": np.moveaxis(weights["kernel"], 2, 0)},
        ),
    )
