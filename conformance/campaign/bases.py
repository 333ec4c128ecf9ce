"""What is drawn beside layers: trainings by every optimiser under every loss, metrics over batches, functions of
`keras.ops`.

Each is a small case, made from the schemas of the reference, in which one or two things are changed as in a written one
(`conformance.campaign.like`): so it is drawn, asked and made small like those, and a new optimiser, metric or operation
is drawn without a word here.
"""

from __future__ import annotations

import dataclasses
import inspect
import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from conformance.ask.meaning import input_names, numbers
from conformance.campaign.draft import Draft
from conformance.campaign.like import changed_case, in_text
from conformance.campaign.space import drawable, space_of
from conformance.case.layers import types
from conformance.case.optimizers import types as optimizer_types
from conformance.reference.base import LayerError, Weights, make
from conformance.reference.operations.base import table

METRICS = "metrics."
FEATURES, UNITS, BATCH = 3, 4, 3
NEEDED: Mapping[str, Any] = {
    "inner_optimizer": {"type": "SGD"},
    "optimizer_map": {"default_optimizer": {"type": "SGD"}, "optimizer_map": {"model/kernel": {"type": "Adam"}}},
    "num_classes": 3,
    "target_class_ids": [0, 2],
    "specificity": 0.5,
    "sensitivity": 0.5,
    "recall": 0.5,
    "precision": 0.5,
}
"""A value of each argument that optimisers and metrics cannot do without."""
_CLASSES = {"fill": {"integers": [0, 3]}, "dtype": "int32"}
_SHARES = {"fill": {"uniform": [0.0, 1.0]}}
PAIRS: tuple[tuple[str, tuple[int, ...], Mapping[str, Any], tuple[int, ...], Mapping[str, Any]], ...] = (
    ("classes and shares", (BATCH,), _CLASSES, (BATCH, 3), _SHARES),
    ("classes", (BATCH,), _CLASSES, (BATCH,), _CLASSES),
    ("yes or no and shares", (BATCH, 1), {"fill": {"integers": [0, 2]}}, (BATCH, 1), _SHARES),
    ("shares", (BATCH, 3), _SHARES, (BATCH, 3), _SHARES),
    ("one-hot", (3, 3), {"fill": {"values": [[0, 1, 0], [0, 0, 1], [1, 0, 0]]}}, (3, 3), _SHARES),
    ("numbers", (BATCH, 3), {}, (BATCH, 3), {}),
)
"""What metrics take: the name of a pair, and of labels and of predictions the shape and how they are filled."""

Texts = Callable[[str], str]
"""From the name of an operation to the text of its cases, which are made by a room above this one."""


def others(seed: int, count: int, sorts: Sequence[str], texts: Texts | None = None) -> list[Draft]:
    """So many drafts of a seed, of these sorts, no two alike; the same for the same seed.

    Raises ValueError for operations without the `texts` of their cases.
    """
    draw = random.Random(f"others {seed}")
    found: dict[str, Draft] = {}
    for _ in range(4 * count):
        draft = _drawn(draw.choice(sorts), draw, texts)
        if draft is not None:
            found.setdefault(draft.digest, draft)
        if len(found) == count:
            break
    return list(found.values())


def _drawn(sort: str, draw: random.Random, texts: Texts | None) -> Draft | None:
    match sort:
        case "trainings":
            cases = trainings()
        case "metrics":
            cases = metrics()
        case _:
            cases = _of_operation(draw.choice(sorted(table())), texts)
    draft = changed_case(draw.choice(cases), draw) if cases else None
    return None if draft is not None and _promises(draft) else draft


def _promises(draft: Draft) -> bool:
    """Whether a change promises of the input what is not so: then there is no right answer."""
    return any(path.endswith("/sorted") for path, _ in draft.changes)


@cache
def trainings() -> Sequence[Mapping[str, Any]]:
    """A model of one layer trained by every optimiser, under every loss that is drawn."""
    losses = [kind for kind in drawable() if types()[kind].is_loss]
    return [
        _training(optimizer, made, loss)
        for optimizer, made in optimizer_types().items()
        for loss in losses
        if len(input_names(loss, 2)) == 2
    ]


def _training(optimizer: str, made: Any, loss: str) -> Mapping[str, Any]:
    """One step of an optimiser, from labels as the loss takes them."""
    space = space_of(loss)
    assert space is not None  # it is drawn
    label = input_names(loss, 2)[0]
    lengths = {name: [UNITS] for name in input_names(loss, 2)}
    dtype, fill = numbers(loss, space.config, label, lengths)
    label_shape = ["batch"] if dtype != "float32" else ["batch", "units"]
    takes_shares = numbers(loss, space.config, input_names(loss, 2)[1], lengths)[1] is not None
    return {
        "id": f"{optimizer} under {loss}",
        "dims": {"batch": BATCH, "features": FEATURES, "units": UNITS},
        "inputs": {
            "x": {"shape": ["batch", "features"]},
            "y": {"shape": label_shape, **_typed(dtype), **({} if fill is None else {"fill": fill})},
        },
        "layers": {
            "model": {"type": "Dense", "units": "units", "activation": "softmax" if takes_shares else "linear"},
            "loss_of": {"type": loss, **_given(space.config)},
        },
        "graph": {"loss": "loss_of(y, model(x))"},
        "training": {"optimizer": {"type": optimizer, **needed(made)}, "loss": "loss", "steps": 1},
    }


def _typed(dtype: str) -> dict[str, str]:
    return {} if dtype == "float32" else {"dtype": dtype}


def _given(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name != "type"}


def needed(made: Any) -> dict[str, Any]:
    """A value of each argument that a class cannot do without."""
    fields = (one for one in dataclasses.fields(made) if one.default is dataclasses.MISSING)
    return {one.name: NEEDED[one.name] for one in fields if one.default_factory is dataclasses.MISSING}


@cache
def metrics() -> Sequence[Mapping[str, Any]]:
    """Every metric over two batches of each sort that the reference takes."""
    kinds = [kind for kind in types() if kind.startswith(METRICS)]
    return [case for kind in kinds for case in _of_metric(kind)]


def _of_metric(kind: str) -> Iterator[Mapping[str, Any]]:
    config = needed(types()[kind])
    if "values" in inspect.signature(types()[kind].call).parameters:
        rows = {"inputs": {name: {"shape": [BATCH, 3]} for name in ("x", "later_x")}}
        yield {"id": kind, **rows, **_layers(kind, config, ("x",), ("later_x",))}
        return
    for name, labels, of_labels, shape, of_predictions in PAIRS:
        if _answers(kind, config, [_filled(labels, of_labels), _filled(shape, of_predictions)]):
            given = {"y": {"shape": list(labels), **of_labels}, "p": {"shape": list(shape), **of_predictions}}
            inputs = given | {f"later_{key}": dict(value) for key, value in given.items()}
            case = {"id": f"{kind} of {name}", "inputs": inputs}
            yield {**case, **_layers(kind, config, ("y", "p"), ("later_y", "later_p"))}


def _layers(kind: str, config: Mapping[str, Any], *batches: tuple[str, ...]) -> Mapping[str, Any]:
    """A metric that is told of one batch after the other."""
    graph = {f"after_{number}": f"metric({', '.join(names)})" for number, names in enumerate(batches, 1)}
    return {"layers": {"metric": {"type": kind, **config}}, "graph": graph}


def _answers(kind: str, config: Mapping[str, Any], arrays: list[Any]) -> bool:
    """Whether the reference takes such arrays."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            made = make(kind, config)
            made.call(Weights({}), *arrays)
    except (LayerError, ArithmeticError, LookupError, TypeError, ValueError):
        return False
    return True


def _filled(shape: tuple[int, ...], how: Mapping[str, Any]) -> Any:
    """Numbers like those that a case would draw."""
    draw = np.random.default_rng(0)
    fill = how.get("fill", {})
    match fill:
        case {"integers": [low, high]}:
            return draw.integers(low, high, shape)
        case {"values": values}:
            return np.asarray(values, dtype=float)
    return draw.uniform(0.0, 1.0, shape) if fill else draw.normal(size=shape)


@cache
def _of_operation(name: str, texts: Texts | None) -> Sequence[Mapping[str, Any]]:
    """The cases that are generated of an operation. Raises ValueError where nobody said how."""
    if texts is None:
        raise ValueError("operations are drawn from the text of their cases, and none was given")
    read = in_text(texts(name), f"{name} of keras.ops")
    return [{**case, "id": f"{name}.{case['id']}"} for case in read]
