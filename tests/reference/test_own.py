"""What a layer of one's own says of its weights, by their names."""

from __future__ import annotations

from conformance.reference import own


def test_moving_statistics_are_trained_nowhere_whatever_they_stand_in() -> None:
    held = {"gamma": (3,), "moving_mean": (3,), "inner.moving_variance": (3,), "moving.kernel": (3, 3)}
    layer = own._Own(path="team.layers.Scale", written={"weights": held})
    found = layer.weights()
    assert [name for name, weight in found.items() if weight.is_trained] == ["gamma", "moving.kernel"]
    assert found["inner.moving_variance"].draw == "variance"
