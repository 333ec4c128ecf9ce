"""Faults in torch's own functions as the lane torch[native] reaches them from Keras' words, and other ways to the same.

Each stands with a case in which torch's own call agrees, so that what is found is the fault and no convention.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

F = "torch.nn.functional"


class Own(NamedTuple):
    """A function of torch's, what takes its place, and a case that calls it."""

    target: str
    around: Callable[..., Any]
    """The real function first, then its arguments."""
    case: str


def _turned(weights: Any, order: tuple[int, ...]) -> list[Any]:
    return [torch.cat([weight.chunk(len(order))[place] for place in order]) for weight in weights]


FAULTS: dict[str, Own] = {
    "linear without its bias": Own(f"{F}.linear", lambda real, x, w, b=None: real(x, w), "core/dense.plain"),
    "conv with its kernel turned over": Own(
        f"{F}.conv1d",
        lambda real, x, w, *rest: real(x, w.flip(-1), *rest),
        "conv1d/channels_first.transposed-padding_valid-s_1",
    ),
    "conv of images turned over": Own(
        f"{F}.conv2d",
        lambda real, x, w, *rest: real(x, w.flip(-1), *rest),
        "conv1d/integers_mutants.conv2d-padding_valid",
    ),
    "transposed conv turned over": Own(
        f"{F}.conv_transpose1d",
        lambda real, x, w, *rest, **named: real(x, w.flip(-1), *rest, **named),
        "conv1d/transposed.valid-k_2-s_1",
    ),
    "embedding of the next row": Own(
        f"{F}.embedding",
        lambda real, ids, w, *rest, **named: real((ids + 1) % len(w), w, *rest, **named),
        "embedding/classifier.order",
    ),
    "batch norm by twice the variance": Own(
        f"{F}.batch_norm",
        lambda real, x, m, v, w, b, **named: real(x, m, v, w / 2**0.5, b, **named),
        "normalization/batch.of_two-factor_1000.0",
    ),
    "layer norm with eps 0.1": Own(
        f"{F}.layer_norm",
        lambda real, x, shape, w=None, b=None, **named: real(x, shape, w, b, eps=0.1),
        "normalization/layer.by_hand",
    ),
    "rms norm with eps 0.1": Own(
        f"{F}.rms_norm", lambda real, x, shape, w=None, **named: real(x, shape, w, eps=0.1), "normalization/rms.plain"
    ),
    "group norm in one group": Own(
        f"{F}.group_norm", lambda real, x, n, *rest, **named: real(x, 1, *rest, **named), "normalization/group.by_hand"
    ),
    "average pool that adds up": Own(
        f"{F}.avg_pool1d",
        lambda real, x, size, *rest: real(x, size, *rest) * size[0],
        "pooling/average1d.length-pool_2-s_1-padding_valid",
    ),
    "average pool of images that adds up": Own(
        f"{F}.avg_pool2d",
        lambda real, x, size, *rest: real(x, size, *rest) * 4,
        "pooling/images.shape-pool_2-s_null-padding_valid",
    ),
    "max pool of minima": Own(f"{F}.max_pool1d", lambda real, x, *rest: -real(-x, *rest), "conv1d/maxpool.after_same"),
    "max pool of images of minima": Own(
        f"{F}.max_pool2d", lambda real, x, *rest: -real(-x, *rest), "pooling/images.shape-pool_2-s_null-padding_valid"
    ),
    "adaptive pool of maxima": Own(
        f"{F}.adaptive_avg_pool1d",
        lambda real, x, size: torch.nn.functional.adaptive_max_pool1d(x, size),
        "pooling/adaptive.one_is_global",
    ),
    "adaptive pool of means": Own(
        f"{F}.adaptive_max_pool1d",
        lambda real, x, size: torch.nn.functional.adaptive_avg_pool1d(x, size),
        "pooling/adaptive.largest_of_all",
    ),
    "softmax over the batch": Own("torch.softmax", lambda real, x, dim: real(x, dim=0), "core/softmax.axis-axis_-1"),
    "elu with 1.1": Own(
        f"{F}.elu", lambda real, x, alpha=1.0: real(x, 1.1 * alpha), "core/activation_layers.elu-alpha_0.5"
    ),
    "leaky relu with its slope doubled": Own(
        f"{F}.leaky_relu",
        lambda real, x, negative_slope=0.01: real(x, 2 * negative_slope),
        "core/activation_layers.leaky_relu-slope_0.3",
    ),
    "cross entropy without smoothing": Own(
        f"{F}.cross_entropy",
        lambda real, x, y, label_smoothing=0.0, **named: real(x, y, **named),
        "loss/functions.categorical",
    ),
    "huber of twice the delta": Own(
        f"{F}.huber_loss",
        lambda real, x, y, delta=1.0, **named: real(x, y, delta=2 * delta, **named),
        "loss/distances.huber",
    ),
    "resizing from the other end": Own(
        f"{F}.interpolate",
        lambda real, x, *rest, **named: real(x.flip(-1), *rest, **named),
        "reshaping/up_sampling.nearest",
    ),
    "attention of scores half as large again": Own(
        f"{F}.softmax", lambda real, x, *rest, **named: real(1.5 * x, *rest, **named), "attention/heads.scores"
    ),
    "gates of GRU in Keras' order": Own(
        "torch._VF.gru",
        lambda real, x, h, w, *rest: real(x, h, _turned(w, (1, 0, 2)), *rest),
        "gru/bidirectional.unrolled_with_mask",
    ),
    "gates of LSTM in another order": Own(
        "torch._VF.lstm",
        lambda real, x, h, w, *rest: real(x, h, _turned(w, (0, 1, 3, 2)), *rest),
        "embedding/classifier.order",
    ),
    "a sum that is a difference": Own(
        "torch.add", lambda real, a, b: torch.sub(a, b), "core/integers_mutants.merged-kind_Add"
    ),
}

CONTROLS: dict[str, Own] = {
    "linear as a product": Own(
        f"{F}.linear", lambda real, x, w, b=None: x @ w.T if b is None else x @ w.T + b, "core/dense.plain"
    ),
    "softmax by way of its logarithm": Own(
        "torch.softmax", lambda real, x, dim: torch.log_softmax(x, dim).exp(), "core/softmax.axis-axis_-1"
    ),
    "a sum the other way round": Own("torch.add", lambda real, a, b: b + a, "core/integers_mutants.merged-kind_Add"),
    "average pool of the batch from its end": Own(
        f"{F}.avg_pool1d",
        lambda real, x, *rest: real(x.flip(0), *rest).flip(0),
        "pooling/average1d.length-pool_2-s_1-padding_valid",
    ),
    "embedding by index": Own(
        f"{F}.embedding",
        lambda real, ids, w, padding_idx=None: w[ids] if padding_idx is None else real(ids, w, padding_idx=padding_idx),
        "embedding/classifier.order",
    ),
}
