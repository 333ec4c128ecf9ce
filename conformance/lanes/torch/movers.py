"""What moves the weights of a training: an optimiser, one whose loss is scaled, or several for weights of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch

from conformance.lanes.torch.batches import Batches
from conformance.lanes.torch.optimizers import Stepper, ported
from conformance.lanes.torch.own_optimizers import as_written, native
from conformance.protocol.adapter import Unsupported
from conformance.protocol.counterparts import is_torchs

Held = Mapping[str, torch.Tensor]
"""Tensors by `layer.weight`, with their gradients in `grad`."""


class Mover(Protocol):
    """What a loop over batches calls."""

    def scaled(self, loss: Any) -> Any:
        """The loss of which gradients are taken."""

    def after(self, number: int, project: Callable[[], None]) -> None:
        """What a batch, counted from 1, does to the weights; `project` brings them back to their constraints."""

    def finalize(self) -> None:
        """What is done when training is over."""


def mover(
    optimizer: str, config: Mapping[str, Any], full: Mapping[str, Any], held: Held, is_native: bool = False
) -> tuple[Mover, str, str]:
    """What moves these weights, its name in torch, and what is made of Keras' arguments.

    Raises Unsupported where this lane has nothing for it.
    """
    if optimizer == "LossScaleOptimizer":
        return _scaling(full, held, is_native)
    if optimizer == "MultiOptimizer":
        return _several(full, held, is_native)
    stepper = _stepper(optimizer, config, full, held, is_native)
    return Batches(full, held, stepper.step, stepper.finals), stepper.name, stepper.how


def _stepper(
    optimizer: str, config: Mapping[str, Any], full: Mapping[str, Any], held: Held, is_native: bool
) -> Stepper:
    """torch's own in torch's words, torch's of the same arguments, or Keras' formula."""
    tensors = list(held.values())
    if is_torchs(optimizer):
        return as_written(optimizer, config, tensors)
    if is_native:
        return native(optimizer, config, tensors)
    return ported(optimizer, full, tensors, list(held))


def _inner(written: Mapping[str, Any], held: Held) -> tuple[Mover, str, str]:
    full = {name: value for name, value in written.items() if name != "type"}
    return mover(written["type"], full, full, held)


class Scaling:
    """Skips what is not finite, and halves or doubles the scale, as `torch.amp.GradScaler` does; no call of that."""

    def __init__(self, inner: Mover, scale: float, growth: int, held: Held) -> None:
        self.inner, self.scale, self.growth, self.held = inner, scale, growth, held
        self.good = self.made = 0

    def scaled(self, loss: Any) -> Any:
        return self.inner.scaled(loss) * self.scale

    def after(self, number: int, project: Callable[[], None]) -> None:
        gradients = [tensor.grad for tensor in self.held.values() if tensor.grad is not None]
        if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            self.scale, self.good = self.scale / 2.0, 0
            return
        for gradient in gradients:
            gradient.div_(self.scale)
        self.good, self.made = self.good + 1, self.made + 1
        if self.good >= self.growth:
            self.scale, self.good = self.scale * 2.0, 0
        self.inner.after(self.made, project)

    def finalize(self) -> None:
        self.inner.finalize()


def _scaling(full: Mapping[str, Any], held: Held, is_native: bool) -> tuple[Mover, str, str]:
    if is_native:
        raise Unsupported("torch leaves the scale of a loss to torch.amp.GradScaler, which loops call")
    inner, name, how = _inner(full["inner_optimizer"], held)
    made = Scaling(inner, full["initial_scale"], full["dynamic_growth_steps"], held)
    return made, name, f"{how}; the scale of the loss is written out"


class Several:
    """Optimisers of which each moves its own weights."""

    def __init__(self, movers: list[Mover], factor: float | None, held: Held) -> None:
        self.movers, self.factor, self.held = movers, factor, held

    def scaled(self, loss: Any) -> Any:
        return loss if self.factor is None else loss * self.factor

    def after(self, number: int, project: Callable[[], None]) -> None:
        for tensor in self.held.values():
            if self.factor is not None and tensor.grad is not None:
                tensor.grad.div_(self.factor)
        for one in self.movers:
            one.after(number, project)

    def finalize(self) -> None:
        for one in self.movers:
            one.finalize()


def _several(full: Mapping[str, Any], held: Held, is_native: bool) -> tuple[Mover, str, str]:
    if is_native:
        raise Unsupported("torch leaves it to loops to call several optimizers")
    mapped = full["optimizer_map"]
    keys = mapped["optimizer_map"]
    groups: dict[str | None, dict[str, torch.Tensor]] = {}
    for name, tensor in held.items():
        groups.setdefault(_key_of(keys, name.replace(".", "/", 1)), {})[name] = tensor
    movers, names = [], []
    for key, group in groups.items():
        written = mapped["default_optimizer"] if key is None else keys[key]
        inner, name, how = _inner({**written, "loss_scale_factor": None}, group)  # the outer optimiser scales
        movers.append(inner)
        names.append(f"{name} ({how})")
    return Several(movers, full["loss_scale_factor"], held), "several optimizers", ", ".join(names)


def _key_of(keys: Mapping[str, Any], path: str) -> str | None:
    if path in keys:
        return path
    matching = [key for key in keys if re.fullmatch(key, path)]
    if len(matching) > 1:
        raise ValueError(f"{path} is matched by {' and by '.join(matching)}")
    return matching[0] if matching else None
