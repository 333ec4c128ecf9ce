"""Whether a lane's answer moved between two records of one case, and in what first. Data in, data out.

The order is that of judging: error, structure, shape, dtype, mask, special values, values, weights, params. Values are
the same as long as they lie within what both sides were allowed, so that rounding is never an answer that changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.record.lane import LaneRecord
from conformance.record.parts import DistanceRecord, FailureRecord, MaskRecord, NodeRecord
from conformance.report.facts import flat
from conformance.report.words import element_text, essence, index_text, mask_text, one_line, raised_text, shape_text

NOISE = 64 * 2.0**-24
"""Relative, for values that were never measured against a reference: a few roundings of float32."""
_GRADIENT_NOISE = 0.1
"""Relative, between two gradient errors that both fail: the arrays themselves are not kept."""
_ENDED = ("unsupported", "timeout", "crash")


@dataclass(frozen=True, slots=True)
class Move:
    """The first aspect in which two answers differ, at which node, and what each side said."""

    aspect: str
    node: str
    old: str
    new: str


def first_move(old: LaneRecord, new: LaneRecord, with_masks: bool = True) -> Move | None:
    """The first difference between two answers to one case; None where they are the same but for rounding.

    `with_masks` is false where a side's masks are not its own answer but the harness's.
    """
    return next(_moves(old, new, with_masks), None)


def _moves(old: LaneRecord, new: LaneRecord, with_masks: bool) -> Iterator[Move]:
    if old.verdict in _ENDED or new.verdict in _ENDED:
        if (old.verdict, old.reason) != (new.verdict, new.reason):
            yield Move("error", "", ending_words(old), ending_words(new))
        return
    if _raised(old.failure) != _raised(new.failure):
        node = raised.node if (raised := new.failure or old.failure) is not None else ""
        yield Move("error", node, last_words(old), last_words(new))
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
                    yield from aspect(label, mine, others[label])
    yield from _count_moves(old, new)
    yield from _gradient_moves(old, new)


def _raised(failure: FailureRecord | None) -> tuple[str, str] | None:
    """What counts as the same error: messages are reworded in every release."""
    return None if failure is None else (failure.type, failure.phase)


def ending_words(lane: LaneRecord) -> str:
    """How a lane ended: why it did not run, what it raised, or else the last that it gave."""
    if lane.verdict in _ENDED:
        return f"{lane.verdict}: {one_line(lane.reason, 120)}"
    return last_words(lane)


def ended(lane: LaneRecord) -> bool:
    """Whether a lane has no values to compare: it raised, was lost, or cannot do the case."""
    return lane.failure is not None or lane.verdict in _ENDED


def last_words(lane: LaneRecord) -> str:
    """The last node that a lane gave, which the case is about: its numbers where they are few, else its shape.

    What it raised, where it did.
    """
    failure = lane.failure
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


def _shape(label: str, old: NodeRecord, new: NodeRecord) -> Iterator[Move]:
    if old.shape != new.shape:
        yield Move("shape", label, shape_text(old.shape), shape_text(new.shape))


def _symbolic(label: str, old: NodeRecord, new: NodeRecord) -> Iterator[Move]:
    if None not in (old.symbolic, new.symbolic) and old.symbolic != new.symbolic:
        yield Move("shape", label, f"symbolic {shape_text(old.symbolic)}", f"symbolic {shape_text(new.symbolic)}")


def _dtype(label: str, old: NodeRecord, new: NodeRecord) -> Iterator[Move]:
    if old.dtype != new.dtype:
        yield Move("dtype", label, one_line(old.dtype, 40), one_line(new.dtype, 40))


def _mask(label: str, old: NodeRecord, new: NodeRecord) -> Iterator[Move]:
    if old.mask != new.mask:
        yield Move("mask", label, mask_words(old.mask), mask_words(new.mask))


def mask_words(mask: MaskRecord | None) -> str:
    """A mask as its rows of 0 and 1 where they are few: `00100 00000`; else how many entries are true."""
    if mask is None or mask.values is None or not 0 < len(mask.shape) <= 2:
        return mask_text(mask)
    rows = mask.values if len(mask.shape) == 2 else [mask.values]
    words = " ".join("".join(str(int(entry)) for entry in row) for row in rows)
    return words if len(words) <= 40 else mask_text(mask)


def _special(label: str, old: NodeRecord, new: NodeRecord) -> Iterator[Move]:
    if old.shape != new.shape:
        return
    pairs = _pairs(old, new)
    for index, (a, b) in enumerate(pairs):
        if (math.isfinite(a) and math.isfinite(b)) or a == b or (math.isnan(a) and math.isnan(b)):
            continue
        yield Move("special", label, _at(old, a, index), _at(new, b, index))
        return
    for kind in ("nan", "inf"):
        before, after = getattr(old.summary, kind), getattr(new.summary, kind)
        if before != after:
            yield Move("special", label, f"{before} {kind}", f"{after} {kind}")


def _pairs(old: NodeRecord, new: NodeRecord) -> list[tuple[float, float]]:
    """Elements side by side, where both sides are kept whole."""
    if old.values is None or new.values is None or old.shape != new.shape:
        return []
    if any(isinstance(value, str) for value in flat(old.values) + flat(new.values)):
        return []
    return [(float(a), float(b)) for a, b in zip(flat(old.values), flat(new.values), strict=True)]


def _at(node: NodeRecord, value: float, flat_index: int) -> str:
    if not node.shape:
        return element_text(value, node.dtype)
    index: list[int] = []
    for length in reversed(node.shape):
        flat_index, position = divmod(flat_index, length)
        index.insert(0, position)
    return f"{element_text(value, node.dtype)} at {index_text(index)}"


def tolerance(old: NodeRecord, new: NodeRecord) -> float:
    """How far two values of one node may lie apart and be one answer: what each side's rounding may take."""
    if not (old.dtype.startswith(("float", "bfloat")) and new.dtype.startswith(("float", "bfloat"))):
        return 0.0
    extremes = [end for side in (old, new) for end in (side.summary.min, side.summary.max)]
    largest = max((abs(float(value)) for value in extremes if value is not None), default=0.0)
    return NOISE * largest + sum(_rounding(side.distance) for side in (old, new))


def _rounding(found: DistanceRecord | None) -> float:
    if found is None:
        return 0.0
    if float(found.used) <= 1:
        return float(found.largest)
    return float(found.worst.allowed) if found.worst is not None else 0.0


def _values(label: str, old: NodeRecord, new: NodeRecord) -> Iterator[Move]:
    if old.shape != new.shape:
        return
    allowed = tolerance(old, new)
    apart = [(abs(a - b), index) for index, (a, b) in enumerate(_pairs(old, new)) if math.isfinite(a - b)]
    if apart:
        error, index = max(apart, key=lambda pair: pair[0])
        if error > allowed:
            a, b = _pairs(old, new)[index]
            yield Move("values", label, _at(old, a, index), _at(new, b, index))
        return
    for name in ("min", "max", "mean"):
        a, b = getattr(old.summary, name), getattr(new.summary, name)
        if (a is None) != (b is None) or (a is not None and abs(float(a) - float(b)) > allowed):
            yield Move("values", label, f"{name} {_plain(a)}", f"{name} {_plain(b)}")
            return


def _plain(value: Any) -> str:
    return "none" if value is None else f"{float(value):.6g}"


def _count_moves(old: LaneRecord, new: LaneRecord) -> Iterator[Move]:
    """Weights and their numbers, where both sides count in Keras' layout."""
    both: tuple[tuple[str, Mapping[str, Any], Mapping[str, Any]], ...] = (
        ("params", old.params, new.params),
        ("weights", old.weights, new.weights),
    )
    for aspect, mine, others in both:
        for layer in sorted({*mine, *others}) if mine and others else ():
            if mine.get(layer) != others.get(layer):
                yield Move(aspect, layer, _count(mine.get(layer)), _count(others.get(layer)))


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
            yield Move("gradient", "", *(f"raises {raised_text(one)}" if one else "gives them" for one in sides))
        return
    for name in old.gradients:
        if name not in new.gradients:
            continue
        mine, other = old.gradients[name].distance, new.gradients[name].distance
        a, b = float(mine.largest), float(other.largest)
        is_failing = float(mine.used) > 1 or float(other.used) > 1
        if is_failing and abs(a - b) > _GRADIENT_NOISE * max(a, b):
            yield Move("gradient", name, f"off by {a:.3g}", f"off by {b:.3g}")
