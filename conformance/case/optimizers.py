"""The arguments of an optimiser as a record of `schema`, read off the reference class as those of layers are.

The reference is imported when the first optimiser is looked up, and not before.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from functools import cache

from conformance.case.kinds import Record
from conformance.case.layers import fields_of

if typing.TYPE_CHECKING:
    from conformance.reference.optimizers import Optimizer


@cache
def types() -> Mapping[str, type[Optimizer]]:
    """Every optimiser of the reference by its Keras class name."""
    from conformance.reference.optimizers import OPTIMIZERS

    return dict(OPTIMIZERS)


@cache
def record_of(type: str) -> Record | None:
    """What an optimiser of this type takes; None for a type that the reference does not have."""
    return Record(type, fields_of(types()[type], type), keys="argument") if type in types() else None


def mutants_of(type: str) -> tuple[str, ...]:
    """The names of an optimiser's mutants."""
    return tuple(mutant.name for mutant in types()[type].mutants)
