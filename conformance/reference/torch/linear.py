"""nn.Linear, nn.Bilinear, nn.Identity, and what only changes the shape: Flatten, Unflatten, shuffles of channels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import autograd.numpy as np

from conformance.counterpart import Counterpart, NoCounterpart, expression, moved, one_layer, same
from conformance.mapping import Mapped
from conformance.reference.base import Array, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, wants_last
from conformance.reference.traits import Axes, asked


class Linear(TorchLayer):
    """y = x A^T + b over the last axis.

    input: (..., in_features). Returns (..., out_features). weight: (out_features, in_features).
    """

    names = ("nn.Linear",)
    arithmetic = "linear"
    example = asked("nn.Linear(7, 3)", "7")
    in_features: int = arg("Length of the last axis of the input.", at_least=1)
    out_features: int = arg("Length of the last axis of the output.", at_least=1)
    bias: bool = arg("Whether a bias is added.", default=True)

    def weights(self, input: Any, *rest: Any) -> Mapping[str, Weight]:
        held = {"weight": Weight((self.out_features, self.in_features))}
        return {**held, "bias": Weight((self.out_features,), "bias")} if self.bias else held

    def call(self, w: Weights, input: Array) -> Array:
        wants_last(input, self.in_features, "nn.Linear", f"(..., in_features {self.in_features})")
        y = np.einsum("...i,oi->...o", input, w.weight)
        return y + w.bias if self.bias else y

    def counterpart(self, input: Like) -> Counterpart:
        weights = {"kernel": moved(Mapped("weight").transpose(1, 0))}
        if self.bias:
            weights["bias"] = same("bias")
        if input.rank < 2:
            raise NoCounterpart("keras.layers.Dense takes a batch: two axes or more")
        return one_layer("Dense", {"units": self.out_features, "use_bias": self.bias}, weights)


class Bilinear(TorchLayer):
    """y_o = x1^T A_o x2 + b_o over the last axes.

    input1: (..., in1_features); input2: (..., in2_features). weight: (out_features, in1_features, in2_features).
    """

    names = ("nn.Bilinear",)
    arithmetic = "linear"
    example = asked("nn.Bilinear(5, 3, 2)", "5", "3")
    in1_features: int = arg("Length of the last axis of the first input.", at_least=1)
    in2_features: int = arg("Length of the last axis of the second input.", at_least=1)
    out_features: int = arg("Length of the last axis of the output.", at_least=1)
    bias: bool = arg("Whether a bias is added.", default=True)

    def weights(self, input1: Any, input2: Any) -> Mapping[str, Weight]:
        held = {"weight": Weight((self.out_features, self.in1_features, self.in2_features))}
        return {**held, "bias": Weight((self.out_features,), "bias")} if self.bias else held

    def call(self, w: Weights, input1: Array, input2: Array) -> Array:
        wants_last(input1, self.in1_features, "nn.Bilinear", f"(..., in1_features {self.in1_features})")
        wants_last(input2, self.in2_features, "nn.Bilinear", f"(..., in2_features {self.in2_features})")
        if np.shape(input1)[:-1] != np.shape(input2)[:-1]:
            raise LayerError("nn.Bilinear takes two inputs that are alike but for their last axes")
        half = np.einsum("...i,oij->...oj", input1, w.weight)
        y = np.einsum("...oj,...j->...o", half, input2)
        return y + w.bias if self.bias else y

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self.in1_features * self.in2_features

    def counterpart(self, input1: Like, input2: Like) -> Counterpart:
        row = "abcdefg"[: input1.rank - 1]
        text = f'einsum("{row}x,oxy,{row}y->{row}o", input1, weight, input2)'
        arrays = {"weight": same("weight"), **({"bias": same("bias")} if self.bias else {})}
        return Counterpart(f"{text} + bias" if self.bias else text, arrays=arrays)


class Identity(TorchLayer):
    """The input as it is."""

    names = ("nn.Identity",)
    arithmetic = "moves"
    example = asked("nn.Identity()", "5,3")

    def call(self, w: Weights, input: Array) -> Array:
        return input

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer("Identity", {})


class Flatten(TorchLayer):
    """The axes from start_dim to end_dim as one, in the order of the memory: (channels, height, width) of an image."""

    names = ("nn.Flatten",)
    arithmetic = "moves"
    example = asked("nn.Flatten()", "3,4,5")
    start_dim: int = arg("First axis of those that become one.", default=1)
    end_dim: int = arg("Last of them.", default=-1)

    def call(self, w: Weights, input: Array) -> Array:
        return np.reshape(input, self._shape(np.shape(input)))

    def _shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        rank = len(shape)
        if not all(-rank <= axis < rank for axis in (self.start_dim, self.end_dim)):
            raise LayerError(f"axes {self.start_dim} and {self.end_dim} of an input of {rank} axes")
        start, end = self.start_dim % rank, self.end_dim % rank
        if start > end:
            raise LayerError(f"start_dim {self.start_dim} comes after end_dim {self.end_dim}")
        return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])

    def counterpart(self, input: Like) -> Counterpart:
        shape = self._shape(input.shape)
        if self.start_dim % input.rank == 0:
            return expression(f"reshape(input, {list(shape)})")
        return one_layer("Reshape", {"target_shape": list(shape[1:])})


class Unflatten(TorchLayer):
    """One axis as several."""

    names = ("nn.Unflatten",)
    arithmetic = "moves"
    example = asked("nn.Unflatten(1, [2, 3])", "6,4")
    dim: int = arg("The axis.")
    unflattened_size: tuple[int, ...] = arg("The lengths that it becomes.")

    def call(self, w: Weights, input: Array) -> Array:
        return np.reshape(input, self._shape(np.shape(input)))

    def _shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        axis = self.dim % len(shape)
        known = math.prod(size for size in self.unflattened_size if size != -1)
        sizes = tuple(shape[axis] // known if size == -1 else size for size in self.unflattened_size)
        if math.prod(sizes) != shape[axis]:
            raise LayerError(f"an axis of {shape[axis]} is not {' x '.join(map(str, self.unflattened_size))}")
        return (*shape[:axis], *sizes, *shape[axis + 1 :])

    def counterpart(self, input: Like) -> Counterpart:
        shape = self._shape(input.shape)
        if self.dim % input.rank == 0:
            return expression(f"reshape(input, {list(shape)})")
        return one_layer("Reshape", {"target_shape": list(shape[1:])})


class _Image(TorchLayer):
    arithmetic = "moves"

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("channels", "height", "width")[:rank]


def _image(shape: Sequence[int], name: str) -> tuple[int, int, int, int]:
    if len(shape) != 4:
        raise LayerError(f"{name} takes (batch, channels, height, width), not {tuple(shape)}")
    return int(shape[0]), int(shape[1]), int(shape[2]), int(shape[3])


class PixelShuffle(_Image):
    """(batch, c r^2, h, w) to (batch, c, h r, w r): y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w]."""

    names = ("nn.PixelShuffle", "F.pixel_shuffle")
    example = asked("nn.PixelShuffle(2)", "8,3,5")
    upscale_factor: int = arg("r.", at_least=1)

    def call(self, w: Weights, input: Array) -> Array:
        n, c, height, width = _image(np.shape(input), "nn.PixelShuffle")
        r = self.upscale_factor
        if c % (r * r):
            raise LayerError(f"{c} channels are no multiple of {r * r}")
        x = np.reshape(input, (n, c // (r * r), r, r, height, width))
        return np.reshape(np.transpose(x, (0, 1, 4, 2, 5, 3)), (n, c // (r * r), height * r, width * r))

    def counterpart(self, input: Like) -> Counterpart:
        _, c, height, width = _image(input.shape, "nn.PixelShuffle")
        r = self.upscale_factor
        return expression(
            f"reshape(transpose(split, [0, 1, 4, 2, 5, 3]), [-1, {c // (r * r)}, {height * r}, {width * r}])",
            split=f"reshape(input, [-1, {c // (r * r)}, {r}, {r}, {height}, {width}])",
        )


class PixelUnshuffle(_Image):
    """The way back from PixelShuffle."""

    names = ("nn.PixelUnshuffle", "F.pixel_unshuffle")
    example = asked("nn.PixelUnshuffle(2)", "3,4,6")
    downscale_factor: int = arg("r.", at_least=1)

    def call(self, w: Weights, input: Array) -> Array:
        n, c, height, width = _image(np.shape(input), "nn.PixelUnshuffle")
        r = self.downscale_factor
        if height % r or width % r:
            raise LayerError(f"{height} x {width} is no multiple of {r}")
        x = np.reshape(input, (n, c, height // r, r, width // r, r))
        return np.reshape(np.transpose(x, (0, 1, 3, 5, 2, 4)), (n, c * r * r, height // r, width // r))

    def counterpart(self, input: Like) -> Counterpart:
        _, c, height, width = _image(input.shape, "nn.PixelUnshuffle")
        r = self.downscale_factor
        return expression(
            f"reshape(transpose(split, [0, 1, 3, 5, 2, 4]), [-1, {c * r * r}, {height // r}, {width // r}])",
            split=f"reshape(input, [-1, {c}, {height // r}, {r}, {width // r}, {r}])",
        )


class ChannelShuffle(_Image):
    """Channels in `groups` rows, read by columns."""

    names = ("nn.ChannelShuffle", "F.channel_shuffle")
    example = asked("nn.ChannelShuffle(2)", "6,3,4")
    groups: int = arg("How many rows.", at_least=1)

    def call(self, w: Weights, input: Array) -> Array:
        shape = np.shape(input)
        if shape[1] % self.groups:
            raise LayerError(f"{shape[1]} channels are no multiple of {self.groups}")
        x = np.reshape(input, (shape[0], self.groups, shape[1] // self.groups, *shape[2:]))
        return np.reshape(np.swapaxes(x, 1, 2), shape)

    def counterpart(self, input: Like) -> Counterpart:
        rest = list(input.shape[2:])
        axes = [0, 2, 1, *range(3, input.rank + 1)]
        return expression(
            f"reshape(transpose(rows, {axes}), {[-1, *input.shape[1:]]})",
            rows=f"reshape(input, {[-1, self.groups, input.shape[1] // self.groups, *rest]})",
        )
