"""Gradients are judged like values: shapes, what is missing, special values on either side, sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.judge.gradients import gradient_findings
from conformance.judge.verdict import Finding
from conformance.protocol.observation import Failure, Observation, Output

NAN, INFINITY = float("nan"), float("inf")


def observed(lane: str, **gradients: Any) -> Observation:
    return Observation(
        lane,
        gradients={
            name.replace("_", "."): Output(np.shape(values), "float32", np.array(values, dtype=float), None)
            for name, values in gradients.items()
        },
    )


def kinds(got: Observation, wanted: Observation) -> list[tuple[str, str]]:
    findings = gradient_findings(got, wanted)[0]
    assert {finding.run for finding in findings} <= {0}, "only the first run is differentiated"
    return [(finding.node, finding.kind) for finding in findings]


@pytest.mark.parametrize(
    ("got", "wanted", "kind"),
    [
        ([1.0, 2.0], [1.0, 2.0], None),
        ([1.0, 2.0 * (1 + 2.0**-23)], [1.0, 2.0], None),
        ([1.0, 2.001], [1.0, 2.0], "values"),
        ([1.0, NAN], [1.0, 2.0], "special"),
        ([1.0, 2.0], [1.0, NAN], "special"),
        ([1.0, NAN], [1.0, NAN], None),
        ([1.001, NAN], [1.0, NAN], "values"),
        ([[1.0, 2.0]], [1.0, 2.0], "shape"),
    ],
)
def test_one_gradient(got: Any, wanted: Any, kind: str | None) -> None:
    found = kinds(observed("lane", dense_kernel=got), observed("numpy", dense_kernel=wanted))
    assert found == ([] if kind is None else [("dense.kernel", kind)])


@pytest.mark.parametrize(
    ("got", "precision", "is_excused"),
    [
        ([INFINITY, 2.0], "float16", True),
        ([-INFINITY, 2.0], "float16", False),  # of the other sign
        ([1e6, INFINITY], "float16", False),  # 2 is far from 65504, with all that it is allowed beside 1,000,000
        ([INFINITY, 2.0], "bfloat16", False),
        ([INFINITY, 2.0], "float32", False),
    ],
)
def test_a_gradient_overflows_where_float16_ends(got: Any, precision: str, is_excused: bool) -> None:
    reference = Output((2,), precision, np.array([1e6, 2.0]), None, np.zeros(2), precision=precision)
    wanted = Observation("numpy", gradients={"dense.kernel": reference})
    assert kinds(observed("lane", dense_kernel=got), wanted) == ([] if is_excused else [("dense.kernel", "special")])


def test_a_gradient_that_one_lane_does_not_give_is_missing() -> None:
    got = observed("lane", dense_kernel=[1.0])
    assert kinds(got, observed("numpy", dense_kernel=[1.0], dense_bias=[2.0])) == [("dense.bias", "missing")]


def test_a_lane_that_says_why_it_has_none_has_nothing_to_compare() -> None:
    wanted = observed("numpy", dense_kernel=[1.0])
    assert gradient_findings(replace(observed("lane"), gradient_note="model.predict gives none"), wanted) == ([], {})
    assert kinds(observed("lane"), wanted) == [("dense.kernel", "missing")], "one that says nothing differs"


def test_what_was_raised_on_the_way_back_is_the_one_finding() -> None:
    failure = Failure("backward", "RuntimeError", "modified by an inplace operation", "loss")
    raised = replace(observed("lane"), gradient_failure=failure)
    findings, distances = gradient_findings(raised, observed("numpy", dense_kernel=[1.0], dense_bias=[2.0]))
    assert (findings, distances) == ([Finding("gradient", "raised", "loss", got=failure)], {})
    assert gradient_findings(raised, observed("numpy")) == ([], {}), "where the reference has none, nobody needs any"
