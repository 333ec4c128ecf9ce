"""The line of torch that computes what a layer of the model computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.comparison.values import Layer

Config = Mapping[str, Any]


def _size(layer: Layer) -> int:
    return layer.weights[0].array.shape[-1] if layer.weights else 0


def _norm(layer: Layer, config: Config) -> list[str]:
    return [f"nn.LayerNorm({_size(layer)}, eps={config.get('epsilon', 1e-3):g})"]


def _batch_norm(layer: Layer, config: Config) -> list[str]:
    momentum = 1.0 - float(config.get("momentum", 0.99))
    return [
        f"nn.BatchNorm2d({_size(layer)}, eps={config.get('epsilon', 1e-3):g}, momentum={momentum:.4g})"
        "  # torch's momentum is 1 - Keras'"
    ]


_FUNCTIONS = {
    "gelu": 'F.gelu(x)  # exact; approximate="tanh" is another function',
    "gelu_approximate": 'F.gelu(x, approximate="tanh")',
    "relu": "F.relu(x)",
    "relu6": "F.relu6(x)",
    "tanh": "torch.tanh(x)",
    "sigmoid": "torch.sigmoid(x)",
    "softmax": "torch.softmax(x, dim=-1)",
    "silu": "F.silu(x)",
    "swish": "F.silu(x)",
    "elu": "F.elu(x)",
    "selu": "F.selu(x)",
    "softplus": "F.softplus(x)",
    "leaky_relu": "F.leaky_relu(x, negative_slope=0.2)",
    "hard_sigmoid": "F.hardsigmoid(x)",
}


def _activation(layer: Layer, config: Config) -> list[str]:
    line = _FUNCTIONS.get(str(config.get("activation")))
    return [line] if line else []


def _mean(layer: Layer, config: Config) -> list[str]:
    return ["(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)  # mask: (batch, steps), 1 at real steps"]


def _flatten(layer: Layer, config: Config) -> list[str]:
    return ["x.permute(0, 2, 3, 1).flatten(1)  # the model's order: rows, columns, channels"]


def _padding(layer: Layer, config: Config) -> list[str]:
    padding = config.get("padding")
    if not isinstance(padding, list | tuple) or not all(isinstance(side, list | tuple) for side in padding):
        return []
    (top, bottom), (left, right) = padding
    return [f"F.pad(x, ({left}, {right}, {top}, {bottom}))  # left, right, top, bottom"]


def _attention(layer: Layer, config: Config) -> list[str]:
    return [
        "scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])",
        "scores = scores.masked_fill(mask == 0, float('-inf'))  # mask: (batch, 1, 1, keys), 1 at real steps",
        "torch.softmax(scores, dim=-1) @ v",
    ]


def _dense(layer: Layer, config: Config) -> list[str]:
    return ["F.linear(x, weight, bias)  # weight is the model's kernel transposed; the bias once"]


def _recurrent(layer: Layer, config: Config) -> list[str]:
    return [
        "packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)",
        "y, _ = self.rnn(packed)  # lengths: real steps of each row, as the model's mask has them",
    ]


def _conv(layer: Layer, config: Config) -> list[str]:
    if config.get("padding") != "same":
        return []
    sides = "left, right" if layer.type == "Conv1D" else "left, right, top, bottom"
    return [f"F.pad(x, ({sides}))  # 'same' pads total // 2 before and the rest after; it goes by the stride too"]


_LINES: Mapping[str, Callable[[Layer, Config], list[str]]] = {
    "LayerNormalization": _norm,
    "BatchNormalization": _batch_norm,
    "Activation": _activation,
    "GlobalAveragePooling1D": _mean,
    "Flatten": _flatten,
    "Reshape": _flatten,
    "ZeroPadding2D": _padding,
    "MultiHeadAttention": _attention,
    "Dense": _dense,
    "EinsumDense": _dense,
    **dict.fromkeys(("GRU", "LSTM", "SimpleRNN", "Bidirectional"), _recurrent),
    **dict.fromkeys(("Conv1D", "Conv2D"), _conv),
}


def right_lines(layer: Layer) -> tuple[str, ...]:
    """What torch has to do in this layer's place; empty where there is no one line for it."""
    maker = _LINES.get(layer.type)
    return tuple(maker(layer, layer.config or {})) if maker else ()
