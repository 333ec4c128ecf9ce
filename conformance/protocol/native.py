"""Calls of torch as its users write them, from what a case says in Keras' words. Standard library only.

The lane makes the call, scripts print it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPTIMIZER_ARGUMENTS = {
    "learning_rate": "lr",
    "rho": "alpha",
    "epsilon": "eps",
    **{
        same: same
        for same in ("momentum", "nesterov", "amsgrad", "centered", "weight_decay", "initial_accumulator_value")
    },
}
"""Keras' argument to torch's of the same meaning, or of the same name."""
_CALLED_OTHERWISE = {"Nadam": "NAdam"}
"""Optimisers that torch writes in another way."""
_SAME_NAME = {("Adadelta", "rho")}
"""Arguments that one of torch's optimisers calls as Keras does, though others do not."""


@dataclass(frozen=True)
class Called:
    """What is called, `torch.optim.Adam`, and the arguments that it is given by name."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class NativeOptimizer:
    """torch's optimiser, and the bounds of the functions that torch has for clipping, all weights together."""

    call: Called
    longest: float | None
    """For `torch.nn.utils.clip_grad_norm_`."""
    largest: float | None
    """For `torch.nn.utils.clip_grad_value_`."""


def optimizer_arguments(kind: str) -> Mapping[str, str]:
    """Keras' arguments of an optimiser to torch's, whether this one has them or not."""
    return {name: name if (kind, name) in _SAME_NAME else own for name, own in OPTIMIZER_ARGUMENTS.items()}


def native_optimizer(kind: str, config: Mapping[str, Any]) -> NativeOptimizer:
    """torch's optimiser of this name with the arguments that the case writes; torch has defaults for all others."""
    names = optimizer_arguments(kind)
    given = {names[key]: value for key, value in config.items() if key in names and value is not None}
    if {"beta_1", "beta_2"} & config.keys():
        given["betas"] = (config.get("beta_1", 0.9), config.get("beta_2", 0.999))
    longest = config.get("clipnorm") or config.get("global_clipnorm")
    return NativeOptimizer(
        Called(f"torch.optim.{_CALLED_OTHERWISE.get(kind, kind)}", given), longest, config.get("clipvalue")
    )
