"""What is known to be got wrong in one operation: ties, rounding, ends, formulas that are right on paper alone.

Each is a function with the arguments of the right one. The naive formulas lose what they are asked for where numbers
are small or large: `1 - erf(x)` far out, `log(1 + x)` near 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from conformance.mutants.operation import Mistake, around
from conformance.reference.operations.base import Entry, Function, is_float, table

Made = Callable[[Entry], Function]


def _after(change: Callable[[Any, Mapping[str, Any]], Any]) -> Made:
    return lambda entry: around(entry, after=change)


def _before(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Made:
    return lambda entry: around(entry, before=change)


def _instead(function: Callable[[Mapping[str, Any]], Any]) -> Made:
    """Another formula over the arguments by name; the right one is asked first, so that it refuses what it refuses."""
    return _after(lambda found, given: np.asarray(function(given), dtype=np.asarray(found).dtype))


def _single(formula: Callable[[Any], Any]) -> Made:
    """A formula of x as float32 gives it."""
    return _instead(lambda given: np.asarray(formula(np.asarray(given["x"], dtype=np.float32)), dtype=float))


def _last_of_ties(name: str) -> Made:
    """The place of the last of equal numbers: that of the first from the other end."""

    def change(found: Any, given: Mapping[str, Any]) -> Any:
        axis, x = given["axis"], given["x"]
        axis_of, length = (0, np.size(x)) if axis is None else (axis, np.shape(x)[axis])
        flat = np.reshape(x, (-1,)) if axis is None else x
        other = table()[name].function(np.flip(flat, axis_of), axis_of, given["keepdims"] and axis is not None)
        moved = np.asarray(length - 1 - other, dtype=np.int32)
        return np.reshape(np.where(found < 0, found, moved), np.shape(found))

    return _after(change)


def _places_of_ties_turned(found: Any, given: Mapping[str, Any]) -> Any:
    x, axis = given["x"], given["axis"]
    flat, place = (np.reshape(x, (-1,)), 0) if axis is None else (x, axis)
    order = np.argsort(np.flip(flat, place), axis=place, kind="stable")
    return (np.shape(flat)[place] - 1 - order).astype(np.int32)


def _halves_up(given: Mapping[str, Any]) -> Any:
    scale = 10.0 ** given["decimals"]
    return np.floor(given["x"] * scale + 0.5) / scale


def _halves_away(given: Mapping[str, Any]) -> Any:
    scale, x = 10.0 ** given["decimals"], given["x"]
    return np.sign(x) * np.floor(np.abs(x) * scale + 0.5) / scale


def _with_one_less(power: float) -> Made:
    """The sum of squares over n - 1 in the place of n."""

    def change(found: Any, given: Mapping[str, Any]) -> Any:
        x = given["x"]
        axis = given["axis"] if "axis" in given else given.get("axes")
        alive = ~np.isnan(x) if is_float(x) else np.ones(np.shape(x), dtype=bool)
        held = np.sum(alive, axis=axis, keepdims=given["keepdims"])
        return found * (held / np.maximum(held - 1, 1e-30)) ** power

    return _after(change)


def _wraps(found: Any, given: Mapping[str, Any]) -> Any:
    dtype = given["dtype"]
    return found if dtype.startswith("float") else np.asarray(given["x"]).astype(np.int64).astype(dtype)


def _rounds(found: Any, given: Mapping[str, Any]) -> Any:
    is_whole = given["dtype"].startswith(("int", "uint"))
    return np.round(np.asarray(given["x"], dtype=float)).astype(given["dtype"]) if is_whole else found


def _flat_softmax(found: Any, given: Mapping[str, Any]) -> Any:
    wide = np.exp(np.asarray(given["x"], dtype=np.float32))
    return wide / np.sum(wide, axis=given["axis"], keepdims=True)


def _naive_logsumexp(found: Any, given: Mapping[str, Any]) -> Any:
    with np.errstate(all="ignore"):
        wide = np.exp(np.asarray(given["x"], dtype=np.float32))
        return np.log(np.sum(wide, axis=given["axis"], keepdims=given["keepdims"])).astype(float)


def _corner(found: Any, given: Mapping[str, Any]) -> Any:
    """Nearest pixels by corners instead of middles."""
    if given["interpolation"] != "nearest":
        return found
    images = given["images"]
    rows, columns = (
        np.arange(wanted) * length // wanted
        for length, wanted in zip(np.shape(images)[-3:-1], given["size"], strict=True)
    )
    return images[..., rows, :, :][..., columns, :]


TIES = "takes the last one of ties"
TRAPS: Mapping[str, tuple[tuple[str, str, Made], ...]] = {
    **{name: (("last_of_ties", TIES, _last_of_ties(name)),) for name in ("argmax", "argmin", "nanargmax", "nanargmin")},
    "argsort": (("last_of_ties", "gives the last one of ties first", _after(_places_of_ties_turned)),),
    "round": (
        ("halves_up", "rounds halves up", _instead(_halves_up)),
        ("halves_away", "rounds halves away from 0", _instead(_halves_away)),
    ),
    "var": (("unbiased", "divides by n - 1", _with_one_less(1.0)),),
    "std": (("unbiased", "divides by n - 1", _with_one_less(0.5)),),
    "nanvar": (("unbiased", "divides by n - 1", _with_one_less(1.0)),),
    "nanstd": (("unbiased", "divides by n - 1", _with_one_less(0.5)),),
    "saturate_cast": (("wraps", "lets numbers go round", _after(_wraps)),),
    "cast": (("rounds", "rounds where the fraction is cut", _after(_rounds)),),
    "softmax": (("overflows", "takes e^x of large numbers", _after(_flat_softmax)),),
    "logsumexp": (("overflows", "takes e^x of large numbers", _after(_naive_logsumexp)),),
    "log1p": (("naive", "takes log(1 + x)", _single(lambda x: np.log(np.float32(1.0) + x))),),
    "expm1": (("naive", "takes e^x - 1", _single(lambda x: np.exp(x) - np.float32(1.0))),),
    "erfc": (("naive", "takes 1 - erf(x)", _single(lambda x: np.float32(1.0) - _erf(x))),),
    "log_sigmoid": (("naive", "takes the logarithm of sigmoid", _single(lambda x: np.log(1 / (1 + np.exp(-x))))),),
    "softplus": (("naive", "takes log(1 + e^x)", _single(lambda x: np.log(1 + np.exp(x)))),),
    "hypot": (("naive", "squares large numbers", _instead(lambda given: _naive_hypot(given))),),
    "logaddexp": (("naive", "takes e^x of large numbers", _instead(lambda given: _naive_logaddexp(given))),),
    "sinc": (("without_pi", "takes sin(x) / x", _before(lambda given: {**given, "x": given["x"] / math.pi})),),
    "resize": (("corners", "takes the nearest pixel by corners", _after(_corner)),),
    "isclose": (("symmetric", "takes the larger of both for the tolerance", _after(lambda f, g: _symmetric(f, g))),),
    "nan_to_num": (("zeros", "takes 0 for infinities", _after(lambda f, g: np.where(np.isinf(g["x"]), 0, f))),),
    "sign": (("zero_is_one", "gives 1 for 0", _after(lambda f, g: np.where(f == 0, f + 1, f))),),
    "signbit": (("of_numbers", "takes -0.0 for positive", _after(lambda f, g: np.asarray(g["x"] < 0))),),
    "cbrt": (("of_positive", "gives NaN below 0", _after(lambda f, g: np.where(g["x"] < 0, math.nan, f))),),
    "gcd": (("signed", "keeps the sign of the first", _after(lambda f, g: np.where(g["x1"] < 0, -f, f))),),
    "one_hot": (("wraps", "counts ids below 0 from the end", _before(lambda g: {**g, "x": _from_the_end(g)})),),
    "divide_no_nan": (("gives_nan", "divides by 0", _after(lambda f, g: np.asarray(g["x1"]) / np.asarray(g["x2"]))),),
}  # fmt: skip
"""Operation to the traps in it: a name, what somebody does, and how the wrong function is made."""


def _erf(x: Any) -> Any:
    return np.float32(np.vectorize(math.erf, otypes=[float])(x))


def _naive_hypot(given: Mapping[str, Any]) -> Any:
    x, y = np.float32(given["x1"]), np.float32(given["x2"])
    return np.sqrt(x * x + y * y)


def _naive_logaddexp(given: Mapping[str, Any]) -> Any:
    return np.log(np.exp(np.float32(given["x1"])) + np.exp(np.float32(given["x2"])))


def _symmetric(found: Any, given: Mapping[str, Any]) -> Any:
    x, y = np.asarray(given["x1"], dtype=float), np.asarray(given["x2"], dtype=float)
    most = np.maximum(np.abs(x), np.abs(y))
    return np.where(np.isfinite(x) & np.isfinite(y), np.abs(x - y) <= given["atol"] + given["rtol"] * most, found)


def _from_the_end(given: Mapping[str, Any]) -> Any:
    ids = given["x"]
    return np.where(ids < 0, ids + given["num_classes"], ids)


def traps_of(entry: Entry) -> Iterator[Mistake]:
    """What is known to be got wrong in this operation."""
    for name, mistake, made in TRAPS.get(entry.name, ()):
        yield Mistake(entry, name, "trap", mistake, made(entry))
