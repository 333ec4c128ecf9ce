"""torch.nn.functional where a function takes as inputs what a module keeps as parameters; and functions alone.

`F.linear(input, weight, bias)` is asked with three inputs. What is left of the arguments stands in the constructor's
place: `F.conv1d(stride=2)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart, expression
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, norm, normalised
from conformance.reference.torch.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    extended,
    extended_text,
)
from conformance.reference.torch.normalization import EPS_OF_FLOAT32
from conformance.reference.torch.windows import Pair
from conformance.reference.traits import Drawn, asked


class Linear(TorchLayer):
    """input weight^T + bias. weight: (out, in)."""

    names = ("F.linear",)
    arithmetic = "linear"
    written_as_case = "its weight has no batch"

    def call(self, w: Weights, input: Array, weight: Array, bias: Any = None) -> Array:
        y = np.einsum("...i,oi->...o", input, weight)
        return y if bias is None else y + bias

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1])

    def counterpart(self, input: Like, weight: Like, bias: Any = None) -> Counterpart:
        row = "abcdef"[: input.rank - 1]
        text = f'einsum("{row}i,oi->{row}o", input, weight)'
        return expression(text if bias is None else f"{text} + bias")


class Bilinear(TorchLayer):
    """input1^T weight_o input2 + bias_o. weight: (out, in1, in2)."""

    names = ("F.bilinear",)
    arithmetic = "linear"
    written_as_case = "its weight has no batch"

    def call(self, w: Weights, input1: Array, input2: Array, weight: Array, bias: Any = None) -> Array:
        y = np.einsum("...oj,...j->...o", np.einsum("...i,oij->...oj", input1, weight), input2)
        return y if bias is None else y + bias

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1]) * int(shapes[1][-1])

    def counterpart(self, input1: Like, input2: Like, weight: Like, bias: Any = None) -> Counterpart:
        row = "abcdef"[: input1.rank - 1]
        text = f'einsum("{row}i,oij,{row}j->{row}o", input1, weight, input2)'
        return expression(text if bias is None else f"{text} + bias")


class _Conv(TorchLayer):
    """Cross-correlation with a kernel that is an input: (out, in / groups, *sizes)."""

    arithmetic = "linear"
    written_as_case = "its kernel has no batch"
    rank: ClassVar[int] = 1
    module: ClassVar[Any] = Conv1d
    positional: ClassVar[tuple[str, ...] | None] = ("stride", "padding", "dilation", "groups")
    stride: Pair = arg("Steps between windows.", default=1)
    padding: Literal["valid", "same"] | Pair = arg("How much is added at both ends, or `same` or `valid`.", default=0)
    dilation: Pair = arg("Steps between the elements of a window.", default=1)
    groups: int = arg("Groups of channels that do not see each other.", default=1, at_least=1)

    def made(self, weight: Any) -> Any:
        shape = np.shape(weight)
        layer = self.module(
            in_channels=int(shape[1]) * self.groups,
            out_channels=int(shape[0]),
            kernel_size=tuple(int(n) for n in shape[2:]),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        layer.check()
        return layer

    def call(self, w: Weights, input: Array, weight: Array, bias: Any = None) -> Array:
        held = {"weight": weight, **({} if bias is None else {"bias": bias})}
        found: Array = self.made(weight).call(Weights(held), input)
        return found

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[1][1:])

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart("a layer of Keras holds its kernel; keras.ops.conv takes one, in Keras' layout")


class FunctionConv1d(_Conv):
    """Convolution over steps."""

    names = ("F.conv1d",)


class FunctionConv2d(_Conv):
    """Convolution over an image."""

    names = ("F.conv2d",)
    rank, module = 2, Conv2d


class FunctionConv3d(_Conv):
    """Convolution over a volume."""

    names = ("F.conv3d",)
    rank, module = 3, Conv3d


class _ConvTranspose(TorchLayer):
    """The gradient of a convolution, with a kernel that is an input: (in, out / groups, *sizes)."""

    arithmetic = "linear"
    written_as_case = "its kernel has no batch"
    module: ClassVar[Any] = ConvTranspose1d
    stride: Pair = arg("Steps between windows.", default=1)
    padding: Pair = arg("How much is cut off at both ends, less than the kernel adds.", default=0)
    output_padding: Pair = arg("How much is added at the end.", default=0)
    groups: int = arg("Groups of channels that do not see each other.", default=1, at_least=1)
    dilation: Pair = arg("Steps between the elements of a window.", default=1)

    def call(self, w: Weights, input: Array, weight: Array, bias: Any = None) -> Array:
        shape = np.shape(weight)
        layer = self.module(
            in_channels=int(shape[0]),
            out_channels=int(shape[1]) * self.groups,
            kernel_size=tuple(int(n) for n in shape[2:]),
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )
        layer.check()
        held = {"weight": weight, **({} if bias is None else {"bias": bias})}
        found: Array = layer.call(Weights(held), input)
        return found

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[1])

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        raise NoCounterpart("a layer of Keras holds its kernel; keras.ops.conv_transpose takes one, in Keras' layout")


class FunctionConvTranspose1d(_ConvTranspose):
    """Transposed convolution over steps."""

    names = ("F.conv_transpose1d",)


class FunctionConvTranspose2d(_ConvTranspose):
    """Transposed convolution over an image."""

    names = ("F.conv_transpose2d",)
    module = ConvTranspose2d


class FunctionConvTranspose3d(_ConvTranspose):
    """Transposed convolution over a volume."""

    names = ("F.conv_transpose3d",)
    module = ConvTranspose3d


class _Normal(TorchLayer):
    """A normalisation whose weight and bias, if any, are inputs."""

    arithmetic = "rounds"

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return math.prod(shapes[0])


def _scaled(y: Array, weight: Any, bias: Any) -> Array:
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _scaled_text(text: str, weight: Any, bias: Any) -> str:
    text = text if weight is None else f"({text}) * weight"
    return text if bias is None else f"{text} + bias"


class LayerNorm(_Normal):
    """Mean and variance over the last axes."""

    names = ("F.layer_norm",)
    example = asked("F.layer_norm([5])", "4,5")
    normalized_shape: tuple[int, ...] = arg("The lengths of the last axes.")
    eps: float = arg("What is added to the variance.", default=1e-5)

    def call(self, w: Weights, input: Array, weight: Any = None, bias: Any = None) -> Array:
        rank, own = np.ndim(input), len(self.normalized_shape)
        if tuple(np.shape(input)[rank - own :]) != self.normalized_shape:
            raise LayerError(f"F.layer_norm takes (..., {', '.join(map(str, self.normalized_shape))})")
        return _scaled(normalised(input, tuple(range(rank - own, rank)), self.eps), weight, bias)

    def counterpart(self, input: Like, weight: Any = None, bias: Any = None) -> Counterpart:
        axes = [axis - len(self.normalized_shape) for axis in range(len(self.normalized_shape))]
        config = {"axis": axes, "epsilon": self.eps, "center": False, "scale": False}
        layer = {"layer": KerasLayer("LayerNormalization", config)}
        return Counterpart(_scaled_text("layer(input)", weight, bias), layer)


class RMSNorm(_Normal):
    """x / sqrt(mean of x^2 + eps) over the last axes."""

    names = ("F.rms_norm",)
    example = asked("F.rms_norm([5])", "4,5")
    normalized_shape: tuple[int, ...] = arg("The lengths of the last axes.")
    eps: float | None = arg("What is added; null for the distance from 1 to the next float.", default=None)

    def call(self, w: Weights, input: Array, weight: Any = None) -> Array:
        rank = np.ndim(input)
        axes = tuple(range(rank - len(self.normalized_shape), rank))
        eps = EPS_OF_FLOAT32 if self.eps is None else self.eps
        return _scaled(input / np.sqrt(np.mean(input**2, axis=axes, keepdims=True) + eps), weight, None)

    def counterpart(self, input: Like, weight: Any = None) -> Counterpart:
        axes = [axis - len(self.normalized_shape) for axis in range(len(self.normalized_shape))]
        eps = EPS_OF_FLOAT32 if self.eps is None else self.eps
        text = f"input / sqrt(mean(input * input, axis={axes}, keepdims=True) + {eps})"
        return expression(_scaled_text(text, weight, None))


class GroupNorm(_Normal):
    """Mean and variance over each group of channels and all lengths."""

    names = ("F.group_norm",)
    example = asked("F.group_norm(2)", "6,4")
    num_groups: int = arg("How many groups.", at_least=1)
    eps: float = arg("What is added to the variance.", default=1e-5)

    def call(self, w: Weights, input: Array, weight: Any = None, bias: Any = None) -> Array:
        shape = np.shape(input)
        if self.num_groups < 1 or shape[1] % self.num_groups:
            raise LayerError(f"{shape[1]} channels are not in {self.num_groups} groups")
        y = np.reshape(normalised(np.reshape(input, (shape[0], self.num_groups, -1)), (2,), self.eps), shape)
        wide = (-1, *(1,) * (len(shape) - 2))
        return _scaled(
            y, None if weight is None else np.reshape(weight, wide), None if bias is None else np.reshape(bias, wide)
        )

    def counterpart(self, input: Like, weight: Any = None, bias: Any = None) -> Counterpart:
        config = {"groups": self.num_groups, "axis": 1, "epsilon": self.eps, "center": False, "scale": False}
        layer = {"layer": KerasLayer("GroupNormalization", config)}
        wide = [-1, *[1] * (input.rank - 2)]
        text = "layer(input)" if weight is None else f"layer(input) * reshape(weight, {wide})"
        return Counterpart(text if bias is None else f"{text} + reshape(bias, {wide})", layer)


class Embedding(TorchLayer):
    """The row of each id of a table that is an input."""

    names = ("F.embedding",)
    arithmetic = "moves"
    written_as_case = "its table has no batch"
    not_here: ClassVar = {
        "padding_idx": "nn.Embedding has it",
        "max_norm": "it changes the table where it is called",
        "norm_type": "it belongs to max_norm",
        "scale_grad_by_freq": "it is a matter of single steps of training",
        "sparse": "it changes how gradients are kept, and no number",
    }

    def call(self, w: Weights, input: Array, weight: Array) -> Array:
        return weight[input]

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def counterpart(self, input: Like, weight: Like) -> Counterpart:
        return expression(f"one_hot(input, {weight.shape[0]}) @ weight")


class PReLU(TorchLayer):
    """x, or weight x below 0: a slope for all, or one for each channel."""

    names = ("F.prelu",)
    arithmetic = "rounds"
    written_as_case = "its slopes have no batch"

    def call(self, w: Weights, input: Array, weight: Array) -> Array:
        slope = np.reshape(weight, (-1, *(1,) * (np.ndim(input) - 2)))
        return np.where(input > 0, input, slope * input)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def counterpart(self, input: Like, weight: Like) -> Counterpart:
        slope = f"reshape(weight, {[-1, *[1] * (input.rank - 2)]})"
        return expression(f"where(greater(input, 0.0), input, {slope} * input)")


class OneHot(TorchLayer):
    """Integers: 1 at the id, 0 elsewhere, on a new last axis."""

    names = ("F.one_hot",)
    arithmetic = "moves"
    example = asked("F.one_hot(7)", "5")
    num_classes: int = arg("How many classes; torch counts them itself for -1, which is not asked here.", at_least=1)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int64", {"integers": [0, config["num_classes"]]})

    def call(self, w: Weights, input: Array) -> Array:
        ids = numpy.asarray(input)
        if ids.size and not (ids.min() >= 0 and ids.max() < self.num_classes):
            raise LayerError(f"ids from 0 to {self.num_classes - 1}")
        return (ids[..., None] == numpy.arange(self.num_classes)).astype(numpy.int64)

    def counterpart(self, input: Like) -> Counterpart:
        return expression(f'cast(one_hot(input, {self.num_classes}), "int64")')


class Normalize(TorchLayer):
    """x / max(its p-norm along an axis, eps)."""

    names = ("F.normalize",)
    arithmetic = "rounds"
    example = asked("F.normalize()", "5")
    p: float = arg("The norm.", default=2.0)
    dim: int = arg("The axis.", default=1)
    eps: float = arg("The least norm.", default=1e-12)
    not_here: ClassVar = {"out": "it says where torch writes, and changes no number"}

    def call(self, w: Weights, input: Array) -> Array:
        return input / np.maximum(norm(input, self.p, self.dim, keepdims=True), self.eps)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][self.dim])

    def counterpart(self, input: Like) -> Counterpart:
        if self.p != 2 or self.eps != 1e-12:
            raise NoCounterpart("UnitNormalization knows the Euclidean norm alone, and has no eps")
        return Counterpart("layer(input)", {"layer": KerasLayer("UnitNormalization", {"axis": self.dim})})


class Pad(TorchLayer):
    """The last axes with more at their ends; `pad` has pairs, those of the last axis first."""

    names = ("F.pad",)
    arithmetic = "moves"
    example = asked("F.pad([1, 2], mode='reflect')", "3,4")
    pad: tuple[int, ...] = arg("How much before and after, of the last axis first.")
    mode: Literal["constant", "reflect", "replicate", "circular"] = arg("What is added.", default="constant")
    value: float | None = arg("The number of the mode constant; null for 0.", default=None)

    def check(self) -> None:
        if len(self.pad) % 2:
            raise LayerError("pad has pairs: before and after")
        if self.mode != "constant" and self.value is not None:
            raise LayerError(f"value is for mode='constant', not {self.mode!r}")

    def widths(self) -> list[tuple[int, int]]:
        return [(self.pad[i], self.pad[i + 1]) for i in reversed(range(0, len(self.pad), 2))]

    def call(self, w: Weights, input: Array) -> Array:
        widths = self.widths()
        if len(widths) > np.ndim(input):
            raise LayerError(f"{len(self.pad)} numbers for an input of {np.ndim(input)} axes")
        if self.mode != "constant" and len(widths) not in (np.ndim(input) - 2, np.ndim(input) - 1):
            raise LayerError(f"mode={self.mode!r} pads all axes after the channels, with a batch or without")
        for place, (left, right) in enumerate(widths):
            axis = np.ndim(input) - len(widths) + place
            cut = slice(max(-left, 0), np.shape(input)[axis] - max(-right, 0))
            input = input[(slice(None),) * axis + (cut,)]
        return extended(input, [(max(a, 0), max(b, 0)) for a, b in widths], self.mode, self.value or 0.0)

    def counterpart(self, input: Like) -> Counterpart:
        widths = self.widths()
        if any(min(pair) < 0 for pair in widths):
            raise NoCounterpart("negative widths cut: a Cropping layer, and then what is left")
        if self.mode != "constant":
            return extended_text("input", input, widths, self.mode)
        every = [*[[0, 0]] * (input.rank - len(widths)), *map(list, widths)]
        return expression(f"pad(input, {every}, {float(self.value or 0.0)})")
