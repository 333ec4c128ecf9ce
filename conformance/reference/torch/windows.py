"""Windows over torch's layout, (batch, channels, *lengths): where they stand, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence

import autograd.numpy as np

from conformance.reference.base import Array, LayerError

Pair = int | tuple[int, ...]
LOWEST = -3.4028234663852886e38
"""The lowest float32: what a window of a maximum is filled up with where Keras' layers have no padding of their own."""


def spread(value: Pair, rank: int, name: str) -> tuple[int, ...]:
    """One number for all axes, or one for each. Raises LayerError for another number of them."""
    numbers = (value,) * rank if isinstance(value, int) else tuple(value)
    if len(numbers) != rank:
        raise LayerError(f"{name} needs 1 or {rank} numbers, not {len(numbers)}")
    return numbers


def at_least(rank: int, least: int, **values: Pair) -> None:
    """Raises LayerError for a number below `least`."""
    for name, value in values.items():
        if min(spread(value, rank, name)) < least:
            raise LayerError(f"{name} must be at least {least}, not {value}")


def slid(x: Array, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> Array:
    """The windows that fit: (batch, channels, count, size, count, size, ...). Raises LayerError where none does."""
    for place, (size, stride, dilation) in enumerate(zip(sizes, strides, dilations, strict=True)):
        axis, length = 2 + 2 * place, np.shape(x)[2 + 2 * place]
        count = (length - dilation * (size - 1) - 1) // stride + 1
        if count < 1:
            raise LayerError(f"a window over {dilation * (size - 1) + 1} does not fit into {length}")
        taps = np.arange(count)[:, None] * stride + np.arange(size)[None, :] * dilation
        x = x[(slice(None),) * axis + (taps,)]
    return x


def counts_of(windows: Array) -> tuple[int, ...]:
    """How many windows there are on each axis."""
    return tuple(int(length) for length in np.shape(windows)[2::2])


def in_windows(rank: int) -> tuple[int, ...]:
    """The axes of `slid` that lie within a window."""
    return tuple(3 + 2 * place for place in range(rank))


def filled(x: Array, widths: Sequence[tuple[int, int]], value: float = 0.0) -> Array:
    """x with so much before and after each of its last axes, filled with a number."""
    if not any(left or right for left, right in widths):
        return x
    before = [(0, 0)] * (np.ndim(x) - len(widths))
    return np.pad(x, [*before, *widths], "constant", constant_values=value)


def to_last(rank: int) -> str:
    """The axes by which (batch, channels, *lengths) becomes (batch, *lengths, channels), as an expression has them."""
    return str([0, *range(2, rank + 2), 1])


def to_first(rank: int) -> str:
    """The axes of the way back."""
    return str([0, rank + 1, *range(1, rank + 1)])


def ceiled(length: int, size: int, stride: int, padding: int, dilation: int) -> tuple[int, int]:
    """The number of windows with ceil_mode, and how much they reach over the padded end.

    ceil((length + 2 padding - dilation (size - 1) - 1) / stride) + 1, but for a last window that would start in the
    padding on the right. Source: the notes of nn.MaxPool2d.
    """
    span = dilation * (size - 1) + 1
    count = -(-(length + 2 * padding - span) // stride) + 1
    if (count - 1) * stride >= length + padding:
        count -= 1
    return count, max((count - 1) * stride + span - length - 2 * padding, 0)
