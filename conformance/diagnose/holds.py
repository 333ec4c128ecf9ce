"""Whether an explanation holds on a draw that it was not made for: how it is found out which causes are false.

A cause is false on a draw where its mistake, put into the reference, does not give the lane's answer. Of several that
a case could not tell apart one has to give it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from conformance.diagnose.backwards import gradient_mistakes
from conformance.diagnose.cause import Blame, Explanation
from conformance.diagnose.changes import change_between, differing_at, gradient_change
from conformance.diagnose.explain import each_alone, raises_alike
from conformance.diagnose.feeding import AskLane
from conformance.diagnose.formulas import with_slip
from conformance.diagnose.mistakes import Mistake, derived_ones, forgotten_ones, named_ones, other_ones
from conformance.diagnose.seen import Seen
from conformance.judge.gradients import gradient_findings
from conformance.oracle.run import Depth


def holds(said: Explanation, seen: Seen, ask: AskLane) -> bool:
    """Whether what is said of a lane gives its answer to this draw too; what names no cause holds.

    A draw that does not show the difference contradicts a change of the answer in nothing, and a mistake only where it
    would show.
    """
    match said.kind:
        case "mistake":
            return _any_gives(said.mistakes, seen)
        case "parts":
            nodes = list(dict.fromkeys(one.node for one in said.mistakes))
            alone = each_alone(seen, nodes, ask)
            each = zip(nodes, alone, strict=False)
            return len(alone) == len(nodes) and all(
                _any_gives([one for one in said.mistakes if one.node == node], part) for node, part in each
            )
        case "slip":
            return any(_slips(one, seen) for one in said.mistakes)
        case "change":
            return _changes(said, seen)
        case "error":
            return not said.mistakes or any(raises_alike(seen, *one) for one in _called(said.mistakes, seen))
        case "gradient_mistake":
            is_seen = bool(gradient_findings(seen.got, seen.reference)[0])
            only = {one.does for one in said.mistakes}
            return not is_seen or bool(gradient_mistakes(seen.case, seen.plan, seen.got, seen.reference, only))
        case "gradient_change":
            is_seen = bool(gradient_findings(seen.got, seen.reference)[0])
            return not is_seen or gradient_change(seen.got, seen.reference) == said.change
        case _:
            return True


def _called(blamed: Iterable[Blame], seen: Seen) -> Iterator[Mistake]:
    """The mistakes of these names: several layers of a kind may take one argument in several ways."""
    names = {one.name for one in blamed}
    every: tuple[Callable[[], Iterator[Mistake]], ...] = (
        lambda: named_ones(seen.case),
        lambda: forgotten_ones(seen.case),
        lambda: other_ones(seen.case),
        lambda: derived_ones(seen.case, seen.plan),
    )
    for some in every:
        yield from ((kind, mutant) for kind, mutant in some() if f"{kind}.{mutant.name}" in names)


def _any_gives(blamed: Iterable[Blame], seen: Seen) -> bool:
    """Whether one of these mistakes gives what the lane gave; masks are left out, as where causes are found."""
    for kind, mutant in _called(blamed, seen):
        found = seen.wrong.answers(Depth.SENSITIVITIES, kind, mutant)
        if found is not None and found.failure is None and seen.confirms(found):
            return True
    return False


def _slips(blame: Blame, seen: Seen) -> bool:
    found = with_slip(seen.plan, seen.reference, blame.does)
    return any(seen.confirms(one) for one in found)


def _changes(said: Explanation, seen: Seen) -> bool:
    """Whether the change that is told stands between the two here too, in the nodes at which it was seen."""
    starts = tuple(start for start in said.divergences if not start.is_fed)
    if not differing_at(seen.case, seen.got, seen.reference, starts, seen.gives_masks):
        return True
    change = change_between(seen.case, seen.got, seen.reference, starts, seen.gives_masks)
    return change is not None and change.words == said.change
