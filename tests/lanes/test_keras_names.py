"""The walk over Keras' names: over something that looks like Keras, and over the Keras of the shared environment."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from conformance.case.keras_names import recorded, release
from conformance.errors import LaneUnavailable
from conformance.lanes.keras_names import public_names
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec


class Dense:
    def __init__(self, units: int, activation: Any = None, **kwargs: Any) -> None: ...


class MeanSquaredError:
    def __init__(self, reduction: str = "mean") -> None: ...


SOMETHING = object()


def square(x: Any, how: Any = Dense, *, where: Any = SOMETHING) -> Any: ...


KERAS = SimpleNamespace(
    layers=SimpleNamespace(Dense=Dense, FullyConnected=Dense, _hidden=Dense, version="1"),
    losses=SimpleNamespace(MeanSquaredError=MeanSquaredError, helpers=ModuleType("helpers")),
    metrics=SimpleNamespace(MSE=MeanSquaredError),
    ops=SimpleNamespace(square=square),
)


def test_aliases_are_folded_into_the_name_of_the_object() -> None:
    found = {item["name"]: item for item in public_names(KERAS)}
    assert list(found) == ["Dense", "MeanSquaredError", "square"]
    assert found["Dense"]["aliases"] == ["FullyConnected"]
    assert found["MeanSquaredError"]["kind"] == "losses"
    assert found["square"]["form"] == "function"


def test_defaults_are_written_as_python_writes_them_and_have_no_address() -> None:
    found = {item["name"]: item["arguments"] for item in public_names(KERAS)}
    assert found["Dense"] == [["units", None], ["activation", "None"]]
    assert found["square"] == [["x", None], ["how", "Dense"], ["where", "<object>"]]


@pytest.mark.frameworks
def test_what_messages_know_of_keras_is_what_the_pinned_keras_has() -> None:
    lane = ProcessLane(LaneSpec("keras", "keras"))
    try:
        found = release(lane.identity().versions["keras"], lane.public_names())
    finally:
        lane.stop()
    assert found == recorded(), "run: conformance coverage --record"


def test_a_lane_that_has_no_names_says_so() -> None:
    lane = ProcessLane(LaneSpec("fake", "tests.fakes", {"behaviour": "always_right"}))
    try:
        with pytest.raises(LaneUnavailable, match="does not say which names it has"):
            lane.public_names()
    finally:
        lane.stop()
