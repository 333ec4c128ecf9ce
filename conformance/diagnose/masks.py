"""A mask read wrongly, in whatever layer it goes into: turned round, a step late, that of the first step everywhere.

They are tried where no named mistake explains a difference, and read like one: "somebody who reads the mask backwards".
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from conformance.reference.base import Mutant


def _backwards(mask: Any) -> Any:
    return mask[:, ::-1]


def _late(mask: Any) -> Any:
    """The first step counts as real, as the step before any padding would."""
    return np.concatenate([np.ones_like(mask[:, :1]), mask[:, :-1]], axis=1)


def _early(mask: Any) -> Any:
    return np.concatenate([mask[:, 1:], mask[:, -1:]], axis=1)


def _of_the_first_step(mask: Any) -> Any:
    return np.repeat(mask[:, :1], mask.shape[1], axis=1)


def _without_the_last(mask: Any) -> Any:
    """The last true step of every row, unless it is the only one, counts as masked."""
    steps = np.arange(mask.shape[1])
    last = np.max(np.where(mask, steps, -1), axis=1, keepdims=True)
    return np.where((steps == last) & (np.sum(mask, axis=1, keepdims=True) > 1), False, mask)


def _of_the_first_sample(mask: Any) -> Any:
    return np.repeat(mask[:1], len(mask), axis=0)


WAYS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("inverted", "takes masked steps for real ones and real ones for masked", np.logical_not),
    ("backwards", "reads the mask backwards, against the sequence", _backwards),
    ("late", "reads the mask a step late", _late),
    ("early", "reads the mask a step early", _early),
    ("of_the_first_step", "takes the mask of the first step for every step", _of_the_first_step),
    ("of_the_first_sample", "takes the mask of the first sample for every sample", _of_the_first_sample),
    ("without_the_last", "takes the last real step for a masked one", _without_the_last),
)
"""Name, what somebody does, and the mask (batch, steps) to the mask that is read."""


@cache
def misread_masks(kind: type[Any]) -> tuple[Mutant, ...]:
    """Every mask that the layer's call takes, read in each wrong way; nothing where it takes none."""
    call = getattr(kind, "call", None)
    taken = [] if call is None else [name for name in inspect.signature(call).parameters if name.endswith("mask")]
    several = len(taken) > 1
    return tuple(
        Mutant(
            f"{name}={way}",
            f"{words} (`{name}`)" if several else words,
            inputs=partial(_misread, name, change),
        )
        for name in taken
        for way, words, change in WAYS
    )


def _misread(
    name: str, change: Callable[[Any], Any], layer: Any, args: list[Any], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    given = kwargs.get(name)
    return (args, kwargs) if given is None else (args, {**kwargs, name: _changed(given, change)})


def _changed(given: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(given, list | tuple):
        return [_changed(one, change) for one in given]
    mask = None if given is None else np.asarray(given)
    return mask if mask is None or mask.ndim < 2 else change(mask)
