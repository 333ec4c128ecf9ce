"""Regularisers: a number for each weight, added to what a training minimises.

The documentation of `keras.regularizers` is the source; a penalty counts for weights that an optimiser moves.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import autograd.numpy as np
import numpy

from .base import Array, LayerError, arg
from .values import value_class

if TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # as in `base`
    from .base import dataclass_transform

REGULARIZERS: dict[str, type[Regularizer]] = {}
"""Every regulariser by its Keras class name."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(arg,))
@dataclass(frozen=True, kw_only=True)
class Regularizer:
    """What a weight costs."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        value_class(cls)
        REGULARIZERS[cls.__name__] = cls

    def penalty(self, w: Array) -> Any:
        """The number that is added for a weight."""
        raise NotImplementedError(type(self).__name__)


class L1(Regularizer):
    """l1 sum(|w|)."""

    l1: float = arg("Weight of the sum of absolute values.", default=0.01, at_least=0)

    def penalty(self, w: Array) -> Any:
        return self.l1 * np.sum(np.abs(w))


class L2(Regularizer):
    """l2 sum(w^2), whose gradient is 2 l2 w."""

    l2: float = arg("Weight of the sum of squares.", default=0.01, at_least=0)

    def penalty(self, w: Array) -> Any:
        return self.l2 * np.sum(w**2)


class L1L2(Regularizer):
    """l1 sum(|w|) + l2 sum(w^2)."""

    l1: float = arg("Weight of the sum of absolute values.", default=0.0, at_least=0)
    l2: float = arg("Weight of the sum of squares.", default=0.0, at_least=0)

    def penalty(self, w: Array) -> Any:
        return self.l1 * np.sum(np.abs(w)) + self.l2 * np.sum(w**2)


class OrthogonalRegularizer(Regularizer):
    """factor times the mean of |cos| of the angles between all pairs of rows, or of columns, of a matrix."""

    factor: float = arg("Weight of the mean.", default=0.01, at_least=0)
    mode: Literal["rows", "columns"] = arg("Between what the angles are.", default="rows")

    def penalty(self, w: Array) -> Any:
        if np.ndim(w) != 2:
            raise LayerError(f"OrthogonalRegularizer is for matrices, not for a weight {np.shape(w)}")
        rows = w if self.mode == "rows" else np.transpose(w)
        rows = rows / np.sqrt(np.sum(rows**2, axis=1, keepdims=True))
        count = np.shape(rows)[0]
        cosines = np.abs(np.matmul(rows, np.transpose(rows))) * (1.0 - numpy.eye(count))
        return self.factor * np.sum(cosines) / (count * (count - 1.0))


def make_regularizer(config: Mapping[str, Any]) -> Regularizer:
    """A regulariser from a config with its `type`."""
    kind = REGULARIZERS[config["type"]]
    known = {field.name for field in fields(kind)}
    return kind(**{key: value for key, value in config.items() if key in known})
