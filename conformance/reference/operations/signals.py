"""Signals: Fourier transforms as pairs of two parts, frames, and complex numbers from their parts."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as np
import numpy

from conformance.reference.spectrogram import window_of

from .base import Array, Arrays, as_float, ask, asked, floats, given, integers


def _waves(length: int, count: int) -> tuple[Any, Any]:
    """cos and -sin of 2 pi n k / length, each (count, length)."""
    angle = 2.0 * math.pi * numpy.outer(numpy.arange(count), numpy.arange(length)) / length
    return numpy.cos(angle), -numpy.sin(angle)


def _transformed(real: Array, imaginary: Array, axis: int = -1, sign: float = 1.0) -> list[Array]:
    length = np.shape(real)[axis]
    cos, sin = _waves(length, length)
    sin = sign * sin
    r, i = np.moveaxis(real, axis, -1), np.moveaxis(imaginary, axis, -1)
    parts = np.dot(r, cos) - np.dot(i, sin), np.dot(r, sin) + np.dot(i, cos)
    return [np.moveaxis(part, -1, axis) for part in parts]


PAIRS = (
    ask("usual", [floats(2, 6), floats(2, 6)]),
    ask("odd", [floats(5), floats(5)]),
    ask("one", [floats(2, 1), floats(2, 1)]),
)


@asked(
    *PAIRS,
    takes_integers=False,
    takes_specials=False,
)
def fft(x: Arrays) -> Array:
    """sum x_n e^(-2 pi i n k / N) along the last axis: a pair of parts."""
    return _transformed(x[0], x[1])


PLANES = (ask("usual", [floats(2, 4, 6), floats(2, 4, 6)]), ask("odd", [floats(3, 5), floats(3, 5)]))


@asked(
    *PLANES,
    takes_integers=False,
    takes_specials=False,
)
def fft2(x: Arrays) -> Array:
    """fft along the last two axes."""
    real, imaginary = _transformed(x[0], x[1])
    return _transformed(real, imaginary, axis=-2)


@asked(
    *PLANES,
    takes_integers=False,
    takes_specials=False,
)
def ifft2(x: Arrays) -> Array:
    """The inverse of fft2."""
    real, imaginary = _transformed(x[0], x[1], sign=-1.0)
    found = _transformed(real, imaginary, axis=-2, sign=-1.0)
    return [part / (np.shape(x[0])[-1] * np.shape(x[0])[-2]) for part in found]


@asked(
    ask("usual", floats(2, 6)), ask("odd", floats(5)), ask("longer", floats(2, 6), fft_length=8),
    ask("shorter", floats(2, 6), fft_length=4),
    takes_integers=False,
    takes_specials=False,
)  # fmt: skip
def rfft(x: Array, fft_length: int | None = None) -> Array:
    """fft of real numbers, cut or filled up with zeros, without the half that mirrors: a pair."""
    length = np.shape(x)[-1] if fft_length is None else fft_length
    used = x[..., :length]
    cos, sin = _waves(length, length // 2 + 1)
    cos, sin = cos[:, : np.shape(used)[-1]], sin[:, : np.shape(used)[-1]]
    return [np.dot(used, cos.T), np.dot(used, sin.T)]


@asked(
    ask("usual", [floats(2, 4), floats(2, 4)]),
    ask("odd", [floats(2, 3), floats(2, 3)], fft_length=5),
    ask("longer", [floats(2, 3), floats(2, 3)], fft_length=8),
    takes_integers=False,
    takes_specials=False,
)
def irfft(x: Arrays, fft_length: int | None = None) -> Array:
    """Real numbers from the half of their transform; at its ends the sines, sin(0) and sin(pi n), are 0."""
    length = 2 * (np.shape(x[0])[-1] - 1) if fft_length is None else fft_length
    half = min(length // 2 + 1, np.shape(x[0])[-1])
    cos, sin = _waves(length, half)
    weight = numpy.array([1.0 if k == 0 or 2 * k == length else 2.0 for k in range(half)])
    return (np.dot(x[0][..., :half] * weight, cos) + np.dot(x[1][..., :half] * weight, sin)) / length


@asked(
    ask("usual", floats(2, 9), sequence_length=4, sequence_stride=2),
    ask("apart", floats(9), sequence_length=2, sequence_stride=3),
    ask("whole", floats(2, 4), sequence_length=4, sequence_stride=1),
    ask("integers", integers(-9, 9, 8), sequence_length=3, sequence_stride=1),
    arithmetic="moves",
)
def extract_sequences(x: Array, sequence_length: int, sequence_stride: int) -> Array:
    """Frames of a signal, one every `sequence_stride` steps."""
    starts = range(0, np.shape(x)[-1] - sequence_length + 1, sequence_stride)
    return np.stack([x[..., start : start + sequence_length] for start in starts], axis=-2)


STFT: dict[str, Any] = {"sequence_length": 6, "sequence_stride": 3, "fft_length": 8}


@asked(
    ask("usual", floats(2, 20), **STFT),
    ask("not_centred", floats(2, 20), **STFT, center=False),
    ask("hamming", floats(20), **STFT, window="hamming"),
    ask("no_window", floats(2, 20), sequence_length=8, sequence_stride=3, fft_length=8, window=None),
    ask("same_length", floats(2, 20), sequence_length=8, sequence_stride=4, fft_length=8),
    no_gradients="autograd has none of a signal that is mirrored",
    takes_integers=False,
    takes_specials=False,
)
def stft(
    x: Array,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | None = "hann",
    center: bool = True,
) -> Array:
    """rfft of windowed frames, a pair (..., frames, fft_length / 2 + 1).

    A window shorter than fft_length stands in its middle; `center` mirrors half of fft_length at both ends.
    """
    held = numpy.asarray(x)
    shape, before = _window(sequence_length, fft_length, window), fft_length // 2
    if center:
        held = numpy.pad(held, [(0, 0)] * (held.ndim - 1) + [(before, before)], "reflect")
    return rfft(extract_sequences(held, fft_length, sequence_stride) * shape)


def _window(length: int, fft_length: int, window: Any) -> Any:
    found = window_of(window, length, is_periodic=True)
    before = (fft_length - length) // 2
    return numpy.pad(found, (before, fft_length - length - before))


@asked(
    ask("usual", [floats(2, 6, 5), floats(2, 6, 5)], **STFT),
    ask("not_centred", [floats(2, 6, 5), floats(2, 6, 5)], **{**STFT, "sequence_length": 8}, window=None, center=False),
    ask("length", [floats(2, 6, 5), floats(2, 6, 5)], **STFT, length=12),
    ask("hamming", [floats(6, 5), floats(6, 5)], **STFT, window="hamming"),
    no_gradients="each step is divided by its own sum of windows",
    takes_integers=False,
    takes_specials=False,
    takes_none=False,
)
def istft(
    x: Arrays,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | None = "hann",
    center: bool = True,
) -> Array:
    """The signal whose stft is nearest to x: sum of w irfft(x) over sum of w^2 (Griffin and Lim 1984, equation 6).

    `center` takes off what stft had put on both ends; `length` cuts, or fills up with zeros.
    """
    shape = _window(sequence_length, fft_length, window)
    frames = irfft([numpy.asarray(x[0]), numpy.asarray(x[1])], fft_length) * shape
    count = np.shape(frames)[-2]
    whole = fft_length + (count - 1) * sequence_stride
    total, weight = numpy.zeros((*np.shape(frames)[:-2], whole)), numpy.zeros(whole)
    for frame in range(count):
        place = slice(frame * sequence_stride, frame * sequence_stride + fft_length)
        total[..., place] += frames[..., frame, :]
        weight[place] += shape**2
    found = total / numpy.where(weight == 0, 1.0, weight)
    first = fft_length // 2 if center else 0
    last = first + length if length is not None else whole - first
    behind = max(last - whole, 0)
    return numpy.pad(found, [(0, 0)] * (found.ndim - 1) + [(0, behind)])[..., first:last]


# complex numbers, asked by their parts

THERE = {"_complex": "ops.view_as_complex(x)", "result": "ops.view_as_real(_complex)"}
BACK = {"_complex": "CALL", "result": "ops.view_as_real(_complex)"}


@asked(
    ask("usual", floats(3, 2), graph=BACK),
    ask("more_axes", floats(2, 3, 2), graph=BACK),
    ask("specials", given([[math.inf, 1.0], [0.0, math.nan]]), graph=BACK),
    ask("of_integers", integers(-9, 10, 3, 2), graph=BACK),
    arithmetic="moves",
    takes_integers=False,  # there are no complex numbers of integers that it could give
)
def view_as_complex(x: Array) -> Array:
    """Complex numbers of pairs along the last axis; asked with `view_as_real` behind it."""
    return as_float(x)


@asked(ask("usual", floats(3, 2), graph=THERE), arithmetic="moves", takes_integers=False)  # it takes complex numbers
def view_as_real(x: Array) -> Array:
    """The pairs of complex numbers; asked with `view_as_complex` before it."""
    return as_float(x)


@asked(
    ask("usual", floats(3, 4), floats(3, 4), graph=BACK),
    ask("zero", given([0.0, 2.0]), given([1.0, 0.0]), graph=BACK),
    takes_integers=False,
)
def polar(abs_: Array, angle: Array) -> Array:
    """Complex numbers of lengths and angles; asked with `view_as_real` behind it: pairs."""
    return np.stack([abs_ * np.cos(angle), abs_ * np.sin(angle)], axis=-1)
