"""Recurrent cells against numbers worked out by hand and one published example."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.mutants.layer import broken
from conformance.reference.base import LayerError, Mutant, Weights, make
from conformance.reference.recurrent import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from conformance.reference.rnn import GRU
from tests.reference.helpers import assert_gradient_matches_finite_difference, run, weights_of

BY_HAND = {"activation": None, "recurrent_activation": "hard_sigmoid"}
"""Then a gate is x / 6 + 1 / 2, and every step can be worked out on paper."""


def test_the_simple_cell_multiplies_rows_by_its_kernels() -> None:
    """h' = [1, 2] @ [[1, 2], [0, 1]] + [3, 4] @ [[0, 1], [-1, 2]] + [10, 20] = [1, 4] + [-4, 11] + [10, 20]."""
    weights = {"kernel": [[1, 2], [0, 1]], "recurrent_kernel": [[0, 1], [-1, 2]], "bias": [10, 20]}
    cell = SimpleRNNCell(units=2, activation=None)
    output, states = run(cell, numpy.array([[1.0, 2.0]]), [numpy.array([[3.0, 4.0]])], weights=weights)
    assert output.tolist() == [[7, 35]]
    assert [state.tolist() for state in states] == [[[7, 35]]]


def gru_step(reset_after: bool, bias: Any) -> float:
    weights = {"kernel": [[0.6, -0.6, 2.0]], "recurrent_kernel": [[1.2, 0.6, -1.0]], "bias": bias}
    cell = GRUCell(units=1, reset_after=reset_after, **BY_HAND)
    output, _ = run(cell, numpy.array([[1.0]]), [numpy.array([[0.5]])], weights=weights)
    return float(output[0, 0])


def test_gru_with_the_reset_gate_after_the_product() -> None:
    """z = (0.6 + 0.3 + 0.5 * 1.2 + 0.3) / 6 + 0.5 = 0.8, r = (-0.6 + 0.5 * 0.6 - 0.3) / 6 + 0.5 = 0.4,
    n = 2 + 0.5 + 0.4 * (0.5 * -1 + 0.25) = 2.4, h' = 0.8 * 0.5 + 0.2 * 2.4 = 0.88.
    """
    assert gru_step(True, [[0.3, 0.0, 0.5], [0.3, -0.3, 0.25]]) == pytest.approx(0.88, rel=1e-14)


def test_gru_with_the_reset_gate_before_the_product() -> None:
    """The same gates; n = 2 + 0.5 + (0.4 * 0.5) * -1 = 2.3, h' = 0.4 + 0.2 * 2.3 = 0.86."""
    assert gru_step(False, [0.6, -0.3, 0.5]) == pytest.approx(0.86, rel=1e-14)


@pytest.mark.parametrize(("reset_after", "expected"), [(True, [[3.5, 10.0]]), (False, [[6.5, 9.0]])])
def test_the_reset_gate_acts_by_element(reset_after: bool, expected: Any) -> None:
    """h = [1, 2], r = [0.5, 1], z = 0: after, r * (h @ U) = r * [7, 10]; before, (r * h) @ U = [0.5, 2] @ U."""
    weights = {
        "kernel": numpy.zeros((1, 6)),
        "recurrent_kernel": numpy.concatenate([numpy.zeros((2, 4)), [[1, 2], [3, 4]]], axis=1),
        "bias": [[-3, -3, 0, 3, 0, 0], [0] * 6] if reset_after else [-3, -3, 0, 3, 0, 0],
    }
    cell = GRUCell(units=2, reset_after=reset_after, **BY_HAND)
    output, _ = run(cell, numpy.zeros((1, 1)), [numpy.array([[1.0, 2.0]])], weights=weights)
    assert output.tolist() == expected


def test_lstm_by_hand() -> None:
    """From h = c = 0 with x = 1: i = 0.6, f = 0.4, g = 2, o = 0.7, c = 1.2, h = 0.84. From there with x = 1:
    i = (0.6 + 0.252) / 6 + 0.5 = 0.642, f = (-0.6 + 0.504) / 6 + 0.5 = 0.484, g = 2 - 0.84 = 1.16,
    o = (1.2 + 0.504) / 6 + 0.5 = 0.784, c = 0.484 * 1.2 + 0.642 * 1.16 = 1.32552, h = 0.784 c = 1.03920768.
    """
    weights = {"kernel": [[0.6, -0.6, 2.0, 1.2]], "recurrent_kernel": [[0.3, 0.6, -1.0, 0.6]], "bias": [0.0] * 4}
    cell = LSTMCell(units=1, **BY_HAND)
    one, zero = numpy.array([[1.0]]), numpy.array([[0.0]])
    first, states = run(cell, one, [zero, zero], weights=weights)
    second, (h, c) = run(cell, one, states, weights=weights)
    assert first[0, 0] == pytest.approx(0.84, rel=1e-14)
    assert (second[0, 0], h[0, 0], c[0, 0]) == pytest.approx((1.03920768, 1.03920768, 1.32552), rel=1e-14)


def test_lstm_as_published() -> None:
    """A. Gomez, "Backpropagating an LSTM: A Numerical Example" (2016), forward at t = 0 and t = 1.

    Printed with five digits, and calculated on with these: the last digit may be off by one.
    """
    gates = {
        "i": ([0.95, 0.8], 0.8, 0.65),
        "f": ([0.7, 0.45], 0.1, 0.15),
        "c": ([0.45, 0.25], 0.15, 0.2),
        "o": ([0.6, 0.4], 0.25, 0.1),
    }
    weights = {
        "kernel": numpy.array([kernel for kernel, _, _ in gates.values()]).T,
        "recurrent_kernel": [[recurrent for _, recurrent, _ in gates.values()]],
        "bias": [bias for _, _, bias in gates.values()],
    }
    zero = numpy.array([[0.0]])
    _, (h, c) = run(LSTMCell(units=1), numpy.array([[1.0, 2.0]]), [zero, zero], weights=weights)
    assert (c[0, 0], h[0, 0]) == pytest.approx((0.78572, 0.53631), abs=1e-5)
    _, (h, c) = run(LSTMCell(units=1), numpy.array([[0.5, 3.0]]), [h, c], weights=weights)
    assert (c[0, 0], h[0, 0]) == pytest.approx((1.5176, 0.77197), abs=1e-4)


def test_stacked_cells_feed_each_other() -> None:
    """Two cells h' = x + h from h = 2 and h = 10 with x = 1: the first gives 3, the second 10 + 3."""
    cells = StackedRNNCells(cells=(SimpleRNNCell(units=1, activation=None), SimpleRNNCell(units=1, activation=None)))
    one = {"kernel": [[1.0]], "recurrent_kernel": [[1.0]], "bias": [0.0]}
    weights = {f"{number}.{name}": value for number in range(2) for name, value in one.items()}
    output, states = run(
        cells, numpy.array([[1.0]]), [[numpy.array([[2.0]])], [numpy.array([[10.0]])]], weights=weights
    )
    assert output.tolist() == [[13]]
    assert [state[0].tolist() for state in states] == [[[3]], [[13]]]


def test_stacked_weights_follow_the_sizes_from_cell_to_cell() -> None:
    cells = StackedRNNCells(cells=(LSTMCell(units=2), GRUCell(units=5, reset_after=False)))
    assert {name: weight.shape for name, weight in cells.weights((4, 3)).items()} == {
        "0.kernel": (3, 8),
        "0.recurrent_kernel": (2, 8),
        "0.bias": (8,),
        "1.kernel": (2, 15),
        "1.recurrent_kernel": (5, 15),
        "1.bias": (15,),
    }


@pytest.mark.parametrize("cell", [SimpleRNNCell(units=2), GRUCell(units=2)])
def test_a_state_that_comes_alone_goes_alone(cell: Any) -> None:
    x, h = numpy.ones((3, 4)), numpy.full((3, 2), 0.5)
    output, state = run(cell, x, h)
    assert state is output
    assert numpy.array_equal(run(cell, x, [h])[1][0], output)


def test_without_biases_there_are_two_weights() -> None:
    for cell in (
        SimpleRNNCell(units=2, use_bias=False),
        GRUCell(units=2, use_bias=False),
        LSTMCell(units=2, use_bias=False),
    ):
        assert list(cell.weights((1, 3))) == ["kernel", "recurrent_kernel"]
        with_bias = type(cell)(units=2)
        weights = weights_of(cell, (1, 3))
        zero_bias = weights | {"bias": numpy.zeros(with_bias.weights((1, 3))["bias"].shape)}
        x, states = numpy.ones((1, 3)), cell.initial_states(1)
        without, _ = run(cell, x, states, weights=weights)
        assert numpy.array_equal(without, run(with_bias, x, states, weights=zero_bias)[0])


def test_the_longest_sum_is_one_gate_of_the_widest_cell() -> None:
    assert LSTMCell(units=3).longest_sum(LSTMCell(units=3).weights((1, 5))) == 8
    stack = StackedRNNCells(cells=(GRUCell(units=2), GRUCell(units=4)))
    assert stack.longest_sum(stack.weights((1, 3))) == 6


@pytest.mark.parametrize("units", [0, -3])
def test_units_must_be_positive(units: int) -> None:
    with pytest.raises(LayerError, match=f"units must be positive, not {units}"):
        make("GRUCell", {"units": units})


def test_only_cells_can_be_stacked() -> None:
    with pytest.raises(LayerError, match="GRU is not a recurrent cell"):
        StackedRNNCells(cells=(GRU(units=2),)).check()
    with pytest.raises(LayerError, match="at least one cell"):
        StackedRNNCells(cells=()).check()


CELLS = {
    "simple": SimpleRNNCell(units=3),
    "gru": GRUCell(units=3),
    "gru_before": GRUCell(units=3, reset_after=False),
    "lstm": LSTMCell(units=3),
}


class _Flat(SimpleRNNCell):
    """Any cell with its states side by side in the output, for the gradient check."""

    cell: Any = None

    def weights(self, x: Any, *states: Any) -> Any:
        return self.cell.weights(x)

    def call(self, w: Any, x: Any, *states: Any) -> Any:
        output, new = self.cell.call(w, x, list(states))
        return [output, *new]


@pytest.mark.parametrize("name", CELLS)
def test_gradients(name: str) -> None:
    random = numpy.random.default_rng(3)
    x = random.normal(size=(2, 4))
    states = [random.normal(size=(2, 3)) for _ in CELLS[name].state_sizes]
    assert_gradient_matches_finite_difference(_Flat(units=3, cell=CELLS[name]), x, *states)


def dropped(training: bool, rate: float, **other: float) -> numpy.ndarray:
    cell = SimpleRNNCell(units=1, activation=None, use_bias=False, dropout=rate, **other)
    weights = Weights({"kernel": numpy.eye(1000), "recurrent_kernel": numpy.eye(1000)}, {}, numpy.random.default_rng(7))
    first, _ = cell.call(weights, numpy.ones((1, 1000)), [numpy.zeros((1, 1000))], training=training)
    second, _ = cell.call(weights, numpy.ones((1, 1000)), [numpy.zeros((1, 1000))], training=training)
    assert numpy.array_equal(first, second)
    return first[0]


def test_dropout_leaves_features_out_in_training_and_scales_the_rest() -> None:
    """Of 1000 features, 250 are left out on average with a standard deviation of 13.7; the rest are 1 / 0.75."""
    kept = dropped(True, 0.25)
    assert set(kept) == {0.0, 1 / 0.75}
    assert 180 < numpy.sum(kept == 0.0) < 320
    assert set(dropped(True, 1.0)) == {0.0}
    assert set(dropped(False, 0.25)) == {1.0}


def test_the_state_has_a_dropout_of_its_own() -> None:
    cell = SimpleRNNCell(units=1, activation=None, use_bias=False, recurrent_dropout=1.0)
    weights = Weights({"kernel": numpy.eye(2), "recurrent_kernel": numpy.eye(2)})
    x, h = numpy.array([[1.0, 2.0]]), numpy.array([[10.0, 20.0]])
    assert cell.call(weights, x, [h], training=True)[0].tolist() == [[1, 2]]
    assert cell.call(weights, x, [h], training=False)[0].tolist() == [[11, 22]]


def mutated(layer: Any, mutant: Mutant, weights: dict[str, Any], args: list[Any]) -> Any:
    """The layer's output with the mutant's hooks around it."""
    weights = weights if mutant.weights is None else {**weights, **mutant.weights(layer, weights)}
    used, _ = (args, {}) if mutant.inputs is None else mutant.inputs(layer, args, {})
    output = broken(layer, mutant).call(Weights(weights), *used)
    return output if mutant.output is None else mutant.output(layer, output, args)


STACK = StackedRNNCells(cells=(GRUCell(units=3), LSTMCell(units=3)))


@pytest.mark.parametrize("cell", [CELLS["simple"], CELLS["gru"], CELLS["lstm"], STACK], ids=lambda c: type(c).__name__)
def test_every_mutant_changes_the_output(cell: Any) -> None:
    random = numpy.random.default_rng(5)
    x = random.normal(size=(2, 4))
    weights = weights_of(cell, (2, 4))

    def drawn(zeros: Any) -> Any:
        return [drawn(z) for z in zeros] if isinstance(zeros, list) else random.normal(size=zeros.shape)

    args = [x, drawn(cell.initial_states(2))]
    right, _ = run(cell, *args, weights=weights)
    assert cell.mutants
    for mutant in cell.mutants:
        wrong, _ = mutated(cell, mutant, weights, args)
        assert not numpy.allclose(right, wrong), mutant.name


def test_a_mutant_without_hooks_changes_nothing() -> None:
    cell = CELLS["lstm"]
    args = [numpy.ones((2, 4)), cell.initial_states(2)]
    weights = weights_of(cell, (2, 4))
    same, _ = mutated(cell, Mutant("none", "does it right"), weights, args)
    assert numpy.array_equal(same, run(cell, *args, weights=weights)[0])


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_swapped_reset_gate_is_the_other_gru(reset_after: bool) -> None:
    """With one bias only, the mutant of either kind is exactly the other kind."""
    cell = GRUCell(units=2, reset_after=reset_after)
    mutant = next(m for m in cell.mutants if m.name == "reset_swapped")
    bias = numpy.arange(1.0, 7.0)
    zeros = numpy.zeros(6)
    weights = {"kernel": numpy.ones((1, 6)), "recurrent_kernel": numpy.arange(12.0).reshape(2, 6) / 10}
    one, other = {"bias": numpy.stack([bias, zeros])}, {"bias": bias}
    given, expected = (one, other) if reset_after else (other, one)
    args = [numpy.ones((1, 1)), [numpy.array([[0.5, -0.5]])]]
    wrong, _ = mutated(cell, mutant, {**weights, **given}, args)
    right, _ = run(GRUCell(units=2, reset_after=not reset_after), *args, weights={**weights, **expected})
    assert numpy.allclose(wrong, right, rtol=1e-14)


@pytest.mark.parametrize(("cell", "states"), [(SimpleRNNCell, 1), (GRUCell, 1), (LSTMCell, 2)])
def test_nothing_is_dropped_unless_asked_for(cell: Any, states: int) -> None:
    """The documentation gives 0 for both rates: training is what inference is."""
    x, state = numpy.ones((2, 3)), [numpy.full((2, 4), 0.5)] * states
    trained, tested = (run(cell(units=4), x, state, training=training)[0] for training in (True, False))
    assert numpy.array_equal(trained, tested)
