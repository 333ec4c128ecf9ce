"""Learning rates as functions of the step in torch, in float32. torch's own schedulers count steps by themselves."""

from __future__ import annotations

import torch

from .port import Config, Parameters, Tensor, port


def least_of_one(steps: int) -> int:
    """A number of steps over which a rate decays; raises ValueError below 1."""
    if steps < 1:
        raise ValueError(f"a rate decays over 1 step at least, not {steps}")
    return steps


def passed(layer: Config, step: Tensor) -> Tensor:
    """How often decay_steps have passed."""
    share = step.float() / least_of_one(layer.decay_steps)
    counted: Tensor = share.floor() if layer.staircase else share
    return counted


@port("schedules.ExponentialDecay")
def exponential_decay(layer: Config, p: Parameters, step: Tensor) -> Tensor:
    rate: Tensor = torch.pow(torch.tensor(layer.decay_rate), passed(layer, step)) * layer.initial_learning_rate
    return rate


@port("schedules.InverseTimeDecay")
def inverse_time_decay(layer: Config, p: Parameters, step: Tensor) -> Tensor:
    rate: Tensor = (passed(layer, step) * layer.decay_rate + 1.0).reciprocal() * layer.initial_learning_rate
    return rate


@port("schedules.PolynomialDecay")
def polynomial_decay(layer: Config, p: Parameters, step: Tensor) -> Tensor:
    whole = torch.tensor(float(least_of_one(layer.decay_steps)))
    if layer.cycle:
        whole = whole * torch.ceil(step / whole).clamp(min=1.0)
    left = 1.0 - torch.minimum(step.float(), whole) / whole
    height: float = layer.initial_learning_rate - layer.end_learning_rate
    rate: Tensor = left.pow(layer.power) * height + layer.end_learning_rate
    return rate


@port("schedules.PiecewiseConstantDecay")
def piecewise_constant_decay(layer: Config, p: Parameters, step: Tensor) -> Tensor:
    if len(layer.values) != len(layer.boundaries) + 1:
        raise ValueError("boundaries need one value more")
    return torch.tensor(layer.values)[torch.bucketize(step, torch.tensor(layer.boundaries))]


@port("schedules.CosineDecay")
def cosine_decay(layer: Config, p: Parameters, step: Tensor) -> Tensor:
    steps = least_of_one(layer.decay_steps)
    top, count = layer.initial_learning_rate, step.float()
    if layer.warmup_target is not None:
        if bool(step < layer.warmup_steps):
            warming: Tensor = count * (layer.warmup_target - top) / layer.warmup_steps + top
            return warming
        top, count = layer.warmup_target, count - layer.warmup_steps
    left = 0.5 * (1.0 + torch.cos(torch.pi * count.clamp(max=steps) / steps))
    rate: Tensor = (left * (1.0 - layer.alpha) + layer.alpha) * top
    return rate


@port("schedules.CosineDecayRestarts")
def cosine_decay_restarts(layer: Config, p: Parameters, step: Tensor) -> Tensor:
    if layer.t_mul < 1:
        raise ValueError(f"periods that shrink, by {layer.t_mul:g}, come to an end")
    count, length, height = step.float(), float(least_of_one(layer.first_decay_steps)), 1.0
    while bool(count >= length):
        count, length, height = count - length, length * layer.t_mul, height * layer.m_mul
    left = height * 0.5 * (1.0 + torch.cos(torch.pi * count / length))
    rate: Tensor = (left * (1.0 - layer.alpha) + layer.alpha) * layer.initial_learning_rate
    return rate
