"""A reference optimiser with one mistake: other arguments, or another step; and a loop over batches with one."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from conformance.reference.base import Mutant
from conformance.reference.fit import Loop
from conformance.reference.optimizers import Optimizer


def with_slip(optimizer: Optimizer, kind: type[Optimizer], mutant: Mutant) -> Optimizer:
    """The optimiser making the mistake, if it is of this very kind; else itself."""
    if type(optimizer) is not kind:
        return optimizer
    changed = {} if mutant.config is None else mutant.config(optimizer)
    made = dataclasses.replace(optimizer, **changed)
    if mutant.step is None and not mutant.methods:
        return made
    arguments = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    return _slipping(kind, mutant)(**arguments)  # type: ignore[arg-type]  # mypy takes the class for one of its values


def loop_with_slip(loop: Loop, kind: type[Any], mutant: Mutant) -> Loop:
    """The loop with its optimiser, or itself, making the mistake, whichever is of this kind."""
    optimizer = None if loop.optimizer is None else with_slip(loop.optimizer, kind, mutant)
    if type(loop) is not kind:
        return dataclasses.replace(loop, optimizer=optimizer)
    made: Loop = type(f"_{kind.__name__}", (kind,), dict(mutant.methods))(optimizer=optimizer)
    return made


@cache
def _slipping(kind: type[Optimizer], mutant: Mutant) -> type[Optimizer]:
    """The subclass; its name starts with an underscore, so it is not registered as an optimiser."""

    def apply(self: Optimizer, *args: Any) -> Any:
        real = kind(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
        assert mutant.step is not None
        return mutant.step(real, *args)

    own = dict(mutant.methods) if mutant.step is None else {"apply": apply, **mutant.methods}
    return type(f"_{kind.__name__}", (kind,), {**own, "__module__": kind.__module__})
