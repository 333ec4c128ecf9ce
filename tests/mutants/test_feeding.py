"""Every faulty node is named in one run: the reference's activations are fed in where another fault would hide it.

Also the step and the gate of a recurrent layer. The lanes are the reference with mistakes, rounded to float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.diagnose.feeding import answered, is_reproduced, isolate_node
from conformance.diagnose.gates import GATES, _Probe, _words
from conformance.judge.compare import matched_outputs
from conformance.lanes.numpy import Reference
from conformance.lanes.spec import LaneSpec
from conformance.oracle.run import Depth
from conformance.plans.derive import fed
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation, from_message
from tests.builders import cases_of, fake, plan_with, records_of

CHAIN = """
    schema_version: 1
    topic: one fault behind the other
    dims: {batch: 2, steps: 5, features: 3, units: 4}
    source: {kind: hand}
    cases:
      - id: chain
        question: Which of these is wrong?
        inputs:
          ids: {shape: [batch, steps], dtype: int32, fill: {values: [[1, 2, 0, 0, 0], [3, 4, 5, 0, 0]]}}
        layers:
          embed: {type: Embedding, input_dim: 7, output_dim: features, mask_zero: true}
          gru: {type: GRU, units: units, return_sequences: true}
          dense: {type: Dense, units: 5}
          pool: {type: GlobalAveragePooling1D}
        graph:
          embedded: embed(ids)
          sequence: gru(embedded)
          _doubled: sequence * 2.0
          scores: dense(_doubled)
          pooled: pool(sequence)
"""

LAST = """
    schema_version: 1
    topic: the last output only
    dims: {batch: 2, steps: 5, features: 3, units: 4}
    source: {kind: hand}
    cases:
      - id: last
        question: Which gate?
        inputs: {x: {shape: [batch, steps, features]}}
        layers:
          rnn: {type: %s, units: units}
        graph:
          last: rnn(x)
"""

STATEFUL = """
    schema_version: 1
    topic: a layer that remembers
    dims: {batch: 2, steps: 5, features: 3, units: 4}
    source: {kind: hand}
    cases:
      - id: twice
        question: Where does it start?
        inputs: {x: {shape: [batch, steps, features]}}
        layers:
          gru: {type: GRU, units: units, stateful: true}
        graph:
          first: gru(x)
          second: gru(x)
"""


def mistaken(kind: str, mutant: str, *also: tuple[str, str]) -> LaneSpec:
    return LaneSpec(
        "wrong", "tests.mutants.lane", {"kind": kind, "mutant": mutant, "also": [list(one) for one in also]}
    )


def explained(text: str, folder: Path, spec: LaneSpec) -> dict[str, Any]:
    (record,) = records_of(cases_of(text, folder), spec)
    found: dict[str, Any] = record["lanes"][spec.name]
    return found


def starts(found: dict[str, Any]) -> dict[str, bool]:
    """Node to whether it showed only when the reference's activations were given."""
    return {one["node"]: one["is_fed"] for one in found["divergences"]}


def test_two_faults_in_one_chain_are_both_named_and_both_explained(tmp_path: Path) -> None:
    found = explained(CHAIN, tmp_path, mistaken("GRU", "gates_rzh", ("Dense", "no_bias")))
    assert starts(found) == {"sequence": False, "scores": True}
    assert set(found["explained_by"]) == {"GRU.gates_rzh", "Dense.no_bias"}
    assert found["explanation"] == (
        "wrong answers at sequence as one who stacks the gates as torch does: r, z, n (GRU.gates_rzh), "
        "and at scores as one who forgets the bias (Dense.no_bias). "
        "It starts at sequence, step 0, in the update gate and reset gate; what goes into it (embedded) agrees. "
        "Given the reference's activations instead of its own, it differs at scores too."
    )


def test_three_faults_behind_one_another_are_all_named(tmp_path: Path) -> None:
    spec = mistaken("GRU", "no_bias", ("Dense", "no_bias"), ("GlobalAveragePooling1D", "ignores_mask"))
    assert starts(explained(CHAIN, tmp_path, spec)) == {"sequence": False, "scores": True, "pooled": True}


def test_what_only_follows_from_a_fault_is_not_named(tmp_path: Path) -> None:
    found = explained(CHAIN, tmp_path, mistaken("GRU", "gates_rzh"))
    assert found["aspects"]["values"] == "differ"
    assert starts(found) == {"sequence": False}
    assert found["explained_by"] == ["GRU.gates_rzh"]


def test_a_fault_in_the_mask_does_not_hide_the_next_one(tmp_path: Path) -> None:
    spec = mistaken("Embedding", "inverted_mask", ("GlobalAveragePooling1D", "ignores_mask"))
    assert starts(explained(CHAIN, tmp_path, spec)) == {"embedded": False, "pooled": True}


def test_where_a_call_has_a_memory_nothing_is_fed(tmp_path: Path) -> None:
    """Without the first call the second starts from zeros: the reference does not give what it gave before."""
    found = explained(STATEFUL, tmp_path, mistaken("GRU", "no_bias"))
    assert starts(found) == {"first": False, "second": False}


@pytest.mark.parametrize(
    ("kind", "mutant", "step", "gate"),
    [
        ("GRU", "update_inverted", 0, "update gate"),
        ("GRU", "reset_swapped", 0, "reset gate"),
        ("GRU", "gates_rzh", 0, "update gate and reset gate"),
        ("GRU", "no_bias", 0, ""),
        ("LSTM", "forget_bias_added", 1, "forget gate"),
        ("LSTM", "gates_ifoc", 0, "candidate and output gate"),
        ("LSTM", "gates_icfo", 0, "forget gate and candidate"),
        ("LSTM", "hard_sigmoid", 0, "input gate and forget gate and output gate"),
        ("LSTM", "recurrent_kernel_transposed", 1, ""),
        ("SimpleRNN", "recurrent_kernel_transposed", 1, ""),
    ],
)
def test_step_and_gate_are_named_though_the_last_output_is_all_that_is_seen(
    kind: str, mutant: str, step: int, gate: str, tmp_path: Path
) -> None:
    (start,) = explained(LAST % kind, tmp_path, mistaken(kind, mutant))["divergences"]
    assert (start["node"], start["step"], start["gate"]) == ("last", step, gate)


def test_a_wrapped_layer_is_pinned_too(tmp_path: Path) -> None:
    text = (LAST % "Bidirectional").replace("units: units}", "layer: {type: LSTM, units: units}}")
    (start,) = explained(text, tmp_path, mistaken("LSTM", "forget_bias_added"))["divergences"]
    assert start["gate"] == "forget gate"


def test_without_biases_a_gate_is_still_held_at_its_middle(tmp_path: Path) -> None:
    text = (LAST % "GRU").replace("units: units}", "units: units, use_bias: false}")
    (start,) = explained(text, tmp_path, mistaken("GRU", "update_inverted"))["divergences"]
    assert (start["step"], start["gate"]) == (0, "update gate")


def test_a_lane_that_cannot_answer_again_is_still_explained(tmp_path: Path) -> None:
    found = explained(CHAIN, tmp_path, fake("always_wrong"))
    assert found["explanation"].startswith("always_wrong's answer is the reference's plus 1.")


def reference_of(text: str, folder: Path) -> tuple[Any, Any, Observation]:
    (case,) = cases_of(text, folder)
    plan = plan_of(case)
    return case, plan, from_message("numpy", "numpy", Reference({}).observe(plan))


def test_a_fed_plan_holds_what_the_reference_has_with_its_mask(tmp_path: Path) -> None:
    _, plan, reference = reference_of(CHAIN, tmp_path)
    derived = fed(plan, reference, ["embedded"])
    assert dict(derived.graph)["embedded"] == "__given(embedded__0, embedded__0_mask)"
    (run,) = derived.runs
    (output,) = reference.runs[0]["embedded"].outputs
    assert run["embedded__0"].tolist() == output.values.astype("float32").tolist()
    assert run["embedded__0_mask"].tolist() == [[True, True, False, False, False], [True] * 3 + [False] * 2]
    assert derived.observed == ("sequence", "scores", "pooled")
    again = from_message("numpy", "numpy", Reference({}).observe(derived))
    assert again.failure is None
    assert abs(again.runs[0]["pooled"].outputs[0].values - reference.runs[0]["pooled"].outputs[0].values).max() < 1e-6


def test_a_node_alone_keeps_only_what_it_needs(tmp_path: Path) -> None:
    case, plan, reference = reference_of(CHAIN, tmp_path)
    derived = isolate_node(case, plan, reference, "scores")
    assert [name for name, _ in derived.graph] == ["sequence", "_doubled", "scores"]
    assert list(derived.layers) == ["dense"]
    assert set(derived.inputs) == {"sequence__0", "sequence__0_mask"}


def moved(case: Any, reference: Observation, node: str, share: float) -> Observation:
    """The reference's observation with the first element of one node off by this share of its budget."""
    items = [item for item in matched_outputs(reference, reference, reference, case.demands, 1.0) if item.label == node]
    (item,) = items
    values = np.array(item.wanted.values)
    values.flat[0] += share * item.allowed.allowed.flat[0]
    whole = reference.runs[0][node]
    off = replace(whole, outputs=(replace(whole.outputs[0], values=values),))
    return replace(reference, runs=({**reference.runs[0], node: off},))


@pytest.mark.parametrize(("share", "is_it"), [(0.0, True), (0.5, True), (1.5, False)])
def test_a_plan_is_reproduced_within_the_budget_and_not_beyond(share: float, is_it: bool, tmp_path: Path) -> None:
    case, plan, reference = reference_of(CHAIN, tmp_path)
    assert is_reproduced(case, plan, moved(case, reference, "pooled", share)) == is_it


def test_an_answer_is_held_to_the_budget_of_what_was_asked(tmp_path: Path) -> None:
    """0.9 of a budget, most of which is what the rounding of inputs and weights moves."""
    case, plan, reference = reference_of(CHAIN, tmp_path)
    base = isolate_node(case, plan, reference, "sequence")
    known = answered(base, Depth.SENSITIVITIES)
    assert known is not None

    def probe(share: float) -> _Probe:
        return _Probe(case, reference, True, lambda plans: [moved(case, known, "sequence", share) for _ in plans])

    assert probe(0.9).is_answer_to(base, [base, None]) == [True, False]
    assert probe(1.1).is_answer_to(base, [base]) == [False]


class Agreeing:
    """A lane that differs, and that agrees as soon as any gate is pinned."""

    def wrong_in(self, plans: Sequence[Any]) -> list[list[Any] | None]:
        return [["differs"]] if len(plans) == 1 else [[] for _ in plans]


def test_a_fault_that_any_pin_hides_is_in_no_gate_more_than_in_another() -> None:
    words = _words(plan_with(), GATES[3], Agreeing())
    assert words == "update gate or reset gate or candidate"
    assert _words(plan_with(), GATES[3][1:], Agreeing()) == "reset gate"


def test_the_gates_are_those_of_the_reference_in_their_order() -> None:
    """Keras documents z, r, h for GRU and i, f, c, o for LSTM."""
    assert [name[0] for name in GATES[3]] == ["u", "r", "c"]
    assert [name[0] for name in GATES[4]] == ["i", "f", "c", "o"]
