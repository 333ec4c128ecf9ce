"""Layers that disturb their input in training and leave it alone otherwise: dropped channels, noise, alpha dropout.

What is drawn differs from run to run; what must hold of every draw is what cases ask about.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import autograd.numpy as np

from .activations import SELU_ALPHA, SELU_SCALE
from .base import Array, Layer, LayerError, Mutant, Shape, Weights, arg
from .traits import FEATURES, IMAGE, VOLUME, asked, called, composed
from .windows import DataFormat, split_shape

SATURATED = -SELU_SCALE * SELU_ALPHA
"""What `selu` tends to far below 0 (Klambauer et al. 2017, section 3): -1.7581."""


class _Disturbing(Layer):
    """A layer that does nothing unless `training` is true."""

    arithmetic = "moves"
    draws = True

    keras_only: ClassVar[tuple[str, ...]] = ("seed",)
    supports_masking: ClassVar[bool] = True

    def disturbed(self, w: Weights, x: Array) -> Array:
        """The input with what is drawn, in training."""
        raise NotImplementedError

    def call(self, w: Weights, x: Array, training: bool | None = False) -> Array:
        return self.disturbed(w, x) if training else x


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise LayerError(f"rate={rate} is not between 0 and 1")


def _told(training: bool) -> Any:
    return lambda layer, args, kwargs: (args, {**kwargs, "training": training})


_ALWAYS_AND_NEVER = (
    Mutant("disturbs_in_inference", "disturbs outside of training too", inputs=_told(True)),
    Mutant("never_disturbs", "leaves training alone", inputs=_told(False)),
)


class _SpatialDropout(_Disturbing):
    without_activity_regularizer = "its constructor in Keras knows none"
    rank: ClassVar[int]

    rate: float = arg("Share of the channels that become 0.")

    def check(self) -> None:
        _check_rate(self.rate)

    @property
    def channels_axis(self) -> int:
        return 1 if getattr(self, "data_format", "channels_last") == "channels_first" else self.rank + 1

    def call(self, w: Weights, x: Array, training: bool | None = False) -> Array:
        split_shape(x.shape, self.rank, "channels_last")
        return super().call(w, x, training)

    def disturbed(self, w: Weights, x: Array) -> Array:
        if self.rate == 0:
            return x
        if self.rate == 1:
            return np.zeros_like(x)
        shape = tuple(n if axis in (0, self.channels_axis) else 1 for axis, n in enumerate(x.shape))
        return np.where(w.random.random(shape) >= self.rate, x / (1 - self.rate), 0.0)


def _as_in_the_first_sample(layer: Any, w: Weights, x: Array) -> Array:
    drawn = super(type(layer), layer).disturbed(w, np.ones_like(x[:1]))
    return x * drawn


def _flat(layer: _SpatialDropout, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Every entry as a channel of its own."""
    x = args[0]
    shape = [len(x), *[1] * (layer.rank + 1)]
    shape[layer.channels_axis] = -1
    return [np.reshape(x, shape), *args[1:]], kwargs


def _steps_as_channels(layer: _SpatialDropout, x: Array) -> Array:
    return np.swapaxes(x, layer.channels_axis, 1 if layer.channels_axis > 1 else 2)


_SPATIAL_MUTANTS = (
    *_ALWAYS_AND_NEVER,
    Mutant(
        "drops_entries",
        "draws for every entry, as Dropout does",
        inputs=_flat,
        output=lambda layer, y, args: np.reshape(y, args[0].shape),
    ),
    Mutant(
        "one_draw_for_all_samples",
        "drops the same channels in every sample of the batch",
        methods={"disturbed": _as_in_the_first_sample},
    ),
    Mutant(
        "drops_steps",
        "drops whole steps, as torch does with the channels where Keras has them",
        inputs=lambda layer, args, kwargs: ([_steps_as_channels(layer, args[0]), *args[1:]], kwargs),
        output=lambda layer, y, args: _steps_as_channels(layer, y),
    ),
    Mutant(
        "scales_in_inference",
        "leaves training unscaled and multiplies by 1 - rate in inference",
        output=lambda layer, y, args: y * (1 - layer.rate),
    ),
)


class SpatialDropout1D(_SpatialDropout):
    """In training, zeroes a share `rate` of the channels of each sample, all steps at once, and divides the others by
    1 - rate; else nothing.

    x: (batch, steps, channels); the shape stays. Tompson et al., "Efficient object localization", 2015, section 3.2.
    """

    input_axis_names = FEATURES
    native = called("nn.Dropout1d")
    example = asked("SpatialDropout1D(0.5)", "5,3")

    rank: ClassVar[int] = 1
    mutants: ClassVar[tuple[Mutant, ...]] = _SPATIAL_MUTANTS


class SpatialDropout2D(_SpatialDropout):
    """In training, zeroes a share `rate` of the channels of each image, all pixels at once, and divides the others by
    1 - rate; else nothing.

    x: (batch, rows, columns, channels), or (batch, channels, rows, columns) for `channels_first`; the shape stays.
    """

    input_axis_names = IMAGE
    native = called("nn.Dropout2d")
    example = asked("SpatialDropout2D(0.5)", "5,7,3")

    rank: ClassVar[int] = 2
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    mutants: ClassVar[tuple[Mutant, ...]] = _SPATIAL_MUTANTS


class SpatialDropout3D(_SpatialDropout):
    """In training, zeroes a share `rate` of the channels of each volume, all of it at once, and divides the others by
    1 - rate; else nothing.

    x: (batch, depth, height, width, channels), or (batch, channels, depth, height, width) for `channels_first`; the
    shape stays.
    """

    input_axis_names = VOLUME
    native = called("nn.Dropout3d")
    example = asked("SpatialDropout3D(0.5)", "3,5,7,2")

    rank: ClassVar[int] = 3
    data_format: DataFormat = arg("Which axis holds the channels.", default="channels_last")
    mutants: ClassVar[tuple[Mutant, ...]] = _SPATIAL_MUTANTS


class GaussianNoise(_Disturbing):
    """In training, adds numbers drawn from a normal distribution around 0; else nothing. x: any shape; it stays."""

    native = composed("x + stddev * torch.randn_like(x)")
    example = asked("GaussianNoise(0.5)", "3")

    stddev: float = arg("Standard deviation of what is added.")

    def check(self) -> None:
        if not 0 <= self.stddev <= 1:
            raise LayerError(f"stddev={self.stddev} is not between 0 and 1")

    def disturbed(self, w: Weights, x: Array) -> Array:
        return x + w.random.normal(0.0, self.stddev, x.shape)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_ALWAYS_AND_NEVER,
        Mutant("variance", "takes stddev for the variance", config=lambda layer: {"stddev": math.sqrt(layer.stddev)}),
        Mutant(
            "multiplies", "multiplies by 1 plus the noise", output=lambda layer, y, args: args[0] * (1 + y - args[0])
        ),
    )


class GaussianDropout(_Disturbing):
    """In training, multiplies by numbers drawn from a normal distribution around 1 of variance rate / (1 - rate), which
    is that of Dropout's zeros and 1 / (1 - rate); else nothing.

    x: any shape; it stays. Srivastava et al. (2014), section 10. A rate of 1 has no variance.
    """

    native = composed("x * (1 + (rate / (1 - rate)) ** 0.5 * torch.randn_like(x))")
    example = asked("GaussianDropout(0.5)", "3")

    rate: float = arg("Share of the entries that Dropout of the same variance would zero.")

    def check(self) -> None:
        _check_rate(self.rate)

    def disturbed(self, w: Weights, x: Array) -> Array:
        if self.rate == 1:
            raise LayerError("a rate of 1 has no variance: rate / (1 - rate)")
        return x * w.random.normal(1.0, math.sqrt(self.rate / (1 - self.rate)), x.shape)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_ALWAYS_AND_NEVER,
        Mutant(
            "rate_as_deviation",
            "takes the rate for the standard deviation",
            config=lambda layer: {"rate": layer.rate**2 / (1 + layer.rate**2)},
        ),
        Mutant("adds", "adds the noise", output=lambda layer, y, args: args[0] + y / args[0] - 1.0),
    )


class AlphaDropout(_Disturbing):
    """In training, sets a share `rate` of the entries to what `selu` saturates at, -1.7581, and then scales and shifts
    all so that mean 0 and variance 1 stay what they are; else nothing.

    x: any shape; it stays. With p the rate and s = -1.7581: y = a (kept x or s) + b, a = ((1 - p)(1 + p s^2))^(-1/2),
    b = -a p s. Klambauer et al., "Self-normalizing neural networks", 2017, section 3. A rate of 1 has no a.
    """

    native = called("nn.AlphaDropout")
    example = asked("AlphaDropout(0.5)", "5,3")

    rate: float = arg("Share of the entries that are saturated.")
    noise_shape: tuple[int | None, ...] | None = arg("Shape of the draw, None for an axis of the input.", default=None)

    def check(self) -> None:
        _check_rate(self.rate)

    def scale_and_shift(self) -> tuple[float, float]:
        """a and b."""
        if self.rate == 1:
            raise LayerError("a rate of 1 has no scale: nothing is left of the variance")
        scale = ((1 - self.rate) * (1 + self.rate * SATURATED**2)) ** -0.5
        return scale, -scale * SATURATED * self.rate

    def shape(self, shape: Shape) -> Shape:
        """The shape of the draw."""
        sizes = shape if self.noise_shape is None else self.noise_shape
        return tuple(length if size is None else size for size, length in zip(sizes, shape, strict=True))

    def disturbed(self, w: Weights, x: Array) -> Array:
        scale, shift = self.scale_and_shift()
        is_kept = w.random.random(self.shape(x.shape)) >= self.rate
        return scale * np.where(is_kept, x, SATURATED) + shift

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_ALWAYS_AND_NEVER,
        Mutant(
            "not_rescaled",
            "leaves scale and shift out",
            output=lambda layer, y, args: (y - layer.scale_and_shift()[1]) / layer.scale_and_shift()[0],
        ),
        Mutant("drops_to_zero", "sets entries to 0, as Dropout does", output=lambda layer, y, args: _zeroed(layer, y)),
        Mutant("ignores_noise_shape", "draws for every entry", config=lambda layer: {"noise_shape": None}),
    )


def _zeroed(layer: AlphaDropout, y: Array) -> Array:
    """What was saturated as 0 before the scale and shift."""
    scale, shift = layer.scale_and_shift()
    return np.where(np.isclose(y, scale * SATURATED + shift), shift, y)
