"""At a kink or a tie a gradient is a convention: named for each lane, and judged only where a case states one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.form import from_json, to_json
from conformance.gate.answers import moves
from conformance.gate.signature import matches, observed_of
from conformance.judge.case import judge_case
from conformance.judge.conventions import MIXED, conventions
from conformance.oracle import sides
from conformance.oracle.run import answer
from conformance.oracle.sides import NO_SIDES, sides_of
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.record.build import case_record
from conformance.record.case import Record
from conformance.report.findings import verdict_text
from tests.builders import cases_of

FILE = """
    schema_version: 1
    topic: gradients where there are two
    source: {kind: hand}
    cases:
      - id: one
        question: Which gradient is taken?
        inputs:
          a: {shape: [1, 3], fill: {values: [[1, 2, 3]]}}
          b: {shape: [1, 3], fill: {values: [[1, 2, 3]]}}
        layers: {layer: {LAYER}}
        graph: {_both: "[a, b]", y: "CALL"}
"""
TIE = ("type: Maximum", "layer([a, b])")
CLIPPED = ("type: Activation, activation: hard_tanh", "layer(a - 2)")
SELU = ("type: Activation, activation: selu", "layer(a - b)")
ERROR = ("type: MeanAbsoluteError, reduction: sum", "layer(a, b)")
SMOOTH = ("type: Activation, activation: tanh", "layer(1000 * (a - b))")


def case_with(folder: Path, layer: str, call: str, more: str = "") -> Case:
    (case,) = cases_of(FILE.replace("LAYER", layer).replace("CALL", call) + more, folder)
    return case


def lane(reference: Observation, name: str = "keras", **factors: Any) -> Observation:
    """A lane whose gradients are the cotangent of `y`, each element times these factors."""
    gradients = {
        key: replace(reference.gradients[key.replace("_", " ")], values=np.asarray(values, float), sensitivity=None)
        for key, values in factors.items()
    }
    return replace(
        reference, lane=name, adapter=name, gradients={key.replace("_", " "): one for key, one in gradients.items()}
    )


def judged(case: Case, *lanes: Observation) -> tuple[Any, Record]:
    reference = answer(plan_of(case))
    observations = {"numpy": reference, **{one.lane: one for one in lanes}}
    verdict = judge_case(case, observations, {})
    return verdict, case_record(case, verdict, observations)


def cotangent(case: Case) -> np.ndarray[Any, Any]:
    (given,) = plan_of(case).cotangents["y"]
    assert given is not None
    return given.astype(float)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [(1.0, 0.0, "left"), (0.0, 1.0, "right"), (0.5, 0.5, "shared"), (0.0, 0.0, "zero"), (1.0, 1.0, "one")],
)
def test_a_tie_of_a_maximum_has_a_name_for_each_lane(first: float, second: float, word: str, tmp_path: Path) -> None:
    """TensorFlow takes (1, 0), torch (1/2, 1/2)."""
    case = case_with(tmp_path, *TIE)
    c, reference = cotangent(case), answer(plan_of(case))
    got = lane(reference, input_a=first * c, input_b=second * c)
    verdict, record = judged(case, got)
    assert set(verdict.lanes["keras"].conventions.values()) == {word}
    assert str(verdict.lanes["keras"].verdict) == "agree"
    assert verdict.lanes["keras"].aspects["gradient"] == "-"
    assert record.lanes["keras"].gradients["input a"].convention == word
    assert from_json(Record, to_json(record)) == record


def test_what_is_none_of_them_is_mixed_and_still_no_fault(tmp_path: Path) -> None:
    case = case_with(tmp_path, *TIE)
    c, reference = cotangent(case), answer(plan_of(case))
    verdict, _ = judged(case, lane(reference, input_a=[[1.0, 0.3, 0.5]] * c, input_b=[[0.0, 0.7, 0.5]] * c))
    assert set(verdict.lanes["keras"].conventions.values()) == {MIXED}
    assert str(verdict.lanes["keras"].verdict) == "agree"


@pytest.mark.parametrize("special", [np.nan, np.inf])
def test_what_is_no_number_is_no_convention(special: float, tmp_path: Path) -> None:
    case = case_with(tmp_path, *TIE)
    c, reference = cotangent(case), answer(plan_of(case))
    verdict, _ = judged(case, lane(reference, input_a=c * [[special, 1, 1]], input_b=0 * c))
    (finding,) = verdict.lanes["keras"].findings
    assert (finding.aspect, finding.kind, finding.node) == ("gradient", "special", "input a")


def test_beside_a_kink_a_wrong_gradient_differs(tmp_path: Path) -> None:
    """hard_tanh of -1, 0 and 1: its ends are a matter of convention, the middle is not."""
    case = case_with(tmp_path, *CLIPPED)
    c, reference = cotangent(case), answer(plan_of(case))
    ends = {"zero": [[0.0, 1.0, 0.0]], "one": [[1.0, 1.0, 1.0]], "left": [[0.0, 1.0, 1.0]], "shared": [[0.5, 1.0, 0.5]]}
    for word, factors in ends.items():
        verdict, _ = judged(case, lane(reference, input_a=factors * c, input_b=0.0 * c))
        assert verdict.lanes["keras"].conventions == {"input a": word}
        assert (str(verdict.lanes["keras"].verdict), verdict.lanes["keras"].aspects["gradient"]) == ("agree", "agree")
    verdict, _ = judged(case, lane(reference, input_a=[[0.0, 0.9, 0.0]] * c, input_b=0.0 * c))
    assert str(verdict.lanes["keras"].verdict) == "differ"


@pytest.mark.parametrize(("layer", "names"), [(SELU, {"left", "right"}), (ERROR, {"left", "right", "zero"})])
def test_a_kink_at_0_which_no_rounding_moves_is_found(layer: tuple[str, str], names: set[str], tmp_path: Path) -> None:
    case = case_with(tmp_path, *layer)
    found = sides_of(plan_of(case))
    assert found.kinks["input a"].all()
    reference = answer(plan_of(case))
    assert set(conventions(reference, found).values()) <= names
    for name in names - {"zero"}:
        side = getattr(found, name)
        verdict, _ = judged(case, lane(reference, input_a=side["input a"], input_b=side["input b"]))
        assert set(verdict.lanes["keras"].conventions.values()) == {name}
        assert str(verdict.lanes["keras"].verdict) == "agree"


@pytest.mark.parametrize(("layer", "steps"), [(SMOOTH, 2), (TIE, 4)])
def test_a_second_step_is_made_only_where_the_first_shows_two_gradients(
    layer: tuple[str, str], steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []
    once = sides._gradients
    monkeypatch.setattr(sides, "_gradients", lambda plan, step: (made.append(step), once(plan, step))[1])
    assert sides_of(plan_of(case_with(tmp_path, *layer))).are_there is (steps == 4)
    assert len(made) == steps


def test_what_is_only_steep_is_no_kink(tmp_path: Path) -> None:
    case = case_with(tmp_path, *SMOOTH)
    assert not sides_of(plan_of(case)).are_there
    silent = case_with(tmp_path, *TIE, '        no_gradients: "a tie"\n')
    assert sides_of(plan_of(silent)) is NO_SIDES


@pytest.mark.parametrize(
    ("layer", "is_kink"),
    [
        (("type: ReLU", "layer(a - 2)"), True),
        (("type: ReLU, threshold: 2.0", "layer(a)"), False),
        (("type: ReLU, threshold: 2.0, negative_slope: 0.5", "layer(a)"), False),
        (("type: Subtract", "sqrt(layer([a, b]) * layer([a, b]))"), True),
        (("type: Subtract", "1.0 / layer([a, b])"), False),
        (("type: Subtract", "1.0 / (layer([a, b]) * layer([a, b]))"), False),
    ],
)
def test_a_jump_and_a_pole_are_no_kinks(layer: tuple[str, str], is_kink: bool, tmp_path: Path) -> None:
    """x where x > 2, else 0: at 2 the value is 0, and so is the slope. Those of 1 / x and 1 / x^2 have no end at 0."""
    assert sides_of(plan_of(case_with(tmp_path, *layer))).are_there is is_kink


def test_a_convention_is_judged_where_the_case_states_it(tmp_path: Path) -> None:
    for stated, wrong in (("shared", "keras"), ("{torch: shared}", None), ("{keras: shared}", "keras")):
        case = case_with(tmp_path, *TIE, f"        expect: {{convention: {stated}}}\n")
        c, reference = cotangent(case), answer(plan_of(case))
        left = lane(reference, input_a=c, input_b=0 * c)
        shared = lane(reference, "torch", input_a=c / 2, input_b=c / 2)
        verdict, record = judged(case, left, shared)
        assert str(verdict.lanes["torch"].verdict) == "agree"
        assert str(verdict.lanes["keras"].verdict) == ("differ" if wrong else "agree")
        if wrong:
            assert verdict_text(record, "keras") == (
                "gradient of input a: at a kink or a tie keras takes the left side (left), "
                "expected the mean of both sides (shared) by the case"
            )
            assert observed_of(record, "keras") == {"node": "input a", "takes": "left"}
            assert matches("gradient", {"node": "input a", "takes": "left"}, record, "keras")
            assert not matches("gradient", {"node": "input a", "takes": "right"}, record, "keras")
            assert not matches("gradient", {"node": "input a", "off": 0.5}, record, "keras")


def test_a_convention_where_there_is_no_kink_is_the_cases_mistake(tmp_path: Path) -> None:
    case = case_with(tmp_path, *SMOOTH, "        expect: {convention: left}\n")
    verdict, record = judged(case)
    assert str(verdict.lanes["numpy"].verdict) == "differ"
    assert "stands at no kink and at no tie" in verdict_text(record, "numpy")


@pytest.mark.parametrize(("stated", "message"), [("lefd", "left"), ("{torhc: left}", "torch"), ("3", "convention")])
def test_a_convention_that_does_not_exist_is_refused(stated: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=message):
        case_with(tmp_path, *TIE, f"        expect: {{convention: {stated}}}\n")


def test_a_gate_tells_of_one_that_moved(tmp_path: Path) -> None:
    case = case_with(tmp_path, *TIE)
    c, reference = cotangent(case), answer(plan_of(case))
    _, old = judged(case, lane(reference, input_a=c, input_b=0 * c))
    _, new = judged(case, lane(reference, input_a=c / 2, input_b=c / 2))
    first, second = (record.lanes["keras"] for record in (old, new))
    (move, _) = moves(first, second)
    assert (move.aspect, move.node, move.old, move.new) == (
        "gradient",
        "input a",
        "takes left at a kink",
        "takes shared at a kink",
    )
    assert list(moves(first, first)) == []


def test_what_is_left_of_terms_that_cancel_is_no_kink(tmp_path: Path) -> None:
    text = """
        schema_version: 1
        topic: a bias of keys moves all scores of a query alike
        source: {kind: hand}
        cases:
          - id: one
            question: Is the gradient of a key's bias a convention?
            inputs:
              x: {shape: [2, 5, 3]}
            layers: {heads: {type: MultiHeadAttention, num_heads: 2, key_dim: 3}}
            graph: {y: "heads(x, x)"}
    """
    plan = plan_of(cases_of(text, tmp_path)[0])
    residue = np.abs(sides_of(plan).left["heads.key.bias"])
    assert 0.0 < residue.max() < 1e-12, "it is 0, but for the rounding of float64"
    assert not sides_of(plan).are_there
