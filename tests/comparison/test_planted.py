"""Real models beside real ports: they agree within rounding; each planted mistake is found where it is, and named."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from conformance.comparison.result import Comparison
from tests.comparison.bench import Bench

pytestmark = pytest.mark.frameworks

IDS = np.array(
    [[3, 9, 27, 1, 5, 8, 2], [7, 7, 4, 0, 0, 0, 0], [29, 1, 2, 11, 6, 0, 0], [5, 0, 0, 0, 0, 0, 0]], dtype=np.int32
)


@pytest.fixture(scope="module")
def classifier() -> Iterator[Bench]:
    with Bench("classifier.py:build", "classifier_port.py", {"ids": IDS}) as bench:
        yield bench


@pytest.fixture(scope="module")
def bert() -> Iterator[Bench]:
    batch = {
        "token_ids": np.array([[1, 2, 3, 4, 0], [5, 6, 0, 0, 0], [9, 8, 7, 6, 5]]),
        "segment_ids": np.array([[0, 0, 1, 1, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 1]]),
        "padding_mask": np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]),
    }
    names = "input_ids=token_ids,token_type_ids=segment_ids,attention_mask=padding_mask"
    with Bench("bert.py:build", "bert_port.py", batch, names) as bench:
        yield bench


@pytest.fixture(scope="module")
def mobilenet() -> Iterator[Bench]:
    image = np.random.default_rng(1).normal(0, 1, (2, 32, 32, 3)).astype(np.float32)
    with Bench("mobilenet.py:build", "mobilenet_port.py", {"image": image}, "pixel_values=image:0,3,1,2") as bench:
        yield bench


@pytest.fixture(scope="module")
def head() -> Iterator[Bench]:
    image = np.random.default_rng(2).normal(0, 1, (3, 4, 6, 2)).astype(np.float32)
    with Bench("mobilenet.py:head", "mobilenet_port.py", {"image": image}, "pixels=image:0,3,1,2") as bench:
        yield bench


def holds(found: Comparison, own_code: set[str]) -> None:
    """It agrees; every weight is found; every layer has a module but those named."""
    assert found.agrees, found.starts
    assert found.used is not None
    assert found.used <= 1.0
    assert all(proof.state == "found" for proof in found.weights)
    assert {row.path for row in found.rows if row.state == "own code"} == own_code
    assert all(row.judged_at or row.by_itself == "hands on what it gets" for row in found.rows if row.path in own_code)


def test_a_port_in_packed_sequences_agrees(classifier: Bench) -> None:
    holds(classifier.compared("right"), {"pool", "hidden/activation", "scores/activation"})


def test_a_bert_of_another_library_agrees(bert: Bench) -> None:
    inner = [f"transformer_layer_{n}/self_attention_layer" for n in (0, 1)]
    found = bert.compared("right")
    assert found.agrees, found.starts
    assert all(proof.state == "found" for proof in found.weights)
    assert len(found.weights) == 39
    own = {row.path for row in found.rows if row.state == "own code"}
    assert own == {"embeddings_add", *(path for path in own if path.startswith(tuple(inner)))}
    assert len(own) == 5


def test_a_mobilenet_of_another_library_agrees(mobilenet: Bench) -> None:
    holds(mobilenet.compared("right"), {f"conv_pad_{n}" for n in (2, 4, 6, 12)})


def test_a_head_agrees_in_gradients_and_a_step_but_for_what_torch_does_to_variances(head: Bench) -> None:
    assert head.compared("head").agrees
    found = head.compared("head", step="SGD(0.1)")
    assert first_of(found) == ("norm", "BatchNormalization.unbiased_variance")
    assert [start.kind for start in found.starts] == ["step"]
    assert len(found.gradients) == 6
    assert all(share.agrees for _, _, share in found.gradients)
    assert len(found.trained) == 8
    assert [role for _, role, share in found.trained if not share.agrees] == ["moving_variance"]


def first_of(found: Comparison) -> tuple[str, str]:
    """Where it starts, and the name of the cause."""
    first = found.first
    assert first is not None
    assert not found.agrees
    return first.span[-1] if first.span else first.layer, first.cause.name if first.cause is not None else ""


PLANTED = [
    ("classifier", "padding_averaged", "pool", "GlobalAveragePooling1D.ignores_mask"),
    ("classifier", "last_step", "pool", "GlobalAveragePooling1D.last_step"),
    ("classifier", "dropout_on", "pool", "random"),
    ("classifier", "bias_twice", "hidden/activation", "Dense.bias_twice"),
    ("classifier", "gelu", "hidden/activation", "Activation.gelu_by_tanh"),
    ("classifier", "gate_order", "gru", "weights.gate_order"),
    ("classifier", "not_transposed", "hidden", "weights.not_transposed"),
    ("bert", "epsilon", "embeddings_layer_norm", "LayerNormalization.epsilon_of_torch"),
    ("bert", "gelu", "transformer_layer_0/feedforward_intermediate_dense/activation", "Activation.exact_gelu"),
    (
        "bert",
        "attention_mask",
        "transformer_layer_0/self_attention_layer",
        "MultiHeadAttention.ignores_attention_mask",
    ),
    (
        "bert",
        "not_transposed",
        "transformer_layer_1/self_attention_layer/attention_output",
        "weights.not_transposed",
    ),
    ("mobilenet", "epsilon", "conv1_bn", "BatchNormalization.epsilon_of_torch"),
    ("mobilenet", "padding_side", "conv1", "Conv2D.half_kernel_padding"),
    ("head", "flatten_order", "flat", "Flatten.channels_first_order"),
]


@pytest.mark.parametrize(("model", "port", "layer", "cause"), PLANTED, ids=[f"{m}-{p}" for m, p, _, _ in PLANTED])
def test_a_planted_mistake_is_found_at_its_layer_and_named(
    model: str, port: str, layer: str, cause: str, request: pytest.FixtureRequest
) -> None:
    bench: Bench = request.getfixturevalue(model)
    assert first_of(bench.compared(port)) == (layer, cause)


def test_every_place_of_a_mistake_is_a_start_and_nothing_else(mobilenet: Bench) -> None:
    found = mobilenet.compared("padding_side")
    assert [start.layer for start in found.starts] == ["conv1", *(f"conv_dw_{n}" for n in (2, 4, 6, 12))]


def test_a_momentum_shows_after_a_step_alone(head: Bench) -> None:
    assert head.compared("momentum").agrees
    found = head.compared("momentum", step="SGD(0.1)")
    assert first_of(found) == ("norm", "BatchNormalization.momentum")
    assert [start.layer for start in found.starts] == ["norm"]


def test_weights_that_are_stale_or_swapped_are_told_with_the_line_that_mends_them(classifier: Bench) -> None:
    stale = classifier.compared("stale").first
    assert stale is not None
    assert stale.cause is not None
    assert stale.cause.name == "weights.stale"
    assert stale.cause.mend == ("port.scores.weight.data.copy_(torch.from_numpy(kernel.T))  # weights of scores",)
    swapped = classifier.compared("swapped").first
    assert swapped is not None
    assert swapped.cause is not None
    assert swapped.cause.name == "weights.swapped"


def test_a_module_in_training_mode_is_compared_after_eval_and_that_is_said(classifier: Bench) -> None:
    found = classifier.compared("in_training_mode")
    assert found.agrees
    assert any("was in training mode" in remark for remark in found.remarks)
