"""What changes nothing but what flows back is told from the real layer by its gradients, and named."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import autograd
import autograd.numpy as np
import numpy
import pytest

from conformance.ask.question import Options, question_of
from conformance.ask.write import case_text, load
from conformance.case.layers import types
from conformance.case.model import Case
from conformance.diagnose.backwards import gradient_mistakes
from conformance.diagnose.explain import explanations
from conformance.diagnose.words import sentence
from conformance.judge.case import judge_case
from conformance.lanes.numpy import Reference
from conformance.mutants.backwards import Leak, gradients, leaks
from conformance.mutants.layer import mutable, with_mistake
from conformance.oracle.arrays import make_layers
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation, from_message
from conformance.reference.backwards import constant, passing
from tests.builders import cases_of

LAYERS = {
    "LayerNormalization": "y: norm(x)|norm: {type: LayerNormalization}",
    "RMSNormalization": "y: norm(x)|norm: {type: RMSNormalization}",
    "GroupNormalization": "y: norm(x)|norm: {type: GroupNormalization, groups: 2}",
    "BatchNormalization": "y: norm(x, training=True)|norm: {type: BatchNormalization}",
    "Embedding": "y: embed(ids)|embed: {type: Embedding, input_dim: 5, output_dim: 3}",
    "SimpleRNN": "y: rnn(x)|rnn: {type: SimpleRNN, units: 3}",
    "GRU": "y: rnn(x)|rnn: {type: GRU, units: 3}",
    "LSTM": "y: rnn(x)|rnn: {type: LSTM, units: 3}",
    "RNN": "y: rnn(x)|rnn: {type: RNN, cell: {type: GRUCell, units: 3}}",
    "sum": "y: add([one(x), other(x)])|one: {type: Dense, units: 3}|other: {type: Dense, units: 3}|add: {type: Add}",
}


IDS = "ids: {shape: [batch, 3], dtype: int32, fill: {values: [[0, 1, 1], [4, 1, 2]]}}"


def case_of(kind: str, folder: Path) -> Case:
    if kind not in LAYERS:  # a later layer, asked as its class says
        example = types()[kind].example
        text = case_text(question_of(Options(example.layer, inputs=example.inputs)))
        return load(text.replace("result:", "y:"), None)
    graph, *layers = LAYERS[kind].split("|")
    lines = "\n".join(f"          {layer}" for layer in layers)
    text = f"""
    schema_version: 1
    topic: what flows back
    dims: {{batch: 2, steps: 4, features: 6}}
    source: {{kind: hand}}
    cases:
      - id: one
        question: Which way is cut off?
        inputs:
          {IDS if kind == "Embedding" else "x: {shape: [batch, steps, features]}"}
        layers:
{lines}
        graph:
          {graph}
"""
    (case,) = cases_of(text, folder)
    return case


def reference_of(case: Case) -> Observation:
    return from_message("numpy", "numpy", Reference({}).observe(plan_of(case)))


def lane_with(reference: Observation, made: Any) -> Observation:
    """A lane that gives the reference's values and these gradients."""
    mine = {name: replace(output, values=numpy.float32(made[name])) for name, output in reference.gradients.items()}
    return replace(reference, lane="lane", gradients=mine)


def test_a_constant_keeps_its_value_and_stops_what_flows_back() -> None:
    """d/dx of x * constant(x) at 3 is 3, not 6; with half of the gradient of x^2 it is 3 too."""
    assert autograd.grad(lambda x: x * constant(x))(3.0) == 3.0
    assert autograd.grad(lambda x: passing(x, 0.5) ** 2)(3.0) == 3.0
    assert autograd.grad(lambda x: np.sum(constant([x, x])[0] + passing(x, 2.0)))(3.0) == 2.0
    assert passing(3.0, 0.0) == 3.0


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, one.name) for kind, layer in types().items() for one in layer.backwards],
)
def test_values_stay_and_gradients_say_which_mistake_it_is(kind: str, name: str, tmp_path: Path) -> None:
    case = case_of(kind, tmp_path)
    plan = plan_of(case)
    (mutant,) = (one for one in types()[kind].backwards if one.name == name)
    rewrite = partial(with_mistake, kind=mutable()[kind], mutant=mutant)
    reference = reference_of(case)
    same = answer(plan, Depth.VALUES, rewrite).runs[0]["y"].outputs[0].values
    numpy.testing.assert_allclose(same, reference.runs[0]["y"].outputs[0].values, rtol=1e-12)
    made = gradients(plan, {key: rewrite(layer) for key, layer in make_layers(plan).items()})
    named = gradient_mistakes(case, plan_of(case), lane_with(reference, made), reference)
    assert (mutant.mistake, f"{kind}.{name}") in named


def test_without_a_mistake_the_gradients_are_the_references(tmp_path: Path) -> None:
    case = case_of("GRU", tmp_path)
    reference = reference_of(case)
    made = gradients(plan_of(case))
    for name, output in reference.gradients.items():
        numpy.testing.assert_allclose(made[name], output.values, rtol=1e-12, atol=1e-15)
    assert gradient_mistakes(case, plan_of(case), lane_with(reference, made), reference) == []


def test_by_hand_a_row_is_shared_by_how_often_its_id_occurs(tmp_path: Path) -> None:
    """Ids 0, 1, 1 and 4, 1, 2: id 1 occurs three times, and its row gets a third of its gradient; row 3 gets none."""
    case = case_of("Embedding", tmp_path)
    plan = plan_of(case)
    (mutant,) = (one for one in types()["Embedding"].backwards if one.name == "shared_by_occurrence")
    rewrite = partial(with_mistake, kind=mutable()["Embedding"], mutant=mutant)
    made = gradients(plan, {key: rewrite(layer) for key, layer in make_layers(plan).items()})["embed.embeddings"]
    right = gradients(plan)["embed.embeddings"]
    numpy.testing.assert_allclose(made[1], right[1] / 3.0, rtol=1e-12)
    numpy.testing.assert_allclose(made[[0, 2, 4]], right[[0, 2, 4]], rtol=1e-12)
    assert not made[3].any()


def test_every_place_of_the_graph_is_tried_and_named(tmp_path: Path) -> None:
    case = case_of("sum", tmp_path)
    plan = plan_of(case)
    cut_off = [(leak.layer, leak.place) for leak in leaks(plan) if leak.share == 0.0]
    assert cut_off == [("one", None), ("other", None), ("add", 0), ("add", 1), ("add", None)]
    reference = reference_of(case)
    cut = lane_with(reference, gradients(plan, leak=Leak("y", "add", 1, 0.0)))
    both = {"numpy": reference, "lane": cut}
    found = explanations(case, plan_of(case), judge_case(case, both, {}), both, {})["lane"]
    assert sentence(found) == (
        "Only gradients differ: lane's answer is consistent with that of one who lets no gradient "
        "through to other at y, or as one who lets no gradient through to input 1 of add, at y."
    )
    assert Leak("y", "add", None, 2.0).mistake == "counts the gradient of add at y twice"
    assert Leak("y", "add", 0, 0.5).mistake == "counts the gradient of input 0 of add by half, at y"


def test_gradients_of_nobody_are_not_named(tmp_path: Path) -> None:
    case = case_of("sum", tmp_path)
    reference = reference_of(case)
    random = numpy.random.default_rng(3)
    made = {name: random.normal(size=output.shape) for name, output in reference.gradients.items()}
    assert gradient_mistakes(case, plan_of(case), lane_with(reference, made), reference) == []
    assert gradient_mistakes(case, plan_of(case), replace(reference, lane="lane", gradients={}), reference) == []
