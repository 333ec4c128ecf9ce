"""What a relation is: a second plan from the first, and how the outputs of both must relate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from conformance.judge.compare import labels
from conformance.protocol.observation import Array, Observation
from conformance.protocol.plan import Plan

Pair = tuple[Array, Array]
Relate = Callable[[Array, Array], Pair | None]
"""An output of the plan and of the derived plan to the two arrays that must be the same; None where none must."""


@dataclass(frozen=True)
class Relation:
    """A statement about two runs: how the second plan comes from the first, and how their outputs must relate."""

    name: str
    statement: str
    derive: Callable[[Plan], Plan | None]
    """None where there is nothing to change."""
    relate: Relate
    near: float = 1e-9
    """Of the largest element: the reference keeps the relation where its float64 outputs agree so closely."""
    is_alone: bool = False
    """Whether it is about the size of a batch, so that other samples beside its own would change what is asked."""


def same(base: Array, other: Array) -> Pair | None:
    """The two outputs themselves."""
    return (base, other) if base.shape == other.shape else None


def through(change: Callable[[Array], Array]) -> Relate:
    """The first output changed, and the second."""

    def relate(base: Array, other: Array) -> Pair | None:
        if base.ndim == 0:
            return None
        changed = change(base)
        return (changed, other) if changed.shape == other.shape else None

    return relate


def composed(relations: Sequence[Relation]) -> Relation:
    """All of these at once: each plan derived from the one before, the outputs related by each in turn."""

    def derive(plan: Plan) -> Plan | None:
        found: Plan | None = plan
        for relation in relations:
            found = None if found is None else relation.derive(found)
        return found

    def relate(base: Array, other: Array) -> Pair | None:
        pair: Pair | None = (base, other)
        for relation in relations:
            pair = None if pair is None else relation.relate(*pair)
        return pair

    names, statements = (" and ".join(words) for words in zip(*((r.name, r.statement) for r in relations), strict=True))
    return Relation(names, statements, derive, relate, max(relation.near for relation in relations))


@dataclass(frozen=True)
class PlannedRelation:
    """A relation that holds for a case: the plan to run, and the outputs for which the reference keeps it."""

    relation: Relation
    plan: Plan
    outputs: frozenset[tuple[int, str]]
    """Run and label."""
    is_beside: bool = False
    """Whether the plan's samples may stand in one batch with those of others (`conformance.relations.stacks`)."""
    members: tuple[PlannedRelation, ...] = ()
    """Of several relations at once: each by itself, to be asked for where the whole is broken and it holds alone."""

    def without(self, outputs: Collection[tuple[int, str]]) -> PlannedRelation | None:
        """The relation for all but these outputs; None where no other is left."""
        left = self.outputs - frozenset(outputs)
        members = [found for one in self.members if (found := one.without(outputs)) is not None]
        return replace(self, outputs=left, members=tuple(members)) if left else None


def pairs(relation: Relation, base: Observation, other: Observation) -> Iterator[tuple[tuple[int, str], Pair]]:
    """Every output of both runs that the relation speaks of, by run and label, with the arrays that must agree."""
    for run, (first, second) in enumerate(zip(base.runs, other.runs, strict=False)):
        for name, node in first.items():
            if name not in second or len(second[name].outputs) != len(node.outputs):
                continue
            names = labels(name, len(node.outputs), node.structure)
            for label, mine, theirs in zip(names, node.outputs, second[name].outputs, strict=True):
                pair = relation.relate(mine.values, theirs.values)
                if pair is not None and pair[0].size:
                    yield (run, label), pair
