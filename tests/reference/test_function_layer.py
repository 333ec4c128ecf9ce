"""Lambda: its function is an expression of the graph language, and what is none is a mistake of the case."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from conformance.errors import CaseError
from conformance.lanes.spec import LaneSpec
from conformance.oracle import operations as _operations  # noqa: F401  # who computes expressions
from conformance.plans.draw import plan_of
from conformance.reference.base import make
from conformance.report.scriptable import why_not_asked
from tests.builders import cases_of
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

X = numpy.array([[1.0, -2.0, 3.0]])


def test_a_function_by_hand() -> None:
    assert run(make("Lambda", {"function": "x * x"}), X).tolist() == [[1, 4, 9]]
    bent = make("Lambda", {"function": "where(greater(x, 0.0), x, slope * x)", "arguments": {"slope": 0.5}})
    assert run(bent, X).tolist() == [[1, -1, 3]]
    assert run(make("Lambda", {"function": "sum(x, axis=1)"}), X).tolist() == [2]


def test_a_mask_ends_unless_it_is_said_which_goes_on() -> None:
    mask = numpy.array([[True, True, False]])
    assert make("Lambda", {"function": "x"}).compute_mask(X, mask) is None
    turned = make("Lambda", {"function": "flip(x, 1)", "mask": "flip(mask, 1)"})
    assert turned.compute_mask(X, mask).tolist() == [[False, True, True]]
    assert turned.compute_mask(X, None) is None


def test_its_gradients_and_mistakes() -> None:
    layer = make(
        "Lambda", {"function": "exp(a * x) / sum(exp(a * x), axis=-1, keepdims=True)", "arguments": {"a": 2.0}}
    )
    assert_gradient_matches_finite_difference(layer, X)
    assert is_seen(layer, "identity", X)
    assert is_seen(layer, "other_arguments", X)


def test_it_has_no_script_and_says_why() -> None:
    lane = LaneSpec("torch", "torch")
    assert why_not_asked(lane, ["Lambda"]) == (
        "a script is Python, and the function of a Lambda is said in the graph language"
    )
    assert not why_not_asked(lane, ["Dense"])


CASE = """
    schema_version: 1
    topic: t
    cases:
      - id: a
        question: q
        inputs: {x: {shape: [2, 3]}}
        layers:
          double: {type: Lambda, FUNCTION}
        graph: {y: double(x)}
"""


@pytest.mark.parametrize(
    ("function", "message", "column"),
    [
        ('function: "2 * z"', "function of Lambda: unknown name z", 45),
        ('function: "2 * ("', "function of Lambda: not an expression", None),
        ('function: "open(x)"', "function of Lambda: open is no operation of a function", None),
        ('function: "mask(x)"', "function of Lambda: mask is no operation of a function", None),
        ('function: "x * double.kernel"', "double.kernel is a weight, which a function cannot read", None),
        ('function: "x.__class__"', "x.__class__ is a weight, which a function cannot read", None),
        ('function: "lambda x: x"', "Lambda is not part of the graph language", None),
        ('function: "x", mask: "2 * m"', "mask of Lambda: unknown name m", None),
        ("arguments: {a: 1}", "Lambda needs the argument function", None),
    ],
)
def test_what_is_no_function(function: str, message: str, column: int | None, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        cases_of(CASE.replace("FUNCTION", function), tmp_path)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.position.line == 8
    assert column is None or problem.position.column == column


def test_a_function_inside_a_wrapper_is_checked_and_planned(tmp_path: Path) -> None:
    inner = "type: TimeDistributed, layer: {type: Lambda, function: FUNCTION}"
    text = CASE.replace("type: Lambda, FUNCTION", inner).replace("[2, 3]", "[2, 4, 3]")
    plan = plan_of(cases_of(text.replace("FUNCTION", '"a * x", arguments: {a: 2}'), tmp_path)[0])
    assert plan.layers["double"].config["layer"]["arguments"] == {"a": 2}
    with pytest.raises(CaseError, match="unknown name z"):
        cases_of(text.replace("FUNCTION", '"2 * z"'), tmp_path)
