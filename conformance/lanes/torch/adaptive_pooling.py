"""Adaptive pooling in torch: its own, with the channels moved to where it wants them."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, port
from .windows import channels_second, check_rank, in_format, per_axis


def _pool(pool: Callable[..., Tensor], rank: int, layer: Config, x: Tensor) -> Tensor:
    check_rank(x, rank)
    return in_format(pool(channels_second(x, layer.data_format), per_axis(layer.output_size, rank)), layer.data_format)


@port("AdaptiveMaxPooling1D", integers="there and back")
def adaptive_max_pooling_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pool(F.adaptive_max_pool1d, 1, layer, x)


@port("AdaptiveAveragePooling1D", integers="floats")
def adaptive_average_pooling_1d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pool(F.adaptive_avg_pool1d, 1, layer, x)


@port("AdaptiveMaxPooling2D", integers="there and back")
def adaptive_max_pooling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pool(F.adaptive_max_pool2d, 2, layer, x)


@port("AdaptiveAveragePooling2D", integers="floats")
def adaptive_average_pooling_2d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pool(F.adaptive_avg_pool2d, 2, layer, x)


@port("AdaptiveMaxPooling3D", integers="there and back")
def adaptive_max_pooling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pool(F.adaptive_max_pool3d, 3, layer, x)


@port("AdaptiveAveragePooling3D", integers="floats")
def adaptive_average_pooling_3d(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    return _pool(F.adaptive_avg_pool3d, 3, layer, x)
