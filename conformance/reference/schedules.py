"""Learning rates as functions of the step. Formulas: the documentation of `keras.optimizers.schedules`.

`schedule(step)` gives the rate, of shape (), at a whole number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy

from .base import Array, Layer, LayerError, Mutant, Weights, arg
from .metric_base import numbers
from .traits import absent

ONE_LATE = Mutant("one_late", "counts steps from one", inputs=lambda m, args, kw: ([args[0] + 1], kw))
NO_STAIRS = Mutant("no_stairs", "goes down with every step", config=lambda m: {"staircase": False})
STAIRS = Mutant("stairs", "goes down in stairs unasked", config=lambda m: {"staircase": True})
NO_FLOOR = Mutant("no_floor", "ends at 0", config=lambda m: {"alpha": 0.0})


def rate_at(schedule: Any, step: int) -> float:
    """The rate after so many steps: of a schedule, or of one that is always the same."""
    return float(schedule if isinstance(schedule, int | float) else schedule.rate(float(step)))


class _Schedule(Layer):
    """What all schedules share: a number of steps to a rate."""

    arithmetic = "rounds"
    offered_in = "schedules"
    is_eager_only = True
    written_as_case = "a schedule is asked at steps: cases/schedule/"

    initial_learning_rate: float = arg("the rate at step 0")

    def rate(self, step: float) -> float:
        """The rate after so many steps."""
        raise NotImplementedError

    def call(self, w: Weights, step: Array) -> Array:
        return numpy.asarray(self.rate(float(numbers(step))), dtype=float)


class _Decay(_Schedule):
    decay_steps: int = arg("over how many steps the rate decays", at_least=1)
    decay_rate: float = arg("how far it decays over these")
    staircase: bool = arg("whether it decays at whole multiples of decay_steps only", default=False)

    def passed(self, step: float) -> float:
        """How often decay_steps have passed."""
        return math.floor(step / self.decay_steps) if self.staircase else step / self.decay_steps


class ExponentialDecay(_Decay):
    """initial_learning_rate * decay_rate ^ (step / decay_steps); the quotient is rounded down with `staircase`.

    step: (), an integer; gives a rate of shape ().
    """

    native = absent("torch has torch.optim.lr_scheduler.ExponentialLR, which counts steps itself")
    mutants = (
        ONE_LATE,
        NO_STAIRS,
        STAIRS,
        Mutant("each_step", "decays by decay_rate at each step", config=lambda m: {"decay_steps": 1}),
    )

    def rate(self, step: float) -> float:
        return self.initial_learning_rate * math.pow(self.decay_rate, self.passed(step))


class InverseTimeDecay(_Decay):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps); the quotient is rounded down with `staircase`.

    step: (), an integer; gives a rate of shape ().
    """

    native = absent("torch has torch.optim.lr_scheduler.LambdaLR, which counts steps itself")
    mutants = (
        ONE_LATE,
        NO_STAIRS,
        STAIRS,
        Mutant("each_step", "decays at each step", config=lambda m: {"decay_steps": 1}),
    )

    def rate(self, step: float) -> float:
        return self.initial_learning_rate / (1.0 + self.decay_rate * self.passed(step))


class PolynomialDecay(_Schedule):
    """(initial - end) (1 - step / decay_steps) ^ power + end, and `end_learning_rate` afterwards.

    With `cycle` decay_steps becomes its next multiple each time it is passed. step: (), an integer; gives a rate of
    shape ().
    """

    native = absent("torch has torch.optim.lr_scheduler.PolynomialLR, which counts steps itself")
    decay_steps: int = arg("over how many steps the rate decays", at_least=1)
    end_learning_rate: float = arg("the rate at the end", default=0.0001)
    power: float = arg("of the polynomial; 1 is a line", default=1.0)
    cycle: bool = arg("whether it starts again beyond decay_steps", default=False)
    mutants = (
        ONE_LATE,
        Mutant("line", "has a line", config=lambda m: {"power": 1.0}),
        Mutant("no_cycle", "stays at the end", config=lambda m: {"cycle": False}),
        Mutant("cycles", "starts again unasked", config=lambda m: {"cycle": True}),
        Mutant("ends_at_zero", "ends at 0", config=lambda m: {"end_learning_rate": 0.0}),
    )

    def rate(self, step: float) -> float:
        whole = float(self.decay_steps)
        if self.cycle:
            whole *= max(math.ceil(step / self.decay_steps), 1)
        left = 1.0 - min(step, whole) / whole
        return (self.initial_learning_rate - self.end_learning_rate) * math.pow(
            left, self.power
        ) + self.end_learning_rate


class PiecewiseConstantDecay(Layer):
    """values[0] up to the first of the boundaries, itself included, values[1] up to the second, and so on.

    step: (), an integer; gives a rate of shape (), the value as float32 holds it.
    """

    arithmetic = "moves"
    offered_in = "schedules"
    is_eager_only = True
    written_as_case = "a schedule is asked at steps: cases/schedule/"
    native = absent("torch has torch.optim.lr_scheduler.MultiStepLR, which counts steps itself")
    boundaries: tuple[int, ...] = arg("the last steps of the values, in ascending order")
    values: tuple[float, ...] = arg("the rates, one more than boundaries")
    mutants = (
        Mutant("one_early", "changes at the boundary itself", inputs=lambda m, args, kw: ([args[0] + 1], kw)),
        Mutant("one_late", "changes one step later", inputs=lambda m, args, kw: ([args[0] - 1], kw)),
        Mutant("first_alone", "never changes", inputs=lambda m, args, kw: ([args[0] * 0], kw)),
    )

    def check(self) -> None:
        if len(self.values) != len(self.boundaries) + 1:
            raise LayerError(f"{len(self.boundaries)} boundaries need one value more, not {len(self.values)} values")

    def rate(self, step: float) -> float:
        """The rate after so many steps."""
        return float(numpy.float32(self.values[sum(step > boundary for boundary in self.boundaries)]))

    def call(self, w: Weights, step: Array) -> Array:
        return numpy.asarray(self.rate(float(numbers(step))))


def _half_wave(share: float) -> float:
    """From 1 to 0 while `share` goes from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * share))


class CosineDecay(_Schedule):
    """rate * ((1 - alpha) (1 + cos(pi step / decay_steps)) / 2 + alpha), and rate * alpha afterwards.

    With `warmup_target` the rate first goes in a line from the initial one to the target over `warmup_steps`, and then
    decays from there over decay_steps more. step: (), an integer; gives a rate of shape ().
    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017.
    """

    native = absent("torch has torch.optim.lr_scheduler.CosineAnnealingLR, which counts steps itself")
    decay_steps: int = arg("over how many steps the rate decays, warming up left out", at_least=1)
    alpha: float = arg("the share of the rate that is left at the end", default=0.0)
    warmup_target: float | None = arg("the rate after warming up; null for none", default=None)
    warmup_steps: int = arg("over how many steps it warms up", default=0)
    mutants = (
        ONE_LATE,
        NO_FLOOR,
        Mutant("cold", "does not warm up", config=lambda m: {"warmup_target": None}),
        Mutant("within", "warms up within decay_steps", config=lambda m: _within(m)),
    )

    def rate(self, step: float) -> float:
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            top, step = self.warmup_target, step - self.warmup_steps
        left = _half_wave(min(step, self.decay_steps) / self.decay_steps)
        return top * ((1.0 - self.alpha) * left + self.alpha)


def _within(layer: Any) -> Mapping[str, Any]:
    return {} if layer.warmup_target is None else {"decay_steps": layer.decay_steps - layer.warmup_steps}


class CosineDecayRestarts(_Schedule):
    """A cosine that starts again: after first_decay_steps, then after t_mul times as many, each m_mul times as high.

    rate * ((1 - alpha) m_mul^i (1 + cos(pi share)) / 2 + alpha) in period i, of which `share` has passed. step: (), an
    integer; gives a rate of shape (). Loshchilov and Hutter, 2017.
    """

    native = absent("torch has torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, which counts steps itself")
    first_decay_steps: int = arg("how long the first period is", at_least=1)
    t_mul: float = arg("how many times as long each period is as the one before", default=2.0)
    m_mul: float = arg("how many times as high each period starts", default=1.0)
    alpha: float = arg("the share of the rate that is left at the end of a period", default=0.0)
    mutants = (
        ONE_LATE,
        NO_FLOOR,
        Mutant("even_periods", "has periods of one length", config=lambda m: {"t_mul": 1.0}),
        Mutant("even_heights", "starts each period at one height", config=lambda m: {"m_mul": 1.0}),
    )

    def check(self) -> None:
        if self.t_mul < 1:
            raise LayerError(f"t_mul must be at least 1, not {self.t_mul:g}: periods that shrink come to an end")

    def rate(self, step: float) -> float:
        if step == math.inf:
            return math.nan
        length, height = float(self.first_decay_steps), 1.0
        if self.t_mul == 1.0:  # as many periods as there are: no loop over them
            periods = max(math.floor(step / length), 0)
            step, height = step - periods * length, math.pow(self.m_mul, periods)
        while step >= length:
            step, length, height = step - length, length * self.t_mul, height * self.m_mul
        left = height * _half_wave(step / length)
        return self.initial_learning_rate * ((1.0 - self.alpha) * left + self.alpha)
