"""A plan is what was drawn, in every process: nobody can change it, and it travels without a loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan, PlannedInput, PlannedLayer, PlannedTraining, read_only
from tests.builders import POOLED, cases_of, plan_with

ROWS = np.empty(2, dtype=object)
ROWS[:] = [np.arange(3.0), np.arange(2.0)]
ARRAYS = {
    "floats": np.array([[0.0, -0.0, np.nan], [np.inf, 1e-45, 2.0]], np.float32),
    "turned": np.arange(6, dtype=np.int32).reshape(2, 3).T,
    "one": np.array(True),
    "none": np.zeros((0, 3), np.float16),
    "rows": ROWS,
}
TRAINING = PlannedTraining("SGD", {"momentum": 0.5}, {}, "loss", 2, ("d",), ("d.kernel",), {"x": ("x", "z")})
WHOLE = plan_with(
    layers={
        "d": PlannedLayer(
            "Dense",
            {"units": 1},
            weights={"kernel": read_only([[1.5]])},
            as_built=("kernel",),
            penalties={"kernel": {"type": "L1", "l1": 0.5}},
            activity_penalty={"type": "L2", "l2": 0.25},
            is_planned=False,
        )
    },
    inputs={name: PlannedInput((None, 3), "float32") for name in ARRAYS},
    runs=({name: read_only(array) for name, array in ARRAYS.items()},),
    cotangents={"y": (None, read_only([2.0]))},
    trainings=(TRAINING,),
    remade=("config",),
)


def leaves(value: Any) -> Iterator[Any]:
    if type(value) is dict:
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif type(value) is list:
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_what_travels_is_made_of_exact_built_in_types() -> None:
    assert {type(leaf) for leaf in leaves(WHOLE.to_wire())} <= {str, int, float, bool, bytes, type(None)}


def test_a_plan_arrives_as_it_was_sent() -> None:
    again = Plan.from_wire(WHOLE.to_wire())
    assert again.to_wire() == WHOLE.to_wire()
    assert (again.trainings, again.inputs, again.remade) == ((TRAINING,), WHOLE.inputs, ("config",))
    for name, array in ARRAYS.items():
        got = again.runs[0][name]
        assert (got.dtype, got.shape) == (array.dtype, array.shape)
        if array.dtype != object:
            np.testing.assert_array_equal(got, array)
    assert [row.tolist() for row in again.runs[0]["rows"]] == [[0, 1, 2], [0, 1]]


def test_a_drawn_plan_arrives_too(tmp_path: Path) -> None:
    plan = plan_of(cases_of(POOLED, tmp_path)[0])
    assert Plan.from_wire(plan.to_wire()).to_wire() == plan.to_wire()


def test_nobody_can_change_a_plan() -> None:
    with pytest.raises(FrozenInstanceError):
        WHOLE.id = "other"  # type: ignore[misc]  # what is tried
    for array in (WHOLE.runs[0]["floats"], WHOLE.runs[0]["rows"][0], WHOLE.layers["d"].weights["kernel"]):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_what_is_held_is_a_copy_where_somebody_could_change_it() -> None:
    array = np.zeros(3)
    held = read_only(array)
    array[0] = 1.0
    assert held.tolist() == [0, 0, 0]
    assert read_only(held) is held


@pytest.mark.parametrize("fields", [{"runs": ({"x": np.zeros(2)},)}, {"cotangents": {"y": (np.zeros(2),)}}])
def test_an_array_that_somebody_could_change_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        replace(WHOLE, **fields)


def test_an_input_that_holds_another_array_keeps_its_open_axes() -> None:
    given = PlannedInput((2, None, 4), "int32")
    assert given.like(np.zeros((3, 5, 4), np.float32)) == PlannedInput((3, None, 4), "float32")
    assert (given.batch_axis, PlannedInput((2, 3), "int32").batch_axis) == (1, 0)


@pytest.mark.parametrize(
    ("config", "is_it"),
    [({"stateful": True}, True), ({"stateful": False}, False), ({"layer": {"cells": [{"stateful": True}]}}, True)],
)
def test_a_layer_has_a_memory_where_one_inside_it_has(config: dict[str, Any], is_it: bool) -> None:
    assert plan_with(layers={"d": PlannedLayer("RNN", config)}).has_memory is is_it
