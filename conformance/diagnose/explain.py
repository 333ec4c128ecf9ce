"""Why a lane differs: the mistake that would give its answer, or the simple change that stands between the two.

An explanation brings lane and reference together inside the budget, in every observed output of every run. It is a
hypothesis: it is said only if it gives the lane's answer to another draw of inputs and weights too. It stands beside
the difference and never takes it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from conformance.case.model import Case
from conformance.diagnose.backwards import gradient_mistakes
from conformance.diagnose.cause import Blame, Explanation
from conformance.diagnose.changes import change_between, differing_at, gradient_change
from conformance.diagnose.divergence import Divergence, divergences
from conformance.diagnose.effort import WHOLE, Effort
from conformance.diagnose.feeding import AskLane, answered, isolate_node, starts_behind
from conformance.diagnose.formulas import formula_slips, with_slip
from conformance.diagnose.gates import located
from conformance.diagnose.mistakes import (
    Mistake,
    are_one,
    derived_ones,
    forgotten_ones,
    named_ones,
    other_ones,
    rather_inside,
)
from conformance.diagnose.seen import Again, Mistaken, Seen, agrees
from conformance.judge.compare import is_trained
from conformance.judge.precision import USUAL, reference_under
from conformance.judge.verdict import CaseVerdict, LaneVerdict, Verdict
from conformance.oracle.run import Depth
from conformance.protocol.observation import REFERENCE, Observation
from conformance.protocol.plan import Plan
from conformance.reference.base import Mutant

ALTERNATIVES = 3
"""Mistakes that are named where several would give the same answer to this case."""
TELLING = 8
"""Elements that a change has to give where nobody can be asked again: a few numbers fit many."""
NEAR = 1e4
"""A mutant is looked at closely where its answer is within this many budgets: its own sensitivity may be larger."""


def explanations(
    case: Case,
    plan: Plan,
    verdict: CaseVerdict,
    observations: Mapping[str, Observation],
    gives_masks: Mapping[str, bool],
    asks: Callable[[str], AskLane] | None = None,
    effort: Effort = WHOLE,
) -> dict[str, Explanation]:
    """An explanation for every lane that differs from the reference, by lane; lanes that agree have none.

    `plan` is the one that the lanes answered. `asks` gives a lane that can be asked again: then its explanation has to
    hold on another draw, and every faulty node is found, and the gate of a recurrent layer; these two not under a dtype
    policy, for what is fed is float32.
    """
    reference = observations[REFERENCE]
    differing = [
        name
        for name, found in verdict.lanes.items()
        if name != REFERENCE and (_is_about_arrays(found) or found.verdict is Verdict.ERROR)
    ]
    if not differing or reference.failure is not None:
        return {}
    wrong = Mistaken(plan)
    again = Again(case, plan)
    return {
        name: _explained(
            Seen(
                case,
                observations[name],
                reference_under(reference, observations[name].policy),
                gives_masks.get(name, True),
                wrong,
            ),
            verdict.lanes[name],
            asks(name) if asks is not None else None,
            again,
            effort,
        )
        for name in differing
    }


def _is_about_arrays(found: LaneVerdict) -> bool:
    if found.verdict is not Verdict.DIFFER or found.cause is None:
        return False
    if found.cause.aspect == "weights":
        return is_trained(found.cause.node)
    if (found.cause.aspect, found.cause.kind) in (("gradient", "raised"), ("values", "nothing_judged")):
        return False
    return found.cause.aspect not in ("error", "params", "claims", "invariants", "model", "methods", "relations")


def _explained(
    seen: Seen, verdict: LaneVerdict, ask: AskLane | None, again: Again, effort: Effort = WHOLE
) -> Explanation:
    """The simplest cause that holds on another draw too; one that nobody can be asked about again is only likely."""
    lane, fed = seen.got.lane, tuple(item.name for item in seen.case.inputs)
    if seen.got.failure is not None:
        return _of_an_error(seen, again.seen(seen, ask), effort)
    parts_of = ask if seen.got.policy == USUAL else None  # what is fed is float32
    starts = divergences(seen.case, seen.got, seen.reference, seen.gives_masks)
    if parts_of is not None:
        starts = _all_starts(seen, starts, parts_of)
    blind = tuple(dict.fromkeys(label for _, label in sorted(verdict.undecided)))
    unknown = Explanation(lane, "unknown", (), "", starts, fed, blind)
    fresh = again.seen(seen, ask)
    for found in _causes(seen, unknown, verdict, parts_of, fresh, effort):
        if found.mistakes or found.change:
            return replace(found, is_confirmed=fresh is not None)
    return unknown


def _causes(
    seen: Seen,
    unknown: Explanation,
    verdict: LaneVerdict,
    ask: AskLane | None,
    fresh: Seen | None,
    effort: Effort,
) -> Iterator[Explanation]:
    """Causes that give the lane's answer to both draws, the simplest first; one without mistake or change is none."""
    starts = unknown.divergences
    yield replace(unknown, kind="mistake", mistakes=_blamed(_holding(seen.case, _known_ones(seen, effort), fresh)))
    if starts:
        for tried in (other_ones(seen.case), derived_ones(seen.case, seen.plan)):
            named = _named(seen, _tried(tried, effort))
            yield replace(unknown, kind="mistake", mistakes=_blamed(_holding(seen.case, named, fresh)))
    else:
        yield replace(unknown, kind="gradient_mistake", mistakes=_gradient_blame(seen, fresh, effort))
        yield replace(unknown, kind="gradient_change", change=_gradient_change(seen, fresh))
    is_forward = not any(is_trained(start.node) for start in starts)
    if ask is not None and is_forward and starts and effort.only is None:
        yield replace(unknown, kind="parts", mistakes=_parts(seen, starts, ask, fresh))
    if verdict.cause is not None and verdict.cause.aspect == "dtype":
        return  # where a dtype alone decides, the values are as right as that dtype holds them
    yield replace(unknown, kind="change", change=_change(seen, starts, fresh))
    if starts and is_forward and effort.without_name:
        yield replace(unknown, kind="slip", mistakes=_slips(seen, starts, fresh))


def _holding(case: Case, found: Sequence[Mistake], fresh: Seen | None) -> list[Mistake]:
    """The first few of these mistakes that give the lane's answer to another draw too; rather those that compute."""
    if fresh is None:
        return rather_inside(case, found[:ALTERNATIVES])
    held = []
    for kind, mutant in found:
        wanted = fresh.wrong.answers(Depth.SENSITIVITIES, kind, mutant)
        if wanted is not None and fresh.confirms(wanted):
            held.append((kind, mutant))
        if len(held) == ALTERNATIVES:
            break
    return rather_inside(case, held)


def _gradient_blame(seen: Seen, fresh: Seen | None, effort: Effort) -> tuple[Blame, ...]:
    found = gradient_mistakes(seen.case, seen.plan, seen.got, seen.reference, effort=effort)
    if found and fresh is not None:
        only = {does for does, _ in found}
        held = gradient_mistakes(fresh.case, fresh.plan, fresh.got, fresh.reference, only, effort)
        found = [one for one in found if one in held]
    return tuple(Blame(does, name, name) for does, name in found)


def _gradient_change(seen: Seen, fresh: Seen | None) -> str:
    change = gradient_change(seen.got, seen.reference)
    return change if fresh is None or not change or change == gradient_change(fresh.got, fresh.reference) else ""


def _change(seen: Seen, starts: tuple[Divergence, ...], fresh: Seen | None) -> str:
    first = tuple(start for start in starts if not start.is_fed)
    change = change_between(seen.case, seen.got, seen.reference, first, seen.gives_masks)
    if change is None:
        return ""
    if fresh is None:
        found = differing_at(seen.case, seen.got, seen.reference, first, seen.gives_masks)
        return change.words if sum(item.got.values.size for item in found) >= TELLING else ""
    wrong = differing_at(fresh.case, fresh.got, fresh.reference, first, fresh.gives_masks)
    return change.words if wrong and change.fits(wrong) else ""


def _slips(seen: Seen, starts: tuple[Divergence, ...], fresh: Seen | None) -> tuple[Blame, ...]:
    """The slips in formulas that give the lane's answer and not the reference's."""
    found = formula_slips(seen.plan, seen.reference, starts, NEAR, partial(_fits, seen))
    if found and fresh is not None:
        found = [
            one for one in found if any(_fits(fresh, held, 1.0) for held in with_slip(fresh.plan, fresh.reference, one))
        ]
    return tuple(Blame(does) for does in found)


def _fits(seen: Seen, found: Observation, slack: float) -> bool:
    wanted = reference_under(found, seen.got.policy, seen.reference)
    if slack > 1.0:
        return agrees(seen.case, seen.got, wanted, False, slack)
    return seen.agrees(wanted, seen.gives_masks) and not agrees(seen.case, seen.reference, wanted, seen.gives_masks)


def _all_starts(seen: Seen, starts: tuple[Divergence, ...], ask: AskLane) -> tuple[Divergence, ...]:
    """The starts that the lane's answer shows and those behind them, each with its step and gate where it has some."""
    if any(is_trained(start.node) for start in starts):
        return starts
    case, plan, reference, masks = seen.case, seen.plan, seen.reference, seen.gives_masks
    every = (*starts, *starts_behind(case, plan, seen.got, reference, masks, ask))
    return tuple(located(case, plan, reference, start, masks, ask) for start in every)


def _parts(seen: Seen, starts: tuple[Divergence, ...], ask: AskLane, fresh: Seen | None) -> tuple[Blame, ...]:
    """For every start the mistakes that explain this node by itself; empty where one of them is not explained."""
    nodes = [start.node for start in starts]
    alone = each_alone(seen, nodes, ask)
    if not alone:
        return ()
    others = each_alone(fresh, nodes, ask) if fresh is not None else ()
    found: list[Blame] = []
    for index, (node, one) in enumerate(zip(nodes, alone, strict=True)):
        other = others[index] if others else None
        named = _holding(seen.case, _known_ones(one), other) or _holding(seen.case, _other_ones(one), other)
        if not named:
            return ()
        found += (replace(blame, node=node) for blame in _blamed(named))
    return tuple(found)


def each_alone(seen: Seen, nodes: Sequence[str], ask: AskLane) -> tuple[Seen, ...]:
    """Each of these nodes computed from what the reference has before it; none where one of them gives nothing."""
    plans = [isolate_node(seen.case, seen.plan, seen.reference, node) for node in nodes]
    found = []
    for derived, got in zip(plans, ask(plans), strict=True):
        known = answered(derived, Depth.SENSITIVITIES)
        if known is None or got.ended != "finished" or got.failure is not None:
            return ()
        found.append(Seen(seen.case, got, known, seen.gives_masks, Mistaken(derived)))
    return tuple(found)


def _of_an_error(seen: Seen, fresh: Seen | None, effort: Effort) -> Explanation:
    """The mistakes after which the reference raises the same error, in the same words, at the same node."""
    named = []
    for kind, mutant in _tried(named_ones(seen.case), effort):
        if all(raises_alike(one, kind, mutant) for one in (seen, fresh) if one is not None):
            named.append((kind, mutant))
    return Explanation(
        seen.got.lane, "error", _blamed(named[:ALTERNATIVES]), "", (), (), is_confirmed=fresh is not None
    )


def raises_alike(seen: Seen, kind: str, mutant: Mutant) -> bool:
    """Whether the reference raises the lane's error, in its words, at its node, when this mistake is made in it."""
    found = seen.wrong.answers(Depth.VALUES, kind, mutant)
    mine, theirs = seen.got.failure, None if found is None else found.failure
    return mine is not None and theirs is not None and (theirs.node, theirs.message) == (mine.node, mine.message)


def _blamed(named: Sequence[Mistake]) -> tuple[Blame, ...]:
    return tuple(
        Blame(mutant.mistake, f"{kind}.{mutant.name}", kind if "=" in mutant.name else f"{kind}.{mutant.name}")
        for kind, mutant in named
    )


def _tried(found: Iterable[Mistake], effort: Effort) -> Iterator[Mistake]:
    return ((kind, mutant) for kind, mutant in found if effort.tries(f"{kind}.{mutant.name}"))


def _known_ones(seen: Seen, effort: Effort = WHOLE) -> list[Mistake]:
    """The named mistakes that give the lane's answer, and beside them what a layer may have forgotten."""
    found = _named(seen, _tried((*named_ones(seen.case), *forgotten_ones(seen.case)), effort))
    return [
        one for place, one in enumerate(found) if not any(are_one(seen.plan, one, other) for other in found[:place])
    ]


def _other_ones(seen: Seen) -> list[Mistake]:
    """What has no name: another argument or mask, then a number or a weight that became another one."""
    for tried in (other_ones(seen.case), derived_ones(seen.case, seen.plan)):
        if found := _named(seen, tried):
            return found
    return []


def _named(seen: Seen, tried: Iterable[Mistake]) -> list[Mistake]:
    """Those mistakes that give the lane's answer and not the reference's.

    Where none gives its masks too, those that give its values are meant if the lane's masks are the right ones:
    frameworks carry masks on by themselves, whatever a layer made of them.
    """
    case, got, reference, gives_masks = seen.case, seen.got, seen.reference, seen.gives_masks
    whole: list[Mistake] = []
    in_values: list[Mistake] = []
    for kind, mutant in tried:
        quick = seen.wrong.answers(Depth.VALUES, kind, mutant)
        if quick is None or quick.failure is not None:
            continue
        if not agrees(case, got, reference_under(quick, got.policy, reference), False, NEAR):
            continue
        exact = seen.wrong.answers(Depth.SENSITIVITIES, kind, mutant)
        exact = exact and reference_under(exact, got.policy, reference)
        if exact is None or not agrees(case, got, exact, False):
            continue
        if agrees(case, reference, exact, gives_masks) and not _stands_apart(seen, exact):
            continue
        if (kind, mutant.name) in [(other, one.name) for other, one in (*whole, *in_values)]:
            continue  # the same argument, of some layers only
        if agrees(case, got, exact, gives_masks):
            whole.append((kind, mutant))
        elif not agrees(case, reference, exact, False) and _same_masks(got, reference):
            in_values.append((kind, mutant))
    return whole or in_values


def _stands_apart(seen: Seen, wrong: Observation) -> bool:
    """Whether a mistake that allows itself much, as one of a rounding does, is told by what the right answer is
    allowed: the lane's answer lies within that around the mistake's, and the right answer does not.
    """
    case, reference = seen.case, seen.reference
    return agrees(case, seen.got, wrong, False, budget_of=reference) and not agrees(
        case, reference, wrong, False, budget_of=reference
    )


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
