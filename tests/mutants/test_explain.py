"""What is said of a lane that differs names the mistake that was put into it, and nothing where none fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.diagnose import explain
from conformance.diagnose.cause import Explanation
from conformance.diagnose.explain import _same_masks, explanations
from conformance.diagnose.words import sentence
from conformance.judge.case import judge_case
from conformance.lanes.numpy import Reference
from conformance.lanes.spec import LaneSpec
from conformance.mutants.layer import mutants_of, with_mistake
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Ended, Observation, from_message
from conformance.reference.base import Mutant
from conformance.reference.core import Dense
from tests.builders import POOLED, cases_of, fake, records_of

GRU = """
    schema_version: 1
    topic: a GRU after a normalisation
    dims: {batch: 2, steps: 5, features: 3, units: 4}
    source: {kind: hand}
    cases:
      - id: masked
        question: Which gate comes first?
        inputs: {x: {shape: [batch, steps, features]}}
        layers:
          norm: {type: LayerNormalization}
          gru: {type: GRU, units: units, return_sequences: true}
        graph:
          scaled: norm(x)
          sequence: gru(scaled)
          mean: mean(sequence, axis=1)
"""


def mistaken(kind: str, mutant: str) -> LaneSpec:
    return LaneSpec("wrong", "tests.mutants.lane", {"kind": kind, "mutant": mutant})


def explained(text: str, folder: Path, spec: LaneSpec) -> dict[str, Any]:
    (record,) = records_of(cases_of(text, folder), spec)
    return record["lanes"][spec.name]


def test_the_mistake_is_named_with_the_node_at_which_it_starts(tmp_path: Path) -> None:
    found = explained(POOLED, tmp_path, mistaken("GlobalAveragePooling1D", "ignores_mask"))
    assert found["verdict"] == "differ"
    assert found["explained_by"] == ["GlobalAveragePooling1D.ignores_mask"]
    assert found["explanation"].startswith("wrong answers as one who ")
    assert found["explanation"].endswith(
        "(GlobalAveragePooling1D.ignores_mask). It starts at pooled; what goes into it (embedded) agrees."
    )


@pytest.mark.parametrize("mutant", ["gates_rzh", "reset_swapped", "update_inverted", "no_bias", "other_direction"])
def test_each_mistake_of_a_gru_is_told_from_the_others(mutant: str, tmp_path: Path) -> None:
    found = explained(GRU, tmp_path, mistaken("GRU", mutant))
    assert found["explained_by"] == [f"GRU.{mutant}"]
    (start,) = found["divergences"]
    assert (start["node"], start["inputs"], start["step"], start["is_fed"]) == ("sequence", ["scaled"], 0, False)


def test_mistakes_that_the_case_cannot_tell_apart_are_all_named(tmp_path: Path) -> None:
    found = explained(POOLED, tmp_path, mistaken("Embedding", "no_mask"))
    assert "Embedding.no_mask" in found["explained_by"]


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        ("always_wrong", "always_wrong's answer is the reference's plus 1."),
        ("off_by_a_thousandth", "off_by_a_thousandth's answer is the reference's times 1.001."),
        ("wrong_shape", "wrong_shape's answer is the reference's with one axis more, of length 1, as axis 3."),
        ("transposed", "transposed's answer is the reference's with its axes in the order (2, 1, 0)."),
        ("gives_nan", "No known mistake and no simple change gives gives_nan's answer."),
    ],
)
def test_what_is_no_known_mistake_is_a_simple_change_or_unexplained(behaviour: str, words: str, tmp_path: Path) -> None:
    places = "It starts at embedded. Given the reference's activations instead of its own, it differs at pooled too."
    assert explained(POOLED, tmp_path, fake(behaviour))["explanation"] == f"{words} {places}"


def test_where_lanes_agree_nothing_is_explained(tmp_path: Path) -> None:
    found = explained(POOLED, tmp_path, fake("always_right"))
    assert (found["explanation"], found["explained_by"], found["divergences"]) == ("", [], [])


def test_an_explanation_does_not_change_the_verdict(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(GRU, tmp_path), mistaken("GRU", "no_bias"))
    assert record["outcome"] == "differ"
    assert record["lanes"]["wrong"]["findings"]


def test_a_mistake_that_this_case_cannot_see_explains_nothing(tmp_path: Path) -> None:
    unmasked = POOLED.replace(", mask_zero: true", "")
    found = explained(unmasked, tmp_path, fake("always_wrong"))
    assert found["explained_by"] == [], "ignores_mask gives the reference's own answer here"


FAR_OUT = """
    schema_version: 1
    topic: shares of numbers far from 0
    dims: {batch: 2}
    source: {kind: hand}
    cases:
      - id: shares
        question: Which shares?
        inputs: {x: {shape: [batch, 1], fill: {uniform: [700, 900]}}}
        layers:
          five: {type: RepeatVector, n: 5}
          softmax: {type: Softmax, axis: [1, 2]}
        graph:
          y: softmax(five(x))
        no_gradients: equal numbers have no slope together
"""


def test_a_mistake_that_allows_itself_more_than_the_right_answer_is_told_by_what_that_allows(tmp_path: Path) -> None:
    """The rounding of a logarithm falls otherwise for numbers that are moved, by as much as the mistake does."""
    found = explained(FAR_OUT, tmp_path, mistaken("Softmax", "rounds_the_logarithm"))
    assert found["verdict"] == "differ"
    assert found["explained_by"] == ["Softmax.rounds_the_logarithm"]


def test_what_is_not_its_answer_is_not_told_by_a_mistake_that_allows_much(tmp_path: Path) -> None:
    found = explained(FAR_OUT, tmp_path, fake("off_by_a_thousandth"))
    assert "Softmax.rounds_the_logarithm" not in found["explained_by"]


NORMALISED = """
    schema_version: 1
    topic: a normalisation
    dims: {batch: 2, steps: 5, features: 4}
    source: {kind: hand}
    cases:
      - id: one
        question: Which epsilon?
        inputs: {x: {shape: [batch, steps, features]}}
        layers:
          norm: {type: GroupNormalization, groups: 2, epsilon: EPSILON}
          first: {type: Dense, units: 4, activation: tanh}
          last: {type: Dense, units: 3}
        graph:
          y: norm(x)
          z: last(first(x))
"""


def with_argument(right: str, wrong: str, folder: Path) -> dict[str, Any]:
    """A lane that answers the question with other arguments, explained to the one who asked it with the right ones."""
    (case,) = cases_of(right, folder / "right")
    (other,) = cases_of(wrong, folder / "wrong")
    reference = from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))
    drawn = {name: layer.weights for name, layer in plan_of(case).layers.items()}
    plan = plan_of(other)
    layers = {name: replace(layer, weights=drawn[name]) for name, layer in plan.layers.items()}
    asked = replace(plan, layers=layers, runs=plan_of(case).runs)
    got = replace(from_message("lane", "keras", Reference({}).observe(asked)), gradients={})
    both = {"numpy": reference, "lane": got}
    found = explanations(case, plan_of(case), judge_case(case, both, {}), both, {})["lane"]
    return {"sentence": sentence(found), "mutants": found.mutants}


def test_where_no_mistake_fits_another_argument_may(tmp_path: Path) -> None:
    right = NORMALISED.replace("EPSILON", "0.5")
    found = with_argument(right, NORMALISED.replace("EPSILON", "0.25"), tmp_path)
    assert found["sentence"] == (
        "lane's answer is consistent with that of one who takes epsilon=0.25 (GroupNormalization). It starts at y."
    )
    assert found["mutants"] == ("GroupNormalization.epsilon=0.25",)


def test_an_argument_of_some_layers_only_is_said_to_be_that(tmp_path: Path) -> None:
    right = NORMALISED.replace("EPSILON", "0.5")
    found = with_argument(right, right.replace("tanh", "sigmoid"), tmp_path)
    assert found["sentence"] == (
        "lane's answer is consistent with that of one who takes activation=sigmoid where activation is given (Dense). "
        "It starts at z."
    )


def test_a_number_that_nobody_takes_is_no_argument(tmp_path: Path) -> None:
    right = NORMALISED.replace("EPSILON", "0.5")
    found = with_argument(right, NORMALISED.replace("EPSILON", "0.37"), tmp_path)
    assert found["mutants"] == ()


def of_the_last_bias(folder: Path, ended: Ended) -> tuple[Explanation, Explanation]:
    """What is said of a lane that forgets the bias of one of two layers: asked again, to end so, and not asked."""
    text = NORMALISED.replace("EPSILON", "0.5")
    (case,) = cases_of(text.replace("z: last(first(x))", "hidden: first(x)\n          z: last(hidden)"), folder)
    plan = plan_of(case)
    reference = from_message("numpy", "numpy", Reference({}).observe(plan))

    def without_the_last_bias(layer: Any) -> Any:
        is_last = getattr(layer, "units", None) == 3
        return with_mistake(layer, kind=Dense, mutant=mutants_of(Dense)["no_bias"]) if is_last else layer

    def answers(plans: Sequence[Any]) -> list[Observation]:
        return [replace(answer(one, Depth.VALUES, without_the_last_bias), lane="lane", ended=ended) for one in plans]

    both = {"numpy": reference, "lane": replace(answers([plan])[0], ended="finished")}
    verdict = judge_case(case, both, {})
    asked = explanations(case, plan_of(case), verdict, both, {}, lambda lane: answers)
    return asked["lane"], explanations(case, plan_of(case), verdict, both, {})["lane"]


UNKNOWN = "No known mistake and no simple change gives lane's answer."


def test_a_mistake_in_one_layer_of_two_is_named_at_its_node(tmp_path: Path) -> None:
    """The other layer of the same kind has its bias, so that nobody who forgets biases answers as this lane does."""
    asked, unasked = of_the_last_bias(tmp_path, "finished")
    assert sentence(asked) == (
        "lane answers at z as one who forgets the bias (Dense.no_bias). "
        "It starts at z; what goes into it (hidden) agrees."
    )
    assert asked.mutants == ("Dense.no_bias",)
    assert sentence(unasked).startswith(UNKNOWN)


def test_a_node_at_which_a_lane_crashes_when_it_is_asked_again_is_not_explained_by_itself(tmp_path: Path) -> None:
    asked, _ = of_the_last_bias(tmp_path, "crash")
    assert sentence(asked).startswith(UNKNOWN)


def test_a_node_that_the_reference_cannot_compute_by_itself_is_not_explained_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain, "answered", lambda *_, **__: None)
    asked, _ = of_the_last_bias(tmp_path, "finished")
    assert sentence(asked).startswith(UNKNOWN)


def test_an_output_that_one_of_two_lacks_has_no_mask_to_compare(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference = from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))
    embedded = reference.runs[0]["embedded"]
    longer = replace(embedded, outputs=(*embedded.outputs, *reference.runs[0]["pooled"].outputs))
    unmasked = replace(embedded, outputs=(replace(embedded.outputs[0], mask=None),))

    def with_node(node: Any) -> Observation:
        return replace(reference, runs=({**reference.runs[0], "embedded": node},))

    assert _same_masks(with_node(longer), reference)
    assert not _same_masks(with_node(unmasked), reference)
    assert _same_masks(replace(reference, runs=()), reference), "nor has a run that did not come"


def test_an_argument_that_breaks_a_layer_explains_nothing_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Mutant("width=1", "takes an argument that there is not", config=lambda layer: {"width": 1})
    monkeypatch.setattr(explain, "other_ones", lambda case: [("Dense", broken)])
    found = explained(NORMALISED.replace("EPSILON", "0.5"), tmp_path, fake("gives_nan"))
    assert found["explanation"].startswith("No known mistake")
