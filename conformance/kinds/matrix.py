"""All cells, a case file a layer; and which of them the reference refuses, which are questions about errors."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from conformance.ask.write import snake
from conformance.case.layers import types
from conformance.case.load import SUFFIX, load_parts
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.kinds import layers, losses
from conformance.kinds.model import Cell, file_text, lines
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of

FAMILY = "kinds"
"""The folder of the matrix: part of every id, and so of the numbers that are drawn."""


def cells_of(kind: str) -> list[Cell]:
    """The cells of a layer or loss; none of one whose inputs are no numbers with a shape."""
    if losses.is_loss(kind):
        return list(losses.cells(kind))
    return list(layers.cells(kind)) if "y_true" not in _parameters(kind) else []


def _parameters(kind: str) -> Sequence[str]:
    from conformance.ask.meaning import call_parameters

    return () if types()[kind].written_as_case else call_parameters(kind)


def askable() -> tuple[str, ...]:
    """The layers and losses that have cells, in alphabetical order."""
    return tuple(kind for kind in sorted(types()) if cells_of(kind))


def texts(kinds: Sequence[str] | None = None) -> Iterator[tuple[str, str]]:
    """The name of each file of the matrix, and its text; of all layers where none are named."""
    for kind in sorted(types()) if kinds is None else kinds:
        if cells := cells_of(kind):
            yield f"{snake(kind)}{SUFFIX}", text_of(kind, cells)


def text_of(kind: str, cells: Sequence[Cell]) -> str:
    """The file of a layer's cells. Raises CaseError where one of them cannot be read even as a refusal."""
    asked = _read(kind, file_text(kind, [lines(cell, refuses=False) for cell in cells]))
    refused = {cell.name for cell in cells if cell.name not in asked or refuses(asked[cell.name])}
    return file_text(kind, [lines(cell, cell.name in refused) for cell in cells])


def _read(kind: str, text: str) -> Mapping[str, Case]:
    name = f"{snake(kind)}{SUFFIX}"
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        file = Path(folder) / FAMILY / name
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        loaded = load_parts(file, f"{FAMILY}/{name}")
    return {case.id.partition(".")[2]: case for case in loaded.cases}


def refuses(case: Case) -> bool:
    """Whether the reference has no answer to a case but an error."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return answer(plan_of(case, with_gradients=False), Depth.VALUES).failure is not None
        except CaseError:
            return True
