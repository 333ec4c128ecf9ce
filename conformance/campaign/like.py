"""Drafts that are like something written: cases, or the layers of a saved model, with one or two things changed.

A written case says more than a layer's schema does: losses, metrics and optimisers with their steps, parts of graphs,
masks that flow. What it expects is left out, for it holds of the case as it is written; the reference answers anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.campaign.draft import Draft
from conformance.campaign.space import FILLS, Space, built, defaults_of, space_of, values_of
from conformance.case.layers import record_of, types
from conformance.case.load import SUFFIX, written_cases
from conformance.case.optimizers import record_of as optimizer_record_of
from conformance.case.optimizers import types as optimizer_types
from conformance.case.yaml import Document, parse, read
from conformance.comparison.ends import CompareError
from conformance.errors import CaseError, UsageError
from conformance.upgrade.uses import uses_of_file

MODEL = ".keras"
_SAID = ("question", "answer", "remark", "source", "tags", "questions", "kills", "expect", "time_limit")
"""What a case says of itself, which is not true of one that is like it."""
_BOUND = ("matrix", "lanes", "tolerance", "budget_scale", "saved")
"""What belongs to one case alone: one that has it is not changed."""
_HEAD = ("dims", "dynamic")
_FIXED = ("type", "name", "trainable", "dtype")
STEPS = (1, 2, 3)
MOST_CHANGES = 2


@dataclass(frozen=True, slots=True)
class Like:
    """What drafts are made like."""

    cases: tuple[Mapping[str, Any], ...]
    """Written cases, with what stands at the head of their files."""
    spaces: tuple[Space, ...]
    """The layers of saved models, with the arguments that they have there."""
    digest: str
    """Of all of it."""

    def drafts(self, seed: int, count: int) -> list[Draft]:
        """The drafts of a seed, no two alike."""
        draw = random.Random(seed)
        found: dict[str, Draft] = {}
        for _ in range(4 * count):
            place = draw.randrange(len(self.cases) + len(self.spaces))
            is_case = place < len(self.cases)
            draft = (
                changed_case(self.cases[place], draw)
                if is_case
                else _changed_layer(self.spaces[place - len(self.cases)], draw)
            )
            if draft is not None:
                found.setdefault(draft.digest, draft)
            if len(found) >= count:
                break
        return list(found.values())


def like(paths: Sequence[Path]) -> Like:
    """What these case files, folders of them and saved models hold. Raises UsageError, CaseError or CompareError."""
    cases: list[Mapping[str, Any]] = []
    spaces: list[Space] = []
    for path in paths:
        if path.suffix == MODEL:
            spaces += _layers_of(path)
            continue
        files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path] if path.is_file() else []
        if not files:
            hint = "a case file, a folder of them, or a .keras file: --like cases/training"
            raise UsageError(f"--like {path}: there are no cases", hint)
        for file in files:
            cases += _cases_of(file)
    if not cases and not spaces:
        raise UsageError("--like: none of these cases and layers can be changed", "name others")
    said = repr((cases, [(space.type, space.config) for space in spaces]))
    return Like(tuple(cases), tuple(spaces), hashlib.sha256(said.encode()).hexdigest()[:12])


def _cases_of(file: Path) -> Iterator[Mapping[str, Any]]:
    yield from _cases_in(read(file, str(file)), _BOUND)


def in_text(text: str, name: str) -> Iterator[Mapping[str, Any]]:
    """The cases of a text that was generated, to be changed; they may be asked in any lane. Raises CaseError."""
    for case in _cases_in(parse(text, name), tuple(key for key in _BOUND if key != "lanes")):
        yield {key: value for key, value in case.items() if key != "lanes"}


def _cases_in(document: Document, bound: Collection[str]) -> Iterator[Mapping[str, Any]]:
    nodes = written_cases(document)
    if document.problems.found:
        raise CaseError(document.problems.found)
    root = document.root
    head = {key: node.plain() for key in _HEAD if (node := root.get(key)) is not None}
    for node, _ in nodes:
        case = node.plain()
        error = isinstance(case.get("expect"), Mapping) and "error" in case["expect"]
        inputs = case.get("inputs", {})
        if error or _names_file([inputs, case.get("weights")]) or any(key in case for key in bound):
            continue
        dims = {**head.get("dims", {}), **case.get("dims", {})}
        kept = {key: value for key, value in case.items() if key not in _SAID}
        yield {**head, **kept, **({"dims": dims} if dims else {})}


def _names_file(given: Any) -> bool:
    """Whether inputs, or the fill of one, come from a file of data, which stands beside the case and nowhere else."""
    if isinstance(given, Mapping):
        return "file" in given or any(map(_names_file, given.values()))
    return isinstance(given, list) and any(map(_names_file, given))


def _layers_of(path: Path) -> Iterator[Space]:
    """The layers of a saved model that can be drawn, with the arguments that it gives them."""
    try:
        uses = uses_of_file(path)
    except CompareError as error:
        raise UsageError(f"--like {path}: {error.message}", error.hint) from None
    for use in uses:
        space = space_of(use.type) if use.is_known and record_of(use.type) is not None else None
        if space is not None:
            yield replace(space, config={**space.config, **dict(use.arguments)})


def _changed_layer(space: Space, draw: random.Random) -> Draft:
    dimensions = [one for one in space.dimensions if one.others]
    chosen = draw.sample(dimensions, min(draw.randint(1, MOST_CHANGES), len(dimensions)))
    return built(space, {one.name: draw.choice(one.others) for one in chosen})


def changed_case(case: Mapping[str, Any], draw: random.Random) -> Draft | None:
    """A case with one or two things changed; None where there is nothing to change."""
    every = dict(_changes(case))
    if not every:
        return None
    chosen = draw.sample(sorted(every), min(draw.randint(1, MOST_CHANGES), len(every)))
    changes = tuple((path, draw.choice(every[path])) for path in chosen)
    varied = tuple((f"{case['id']}: {path}", value) for path, value in changes)
    return Draft((), (), (), written=case, changes=changes, varied=varied)


def _changes(case: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Where a case can be changed, and to what."""
    for name, layer in case.get("layers", {}).items():
        record = record_of(layer["type"])
        if record is not None and name not in case.get("weights", {}):  # given ones are of the layer as it is written
            made = types().get(layer["type"])
            yield from _arguments(f"layers/{name}", {**defaults_of(made), **layer}, record.fields)
    for axis, length in case.get("dims", {}).items():
        if isinstance(length, int):
            lengths = (0, 1, 3) if axis == "batch" else (1, length + 1, length + 3)
            yield f"dims/{axis}", [one for one in lengths if one != length]
    for name, given in case.get("inputs", {}).items():
        if isinstance(given, Mapping) and (values := list(_others(given))):
            yield f"inputs/{name}", values
    yield from _changes_of_trainings(case)


def _others(given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An input with other numbers, of another dtype, of other lengths; a mask with other rows."""
    if set(given) == {"shape"}:
        for dtype, fill in FILLS.values():
            if fill:
                yield {**given, **({} if dtype == "float32" else {"dtype": dtype}), "fill": fill}
        lengths = given["shape"]
        if lengths and all(isinstance(length, int) for length in lengths):
            for other in ([1] * len(lengths), [0, *lengths[1:]], [2, *lengths], lengths[1:]):
                if other != lengths:
                    yield {**given, "shape": other}
    rows = given.get("fill", {}).get("values") if isinstance(given.get("fill"), Mapping) else None
    if given.get("dtype") == "bool" and isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        for change in (_none, _every, _turned):
            other = [change(row) for row in rows]
            if other != rows:
                yield {**given, "fill": {"values": other}}


def _none(row: Sequence[Any]) -> list[Any]:
    return [0 for _ in row]


def _every(row: Sequence[Any]) -> list[Any]:
    return [1 for _ in row]


def _turned(row: Sequence[Any]) -> list[Any]:
    return list(reversed(row))


def _changes_of_trainings(case: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """What can be changed in how a case is trained."""
    trainings = case.get("training", [])
    for place, training in enumerate(trainings if isinstance(trainings, list) else [trainings]):
        path = f"training/{place}" if isinstance(trainings, list) else "training"
        optimizer = training.get("optimizer")
        if isinstance(optimizer, Mapping):
            record = optimizer_record_of(optimizer["type"])
            if record is not None:
                config = {**defaults_of(optimizer_types().get(optimizer["type"])), **optimizer}
                for argument, values in _arguments(f"{path}/optimizer", config, record.fields):
                    yield argument, _near(config.get(argument.rpartition("/")[2]), values)
        if isinstance(training.get("steps"), int):
            yield f"{path}/steps", [steps for steps in STEPS if steps != training["steps"]]


def _near(usual: Any, values: list[Any]) -> list[Any]:
    """Values of an optimiser's argument; of a number some near it, for far from it steps run beyond all numbers."""
    if not isinstance(usual, float) or not usual:
        return values
    return [usual / 2, (1 + usual) / 2 if 0 < usual < 1 else usual * 1.25]


def _arguments(path: str, config: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, field in fields.items():
        if name in _FIXED:
            continue
        values = [value for value in values_of(field.kind, name, config.get(name)) if value != config.get(name)]
        if values:
            yield f"{path}/{name}", values
