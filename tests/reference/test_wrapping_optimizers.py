"""Muon, ScheduleFreeAdamW, LossScaleOptimizer and MultiOptimizer against steps worked out on paper."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from conformance.reference.base import LayerError
from conformance.reference.optimizer_base import OptimizerMap, full_arguments, make_optimizer
from conformance.reference.optimizers import (
    SGD,
    AdamW,
    LossScaleOptimizer,
    MultiOptimizer,
    Muon,
    Optimizer,
    ScheduleFreeAdamW,
)


def path(optimizer: Optimizer, gradients: list[Any], start: Any = 2.0, name: str = "dense.kernel") -> list[Any]:
    """The weight after each batch."""
    weights: dict[str, Any] = {name: np.asarray(start, dtype=float)}
    memory: dict[str, dict[str, Any]] = {}
    found = []
    for number, g in enumerate(gradients, start=1):
        weights = optimizer.trained(number, weights, {name: np.asarray(g, dtype=float)}, memory)
        found.append(weights[name])
    return found


def test_five_steps_of_the_polynomial_take_singular_values_near_to_one() -> None:
    # Jordan: every singular value between 0 and 1 ends between about 0.7 and 1.2, however small it was
    u, _, v = np.linalg.svd(np.random.default_rng(0).normal(size=(4, 6)), full_matrices=False)
    direction = u @ np.diag([0.9, 0.5, 0.2, 0.05]) @ v
    for shaped in (direction, direction.T):
        sizes = np.linalg.svd(Muon().orthogonal(shaped), compute_uv=False)
        assert np.all((sizes > 0.65) & (sizes < 1.25)), sizes


def test_the_cubic_polynomial_ends_at_the_polar_factor() -> None:
    # 1.5 x - 0.5 x^3, taken often, is the iteration of Newton and Schulz: u v' of a singular value decomposition
    matrix = np.random.default_rng(1).normal(size=(3, 5))
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    newton = Muon(muon_a=1.5, muon_b=-0.5, muon_c=0.0, ns_steps=60)
    np.testing.assert_allclose(newton.orthogonal(matrix), u @ v, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "shape", "is_adams"),
    [
        ("dense.kernel", (3, 4), False),
        ("dense.bias", (3,), True),
        ("conv.kernel", (2, 3, 4), True),
        ("words.embeddings", (3, 4), True),
        ("head.kernel", (3, 4), True),
        ("embedding_like.kernel", (3, 4), False),  # it is no table
    ],
)
def test_muon_leaves_to_adamw_what_is_no_matrix(name: str, shape: tuple[int, ...], is_adams: bool) -> None:
    g, w = np.random.default_rng(2).normal(size=(2, *shape))
    found = path(Muon(learning_rate=0.1, exclude_layers=("head",)), [g], w, name)[0]
    adam = AdamW(learning_rate=0.1).apply(1, {name: w}, {name: g}, {})[name]
    assert np.allclose(found, adam, atol=1e-12) == is_adams


def test_a_schedule_free_weight_lies_between_the_iterate_and_the_mean() -> None:
    # z = 1.9, 1.8, 1.7 and x = 1.9, 1.85, 1.8; 0.5 z + 0.5 x
    found = path(ScheduleFreeAdamW(learning_rate=0.1, beta_1=0.5, epsilon=0.0), [3.0, 3.0, 3.0])
    assert [float(w) for w in found] == pytest.approx([1.9, 1.825, 1.75], rel=1e-12)


def test_a_rate_of_zero_leaves_a_schedule_free_weight() -> None:
    found = path(ScheduleFreeAdamW(learning_rate=0.0), [3.0, 1.0])
    assert [float(w) for w in found] == [2.0, 2.0]


def test_a_scale_that_is_too_large_is_halved_until_gradients_are_finite() -> None:
    # 3 * 2^129 and 3 * 2^128 and 3 * 2^127 are none of float32
    optimizer = LossScaleOptimizer(inner_optimizer=SGD(learning_rate=0.5), initial_scale=2.0**129)
    assert [float(w) for w in path(optimizer, [3.0] * 5)] == [2.0, 2.0, 2.0, 0.5, -1.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_step_that_is_not_finite_is_none(bad: float) -> None:
    optimizer = LossScaleOptimizer(inner_optimizer=SGD(learning_rate=0.5, momentum=0.5), initial_scale=2.0)
    plain = path(SGD(learning_rate=0.5, momentum=0.5), [1.0, 3.0])
    found = path(optimizer, [1.0, bad, 3.0])
    assert [float(w) for w in found] == [float(plain[0]), float(plain[0]), float(plain[1])]


def several(**others: Optimizer) -> MultiOptimizer:
    default = SGD(learning_rate=0.125)
    keys = {key.replace("__", "/.*"): one for key, one in others.items()}
    return MultiOptimizer(optimizer_map=OptimizerMap(default_optimizer=default, optimizer_map=keys))


def test_a_key_stands_for_a_path_or_matches_all_of_it() -> None:
    assert float(path(several(dense__=SGD(learning_rate=0.5)), [2.0])[0]) == 1.0
    assert float(path(several(dense=SGD(learning_rate=0.5)), [2.0])[0]) == 1.75  # the beginning alone
    with pytest.raises(LayerError, match=r"dense/kernel is matched by dense/\.\* and by den\.\*"):
        MultiOptimizer(
            optimizer_map=OptimizerMap(
                default_optimizer=SGD(), optimizer_map={"dense/.*": SGD(), "den.*": SGD(), "other": SGD()}
            )
        ).key_of("dense/kernel")


def test_inner_optimisers_are_made_and_written_with_all_arguments() -> None:
    written = {
        "optimizer_map": {
            "default_optimizer": {"type": "SGD", "learning_rate": 0.5},
            "optimizer_map": {
                "a/.*": {"type": "LossScaleOptimizer", "inner_optimizer": {"type": "Adam"}, "initial_scale": 4.0}
            },
        }
    }
    full = full_arguments(make_optimizer("MultiOptimizer", written))
    assert full["optimizer_map"]["default_optimizer"]["momentum"] == 0.0
    inner = full["optimizer_map"]["optimizer_map"]["a/.*"]["inner_optimizer"]
    assert (inner["type"], inner["beta_1"], inner["learning_rate"]) == ("Adam", 0.9, 0.001)
    again = make_optimizer("MultiOptimizer", written)
    assert full_arguments(again) == full
