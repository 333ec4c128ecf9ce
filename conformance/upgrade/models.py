"""One model after the other through both sides of an upgrade, each side in one process for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.comparison.batch import Batch, read_batch
from conformance.comparison.compare import Options, compare
from conformance.comparison.ends import CompareError, ProcessEnd, SideLost, SideRefused, SideRequests, far_spec
from conformance.comparison.result import Comparison
from conformance.comparison.session import Settings, scratch
from conformance.comparison.sides import allowed_of, spec_of
from conformance.comparison.training import step_of
from conformance.comparison.values import model_of
from conformance.errors import UsageError
from conformance.gate.rows import Row
from conformance.lanes.spec import LaneSpec
from conformance.upgrade.rows import Side, load_row, refused_row, rows_of
from conformance.upgrade.uses import Use, uses_of_file, uses_of_model

_OF_THE_MODEL = ("raised", "code")
"""Kinds of refusal that are the version's answer to a model, when it is run."""
_UNLOADED = ("no model", "custom", "unsafe", "raised", "code")
"""Kinds of refusal that are its answer when it is loaded."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One model: how it was named, the name of its rows, what loads it, and its batch."""

    text: str
    name: str
    spec: Mapping[str, Any]
    batch: Batch | None


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one model."""

    rows: tuple[Row, ...]
    comparison: Comparison | None = None


def subjects_of(models: Sequence[str], inputs: Sequence[Path], allowed: Sequence[str]) -> tuple[Subject, ...]:
    """The models with their batches. Raises CompareError for what is none, before anything runs."""
    if len(inputs) > 1 and len(inputs) != len(models):
        hint = "one batch for all models, one for each in their order, or none: they are drawn from the shapes"
        raise CompareError(f"{len(inputs)} batches for {len(models)} models", hint)
    allow = allowed_of(allowed)
    batches: list[Batch | None] = [read_batch(path) for path in inputs]
    batches = batches or [None]
    found: dict[str, Subject] = {}
    for place, text in enumerate(models):
        spec = {**spec_of(text, "the model"), "allow": allow}
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(text).name).strip("-") or "model"
        if name in found:
            raise CompareError(f"two models are called {name}", "give one of them another file name")
        found[name] = Subject(text, name, spec, batches[place % len(batches)])
    return tuple(found.values())


class Upgrade:
    """Both sides of an upgrade, started once. Use `started`."""

    def __init__(self, old: LaneSpec, new: LaneSpec, folder: Path, time_limit: float) -> None:
        for spec in (old, new):
            if spec.adapter != "keras" or spec.host:
                where = "on another machine" if spec.host else f"over {spec.adapter}"
                raise UsageError(f"{spec.name} runs {where}; a model is compared in two versions of Keras here")
        self.lanes = (old.name, new.name)
        self.asking = [SideRequests(spec.name, str(folder / name)) for spec, name in ((old, "old"), (new, "new"))]
        specs = (far_spec(old), far_spec(new))
        self.ends = [ProcessEnd(spec, asked, time_limit) for spec, asked in zip(specs, self.asking, strict=True)]
        self._folder = folder
        self._hints: dict[str, str | None] = {}

    def versions(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """What both sides proved to be. Raises LaneUnavailable."""
        return self.ends[0].versions(), self.ends[1].versions()

    def uses(self, subject: Subject) -> tuple[Use, ...]:
        """What a model uses. Raises SideRefused where neither a file nor a side tells."""
        if subject.text.endswith(".keras"):
            return uses_of_file(Path(subject.text))
        self._ask_for(subject)
        refused: SideRefused | None = None
        for end in reversed(self.ends):
            try:
                return uses_of_model(model_of(end.ask("describe"), end.versions()))
            except SideRefused as error:
                refused = error
        assert refused is not None
        raise refused

    def compared(self, subject: Subject, step: str, rounding: bool = True) -> Found:
        """One model in both. Raises CompareError for a batch that does not fit, SideRefused for what is no answer."""
        self._ask_for(subject)
        settings = Settings(with_rounding=rounding)
        options = Options(with_gradients=True, step={**step_of(step), "is_fit": True})
        names = (f"{subject.text} in {self.lanes[0]}", f"in {self.lanes[1]}")
        try:
            found = compare(
                self.ends[0], self.ends[1], names, subject.batch, self._folder / subject.name, settings, options
            )
        except SideLost as lost:
            words = f"ended in a {lost.ended}: {lost.detail}"
            is_old = lost.side == self.lanes[0]
            return Found((refused_row(subject.name, subject.text, self.lanes[1], words, is_old, lost.ended),))
        except SideRefused as refused:
            return self._refused(subject, refused)
        return Found(rows_of(subject.name, subject.text, self.lanes[1], found), found)

    def _refused(self, subject: Subject, refused: SideRefused) -> Found:
        """A model that a side cannot load, or not run: that is the answer."""
        if refused.verb == "describe" and refused.kind in _UNLOADED:
            self._hints = {}
            sides = [Side(lane, self._why_unloaded(end)) for lane, end in zip(self.lanes, self.ends, strict=True)]
            if all(side.refused for side in sides):
                whys = dict.fromkeys(side.refused for side in sides)
                why = next(iter(whys)) if len(whys) == 1 else _each(sides)
                raise CompareError(f"{subject.text} can't be loaded by either side: {why}", self._hint(refused))
            return Found((load_row(subject.name, subject.text, self.lanes[1], *sides),))
        if refused.kind not in _OF_THE_MODEL:
            raise refused
        is_old = refused.side == self.lanes[0]
        words = f"raises {refused.message.removeprefix(f'{refused.side} raised: ')}"
        return Found((refused_row(subject.name, subject.text, self.lanes[1], words, is_old),))

    def _why_unloaded(self, end: ProcessEnd) -> str:
        try:
            end.ask("describe")
        except SideRefused as error:
            self._hints[error.kind] = error.hint
            return error.message
        except SideLost as lost:
            return f"it ended in a {lost.ended}"
        return ""

    def _hint(self, refused: SideRefused) -> str | None:
        """What to do: for a custom layer, of whichever side named it, how it is allowed."""
        return self._hints.get("custom") or refused.hint

    def _ask_for(self, subject: Subject) -> None:
        for asked in self.asking:
            asked.model = subject.spec


def _each(sides: Sequence[Side]) -> str:
    return "; ".join(f"{side.version}: {side.refused}" for side in sides)


@contextmanager
def started(old: LaneSpec, new: LaneSpec, time_limit: float) -> Iterator[Upgrade]:
    """Both sides, importing their frameworks at once; they end with the context."""
    with scratch() as folder:
        upgrade = Upgrade(old, new, Path(folder), time_limit)
        try:
            for end in upgrade.ends:
                end.start()
            yield upgrade
        finally:
            for end in upgrade.ends:
                with suppress(OSError):
                    end.stop()
