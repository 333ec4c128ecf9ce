"""The arguments of an optimiser as a record of `schema`, read off the reference class as those of layers are.

The reference is imported when the first optimiser is looked up, and not before.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

from conformance.case.kinds import Either, LayerOf, Record
from conformance.case.layers import fields_of

if typing.TYPE_CHECKING:
    from conformance.reference.optimizers import Optimizer


LEFT_TO_LOOPS = (
    "use_ema",
    "ema_momentum",
    "ema_overwrite_frequency",
    "loss_scale_factor",
    "gradient_accumulation_steps",
    "exclude_from_weight_decay",
)
"""Arguments of Keras' optimisers that those of torch do not have, whatever they are called."""
KERAS_ONLY = ("learning_rate", "clipnorm", "global_clipnorm", "clipvalue", *LEFT_TO_LOOPS)
"""Arguments of all of Keras' optimisers that torch's do not have by these names, or not at all."""


@cache
def types() -> Mapping[str, type[Optimizer]]:
    """Every optimiser of the reference by its Keras class name."""
    from conformance.reference.optimizers import OPTIMIZERS

    return dict(OPTIMIZERS)


@cache
def torch_types() -> Mapping[str, type[Optimizer]]:
    """torch's optimisers in torch's words, by the names under which a case asks for them: `optim.Adam`."""
    from conformance.reference.catalog import TORCH_OPTIMIZERS

    return dict(TORCH_OPTIMIZERS)


def every_type() -> Mapping[str, type[Optimizer]]:
    """What a training can name, in either framework's words."""
    return {**types(), **torch_types()}


def lacked(kind: Any) -> tuple[str, ...]:
    """Arguments of the class that this optimiser of torch's does not take."""
    return (*KERAS_ONLY, *kind.lacks)


@cache
def record_of(type: str) -> Record | None:
    """What an optimiser of this type takes; None for a type that the reference does not have."""
    if type not in every_type():
        return None
    fields = fields_of(every_type()[type], type)
    if type in torch_types():
        fields = {name: field for name, field in fields.items() if name not in lacked(every_type()[type])}
        return Record(type, fields, keys="argument")
    for name in every_type()[type].lacks:
        fields.pop(name, None)
    if (rate := fields.get("learning_rate")) is not None:
        fields["learning_rate"] = dataclasses.replace(rate, kind=Either((rate.kind, LayerOf("schedule"))))
    return Record(type, fields, keys="argument")


def mutants_of(type: str) -> tuple[str, ...]:
    """The names of an optimiser's mutants."""
    return tuple(mutant.name for mutant in every_type()[type].mutants)
