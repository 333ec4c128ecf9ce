"""Core, activation, reshaping and normalisation layers in torch against the reference, over the grid of options."""

from __future__ import annotations

import itertools
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.ask.layer import read_layer  # noqa: E402  # as below
from conformance.lanes.torch import (  # noqa: E402, F401  # registers the ports; torch may be missing
    activation_layers,
    core,
    einsum_dense,
    noise,
    normalization,
    padding,
    reshaping,
    resizing,
)
from conformance.lanes.torch.port import PORTS, Config, Parameters, Unsupported, applied  # noqa: E402  # as above
from conformance.reference import activation_layers as _  # noqa: E402, F401  # registers the layers
from conformance.reference.base import LayerError, Weights, full_config, make  # noqa: E402  # as above
from conformance.reference.catalog import LAYERS  # noqa: E402  # as above

RANDOM = numpy.random.default_rng(19)
X2 = RANDOM.normal(size=(3, 6)) + 0.3
X3 = RANDOM.normal(size=(2, 5, 6)) + 0.3
X4 = RANDOM.normal(size=(2, 3, 4, 6))
IDS = numpy.array([[0, 3, 5, 0], [2, 2, 0, 1]])
MASK = numpy.array([[True, True, False, True, False], [False, True, True, False, True]])
ANY_MASK = RANDOM.random((2, 5, 6)) > 0.5
WITH_HOLES = numpy.where(MASK[..., None], X3, 0.0)


def grid(kind: str, x: Any, call: dict[str, Any] | None = None, **options: list[Any]) -> list[Any]:
    """Every combination of the options, as (type, config, input, keyword arguments)."""
    names = list(options)
    return [
        (kind, dict(zip(names, values, strict=True)), x, call or {}) for values in itertools.product(*options.values())
    ]


CASES = [
    *grid("Dense", X2, units=[1, 4], use_bias=[True, False], activation=[None, "relu", "softmax"]),
    *grid("Dense", X4, units=[2]),
    *grid("EinsumDense", X2, equation=["ab,bc->ac", "...b,bc->...c"], output_shape=[4], bias_axes=["c", None]),
    *grid("EinsumDense", X3, equation=["abc,cde->abde"], output_shape=[[None, 4, 3]], bias_axes=["de", "d", "e", None]),
    *grid("EinsumDense", X3, equation=["abc,cd->abd"], output_shape=[[None, 4]], activation=["tanh", "softmax"]),
    *grid("EinsumDense", X4, equation=["...b,bc->...c", "ab...,bc->ac..."], output_shape=[4], bias_axes=["c", None]),
    *grid("EinsumDense", X3, equation=["ab,bc->ac"], output_shape=[4]),
    *grid("Embedding", IDS, input_dim=[6], output_dim=[3], mask_zero=[True, False]),
    *grid("Embedding", IDS + 0.7, input_dim=[6], output_dim=[3], mask_zero=[True]),
    *grid("Embedding", IDS, input_dim=[5], output_dim=[3]),
    *grid("Embedding", IDS - 1, input_dim=[6], output_dim=[3]),
    *grid("Masking", WITH_HOLES, mask_value=[0.0, 2.0]),
    *grid("Activation", X3, activation=["tanh", "sparsemax", "glu"]),
    *grid("Dropout", X3, rate=[0.0, 0.5], noise_shape=[None, [None, 1, None]]),
    *grid("Dropout", X3, {"training": True}, rate=[0.0, 1.0], noise_shape=[None, [None, 1, None]]),
    *grid("Identity", X3),
    *grid("ReLU", X3, max_value=[None, 0.7], negative_slope=[0.0, 0.3], threshold=[0.0, 0.4]),
    *grid("LeakyReLU", X3, negative_slope=[0.0, 0.3]),
    *grid("ELU", X3, alpha=[1.0, 0.5]),
    *grid("PReLU", X3, shared_axes=[None, 1, [2], [1, 2]]),
    *grid("PReLU", X2),
    *grid("PReLU", X4, shared_axes=[None, [1, 2], [3]]),
    *grid("Softmax", X3, axis=[-1, 1, [1, 2], [2]]),
    *grid("Softmax", X3, {"mask": ANY_MASK}, axis=[-1, 1, [1, 2]]),
    *grid("Softmax", X3, {"mask": MASK[..., None]}, axis=[-1, 1, [1, 2]]),
    *grid("Softmax", X3, {"mask": ANY_MASK * 1.0}, axis=[-1]),
    *grid("Softmax", X3, {"mask": MASK}, axis=[-1]),
    *grid("Flatten", X3, data_format=["channels_last", "channels_first"]),
    *grid("Flatten", X4, data_format=["channels_last", "channels_first"]),
    *grid("Flatten", X2[:, 0], data_format=["channels_last", "channels_first"]),
    *grid("Reshape", X3, target_shape=[[30], [-1], [6, 5], [2, -1], [4, 5], [-1, 7]]),
    *grid("Permute", X3, dims=[[1, 2], [2, 1], [1, 3, 2]]),
    *grid("Permute", X4, dims=[[3, 1, 2], [2, 3, 1]]),
    *grid("RepeatVector", X2, n=[1, 3]),
    *grid("RepeatVector", X3, n=[1]),
    *grid("ZeroPadding1D", X3, padding=[1, 0, [1, 2]], data_format=["channels_last", "channels_first"]),
    *grid("ZeroPadding1D", X2),
    *grid("Cropping1D", X3, cropping=[1, [1, 2], [0, 4], [3, 2], 4]),
    *grid("Cropping1D", X2),
    *grid(
        "ZeroPadding2D",
        X4,
        padding=[0, 1, [1, 2], [[1, 2], [0, 3]], [1, [0, 2]]],
        data_format=["channels_last", "channels_first"],
    ),
    *grid("ZeroPadding2D", X3),
    *grid(
        "Cropping2D",
        X4,
        cropping=[0, 1, [0, 1], [[1, 0], [2, 1]], [1, [0, 2]], [[1, 2], 0], [0, 2]],
        data_format=["channels_last", "channels_first"],
    ),
    *grid("Cropping2D", X3),
    *grid(
        "UpSampling2D",
        X4,
        size=[1, 2, [3, 2]],
        data_format=["channels_last", "channels_first"],
        interpolation=["nearest", "bilinear", "bicubic"],
    ),
    *grid("UpSampling2D", X3),
    *grid("SpatialDropout1D", X3, rate=[0.0, 0.5, 1.0]),
    *grid("SpatialDropout1D", X3, {"training": True}, rate=[0.0, 1.0]),
    *grid("SpatialDropout1D", X2, rate=[0.5]),
    *grid("SpatialDropout2D", X4, {"training": True}, rate=[0.0, 1.0], data_format=["channels_last", "channels_first"]),
    *grid("SpatialDropout2D", X4, rate=[0.5]),
    *grid("GaussianNoise", X3, stddev=[0.0, 0.5]),
    *grid("GaussianNoise", X3, {"training": True}, stddev=[0.0]),
    *grid("GaussianDropout", X3, rate=[0.0, 0.5, 1.0]),
    *grid("GaussianDropout", X3, {"training": True}, rate=[0.0, 1.0]),
    *grid("AlphaDropout", X3, rate=[0.0, 0.5, 1.0]),
    *grid("AlphaDropout", X3, {"training": True}, rate=[0.0, 1.0], noise_shape=[None, [None, 1, None]]),
    *grid("UpSampling1D", X3, size=[1, 3]),
    *grid("UpSampling1D", X2),
    *grid(
        "LayerNormalization",
        X3,
        axis=[-1, 1, [1, 2], [-1, -2], 3],
        center=[True, False],
        scale=[True, False],
        epsilon=[1e-3, 1e-5],
    ),
    *grid("LayerNormalization", X4, axis=[[1, 3], [2], -3], rms_scaling=[True, False]),
    *grid("RMSNormalization", X3, axis=[-1, 1, [1, 2], 3], epsilon=[1e-6, 0.1]),
    *grid("UnitNormalization", X3, axis=[-1, 1, [1, 2], 0]),
    *grid(
        "GroupNormalization",
        X3,
        groups=[1, 2, -1, 4, 32],
        axis=[-1, 2],
        center=[True, False],
        scale=[True, False],
    ),
    *grid("GroupNormalization", X4, groups=[1, 2, -1], axis=[1, 2, -1]),
    *grid("BatchNormalization", X3, {"training": True}, axis=[-1, 1], center=[True, False], scale=[True, False]),
    *grid("BatchNormalization", X3, {"training": False}, axis=[-1, 1], center=[True, False], scale=[True, False]),
    *grid("BatchNormalization", X3, {"training": True, "mask": MASK}, center=[True, False]),
    *grid("BatchNormalization", X3, {"training": False, "mask": MASK}, epsilon=[1e-5]),
    *grid("BatchNormalization", X3, {"mask": ANY_MASK}, epsilon=[1e-5]),
    *grid("BatchNormalization", X2, {"training": True}, epsilon=[0.1]),
]


FAMILIES = {"core", "activation_layers", "reshaping", "normalization", "batch_normalization"}
FAMILIES |= {"einsum_dense", "noise", "padding", "resizing"}


def by_example(kind: str) -> tuple[str, dict[str, Any], Any, dict[str, Any]]:
    """A layer as its class says that it is asked."""
    example = LAYERS[kind].example
    shape = (2, *(int(length) for length in example.inputs[0].split(",")))
    return kind, dict(read_layer(example.layer, None).config), RANDOM.normal(size=shape), {}


OF_FAMILIES = [name for name, layer in LAYERS.items() if layer.__module__.rpartition(".")[2] in FAMILIES]
CASES += [by_example(kind) for kind in OF_FAMILIES if kind not in {case[0] for case in CASES}]
"""A later layer of these families needs no line here."""


def name_of(case: Any) -> str:
    return str(case[0]) if isinstance(case, tuple) else ""


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_same_answer(case: Any) -> None:
    """Values, gradients and masks agree, or both refuse."""
    kind, config, x, kwargs = case
    x = x.astype(numpy.float32) if x.dtype == float else x
    layer = make(kind, config)
    weights: dict[str, Any] = {}
    try:
        weights = drawn(layer, x.shape)
        right = layer.call(Weights(weights), *as_reference(x), **kwargs)
    except LayerError:
        with pytest.raises((RuntimeError, ValueError, IndexError)):
            said(layer, weights, x, kwargs)
        return
    y, gradients, mask = said(layer, weights, x, kwargs, cotangent=np.cos(np.arange(right.size)).reshape(right.shape))
    assert y.shape == right.shape
    numpy.testing.assert_allclose(y, right, rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(slopes(layer, weights, x, kwargs), gradients, strict=True):
        numpy.testing.assert_allclose(theirs, mine, rtol=1e-4, atol=1e-4)
    expected = layer.compute_mask(x, kwargs.get("mask", MASK))
    assert (mask is None) == (expected is None)
    assert mask is None or numpy.array_equal(mask, expected)


def as_reference(x: Any) -> list[Any]:
    return [x.astype(float) if x.dtype.kind == "f" else x]


def drawn(layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    random = numpy.random.default_rng(7)
    return {
        name: numpy.float32(random.uniform(0.5, 1.5, size=weight.shape)).astype(float)
        for name, weight in layer.weights(shape).items()
    }


def slopes(layer: Any, weights: dict[str, Any], x: Any, kwargs: dict[str, Any]) -> list[Any]:
    """The reference's gradients: of the input where it is float, then of every weight."""

    def total(x: Any, weights: dict[str, Any]) -> Any:
        y = layer.call(Weights(weights, {}), x, **kwargs)
        untouched = 0.0 * (np.sum(x) + sum(np.sum(weight) for weight in weights.values()))
        return np.sum(np.reshape(np.cos(np.arange(np.size(y))), np.shape(y)) * y) + untouched

    by_weight = list(autograd.grad(total, 1)(*as_reference(x), weights).values()) if weights else []
    if x.dtype.kind != "f" or type(layer).__name__ == "Embedding":
        return by_weight
    return [autograd.grad(total)(*as_reference(x), weights), *by_weight]


def said(layer: Any, weights: dict[str, Any], x: Any, kwargs: dict[str, Any], cotangent: Any = None) -> Any:
    """What the port gives: values, gradients in Keras' layout and order, and the mask."""
    kind = type(layer).__name__
    full, port = Config(kind, full_config(layer)), PORTS[kind]
    leaves = {name: torch.tensor(value, dtype=torch.float32, requires_grad=True) for name, value in weights.items()}
    mapped = {name: applied(item, leaves) for name, item in port.weights(full).items() if item.source in leaves}
    given = torch.tensor(x)
    if given.is_floating_point() and kind != "Embedding":
        given.requires_grad_()
    tensors = {name: torch.tensor(value) if name == "mask" else value for name, value in kwargs.items()}
    y = port.call(full, Parameters(mapped, {}), given, **tensors)
    mask = port.mask(full, given, tensors.get("mask", torch.tensor(MASK)))
    sources = [*([given] if given.requires_grad else []), *leaves.values()]
    gradients = torch.autograd.grad(
        y, sources, torch.tensor(cotangent, dtype=y.dtype), allow_unused=True, materialize_grads=True
    )
    return y.detach().numpy(), [gradient.numpy() for gradient in gradients], None if mask is None else mask.numpy()


def test_dropout_in_training_gives_zero_or_the_double() -> None:
    torch.manual_seed(0)
    for noise_shape in (None, (None, 1)):
        layer = Config("Dropout", {"rate": 0.5, "noise_shape": noise_shape})
        y = PORTS["Dropout"].call(layer, Parameters({}, {}), torch.ones(400, 3), training=True)
        assert set(y.unique().tolist()) == {0.0, 2.0}
        assert (noise_shape is None) == bool((y != y[:, :1]).any())


def test_whole_channels_are_dropped_in_training() -> None:
    torch.manual_seed(0)
    for data_format, steps in (("channels_last", (1, 2)), ("channels_first", (2, 3))):
        layer = Config("SpatialDropout2D", {"rate": 0.5, "data_format": data_format})
        y = PORTS["SpatialDropout2D"].call(layer, Parameters({}, {}), torch.ones(40, 6, 5, 6), training=True)
        assert set(y.unique().tolist()) == {0.0, 2.0}
        assert torch.equal(y.amax(dim=steps), y.amin(dim=steps))
    layer = Config("SpatialDropout1D", {"rate": 0.5})
    y = PORTS["SpatialDropout1D"].call(layer, Parameters({}, {}), torch.ones(40, 5, 6), training=True)
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(y.amax(dim=1), y.amin(dim=1))


@pytest.mark.parametrize("noise_shape", [None, (None, 1)])
def test_mean_and_variance_stay_under_alpha_dropout(noise_shape: Any) -> None:
    """By the formula of the paper: of zeros, a share of 0.3 becomes a s + b, the rest b, with mean 0."""
    torch.manual_seed(0)
    layer = Config("AlphaDropout", {"rate": 0.3, "noise_shape": noise_shape})
    y = PORTS["AlphaDropout"].call(layer, Parameters({}, {}), torch.randn(40000, 3), training=True)
    assert abs(float(y.mean())) < 0.02
    assert abs(float(y.var()) - 1) < 0.03
    zeros = PORTS["AlphaDropout"].call(layer, Parameters({}, {}), torch.zeros(400, 3), training=True)
    a = (0.7 * (1 + 0.3 * 1.7580993**2)) ** -0.5
    both = torch.tensor([-0.7 * 1.7580993 * a, 0.3 * 1.7580993 * a])
    numpy.testing.assert_allclose(zeros.unique().numpy(), both, rtol=1e-5)
    assert (noise_shape is None) == bool((zeros != zeros[:, :1]).any())


@pytest.mark.parametrize(
    ("kind", "config", "mean", "deviation"),
    [("GaussianNoise", {"stddev": 0.5}, 2.0, 0.5), ("GaussianDropout", {"rate": 0.2}, 2.0, 1.0)],
)
def test_noise_around_the_input(kind: str, config: Any, mean: float, deviation: float) -> None:
    """2 plus noise of 1/2; 2 times noise of sqrt(0.2 / 0.8) = 1/2."""
    torch.manual_seed(0)
    y = PORTS[kind].call(Config(kind, config), Parameters({}, {}), torch.full((40000,), 2.0), training=True)
    assert abs(float(y.mean()) - mean) < 0.03
    assert abs(float(y.std()) - deviation) < 0.03


def test_torch_has_no_lanczos() -> None:
    layer = Config("UpSampling2D", {"size": 2, "data_format": "channels_last", "interpolation": "lanczos3"})
    with pytest.raises(Unsupported, match="torch interpolates without lanczos3"):
        PORTS["UpSampling2D"].call(layer, Parameters({}, {}), torch.ones(1, 2, 2, 1))


def test_moving_statistics_are_updated_as_in_the_reference() -> None:
    """Two batches in training, then inference; torch's own update would take the unbiased variance."""
    layer = make("BatchNormalization", {"momentum": 0.6})
    weights = drawn(layer, X3.shape)
    state: dict[str, Any] = {}
    p_state: dict[str, Any] = {}
    mapping = PORTS["BatchNormalization"].weights(Config("BatchNormalization", full_config(layer)))
    tensors = {name: torch.tensor(weights[item.source], dtype=torch.float32) for name, item in mapping.items()}
    for x, training in ((X3, True), (X3 * 2 + 1, True), (X3, False)):
        right = layer.call(Weights(weights, state), x, training=training)
        full = Config("BatchNormalization", full_config(layer))
        given = torch.tensor(x, dtype=torch.float32)
        got = PORTS["BatchNormalization"].call(full, Parameters(tensors, p_state), given, training=training)
        numpy.testing.assert_allclose(got.numpy(), right, rtol=1e-5, atol=1e-5)


def test_every_layer_of_these_families_is_in_the_grid() -> None:
    assert set(OF_FAMILIES) == {case[0] for case in CASES}
