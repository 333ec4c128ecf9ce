"""Convolutions in torch against the reference, over the grid of options."""

from __future__ import annotations

import dataclasses
import itertools

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    # torch says once that an even kernel under `same` is padded with a copy; that copy is what is wanted.
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
]

from conformance.lanes.torch import conv, depthwise, transposed  # noqa: E402, F401  # registers the ports; as above
from conformance.lanes.torch.port import PORTS, Config, Parameters  # noqa: E402  # as above
from conformance.reference.base import full_config, make  # noqa: E402  # as above
from conformance.reference.catalog import LAYERS  # noqa: E402  # as above
from tests.lanes.port_agreement import assert_port_agrees  # noqa: E402  # torch may be missing

PACES = [(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]
"""strides and dilation_rate: only one of the two may be above 1."""


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_sequences(padding: str, data_format: str) -> None:
    random = numpy.random.default_rng(11)
    for (strides, dilation), kernel, steps in itertools.product(PACES, (1, 2, 3, 4), (1, 2, 3, 4, 5, 8)):
        config = {
            "filters": 6,
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "data_format": data_format,
            "groups": 1 + kernel % 2,
            "use_bias": steps % 2 == 1,
            "activation": (None, "tanh", "softmax")[steps % 3],
        }
        shape = (2, steps, 4) if data_format == "channels_last" else (2, 4, steps)
        assert_port_agrees("Conv1D", config, random.normal(size=shape))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_images(padding: str, data_format: str) -> None:
    random = numpy.random.default_rng(13)
    paces = [*PACES, ([1, 2], 1), ([2, 3], 1), (1, [2, 1])]
    for (strides, dilation), kernel in itertools.product(paces, (1, 2, [2, 3], [3, 4], [6, 1])):
        config = {
            "filters": 6,
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "data_format": data_format,
            "groups": 2,
        }
        shape = (2, 5, 7, 4) if data_format == "channels_last" else (2, 4, 5, 7)
        assert_port_agrees("Conv2D", config, random.normal(size=shape))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_films(padding: str, data_format: str) -> None:
    random = numpy.random.default_rng(29)
    for (strides, dilation), kernel in itertools.product([(1, 1), ([1, 2, 3], 1), (1, [1, 2, 1])], (2, [1, 2, 3])):
        config = {
            "filters": 4,
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "data_format": data_format,
            "groups": 2,
        }
        shape = (2, 3, 5, 4, 4) if data_format == "channels_last" else (2, 4, 3, 5, 4)
        assert_port_agrees("Conv3D", config, random.normal(size=shape))


@pytest.mark.parametrize("kind", ["DepthwiseConv2D", "SeparableConv2D"])
def test_kernels_of_their_own_on_images(kind: str) -> None:
    random = numpy.random.default_rng(31)
    paces = [(1, 1), (2, 1), ([2, 3], 1), (1, [1, 2]), (2, 2)]
    for padding, (strides, dilation), kernel, data_format in itertools.product(
        ("valid", "same"), paces, (1, [2, 3], 4), ("channels_last", "channels_first")
    ):
        config = {
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "data_format": data_format,
            "depth_multiplier": 2,
            "activation": (None, "tanh")[kernel == 1],
            **({"filters": 5} if kind == "SeparableConv2D" else {}),
        }
        shape = (2, 6, 7, 3) if data_format == "channels_last" else (2, 3, 6, 7)
        assert_port_agrees(kind, config, random.normal(size=shape))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed_images(padding: str, data_format: str) -> None:
    random = numpy.random.default_rng(37)
    paces = [(1, 1), (2, 1), ([1, 3], 1), (1, [2, 1])]
    for (strides, dilation), kernel, extra in itertools.product(paces, (1, [2, 3], 4), (None, 0, [0, 1])):
        if extra == [0, 1] and strides in (1, [3, 1]):
            continue
        config = {
            "filters": 3,
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "output_padding": extra,
            "data_format": data_format,
            "use_bias": kernel != 4,
        }
        shape = (2, 3, 4, 2) if data_format == "channels_last" else (2, 2, 3, 4)
        assert_port_agrees("Conv2DTranspose", config, random.normal(size=shape))


@pytest.mark.parametrize("kind", ["DepthwiseConv1D", "SeparableConv1D"])
def test_kernels_of_their_own(kind: str) -> None:
    """Strides and dilation may be combined here."""
    random = numpy.random.default_rng(19)
    grid = itertools.product(
        ("valid", "same"), (1, 2, 3), (1, 2), (1, 2, 4), (1, 2), ("channels_last", "channels_first")
    )
    for padding, strides, dilation, kernel, multiplier, data_format in grid:
        config = {
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "data_format": data_format,
            "depth_multiplier": multiplier,
            "use_bias": strides != 2,
            "activation": (None, "tanh")[kernel % 2],
            **({"filters": 3} if kind == "SeparableConv1D" else {}),
        }
        shape = (2, 6, 4) if data_format == "channels_last" else (2, 4, 6)
        assert_port_agrees(kind, config, random.normal(size=shape))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_transposed(padding: str, data_format: str) -> None:
    random = numpy.random.default_rng(23)
    for (strides, dilation), kernel, steps, extra in itertools.product(
        PACES, (1, 2, 3, 4, 5), (1, 3, 4), (None, 0, 1, 2)
    ):
        if extra is not None and extra >= strides:
            continue
        config = {
            "filters": 3,
            "kernel_size": kernel,
            "strides": strides,
            "dilation_rate": dilation,
            "padding": padding,
            "output_padding": extra,
            "data_format": data_format,
            "use_bias": steps != 3,
            "activation": (None, "tanh")[kernel % 2],
        }
        shape = (2, steps, 4) if data_format == "channels_last" else (2, 4, steps)
        assert_port_agrees("Conv1DTranspose", config, random.normal(size=shape))


def test_a_wrong_answer_is_noticed() -> None:
    """The twin of the tests above: a port whose steps run backwards."""
    x = numpy.random.default_rng(17).normal(size=(2, 5, 4))
    config = {"filters": 4, "kernel_size": 3, "padding": "same"}
    assert_port_agrees("Conv1D", config, x)
    right = PORTS["Conv1D"]
    backwards = dataclasses.replace(right, call=lambda layer, p, x: right.call(layer, p, x).flip(1))
    with pytest.raises(AssertionError, match="Mismatched elements"):
        assert_port_agrees("Conv1D", config, x, port=backwards)


def test_an_input_without_batch_is_refused() -> None:
    """torch itself takes (channels, steps) for one sample; Keras does not."""
    layer = make("Conv1D", {"filters": 2, "kernel_size": 1})
    with pytest.raises(ValueError, match=r"needs an input of rank 3, got shape \(5, 4\)"):
        PORTS["Conv1D"].call(Config("Conv1D", full_config(layer)), Parameters({}, {}), torch.ones(5, 4))


def test_weight_maps_as_the_report_prints_them() -> None:
    config = {"filters": 2, "kernel_size": 4}
    kinds = {"Conv1D": config, "Conv2D": config, "Conv1DTranspose": config, "SeparableConv1D": config}
    kinds["DepthwiseConv1D"] = kinds["DepthwiseConv2D"] = {"kernel_size": 4}
    kinds["Conv2DTranspose"] = kinds["SeparableConv2D"] = kinds["Conv3D"] = config
    full = {kind: Config(kind, full_config(LAYERS[kind](**config))) for kind, config in kinds.items()}
    shown = {kind: {name: m.code() for name, m in PORTS[kind].weights(full[kind]).items()} for kind in kinds}
    assert shown == {
        "Conv1D": {"weight": 'weights["kernel"].permute(2, 1, 0)', "bias": 'weights["bias"]'},
        "Conv2D": {"weight": 'weights["kernel"].permute(3, 2, 0, 1)', "bias": 'weights["bias"]'},
        "Conv1DTranspose": {"weight": 'weights["kernel"].permute(2, 1, 0)', "bias": 'weights["bias"]'},
        "SeparableConv1D": {
            "depthwise.weight": 'weights["depthwise_kernel"].permute(1, 2, 0).reshape(-1, 1, 4)',
            "pointwise.weight": 'weights["pointwise_kernel"].permute(2, 1, 0)',
            "pointwise.bias": 'weights["bias"]',
        },
        "DepthwiseConv1D": {
            "weight": 'weights["kernel"].permute(1, 2, 0).reshape(-1, 1, 4)',
            "bias": 'weights["bias"]',
        },
        "DepthwiseConv2D": {
            "weight": 'weights["kernel"].permute(2, 3, 0, 1).reshape(-1, 1, 4, 4)',
            "bias": 'weights["bias"]',
        },
        "Conv2DTranspose": {"weight": 'weights["kernel"].permute(3, 2, 0, 1)', "bias": 'weights["bias"]'},
        "Conv3D": {"weight": 'weights["kernel"].permute(4, 3, 0, 1, 2)', "bias": 'weights["bias"]'},
        "SeparableConv2D": {
            "depthwise.weight": 'weights["depthwise_kernel"].permute(2, 3, 0, 1).reshape(-1, 1, 4, 4)',
            "pointwise.weight": 'weights["pointwise_kernel"].permute(3, 2, 0, 1)',
            "pointwise.bias": 'weights["bias"]',
        },
    }
