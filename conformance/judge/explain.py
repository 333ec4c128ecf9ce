"""Why a lane differs: the mistake that would give its answer, or the simple change that stands between the two.

An explanation brings lane and reference together inside the budget, in every observed output of every run. It is said
beside the difference and never takes it away.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from conformance.case.model import Case
from conformance.judge.case import REFERENCE
from conformance.judge.compare import Matched, matched_outputs, structure_findings
from conformance.judge.divergence import Divergence, differs, divergences
from conformance.judge.transforms import transforms
from conformance.judge.verdict import CaseVerdict, LaneVerdict, Verdict
from conformance.lanes.observation import Array, Observation
from conformance.mutants.layer import DoesNotApply, HookError, with_mistake
from conformance.mutants.observe import Plan, observe
from conformance.plan import plan_of
from conformance.reference.base import Layer, Mutant
from conformance.reference.catalog import LAYERS

ALTERNATIVES = 3
"""Mistakes that are named where several would give the same answer to this case."""
NEAR = 1e4
"""A mutant is looked at closely where its answer is within this many budgets: its own sensitivity may be larger."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of a lane that differs: where it starts, and why, as far as it is known."""

    sentence: str
    mutants: tuple[str, ...] = ()
    """`Layer.mutant` of the mistakes that give this answer; several where the case cannot tell them apart."""
    change: str = ""
    """The change of the reference's array, where no mistake explains the answer."""
    divergences: tuple[Divergence, ...] = ()


def explanations(
    case: Case, verdict: CaseVerdict, observations: Mapping[str, Observation], gives_masks: Mapping[str, bool]
) -> dict[str, Explanation]:
    """An explanation for every lane that differs from the reference, by lane; lanes that agree have none."""
    reference = observations[REFERENCE]
    differing = [
        name
        for name, found in verdict.lanes.items()
        if name != REFERENCE and found.verdict is Verdict.DIFFER and _is_about_arrays(found)
    ]
    if not differing or reference.failure is not None:
        return {}
    wrong = _Mistaken(case)
    return {
        name: _explained(case, name, observations[name], reference, gives_masks.get(name, True), wrong)
        for name in differing
    }


def _is_about_arrays(found: LaneVerdict) -> bool:
    return found.cause is not None and found.cause.aspect not in ("error", "weights", "params", "claims")


class _Mistaken:
    """The answers of the case's mutants, made when they are first asked for and shared by all lanes."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._plan: Plan | None = None
        self._made: dict[tuple[str, str, bool], Observation | None] = {}

    def answers(self, with_sensitivity: bool, kind: str, mutant: Mutant) -> Observation | None:
        """None where the mistake cannot be made here."""
        key = (kind, mutant.name, with_sensitivity)
        if key not in self._made:
            self._plan = self._plan or plan_of(self._case, with_gradients=False)
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is compared
                    rewrite = partial(with_mistake, kind=LAYERS[kind], mutant=mutant)
                    found = observe(self._plan, rewrite, with_sensitivity)
                self._made[key] = None if found.failure is not None else found
            except (DoesNotApply, HookError):
                self._made[key] = None
        return self._made[key]


def _explained(
    case: Case, lane: str, got: Observation, reference: Observation, gives_masks: bool, wrong: _Mistaken
) -> Explanation:
    starts = divergences(case, got, reference, gives_masks)
    where = _where(case, starts)
    named = list(_mutants(case, got, reference, gives_masks, wrong))[:ALTERNATIVES]
    if named:
        mistakes = ", or as one who ".join(f"{mutant.mistake} ({kind}.{mutant.name})" for kind, mutant in named)
        sentence = f"{lane} answers as one who {mistakes}.{where}"
        return Explanation(sentence, tuple(f"{kind}.{mutant.name}" for kind, mutant in named), "", starts)
    change = _change(case, got, reference, starts, gives_masks)
    if change:
        return Explanation(f"{lane}'s answer is the reference's {change}.{where}", (), change, starts)
    return Explanation(f"No known mistake and no simple change gives {lane}'s answer.{where}", (), "", starts)


def _where(case: Case, starts: tuple[Divergence, ...]) -> str:
    if not starts:
        return ""
    fed = {item.name for item in case.inputs}
    first = starts[0]
    step = "" if first.step is None else f", step {first.step}"
    before = [source for source in first.inputs if source not in fed]
    agree = f"; what goes into it ({', '.join(before)}) agrees" if before else ""
    more = f", and independently at {', '.join(start.node for start in starts[1:])}" if starts[1:] else ""
    return f" It starts at {first.node}{step}{more}{agree}."


def _mutants(
    case: Case, got: Observation, reference: Observation, gives_masks: bool, wrong: _Mistaken
) -> Iterator[tuple[str, Mutant]]:
    """The mistakes that give the lane's answer and not the reference's, in the order of the case's layers."""
    for kind in case.layer_types:
        mutants: tuple[Mutant, ...] = LAYERS.get(kind, Layer).mutants
        for mutant in mutants:
            quick = wrong.answers(False, kind, mutant)
            if quick is None or not agrees(case, got, quick, gives_masks, NEAR):
                continue
            exact = wrong.answers(True, kind, mutant)
            if exact is None or not agrees(case, got, exact, gives_masks):
                continue
            if not agrees(case, reference, exact, gives_masks):
                yield kind, mutant


def agrees(case: Case, got: Observation, wanted: Observation, gives_masks: bool, slack: float = 1.0) -> bool:
    """Whether two observations agree in structure and in every output, values within `slack` budgets."""
    if structure_findings(got, wanted, "mutant"):
        return False
    every = matched_outputs(got, wanted, wanted, case.tolerance, slack)
    return not any(differs(item, gives_masks) for item in every)


def _change(
    case: Case, got: Observation, reference: Observation, starts: tuple[Divergence, ...], gives_masks: bool
) -> str:
    """The words of a change that explains every output of the nodes at which the difference starts."""
    nodes = {start.node for start in starts}
    wrong = [
        item
        for item in matched_outputs(got, reference, reference, case.tolerance, 1.0)
        if item.label.partition("[")[0] in nodes and differs(item, gives_masks)
    ]
    if not wrong:
        return ""
    return _swapped(wrong) or _masked(wrong) or _transformed(wrong)


def _swapped(wrong: list[Matched]) -> str:
    """Two outputs of one node, each given for the other."""
    if len(wrong) != 2 or wrong[0].run != wrong[1].run:
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


def _transformed(wrong: list[Matched]) -> str:
    """One change that fits every output; the words are those of the first."""
    first = wrong[0]
    if any(item.wanted.values.dtype.kind != "f" or item.got.values.dtype.kind != "f" for item in wrong):
        return ""
    got, wanted = first.got.values.astype(np.float64), first.wanted.values
    for change in transforms(got, wanted):
        if all(fits(item.got.values, item.wanted.values, item.allowed.allowed, change.apply) for item in wrong):
            return change.words
    return ""


def fits(got: Array, reference: Array, allowed: Array, apply: Callable[[Array], Array]) -> bool:
    """Whether the changed reference lies within what the change makes of the allowance, in every element."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a change that is undefined somewhere fits nothing there
        try:
            wanted, above, below = (np.asarray(apply(x)) for x in (reference, reference + allowed, reference - allowed))
        except ValueError:
            return False
        if wanted.shape != got.shape:
            return False
        room = np.maximum(np.abs(above - wanted), np.abs(below - wanted)) + 2.0**-21 * np.abs(wanted)
        near = np.abs(got.astype(np.float64) - wanted) <= room
    return bool(np.all(near | (np.isnan(got) & np.isnan(wanted))))
