"""The reference under dtype policies: which dtype a node has, what rounds on its way, what stays exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from conformance.lanes.numpy import Reference
from conformance.oracle.arrays import make_layers
from conformance.oracle.policies import precisions, walked
from conformance.plans.draw import plan_of
from conformance.protocol.formats import POLICIES
from conformance.protocol.wire import unpack
from tests.builders import cases_of

CASE = """
    schema_version: 1
    topic: dtypes on the way
    dims: {batch: 2, features: 3, units: 5}
    source: {kind: hand}
    cases:
      - id: ways
        question: Which dtype has each?
        inputs:
          x: {shape: [batch, features]}
          y: {shape: [batch, units]}
          ids: {shape: [batch], dtype: int32, fill: {values: [0, 2]}}
        layers:
          dense: {type: Dense, units: units}
          loss: {type: MeanSquaredError, reduction: none}
        graph:
          scaled: 2.0 * x
          hidden: dense(x)
          sum: hidden + y
          back: cast(hidden, "float32")
          coded: one_hot(ids, 4)
          bigger: greater(hidden, y)
          wrong: loss(y, hidden)
          of_integers: mean(ids)
          kernel: dense.kernel
"""


def ways_in(folder: Path, policy: str) -> dict[str, list[str]]:
    plan = plan_of(cases_of(CASE, folder)[0])
    return precisions(walked(plan, make_layers(plan), POLICIES[policy]), POLICIES[policy])


def test_layers_give_the_compute_dtype_and_operations_promote(tmp_path: Path) -> None:
    assert ways_in(tmp_path, "mixed_bfloat16") == {
        "scaled": ["float32", "float32"],
        "hidden": ["bfloat16", "bfloat16"],
        "sum": ["float32", "bfloat16"],
        "back": ["float32", "bfloat16"],
        "coded": ["float32", "float32"],
        "bigger": ["float32", "float32"],
        "wrong": ["float32", "bfloat16"],
        "of_integers": ["float32", "float32"],
        "kernel": ["float32", "float32"],
    }


def test_float64_is_everywhere_but_where_the_case_casts(tmp_path: Path) -> None:
    found = ways_in(tmp_path, "float64")
    assert found.pop("back") == ["float32", "float32"]
    assert set(map(tuple, found.values())) == {("float64", "float64")}


TRAINED = """
    schema_version: 1
    topic: dtypes of trained weights
    dims: {batch: 2, features: 3}
    source: {kind: hand}
    cases:
      - id: trained
        question: Which dtype has a weight after a step?
        inputs: {x: {shape: [batch, features]}}
        layers: {dense: {type: Dense, units: 1, use_bias: false}}
        graph: {loss: mean(dense(x))}
        training: {optimizer: {type: SGD}, loss: loss, steps: 2}
"""


def test_a_trained_weight_keeps_its_dtype_after_every_step(tmp_path: Path) -> None:
    plan = plan_of(cases_of(TRAINED, tmp_path)[0], policies=("float64", "mixed_bfloat16"))
    found = Reference({}).observe(plan)["policies"]
    labels = ("dense.kernel@1", "dense.kernel@2")
    assert {label: found["float64"]["precisions"][label] for label in labels} == dict.fromkeys(labels, ["float64"] * 2)
    assert found["mixed_bfloat16"]["precisions"][labels[1]] == ["float32", "bfloat16"]


WHOLE = """
    schema_version: 1
    topic: whole numbers
    dims: {batch: 2, features: 3}
    source: {kind: hand}
    cases:
      - id: whole
        draw: integers
        question: What is exact?
        inputs:
          x: {shape: [batch, features], fill: {integers: [-4, 5]}}
          z: {shape: [batch, features]}
        layers:
          narrow: {type: Dense, units: 2}
          flat: {type: Flatten}
        graph:
          small: narrow(x)
          larger: narrow(40 * x)
          moved: flat(z)
          scaled: flat(0.5 * z)
"""


def test_exact_are_small_whole_numbers_and_what_only_moves(tmp_path: Path) -> None:
    plan = plan_of(cases_of(WHOLE, tmp_path)[0], policies=("mixed_bfloat16", "mixed_float16", "float64"))
    found = Reference({}).observe(plan)
    # terms: 3 inputs and a bias, each at most 4 * 4; times 40 this is 2560: above 2^8 and 2^11, below 2^24
    assert sorted(found["exact"]) == ["larger", "moved", "small"]
    exact = {policy: facts["exact"] for policy, facts in found["policies"].items()}
    assert exact == {
        "mixed_bfloat16": ["moved", "small"],
        "mixed_float16": ["moved", "small"],
        "float64": ["larger", "moved", "small"],
    }


def test_data_move_by_the_unit_of_the_policy(tmp_path: Path) -> None:
    reals = WHOLE.replace("        draw: integers\n", "").replace(", fill: {integers: [-4, 5]}", "")
    plan = plan_of(cases_of(reals, tmp_path)[0], policies=("mixed_bfloat16",))
    found = Reference({}).observe(plan)
    usual = unpack(found["sensitivity"][0]["moved"][0])
    coarse = unpack(found["policies"]["mixed_bfloat16"]["sensitivity"][0]["moved"][0])
    ratio = coarse / usual  # a linear function: 2^-8 over 2^-24
    assert abs(ratio - 65536.0).max() < 0.1


def test_nothing_is_worked_out_for_policies_that_no_lane_has(tmp_path: Path) -> None:
    assert "policies" not in Reference({}).observe(plan_of(cases_of(WHOLE, tmp_path)[0]))


RANDOM = """
    schema_version: 1
    topic: a draw
    dims: {batch: 4, features: 6}
    source: {kind: hand}
    cases:
      - id: drawn
        question: How far may an element move that one draw keeps and another leaves out?
        inputs:
          x: {shape: [batch, features]}
        layers:
          dropout: {type: Dropout, rate: 0.5}
        graph:
          kept: dropout(x)
          drawn: dropout(x, training=True)
        claims:
          - draws: {node: drawn, dropped: 0.5}
"""


def test_where_a_draw_decides_every_element_may_move_as_far_as_any(tmp_path: Path) -> None:
    plan = plan_of(cases_of(RANDOM, tmp_path)[0], policies=("mixed_bfloat16",))
    (moves,) = Reference({}).observe(plan)["policies"]["mixed_bfloat16"]["sensitivity"]
    assert len(np.unique(unpack(moves["drawn"][0]))) == 1
    assert len(np.unique(unpack(moves["kept"][0]))) > 1
