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
    *("Rescaling", "CenterCrop", "ReversibleEmbedding"),
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
    instead = "torch.where(x > threshold, x, slope * (x - threshold)).clamp(max=max_value)"
    refuse(layer, "nn.ReLU", instead, max_value=None, negative_slope=0.0, threshold=0.0)
    return F.relu(x)


@native("LeakyReLU", names={"negative_slope": "negative_slope"})
def leaky_relu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return F.leaky_relu(x, **given(layer, {"negative_slope": "negative_slope"}))


@native("ELU", names={"alpha": "alpha"})
def elu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    return F.elu(x, **given(layer, {"alpha": "alpha"}))


@native("PReLU")
def prelu(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`nn.PReLU(channels)`: it has no slope of each position, which Keras has by default."""
    slopes = p.weight
    if slopes.numel() not in (1, x.shape[-1]):
        raise Unsupported("nn.PReLU learns one slope or one a channel: torch.where(x > 0, x, weight * x)")
    return F.prelu(x.movedim(-1, 1), slopes.reshape(-1)).movedim(1, -1)


@native("Softmax")
def softmax(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    if not isinstance(layer.axis, int):
        raise Unsupported("nn.Softmax takes one axis: torch.softmax(x.flatten(1, 2), dim=1).view_as(x)")
    return torch.softmax(x, dim=layer.axis)


@native("Flatten")
def flatten(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`nn.Flatten()` of the array as it is, whichever axis holds the channels."""
    return torch.flatten(x, 1)


def _listed(inputs: Any) -> list[Tensor]:
    return [inputs] if isinstance(inputs, Tensor) else list(inputs)


def _folded(name: str) -> Any:
    def call(layer: Any, p: Parameters, inputs: Sequence[Tensor]) -> Tensor:
        """Two at a time; a difference takes two. torch raises for one tensor that is no list."""
        function, is_pair = getattr(torch, name), name == "sub" or isinstance(inputs, Tensor)
        found: Tensor = function(*_listed(inputs)) if is_pair else functools.reduce(function, inputs)
        return found

    return call


for _kind, _function in (
    ("Add", "add"),
    ("Subtract", "sub"),
    ("Multiply", "mul"),
    ("Maximum", "maximum"),
    ("Minimum", "minimum"),
):
    native(_kind)(_folded(_function))


@native("Average")
def average(layer: Any, p: Parameters, inputs: Sequence[Tensor]) -> Tensor:
    return torch.stack(inputs).mean(0)  # type: ignore[arg-type]  # torch raises for a tensor


@native("Concatenate")
def concatenate(layer: Any, p: Parameters, inputs: Sequence[Tensor]) -> Tensor:
    return torch.cat(inputs, dim=layer.axis)  # type: ignore[arg-type]  # as above


@native("TimeDistributed")
def over_steps(layer: Any, p: Parameters, inputs: Tensor) -> Tensor:
    """`torch.stack([layer(step) for step in x.unbind(1)], dim=1)`, with torch's own call for the layer."""
    inner = NativeConfig(layer.layer.type, vars(layer.layer), layer.asked["layer"])
    if inner.type not in NATIVE:
        raise Unsupported(f"torch has no call of its own for {inner.type}")
    call, held = NATIVE[inner.type].call, p.within("layer")
    return torch.stack([call(inner, held, step) for step in inputs.unbind(1)], dim=1)


@native("Resizing")
def resize(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`F.interpolate(x, size, mode=...)`; torch's modes for Keras' interpolations of the same name."""
    name = "F.interpolate"
    refuse(layer, name, "crop or pad before", crop_to_aspect_ratio=False, pad_to_aspect_ratio=False)
    if layer.interpolation not in ("nearest", "bilinear", "bicubic"):
        raise Unsupported(f"{name} has no mode {layer.interpolation}")
    if x.ndim != 4:
        raise Unsupported(f"{name} takes a batch of images: x.unsqueeze(0)")
    channels = x if layer.data_format == "channels_first" else x.movedim(-1, 1)
    options = {"antialias": True} if layer.antialias else {}
    y = F.interpolate(channels, (layer.height, layer.width), mode=layer.interpolation, **options)
    return y if layer.data_format == "channels_first" else y.movedim(1, -1)


@native("UpSampling2D")
def upsample(layer: Any, p: Parameters, x: Tensor) -> Tensor:
    """`nn.Upsample(scale_factor, mode)`; torch's modes for Keras' interpolations of the same name."""
    channels = x if layer.data_format == "channels_first" else x.movedim(-1, 1)
    size = (layer.size, layer.size) if isinstance(layer.size, int) else tuple(layer.size)
    y = F.interpolate(channels, scale_factor=size, mode=layer.interpolation)
    return y if layer.data_format == "channels_first" else y.movedim(1, -1)
