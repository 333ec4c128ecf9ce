"""Weights after steps of training are judged in the aspect `weights`, and the optimiser's mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.lanes.spec import LaneSpec
from tests.builders import cases_of, records_of
from tests.mutants.asked import finding_text, judge_again

NETWORK = """
    schema_version: 1
    topic: a small network
    dims: {batch: 4, features: 3, units: 2}
    source: {kind: hand}
    cases:
      - id: trained
        question: Does it learn?
        inputs: {x: {shape: [batch, features]}, y: {shape: [batch, units]}}
        layers:
          dense: {type: Dense, units: units}
          mse: {type: MeanSquaredError}
        graph:
          loss: mse(y, dense(x))
        training: {optimizer: OPTIMIZER, loss: loss, steps: 3}
"""
MOMENTUM = "{type: SGD, learning_rate: 0.1, momentum: 0.9, weight_decay: 0.1}"
ADAM = "{type: Adam, learning_rate: 0.1, epsilon: 0.01}"


def trained(optimizer: str, folder: Path, kind: str, mutant: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The record of the network, and the part of a lane that makes a mistake."""
    spec = LaneSpec("wrong", "tests.mutants.lane", {"kind": kind, "mutant": mutant, **more})
    (record,) = records_of(cases_of(NETWORK.replace("OPTIMIZER", optimizer), folder), spec)
    return record, record["lanes"]["wrong"]


@pytest.mark.parametrize(
    ("optimizer", "mutant", "step"),
    [
        (MOMENTUM, "SGD.forgets", 2),
        (MOMENTUM, "SGD.looks_ahead", 1),
        (MOMENTUM, "SGD.coupled_decay", 2),
        (ADAM, "Adam.uncorrected", 1),
        (ADAM, "Adam.epsilon_of_torch", 1),
        (ADAM, "Adam.swaps_betas", 1),
    ],
)
def test_the_mistake_is_named_with_the_step_at_which_it_starts(
    optimizer: str, mutant: str, step: int, tmp_path: Path
) -> None:
    _, found = trained(optimizer, tmp_path, *mutant.split("."))
    assert found["verdict"] == "differ"
    assert found["explained_by"] == [mutant]
    assert {start["node"] for start in found["divergences"]} == {f"dense.kernel@{step}", f"dense.bias@{step}"}


def test_it_is_the_weights_that_differ_and_nothing_before_them(tmp_path: Path) -> None:
    record, found = trained(MOMENTUM, tmp_path, "SGD", "forgets")
    strip = found["aspects"]
    assert (strip["values"], strip["weights"], strip["params"]) == ("agree", "differ", "-")
    first = found["findings"][0]
    assert (first["aspect"], first["kind"], first["node"]) == ("weights", "values", "dense.kernel@2")
    assert finding_text(record, "wrong", first).startswith(
        "weights of dense.kernel@2: wrong has 6 of 6 elements over the budget around the reference, worst at "
    )


def test_a_loss_that_is_wrong_already_is_the_first_cause(tmp_path: Path) -> None:
    _, found = trained(MOMENTUM, tmp_path, "MeanSquaredError", "halved")
    assert found["findings"][0]["aspect"] == "values"
    assert found["explained_by"] == ["MeanSquaredError.halved"]
    assert [start["node"] for start in found["divergences"]] == ["loss"]


def test_a_mistake_that_changes_no_weight_is_no_difference(tmp_path: Path) -> None:
    _, found = trained(MOMENTUM, tmp_path, "SGD", "rate_outside")
    assert found["verdict"] == "agree"
    assert found["aspects"]["weights"] == "agree"


def test_a_stored_run_is_judged_again_by_its_weights_too(tmp_path: Path) -> None:
    record, _ = trained(ADAM, tmp_path, "Adam", "epsilon_of_torch")
    (change,) = [one for one in judge_again([record], 1e9).changes if one.lane == "wrong"]
    assert (change.was, change.now) == ("differ", "agree")


def test_where_it_starts_is_said_even_if_no_mistake_is_known_that_explains_it(tmp_path: Path) -> None:
    _, found = trained(ADAM, tmp_path, "Adam", "no_decay", arguments={"beta_1": 0.4, "learning_rate": 0.3})
    assert found["explained_by"] == []
    assert found["explanation"] == (
        "No known mistake and no simple change gives wrong's answer. "
        "It starts at dense.kernel@1, and independently at dense.bias@1."
    )
