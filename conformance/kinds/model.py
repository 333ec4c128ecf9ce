"""A cell of the matrix as a value: one layer under one kind of input or call, and its text in the language of cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.ask.write import scalar
from conformance.case.layers import types

BATCH = "batch"
USUAL_BATCH = 2
LAYER, RESULT = "layer", "y"
"""What the layer and what it gives are called in every cell."""
MASKING = next(kind for kind, layer in sorted(types().items()) if layer.makes_mask and not layer.takes_ids)
"""The layer that makes a mask of numbers."""
TIES = "equal numbers go in, so that there is no one gradient"


@dataclass(frozen=True, slots=True)
class Cell:
    """One question of the matrix; its name is the part of the case's id behind the layer."""

    name: str
    question: str
    inputs: Mapping[str, Mapping[str, Any]]
    """An input's shape, dtype and fill, as a case writes them."""
    layers: Mapping[str, Mapping[str, Any]]
    graph: Mapping[str, str]
    dims: Mapping[str, Any] = field(default_factory=lambda: {BATCH: USUAL_BATCH})
    dynamic: tuple[str, ...] = ()
    no_gradients: str = ""
    """Why no gradients are compared; empty where they are."""
    lanes: tuple[str, ...] = ()
    """The lanes that are asked; empty for all."""


def lines(cell: Cell, refuses: bool) -> list[str]:
    """The lines of a cell below `cases:`; one that the reference refuses asks whether everybody does."""
    found = [f"  - id: {cell.name}", f"    question: {scalar(cell.question)}"]
    found += [f"    dims: {scalar(cell.dims)}"] if cell.dims else []
    found += [f"    dynamic: {scalar(cell.dynamic)}"] if cell.dynamic else []
    found += [f"    lanes: {scalar(cell.lanes)}"] if cell.lanes else []
    parts = (("inputs", cell.inputs), ("layers", cell.layers))
    for key, part in (each for each in parts if each[1]):
        found += [f"    {key}:", *(f"      {name}: {scalar(value)}" for name, value in part.items())]
    found += ["    graph:", *(f"      {name}: {text}" for name, text in cell.graph.items())]
    if refuses:
        found.append("    expect: {error: {phase: any}}")
    elif cell.no_gradients:
        found.append(f"    no_gradients: {scalar(cell.no_gradients)}")
    return found


MARK = "# Written by `conformance kinds -o kinds`, from what the layer's class says of itself. Do not edit."
"""A line of every file of the matrix: no other file is written over or removed."""


def file_text(kind: str, blocks: Sequence[Sequence[str]]) -> str:
    """A case file of the cells of a layer."""
    head = [
        "# yaml-language-server: $schema=../schemas/case-v1.schema.json",
        MARK,
        "schema_version: 1",
        f"topic: {scalar(f'Kinds of input and call of {kind}')}",
        "source: {kind: question}",
        "cases:",
    ]
    return "\n".join([*head, "\n\n".join("\n".join(block) for block in blocks)]) + "\n"
