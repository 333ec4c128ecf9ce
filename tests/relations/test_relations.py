"""A relation is asked where the mathematics keeps it and nowhere else; a lane that breaks it is found by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.form import to_json
from conformance.plans.draw import plan_of
from conformance.relations.applicable import relations_of
from conformance.relations.catalog import RELATIONS
from conformance.relations.changes import hidden_rolled
from conformance.run import LANES, Run, is_in_sample
from tests.builders import POOLED, cases_of, fake
from tests.relations.asked import attribution, lane_failure
from tests.relations.helpers import CASE, X, answer, judged, judged_lane, kept, names_of

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


def test_a_layer_that_would_be_built_with_other_weights_is_another_one(tmp_path: Path) -> None:
    """Before it learns from data a Normalization gives any length back; Keras builds one mean for each place of it."""
    flat = "{x: {shape: [batch, features]}}"
    assert not {"prefix", "batch_of_one"} - kept(tmp_path, "{type: Normalization}", inputs=X)
    found = kept(tmp_path, "{type: Normalization}", inputs=flat)
    assert "prefix" not in found
    assert "batch_of_one" in found
    assert "prefix" in kept(tmp_path, "{type: Activation, activation: tanh}", inputs=flat)


def test_padding_is_nothing_where_a_mask_leaves_it_out(tmp_path: Path) -> None:
    ids = "{ids: {shape: [batch, steps], dtype: int32, fill: {integers: [1, 5]}}}"
    text = CASE.replace("layers: {{layer: {layer}}}", "layers: {{embed: {embed}, layer: {layer}}}")
    for mask, is_kept in (("true", True), ("false", False)):
        embed = f"{{type: Embedding, input_dim: 5, output_dim: 3, mask_zero: {mask}}}"
        filled = text.format(inputs=ids, embed=embed, layer="{type: GRU, units: 3}", graph='"layer(embed(ids))"')
        (case,) = cases_of(filled, tmp_path)
        plan = plan_of(case, with_gradients=False)
        names = names_of(relations_of(plan, answer(plan)))
        assert ("padding_is_nothing" in names) == is_kept
        assert "wider_integers" in names


def test_there_are_at_least_twenty_and_no_two_have_one_name() -> None:
    names = [relation.name for relation in RELATIONS]
    assert len(names) == len(set(names)) >= 20


def test_the_page_says_what_each_of_them_states() -> None:
    page = (Path(__file__).parents[2] / "docs" / "judging.md").read_text(encoding="utf-8")
    rows = [line for line in page.partition("## Relations")[2].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{relation.name}` | {relation.statement} |" for relation in RELATIONS]


def test_a_lane_that_keeps_all_of_them_agrees(tmp_path: Path) -> None:
    found = judged_lane(tmp_path, fake("always_right"))
    assert (found["verdict"], found["aspects"]["relations"]) == ("agree", "agree")


@pytest.mark.parametrize("behaviour", ["always_wrong", "off_by_a_thousandth", "wrong_shape"])
def test_a_lane_that_breaks_one_is_found_by_its_name(behaviour: str, tmp_path: Path) -> None:
    found = judged_lane(
        tmp_path, fake(behaviour, only=["fam/topic.masked|relations", "fam/topic.masked|batch_reordered"])
    )
    assert (found["verdict"], found["aspects"]["relations"]) == ("differ", "differ")
    assert {finding["kind"] for finding in found["findings"]} == {"batch_reordered"}
    assert found["findings"][0]["wanted"] == "samples in another order give their outputs in that order"


def test_a_lane_that_raises_in_one_is_found_by_its_name(tmp_path: Path) -> None:
    found = judged_lane(tmp_path, fake("raises", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"]))
    assert [finding["kind"] for finding in found["findings"]] == ["run_twice"]


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
        found[asked] = to_json(run.record(case))["lanes"][spec.name]["aspects"].get("relations")
        run.stop()
    assert found == {1: "agree", one_in: None}


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
    found = judged(case, spec)["lanes"][spec.name]
    assert {finding["kind"] for finding in found["findings"]} == names
    assert found["aspects"]["relations"] == ("differ" if names else "agree")


def test_only_what_has_weights_and_is_in_no_model_is_saved(tmp_path: Path) -> None:
    assert "saved_and_loaded" in kept(tmp_path, "{type: Dense, units: 3}")
    assert "saved_and_loaded" not in kept(tmp_path, "{type: MaxPooling1D}")
    assert "config_round_trip" in kept(tmp_path, "{type: MaxPooling1D}")
    ours = "{type: Dense, units: 3, kernel_initializer: {type: Binary}}"
    assert not {"saved_and_loaded", "config_round_trip"} & kept(tmp_path, ours), "Keras does not know that initialiser"


def test_the_text_says_what_is_not_kept(tmp_path: Path) -> None:
    (pooled,) = cases_of(POOLED, tmp_path)
    wrong = judged(
        pooled, fake("always_wrong", only=["fam/topic.masked|relations", "fam/topic.masked|batch_reordered"])
    )
    assert lane_failure(wrong, "always_wrong").splitlines()[0] == (
        "relation batch_reordered of embedded: always_wrong does not keep that samples in another order give their "
        "outputs in that order; 30 of 30 elements are further apart"
    )
    assert attribution(wrong) == (
        "the lanes agree with each other on the case itself; what follows from it is what differs"
    )
    odd = judged(pooled, fake("gives_nan", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"]))
    assert lane_failure(odd, "gives_nan").splitlines()[0].endswith("; NaN or an infinity stands at other places")
    raising = judged(pooled, fake("raises", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"]))
    first = lane_failure(raising, "raises").splitlines()[0]
    assert first.startswith("relation run_twice: raises does not keep that a second run gives the same: it raised ")


def test_a_lane_that_differs_anyway_is_not_asked(tmp_path: Path) -> None:
    found = judged_lane(tmp_path, fake("always_wrong"))
    assert found["findings"][0]["aspect"] == "values"
    assert "relations" not in found["aspects"]


def test_one_rounding_is_no_broken_relation(tmp_path: Path) -> None:
    text = POOLED.replace("embedded", "_embedded")
    (case,) = cases_of(text, tmp_path)
    spec = fake("off_by_one_ulp", only=["fam/topic.masked|relations", "fam/topic.masked|run_twice"])
    assert judged(case, spec)["lanes"][spec.name]["verdict"] == "agree"


def test_gates_keep_their_blocks_when_hidden_units_move() -> None:
    kernel = np.arange(8.0).reshape(1, 8)  # two gates... of LSTM four, of two units each
    recurrent = np.arange(16.0).reshape(2, 8)
    changed = hidden_rolled("LSTM", {}, {"kernel": kernel, "recurrent_kernel": recurrent})
    assert changed is not None
    assert changed[2]["kernel"].tolist() == [[1, 0, 3, 2, 5, 4, 7, 6]]
    assert changed[2]["recurrent_kernel"][0].tolist() == [9, 8, 11, 10, 13, 12, 15, 14], "rows move too"
