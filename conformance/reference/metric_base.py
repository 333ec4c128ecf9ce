"""Metrics: sums over the batches so far, and the number that is reported of them.

`metric(y_true, y_pred, sample_weight=w)` takes a batch in and gives the result over all batches so far, `metric()` the
result as it stands, and `reset_state=True` forgets first. A mask that the predictions carry counts as weights of 0
and 1. Arguments and defaults are those of the documentation of `keras.metrics`, the formulas those of the field.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy
from autograd.tracer import getval

from .base import Array, Layer, LayerError, Mutant, Weights
from .losses import same_rank, times
from .traits import Native, absent


def of_torchmetrics(name: str) -> Native:
    """The metric that users of torch reach for; what it gives is not asked here."""
    return absent(f"torch has no metrics; its users have torchmetrics.{name}, which is a package of its own")


State = Mapping[str, Any]
"""Sums over all batches so far by name; 0.0 for one of which no batch has told."""


def numbers(x: Any) -> Array:
    """An array in float64 without a way back: a metric has no gradient."""
    return numpy.asarray(getval(x), dtype=float)


def share(part: Any, whole: Any) -> Array:
    """part / whole, and 0 where the whole is 0."""
    whole = numpy.asarray(whole, dtype=float)
    return numpy.where(whole == 0, 0.0, part / numpy.where(whole == 0, 1.0, whole))


def weight_of(sample_weight: Any, mask: Any) -> Any:
    """What each sample, or step of a sample, counts; None where everything counts once."""
    weight = None if sample_weight is None else numbers(sample_weight)
    if mask is None:
        return weight
    counted = numbers(mask)
    return counted if weight is None else times(*same_rank(weight, counted))


def spread_over(weight: Any, values: Array) -> Array:
    """A weight for every value: one of a sample holds for all that is in the sample.

    Raises LayerError where they do not fit.
    """
    if weight is None:
        return numpy.ones(values.shape)
    if weight.ndim < values.ndim and weight.ndim:
        weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    try:
        return numpy.broadcast_to(weight, values.shape)
    except ValueError:
        raise LayerError(f"weights {weight.shape} do not broadcast to values {values.shape}") from None


def replaced(**changes: Any) -> Callable[..., Any]:
    """A hook that calls the metric with these keyword arguments in place of its own."""
    return lambda layer, args, kwargs: (args, {**kwargs, **changes})


def given(name: str, change: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A hook that changes one argument of a batch, where there is a batch."""

    def hook(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        value = kwargs.get(name)
        return args, kwargs if value is None else {**kwargs, name: change(layer, value)}

    return hook


def _last_batch(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    has_batch = any(kwargs.get(name) is not None for name in ("y_true", "values"))
    return args, {**kwargs, "reset_state": True} if has_batch else kwargs


METRIC_MUTANTS = (
    Mutant("last_batch_alone", "reports the last batch in place of all", inputs=_last_batch),
    Mutant("never_resets", "goes on after a reset", inputs=replaced(reset_state=False)),
    Mutant("ignores_weight", "overlooks the weights", inputs=replaced(sample_weight=None)),
)
IGNORES_MASK = Mutant("ignores_mask", "lets padding count", inputs=replaced(y_pred_mask=None))


class _Metric(Layer):
    """What all metrics share: sums that grow by what each batch adds."""

    arithmetic = "rounds"
    offered_in = "metrics"
    is_eager_only = True
    native = absent("torch has no metrics; torchmetrics has, and ports write them out")
    written_as_case = "a metric is asked of several batches: docs/metrics.md"

    def call(
        self,
        w: Weights,
        y_true: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        y_pred_mask: Any = None,
        reset_state: bool = False,
    ) -> Array:
        if reset_state:
            w.state.clear()
        if y_true is not None:
            self.add(w, self.update(numbers(y_true), numbers(y_pred), weight_of(sample_weight, y_pred_mask)))
        return self.reported(w)

    def add(self, w: Weights, sums: Mapping[str, Any]) -> None:
        """Takes what a batch adds into the sums so far."""
        for name, amount in sums.items():
            w.state[name] = w.state.get(name, 0.0) + amount

    def reported(self, w: Weights) -> Array:
        """The result over the sums so far."""
        return numpy.asarray(self.result(defaultdict(float, w.state)), dtype=float)

    def update(self, y_true: Array, y_pred: Array, weight: Any) -> Mapping[str, Any]:
        """What one batch adds to each sum; `weight` is None where everything counts once."""
        raise NotImplementedError

    def result(self, state: State) -> Any:
        """The number, or numbers, over all batches so far."""
        raise NotImplementedError

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(numpy.prod(shapes[0])) if shapes else 1
