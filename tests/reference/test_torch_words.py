"""Formulas in torch's words: numbers by hand, and one clear message for what a module refuses. Needs no framework."""

from __future__ import annotations

import math
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.counterpart import from_wire
from conformance.reference.base import LayerError, Weights, make
from conformance.reference.catalog import TORCH, TORCH_OPTIMIZERS
from conformance.reference.optimizer_base import make_optimizer
from conformance.reference.torch.base import Like, norm


def called(kind: str, config: dict[str, Any], *inputs: Any, weights: dict[str, Any] | None = None, **named: Any) -> Any:
    return make(kind, config).call(Weights(weights or {}), *map(np.array, inputs), **named)


REFUSED: dict[str, tuple[str, dict[str, Any], Any, str]] = {
    "channels at the end": (
        "nn.Conv2d",
        {"in_channels": 3, "out_channels": 4, "kernel_size": 3},
        np.zeros((2, 8, 7, 3)),
        "nn.Conv2d takes (batch, channels 3, height, width), not (2, 8, 7, 3); the order that fits is 3, 8, 7: torch "
        "has channels before the other axes",
    ),
    "steps before the batch": (
        "nn.LSTM",
        {"input_size": 5, "hidden_size": 3},
        np.zeros((2, 5, 7)),
        "nn.LSTM takes (steps, batch, features 5), not (2, 5, 7); the order that fits is 2, 7, 5: the features come "
        "last",
    ),
    "features before the batch": (
        "nn.LSTM",
        {"input_size": 5, "hidden_size": 3},
        np.zeros((5, 2, 7)),
        "nn.LSTM takes (steps, batch, features 5), not (5, 2, 7); the order that fits is 7, 2, 5: the features come "
        "last",
    ),
    "features before steps": (
        "nn.Linear",
        {"in_features": 5, "out_features": 3},
        np.zeros((2, 5, 4, 3)),
        "nn.Linear takes (..., in_features 5), not (2, 5, 4, 3); the order that fits is 2, 4, 3, 5: the features come "
        "last",
    ),
    "no axis that fits": (
        "nn.LayerNorm",
        {"normalized_shape": 4},
        np.zeros((2, 5)),
        "nn.LayerNorm takes (..., 4), not (2, 5)",
    ),
    "steps before channels": (
        "nn.BatchNorm1d",
        {"num_features": 5},
        np.zeros((2, 7, 5)),
        "nn.BatchNorm1d takes (batch, channels 5, steps), not (2, 7, 5); the order that fits is 5, 7: torch has "
        "channels before the other axes",
    ),
    "other last axes than those that are said": (
        "F.rms_norm",
        {"normalized_shape": [7]},
        np.zeros((2, 5)),
        "F.rms_norm takes (..., 7), not (2, 5)",
    ),
    "no length with antialias": (
        "F.interpolate",
        {"size": [0, 5], "mode": "bicubic", "antialias": True},
        np.zeros((1, 2, 4, 7)),
        "a length of 0",
    ),
    "too much padding": (
        "nn.MaxPool1d",
        {"kernel_size": 3, "padding": 2},
        None,
        "padding 2 is more than half of the kernel 3",
    ),
    "same with a stride": (
        "nn.Conv1d",
        {"in_channels": 1, "out_channels": 1, "kernel_size": 3, "stride": 2, "padding": "same"},
        None,
        "padding='same' is not for convolutions with a stride",
    ),
    "a projection that is no smaller": (
        "nn.LSTM",
        {"input_size": 5, "hidden_size": 3, "proj_size": 3},
        None,
        "proj_size has to be smaller than hidden_size",
    ),
    "both lengths and factors": (
        "nn.Upsample",
        {"size": 3, "scale_factor": 2.0},
        None,
        "either size or scale_factor is given",
    ),
    "corners of nothing": (
        "F.interpolate",
        {"size": 3, "align_corners": True},
        None,
        "align_corners is not for mode='nearest'",
    ),
    "a mode for other axes": (
        "F.interpolate",
        {"size": 3, "mode": "bicubic"},
        np.zeros((1, 1, 4)),
        "mode='bicubic' takes 4 axes, not 3",
    ),
    "another number of weights": (
        "F.cross_entropy",
        {"weight": [1.0, 2.0]},
        np.zeros((2, 3)),
        "weight has 2 numbers for 3 classes",
    ),
    "groups that do not divide the channels": (
        "nn.GroupNorm",
        {"num_groups": 4, "num_channels": 6},
        None,
        "6 channels are not in 4 groups",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_one_clear_message(name: str) -> None:
    kind, config, x, message = REFUSED[name]
    more = [numpy.zeros(2, int)] if kind == "F.cross_entropy" else []
    with pytest.raises(LayerError) as caught:
        make(kind, config).call(Weights({}), x, *more)
    assert str(caught.value) == message


def test_a_mean_divides_by_the_weights_that_count() -> None:
    logits, ids = [[0.0, 0.0], [0.0, 0.0], [5.0, 1.0]], numpy.array([0, 1, -100])
    found = called("F.cross_entropy", {"weight": [1.0, 3.0]}, logits, ids)
    assert found == pytest.approx(numpy.log(2)), "(1 ln 2 + 3 ln 2) / (1 + 3)"


def test_ceil_mode_drops_a_window_that_would_start_in_the_padding() -> None:
    """The documented rule, with numbers: 5 steps, windows of 2, stride of 3, padding 1: at -1 and 2, and none at 5."""
    config = {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True}
    found = called("nn.MaxPool1d", config, [[[1.0, 2.0, 3.0, 4.0, 5.0]]])
    assert found.tolist() == [[[1.0, 4.0]]]


def test_the_second_bias_of_a_reset_gate_is_inside_the_product() -> None:
    """r = z = 1/2 where all kernels are 0: n = tanh(0.1 + 0.5 * 0.4), h' = n / 2."""
    zeros = {"weight_ih_l0": np.zeros((3, 1)), "weight_hh_l0": np.zeros((3, 1))}
    biases = {"bias_ih_l0": np.array([0.0, 0.0, 0.1]), "bias_hh_l0": np.array([0.0, 0.0, 0.4])}
    config = {"input_size": 1, "hidden_size": 1, "batch_first": True}
    outputs, last = called("nn.GRU", config, [[[1.0]]], weights=zeros | biases)
    assert outputs.item() == pytest.approx(numpy.tanh(0.3) / 2)
    assert last.shape == (1, 1, 1)


def test_a_running_variance_is_the_unbiased_one() -> None:
    weights = Weights({"running_mean": np.zeros(1), "running_var": np.ones(1)})
    layer = make("nn.BatchNorm1d", {"num_features": 1, "affine": False})
    layer.call(weights, np.array([[1.0], [3.0]]), training=True)
    assert weights.state["running_mean"].tolist() == pytest.approx([0.2])
    assert weights.state["running_var"].tolist() == pytest.approx([0.9 + 0.1 * 2.0]), "1 is the biased variance"


def test_without_a_momentum_statistics_are_the_mean_of_all_batches() -> None:
    weights = Weights({"running_mean": np.zeros(1), "running_var": np.ones(1)})
    layer = make("nn.BatchNorm1d", {"num_features": 1, "affine": False, "momentum": None})
    for batch in ([[1.0], [3.0]], [[5.0], [7.0]]):
        layer.call(weights, np.array(batch), training=True)
    assert weights.state["running_mean"].tolist() == pytest.approx([4.0])


FOUR = Like((2, 3, 4), "float32")
NONE_IN_KERAS: dict[str, tuple[str, dict[str, Any], list[Like], str]] = {
    "a least norm": ("F.normalize", {"eps": 0.1}, [FOUR], "and has no eps"),
    "the mean of all batches": ("nn.BatchNorm1d", {"num_features": 3, "momentum": None}, [FOUR], "by a share"),
    "lengths that match by chance": ("nn.Upsample", {"scale_factor": 2.4}, [Like((1, 1, 2), "float32")], "whole"),
    "queries without a batch": (
        "F.scaled_dot_product_attention",
        {"is_causal": True},
        [Like((4, 3), "float32")] * 3,
        "takes (batch, steps, features) alone",
    ),
}


@pytest.mark.parametrize("name", NONE_IN_KERAS)
def test_where_keras_gives_another_number_there_is_no_counterpart(name: str) -> None:
    kind, config, inputs, reason = NONE_IN_KERAS[name]
    layer: Any = make(kind, config)
    assert reason in layer.counterpart_of(inputs, {}).reason


@pytest.mark.parametrize(("p", "wanted"), [(1, 7.0), (2, 5.0), (math.inf, 4.0), (-math.inf, 0.0), (0, 2.0)])
def test_norms_by_hand(p: float, wanted: float) -> None:
    x = np.array([[3.0, 0.0, -4.0]])
    assert norm(x, p, 1).tolist() == [wanted]
    assert norm(x, p, 1, keepdims=True).tolist() == [[wanted]]


def test_a_bounded_variance_has_the_gradient_of_one_that_nothing_bounds() -> None:
    """torch's note on nn.GaussianNLLLoss. 1 / (2 v) - 1 / (2 v^2) at v = 1/2 for both, the bound and above it."""
    layer: Any = make("nn.GaussianNLLLoss", {"eps": 0.5, "reduction": "sum"})
    ones, zeros = np.ones((1, 2)), np.zeros((1, 2))
    slope = autograd.grad(lambda var: layer.call(Weights({}), ones, zeros, var))
    assert slope(np.array([[0.1, 0.5]]))[0].tolist() == pytest.approx([-1.0, -1.0])


@pytest.mark.parametrize(
    ("kind", "config", "wanted"),
    [("nn.AdaptiveAvgPool1d", {"output_size": 3}, 4), ("nn.AdaptiveAvgPool2d", {"output_size": [2, None]}, 2)],
)
def test_the_longest_mean_of_an_adaptive_pool_is_its_longest_window(kind: str, config: Any, wanted: int) -> None:
    """8 steps in 3 windows are 0 to 3, 2 to 6 and 5 to 8; 3 rows in 2 are 2 and 2, and every column is its own."""
    shape = (4, 8) if kind.endswith("1d") else (4, 3, 5)
    layer: Any = make(kind, config)
    assert layer.longest_sum({}, (2, *shape)) == layer.longest_sum({}, shape) == wanted


def test_one_value_a_channel_has_no_variance_of_a_batch() -> None:
    layer: Any = make("nn.BatchNorm1d", {"num_features": 2, "track_running_stats": False, "affine": False})
    with pytest.raises(LayerError, match="more than one value for each channel"):
        layer.call(Weights({}), np.ones((1, 2)))


LINEAR = {"type": "nn.Linear", "in_features": 2, "out_features": 2, "bias": False}


@pytest.mark.parametrize(
    ("dim", "g", "wanted"),
    [(0, [[10.0], [2.0]], [[6.0, 8.0], [0.0, 2.0]]), (1, [[3.0, 5.0]], [[3.0, 4.0], [0.0, 3.0]]), (None, 1.0, None)],
)
def test_weight_norm_by_hand(dim: int | None, g: Any, wanted: Any) -> None:
    """v = (3, 4), (0, 3): rows of length 5 and 3, columns of length 3 and 5; sqrt(34) as a whole."""
    kind, v = "nn.utils.parametrizations.weight_norm", np.array([[3.0, 4.0], [0.0, 3.0]])
    held = {"parametrizations.weight.original0": np.array(g), "parametrizations.weight.original1": v}
    y = called(kind, {"module": LINEAR, "dim": dim}, np.eye(2), weights=held)
    assert np.transpose(y) == pytest.approx(v / math.sqrt(34) if wanted is None else np.array(wanted))


@pytest.mark.parametrize(("training", "wanted"), [(False, 12.0), (True, 4.0)])
def test_spectral_norm_by_hand(training: bool, wanted: float) -> None:
    """W = diag(3, 4). u = (0, 1) and v = (0, 3) give 12; in training v = (0, 3) gives u = v = (0, 1), and 4."""
    kind, scope = "nn.utils.parametrizations.spectral_norm", "parametrizations.weight"
    held = {
        f"{scope}.original": np.diag([3.0, 4.0]),
        f"{scope}.0._u": np.array([0.0, 1.0]),
        f"{scope}.0._v": np.array([0.0, 3.0]),
    }
    y = called(kind, {"module": LINEAR}, np.eye(2), weights=held, training=training)
    assert y == pytest.approx(np.diag([3.0, 4.0]) / wanted)


@pytest.mark.parametrize(("training", "wanted"), [(True, [-1.0, 1.0]), (False, [0.0, 2.0])])
def test_a_parametrized_module_is_told_of_training(training: bool, wanted: list[float]) -> None:
    """By the batch's mean 1 and variance 1 in training, by the running ones 0 and 1 else."""
    scope = "parametrizations.weight"
    held = {f"{scope}.original0": [1.0], f"{scope}.original1": [5.0], "bias": [0.0]}
    held |= {"running_mean": [0.0], "running_var": [1.0]}
    module = {"type": "nn.BatchNorm1d", "num_features": 1, "eps": 0.0}
    weights = {name: np.array(value) for name, value in held.items()}
    kind = "nn.utils.parametrizations.weight_norm"
    y = called(kind, {"module": module}, [[0.0], [2.0]], weights=weights, training=training)
    assert y[:, 0].tolist() == pytest.approx(wanted)


def test_what_is_parametrized_is_said() -> None:
    layer = make("nn.utils.parametrizations.weight_norm", {"module": {**LINEAR, "bias": True}, "name": "kernel"})
    with pytest.raises(LayerError, match=r"nn\.Linear has no kernel; it has weight, bias"):
        layer.weights((1, 2))
    with pytest.raises(LayerError, match=r"encoder_layer is a nn\.TransformerEncoderLayer, not Linear"):
        make("nn.TransformerEncoder", {"encoder_layer": LINEAR, "num_layers": 2})


def test_a_long_row_is_shortened_where_it_is_looked_up() -> None:
    """(3, 4) has a length of 5, and becomes (1.5, 2); row 0 is longer too, and is not looked up."""
    layer: Any = make("nn.Embedding", {"num_embeddings": 2, "embedding_dim": 2, "max_norm": 2.5})
    weights = Weights({"weight": np.array([[6.0, 8.0], [3.0, 4.0]])})
    assert layer.call(weights, np.array([1])) == pytest.approx(np.array([[1.5, 2.0]]))
    assert weights.state["weight"] == pytest.approx(np.array([[6.0, 8.0], [1.5, 2.0]]))
    slope = autograd.grad(lambda table: np.sum(layer.call(Weights({"weight": table}), np.array([1]))))
    assert slope(np.array([[6.0, 8.0], [3.0, 4.0]])).tolist() == [[0.0, 0.0], [1.0, 1.0]]


def test_a_packed_sequence_by_hand() -> None:
    """Sequences of 1 and 3 steps: the longer one first, step by step, and both orders swap the two."""
    x = np.array([[[1.0], [0.0], [0.0]], [[2.0], [3.0], [4.0]]])
    kind, options = "nn.utils.rnn.pack_padded_sequence", {"batch_first": True, "enforce_sorted": False}
    data, sizes, order, back = called(kind, options, x, np.array([1, 3]))
    assert (data[:, 0].tolist(), sizes.tolist(), order.tolist(), back.tolist()) == (
        [2.0, 1.0, 3.0, 4.0],
        [2, 1, 1],
        [1, 0],
        [1, 0],
    )
    unpack: Any = make("nn.utils.rnn.pad_packed_sequence", {"batch_first": True})
    padded, lengths = unpack.call(Weights({}), [data, sizes, order, back])
    assert padded.tolist() == x.tolist()
    assert lengths.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([1, 3], "have to fall"), ([3, 0], "numbers from 1 to 3"), ([3, 2, 1], r"\(batch, steps\) with batch_first=True")],
)
def test_lengths_that_do_not_fit_are_said(lengths: list[int], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        called("nn.utils.rnn.pack_padded_sequence", {"batch_first": True}, np.ones((2, 3, 1)), np.array(lengths))


@pytest.mark.parametrize(
    ("var", "message"),
    [([[-1.0, 1.0], [1.0, 1.0]], "none is below 0"), ([1.0, 1.0, 1.0], "takes var of shape"), ([[1.0]], "one 1 in it")],
)
def test_a_variance_that_is_none_is_refused(var: Any, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        called("nn.GaussianNLLLoss", {}, np.zeros((2, 2)), np.zeros((2, 2)), var)


@pytest.mark.parametrize(
    ("name", "slope"),
    [("nn.ReLU", 0.0), ("nn.LeakyReLU", 0.01), ("nn.RReLU", 11 / 48), ("nn.ELU", 1.0), ("nn.CELU", 1.0)],
)
def test_an_activation_has_one_slope_at_its_bend(name: str, slope: float) -> None:
    """What torch's derivatives give at 0: the part below has it, and e^x - 1 goes up by 1 there."""
    layer: Any = make(name, {})
    found = autograd.grad(lambda x: np.sum(layer.call(Weights({}), x)))(np.array([0.0]))
    assert found.tolist() == pytest.approx([slope])


@pytest.mark.parametrize("name", ["nn.ReLU", "nn.Hardshrink", "nn.Softshrink", "nn.Threshold"])
def test_what_is_no_number_stays_none(name: str) -> None:
    config = {"threshold": 0.1, "value": 20.0} if name == "nn.Threshold" else {}
    assert np.isnan(called(name, config, [math.nan])).all()


def test_a_counterpart_travels() -> None:
    layer: Any = make("nn.LSTM", {"input_size": 5, "hidden_size": 3, "bidirectional": True})
    found = layer.counterpart_of([Like((7, 2, 5), "float64")], {})
    assert from_wire(found.to_wire()) == found
    assert found.parameters == ("input", "hx", "training")


@pytest.mark.parametrize("name", TORCH_OPTIMIZERS)
def test_every_optimizer_goes_down_a_slope(name: str) -> None:
    optimizer = make_optimizer(name, {})
    memory: dict[str, dict[str, Any]] = {}
    weights = {"w": np.array([1.0])}
    for number in (1, 2, 3):
        weights = optimizer.apply(number, weights, {"w": np.array([2.0])}, memory)
    assert weights["w"][0] < 1.0


def test_no_name_stands_for_two_classes() -> None:
    named = [name for kind in dict.fromkeys(TORCH.values()) for name in kind.names]  # type: ignore[attr-defined]  # torch's
    assert len(named) == len(set(named)) == len(TORCH)
