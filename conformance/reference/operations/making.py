"""Arrays made of numbers alone: ranges, filled ones, unit matrices, windows."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as np
import numpy

from .base import Array, ask, asked, floats, given, integers


def _dtype(dtype: str | None, otherwise: Any = float) -> Any:
    return otherwise if dtype is None else float if dtype.startswith("float") else dtype


LIKE = (ask("floats", floats(3, 4)), ask("integers", integers(-9, 9, 3, 4)), ask("empty", floats(0, 4)))
AS = ask("dtype", floats(3, 4), dtype="int32")
CONSTANT = {"no_gradients": "it is the same whatever goes in"}


@asked(*LIKE, AS, **CONSTANT)
def zeros_like(x: Array, dtype: str | None = None) -> Array:
    """Zeros of the shape and dtype of x."""
    return numpy.zeros(np.shape(x), _dtype(dtype, x.dtype))


@asked(*LIKE, AS, **CONSTANT)
def ones_like(x: Array, dtype: str | None = None) -> Array:
    """Ones of the shape and dtype of x."""
    return numpy.ones(np.shape(x), _dtype(dtype, x.dtype))


@asked(
    ask("floats", floats(3, 4), fill_value=2.5),
    ask("integers", integers(-9, 9, 3), fill_value=7),
    ask("dtype", floats(3, 4), fill_value=7, dtype="int32"),
    **CONSTANT,
)
def full_like(x: Array, fill_value: int | float, dtype: str | None = None) -> Array:
    """One number in the shape and dtype of x."""
    return numpy.full(np.shape(x), fill_value, _dtype(dtype, x.dtype))


SHAPES = (
    ask("matrix", shape=[3, 4]),
    ask("number", shape=[]),
    ask("none", shape=[0, 4]),
    ask("integers", shape=[2], dtype="int32"),
)


@asked(*SHAPES)
def zeros(shape: tuple[int, ...], dtype: str | None = None) -> Array:
    """Zeros, floats unless a dtype is given."""
    return numpy.zeros(shape, _dtype(dtype))


@asked(*SHAPES)
def ones(shape: tuple[int, ...], dtype: str | None = None) -> Array:
    """Ones."""
    return numpy.ones(shape, _dtype(dtype))


@asked(
    ask("matrix", shape=[3, 4], fill_value=2.5),
    ask("number", shape=[], fill_value=2.5),
    ask("dtype", shape=[2], fill_value=7, dtype="int32"),
)
def full(shape: tuple[int, ...], fill_value: int | float, dtype: str | None = None) -> Array:
    """One number everywhere."""
    return numpy.full(shape, fill_value, _dtype(dtype))


EYES = (
    ask("square", N=3), ask("wide", N=3, M=4), ask("above", N=3, M=4, k=1), ask("below", N=3, M=4, k=-1),
    ask("outside", N=2, k=5), ask("dtype", N=3, dtype="int32"),
)  # fmt: skip


@asked(*EYES)
def eye(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Array:
    """Ones on the k-th diagonal of zeros."""
    return numpy.eye(N, M, k, _dtype(dtype))


@asked(*EYES)
def tri(N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Array:
    """Ones on and below the k-th diagonal."""
    return numpy.tri(N, M, k, _dtype(dtype))


@asked(ask("usual", n=3), ask("dtype", n=2, dtype="int32"))
def identity(n: int, dtype: str | None = None) -> Array:
    """The unit matrix."""
    return numpy.eye(n, dtype=_dtype(dtype))


@asked(
    ask("stop", start=5),
    ask("from", start=2, stop=7),
    ask("steps", start=2, stop=9, step=3),
    ask("down", start=5, stop=0, step=-2),
    ask("floats", start=0.5, stop=2.0, step=0.25),
    ask("empty", start=3, stop=3),
    ask("dtype", start=0, stop=4, dtype="float32"),
)
def arange(
    start: int | float, stop: int | float | None = None, step: int | float | None = None, dtype: str | None = None
) -> Array:
    """From start, itself included, to stop, itself excluded; of integers int32."""
    whole = all(one is None or isinstance(one, int) for one in (start, stop, step))
    first, last = (0, start) if stop is None else (start, stop)
    return numpy.arange(first, last, 1 if step is None else step).astype(_dtype(dtype, "int32" if whole else float))


@asked(
    ask("usual", start=0.0, stop=1.0),
    ask("few", start=-1.5, stop=2.5, num=5),
    ask("open", start=0.0, stop=1.0, num=4, endpoint=False),
    ask("one", start=0.5, stop=1.0, num=1),
    ask("none", start=0.5, stop=1.0, num=0),
    ask("integers", start=0, stop=10, num=5, dtype="int32"),
    ask("down", start=3.0, stop=-1.0, num=3),
)
def linspace(
    start: int | float, stop: int | float, num: int = 50, endpoint: bool = True, retstep: bool = False,
    dtype: str | None = None, axis: int = 0,
) -> Array:  # fmt: skip
    """So many numbers at even distances, the end among them unless it is open."""
    return numpy.linspace(start, stop, num, endpoint).astype(_dtype(dtype))


@asked(
    ask("usual", start=0.0, stop=2.0, num=5),
    ask("open", start=0.0, stop=2.0, num=4, endpoint=False),
    ask("base", start=-1.0, stop=3.0, num=5, base=2),
    ask("dtype", start=0.25, stop=2.25, num=3, dtype="int32"),
)
def logspace(
    start: int | float, stop: int | float, num: int = 50, endpoint: bool = True, base: int | float = 10,
    dtype: str | None = None, axis: int = 0,
) -> Array:  # fmt: skip
    """base to the power of numbers at even distances."""
    return numpy.asarray(float(base) ** numpy.linspace(start, stop, num, endpoint)).astype(_dtype(dtype))


@asked(
    ask("usual", start=1.0, stop=16.0, num=5),
    ask("open", start=1.0, stop=16.0, num=4, endpoint=False),
    ask("down", start=8.0, stop=0.5, num=5),
    ask("dtype", start=1.5, stop=40.0, num=3, endpoint=False, dtype="int32"),
)
def geomspace(
    start: int | float, stop: int | float, num: int = 50, endpoint: bool = True, dtype: str | None = None, axis: int = 0
) -> Array:
    """Numbers of which each is the one before times the same factor."""
    return numpy.exp(numpy.linspace(math.log(start), math.log(stop), num, endpoint)).astype(_dtype(dtype))


WINDOWS = (ask("usual", x=7), ask("even", x=6), ask("one", x=1))


def _cosines(x: int, *parts: float) -> Any:
    if x == 1:
        return numpy.ones(1)
    angle = 2.0 * math.pi * numpy.arange(x) / (x - 1)
    return sum(part * numpy.cos(order * angle) for order, part in enumerate(parts))


@asked(*WINDOWS)
def hanning(x: int) -> Array:
    """1/2 - cos(2 pi n / (x - 1)) / 2."""
    return _cosines(x, 0.5, -0.5)


@asked(*WINDOWS)
def hamming(x: int) -> Array:
    """0.54 - 0.46 cos(2 pi n / (x - 1))."""
    return _cosines(x, 0.54, -0.46)


@asked(*WINDOWS)
def blackman(x: int) -> Array:
    """0.42 - cos(2 pi n / (x - 1)) / 2 + 0.08 cos(4 pi n / (x - 1))."""
    return _cosines(x, 0.42, -0.5, 0.08)


@asked(*WINDOWS)
def bartlett(x: int) -> Array:
    """1 - |2 n / (x - 1) - 1|, a triangle with zeros at both ends."""
    return numpy.ones(1) if x == 1 else 1.0 - numpy.abs(2.0 * numpy.arange(x) / (x - 1) - 1.0)


@asked(*(ask(one.name, beta=5.0, **one.config) for one in WINDOWS), ask("flat", x=5, beta=0.0))
def kaiser(x: int, beta: float) -> Array:
    """I0(beta sqrt(1 - (2 n / (x - 1) - 1)^2)) / I0(beta)."""
    if x == 1:
        return numpy.ones(1)
    place = 2.0 * numpy.arange(x) / (x - 1) - 1.0
    return numpy.i0(beta * numpy.sqrt(numpy.maximum(1.0 - place**2, 0.0))) / numpy.i0(beta)


@asked(
    ask("usual", floats(4)),
    ask("fewer", floats(4), N=2),
    ask("increasing", floats(4), N=3, increasing=True),
    ask("integers", given([1, 2, 3], "int32"), N=3),
)
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:
    """x^(N - 1), ..., x, 1 of each number, or the other way round."""
    powers = list(range(len(x) if N is None else N))
    return np.stack([x**power if power else x**0 for power in (powers if increasing else powers[::-1])], axis=-1)
