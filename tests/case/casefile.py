"""Case files for tests: a small valid one, changed line by line, over layers that exist only here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from conformance.case import layers
from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.reference.base import Layer, Mutant, arg

PATH = "fam/topic.case.yaml"
"""What messages call the file."""

LINES = {
    "schema_version": "schema_version: 1",
    "topic": "topic: t",
    "dims": "dims: {batch: 2, steps: 5, dim: 3}",
    "cases": "cases:",
    "id": "  - id: a",
    "question": "    question: q",
    "inputs": "    inputs: {x: {shape: [batch, steps, dim]}}",
    "layers": "    layers: {dense: {type: Dense, units: 4}}",
    "graph": "    graph: {y: dense(x)}",
}
"""The lines of a valid file; `inputs` stands on line 7, `layers` on line 8, `graph` on line 9."""


class _Dense(Layer):
    """Weighted sums."""

    keras_only: ClassVar[tuple[str, ...]] = ("kernel_initializer", "seed")
    mutants: ClassVar[tuple[Mutant, ...]] = (Mutant("no_bias", "forgets the bias"),)

    units: int = arg("Length of the output.", at_least=1)
    activation: Literal["relu", "tanh"] | None = arg("Applied to the sums.", default=None)
    use_bias: bool = arg("Whether a number is added.", default=True)
    rate: float = arg("Share of zeros.", default=0.0, at_least=0)


class _Window(Layer):
    """A window slid over steps."""

    size: int | tuple[int] = arg("Steps in a window.", at_least=1)
    pads: int | tuple[int, int] | tuple[tuple[int, int], ...] = arg("Zeros before and after.", default=0)
    axis: int | tuple[int, ...] | None = arg("Axes.", default=None)
    padding: Literal["valid", "same"] = arg("What happens at the ends.", default="valid")
    data_format: Literal["channels_last", "channels_first"] = arg("Where the channels are.", default="channels_last")


class _Wrapper(Layer):
    """A layer inside a layer."""

    layer: Layer = arg("The layer inside.")
    cells: tuple[Layer, ...] = arg("More of them.", default=())


LAYERS: Mapping[str, type[Layer]] = {"Dense": _Dense, "Window": _Window, "Wrapper": _Wrapper}


@contextmanager
def layers_of_tests() -> Iterator[None]:
    """Makes the layers above the only ones, so that no message depends on the reference."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(layers, "types", lambda: LAYERS)
            layers.every_type.cache_clear()
            layers.record_of.cache_clear()
            yield
    finally:  # a file with mistakes leaves by an exception, and the next test has the reference's layers
        layers.every_type.cache_clear()
        layers.record_of.cache_clear()


def text_with(**lines: str) -> str:
    """The valid file with lines replaced by their key, or added at its end where there is no such line."""
    return "\n".join({**LINES, **lines}.values()) + "\n"


def load(folder: Path, text: str | bytes, path: str = PATH) -> tuple[Case, ...]:
    """The cases of a file with this content, over the layers of this module."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with layers_of_tests():
        return load_file(file, path)


def message(folder: Path, text: str | bytes) -> str:
    """Everything that is said about a file with mistakes; it is a failure if there are none."""
    with pytest.raises(CaseError) as raised:
        load(folder, text)
    return str(raised.value)


def only(folder: Path, **lines: str) -> Case:
    """The case of a file that has one."""
    (case,) = load(folder, text_with(**lines))
    return case
