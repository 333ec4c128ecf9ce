"""Asks a lane for the runs that its relations need: those that differ in their inputs only, all in one plan.

A plan is built once and run at several sizes anyway, so that one more run costs a fifth of one more plan; and samples
that have nothing to do with each other share one run; several changes of layers are one plan. Where the lane raises in
one of them, or seems to break a relation, the relation is asked for again by itself: only then is it broken. A layer
that remembers its last call could break it otherwise. Several changes that a lane keeps one by one, but not at once,
are broken under the names of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.case.model import Demands
from conformance.judge.verdict import Finding
from conformance.lanes.spec import Lane
from conformance.plans.derive import stacked
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan
from conformance.relations.applicable import is_kept_alone
from conformance.relations.judge import broken
from conformance.relations.relation import PlannedRelation
from conformance.relations.stacks import parted


@dataclass(frozen=True)
class Share:
    """The runs of one plan, and the relations that have them in common, or whose samples stand in them side by side."""

    plan: Plan
    rows: tuple[tuple[PlannedRelation, ...], ...]
    """The relations of each batch that is stacked; all of them, where the runs are one batch each."""

    @property
    def members(self) -> list[PlannedRelation]:
        """Every relation that the runs answer."""
        return [one for row in self.rows for one in row]

    def parts(self, got: Observation, plan: Plan, base: Observation) -> Iterator[tuple[PlannedRelation, Observation]]:
        """Each relation with what the lane gave for its samples; `base` is what it gave for the case's own `plan`."""
        cut = iter([got]) if len(self.rows) == 1 else parted(got, [row[0].plan for row in self.rows], plan, base)
        for row, part in zip(self.rows, cut, strict=True):
            yield from ((one, part) for one in row)


def shares(asked: Sequence[PlannedRelation]) -> list[Share]:
    """The relations in as few runs as they can be asked in; first the case's own.

    Those of layers that are made again must not stand behind another: a lane puts back what a run before has moved, and
    with it what an archive may have lost.
    """
    by_runs: dict[int, tuple[PlannedRelation, ...]] = {}
    for one in asked:
        by_runs[id(one.plan.runs)] = (*by_runs.get(id(one.plan.runs), ()), one)
    beside = tuple(row for row in by_runs.values() if row[0].is_beside)
    alone = [Share(row[0].plan, (row,)) for row in by_runs.values() if not row[0].is_beside]
    if not beside:
        return alone
    plans = [row[0].plan for row in beside]
    return [Share(plans[0] if len(plans) == 1 else stacked(plans[0], plans), beside), *alone]


def together(plan: Plan, asked: Sequence[Share]) -> Plan:
    """One plan with the runs of all these, which have the plan's own layers, one share after the other.

    Where one of them asks for layers that are made again, all runs are of these.
    """
    inputs = {
        name: replace(given, shape=tuple(_common(axis, name, asked) for axis in range(len(given.shape))))
        for name, given in plan.inputs.items()
    }
    runs = tuple(run for one in asked for run in one.plan.runs)
    kinds = tuple(kind for share in asked for one in share.members for kind in one.plan.remade)
    return replace(asked[0].plan, id=f"{plan.id}|relations", inputs=inputs, runs=runs, remade=kinds)


def is_run_of(plan: Plan, other: Plan) -> bool:
    """Whether the layers of a plan, built once, can run another: a layer with a state has one for so many samples."""
    if other.layers is not plan.layers:
        return False
    shapes = [[given.shape for given in one.inputs.values()] for one in (plan, other)]
    return not plan.has_memory or shapes[0] == shapes[1]


def _common(axis: int, name: str, asked: Sequence[Share]) -> int | None:
    """The length that an axis of an input has in all of them; None where it is open, or not the same."""
    lengths = {one.plan.inputs[name].shape[axis] for one in asked}
    found: int | None = lengths.pop() if len(lengths) == 1 else None
    return found


class RelationsOfLane:
    """One lane on its way through the relations of a case: asked at once, waited for in `findings`."""

    def __init__(self, lane: Lane, plan: Plan, asked: Sequence[PlannedRelation]) -> None:
        self._lane, self._plan = lane, plan
        own = [one for one in asked if is_run_of(plan, one.plan)]
        self._shares = shares(own) if len(own) > 1 else []
        self._whole = together(plan, self._shares) if self._shares else None
        self._single = [one for one in asked if not self._shares or not is_run_of(plan, one.plan)]
        for one in ([self._whole] if self._whole else []) + [one.plan for one in self._single]:
            lane.send(one)

    def findings(self, base: Observation, reference: Observation, demands: Demands) -> list[Finding] | None:
        """Every relation that the lane does not keep; `base` is what it gave for the plan itself.

        None where it could answer none of them: then nothing was judged.
        """
        answered: set[str] = set()

        def judged(one: PlannedRelation, got: Observation) -> list[Finding]:
            if got.unsupported is not None:
                return []
            answered.add(one.relation.name)
            return list(broken(one, base, got, reference, demands))

        shared = [] if self._whole is None else self._parts(self._lane.wait(self._whole.id), base)
        kept = {one.relation.name for one, got in shared if not judged(one, got)}
        members = [one for share in self._shares for one in share.members if one.relation.name not in kept]
        found = self._alone([one for one in members if is_kept_alone(one, reference)], judged)
        for one in self._single:
            whole = judged(one, self._lane.wait(one.plan.id))
            known = [member for member in one.members if whole and is_kept_alone(member, reference)]
            found += self._alone(known, judged) or whole
        return found if answered else None

    def _alone(
        self, asked: Sequence[PlannedRelation], judged: Callable[[PlannedRelation, Observation], list[Finding]]
    ) -> list[Finding]:
        """What the lane makes of each of these by itself."""
        for one in asked:
            self._lane.send(one.plan)
        return [finding for one in asked for finding in judged(one, self._lane.wait(one.plan.id))]

    def _parts(self, got: Observation, base: Observation) -> list[tuple[PlannedRelation, Observation]]:
        """Each relation with what belongs to it, of those whose runs were all reached."""
        if got.ended != "finished" or got.unsupported is not None:
            return []
        whole = len(got.runs) if got.failure is None else len(got.runs) - 1
        parts, start = [], 0
        for one in self._shares:
            end = start + len(one.plan.runs)
            if end <= whole:
                runs = replace(got, runs=got.runs[start:end], failure=None)
                parts += list(one.parts(runs, self._plan, base))
            start = end
        return parts
