"""Sound by its frequencies: the short-time Fourier transform, and what is heard of it on the mel scale.

X(t, k) = sum over n of x(t H + n) w(n) exp(-2 pi i n k / N): Allen and Rabiner, "A unified approach to short-time
Fourier analysis and synthesis", 1977. Windows: Harris, "On the use of windows for harmonic analysis with the discrete
Fourier transform", 1978. Mels: 2595 log10(1 + f / 700), Young et al., "The HTK book", section 5.4.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .base import Array, Layer, LayerError, Mutant, Shape, Unanswerable, Weight, Weights, arg
from .traits import SEQUENCE, Axes, asked, composed
from .windows import DataFormat, Placement, channels_last, padded, place

Window = Literal["hann", "hamming"] | tuple[float, ...] | None
SMALLEST = 1e-7
"""What powers and magnitudes below it count as; `keras.config.epsilon()`."""
_COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46)}
"""Name of a window to a and b of a - b cos(2 pi n / period)."""


def window_of(window: Window, length: int, is_periodic: bool) -> Array:
    """The numbers of a window, (length,). Its period is `length`, or one less where its two ends are alike.

    Raises LayerError for given numbers that are not as many.
    """
    if window is None:
        return numpy.ones(length)
    if isinstance(window, str):
        a, b = _COSINES[window]
        period = max(length if is_periodic else length - 1, 1)
        return numpy.ones(1) if length == 1 else a - b * numpy.cos(2 * math.pi * numpy.arange(length) / period)
    if len(window) != length:
        raise LayerError(f"a window of {len(window)} numbers for frames of {length}")
    return numpy.array(window, dtype=float)


def waves(length: int, fft_length: int) -> tuple[Array, Array]:
    """cos and -sin of 2 pi n k / N, each (length, N // 2 + 1): the two parts of exp(-2 pi i n k / N)."""
    angles = angles_of(length, fft_length)
    return numpy.cos(angles), -numpy.sin(angles)


def angles_of(length: int, fft_length: int) -> Array:
    """2 pi n k / N, (length, N // 2 + 1)."""
    return 2 * math.pi * numpy.outer(numpy.arange(length), numpy.arange(fft_length // 2 + 1)) / fft_length


def framed(x: Array, placement: Placement) -> Array:
    """(batch, steps, channels) to (batch, frames, length, channels)."""
    return padded(x, [placement])[:, placement.taps]


class STFTSpectrogram(Layer):
    """The frequencies of each frame of a signal: magnitudes and their logarithms, powers, parts or angles.

    x: (batch, steps, channels) of floats, or (batch, channels, steps) for `channels_first`. Gives for each channel
    fft_length // 2 + 1 numbers a frame, with mode `stft` twice as many, the real ones first: (batch, frames, channels
    * numbers), channel by channel, or (batch, channels * numbers, frames); with `expand_dims` (batch, frames, numbers,
    channels) or (batch, channels, frames, numbers). Frames stand as the windows of a convolution do.

    real, imag: the parts of X. magnitude: sqrt of the power, log: its logarithm. psd: the power, twice for each
    frequency that stands for a negative one too, all but 0 and fft_length / 2. angle: atan2(imag, real). The window is
    divided by its length sqrt(sum w^2) for `density` and by sum |w| for `spectrum`. The waves times the window are
    weights that are trained. That powers, and magnitudes before a logarithm, are at least 1e-7 is Keras 3.15.1's; its
    documentation is silent.
    """

    arithmetic = "rounds"
    input_axis_names = SEQUENCE
    native = composed("torch.stft(x, n_fft, hop_length, win_length, window, center=False, return_complex=True)")
    example = asked("STFTSpectrogram(frame_length=8)", "24,2")
    takes_floats_alone = True
    weights_by_name = True

    mode: Literal["log", "magnitude", "psd", "real", "imag", "angle", "stft"] = arg(
        "What is given of each frequency.", default="log"
    )
    frame_length: int = arg("Steps of a frame.", default=256, at_least=1)
    frame_step: int | None = arg("Steps from one frame to the next; none: half of a frame.", default=None, at_least=1)
    fft_length: int | None = arg(
        "The N of the transform; none: the smallest power of 2 that holds a frame.", default=None, at_least=1
    )
    window: Window = arg("The window's name, or its numbers.", default="hann")
    periodic: bool = arg("Whether the window's period is the frame's length, not one less.", default=False)
    scaling: Literal["density", "spectrum"] | None = arg("What the window is divided by.", default="density")
    padding: Literal["valid", "same"] = arg("Whether zeros are added around the signal.", default="valid")
    expand_dims: bool = arg("Whether channels keep an axis of their own.", default=False)
    data_format: DataFormat = arg("Where the channels stand.", default="channels_last")

    def check(self) -> None:
        if self.frame_step is not None and self.frame_step > self.frame_length:
            raise LayerError(f"frame_step={self.frame_step} is more than a frame of {self.frame_length}")
        if self.fft_length is not None and self.fft_length < self.frame_length:
            raise LayerError(f"fft_length={self.fft_length} does not hold a frame of {self.frame_length}")

    @property
    def size(self) -> int:
        """N: how many steps the transform takes, zeros after the frame included."""
        return self.fft_length or 2 ** math.ceil(math.log2(self.frame_length))

    def scaled_window(self) -> Array:
        window = window_of(self.window, self.frame_length, self.periodic)
        if self.scaling is None or self.window is None:
            return window
        squared = self.scaling == "density"
        return window / (numpy.sqrt(numpy.sum(window**2)) if squared else numpy.sum(numpy.abs(window)))

    def kernels(self) -> dict[str, Array]:
        """Waves times window, (frame_length, 1, fft_length // 2 + 1), of the parts that the mode needs."""
        real, imag = waves(self.frame_length, self.size)
        window = self.scaled_window()[:, None]
        parts = {"real_kernel": real * window, "imag_kernel": imag * window}
        unused = {"imag": "real_kernel", "real": "imag_kernel"}.get(self.mode)
        return {name: part[:, None, :] for name, part in parts.items() if name != unused}

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        return {name: Weight(kernel.shape, value=kernel) for name, kernel in self.kernels().items()}

    def built_within(self) -> Mapping[str, Array]:
        angles = angles_of(self.frame_length, self.size) * self.scaled_window()[:, None]
        return dict.fromkeys(self.kernels(), angles[:, None, :])

    def place(self, shape: Shape) -> Placement:
        """Where the frames stand on a signal of this shape."""
        if self.frame_step is None and self.frame_length < 2:
            raise LayerError("half of a frame of one step is no step: say a frame_step")
        steps = shape[1] if self.data_format == "channels_last" else shape[2]
        return place(steps, self.frame_length, self.frame_step or self.frame_length // 2, 1, self.padding)

    def call(self, w: Weights, x: Array) -> Array:
        if np.ndim(x) != 3:
            raise LayerError(f"takes (batch, steps, channels), not {np.shape(x)}")
        if getattr(x, "dtype", np.dtype(float)).kind != "f":
            raise LayerError("takes floats")
        frames = framed(channels_last(x, self.data_format), self.place(x.shape))
        parts = [
            np.einsum("btnc,nk->btck", frames, w.arrays[name][:, 0])
            for name in ("real_kernel", "imag_kernel")
            if name in w
        ]
        return self.laid_out(self.given(parts))

    def given(self, parts: Sequence[Array]) -> Array:
        """What the mode makes of the parts, (batch, frames, channels, numbers) each."""
        if self.mode in ("real", "imag", "stft"):
            return np.concatenate(parts, axis=-1)
        real, imag = parts
        if self.mode == "angle":
            return np.arctan2(imag, np.where(getval(real**2 + imag**2) == 0, 1.0, real))  # of nothing it is 0
        power = real**2 + imag**2
        if self.mode == "psd":
            return power * self.sides()
        magnitude = np.sqrt(np.maximum(power, SMALLEST))
        return magnitude if self.mode == "magnitude" else np.log(np.maximum(magnitude, SMALLEST))

    def sides(self) -> Array:
        """How many frequencies each number stands for: 1 for 0 and fft_length / 2, else 2."""
        counted = numpy.full(self.size // 2 + 1, 2.0)
        counted[0] = 1.0
        if self.size % 2 == 0:
            counted[-1] = 1.0
        return counted

    def laid_out(self, y: Array) -> Array:
        """(batch, frames, channels, numbers) as the output is laid out."""
        is_last = self.data_format == "channels_last"
        if self.expand_dims:
            return np.transpose(y, (0, 1, 3, 2) if is_last else (0, 2, 1, 3))
        flat = np.reshape(y, (*y.shape[:2], y.shape[2] * y.shape[3]))
        return flat if is_last else np.swapaxes(flat, 1, 2)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self.frame_length

    def rule(self, shape: Shape) -> str:
        return f"{self.place(shape).rule} frames of {self.frame_length} steps; {self.size // 2 + 1} frequencies"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "other_window", "takes the other of the two windows", weights=lambda layer, w: layer.with_other_window()
        ),
        Mutant("no_window", "cuts frames out without a window", weights=lambda layer, w: layer.with_(window=None)),
        Mutant(
            "other_period",
            "takes the other period of the window",
            weights=lambda layer, w: layer.with_(periodic=not layer.periodic),
        ),
        Mutant("not_scaled", "does not scale the window", weights=lambda layer, w: layer.with_(scaling=None)),
        Mutant(
            "other_scaling",
            "divides by the sum for the root of the sum of squares, or the reverse",
            weights=lambda layer, w: (
                layer.with_(scaling="spectrum" if layer.scaling == "density" else "density") if layer.scaling else {}
            ),
        ),
        Mutant(
            "conjugate",
            "takes exp(+2 pi i n k / N)",
            weights=lambda layer, w: {"imag_kernel": -w["imag_kernel"]} if "imag_kernel" in w else {},
        ),
        Mutant("one_sided_once", "does not count negative frequencies", methods={"sides": lambda layer: 1.0}),
        Mutant(
            "both_twice",
            "counts the frequency 0 twice, too",
            methods={"sides": lambda layer: 2.0},
        ),
        Mutant(
            "magnitude_for_log",
            "gives magnitudes for logarithms",
            config=lambda layer: _instead(layer, "log", "magnitude"),
        ),
        Mutant(
            "root_forgotten",
            "gives powers for magnitudes",
            methods={"given": lambda layer, parts: _power(layer, parts)},
        ),
        Mutant(
            "channels_inside",
            "lays numbers out frequency by frequency, not channel by channel",
            methods={"laid_out": lambda layer, y: _frequency_by_frequency(layer, y)},
        ),
        Mutant("every_step", "moves on by one step", config=lambda layer: {"frame_step": 1}),
        Mutant(
            "odd_as_even",
            "takes an odd fft_length for one less",
            weights=lambda layer, w: layer.with_(fft_length=layer.size - 1) if _is_odd(layer) else {},
            methods={"sides": lambda layer: _once_at_both_ends(layer)},
        ),
    )

    def with_(self, **changes: Any) -> Mapping[str, Array]:
        """The kernels of a layer with other arguments."""
        return dataclasses.replace(self, **changes).kernels()

    def with_other_window(self) -> Mapping[str, Array]:
        return self.with_(window="hamming" if self.window == "hann" else "hann")


def _is_odd(layer: Any) -> bool:
    return bool(layer.size % 2 == 1 and layer.size > 1)


def _once_at_both_ends(layer: Any) -> Array:
    counted = STFTSpectrogram.sides(layer)
    counted[-1] = 1.0
    return counted


def _instead(layer: Any, mode: str, other: str) -> Mapping[str, Any]:
    return {"mode": other} if layer.mode == mode else {}


def _power(layer: Any, parts: Sequence[Array]) -> Array:
    right = STFTSpectrogram.given(layer, parts)
    return right**2 if layer.mode == "magnitude" else right


def _frequency_by_frequency(layer: Any, y: Array) -> Array:
    if layer.expand_dims:
        return STFTSpectrogram.laid_out(layer, y)
    return STFTSpectrogram.laid_out(layer, np.reshape(np.swapaxes(y, 2, 3), np.shape(y)))


def mels(hertz: Array) -> Array:
    """Frequencies on the mel scale."""
    return 2595.0 * numpy.log10(1.0 + numpy.asarray(hertz, dtype=float) / 700.0)


def triangles(edges: Array, places: Array) -> Array:
    """(places, bands): triangles with a peak of 1 over edges[b], edges[b + 1], edges[b + 2], at each place."""
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    at = places[:, None]
    return numpy.maximum(0.0, numpy.minimum((at - left) / (middle - left), (right - at) / (right - middle)))


def raised(power: Array, exponent: float) -> Array:
    """power ** exponent, without a slope where there is none: at 0."""
    if exponent == 1:
        return power
    is_none = getval(power) == 0
    of_none = 0.0 if exponent > 0 else 1.0 if exponent == 0 else math.inf
    return np.where(is_none, of_none, np.where(is_none, 1.0, power) ** exponent)


class MelSpectrogram(Layer):
    """How loud each band of the mel scale is in each frame of a signal, in decibels unless told otherwise.

    x: (batch, samples), or (samples,); gives (batch, num_mel_bins, frames), or (num_mel_bins, frames). Frames are
    centred on every `sequence_stride`-th sample: fft_length // 2 samples are mirrored at both ends, so that there are
    1 + samples // sequence_stride; for an odd fft_length one sample fewer counts. The window (periodic) lies in the
    middle of a frame of fft_length, zeros beside it.
    |X|^mag_exp is summed under triangles that are evenly spaced on the mel scale, straight on it, 1 at their peak; the
    frequency 0 has none. In decibels it is 10 log10(max(S, min_power)) - 10 log10(max(|ref_power|, min_power)), and at
    least the largest of the signal less `top_db`. Documentation of `keras.layers.MelSpectrogram`; that triangles are
    straight on the mel scale is Keras 3.15.1's, its documentation is silent.
    """

    arithmetic = "rounds"
    native = composed(
        "10 * torch.log10(bands.T @ torch.stft(x, n, hop, window=w, return_complex=True).abs() ** 2)",
        reason="torchaudio has MelSpectrogram, torch has not",
    )
    example = asked("MelSpectrogram(fft_length=16, sequence_stride=4, num_mel_bins=3)", "40")

    fft_length: int = arg("Samples of a transform.", default=2048, at_least=1)
    sequence_stride: int = arg("Samples from one frame to the next.", default=512, at_least=1)
    sequence_length: int | None = arg("Samples of the window; none: fft_length.", default=None, at_least=1)
    window: Window = arg("The window's name, or its numbers.", default="hann")
    sampling_rate: int = arg("Samples a second.", default=16000, at_least=1)
    num_mel_bins: int = arg("How many bands there are.", default=128, at_least=1)
    min_freq: float = arg("Where the lowest band begins, in Hertz.", default=20.0)
    max_freq: float | None = arg("Where the highest band ends; none: half of sampling_rate.", default=None)
    power_to_db: bool = arg("Whether it is given in decibels.", default=True)
    top_db: float = arg("How far below the loudest a band may lie, in decibels.", default=80.0)
    mag_exp: float = arg("1 for magnitudes, 2 for powers.", default=2.0)
    min_power: float = arg("What powers below it count as.", default=1e-10)
    ref_power: float = arg("The power of 0 decibels.", default=1.0)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("samples",) if rank == 1 else ("signals", "samples")

    def check(self) -> None:
        if self.sequence_length is not None and self.sequence_length > self.fft_length:
            raise LayerError(f"fft_length={self.fft_length} does not hold a window of {self.sequence_length}")

    def frame_window(self) -> Array:
        """(fft_length,): the window in the middle, one zero more after it than before where they cannot be even."""
        return self.in_frame(window_of(self.window, self.window_length(), is_periodic=True))

    def window_length(self) -> int:
        return self.sequence_length or self.fft_length

    def in_frame(self, window: Array) -> Array:
        beside = self.fft_length - len(window)
        return numpy.pad(window, (beside // 2, beside - beside // 2))

    def mirrored(self, x: Array) -> Array:
        half = self.fft_length // 2
        if half >= np.shape(x)[-1]:
            raise LayerError(f"{np.shape(x)[-1]} samples cannot be mirrored over {half}")
        return np.concatenate([x[:, half:0:-1], x, x[:, -2 : -half - 2 : -1]], axis=1)

    def bands(self) -> Array:
        """(fft_length // 2 + 1, num_mel_bins): what each frequency counts in each band."""
        bands = triangles(self.mel_edges(), mels(self.frequencies()[1:]))
        return numpy.pad(bands, ((1, 0), (0, 0)))

    def frequencies(self) -> Array:
        """(fft_length // 2 + 1,): those of the transform, in Hertz."""
        return numpy.linspace(0.0, self.sampling_rate / 2, self.fft_length // 2 + 1)

    def highest(self) -> float:
        """Where the highest band ends, in Hertz."""
        return float(self.max_freq or int(self.sampling_rate / 2))

    def mel_edges(self) -> Array:
        """(num_mel_bins + 2,): where bands begin, have their peak and end, in mels."""
        return numpy.linspace(mels(self.min_freq), mels(self.highest()), self.num_mel_bins + 2)

    def call(self, w: Weights, x: Array) -> Array:
        if self.highest() <= self.min_freq:
            raise Unanswerable("the highest band ends where the lowest has not begun")
        if np.ndim(x) > 2:
            raise Unanswerable("the documentation takes (batch, samples) or (samples,), and is silent about more axes")
        if np.ndim(x) < 1:
            raise LayerError(f"takes (batch, samples) or (samples,), not {np.shape(x)}")
        signals = x if np.ndim(x) == 2 else x[None]
        wide = self.mirrored(signals)[..., None]
        frames = framed(wide, place(np.shape(wide)[1], self.fft_length, self.sequence_stride, 1, "valid"))[..., 0]
        real, imag = (np.dot(frames * self.frame_window(), part) for part in waves(self.fft_length, self.fft_length))
        power = real**2 + imag**2
        loud = np.dot(raised(power, self.mag_exp / 2), self.bands())
        y = np.swapaxes(self.decibels(loud) if self.power_to_db else loud, 1, 2)
        return y if np.ndim(x) == 2 else y[0]

    def decibels(self, loud: Array) -> Array:
        """loud: (batch, frames, bands)."""
        reference = max(abs(self.ref_power), self.min_power)
        db = 10.0 * np.log10(np.maximum(loud, self.min_power)) - 10.0 * numpy.log10(reference)  # -inf of 0
        return np.maximum(db, self.loudest(db) - self.top_db)

    def loudest(self, db: Array) -> Array:
        """The largest number of each signal."""
        return np.max(db, axis=(1, 2), keepdims=True)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self.fft_length

    def rule(self, shape: Shape) -> str:
        samples = shape[-1] - self.fft_length % 2
        return f"1 + floor({samples} / {self.sequence_stride}) = {1 + samples // self.sequence_stride} frames"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "zeros_around",
            "adds zeros at the ends and mirrors nothing",
            methods={
                "mirrored": lambda layer, x: np.pad(
                    x, ((0, 0), (layer.fft_length // 2, layer.fft_length // 2)), "constant"
                )
            },
        ),
        Mutant(
            "cut_off_by_the_batch",
            "takes top_db off the loudest signal of the batch",
            methods={"loudest": lambda layer, db: np.max(db)},
        ),
        Mutant("no_window", "cuts frames out without a window", config=lambda layer: {"window": None}),
        Mutant(
            "window_at_the_start",
            "lays a short window at the start of a frame",
            methods={"frame_window": lambda layer: _at_the_start(layer)},
        ),
        Mutant(
            "symmetric_window",
            "takes a window whose two ends are alike",
            methods={"frame_window": lambda layer: _symmetric(layer)},
        ),
        Mutant(
            "straight_in_hertz", "draws triangles straight in Hertz", methods={"bands": lambda layer: _in_hertz(layer)}
        ),
        Mutant(
            "even_in_hertz",
            "spaces bands evenly in Hertz",
            methods={"bands": lambda layer: _even_in_hertz(layer)},
        ),
        Mutant(
            "area_of_one",
            "gives every triangle the area 1, as Slaney does",
            methods={"bands": lambda layer: _of_area(layer)},
        ),
        Mutant("magnitudes", "takes magnitudes for powers", config=lambda layer: {"mag_exp": 1.0}),
        Mutant("powers", "takes powers for magnitudes", config=lambda layer: {"mag_exp": 2.0}),
        Mutant("no_decibels", "gives powers for decibels", config=lambda layer: {"power_to_db": False}),
        Mutant("no_cut_off", "cuts nothing off below", config=lambda layer: {"top_db": math.inf}),
        Mutant("no_reference", "leaves the reference out", config=lambda layer: {"ref_power": 1.0}),
        Mutant(
            "no_bounds", "ignores where bands begin and end", config=lambda layer: {"min_freq": 0.0, "max_freq": None}
        ),
    )


def _at_the_start(layer: Any) -> Array:
    window = window_of(layer.window, layer.window_length(), is_periodic=True)
    return numpy.pad(window, (0, layer.fft_length - len(window)))


def _symmetric(layer: Any) -> Array:
    return layer.in_frame(window_of(layer.window, layer.window_length(), is_periodic=False))


def _edges_in_hertz(layer: Any) -> Array:
    return 700.0 * (10.0 ** (layer.mel_edges() / 2595.0) - 1.0)


def _in_hertz(layer: Any) -> Array:
    return triangles(_edges_in_hertz(layer), layer.frequencies())


def _even_in_hertz(layer: Any) -> Array:
    edges = numpy.linspace(layer.min_freq, layer.highest(), layer.num_mel_bins + 2)
    return triangles(edges, layer.frequencies())


def _of_area(layer: Any) -> Array:
    edges = _edges_in_hertz(layer)
    return MelSpectrogram.bands(layer) * (2.0 / (edges[2:] - edges[:-2]))
