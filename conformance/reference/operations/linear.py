"""Products of vectors and matrices, and linear algebra. Decompositions are asked by what they make together.

Where an elimination meets NaN or an infinity, how far it spreads depends on the order of the steps, which is nobody's
promise: only determinants, which are a sum over all numbers, are asked about NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy
from autograd.extend import defvjp, primitive

from .base import Array, Axis, ask, asked, floats, given, integers, like, plain

LINEAR: Mapping[str, Any] = {"arithmetic": "linear"}
PRODUCTS = (
    ask("matrices", floats(2, 3), floats(3, 4)),
    ask("vectors", floats(3), floats(3)),
    ask("matrix_vector", floats(2, 3), floats(3)),
    ask("integers", integers(-9, 9, 2, 3), integers(-9, 9, 3, 4)),
    ask("empty", floats(2, 0), floats(0, 4)),
    ask("specials", given([[1.0, math.inf], [math.nan, 0.0]]), floats(2, 2)),
)
SPD = given([[4.0, 1.0, 0.5], [1.0, 3.0, -0.25], [0.5, -0.25, 2.0]])
"""Symmetric, positive definite."""
SPDS = given([[[4.0, 1.0], [1.0, 3.0]], [[2.0, -0.5], [-0.5, 1.0]]])
TWICE = "autograd has none of a letter that stands twice"
SQUARE = given([[2.0, -1.0, 0.5], [0.25, 3.0, 1.0], [-1.0, 0.5, 2.5]])
SQUARES = given([[[2.0, -1.0], [0.25, 3.0]], [[1.0, 0.5], [-2.0, 1.5]]])


@asked(
    *PRODUCTS,
    ask("stacks", floats(2, 3, 4), floats(2, 4, 5)),
    ask("broadcast", floats(2, 1, 3, 4), floats(3, 4, 5)),
    ask("vector_stack", floats(4), floats(2, 4, 5)),
    **LINEAR,
)
def matmul(x1: Array, x2: Array) -> Array:
    """The matrix product over the last two axes; others broadcast."""
    return like(np.matmul(x1, x2), x1)


@asked(*PRODUCTS, ask("stacks", floats(2, 3, 4), floats(5, 4, 2)), ask("number", floats(2, 3), given(2.0)), **LINEAR)
def dot(x1: Array, x2: Array) -> Array:
    """The sum over the last axis of x1 and the last but one of x2."""
    return like(np.dot(x1, x2), x1)


@asked(
    ask("vectors", floats(3), floats(3)),
    ask("matrices", floats(2, 3), floats(4, 3)),
    ask("integers", integers(-9, 9, 2, 3), integers(-9, 9, 4, 3)),
    **LINEAR,
)
def inner(x1: Array, x2: Array) -> Array:
    """The sum over the last axis of both."""
    return like(np.tensordot(x1, x2, axes=([-1], [-1])), x1)


@asked(
    ask("vectors", floats(3), floats(4)),
    ask("matrices", floats(2, 2), floats(3)),
    ask("integers", integers(-9, 9, 2), integers(-9, 9, 3)),
)
def outer(x1: Array, x2: Array) -> Array:
    """All products of two rows."""
    return np.reshape(x1, (-1, 1)) * np.reshape(x2, (1, -1))


@asked(ask("vectors", floats(3), floats(3)), ask("matrices", floats(2, 3), floats(2, 3)), **LINEAR)
def vdot(x1: Array, x2: Array) -> Array:
    """The sum of all products of two arrays in a row."""
    return np.dot(np.reshape(x1, (-1,)), np.reshape(x2, (-1,)))


@asked(
    ask("two", floats(2, 3, 4), floats(3, 4, 5)),
    ask("one", floats(2, 3), floats(3, 4), axes=1),
    ask("none", floats(2), floats(3), axes=0),
    ask("named", floats(2, 3, 4), floats(4, 2, 5), axes=[[0, 2], [1, 0]]),
    ask("from_the_end", floats(2, 2, 3), floats(4, 2, 3), axes=[[-1], [-1]]),
    **LINEAR,
)
def tensordot(x1: Array, x2: Array, axes: int | tuple[tuple[int, ...], tuple[int, ...]] = 2) -> Array:
    """The sum over so many axes at the end of x1 and the start of x2, or over these."""
    return np.tensordot(x1, x2, axes=axes)


@asked(
    ask("matrices", floats(2, 3), floats(3, 2)),
    ask("vectors", floats(2), floats(3)),
    ask("ranks", floats(2, 3), floats(2)),
)
def kron(x1: Array, x2: Array) -> Array:
    """Each number of x1 times the whole of x2, side by side."""
    rank = max(np.ndim(x1), np.ndim(x2))
    first = np.reshape(x1, (1,) * (rank - np.ndim(x1)) + np.shape(x1))
    second = np.reshape(x2, (1,) * (rank - np.ndim(x2)) + np.shape(x2))
    shape = tuple(a * b for a, b in zip(np.shape(first), np.shape(second), strict=True))
    apart = [length for a in np.shape(first) for length in (a, 1)]
    beside = [length for b in np.shape(second) for length in (1, b)]
    return np.reshape(np.reshape(first, apart) * np.reshape(second, beside), shape)


@asked(
    ask("usual", floats(4, 3), floats(4, 3)),
    ask("plane", floats(4, 2), floats(4, 2)),
    ask("axis", floats(2, 3, 4), floats(2, 3, 4), axis=-2),
    ask("axes", floats(3, 4), floats(3, 4), axisa=0, axisb=0, axisc=0),
    ask("mixed", floats(2), floats(3)),
    ask("mixed_back", floats(3), floats(2)),
    ask("integers", integers(-9, 9, 4, 3), integers(-9, 9, 4, 3)),
    ask("mixed_integers", integers(-9, 9, 2), integers(-9, 9, 3)),
)
def cross(x1: Array, x2: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """The vector product; of vectors in a plane its last part."""
    first, second = (
        np.moveaxis(x1, axisa if axis is None else axis, -1),
        np.moveaxis(x2, axisb if axis is None else axis, -1),
    )
    flat = np.shape(first)[-1] == 2 and np.shape(second)[-1] == 2
    a, b = ([x[..., 0], x[..., 1], _third(x)] for x in (first, second))
    parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return parts[2] if flat else np.moveaxis(np.stack(parts, axis=-1), -1, axisc if axis is None else axis)


def _third(x: Array) -> Array:
    """The third part of vectors: 0 of those in a plane."""
    return x[..., 2] if np.shape(x)[-1] == 3 else numpy.zeros(np.shape(x)[:-1], dtype=x.dtype)


@asked(
    ask("matrices", floats(2, 3), floats(3, 4), subscripts="ij,jk->ik"),
    ask("batch", floats(2, 3, 4), floats(2, 4, 5), subscripts="bij,bjk->bik"),
    ask("one", floats(3, 3), subscripts="ii->", no_gradients=TWICE),
    ask("diagonal", floats(3, 3), subscripts="ii->i", no_gradients=TWICE),
    ask("dots", floats(2, 3, 4), floats(4, 5), subscripts="...j,jk->...k"),
    ask("implied", floats(2, 3), floats(3, 4), subscripts="ij,jk"),
    ask("turned", floats(2, 3, 4), subscripts="abc->cab"),
    **LINEAR,
)
def einsum(*operands: Array, subscripts: str) -> Array:
    """Sums of products by letters (Einstein's convention)."""
    return np.einsum(subscripts, *operands)


MATRICES = (ask("usual", SQUARE), ask("stack", SQUARES), ask("one", given([[2.5]])))


@asked(
    *MATRICES,
    ask("singular", given([[1.0, 2.0], [2.0, 4.0]]), no_gradients="autograd divides by the determinant"),
    takes_infinities=False,
)
def det(x: Array) -> Array:
    """The determinant."""
    return np.linalg.det(x)


@asked(*MATRICES, takes_specials=False)
def inv(x: Array) -> Array:
    """The inverse."""
    return np.linalg.inv(x)


@asked(*MATRICES, ask("negative", given([[-2.0, 0.0], [0.0, 1.0]])), takes_specials=False)
def slogdet(x: Array) -> Array:
    """The sign and the logarithm of the size of the determinant: a pair."""
    return [numpy.asarray(numpy.linalg.slogdet(plain(x))[0]), np.linalg.slogdet(x)[1]]


@asked(ask("usual", SPD), ask("stack", SPDS), takes_infinities=False)
def logdet(x: Array) -> Array:
    """The logarithm of the determinant of a positive definite matrix."""
    return np.linalg.slogdet(x)[1]


@asked(
    ask("usual", SPD),
    ask("stack", SPDS),
    ask("upper", SPD, upper=True),
    ask("one", given([[4.0]])),
    no_gradients="autograd's is that of a symmetric change",
    takes_specials=False,
)
def cholesky(x: Array, upper: bool = False) -> Array:
    """The lower triangle L with L L' = x; `upper`: its transpose."""
    found = numpy.linalg.cholesky(plain(x))
    return np.swapaxes(found, -1, -2) if upper else found


@asked(
    ask("lower", given([[2.0, 0.0], [0.5, 1.5]])),
    ask("upper", given([[2.0, 0.5], [0.0, 1.5]]), upper=True),
    no_gradients="of a triangle alone",
    takes_specials=False,
)
def cholesky_inverse(x: Array, upper: bool = False) -> Array:
    """The inverse of L L' (`upper`: of U' U) for a Cholesky factor."""
    held = plain(x)
    return numpy.linalg.inv(np.swapaxes(held, -1, -2) @ held if upper else held @ np.swapaxes(held, -1, -2))


@asked(
    ask("matrix", SQUARE, floats(3, 2)),
    ask("vector", SQUARE, floats(3)),
    ask("stack", SQUARES, floats(2, 2, 3)),
    takes_specials=False,
)
def solve(a: Array, b: Array) -> Array:
    """x with a x = b."""
    return np.linalg.solve(a, b[..., None])[..., 0] if np.ndim(b) == np.ndim(a) - 1 else np.linalg.solve(a, b)


@asked(
    ask("upper", given([[2.0, 0.5], [0.0, 1.5]]), floats(2, 2)),
    ask("lower", given([[2.0, 0.0], [0.5, 1.5]]), floats(2, 2), lower=True),
    ask("other_half", given([[2.0, 7.0], [0.5, 1.5]]), floats(2, 2), lower=True),
    takes_specials=False,
)
def solve_triangular(a: Array, b: Array, lower: bool = False) -> Array:
    """x with a x = b for a triangle; the other half of a is not looked at."""
    half = numpy.tri(np.shape(a)[-1], dtype=float)
    return np.linalg.solve(a * (half if lower else half.T), b)


@asked(
    ask("usual", floats(4, 2), floats(4, 3)),
    ask("vector", floats(4, 2), floats(4)),
    ask("square", SQUARE, floats(3, 2)),
    ask("wide", floats(2, 4), floats(2, 3)),
    ask(
        "rcond", given([[1.0, 0.0, 0.0], [0.0, 0.15, 0.0], [0.0, 0.0, 0.05], [0.0, 0.0, 0.0]]), floats(4, 2), rcond=0.1
    ),
    no_gradients="autograd has no way back through it",
    takes_specials=False,
    takes_integers=False,
    takes_none=False,
)
def lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """The x that makes |a x - b| smallest; of several the shortest."""
    return numpy.linalg.lstsq(plain(a), plain(b), rcond)[0]


@asked(
    ask("tall", floats(4, 2)),
    ask("wide", floats(2, 4)),
    ask("stack", floats(2, 3, 2)),
    ask("rcond", given([[1.0, 0.0, 0.0], [0.0, 0.15, 0.0], [0.0, 0.0, 0.05]]), rcond=0.1),
    no_gradients="autograd's is of another formula",
    takes_specials=False,
    takes_integers=False,
)
def pinv(x: Array, rcond: float | None = None) -> Array:
    """The pseudo-inverse (Penrose 1955)."""
    held = plain(x)
    return numpy.linalg.pinv(held) if rcond is None else numpy.linalg.pinv(held, rcond)


@asked(
    ask("full", SQUARE), ask("deficient", given([[1.0, 2.0], [2.0, 4.0]])), ask("zero", given([[0.0, 0.0]])),
    ask("tol", given([[1.0, 0.0, 0.0], [0.0, 0.15, 0.0], [0.0, 0.0, 0.01]]), tol=0.1),
    ask("stack", SQUARES), is_traced=False,
    takes_specials=False,
)  # fmt: skip
def matrix_rank(x: Array, tol: float | None = None) -> Array:
    """How many singular values are not next to 0, as int32."""
    held = plain(x)
    values = numpy.linalg.svd(held, compute_uv=False)
    unit = float(numpy.finfo(numpy.float32).eps)
    least = values.max(axis=-1, keepdims=True) * max(numpy.shape(held)[-2:]) * unit if tol is None else tol
    return numpy.sum(values > least, axis=-1).astype(numpy.int32)


NORMS = (
    ask("all", floats(3, 4)),
    ask("vector", floats(5)),
    ask("along", floats(2, 3, 4), axis=-1),
    ask("keepdims", floats(3, 4), axis=0, keepdims=True),
    *(ask(f"order_{name}", floats(3, 4), ord=order, axis=1) for name, order in (("1", 1), ("2", 2), ("3", 3))),
    ask("order_0", given([[0.0, 2.0, 0.0], [1.0, -1.0, 0.5]]), ord=0, axis=1),
    ask("frobenius", floats(3, 4), ord="fro"),
    ask("nuclear", floats(3, 4), ord="nuc"),
    ask("matrix_1", floats(3, 4), ord=1),
    ask("matrix_2", floats(3, 4), ord=2),
    ask("two_axes", floats(2, 3, 4), axis=[1, 2]),
    ask("integers", integers(-9, 9, 3, 4)),
)


@asked(*NORMS, no_gradients="each order has its own kinks")
def norm(x: Array, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """The length of a vector, or a norm of a matrix, by its order (documentation of numpy.linalg.norm)."""
    return numpy.asarray(numpy.linalg.norm(numpy.asarray(plain(x), dtype=float), ord, axis, keepdims))


@asked(
    ask("usual", floats(2, 3, 4)), ask("epsilon", given([[0.3, 0.4], [3.0, 4.0], [0.9, 1.2]]), epsilon=1.0),
    ask("first", floats(3, 4), axis=0), ask("order_1", floats(3, 4), order=1),
    ask("order_3", floats(3, 4), order=3), ask("zero", given([[0.0, 0.0], [3.0, 4.0]])),
    no_gradients="at 0 it has none",
    takes_integers=False,
)  # fmt: skip
def normalize(x: Array, axis: int = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """x over its norm along an axis, which counts as 1e-7 at least."""
    size = np.sum(np.abs(x) ** order, axis=axis, keepdims=True) ** (1.0 / order)
    return x / np.maximum(size, 1e-7 if epsilon is None else epsilon)


# decompositions, of which only what does not depend on signs and order is said


@asked(
    *(
        ask(name, held, compute_uv=False)
        for name, held in (
            ("tall", floats(4, 3)),
            ("square", SQUARE),
            ("wide", floats(2, 4)),
            ("stack", floats(2, 3, 2)),
        )
    ),
    no_gradients="autograd has no way back through it",
    takes_specials=False,
    takes_integers=False,
)
def svd(x: Array, full_matrices: bool = True, compute_uv: bool = False) -> Array:
    """The singular values, from the largest on. Asked with `compute_uv: false`: the vectors have no one sign."""
    return numpy.linalg.svd(plain(x), compute_uv=False)


# statistics over rows


@asked(
    ask("usual", floats(3, 6)),
    ask("row", floats(5)),
    ask("two", floats(2, 6)),
    no_gradients="autograd has none by the diagonal",
)
def corrcoef(x: Array) -> Array:
    """Pearson's correlation of each two rows."""
    held = numpy.atleast_2d(plain(x))
    away = held - held.mean(axis=1, keepdims=True)
    size = numpy.sqrt(numpy.sum(away**2, axis=1))
    found = (away @ away.T) / numpy.outer(size, size)
    return found if np.ndim(x) > 1 else found[0, 0]


@asked(
    ask("valid", floats(6), floats(3)),
    ask("same", floats(6), floats(3), mode="same"),
    ask("full", floats(6), floats(3), mode="full"),
    ask("even", floats(6), floats(2), mode="same"),
    **LINEAR,
    no_gradients="autograd has no way back through it",
    takes_integers=False,
)
def correlate(x1: Array, x2: Array, mode: Literal["valid", "same", "full"] = "valid") -> Array:
    """Sums of products with x2 at each place of x1."""
    return numpy.correlate(plain(x1), plain(x2), mode)


@asked(
    ask("usual", floats(3, 4), floats(5, 4)),
    ask("stack", floats(2, 3, 4), floats(2, 5, 4)),
    ask(
        "same",
        given([[1.0, 2.0], [3.0, 4.0]]),
        given([[1.0, 2.0], [0.0, 0.0]]),
        no_gradients="a distance of 0 has a kink",
    ),
    takes_integers=False,
)
def cdist(x: Array, y: Array) -> Array:
    """The distance of each row of x from each row of y."""
    away = x[..., :, None, :] - y[..., None, :, :]
    return _root(np.sum(away**2, axis=-1))


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def _root(x: Any) -> Any:
    return numpy.sqrt(x)


defvjp(_root, lambda ans, x: lambda g: np.where(ans == 0, 0.0, g / (2.0 * np.where(ans == 0, 1.0, ans))))


@asked(
    ask("tall", floats(4, 3), graph={"_made": "CALL", "product": "_made[0] @ _made[1]"}),
    ask("square", SQUARE, graph={"_made": "CALL", "product": "_made[0] @ _made[1]"}),
    ask("orthogonal", floats(4, 3), graph={"_made": "CALL", "product": "transpose(_made[0]) @ _made[0]"}),
    ask(
        "complete", floats(4, 3), graph={"_made": "CALL", "product": "transpose(_made[0]) @ _made[0]"}, mode="complete"
    ),
    no_gradients="autograd has no way back through it",
    takes_specials=False,
)
def qr(x: Array, mode: Literal["reduced", "complete"] = "reduced") -> Array:
    """Orthogonal columns q and a triangle r with q r = x, a pair; asked by their products, for signs are free."""
    return list(numpy.linalg.qr(plain(x), mode))


@asked(
    ask("values", SPD, graph={"_made": "CALL", "values": "_made[0]"}),
    ask("orthogonal", SPD, graph={"_made": "CALL", "product": "transpose(_made[1]) @ _made[1]"}),
    ask("product", SPD, graph={"_made": "CALL", "product": "(_made[1] * _made[0]) @ transpose(_made[1])"}),
    no_gradients="autograd has no way back through it",
    takes_specials=False,
)
def eigh(x: Array) -> Array:
    """Eigenvalues of a symmetric matrix from the least on, and vectors as columns: a pair. Signs are free."""
    return list(numpy.linalg.eigh(plain(x)))


@asked(
    ask("usual", SQUARE),
    ask("turned", given([[0.0, 2.0, 1.0], [4.0, 1.0, -1.0], [-2.0, 3.0, 0.5]])),
    ask("stack", SQUARES),
    no_gradients="autograd has no way back through it",
    takes_specials=False,
)
def lu_factor(x: Array) -> Array:
    """Triangles L and U in one matrix, L without its ones, and for each row the one it changed with: a pair.

    P L U = x, each pivot the largest of its column (Golub and Van Loan 2013, algorithm 3.4.1).
    """
    held = numpy.array(plain(x), dtype=float)
    size = held.shape[-1]
    pivots = numpy.zeros(held.shape[:-1], dtype=numpy.int32)
    for matrix, rows in zip(held.reshape(-1, size, size), pivots.reshape(-1, size), strict=True):
        for step in range(size):
            largest = step + int(numpy.argmax(numpy.abs(matrix[step:, step])))
            rows[step] = largest
            matrix[[step, largest]] = matrix[[largest, step]]
            matrix[step + 1 :, step] /= matrix[step, step]
            matrix[step + 1 :, step + 1 :] -= numpy.outer(matrix[step + 1 :, step], matrix[step, step + 1 :])
    return [held, pivots]


TRIANGLE = given([[2.0, 1.0, 0.5], [0.0, -1.0, 3.0], [0.0, 0.0, 5.0]])


VECTORS = {
    "_made": "CALL",
    "_values": "ops.real(_made[0])",
    "_vectors": "ops.real(_made[1])",
    "left": "x @ _vectors - _vectors * _values",
}


@asked(
    ask("values", TRIANGLE, graph={"_made": "CALL", "_real": "ops.real(_made[0])", "values": "ops.sort(_real)"}),
    ask("none_imaginary", TRIANGLE, graph={"_made": "CALL", "result": "ops.imag(_made[0])"}),
    ask("vectors", TRIANGLE, graph=VECTORS),
    no_gradients="autograd has no way back through it",
    takes_integers=False,
    takes_specials=False,
)
def eig(x: Array) -> Array:
    """Eigenvalues, complex and in any order, and vectors as columns: a pair. Asked for real ones, sorted."""
    return list(numpy.linalg.eig(plain(x)))
