"""Mistakes that leave every value as it is and change what flows back.

No case can find them by values, so they are no mutants of the layers; they are tried where only gradients differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
import numpy
from autograd.tracer import getval, isbox

from .base import Mutant
from .gates import calling


def constant(x: Any) -> Any:
    """The same numbers, through which nothing flows back; lists item by item."""
    if isinstance(x, list | tuple):
        return [constant(item) for item in x]
    while isbox(x):
        x = getval(x)
    return x


def passing(x: Any, share: float) -> Any:
    """The same numbers; `share` of what flows back goes on."""
    return share * x + (1.0 - share) * constant(x)


def _constant_variance(layer: Any, variance: Any) -> Any:
    return np.sqrt(constant(variance) + layer.epsilon)


def _constant_moments(layer: Any, x: Any, mask: Any) -> Any:
    mean, variance = super(type(layer), layer)._moments(x, mask)
    return constant(mean), constant(variance)


def _by_rows(share: Callable[[Any], Any]) -> Any:
    """An output hook of an embedding: of each row's gradient goes on what `share` makes of the ids."""

    def output(layer: Any, y: Any, args: list[Any]) -> Any:
        each = share(numpy.asarray(getval(args[0])).astype(int))[..., None]
        return each * y + (1.0 - each) * constant(y)

    return output


def _one_in_so_many(ids: Any) -> Any:
    _, places, counts = numpy.unique(ids, return_inverse=True, return_counts=True)
    return 1.0 / counts[places].reshape(ids.shape)


VARIANCE_IS_CONSTANT = Mutant(
    "variance_is_constant",
    "takes the variance for a constant on the way back",
    methods={"deviation": _constant_variance},
)
STATISTICS_ARE_CONSTANT = Mutant(
    "statistics_are_constant",
    "takes the statistics of the batch for constants on the way back",
    methods={"_moments": _constant_moments},
)
ROW_0_IS_CONSTANT = Mutant(
    "row_0_is_constant",
    "lets no gradient through to row 0, as torch does with padding_idx=0",
    output=_by_rows(lambda ids: (ids != 0) * 1.0),
)
SHARED_BY_OCCURRENCE = Mutant(
    "shared_by_occurrence",
    "divides the gradient of a row by how often its id occurs, as torch does with scale_grad_by_freq",
    output=_by_rows(_one_in_so_many),
)
NO_GRADIENT_THROUGH_TIME = Mutant(
    "no_gradient_through_time",
    "lets no gradient through from one step to the step before",
    methods={"_cell": calling(lambda w, x, states: (w, x, constant(states)))},
)
