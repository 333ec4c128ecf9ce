"""torch's own optimisers as they are: with a case's arguments under torch's names, or asked for in torch's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from conformance.case.optimizers import LEFT_TO_LOOPS
from conformance.protocol.native import native_optimizer, optimizer_arguments

from .optimizers import Stepper, Tensors
from .port import Unsupported


def native(kind: str, config: Mapping[str, Any], tensors: Tensors) -> Stepper:
    """torch's optimiser of this name with the arguments that the case writes, and torch's defaults for all others.

    Gradients are clipped by the functions that torch has for it, all weights together.
    """
    left = [name for name, value in config.items() if name in LEFT_TO_LOOPS or isinstance(value, Mapping)]
    if left:
        raise Unsupported(f"torch leaves what {left[0]} says to the loop that calls its optimizers")
    known = (*optimizer_arguments(kind), "beta_1", "beta_2", "clipnorm", "global_clipnorm", "clipvalue")
    unknown = [name for name in config if name not in known]
    if unknown:
        raise Unsupported(f"torch.optim has no argument in the place of {unknown[0]}")
    found = native_optimizer(kind, config)
    made = getattr(torch.optim, found.call.name.rpartition(".")[2], None)
    if made is None:
        raise Unsupported(f"torch has no optimizer {kind}")
    inner = made(tensors, **found.call.arguments)

    def step(number: int, batches: int) -> None:
        if found.longest is not None:
            torch.nn.utils.clip_grad_norm_(tensors, found.longest)
        if found.largest is not None:
            torch.nn.utils.clip_grad_value_(tensors, found.largest)
        inner.step()

    shown = ", ".join(f"{key}={value}" for key, value in found.call.arguments.items())
    return Stepper(found.call.name, f"as it is: {shown or 'no arguments'}", step)


def as_written(kind: str, config: Mapping[str, Any], tensors: Tensors) -> Stepper:
    """torch's optimiser as a case in torch's words asks for it. Raises Unsupported where this torch has none."""
    made = getattr(torch.optim, kind.partition(".")[2], None)
    if made is None:
        raise Unsupported(f"torch {torch.__version__} has no {kind}")
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in config.items()}
    inner = made(tensors, **given)

    def step(number: int, batches: int) -> None:
        if kind == "optim.SparseAdam":
            for tensor in tensors:
                tensor.grad = None if tensor.grad is None else tensor.grad.to_sparse(1)
        inner.step()

    shown = ", ".join(f"{key}={value}" for key, value in given.items())
    return Stepper(f"torch.{kind}", f"as it is: {shown or 'no arguments'}", step)
