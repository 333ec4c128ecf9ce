"""Deviations of execution modes and dtype policies: whom they excuse, and where they can be stale."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import CaseError
from conformance.gate.ledger import LaneFacts
from tests.gate.builders import CASE
from tests.gate.test_deviations import GOOD, after, loaded

VERSIONS = {"keras": "3.3.3"}
OF_XLA = GOOD.replace("        kind: upstream", "        modes: [xla]\n        kind: upstream")
OF_HALF = GOOD.replace("        kind: upstream", "        policies: [mixed_float16]\n        kind: upstream")


def verdict(folder: Path, behaviour: str, text: str, mode: str, policy: str = "float32") -> str:
    facts = {"lane": LaneFacts("tests.fakes", VERSIONS, mode, policy)}
    return str(after(folder, behaviour, text, facts, only=CASE)[0]["lanes"]["lane"]["verdict"])


@pytest.mark.parametrize(
    ("text", "mode", "policy", "expected"),
    [
        (OF_XLA, "xla", "float32", "known"),
        (OF_XLA, "eager", "float32", "differ"),
        (OF_XLA, "function", "float32", "differ"),
        (OF_HALF, "eager", "mixed_float16", "known"),
        (OF_HALF, "eager", "float32", "differ"),
        (GOOD, "xla", "mixed_float16", "known"),
    ],
)
def test_an_entry_excuses_the_modes_and_policies_that_it_names_or_all(
    text: str, mode: str, policy: str, expected: str, tmp_path: Path
) -> None:
    assert verdict(tmp_path, "no_mask", text, mode, policy) == expected


@pytest.mark.parametrize(
    ("text", "mode", "policy", "expected"),
    [
        (OF_XLA, "xla", "float32", "stale"),
        (OF_XLA, "eager", "float32", "agree"),
        (GOOD, "eager", "float32", "stale"),
        (GOOD, "xla", "float32", "agree"),
        (GOOD, "eager", "mixed_float16", "agree"),
        (OF_HALF, "eager", "mixed_float16", "stale"),
    ],
)
def test_an_entry_is_stale_in_what_it_names_and_in_the_usual_way_only(
    text: str, mode: str, policy: str, expected: str, tmp_path: Path
) -> None:
    assert verdict(tmp_path, "always_right", text, mode, policy) == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("modes: [xal]", "there is no 'xal' among modes"),
        ("policies: [float8]", "there is no 'float8' among policies"),
        ("modes: xla", "modes must be a list of at least one name"),
    ],
)
def test_a_mode_or_policy_that_does_not_exist_is_a_mistake_with_its_place(
    wrong: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match=message):
        loaded(tmp_path, GOOD.replace("        kind: upstream", f"        {wrong}\n        kind: upstream"))
