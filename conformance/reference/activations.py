"""Activation functions by their Keras names, in float64, each with the source of its formula.

`activate(name, x)` is all that layers use. Written so that neither the value nor the gradient overflows: the branch of
`np.where` that is not taken must be finite too. At a kink the gradient is that of the side on which "at most" stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

from .base import Array, LayerError
from .traits import Native, absent, called, composed

Activation = (
    Literal[
        "celu",
        "elu",
        "exponential",
        "gelu",
        "glu",
        "hard_shrink",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "hard_tanh",
        "leaky_relu",
        "linear",
        "log_sigmoid",
        "log_softmax",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "soft_shrink",
        "softmax",
        "softplus",
        "softsign",
        "sparse_plus",
        "sparse_sigmoid",
        "sparsemax",
        "squareplus",
        "swish",
        "tanh",
        "tanh_shrink",
        "threshold",
    ]
    | None
)
"""A Keras 3.15.1 activation by name; None is `linear`."""

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def activate(name: Activation, x: Array) -> Array:
    """Applies the named activation with its default arguments; the shape stays (`glu` halves the last axis).

    Raises LayerError for a name that does not exist and for `threshold`, which has no defaults.
    """
    if name is None:
        return x
    if callable(name):  # of a mistake: no case can write a function
        return name(x)
    if name not in ACTIVATIONS:
        raise LayerError(f"there is no activation {name}")
    return ACTIVATIONS[name](x)


def linear(x: Array) -> Array:
    """x."""
    return x


def relu(x: Array, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """max(x, 0) by default; in general never more than `max_value`, x above the threshold, and
    negative_slope (x - threshold) up to it (documentation of `keras.layers.ReLU`).

    Whole numbers stay whole below a whole limit, as below none.
    """
    below = negative_slope * (x - threshold) if negative_slope else np.zeros_like(x)
    result = np.where(x <= threshold, below, x)
    if max_value is None:
        return result
    limit = int(max_value) if result.dtype.kind in "iu" and max_value == int(max_value) else max_value
    return np.where(result > limit, limit, result)


def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """x above 0, negative_slope x below (Maas et al. 2013)."""
    return np.where(x <= 0, negative_slope * x, x)


def relu6(x: Array) -> Array:
    """min(max(x, 0), 6) (Krizhevsky 2010)."""
    return np.where(x <= 0, 0.0, np.where(x >= 6.0, 6.0, x))


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x above 0, alpha (exp(x) - 1) below (Clevert et al. 2016, equation 16)."""
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0.0, x)))


def celu(x: Array, alpha: float = 1.0) -> Array:
    """x above 0, alpha (exp(x / alpha) - 1) below (Barron 2017, equation 2)."""
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0.0, x) / alpha))


def selu(x: Array) -> Array:
    """scale * elu(x, alpha) with the constants of the fixed point (Klambauer et al. 2017, equation 2 and appendix)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def exponential(x: Array) -> Array:
    """exp(x)."""
    return np.exp(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), written as exp(-log(1 + exp(-x))) so that both tails keep their relative precision."""
    return _of_rounded_result(np.exp(-softplus(-x)), x)


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def _of_rounded_result(y: Array, x: Array) -> Array:
    """The sigmoid y of x as it is; on the way back, what comes of working the slope out of y.

    Everybody takes y (1 - y), and of a y next to 1 the rounding alone is left in 1 - y. Where nothing is rounded this
    adds exactly 0.
    """
    return y


def _sigmoid_of_x(ans: Array, y: Array, x: Array) -> Callable[[Array], Array]:
    y, exact = getval(ans), numpy.exp(-numpy.logaddexp(-getval(x), 0.0))
    return lambda g: g * (y * (1.0 - y) - exact * (1.0 - exact))


defvjp(_of_rounded_result, lambda ans, y, x: lambda g: g, _sigmoid_of_x)


def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x)) = -softplus(-x)."""
    return -softplus(-x)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) (Glorot et al. 2011)."""
    return np.logaddexp(x, 0.0)


def softsign(x: Array) -> Array:
    """x / (1 + |x|) (Bergstra et al. 2009)."""
    return x / (1.0 + np.abs(x))


def squareplus(x: Array, b: float = 4.0) -> Array:
    """(x + sqrt(x^2 + b)) / 2 (Barron 2021, equation 1); below 0 multiplied out, against cancellation."""
    root = np.sqrt(x**2 + b)
    y = np.where(x > 0, (x + root) / 2.0, b / 2.0 / (root - np.where(x > 0, 0.0, x)))
    of_rounding = (getval(root) - numpy.sqrt(getval(x) ** 2 + b)) / 2.0  # everybody adds x to it, and that does cancel
    return y + of_rounding


def silu(x: Array) -> Array:
    """x sigmoid(x), also called swish (Ramachandran et al. 2017)."""
    return x * sigmoid(x)


def mish(x: Array) -> Array:
    """x tanh(softplus(x)) (Misra 2019, equation 1)."""
    return x * tanh(softplus(x))


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def erfc(x: Array) -> Array:
    """The complementary error function 2 / sqrt(pi) times the integral of exp(-t^2) from x on."""
    return numpy.vectorize(math.erfc, otypes=[float])(x)


defvjp(erfc, lambda ans, x: lambda g: -2.0 / math.sqrt(math.pi) * np.exp(-(x**2)) * g)


def gelu(x: Array, approximate: bool = False) -> Array:
    """x P(X <= x) for a standard normal X (Hendrycks & Gimpel 2016, section 2), with erfc for the left tail.

    Approximated: 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
    """
    if approximate:
        return 0.5 * x * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * erfc(-x / math.sqrt(2.0))


def glu(x: Array) -> Array:
    """a * sigmoid(b) for the two halves a, b of the last axis (Dauphin et al. 2017, equation 1)."""
    size = x.shape[-1]
    if size % 2:
        raise LayerError(f"glu cuts the last axis in two halves; its length {size} is odd")
    return x[..., : size // 2] * sigmoid(x[..., size // 2 :])


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def tanh(x: Array) -> Array:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)); its slope is 1 / cosh(x)^2 = 4 e / (1 + e)^2 with e = exp(-2 |x|).

    Everybody works the slope out as 1 - y^2, and of a y next to 1 or -1 the rounding alone is left in that: it is added
    here, and is exactly 0 where nothing is rounded.
    """
    return numpy.tanh(x)


def _tanh_slope(ans: Array, x: Array) -> Callable[[Array], Array]:
    small = np.exp(-2.0 * np.abs(x))
    of_rounding = numpy.tanh(getval(x)) ** 2 - getval(ans) ** 2
    return lambda g: g * (4.0 * small / (1.0 + small) ** 2 + of_rounding)


defvjp(tanh, _tanh_slope)


def tanh_shrink(x: Array) -> Array:
    """x - tanh(x)."""
    return x - tanh(x)


def hard_tanh(x: Array) -> Array:
    """x, cut off at -1 and 1 (Collobert 2004)."""
    return np.where(x <= -1.0, -1.0, np.where(x >= 1.0, 1.0, x))


def hard_sigmoid(x: Array) -> Array:
    """x / 6 + 1 / 2, cut off at 0 and 1: the definition of Keras 3 (Keras 2 had x / 5)."""
    return np.where(x <= -3.0, 0.0, np.where(x >= 3.0, 1.0, x / 6.0 + 0.5))


def hard_silu(x: Array) -> Array:
    """x hard_sigmoid(x) (Howard et al. 2019, section 5.2)."""
    return x * hard_sigmoid(x)


def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x outside [-threshold, threshold], 0 inside."""
    return np.where(np.abs(x) <= threshold, 0.0, x)


def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x moved towards 0 by the threshold, 0 within it."""
    return np.where(np.abs(x) <= threshold, 0.0, x - threshold * np.sign(x))


def sparse_plus(x: Array) -> Array:
    """0 up to -1, (x + 1)^2 / 4 between, x from 1 on (documentation of `keras.activations.sparse_plus`)."""
    return np.where(x <= -1.0, 0.0, np.where(x >= 1.0, x, (x + 1.0) ** 2 / 4.0))


def sparse_sigmoid(x: Array) -> Array:
    """(x + 1) / 2, cut off at 0 and 1: sparsemax of (x, 0) is this at 2x (Blondel et al. 2019)."""
    return np.where(x <= -1.0, 0.0, np.where(x >= 1.0, 1.0, (x + 1.0) / 2.0))


def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """exp(x) over its sum along the axis or axes (Bridle 1990); the maximum is taken off first.

    It changes nothing, so that there is no way back through it either: its rounding is not the softmax's.
    """
    powers = np.exp(x - _largest(x, axis))
    return powers / np.sum(powers, axis=axis, keepdims=True)


def _largest(x: Array, axis: int | tuple[int, ...]) -> Array:
    """The largest entry, without a way back through it; minus infinity of no entries, for whole numbers too."""
    return numpy.max(1.0 * getval(x), axis=axis, keepdims=True, initial=-np.inf)


def log_softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """log(softmax(x)) along the axis or axes: x minus the logarithm of the sum of exp(x)."""
    shifted = x - _largest(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def sparsemax(x: Array) -> Array:
    """The point of the simplex nearest to x, along the last axis: max(x - tau, 0) (Martins & Astudillo 2016).

    Their support condition 1 + k z(k) > z(1) + ... + z(k) says, for one entry, that the entries above it exceed it by
    less than 1 in sum: no sorting is needed. tau = (sum of the support - 1) / size of the support.
    """
    excess = np.expand_dims(x, -2) - np.expand_dims(x, -1)
    support = np.sum(np.where(excess > 0, excess, 0.0), axis=-1) < 1.0
    tau = (np.sum(np.where(support, x, 0.0), axis=-1, keepdims=True) - 1.0) / np.sum(support, axis=-1, keepdims=True)
    return np.where(support, x - tau, 0.0)


def threshold(x: Array) -> Array:
    """Raises LayerError: `threshold(x, threshold, default_value)` cannot be used by its name alone."""
    raise LayerError("the activation threshold needs a threshold and a default value; its name alone is not enough")


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "celu": celu,
    "elu": elu,
    "exponential": exponential,
    "gelu": gelu,
    "glu": glu,
    "hard_shrink": hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_silu,
    "hard_tanh": hard_tanh,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "soft_shrink": soft_shrink,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "squareplus": squareplus,
    "swish": silu,
    "tanh": tanh,
    "tanh_shrink": tanh_shrink,
    "threshold": threshold,
}
"""Every activation of Keras 3.15.1 by the name under which a layer takes it, aliases included."""

NATIVE: Mapping[str, Native] = {
    "celu": called("F.celu"),
    "elu": called("F.elu"),
    "exponential": called("exp"),
    "gelu": called("F.gelu"),
    "glu": called("F.glu"),
    "hard_shrink": called("F.hardshrink"),
    "hard_sigmoid": called("F.hardsigmoid"),
    "hard_silu": called("F.hardswish"),
    "hard_swish": called("F.hardswish"),
    "hard_tanh": called("F.hardtanh"),
    "leaky_relu": called("F.leaky_relu", reason="its slope is 0.01 where nobody says otherwise, Keras' 0.2"),
    "linear": called("nn.Identity"),
    "log_sigmoid": called("F.logsigmoid"),
    "log_softmax": called("F.log_softmax", reason="it is told the axis, dim=-1"),
    "mish": called("F.mish"),
    "relu": called("F.relu"),
    "relu6": called("F.relu6"),
    "selu": called("F.selu"),
    "sigmoid": called("sigmoid"),
    "silu": called("F.silu"),
    "soft_shrink": called("F.softshrink"),
    "softmax": called("F.softmax", reason="it is told the axis, dim=-1"),
    "softplus": called("F.softplus"),
    "softsign": called("F.softsign"),
    "sparse_plus": composed("torch.where(x <= -1, 0.0, torch.where(x >= 1, x, (x + 1) ** 2 / 4))"),
    "sparse_sigmoid": composed("((x + 1) / 2).clamp(0, 1)"),
    "sparsemax": absent("torch has no projection onto the simplex: sort, add up, take off the threshold"),
    "squareplus": composed("(x + (x * x + 4).sqrt()) / 2"),
    "swish": called("F.silu"),
    "tanh": called("tanh"),
    "tanh_shrink": called("F.tanhshrink"),
    "threshold": called("F.threshold", reason="it is told the threshold and what stands below it"),
}
"""What torch calls each activation, by the same names."""

TORCH_LINES: Mapping[str, str] = {
    "gelu": 'F.gelu(x)  # exact; approximate="tanh" is another function',
    "gelu_approximate": 'F.gelu(x, approximate="tanh")',
    "relu": "F.relu(x)",
    "relu6": "F.relu6(x)",
    "tanh": "torch.tanh(x)",
    "sigmoid": "torch.sigmoid(x)",
    "softmax": "torch.softmax(x, dim=-1)",
    "silu": "F.silu(x)",
    "swish": "F.silu(x)",
    "elu": "F.elu(x)",
    "selu": "F.selu(x)",
    "softplus": "F.softplus(x)",
    "leaky_relu": "F.leaky_relu(x, negative_slope=0.2)",
    "hard_sigmoid": "F.hardsigmoid(x)",
}
"""The line of torch that a port has in an activation's place."""

TORCH_MODULES = (
    *("GELU", "GELUActivation", "NewGELUActivation", "ReLU", "ReLU6", "SiLU", "SiLUActivation", "Tanh", "Sigmoid"),
    *("Softmax", "Softplus", "ELU", "LeakyReLU", "SELU", "Mish", "Hardswish", "Hardsigmoid", "FastGELUActivation"),
    *("PytorchGELUTanh", "GELUTanh", "QuickGELUActivation", "ClippedGELUActivation"),
)
"""Modules of torch and of transformers that are an activation and nothing else."""
