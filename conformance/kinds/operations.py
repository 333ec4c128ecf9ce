"""What is asked of every function of `keras.ops`: shapes, broadcasting, axes from both ends, integers, nothing, NaN.

How an operation goes over its arrays (`Form`) says which questions it gets; beside them come its own. A file an
operation, in a folder beside the cases.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.ask.write import scalar
from conformance.case.keras_names import recorded
from conformance.case.load import SUFFIX, load_parts
from conformance.case.model import Case
from conformance.kinds.matrix import refuses
from conformance.kinds.model import BATCH, Cell, lines
from conformance.reference.operations.base import PREFIX, Ask, Entry, Numbers, table
from conformance.reference.operations.forms import HOLES, asks

FAMILY = "operations"
"""The folder of these cases: part of every id."""
MARK = "# Written by `conformance operations -o operations`, from conformance/reference/operations/. Do not edit."
OPERATION, RESULT, CALL, NOTHING = "operation", "result", "CALL", "nothing"
NO_GRADIENT = "of NaN and infinities there is no one gradient"


def cells(entry: Entry) -> list[Cell]:
    """The questions to an operation as cells of a matrix."""
    return [_cell(entry, one) for one in asks(entry)]


def _cell(entry: Entry, one: Ask) -> Cell:
    names = _names(entry, len(one.inputs))
    inputs: dict[str, Mapping[str, Any]] = {}
    written: list[str] = []
    for name, held in zip(names, one.inputs, strict=True):
        parts = held if isinstance(held, list) else [held]
        words = [f"{name}_{number}" for number in range(len(parts))] if isinstance(held, list) else [name]
        inputs |= {word: _spec(part) for word, part in zip(words, parts, strict=True)}
        value = f"[{', '.join(words)}]" if isinstance(held, list) else name
        written.append(value if _is_positional(entry, name, len(written)) else f"{name}={value}")
    call = f"{OPERATION}({', '.join(written)})"
    layers: dict[str, Mapping[str, Any]] = {OPERATION: {"type": f"{PREFIX}{entry.name}", **one.config}}
    graph = {node: text.replace(CALL, call) for node, text in (one.graph or {RESULT: CALL}).items()}
    if not inputs:  # a case has an input
        inputs, graph = {NOTHING: {"shape": [1]}}, {f"_{NOTHING}": NOTHING, **graph}
    for node, text in graph.items():
        if text.startswith(PREFIX):  # another operation, without arguments
            other = text.partition("(")[0]
            word = OPERATION if other == f"{PREFIX}{entry.name}" else other.removeprefix(PREFIX)
            layers.setdefault(word, {"type": other})
            graph[node] = text.replace(other, word, 1)
    if one.holes:
        first = next(word for word, spec in inputs.items() if "dtype" not in spec)  # of floats
        inputs[HOLES] = {"shape": [len(one.holes)], "fill": {"values": list(one.holes)}}
        graph = {node: re.sub(rf"\b{first}\b", f"{first} + {HOLES}", text, count=1) for node, text in graph.items()}
    is_open = any(-1 in part.shape for held in one.inputs for part in (held if isinstance(held, list) else [held]))
    question = f"What does keras.ops.{entry.name} give: {one.name.replace('_', ' ')}?"
    is_special = one.name in ("specials", "nan", "holes", "nothing_left", "far", "kinks", "nans", "infinities")
    return Cell(
        name=one.name,
        question=question,
        inputs=inputs,
        layers=layers,
        graph=graph,
        dims={BATCH: [2, 3]} if is_open else {},
        no_gradients=entry.no_gradients or one.no_gradients or (NO_GRADIENT if is_special else ""),
        lanes=("numpy", "keras"),
    )


def _names(entry: Entry, count: int) -> tuple[str, ...]:
    """What the inputs of a question are called."""
    names = entry.inputs
    if any(entry.parameters[name].kind is entry.parameters[name].VAR_POSITIONAL for name in names):
        return tuple("abcdefgh"[:count])
    return names[:count]


def _is_positional(entry: Entry, name: str, place: int) -> bool:
    """Whether Keras takes an input at this place without its name; what comes behind an argument is named."""
    known = [argument.name for argument in recorded().of("ops")[entry.name].arguments]
    return name not in known or known.index(name) == place


def _spec(numbers: Numbers) -> dict[str, Any]:
    """An input as a case writes it; -1 is the batch."""
    shape = [BATCH if length == -1 else length for length in numbers.shape]
    spec: dict[str, Any] = {"shape": shape}
    spec |= {"dtype": numbers.dtype} if numbers.dtype != "float32" else {}
    return spec | ({"fill": dict(numbers.fill)} if numbers.fill is not None else {})


def texts(names: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """The name of each file, and its text; of all operations where none are named."""
    for name in table() if names is None else names:
        yield f"{name}{SUFFIX}", text_of(table()[name])


def text_of(entry: Entry) -> str:
    """The file of an operation. A question that the reference refuses asks whether everybody does."""
    every = cells(entry)
    asked = _read(entry.name, file_text(entry, [lines(cell, refuses=False) for cell in every]))
    refused = {cell.name for cell in every if cell.name not in asked or refuses(asked[cell.name])}
    return file_text(entry, [lines(cell, cell.name in refused) for cell in every])


def unasked_text(name: str) -> str:
    """The same file where nobody asked the reference which questions it refuses, which takes most of the time."""
    entry = table()[name]
    return file_text(entry, [lines(cell, refuses=False) for cell in cells(entry)])


def _read(name: str, text: str) -> Mapping[str, Case]:
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        file = Path(folder) / FAMILY / f"{name}{SUFFIX}"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        loaded = load_parts(file, f"{FAMILY}/{name}{SUFFIX}")
    return {case.id.partition(".")[2]: case for case in loaded.cases}


def file_text(entry: Entry, blocks: Sequence[Sequence[str]]) -> str:
    """A case file of the questions to an operation."""
    head = [
        "# yaml-language-server: $schema=../schemas/case-v1.schema.json",
        MARK,
        "schema_version: 1",
        f"topic: {scalar(f'keras.ops.{entry.name}')}",
        "source: {kind: question}",
        "cases:",
    ]
    return "\n".join([*head, "\n\n".join("\n".join(block) for block in blocks)]) + "\n"
