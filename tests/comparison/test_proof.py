"""Each weight is found by its content in the layout in which the module reads it, or it is said what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.comparison.proof import Proof, proofs
from tests.comparison.fakes import layer, model, paired

KERNEL = np.arange(9.0).reshape(3, 3) + 0.5
BIAS = np.array([0.1, 0.2, 0.3])


def proved(mine: Any, theirs: Any) -> dict[str, Proof]:
    found = proofs(model(mine), model(theirs), paired((mine.path, theirs.path)))
    return {proof.weight: proof for proof in found}


def dense(folder: Path, weight: Any, bias: Any = BIAS) -> dict[str, Proof]:
    mine = layer(folder, "dense", "Dense", {"name": "dense"}, kernel=KERNEL, bias=BIAS)
    return proved(mine, layer(folder, "fc", "Linear", weight=weight, bias=bias))


def test_a_transposed_kernel_is_found(tmp_path: Path) -> None:
    found = dense(tmp_path, KERNEL.T)
    assert [found[name].state for name in ("kernel", "bias")] == ["found", "found"]
    assert found["kernel"].layout == "kernel.T"


def test_a_square_kernel_that_was_not_transposed_is_misplaced_though_its_shape_fits(tmp_path: Path) -> None:
    found = dense(tmp_path, KERNEL)["kernel"]
    assert (found.state, found.slip, found.layout) == ("misplaced", "not_transposed", "it is not transposed")
    assert found.mend == ("port.fc.weight.data.copy_(torch.from_numpy(kernel.T))  # weights of dense",)


def test_other_numbers_of_the_same_shape_are_stale(tmp_path: Path) -> None:
    assert dense(tmp_path, KERNEL.T + 1e-6)["kernel"].state == "stale"


def test_a_bias_in_another_layer_is_swapped(tmp_path: Path) -> None:
    mine = layer(tmp_path, "dense", "Dense", {"name": "dense"}, kernel=KERNEL, bias=BIAS)
    right = layer(tmp_path, "fc", "Linear", weight=KERNEL.T, bias=BIAS + 1)
    other = layer(tmp_path, "other", "Linear", weight=KERNEL.T + 3, bias=BIAS)
    found = {p.weight: p for p in proofs(model(mine), model(right, other), paired(("dense", "fc")))}
    assert (found["bias"].state, found["bias"].layout) == ("swapped", "it stands in other.bias")


GATED = np.arange(18.0).reshape(3, 6) + 0.25
"""Two features short of nothing: three features, three gates of two units."""


def gru(folder: Path, weight: Any) -> Proof:
    recurrent, bias = np.arange(12.0).reshape(2, 6), np.arange(12.0).reshape(2, 6) / 7
    mine = layer(folder, "gru", "GRU", {"name": "gru"}, kernel=GATED, recurrent_kernel=recurrent, bias=bias)
    order = [2, 3, 0, 1, 4, 5]
    theirs = layer(
        folder,
        "rnn",
        "GRU",
        weight_ih_l0=weight,
        weight_hh_l0=recurrent[:, order].T,
        bias_ih_l0=bias[0, order],
        bias_hh_l0=bias[1, order],
    )
    found = proved(mine, theirs)
    assert found["recurrent_kernel"].state == found["bias"].state == "found"
    return found["kernel"]


def test_gates_in_torchs_order_are_found(tmp_path: Path) -> None:
    assert gru(tmp_path, GATED[:, [2, 3, 0, 1, 4, 5]].T).state == "found"


def test_gates_in_keras_order_are_misplaced(tmp_path: Path) -> None:
    found = gru(tmp_path, GATED.T)
    assert (found.state, found.slip) == ("misplaced", "gate_order")
    assert found.layout == "its gates stand in Keras' order (update, reset, new); torch reads reset, update, new"
    assert "gates(kernel).T" in found.mend[-1]


@pytest.mark.parametrize(("parts", "state"), [((0.5, 0.5), "found"), ((1.0, 0.0), "found"), ((1.0, 1.0), "doubled"),
                                              ((0.0, 0.0), "stale")])  # fmt: skip
def test_a_bias_of_an_lstm_is_the_sum_of_torchs_two(parts: tuple[float, float], state: str, tmp_path: Path) -> None:
    kernel, recurrent, bias = np.arange(24.0).reshape(3, 8), np.arange(16.0).reshape(2, 8), np.arange(8.0) + 1
    mine = layer(tmp_path, "lstm", "LSTM", {"name": "lstm"}, kernel=kernel, recurrent_kernel=recurrent, bias=bias)
    theirs = layer(
        tmp_path,
        "rnn",
        "LSTM",
        weight_ih_l0=kernel.T,
        weight_hh_l0=recurrent.T,
        bias_ih_l0=parts[0] * bias,
        bias_hh_l0=parts[1] * bias,
    )
    assert proved(mine, theirs)["bias"].state == state


def test_a_convolution_is_found_by_its_axes(tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 4))
    mine = layer(tmp_path, "conv", "Conv2D", {"name": "conv"}, kernel=kernel)
    found = proved(mine, layer(tmp_path, "conv", "Conv2d", weight=kernel.transpose(3, 2, 0, 1)))["kernel"]
    assert (found.state, found.layout) == ("found", "kernel.transpose(3, 2, 0, 1)")
    flipped = kernel[::-1].transpose(3, 2, 0, 1)
    assert proved(mine, layer(tmp_path, "conv", "Conv2d", weight=flipped))["kernel"].state == "stale"


def test_a_weight_without_a_pair_is_found_anywhere_or_missing(tmp_path: Path) -> None:
    mine = layer(tmp_path, "scale", "Scale", {"name": "scale"}, factor=BIAS, other=BIAS * 2)
    found = {p.weight: p for p in proofs(model(mine), model(layer(tmp_path, "s", "S", f=BIAS)), paired())}
    assert (found["factor"].state, found["factor"].port) == ("found", "s.f")
    assert found["other"].state == "missing"
