"""Which cases of a suite are about what a model uses.

A case concerns a model where each of its layers is one that the model has, with no switch set otherwise than there: a
case about `Conv1D(padding='causal')` says nothing of a model with `padding='same'`. What only brings a mask into a case
(`Masking`, `Embedding`) need not stand in the model, for there a mask may come from anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.case.model import Case
from conformance.reference.catalog import LAYERS
from conformance.upgrade.uses import Use, use_of


@dataclass(frozen=True, slots=True)
class Concern:
    """The cases about what a model uses, and how many are about its layers with other arguments."""

    cases: tuple[Case, ...]
    with_other_arguments: int


def concerned(cases: Iterable[Case], uses: Sequence[Use]) -> Concern:
    """The cases about these layers as they are used."""
    switches: dict[str, list[Mapping[str, Any]]] = {}
    for use in uses:
        switches.setdefault(use.type, []).append(dict(use.arguments))
    found, others = [], 0
    for case in cases:
        asked = [one for layer in case.layers for one in _written(layer.type, layer.config)]
        about = [one for one in asked if not (_only_masks(one) and one.type not in switches)]
        if not about or any(one.type not in switches for one in about):
            continue
        if all(any(_fits(one, used) for used in switches[one.type]) for one in about):
            found.append(case)
        else:
            others += 1
    return Concern(tuple(found), others)


def _written(kind: str, config: Mapping[str, Any]) -> Iterable[Use]:
    """A layer of a case, and those inside it."""
    yield use_of(kind, config)
    for value in config.values():
        for nested in value if isinstance(value, list | tuple) else [value]:
            if isinstance(nested, Mapping) and isinstance(nested.get("type"), str):
                yield from _written(nested["type"], {k: v for k, v in nested.items() if k != "type"})


def _only_masks(use: Use) -> bool:
    return use.type in LAYERS and LAYERS[use.type].makes_mask


def _fits(asked: Use, used: Mapping[str, Any]) -> bool:
    """Whether the model sets every switch that the case sets."""
    return all(used.get(name, _UNSET) == value for name, value in asked.arguments)


_UNSET = object()
