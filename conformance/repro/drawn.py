"""Large arrays by the formula that drew them, in place of their bytes: the script carries the drawing functions.

A recipe is used only where running it gives the array bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case import arrays
from conformance.case.model import Case
from conformance.protocol.plan import Plan
from conformance.repro.carry import Carrier
from conformance.repro.literals import quoted

LARGE = 2048
"""Elements from which on the formula is shorter to read than the bytes."""
FOLDER = Path(__file__).parents[1] / "case"
FUNCTIONS = {name: getattr(arrays, name) for name in ("draw_uniform", "draw_normal", "draw_integers")}


def recipes_of(case: Case, plan: Plan) -> dict[bytes, str]:
    """The bytes of every large array of a plan that a formula gives, to the call."""
    found: dict[bytes, str] = {}
    for array, name, draws in _arrays(case, plan):
        for function, arguments in draws:
            try:
                again = FUNCTIONS[function](name, array.shape, *arguments).astype(array.dtype)
            except arrays.DrawError:
                continue
            if again.tobytes() == array.tobytes():
                shown = ", ".join([quoted(name), repr(array.shape), *(repr(number) for number in arguments)])
                found[array.tobytes()] = f'{function}({shown}).astype("{array.dtype.name}")'
    return found


Draws = list[tuple[str, tuple[Any, ...]]]


def _arrays(case: Case, plan: Plan) -> Iterator[tuple[np.ndarray[Any, Any], str, Draws]]:
    """Every large array, the name that it was drawn under, and how it may have been drawn."""
    for layer, spec in plan.layers.items():
        for key, array in spec.weights.items():
            if array.size > LARGE:
                bound = math.sqrt(3 / max(math.prod(array.shape[:-1]), 1))
                draws: Draws = [("draw_uniform", (-bound, bound)), ("draw_normal", ()), ("draw_integers", arrays.WHOLE)]
                yield array, f"{case.drawn_as}|weight|{spec.config.get('name', layer)}|{key}", draws
    for run, given in enumerate(plan.runs):
        for item in case.inputs:
            array = given[item.name]
            if array.dtype != object and array.size > LARGE:
                yield array, f"{case.drawn_as}|input|{item.name}|{run}", _fills(item.fill)


def _fills(fill: Mapping[str, Any]) -> Draws:
    ((kind, given),) = fill.items()
    if kind == "normal":
        draws: Draws = [("draw_normal", (given.get("mean", arrays.MEAN), given.get("std", arrays.STD)))]
        return draws if given else [*draws, ("draw_integers", arrays.WHOLE)]
    function = {"uniform": "draw_uniform", "integers": "draw_integers"}.get(kind)
    return [(function, tuple(given))] if function else []


@lru_cache(maxsize=8)
def carried(functions: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The source of drawing functions, and what they import."""
    carrier = Carrier(FOLDER, given=dict.fromkeys(("Array", "Any")), strings=frozenset())
    texts, _ = carrier.carry([("arrays", name) for name in sorted(functions)])
    return tuple(texts), tuple(line for line in carrier.imports if not line.endswith(" as np"))
