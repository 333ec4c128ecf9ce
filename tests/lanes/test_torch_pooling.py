"""Pools in torch against the reference, over the grid of options."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import pooling  # noqa: E402, F401  # registers the ports; as above
from conformance.lanes.torch.port import PORTS, Config, Parameters  # noqa: E402  # as above
from conformance.reference.base import Weights, full_config  # noqa: E402  # as above
from conformance.reference.catalog import LAYERS  # noqa: E402  # as above
from tests.lanes.port_agreement import assert_port_agrees  # noqa: E402  # torch may be missing

MASK = numpy.array([[True, False, True, True, False], [False] * 5])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", ["MaxPooling1D", "AveragePooling1D"])
def test_sequences(kind: str, data_format: str) -> None:
    """All numbers are negative, so that a padding with zeros would win."""
    random = numpy.random.default_rng(11)
    for padding, strides, pool, steps in itertools.product(
        ("valid", "same"), (None, 1, 2, 3), (1, 2, 3, 4), (1, 2, 3, 4, 5, 8)
    ):
        config = {"pool_size": pool, "strides": strides, "padding": padding, "data_format": data_format}
        shape = (2, steps, 3) if data_format == "channels_last" else (2, 3, steps)
        assert_port_agrees(kind, config, -random.uniform(1, 2, size=shape))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("kind", ["MaxPooling2D", "AveragePooling2D"])
def test_images(kind: str, data_format: str) -> None:
    random = numpy.random.default_rng(13)
    for padding, strides, pool in itertools.product(
        ("valid", "same"), (None, 1, 2, [1, 2]), (1, 2, [2, 3], [3, 4], [6, 2])
    ):
        config = {"pool_size": pool, "strides": strides, "padding": padding, "data_format": data_format}
        shape = (2, 5, 7, 3) if data_format == "channels_last" else (2, 3, 5, 7)
        assert_port_agrees(kind, config, -random.uniform(1, 2, size=shape))


@pytest.mark.parametrize("mask", [None, MASK, MASK[:, :4]], ids=["no mask", "mask", "short mask"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_global_mean_of_sequences(data_format: str, keepdims: bool, mask: Any) -> None:
    shape = (2, 5, 3) if data_format == "channels_last" else (2, 3, 5)
    x = numpy.random.default_rng(17).normal(size=shape)
    assert_port_agrees("GlobalAveragePooling1D", {"data_format": data_format, "keepdims": keepdims}, x, mask=mask)


@pytest.mark.parametrize("kind", ["GlobalMaxPooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling2D"])
def test_global_pools(kind: str) -> None:
    x = numpy.random.default_rng(19).normal(size=(2, 5, 4, 3) if kind.endswith("2D") else (2, 5, 3))
    for data_format, keepdims in itertools.product(("channels_last", "channels_first"), (False, True)):
        assert_port_agrees(kind, {"data_format": data_format, "keepdims": keepdims}, x)


def test_a_wrong_answer_is_noticed() -> None:
    """The twin of the tests above."""
    x = numpy.random.default_rng(23).normal(size=(2, 5, 3))
    config = {"pool_size": 3, "strides": 1, "padding": "same"}
    assert_port_agrees("AveragePooling1D", config, x)
    with pytest.raises(AssertionError, match="Mismatched elements"):
        assert_port_agrees("AveragePooling1D", config, x, port=PORTS["MaxPooling1D"])


def test_an_input_without_batch_is_refused() -> None:
    layer = LAYERS["MaxPooling1D"]()
    with pytest.raises(ValueError, match=r"needs an input of rank 3, got shape \(5, 4\)"):
        PORTS["MaxPooling1D"].call(Config("MaxPooling1D", full_config(layer)), Parameters({}, {}), torch.ones(5, 4))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_line_of_torch_for_a_masked_mean_is_the_layer(data_format: str, keepdims: bool) -> None:
    config = {"data_format": data_format, "keepdims": keepdims}
    x = numpy.random.default_rng(7).normal(size=(2, 5, 3) if data_format == "channels_last" else (2, 3, 5))
    mask = numpy.array([[True, False, True, True, False], [True] * 5])
    kind = LAYERS["GlobalAveragePooling1D"]
    (line,) = kind.torch_lines(config, 0)
    said = eval(line, {"x": torch.tensor(x), "mask": torch.tensor(mask)})  # the line is under test
    wanted = kind(**config).call(Weights({}), x, mask=mask)
    assert tuple(said.shape) == wanted.shape
    numpy.testing.assert_allclose(said.numpy(), wanted, rtol=1e-12)
