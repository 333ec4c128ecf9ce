"""Another seed draws every array of a case anew; seed 0 is what the gate has always drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.arrays import draw_inputs, draw_normal
from conformance.case.model import Saved
from conformance.plans.draw import plan_of
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: draws
    dims: {batch: 4, features: 7}
    source: {kind: hand}
    cases:
      - id: drawn
        question: What is drawn?
        inputs:
          x: {shape: [batch, features]}
          stated: {shape: [2, 1], fill: {values: [[1.0], [2.0]]}}
        layers:
          dense: {type: Dense, units: 5}
          ones: {type: Dense, units: 1, kernel_initializer: ones}
        graph:
          y: dense(x)
          z: ones(stated)
"""


def arrays_of(folder: Path, seed: int) -> dict[str, Any]:
    (case,) = cases_of(TEXT, folder)
    plan = plan_of(case.at_seed(seed))
    arrays: dict[str, Any] = dict(plan.runs[0])
    arrays |= {f"{n}.{k}": v for n, layer in plan.layers.items() for k, v in layer.weights.items()}
    arrays |= {f"cotangent {node}": items[0] for node, items in plan.cotangents.items()}
    return arrays


def test_seed_0_is_the_case_itself(tmp_path: Path) -> None:
    (case,) = cases_of(TEXT, tmp_path)
    assert case.at_seed(0) is case
    assert np.array_equal(draw_inputs(case, 0)["x"], draw_normal("fam/topic.drawn|input|x|0", (4, 7)))


def test_another_seed_draws_all_but_what_the_case_states(tmp_path: Path) -> None:
    first, second = arrays_of(tmp_path, 0), arrays_of(tmp_path, 7)
    changed = {name for name in first if not np.array_equal(first[name], second[name])}
    assert changed == {"x", "dense.kernel", "dense.bias", "ones.bias", "cotangent y", "cotangent z"}


@pytest.mark.parametrize("seed", [7, -1])
def test_a_seed_draws_the_same_every_time(tmp_path: Path, seed: int) -> None:
    first, second = arrays_of(tmp_path, seed), arrays_of(tmp_path, seed)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_results_of_two_seeds_are_not_compared_as_if_their_data_were_the_same(tmp_path: Path) -> None:
    (case,) = cases_of(TEXT, tmp_path)
    digests = {case.at_seed(seed).digest for seed in range(5)}
    assert len(digests) == 5
    assert case.at_seed(3).id == case.id


def test_weights_that_stand_in_a_file_are_of_no_seed(tmp_path: Path) -> None:
    """Keras 3.6.0 wrote its file once, with the weights that are drawn at seed 0."""
    (case,) = cases_of(TEXT, tmp_path)
    by_another = Saved(form="keras", written_in="keras@3.6.0", path="", sha256="", kept=1.0)
    kept, own = (replace(case, saved=saved).at_seed(7) for saved in (by_another, replace(by_another, written_in="")))
    assert kept.weights_drawn_as == case.weights_drawn_as == case.id
    assert own.weights_drawn_as == own.drawn_as != case.drawn_as
    assert kept.drawn_as == own.drawn_as
    trained = replace(case, saved=replace(by_another, after=1)).at_seed(7)
    assert trained.drawn_as == trained.weights_drawn_as == case.id
