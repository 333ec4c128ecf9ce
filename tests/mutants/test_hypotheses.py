"""A cause is said only if it also gives the lane's answer to another draw; what nobody can be asked about is likely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.diagnose.cause import Explanation
from conformance.diagnose.divergence import Divergence
from conformance.diagnose.explain import explanations
from conformance.diagnose.words import sentence
from conformance.judge.case import judge_case
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.formats import FORMATS, rounded
from conformance.protocol.observation import Array, Observation
from tests.builders import cases_of

DENSE = """
    schema_version: 1
    topic: a dense layer
    source: {kind: hand}
    cases:
      - id: plain
        question: What is given?
        inputs: {x: {shape: [6, 5]}}
        layers: {dense: {type: Dense, units: 4}}
        graph: {y: dense(x)}
"""
Changed = Callable[[Array, bool], Array]
"""From the reference's `y`, and whether this is another draw, to what a lane gives."""


def explained(
    changed: Changed, folder: Path, can_be_asked: bool = True, dtype: str = "float32", text: str = DENSE
) -> Explanation:
    """What is said of a lane that gives the reference's answer changed so."""
    (case,) = cases_of(text, folder)
    plan = plan_of(case)
    reference = answer(plan)

    def answers(plans: Sequence[Any]) -> list[Observation]:
        return [given(answer(one, Depth.VALUES), one.id.endswith("another draw")) for one in plans]

    def given(found: Observation, is_another: bool) -> Observation:
        node = found.runs[0]["y"]
        values = changed(node.outputs[0].values, is_another).astype(np.float32)
        other = replace(node, outputs=(replace(node.outputs[0], values=values, dtype=dtype),))
        return replace(found, lane="lane", adapter="keras", runs=({**found.runs[0], "y": other},), gradients={})

    both = {"numpy": reference, "lane": answers([plan])[0]}
    asks = (lambda lane: answers) if can_be_asked else None
    return explanations(case, plan, judge_case(case, both, {}), both, {}, asks)["lane"]


def test_a_change_that_holds_on_another_draw_is_the_cause(tmp_path: Path) -> None:
    said = explained(lambda y, _: 2.0 * y, tmp_path)
    assert (said.kind, said.change, said.is_confirmed) == ("change", "times 2", True)
    assert sentence(said).startswith("lane's answer is the reference's times 2.")


def test_one_that_does_not_is_none(tmp_path: Path) -> None:
    said = explained(lambda y, is_another: y + 1.0 if is_another else 2.0 * y, tmp_path)
    assert (said.kind, said.change) == ("unknown", "")


def test_of_a_lane_that_cannot_be_asked_again_the_cause_is_likely_only(tmp_path: Path) -> None:
    said = explained(lambda y, _: 2.0 * y, tmp_path, can_be_asked=False)
    assert (said.change, said.is_confirmed) == ("times 2", False)
    assert sentence(said).startswith("lane's answer is consistent with the reference's times 2.")


@pytest.mark.parametrize("format", ["float16", "bfloat16"])
def test_what_is_rounded_to_sixteen_bits_is_within_a_few_of_their_units(format: str, tmp_path: Path) -> None:
    said = explained(lambda y, _: rounded(y, FORMATS[format]), tmp_path)
    assert said.change == f"rounded as {format} rounds"


@pytest.mark.parametrize("size", [1e-1, 1e-5])
def test_noise_of_another_size_is_not_rounded_to_them(size: float, tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    said = explained(lambda y, _: y * (1.0 + size * generator.normal(size=y.shape)), tmp_path)
    assert said.kind == "unknown", said.change


def test_where_a_dtype_decides_no_change_of_values_is_sought(tmp_path: Path) -> None:
    said = explained(lambda y, _: 2.0 * y, tmp_path, dtype="float16")
    assert (said.kind, said.change) == ("unknown", "")


def test_a_few_numbers_that_nobody_can_be_asked_about_again_have_no_cause(tmp_path: Path) -> None:
    few = DENSE.replace("[6, 5]", "[1, 5]")
    assert explained(lambda y, _: 2.0 * y, tmp_path, can_be_asked=False, text=few).kind == "unknown"
    assert explained(lambda y, _: 2.0 * y, tmp_path, text=few).change == "times 2", "asked again it is one"


def test_what_is_not_judged_is_not_said_to_agree() -> None:
    start = Divergence("total", ("x", "y", "z"), None)
    said = Explanation("lane", "unknown", divergences=(start,), inputs=("x",), not_judged=("y",))
    assert sentence(said).endswith(
        "It starts at total; what goes into it (z) agrees; what goes into it (y) is not judged."
    )


OFFSET = """
    schema_version: 1
    topic: a normalisation of numbers that are much larger than their differences
    source: {kind: hand}
    cases:
      - id: plain
        question: What is given?
        inputs: {x: {shape: [6, 5], fill: {normal: {mean: 300, std: 1}}}}
        layers: {norm: {type: LayerNormalization}}
        graph: {y: norm(x)}
"""


def test_errors_as_large_as_the_answer_are_not_those_of_rounding(tmp_path: Path) -> None:
    """Rounding to 16 bits would leave nothing of this answer: then any other answer looks like a rounded one."""
    generator = np.random.default_rng(7)
    said = explained(lambda y, _: y + generator.normal(size=y.shape), tmp_path, text=OFFSET)
    assert (said.kind, said.change) == ("unknown", "")


def test_zeros_are_the_answer_times_zero_and_not_rounded_down(tmp_path: Path) -> None:
    """Numbers between 0 and 1 rounded down are zeros in every draw, which says nothing of rounding."""
    one = DENSE.replace("graph: {y: dense(x)}", "graph: {z: dense(x), y: mean(abs(z)) / 100}")
    assert explained(lambda y, _: 0.0 * y, tmp_path, text=one).change == "times 0"


SHARED = DENSE.replace("[6, 5]", "[90, 5]").replace("units: 4", "units: 4, use_bias: false")


def test_a_weight_that_is_rounded_once_is_in_all_that_it_is_used_for(tmp_path: Path) -> None:
    """360 numbers of 20 rounded weights: their errors go with the values more than those of 360 roundings would."""
    (case,) = cases_of(SHARED, tmp_path)
    plan = plan_of(case)
    kernel, x = plan.layers["dense"].weights["kernel"], plan.runs[0]["x"]
    error = rounded(kernel, FORMATS["bfloat16"]) - kernel

    def change(seed: int) -> str:
        mixed = np.random.default_rng(seed).permutation(error.ravel()).reshape(error.shape)
        return explained(lambda y, _: y + x @ mixed, tmp_path, can_be_asked=False, text=SHARED).change

    assert {change(seed) for seed in range(5)} == {"rounded as bfloat16 rounds"}
