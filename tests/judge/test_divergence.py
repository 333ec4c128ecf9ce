"""A difference is listed where it starts, not where it arrives; every start is listed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from conformance.case.model import Case
from conformance.diagnose.divergence import Divergence, divergences, observed_sources
from conformance.lanes.numpy import Reference
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation, from_message
from tests.builders import cases_of

TWO_BRANCHES = """
    schema_version: 1
    topic: two branches
    dims: {batch: 2, steps: 5, features: 3}
    source: {kind: hand}
    cases:
      - id: both
        question: Where does it start?
        inputs: {x: {shape: [batch, steps, features]}}
        layers:
          rnn: {type: SimpleRNN, units: 4, return_sequences: true}
        graph:
          left: rnn(x)
          _hidden: left * 2.0
          after_left: _hidden + 1.0
          right: x * 3.0
          joined: mean(after_left, axis=2) + mean(right, axis=2)
"""


def answered(folder: Path) -> tuple[Case, Observation]:
    (case,) = cases_of(TWO_BRANCHES, folder)
    return case, from_message("numpy", "numpy", Reference({}).observe(plan_of(case, with_gradients=False)))


def changed(observation: Observation, nodes: dict[str, Callable[[Any], Any]]) -> Observation:
    """The observation as a lane's, with the arrays of these nodes changed."""

    def of(name: str, node: Any) -> Any:
        if name not in nodes:
            return node
        (output,) = node.outputs
        return dataclasses.replace(
            node, outputs=(dataclasses.replace(output, values=nodes[name](np.array(output.values))),)
        )

    runs = tuple({name: of(name, node) for name, node in run.items()} for run in observation.runs)
    return dataclasses.replace(observation, lane="lane", runs=runs)


def wrong(x: Any) -> Any:
    return x + 1.0


def wrong_from_step_3(x: Any) -> Any:
    x[1, 3:] += 1.0
    return x


def test_sources_are_seen_through_hidden_nodes(tmp_path: Path) -> None:
    case, _ = answered(tmp_path)
    assert observed_sources(case) == {
        "left": ("x",),
        "after_left": ("left",),
        "right": ("x",),
        "joined": ("after_left", "right"),
    }


def test_nothing_diverges_from_itself(tmp_path: Path) -> None:
    case, reference = answered(tmp_path)
    assert divergences(case, changed(reference, {}), reference, True) == ()


def test_what_follows_from_a_difference_is_not_listed(tmp_path: Path) -> None:
    case, reference = answered(tmp_path)
    got = changed(reference, {"after_left": wrong, "joined": wrong})
    assert divergences(case, got, reference, True) == (Divergence("after_left", ("left",)),)


def test_two_independent_starts_are_both_listed(tmp_path: Path) -> None:
    case, reference = answered(tmp_path)
    got = changed(reference, {"right": wrong, "left": wrong_from_step_3, "after_left": wrong, "joined": wrong})
    assert divergences(case, got, reference, True) == (Divergence("left", ("x",), 3), Divergence("right", ("x",)))


def test_a_step_is_named_for_sequences_of_recurrent_layers_only(tmp_path: Path) -> None:
    case, reference = answered(tmp_path)
    (found,) = divergences(case, changed(reference, {"after_left": wrong_from_step_3}), reference, True)
    assert found.step is None
