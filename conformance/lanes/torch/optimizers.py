"""Keras' optimisers in torch: the same arguments, and what each of them is called or must become there.

Where `torch.optim` has a convention of its own, its arguments are set so that Keras' numbers come out; where no
argument can do that, the step is written out. torch's own, as they are, stand in `own_optimizers`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .port import PORTS, Config, Parameters, Unsupported

Tensors = Sequence[Any]
"""Tensors that torch follows, with a gradient in `grad` or None."""
Step = Callable[[int], None]
"""Moves the tensors for step `number`, counted from 1, by their gradients in `grad`."""


@dataclass(frozen=True)
class Finishing:
    """A step of an optimiser that leaves other weights than its last step does."""

    step: Step
    finals: Tensors
    """What the tensors become when training is over."""

    def __call__(self, number: int) -> None:
        self.step(number)


@dataclass(frozen=True)
class Stepper:
    """An optimiser over tensors that have their gradients in `grad`."""

    name: str
    how: str
    """What is made of Keras' arguments, for people to read."""
    step: Callable[[int, int], None]
    """Makes step `number`, counted from 1, after so many batches."""
    finals: Tensors | None = None
    """What the tensors become when training is over, if anything else than they are."""


@dataclass(frozen=True)
class Optimize:
    """An optimiser of Keras in torch. `start(config, tensors)` gives what makes a step."""

    name: str
    how: str
    start: Callable[[Config, Tensors], Step]
    decays: bool = False
    """Whether it sees to the decay of weights itself, by their names in `config.names`."""


OPTIMIZERS: dict[str, Optimize] = {}
"""Every port by the Keras class name of its optimiser."""
SCHEDULED: dict[str, Callable[[Config, Tensors], Step]] = {}
"""What takes the place of a port where the learning rate changes from step to step."""
_Start = Callable[[Config, Tensors], Step]


def optimizer(kind: str, name: str, how: str, decays: bool = False) -> Callable[[_Start], _Start]:
    """Registers a function as the port of a Keras optimiser: `name` is what it uses of torch."""

    def register(start: _Start) -> _Start:
        OPTIMIZERS[kind] = Optimize(name, how, start, decays)
        return start

    return register


def ported(kind: str, config: Mapping[str, Any], tensors: Tensors, names: Sequence[str] = ()) -> Stepper:
    """An optimiser that computes what Keras computes; `config` holds every argument, `names` are `layer.weight`."""
    if kind not in OPTIMIZERS:
        raise Unsupported(f"there is no port of the optimizer {kind} to this lane")
    port = OPTIMIZERS[kind]
    arguments: Any = Config(kind, config)
    rate = _rate(arguments.learning_rate)
    arguments.learning_rate = rate(0)
    arguments.names = tuple(names) or ("",) * len(tensors)
    start = SCHEDULED.get(kind, port.start) if isinstance(config["learning_rate"], Mapping) else port.start
    move = start(arguments, tensors)
    spared = {name for name in names if is_spared(arguments, name)}

    def decaying() -> list[Any] | None:
        if port.decays:
            return []
        if not spared:
            return None
        return [one for one, name in zip(tensors, names, strict=True) if name not in spared and one.grad is not None]

    def step(number: int, batches: int) -> None:
        arguments.learning_rate = rate(batches)
        prepare(arguments, tensors, decaying())
        move(number)

    how = port.how
    if config["weight_decay"] and not port.decays:
        how += "; weights times 1 - learning_rate * weight_decay before the step: torch's weight_decay is another one"
    return Stepper(port.name, how, step, move.finals if isinstance(move, Finishing) else None)


def is_spared(config: Config, name: str) -> bool:
    """Whether a weight called `layer.weight` does not decay."""
    return any(part in name.rpartition(".")[2] for part in config.exclude_from_weight_decay)


def _rate(written: Any) -> Callable[[int], float]:
    """The learning rate after so many batches."""
    if not isinstance(written, Config):
        return lambda batches: float(written)
    port = PORTS[written.type]
    return lambda batches: float(port.call(written, Parameters({}, {}), torch.tensor(batches)))


@torch.no_grad()
def prepare(config: Config, tensors: Tensors, decaying: Tensors | None = None) -> None:
    """Clips gradients and lets weights decay, before a step.

    Keras clips each weight by its own norm, or all by theirs; torch's clip_grad_norm_ adds 1e-6 to the norm. Keras'
    weight_decay goes beside the step; torch's, but for AdamW, into the gradient. Only `decaying` decay, if given.
    """
    moving: list[Any] = [tensor for tensor in tensors if tensor.grad is not None]
    if config.clipnorm is not None:
        for tensor in moving:
            tensor.grad.mul_(config.clipnorm / tensor.grad.norm().clamp(min=config.clipnorm))
    if config.global_clipnorm is not None:
        norm = torch.stack([tensor.grad.square().sum() for tensor in moving]).sum().sqrt()
        for tensor in moving:
            tensor.grad.mul_(config.global_clipnorm / norm.clamp(min=config.global_clipnorm))
    if config.clipvalue is not None:
        for tensor in moving:
            tensor.grad.clamp_(-config.clipvalue, config.clipvalue)
    if config.weight_decay:
        for tensor in moving if decaying is None else decaying:
            tensor.mul_(1.0 - config.learning_rate * config.weight_decay)


@optimizer("SGD", "torch.optim.SGD", "the same arguments")
def sgd(config: Config, tensors: Tensors) -> Step:
    """torch keeps the learning rate out of the velocity: the same numbers while the rate stays.

    Without momentum torch refuses to look ahead, and Keras has nothing to look ahead by.
    """
    looks_ahead = config.nesterov and config.momentum > 0
    inner = torch.optim.SGD(tensors, lr=config.learning_rate, momentum=config.momentum, nesterov=looks_ahead)

    def step(number: int) -> None:
        inner.step()

    return step


def scheduled_sgd(config: Config, tensors: Tensors) -> Step:
    """Keras has the rate of each step in the velocity, torch the latest one outside of it: written out."""
    held = [torch.zeros_like(tensor) for tensor in tensors]

    @torch.no_grad()
    def step(number: int) -> None:
        for tensor, velocity in zip(tensors, held, strict=True):
            if tensor.grad is not None:
                moved = config.learning_rate * tensor.grad
                velocity.mul_(config.momentum).sub_(moved)
                tensor.add_(config.momentum * velocity - moved if config.nesterov else velocity)

    return step


SCHEDULED["SGD"] = scheduled_sgd


@optimizer("AdamW", "torch.optim.Adam", "eps = epsilon / sqrt(1 - beta_2^t) at step t")
@optimizer("Adam", "torch.optim.Adam", "eps = epsilon / sqrt(1 - beta_2^t) at step t")
def adam(config: Config, tensors: Tensors) -> Step:
    """torch adds epsilon after v is corrected, Keras before: eps = epsilon / sqrt(1 - beta_2^t) makes them one."""
    betas = (config.beta_1, config.beta_2)
    inner = torch.optim.Adam(tensors, lr=config.learning_rate, betas=betas, amsgrad=config.amsgrad)

    def step(number: int) -> None:
        inner.param_groups[0]["lr"] = config.learning_rate
        inner.param_groups[0]["eps"] = config.epsilon / math.sqrt(1.0 - config.beta_2**number)
        inner.step()

    return step


@optimizer("RMSprop", "written out", "torch.optim.RMSprop adds eps outside of the root")
def rmsprop(config: Config, tensors: Tensors) -> Step:
    """torch adds epsilon outside of the root; no argument of torch.optim.RMSprop puts it inside."""
    held = [[torch.zeros_like(tensor) for _ in range(3)] for tensor in tensors]

    @torch.no_grad()
    def step(number: int) -> None:
        for tensor, (squares, mean, velocity) in zip(tensors, held, strict=True):
            if tensor.grad is None:
                continue
            squares.lerp_(tensor.grad.square(), 1.0 - config.rho)
            mean.lerp_(tensor.grad, 1.0 - config.rho)
            variance = squares - mean.square() if config.centered else squares
            change = config.learning_rate * tensor.grad * torch.rsqrt(variance + config.epsilon)
            velocity.mul_(config.momentum).add_(change)
            tensor.sub_(velocity)

    return step


@optimizer("Adagrad", "torch.optim.Adagrad", "initial_accumulator_value has epsilon added, eps is 0")
def adagrad(config: Config, tensors: Tensors) -> Step:
    """torch adds epsilon outside of the root; inside it is a part of the sum of squares from the start."""
    first = config.initial_accumulator_value + config.epsilon
    inner = torch.optim.Adagrad(tensors, lr=config.learning_rate, initial_accumulator_value=first, eps=0.0)

    def step(number: int) -> None:
        inner.param_groups[0]["lr"] = config.learning_rate
        inner.step()

    return step


@optimizer("Adadelta", "torch.optim.Adadelta", "eps = epsilon")
def adadelta(config: Config, tensors: Tensors) -> Step:
    inner = torch.optim.Adadelta(tensors, lr=config.learning_rate, rho=config.rho, eps=config.epsilon)

    def step(number: int) -> None:
        inner.param_groups[0]["lr"] = config.learning_rate
        inner.step()

    return step


@optimizer("Nadam", "torch.optim.NAdam", "momentum_decay=1, eps = epsilon")
def nadam(config: Config, tensors: Tensors) -> Step:
    """Keras' schedule of the momentum is 0.96^t, torch's 0.96^(t momentum_decay)."""
    betas = (config.beta_1, config.beta_2)
    inner = torch.optim.NAdam(tensors, lr=config.learning_rate, betas=betas, eps=config.epsilon, momentum_decay=1.0)

    def step(number: int) -> None:
        inner.param_groups[0]["lr"] = config.learning_rate
        inner.step()

    return step


@optimizer("Adamax", "written out", "torch.optim.Adamax adds eps to every gradient before the maximum")
def adamax(config: Config, tensors: Tensors) -> Step:
    held = [[torch.zeros_like(tensor) for _ in range(2)] for tensor in tensors]

    @torch.no_grad()
    def step(number: int) -> None:
        rate = config.learning_rate / (1.0 - config.beta_1**number)
        for tensor, (mean, largest) in zip(tensors, held, strict=True):
            if tensor.grad is not None:
                mean.lerp_(tensor.grad, 1.0 - config.beta_1)
                largest.copy_(torch.maximum(config.beta_2 * largest, tensor.grad.abs()))
                tensor.sub_(rate * mean / (largest + config.epsilon))

    return step


@optimizer("Adafactor", "written out", "torch.optim.Adafactor adds its eps to the mean of a row, not to squares")
def adafactor(config: Config, tensors: Tensors) -> Step:
    held: list[dict[str, Any]] = [{} for _ in tensors]

    def mean(memory: dict[str, Any], name: str, share: float, new: Any) -> Any:
        memory[name] = torch.lerp(new, memory[name], share) if name in memory else (1.0 - share) * new
        return memory[name]

    @torch.no_grad()
    def step(number: int) -> None:
        share = 1.0 - float(number) ** config.beta_2_decay
        rate = min(config.learning_rate, number**-0.5) if config.relative_step else config.learning_rate
        for tensor, memory in zip(tensors, held, strict=True):
            if tensor.grad is None:
                continue
            squares = tensor.grad.square() + config.epsilon_1
            if squares.ndim < 2:
                variance = mean(memory, "v", share, squares)
            else:
                rows = mean(memory, "rows", share, squares.mean(dim=-1))
                columns = mean(memory, "columns", share, squares.mean(dim=-2))
                variance = (rows / rows.mean(dim=-1, keepdim=True)).unsqueeze(-1) * columns.unsqueeze(-2)
            change = tensor.grad * variance.rsqrt()
            change /= (change.square().mean().sqrt() / config.clip_threshold).clamp(min=1.0)
            tensor.sub_(rate * tensor.square().mean().sqrt().clamp(min=config.epsilon_2) * change)

    return step


def scheduled_adafactor(config: Any, tensors: Tensors) -> Step:
    """`relative_step` is for constant rates."""
    config.relative_step = False
    return adafactor(config, tensors)


SCHEDULED["Adafactor"] = scheduled_adafactor


@optimizer("Lion", "written out", "torch has no Lion")
def lion(config: Config, tensors: Tensors) -> Step:
    held = [torch.zeros_like(tensor) for tensor in tensors]

    @torch.no_grad()
    def step(number: int) -> None:
        for tensor, mean in zip(tensors, held, strict=True):
            if tensor.grad is not None:
                tensor.sub_(config.learning_rate * torch.lerp(tensor.grad, mean, config.beta_1).sign())
                mean.lerp_(tensor.grad, 1.0 - config.beta_2)

    return step


@optimizer("Lamb", "written out", "torch has no Lamb")
def lamb(config: Config, tensors: Tensors) -> Step:
    held = [[torch.zeros_like(tensor) for _ in range(2)] for tensor in tensors]

    @torch.no_grad()
    def step(number: int) -> None:
        for tensor, (mean, squares) in zip(tensors, held, strict=True):
            if tensor.grad is None:
                continue
            mean.lerp_(tensor.grad, 1.0 - config.beta_1)
            squares.lerp_(tensor.grad.square(), 1.0 - config.beta_2)
            root = (squares / (1.0 - config.beta_2**number)).sqrt()
            r = mean / (1.0 - config.beta_1**number) / (root + config.epsilon)
            length, size = tensor.norm(), r.norm()
            trust = torch.where((length > 0) & (size > 0), length / size, 1.0)
            tensor.sub_(config.learning_rate * trust * r)

    return step


@optimizer("Ftrl", "written out", "torch has no Ftrl")
def ftrl(config: Config, tensors: Tensors) -> Step:
    held = [[torch.full_like(one, config.initial_accumulator_value), torch.zeros_like(one)] for one in tensors]
    l1, l2 = config.l1_regularization_strength, config.l2_regularization_strength
    power = -config.learning_rate_power

    @torch.no_grad()
    def step(number: int) -> None:
        for tensor, (squares, z) in zip(tensors, held, strict=True):
            if tensor.grad is None:
                continue
            before = squares.pow(power)
            squares.add_(tensor.grad.square())
            rate = config.learning_rate
            shrunk = tensor.grad + 2.0 * config.l2_shrinkage_regularization_strength * tensor
            z.add_(shrunk - (squares.pow(power) - before) / rate * tensor)
            divisor = (config.beta + squares.pow(power)) / rate + 2.0 * l2
            tensor.copy_(torch.where(z.abs() > l1, (z.sign() * l1 - z) / divisor, 0.0))

    return step
