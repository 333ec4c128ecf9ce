"""A relation is asked where the mathematics keeps it and nowhere else; a lane that breaks it is found by its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.lanes.numpy import Reference
from conformance.lanes.observation import Observation, from_message
from conformance.lanes.process import LaneSpec
from conformance.plan import Plan, plan_of
from conformance.relations.asking import shares, together
from conformance.relations.catalog import RELATIONS
from conformance.relations.holding import is_kept_alone, relations_of
from conformance.relations.judge import broken
from conformance.relations.relation import Asked
from conformance.report.text import lane_failure
from conformance.run import LANES, Run, is_in_sample
from tests.builders import POOLED, cases_of, fake

CASE = """
    schema_version: 1
    topic: relations
    dims: {{batch: 3, steps: 6, features: 4}}
    source: {{kind: hand}}
    cases:
      - id: one
        question: What does it keep?
        inputs: {inputs}
        layers: {{layer: {layer}}}
        graph: {{y: {graph}}}
"""
X = "{x: {shape: [batch, steps, features]}}"


def kept(folder: Path, layer: str, graph: str = "layer(x)", inputs: str = X) -> set[str]:
    """The relations that the reference keeps for a case of one layer."""
    (case,) = cases_of(CASE.format(layer=layer, graph=f'"{graph}"', inputs=inputs), folder)
    plan = plan_of(case, with_gradients=False)
    reference = from_message("numpy", "numpy", Reference({}).observe(plan))
    assert reference.failure is None
    return names_of(relations_of(plan, reference))


def names_of(asked: Iterable[Asked]) -> set[str]:
    """Each relation by itself, of those too that are asked at once."""
    return {one.relation.name for whole in asked for one in whole.members or (whole,)}


ANY = {"run_twice", "batch_reordered", "batch_of_one", "batch_twice"}


@pytest.mark.parametrize(
    ("layer", "kept_too", "not_kept"),
    [
        (
            "{type: Dense, units: 3}",
            {"units_reordered", "dense_is_convolution", "step_by_step"},
            {"doubled", "negated"},
        ),
        ("{type: Dense, units: 3, use_bias: false}", {"doubled", "negated"}, {"shift_free", "scale_free"}),
        ("{type: Conv1D, filters: 3, kernel_size: 3, padding: causal}", {"causal", "prefix"}, {"turned_round"}),
        (
            "{type: Conv1D, filters: 3, kernel_size: 3, padding: same}",
            {"units_reordered", "channels_moved"},
            {"causal", "step_by_step"},
        ),
        ("{type: Conv1D, filters: 3, kernel_size: 2, dilation_rate: 2}", {"dilation_is_zeros"}, {"even"}),
        (
            "{type: GRU, units: 3, return_sequences: true}",
            {"causal", "prefix", "hidden_reordered", "unrolled", "state_carried"},
            {"doubled"},
        ),
        (
            "{type: GRU, units: 3, return_sequences: true, go_backwards: true}",
            {"unrolled"},
            {"causal", "state_carried"},
        ),
        ("{type: LSTM, units: 3}", {"hidden_reordered", "unrolled", "state_carried"}, {"order_free"}),
        ("{type: DepthwiseConv1D, kernel_size: 2, depth_multiplier: 3}", {"depthwise_is_grouped"}, {"units_reordered"}),
        ("{type: MaxPooling1D}", {"channel_by_channel", "shifted", "turned_round"}, {"negated", "order_free"}),
        ("{type: GlobalAveragePooling1D}", {"order_free", "doubled", "negated", "shifted"}, {"shift_free"}),
        ("{type: LayerNormalization, epsilon: 1e-12}", {"shift_free", "step_by_step"}, {"doubled"}),
        ("{type: UnitNormalization}", {"scale_free", "negated"}, {"shifted"}),
        ("{type: BatchNormalization}", {"folded_normalization"}, {"negated"}),
        ("{type: Dropout, rate: 0.5}", {"no_dropout"}, set()),
    ],
)
def test_what_a_layer_keeps_follows_from_its_mathematics(
    layer: str, kept_too: set[str], not_kept: set[str], tmp_path: Path
) -> None:
    found = kept(tmp_path, layer)
    assert ANY | kept_too <= found
    assert not found & not_kept


@pytest.mark.parametrize(("kind", "is_kept"), [("Add", True), ("Maximum", True), ("Subtract", False)])
def test_inputs_may_be_swapped_where_order_does_not_matter(kind: str, is_kept: bool, tmp_path: Path) -> None:
    inputs = "{a: {shape: [batch, features]}, b: {shape: [batch, features]}}"
    assert ("inputs_swapped" in kept(tmp_path, f"{{type: {kind}}}", "layer([a, b])", inputs)) == is_kept


def test_padding_is_nothing_where_a_mask_leaves_it_out(tmp_path: Path) -> None:
    ids = "{ids: {shape: [batch, steps], dtype: int32, fill: {integers: [1, 5]}}}"
    text = CASE.replace("layers: {{layer: {layer}}}", "layers: {{embed: {embed}, layer: {layer}}}")
    for mask, is_kept in (("true", True), ("false", False)):
        embed = f"{{type: Embedding, input_dim: 5, output_dim: 3, mask_zero: {mask}}}"
        filled = text.format(inputs=ids, embed=embed, layer="{type: GRU, units: 3}", graph='"layer(embed(ids))"')
        (case,) = cases_of(filled, tmp_path)
        plan = plan_of(case, with_gradients=False)
        reference = from_message("numpy", "numpy", Reference({}).observe(plan))
        names = names_of(relations_of(plan, reference))
        assert ("padding_is_nothing" in names) == is_kept
        assert "wider_integers" in names


def test_there_are_at_least_twenty_and_no_two_have_one_name() -> None:
    names = [relation.name for relation in RELATIONS]
    assert len(names) == len(set(names)) >= 20


def test_the_page_says_what_each_of_them_states() -> None:
    page = (Path(__file__).parents[2] / "docs" / "judging.md").read_text(encoding="utf-8")
    rows = [line for line in page.partition("## Relations")[2].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{relation.name}` | {relation.statement} |" for relation in RELATIONS]


def whole_record_of(folder: Path, spec: LaneSpec) -> dict[str, Any]:
    (case,) = cases_of(POOLED, folder)
    run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=True)
    run.announce([(case, [spec.name])])
    return run.record(case)


def record_of(folder: Path, spec: LaneSpec) -> dict[str, Any]:
    found: dict[str, Any] = whole_record_of(folder, spec)["lanes"][spec.name]
    return found


def test_a_lane_that_keeps_all_of_them_agrees(tmp_path: Path) -> None:
    found = record_of(tmp_path, fake("always_right"))
    assert (found["verdict"], found["aspects"]["relations"]) == ("agree", "agree")


@pytest.mark.parametrize("behaviour", ["always_wrong", "off_by_a_thousandth", "gives_nan", "wrong_shape"])
def test_a_lane_that_breaks_one_is_found_by_its_name(behaviour: str, tmp_path: Path) -> None:
    found = record_of(
        tmp_path, fake(behaviour, only=["fam/topic.masked|relations", "fam/topic.masked|batch_reordered"])
    )
    assert (found["verdict"], found["aspects"]["relations"]) == ("differ", "differ")
    assert {finding["kind"] for finding in found["findings"]} == {"batch_reordered"}
    assert found["findings"][0]["wanted"] == "samples in another order give their outputs in that order"


def test_a_lane_that_raises_in_one_is_found_by_its_name(tmp_path: Path) -> None:
    found = record_of(tmp_path, fake("raises", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"]))
    assert [finding["kind"] for finding in found["findings"]] == ["run_twice"]


@pytest.mark.parametrize("behaviour", ["always_wrong", "raises", "wrong_shape"])
def test_what_is_broken_only_beside_others_is_not_broken(behaviour: str, tmp_path: Path) -> None:
    """Many runs in one plan are a short cut: a relation that fails there is asked for again by itself."""
    found = record_of(tmp_path, fake(behaviour, only=["fam/topic.masked|relations"]))
    assert (found["verdict"], found["aspects"]["relations"]) == ("agree", "agree")


def test_a_sample_is_about_one_in_so_many_and_does_not_depend_on_other_cases() -> None:
    ids = [f"family/topic.case_{number}" for number in range(2000)]
    sample = [name for name in ids if is_in_sample(name, 20)]
    assert 70 <= len(sample) <= 130
    assert [name for name in ids[1000:] if is_in_sample(name, 20)] == [name for name in sample if name in ids[1000:]]
    assert all(is_in_sample(name, 1) for name in ids)


def test_cases_outside_of_the_sample_are_asked_for_no_relation(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    one_in = next(number for number in range(2, 50) if not is_in_sample(case.id, number))
    spec = fake("always_right")
    found = {}
    for asked in (1, one_in):
        run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=asked)
        run.announce([(case, [spec.name])])
        found[asked] = run.record(case)["lanes"][spec.name]["aspects"].get("relations")
        run.stop()
    assert found == {1: "agree", one_in: None}


def asked_of(folder: Path, layer: str, graph: str = "layer(x)") -> tuple[Plan, Observation, list[Asked]]:
    (case,) = cases_of(CASE.format(layer=layer, graph=f'"{graph}"', inputs=X), folder)
    plan = plan_of(case, with_gradients=False)
    reference = answer(plan)
    return plan, reference, relations_of(plan, reference)


def answer(plan: Plan) -> Observation:
    found = from_message("numpy", "numpy", Reference({}).observe(plan))
    assert found.failure is None
    return found


def test_relations_over_inputs_share_one_plan_and_samples_one_run(tmp_path: Path) -> None:
    plan, reference, asked = asked_of(tmp_path, "{type: GRU, units: 3, return_sequences: true}")
    own = [one for one in asked if one.plan["layers"] is plan["layers"]]
    beside = [one for one in own if one.is_beside]
    assert {"batch_reordered", "batch_twice", "causal"} <= {one.relation.name for one in beside}
    remade = {"config_round_trip", "saved_and_loaded"}
    assert {"run_twice", "batch_of_one", "prefix"} | remade == {one.relation.name for one in own if not one.is_beside}
    found = shares(own)
    whole = together(plan, found)
    assert len(whole["runs"]) == 4 < len(own)
    assert whole["remade"] == ["config", "saved"], "in the run that repeats the case's own"
    assert whole["inputs"]["x"]["shape"] == [None, None, 4], "of any number of samples, and steps"
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
    (whole,) = [share for share in shares(asked) if share.is_stacked]
    samples = sum(one.plan["runs"][0]["x"]["shape"][1] for one in beside.values())
    assert whole.plan["runs"][0]["x"]["shape"] == [6, samples, 4]
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
    assert whole.plan["layers"]["layer"]["config"]["unroll"] is True
    assert list(broken(whole, reference, answer(whole.plan), reference)) == []
    (rolled,) = [one for one in whole.members if one.relation.name == "hidden_reordered"]
    assert list(broken(whole, reference, answer(rolled.plan), reference)) == [], "unrolling changes no number"
    assert list(broken(whole, reference, reference, reference)), "but hidden units must have moved"


@pytest.mark.parametrize(
    ("behaviour", "names"),
    [
        ("keeps_what_is_remade", set()),
        ("loses_its_config", {"config_round_trip"}),
        ("loses_saved_weights", {"saved_and_loaded"}),
        ("loses_both", {"config_round_trip", "saved_and_loaded"}),
    ],
)
@pytest.mark.parametrize("layer", ["{type: GRU, units: 3}", "{type: GRU, units: 3, stateful: true}"])
def test_what_a_layer_loses_when_it_is_made_again_is_named(
    behaviour: str, names: set[str], layer: str, tmp_path: Path
) -> None:
    (case,) = cases_of(CASE.format(layer=layer, graph='"layer(x)"', inputs=X), tmp_path)
    spec = fake(behaviour)
    run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=True)
    run.announce([(case, [spec.name])])
    found = run.record(case)["lanes"][spec.name]
    assert {finding["kind"] for finding in found["findings"]} == names
    assert found["aspects"]["relations"] == ("differ" if names else "agree")


def test_only_what_has_weights_and_is_in_no_model_is_saved(tmp_path: Path) -> None:
    assert "saved_and_loaded" in kept(tmp_path, "{type: Dense, units: 3}")
    assert "saved_and_loaded" not in kept(tmp_path, "{type: MaxPooling1D}")
    assert "config_round_trip" in kept(tmp_path, "{type: MaxPooling1D}")
    ours = "{type: Dense, units: 3, kernel_initializer: {type: Binary}}"
    assert not {"saved_and_loaded", "config_round_trip"} & kept(tmp_path, ours), "Keras does not know that initialiser"


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
    run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=True)
    run.announce([(case, [spec.name])])
    found = run.record(case)["lanes"][spec.name]
    assert {finding["kind"] for finding in found["findings"]} == names
    assert found["aspects"]["relations"] == ("differ" if names else "agree")


def test_a_layer_that_remembers_is_asked_for_each_relation_by_itself(tmp_path: Path) -> None:
    stateful = "{type: GRU, units: 3, stateful: true}"
    (case,) = cases_of(CASE.format(layer=stateful, graph='"layer(x)"', inputs=X), tmp_path)
    spec = fake("always_wrong", only=["fam/topic.one|relations"])
    run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=True)
    run.announce([(case, [spec.name])])
    assert run.record(case)["lanes"][spec.name]["aspects"]["relations"] == "agree"


def test_the_text_says_what_is_not_kept(tmp_path: Path) -> None:
    wrong = whole_record_of(
        tmp_path, fake("always_wrong", only=["fam/topic.masked|relations", "fam/topic.masked|batch_reordered"])
    )
    assert lane_failure(wrong, "always_wrong").splitlines()[0] == (
        "relation batch_reordered of embedded: always_wrong does not keep that samples in another order give their "
        "outputs in that order; 30 of 30 elements are further apart"
    )
    raising = whole_record_of(
        tmp_path, fake("raises", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"])
    )
    first = lane_failure(raising, "raises").splitlines()[0]
    assert first.startswith("relation run_twice: raises does not keep that a second run gives the same: it raised ")


def test_a_lane_that_differs_anyway_is_not_asked(tmp_path: Path) -> None:
    found = record_of(tmp_path, fake("always_wrong"))
    assert found["findings"][0]["aspect"] == "values"
    assert "relations" not in found["aspects"]


def test_one_rounding_is_no_broken_relation(tmp_path: Path) -> None:
    text = POOLED.replace("embedded", "_embedded")
    (case,) = cases_of(text, tmp_path)
    spec = fake("off_by_one_ulp", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"])
    run = Run((spec, LANES["numpy"]), in_process=[spec.name, "numpy"], with_relations=True)
    run.announce([(case, [spec.name])])
    assert run.record(case)["lanes"][spec.name]["verdict"] == "agree"


def test_gates_keep_their_blocks_when_hidden_units_move() -> None:
    from conformance.relations.changes import hidden_rolled

    kernel = np.arange(8.0).reshape(1, 8)  # two gates... of LSTM four, of two units each
    recurrent = np.arange(16.0).reshape(2, 8)
    changed = hidden_rolled("LSTM", {}, {"kernel": kernel, "recurrent_kernel": recurrent})
    assert changed is not None
    assert changed[2]["kernel"].tolist() == [[1, 0, 3, 2, 5, 4, 7, 6]]
    assert changed[2]["recurrent_kernel"][0].tolist() == [9, 8, 11, 10, 13, 12, 15, 14], "rows move too"
