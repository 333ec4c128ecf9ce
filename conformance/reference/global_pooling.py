"""Pooling over all steps at once, or over whole images: the largest or the mean number of each channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .invariants import MEAN, ONE_OF, Seen
from .pooling import DATA_FORMAT, other_format, together
from .traits import IMAGE, SEQUENCE, VOLUME, asked, called
from .windows import DataFormat, split_shape


class _GlobalPooling(Layer):
    """What pools over all steps share; `rank` is the number of axes that go."""

    rank: ClassVar[int]
    honours_mask: ClassVar[bool] = False
    """Whether masked steps are left out."""

    data_format: DataFormat = arg(DATA_FORMAT, default="channels_last")
    keepdims: bool = arg("Whether the pooled axes stay, with length 1.", default=False)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return math.prod(split_shape(shapes[0], self.rank, self.data_format)[0])

    def pooled_axes(self, shape: Shape) -> tuple[int, ...]:
        """The axes that are pooled; LayerError where the rank does not fit."""
        split_shape(shape, self.rank, self.data_format)
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def made_of(self, seen: Seen) -> Any:
        x = seen.inputs[0] * 1.0  # type: ignore[index]  # asked where it is known
        axes = self.pooled_axes(x.shape)
        if self.honours_mask and seen.masks and seen.masks[0] is not None:
            real = np.expand_dims(seen.masks[0] != 0, 2 if self.data_format == "channels_last" else 1)
            x = np.where(real, x, np.nan)
        whole = together(x, axes)
        return np.expand_dims(whole, axes) if self.keepdims else whole

    def rule(self, shape: Shape) -> str:
        axes = self.pooled_axes(shape)
        lengths = [shape[axis] for axis in axes]
        channels = 1 if self.data_format == "channels_first" else len(shape) - 1
        places = " * ".join(map(str, lengths)) + (f" = {math.prod(lengths)}" if self.rank > 1 else "")
        kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
        left = kept if self.keepdims else (shape[0], shape[channels])
        pooled = f"{'axis' if self.rank == 1 else 'axes'} {' and '.join(map(str, axes))} pooled ({places})"
        return f"{self.data_format}: {pooled}, axis {channels} kept ({shape[channels]} channels): {left}"


def _overwrite(value: float) -> Callable[..., tuple[list[Any], dict[str, Any]]]:
    """Hook of a mutant that writes `value` over masked steps and takes the mask away."""

    def inputs(layer: _GlobalPooling, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        mask = kwargs.get("mask")
        if mask is None:
            return args, kwargs
        steps = np.expand_dims(mask, 2 if layer.data_format == "channels_last" else 1)
        return [np.where(steps, args[0], value), *args[1:]], {**kwargs, "mask": None}

    return inputs


_KEEPDIMS = Mutant(
    "other_keepdims", "keeps the pooled axes where they go", config=lambda layer: {"keepdims": not layer.keepdims}
)
_WRONG_AXIS = Mutant("wrong_axis", "pools over the channels", config=other_format)
_PASSES_MASK = Mutant("passes_mask", "passes the mask on", mask=lambda layer, out, mask: mask)


def _last(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return x[:, -1]


def _first(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return x[:, 0]


def _last_real(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    if mask is None:
        return x[:, -1]
    steps = np.arange(x.shape[1])[None, :]
    last = np.max(np.where(np.asarray(mask, dtype=bool), steps, 0), axis=1)
    return x[np.arange(x.shape[0]), last]


def _largest(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return np.max(x, axis=1)


def _summed(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return np.sum(x if mask is None else x * np.asarray(mask, dtype=float)[..., None], axis=1)


def _over_steps(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return np.mean(x if mask is None else x * np.asarray(mask, dtype=float)[..., None], axis=1)


_PORTED_MEAN = (
    Mutant("last_step", "takes the last step for the mean", methods={"call": _last}),
    Mutant("first_step", "takes the first step for the mean", methods={"call": _first}),
    Mutant("last_real_step", "takes the last real step for the mean", methods={"call": _last_real}),
    Mutant("max_for_mean", "takes the maximum for the mean", methods={"call": _largest}),
    Mutant("sum_for_mean", "sums the steps and does not divide", methods={"call": _summed}),
    Mutant("divides_by_padding", "divides by all steps, padding included", methods={"call": _over_steps}),
)


class GlobalAveragePooling1D(_GlobalPooling):
    """Mean over the steps of each sequence.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, channels), with a
    step of length 1 for `keepdims`. A mask (batch, steps) leaves steps out: sum over true steps / number of true steps;
    a row without any gives NaN (0 / 0). Any entry but 0 is true. What a masked step holds, even NaN, does not matter.
    """

    arithmetic = "rounds"
    input_axis_names = SEQUENCE
    native = called("nn.AdaptiveAvgPool1d")
    invariants = MEAN
    example = asked("GlobalAveragePooling1D", "5,3")
    porting = _PORTED_MEAN

    rank: ClassVar[int] = 1
    honours_mask = True

    def call(self, w: Weights, x: Array, mask: Array | None = None) -> Array:
        (steps,) = self.pooled_axes(x.shape)
        if mask is None:
            return np.mean(x, axis=steps, keepdims=self.keepdims)
        if mask.shape not in {(rows, length) for rows in (x.shape[0], 1) for length in (x.shape[steps], 1)}:
            raise LayerError(f"mask {mask.shape} is not one entry for each of the {x.shape[steps]} steps of {x.shape}")
        real = np.broadcast_to(np.expand_dims(mask != 0, 3 - steps), x.shape)
        total = np.sum(np.where(real, x, 0.0), axis=steps, keepdims=self.keepdims)
        with np.errstate(invalid="ignore"):
            return total / np.sum(real, axis=steps, keepdims=self.keepdims)

    def compute_mask(self, x: Array, mask: Array | None) -> Any:
        return NO_MASK

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        is_last = config.get("data_format", "channels_last") == "channels_last"
        axis, spread = (1, "mask[..., None]") if is_last else (2, "mask[:, None]")
        keep, count = (
            (", keepdim=True", "mask.sum(1)[:, None, None]")
            if config.get("keepdims")
            else ("", "mask.sum(1, keepdim=True)")
        )
        return (f"(x * {spread}).sum({axis}{keep}) / {count}  # mask: (batch, steps), 1 at real steps",)

    mutants = (
        _WRONG_AXIS,
        _KEEPDIMS,
        Mutant(
            "ignores_mask",
            "counts padding as steps",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "mask": None}),
        ),
        Mutant(
            "divides_by_all_steps",
            "sums the true steps and divides by the number of all steps",
            inputs=_overwrite(0.0),
        ),
        Mutant(
            "zero_without_steps",
            "gives 0 for a row without any step",
            output=lambda layer, out, args: np.where(np.isnan(out), 0.0, out),
        ),
        _PASSES_MASK,
    )


class GlobalMaxPooling1D(_GlobalPooling):
    """Largest number over the steps of each sequence; a mask changes nothing, so that masked steps take part.

    x: (batch, steps, channels), or (batch, channels, steps) for `channels_first`. Returns (batch, channels), with a
    step of length 1 for `keepdims`.
    """

    arithmetic = "moves"
    input_axis_names = SEQUENCE
    native = called("nn.AdaptiveMaxPool1d")
    invariants = ONE_OF
    example = asked("GlobalMaxPooling1D", "5,3")

    rank: ClassVar[int] = 1

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, x: Array, mask: Array | None = None) -> Array:
        return np.max(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (
        _WRONG_AXIS,
        _KEEPDIMS,
        Mutant("honours_mask", "leaves masked steps out of the maximum", inputs=_overwrite(-np.inf)),
        _PASSES_MASK,
    )


class GlobalAveragePooling2D(_GlobalPooling):
    """Mean over the rows and columns of each image.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, channels), with rows and columns of length 1 for `keepdims`.
    """

    arithmetic = "rounds"
    input_axis_names = IMAGE
    native = called("nn.AdaptiveAvgPool2d")
    invariants = MEAN
    example = asked("GlobalAveragePooling2D", "5,7,3")

    rank: ClassVar[int] = 2

    def call(self, w: Weights, x: Array) -> Array:
        return np.mean(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (_WRONG_AXIS, _KEEPDIMS)


class GlobalMaxPooling2D(_GlobalPooling):
    """Largest number over the rows and columns of each image.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`. Returns
    (batch, channels), with rows and columns of length 1 for `keepdims`.
    """

    arithmetic = "moves"
    input_axis_names = IMAGE
    native = called("nn.AdaptiveMaxPool2d")
    invariants = ONE_OF
    example = asked("GlobalMaxPooling2D", "5,7,3")

    rank: ClassVar[int] = 2

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, x: Array) -> Array:
        return np.max(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (_WRONG_AXIS, _KEEPDIMS)


class GlobalAveragePooling3D(_GlobalPooling):
    """Mean over the depth, height and width of each volume.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    (batch, channels), with three axes of length 1 for `keepdims`.
    """

    arithmetic = "rounds"
    input_axis_names = VOLUME
    native = called("nn.AdaptiveAvgPool3d")
    invariants = MEAN
    example = asked("GlobalAveragePooling3D", "3,5,7,2")

    rank: ClassVar[int] = 3

    def call(self, w: Weights, x: Array) -> Array:
        return np.mean(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (_WRONG_AXIS, _KEEPDIMS)


class GlobalMaxPooling3D(_GlobalPooling):
    """Largest number over the depth, height and width of each volume.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`. Returns
    (batch, channels), with three axes of length 1 for `keepdims`.
    """

    arithmetic = "moves"
    input_axis_names = VOLUME
    native = called("nn.AdaptiveMaxPool3d")
    invariants = ONE_OF
    example = asked("GlobalMaxPooling3D", "3,5,7,2")

    rank: ClassVar[int] = 3

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def call(self, w: Weights, x: Array) -> Array:
        return np.max(x, axis=self.pooled_axes(x.shape), keepdims=self.keepdims)

    mutants = (_WRONG_AXIS, _KEEPDIMS)
