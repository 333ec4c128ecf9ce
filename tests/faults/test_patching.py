"""Faults are in the framework while they are applied, and gone afterwards; a live one is found and named."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.builders import cases_of
from tests.faults import patching
from tests.faults.campaign import Campaign, Outcome, is_good, page
from tests.faults.lane import SETS, held_out_faults, known_faults
from tests.faults.patching import Fault, Rewrite, Wrap

HERE = "tests.faults.test_patching"


class Base:
    """Something that `super()` finds."""

    def of(self, x: float) -> float:
        return x


class Doubler(Base):
    """Twice a number."""

    def of(self, x: float) -> float:
        return 2.0 * super().of(x)


def half(x: float) -> float:
    return x / 2.0


def test_a_rewrite_lasts_as_long_as_it_is_applied_and_knows_super() -> None:
    with Rewrite(f"{HERE}:Doubler.of", "2.0 *", "3.0 *").applied():
        assert Doubler().of(5.0) == 15.0
    assert Doubler().of(5.0) == 10.0


def test_a_rewrite_of_text_that_is_not_there_says_so() -> None:
    rewrite = Rewrite(f"{HERE}:Doubler.of", "4.0 *", "3.0 *")
    with pytest.raises(ValueError, match=r"Doubler.of has no '4.0 \*'"), rewrite.applied():
        pass


def test_a_wrap_reaches_those_who_kept_the_function_before() -> None:
    wrap = Wrap(f"{HERE}:half", lambda real, x: -real(x))
    wrap.lay()
    kept = half
    with wrap.applied():
        assert kept(4.0) == -2.0
    assert kept(4.0) == 2.0


def test_a_fault_of_several_patches_is_undone_though_one_fails() -> None:
    fault = Fault(
        "both",
        (),
        (Rewrite(f"{HERE}:Doubler.of", "2.0 *", "3.0 *"), Rewrite(f"{HERE}:Base.of", "no such text", "")),
    )
    with pytest.raises(ValueError, match="no such text"), fault.applied():
        pass
    assert Doubler().of(5.0) == 10.0


@pytest.mark.parametrize("framework", ["keras", "torch"])
def test_names_of_faults_are_unique_and_there_are_enough(framework: str) -> None:
    module = __import__(f"tests.faults.{framework}_faults", fromlist=["x"])
    faults = getattr(module, f"{framework.upper()}_FAULTS")
    controls = getattr(module, f"{framework.upper()}_CONTROLS")
    assert len(known_faults(framework)) == len(faults) + len(controls)
    assert len(faults) >= 30


def test_the_page_counts_what_is_found_named_and_alarmed() -> None:
    fault = Fault("f", (), (), ("no_bias",))
    outcomes = [
        Outcome("torch", fault, False, 1, "a.b", "torch answers as one who leaves the bias out (Dense.no_bias)."),
        Outcome("torch", fault, False, 1, "a.b", "No known mistake and no simple change gives no_bias."),
        Outcome("torch", fault, False, 1, "a.b", "torch's answer is the reference's plus 1.", "a.c"),
        Outcome("torch", fault, False, 2),
        Outcome("torch", fault, True, 3),
    ]
    text = page(outcomes)
    assert "- found: 3 of 4 faults" in text
    assert "- named by the explanation: 1 of 3" in text
    assert "- named by that or by one of the next 2 cases that find it: 2 of 3" in text
    assert "| torch | f | a.b | 1 | torch's answer is the reference's plus 1. | by a.c |" in text
    assert "- false alarms: 0 on 1 controls in 3 cases" in text


@pytest.mark.parametrize("framework", ["keras", "torch"])
def test_faults_that_are_held_out_have_words_and_names_of_their_own(framework: str) -> None:
    every = [*known_faults(framework).values()]
    for name in SETS:
        every += held_out_faults(framework, name).values()
    names = [fault.name for fault in every]
    assert sorted(names) == sorted(set(names)), "the lane finds a fault by its name"
    assert all(fault.named for name in SETS for fault in held_out_faults(framework, name).values())
    assert sum(len(held_out_faults(framework, name)) for name in SETS) >= 46


def test_too_few_found_or_named_and_any_alarm_fail() -> None:
    fault = Fault("f", (), (), ("bias",))
    named = Outcome("torch", fault, False, 1, "a.b", "one who leaves the bias out")
    unnamed = Outcome("torch", fault, False, 1, "a.b", "one who leaves something out")
    missed, calm = Outcome("torch", fault, False, 1), Outcome("torch", fault, True, 1)
    alarm = Outcome("torch", fault, True, 1, "a.b")
    assert is_good([named] * 50 + [calm])
    assert not is_good([named] * 50 + [alarm])
    assert not is_good([named] * 48 + [missed] * 2)
    assert is_good([named] * 8 + [unnamed] * 2)
    assert not is_good([named] * 7 + [unnamed] * 3)


DENSE = """
    schema_version: 1
    topic: a dense layer
    dims: {batch: 3, features: 5}
    source: {kind: hand}
    cases:
      - id: plain
        question: Is the bias added?
        inputs: {x: {shape: [batch, features]}}
        layers: {dense: {type: Dense, units: 4}}
        graph: {y: dense(x)}
"""


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("framework", "fault", "control"),
    [
        ("torch", "linear_bias_taken_off", "linear_backwards"),
        ("keras", "dense_bias_taken_off", "dense_in_two_halves"),
    ],
)
def test_a_live_fault_is_found_and_named_and_a_control_is_not(
    framework: str, fault: str, control: str, tmp_path: Path
) -> None:
    campaign = Campaign(framework, cases_of(textwrap.dedent(DENSE), tmp_path))
    campaign.start()
    try:
        found = campaign.tried(known_faults(framework)[fault], False)
        calm = campaign.tried(known_faults(framework)[control], True)
    finally:
        campaign.stop()
    assert (found.found_in, found.is_named) == ("fam/topic.plain", True)
    assert (
        found.explanation
        == f"{framework} answers as one who subtracts the bias (Dense.bias_taken_off). It starts at y."
    )
    assert (calm.tried, calm.found_in) == (1, "")


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
        graph:
          embedded: embed(ids)
          sequence: gru(embedded)
          scores: dense(sequence)
"""


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("framework", "faults"),
    [("torch", "gru_gates+linear_bias_taken_off"), ("keras", "gru_gates_rzh+dense_bias_taken_off")],
)
def test_two_live_faults_in_one_chain_are_both_named(framework: str, faults: str, tmp_path: Path) -> None:
    campaign = Campaign(framework, cases_of(textwrap.dedent(CHAIN), tmp_path))
    campaign.start()
    try:
        found = campaign.tried(Fault(faults, ("GRU",), ()), False)
    finally:
        campaign.stop()
    assert found.explanation == (
        f"{framework} answers at sequence as one who stacks the gates as torch does: r, z, n (GRU.gates_rzh), "
        "and at scores as one who subtracts the bias (Dense.bias_taken_off). "
        "It starts at sequence, step 0, in the update gate and reset gate; what goes into it (embedded) agrees. "
        "Given the reference's activations instead of its own, it differs at scores too."
    )


def test_patching_leaves_no_trace_in_this_module() -> None:
    with patching.replaced(f"{HERE}:half", abs):
        assert half(-3.0) == 3.0
    assert half(4.0) == 2.0
