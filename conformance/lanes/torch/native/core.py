"""torch's own linear layer, embedding, activations, dropout and operations on shapes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from conformance.lanes.torch.activations import activate as keras_activation
from conformance.lanes.torch.native import NATIVE, NativeConfig, as_ported, given, native, refuse
from conformance.lanes.torch.port import Parameters, Tensor, Unsupported

as_ported(
    *("Identity", "Reshape", "Permute", "RepeatVector", "UpSampling1D", "Cropping1D", "Cropping2D"),
    *("ZeroPadding1D", "ZeroPadding2D", "Masking", "EinsumDense", "MaskedAverage", "Dot"),
    *("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *("GaussianNoise", "GaussianDropout", "AlphaDropout", "Cropping3D", "ZeroPadding3D"),
    *("AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D"),
    *("AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D"),
    *("Dice", "Tversky", "CategoricalGeneralizedCrossEntropy", "UpSampling3D"),
)

ACTIVATIONS = {"leaky_relu": F.leaky_relu}
"""Activations that have other defaults in torch than in Keras: a slope of 0.01, not 0.2."""


def activate(name: str | None, x: Tensor) -> Tensor:
    """torch's function of this name as it is."""
    return ACTIVATIONS[name](x) if name in ACTIVATIONS else keras_activation(name, x)


@native("Activation")
def activation(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return activate(layer.activation, x)


@native("Dense")
def linear(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return activate(layer.activation, F.linear(x, p.weight, p.get("bias")))


@native("Embedding")
def embedding(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`mask_zero` is what users say by `padding_idx=0`: the row of id 0 gets no gradient."""
    return F.embedding(x.long(), p.weight, padding_idx=0 if layer.mask_zero else None)


@native("ReLU")
def relu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    refuse(layer, "nn.ReLU", max_value=None, negative_slope=0.0, threshold=0.0)
    return F.relu(x)


@native("LeakyReLU", names={"negative_slope": "negative_slope"})
def leaky_relu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return F.leaky_relu(x, **given(layer, {"negative_slope": "negative_slope"}))


@native("ELU", names={"alpha": "alpha"})
def elu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return F.elu(x, **given(layer, {"alpha": "alpha"}))


@native("PReLU")
def prelu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`nn.PReLU(channels)`: torch raises for a slope of each position, which Keras has by default."""
    slopes = p.weight
    return F.prelu(x.movedim(-1, 1), slopes.reshape(-1)).movedim(1, -1)


@native("Softmax")
def softmax(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return torch.softmax(x, dim=layer.axis)


@native("Flatten")
def flatten(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`nn.Flatten()` of the array as it is, whichever axis holds the channels."""
    return torch.flatten(x, 1)


def _folded(function: Any) -> Any:
    def call(layer: Any, p: Parameters, inputs: Sequence[Tensor]) -> Tensor:
        found: Tensor = functools.reduce(function, inputs)
        return found

    return call


for _kind, _function in (
    ("Add", torch.add),
    ("Subtract", torch.sub),
    ("Multiply", torch.mul),
    ("Maximum", torch.maximum),
    ("Minimum", torch.minimum),
):
    native(_kind)(_folded(_function))


@native("Average")
def average(layer: Any, p: Parameters, inputs: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(inputs)).mean(0)


@native("Concatenate")
def concatenate(layer: Any, p: Parameters, inputs: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(inputs), dim=layer.axis)


@native("TimeDistributed")
def over_steps(layer: Any, p: Parameters, inputs: Tensor) -> Tensor:
    """`torch.stack([layer(step) for step in x.unbind(1)], dim=1)`, with torch's own call for the layer."""
    inner = NativeConfig(layer.layer.type, vars(layer.layer), layer.asked["layer"])
    if inner.type not in NATIVE:
        raise Unsupported(f"torch has no call of its own for {inner.type}")
    call, held = NATIVE[inner.type].call, p.within("layer")
    return torch.stack([call(inner, held, step) for step in inputs.unbind(1)], dim=1)


@native("UpSampling2D")
def upsample(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`nn.Upsample(scale_factor, mode)`; torch's modes for Keras' interpolations of the same name."""
    channels = x if layer.data_format == "channels_first" else x.movedim(-1, 1)
    size = (layer.size, layer.size) if isinstance(layer.size, int) else tuple(layer.size)
    y = F.interpolate(channels, scale_factor=size, mode=layer.interpolation)
    return y if layer.data_format == "channels_first" else y.movedim(1, -1)
