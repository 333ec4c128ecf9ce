"""Asks a lane for the runs that its relations need: those that differ in their inputs only, all in one plan.

A plan is built once and run at several sizes anyway, so that one more run costs a fifth of one more plan. Where the
lane raises in one of them, or seems to break a relation, the relation is asked for again by itself: only then is it
broken. A layer that remembers its last call could break it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.case.model import Demands
from conformance.judge.verdict import Finding
from conformance.lanes.observation import Observation
from conformance.lanes.process import Lane
from conformance.plan import is_stateful
from conformance.relations.judge import Asked, broken
from conformance.relations.plans import Plan


def together(plan: Plan, asked: Sequence[Asked]) -> Plan:
    """One plan with the runs of all these relations, which have the plan's own layers, one relation after the other."""
    inputs = {
        name: {**spec, "shape": [_common(axis, name, asked) for axis in range(len(spec["shape"]))]}
        for name, spec in plan["inputs"].items()
    }
    runs = [run for one in asked for run in one.plan["runs"]]
    return {**asked[0].plan, "id": f"{plan['id']}|relations", "inputs": inputs, "runs": runs}


def _common(axis: int, name: str, asked: Sequence[Asked]) -> int | None:
    """The length that an axis of an input has in all of them; None where it is open, or not the same."""
    lengths = {one.plan["inputs"][name]["shape"][axis] for one in asked}
    found: int | None = lengths.pop() if len(lengths) == 1 else None
    return found


class Asking:
    """One lane on its way through the relations of a case: asked at once, waited for in `findings`."""

    def __init__(self, lane: Lane, plan: Plan, asked: Sequence[Asked]) -> None:
        self._lane, self._asked = lane, asked
        own = [one for one in asked if one.plan["layers"] is plan["layers"]]
        self._grouped = (
            own if len(own) > 1 and not any(is_stateful(spec["config"]) for spec in plan["layers"].values()) else []
        )
        self._whole = together(plan, self._grouped) if self._grouped else None
        self._single = [one for one in asked if one not in self._grouped]
        for one in ([self._whole] if self._whole else []) + [one.plan for one in self._single]:
            lane.send(one)

    def findings(self, base: Observation, reference: Observation, demands: Demands) -> list[Finding]:
        """Every relation that the lane does not keep; `base` is what it gave for the plan itself."""
        parts = {} if self._whole is None else _parts(self._lane.wait(self._whole["id"]), self._grouped)
        found = {
            one.relation.name: list(broken(one, base, parts[one.relation.name], reference, demands))
            for one in self._grouped
            if one.relation.name in parts
        }
        again = [one for one in self._grouped if found.get(one.relation.name) != []]
        for one in again:
            self._lane.send(one.plan)
        for one in [*self._single, *again]:
            got = self._lane.wait(one.plan["id"])
            found[one.relation.name] = list(broken(one, base, got, reference, demands))
        return [finding for one in self._asked for finding in found[one.relation.name]]


def _parts(got: Observation, asked: Sequence[Asked]) -> dict[str, Observation]:
    """What belongs to each relation, of those whose runs were all reached."""
    if got.ended != "finished" or got.unsupported is not None:
        return {}
    whole = len(got.runs) if got.failure is None else len(got.runs) - 1
    parts, start = {}, 0
    for one in asked:
        end = start + len(one.plan["runs"])
        if end <= whole:
            parts[one.relation.name] = replace(got, runs=got.runs[start:end], failure=None)
        start = end
    return parts
