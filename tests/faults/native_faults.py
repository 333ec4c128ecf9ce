"""Faults in torch's own functions as questions in torch's words reach them, and other ways to the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

F = "torch.nn.functional"


class Native(NamedTuple):
    """A function of torch's, what takes its place, and names in torch's words that call it."""

    layers: tuple[str, ...]
    target: str
    around: Callable[..., Any]
    """The real function first, then its arguments."""


def _at(place: int, change: Callable[[Any], Any], name: str = "") -> Callable[..., Any]:
    """The argument at this place, or of this name, changed."""

    def around(real: Any, *args: Any, **kwargs: Any) -> Any:
        if name in kwargs:
            return real(*args, **{**kwargs, name: change(kwargs[name])})
        if len(args) <= place:
            return real(*args, **kwargs)
        return real(*args[:place], change(args[place]), *args[place + 1 :], **kwargs)

    return around


def _output(change: Callable[[Any], Any]) -> Callable[..., Any]:
    def around(real: Any, *args: Any, **kwargs: Any) -> Any:
        return change(real(*args, **kwargs))

    return around


def _gates(weights: Any, order: tuple[int, ...]) -> list[Any]:
    def turned(weight: Any) -> Any:
        parts = weight.chunk(len(order), dim=0)
        return torch.cat([parts[place] for place in order])

    return [turned(weight) for weight in weights]


FAULTS: dict[str, Native] = {
    "linear without its bias": Native(("nn.Linear",), f"{F}.linear", _at(2, lambda b: None, "bias")),
    "conv without its dilation": Native(("nn.Conv2d",), f"{F}.conv2d", _at(5, lambda d: 1)),
    "conv with its kernel turned over": Native(("nn.Conv1d",), f"{F}.conv1d", _at(1, lambda w: w.flip(-1))),
    "transposed conv without output_padding": Native(
        ("nn.ConvTranspose1d",), f"{F}.conv_transpose1d", _at(5, lambda p: 0)
    ),
    "batch norm with eps 1e-3": Native(("nn.BatchNorm1d", "nn.BatchNorm2d"), f"{F}.batch_norm", _at(7, lambda e: 1e-3)),
    "layer norm with eps 1e-3": Native(("nn.LayerNorm",), f"{F}.layer_norm", _at(4, lambda e: 1e-3)),
    "group norm in one group": Native(("nn.GroupNorm",), f"{F}.group_norm", _at(1, lambda n: 1)),
    "rms norm with eps 1e-2": Native(("nn.RMSNorm",), f"{F}.rms_norm", _at(3, lambda e: 1e-2)),
    "local response norm of another k": Native(
        ("nn.LocalResponseNorm",), f"{F}.local_response_norm", _at(4, lambda k: 1.5)
    ),
    "average pool that leaves padding out": Native(("nn.AvgPool2d",), f"{F}.avg_pool2d", _at(5, lambda c: not c)),
    "average pool without ceil_mode": Native(("nn.AvgPool2d",), f"{F}.avg_pool2d", _at(4, lambda c: False)),
    "max pool without dilation": Native(("nn.MaxPool1d",), f"{F}.max_pool1d", _at(4, lambda d: 1)),
    "adaptive pool of maxima": Native(
        ("nn.AdaptiveAvgPool1d",),
        f"{F}.adaptive_avg_pool1d",
        lambda real, x, size: torch.nn.functional.adaptive_max_pool1d(x, size),
    ),
    "embedding whose padding learns": Native(("nn.Embedding",), f"{F}.embedding", _at(2, lambda p: None)),
    "embedding of the next row": Native(
        ("nn.Embedding",), f"{F}.embedding", lambda real, ids, w, *rest: real((ids + 1) % len(w), w, *rest)
    ),
    "bag of sums": Native(("nn.EmbeddingBag",), f"{F}.embedding_bag", _at(7, lambda m: "sum")),
    "softmax over the other axis": Native(("nn.Softmax",), f"{F}.softmax", _at(1, lambda d: 0)),
    "gelu by tanh": Native(("nn.GELU",), f"{F}.gelu", _at(1, lambda a: "tanh", "approximate")),
    "leaky relu with 0.02": Native(("nn.LeakyReLU",), f"{F}.leaky_relu", _at(1, lambda s: 0.02)),
    "softplus without beta": Native(("nn.Softplus",), f"{F}.softplus", _at(1, lambda b: 1.0)),
    "glu with its halves swapped": Native(
        ("nn.GLU",), f"{F}.glu", lambda real, x, dim=-1: real(torch.cat(x.chunk(2, dim)[::-1], dim), dim)
    ),
    "cross entropy without smoothing": Native(
        ("nn.CrossEntropyLoss",), f"{F}.cross_entropy", _at(9, lambda s: 0.0, "label_smoothing")
    ),
    "cross entropy without weights": Native(
        ("nn.CrossEntropyLoss",), f"{F}.cross_entropy", _at(9, lambda w: None, "weight")
    ),
    "cross entropy that ignores nothing": Native(
        ("nn.CrossEntropyLoss",), f"{F}.cross_entropy", _at(9, lambda i: -100, "ignore_index")
    ),
    "pos_weight forgotten": Native(
        ("nn.BCEWithLogitsLoss",), f"{F}.binary_cross_entropy_with_logits", _at(9, lambda w: None, "pos_weight")
    ),
    "divergence by all entries": Native(("nn.KLDivLoss",), f"{F}.kl_div", _at(9, lambda r: "mean", "reduction")),
    "triplets without swap": Native(
        ("nn.TripletMarginLoss",), f"{F}.triplet_margin_loss", _at(9, lambda s: False, "swap")
    ),
    "padding by replicas": Native(("nn.ReflectionPad1d",), f"{F}.pad", _at(2, lambda m: "replicate")),
    "resizing without aligned corners": Native(
        ("nn.Upsample", "nn.UpsamplingBilinear2d"), f"{F}.interpolate", _at(4, lambda a: False if a else a)
    ),
    "fold that takes a mean": Native(("nn.Fold",), f"{F}.fold", _output(lambda y: y / 2)),
    "attention of scores half as large again": Native(
        ("nn.MultiheadAttention",), f"{F}.softmax", _at(0, lambda scores: 1.5 * scores)
    ),
    "gates of GRU in Keras' order": Native(
        ("nn.GRU",),
        "torch._VF.gru",
        lambda real, x, h, weights, *rest: real(x, h, _gates(weights, (1, 0, 2)), *rest),
    ),
    "gates of LSTM in another order": Native(
        ("nn.LSTM",),
        "torch._VF.lstm",
        lambda real, x, h, weights, *rest: real(x, h, _gates(weights, (0, 1, 3, 2)), *rest),
    ),
}

CONTROLS: dict[str, Native] = {
    "linear as a product": Native(
        ("nn.Linear",),
        f"{F}.linear",
        lambda real, x, w, b=None: x @ w.T if b is None else x @ w.T + b,
    ),
    "softmax by way of its logarithm": Native(
        ("nn.Softmax",), f"{F}.softmax", lambda real, x, dim, **_: torch.log_softmax(x, dim).exp()
    ),
    "gelu by the error function": Native(
        ("nn.GELU",),
        f"{F}.gelu",
        lambda real, x, approximate="none": (
            0.5 * x * torch.erfc(-x / math.sqrt(2)) if approximate == "none" else real(x, approximate=approximate)
        ),
    ),
    "layer norm by mean and variance": Native(
        ("nn.LayerNorm",),
        f"{F}.layer_norm",
        lambda real, x, shape, w=None, b=None, eps=1e-5: _normal(x, shape, w, b, eps),
    ),
    "embedding as a product": Native(
        ("nn.Embedding",),
        f"{F}.embedding",
        lambda real, ids, w, pad=None, *rest: real(ids, w, pad, *rest) if pad is not None or any(rest[:1]) else w[ids],
    ),
    "average pool of the batch from its end": Native(
        ("nn.AvgPool1d",), f"{F}.avg_pool1d", lambda real, x, *rest, **named: real(x.flip(0), *rest, **named).flip(0)
    ),
}


def _normal(x: Any, shape: Any, w: Any, b: Any, eps: float) -> Any:
    axes = tuple(range(-len(shape), 0))
    y = (x - x.mean(axes, keepdim=True)) / torch.sqrt(x.var(axes, keepdim=True, unbiased=False) + eps)
    y = y if w is None else y * w
    return y if b is None else y + b
