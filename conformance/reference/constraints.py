"""Constraints: what a weight becomes after each step of an optimiser.

The documentation of `keras.constraints` is the source. Norms are Euclidean, over an axis or several; EPSILON is added
to those that are divided by.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import autograd.numpy as np

from .base import Array, arg
from .values import value_class

if TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # as in `base`
    from .base import dataclass_transform

EPSILON = 1e-7
CONSTRAINTS: dict[str, type[Constraint]] = {}
"""Every constraint by its Keras class name."""

Axes = int | tuple[int, ...]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(arg,))
@dataclass(frozen=True, kw_only=True)
class Constraint:
    """What a weight may be."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        value_class(cls)
        CONSTRAINTS[cls.__name__] = cls

    def project(self, w: Array) -> Array:
        """The weight that takes the place of one that an optimiser has moved."""
        raise NotImplementedError(type(self).__name__)


def _norms(w: Array, axis: Axes) -> Array:
    """Euclidean norms; the slope of one of 0 counts as 0, so that what multiplies it has its own slope there."""
    squares = np.sum(w * w, axis=axis, keepdims=True)
    is_zero = squares == 0
    return np.sqrt(np.where(is_zero, 1.0, squares)) * (1.0 - is_zero)


class MaxNorm(Constraint):
    """w clip(|w|, 0, max_value) / (|w| + EPSILON)."""

    max_value: float = arg("Longest that a weight may be.", default=2.0, at_least=0)
    axis: Axes = arg("Axes of the norm: 0 for each unit of a Dense kernel.", default=0)

    def project(self, w: Array) -> Array:
        norms = _norms(w, self.axis)
        return w * np.minimum(norms, self.max_value) / (norms + EPSILON)


class MinMaxNorm(Constraint):
    """w (rate clip(|w|, min_value, max_value) + (1 - rate) |w|) / (|w| + EPSILON)."""

    min_value: float = arg("Shortest that a weight may be.", default=0.0, at_least=0)
    max_value: float = arg("Longest that a weight may be.", default=1.0, at_least=0)
    rate: float = arg("Share of the way to the bounds that is gone at once.", default=1.0, at_least=0)
    axis: Axes = arg("Axes of the norm: 0 for each unit of a Dense kernel.", default=0)

    def project(self, w: Array) -> Array:
        norms = _norms(w, self.axis)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1.0 - self.rate) * norms
        return w * wanted / (norms + EPSILON)


class NonNeg(Constraint):
    """max(w, 0)."""

    def project(self, w: Array) -> Array:
        return np.maximum(w, 0.0)


class UnitNorm(Constraint):
    """w / (|w| + EPSILON)."""

    axis: Axes = arg("Axes of the norm: 0 for each unit of a Dense kernel.", default=0)

    def project(self, w: Array) -> Array:
        return w / (_norms(w, self.axis) + EPSILON)


def make_constraint(config: Mapping[str, Any]) -> Constraint:
    """A constraint from a config with its `type`."""
    kind = CONSTRAINTS[config["type"]]
    known = {field.name for field in fields(kind)}
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items() if key in known}
    return kind(**given)
