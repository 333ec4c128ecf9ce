"""What a layer of one's own says of its weights, by their names."""

from __future__ import annotations

import pytest

from conformance.reference import own
from conformance.reference.base import LayerError
from conformance.reference.rnn import RNN


def test_moving_statistics_are_trained_nowhere_whatever_they_stand_in() -> None:
    held = {"gamma": (3,), "moving_mean": (3,), "inner.moving_variance": (3,), "moving.kernel": (3, 3)}
    layer = own._Own(path="team.layers.Scale", written={"weights": held})
    found = layer.weights()
    assert [name for name, weight in found.items() if weight.is_trained] == ["gamma", "moving.kernel"]
    assert found["inner.moving_variance"].draw == "variance"


def test_a_cell_of_one_s_own_is_refused_by_its_path() -> None:
    cell = own._Own(path="team.cells.Slow", written={"weights": {"kernel": (3, 3)}})
    with pytest.raises(LayerError, match=r"team\.cells\.Slow is a layer of the user's own, of whose states"):
        RNN(cell=cell).weights((2, 5, 3))
