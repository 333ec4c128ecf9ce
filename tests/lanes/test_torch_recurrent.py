"""Recurrent ports in torch against the reference over the grid of options; which of them are torch's own modules."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import recurrent, rnn, wrappers  # noqa: E402  # torch may be missing
from conformance.lanes.torch.port import PORTS, Config, Parameters, Unsupported, applied  # noqa: E402  # as above
from conformance.reference import rnn as _rnn  # noqa: E402, F401  # registers the layers
from conformance.reference import wrappers as _wrappers  # noqa: E402, F401  # as above
from conformance.reference.base import Weights, full_config, make  # noqa: E402  # as above

X = numpy.random.default_rng(1).normal(size=(4, 5, 3)).astype("float32")
STATES = [numpy.random.default_rng(seed).normal(size=(4, 2)).astype("float32") for seed in range(2, 6)]
HOLES = numpy.array([[1, 0, 1, 1, 0], [0, 0, 1, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
RIGHT = numpy.array([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
MASKS = (None, RIGHT, HOLES)
FLAGS = (False, True)


def drawn_weights(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    random = numpy.random.default_rng(7)
    return {name: random.normal(size=w.shape).astype("float32") / 2 for name, w in layer.weights(shape).items()}


def to_torch(value: Any) -> Any:
    if isinstance(value, list):
        return [to_torch(item) for item in value]
    return value if value is None or isinstance(value, bool) else torch.tensor(value)


def flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in flat(item)] if isinstance(value, list | tuple) else [value]


def ported(kind: str, config: Any, weights: dict[str, Any]) -> tuple[Config, Parameters]:
    full = Config(kind, full_config(make(kind, config)))
    given = {name: torch.tensor(value) for name, value in weights.items()}
    mapped = PORTS[kind].weights(full).items()
    return full, Parameters({name: applied(entry, given) for name, entry in mapped if entry.source in given}, {})


def assert_same_answer(kind: str, config: dict[str, Any], *args: Any, calls: int = 1, **kwargs: Any) -> None:
    layer = make(kind, config)
    weights = drawn_weights(layer, args[0].shape)
    reference = Weights({name: value.astype(float) for name, value in weights.items()}, {})
    full, parameters = ported(kind, config, weights)
    for _ in range(calls):
        right = flat(layer.call(reference, *args, **kwargs))
        said = flat(
            PORTS[kind].call(full, parameters, *map(to_torch, args), **{k: to_torch(v) for k, v in kwargs.items()})
        )
        assert [tuple(item.shape) for item in said] == [item.shape for item in right], (kind, config)
        for one, other in zip(said, right, strict=True):
            numpy.testing.assert_allclose(one.numpy(), other, rtol=1e-5, atol=1e-5, err_msg=str((kind, config, kwargs)))


CELLS = {
    "SimpleRNN": ({}, {"activation": "relu"}, {"activation": None, "use_bias": False}),
    "GRU": (
        {},
        {"use_bias": False},
        {"reset_after": False},
        {"reset_after": False, "use_bias": False},
        {"recurrent_activation": "hard_sigmoid", "activation": "elu"},
    ),
    "LSTM": ({}, {"use_bias": False}, {"recurrent_activation": "hard_sigmoid", "activation": None}),
}


def test_cells() -> None:
    for kind, configs in CELLS.items():
        states = STATES[: 2 if kind == "LSTM" else 1]
        for config in configs:
            assert_same_answer(f"{kind}Cell", {"units": 2, **config}, X[:, 0], states)


def test_a_state_that_comes_alone_goes_alone() -> None:
    for kind in ("SimpleRNNCell", "GRUCell"):
        assert_same_answer(kind, {"units": 2}, X[:, 0], STATES[0])


@pytest.mark.parametrize("kind", CELLS)
def test_layers(kind: str) -> None:
    names = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
    states = STATES[: 2 if kind == "LSTM" else 1]
    for config, values, mask in itertools.product(CELLS[kind], itertools.product(FLAGS, repeat=4), MASKS):
        options = dict(zip(names, values, strict=True))
        start = states if options["go_backwards"] else None
        assert_same_answer(kind, {"units": 2, **config, **options}, X, mask=mask, initial_state=start)


def test_stateful_layers_go_on() -> None:
    for kind, mask in itertools.product(CELLS, MASKS):
        assert_same_answer(kind, {"units": 2, "stateful": True, "return_sequences": True}, X, mask=mask, calls=3)


def test_any_cell_and_stacks_of_cells() -> None:
    lstm, gru = {"type": "LSTMCell", "units": 2}, {"type": "GRUCell", "units": 4, "reset_after": False}
    stack = {"type": "StackedRNNCells", "cells": [gru, lstm]}
    for cell, backwards, mask in itertools.product((lstm, [lstm, gru], stack), FLAGS, MASKS):
        config = {"cell": cell, "return_sequences": True, "return_state": True, "go_backwards": backwards}
        assert_same_answer("RNN", config, X, mask=mask)


@pytest.mark.parametrize("kind", CELLS)
def test_bidirectional(kind: str) -> None:
    count = 4 if kind == "LSTM" else 2
    for mode, sequences, state, mask in itertools.product(("concat", "sum", "mul", "ave", None), FLAGS, FLAGS, MASKS):
        inner = {"type": kind, "units": 2, "return_sequences": sequences, "return_state": state}
        start = STATES[:count] if state else None
        assert_same_answer("Bidirectional", {"layer": inner, "merge_mode": mode}, X, mask=mask, initial_state=start)


def test_bidirectional_with_layers_that_are_no_torch_module() -> None:
    before = {"type": "GRU", "units": 2, "reset_after": False, "return_sequences": True}
    backward = {"type": "LSTM", "units": 3, "go_backwards": True, "return_sequences": True}
    cell = {"type": "RNN", "cell": {"type": "LSTMCell", "units": 2}, "return_state": True}
    for config in ({"layer": before}, {"layer": before, "backward_layer": backward}, {"layer": cell}):
        for mask in MASKS:
            assert_same_answer("Bidirectional", config, X, mask=mask)
    assert_same_answer("Bidirectional", {"layer": {"type": "GRU", "units": 2, "stateful": True}}, X, calls=2)


def test_time_distributed() -> None:
    frames = numpy.random.default_rng(1).normal(size=(4, 3, 5, 2)).astype("float32")
    mask = numpy.random.default_rng(2).random((4, 3, 5)) > 0.3
    for inner in ({"type": "LSTM", "units": 2}, {"type": "Bidirectional", "layer": {"type": "GRU", "units": 2}}):
        assert_same_answer("TimeDistributed", {"layer": inner}, frames)
        assert_same_answer("TimeDistributed", {"layer": inner}, frames, mask=mask)


def test_a_wrong_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrent, "activate", lambda name, x: 1.001 * x)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        assert_same_answer("SimpleRNNCell", {"units": 2, "activation": None}, X[:, 0], STATES[:1])


@pytest.mark.parametrize(
    ("kind", "config", "mask", "is_native"),
    [
        ("SimpleRNN", {"activation": "relu"}, None, True),
        ("SimpleRNN", {"activation": "elu"}, None, False),
        ("GRU", {"go_backwards": True}, None, True),
        ("GRU", {}, RIGHT, True),
        ("GRU", {"go_backwards": True}, RIGHT, False),
        ("GRU", {}, HOLES, False),
        ("GRU", {"reset_after": False}, None, False),
        ("LSTM", {}, RIGHT, True),
        ("LSTM", {"recurrent_activation": "hard_sigmoid"}, None, False),
    ],
)
def test_torch_modules_are_used_where_they_say_the_same(
    kind: str, config: dict[str, Any], mask: Any, is_native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    monkeypatch.setattr(rnn, "functional_call", lambda module, *args: used.append(module) or original(module, *args))
    assert_same_answer(kind, {"units": 2, **config}, X, mask=mask)
    assert [type(module).__name__ for module in used] == ([kind.removeprefix("Simple")] if is_native else [])


def test_a_bidirectional_module_is_used_where_it_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    used = []
    monkeypatch.setattr(rnn, "functional_call", lambda module, *args: used.append(module) or original(module, *args))
    assert_same_answer("Bidirectional", {"layer": {"type": "LSTM", "units": 2}}, X, mask=RIGHT)
    assert [(type(module).__name__, module.bidirectional) for module in used] == [("LSTM", True)]
    assert_same_answer("Bidirectional", {"layer": {"type": "LSTM", "units": 2}}, X, mask=HOLES)
    assert len(used) == 1


original = torch.func.functional_call


@pytest.mark.parametrize("bias", FLAGS)
@pytest.mark.parametrize(("kind", "module"), [("SimpleRNN", "RNN"), ("GRU", "GRU"), ("LSTM", "LSTM")])
def test_weights_are_those_of_the_module(kind: str, module: str, bias: bool) -> None:
    """Names and shapes, and for the bidirectional wrapper too."""
    inner = {"units": 2, "use_bias": bias}
    for both in FLAGS:
        config = {"layer": {"type": kind, **inner}} if both else inner
        name = "Bidirectional" if both else kind
        _, parameters = ported(name, config, drawn_weights(make(name, config), (4, 5, 3)))
        made = getattr(torch.nn, module)(3, 2, bias=bias, bidirectional=both)
        assert {key: value.shape for key, value in parameters.tensors.items()} == {
            key: value.shape for key, value in made.named_parameters()
        }


def test_gates_of_a_gru_are_put_in_torchs_order() -> None:
    """Keras: z = 1, r = 2, h = 3; torch: r = 2, z = 1, n = 3."""
    weights = {
        "kernel": [[1.0, 2.0, 3.0]],
        "recurrent_kernel": [[4.0, 5.0, 6.0]],
        "bias": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
    }
    _, parameters = ported("GRU", {"units": 1}, weights)
    assert {name: value.ravel().tolist() for name, value in parameters.tensors.items()} == {
        "weight_ih_l0": [2, 1, 3],
        "weight_hh_l0": [5, 4, 6],
        "bias_ih_l0": [2, 1, 3],
        "bias_hh_l0": [5, 4, 6],
    }


def test_what_can_be_packed() -> None:
    assert rnn.can_be_packed(torch.tensor(RIGHT))
    assert not rnn.can_be_packed(torch.tensor(HOLES))
    assert not rnn.can_be_packed(torch.tensor([[False, True]]))
    assert not rnn.can_be_packed(torch.tensor([[False, False]]))


def test_gradients_stop_at_the_call_before() -> None:
    full, parameters = ported(
        "GRU", {"units": 2, "stateful": True}, drawn_weights(make("GRU", {"units": 2}), (4, 5, 3))
    )
    first = torch.tensor(X, requires_grad=True)
    PORTS["GRU"].call(full, parameters, first)
    second = PORTS["GRU"].call(full, parameters, first.detach())
    assert not second.requires_grad


def test_dropout_in_training() -> None:
    """Of the input: features left out in all steps. Of the state: not in torch."""
    eye = {"kernel": numpy.eye(100, dtype="float32"), "recurrent_kernel": numpy.zeros((100, 100), "float32")}
    config = {"units": 100, "activation": None, "use_bias": False, "return_sequences": True}
    full, parameters = ported("SimpleRNN", {**config, "dropout": 0.5}, eye)
    kept = PORTS["SimpleRNN"].call(full, parameters, torch.ones(1, 3, 100), training=True)[0]
    assert set(kept.ravel().tolist()) == {0.0, 2.0}
    assert torch.equal(kept[0], kept[2])
    full, parameters = ported("SimpleRNN", {**config, "recurrent_dropout": 0.5}, eye)
    with pytest.raises(Unsupported, match="no dropout of the recurrent state"):
        PORTS["SimpleRNN"].call(full, parameters, torch.ones(1, 3, 100), training=True)


@pytest.mark.parametrize("rate", ["dropout", "recurrent_dropout"])
def test_cells_have_no_dropout_in_training(rate: str) -> None:
    cell = {"units": 2, rate: 0.5}
    for kind, config in (("GRUCell", cell), ("RNN", {"cell": [{"type": "GRUCell", **cell}]})):
        full = Config(kind, full_config(make(kind, config)))
        arguments = (torch.tensor(X[:, 0]), to_torch(STATES[:1])) if kind == "GRUCell" else (torch.tensor(X),)
        with pytest.raises(Unsupported, match="same features in every step"):
            PORTS[kind].call(full, Parameters({}, {}), *arguments, training=True)


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("GRU", {"units": 1, "return_sequences": True}, "mask"),
        ("GRU", {"units": 1}, None),
        (
            "Bidirectional",
            {"layer": {"type": "GRU", "units": 1, "return_sequences": True}, "merge_mode": None},
            ["mask"] * 2,
        ),
        ("Bidirectional", {"layer": {"type": "GRU", "units": 1}}, None),
        ("TimeDistributed", {"layer": {"type": "GRU", "units": 1}}, "mask"),
    ],
)
def test_masks_go_on_as_in_the_reference(kind: str, config: dict[str, Any], expected: Any) -> None:
    layer = make(kind, config)
    assert PORTS[kind].mask(Config(kind, full_config(layer)), X, "mask") == expected
    assert layer.compute_mask(X, "mask") == expected


def test_wrappers_are_registered() -> None:
    assert PORTS["TimeDistributed"].call is wrappers.time_distributed
