"""Schedules against numbers worked out by hand, at the edges where periods end, and what constructors refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from conformance.reference import schedules as _schedules  # noqa: F401  # registers them
from conformance.reference.base import LayerError, Weights, make


def rate(kind: str, step: int, **config: Any) -> float:
    return float(make(f"schedules.{kind}", config).call(Weights({}), numpy.array(step)))


def test_a_decay_by_stairs_falls_at_whole_multiples() -> None:
    given = {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.96, "staircase": True}
    assert [rate("ExponentialDecay", step, **given) for step in (999, 1000, 2000)] == [0.1, 0.1 * 0.96, 0.1 * 0.96**2]
    given["staircase"] = False
    assert rate("ExponentialDecay", 500, **given) == pytest.approx(0.1 * math.sqrt(0.96))


def test_a_boundary_is_the_last_step_of_its_value() -> None:
    given = {"boundaries": (2, 5), "values": (1.0, 0.5, 0.25)}
    assert [rate("PiecewiseConstantDecay", step, **given) for step in (2, 3, 5, 6)] == [1.0, 0.5, 0.5, 0.25]


def test_boundaries_need_one_value_more() -> None:
    with pytest.raises(LayerError, match="2 boundaries need one value more, not 2 values"):
        make("schedules.PiecewiseConstantDecay", {"boundaries": (2, 5), "values": (1.0, 0.5)})


def test_warming_up_ends_at_its_target_and_decays_from_there() -> None:
    given = {"initial_learning_rate": 0.0, "decay_steps": 8, "warmup_target": 1.0, "warmup_steps": 4}
    rates = [rate("CosineDecay", step, **given) for step in (0, 1, 4, 8, 12, 99)]
    assert rates == pytest.approx([0.0, 0.25, 1.0, 0.5, 0.0, 0.0])


def test_periods_start_again_higher_and_longer_by_their_factors() -> None:
    given = {"initial_learning_rate": 1.0, "first_decay_steps": 3, "t_mul": 2.0, "m_mul": 0.5}
    rates = [rate("CosineDecayRestarts", step, **given) for step in (0, 3, 6, 9, 15, 21)]
    assert rates == pytest.approx([1.0, 0.5, 0.25, 0.25, 0.125, 0.125])


def test_a_cycle_goes_on_to_the_next_multiple() -> None:
    given = {"initial_learning_rate": 1.0, "decay_steps": 4, "end_learning_rate": 0.0, "cycle": True}
    assert [rate("PolynomialDecay", step, **given) for step in (0, 2, 4, 6, 8)] == [1.0, 0.5, 0.0, 0.25, 0.0]


def test_time_divides_the_rate() -> None:
    given = {"initial_learning_rate": 1.0, "decay_steps": 2, "decay_rate": 0.5}
    assert rate("InverseTimeDecay", 4, **given) == 0.5


DECAYS = {
    "ExponentialDecay": {"decay_rate": 0.5},
    "InverseTimeDecay": {"decay_rate": 0.5},
    "PolynomialDecay": {},
    "CosineDecay": {},
    "CosineDecayRestarts": {},
}


@pytest.mark.parametrize("kind", DECAYS)
@pytest.mark.parametrize("steps", [0, -2])
def test_a_rate_decays_over_one_step_at_least(kind: str, steps: int) -> None:
    name = "first_decay_steps" if kind == "CosineDecayRestarts" else "decay_steps"
    with pytest.raises(LayerError, match=f"{name} must be at least 1, not {steps}"):
        make(f"schedules.{kind}", {"initial_learning_rate": 1.0, name: steps, **DECAYS[kind]})


def test_periods_that_become_shorter_are_refused_and_those_of_one_length_are_not() -> None:
    given = {"initial_learning_rate": 1.0, "first_decay_steps": 2}
    with pytest.raises(LayerError, match=r"t_mul must be at least 1, not 0\.5"):
        make("schedules.CosineDecayRestarts", {**given, "t_mul": 0.5})
    assert rate("CosineDecayRestarts", 5, **given, t_mul=1.0) == pytest.approx(0.5)
