"""Two results files say the same, or every move is told: a change of the harness may move no verdict unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.same_verdicts import main

Lane = dict[str, Any]


def results(**lane: Any) -> dict[str, Any]:
    """Results of one case in one lane, as schema 1 has them, as far as they are compared."""
    held = {
        "verdict": "differ",
        "aspects": {"shape": "agree", "values": "differ"},
        "runs": [{"y": {"distance": {"used": 2.5}}, "ids": {"distance": None}}],
        "gradients": {"input x": {"distance": {"used": 0.25}}},
        "explanation": "keras answers as one who forgets the bias (Dense.no_bias).",
        "explained_by": ["Dense.no_bias"],
        **lane,
    }
    record = {"id": "core/dense.plain", "digest": "d1", "lanes": {"keras": held}}
    return {"kind": "conformance-results", "schema_version": 1, "cases": [record], "footer": {}}


def run(folder: Path, after: dict[str, Any], reasons: str | None = None) -> int:
    paths = [folder / "before.json", folder / "after.json"]
    for path, found in zip(paths, (results(), after), strict=True):
        path.write_text(json.dumps(found), encoding="utf-8")
    arguments = [str(path) for path in paths]
    if reasons is not None:
        (folder / "moved.toml").write_text(reasons, encoding="utf-8")
        arguments += ["--reasons", str(folder / "moved.toml")]
    return main(arguments)


def test_the_same_says_nothing_and_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, results(seconds=3.5)) == 0
    assert capsys.readouterr().out == "1 cases in keras: nothing moved without a reason\n"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"verdict": "agree"}, "core/dense.plain [keras] verdict: differ -> agree"),
        (
            {"aspects": {"shape": "differ", "values": "-"}},
            "aspects: shape agree, values differ -> shape differ, values -",
        ),
        ({"runs": [{"y": {"distance": {"used": 2.6}}}]}, "distance: y, run 0: 2.5 -> 2.6"),
        ({"runs": [{"y": {"distance": None}}]}, "distance: y, run 0: 2.5 -> None"),
        ({"gradients": {"input x": {"distance": {"used": "inf"}}}}, "distance: gradient of input x: 0.25 -> inf"),
        ({"explained_by": []}, "explanation: keras answers as one who forgets the bias (Dense.no_bias)."),
    ],
)
def test_what_moved_is_told(change: Lane, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, results(**change)) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert line in first
    assert last.startswith("1 cases in keras: 1 ")


def test_an_explanation_that_only_one_has_is_no_move(tmp_path: Path) -> None:
    assert run(tmp_path, results(explanation="", explained_by=[])) == 0


def without_the_case(found: dict[str, Any]) -> None:
    found["cases"] = []


def of_another_question(found: dict[str, Any]) -> None:
    found["cases"][0]["digest"] = "d2"


def without_the_lane(found: dict[str, Any]) -> None:
    found["cases"][0]["lanes"] = {}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (without_the_case, "core/dense.plain [-] case: there -> not there"),
        (of_another_question, "core/dense.plain [-] case: as it was -> asks something else"),
        (without_the_lane, "core/dense.plain [keras] lane: there -> not there"),
    ],
)
def test_what_is_not_there_is_told(
    change: Callable[[dict[str, Any]], None], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = copy.deepcopy(results())
    change(after)
    assert run(tmp_path, after) == 1
    assert capsys.readouterr().out.splitlines()[0] == line


REASON = """
    [[moved]]
    cases = "core/*"
    lanes = "keras*"
    what = ["verdict"]
    why = "the reference knows better"
"""


def test_what_moved_on_purpose_needs_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, results(verdict="agree"), REASON) == 0
    assert "1 moved on purpose (verdict of core/* [keras*]): the reference knows better" in capsys.readouterr().out
    assert run(tmp_path, results(verdict="agree"), REASON.replace("core/", "pooling/")) == 1
    assert run(tmp_path, results(aspects={}), REASON) == 1, "a reason speaks of what it names only"


def test_a_reason_that_nothing_needs_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, results(), REASON) == 1
    assert "nothing moved for this reason any more: the reference knows better" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (REASON.replace('why = "the reference knows better"', ""), "table 1 needs cases, lanes, what and why"),
        (REASON.replace("the reference knows better", " "), "table 1 needs cases, lanes, what and why"),
        (REASON.replace("verdict", "verdicts"), "table 1: nothing is called verdicts"),
        ("[[moved", "moved.toml: "),
    ],
)
def test_bad_reasons_end_with_2(reasons: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, results(), reasons) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [("{}", "no results of conformance"), ("[", "after.json: "), ('{"kind": "conformance-results"}', "did not end")],
)
def test_what_is_no_result_ends_with_2(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "before.json").write_text(json.dumps(results()), encoding="utf-8")
    (tmp_path / "after.json").write_text(text, encoding="utf-8")
    assert main([str(tmp_path / "before.json"), str(tmp_path / "after.json")]) == 2
    assert said in capsys.readouterr().err
    assert main([str(tmp_path / "nowhere.json"), str(tmp_path / "before.json")]) == 2


def test_a_reason_of_one_pair_is_not_stale_for_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, results(verdict="agree"), REASON) == 0
    before, after = str(tmp_path / "before.json"), str(tmp_path / "after.json")
    reasons = ["--reasons", str(tmp_path / "moved.toml")]
    assert main([before, before, before, after, *reasons]) == 0
    assert main([before, before, *reasons]) == 1, "by itself it is"
    assert main([before, before, after]) == 2
    assert "come in pairs" in capsys.readouterr().err


def test_an_aspect_of_later_versions_is_named_and_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = results(aspects={"shape": "agree", "values": "differ", "model": "differ"})
    assert run(tmp_path, later) == 0
    assert "and not compared: model" in capsys.readouterr().out
    assert run(tmp_path, results(aspects={"shape": "differ", "values": "differ", "model": "differ"})) == 1
