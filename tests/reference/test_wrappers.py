"""Bidirectional and TimeDistributed around layers that add up, so that every output is known by hand."""

from __future__ import annotations

import re
from typing import Any

import numpy
import pytest

from conformance.mutants.layer import broken
from conformance.reference.base import Layer, LayerError, Mutant, Weights, make
from conformance.reference.rnn import GRU, LSTM, SimpleRNN
from conformance.reference.wrappers import Bidirectional, TimeDistributed
from tests.reference.helpers import assert_gradient_matches_finite_difference, run, weights_of

DOUBLING = {"kernel": [[1.0]], "recurrent_kernel": [[2.0]], "bias": [0.0]}
BOTH = {f"{scope}.{name}": value for scope in ("forward", "backward") for name, value in DOUBLING.items()}
X = numpy.array([[[1.0], [2.0], [4.0]]])
PADDED = numpy.array([[True, True, False]])


def adds(**config: Any) -> SimpleRNN:
    """h' = x + 2 h."""
    return SimpleRNN(units=1, activation=None, **config)


def both(inner: Layer, merge_mode: Any = "concat", mask: Any = None, state: Any = None, **config: Any) -> Any:
    layer = Bidirectional(layer=inner, merge_mode=merge_mode, **config)
    output = run(layer, X, weights=BOTH, mask=mask, initial_state=state)
    return [part.tolist() for part in output] if isinstance(output, list) else output.tolist()


def test_both_directions_stand_at_the_same_step() -> None:
    """Forward 1, 2 + 2, 4 + 8; backward 4, 2 + 8, 1 + 20, turned round."""
    assert both(adds(return_sequences=True)) == [[[1, 21], [4, 10], [12, 4]]]


def test_the_last_outputs_are_those_of_opposite_ends() -> None:
    assert both(adds()) == [[12, 21]]


@pytest.mark.parametrize(
    ("mode", "expected"), [("sum", [[33]]), ("mul", [[252]]), ("ave", [[16.5]]), (None, [[[12]], [[21]]])]
)
def test_merge_modes(mode: Any, expected: Any) -> None:
    assert both(adds(), mode) == expected


def test_masked_steps_are_left_out_in_both_directions_and_zero_in_a_sequence() -> None:
    """Forward 1, 4; backward 2, 1 + 4. In a sequence the third step is zero, without asking for it."""
    assert both(adds(return_sequences=True), mask=PADDED) == [[[1, 5], [4, 2], [0, 0]]]
    assert both(adds(), mask=PADDED) == [[4, 5]]
    assert both(adds(zero_output_for_mask=True), mask=PADDED) == [[4, 5]]


def test_states_of_the_forward_layer_come_first() -> None:
    """From 100 forward: 201, 404, 812; from 1000 backward: 2004, 4010, 8021."""
    state = [numpy.array([[100.0]]), numpy.array([[1000.0]])]
    assert both(adds(return_state=True), "sum", state=state) == [[[8833]], [[812]], [[8021]]]
    assert both(adds(return_state=True), None, state=state) == [[[812]], [[8021]], [[812]], [[8021]]]


def test_a_backward_layer_of_its_own() -> None:
    """The backward layer gives relu of x + 2 h: with -4, -2, -1 read from the end, nothing."""
    backward = SimpleRNN(units=1, activation="relu", go_backwards=True)
    layer = Bidirectional(layer=adds(), backward_layer=backward)
    assert run(layer, -X, weights=BOTH).tolist() == [[-12, 0]]


def test_a_stateful_pair_goes_on_in_both_directions() -> None:
    """Forward 12 and then 1 + 24, 52, 108; backward 21 and then 4 + 42, 94, 189."""
    weights = Weights({name: numpy.array(value) for name, value in BOTH.items()})
    layer = Bidirectional(layer=adds(stateful=True))
    assert [layer.call(weights, X).tolist() for _ in range(2)] == [[[12, 21]], [[108, 189]]]


def test_masks_of_both_outputs() -> None:
    sequence, last = adds(return_sequences=True), adds()
    assert Bidirectional(layer=sequence).compute_mask(X, PADDED) is PADDED
    assert Bidirectional(layer=last).compute_mask(X, PADDED) is None
    assert Bidirectional(layer=sequence, merge_mode=None).compute_mask(X, PADDED) == [PADDED, PADDED]


def test_weights_stand_forward_before_backward() -> None:
    layer = Bidirectional(layer=LSTM(units=2), backward_layer=GRU(units=3, go_backwards=True))
    assert {name: weight.shape for name, weight in layer.weights((5, 7, 4)).items()} == {
        "forward.kernel": (4, 8),
        "forward.recurrent_kernel": (2, 8),
        "forward.bias": (8,),
        "backward.kernel": (4, 9),
        "backward.recurrent_kernel": (3, 9),
        "backward.bias": (2, 9),
    }
    assert layer.longest_sum(layer.weights((5, 7, 4)), (5, 7, 4)) == 4 + 3 + 7


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"layer": GRU(units=1, go_backwards=True)}, "the two layers must have different go_backwards"),
        ({"layer": GRU(units=1), "backward_layer": GRU(units=1)}, "the two layers must have different go_backwards"),
        (
            {"layer": GRU(units=1), "backward_layer": GRU(units=1, go_backwards=True, stateful=True)},
            "the two layers must have the same stateful",
        ),
        ({"layer": GRU(units=1), "merge_mode": "max"}, "merge_mode must be concat, sum, mul, ave or None, not 'max'"),
        ({"layer": TimeDistributed(layer=GRU(units=1))}, "TimeDistributed has no go_backwards"),
    ],
)
def test_what_bidirectional_refuses(config: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        Bidirectional(**config).check()


def test_bidirectional_is_made_from_a_nested_config() -> None:
    made = make("Bidirectional", {"layer": {"type": "LSTM", "units": 2}, "merge_mode": "sum"})
    assert made == Bidirectional(layer=LSTM(units=2), merge_mode="sum")


FRAMES = numpy.array([[[[1.0], [2.0]], [[3.0], [4.0]], [[5.0], [6.0]]]])
"""One sample of three frames, each a sequence of two steps."""
INNER = {f"layer.{name}": value for name, value in DOUBLING.items()}


def test_time_distributed_takes_each_step_by_itself() -> None:
    """x2 + 2 x1 of every frame: 2 + 2, 4 + 6, 6 + 10."""
    layer = TimeDistributed(layer=adds())
    assert run(layer, FRAMES, weights=INNER).tolist() == [[[4], [10], [16]]]


def test_time_distributed_hands_on_the_mask_of_the_step() -> None:
    """The second step of the first frame is left out: 1."""
    mask = numpy.array([[[True, False], [True, True], [True, True]]])
    layer = TimeDistributed(layer=adds())
    assert run(layer, FRAMES, weights=INNER, mask=mask).tolist() == [[[1], [10], [16]]]
    assert layer.compute_mask(FRAMES, mask) is mask


def test_time_distributed_refuses() -> None:
    with pytest.raises(LayerError, match=re.escape("at least three axes (batch, steps, ...), not 2")):
        run(TimeDistributed(layer=adds()), numpy.ones((2, 3)))
    with pytest.raises(LayerError, match=re.escape("the mask (1, 2) does not fit the input (1, 3, 2, 1)")):
        run(TimeDistributed(layer=adds()), FRAMES, weights=INNER, mask=numpy.ones((1, 2), bool))


def test_rules_have_the_numbers_filled_in() -> None:
    inner = "the output of the last of 7 steps, 3 units: (2, 3)"
    assert Bidirectional(layer=LSTM(units=3)).rule((2, 7, 4)) == f"each direction: {inner}; side by side"
    assert TimeDistributed(layer=LSTM(units=3)).rule((2, 5, 7, 4)) == f"5 steps, each by itself: {inner}"


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Bidirectional(layer=LSTM(units=2, return_sequences=True), merge_mode="mul"), (2, 3, 4)),
        (Bidirectional(layer=GRU(units=2, return_state=True)), (2, 3, 4)),
        (TimeDistributed(layer=GRU(units=2)), (2, 3, 4, 2)),
    ],
    ids=["mul", "concat", "time_distributed"],
)
def test_gradients(layer: Any, shape: tuple[int, ...]) -> None:
    assert_gradient_matches_finite_difference(layer, numpy.random.default_rng(8).normal(size=shape))


MASK = numpy.array([[True, False, True, True], [True, True, True, False], [False, False, True, True]])


def outcome(layer: Any, mutant: Mutant, weights: dict[str, Any], x: Any, kwargs: dict[str, Any]) -> list[Any]:
    """Outputs and mask with the mutant's hooks around the layer."""
    wrong = broken(layer, mutant)
    used = weights if mutant.weights is None else {**weights, **mutant.weights(layer, weights)}
    args, options = ([x], kwargs) if mutant.inputs is None else mutant.inputs(layer, [x], kwargs)
    output = wrong.call(Weights(used), *args, **options)
    output = output if mutant.output is None else mutant.output(layer, output, [x])
    mask = wrong.compute_mask(x, kwargs.get("mask"))
    mask = mask if mutant.mask is None else mutant.mask(layer, mask, kwargs.get("mask"))
    return [*(output if isinstance(output, list) else [output]), "no mask" if mask is None else mask]


def are_equal(one: Any, other: Any) -> bool:
    return numpy.shape(one) == numpy.shape(other) and bool(numpy.all(one == other))


@pytest.mark.parametrize("mutant", Bidirectional.mutants, ids=lambda mutant: mutant.name)
@pytest.mark.parametrize("merge_mode", ["concat", "sum", None])
def test_mutants_of_bidirectional(mutant: Mutant, merge_mode: Any) -> None:
    """Each on data designed for it; what is turned round cannot be told from the outside after a sum."""
    random = numpy.random.default_rng(9)
    x = random.normal(size=(3, 4, 2))
    last = mutant.name == "last_step_of_both"
    layer = Bidirectional(layer=GRU(units=2, return_sequences=not last, return_state=True), merge_mode=merge_mode)
    kwargs = {"mask": MASK, "initial_state": [random.normal(size=(3, 2)) for _ in range(2)]}
    weights = weights_of(layer, x.shape)
    right = outcome(layer, Mutant("none", "does it right"), weights, x, kwargs)
    wrong = outcome(layer, mutant, weights, x, kwargs)
    reveals = not all(map(are_equal, right, wrong)) or len(right) != len(wrong)
    assert reveals == (not (mutant.name == "backward_not_flipped" and merge_mode == "sum"))


@pytest.mark.parametrize("mutant", TimeDistributed.mutants, ids=lambda mutant: mutant.name)
def test_mutants_of_time_distributed(mutant: Mutant) -> None:
    x = numpy.random.default_rng(9).normal(size=(3, 4, 5, 2))
    layer = TimeDistributed(layer=GRU(units=2))
    weights = weights_of(layer, x.shape)
    kwargs = {"mask": numpy.random.default_rng(1).random((3, 4, 5)) > 0.3}
    right = outcome(layer, Mutant("none", "does it right"), weights, x, kwargs)
    assert not all(map(are_equal, right, outcome(layer, mutant, weights, x, kwargs)))
