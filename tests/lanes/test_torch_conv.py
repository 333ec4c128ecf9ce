"""Convolutions in torch against the reference, over the grid of options."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.torch,
    # torch says once that an even kernel under `same` is padded with a copy; that copy is what is wanted.
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
]

from conformance.lanes.torch import conv, depthwise, transposed  # noqa: E402, F401  # registers; torch may be missing
from conformance.lanes.torch.port import PORTS, Config, Parameters  # noqa: E402  # as above
from conformance.reference.base import LayerError, Weights, full_config, make  # noqa: E402  # as above


def answers(kind: str, config: dict[str, Any], x: numpy.ndarray[Any, Any]) -> tuple[Any, Any]:
    """What the reference and the port say to the same weights; an exception stands for itself."""
    random = numpy.random.default_rng(7)
    layer = make(kind, config)
    drawn = {name: random.normal(size=w.shape).astype("float32") for name, w in layer.weights(x.shape).items()}
    try:
        right: Any = layer.call(Weights({name: value.astype(float) for name, value in drawn.items()}), x.astype(float))
    except LayerError as error:
        right = error
    full = Config(kind, full_config(layer))
    tensors = {name: torch.tensor(value) for name, value in drawn.items()}
    mapped = {name: m.apply(tensors) for name, m in PORTS[kind].weights(full).items() if m.source in tensors}
    try:
        said: Any = PORTS[kind].call(full, Parameters(mapped, {}), torch.tensor(x)).numpy()
    except (RuntimeError, ValueError) as error:
        said = error
    return right, said


def assert_same_answer(kind: str, config: dict[str, Any], x: numpy.ndarray[Any, Any]) -> None:
    right, said = answers(kind, config, x)
    if isinstance(right, LayerError):
        assert isinstance(said, Exception), (config, x.shape)
        return
    assert not isinstance(said, Exception), (config, x.shape, said)
    assert said.dtype == numpy.float32
    numpy.testing.assert_allclose(said, right, rtol=1e-5, atol=1e-5, err_msg=str((config, x.shape)))
    assert said.shape == right.shape


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
        assert_same_answer("Conv1D", config, random.normal(size=shape).astype("float32"))


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
        assert_same_answer("Conv2D", config, random.normal(size=shape).astype("float32"))


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
        assert_same_answer(kind, config, random.normal(size=shape).astype("float32"))


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
        assert_same_answer("Conv1DTranspose", config, random.normal(size=shape).astype("float32"))


def test_a_wrong_answer_is_noticed() -> None:
    """The twin of the tests above: another padding is not the same answer."""
    x = numpy.random.default_rng(17).normal(size=(2, 5, 4)).astype("float32")
    right, _ = answers("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "same"}, x)
    _, said = answers("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal"}, x)
    assert not numpy.allclose(right, said, rtol=1e-5, atol=1e-5)


def test_an_input_without_batch_is_refused() -> None:
    """torch itself takes (channels, steps) for one sample; Keras does not."""
    layer = make("Conv1D", {"filters": 2, "kernel_size": 1})
    with pytest.raises(ValueError, match=r"needs an input of rank 3, got shape \(5, 4\)"):
        PORTS["Conv1D"].call(Config("Conv1D", full_config(layer)), Parameters({}, {}), torch.ones(5, 4))


def test_weight_maps_as_the_report_prints_them() -> None:
    config = {"filters": 2, "kernel_size": 4}
    kinds = {"Conv1D": config, "Conv2D": config, "Conv1DTranspose": config, "SeparableConv1D": config}
    kinds["DepthwiseConv1D"] = {"kernel_size": 4}
    full = {kind: Config(kind, full_config(make(kind, config))) for kind, config in kinds.items()}
    shown = {kind: {name: str(m) for name, m in PORTS[kind].weights(full[kind]).items()} for kind in kinds}
    assert shown == {
        "Conv1D": {"weight": "kernel.transpose(2, 1, 0)", "bias": "bias"},
        "Conv2D": {"weight": "kernel.transpose(3, 2, 0, 1)", "bias": "bias"},
        "Conv1DTranspose": {"weight": "kernel.transpose(2, 1, 0)", "bias": "bias"},
        "SeparableConv1D": {
            "depthwise.weight": "depthwise_kernel.transpose(1, 2, 0).reshape(-1, 1, 4)",
            "pointwise.weight": "pointwise_kernel.transpose(2, 1, 0)",
            "pointwise.bias": "bias",
        },
        "DepthwiseConv1D": {"weight": "kernel.transpose(1, 2, 0).reshape(-1, 1, 4)", "bias": "bias"},
    }
