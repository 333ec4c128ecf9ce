"""A cause is held against draws that it was not made for: one that is true by chance of a length is false there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Case
from conformance.diagnose.cause import Blame, Explanation
from conformance.diagnose.divergence import Divergence
from conformance.diagnose.explain import explanations
from conformance.diagnose.holds import holds
from conformance.diagnose.seen import Again, Mistaken, Seen
from conformance.judge.case import judge_case
from conformance.judge.compare import matched_outputs
from conformance.mutants.layer import mutable, with_mistake
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from tests.builders import cases_of

POOL = """
    schema_version: 1
    topic: a mean over steps
    source: {kind: hand}
    dims: {batch: 2, steps: 5, features: 3}
    cases:
      - id: one
        question: What comes out?
        inputs: {x: {shape: [batch, steps, features]}}
        layers: {pool: {type: GlobalAveragePooling1D}}
        graph: {y: pool(x)}
"""
Answers = Callable[[Sequence[Any]], list[Observation]]


def sums(plan: Any) -> Observation:
    """A lane that sums over the steps, whatever their number."""
    return changed(plan, float(plan.runs[0]["x"].shape[1]))


def fivefold(plan: Any) -> Observation:
    """A lane that multiplies the mean by 5."""
    return changed(plan, 5.0)


def changed(plan: Any, factor: float) -> Observation:

    found = answer(plan, Depth.VALUES)
    node = found.runs[0]["y"]
    values = (factor * node.outputs[0].values).astype(np.float32)
    other = replace(node, outputs=(replace(node.outputs[0], values=values),))
    return replace(found, lane="lane", adapter="keras", runs=({"y": other},), gradients={})


def drawn(lane: Callable[[Any], Observation], folder: Path) -> tuple[Case, Seen, Answers]:
    (case,) = cases_of(POOL, folder)
    plan = plan_of(case)
    return case, Seen(case, lane(plan), answer(plan), True, Mistaken(plan)), lambda plans: [lane(one) for one in plans]


def elsewhere(lane: Callable[[Any], Observation], folder: Path) -> tuple[Seen, Answers]:
    """Another draw of the case, two longer."""
    case, seen, ask = drawn(lane, folder)
    again = Again(case, seen.plan, 5, 2)
    other = again.asked(seen, ask, again.longer)
    assert other is not None
    assert other.plan.runs[0]["x"].shape == (4, 7, 5)
    return other, ask


START = (Divergence("y", ("x",)),)


@pytest.mark.parametrize(("lane", "is_true"), [(fivefold, True), (sums, False)])
def test_a_number_that_is_a_length_is_not_the_cause(lane: Any, is_true: bool, tmp_path: Path) -> None:
    other, ask = elsewhere(lane, tmp_path)
    assert holds(Explanation("lane", "change", change="times 5", divergences=START), other, ask) is is_true


@pytest.mark.parametrize("is_true", [True, False])
def test_a_mistake_is_put_into_the_reference(is_true: bool, tmp_path: Path) -> None:
    kind = "GlobalAveragePooling1D"
    made, other_one = mutable()[kind].mutants[:2]

    def wrong(plan: Any) -> Observation:

        found = answer(plan, Depth.VALUES, partial(with_mistake, kind=mutable()[kind], mutant=made))
        return replace(found, lane="lane", adapter="keras", gradients={})

    other, ask = elsewhere(wrong, tmp_path)
    told = (made if is_true else other_one).name
    said = Explanation("lane", "mistake", (Blame("does it", f"{kind}.{told}"),))
    assert holds(said, other, ask) is is_true


def test_what_is_said_is_tried_at_other_sizes_first(tmp_path: Path) -> None:
    """The mean times 5 is the sum over five steps; over six it is times 6."""
    case, seen, ask = drawn(sums, tmp_path)
    both = {"numpy": seen.reference, "lane": seen.got}
    said = explanations(case, seen.plan, judge_case(case, both, {}), both, {}, lambda _: ask)["lane"]
    assert (said.change, said.is_confirmed) == ("", True)
    assert "sum" in " ".join(one.does for one in said.mistakes)


def test_what_names_no_cause_is_not_false(tmp_path: Path) -> None:
    other, ask = elsewhere(sums, tmp_path)
    assert holds(Explanation("lane", "unknown"), other, ask)


@pytest.mark.parametrize(("share", "confirmed"), [(0.8, True), (1.2, False)])
def test_a_draw_confirms_a_cause_element_by_element(share: float, confirmed: bool, tmp_path: Path) -> None:
    """Each error within its budget, all of one sign: together too large for rounding, yet the same answer."""
    (case,) = cases_of(POOL.replace("batch: 2", "batch: 6").replace("features: 3", "features: 8"), tmp_path)
    plan = plan_of(case)
    reference = answer(plan, Depth.EVERYTHING)
    (item,) = matched_outputs(reference, reference, reference, case.demands, 1.0)
    values = item.wanted.values + share * item.allowed.allowed
    node = reference.runs[0]["y"]
    made = replace(node, outputs=(replace(node.outputs[0], values=values),))
    seen = Seen(case, replace(reference, lane="lane", runs=({"y": made},)), reference, True, Mistaken(plan))
    assert not seen.agrees(reference, False)
    assert seen.confirms(reference) == confirmed
