"""What the axes of a node are called: a length is named only where the way through the graph gives it that name.

A case's names of lengths are those of its inputs' axes and of numbers that its layers are told. A node's axis has
such a name if its length does, if the name comes from an input or a layer on the way to the node, and if no other axis
of the node is as long: an axis of four rows is not called filters because there are four filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.case.model import Case

BATCH = "batch"
"""The axis that every framework puts first."""
_WORD = re.compile(r"[A-Za-z_]\w*")


def axis_names(case: Case, run: int, label: str, shape: tuple[int, ...]) -> tuple[str, ...]:
    """A name for each axis: as the case states it where the rank is right, else by that rule; empty without one."""
    expected = case.expect.nodes.get(label)
    if expected is not None and expected.shape is not None and len(expected.shape) == len(shape):
        return tuple(axis if isinstance(axis, str) else "" for axis in expected.shape)
    sizes = case.sizes[run]
    known = names_on_the_way(case, sizes, label.partition("[")[0].partition(".")[0])
    return named(shape, {name: sizes[name] for name in sizes if name in known or name == BATCH})


def named(shape: tuple[int | None, ...], sizes: Mapping[str, int]) -> tuple[str, ...]:
    """A name for each length that exactly one of these names has, and that no other axis of the shape has."""
    has_batch = bool(shape) and shape[0] is not None and sizes.get(BATCH) == shape[0]
    rest = shape[1:] if has_batch else shape
    by_length: dict[int, list[str]] = {}
    for name, length in sizes.items():
        if name != BATCH:
            by_length.setdefault(length, []).append(name)
    names = [
        by_length[length][0]
        if length is not None and len(by_length.get(length, ())) == 1 and rest.count(length) == 1
        else ""
        for length in rest
    ]
    return (BATCH, *names) if has_batch else tuple(names)


def names_on_the_way(case: Case, sizes: Mapping[str, int], node: str) -> frozenset[str]:
    """The names of lengths that inputs have, or layers are told, on the way to a node."""
    graph = {item.name: item.expression for item in case.graph}
    inputs = {item.name: item for item in case.inputs}
    layers = {layer.name: layer for layer in case.layers}
    models = {model.name: model for model in case.models}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in graph:
            waiting += _WORD.findall(graph[name])
        if name in inputs:
            found |= {word for axis in inputs[name].shape if isinstance(axis, str) for word in _WORD.findall(axis)}
        if name in layers:
            told = set(_numbers(layers[name].config))
            found |= {name for name, length in sizes.items() if length in told}
        if name in models:
            waiting += models[name].outputs
    return frozenset(found)


def _numbers(value: Any) -> Iterator[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers(item)
