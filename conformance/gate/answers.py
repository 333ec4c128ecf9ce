"""What moved between a lane's answers in two records of one case: every output, where, and by how much.

The order is that of judging: error, structure, shape, dtype, mask, special values, values, weights, params,
gradients, methods, and what is said of invariants, claims and the functional model. Values are
the same as long as they lie within what both sides were allowed, so that rounding is never an answer that changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from conformance.gate.held import held_words, holds_others, layer_of
from conformance.record.lane import LaneRecord
from conformance.record.parts import DirectRecord, DistanceRecord, FailureRecord, MaskRecord, NodeRecord
from conformance.report.facts import flat
from conformance.report.words import (
    direct_text,
    element_text,
    essence,
    index_text,
    mask_text,
    one_line,
    raised_text,
    shape_text,
)

NOISE = 64 * 2.0**-24
"""Relative, for values that were never measured against a reference: a few roundings of float32."""
_GRADIENT_NOISE = 0.1
"""Relative, between two gradient errors that both fail: the arrays themselves are not kept."""
_SAID = ("invariants", "claims", "model")
"""Aspects whose findings are what a side answered: what was compared is not kept."""
RIGHT = ("agree", "stale")
"""Verdicts on the expected answer."""
_ENDED = ("unsupported", "timeout", "crash")


@dataclass(frozen=True, slots=True)
class Move:
    """One aspect of one output in which two answers differ: what each side said, where, and by how much."""

    aspect: str
    node: str
    old: str
    new: str
    at: tuple[int, ...] | None = None
    """The element that moved furthest; None where the words are of the whole."""
    numbers: tuple[float, float] | None = None
    """What the words say, where they say one number each."""
    count: int = 0
    """Elements or mask entries that moved; 0 where that is not known."""
    size: int = 0
    """Of how many."""
    run: int = 0
    """The first run of the case in which it moved."""

    @property
    def what(self) -> str:
        """`mask of merged`, or the aspect alone; `compute_mask of merged asked directly`."""
        if self.aspect == "methods":
            return f"{self.node} asked directly"
        return f"{self.aspect} of {self.node}" if self.node else self.aspect

    @property
    def by(self) -> float | None:
        """How far the number moved; None where there is none."""
        return None if self.numbers is None else abs(self.numbers[1] - self.numbers[0])

    @property
    def old_answer(self) -> str:
        """What the old side said, with the place of an element."""
        return self._placed(self.old)

    @property
    def new_answer(self) -> str:
        """What the new side said, with the place of an element."""
        return self._placed(self.new)

    def _placed(self, words: str) -> str:
        return f"{words} at {index_text(self.at)}" if self.at else words


def first_move(old: LaneRecord, new: LaneRecord, with_masks: bool = True) -> Move | None:
    """The first difference between two answers to one case; None where they are the same but for rounding.

    `with_masks` is false where a side's masks are not its own answer but the harness's.
    """
    return next(_moves(old, new, with_masks), None)


def moves(old: LaneRecord, new: LaneRecord, with_masks: bool = True) -> tuple[Move, ...]:
    """Every output that moved between two answers to one case, in the order of judging.

    What a later size of the case repeats is told once. An output whose shape moved is not told again for its values.
    """
    kept: dict[tuple[str, str], Move] = {}
    for move in _moves(old, new, with_masks):
        kept.setdefault((move.aspect, move.node), move)
    return tuple(kept.values())


def _moves(old: LaneRecord, new: LaneRecord, with_masks: bool) -> Iterator[Move]:
    if old.verdict in _ENDED or new.verdict in _ENDED:
        if (old.verdict, old.reason) != (new.verdict, new.reason):
            yield Move("error", "", ending_words(old), ending_words(new))
        return
    if _has_ended_in_weights(old, new):
        was, now = held_words(old, new), held_words(new, old)
        if was != now:
            yield Move("weights", layer_of(old, new), was, now)
        return
    if _raised(old.failure) != _raised(new.failure):
        failure = new.failure or old.failure
        assert failure is not None  # one of the two was raised, for they differ
        yield Move("error", failure.node, last_words(old), last_words(new))
        return
    if old.failure is not None:
        return
    yield from _structure_moves(old, new)
    aspects = [_shape, _symbolic, _dtype, *([_mask] if with_masks else []), _special, _values]
    for run, nodes in enumerate(old.runs):
        others = new.runs[run] if run < len(new.runs) else {}
        for aspect in aspects:
            for label, mine in nodes.items():
                if label in others:
                    yield from aspect(label, mine, others[label], run)
    yield from _count_moves(old, new)
    yield from _gradient_moves(old, new)
    yield from _method_moves(old, new)
    yield from _said_moves(old, new)


def _has_ended_in_weights(old: LaneRecord, new: LaneRecord) -> bool:
    """Whether a side holds other weights than the reference names, and the other raised nothing."""
    sides = (old, new)
    return any(map(holds_others, sides)) and all(side.failure is None or holds_others(side) for side in sides)


def _raised(failure: FailureRecord | None) -> tuple[str, str] | None:
    """What counts as the same error: messages are reworded in every release."""
    return None if failure is None else (failure.type, failure.phase)


def ending_words(lane: LaneRecord) -> str:
    """How a lane ended: why it did not run, what it raised, or else the last that it gave."""
    if lane.verdict in _ENDED:
        return f"{lane.verdict}: {one_line(lane.reason, 120)}"
    return last_words(lane)


def is_right(lane: LaneRecord) -> bool:
    """Whether a lane's answer is the expected one.

    `stale` is an agreement that a deviation did not foresee: the deviations file is wrong, not the answer.
    """
    return lane.verdict in RIGHT


def ended(lane: LaneRecord) -> bool:
    """Whether a lane has no values to compare: it raised, was lost, or cannot do the case."""
    return lane.failure is not None or lane.verdict in _ENDED


def last_words(lane: LaneRecord) -> str:
    """The last node that a lane gave, which the case is about: its numbers where they are few, else its shape.

    What it raised, where it did.
    """
    failure = lane.failure
    if failure is not None and holds_others(lane):
        return f"other weights: {one_line(essence(failure.message), 100)}"
    if failure is not None:
        return f"raises {raised_text(failure)}: {one_line(essence(failure.message), 100)}"
    last = list(lane.runs[0].items())[-1:] if lane.runs else []
    return "; ".join(f"{one_line(label, 60)} {node_text(node)}" for label, node in last) or "gives an answer"


def node_text(node: NodeRecord) -> str:
    """What a node holds in a few words: its numbers where they are few, else its shape."""
    values = flat(node.values) if node.values is not None else []
    if 0 < len(values) <= 4:
        numbers = ", ".join(element_text(value, node.dtype) for value in values)
        return numbers if node.shape == () else f"[{numbers}]"
    return shape_text(node.shape)


def _structure_moves(old: LaneRecord, new: LaneRecord) -> Iterator[Move]:
    ours = [sorted(run) for run in old.runs]
    theirs = [sorted(run) for run in new.runs]
    if ours == theirs:
        return
    mine, other = {label for run in ours for label in run}, {label for run in theirs for label in run}
    for label in sorted(mine ^ other):
        has, has_not = "has it", "does not have it"
        yield Move("structure", label, has if label in mine else has_not, has if label in other else has_not)
    yield Move("structure", "", f"{len(ours)} runs", f"{len(theirs)} runs")


def _shape(label: str, old: NodeRecord, new: NodeRecord, run: int) -> Iterator[Move]:
    if old.shape != new.shape:
        yield Move("shape", label, shape_text(old.shape), shape_text(new.shape), run=run)


def _symbolic(label: str, old: NodeRecord, new: NodeRecord, run: int) -> Iterator[Move]:
    if old.symbolic is not None and new.symbolic is not None and old.symbolic != new.symbolic:
        mine, other = (f"symbolic {shape_text(side.symbolic)}" for side in (old, new))
        yield Move("shape", label, mine, other, run=run)


def _dtype(label: str, old: NodeRecord, new: NodeRecord, run: int) -> Iterator[Move]:
    if old.dtype != new.dtype:
        yield Move("dtype", label, one_line(old.dtype, 40), one_line(new.dtype, 40), run=run)


def _mask(label: str, old: NodeRecord, new: NodeRecord, run: int) -> Iterator[Move]:
    mine, other = old.mask, new.mask
    if mine == other:
        return
    count = size = 0
    if mine is not None and other is not None and mine.shape == other.shape:
        size = math.prod(mine.shape)
        if mine.values is not None and other.values is not None:
            count = sum(a != b for a, b in zip(flat(mine.values), flat(other.values), strict=True))
    yield Move("mask", label, mask_words(mine), mask_words(other), count=count, size=size, run=run)


def mask_words(mask: MaskRecord | None) -> str:
    """A mask as its rows of 0 and 1 where they are few: `00100 00000`; else how many entries are true."""
    if mask is None or mask.values is None or not 0 < len(mask.shape) <= 2:
        return mask_text(mask)
    rows = mask.values if len(mask.shape) == 2 else [mask.values]
    words = " ".join("".join(str(int(entry)) for entry in row) for row in rows)
    return words if len(words) <= 40 else mask_text(mask)


def _special(label: str, old: NodeRecord, new: NodeRecord, run: int) -> Iterator[Move]:
    if old.shape != new.shape:
        return
    pairs = _pairs(old, new)
    apart = [
        index
        for index, (a, b) in enumerate(pairs)
        if not ((math.isfinite(a) and math.isfinite(b)) or a == b or (math.isnan(a) and math.isnan(b)))
    ]
    if apart:
        yield _element("special", label, old, new, apart[0], len(apart), run)
        return
    for kind in ("nan", "inf"):
        mine, other = getattr(old.summary, kind), getattr(new.summary, kind)
        if mine != other:
            yield Move("special", label, f"{mine} {kind}", f"{other} {kind}", size=math.prod(old.shape), run=run)
            return


def _pairs(old: NodeRecord, new: NodeRecord) -> list[tuple[float, float]]:
    """Elements side by side, where both sides are kept whole."""
    if old.values is None or new.values is None or old.shape != new.shape:
        return []
    if any(isinstance(value, str) and value not in _NUMBERS for value in flat(old.values) + flat(new.values)):
        return []
    return [(float(a), float(b)) for a, b in zip(flat(old.values), flat(new.values), strict=True)]


_NUMBERS = ("NaN", "Infinity", "-Infinity")


def _element(aspect: str, label: str, old: NodeRecord, new: NodeRecord, place: int, count: int, run: int) -> Move:
    """The move of one element, counted along the flat arrays, which stands for all that moved."""
    a, b = _pairs(old, new)[place]
    words = element_text(a, old.dtype), element_text(b, new.dtype)
    at = _index(old.shape, place)
    return Move(aspect, label, *words, at=at, numbers=(a, b), count=count, size=math.prod(old.shape), run=run)


def _index(shape: tuple[int, ...], place: int) -> tuple[int, ...]:
    index: list[int] = []
    for length in reversed(shape):
        place, position = divmod(place, length)
        index.insert(0, position)
    return tuple(index)


def tolerance(old: NodeRecord, new: NodeRecord) -> float:
    """How far two values of one node may lie apart and be one answer: what each side's rounding may take."""
    if not (old.dtype.startswith(("float", "bfloat")) and new.dtype.startswith(("float", "bfloat"))):
        return 0.0
    extremes = [end for side in (old, new) for end in (side.summary.min, side.summary.max)]
    largest = max((abs(float(value)) for value in extremes if value is not None), default=0.0)
    return NOISE * largest + sum(_rounding(side.distance) for side in (old, new))


def _rounding(distance: DistanceRecord | None) -> float:
    if distance is None:
        return 0.0
    if float(distance.used) <= 1:
        return float(distance.largest)
    return float(distance.worst.allowed) if distance.worst is not None else 0.0


def _values(label: str, old: NodeRecord, new: NodeRecord, run: int) -> Iterator[Move]:
    if old.shape != new.shape:
        return
    allowed = tolerance(old, new)
    pairs = _pairs(old, new)
    apart = [(abs(a - b), place) for place, (a, b) in enumerate(pairs) if math.isfinite(a - b)]
    if apart:
        error, place = max(apart, key=lambda pair: pair[0])
        if error > allowed:
            count = sum(distance > allowed for distance, _ in apart)
            yield _element("values", label, old, new, place, count, run)
        return
    for name in ("min", "max", "mean"):
        a, b = getattr(old.summary, name), getattr(new.summary, name)
        if (a is None) != (b is None) or (a is not None and abs(float(a) - float(b)) > allowed):
            numbers = None if a is None or b is None else (float(a), float(b))
            words = f"{name} {_plain(a)}", f"{name} {_plain(b)}"
            yield Move("values", label, *words, numbers=numbers, size=math.prod(old.shape), run=run)
            return


def _plain(value: Any) -> str:
    return "none" if value is None else f"{float(value):.6g}"


def _count_moves(old: LaneRecord, new: LaneRecord) -> Iterator[Move]:
    """Weights and their numbers, where both sides count in Keras' layout."""
    sides: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("params", old.params, new.params),
        ("weights", old.weights, new.weights),
    )
    for aspect, mine, other in sides:
        if not mine or not other:
            continue
        for layer in sorted({*mine, *other}):
            if mine.get(layer) != other.get(layer):
                yield Move(aspect, layer, _count(mine.get(layer)), _count(other.get(layer)))


def _method_moves(old: LaneRecord, new: LaneRecord) -> Iterator[Move]:
    """What a method says directly on one side and not on the other; not of nodes that only one side asked about."""
    mine, other = old.methods or {}, new.methods or {}
    for node in mine:
        for method in mine[node]:
            if node in other and method in other[node] and not _says_the_same(mine[node][method], other[node][method]):
                words = [direct_words(side[node][method]) for side in (mine, other)]
                yield Move("methods", f"{method} of {node}", words[0], words[1])


def _said_moves(old: LaneRecord, new: LaneRecord) -> Iterator[Move]:
    """Invariants, claims and the functional model of a case, where both sides were asked: what one of them keeps."""
    if old.findings_left_out or new.findings_left_out:
        return
    for aspect in _SAID:
        if "-" in (old.aspects.get(aspect, "-"), new.aspects.get(aspect, "-")):
            continue
        mine, other = ([one for one in side.findings if one.aspect == aspect] for side in (old, new))
        for node in dict.fromkeys(one.node for one in (*mine, *other)):
            before, after = ({one.kind for one in side if one.node == node} for side in (mine, other))
            if before != after:
                run = min(one.run for one in (*mine, *other) if one.node == node)
                was, now = (_statement(aspect, kinds, before | after) for kinds in (before, after))
                yield Move(aspect, node, was, now, run=run)


def _statement(aspect: str, broken: Set[str], every: Set[str]) -> str:
    """What a side makes of the statements that at least one of the two does not keep."""
    kinds = ", ".join(one_line(kind.replace("_", " "), 60) for kind in sorted(broken or every))
    if aspect == "model":
        return f"another {kinds} than called eagerly" if broken else "as called eagerly"
    return f"{'breaks' if broken else 'keeps'} {kinds}"


def _says_the_same(old: DirectRecord, new: DirectRecord) -> bool:
    """Errors are the same while their type is."""
    return (old.shapes, old.masks, _raised(old.failure)) == (new.shapes, new.masks, _raised(new.failure))


def direct_words(said: DirectRecord) -> str:
    """What a method said, with the rows of masks where they are few."""
    if said.failure is None and said.masks is not None:
        return ", ".join(mask_words(mask) for mask in said.masks)
    return direct_text(said)


def _count(held: Any) -> str:
    if isinstance(held, Mapping):
        return ", ".join(f"{one_line(key, 60)} {shape_text(shape)}" for key, shape in held.items()) or "no weights"
    return "none" if held is None else str(held)


def _gradient_moves(old: LaneRecord, new: LaneRecord) -> Iterator[Move]:
    """Gradients that fail on a side, and by another amount on the other; arrays of them are not kept.

    Where a side raised instead and the other gave some, or raised otherwise, that is all; one that was not asked for
    any, or says why it has none, has nothing to move from.
    """
    sides = [side.gradient_failure for side in (old, new)]
    if any(sides):
        is_asked = all(failure or side.gradients for failure, side in zip(sides, (old, new), strict=True))
        if is_asked and _raised(sides[0]) != _raised(sides[1]):
            words = [f"raises {raised_text(one)}" if one else "gives them" for one in sides]
            yield Move("gradient", "", words[0], words[1])
        return
    for name in old.gradients:
        if name not in new.gradients:
            continue
        was, now = (side.gradients[name].convention for side in (old, new))
        if was and now and was != now:
            yield Move("gradient", name, f"takes {was} at a kink", f"takes {now} at a kink")
            continue
        mine, other = old.gradients[name].distance, new.gradients[name].distance
        a, b = float(mine.largest), float(other.largest)
        is_failing = float(mine.used) > 1 or float(other.used) > 1
        if is_failing and abs(a - b) > _GRADIENT_NOISE * max(a, b):
            yield Move("gradient", name, f"off by {a:.3g}", f"off by {b:.3g}", numbers=(a, b))
