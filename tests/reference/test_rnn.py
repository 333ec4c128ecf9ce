"""Recurrent layers on cells that add up: h' = x + h, or h' = x + 2 h, so that every output is known by hand."""

from __future__ import annotations

import re
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.mutants.layer import broken, with_mistake
from conformance.reference.base import LayerError, Mutant, Weights, make
from conformance.reference.recurrent import GRUCell, LSTMCell, SimpleRNNCell
from conformance.reference.rnn import GRU, LSTM, RNN, SimpleRNN
from tests.reference.helpers import (
    assert_directional_derivative,
    assert_gradient_matches_finite_difference,
    run,
    weights_of,
)

SUM = {"kernel": [[1.0]], "recurrent_kernel": [[1.0]], "bias": [0.0]}
DOUBLING = {"kernel": [[1.0]], "recurrent_kernel": [[2.0]], "bias": [0.0]}
X = numpy.array([[[1.0], [2.0], [4.0], [8.0]]])
HOLE = numpy.array([[True, False, True, True]])
NOTHING = numpy.zeros((1, 4), bool)


def adds(weights: Any = SUM, x: Any = X, mask: Any = None, initial_state: Any = None, **config: Any) -> Any:
    """The outputs of a SimpleRNN of one unit without activation, as plain lists."""
    layer = SimpleRNN(units=1, activation=None, **config)
    output = run(layer, x, weights=weights, mask=mask, initial_state=initial_state)
    if isinstance(output, list):
        return [part[..., 0].tolist() for part in output]
    return output[..., 0].tolist()


def test_the_last_output_is_that_of_the_last_step() -> None:
    """h' = x + 2 h over 1, 2, 4, 8: 1, 4, 12, 32."""
    assert adds(DOUBLING, return_sequences=True) == [[1, 4, 12, 32]]
    assert adds(DOUBLING) == [32]


def test_backwards_reads_the_last_step_first_and_keeps_that_order() -> None:
    """8, 4 + 16, 2 + 40, 1 + 84."""
    assert adds(DOUBLING, return_sequences=True, go_backwards=True) == [[8, 20, 42, 85]]
    assert adds(DOUBLING, go_backwards=True) == [85]


def test_states_follow_the_output() -> None:
    assert adds(DOUBLING, return_sequences=True, return_state=True) == [[[1, 4, 12, 32]], [32]]
    layer = LSTM(units=3, return_state=True)
    output, h, c = run(layer, numpy.ones((2, 5, 4)))
    assert numpy.array_equal(output, h)
    assert c.shape == (2, 3)
    assert not numpy.allclose(h, c)


def test_an_initial_state_is_where_it_starts() -> None:
    """h' = x + 2 h from 100: 201, 404, 812, 1632; alone or in a list."""
    for state in (numpy.array([[100.0]]), [numpy.array([[100.0]])]):
        assert adds(DOUBLING, initial_state=state, return_sequences=True) == [[201, 404, 812, 1632]]


def test_a_masked_step_keeps_state_and_output() -> None:
    """1, (step left out), 4 + 2, 8 + 12."""
    assert adds(DOUBLING, mask=HOLE, return_sequences=True) == [[1, 1, 6, 20]]
    assert adds(DOUBLING, mask=HOLE) == [20]


def test_masked_steps_are_zero_if_asked_for_in_a_sequence_only() -> None:
    """`zero_output_for_mask` is only used with `return_sequences` (documentation of keras.layers.RNN)."""
    ends_masked = numpy.array([[True, True, False, False]])
    assert adds(mask=HOLE, return_sequences=True, zero_output_for_mask=True) == [[1, 0, 5, 13]]
    assert adds(mask=ends_masked, zero_output_for_mask=True) == [3]


def test_backwards_the_mask_is_read_backwards_too() -> None:
    """8, 4 + 16, (2 left out), 1 + 40; zeros stand where the step that was left out was read, as the third."""
    assert adds(DOUBLING, mask=HOLE, return_sequences=True, go_backwards=True) == [[8, 20, 20, 41]]
    with_zeros = adds(DOUBLING, mask=HOLE, return_sequences=True, go_backwards=True, zero_output_for_mask=True)
    assert with_zeros == [[8, 20, 0, 41]]


def test_right_padding_is_truncation() -> None:
    padded = numpy.array([[True, True, False, False]])
    assert adds(DOUBLING, mask=padded) == adds(DOUBLING, x=X[:, :2]) == [4]


def test_before_the_first_valid_step_the_output_is_zero() -> None:
    left_padded = numpy.array([[False, False, True, True]])
    assert adds(DOUBLING, mask=left_padded, return_sequences=True) == [[0, 0, 4, 16]]


def test_without_any_valid_step_the_output_is_zero_and_the_state_stays() -> None:
    state = numpy.array([[7.0]])
    assert adds(mask=NOTHING, initial_state=state, return_sequences=True, return_state=True) == [[[0, 0, 0, 0]], [7]]


def test_each_row_has_its_own_mask() -> None:
    mask = numpy.array([[True, True, False, False], [True, False, False, True]])
    assert adds(x=numpy.concatenate([X, X]), mask=mask, return_sequences=True) == [[1, 3, 3, 3], [1, 1, 1, 9]]


def test_a_mask_goes_on_with_a_sequence_only() -> None:
    assert SimpleRNN(units=1, return_sequences=True).compute_mask(X, HOLE) is HOLE
    assert SimpleRNN(units=1).compute_mask(X, HOLE) is None
    assert LSTM(units=1, return_sequences=True, return_state=True).compute_mask(X, HOLE) == [HOLE, None, None]
    assert GRU(units=1, return_state=True).compute_mask(X, HOLE) == [None, None]


def stateful_calls(layer: Any, *parts: Any) -> list[Any]:
    weights = Weights({name: numpy.array(value) for name, value in DOUBLING.items()})
    return [layer.call(weights, part)[..., 0].tolist() for part in parts]


def test_a_stateful_layer_goes_on_where_it_stopped() -> None:
    """1, 4 and then 12, 32: two chunks are one run."""
    layer = SimpleRNN(units=1, activation=None, return_sequences=True, stateful=True)
    assert stateful_calls(layer, X[:, :2], X[:, 2:]) == [[[1, 4]], [[12, 32]]]
    other = SimpleRNN(units=1, activation=None, return_sequences=True)
    assert stateful_calls(other, X[:, :2], X[:, 2:]) == [[[1, 4]], [[4, 16]]]


def test_a_stateful_layer_has_one_batch_size() -> None:
    layer = SimpleRNN(units=1, activation=None, stateful=True)
    with pytest.raises(LayerError, match="the batch is 2, that of the states it kept is 1"):
        stateful_calls(layer, X, numpy.concatenate([X, X]))


def test_no_gradient_flows_into_the_call_before() -> None:
    """h = x1 is kept as a number: the slope of x2 + 2 h in x1 is 0, not 2."""
    layer = SimpleRNN(units=1, activation=None, stateful=True)

    def second_call(x: Any) -> Any:
        weights = Weights({name: numpy.array(value) for name, value in DOUBLING.items()})
        layer.call(weights, x[:, :1])
        return layer.call(weights, x[:, 1:])[0, 0]

    assert second_call(X[:, :2]) == 4
    assert autograd.grad(second_call)(X[:, :2])[..., 0].tolist() == [[0, 1]]


def test_a_list_of_cells_is_a_stack() -> None:
    """Sums 1, 3, 7, 15 and the sums of these."""
    cells = (SimpleRNNCell(units=1, activation=None), SimpleRNNCell(units=1, activation=None))
    layer = RNN(cell=cells, return_sequences=True, return_state=True)
    weights = {f"cell.{number}.{name}": value for number in range(2) for name, value in SUM.items()}
    output, first, second = run(layer, X, weights=weights, mask=HOLE)
    assert output[..., 0].tolist() == [[1, 1, 6, 19]]
    assert (first[0].tolist(), second[0].tolist()) == ([[13]], [[19]])


@pytest.mark.parametrize(
    ("layer", "cell"),
    [
        (SimpleRNN(units=3, return_sequences=True), SimpleRNNCell(units=3)),
        (GRU(units=3, reset_after=False, return_sequences=True), GRUCell(units=3, reset_after=False)),
        (LSTM(units=3, use_bias=False, return_sequences=True), LSTMCell(units=3, use_bias=False)),
    ],
    ids=["simple", "gru", "lstm"],
)
def test_a_layer_is_its_cell_step_by_step(layer: Any, cell: Any) -> None:
    x = numpy.random.default_rng(2).normal(size=(2, 3, 4))
    weights = weights_of(layer, x.shape)
    states = cell.initial_states(2)
    steps = []
    for step in range(3):
        output, states = run(cell, x[:, step], states, weights=weights)
        steps.append(output)
    assert numpy.array_equal(run(layer, x, weights=weights), numpy.stack(steps, axis=1))
    wrapped = {f"cell.{name}": value for name, value in weights.items()}
    in_rnn = run(RNN(cell=cell, return_sequences=True), x, weights=wrapped)
    assert numpy.array_equal(in_rnn, numpy.stack(steps, axis=1))


def test_dropout_is_the_same_in_every_step() -> None:
    layer = SimpleRNN(units=1000, activation=None, use_bias=False, dropout=0.5, return_sequences=True)
    weights = {"kernel": numpy.eye(1000), "recurrent_kernel": numpy.zeros((1000, 1000))}
    kept = run(layer, numpy.ones((1, 3, 1000)), weights=weights, training=True)[0]
    assert set(kept.ravel()) == {0.0, 2.0}
    assert numpy.array_equal(kept[0], kept[1])
    assert numpy.array_equal(kept[0], kept[2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: run(GRU(units=2), numpy.ones((2, 3))), "needs (batch, steps, features), not 2 axes"),
        (lambda: run(GRU(units=2), numpy.ones((2, 0, 3))), "at least one step"),
        (lambda: adds(mask=numpy.ones((1, 3), bool)), "needs a mask of shape (1, 4), not (1, 3)"),
        (lambda: make("LSTM", {"units": 0}), "units must be positive"),
        (lambda: make("RNN", {"cell": {"type": "LSTM", "units": 2}}), "LSTM is not a recurrent cell"),
        (lambda: make("RNN", {"cell": []}), "at least one cell"),
    ],
)
def test_errors(wrong: Any, message: str) -> None:
    with pytest.raises(LayerError, match=re.escape(message)):
        wrong()


def test_a_state_that_grows_at_every_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broadcast once more at every step, three samples of sixty steps would be 3^60 numbers."""

    def along_one_axis_more(mask: Any, x: Any) -> Any:
        return np.reshape(mask, (*mask.shape, *[1] * np.ndim(x)))

    monkeypatch.setattr("conformance.reference.rnn._along", along_one_axis_more)
    with pytest.raises(LayerError, match="after the next"):
        run(GRU(units=1), numpy.ones((3, 60, 1)), mask=numpy.ones((3, 60), bool))


def test_the_rule_has_the_numbers_filled_in() -> None:
    assert SimpleRNN(units=10).rule((2, 7, 3)) == "the output of the last of 7 steps, 10 units: (2, 10)"
    assert (
        GRU(units=10, return_sequences=True).rule((2, 7, 3)) == "the outputs of all 7 steps, 10 units each: (2, 7, 10)"
    )


MASK = numpy.array([[True, False, True, True], [True, True, True, False], [False, False, True, True]])


@pytest.mark.parametrize(
    "layer",
    [
        SimpleRNN(units=2, return_sequences=True),
        GRU(units=2, return_sequences=True, go_backwards=True),
        GRU(units=2, reset_after=False, return_sequences=True, zero_output_for_mask=True),
        LSTM(units=2, return_state=True),
        RNN(cell=(LSTMCell(units=2), GRUCell(units=3)), return_sequences=True),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_gradients(layer: Any) -> None:
    x = numpy.random.default_rng(4).normal(size=(3, 4, 2))
    assert_gradient_matches_finite_difference(layer, x, mask=MASK)


def test_the_gradient_reaches_the_initial_state() -> None:
    random = numpy.random.default_rng(4)
    x, cotangent = random.normal(size=(3, 4, 2)), random.normal(size=(3, 2))
    layer = LSTM(units=2)
    weights = Weights(weights_of(layer, x.shape))

    def result(states: Any) -> Any:
        return np.sum(cotangent * layer.call(weights, x, [states[:3], states[3:]]))

    def along(vector: Any) -> Any:
        return result(np.reshape(vector, (6, 2)))

    assert_directional_derivative(along, random.normal(size=12), random.normal(size=12))


def mutated(layer: Any, mutant: Mutant, weights: dict[str, Any], calls: Any, kwargs: dict[str, Any]) -> Any:
    """The outputs of all calls with the mutant's hooks around the layer."""
    wrong = broken(layer, mutant)
    w = Weights(weights if mutant.weights is None else {**weights, **mutant.weights(layer, weights)})
    outputs = []
    for x in calls:
        args, used = ([x], kwargs) if mutant.inputs is None else mutant.inputs(layer, [x], kwargs)
        output = wrong.call(w, *args, **used)
        outputs.append(output if mutant.output is None else mutant.output(layer, output, [x]))
    return outputs


def first_and_rest(outputs: Any) -> list[Any]:
    return [part for output in outputs for part in (output if isinstance(output, list) else [output])]


ENDS_MASKED = numpy.array([[True, True, True, False]] * 3)


@pytest.mark.parametrize("kind", [SimpleRNN, GRU, LSTM, RNN])
def test_every_mutant_changes_the_outputs(kind: Any) -> None:
    """On data designed for it: a mask with holes, an initial state, states given back, or two stateful calls."""
    random = numpy.random.default_rng(6)
    x = random.normal(size=(3, 4, 2))
    own = {"cell": LSTMCell(units=2)} if kind is RNN else {"units": 2}
    states = [random.normal(size=(3, 2)) for _ in range(2 if kind in (LSTM, RNN) else 1)]
    situations: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "first_step": ({}, {}),
        "forgets": ({"stateful": True}, {}),
        "never_backwards": ({"go_backwards": True}, {}),
        "draws_every_step": ({"dropout": 0.5, "return_sequences": True}, {"training": True}),
        "zeros_in_the_last_output": ({"zero_output_for_mask": True}, {"mask": ENDS_MASKED}),
        "states_reversed": ({"cell": (GRUCell(units=2), GRUCell(units=2))}, {}),
    }
    usual = ({"return_sequences": True, "return_state": True}, {"mask": MASK, "initial_state": states})
    for mutant in (one for one in kind.mutants if one.state is None):
        config, kwargs = situations.get(mutant.name, usual)
        layer = kind(**{**own, **config})
        weights = weights_of(layer, x.shape)
        right = first_and_rest(mutated(layer, Mutant("none", "does it right"), weights, [x, x], kwargs))
        wrong = first_and_rest(mutated(layer, mutant, weights, [x, x], kwargs))
        assert any(a.shape != b.shape or not numpy.allclose(a, b) for a, b in zip(right, wrong, strict=True)), (
            mutant.name
        )


@pytest.mark.parametrize("kind", [LSTM, RNN])
def test_a_cell_state_that_is_forgotten_is_seen_in_the_next_call(kind: Any) -> None:
    random = numpy.random.default_rng(6)
    x = random.normal(size=(3, 4, 2))
    layer = kind(stateful=True, **({"cell": LSTMCell(units=2)} if kind is RNN else {"units": 2}))
    (mutant,) = (one for one in kind.mutants if one.state is not None)
    weights, wrong = weights_of(layer, x.shape), with_mistake(layer, kind, mutant)
    right, forgetful = Weights(weights), Weights(weights)
    assert numpy.array_equal(layer.call(right, x), wrong.call(forgetful, x))
    h, c = (numpy.asarray(state) for state in right.state["states"])
    assert numpy.array_equal(forgetful.state["states"][0], h)
    assert not numpy.any(forgetful.state["states"][1]), "zeros, as before the call"
    assert numpy.any(c)
    assert not numpy.allclose(layer.call(right, x), wrong.call(forgetful, x))
