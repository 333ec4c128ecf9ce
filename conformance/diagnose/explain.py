"""Why a lane differs: the mistake that would give its answer, or the simple change that stands between the two.

An explanation brings lane and reference together inside the budget, in every observed output of every run. It is said
beside the difference and never takes it away.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from conformance.case.model import Case
from conformance.diagnose.backwards import gradient_mistakes
from conformance.diagnose.changes import change_between, gradient_change
from conformance.diagnose.divergence import Divergence, differs, divergences
from conformance.diagnose.feeding import Ask, answered, isolate_node, starts_behind
from conformance.diagnose.formulas import formula_slips
from conformance.diagnose.gates import located
from conformance.diagnose.mistakes import Mistake, are_one, derived_ones, forgotten_ones, named_ones, other_ones
from conformance.judge.compare import is_trained, matched_outputs, structure_findings
from conformance.judge.precision import USUAL, seen_in
from conformance.judge.verdict import CaseVerdict, LaneVerdict, Verdict
from conformance.mutants.layer import mutable, with_mistake
from conformance.oracle.run import Depth, answer
from conformance.protocol.observation import REFERENCE, Observation
from conformance.protocol.plan import Plan
from conformance.reference.base import DoesNotApply, HookError, Mutant

ALTERNATIVES = 3
"""Mistakes that are named where several would give the same answer to this case."""
NEAR = 1e4
"""A mutant is looked at closely where its answer is within this many budgets: its own sensitivity may be larger."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of a lane that differs: where it starts, and why, as far as it is known."""

    sentence: str
    mutants: tuple[str, ...] = ()
    """`Layer.mutant` of the mistakes that give this answer, or `Layer.argument=value`; several where the case cannot
    tell them apart."""
    change: str = ""
    """The change of the reference's array, where no mistake explains the answer."""
    divergences: tuple[Divergence, ...] = ()


def explanations(
    case: Case,
    plan: Plan,
    verdict: CaseVerdict,
    observations: Mapping[str, Observation],
    gives_masks: Mapping[str, bool],
    asks: Callable[[str], Ask] | None = None,
) -> dict[str, Explanation]:
    """An explanation for every lane that differs from the reference, by lane; lanes that agree have none.

    `plan` is the one that the lanes answered. `asks` gives a lane that can be asked again: then every faulty node is
    found, and the gate of a recurrent layer. Not under a dtype policy: what is fed is float32.
    """
    reference = observations[REFERENCE]
    differing = [
        name
        for name, found in verdict.lanes.items()
        if name != REFERENCE and (_is_about_arrays(found) or found.verdict is Verdict.ERROR)
    ]
    if not differing or reference.failure is not None:
        return {}
    wrong = _Mistaken(plan)
    seen = {name: seen_in(reference, observations[name].policy) for name in differing}
    return {
        name: _explained(
            case,
            name,
            observations[name],
            seen[name],
            gives_masks.get(name, True),
            wrong,
            asks(name) if asks is not None and observations[name].policy == USUAL else None,
        )
        for name in differing
    }


def _is_about_arrays(found: LaneVerdict) -> bool:
    if found.verdict is not Verdict.DIFFER or found.cause is None:
        return False
    if found.cause.aspect == "weights":
        return is_trained(found.cause.node)
    if (found.cause.aspect, found.cause.kind) == ("gradient", "raised"):
        return False
    return found.cause.aspect not in ("error", "params", "claims", "relations")


class _Mistaken:
    """The answers of a plan's mutants, made when they are first asked for and shared by all lanes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._made: dict[tuple[str, Mutant, Depth], Observation | None] = {}

    def answers(self, depth: Depth, kind: str, mutant: Mutant) -> Observation | None:
        """None where the mistake cannot be made here."""
        key = (kind, mutant, depth)
        if key not in self._made:
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is compared
                    rewrite = partial(with_mistake, kind=mutable()[kind], mutant=mutant)
                    found = answer(self.plan, depth, rewrite)
                self._made[key] = found
            except (DoesNotApply, HookError, ArithmeticError, LookupError, TypeError, ValueError):
                self._made[key] = None  # an argument that nobody would give may break a layer: it explains nothing
        return self._made[key]


def _explained(
    case: Case,
    lane: str,
    got: Observation,
    reference: Observation,
    gives_masks: bool,
    wrong: _Mistaken,
    ask: Ask | None,
) -> Explanation:
    if got.failure is not None:
        return _of_an_error(case, lane, got, wrong)
    starts = divergences(case, got, reference, gives_masks)
    if ask is not None:
        starts = _all_starts(case, got, reference, gives_masks, wrong.plan, starts, ask)
    where = _where(case, starts)
    named = _known_ones(case, got, reference, gives_masks, wrong)
    if not named and starts:
        named = _other_ones(case, got, reference, gives_masks, wrong)
    if named:
        return Explanation(f"{lane} answers as one who {_mistakes(named)}.{where}", _names(named), "", starts)
    if not starts and (back := gradient_mistakes(case, wrong.plan, got, reference)):
        words = ", or as one who ".join(f"{does} ({name})" if name else does for does, name in back)
        names = tuple(name for _, name in back if name)
        return Explanation(f"Only gradients differ: {lane} answers as one who {words}.", names)
    if not starts and (of_gradients := gradient_change(got, reference)):
        return Explanation(f"Only gradients differ: {lane}'s {of_gradients}.", (), of_gradients)
    is_forward = not any(is_trained(start.node) for start in starts)
    if ask is not None and is_forward and (parts := _parts(case, reference, gives_masks, wrong.plan, starts, ask)):
        words = ", and ".join(f"at {node} as one who {_mistakes(found)}" for node, found in parts.items())
        every = tuple(name for found in parts.values() for name in _names(found))
        return Explanation(f"{lane} answers {words}.{where}", every, "", starts)
    change = change_between(case, got, reference, tuple(start for start in starts if not start.is_fed), gives_masks)
    if change:
        return Explanation(f"{lane}'s answer is the reference's {change}.{where}", (), change, starts)
    if starts and is_forward and (slips := _slips(case, got, reference, gives_masks, wrong.plan, starts)):
        return Explanation(f"{lane} answers as one who {', or as one who '.join(slips)}.{where}", (), slips[0], starts)
    return Explanation(f"No known mistake and no simple change gives {lane}'s answer.{where}", (), "", starts)


def _slips(
    case: Case,
    got: Observation,
    reference: Observation,
    gives_masks: bool,
    plan: Plan,
    starts: tuple[Divergence, ...],
) -> list[str]:
    """The slips in formulas that give the lane's answer and not the reference's."""

    def fits(found: Observation, slack: float) -> bool:
        wanted = seen_in(found, got.policy, reference)
        if slack > 1.0:
            return agrees(case, got, wanted, False, slack)
        return agrees(case, got, wanted, gives_masks) and not agrees(case, reference, wanted, gives_masks)

    return formula_slips(plan, reference, starts, NEAR, fits)


def _all_starts(
    case: Case,
    got: Observation,
    reference: Observation,
    gives_masks: bool,
    plan: Plan,
    starts: tuple[Divergence, ...],
    ask: Ask,
) -> tuple[Divergence, ...]:
    """The starts that the lane's answer shows and those behind them, each with its step and gate where it has some."""
    if any(is_trained(start.node) for start in starts):
        return starts
    every = (*starts, *starts_behind(case, plan, got, reference, gives_masks, ask))
    return tuple(located(case, plan, reference, start, gives_masks, ask) for start in every)


def _parts(
    case: Case, reference: Observation, gives_masks: bool, plan: Plan, starts: tuple[Divergence, ...], ask: Ask
) -> dict[str, list[tuple[str, Mutant]]]:
    """For every start the mistakes that explain this node by itself; empty where one of them is not explained."""
    plans = [isolate_node(case, plan, reference, start.node) for start in starts]
    parts = {}
    for start, derived, got in zip(starts, plans, ask(plans), strict=True):
        known = answered(derived, Depth.SENSITIVITIES)
        if known is None or got.ended != "finished" or got.failure is not None:
            return {}
        wrong = _Mistaken(derived)
        named = _known_ones(case, got, known, gives_masks, wrong) or _other_ones(case, got, known, gives_masks, wrong)
        if not named:
            return {}
        parts[start.node] = named
    return parts


def _of_an_error(case: Case, lane: str, got: Observation, wrong: _Mistaken) -> Explanation:
    """The mistakes after which the reference raises the same error, in the same words, at the same node."""
    assert got.failure is not None
    named = []
    for kind, mutant in named_ones(case):
        found = wrong.answers(Depth.VALUES, kind, mutant)
        if found is None or found.failure is None:
            continue
        if (found.failure.node, found.failure.message) == (got.failure.node, got.failure.message):
            named.append((kind, mutant))
    if not named:
        return Explanation("")
    named = named[:ALTERNATIVES]
    return Explanation(f"{lane} raises as one who {_mistakes(named)}.", _names(named))


def _mistakes(named: Sequence[tuple[str, Mutant]]) -> str:
    return ", or as one who ".join(
        f"{mutant.mistake} ({kind if '=' in mutant.name else f'{kind}.{mutant.name}'})" for kind, mutant in named
    )


def _names(named: Sequence[tuple[str, Mutant]]) -> tuple[str, ...]:
    return tuple(f"{kind}.{mutant.name}" for kind, mutant in named)


def _where(case: Case, starts: tuple[Divergence, ...]) -> str:
    """Where the difference starts, and where it would start again if that were right."""
    if not starts:
        return ""
    fed = {item.name for item in case.inputs}
    first, *others = [start for start in starts if not start.is_fed]
    behind = [_place(start) for start in starts if start.is_fed]
    before = [source for source in first.inputs if source not in fed]
    agree = f"; what goes into it ({', '.join(before)}) agrees" if before else ""
    more = f", and independently at {', '.join(map(_place, others))}" if others else ""
    again = f" Given the reference's activations instead of its own, it differs at {', '.join(behind)} too."
    return f" It starts at {_place(first)}{more}{agree}.{again if behind else ''}"


def _place(start: Divergence) -> str:
    step = "" if start.step is None else f", step {start.step}"
    return f"{start.node}{step}{f', in the {start.gate}' if start.gate else ''}"


def _known_ones(
    case: Case, got: Observation, reference: Observation, gives_masks: bool, wrong: _Mistaken
) -> list[Mistake]:
    """The named mistakes that give the lane's answer, and beside them what a layer may have forgotten."""
    tried = (*named_ones(case), *forgotten_ones(case))
    found = _named(case, got, reference, gives_masks, wrong, tried)
    return [
        one for place, one in enumerate(found) if not any(are_one(wrong.plan, one, other) for other in found[:place])
    ]


def _other_ones(
    case: Case, got: Observation, reference: Observation, gives_masks: bool, wrong: _Mistaken
) -> list[Mistake]:
    """What has no name: another argument or mask, then a number or a weight that became another one."""
    for tried in (other_ones(case), derived_ones(case, wrong.plan)):
        if found := _named(case, got, reference, gives_masks, wrong, tried):
            return found
    return []


def _named(
    case: Case,
    got: Observation,
    reference: Observation,
    gives_masks: bool,
    wrong: _Mistaken,
    tried: Iterable[tuple[str, Mutant]],
) -> list[tuple[str, Mutant]]:
    """The first few of those mistakes that give the lane's answer and not the reference's.

    Where none gives its masks too, those that give its values are meant if the lane's masks are the right ones:
    frameworks carry masks on by themselves, whatever a layer made of them.
    """
    whole: list[tuple[str, Mutant]] = []
    in_values: list[tuple[str, Mutant]] = []
    for kind, mutant in tried:
        quick = wrong.answers(Depth.VALUES, kind, mutant)
        if quick is None or quick.failure is not None:
            continue
        if not agrees(case, got, seen_in(quick, got.policy, reference), False, NEAR):
            continue
        exact = wrong.answers(Depth.SENSITIVITIES, kind, mutant)
        exact = exact and seen_in(exact, got.policy, reference)
        if exact is None or not agrees(case, got, exact, False) or agrees(case, reference, exact, gives_masks):
            continue
        if (kind, mutant.name) in [(other, one.name) for other, one in (*whole, *in_values)]:
            continue  # the same argument, of some layers only
        if agrees(case, got, exact, gives_masks):
            whole.append((kind, mutant))
        elif not agrees(case, reference, exact, False) and _same_masks(got, reference):
            in_values.append((kind, mutant))
    return (whole or in_values)[:ALTERNATIVES]


def _same_masks(got: Observation, reference: Observation) -> bool:
    """Whether every output that both have carries the same mask."""
    pairs = [
        (mine.mask, theirs.mask)
        for run, wanted in zip(got.runs, reference.runs, strict=False)
        for name, node in run.items()
        if name in wanted
        for mine, theirs in zip(node.outputs, wanted[name].outputs, strict=False)
    ]
    return all((a is b) if a is None or b is None else np.array_equal(a, b) for a, b in pairs)


def agrees(case: Case, got: Observation, wanted: Observation, gives_masks: bool, slack: float = 1.0) -> bool:
    """Whether two observations agree in structure and in every output, values within `slack` budgets."""
    if structure_findings(got, wanted, "mutant"):
        return False
    every = matched_outputs(got, wanted, wanted, case.demands, slack)
    return not any(differs(item, gives_masks) for item in every)
