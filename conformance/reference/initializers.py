"""Initialisers called by themselves: the numbers that a weight of a shape begins with.

`initializer()` gives an array of the argument `shape`. What is drawn is another in every lane; cases say what holds of
every draw. Fans: of a matrix (in, out) its two lengths; of a kernel (*sizes, in, out) these times the sizes; of a row
its length, twice; and what `input_axes` and `output_axes` say. Sources: the documentation of `keras.initializers`;
Glorot and Bengio 2010, equation 16; He et al. 2015, equation 10; LeCun et al. 1998, section 4.6; Saxe et al. 2013.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy

from .base import Array, Layer, LayerError, Mutant, Shape, Weights, arg
from .distributions import Distribution, cut_off, normal, uniform
from .spectrogram import Window, waves, window_of
from .traits import Arithmetic, absent

CUT = 0.87962566103423978
"""The standard deviation of a standard normal distribution that is cut off at -2 and 2."""
SHAPE = "The shape of the weight."
SEED = "Where the draw starts; null for a start of its own."
Fan = Literal["fan_in", "fan_out", "fan_avg"]


IN_AXES = "The axes along which the layer sums, whose lengths make up the fan in; null for all but the last."
OUT_AXES = "The axes along which it has its outputs, whose lengths make up the fan out."
FanAxes = tuple[int, ...] | None


def fans(shape: Shape, inputs: FanAxes = None, outputs: FanAxes = None) -> tuple[float, float]:
    """Into how many sums a number of the weight goes, and out of how many: fan in, fan out.

    Of a weight whose axes along which is summed are known, and those of the output, the product of their lengths.
    """
    if inputs is not None and outputs is not None:
        return math.prod(shape[axis] for axis in inputs), math.prod(shape[axis] for axis in outputs)
    if len(shape) < 2:
        length = shape[0] if shape else 1
        return length, length
    sizes = math.prod(shape[:-2])
    return sizes * shape[-2], sizes * shape[-1]


class _Initializer(Layer):
    """What all initialisers share."""

    arithmetic: ClassVar[Arithmetic] = "moves"
    offered_in = "initializers"
    is_eager_only = True
    written_as_case = "an initialiser is asked by what holds of its draws: cases/initial/"
    without_port = "torch fills tensors in place, by torch.nn.init"
    native = absent("torch.nn.init fills a tensor in place")

    shape: tuple[int, ...] = arg(SHAPE)


class Zeros(_Initializer):
    """0 everywhere. Gives an array of `shape`, shape (...)."""

    mutants = (Mutant("ones", "fills with ones", output=lambda m, y, args: y + 1),)

    def call(self, w: Weights) -> Array:
        return numpy.zeros(self.shape)


class Ones(_Initializer):
    """1 everywhere. Gives an array of `shape`, shape (...)."""

    mutants = (Mutant("zeros", "fills with zeros", output=lambda m, y, args: y - 1),)

    def call(self, w: Weights) -> Array:
        return numpy.ones(self.shape)


class Constant(_Initializer):
    """One number everywhere. Gives an array of `shape`, shape (...)."""

    value: float = arg("The number.", default=0.0)
    mutants = (Mutant("ones", "overlooks the number", config=lambda m: {"value": 1.0}),)

    def call(self, w: Weights) -> Array:
        return numpy.full(self.shape, float(numpy.float32(self.value)))


class Identity(_Initializer):
    """The unit matrix times `gain`, of two lengths that may differ. Gives an array of `shape`, shape (in, out)."""

    gain: float = arg("What stands on the diagonal.", default=1.0)
    mutants = (Mutant("plain", "overlooks the gain", config=lambda m: {"gain": 1.0}),)

    def check(self) -> None:
        if len(self.shape) != 2:
            raise LayerError(f"a unit matrix has two axes, not {len(self.shape)}")

    def call(self, w: Weights) -> Array:
        return float(numpy.float32(self.gain)) * numpy.eye(self.shape[0], self.shape[1])


_OTHER_SIDE = {"real": "imag", "imag": "real"}


class STFT(_Initializer):
    """The waves of a short-time Fourier transform, one side of them: cos, or -sin, of 2 pi n k / N, times a window.

    Gives an array of `shape`, shape (frame, 1, N // 2 + 1). The window is divided by its length sqrt(sum w^2) for
    `density` and by sum |w| for `spectrum`; its period is one less than the frame unless `periodic`.
    """

    arithmetic = "rounds"

    side: Literal["real", "imag"] = arg("Which part of the transform.", default="real")
    window: Window = arg("hann, hamming, numbers of one's own, or null.", default="hann")
    scaling: Literal["density", "spectrum"] | None = arg("What the window is divided by.", default="density")
    periodic: bool = arg("Whether the window's period is the frame.", default=False)
    mutants = (
        Mutant("other_side", "gives the other part", config=lambda m: {"side": _OTHER_SIDE[m.side]}),
        Mutant("other_period", "takes the other period", config=lambda m: {"periodic": not m.periodic}),
        Mutant("unscaled", "divides by nothing", config=lambda m: {"scaling": None}),
        Mutant(
            "conjugate", "turns the other way", output=lambda m, y, args: y if m.side == "real" else -numpy.asarray(y)
        ),
    )

    def check(self) -> None:
        if len(self.shape) != 3 or self.shape[1] != 1 or self.shape[2] < 2:
            raise LayerError("waves have the shape (frame, 1, N // 2 + 1)")

    def call(self, w: Weights) -> Array:
        length, _, bins = self.shape
        window = window_of(self.window, length, self.periodic)
        if self.window is not None and self.scaling is not None:
            is_squared = self.scaling == "density"
            window = window / (numpy.sqrt(numpy.sum(window**2)) if is_squared else numpy.sum(numpy.abs(window)))
        side = waves(length, 2 * (bins - 1))[0 if self.side == "real" else 1]
        return numpy.reshape(side * window[:, None], self.shape)


class _Drawing(_Initializer):
    """What all that draw share."""

    draws = True
    trains_unasked = True

    seed: int | None = arg(SEED, default=None)

    def random(self, w: Weights) -> Any:
        """Where numbers come from: the same for the same seed."""
        return w.random if self.seed is None else numpy.random.default_rng(self.seed)

    def drawn_from(self) -> Distribution | None:
        """What each number is drawn from by itself; None where numbers hang together."""
        return None


class RandomUniform(_Drawing):
    """Evenly from minval to maxval. Gives an array of `shape`, shape (...)."""

    minval: float = arg("The lowest number.", default=-0.05)
    maxval: float = arg("The highest number.", default=0.05)
    mutants = (
        Mutant("from_zero", "draws from 0 on", config=lambda m: {"minval": 0.0}),
        Mutant("usual", "overlooks the range", config=lambda m: {"minval": -0.05, "maxval": 0.05}),
    )

    def call(self, w: Weights) -> Array:
        return self.random(w).uniform(self.minval, self.maxval, self.shape)

    def drawn_from(self) -> Distribution:
        return uniform(self.minval, self.maxval)


class RandomNormal(_Drawing):
    """Normally distributed. Gives an array of `shape`, shape (...)."""

    mean: float = arg("The mean.", default=0.0)
    stddev: float = arg("The standard deviation.", default=0.05)
    mutants = (
        Mutant("usual", "overlooks the deviation", config=lambda m: {"stddev": 0.05}),
        Mutant("about_zero", "overlooks the mean", config=lambda m: {"mean": 0.0}),
    )

    def call(self, w: Weights) -> Array:
        return self.random(w).normal(self.mean, self.stddev, self.shape)

    def drawn_from(self) -> Distribution:
        return normal(self.mean, self.stddev)


def truncated(random: Any, deviation: float, shape: Shape) -> Array:
    """Normal numbers, those beyond two deviations drawn anew."""
    found = random.normal(size=shape)
    while (beyond := numpy.abs(found) > 2.0).any():
        found[beyond] = random.normal(size=int(beyond.sum()))
    return deviation * found


class TruncatedNormal(_Drawing):
    """Normally distributed, none beyond two `stddev` from the mean. Gives an array of `shape`, shape (...)."""

    mean: float = arg("The mean.", default=0.0)
    stddev: float = arg("The standard deviation before it is cut off.", default=0.05)
    mutants = (
        Mutant("uncut", "cuts nothing off", methods={"call": lambda self, w: RandomNormal.call(self, w)}),
        Mutant("widened", "makes up for what is cut off", config=lambda m: {"stddev": m.stddev / CUT}),
    )

    def call(self, w: Weights) -> Array:
        return self.mean + truncated(self.random(w), self.stddev, self.shape)

    def drawn_from(self) -> Distribution:
        return cut_off(self.mean, self.stddev)


def _scaled(random: Any, variance: float, distribution: str, shape: Shape) -> Array:
    match distribution:
        case "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(-limit, limit, shape)
        case "untruncated_normal":
            return random.normal(0.0, math.sqrt(variance), shape)
    return truncated(random, math.sqrt(variance) / CUT, shape)


def _of_variance(variance: float, distribution: str) -> Distribution:
    """The distribution that has this variance, cut off or not."""
    match distribution:
        case "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform(-limit, limit)
        case "untruncated_normal":
            return normal(0.0, math.sqrt(variance))
    return cut_off(0.0, math.sqrt(variance) / CUT)


def _variance(scale: float, mode: Fan, shape: Shape, inputs: FanAxes, outputs: FanAxes) -> float:
    inward, outward = fans(shape, inputs, outputs)
    return scale / max(1.0, {"fan_in": inward, "fan_out": outward, "fan_avg": (inward + outward) / 2.0}[mode])


class _Scaling(_Drawing):
    """What all share whose variance is a scale over a fan."""

    input_axes: tuple[int, ...] | None = arg(IN_AXES, default=None)
    output_axes: tuple[int, ...] | None = arg(OUT_AXES, default=None)

    def scaled(self, w: Weights, scale: float, mode: Fan, distribution: str) -> Array:
        """Numbers of this variance."""
        return _scaled(self.random(w), self.variance(scale, mode), distribution, self.shape)

    def variance(self, scale: float, mode: Fan) -> float:
        """The scale over the fan."""
        return _variance(scale, mode, self.shape, self.input_axes, self.output_axes)


class VarianceScaling(_Scaling):
    """With the variance scale / fan: uniform, normal, or normal and cut off at two deviations, which are widened.

    Gives an array of `shape`, shape (..., in, out).
    """

    scale: float = arg("The variance times the fan.", default=1.0)
    mode: Fan = arg("Which fan: in, out, or the mean of both.", default="fan_in")
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = arg(
        "What it is drawn from.", default="truncated_normal"
    )
    mutants = (
        Mutant("other_fan", "takes the other fan", config=lambda m: {"mode": _other(m.mode)}),
        Mutant("unscaled", "overlooks the scale", config=lambda m: {"scale": 1.0}),
    )

    def call(self, w: Weights) -> Array:
        return self.scaled(w, self.scale, self.mode, self.distribution)

    def drawn_from(self) -> Distribution:
        return _of_variance(self.variance(self.scale, self.mode), self.distribution)


def _other(mode: str) -> str:
    return {"fan_in": "fan_out", "fan_out": "fan_in"}.get(mode, "fan_in")


class _OfFans(_Scaling):
    """A scale and a fan by the name of their author."""

    form: ClassVar[tuple[float, Fan, str]]
    """Scale, fan and distribution."""

    def call(self, w: Weights) -> Array:
        return self.scaled(w, *self.form)

    def drawn_from(self) -> Distribution:
        scale, mode, distribution = self.form
        return _of_variance(self.variance(scale, mode), distribution)


class GlorotUniform(_OfFans):
    """With a variance of 2 / (fan in + fan out), drawn evenly. Gives an array of `shape`, shape (..., in, out)."""

    form = (1.0, "fan_avg", "uniform")
    mutants = (
        Mutant(
            "other_fan", "takes another fan", methods={"call": lambda self, w: self.scaled(w, 1.0, "fan_in", "uniform")}
        ),
        Mutant(
            "other_scale",
            "takes another scale",
            methods={"call": lambda self, w: self.scaled(w, 2.0, "fan_avg", "uniform")},
        ),
    )


class GlorotNormal(_OfFans):
    """With a variance of 2 / (fan in + fan out), cut off at two deviations.

    Gives an array of `shape`, shape (..., in, out).
    """

    form = (1.0, "fan_avg", "truncated_normal")
    mutants = (
        Mutant(
            "other_fan",
            "takes another fan",
            methods={"call": lambda self, w: self.scaled(w, 1.0, "fan_in", "truncated_normal")},
        ),
        Mutant(
            "other_scale",
            "takes another scale",
            methods={"call": lambda self, w: self.scaled(w, 2.0, "fan_avg", "truncated_normal")},
        ),
    )


class HeUniform(_OfFans):
    """With a variance of 2 / fan in, drawn evenly. Gives an array of `shape`, shape (..., in, out)."""

    form = (2.0, "fan_in", "uniform")
    mutants = (
        Mutant(
            "other_fan",
            "takes another fan",
            methods={"call": lambda self, w: self.scaled(w, 2.0, "fan_out", "uniform")},
        ),
        Mutant(
            "other_scale",
            "takes another scale",
            methods={"call": lambda self, w: self.scaled(w, 1.0, "fan_in", "uniform")},
        ),
    )


class HeNormal(_OfFans):
    """With a variance of 2 / fan in, cut off at two deviations.

    Gives an array of `shape`, shape (..., in, out).
    """

    form = (2.0, "fan_in", "truncated_normal")
    mutants = (
        Mutant(
            "other_fan",
            "takes another fan",
            methods={"call": lambda self, w: self.scaled(w, 2.0, "fan_out", "truncated_normal")},
        ),
        Mutant(
            "other_scale",
            "takes another scale",
            methods={"call": lambda self, w: self.scaled(w, 1.0, "fan_in", "truncated_normal")},
        ),
    )


class LecunUniform(_OfFans):
    """With a variance of 1 / fan in, drawn evenly. Gives an array of `shape`, shape (..., in, out)."""

    form = (1.0, "fan_in", "uniform")
    mutants = (
        Mutant(
            "other_fan",
            "takes another fan",
            methods={"call": lambda self, w: self.scaled(w, 1.0, "fan_out", "uniform")},
        ),
        Mutant(
            "other_scale",
            "takes another scale",
            methods={"call": lambda self, w: self.scaled(w, 2.0, "fan_in", "uniform")},
        ),
    )


class LecunNormal(_OfFans):
    """With a variance of 1 / fan in, cut off at two deviations.

    Gives an array of `shape`, shape (..., in, out).
    """

    form = (1.0, "fan_in", "truncated_normal")
    mutants = (
        Mutant(
            "other_fan",
            "takes another fan",
            methods={"call": lambda self, w: self.scaled(w, 1.0, "fan_out", "truncated_normal")},
        ),
        Mutant(
            "other_scale",
            "takes another scale",
            methods={"call": lambda self, w: self.scaled(w, 2.0, "fan_in", "truncated_normal")},
        ),
    )


class Orthogonal(_Drawing):
    """Orthogonal rows or columns of length `gain`, whichever are fewer, of the matrix (all but the last, last).

    Gives an array of `shape`, shape (..., in, out).
    """

    gain: float = arg("The length of each.", default=1.0)
    mutants = (
        Mutant("plain", "overlooks the gain", config=lambda m: {"gain": 1.0}),
        Mutant("normal", "draws without making it orthogonal", methods={"call": lambda self, w: self.unturned(w)}),
    )

    def check(self) -> None:
        if len(self.shape) < 2:
            raise LayerError(f"an orthogonal weight has two axes at least, not {len(self.shape)}")

    def unturned(self, w: Weights) -> Array:
        """Normal numbers of the shape."""
        return self.random(w).normal(size=self.shape)

    def call(self, w: Weights) -> Array:
        rows, columns = math.prod(self.shape[:-1]), self.shape[-1]
        drawn = self.random(w).normal(size=(max(rows, columns), min(rows, columns)))
        q, r = numpy.linalg.qr(drawn)
        q = q * numpy.sign(numpy.diag(r))
        return self.gain * numpy.reshape(q if rows >= columns else q.T, self.shape)
