"""The functional model beside the eager calls: what differs in it alone has an aspect of its own, and words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Case
from conformance.gate.signature import matches, observed_of
from conformance.judge.case import judge_case
from conformance.judge.verdict import LaneVerdict
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Failure, Functional, Node, Observation, Symbolic, from_message
from conformance.record.build import case_record
from conformance.record.case import Record
from conformance.report.findings import attribution, verdict_text
from conformance.report.page import page_of
from conformance.repro.account import account_of
from conformance.repro.errors import NotScriptable
from tests.builders import POOLED, cases_of


def eager(case: Case) -> tuple[Observation, Observation]:
    """The reference, and a lane that gives in float32 what the reference gives."""
    reference = answer(plan_of(case))
    runs = tuple({name: single(node) for name, node in run.items()} for run in reference.runs)
    return reference, replace(reference, lane="keras", adapter="keras", runs=runs, gradients={}, gradient_note="none")


def single(node: Node) -> Node:
    return replace(
        node,
        outputs=tuple(replace(one, values=one.values.astype(one.dtype), sensitivity=None) for one in node.outputs),
    )


def judged(case: Case, got: Observation, reference: Observation) -> tuple[LaneVerdict, Record]:
    observations = {"numpy": reference, "keras": got}
    verdict = judge_case(case, observations, {})
    return verdict.lanes["keras"], case_record(case, verdict, observations)


def changed(got: Observation, node: str, **fields: Any) -> Functional:
    """A model that gives one node with these fields instead of the eager ones."""
    given = got.runs[0][node]
    outputs = (replace(given.outputs[0], **fields), *given.outputs[1:])
    return Functional(({node: replace(given, outputs=outputs)},))


def test_a_model_that_gives_what_eager_calls_give_agrees(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    found, record = judged(case, replace(got, functional=Functional(({},))), reference)
    assert (str(found.verdict), found.aspects["model"]) == ("agree", "agree")
    assert record.lanes["keras"].model_note is None


def test_a_lane_without_a_model_is_not_said_to_agree_in_it(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    assert judged(case, got, reference)[0].aspects["model"] == "-"
    noted = replace(got, functional=Functional(note="nothing that is observed has a symbolic value"))
    found, record = judged(case, noted, reference)
    assert found.aspects["model"] == "-"
    assert record.lanes["keras"].model_note == "nothing that is observed has a symbolic value"


def test_what_a_model_leaves_out_is_told(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    found, record = judged(case, replace(got, functional=Functional(({},), left_out=("mean",))), reference)
    assert found.aspects["model"] == "agree"
    told = "mean: no part of it, for nothing there is computed from its inputs"
    assert record.lanes["keras"].model_note == told
    assert f"functional model of keras: {told}" in "".join(map(str, page_of(record, ()).sections))


@pytest.mark.parametrize(
    ("node", "fields", "kind", "words"),
    [
        (
            "embedded",
            {"mask": None},
            "mask",
            "as a functional model: mask of embedded: keras none, the reference (2, 5) with 5 of 10 true",
        ),
        (
            "pooled",
            {"shape": (2, 1), "values": np.zeros((2, 1), "float32")},
            "shape",
            "as a functional model: shape of pooled: keras (2, 1), the reference [batch, dim] = (2, 3)",
        ),
        ("pooled", {"dtype": "float64"}, "dtype", "as a functional model: dtype of pooled: keras float64"),
        ("pooled", {"values": np.ones((2, 3), "float32")}, "values", "as a functional model: values of pooled: keras"),
        (
            "pooled",
            {"values": np.full((2, 3), np.nan, "float32")},
            "special",
            "as a functional model: special values of pooled: keras nan at [0, 0]",
        ),
    ],
)
def test_each_aspect_of_the_model_is_judged(
    node: str, fields: dict[str, Any], kind: str, words: str, tmp_path: Path
) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    got = replace(got, functional=changed(got, node, **fields))
    found, record = judged(case, got, reference)
    assert found.cause is not None
    assert (str(found.verdict), found.cause.aspect, found.cause.kind) == ("differ", "model", kind)
    assert found.aspects["values"] == "agree"
    assert verdict_text(record, "keras").startswith(words)
    assert attribution(record) == "called eagerly the lanes agree with each other; the functional model is what differs"
    assert observed_of(record, "keras") == {"node": node, "in": kind}
    assert matches("model", {"node": node, "in": kind}, record, "keras")
    assert not matches("model", {"node": node, "in": "raised"}, record, "keras")


def test_within_the_budget_a_model_may_round_otherwise(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    near = np.nextafter(got.runs[0]["pooled"].outputs[0].values, np.float32(np.inf))
    found, _ = judged(case, replace(got, functional=changed(got, "pooled", values=near)), reference)
    assert found.aspects["model"] == "agree"


def test_what_the_making_of_a_model_raises_is_a_difference(tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    failure = Failure("model", "ValueError", "All operations should have unique names", "")
    found, record = judged(case, replace(got, functional=Functional(failure=failure)), reference)
    assert (str(found.verdict), found.aspects["model"]) == ("differ", "differ")
    assert verdict_text(record, "keras") == (
        "as a functional model: keras raised ValueError in model: All operations should have unique names; "
        "called eagerly it gave an answer"
    )
    assert observed_of(record, "keras") == {"in": "raised", "type": "ValueError"}
    assert matches("model", {"in": "raised", "contains": "unique"}, record, "keras")
    assert not matches("model", {"in": "raised", "contains": "shape"}, record, "keras")


@pytest.mark.parametrize(("promised", "carries"), [(True, "carries a mask"), (False, "carries no mask")])
def test_a_mask_that_only_the_symbolic_way_computes_differs(promised: bool, carries: str, tmp_path: Path) -> None:
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    masks = {"embedded": True, "pooled": False}
    node = "pooled" if promised else "embedded"
    symbolic = {name: (Symbolic(got.runs[0][name].outputs[0].shape, "float32", has),) for name, has in masks.items()}
    asked = replace(got, functional=Functional(({},)), symbolic=symbolic)
    assert judged(case, asked, reference)[0].aspects["model"] == "agree"
    symbolic[node] = (replace(symbolic[node][0], has_mask=promised),)
    found, record = judged(case, replace(asked, symbolic=symbolic), reference)
    assert found.cause is not None
    assert (found.cause.aspect, found.cause.kind, found.cause.node) == ("model", "symbolic_mask", node)
    assert carries in verdict_text(record, "keras")


def test_no_script_is_promised_of_a_model(tmp_path: Path) -> None:
    """Scripts call layers eagerly: they would give what agrees."""
    (case,) = cases_of(POOLED, tmp_path)
    reference, got = eager(case)
    _, record = judged(case, replace(got, functional=changed(got, "embedded", mask=None)), reference)
    evidence: Any = SimpleNamespace(record=record, row=lambda lane: None, plan=plan_of(case))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conformance.repro.account.why_not", lambda row, kinds: "")
        with pytest.raises(NotScriptable, match="what differs is the functional model"):
            account_of(evidence, "keras")


def test_a_model_travels_as_built_in_types() -> None:
    nothing: dict[str, Any] = {
        "failure": None,
        "unsupported": None,
        "runs": [],
        "symbolic": {},
        "params": {},
        "weights": {},
    }
    message = {**nothing, "native": {}, "gradients": {}, "gradient_note": "", "steps": []}
    assert from_message("keras", "keras", message).functional is None
    told: dict[str, Any] = {"runs": [{}], "failure": None, "note": "no model"}
    assert from_message("keras", "keras", {**message, "functional": told}).functional == Functional(
        ({},), None, "no model"
    )
