"""The same comparison from Python and in notebooks: live objects in this process, and the answer as an object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from conformance.comparison import batch as batches
from conformance.comparison.compare import Options, compare
from conformance.comparison.ends import LiveEnd, SideRequests
from conformance.comparison.page import page
from conformance.comparison.plain import to_json
from conformance.comparison.result import Comparison, Output, Row, Start
from conformance.comparison.session import Settings, scratch
from conformance.comparison.text import text, verdict
from conformance.comparison.training import step_of
from conformance.lanes.garbage import left_out


class Difference(AssertionError):
    """A port that differs from its model; the message is the whole answer."""


class Answer:
    """What a comparison found. Prints as text, shows as a page in a notebook."""

    def __init__(self, comparison: Comparison) -> None:
        self._found = comparison

    @property
    def agrees(self) -> bool:
        """Whether model and port agree within rounding."""
        return self._found.agrees

    @property
    def first(self) -> Start | None:
        """Where the model first differs; None where it does not."""
        return self._found.first

    @property
    def starts(self) -> tuple[Start, ...]:
        """Every place where a difference starts, in the order in which the model reaches them."""
        return self._found.starts

    @property
    def layers(self) -> tuple[Row, ...]:
        """Every call of a layer of the model, and what stands against it."""
        return self._found.rows

    @property
    def outputs(self) -> tuple[Output, ...]:
        """Every result of the model beside the port's."""
        return self._found.outputs

    @property
    def used(self) -> float | None:
        """How far the results lie off, in multiples of what rounding explains; None where it was not measured."""
        return self._found.used

    def raise_for_difference(self) -> None:
        """Raises Difference, an AssertionError, unless model and port agree within rounding."""
        if not self.agrees:
            raise Difference(text(self._found, is_long=False))

    def to_json(self) -> str:
        """Everything that was found, as JSON text."""
        return to_json(self._found)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The page; written to a file too where a path is given."""
        made = page(self._found)
        if path is not None:
            Path(path).write_text(made, encoding="utf-8")
        return made

    def __str__(self) -> str:
        return text(self._found)

    def __repr__(self) -> str:
        return f"<conformance: {verdict(self._found)}>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its style stays its own."""
        return (
            f'<iframe sandbox="" width="100%" height="600" srcdoc="{escape(page(self._found), quote=True)}"></iframe>'
        )


def folder_of(save: str | os.PathLike[str] | None) -> Path | None:
    """The folder for starts, where one was named."""
    return None if save is None else Path(save)


def compare_live(
    keras_model: Any,
    torch_module: Any,
    inputs: Any = None,
    *,
    pairs: Mapping[str, str] | None = None,
    port_inputs: str | None = None,
    rounding: bool = True,
    gradients: bool = False,
    step: str | None = None,
    save: str | os.PathLike[str] | None = None,
) -> Answer:
    """See `conformance.compare`."""
    given = None if inputs is None else batches.as_arrays(inputs)
    settings = Settings(with_rounding=rounding, pairs=pairs, port_inputs=port_inputs)
    options = Options(with_gradients=gradients, step=None if step is None else step_of(step), save=folder_of(save))
    with scratch() as folder, left_out():
        ends = [
            LiveEnd(keras_model, SideRequests("the model", f"{folder}/model")),
            LiveEnd(torch_module, SideRequests("the port", f"{folder}/port")),
        ]
        names = type(keras_model).__name__, type(torch_module).__name__
        try:
            return Answer(compare(ends[0], ends[1], names, given, Path(folder), settings, options))
        finally:
            for end in ends:
                end.stop()
