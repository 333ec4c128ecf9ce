"""What is asked of every function of `keras.ops`: shapes, broadcasting, axes from both ends, integers, nothing, NaN.

How an operation goes over its arrays (`Form`) says which questions it gets; beside them come its own. A file an
operation, in a folder beside the cases.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.ask.write import scalar
from conformance.case.keras_names import recorded
from conformance.case.load import SUFFIX, load_parts
from conformance.case.model import Case
from conformance.kinds.matrix import refuses
from conformance.kinds.model import BATCH, Cell, lines
from conformance.reference.operations.base import (
    PREFIX,
    Ask,
    Domain,
    Entry,
    Numbers,
    ask,
    given,
    integers,
    table,
)

FAMILY = "operations"
"""The folder of these cases: part of every id."""
MARK = "# Written by `conformance operations -o operations`, from conformance/reference/operations/. Do not edit."
OPERATION, RESULT, CALL, NOTHING = "operation", "result", "CALL", "nothing"
SPECIALS = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5, -1.0, 1.0e15, -1.0e15, 1.0e-30)
OTHERS = (1.0, math.inf, math.inf, -0.0, 0.0, math.nan, 2.5, 1.0, -1.0e15, 1.0e-30)
ROWS = ((math.nan, 1.0, 2.0), (math.inf, 1.0, -2.0), (-math.inf, math.inf, 0.5), (-0.0, 0.0, 1.0))
NO_GRADIENT = "of NaN and infinities there is no one gradient"


def asks(entry: Entry) -> Iterator[Ask]:
    """Every question to an operation: those of its form, then its own."""
    kinds = {"elementwise": _elementwise, "pairwise": _pairwise, "reduction": _reduction, "axis": _axis}
    if entry.form in kinds:
        for one in kinds[entry.form](entry):
            yield replace(one, config={**entry.config, **one.config})
    yield from entry.asks


def _whole(domain: Domain, *shape: int) -> Numbers:
    """Integers from a domain."""
    if domain.low is None or domain.high is None:
        return integers(-9, 10, *shape)
    low, high = math.ceil(domain.low), math.floor(domain.high)
    return integers(low, high + 1, *shape) if low <= high else integers(0, 1, *shape)


def _elementwise(entry: Entry) -> Iterator[Ask]:
    domain = entry.domains[0]
    yield ask("usual", domain.numbers(3, 4))
    yield ask("row", domain.numbers(5))
    yield ask("number", domain.numbers())
    yield ask("four_axes", domain.numbers(2, 1, 3, 2))
    yield ask("open_batch", domain.numbers(-1, 3))
    yield ask("one", domain.numbers(1, 1))
    if entry.takes_none:
        yield ask("empty", domain.numbers(0, 4))
    if entry.takes_integers:
        yield ask("integers", _whole(domain, 3, 4))
    if entry.takes_specials:
        yield ask("specials", given(list(SPECIALS)))


def _pairwise(entry: Entry) -> Iterator[Ask]:
    first, second = entry.domains[0], entry.domains[-1]
    yield ask("usual", first.numbers(3, 4), second.numbers(3, 4))
    yield ask("broadcast", first.numbers(2, 1, 4), second.numbers(3, 1))
    yield ask("row", first.numbers(3, 4), second.numbers(4))
    yield ask("number", first.numbers(3, 4), second.numbers())
    yield ask("number_first", first.numbers(), second.numbers(2, 3))
    yield ask("open_batch", first.numbers(-1, 3), second.numbers(-1, 1))
    if entry.takes_none:
        yield ask("empty", first.numbers(0, 4), second.numbers(4))
    if entry.takes_integers:
        yield ask("integers", _whole(first, 3, 4), _whole(second, 3, 4))
        yield ask("integers_and_floats", _whole(first, 3, 4), second.numbers(3, 4))
    if entry.takes_specials:
        yield ask("specials", given(list(SPECIALS)), given(list(OTHERS)))
    yield ask("other_lengths", first.numbers(3, 4), second.numbers(3, 3))


def _reduction(entry: Entry) -> Iterator[Ask]:
    domain = entry.domains[0]
    cube = domain.numbers(2, 3, 4)
    yield ask("all", cube)
    yield ask("first", cube, axis=0)
    yield ask("last", cube, axis=-1)
    yield ask("two", cube, axis=[0, -1])
    yield ask("keepdims", cube, axis=1, keepdims=True)
    yield ask("all_keepdims", cube, keepdims=True)
    yield ask("open_batch", domain.numbers(-1, 3), axis=-1)
    yield ask("one", domain.numbers(1, 1))
    if entry.takes_none:
        yield ask("empty", domain.numbers(0, 4), axis=0)
        yield ask("empty_all", domain.numbers(0, 4))
    if entry.takes_integers:
        yield ask("integers", _whole(domain, 3, 4), axis=1)
    if entry.takes_specials:
        yield ask("specials", given([list(row) for row in ROWS]), axis=-1)
    yield ask("axis_too_large", domain.numbers(3, 4), axis=2)


def _axis(entry: Entry) -> Iterator[Ask]:
    domain = entry.domains[0]
    cube = domain.numbers(2, 3, 4)
    yield ask("first", cube, axis=0)
    yield ask("last", cube, axis=-1)
    yield ask("middle", cube, axis=-2)
    yield ask("open_batch", domain.numbers(-1, 3), axis=-1)
    yield ask("one", domain.numbers(1, 1), axis=0)
    if entry.takes_none:
        yield ask("empty", domain.numbers(0, 4), axis=1)
    if entry.takes_integers:
        yield ask("integers", _whole(domain, 3, 4), axis=1)
    if entry.takes_specials:
        yield ask("specials", given([list(row) for row in ROWS]), axis=-1)
    yield ask("axis_too_large", domain.numbers(3, 4), axis=2)


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
    is_open = any(-1 in part.shape for held in one.inputs for part in (held if isinstance(held, list) else [held]))
    question = f"What does keras.ops.{entry.name} give: {one.name.replace('_', ' ')}?"
    is_special = one.name in ("specials", "nan", "holes", "nothing_left", "far", "kinks")
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
