"""What a case writes for a weight of a layer: its initialiser, regulariser or constraint, and whether it is frozen.

And what layers add to the loss of a training by it: penalties of their weights, and of what they give.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import autograd.numpy as np

from conformance.case.layers import ACTIVITY
from conformance.case.penalty_words import named
from conformance.imports import is_own
from conformance.reference.base import Array
from conformance.reference.catalog import KINDS
from conformance.reference.regularizers import make_regularizer


def written_for(kind: str, config: Mapping[str, Any], weight: str, what: str = "initializer") -> Any:
    """What the case says a weight starts with; for `forward.bias` what it says in the wrapped layer.

    Or its regulariser or constraint, whose arguments are called likewise.
    """
    scope, _, rest = weight.partition(".")
    if not rest:
        return config.get(KINDS[kind].initializers.get(weight, f"{weight}_initializer").replace("initializer", what))
    inner, rest = _inner(kind, config, scope, rest)
    return None if inner is None else written_for(inner["type"], inner, rest, what)


def _inner(kind: str, config: Mapping[str, Any], scope: str, rest: str) -> tuple[Mapping[str, Any] | None, str]:
    """The arguments of the wrapped layer whose weights stand under a scope, and the weight's name there.

    A list of layers has its numbers as scopes: `cells` of stacked cells, where no argument is called like the scope.
    """
    held = next((config[name] for name in KINDS[kind].wrapped.get(scope, (scope,)) if config.get(name)), None)
    number = scope if scope.isdigit() else None
    if number is not None:
        held = config.get("cells")
    elif isinstance(held, list):
        number, _, rest = rest.partition(".")
    if number is not None and isinstance(held, list):
        held = held[int(number)]
    return (held, rest) if isinstance(held, Mapping) else (None, rest)


def is_frozen(kind: str, config: Mapping[str, Any], weight: str) -> bool:
    """Whether the case takes a weight, or a layer that holds it, out of training."""
    if config.get("trainable") is False:
        return True
    scope, _, rest = weight.partition(".")
    inner, rest = _inner(kind, config, scope, rest) if rest else (None, "")
    return inner is not None and is_frozen(inner["type"], inner, rest)


def penalties(kind: str, config: Mapping[str, Any], weights: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Weight to the regulariser that the case writes for it: its `type` and all arguments."""
    found: dict[str, Mapping[str, Any]] = {}
    for key in () if is_own(kind) else weights:
        written = named("regularizer", written_for(kind, config, key, "regularizer"))
        if written is not None:
            found[key] = _whole(written)
    return found


def activity_penalty(kind: str, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The regulariser of what the layer gives: its `type` and all arguments; None where the case writes none."""
    written = None if is_own(kind) else named("regularizer", config.get(ACTIVITY))
    return None if written is None else _whole(written)


def _whole(written: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": written["type"], **dataclasses.asdict(make_regularizer(written))}


def cost_of_weights(kind: str, config: Mapping[str, Any], weights: Mapping[str, Array], fixed: Collection[str]) -> Any:
    """What the regularisers of all weights that are trained add, as one number."""
    trained = [key for key in weights if key not in fixed]
    costs = penalties(kind, config, trained)
    return sum((make_regularizer(cost).penalty(weights[key]) for key, cost in costs.items()), start=0.0)


def cost_of_activity(penalty: Mapping[str, Any], output: Any, is_divided: bool = True) -> Any:
    """What a layer's output costs: the penalty of each of its arrays, divided by the size of the batch.

    The guide "Making new layers and models via subclassing" of Keras has the penalty; that it is divided by the size
    of the batch is said of it in "Developing new layers". An array of no samples costs nothing.
    """
    if isinstance(output, list | tuple):
        return sum((cost_of_activity(penalty, item, is_divided) for item in output), start=0.0)
    cost = make_regularizer(penalty).penalty(output)
    if np.ndim(output) == 0 or not is_divided:
        return cost
    return cost / np.shape(output)[0] if np.shape(output)[0] else 0.0 * cost
