"""Faults patched into torch's own functions are found by cases in torch's words; other ways to the same numbers not."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("torch")

from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.judge.case import judge_case
from conformance.judge.verdict import Verdict
from conformance.lanes.torch.lane import start
from conformance.lanes.torch.own_words import own_words
from conformance.oracle.run import answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import from_message
from tests.faults.native_faults import CONTROLS, FAULTS, Native

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
TRIED = 6
"""Cases in which a fault may be found, and in which a control must not be."""


@cache
def _cases() -> tuple[Case, ...]:
    """All in torch's words but those in which torch itself is known to differ, faults or none."""
    listed = yaml.safe_load((ROOT / "deviations" / "layers.yaml").read_text(encoding="utf-8"))["deviations"]
    known = {id for one in listed if "torch" in one["lanes"] for id in one["cases"]}
    return tuple(case for case in load_folder(ROOT / "cases" / "torch") if case.id not in known)


@cache
def _lane() -> Any:
    return start({})


@cache
def _asked(id: str) -> tuple[Any, Any]:
    """The plan of a case, and what the reference gives for it."""
    (case,) = (one for one in _cases() if one.id == id)
    plan = plan_of(case)
    return plan, answer(plan)


def _fitting(native: Native) -> list[Case]:
    return [case for case in _cases() if set(case.layer_types) & set(native.layers)]


def _verdict(case: Case) -> Verdict:
    plan, reference = _asked(case.id)
    given = from_message("torch", "torch", _lane().observe(plan))
    judged = judge_case(case, {"numpy": reference, "torch": given}, {"numpy": True, "torch": False})
    return judged.lanes["torch"].verdict


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def patch(native: Native) -> None:
        module, _, name = native.target.rpartition(".")
        owner = importlib.import_module(module)
        monkeypatch.setattr(owner, name, partial(native.around, getattr(owner, name)))
        own_words.cache_clear()

    yield patch
    monkeypatch.undo()
    own_words.cache_clear()


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str, patched: Any) -> None:
    native = FAULTS[name]
    assert all(_asked(case.id) for case in _fitting(native)[:TRIED])
    patched(native)
    found = (case.id for case in _fitting(native) if _verdict(case).is_failure)
    assert next(found, "") != "", f"none of {len(_fitting(native))} cases finds it"


@pytest.mark.parametrize("name", CONTROLS)
def test_another_way_to_the_same_numbers_is_none(name: str, patched: Any) -> None:
    native = CONTROLS[name]
    patched(native)
    verdicts = {case.id: _verdict(case) for case in _fitting(native)[:TRIED]}
    assert set(verdicts.values()) == {Verdict.AGREE}, verdicts


@pytest.mark.parametrize(
    "layer", sorted({layer for native in (*FAULTS.values(), *CONTROLS.values()) for layer in native.layers})
)
def test_without_a_fault_torch_agrees(layer: str) -> None:
    case = next(case for case in _cases() if layer in case.layer_types)
    assert _verdict(case) is Verdict.AGREE
