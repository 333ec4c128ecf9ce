"""What all optimisers do around a step, against numbers worked out on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.reference.base import LayerError
from conformance.reference.constraints import NonNeg
from conformance.reference.optimizer_base import full_arguments
from conformance.reference.optimizers import OPTIMIZERS, make_optimizer

HALVING = {"type": "schedules.ExponentialDecay", "initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 0.5}
MEANS = {"use_ema": True, "ema_momentum": 0.5}
OF_ONE = sorted(kind for kind, optimizer in OPTIMIZERS.items() if "learning_rate" not in optimizer.lacks)
"""Optimisers that make steps themselves."""


def after_batches(kind: str, config: dict[str, Any], slopes: list[float], **more: Any) -> list[float]:
    """A weight that starts at 2 after each batch, whose gradients these are."""
    optimizer, w = make_optimizer(kind, config), np.array(2.0)
    memory: dict[str, dict[str, Any]] = {}
    found: list[float] = []
    for number, slope in enumerate(slopes, start=1):
        w = optimizer.trained(number, {"a.kernel": w}, {"a.kernel": np.array(float(slope))}, memory, **more)["a.kernel"]
        found.append(float(w))
    found.append(float(optimizer.finalized({"a.kernel": w}, memory)["a.kernel"]))
    return found


@pytest.mark.parametrize(
    ("config", "slopes", "expected"),
    [
        # 2 - 0.5 * 3; - 0.25 * 3; - 0.125 * 3
        ({"learning_rate": HALVING}, [3, 3, 3], [0.5, -0.25, -0.625, -0.625]),
        # v = -2; 0.5 * -2 - 0.25 * 4
        ({"learning_rate": HALVING, "momentum": 0.5}, [4, 4], [0, -2, -2]),
        # 2 - 0.5 * (3 + 5) / 2 at the second and at the fourth
        ({"learning_rate": 0.5, "gradient_accumulation_steps": 2}, [3, 5, 5, 3], [2, 0, 0, -2, -2]),
        # the mean, 4, is clipped, and not 3 and 5
        ({"learning_rate": 0.5, "gradient_accumulation_steps": 2, "clipvalue": 3.5}, [3, 5], [2, 0.25, 0.25]),
        # the rate of batch 1 is 0.25
        ({"learning_rate": HALVING, "gradient_accumulation_steps": 2}, [4, 4], [2, 1, 1]),
        # 1, 0, -1; means 1, 0.5, -0.25
        ({"learning_rate": 0.5, **MEANS}, [2, 2, 2], [1, 0, -1, -0.25]),
        # 1, then 0 and the mean 0.5 in its place; -0.5 and the mean 0 at the end
        ({"learning_rate": 0.5, **MEANS, "ema_overwrite_frequency": 2}, [2, 2, 2], [1, 0.5, -0.5, 0]),
        # steps 1 and 0 at the second and fourth batch: the mean 0.5
        (
            {"learning_rate": 0.5, **MEANS, "ema_overwrite_frequency": 2, "gradient_accumulation_steps": 2},
            [2, 2, 2, 2, 2],
            [2, 1, 1, 0.5, 0.5, 0.5],
        ),
        ({"learning_rate": 0.5, "loss_scale_factor": 4.0}, [2], [1, 1]),
        # 2 - 0.5 * 0.5 * 2 - 1; and without the decay
        ({"learning_rate": 0.5, "weight_decay": 0.5}, [2], [0.5, 0.5]),
        ({"learning_rate": 0.5, "weight_decay": 0.5, "exclude_from_weight_decay": ["ern"]}, [2], [1, 1]),
        ({"learning_rate": 0.5, "weight_decay": 0.5, "exclude_from_weight_decay": ["a.", "bias"]}, [2], [0.5, 0.5]),
    ],
)
def test_batches_by_hand(config: dict[str, Any], slopes: list[float], expected: list[float]) -> None:
    assert after_batches("SGD", config, slopes) == pytest.approx(expected, abs=1e-15)


def test_means_are_those_of_what_a_constraint_leaves() -> None:
    # 1, 0, -1 that becomes 0: 1, 0.5, 0.25
    config = {"learning_rate": 0.5, **MEANS}
    assert after_batches("SGD", config, [2, 2, 2], constraints={"a.kernel": NonNeg()}) == [1, 0, 0, 0.25]


@pytest.mark.parametrize("kind", OF_ONE)
def test_steps_of_two_batches_are_steps_of_their_mean(kind: str) -> None:
    """Corrections of the first steps count steps, whatever the optimiser."""
    accumulated = after_batches(kind, {"learning_rate": 0.25, "gradient_accumulation_steps": 2}, [1, 3, 2, 6])
    assert accumulated[1::2] == pytest.approx(after_batches(kind, {"learning_rate": 0.25}, [2, 4])[:2], rel=1e-14)


@pytest.mark.parametrize("kind", OF_ONE)
def test_a_schedule_that_does_not_change_is_its_rate(kind: str) -> None:
    constant = {"type": "schedules.PiecewiseConstantDecay", "boundaries": [5], "values": [0.25, 1.0]}
    assert after_batches(kind, {"learning_rate": constant}, [1, 3]) == after_batches(
        kind, {"learning_rate": 0.25}, [1, 3]
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use_ema": True, "ema_momentum": 1.5}, "ema_momentum must lie between 0 and 1, not 1.5"),
        ({"use_ema": True, "ema_overwrite_frequency": -1}, "ema_overwrite_frequency must be at least 1, not -1"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be at least 2, not 1"),
        ({"learning_rate": {**HALVING, "decay_steps": 0}}, "decay_steps must be at least 1, not 0"),
    ],
)
def test_what_cannot_work_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        make_optimizer("SGD", config)


def test_all_arguments_are_plain_values() -> None:
    full = full_arguments(make_optimizer("SGD", {"learning_rate": HALVING}))
    assert full["learning_rate"] == {**HALVING, "staircase": False}
    assert full["exclude_from_weight_decay"] == []
