"""The simple change that stands between a lane's answer and the reference's: swapped, masked otherwise, transposed.

The changes themselves are in `conformance.diagnose.transforms`; here they are tried on everything that differs at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from conformance.case.model import Case
from conformance.diagnose.divergence import Divergence, differs
from conformance.diagnose.transforms import Transform, transforms
from conformance.judge.compare import Matched, is_trained, matched_outputs
from conformance.judge.gradients import gradient_findings
from conformance.protocol.formats import FORMATS
from conformance.protocol.observation import Array, Observation

UNITS = 8.0
"""Units of a format that the errors of one who rounds to it may reach, and of which they must reach the inverse."""
USUAL_SHARE = 6.0
"""The root mean square error of one who rounds, as a part of the unit: 1/sqrt(3) of the results alone, less of all that
they move by."""
TOLD = 1 / 8
"""How large errors of rounding may be beside the answer: larger ones leave so little of it that any answer looks so."""
SHARED = 1 / 2
"""How much of their size errors of rounding may have in common, or with the values: a weight is rounded once, and its
error is in all that it is used for, so that many numbers are fewer errors."""
FEWEST, SURE = 16, 4.0
"""Errors from which on it can be told whether they are those of rounding, and how sure of a tendency one must be, in
standard deviations."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the reference's arrays that gives a lane's, in words, and whether it gives others too."""

    words: str
    fits: Callable[[list[Matched]], bool]
    """Whether it explains outputs of the same nodes, of this draw or of another."""


def differing_at(
    case: Case, got: Observation, reference: Observation, starts: tuple[Divergence, ...], gives_masks: bool
) -> list[Matched]:
    """The outputs of the nodes at which the difference starts, as far as they differ."""
    nodes = {start.node for start in starts}
    return [
        item
        for item in matched_outputs(got, reference, reference, case.demands, 1.0)
        if item.label.partition("[")[0] in nodes and differs(item, gives_masks)
    ]


def change_between(
    case: Case, got: Observation, reference: Observation, starts: tuple[Divergence, ...], gives_masks: bool
) -> Change | None:
    """A change that explains every output of the nodes at which the difference starts; None where there is none."""
    wrong = differing_at(case, got, reference, starts, gives_masks)
    if not wrong:
        return None
    for words_of in (_swapped, _masked):
        if words := words_of(wrong):
            return Change(words, _alike(words_of, words))
    if (change := _transformed(wrong)) is not None:
        return Change(change.words, partial(_is_transformed, change))
    if words := _rounded(wrong):
        return Change(words, _alike(_rounded, words))
    return None


def _alike(words_of: Callable[[list[Matched]], str], words: str) -> Callable[[list[Matched]], bool]:
    return lambda wrong: words_of(wrong) == words


def gradient_change(got: Observation, reference: Observation) -> str:
    """The change of the first gradient that differs, in words; empty where there is none that fits."""
    findings, _ = gradient_findings(got, reference)
    for finding in findings:
        mine, theirs = got.gradients.get(finding.node), reference.gradients.get(finding.node)
        if mine is None or theirs is None or not np.isfinite(mine.values).all():
            continue
        room = 64.0 * (
            FORMATS[theirs.precision].unit * np.abs(theirs.values)
            + (0.0 if theirs.sensitivity is None else theirs.sensitivity)
        )
        for change in transforms(mine.values.astype(np.float64), theirs.values):
            if fits(mine.values, theirs.values, room, change.apply):
                return f"gradient of {finding.node.removeprefix('input ')} is the reference's {change.words}"
    return ""


def _swapped(wrong: list[Matched]) -> str:
    """Two outputs, each given for the other. Of two whose values are right a swap would explain nothing."""
    if len(wrong) != 2 or wrong[0].run != wrong[1].run or not all(differs(item, False) for item in wrong):
        return ""
    (a, b) = wrong
    crossed = [Matched(a.label, a.run, a.got, b.wanted, b.allowed), Matched(b.label, b.run, b.got, a.wanted, a.allowed)]
    return "" if any(differs(item, False) for item in crossed) else f"with {a.label} and {b.label} swapped"


def _masked(wrong: list[Matched]) -> str:
    """Another mask beside the same values."""
    if any(differs(item, False) for item in wrong):
        return ""
    first = wrong[0]
    mine, theirs = first.got.mask, first.wanted.mask
    if mine is None:
        return "without its mask"
    if theirs is None:
        return "with a mask that is true everywhere" if mine.all() else "with a mask where it has none"
    if mine.shape == theirs.shape:
        if (mine == ~theirs).all():
            return "with its mask inverted"
        if (mine & theirs == theirs).all():
            return "with more of its mask true"
        if (mine & theirs == mine).all():
            return "with less of its mask true"
    return "with another mask"


def _transformed(wrong: list[Matched]) -> Transform | None:
    """One change that fits every output; the words are those of the largest, for one number fits any scale."""
    first = max(wrong, key=lambda item: item.wanted.values.size)
    if any(item.wanted.values.dtype.kind != "f" or item.got.values.dtype.kind != "f" for item in wrong):
        return None
    got, wanted = first.got.values.astype(np.float64), first.wanted.values
    return next((change for change in transforms(got, wanted) if _is_transformed(change, wrong)), None)


def _is_transformed(change: Transform, wrong: list[Matched]) -> bool:
    return all(fits(item.got.values, item.wanted.values, item.allowed.allowed, change.apply) for item in wrong)


def _rounded(wrong: list[Matched]) -> str:
    """As a coarser format rounds: a few of its units at most, of either sign, that do not follow the values.

    The unit is taken of what the output moves by, as in the budget: of its size, and of what goes into it. Not of
    trained weights, whose change is small beside them whatever is wrong with it.
    """
    if any(is_trained(item.label) for item in wrong):
        return ""
    every = [(item.got.values, item.wanted.values, item.allowed) for item in wrong]
    if any(got.shape != want.shape or want.dtype.kind != "f" or not np.isfinite(want).all() for got, want, _ in every):
        return ""
    unit = FORMATS["float32"].unit
    rounding = [allowed.sensitivity / unit + np.abs(want) + allowed.format.tiny for _, want, allowed in every]
    moves = [one > 0 for one in rounding]  # a zero that comes of zeros is rounded by no format
    if any(np.sum((got - want) ** 2) > TOLD**2 * np.sum(want**2) for got, want, _ in every):
        return ""
    if any((got[~some] != want[~some]).any() for (got, want, _), some in zip(every, moves, strict=True)):
        return ""
    pairs = list(zip(every, rounding, moves, strict=True))
    errors = np.concatenate([(got[some] - want[some]) / one[some] for (got, want, _), one, some in pairs])
    values = np.concatenate([want[some] / one[some] for (_, want, _), one, some in pairs])
    if errors.size < FEWEST or not np.isfinite(errors).all():
        return ""
    sure = max(SURE / np.sqrt(errors.size), SHARED)
    deviation, bias = float(np.sqrt(np.mean(errors**2))), float(np.mean(errors))
    follows = abs(float(np.mean(errors * values))) > sure * deviation * float(np.sqrt(np.mean(values**2)))
    if abs(bias) > sure * deviation or follows:
        return ""
    if deviation == 0.0:
        return ""
    name = min(("float16", "bfloat16"), key=lambda one: abs(np.log(deviation / (FORMATS[one].unit / USUAL_SHARE))))
    coarse = FORMATS[name].unit
    is_coarse = coarse / UNITS <= deviation and np.max(np.abs(errors)) <= UNITS * coarse
    return f"rounded as {name} rounds" if is_coarse else ""


def fits(got: Array, reference: Array, allowed: Array, apply: Callable[[Array], Array]) -> bool:
    """Whether the changed reference lies within what the change makes of the allowance, in every element."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a change that is undefined somewhere fits nothing there
        try:
            wanted, above, below = (np.asarray(apply(x)) for x in (reference, reference + allowed, reference - allowed))
        except (ValueError, IndexError):  # of an axis, or of blocks of one, that this output does not have
            return False
        if wanted.shape != got.shape:
            return False
        room = np.maximum(np.abs(above - wanted), np.abs(below - wanted)) + 2.0**-21 * np.abs(wanted)
        near = np.abs(got.astype(np.float64) - wanted) <= room
    return bool(np.all(near | (np.isnan(got) & np.isnan(wanted))))
