"""Layers made again: each way changes what it says and nothing else, and a layer that loses something shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.lanes.keras_remade import from_configs, put_saved, remakes_of
from conformance.protocol.plan import CONFIG, SAVED


class Doubling:
    """As much of a Keras layer as is needed: one argument, one weight."""

    built = True

    def __init__(self, units: int, weight: float = 0.0) -> None:
        self.units, self.weight = units, weight

    def get_config(self) -> dict[str, Any]:
        return {"units": self.units}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)

    @classmethod
    def _unpickle_model(cls) -> None:
        """What shows that a layer can be saved by itself."""


class Forgetful(Doubling):
    """Loses its argument in its config, and its weight on disk."""

    def get_config(self) -> dict[str, Any]:
        return {"units": 1}

    def __getstate__(self) -> dict[str, Any]:
        return {"units": self.units, "weight": 0.0}


KERAS = SimpleNamespace(layers=SimpleNamespace(Layer=Doubling), __version__="3.0.0")


def test_a_plan_that_asks_for_nothing_keeps_its_layers() -> None:
    layer = Doubling(3, 5.0)
    assert from_configs((), {"d": layer}) == {"d": layer}
    layers = {"d": layer}
    put_saved((), KERAS, layers)
    assert layers["d"] is layer


@pytest.mark.parametrize(("kind", "units"), [(Doubling, 3), (Forgetful, 1)])
def test_a_layer_from_its_config_has_the_arguments_that_are_in_it(kind: type[Doubling], units: int) -> None:
    layer = kind(3, 5.0)
    again = from_configs((CONFIG,), {"d": layer})["d"]
    assert again is not layer
    assert (type(again), again.units, again.weight) == (kind, units, 0.0)


@pytest.mark.parametrize(("kind", "weight"), [(Doubling, 5.0), (Forgetful, 0.0)])
def test_a_layer_that_was_saved_brings_its_weights(kind: type[Doubling], weight: float) -> None:
    layers: dict[str, Any] = {"d": kind(3, 5.0), "loss": "no layer"}
    before = layers["d"]
    put_saved((SAVED,), KERAS, layers)
    assert layers["d"] is not before
    assert (layers["d"].units, layers["d"].weight, layers["loss"]) == (3, weight, "no layer")


def test_a_keras_that_saves_models_only_is_asked_for_no_layer() -> None:
    assert remakes_of(KERAS) == (CONFIG, SAVED)
    assert remakes_of(SimpleNamespace(layers=SimpleNamespace(Layer=object))) == (CONFIG,)
