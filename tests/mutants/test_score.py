"""The score says what a case finds and what it does not; claims about it that are false are problems."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.reference.base import LAYERS, Mutant
from conformance.score import score as scores
from conformance.score.score import CaseScore, Score, Trial, score_case
from conformance.score.table import as_json, page, topics
from tests.builders import POOLED, cases_of

POOL = "GlobalAveragePooling1D"
UNMASKED = POOLED.replace(", mask_zero: true", "")


def scored(text: str, folder: Path) -> CaseScore:
    (case,) = cases_of(text, folder)
    return score_case(case)


def test_a_masked_case_finds_who_ignores_the_mask_and_an_unmasked_one_does_not(tmp_path: Path) -> None:
    assert f"{POOL}.ignores_mask" in scored(POOLED, tmp_path).of("killed")
    assert f"{POOL}.ignores_mask" in scored(UNMASKED, tmp_path).of("survived")


def test_several_processes_find_what_one_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cases = cases_of(POOLED, tmp_path)
    alone = scores.score(cases)
    monkeypatch.setattr(scores, "WORTH_IT", 1)
    assert scores.score(cases, 2) == alone
    assert alone.cases[0].of("killed")


def test_every_mutant_of_every_layer_of_the_case_is_tried(tmp_path: Path) -> None:
    tried = {trial.mutant for trial in scored(POOLED, tmp_path).trials}
    assert tried == {f"{kind}.{mutant.name}" for kind in ("Embedding", POOL) for mutant in LAYERS[kind].mutants}


def test_a_kill_that_the_case_claims_falsely_is_a_problem(tmp_path: Path) -> None:
    claim = UNMASKED.replace("graph:", f"kills: [{POOL}.ignores_mask]\n        graph:")
    found = scored(claim, tmp_path)
    assert found.false_kills == (f"{POOL}.ignores_mask",)
    honest = scored(POOLED.replace("graph:", f"kills: [{POOL}.ignores_mask]\n        graph:"), tmp_path)
    assert honest.false_kills == ()


def with_mutants(monkeypatch: pytest.MonkeyPatch, *mutants: Mutant) -> None:
    monkeypatch.setattr(LAYERS[POOL], "mutants", mutants)


def test_a_mutant_that_changes_nothing_survives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_mutants(monkeypatch, Mutant("same", "does it right", output=lambda layer, out, args: out))
    assert f"{POOL}.same" in scored(POOLED, tmp_path).of("survived")


def test_a_difference_below_the_budget_survives_and_one_above_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_mutants(
        monkeypatch,
        Mutant("rounding", "", output=lambda layer, out, args: out * (1 + 2.0**-24)),
        Mutant("thousandth", "", output=lambda layer, out, args: out * 1.001),
    )
    found = scored(POOLED, tmp_path)
    assert f"{POOL}.rounding" in found.of("survived")
    assert f"{POOL}.thousandth" in found.of("killed")


def test_a_mutant_that_raises_is_killed_and_one_whose_hook_raises_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with_mutants(
        monkeypatch,
        Mutant("raises", "", inputs=lambda layer, args, kw: (args, {**kw, "mask": [[1]]})),
        Mutant("broken", "", inputs=lambda layer, args, kw: (args[7], kw)),
    )
    found = scored(POOLED, tmp_path)
    assert [
        (trial.mutant, trial.by) for trial in found.trials if trial.outcome == "killed" and POOL in trial.mutant
    ] == [(f"{POOL}.raises", "error")]
    assert found.of("broken") == (f"{POOL}.broken",)


def test_where_the_layer_itself_raises_no_mutant_is_killed_by_raising(tmp_path: Path) -> None:
    rank = POOLED.replace("pool(embedded)", "pool(embedded[0])")
    found = scored(rank, tmp_path)
    assert f"{POOL}.wrong_axis" not in found.of("killed")
    assert found.of("broken") == ()


def made(**changes: Any) -> Score:
    """Two mutants of one layer: `seen` is killed by a case, `unseen` by none."""
    mutants = {f"L.{name}": Mutant(name, f"is {name}") for name in ("seen", "unseen")}
    case = CaseScore("fam/topic.a", (Trial("L.seen", "killed", "values"), Trial("L.unseen", "survived")))
    return dataclasses.replace(Score((case,), mutants, {}), **changes)


def test_a_survivor_is_a_problem_unless_it_is_argued_to_be_equivalent() -> None:
    assert made().problems == ["L.unseen survives: is unseen"]
    assert made(equivalent={"L.unseen": "x + 0 is x"}).problems == []


def test_an_equivalent_mutant_that_is_killed_or_missing_is_a_problem() -> None:
    wrong = made(equivalent={"L.unseen": "", "L.seen": "no", "L.gone": "no"})
    assert wrong.problems == [
        "L.seen is listed as equivalent; fam/topic.a kills it",
        "L.gone is listed as equivalent; there is no such mutant",
    ]


def test_the_page_names_survivors_and_counts_layers_and_topics() -> None:
    text = page(made())
    assert "1 of 2 mutants killed by 1 cases; 1 survive, 0 are equivalent." in text
    assert "- `L.unseen`: is unseen (tried in 1 cases)" in text
    assert "| L | 1 | 2 |" in text
    assert "| L.seen | is seen | 1: fam/topic.a |" in text
    assert topics(made()) == {"fam/topic": {"cases": 1, "mutants": 2, "killed": 1}}


def test_the_json_holds_every_case_and_mutant() -> None:
    found = as_json(made())
    assert found["total"]["survivors"] == ["L.unseen"]
    assert found["cases"]["fam/topic.a"]["killed"] == {"L.seen": "values"}
    assert found["mutants"]["L.seen"]["killed_by"] == ["fam/topic.a"]


def test_the_command_writes_both_and_fails_on_survivors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, tmp_path)
    table, data = tmp_path / "table.md", tmp_path / "score.json"
    assert cli.main(["mutants", str(tmp_path), "-o", str(table), "--json", str(data)]) == 1
    assert "Dense.no_bias survives" in capsys.readouterr().err
    assert "# Mutants" in table.read_text(encoding="utf-8")
    assert '"conformance-mutants"' in data.read_text(encoding="utf-8")
