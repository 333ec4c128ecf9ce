"""Faults patched into torch's own functions are found in Keras' words by torch[native]; equivalent rewrites are not."""

from __future__ import annotations

import importlib
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from conformance.case.load import load_file
from conformance.judge.case import judge_case
from conformance.judge.verdict import Verdict
from conformance.lanes.torch.lane import start
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import from_message
from tests.faults.own_call_faults import CONTROLS, FAULTS, Own

pytestmark = pytest.mark.torch
CASES = Path(__file__).parents[2] / "cases"
LANE = "torch-native"


@cache
def lane() -> Any:
    return start({"mode": "native"})


@cache
def asked(id: str) -> tuple[Any, Any, Any]:
    """A case, its plan, and what the reference gives for it."""
    family, _, rest = id.partition("/")
    (case,) = (one for one in load_file(CASES / family / f"{rest.partition('.')[0]}.case.yaml") if one.id == id)
    plan = plan_of(case)
    return case, plan, answer(plan)


def verdict(id: str) -> Verdict:
    case, plan, reference = asked(id)
    given = from_message(LANE, "torch", lane().observe(plan))
    judged = judge_case(case, {"numpy": reference, LANE: given}, {"numpy": True, LANE: False})
    return judged.lanes[LANE].verdict


def patch(monkeypatch: pytest.MonkeyPatch, own: Own) -> None:
    module, _, name = own.target.rpartition(".")
    owner = importlib.import_module(module)
    monkeypatch.setattr(owner, name, partial(own.around, getattr(owner, name)))


@pytest.mark.filterwarnings("ignore:Using padding")  # torch's own, of even kernels
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = FAULTS[name]
    assert verdict(own.case) is Verdict.AGREE, "without the fault"
    patch(monkeypatch, own)
    assert verdict(own.case).is_failure


@pytest.mark.parametrize("name", CONTROLS)
def test_another_way_to_the_same_numbers_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = CONTROLS[name]
    patch(monkeypatch, own)
    assert verdict(own.case) is Verdict.AGREE


def test_there_are_enough_of_both() -> None:
    assert len(FAULTS) >= 20
    assert len(CONTROLS) >= 5
