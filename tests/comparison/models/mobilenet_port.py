"""transformers' MobileNetV1 with the weights of keras.applications': right, and with one mistake each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from drawn import drawn
from torch import nn
from transformers import MobileNetV1Config, MobileNetV1Model


def _put(target: Any, array: Any) -> None:
    target.data.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def _norm(module: Any, path: str, size: int) -> None:
    for target, name in (
        (module.weight, "gamma"),
        (module.bias, "beta"),
        (module.running_mean, "moving_mean"),
        (module.running_var, "moving_variance"),
    ):
        _put(target, drawn(f"{path}/{name}", (size,)))


def _built(**changed: Any) -> Any:
    config = {
        "depth_multiplier": 0.25,
        "image_size": 32,
        "min_depth": 8,
        "tf_padding": True,
        "layer_norm_eps": 1e-3,
        "hidden_act": "relu6",
        **changed,
    }
    port: Any = MobileNetV1Model(MobileNetV1Config(**config), add_pooling_layer=False)
    stem = port.conv_stem.convolution.weight
    _put(stem, drawn("conv1/kernel", (3, 3, 3, stem.shape[0])).transpose(3, 2, 0, 1))
    _norm(port.conv_stem.normalization, "conv1_bn", stem.shape[0])
    for number, layer in enumerate(port.layer):
        is_depthwise = number % 2 == 0
        path = f"conv_{'dw' if is_depthwise else 'pw'}_{number // 2 + 1}"
        out, inside = layer.convolution.weight.shape[:2]
        if is_depthwise:
            _put(layer.convolution.weight, drawn(f"{path}/kernel", (3, 3, out, 1)).transpose(2, 3, 0, 1))
        else:
            _put(layer.convolution.weight, drawn(f"{path}/kernel", (1, 1, inside, out)).transpose(3, 2, 0, 1))
        _norm(layer.normalization, f"{path}_bn", out)
    return port.eval()


def right() -> Any:
    return _built()


def usual() -> Any:
    """The size that it is published with."""
    return _built(depth_multiplier=1.0, image_size=224)


def epsilon() -> Any:
    return _built(layer_norm_eps=1e-5)


def padding_side() -> Any:
    return _built(tf_padding=False)


class Head(nn.Module):
    """The flattening head; `mistake` names what is wrong in it."""

    def __init__(self, mistake: str = "") -> None:
        super().__init__()
        self.mistake = mistake
        self.conv = nn.Conv2d(2, 3, 3, padding="same")
        share = 0.1 if mistake == "momentum" else 0.01
        self.norm = nn.BatchNorm2d(3, eps=1e-3, momentum=share)
        self.scores = nn.Linear(72, 5)
        _put(self.conv.weight, drawn("conv/kernel", (3, 3, 2, 3)).transpose(3, 2, 0, 1))
        _put(self.conv.bias, drawn("conv/bias", (3,)))
        _norm(self.norm, "norm", 3)
        _put(self.scores.weight, drawn("scores/kernel", (72, 5)).T)
        _put(self.scores.bias, drawn("scores/bias", (5,)))

    def forward(self, pixels: Any) -> Any:
        x = self.norm(self.conv(pixels))
        if self.mistake != "flatten_order":
            x = x.permute(0, 2, 3, 1)
        return self.scores(x.flatten(1))


def head() -> Any:
    return Head().eval()


def flatten_order() -> Any:
    return Head("flatten_order").eval()


def momentum() -> Any:
    return Head("momentum").eval()
