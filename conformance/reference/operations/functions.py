"""Activations: the same formulas as those of layers, with their arguments."""

from __future__ import annotations

import math

import autograd.numpy as np

from conformance.reference import activations as of_layers

from .base import ANY, Array, along, as_float, ask, asked, elementwise, floats, given

FAR = ask("far", given([-1000.0, -90.0, -20.0, 20.0, 90.0, 1000.0]))
KINKS = ask("kinks", given([-4.5, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 4.5, 6.0, 8.0]))


@elementwise(ANY, FAR, KINKS, arithmetic="moves")
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return of_layers.relu(x)


@elementwise(ANY, FAR, KINKS, takes_integers=False, arithmetic="moves")
def relu6(x: Array) -> Array:
    """x between 0 and 6."""
    return of_layers.relu6(x)


@elementwise(ANY, FAR, KINKS, ask("slope", floats(3, 4), negative_slope=0.05), takes_integers=False)
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """x, times the slope below 0."""
    return of_layers.leaky_relu(as_float(x), negative_slope)


@elementwise(ANY, FAR, ask("alpha", floats(3, 4), alpha=0.5), takes_integers=False)
def elu(x: Array, alpha: float = 1.0) -> Array:
    """x, alpha (e^x - 1) below 0."""
    return of_layers.elu(as_float(x), alpha)


@elementwise(ANY, FAR, ask("alpha", floats(3, 4), alpha=0.5), takes_integers=False)
def celu(x: Array, alpha: float = 1.0) -> Array:
    """x, alpha (e^(x / alpha) - 1) below 0."""
    return of_layers.celu(as_float(x), alpha)


@elementwise(ANY, FAR, takes_integers=False)
def selu(x: Array) -> Array:
    """elu with the two constants of Klambauer et al. 2017."""
    return of_layers.selu(as_float(x))


@elementwise(ANY, FAR, takes_integers=False)
def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x)."""
    return of_layers.sigmoid(as_float(x))


@elementwise(ANY, FAR, takes_integers=False)
def log_sigmoid(x: Array) -> Array:
    """log(sigmoid(x))."""
    return of_layers.log_sigmoid(as_float(x))


@elementwise(ANY, FAR, takes_integers=False)
def softplus(x: Array) -> Array:
    """log(1 + e^x)."""
    return of_layers.softplus(as_float(x))


@elementwise(ANY, FAR, takes_integers=False)
def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return of_layers.softsign(as_float(x))


@elementwise(ANY, FAR, names=("silu",), takes_integers=False)
def silu(x: Array) -> Array:
    """x sigmoid(x)."""
    return of_layers.silu(as_float(x))


@elementwise(ANY, FAR, ask("exact", floats(3, 4), approximate=False), takes_integers=False)
def gelu(x: Array, approximate: bool = True) -> Array:
    """x P(X <= x), approximated by tanh unless it says otherwise."""
    return of_layers.gelu(as_float(x), approximate)


@elementwise(ANY, FAR, KINKS, takes_integers=False)
def hard_sigmoid(x: Array) -> Array:
    """x / 6 + 1 / 2 between 0 and 1."""
    return of_layers.hard_sigmoid(as_float(x))


@elementwise(ANY, FAR, KINKS, takes_integers=False)
def hard_silu(x: Array) -> Array:
    """x hard_sigmoid(x)."""
    return of_layers.hard_silu(as_float(x))


@elementwise(ANY, FAR, KINKS, takes_integers=False, arithmetic="moves")
def hard_tanh(x: Array) -> Array:
    """x between -1 and 1."""
    return of_layers.hard_tanh(as_float(x))


@elementwise(ANY, KINKS, ask("threshold", floats(3, 4), threshold=0.25), takes_integers=False, arithmetic="moves")
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x outside of the threshold, 0 within."""
    return of_layers.hard_shrink(as_float(x), threshold)


@elementwise(ANY, KINKS, ask("threshold", floats(3, 4), threshold=0.25), takes_integers=False)
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """x moved towards 0 by the threshold."""
    return of_layers.soft_shrink(as_float(x), threshold)


@elementwise(ANY, FAR, takes_integers=False)
def tanh_shrink(x: Array) -> Array:
    """x - tanh(x)."""
    return of_layers.tanh_shrink(as_float(x))


@elementwise(ANY, KINKS, takes_integers=False)
def sparse_plus(x: Array) -> Array:
    """0 up to -1, (x + 1)^2 / 4 between, x from 1 on."""
    return of_layers.sparse_plus(as_float(x))


@elementwise(ANY, KINKS, takes_integers=False)
def sparse_sigmoid(x: Array) -> Array:
    """0 up to -1, (x + 1) / 2 between, 1 from 1 on."""
    return of_layers.sparse_sigmoid(as_float(x))


@elementwise(ANY, FAR, ask("b", floats(3, 4), b=1), takes_integers=False)
def squareplus(x: Array, b: float = 4) -> Array:
    """(x + sqrt(x^2 + b)) / 2."""
    return of_layers.squareplus(as_float(x), float(b))


@elementwise(
    ANY,
    ask("other", floats(3, 4), threshold=-0.5, default_value=2.0),
    ask("nan", given([math.nan, 0.0, -1.0]), threshold=-0.5, default_value=2.0),
    config={"threshold": 0.25, "default_value": -1.0},
    takes_integers=False,
    arithmetic="moves",
)
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """x above the threshold, the default elsewhere."""
    return np.where(as_float(x) > threshold, as_float(x), default_value)


ROWS = (ask("far", given([[1000.0, 0.0, -1000.0], [88.0, 89.0, 90.0]])), ask("ties", given([[1.0, 1.0], [0.0, 0.0]])))


@along(
    ANY,
    *ROWS,
    ask("two_axes", floats(2, 3, 4), axis=[1, 2]),
    takes_none=False,
    takes_integers=False,
    takes_specials=False,
)
def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """e^x over its sum along an axis."""
    return of_layers.softmax(as_float(x), axis)


@along(ANY, *ROWS, takes_none=False, takes_integers=False, takes_specials=False)
def log_softmax(x: Array, axis: int = -1) -> Array:
    """log(softmax(x))."""
    return of_layers.log_softmax(as_float(x), axis)


@along(
    ANY,
    *ROWS,
    takes_none=False,
    no_gradients="where numbers tie the support may change",
    takes_integers=False,
    takes_specials=False,
)
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The point of the simplex that is nearest to x (Martins and Astudillo 2016)."""
    return np.moveaxis(of_layers.sparsemax(np.moveaxis(as_float(x), axis, -1)), -1, axis)


@asked(
    ask("halves", floats(2, 6)),
    ask("first", floats(4, 3), axis=0),
    ask("middle", floats(2, 6, 3), axis=-2),
    takes_integers=False,
)
def glu(x: Array, axis: int = -1) -> Array:
    """a sigmoid(b) for the two halves of an axis."""
    return np.moveaxis(of_layers.glu(np.moveaxis(as_float(x), axis, -1)), -1, axis)
