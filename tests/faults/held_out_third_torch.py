"""A third set of faults in torch held out, written after slips in formulas are tried and before any of it was run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.held_out_torch import _weights_of_layer
from tests.faults.patching import Fault, Wrap

F = "torch.nn.functional"


def fault(name: str, layers: tuple[str, ...] | str, target: str, around: Callable[..., Any], *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Wrap(target, around),), named)


def _bias_twice(real: Any, x: Any, weight: Any, bias: Any = None, *args: Any, **kwargs: Any) -> Any:
    return real(x, weight, bias if bias is None else 2.0 * bias, *args, **kwargs)


def _mean_of_windows(real: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    import torch.nn.functional as functional

    return functional.avg_pool1d(x, *args, **kwargs)


def _of_unit_rows(real: Any, ids: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
    return real(ids, table / table.norm(dim=-1, keepdim=True), *args, **kwargs)


def _centred(real: Any, x: Any, y: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    return real(x - x.mean(dim, keepdim=True), y - y.mean(dim, keepdim=True), dim, eps)


def _forget_bias(weights: list[Any]) -> list[Any]:
    """1 more in the second quarter of every input bias."""
    biases = [weight for weight in weights if weight.ndim == 1]
    added = []
    for weight in weights:
        if any(weight is bias for bias in biases[::2]):
            one = weight.new_zeros(weight.shape)
            one[len(weight) // 4 : len(weight) // 2] = 1.0
            weight = weight + one
        added.append(weight)
    return added


HELD_OUT_THIRD_TORCH = (
    fault("conv_bias_twice", "Conv2D", f"{F}:conv2d", _bias_twice, "bias"),
    fault("max_pool_is_mean", "MaxPooling1D", f"{F}:max_pool1d", _mean_of_windows, "mean", "average"),
    fault(
        "spatial_dropout_keeps_the_rate",
        "SpatialDropout1D",
        f"{F}:dropout1d",
        lambda real, x, p=0.5, training=True, *args: real(x, 1.0 - p, training, *args),
        "rate",
    ),
    fault("embedding_of_unit_rows", "Embedding", f"{F}:embedding", _of_unit_rows, "norm", "unit", "length"),
    fault(
        "squared_error_is_absolute",
        "MeanSquaredError",
        f"{F}:mse_loss",
        lambda real, x, y, **kwargs: (x - y).abs(),
        "abs",
        "** 2",
        "square",
    ),
    fault(
        "softplus_steeper",
        ("Activation", "Dense"),
        f"{F}:softplus",
        lambda real, x, *args: real(x, beta=2.0),
        "softplus",
        "beta",
        "2 *",
    ),
    fault("cosine_of_centred", "CosineSimilarity", f"{F}:cosine_similarity", _centred, "mean", "centr"),
    fault("lstm_forget_bias", "LSTM", "torch._VF:lstm", _weights_of_layer(_forget_bias), "forget"),
    fault(
        "dense_of_the_absolute_kernel",
        "Dense",
        f"{F}:linear",
        lambda real, x, weight, bias=None: real(x, weight.abs(), bias),
        "abs",
        "sign",
    ),
)
