"""Optimisers that see to the decay themselves, or look at what weights are called: Muon and ScheduleFreeAdamW."""

from __future__ import annotations

import math
from typing import Any

import torch

from .optimizers import Finishing, Step, Tensors, is_spared, optimizer
from .port import Config


@optimizer("Muon", "written out", "torch.optim.Muon works in bfloat16, and takes matrices alone", decays=True)
def muon(config: Config, tensors: Tensors) -> Step:
    held: list[dict[str, Any]] = [{} for _ in tensors]

    @torch.no_grad()
    def step(number: int) -> None:
        for tensor, name, memory in zip(tensors, config.names, held, strict=True):
            if tensor.grad is None:
                continue
            if _is_adams(config, name, tensor):
                rate, share = config.learning_rate * config.adam_lr_ratio, config.adam_weight_decay
                change = _adam(config, number, tensor.grad, memory)
            else:
                rate, share = config.learning_rate, config.weight_decay
                change = _orthogonal(config, _direction(config, tensor.grad, memory))
                if config.rms_rate is not None:
                    change = change * (config.rms_rate * math.sqrt(max(tensor.shape)))
            if share and not is_spared(config, name):
                tensor.mul_(1.0 - rate * share)
            tensor.sub_(rate * change)

    return step


def _is_adams(config: Config, name: str, tensor: Any) -> bool:
    layer, _, key = name.partition(".")
    is_table = config.exclude_embeddings and "embedding" in key.rpartition(".")[2]
    excluded = any(word in f"{layer}/{key}" for word in config.exclude_layers or ())
    return tensor.ndim != 2 or is_table or excluded


def _adam(config: Config, number: int, gradient: Any, memory: dict[str, Any]) -> Any:
    mean = memory.setdefault("m", torch.zeros_like(gradient))
    squares = memory.setdefault("v", torch.zeros_like(gradient))
    mean.lerp_(gradient, 1.0 - config.adam_beta_1)
    squares.lerp_(gradient.square(), 1.0 - config.adam_beta_2)
    second = math.sqrt(1.0 - config.adam_beta_2**number)
    return second / (1.0 - config.adam_beta_1**number) * mean / (squares.sqrt() + config.epsilon)


def _direction(config: Config, gradient: Any, memory: dict[str, Any]) -> Any:
    buffer = memory.setdefault("buffer", torch.zeros_like(gradient))
    buffer.mul_(config.momentum).add_(gradient)
    return gradient + config.momentum * buffer if config.nesterov else buffer.clone()


def _orthogonal(config: Config, direction: Any) -> Any:
    is_tall = direction.shape[0] > direction.shape[1]  # the smaller of both products is as good
    x = (direction.T if is_tall else direction) / (direction.norm() + 1e-7)
    for _ in range(config.ns_steps):
        square = x @ x.T
        x = config.muon_a * x + (config.muon_b * square + config.muon_c * square @ square) @ x
    return x.T if is_tall else x


@optimizer("ScheduleFreeAdamW", "written out", "torch has none; its authors' package is schedulefree", decays=True)
def schedule_free_adamw(config: Config, tensors: Tensors) -> Finishing:
    """The weights are the means when training is over."""
    held = [(tensor.detach().clone(), tensor.detach().clone(), torch.zeros_like(tensor)) for tensor in tensors]
    total = 0.0

    @torch.no_grad()
    def step(number: int) -> None:
        nonlocal total
        rate = config.learning_rate * min(1.0, number / max(config.warmup_steps, 1))
        total += rate**2
        share = rate**2 / total if total else 0.0
        correction = 1.0 - config.beta_2**number
        for tensor, name, (iterate, mean, squares) in zip(tensors, config.names, held, strict=True):
            if tensor.grad is None:
                continue
            squares.lerp_(tensor.grad.square(), 1.0 - config.beta_2)
            if config.weight_decay and not is_spared(config, name):
                iterate.sub_(rate * config.weight_decay * tensor)
            iterate.sub_(rate * tensor.grad / ((squares / correction).sqrt() + config.epsilon))
            mean.lerp_(iterate, share)
            tensor.copy_(torch.lerp(iterate, mean, config.beta_1))

    return Finishing(step, [mean for _, mean, _ in held])
