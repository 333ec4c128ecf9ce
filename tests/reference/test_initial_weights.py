"""What a layer's weights begin with: by hand, and by the defaults that Keras writes into its signatures."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.ask.meaning import takes_list
from conformance.case.keras_names import recorded
from conformance.case.layers import types
from conformance.kinds.initial import askable
from conformance.kinds.layers import asked
from conformance.reference.base import LayerError, Weights, make
from conformance.reference.initial_weights import initializer, named, written_for
from conformance.reference.initializers import fans


def weights_of(kind: str) -> dict[str, int]:
    """A layer's weights with how many axes each has."""
    one = asked(kind)
    assert one is not None
    shapes = [(2, *shape) for shape in one.shapes]
    held = make(kind, one.config).weights(*([shapes] if takes_list(kind) else shapes))
    return {key: len(weight.shape) for key, weight in held.items() if weight.value is None}


@pytest.mark.parametrize("kind", askable())
def test_defaults_are_those_of_the_signature(kind: str) -> None:
    """Two sources: a weight's name in the reference, and what Keras' constructor says of the argument."""
    one = asked(kind)
    assert one is not None
    layer = make(kind, one.config)
    defaults = {item.name: item.default for item in recorded().of("layers")[kind].arguments}
    for key, rank in weights_of(kind).items():
        own = key.rpartition(".")[2]
        argument = layer.initializers.get(own, f"{own}_initializer")
        if argument in defaults:
            documented = str(defaults[argument]).strip("'")
            assert named(written_for(layer, key, rank)[0])["type"] == named(documented)["type"], f"{kind}.{key}"


@pytest.mark.parametrize("kind", sorted(types()))
def test_an_argument_for_an_initialiser_is_taken(kind: str) -> None:
    """What a case writes for an initialiser counts, whatever its weight is called."""
    if kind not in askable():
        return
    one = asked(kind)
    assert one is not None
    taken = [name for name in types()[kind].keras_only if name.endswith("_initializer")]
    layer = make(kind, {**one.config, **dict.fromkeys(taken, "he_normal")})
    for key, rank in weights_of(kind).items():
        own = key.rpartition(".")[2]
        if layer.initializers.get(own, f"{own}_initializer") in taken:
            assert named(written_for(layer, key, rank)[0])["type"] == "HeNormal", f"{kind}.{key}"


def test_fans_by_hand() -> None:
    assert fans((3, 5)) == (3, 5)
    assert fans((2, 4, 3, 5)) == (24, 40)
    assert fans((7,)) == (7, 7)
    assert fans((3, 2, 4), (0,), (1, 2)) == (3, 8)
    assert fans((2, 4, 3), (0, 1), (2,)) == (8, 3)


def test_names_of_keras_are_taken_in_every_form() -> None:
    for written in ("glorot_uniform", "GlorotUniform", {"type": "GlorotUniform"}):
        assert named(written) == {"type": "GlorotUniform"}
    assert named("uniform")["type"] == "RandomUniform"
    assert named("zero")["type"] == "Zeros"
    with pytest.raises(LayerError, match="has no initialiser glorot"):
        named("glorot")
    with pytest.raises(LayerError, match="two axes at least"):
        initializer("orthogonal", (3,))


def test_the_forget_gate_begins_with_ones() -> None:
    def bias(**written: object) -> list[float]:
        words = {"type": "LSTM", "units": 1, **written}
        asking = make("InitialWeights", {"layer": words, "of": ["kernel", "recurrent_kernel", "bias"]})
        found = asking.call(Weights({}), np.zeros((2, 4, 3)))[2]
        return [float(number) for number in found[0]]

    assert bias() == [0, 1, 0, 0]
    assert bias(unit_forget_bias=False) == [0, 0, 0, 0]
    assert bias(bias_initializer="ones", unit_forget_bias=False) == [1, 1, 1, 1]
    assert bias(bias_initializer={"type": "Constant", "value": 2.0}) == [2, 1, 2, 2]


def test_all_weights_have_to_be_named() -> None:
    asking = make("InitialWeights", {"layer": {"type": "Dense", "units": 2}, "of": ["kernel"]})
    with pytest.raises(LayerError, match="the layer has the weights kernel, bias, not kernel"):
        asking.call(Weights({}), np.zeros((2, 3)))
