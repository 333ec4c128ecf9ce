"""A model in two versions as rows of a gate, so that they are accepted, written and shown as all others.

model:clf.keras/both               a layer: a difference starts there
model:clf.keras#output             a result of the model, from end to end
model:clf.keras#gradients/embed    the gradients of a layer's weights
model:clf.keras#step/embed         its weights after one step
model:clf.keras#load               whether the model can be loaded
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.comparison.result import Comparison, Output, Start
from conformance.comparison.text import of_rounding
from conformance.gate.accepted import MODEL
from conformance.gate.answers import Move
from conformance.gate.rows import Row, Said, Section

_ASPECTS = {"mask": "mask", "shape": "shape", "weights": "weights", "step": "weights", "gradient": "gradient"}
"""Kind of a start to the aspect that it is told under; any other is one of values."""
_IN_TRAINING = ("gradient", "step")
_NAMED = 6
LOADS = "loads"
_UNJUDGED = "not judged"
"""The verdict where no reference speaks: both sides are held against each other."""


@dataclass(frozen=True, slots=True)
class Side:
    """What loading a model gave in one version: nothing to say, or why it cannot be loaded."""

    version: str
    refused: str = ""

    @property
    def words(self) -> str:
        return f"can't be loaded: {self.refused}" if self.refused else LOADS


def load_row(name: str, path: str, lane: str, old: Side, new: Side) -> Row:
    """The answer for a model that one side cannot load."""
    section = Section.MOVED if old.refused else Section.REFUSES
    before, now = (Said("error" if side.refused else _UNJUDGED, side.words) for side in (old, new))
    moves = (Move("error", "", old.words, new.words),)
    return Row(f"{MODEL}{name}#load", lane, section, before, now, moves, (), "", path, 1)


def refused_row(name: str, path: str, lane: str, words: str, is_old: bool, verdict: str = "error") -> Row:
    """The answer for a model that one side cannot run: `words` say what it raised, or how it ended."""
    raised, given = Said(verdict, words), Said(_UNJUDGED, "gives an answer")
    before, now = (raised, given) if is_old else (given, raised)
    section = Section.MOVED if is_old else Section.REFUSES
    moves = (Move("error", "", before.answer, now.answer),)
    return Row(f"{MODEL}{name}#run", lane, section, before, now, moves, (), "", path, 1)


def rows_of(name: str, path: str, lane: str, found: Comparison) -> tuple[Row, ...]:
    """One row for every place that moved, and one for each that was compared and did not."""
    places: dict[str, list[Start]] = {}
    for start in found.starts:
        places.setdefault(_place(start), []).append(start)
    rows = [_row(f"{MODEL}{name}{place}", path, lane, starts, found) for place, starts in places.items()]
    in_training = [row for row in rows if "#gradients/" in row.case or "#step/" in row.case]
    rows = [row for row in rows if row not in in_training]
    rows += [_output(name, path, lane, output, found) for output in found.outputs]
    rows += in_training
    told = {row.case for row in rows}
    same = Said(_UNJUDGED, "the same but for rounding")
    rows += [
        Row(case, lane, Section.UNCHANGED, same, same, (), (), "", path, 1)
        for case in _alike(f"{MODEL}{name}", found)
        if case not in told
    ]
    return tuple(rows)


def _alike(name: str, found: Comparison) -> Iterator[str]:
    """The places in which both sides are the same but for rounding."""
    yield from dict.fromkeys(f"{name}/{row.path}" for row in found.rows if row.state == "agree" and row.port)
    for what, entries in (("gradients", found.gradients), ("step", found.trained)):
        other = {layer for layer, _, share in entries if not share.agrees}
        yield from dict.fromkeys(f"{name}#{what}/{layer}" for layer, _, _ in entries if layer not in other)


def _row(case: str, path: str, lane: str, starts: Sequence[Start], found: Comparison) -> Row:
    """One place in which a difference starts, with everything that moved there."""
    first = starts[0]
    moves = tuple(_move(start) for start in starts)
    before, now = Said(_UNJUDGED, moves[0].old), Said(_UNJUDGED, moves[0].new)
    because = "; ".join(f"the new side {start.cause.sentence}" for start in starts if start.cause is not None)
    return Row(case, lane, Section.MOVED, before, now, moves, (), follows_text(found, first), path, 1, because)


def _place(start: Start) -> str:
    if start.kind == "gradient":
        return f"#gradients/{start.layer}"
    if start.kind == "step":
        return f"#step/{start.layer}"
    return f"/{start.layer}" if start.layer else "#run"


def _move(start: Start) -> Move:
    share, aspect = start.share, _ASPECTS.get(start.kind, "values")
    if start.kind in ("mask", "shape") and any(start.gives):
        return Move(aspect, start.layer, *start.gives)
    if share is not None and not share.agrees:
        words, numbers = (f"{share.wanted:.6g}", f"{share.got:.6g}"), (share.wanted, share.got)
        return Move(aspect, start.layer, *words, share.index or None, numbers, share.over, share.count)
    return Move(aspect, start.layer, "as before", start.detail)


def follows_text(found: Comparison, start: Start) -> str:
    """What a start follows from, or which layers follow from it; of several starts that is told at the first."""
    if start.kind in _IN_TRAINING:
        before = _values_from(found)
        return f"follows from {before}" if before else ""
    if start is not found.starts[0]:
        return ""
    names = [row.path for row in found.rows if row.state == "follows"]
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"after it {', '.join(names[:_NAMED])}{more} follow{'s' if len(names) == 1 else ''}"


def _output(name: str, path: str, lane: str, output: Output, found: Comparison) -> Row:
    several = len(found.outputs) > 1
    case = f"{MODEL}{name}#output{f'.{output.name}' if several else ''}"
    share = output.share
    if share.agrees:
        words = "the same but for rounding"
        words = f"{words}: {of_rounding(share.used)}" if share.by != "plain" else words
        same = Said(_UNJUDGED, words)
        return Row(case, lane, Section.UNCHANGED, same, same, (), (), "", path, 1)
    move = Move("values", output.name, f"{share.wanted:.6g}", f"{share.got:.6g}", share.index or None,
                (share.wanted, share.got), share.over, share.count)  # fmt: skip
    rounding, origin = of_rounding(share.used), _values_from(found)
    note = f"follows from {origin}; {rounding}" if origin else rounding
    before, now = Said(_UNJUDGED, move.old), Said(_UNJUDGED, move.new)
    return Row(case, lane, Section.MOVED, before, now, (move,), (), note, path, 1)


def _values_from(found: Comparison) -> str:
    """Where the values of what follows start to differ."""
    starts = [start.layer or "a side" for start in found.starts if start.kind not in _IN_TRAINING]
    return ", ".join(starts[:_NAMED])
