"""Numbers as categories: which bin a number falls into, and rows of zeros and ones for categories.

Rules: documentation of `keras.layers.CategoryEncoding` and `keras.layers.Discretization`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .base import Array, Layer, LayerError, Mutant, Shape, Unanswerable, Weight, Weights, arg
from .traits import Axes, Drawn, asked, called

Encoding = Literal["one_hot", "multi_hot", "count"]


def encoded(ids: Array, size: int, mode: Encoding, weights: Array | None = None, axis: int = -2) -> Array:
    """Categories 0 .. size - 1 as rows of `size` numbers.

    `one_hot`: ids (..., n) become (..., n, size), and (..., 1) becomes (..., size). `multi_hot`: (..., n) becomes
    (..., size), 1 for each category among the n. `count`: how often it is there, or the sum of the `weights` there.
    The n lie on the last axis of ids, which is the `axis` of the rows that those two look along.
    """
    rows = (getval(ids)[..., None] == numpy.arange(size)).astype(float)
    if mode == "one_hot":
        return rows[..., 0, :] if ids.ndim > 1 and ids.shape[-1] == 1 else rows
    if mode == "multi_hot":
        return np.max(rows, axis=axis)
    return np.sum(rows if weights is None else rows * weights[..., None], axis=axis)


class _OfCategories(Layer):
    """A layer that gives categories as rows of numbers."""

    def axis_of_a_sample(self, rank: int) -> int:
        """Which axis of the rows, of categories with this many axes, `multi_hot` and `count` look along."""
        return -2


COUNTS_ALONG_THE_SECOND_AXIS = Mutant(
    "counts_along_the_second_axis",
    "looks along axis 1 for the categories of one row, whatever the rank",
    methods={"axis_of_a_sample": lambda layer, rank: 1 if rank > 1 else -2},
)
_MULTI_FOR_COUNT = Mutant(
    "multi_for_count",
    "says whether a category is there, where it should be counted",
    config=lambda layer: {"output_mode": "multi_hot"} if layer.output_mode == "count" else {},
)
_COUNT_FOR_MULTI = Mutant(
    "count_for_multi",
    "counts where 1 would do",
    config=lambda layer: {"output_mode": "count"} if layer.output_mode == "multi_hot" else {},
)


def _column_kept(layer: Any, y: Array, args: list[Any]) -> Array:
    x = args[0]
    return y[..., None, :] if layer.output_mode == "one_hot" and x.ndim > 1 and x.shape[-1] == 1 else y


_KEEPS_THE_COLUMN = Mutant(
    "keeps_the_column", "gives each of a column of categories an axis of its own", output=_column_kept
)


class CategoryEncoding(_OfCategories):
    """Categories as zeros and ones, or as how often each is there.

    x: (batch,) or (batch, n) of integers from 0 to num_tokens - 1. Returns, as floats, (batch, n, num_tokens) for
    `one_hot`, without the n where it is 1 or not there, and (batch, num_tokens) for the others. A category outside of
    that range is an error.
    """

    arithmetic = "rounds"
    native = called("F.one_hot", reason="F.one_hot gives integers, and one row for each category")
    example = asked("CategoryEncoding(4)", "3")
    positional = ("num_tokens", "output_mode")

    num_tokens: int = arg("How many categories there are.", at_least=1)
    output_mode: Encoding = arg("How the output stands for categories.", default="multi_hot")
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("categories",) if rank == 1 else ("rows", "categories")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn() if name == "count_weights" else Drawn("int32", {"integers": [0, config["num_tokens"]]})

    def check(self) -> None:
        if self.sparse:
            raise Unanswerable("a sparse tensor has no place in a comparison of arrays")

    def call(self, w: Weights, x: Array, count_weights: Array | None = None) -> Array:
        if count_weights is not None and self.output_mode != "count":
            raise LayerError(f"there is nothing to weigh in the mode {self.output_mode}")
        ids = numpy.trunc(getval(x)).astype(int)
        outside = ids[(ids < 0) | (ids >= self.num_tokens)]
        if outside.size:
            raise LayerError(f"there is no category {outside[0]}: they are 0 .. {self.num_tokens - 1}")
        return encoded(ids, self.num_tokens, self.output_mode, count_weights, self.axis_of_a_sample(ids.ndim))

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        shape = shapes[0]
        return int(shape[-1]) if shape else 1

    mutants: ClassVar[tuple[Mutant, ...]] = (
        _MULTI_FOR_COUNT,
        _COUNT_FOR_MULTI,
        _KEEPS_THE_COLUMN,
        COUNTS_ALONG_THE_SECOND_AXIS,
        Mutant(
            "from_one",
            "counts the categories from 1",
            output=lambda layer, y, args: np.concatenate([y[..., 1:], 0.0 * y[..., :1]], axis=-1),
        ),
        Mutant(
            "no_weights",
            "overlooks the weights",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "count_weights": None}),
        ),
    )


class Discretization(_OfCategories):
    """Which of the bins (-inf, b1), [b1, b2), ..., [bk, inf) a number falls into, counted from 0.

    x: any shape with a batch. Returns int32 of the same shape for `int`; for the other modes what CategoryEncoding
    makes of the bins, k + 1 categories. The boundaries are given, or those of `adapt`: the quantiles 1/n, ...,
    (n - 1)/n for n = num_bins, of data at most as many as 1 / epsilon, beyond which Keras approximates. A quantile lies
    on the straight lines between the points (i / size, i-th smallest): definition 4 of Hyndman and Fan, "Sample
    quantiles in statistical packages", 1996.
    """

    without_activity_regularizer = "it gives ids, which cost nothing"
    arithmetic = "moves"
    native = called("bucketize")
    example = asked("Discretization([0, 1, 2])", "3")
    positional = ("bin_boundaries", "num_bins")

    bin_boundaries: tuple[float, ...] | None = arg("Where bins end and begin, in ascending order.", default=None)
    num_bins: int | None = arg("How many bins `adapt` makes.", default=None, at_least=1)
    epsilon: float = arg("How far a quantile may be off; its reverse is how many numbers are kept.", default=0.01)
    output_mode: Literal["int", "one_hot", "multi_hot", "count"] = arg("What stands for the bins.", default="int")
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)
    adapt: tuple[Any, ...] | None = arg("Data whose quantiles are taken before the first call.", default=None)

    def check(self) -> None:
        if self.sparse:
            raise Unanswerable("a sparse tensor has no place in a comparison of arrays")
        if (self.bin_boundaries is None) == (self.num_bins is None):
            raise LayerError("either bin_boundaries or num_bins is given")
        if self.bin_boundaries is not None and list(self.bin_boundaries) != sorted(self.bin_boundaries):
            raise LayerError(f"the boundaries {list(self.bin_boundaries)} are not in ascending order")
        if self.bin_boundaries is not None and self.adapt is not None:
            raise LayerError("boundaries that are given are not learnt: leave adapt out")
        if self.adapt is not None and numpy.size(numpy.array(self.adapt)) * self.epsilon > 1:
            raise Unanswerable("of more numbers than 1 / epsilon the quantiles are approximate: no single answer")

    def boundaries(self) -> Array:
        """Where bins end and begin. Raises LayerError where they are to be learnt, and there are no data."""
        if self.bin_boundaries is not None:
            return numpy.array(self.bin_boundaries, dtype=float)
        if self.adapt is None or self.num_bins is None:
            raise LayerError("num_bins needs adapt: there are no boundaries yet")
        return self.quantiles(numpy.ravel(numpy.array(self.adapt, dtype=float)), self.num_bins)

    def quantiles(self, data: Array, bins: int) -> Array:
        smallest = numpy.sort(data)
        at = numpy.arange(1, bins) * smallest.size / bins
        return numpy.interp(at, numpy.arange(1, smallest.size + 1), smallest)

    def bins(self, x: Array) -> Array:
        """How many boundaries are at or below each number."""
        return numpy.sum(x[..., None] >= self.boundaries(), axis=-1)

    def call(self, w: Weights, x: Array) -> Array:
        bins = self.bins(getval(x))
        if self.output_mode == "int":
            return bins.astype(numpy.int32)
        return encoded(bins, len(self.boundaries()) + 1, self.output_mode, axis=self.axis_of_a_sample(bins.ndim))

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def rule(self, shape: Shape) -> str:
        return f"{len(self.boundaries()) + 1} bins, from {len(self.boundaries())} boundaries"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "boundary_below",
            "puts a number that is a boundary into the bin below, as torch.bucketize does by default",
            methods={"bins": lambda layer, x: numpy.sum(x[..., None] > layer.boundaries(), axis=-1)},
        ),
        Mutant(
            "from_one",
            "counts the bins from 1",
            output=lambda layer, y, args: y + 1 if layer.output_mode == "int" else y,
        ),
        Mutant(
            "equal_widths",
            "makes bins of the same width, not of as many numbers each",
            methods={"quantiles": lambda layer, data, n: numpy.linspace(data.min(), data.max(), n + 1)[1:-1]},
        ),
        Mutant(
            "quantiles_of_numpy",
            "takes quantiles as numpy.quantile does by default",
            methods={"quantiles": lambda layer, data, n: numpy.quantile(data, numpy.arange(1, n) / n)},
        ),
        _MULTI_FOR_COUNT,
        _COUNT_FOR_MULTI,
        _KEEPS_THE_COLUMN,
        COUNTS_ALONG_THE_SECOND_AXIS,
    )
