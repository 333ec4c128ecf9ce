"""What a layer of one's own says of its weights, by their names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from conformance import imports
from conformance.reference import own
from conformance.reference.base import LayerError, Weights, full_config, make
from conformance.reference.rnn import RNN


def test_moving_statistics_are_trained_nowhere_whatever_they_stand_in() -> None:
    held = {"gamma": (3,), "moving_mean": (3,), "inner.moving_variance": (3,), "moving.kernel": (3, 3)}
    layer = own._Own(path="team.layers.Scale", written={"weights": held})
    found = layer.weights()
    assert [name for name, weight in found.items() if weight.is_trained] == ["gamma", "moving.kernel"]
    assert found["inner.moving_variance"].draw == "variance"


STEPS = """
def slow(x, states, weights, units, keep=0.5):
    h = keep * states[0] + (1 - keep) * x @ weights["kernel"]
    return h, [h]


def states_alone(x, states, weights, units, keep=0.5):
    return states


def two_states(x, states, weights, units, keep=0.5):
    return states[0], [states[0], states[0]]


def at_rest(x, states, weights, units, training=False):
    return states[0] + (1.0 if training else 2.0), states[0]
"""


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """A cell of a project of one's own, by the name of its function."""
    (tmp_path / "own_steps.py").write_text(STEPS, encoding="utf-8")
    imports.allow({"packages": ["own_steps", "team"], "root": str(tmp_path)})
    before = list(sys.path)

    def made(function: str, **more: Any) -> Any:
        written = {"units": 1, "states": [1], "weights": {"kernel": (1, 1)}, "reference": f"own_steps.{function}"}
        return make("team.cells.Slow", {**written, **more})

    yield made
    imports.allow(None)
    sys.path[:] = before
    sys.modules.pop("own_steps", None)


def run(cell: Any, **call: Any) -> Any:
    """The outputs of 3 steps of 1, 2 and 4 with the kernel 1."""
    x = numpy.array([[[1.0], [2.0], [4.0]]])
    return RNN(cell=cell, return_sequences=True).call(Weights({"cell.kernel": numpy.ones((1, 1))}), x, **call)


def test_a_cell_of_one_s_own_goes_along_the_steps(cell: Callable[..., Any]) -> None:
    """By hand: h = h / 2 + x / 2 from 0: 1/2, 1/4 + 1, 5/8 + 2; where the second step is masked 1/2, 1/2, 1/4 + 2."""
    assert run(cell("slow")).tolist() == [[[0.5], [1.25], [2.625]]]
    mask = numpy.array([[True, False, True]])
    assert run(cell("slow"), mask=mask).tolist() == [[[0.5], [0.5], [2.25]]]
    assert run(cell("slow", keep=0.0)).tolist() == [[[1.0], [2.0], [4.0]]]
    weights = RNN(cell=cell("slow")).weights((2, 5, 3))
    assert {name: weight.shape for name, weight in weights.items()} == {"cell.kernel": (1, 1)}


def test_training_is_told_to_a_cell_that_takes_it(cell: Callable[..., Any]) -> None:
    assert run(cell("at_rest"), training=True).tolist() == [[[1.0], [1.0], [1.0]]]
    assert run(cell("at_rest"), training=False).tolist() == [[[2.0], [2.0], [2.0]]]


@pytest.mark.parametrize(
    ("function", "more", "said"),
    [
        ("states_alone", {}, "own_steps.states_alone must give two things, the output and the new states"),
        ("two_states", {}, "own_steps.two_states gives 2 states, not 1"),
        ("slow", {"reference": None}, "team.cells.Slow has no reference, by which a sequence could be run"),
    ],
)
def test_cells_that_cannot_be_run(function: str, more: Any, said: str, cell: Callable[..., Any]) -> None:
    with pytest.raises(LayerError, match=said):
        run(cell(function, **more))


def test_a_layer_of_one_s_own_without_states_is_no_cell() -> None:
    layer = own._Own(path="team.cells.Slow", written={"weights": {"kernel": (3, 3)}})
    with pytest.raises(LayerError, match=r"team\.cells\.Slow is run as a cell, and the case says no states: of it"):
        RNN(cell=layer).weights((2, 5, 3))


def test_a_layer_inside_of_another_keeps_its_path(cell: Callable[..., Any]) -> None:
    """Lanes are told the path: the torch lane was told the name of our own class, and raised KeyError."""
    told = full_config(RNN(cell=cell("slow")))["cell"]
    assert told["type"] == "team.cells.Slow"
    assert told["states"] == [1]
