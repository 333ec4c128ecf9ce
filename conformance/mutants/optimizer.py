"""A reference optimiser with one mistake: other arguments, or another step."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from conformance.reference.base import Mutant
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


@cache
def _slipping(kind: type[Optimizer], mutant: Mutant) -> type[Optimizer]:
    """The subclass; its name starts with an underscore, so it is not registered as an optimiser."""

    def apply(self: Optimizer, *args: Any) -> Any:
        real = kind(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
        assert mutant.step is not None
        return mutant.step(real, *args)

    own = dict(mutant.methods) if mutant.step is None else {"apply": apply, **mutant.methods}
    return type(f"_{kind.__name__}", (kind,), {**own, "__module__": kind.__module__})
