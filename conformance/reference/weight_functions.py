"""Regularisers and constraints called by themselves: what a weight costs, and what it becomes.

`regularizers.L2` and `constraints.MaxNorm` are called with an array of any shape. Their formulas are those of
`conformance.reference.regularizers` and `conformance.reference.constraints`, which a training asks; the documentation
of `keras.regularizers` and `keras.constraints` is the source.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from . import constraints, regularizers
from .base import Array, Layer, Mutant, Weights, arg
from .traits import absent

L1_WORDS, L2_WORDS = "Weight of the sum of absolute values.", "Weight of the sum of squares."
AXIS_WORDS = "Axes of the norm: 0 for each unit of a Dense kernel."


class _OfAWeight(Layer):
    """What regularisers and constraints share."""

    arithmetic = "rounds"
    written_as_case = "a regulariser or a constraint is asked of weights: cases/penalty/"

    def arguments(self) -> dict[str, Any]:
        """The arguments by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class _Regularizer(_OfAWeight):
    """`penalty` of the class of the same name that a training asks."""

    offered_in = "regularizers"
    formula: ClassVar[Any]
    native = absent("torch adds penalties to a loss by hand; its weight_decay is in the gradient")

    def call(self, w: Weights, x: Array) -> Array:
        return self.formula(**self.arguments()).penalty(x)


class _Constraint(_OfAWeight):
    """`project` of the class of the same name that a training asks."""

    offered_in = "constraints"
    formula: ClassVar[Any]
    native = absent("torch has renorm, and leaves constraints to loops")

    def call(self, w: Weights, x: Array) -> Array:
        return self.formula(**self.arguments()).project(x)


MEAN = Mutant("mean", "divides by the number of entries", output=lambda m, y, args: y / max(np.size(args[0]), 1))
OTHER_AXIS = Mutant("last_axis", "takes norms over the last axis", config=lambda m: {"axis": -1})
TOGETHER = Mutant(
    "together", "takes one norm of the whole weight", methods={"call": lambda m, w, x: _together(m, w, x)}
)


class L1(_Regularizer):
    """l1 sum(|x|). x: (...); gives a number, shape ()."""

    formula = regularizers.L1

    l1: float = arg(L1_WORDS, default=0.01, at_least=0)
    mutants = (
        MEAN,
        Mutant("squares", "takes squares", output=lambda m, y, args: m.l1 * np.sum(args[0] ** 2)),
        Mutant("signed", "adds with signs", output=lambda m, y, args: m.l1 * np.sum(args[0])),
    )


class L2(_Regularizer):
    """l2 sum(x^2). x: (...); gives a number, shape ()."""

    formula = regularizers.L2

    l2: float = arg(L2_WORDS, default=0.01, at_least=0)
    mutants = (
        MEAN,
        Mutant("half", "takes half of it, as torch's weight_decay does", output=lambda m, y, args: y / 2),
        Mutant("root", "takes the norm", output=lambda m, y, args: m.l2 * np.sqrt(np.sum(args[0] ** 2))),
    )


class L1L2(_Regularizer):
    """l1 sum(|x|) + l2 sum(x^2). x: (...); gives a number, shape ()."""

    formula = regularizers.L1L2

    l1: float = arg(L1_WORDS, default=0.0, at_least=0)
    l2: float = arg(L2_WORDS, default=0.0, at_least=0)
    mutants = (
        MEAN,
        Mutant("no_l1", "overlooks l1", config=lambda m: {"l1": 0.0}),
        Mutant("no_l2", "overlooks l2", config=lambda m: {"l2": 0.0}),
        Mutant("swapped", "takes l1 for l2", config=lambda m: {"l1": m.l2, "l2": m.l1}),
    )


class OrthogonalRegularizer(_Regularizer):
    """factor times the mean of |cos| of the angles between all pairs of rows, or of columns.

    x: (rows, columns); gives a number, shape ().
    """

    formula = regularizers.OrthogonalRegularizer

    factor: float = arg("Weight of the mean.", default=0.01, at_least=0)
    mode: Literal["rows", "columns"] = arg("Between what the angles are.", default="rows")
    mutants = (
        Mutant(
            "other_mode",
            "takes rows for columns",
            config=lambda m: {"mode": "columns" if m.mode == "rows" else "rows"},
        ),
        Mutant("each_pair_twice", "counts each pair twice", output=lambda m, y, args: 2 * y),
        Mutant("sum", "does not divide by the number of pairs", output=lambda m, y, args: y * _pairs(m, args[0])),
    )


class MaxNorm(_Constraint):
    """x clip(|x|, 0, max_value) / (|x| + 1e-7), |x| over `axis`. x: (...); gives the same shape, (...)."""

    formula = constraints.MaxNorm

    max_value: float = arg("Longest that a weight may be.", default=2.0, at_least=0)
    axis: constraints.Axes = arg(AXIS_WORDS, default=0)
    mutants = (
        OTHER_AXIS,
        TOGETHER,
        Mutant(
            "lengthens",
            "makes all as long as they may be",
            output=lambda m, y, args: constraints.UnitNorm(axis=m.axis).project(args[0]) * m.max_value,
        ),
        Mutant("unit", "has 1 for the longest", config=lambda m: {"max_value": 1.0}),
    )


class MinMaxNorm(_Constraint):
    """x (rate clip(|x|, min_value, max_value) + (1 - rate) |x|) / (|x| + 1e-7), |x| over `axis`.

    x: (...); gives the same shape, (...).
    """

    formula = constraints.MinMaxNorm

    min_value: float = arg("Shortest that a weight may be.", default=0.0, at_least=0)
    max_value: float = arg("Longest that a weight may be.", default=1.0, at_least=0)
    rate: float = arg("Share of the way to the bounds that is gone at once.", default=1.0, at_least=0)
    axis: constraints.Axes = arg(AXIS_WORDS, default=0)
    mutants = (
        OTHER_AXIS,
        TOGETHER,
        Mutant("no_least", "knows no shortest", config=lambda m: {"min_value": 0.0}),
        Mutant("no_most", "knows no longest", config=lambda m: {"max_value": 1e9}),
        Mutant("at_once", "goes all the way", config=lambda m: {"rate": 1.0}),
        Mutant("other_rate", "goes the rest of the way", config=lambda m: {"rate": 1.0 - m.rate}),
    )


class NonNeg(_Constraint):
    """max(x, 0). x: (...); gives the same shape, (...)."""

    formula = constraints.NonNeg

    mutants = (
        Mutant("magnitude", "takes absolute values", output=lambda m, y, args: np.abs(args[0])),
        Mutant("nothing", "leaves the weight", output=lambda m, y, args: args[0]),
    )


class UnitNorm(_Constraint):
    """x / (|x| + 1e-7), |x| over `axis`. x: (...); gives the same shape, (...)."""

    formula = constraints.UnitNorm

    axis: constraints.Axes = arg(AXIS_WORDS, default=0)
    mutants = (
        OTHER_AXIS,
        TOGETHER,
        Mutant("shortens", "lets short weights be", output=lambda m, y, args: _at_most_one(m, args[0])),
    )


def _pairs(layer: Any, x: Array) -> float:
    count = np.shape(x)[0 if layer.mode == "rows" else 1]
    return float(count * (count - 1.0))


def _together(layer: Any, w: Weights, x: Array) -> Array:
    arguments = {**layer.arguments(), "axis": tuple(range(np.ndim(x)))}
    projected: Array = layer.formula(**arguments).project(x)
    return projected


def _at_most_one(layer: Any, x: Array) -> Array:
    return constraints.MaxNorm(max_value=1.0, axis=layer.axis).project(x)
