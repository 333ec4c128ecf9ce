"""Pools against the examples of the Keras documentation and against sums written out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import autograd.numpy as np
import numpy
import pytest

from conformance.mutants.layer import with_mistake
from conformance.reference.base import Layer, LayerError, Weights, make
from conformance.reference.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
)
from conformance.reference.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from tests.reference.helpers import assert_gradient_matches_finite_difference, run

NAN = float("nan")


def along(numbers: list[float]) -> numpy.ndarray[Any, Any]:
    """One sequence of one channel: (1, steps, 1)."""
    return numpy.array(numbers, dtype=float)[None, :, None]


@pytest.mark.parametrize(
    ("layer", "numbers", "expected"),
    [
        # keras.io/api/layers/pooling_layers/max_pooling1d, the three examples.
        (MaxPooling1D(pool_size=2, strides=1), [1, 2, 3, 4, 5], [2, 3, 4, 5]),
        (MaxPooling1D(pool_size=2, strides=2), [1, 2, 3, 4, 5], [2, 4]),
        (MaxPooling1D(pool_size=2, strides=1, padding="same"), [1, 2, 3, 4, 5], [2, 3, 4, 5, 5]),
        # keras.io/api/layers/pooling_layers/average_pooling1d, the three examples.
        (AveragePooling1D(pool_size=2, strides=1), [1, 2, 3, 4, 5], [1.5, 2.5, 3.5, 4.5]),
        (AveragePooling1D(pool_size=2, strides=2), [1, 2, 3, 4, 5], [1.5, 3.5]),
        (AveragePooling1D(pool_size=2, strides=1, padding="same"), [1, 2, 3, 4, 5], [1.5, 2.5, 3.5, 4.5, 5.0]),
        # By hand: strides is pool_size where it is left out; an incomplete last window is dropped by `valid`.
        (MaxPooling1D(pool_size=3), [5, 1, 2, 0, 7, 3, 9, 9], [5, 7]),
        (MaxPooling1D(pool_size=3, padding="same"), [5, 1, 2, 0, 7, 3, 9], [5, 7, 9]),
        # By hand: same, 7 steps, pool 3, stride 3: 3 windows need 9, so one step on each side; padding never wins.
        (MaxPooling1D(pool_size=3, padding="same"), [-7, -6, -5, -4, -3, -2, -1], [-6, -3, -1]),
        (AveragePooling1D(pool_size=3, padding="same"), [2, 4, 6, 8, 10, 12, 14], [3, 8, 13]),
        (AveragePooling1D(pool_size=9, padding="same"), [2, 4, 6], [4]),
    ],
)
def test_pools_of_a_sequence(layer: Any, numbers: list[float], expected: list[float]) -> None:
    assert run(layer, along(numbers))[0, :, 0].tolist() == expected


def test_padding_of_whole_numbers_never_wins() -> None:
    """By hand, as above: the windows are (-3, -2) and (-1, nothing)."""
    x = numpy.array([-3, -2, -1], dtype=numpy.int32)[None, :, None]
    y = run(MaxPooling1D(pool_size=2, padding="same"), x)
    assert (y[0, :, 0].tolist(), y.dtype) == ([-2, -1], numpy.int32)


IMAGE = numpy.arange(1.0, 10.0).reshape(1, 3, 3, 1)
"""1 2 3 / 4 5 6 / 7 8 9, the image of the Keras documentation."""


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # keras.io/api/layers/pooling_layers/max_pooling2d.
        (MaxPooling2D(pool_size=(2, 2), strides=(1, 1)), [[5, 6], [8, 9]]),
        (MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"), [[5, 6, 6], [8, 9, 9], [8, 9, 9]]),
        # keras.io/api/layers/pooling_layers/average_pooling2d.
        (AveragePooling2D(pool_size=(2, 2), strides=(1, 1)), [[3, 4], [6, 7]]),
        (
            AveragePooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
            [[3, 4, 4.5], [6, 7, 7.5], [7.5, 8.5, 9]],
        ),
        # By hand.
        (MaxPooling2D(pool_size=(1, 3)), [[3], [6], [9]]),
        (AveragePooling2D(pool_size=(3, 1), strides=(1, 2)), [[4, 6]]),
    ],
)
def test_pools_of_an_image(layer: Any, expected: list[list[float]]) -> None:
    assert run(layer, IMAGE)[0, :, :, 0].tolist() == expected


SEQUENCES = numpy.array([[[1.0, -10.0], [2.0, -20.0], [6.0, -60.0]], [[5.0, 7.0], [0.0, 0.0], [0.0, 0.0]]])


def test_global_mean_is_one_number_per_channel() -> None:
    assert run(GlobalAveragePooling1D(), SEQUENCES).tolist() == [[3.0, -30.0], [5 / 3, 7 / 3]]


def test_global_mean_of_channels_first_is_one_number_per_step_of_channels_last() -> None:
    pooled = run(GlobalAveragePooling1D(data_format="channels_first"), SEQUENCES)
    assert pooled.tolist() == [[-4.5, -9.0, -27.0], [6.0, 0.0, 0.0]]


def test_global_mean_counts_only_true_steps() -> None:
    mask = numpy.array([[True, False, True], [True, False, False]])
    assert run(GlobalAveragePooling1D(), SEQUENCES, mask=mask).tolist() == [[3.5, -35.0], [5.0, 7.0]]


def test_global_mean_of_no_step_is_nan() -> None:
    mask = numpy.array([[True, True, True], [False, False, False]])
    pooled = run(GlobalAveragePooling1D(keepdims=True), SEQUENCES, mask=mask)
    assert numpy.array_equal(pooled, [[[3.0, -30.0]], [[NAN, NAN]]], equal_nan=True)


def test_global_mean_does_not_see_what_a_masked_step_holds() -> None:
    x = numpy.array([[[1.0], [NAN], [3.0]]])
    assert run(GlobalAveragePooling1D(), x, mask=numpy.array([[1, 0, 1]])).tolist() == [[2.0]]


def test_global_mean_takes_any_entry_but_zero_for_true() -> None:
    """Keras 3.15 made soft masks binary; before, 0.5 was a weight and this would be 1.2 / 1.2."""
    assert run(GlobalAveragePooling1D(), along([1, 3, 9]), mask=numpy.array([[0.5, 1.0, 0.0]])).tolist() == [[2.0]]


def test_a_window_is_two_steps_where_nothing_is_said() -> None:
    assert run(MaxPooling1D(), along([1, 5, 2, 3, 9])).ravel().tolist() == [5.0, 3.0]
    assert MaxPooling2D().pool_size == (2, 2)


def test_any_entry_of_a_mask_but_zero_is_a_step() -> None:
    assert run(GlobalAveragePooling1D(), along([1, 3, 9]), mask=numpy.array([[-1, 2, 0]])).tolist() == [[2.0]]


def test_global_mean_needs_a_mask_over_the_steps() -> None:
    message = r"mask \(2, 3\) is not one entry for each of the 2 steps of \(2, 3, 2\)"
    with pytest.raises(LayerError, match=message):
        run(GlobalAveragePooling1D(data_format="channels_first"), SEQUENCES, mask=numpy.ones((2, 3), bool))


def test_global_maximum_lets_masked_steps_take_part() -> None:
    x = numpy.array([[[-1.0], [-2.0], [0.0]]])
    assert run(GlobalMaxPooling1D(), x, mask=numpy.array([[True, True, False]])).tolist() == [[0.0]]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (GlobalMaxPooling1D(), [[6.0, -10.0], [5.0, 7.0]]),
        (GlobalMaxPooling1D(keepdims=True), [[[6.0, -10.0]], [[5.0, 7.0]]]),
        (GlobalMaxPooling1D(data_format="channels_first"), [[1.0, 2.0, 6.0], [7.0, 0.0, 0.0]]),
        (GlobalAveragePooling1D(data_format="channels_first", keepdims=True), [[[-4.5], [-9], [-27]], [[6], [0], [0]]]),
    ],
)
def test_global_pools_of_sequences(layer: Any, expected: list[Any]) -> None:
    assert run(layer, SEQUENCES).tolist() == expected


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (GlobalAveragePooling2D(), [[5.0]]),
        (GlobalMaxPooling2D(keepdims=True), [[[[9.0]]]]),
        (GlobalAveragePooling2D(data_format="channels_first"), [[2.0, 5.0, 8.0]]),
        (GlobalMaxPooling2D(data_format="channels_first"), [[3.0, 6.0, 9.0]]),
    ],
)
def test_global_pools_of_an_image(layer: Any, expected: list[Any]) -> None:
    assert run(layer, IMAGE).tolist() == expected


@pytest.mark.parametrize(
    "layer",
    [
        MaxPooling1D(pool_size=3, strides=2, padding="same"),
        AveragePooling1D(pool_size=4, strides=1, padding="same"),
    ],
)
def test_channels_first_is_channels_last_transposed(layer: Any) -> None:
    x = numpy.random.default_rng(3).normal(size=(2, 7, 3))
    first = dataclasses.replace(layer, data_format="channels_first")
    assert numpy.array_equal(run(first, np.moveaxis(x, -1, 1)), np.moveaxis(run(layer, x), -1, 1))


@pytest.mark.parametrize(
    ("type", "config", "shape", "message"),
    [
        ("MaxPooling1D", {"pool_size": 4}, (1, 3, 2), "a window over 4 steps does not fit into 3 without padding"),
        ("AveragePooling2D", {"pool_size": [2, 4]}, (1, 3, 3, 2), "a window over 4 steps does not fit into 3"),
        ("MaxPooling1D", {"strides": 0}, (1, 3, 2), "strides=0 must be positive"),
        ("AveragePooling1D", {"pool_size": 0}, (1, 3, 2), "pool_size=0 must be positive"),
        ("MaxPooling2D", {}, (1, 3, 2), r"needs an input of rank 4, got shape \(1, 3, 2\)"),
        ("GlobalAveragePooling1D", {}, (1, 3), r"needs an input of rank 3, got shape \(1, 3\)"),
        ("GlobalMaxPooling2D", {}, (1, 3, 3), r"needs an input of rank 4, got shape \(1, 3, 3\)"),
    ],
)
def test_what_cannot_work_is_an_error(type: str, config: dict[str, Any], shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        run(make(type, config), numpy.ones(shape))


@pytest.mark.parametrize(
    ("layer", "shape", "rule"),
    [
        (GlobalAveragePooling1D(), (2, 11, 7), "channels_last: axis 1 pooled (11), axis 2 kept (7 channels): (2, 7)"),
        (
            GlobalAveragePooling1D(data_format="channels_first"),
            (2, 11, 7),
            "channels_first: axis 2 pooled (7), axis 1 kept (11 channels): (2, 11)",
        ),
        (
            GlobalMaxPooling1D(data_format="channels_first", keepdims=True),
            (2, 11, 7),
            "channels_first: axis 2 pooled (7), axis 1 kept (11 channels): (2, 11, 1)",
        ),
        (
            GlobalAveragePooling2D(),
            (2, 3, 5, 7),
            "channels_last: axes 1 and 2 pooled (3 * 5 = 15), axis 3 kept (7 channels): (2, 7)",
        ),
        (
            GlobalAveragePooling2D(keepdims=True),
            (2, 3, 5, 7),
            "channels_last: axes 1 and 2 pooled (3 * 5 = 15), axis 3 kept (7 channels): (2, 1, 1, 7)",
        ),
    ],
)
def test_rule_of_global_pooling_says_which_axis_goes_and_which_stays(layer: Layer, shape: Any, rule: str) -> None:
    assert layer.rule(shape) == rule
    assert rule.endswith(str(layer.call(Weights({}), np.ones(shape)).shape))


def test_rule_has_the_numbers_filled_in() -> None:
    assert MaxPooling1D(pool_size=3).rule((2, 502, 100)) == "valid: floor((502 - 3) / 3) + 1 = 167"
    assert AveragePooling2D(pool_size=2, strides=(1, 2), padding="same").rule((1, 5, 7, 3)) == (
        "same: ceil(5 / 1) = 5; total padding max(4 * 1 + 2 - 5, 0) = 1, left 0, right 1; then "
        "same: ceil(7 / 2) = 4; total padding max(3 * 2 + 2 - 7, 0) = 1, left 0, right 1"
    )


@pytest.mark.parametrize(
    ("layer", "shape", "mask"),
    [
        (MaxPooling1D(pool_size=3, strides=2, padding="same"), (2, 8, 3), None),
        (AveragePooling2D(pool_size=(2, 3), strides=1, padding="same"), (2, 4, 5, 3), None),
        (GlobalAveragePooling1D(), (2, 3, 4), [[True, False, True], [False, True, False]]),
        (GlobalMaxPooling1D(data_format="channels_first"), (2, 3, 4), None),
    ],
)
def test_gradient(layer: Any, shape: tuple[int, ...], mask: Any) -> None:
    given = {} if mask is None else {"mask": numpy.array(mask)}
    assert_gradient_matches_finite_difference(layer, numpy.random.default_rng(1).normal(size=shape), **given)


MASK = numpy.array([[True, False, True, True, False], [False] * 5])
"""A hole, and a row without any step."""


def answer(layer: Any, x: Any, mask: Any) -> tuple[Any, Any] | None:
    """A layer's output and output mask; None where it has no answer."""
    try:
        return run(layer, x, **({} if mask is None else {"mask": mask})), layer.compute_mask(x, mask)
    except LayerError:
        return None


@pytest.mark.parametrize(
    ("layer", "mask"),
    [
        (MaxPooling1D(padding="same"), None),
        (AveragePooling1D(pool_size=2, padding="same"), None),
        (MaxPooling2D(padding="same"), None),
        (AveragePooling2D(pool_size=2, padding="same"), None),
        (GlobalAveragePooling1D(), MASK),
        (GlobalMaxPooling1D(), MASK),
        (GlobalAveragePooling2D(), None),
        (GlobalMaxPooling2D(), None),
    ],
)
def test_every_mutant_changes_the_answer(layer: Any, mask: Any) -> None:
    x = numpy.random.default_rng(5).normal(size=(2, 5, 5, 3) if layer.rank == 2 else (2, 5, 3)) - 1.0
    right = answer(layer, x, mask)
    assert right is not None
    for mutant in layer.mutants:
        wrong = answer(with_mistake(layer, type(layer), mutant), x, mask)
        if wrong is None:
            continue
        if mutant.name == "takes_the_rest":  # it is about `valid`, of which steps are left over
            cut = dataclasses.replace(layer, padding="valid")
            whole, longer = (answer(one, x, mask) for one in (cut, with_mistake(cut, type(cut), mutant)))
            assert whole is not None
            assert longer is not None
            assert longer[0].shape[1] == whole[0].shape[1] + 1
            continue
        same = right[0].shape == wrong[0].shape and numpy.allclose(right[0], wrong[0], equal_nan=True)
        assert not same or right[1] is not wrong[1], mutant.name


def test_one_entry_a_sample_is_a_mask_of_all_its_steps() -> None:
    """A mask (batch, 1) keeps or drops whole samples: by hand the mean of 1, 3 and 5 is 3; of nothing it is 0 / 0."""
    x = np.stack([np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])] * 4)
    found = run(GlobalAveragePooling1D(), x, mask=np.array([[True], [False], [True], [True]]))
    assert found[0].tolist() == [3.0, 4.0]
    assert numpy.isnan(found[1]).all()
    with pytest.raises(LayerError, match="is not one entry for each of the 3 steps"):
        run(GlobalAveragePooling1D(), x, mask=np.ones((2, 1), dtype=bool))
