"""Many relations are asked in few runs, and a lane is accused of nothing that only the short cut shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conformance.plans.draw import plan_of
from conformance.relations.applicable import is_kept_alone, relations_of
from conformance.relations.asking import is_run_of, shares, together
from conformance.relations.catalog import RELATIONS
from conformance.relations.judge import broken
from tests.builders import cases_of, fake
from tests.relations.helpers import CASE, X, answer, asked_of, judged, judged_lane


def test_one_wrong_element_of_a_batch_of_many_is_found_by_its_name(tmp_path: Path) -> None:
    """The first of all, which is one of the samples that are run again as they are."""
    found = judged_lane(tmp_path, fake("gives_nan", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"]))
    assert {finding["kind"] for finding in found["findings"]} == {"run_twice"}


@pytest.mark.parametrize("behaviour", ["always_wrong", "raises", "wrong_shape"])
def test_what_is_broken_only_beside_others_is_not_broken(behaviour: str, tmp_path: Path) -> None:
    """Many runs in one plan are a short cut: a relation that fails there is asked for again by itself."""
    found = judged_lane(tmp_path, fake(behaviour, only=["fam/topic.masked|relations"]))
    assert (found["verdict"], found["aspects"]["relations"]) == ("agree", "agree")


def test_relations_over_inputs_share_one_plan_and_samples_one_run(tmp_path: Path) -> None:
    plan, reference, asked = asked_of(tmp_path, "{type: GRU, units: 3, return_sequences: true}")
    own = [one for one in asked if one.plan.layers is plan.layers]
    beside = [one for one in own if one.is_beside]
    as_it_is = {"run_twice", "config_round_trip", "saved_and_loaded"}
    assert {"batch_reordered", "batch_twice", "causal"} | as_it_is <= {one.relation.name for one in beside}
    assert {"batch_of_one", "prefix"} == {one.relation.name for one in own if not one.is_beside}
    found = shares(own)
    whole = together(plan, found)
    assert len(whole.runs) == 3 < len(own)
    assert whole.remade == ("config", "saved"), "in the run that repeats the case's own"
    first = {one.relation.name for one in found[0].members}
    assert as_it_is <= first, "before any run after which a lane puts back what an archive may have lost"
    assert whole.inputs["x"].shape == (None, None, 4), "of any number of samples, and steps"
    answers = answer(whole)
    for share, run in zip(found, answers.runs, strict=True):
        for one, part in share.parts(replace(answers, runs=(run,)), plan, reference):
            alone = answer(one.plan).runs[0]["y"].outputs[0].values
            assert np.allclose(part.runs[0]["y"].outputs[0].values, alone, rtol=0, atol=1e-14), one.relation.name


@pytest.mark.parametrize(
    ("layer", "graph"),
    [
        ("{type: BatchNormalization}", "layer(x, training=True)"),
        ("{type: Dense, units: 3}", "layer(x) * x[0:1, :, 0:1]"),
        ("{type: Dense, units: 3}", "layer(x) * x[-1:, :, 0:1]"),
        ("{type: Dense, units: 3}", "mean(layer(x), axis=0)"),
        ("{type: Dense, units: 3}", "mean(layer(x))"),
        ("{type: GRU, units: 3, stateful: true}", "layer(x)"),
    ],
)
def test_samples_that_have_to_do_with_each_other_stay_by_themselves(layer: str, graph: str, tmp_path: Path) -> None:
    _, _, asked = asked_of(tmp_path, layer, graph)
    assert asked
    assert not any(one.is_beside for one in asked)


def test_samples_stand_beside_each_other_where_the_open_axis_is(tmp_path: Path) -> None:
    """With the length first, a batch is the second axis, of its state the first."""
    inputs = "{x: {shape: [steps, batch, features]}}"
    layer = "{type: GRU, units: 3, return_sequences: true, return_state: true}"
    text = CASE.replace("graph: {{y: {graph}}}", "graph: {{y: {graph}, by_step: 'transpose(y[0], [1, 0, 2])'}}")
    (case,) = cases_of(text.format(layer=layer, graph='"layer(transpose(x, [1, 0, 2]))"', inputs=inputs), tmp_path)
    plan = plan_of(case, with_gradients=False)
    reference = answer(plan)
    asked = relations_of(plan, reference)
    beside = {one.relation.name: one for one in asked if one.is_beside}
    assert {"turned_round", "step_by_step", "causal"} <= beside.keys(), "along the second axis, here the batch"
    own = [one for one in asked if one.plan.layers is plan.layers]
    (whole,) = [share for share in shares(own) if len(share.rows) > 1]
    samples = sum(row[0].plan.runs[0]["x"].shape[1] for row in whole.rows)
    assert whole.plan.runs[0]["x"].shape == (6, samples, 4)
    for one, part in whole.parts(answer(whole.plan), plan, reference):
        alone = answer(one.plan)
        for name, node in alone.runs[0].items():
            for got, wanted in zip(part.runs[0][name].outputs, node.outputs, strict=True):
                assert np.allclose(got.values, wanted.values, rtol=0, atol=1e-14), (one.relation.name, name)


def test_who_is_asked_alone_is_asked_what_the_reference_keeps_alone(tmp_path: Path) -> None:
    _, reference, asked = asked_of(tmp_path, "{type: Dense, units: 3}")
    (turned,) = [one for one in asked if one.relation.name == "turned_round"]
    assert is_kept_alone(turned, reference)
    (doubled,) = [one for one in RELATIONS if one.name == "doubled"]
    assert not is_kept_alone(replace(turned, relation=doubled), reference), "there is a bias"


def test_changes_of_layers_are_asked_at_once(tmp_path: Path) -> None:
    _, reference, asked = asked_of(tmp_path, "{type: GRU, units: 3, return_sequences: true}")
    (whole,) = [one for one in asked if one.members]
    assert whole.relation.name == "unrolled and hidden_reordered and state_carried"
    assert whole.plan.layers["layer"].config["unroll"] is True
    assert list(broken(whole, reference, answer(whole.plan), reference)) == []
    (rolled,) = [one for one in whole.members if one.relation.name == "hidden_reordered"]
    assert list(broken(whole, reference, answer(rolled.plan), reference)) == [], "unrolling changes no number"
    assert list(broken(whole, reference, reference, reference)), "but hidden units must have moved"


@pytest.mark.parametrize(
    ("only", "names"),
    [
        (["unrolled"], set()),
        (["unrolled|hidden_reordered|state_carried", "unrolled"], {"unrolled"}),
        (["unrolled|hidden_reordered|state_carried", "hidden_reordered"], {"hidden_reordered"}),
        (["unrolled|hidden_reordered|state_carried"], {"unrolled and hidden_reordered and state_carried"}),
    ],
)
def test_a_change_that_is_not_kept_is_named(only: list[str], names: set[str], tmp_path: Path) -> None:
    (case,) = cases_of(CASE.format(layer="{type: GRU, units: 3}", graph='"layer(x)"', inputs=X), tmp_path)
    spec = fake("always_wrong", only=[f"{case.id}|{name}" for name in only])
    found = judged(case, spec)["lanes"][spec.name]
    assert {finding["kind"] for finding in found["findings"]} == names
    assert found["aspects"]["relations"] == ("differ" if names else "agree")


def test_a_layer_that_remembers_is_run_again_for_as_many_samples_only(tmp_path: Path) -> None:
    """Its state is made for so many; another number of samples, or of steps, is another plan."""
    plan, _, asked = asked_of(tmp_path, "{type: GRU, units: 3, stateful: true, return_sequences: true}")
    names = {one.relation.name for one in asked if is_run_of(plan, one.plan)}
    assert {"run_twice", "batch_reordered", "causal"} <= names
    assert not {"batch_of_one", "batch_twice", "prefix", "unrolled"} & names
    free, _, more = asked_of(tmp_path, "{type: GRU, units: 3, return_sequences: true}")
    names = {one.relation.name for one in more if is_run_of(free, one.plan)}
    assert {"run_twice", "batch_of_one", "batch_twice", "prefix"} <= names
    assert "unrolled" not in names


def test_nothing_is_asked_of_an_output_that_is_drawn(tmp_path: Path) -> None:
    _, _, asked = asked_of(tmp_path, "{type: Dense, units: 3}")
    assert asked
    drawn = {place for one in asked for place in one.outputs}
    assert [one.without(drawn) for one in asked] == [None] * len(asked)
    assert [one.without({(0, "another")}) for one in asked] == asked
