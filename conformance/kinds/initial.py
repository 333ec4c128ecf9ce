"""What the weights of every layer begin with: a case a layer, made from its class and from what it says of itself.

Weights that are drawn are claimed to come from their initialiser; zeros, ones and waves are compared. So many layers
are made that their numbers together decide the claim.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from conformance.ask.meaning import takes_list
from conformance.ask.write import scalar, snake
from conformance.case.layers import types
from conformance.case.load import SUFFIX
from conformance.judge.budget import UNIT
from conformance.judge.initial import least
from conformance.kinds.layers import Asked, asked, given
from conformance.kinds.model import BATCH, USUAL_BATCH, Cell, lines
from conformance.reference.base import Layer, Weight, make
from conformance.reference.initial_weights import TYPE, initializer_of, is_drawn
from conformance.reference.initializers import Orthogonal

MARK = "# Written by `conformance initial -o cases/initial_weights`, from the layers' classes. Do not edit."
TOPIC = "What the weights of each layer begin with"
FILE = f"layers{SUFFIX}"
BEGUN = "begun"
NUMBERS = 400
"""So many numbers of a weight are looked at, at least; the judge asks for `least`."""
FEWEST, TURNS = 8, 48
"""Layers that are made, at least; and of those with an orthogonal weight, which shows where it points only so often."""
NO_GRADIENT = "what a weight begins with does not depend on what goes in"
ROUNDINGS = 8
"""Of an angle that is made of a product, a quotient and pi, before its sine is taken."""


def askable() -> tuple[str, ...]:
    """The layers with weights that can be asked, in alphabetical order."""
    return tuple(kind for kind in sorted(types()) if not types()[kind].is_ours and _held(kind) is not None)


def texts(kinds: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """The one file with a case for each of these layers; for all where none are named."""
    head = [
        "# yaml-language-server: $schema=../../schemas/case-v1.schema.json",
        MARK,
        "schema_version: 1",
        f"topic: {TOPIC}",
        'source: {kind: docs, reference: "https://keras.io/api/layers/"}',
        "cases:",
    ]
    blocks = ["\n".join(case_lines(kind)) for kind in (askable() if kinds is None else kinds)]
    yield FILE, "\n".join([*head, "\n\n".join(blocks)]) + "\n"


def _held(kind: str) -> tuple[Asked, Layer, dict[str, Weight]] | None:
    """A layer as its example has it, with its weights; None for one without, or that is not asked in one line."""
    one = asked(kind) if not types()[kind].offered_in else None
    if one is None or "y_true" in one.names:
        return None
    layer = make(kind, one.config)
    shapes = [(USUAL_BATCH, *shape) for shape in one.shapes]
    held = dict(layer.weights(*([shapes] if takes_list(kind) else shapes)))
    return (one, layer, held) if held else None


def case_lines(kind: str) -> list[str]:
    """The lines of a layer's case below `cases:`."""
    found = _held(kind)
    assert found is not None, kind
    one, layer, held = found
    drawn = {key: weight for key, weight in held.items() if is_drawn(layer, key, weight)}
    config = {"type": kind, **one.config}
    begun = {
        "type": TYPE,
        "layer": config,
        "of": list(held),
        "times": _times(layer, drawn),
    }
    inside = ", ".join(one.names)
    call = f"{BEGUN}({f'[{inside}]' if takes_list(kind) else inside})"
    names = {key: key.replace(".", "_") for key in held}
    cell = Cell(
        name=snake(kind),
        question=f"What do the weights of {kind} begin with?",
        inputs={word: given(shape, how) for word, shape, how in zip(one.names, one.shapes, one.drawn, strict=True)},
        layers={BEGUN: begun},
        graph={f"_{BEGUN}": call, **{names[key]: f"_{BEGUN}[{place}]" for place, key in enumerate(held)}},
        dims={BATCH: USUAL_BATCH},
        no_gradients=NO_GRADIENT,
        lanes=("numpy", "keras"),
    )
    claims = [
        f"      - draws: {{node: {names[key]}, from: {scalar(dict(initializer_of(layer, key, weight)))}}}"
        for key, weight in drawn.items()
    ]
    return [*lines(cell, refuses=False), *(["    claims:", *claims] if claims else []), *_tolerance(layer)]


def _times(layer: Layer, drawn: dict[str, Weight]) -> int:
    """How many layers decide every claim."""
    if not drawn:
        return 1
    fewest = min(math.prod(weight.shape) for weight in drawn.values())
    turned = any(initializer_of(layer, key, weight)["type"] == Orthogonal.__name__ for key, weight in drawn.items())
    return max(math.ceil(max(NUMBERS, least(1e-7)) / fewest), TURNS if turned else FEWEST)


def _tolerance(layer: Layer) -> list[str]:
    """Of a layer whose weights are waves: their sines are as far off as their angles were rounded."""
    within: dict[str, Any] = dict(layer.built_within())
    if not within:
        return []
    atol = ROUNDINGS * UNIT * max(float(abs(one).max()) for one in within.values())
    reason = "a sine is as far off as its angle was rounded, though it be 0"
    return [f"    tolerance: {{rtol: 1.0e-5, atol: {atol:.2g}, reason: {scalar(reason)}}}"]
