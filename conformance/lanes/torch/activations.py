"""Keras' activation names in torch; where torch has no function of its own, the composition stands here."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

Tensor = torch.Tensor


def activate(name: str | None, x: Tensor) -> Tensor:
    """Applies the named Keras activation with Keras' default arguments; None leaves x as it is.

    Raises KeyError for an unknown name and ValueError for `threshold`, which has no defaults.
    """
    return x if name is None else ACTIVATIONS[name](x)


def squareplus(x: Tensor) -> Tensor:
    """(x + sqrt(x^2 + 4)) / 2."""
    return (x + torch.sqrt(x * x + 4.0)) / 2.0


def sparse_plus(x: Tensor) -> Tensor:
    """0 up to -1, (x + 1)^2 / 4 between, x from 1 on."""
    return torch.where(x <= -1.0, torch.zeros_like(x), torch.where(x >= 1.0, x, (x + 1.0) ** 2 / 4.0))


def sparse_sigmoid(x: Tensor) -> Tensor:
    """(x + 1) / 2 between 0 and 1."""
    return torch.where(x <= -1.0, torch.zeros_like(x), torch.where(x >= 1.0, torch.ones_like(x), (x + 1.0) / 2.0))


def sparsemax(x: Tensor) -> Tensor:
    """Algorithm 1 of Martins & Astudillo (2016), along the last axis: sort, find the support, take tau off."""
    ordered, _ = torch.sort(x, dim=-1, descending=True)
    sums = torch.cumsum(ordered, dim=-1)
    count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    size = (1.0 + count * ordered > sums).sum(dim=-1, keepdim=True)
    tau = (sums.gather(-1, size - 1) - 1.0) / size
    return torch.relu(x - tau)


def threshold(x: Tensor) -> Tensor:
    """Raises ValueError: the name alone does not say the threshold."""
    raise ValueError("the activation threshold needs a threshold and a default value; its name alone is not enough")


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "celu": F.celu,
    "elu": F.elu,
    "exponential": torch.exp,
    "gelu": F.gelu,
    "glu": F.glu,
    "hard_shrink": F.hardshrink,
    "hard_sigmoid": F.hardsigmoid,
    "hard_silu": F.hardswish,
    "hard_swish": F.hardswish,
    "hard_tanh": F.hardtanh,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "linear": lambda x: x,
    "log_sigmoid": F.logsigmoid,
    "log_softmax": lambda x: F.log_softmax(x, dim=-1),
    "mish": F.mish,
    "relu": torch.relu,
    "relu6": F.relu6,
    "selu": F.selu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "soft_shrink": F.softshrink,
    "softmax": lambda x: torch.softmax(x, dim=-1),
    "softplus": F.softplus,
    "softsign": F.softsign,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "squareplus": squareplus,
    "swish": F.silu,
    "tanh": torch.tanh,
    "tanh_shrink": F.tanhshrink,
    "threshold": threshold,
}
"""Every activation of Keras 3.15.1 by name, aliases included."""
