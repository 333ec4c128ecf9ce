"""What layers are made of: convolutions, pools, normalisations, losses, attention."""

from __future__ import annotations

import math
from typing import Any, Literal

import autograd.numpy as np
import numpy

from conformance.reference.adaptive_pooling import bounds
from conformance.reference.conv import correlate
from conformance.reference.depthwise import depthwise
from conformance.reference.losses import EPSILON, log_probabilities
from conformance.reference.transposed import stretch
from conformance.reference.windows import Placement, channels_last, in_format, padded, per_axis, place_axes, windows

from .base import Array, ask, asked, between, floats, given, integers

Sizes = int | tuple[int, ...]
Format = Literal["channels_last", "channels_first"] | None
LINE, PLANE, SPACE = floats(2, 9, 3), floats(2, 7, 6, 3), floats(1, 4, 5, 4, 2)


def _format(data_format: Format) -> Any:
    return data_format or "channels_last"


def _placed(
    x: Array, sizes: tuple[int, ...], strides: Sizes, dilation: Sizes, padding: str, format: Any
) -> list[Placement]:
    rank = len(sizes)
    return place_axes(np.shape(x), format, sizes, per_axis(strides, rank), per_axis(dilation, rank), padding)


@asked(
    ask("line", LINE, floats(3, 3, 4)),
    ask("plane", PLANE, floats(3, 2, 3, 4)),
    ask("space", SPACE, floats(2, 2, 2, 2, 3)),
    ask("same", PLANE, floats(3, 2, 3, 4), padding="same"),
    ask("strides", PLANE, floats(3, 2, 3, 4), strides=2, padding="same"),
    ask("strides_each", PLANE, floats(2, 2, 3, 4), strides=[2, 1]),
    ask("dilation", PLANE, floats(2, 2, 3, 4), dilation_rate=2),
    ask("channels_first", floats(2, 3, 7, 6), floats(3, 2, 3, 4), data_format="channels_first"),
    ask("even_same", LINE, floats(2, 3, 4), padding="same"),
    arithmetic="linear",
)
def conv(
    inputs: Array, kernel: Array, strides: Sizes = 1, padding: Literal["valid", "same"] = "valid",
    data_format: Format = None, dilation_rate: Sizes = 1,
) -> Array:  # fmt: skip
    """Sums of products with a kernel (*sizes, in, out) at each place of (batch, *lengths, in)."""
    format = _format(data_format)
    placements = _placed(inputs, np.shape(kernel)[:-2], strides, dilation_rate, padding, format)
    x = channels_last(inputs, format)
    groups = np.shape(x)[-1] // np.shape(kernel)[-2]
    return in_format(correlate(windows(padded(x, placements), placements), kernel, groups), format)


@asked(
    ask("line", LINE, floats(3, 3, 2)),
    ask("plane", PLANE, floats(3, 2, 3, 1)),
    ask("multiplier", PLANE, floats(3, 2, 3, 2)),
    ask("same", PLANE, floats(3, 2, 3, 2), padding="same"),
    ask("strides", PLANE, floats(3, 3, 3, 2), strides=2, padding="same"),
    ask("dilation", PLANE, floats(2, 2, 3, 2), dilation_rate=2),
    arithmetic="linear",
    takes_integers=False,
)
def depthwise_conv(
    inputs: Array, kernel: Array, strides: Sizes = 1, padding: Literal["valid", "same"] = "valid",
    data_format: Format = None, dilation_rate: Sizes = 1,
) -> Array:  # fmt: skip
    """Each channel by kernels of its own: (*sizes, in, multiplier)."""
    placements = _placed(inputs, np.shape(kernel)[:-2], strides, dilation_rate, padding, "channels_last")
    return depthwise(inputs, kernel, placements)


@asked(
    ask("line", LINE, floats(3, 3, 2), floats(1, 6, 4)),
    ask("plane", PLANE, floats(3, 2, 3, 2), floats(1, 1, 6, 4)),
    ask("same", PLANE, floats(3, 2, 3, 2), floats(1, 1, 6, 4), padding="same"),
    ask("strides", PLANE, floats(3, 3, 3, 2), floats(1, 1, 6, 4), strides=2, padding="same"),
    ask("dilation", PLANE, floats(2, 2, 3, 2), floats(1, 1, 6, 4), dilation_rate=2),
    arithmetic="linear",
    takes_integers=False,
)
def separable_conv(
    inputs: Array, depthwise_kernel: Array, pointwise_kernel: Array, strides: Sizes = 1,
    padding: Literal["valid", "same"] = "valid", data_format: Format = None, dilation_rate: Sizes = 1,
) -> Array:  # fmt: skip
    """depthwise_conv, then a convolution with windows of one step."""
    deep = depthwise_conv(inputs, depthwise_kernel, strides, padding, None, dilation_rate)
    return conv(deep, pointwise_kernel)


@asked(
    ask("line", LINE, floats(3, 4, 3)),
    ask("plane", floats(2, 4, 3, 2), floats(3, 2, 4, 2)),
    ask("strides", floats(2, 4, 3, 2), floats(3, 2, 4, 2), strides=2),
    ask("same", floats(2, 4, 3, 2), floats(3, 3, 4, 2), strides=2, padding="same"),
    ask("longer_strides", floats(2, 4, 2), floats(2, 3, 2), strides=3),
    ask("output_padding", floats(2, 4, 3, 2), floats(3, 3, 4, 2), strides=2, padding="same", output_padding=1),
    ask("no_output_padding", floats(2, 4, 3, 2), floats(3, 3, 4, 2), strides=2, padding="same", output_padding=0),
    ask("dilation", floats(2, 4, 3, 2), floats(2, 2, 4, 2), dilation_rate=2),
    arithmetic="linear",
    takes_specials=False,
    takes_integers=False,
)
def conv_transpose(
    inputs: Array, kernel: Array, strides: Sizes = 1, padding: Literal["valid", "same"] = "valid",
    output_padding: Sizes | None = None, data_format: Format = None, dilation_rate: Sizes = 1,
) -> Array:  # fmt: skip
    """The transpose of a convolution: each step writes a kernel (*sizes, out, in)."""
    sizes = np.shape(kernel)[:-2]
    rank = len(sizes)
    extras = (None,) * rank if output_padding is None else per_axis(output_padding, rank)
    axes = [
        stretch(*numbers, padding)
        for numbers in zip(
            np.shape(inputs)[1:-1], sizes, per_axis(strides, rank), per_axis(dilation_rate, rank), extras, strict=True
        )
    ]
    y = np.tensordot(inputs, kernel, axes=([-1], [-1]))  # (batch, *lengths, *sizes, out)
    for left, axis in zip(range(rank, 0, -1), axes, strict=True):
        y = np.tensordot(y, axis.place, axes=([1, 1 + left], [0, 1]))  # an output axis goes to the end
    return np.moveaxis(y, 1, -1)


POOLS = (
    ask("line", LINE, pool_size=2),
    ask("plane", PLANE, pool_size=2),
    ask("space", SPACE, pool_size=2),
    ask("sizes", PLANE, pool_size=[3, 2]),
    ask("strides", PLANE, pool_size=3, strides=1),
    ask("same", PLANE, pool_size=3, strides=2, padding="same"),
    ask("channels_first", floats(2, 3, 7, 6), pool_size=2, data_format="channels_first"),
)


def _pooled(x: Array, size: Sizes, strides: Sizes | None, padding: str, data_format: Format, value: float) -> Array:
    rank, format = np.ndim(x) - 2, _format(data_format)
    sizes = per_axis(size, rank)
    placements = _placed(x, sizes, sizes if strides is None else strides, 1, padding, format)
    return windows(padded(channels_last(x, format), placements, value), placements), tuple(
        range(rank + 1, 2 * rank + 1)
    )


@asked(*POOLS, arithmetic="moves")
def max_pool(
    inputs: Array, pool_size: Sizes, strides: Sizes | None = None, padding: Literal["valid", "same"] = "valid",
    data_format: Format = None,
) -> Array:  # fmt: skip
    """The largest of each window; padding is never the largest."""
    x, axes = _pooled(inputs, pool_size, strides, padding, data_format, -math.inf)
    return in_format(np.max(x, axis=axes), _format(data_format))


@asked(
    *POOLS,
    takes_integers=False,
)
def average_pool(
    inputs: Array, pool_size: Sizes, strides: Sizes | None = None, padding: Literal["valid", "same"] = "valid",
    data_format: Format = None,
) -> Array:  # fmt: skip
    """The mean of each window; padding does not count."""
    x, axes = _pooled(inputs, pool_size, strides, padding, data_format, 0.0)
    count, _ = _pooled(np.ones(np.shape(inputs)), pool_size, strides, padding, data_format, 0.0)
    return in_format(np.sum(x, axis=axes) / np.sum(count, axis=axes), _format(data_format))


ADAPTIVE = (
    ask("plane", PLANE, output_size=3),
    ask("sizes", PLANE, output_size=[2, 5]),
    ask("longer", PLANE, output_size=[9, 8]),
    ask("channels_first", floats(2, 3, 7, 6), output_size=[2, 3], data_format="channels_first"),
)


def _adaptive(x: Array, output_size: Sizes, data_format: Format, function: Any) -> Array:
    format = _format(data_format)
    y = channels_last(x, format)
    for axis, count in enumerate(per_axis(output_size, np.ndim(x) - 2), 1):
        whole = (slice(None),) * axis
        parts = [function(y[(*whole, slice(*window))], axis=axis) for window in bounds(np.shape(y)[axis], count)]
        y = np.stack(parts, axis=axis)
    return in_format(y, format)


@asked(*ADAPTIVE)
def adaptive_average_pool(inputs: Array, output_size: Sizes, data_format: Format = None) -> Array:
    """The means of so many windows, from floor(i n / k) to ceil((i + 1) n / k)."""
    return _adaptive(inputs, output_size, data_format, np.mean)


@asked(*ADAPTIVE, arithmetic="moves")
def adaptive_max_pool(inputs: Array, output_size: Sizes, data_format: Format = None) -> Array:
    """The largest of so many windows."""
    return _adaptive(inputs, output_size, data_format, np.max)


# normalisations


@asked(
    ask("last", floats(4, 3), floats(3), between(0.5, 2.0, 3), floats(3), between(0.5, 2.0, 3), axis=-1),
    ask("plain", floats(4, 3), floats(3), between(0.5, 2.0, 3), axis=-1),
    ask("middle", floats(2, 3, 4), floats(3), between(0.5, 2.0, 3), axis=1),
    ask("epsilon", floats(4, 2, 3), floats(3), between(0.001, 0.01, 3), axis=-1, epsilon=0.1),
    takes_integers=False,
)
def batch_normalization(
    x: Array, mean: Array, variance: Array, offset: Array | None = None, scale: Array | None = None, axis: int = -1,
    epsilon: float = 0.001,
) -> Array:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) scale + offset along an axis."""
    shape = [1] * np.ndim(x)
    shape[axis] = np.shape(x)[axis]
    y = (x - np.reshape(mean, shape)) / np.sqrt(np.reshape(variance, shape) + epsilon)
    y = y if scale is None else y * np.reshape(scale, shape)
    return y if offset is None else y + np.reshape(offset, shape)


@asked(
    ask("plain", floats(4, 3)),
    ask("gamma_and_beta", floats(4, 3), floats(3), floats(3)),
    ask("two_axes", floats(2, 3, 4), axis=[-2, -1]),
    ask("epsilon", floats(2, 4, 3), epsilon=0.1),
    ask("small", between(-0.0005, 0.0005, 4, 3)),
    takes_integers=False,
)
def layer_normalization(
    x: Array, gamma: Array | None = None, beta: Array | None = None, axis: int | tuple[int, ...] = -1,
    epsilon: float | None = None,
) -> Array:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) over these axes, times gamma, plus beta; epsilon is 1e-7."""
    mean = np.mean(x, axis=axis, keepdims=True)
    y = (x - mean) / np.sqrt(np.var(x, axis=axis, keepdims=True) + (1e-7 if epsilon is None else epsilon))
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


@asked(
    ask("plain", floats(4, 3)),
    ask("scale", floats(4, 3), floats(3)),
    ask("first", floats(4, 3), axis=0),
    ask("two_axes", floats(2, 3, 4), axis=[-2, -1]),
    ask("epsilon", floats(2, 4, 3), epsilon=0.1),
    ask("small", between(-0.0005, 0.0005, 4, 3)),
    takes_integers=False,
)
def rms_normalization(
    x: Array, scale: Array | None = None, axis: int | tuple[int, ...] = -1, epsilon: float | None = None
) -> Array:
    """x / sqrt(mean(x^2) + epsilon), times the scale; epsilon is 1e-7."""
    size = np.sqrt(np.mean(x**2, axis=axis, keepdims=True) + (1e-7 if epsilon is None else epsilon))
    return x / size if scale is None else x / size * scale


# losses

SHARES = between(0.05, 0.95, 3, 4)
LABELS = given([[0.1, 0.4, 0.0, 0.5], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
"""Shares that sum to 1: of others TensorFlow documents no gradient."""
CUT_OFF = "where it is cut off it has a kink"


@asked(
    ask("usual", given([[0.0, 1.0, 1.0, 0.0]] * 3), SHARES),
    ask("soft", SHARES, SHARES),
    ask("logits", SHARES, floats(3, 4), from_logits=True),
    ask("far_logits", given([1.0, 0.0, 1.0]), given([-100.0, 100.0, 90.0]), from_logits=True),
    ask("ends", given([1.0, 0.0, 1.0]), given([0.0, 0.0, 1.0]), no_gradients=CUT_OFF),
    takes_integers=False,
)
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """-t log p - (1 - t) log(1 - p), of each number."""
    t = target * 1.0
    if from_logits:
        return np.maximum(output, 0.0) - output * t + np.log1p(np.exp(-np.abs(output)))
    p = np.clip(output, EPSILON, 1.0 - EPSILON)
    return -t * np.log(p) - (1.0 - t) * np.log(1.0 - p)


@asked(
    ask("usual", LABELS, SHARES),
    ask("logits", LABELS, floats(3, 4), from_logits=True),
    ask("first", given([[0.25, 0.0], [0.5, 1.0], [0.25, 0.0]]), between(0.05, 0.95, 3, 2), axis=0),
    ask("row", given([0.1, 0.4, 0.0, 0.5]), between(0.1, 0.9, 4)),
    ask("ends", given([[1.0, 0.0], [0.0, 1.0]]), given([[0.0, 2.0], [0.0, 2.0]]), no_gradients=CUT_OFF),
    takes_integers=False,
)
def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """-sum t log p over the classes; shares are divided by their sum."""
    return -np.sum(target * log_probabilities(output, from_logits, axis), axis=axis)


@asked(
    ask("usual", integers(0, 4, 3), SHARES),
    ask("logits", integers(0, 4, 3), floats(3, 4), from_logits=True),
    ask("more_axes", integers(0, 4, 2, 3), between(0.1, 0.9, 2, 3, 4)),
    ask("middle", integers(0, 3, 2, 4), between(0.1, 0.9, 2, 3, 4), axis=1),
    ask("column", integers(0, 4, 3, 1), SHARES),
    ask("ends", given([0, 1], "int32"), given([[0.0, 2.0], [0.0, 2.0]]), no_gradients=CUT_OFF),
    takes_integers=False,
    takes_infinities=False,
)
def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """-log p of the class of each row."""
    ids = numpy.reshape(target, np.shape(target)[:-1]) if np.ndim(target) == np.ndim(output) else target
    hot = (ids[..., None] == numpy.arange(np.shape(output)[axis])).astype(float)
    return -np.sum(hot * np.moveaxis(log_probabilities(output, from_logits, axis), axis, -1), axis=-1)


QKV = (floats(2, 4, 2, 3), floats(2, 5, 2, 3), floats(2, 5, 2, 3))
MASK = given([[[[(row + key) % 3 != 1 for key in range(5)] for row in range(4)]]] * 2, "bool")
"""(batch, 1, steps of the query, steps of the key), no row of which is hidden whole."""


@asked(
    ask("usual", *QKV),
    ask("scale", *QKV, scale=0.5),
    ask("bias", *QKV, floats(2, 2, 4, 5)),
    ask("causal", floats(2, 4, 2, 3), floats(2, 4, 2, 3), floats(2, 4, 2, 3), is_causal=True),
    ask("far", given([[[[40.0, 0.0]], [[0.0, 40.0]]]]), given([[[[40.0, 0.0]], [[0.0, 40.0]]]]), floats(1, 2, 1, 2)),
    ask("mask", *QKV, floats(2, 2, 4, 5), MASK),
    ask("shared_heads", floats(2, 4, 4, 3), floats(2, 5, 2, 3), floats(2, 5, 2, 3)),
    takes_integers=False,
)
def dot_product_attention(
    query: Array, key: Array, value: Array, bias: Array | None = None, mask: Array | None = None,
    scale: float | None = None, is_causal: bool = False,
) -> Array:  # fmt: skip
    """softmax(q k' scale + bias) v for each head, (batch, steps, heads, size); scale is 1 / sqrt(size)."""
    shared = np.shape(query)[2] // np.shape(key)[2]
    key, value = (x if shared == 1 else x[:, :, numpy.arange(np.shape(query)[2]) // shared] for x in (key, value))
    scores = np.einsum("bqhd,bkhd->bhqk", query, key) * (
        1.0 / math.sqrt(np.shape(query)[-1]) if scale is None else scale
    )
    scores = scores if bias is None else scores + bias
    seen = numpy.tri(np.shape(query)[1], np.shape(key)[1], dtype=bool) if is_causal else True
    seen = seen if mask is None else seen & mask
    scores = np.where(seen, scores, -1e30)
    shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return np.einsum("bhqk,bkhd->bqhd", shares / np.sum(shares, axis=-1, keepdims=True), value)
