"""Keras' optimisers in native torch: the same arguments, and what each of them is called or must become there.

Where `torch.optim` has a convention of its own, its arguments are set so that Keras' numbers come out; where no
argument can do that, the step is written out. `native` optimisers get a case's arguments under torch's names and are
left as they are: what they compute is torch's answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .port import Unsupported

Tensors = Sequence[torch.Tensor]
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Stepper:
    """An optimiser over tensors that have their gradients in `grad`."""

    name: str
    how: str
    """What is made of Keras' arguments, for people to read."""
    step: Callable[[int], None]
    """Moves the tensors for step `number`, counted from 1."""


def ported(kind: str, config: Config, tensors: Tensors) -> Stepper:
    """An optimiser that computes what Keras computes. `config` holds every argument."""
    if kind not in _PORTS:
        raise Unsupported(f"there is no port of the optimizer {kind} to this lane")
    inner = _PORTS[kind](config, tensors)

    def step(number: int) -> None:
        with torch.no_grad():
            _clip(config, tensors)
            for tensor in tensors:
                if tensor.grad is not None and config["weight_decay"]:
                    tensor.mul_(1.0 - config["learning_rate"] * config["weight_decay"])
        inner.step(number)

    how = inner.how
    if config["weight_decay"]:
        how += "; weights times 1 - learning_rate * weight_decay before the step: torch's weight_decay is another one"
    return Stepper(inner.name, how, step)


def _clip(config: Config, tensors: Tensors) -> None:
    """Keras clips each weight by its own norm, or all by theirs; torch's clip_grad_norm_ adds 1e-6 to the norm."""
    gradients = [tensor.grad for tensor in tensors if tensor.grad is not None]
    if config["clipnorm"] is not None:
        for gradient in gradients:
            gradient.mul_(config["clipnorm"] / gradient.norm().clamp(min=config["clipnorm"]))
    if config["global_clipnorm"] is not None:
        norm = torch.sqrt(sum((gradient.square().sum() for gradient in gradients), torch.zeros(())))
        for gradient in gradients:
            gradient.mul_(config["global_clipnorm"] / norm.clamp(min=config["global_clipnorm"]))
    if config["clipvalue"] is not None:
        for gradient in gradients:
            gradient.clamp_(-config["clipvalue"], config["clipvalue"])


def _sgd(config: Config, tensors: Tensors) -> Stepper:
    """torch keeps the learning rate out of the velocity: the same numbers while the rate stays.

    Without momentum torch refuses to look ahead, and Keras has nothing to look ahead by.
    """
    looks_ahead = config["nesterov"] and config["momentum"] > 0
    inner = torch.optim.SGD(tensors, config["learning_rate"], config["momentum"], nesterov=looks_ahead)
    return Stepper("torch.optim.SGD", "the same arguments", lambda number: _stepped(inner))


def _adam(config: Config, tensors: Tensors) -> Stepper:
    """torch adds epsilon after v is corrected, Keras before: eps = epsilon / sqrt(1 - beta_2^t) makes them one."""
    betas = (config["beta_1"], config["beta_2"])
    inner = torch.optim.Adam(tensors, config["learning_rate"], betas, amsgrad=config["amsgrad"])

    def step(number: int) -> None:
        for group in inner.param_groups:
            group["eps"] = config["epsilon"] / math.sqrt(1.0 - config["beta_2"] ** number)
        inner.step()

    return Stepper("torch.optim.Adam", "eps = epsilon / sqrt(1 - beta_2^t) at step t", step)


def _rmsprop(config: Config, tensors: Tensors) -> Stepper:
    """torch adds epsilon outside of the root; no argument of torch.optim.RMSprop puts it inside."""
    held = [[torch.zeros_like(tensor) for _ in range(3)] for tensor in tensors]

    def step(number: int) -> None:
        with torch.no_grad():
            for tensor, (squares, mean, velocity) in zip(tensors, held, strict=True):
                if tensor.grad is None:
                    continue
                squares.lerp_(tensor.grad.square(), 1.0 - config["rho"])
                mean.lerp_(tensor.grad, 1.0 - config["rho"])
                spread = squares - mean.square() if config["centered"] else squares
                change = config["learning_rate"] * tensor.grad * torch.rsqrt(spread + config["epsilon"])
                velocity.mul_(config["momentum"]).add_(change)
                tensor.sub_(velocity)

    return Stepper("written out", "torch.optim.RMSprop adds eps outside of the root", step)


def _adagrad(config: Config, tensors: Tensors) -> Stepper:
    """torch adds epsilon outside of the root; inside it is a part of the sum of squares from the start."""
    start = config["initial_accumulator_value"] + config["epsilon"]
    inner = torch.optim.Adagrad(tensors, config["learning_rate"], initial_accumulator_value=start, eps=0.0)
    how = "initial_accumulator_value has epsilon added, eps is 0"
    return Stepper("torch.optim.Adagrad", how, lambda number: _stepped(inner))


def _stepped(inner: torch.optim.Optimizer) -> None:
    inner.step()


_PORTS: dict[str, Callable[[Config, Tensors], Stepper]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adam,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
}

_NAMES = {
    "learning_rate": "lr",
    "rho": "alpha",
    "epsilon": "eps",
    **{
        same: same
        for same in ("momentum", "nesterov", "amsgrad", "centered", "weight_decay", "initial_accumulator_value")
    },
}
"""Keras' argument to torch's of the same meaning, or of the same name."""


def native(kind: str, config: Config, tensors: Tensors) -> Stepper:
    """torch's optimiser of this name with the arguments that the case writes, and torch's defaults for all others.

    Gradients are clipped by the functions that torch has for it, all weights together.
    """
    optimizer: Any = getattr(torch.optim, kind)
    given = {_NAMES[key]: value for key, value in config.items() if key in _NAMES and value is not None}
    if {"beta_1", "beta_2"} & config.keys():
        given["betas"] = (config.get("beta_1", 0.9), config.get("beta_2", 0.999))
    inner = optimizer(tensors, **given)
    longest = config.get("clipnorm") or config.get("global_clipnorm")

    def step(number: int) -> None:
        if longest is not None:
            torch.nn.utils.clip_grad_norm_(tensors, longest)
        if config.get("clipvalue") is not None:
            torch.nn.utils.clip_grad_value_(tensors, config["clipvalue"])
        inner.step()

    shown = ", ".join(f"{key}={value}" for key, value in given.items())
    return Stepper(f"torch.optim.{kind}", f"as it is: {shown or 'no arguments'}", step)
