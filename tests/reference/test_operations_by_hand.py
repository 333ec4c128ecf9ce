"""Every function of `keras.ops` that has a reference, against numbers worked out by hand or read in a table.

Decimals are those of Abramowitz and Stegun, Handbook of Mathematical Functions (1964), or exact values: the sine of pi
over 6, logarithms of powers, matrices that are solved on paper. A walk over all operations misses none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.reference.operations.base import table
from tests.reference.test_operations import run

NAN, INF, PI = math.nan, math.inf, math.pi
ROOT = math.sqrt(2.0)
E1 = 2.718281828459045
"""e, A&S table 1.1."""


def row(name: str, *arrays: Any, wanted: Any, **config: Any) -> tuple[str, tuple[Any, ...], dict[str, Any], Any]:
    return name, tuple(as_arrays(array) for array in arrays), config, wanted


def as_arrays(value: Any) -> Any:
    """A tuple is a list of arrays; everything else is one."""
    return [np.array(item) for item in value] if isinstance(value, tuple) else np.array(value)


X = [[1.0, 2.0], [3.0, 4.0]]
HOLES = [[NAN, 1.0], [3.0, 5.0]]
LINE = [[[1.0], [2.0], [4.0]]]
"""One batch, three steps, one channel."""
PLANE = [[[[1.0], [2.0]], [[3.0], [4.0]]]]

ELEMENTWISE = [
    *(row(name, [-1.5, 2.0], wanted=[1.5, 2.0]) for name in ("abs", "absolute", "fabs")),
    row("angle", [-2.0, 3.0], wanted=[PI, 0.0]),
    row("arccos", [0.5, -1.0], wanted=[PI / 3, PI]),
    row("arccosh", [1.25], wanted=[math.log(2.0)]),
    row("arcsin", [0.5, 1.0], wanted=[PI / 6, PI / 2]),
    row("arcsinh", [0.75], wanted=[math.log(2.0)]),
    row("arctan", [1.0, -1.0], wanted=[PI / 4, -PI / 4]),
    row("arctanh", [0.6], wanted=[math.log(2.0)]),
    row("cbrt", [27.0, -8.0], wanted=[3.0, -2.0]),
    row("ceil", [1.2, -1.2], wanted=[2.0, -1.0]),
    *(row(name, [1.5, -2.0], wanted=[1.5, -2.0]) for name in ("conj", "conjugate", "real")),
    row("cos", [PI / 3, PI], wanted=[0.5, -1.0]),
    row("cosh", [math.log(2.0)], wanted=[1.25]),
    row("deg2rad", [180.0, -90.0], wanted=[PI, -PI / 2]),
    row("erf", [0.5, 1.0], wanted=[0.5204998778, 0.8427007929]),
    row("erfc", [0.5, 1.0], wanted=[0.4795001222, 0.1572992071]),
    row("erfinv", [0.5204998778, -0.8427007929], wanted=[0.5, -1.0]),
    row("exp", [0.0, 1.0], wanted=[1.0, E1]),
    row("exp2", [3.0, -1.0], wanted=[8.0, 0.5]),
    row("expm1", [0.0, 1.0], wanted=[0.0, E1 - 1.0]),
    row("floor", [1.8, -1.2], wanted=[1.0, -2.0]),
    row("i0", [1.0, 2.0], wanted=[1.2660658778, 2.2795853023]),
    row("imag", [1.5, -2.0], wanted=[0.0, 0.0]),
    row("isfinite", [1.0, NAN, INF], wanted=[True, False, False]),
    row("isinf", [1.0, NAN, -INF], wanted=[False, False, True]),
    row("isnan", [1.0, NAN, INF], wanted=[False, True, False]),
    row("isneginf", [-1.0, INF, -INF], wanted=[False, False, True]),
    row("isposinf", [1.0, INF, -INF], wanted=[False, True, False]),
    row("isreal", [1.0, NAN], wanted=[True, True]),
    row("log", [1.0, E1], wanted=[0.0, 1.0]),
    row("log10", [1000.0, 0.1], wanted=[3.0, -1.0]),
    row("log1p", [0.0, E1 - 1.0], wanted=[0.0, 1.0]),
    row("log2", [8.0, 0.25], wanted=[3.0, -2.0]),
    row("nan_to_num", [NAN, INF, -INF, 2.0], wanted=[9.0, 7.0, -8.0, 2.0], nan=9.0, posinf=7.0, neginf=-8.0),
    row("negative", [1.5, -2.0], wanted=[-1.5, 2.0]),
    row("rad2deg", [PI, -PI / 2], wanted=[180.0, -90.0]),
    row("reciprocal", [4.0, -0.5], wanted=[0.25, -2.0]),
    row("round", [0.5, 1.5, -2.5, 2.675], wanted=[0.0, 2.0, -2.0, 3.0]),
    row("round", [1234.0], wanted=[1200.0], decimals=-2),
    row("rsqrt", [4.0, 0.25], wanted=[0.5, 2.0]),
    row("sign", [-1.5, 0.0, 2.0], wanted=[-1.0, 0.0, 1.0]),
    row("signbit", [-1.5, -0.0, 0.0], wanted=[True, True, False]),
    row("sin", [PI / 6, PI / 2], wanted=[0.5, 1.0]),
    row("sinc", [0.0, 0.5, 1.0], wanted=[1.0, 2.0 / PI, 0.0]),
    row("sinh", [math.log(2.0)], wanted=[0.75]),
    row("sqrt", [9.0, 0.25], wanted=[3.0, 0.5]),
    row("square", [3.0, -0.5], wanted=[9.0, 0.25]),
    row("tan", [PI / 4, 0.0], wanted=[1.0, 0.0]),
    row("tanh", [math.log(2.0)], wanted=[0.6]),
    row("trunc", [1.8, -1.8], wanted=[1.0, -1.0]),
]
ACTIVATIONS = [
    row("celu", [-2.0 * math.log(2.0), 3.0], wanted=[-1.0, 3.0], alpha=2.0),
    row("elu", [-math.log(2.0), 3.0], wanted=[-1.0, 3.0], alpha=2.0),
    row("gelu", [1.0, -1.0], wanted=[0.8413447461, -0.1586552539], approximate=False),
    row("glu", [3.0, 0.0], wanted=[1.5]),
    row("hard_shrink", [0.25, -2.0], wanted=[0.0, -2.0]),
    row("hard_sigmoid", [1.5, -4.0, 9.0], wanted=[0.75, 0.0, 1.0]),
    row("hard_silu", [1.5, -4.0, 9.0], wanted=[1.125, 0.0, 9.0]),
    row("hard_tanh", [0.5, -4.0, 9.0], wanted=[0.5, -1.0, 1.0]),
    row("leaky_relu", [-2.0, 3.0], wanted=[-0.4, 3.0]),
    row("log_sigmoid", [0.0, math.log(3.0)], wanted=[-math.log(2.0), math.log(0.75)]),
    row("log_softmax", [0.0, math.log(3.0)], wanted=[math.log(0.25), math.log(0.75)]),
    row("relu", [-2.0, 3.0], wanted=[0.0, 3.0]),
    row("relu6", [-2.0, 3.0, 7.0], wanted=[0.0, 3.0, 6.0]),
    row("selu", [-math.log(2.0), 1.0], wanted=[-0.5 * 1.0507009873554805 * 1.6732632423543772, 1.0507009873554805]),
    row("sigmoid", [0.0, math.log(3.0)], wanted=[0.5, 0.75]),
    row("silu", [0.0, math.log(3.0)], wanted=[0.0, 0.75 * math.log(3.0)]),
    row("soft_shrink", [0.25, -2.0, 2.0], wanted=[0.0, -1.5, 1.5]),
    row("softmax", [0.0, math.log(3.0)], wanted=[0.25, 0.75]),
    row("softplus", [0.0, math.log(3.0)], wanted=[math.log(2.0), math.log(4.0)]),
    row("softsign", [1.0, -3.0], wanted=[0.5, -0.75]),
    row("sparse_plus", [-2.0, 0.0, 1.0, 3.0], wanted=[0.0, 0.25, 1.0, 3.0]),
    row("sparse_sigmoid", [-2.0, 0.5, 3.0], wanted=[0.0, 0.75, 1.0]),
    row("sparsemax", [1.0, 0.5, -1.0], wanted=[0.75, 0.25, 0.0]),
    row("squareplus", [0.0, 3.0], wanted=[1.0, (3.0 + math.sqrt(13.0)) / 2.0]),
    row("tanh_shrink", [math.log(2.0)], wanted=[math.log(2.0) - 0.6]),
    row("threshold", [0.5, 2.0], wanted=[-7.0, 2.0], threshold=1.0, default_value=-7.0),
]
PAIRS = [
    row("add", [[1.0], [2.0]], [10.0, 20.0], wanted=[[11.0, 21.0], [12.0, 22.0]]),
    row("subtract", [[1.0], [2.0]], [10.0, 20.0], wanted=[[-9.0, -19.0], [-8.0, -18.0]]),
    row("multiply", [[1.0], [2.0]], [10.0, 20.0], wanted=[[10.0, 20.0], [20.0, 40.0]]),
    *(row(name, [1, 7], [2, -2], wanted=[0.5, -3.5]) for name in ("divide", "true_divide")),
    row("divide_no_nan", [1.0, 5.0], [0.0, 2.0], wanted=[0.0, 2.5]),
    row("floor_divide", [7.0, -7.0], [2.0, 2.0], wanted=[3.0, -4.0]),
    row("mod", [7.0, -7.0, 7.0], [3.0, 3.0, -3.0], wanted=[1.0, 2.0, -2.0]),
    row("fmod", [7.0, -7.0, 7.0], [3.0, 3.0, -3.0], wanted=[1.0, -1.0, 1.0]),
    row("power", [2.0, 9.0], [3.0, 0.5], wanted=[8.0, 3.0]),
    row("arctan2", [1.0, 0.0, -1.0], [1.0, -1.0, 0.0], wanted=[PI / 4, PI, -PI / 2]),
    row("hypot", [3.0, -5.0], [4.0, 12.0], wanted=[5.0, 13.0]),
    row("maximum", [1.0, NAN], [2.0, 5.0], wanted=[2.0, NAN]),
    row("minimum", [1.0, NAN], [2.0, 5.0], wanted=[1.0, NAN]),
    row("fmax", [1.0, NAN], [2.0, 5.0], wanted=[2.0, 5.0]),
    row("fmin", [1.0, NAN], [2.0, 5.0], wanted=[1.0, 5.0]),
    row("logaddexp", [math.log(2.0)], [math.log(3.0)], wanted=[math.log(5.0)]),
    row("logaddexp2", [1.0, 3.0], [1.0, 3.0], wanted=[2.0, 4.0]),
    row("heaviside", [-1.0, 0.0, 2.0], [0.5, 0.5, 0.5], wanted=[0.0, 0.5, 1.0]),
    row("ldexp", [1.5, 3.0], [2, -1], wanted=[6.0, 1.5]),
    row("nextafter", [1.0, 1.0], [2.0, 0.0], wanted=[1.0 + 2.0**-23, 1.0 - 2.0**-24]),
    row("equal", [1.0, NAN], [1.0, NAN], wanted=[True, False]),
    row("not_equal", [1.0, NAN], [1.0, NAN], wanted=[False, True]),
    row("greater", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], wanted=[False, False, True]),
    row("greater_equal", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], wanted=[False, True, True]),
    row("less", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], wanted=[True, False, False]),
    row("less_equal", [1.0, 2.0, 3.0], [2.0, 2.0, 2.0], wanted=[True, True, False]),
    row("isclose", [1.0, 1.0, INF], [1.000001, 1.1, INF], wanted=[True, False, True]),
    row("allclose", [1.0, 1.0], [1.000001, 1.1], wanted=False),
    row("logical_and", [True, True, False], [True, False, False], wanted=[True, False, False]),
    row("logical_or", [True, True, False], [True, False, False], wanted=[True, True, False]),
    row("logical_xor", [True, True, False], [True, False, False], wanted=[False, True, False]),
    row("logical_not", [0.0, 2.0], wanted=[True, False]),
    row("bitwise_and", [12, -1], [10, 6], wanted=[8, 6]),
    row("bitwise_or", [12, 1], [10, 6], wanted=[14, 7]),
    row("bitwise_xor", [12, 1], [10, 3], wanted=[6, 2]),
    *(row(name, [0, 5, -1], wanted=[-1, -6, 0]) for name in ("bitwise_not", "bitwise_invert")),
    *(row(name, [3, -1], [2, 4], wanted=[12, -16]) for name in ("left_shift", "bitwise_left_shift")),
    *(row(name, [13, -5], [2, 1], wanted=[3, -3]) for name in ("right_shift", "bitwise_right_shift")),
    row("gcd", [12, 0], [-18, 0], wanted=[6, 0]),
    row("lcm", [4, 0], [-6, 3], wanted=[12, 0]),
    row("isin", [1.0, 2.0, 3.0], [2.0, 5.0], wanted=[False, True, False]),
    row("clip", [-3.0, 0.5, 9.0], wanted=[-1.0, 0.5, 2.0], x_min=-1.0, x_max=2.0),
    row("where", [True, False], [1.0, 2.0], [3.0, 4.0], wanted=[1.0, 4.0]),
    row(
        "select",
        ([True, False, False], [True, True, False]),
        ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
        wanted=[1.0, 5.0, 7.0],
        default=7.0,
    ),
]
REDUCTIONS = [
    row("all", [[True, False], [True, True]], wanted=[False, True], axis=1),
    row("any", [[True, False], [False, False]], wanted=[True, False], axis=1),
    *(row(name, X, wanted=[3.0, 4.0], axis=0) for name in ("max", "amax")),
    *(row(name, X, wanted=[1.0, 3.0], axis=1) for name in ("min", "amin")),
    row("argmax", [[1.0, 5.0, 5.0]], wanted=[1], axis=1),
    row("argmin", [[7.0, 5.0, 5.0]], wanted=[1], axis=1),
    row("average", [1.0, 2.0, 6.0], [1.0, 1.0, 2.0], wanted=3.75),
    row("count_nonzero", [[0.0, 2.0], [NAN, -0.0]], wanted=2),
    row("cumprod", [2.0, 3.0, -1.0], wanted=[2.0, 6.0, -6.0], axis=0),
    row("cumsum", [2.0, 3.0, -1.0], wanted=[2.0, 5.0, 4.0], axis=0),
    row("diff", [1.0, 4.0, 9.0], wanted=[2.0], n=2),
    row("logsumexp", [math.log(2.0), math.log(3.0)], wanted=math.log(5.0)),
    row("mean", X, wanted=[2.0, 3.0], axis=0),
    row("median", [5.0, 1.0, 2.0, 4.0], wanted=3.0),
    row("moments", X, wanted=[[2.0, 3.0], [1.0, 1.0]], axes=(0,)),
    row("nanargmax", HOLES, wanted=[1, 1], axis=1),
    row("nanargmin", HOLES, wanted=[1, 0], axis=1),
    row("nancumprod", [2.0, NAN, 3.0], wanted=[2.0, 2.0, 6.0], axis=0),
    row("nancumsum", [2.0, NAN, 3.0], wanted=[2.0, 2.0, 5.0], axis=0),
    row("nanmax", HOLES, wanted=[1.0, 5.0], axis=1),
    row("nanmean", HOLES, wanted=[1.0, 4.0], axis=1),
    row("nanmedian", HOLES, wanted=3.0),
    row("nanmin", HOLES, wanted=[3.0, 1.0], axis=0),
    row("nanpercentile", HOLES, wanted=2.0, q=25.0),
    row("nanprod", HOLES, wanted=15.0),
    row("nanquantile", HOLES, wanted=4.0, q=0.75),
    row("nanstd", HOLES, wanted=[0.0, 1.0], axis=1),
    row("nansum", HOLES, wanted=9.0),
    row("nanvar", HOLES, wanted=[0.0, 4.0], axis=0),
    row("percentile", [1.0, 2.0, 4.0], wanted=3.0, q=75.0),
    row("prod", X, wanted=24.0),
    row("ptp", [1.0, -2.0, 6.0], wanted=8.0),
    row("quantile", [1.0, 2.0, 4.0], wanted=2.0, q=0.75, method="lower"),
    row("std", [1.0, 5.0], wanted=2.0),
    row("sum", X, wanted=[4.0, 6.0], axis=0),
    row("trapezoid", [0.0, 2.0, 4.0], wanted=1.5, dx=0.375),
    row("var", [1.0, 5.0], wanted=4.0),
]
SHAPES = [
    row("append", [1, 2], [3], wanted=[1, 2, 3]),
    row("array_split", [1, 2, 3], wanted=[[1, 2], [3]], indices_or_sections=2),
    row("broadcast_to", [1.0, 2.0], wanted=[[1.0, 2.0], [1.0, 2.0]], shape=(2, 2)),
    row("cast", [1.7, -1.7], wanted=[1, -1], dtype="int32"),
    row("concatenate", ([1, 2], [3]), wanted=[1, 2, 3]),
    row("dsplit", [[[1, 2]]], wanted=[[[[1]]], [[[2]]]], indices_or_sections=2),
    row("dstack", ([1, 2], [3, 4]), wanted=[[[1, 3], [2, 4]]]),
    row("expand_dims", [1, 2], wanted=[[1], [2]], axis=-1),
    row("flip", X, wanted=[[4.0, 3.0], [2.0, 1.0]]),
    row("fliplr", X, wanted=[[2.0, 1.0], [4.0, 3.0]]),
    row("flipud", X, wanted=[[3.0, 4.0], [1.0, 2.0]]),
    row("hsplit", [[1, 2]], wanted=[[[1]], [[2]]], indices_or_sections=2),
    row("hstack", ([1, 2], [3]), wanted=[1, 2, 3]),
    row("meshgrid", [1, 2], [3, 4], wanted=[[[1, 2], [1, 2]], [[3, 3], [4, 4]]]),
    row("moveaxis", [[[1, 2], [3, 4]]], wanted=[[[1], [2]], [[3], [4]]], source=0, destination=-1),
    row("pad", [1, 2], wanted=[2, 1, 1, 2, 2], pad_width=((2, 1),), mode="symmetric"),
    row("pad", [1, 2, 3], wanted=[3, 2, 1, 2, 3, 2], pad_width=((2, 1),), mode="reflect"),
    row("ravel", X, wanted=[1.0, 2.0, 3.0, 4.0]),
    row("rearrange", X, wanted=[1.0, 3.0, 2.0, 4.0], pattern="a b -> (b a)"),
    row("repeat", [1, 2], wanted=[1, 1, 2, 2], repeats=2),
    row("reshape", X, wanted=[[1.0], [2.0], [3.0], [4.0]], newshape=(-1, 1)),
    row("roll", [1, 2, 3], wanted=[3, 1, 2], shift=1),
    row("rot90", X, wanted=[[2.0, 4.0], [1.0, 3.0]]),
    row("saturate_cast", [300.0, -5.0, 17.9], wanted=[255, 0, 17], dtype="uint8"),
    row("split", [1, 2, 3, 4], wanted=[[1, 2], [3, 4]], indices_or_sections=2),
    row("squeeze", [[[1], [2]]], wanted=[1, 2]),
    row("stack", ([1, 2], [3, 4]), wanted=[[1, 3], [2, 4]], axis=1),
    row("swapaxes", X, wanted=[[1.0, 3.0], [2.0, 4.0]], axis1=0, axis2=1),
    row("tile", [1, 2], wanted=[1, 2, 1, 2], repeats=2),
    row("transpose", X, wanted=[[1.0, 3.0], [2.0, 4.0]]),
    row("unstack", X, wanted=[[1.0, 3.0], [2.0, 4.0]], axis=1),
    row("vsplit", X, wanted=[[[1.0, 2.0]], [[3.0, 4.0]]], indices_or_sections=2),
    row("vstack", ([1, 2], [3, 4]), wanted=[[1, 2], [3, 4]]),
]
MAKING = [
    row("arange", wanted=[2, 5, 8], start=2, stop=9, step=3),
    row("bartlett", wanted=[0.0, 0.5, 1.0, 0.5, 0.0], x=5),
    row("blackman", wanted=[0.0, 0.34, 1.0, 0.34, 0.0], x=5),
    row("eye", wanted=[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], N=2, M=3, k=1),
    row("full", wanted=[7, 7], shape=(2,), fill_value=7, dtype="int32"),
    row("full_like", [1, 2], wanted=[7, 7], fill_value=7),
    row("geomspace", wanted=[1.0, 2.0, 4.0], start=1.0, stop=4.0, num=3),
    row("hamming", wanted=[0.08, 0.54, 1.0, 0.54, 0.08], x=5),
    row("hanning", wanted=[0.0, 0.5, 1.0, 0.5, 0.0], x=5),
    row("identity", wanted=[[1.0, 0.0], [0.0, 1.0]], n=2),
    row("kaiser", wanted=[1 / 1.2660658778, 1.0, 1 / 1.2660658778], x=3, beta=1.0),
    row("linspace", wanted=[0.0, 0.25, 0.5, 0.75], start=0.0, stop=1.0, num=4, endpoint=False),
    row("logspace", wanted=[1.0, 10.0, 100.0], start=0.0, stop=2.0, num=3),
    row("ones", wanted=[1.0, 1.0], shape=(2,)),
    row("ones_like", [5, 6], wanted=[1, 1]),
    row("tri", wanted=[[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]], N=2, M=3, k=1),
    row("vander", [2.0, 3.0], wanted=[[4.0, 2.0, 1.0], [9.0, 3.0, 1.0]], N=3),
    row("zeros", wanted=[0.0, 0.0], shape=(2,)),
    row("zeros_like", [5, 6], wanted=[0, 0]),
]
PLACES = [
    row("argsort", [3.0, 1.0, 2.0, 1.0], wanted=[1, 3, 2, 0]),
    row("bincount", [0, 2, 2], wanted=[1, 0, 2, 0], minlength=4),
    row("diag", [1, 2], wanted=[[0, 1, 0], [0, 0, 2], [0, 0, 0]], k=1),
    row("diagflat", X, wanted=np.diag([1.0, 2.0, 3.0, 4.0])),
    row("diagonal", X, wanted=[2.0], offset=1),
    row("digitize", [0.0, 1.0, 2.5], [1.0, 2.0], wanted=[0, 1, 2]),
    row("histogram", [0.0, 1.0, 2.0, 2.0], wanted=[[1, 3], [0.0, 1.0, 2.0]], bins=2),
    row("in_top_k", [1, 0], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], wanted=[True, False], k=2),
    row("multi_hot", [[2, 0, 2]], wanted=[[1.0, 0.0, 1.0, 0.0]], num_classes=4),
    row("nonzero", [[0.0, 5.0], [6.0, 0.0]], wanted=[[0, 1], [1, 0]]),
    row("one_hot", [2, 0, -1], wanted=[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], num_classes=3),
    row("scatter", [[1], [1]], [3.0, 4.0], wanted=[0.0, 7.0, 0.0], shape=(3,)),
    row("scatter_update", [1.0, 2.0, 3.0], [[2], [0]], [8.0, 9.0], wanted=[9.0, 2.0, 8.0]),
    row("searchsorted", [1.0, 2.0, 2.0], [2.0, 0.0, 9.0], wanted=[1, 0, 3]),
    row("segment_max", [1.0, 5.0, 2.0], [0, 0, 1], wanted=[5.0, 2.0]),
    row("segment_min", [1.0, 5.0, 2.0], [0, 0, 1], wanted=[1.0, 2.0]),
    row("segment_prod", [3.0, 5.0, 2.0], [0, 0, 2], wanted=[15.0, 1.0, 2.0]),
    row("segment_sum", [3.0, 5.0, 2.0], [0, 0, 2], wanted=[8.0, 0.0, 2.0]),
    row("slice", X, wanted=[[4.0]], start_indices=(1, 1), shape=(1, 1)),
    row("slice_update", X, [[9.0]], wanted=[[1.0, 2.0], [9.0, 4.0]], start_indices=(1, 0)),
    row("sort", [2.0, NAN, -1.0], wanted=[-1.0, 2.0, NAN]),
    row("take", [5.0, 6.0, 7.0], [2, -3], wanted=[7.0, 5.0], axis=0),
    row("take_along_axis", X, [[1], [0]], wanted=[[2.0], [3.0]], axis=1),
    row("top_k", [1.0, 3.0, NAN, 3.0], wanted=[[NAN, 3.0, 3.0], [2, 1, 3]], k=3),
    row("trace", X, wanted=5.0),
    row("tril", X, wanted=[[1.0, 0.0], [3.0, 4.0]]),
    row("triu", X, wanted=[[1.0, 2.0], [0.0, 4.0]]),
    row("unique", [3, 1, 3], wanted=[1, 3]),
    row("unravel_index", [5, 0], wanted=[[1, 0], [1, 0]], shape=(3, 4)),
]
LINEAR = [
    row("cdist", [[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]], wanted=[[5.0, 1.0]]),
    row("cholesky", [[4.0, 2.0], [2.0, 5.0]], wanted=[[2.0, 0.0], [1.0, 2.0]]),
    row("cholesky_inverse", [[2.0, 0.0], [0.0, 4.0]], wanted=[[0.25, 0.0], [0.0, 0.0625]]),
    row("corrcoef", [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], wanted=[[1.0, -1.0], [-1.0, 1.0]]),
    row("correlate", [1.0, 2.0, 3.0], [0.0, 1.0, 0.5], wanted=[3.5]),
    row("cross", [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], wanted=[0.0, 0.0, 1.0]),
    row("det", X, wanted=-2.0),
    row("dot", X, [1.0, 10.0], wanted=[21.0, 43.0]),
    row("einsum", X, X, wanted=[[7.0, 10.0], [15.0, 22.0]], subscripts="ij,jk->ik"),
    row("inner", [1.0, 2.0], [3.0, 4.0], wanted=11.0),
    row("inv", X, wanted=[[-2.0, 1.0], [1.5, -0.5]]),
    row("kron", [1.0, 2.0], [1.0, 10.0], wanted=[1.0, 10.0, 2.0, 20.0]),
    row("logdet", [[2.0, 0.0], [0.0, 3.0]], wanted=math.log(6.0)),
    row("lstsq", [[1.0], [1.0]], [[1.0], [3.0]], wanted=[[2.0]]),
    row("matmul", X, X, wanted=[[7.0, 10.0], [15.0, 22.0]]),
    row("matrix_rank", [[1.0, 2.0], [2.0, 4.0]], wanted=1),
    row("norm", [3.0, 4.0], wanted=5.0),
    row("norm", X, wanted=6.0, ord=1),
    row("normalize", [3.0, 4.0], wanted=[0.6, 0.8]),
    row("outer", [1.0, 2.0], [3.0, 4.0], wanted=[[3.0, 4.0], [6.0, 8.0]]),
    row("pinv", [[1.0], [1.0]], wanted=[[0.5, 0.5]]),
    row("slogdet", X, wanted=[-1.0, math.log(2.0)]),
    row("solve", X, [5.0, 11.0], wanted=[1.0, 2.0]),
    row("solve_triangular", [[2.0, 9.0], [1.0, 4.0]], [[2.0], [9.0]], wanted=[[1.0], [2.0]], lower=True),
    row("svd", [[3.0, 0.0], [0.0, -4.0]], wanted=[4.0, 3.0]),
    row("tensordot", X, X, wanted=30.0),
    row("vdot", X, X, wanted=30.0),
]
NETWORKS = [
    row("adaptive_average_pool", LINE, wanted=[[[1.5], [3.0]]], output_size=2),
    row("adaptive_max_pool", LINE, wanted=[[[2.0], [4.0]]], output_size=2),
    row("average_pool", LINE, wanted=[[[1.5], [4.0]]], pool_size=2, padding="same"),
    row("max_pool", LINE, wanted=[[[2.0], [4.0]]], pool_size=2, strides=1),
    row("batch_normalization", [[5.0]], [1.0], [4.0], [10.0], [3.0], wanted=[[16.0]], axis=-1, epsilon=0.0),
    row("binary_crossentropy", [1.0, 0.0], [0.25, 0.25], wanted=[math.log(4.0), math.log(4 / 3)]),
    row("categorical_crossentropy", [0.0, 1.0], [1.0, 3.0], wanted=math.log(4 / 3)),
    row("sparse_categorical_crossentropy", [0], [[1.0, 3.0]], wanted=[math.log(4.0)]),
    row("conv", LINE, [[[1.0]], [[10.0]]], wanted=[[[21.0], [42.0]]]),
    row("depthwise_conv", [[[1.0, 5.0]]], [[[2.0], [3.0]]], wanted=[[[2.0, 15.0]]]),
    row("separable_conv", [[[1.0, 5.0]]], [[[2.0], [3.0]]], [[[1.0], [10.0]]], wanted=[[[152.0]]]),
    row("conv_transpose", [[[1.0], [2.0]]], [[[1.0]], [[10.0]]], wanted=[[[1.0], [12.0], [20.0]]]),
    row("dot_product_attention", [[[[0.0]]]], [[[[5.0]], [[7.0]]]], [[[[2.0]], [[4.0]]]], wanted=[[[[3.0]]]]),
    row("layer_normalization", [[1.0, 5.0]], wanted=[[-1.0, 1.0]], epsilon=0.0),
    row("rms_normalization", [[1.0, 7.0]], wanted=[[0.2, 1.4]], epsilon=0.0),
]
AT = [[[[1.0], [2.0]], [[3.0], [4.0]]]]
EDGES = np.broadcast_to([[[0.0]], [[1.0]], [[2.0]]], (1, 3, 3, 1))
CHANGES = np.broadcast_to([[[[0.0, 0.0]]], [[[8.0, 0.0]]], [[[0.0, 0.0]]]], (1, 3, 3, 1, 2))
"""Down the middle 1, 2, 1 times the difference 2; at the mirrored ends none."""
IMAGES = [
    row("affine_transform", AT, [[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]], wanted=[[[[2.0], [0.0]], [[4.0], [0.0]]]]),
    row("crop_images", AT, wanted=[[[[4.0]]]], top_cropping=1, left_cropping=1, bottom_cropping=0, right_cropping=0),
    row(
        "pad_images",
        [[[[7.0]]]],
        wanted=[[[[0.0], [7.0]]]],
        top_padding=0,
        left_padding=1,
        target_height=1,
        target_width=2,
    ),
    row("depth_to_space", [[[[1.0, 2.0, 3.0, 4.0]]]], wanted=AT, block_size=2),
    row("space_to_depth", AT, wanted=[[[[1.0, 2.0, 3.0, 4.0]]]], block_size=2),
    row("extract_patches", AT, wanted=[[[[1.0, 2.0, 3.0, 4.0]]]], size=2),
    row("extract_patches_3d", [AT], wanted=[[[[[1.0, 2.0, 3.0, 4.0]]]]], size=(1, 2, 2)),
    row("unfold", [[[[1.0, 2.0, 4.0]]]], wanted=[[[1.0, 2.0], [2.0, 4.0]]], kernel_size=(1, 2)),
    row("fold", [[[1.0, 2.0], [2.0, 4.0]]], wanted=[[[[1.0, 4.0, 4.0]]]], output_size=(1, 3), kernel_size=(1, 2)),
    row("gaussian_blur", AT, wanted=AT, kernel_size=(1, 1)),
    row("hsv_to_rgb", [[[[1 / 3, 1.0, 0.5]]]], wanted=[[[[0.0, 0.5, 0.0]]]]),
    row("rgb_to_hsv", [[[[0.0, 0.5, 0.0]]]], wanted=[[[[1 / 3, 1.0, 0.5]]]]),
    row("rgb_to_grayscale", [[[[1.0, 1.0, 10.0]]]], wanted=[[[[0.2989 + 0.587 + 1.14]]]]),
    row("map_coordinates", X, [[0.5], [1.0]], wanted=[3.0]),
    row("psnr", [1.0], [0.0], wanted=20.0, max_val=10.0),
    row("resize", [[[[1.0], [3.0]]]], wanted=[[[[1.0], [1.5], [2.5], [3.0]]]], size=(1, 4)),
    row("sobel_edges", EDGES, wanted=CHANGES),
    row("ssim", np.full((1, 2, 2, 1), 1.0), np.full((1, 2, 2, 1), 0.0), wanted=[0.0001 / 1.0001], filter_size=1),
]
SIGNALS = [
    row("extract_sequences", [1, 2, 3, 4], wanted=[[1, 2], [3, 4]], sequence_length=2, sequence_stride=2),
    row("fft", ([1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]), wanted=[[2.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, -1.0]]),
    row("fft2", (X, np.zeros((2, 2))), wanted=[[[10.0, -2.0], [-4.0, 0.0]], np.zeros((2, 2))]),
    row("ifft2", ([[10.0, -2.0], [-4.0, 0.0]], np.zeros((2, 2))), wanted=[X, np.zeros((2, 2))]),
    row("rfft", [1.0, 0.0, 0.0, 1.0], wanted=[[2.0, 1.0, 0.0], [0.0, 1.0, 0.0]]),
    row("irfft", ([2.0, 1.0, 0.0], [0.0, 1.0, 0.0]), wanted=[1.0, 0.0, 0.0, 1.0]),
    row("polar", [2.0], [PI / 2], wanted=[[0.0, 2.0]]),
    row(
        "stft",
        [1.0, 0.0, 0.0, 1.0],
        wanted=[[[2.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]],
        sequence_length=4,
        sequence_stride=1,
        fft_length=4,
        window=None,
        center=False,
    ),
    row("view_as_complex", [[1.0, 2.0]], wanted=[[1.0, 2.0]]),
    row("view_as_real", [[1.0, 2.0]], wanted=[[1.0, 2.0]]),
]
QUADS = ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [2.0, 0.0], [1.0, 1.0], [2.0, 1.0]])
FREE = [
    row("argpartition", [3.0, 1.0, 2.0], wanted=[1, 2, 0], kth=1),
    row("lu_factor", [[0.0, 2.0], [4.0, 1.0]], wanted=[[[4.0, 1.0], [0.0, 2.0]], [1, 1]]),
    row("ctc_loss", [[1]], np.zeros((1, 1, 2)), [1], [1], wanted=[math.log(2.0)]),
    row("ctc_decode", [[[0.0, 3.0], [0.0, 2.0]]], [2], wanted=[[[[1, -1]]], [[-5.0]]]),
    row(
        "istft",
        ([[2.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]),
        wanted=[1.0, 0.0, 0.0, 1.0],
        sequence_length=4,
        sequence_stride=1,
        fft_length=4,
        window=None,
        center=False,
    ),
    row("perspective_transform", AT, [QUADS[1]], [QUADS[0]], wanted=[[[[2.0], [0.0]], [[4.0], [0.0]]]]),
    row(
        "scale_and_translate",
        [1.0, 3.0],
        [2.0],
        [0.0],
        wanted=[1.0, 1.5, 2.5, 3.0],
        output_shape=(4,),
        spatial_dims=(0,),
        method="linear",
    ),
    row("array", [1.7], wanted=[1], dtype="int32"),
    row("view", [1.0], wanted=[1065353216], dtype="int32"),
]
ROWS = [
    row_
    for rows in (
        *(ELEMENTWISE, ACTIVATIONS, PAIRS, REDUCTIONS, SHAPES),
        *(MAKING, PLACES, LINEAR, NETWORKS, IMAGES, SIGNALS, FREE),
    )
    for row_ in rows
]
BY_PRODUCTS = {"qr", "eigh", "eig"}
"""Signs are free: what their parts make together is below."""


@pytest.mark.parametrize(
    ("name", "arrays", "config", "wanted"), ROWS, ids=[f"{row_[0]}-{place}" for place, row_ in enumerate(ROWS)]
)
def test_numbers(name: str, arrays: tuple[Any, ...], config: dict[str, Any], wanted: Any) -> None:
    found = run(name, *arrays, **config)
    if isinstance(found, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
        return
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    assert np.shape(found) == np.shape(wanted)


def test_no_operation_is_without_numbers() -> None:
    assert set(table()) - {row_[0] for row_ in ROWS} - BY_PRODUCTS == set()


def test_by_hand_a_triangle_and_orthogonal_columns() -> None:
    """The columns (3, 4) and (4, -3) are orthogonal and of length 5."""
    q, r = run("qr", np.array([[3.0, 4.0], [4.0, -3.0]]))
    np.testing.assert_allclose(np.abs(q), [[0.6, 0.8], [0.8, 0.6]])
    np.testing.assert_allclose(np.abs(r), [[5.0, 0.0], [0.0, 5.0]], atol=1e-15)


def test_by_hand_eigenvalues() -> None:
    """(2, 1; 1, 2) has 1 with (1, -1) and 3 with (1, 1)."""
    np.testing.assert_allclose(np.sort(run("eig", np.array([[2.0, 1.0], [1.0, 2.0]]))[0]), [1.0, 3.0])
    values, vectors = run("eigh", np.array([[2.0, 1.0], [1.0, 2.0]]))
    np.testing.assert_allclose(values, [1.0, 3.0])
    np.testing.assert_allclose(np.abs(vectors), np.full((2, 2), 1.0 / ROOT))
