"""What is drawn: by seed alone, from the layers' own schemas, as cases that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.coverage import Coverage
from conformance.campaign.draft import Call, Draft, Input, Layer, Mask, case_lines, described, file_text
from conformance.campaign.draws import drafts
from conformance.campaign.shapes import shape_after
from conformance.campaign.space import built, drawable, space_of, values_of
from conformance.case.kinds import Integer, Number
from conformance.case.layers import types
from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import LaneUnavailable
from conformance.form import from_json, to_json

KINDS = ("Conv1D", "Add", "ReLU", "GRU", "Dense")


def case_of(draft: Draft, folder: Path) -> Case:
    path = folder / "campaign" / "drawn.case.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(file_text("drawn", [case_lines(draft, "x", described(draft))]), encoding="utf-8")
    (case,) = load_file(path)
    return case


def test_a_seed_gives_the_same_drafts_every_time() -> None:
    assert drafts(5, KINDS, count=8) == drafts(5, KINDS, count=8)


def test_two_seeds_give_others() -> None:
    first, second = ({draft.digest for draft in drafts(seed, KINDS, count=8)} for seed in (5, 6))
    assert first != second


def test_no_graphs_means_one_call() -> None:
    assert {len(draft.calls) for draft in drafts(1, KINDS, graphs=False, count=8)} == {1}


def test_every_layer_with_an_example_can_be_drawn_and_read(tmp_path: Path) -> None:
    asked = {kind for kind, layer in types().items() if not layer.written_as_case}
    assert set(drawable()) == asked
    for kind in drawable():
        space = space_of(kind)
        assert space is not None
        assert case_of(built(space, {}), tmp_path).layer_types[0] == kind


def test_a_layer_that_is_written_as_a_case_is_not_drawn() -> None:
    assert space_of("GRUCell") is None


def test_a_draft_comes_back_from_json_as_it_was() -> None:
    for draft in drafts(2, KINDS, count=8):
        back = from_json(Draft, to_json(draft))
        assert (back.digest, to_json(back)) == (draft.digest, to_json(draft))


def test_values_keep_to_what_an_argument_allows() -> None:
    assert values_of(Integer(at_least=1), "filters") == [1, 2, 3, 4]
    assert values_of(Integer(at_least=0), "filters")[0] == 0
    assert min(values_of(Number(at_least=0), "alpha")) == 0
    assert set(values_of(Integer(), "axis")) >= {-1, 1, -2, 2}


@pytest.mark.parametrize(
    ("mask", "line"),
    [
        (Mask(((1, 0), (0, 1))), "_x: masking(x * expand_dims(real_x, -1))"),
        (Mask(((1, 0), (0, 1)), "argument"), "y: layer(x, mask=real_x)"),
        (Mask(((1, 0), (0, 1)), "argument", "inf"), '_x: x / expand_dims(cast(real_x, "float32"), -1)'),
    ],
)
def test_a_mask_is_carried_as_it_was_drawn(mask: Mask, line: str, tmp_path: Path) -> None:
    draft = Draft(
        (Input("x", (2, 3), mask=mask),), (Layer("layer", "GRU", {"units": 2}),), (Call("y", "layer", ("x",)),)
    )
    assert f"      {line}" in case_lines(draft, "x", "?")
    assert case_of(draft, tmp_path).inputs[1].name == "real_x"


def test_an_open_axis_runs_at_two_lengths(tmp_path: Path) -> None:
    draft = Draft((Input("x", (5, 3)),), (Layer("layer", "ReLU"),), (Call("y", "layer", ("x",)),), is_open=True)
    case = case_of(draft, tmp_path)
    assert (case.dims["steps"], case.dynamic) == ((5, 8), ("batch", "steps"))


def test_what_differs_only_in_words_is_one_draft() -> None:
    plain = Draft((Input("x", (3,)),), (Layer("layer", "ReLU"),), (Call("y", "layer", ("x",)),))
    told = Draft(plain.inputs, plain.layers, plain.calls, varied=(("ReLU.threshold", 1.0),))
    assert plain.digest == told.digest
    assert plain.digest != Draft(plain.inputs, plain.layers, plain.calls, batch=3).digest


def test_equal_numbers_have_no_gradient_to_compare() -> None:
    draft = Draft((Input("x", (3,), fill={"constant": 0.0}),), (Layer("layer", "ReLU"),), (Call("y", "layer", ("x",)),))
    assert any(line.startswith("    no_gradients: ") for line in case_lines(draft, "x", "?"))


def test_the_reference_says_what_comes_of_a_shape() -> None:
    layer = Layer("layer", "Conv1D", {"filters": 7, "kernel_size": 3})
    assert shape_after(layer, [(2, 5, 4)], False) == (2, 3, 7)
    assert shape_after(layer, [(2, 1, 4)], False) is None


def test_coverage_counts_values_and_pairs() -> None:
    coverage = Coverage(["Conv1D"])
    (empty,) = coverage.rows()
    assert (empty.values, empty.pairs) == (0, 0)
    assert coverage.add((("Conv1D.padding", "same"), ("Conv1D.strides", 2))) == 3
    assert coverage.add((("Conv1D.strides", 2), ("Conv1D.padding", "same"))) == 0
    (row,) = coverage.rows()
    assert (row.values, row.pairs) == (2, 1)
    assert row.all_pairs > 100
    assert "Conv1D.padding='same'" not in row.untried
    assert "Conv1D.padding='causal'" in row.untried


def test_what_adds_most_is_chosen_first() -> None:
    found = drafts(3, ("Conv1D",), graphs=False, count=12)
    coverage = Coverage(["Conv1D"])
    chosen = coverage.choose(found, 3)
    assert coverage.new(chosen[0]) == max(coverage.new(draft) for draft in found)
    assert len(set(chosen_digests := [draft.digest for draft in chosen])) == len(chosen_digests) == 3


def test_without_hypothesis_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hypothesis", None)
    with pytest.raises(LaneUnavailable, match="draws with Hypothesis") as raised:
        drafts(0, KINDS)
    assert raised.value.hint == "pip install 'conformance[campaign]'"


def text_of(kind: str, varied: dict[str, object]) -> str:
    space = space_of(kind)
    assert space is not None
    assert set(varied) <= {one.name for one in space.dimensions}
    return "\n".join(case_lines(built(space, varied), "x", "?"))


@pytest.mark.parametrize(
    ("kind", "varied", "wanted"),
    [
        ("BatchNormalization", {"called": "in training before"}, "before: layer(x, training=True)\n      y: layer(x)"),
        ("LSTM", {"initial_state": True}, "y: layer(x, initial_state=[state1, state2])"),
        ("GRU", {"initial_state": True}, "y: layer(x, initial_state=state1)"),
        ("Attention", {"use_causal_mask": True}, "use_causal_mask=True"),
        (
            "MultiHeadAttention",
            {"key": True, "attention_mask": "holes"},
            "layer(query, value, key, attention_mask=sees)",
        ),
        ("Add", {"mask": "right", "masked inputs": "all"}, "y: layer([_a, _b])"),
        ("Add", {"mask": "right", "beneath the mask": "numbers"}, "_a: sigmoid(masking(a * expand_dims(real_a, -1)))"),
        ("Poisson", {"numbers": "at the lower end"}, "fill: {uniform: [0.0, 1e-05]}"),
    ],
)
def test_what_a_call_takes_beside_its_inputs_is_drawn(kind: str, varied: dict[str, object], wanted: str) -> None:
    assert wanted in text_of(kind, varied)


def test_the_rows_of_a_mask_are_not_in_the_order_of_their_lengths() -> None:
    space = space_of("GRU")
    assert space is not None
    for batch in (2, 3):
        mask = built(space, {"mask": "right", "batch": batch}).inputs[0].mask
        assert mask is not None
        lengths = [sum(row) for row in mask.rows]
        assert lengths not in (sorted(lengths, reverse=True), [lengths[0]] * batch)


def test_stacked_cells_stand_where_a_cell_does() -> None:
    space = space_of("RNN")
    assert space is not None
    (cells,) = (one for one in space.dimensions if one.name == "cell")
    assert {"StackedRNNCells", "LSTMCell", "SimpleRNNCell"} <= {value["type"] for value in cells.values}


def test_ids_are_no_ties_and_numbers_that_a_layer_does_not_ask_for_are() -> None:
    for kind, varied, wanted in (("Embedding", {}, False), ("Dense", {"numbers": "int32"}, True)):
        space = space_of(kind)
        assert space is not None
        assert built(space, varied).has_ties is wanted


def test_every_value_of_every_dimension_can_be_built() -> None:
    for kind in drawable():
        space = space_of(kind)
        assert space is not None
        masked = {"mask": "right"} if any(one.name == "mask" for one in space.dimensions) else {}
        for dimension in space.dimensions:
            for value in dimension.others:
                assert built(space, {**masked, dimension.name: value}).calls
