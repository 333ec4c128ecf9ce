"""Another function of the same name is tried wherever a layer names that activation."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.mutants.activation import MISTAKEN, mistaken_activations
from conformance.mutants.layer import broken
from conformance.reference.activation_layers import LeakyReLU
from conformance.reference.activations import ACTIVATIONS, activate
from conformance.reference.core import Dense
from conformance.reference.rnn import LSTM

X = np.array([[-4.0, -1.0, 0.5, 2.0], [3.0, 1.0, -0.5, 0.25]])


@pytest.mark.parametrize("name", MISTAKEN)
def test_the_other_function_is_another_one(name: str) -> None:
    for does, function in MISTAKEN[name]:
        assert not np.allclose(function(X), ACTIVATIONS[name](X)), does


def test_the_hard_sigmoid_of_keras_2_by_hand() -> None:
    """x / 5 + 1 / 2 between 0 and 1: of -4, -1, 0.5, 2 these are 0, 0.3, 0.6, 0.9."""
    ((_, function),) = MISTAKEN["hard_sigmoid"]
    np.testing.assert_allclose(activate(function, X)[0], [0.0, 0.3, 0.6, 0.9])


def test_every_argument_that_names_it_and_no_other_is_replaced() -> None:
    layer = LSTM(units=2, activation="relu", recurrent_activation="hard_sigmoid")
    changed = {one.name: broken(layer, one) for one in mistaken_activations(LSTM) if broken(layer, one) != layer}
    assert set(changed) == {"activation=relu", "recurrent_activation=hard_sigmoid"}
    assert vars(changed["activation=relu"])["recurrent_activation"] == "hard_sigmoid"
    assert all(broken(Dense(units=2), one) == Dense(units=2) for one in mistaken_activations(Dense))
    assert mistaken_activations(LeakyReLU) == ()
