"""`conformance explain`: from results, by running a case now, and for a question that no file holds."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import results
from conformance.cli import live, main
from conformance.run import LANES
from tests.builders import POOLED, cases_of, fake
from tests.test_results import whole

ROOT = Path(__file__).parents[2]
ASKED = ["explain", "--layer", "Conv1D", "--config", "{filters: 7, kernel_size: 4, padding: same}", "--input", "5,3"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project in which the usual lanes are one that is right and the reference."""
    monkeypatch.chdir(tmp_path)
    fakes = {name: fake(name) for name in ("always_right", "always_wrong", "raises_always")}
    monkeypatch.setattr(live, "LANES", {**fakes, "numpy": LANES["numpy"]})
    monkeypatch.setattr(live, "DEFAULT_LANES", ("always_right", "numpy"))
    monkeypatch.setattr(live, "IN_PROCESS", ("numpy", *fakes))
    return tmp_path


def test_a_question_without_a_case_is_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ASKED) == 0
    printed = capsys.readouterr()
    words = " ".join(printed.out.split())
    assert "and the NumPy reference agree: result has shape [batch, steps, 7] = (2, 5, 7)" in words
    assert "same: ceil(5 / 1) = 5; total padding max(4 * 1 + 4 - 5, 0) = 3, left 1, right 2" in printed.out
    assert printed.err == "conformance: asking always_right, numpy; importing frameworks takes some seconds\n"


def test_lanes_that_disagree_are_told_apart_and_the_exit_code_is_that_of_a_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*ASKED, "--lane", "always_right", "--lane", "always_wrong"]) == 0
    assert "✗ DIFFER  asked/question.conv1d" in capsys.readouterr().out


def test_the_page_of_an_unsaved_question_says_how_it_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--format", "text"]) == 0
    printed = capsys.readouterr().out
    again = "conformance explain --layer Conv1D --config '{filters: 7, kernel_size: 4, padding: same}' --input 5,3"
    assert f"$ {again}" in printed
    assert "pytest" not in printed
    assert f"$ {again.replace('explain', 'repro')} --lane numpy" in printed


def test_a_question_gives_a_script_without_being_saved(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repro", *ASKED[1:], "--lane", "numpy", "-o", "it.py"]) == 0
    assert capsys.readouterr().err == "conformance: asking numpy\n"
    script = (project / "it.py").read_text(encoding="utf-8")
    assert "import conformance" not in script
    ran = subprocess.run([sys.executable, "it.py"], cwd=project, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, "reproduced")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which case?"),
        (["masked", "--input", "3"], "--input is for a new question"),
        (["masked", "--layer", "GRU(3)"], "--layer asks anew"),
    ],
)
def test_a_script_is_of_a_case_or_of_a_question(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["repro", *arguments]) == 4
    assert message in capsys.readouterr().err


def test_a_saved_question_is_a_case_that_pytest_runs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--save", "cases/mine/topic.case.yaml"]) == 0
    printed = capsys.readouterr()
    assert "agree  mine/topic.conv1d".lower() in printed.out.lower()
    assert 'saved: cases/mine/topic.case.yaml; run it with: pytest "cases/mine/topic.case.yaml"' in printed.err
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--lanes", "numpy", "cases"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def test_every_lane_that_refuses_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--layer", "Dot(axes=1)", "--input", "4,3", "--input", "5,3"]) == 0
    printed = capsys.readouterr().out
    assert "No lane gives an answer." in printed
    assert "A case that asks for this says so: expect: {error: {}}." in " ".join(printed.split())


def test_markdown_and_html(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASKED, "--format", "md"]) == 0
    assert capsys.readouterr().out.startswith("## ✓ AGREE `asked/question.conv1d`\n")
    assert main([*ASKED, "-o", "page.html"]) == 0
    page = (project / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "left 1, right 2" in page
    assert "<script" not in page
    assert main([*ASKED, "-o", "page.md"]) == 0
    assert (project / "page.md").read_text(encoding="utf-8").startswith("## ✓")


def test_a_case_is_taken_from_results(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(whole(project), project / "reports" / "results.json")
    assert main(["explain", "masked"]) == 0
    printed = capsys.readouterr()
    assert "Are padded steps left out?" in printed.out
    assert printed.err == ""


def test_a_case_that_was_edited_since_the_run_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = whole(project)
    found["cases"][0]["path"] = "cases/fam/topic.case.yaml"
    results.write(found, project / "reports" / "results.json")
    cases_of(POOLED, project / "cases")
    assert main(["explain", "masked"]) == 0
    assert capsys.readouterr().err == ""
    cases_of(POOLED.replace("output_dim: dim", "output_dim: 5"), project / "cases")
    assert main(["explain", "masked"]) == 0
    assert "the case was edited after reports/results.json was written; --run asks it" in capsys.readouterr().err


def test_a_case_without_results_is_run_now(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, project / "cases")
    assert main(["explain", "fam/topic.masked"]) == 0
    printed = capsys.readouterr()
    assert "✓ AGREE  fam/topic.masked" in printed.out
    assert printed.err.startswith("conformance: there is no reports/results.json yet; asking always_right, numpy;")


def test_a_case_that_results_do_not_hold_is_run_now(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(whole(project), project / "reports" / "results.json")
    cases_of(POOLED.replace("id: masked", "id: younger"), project / "cases")
    assert main(["explain", "younger"]) == 0
    assert "reports/results.json does not hold it; asking" in capsys.readouterr().err


def test_named_lanes_are_run_even_where_results_hold_the_case(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results.write(whole(project), project / "reports" / "results.json")
    cases_of(POOLED, project / "cases")
    assert main(["explain", "fam/topic.masked", "--lane", "always_wrong"]) == 0
    assert "✗ DIFFER" in capsys.readouterr().out


def test_a_case_that_names_its_lanes_is_run_in_these(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = "question: Are padded steps left out?\n        lanes: [torch, numpy]"
    cases_of(POOLED.replace("question: Are padded steps left out?", lanes), project / "cases")
    monkeypatch.setattr(live, "LANES", {**LANES, "torch": replace(fake("always_right"), name="torch")})
    monkeypatch.setattr(live, "DEFAULT_LANES", ("keras", "numpy"))
    assert main(["explain", "masked"]) == 0
    printed = capsys.readouterr()
    assert "asking numpy, torch;" in printed.err or "asking torch, numpy;" in printed.err
    assert "keras" not in printed.err


def test_a_known_deviation_is_known_here_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, project / "cases")
    (project / "deviations").mkdir()
    (project / "deviations" / "d.yaml").write_text(
        """\
schema_version: 1
deviations:
  - id: off-by-one
    cases: [fam/topic.masked]
    lanes: [always_wrong]
    aspect: values
    observed: {node: embedded}
    kind: by design
    reason: It adds one.
    owner: us
    added: 2026-11-22
    expires: 2999-01-01
""",
        encoding="utf-8",
    )
    assert main(["explain", "masked", "--lane", "always_wrong"]) == 0
    assert "≈ KNOWN  fam/topic.masked" in capsys.readouterr().out


MISTAKES = {
    "nothing": (["explain"], 4, "which case?"),
    "an unknown id": (["explain", "topic.mask"], 4, "did you mean fam/topic.masked?"),
    "an id with a typo": (["explain", "fam/topci.masked"], 4, "did you mean fam/topic.masked?"),
    "no such id": (["explain", "zz"], 4, "no case is called zz in cases\n   = help: it holds fam/topic.masked"),
    "no cases": (
        ["explain", "x", "--cases", "none"],
        4,
        "there is no reports/results.json yet; and there is no folder none\n   = help: go to where the cases stand",
    ),
    "both": (["explain", "x", "--layer", "Dense"], 4, "an ID and --layer are both given"),
    "an input without a layer": (["explain", "x", "--input", "5"], 4, "--input is for a new question"),
    "no results where named": (["explain", "x", "--results", "none.json"], 2, "none.json: no such file"),
    "words that no case holds": (["explain", "masked walrus"], 4, "no case holds all of the words 'masked walrus'"),
    "no id": (["explain", " "], 4, "which case? an empty id is none"),
    "an unknown layer": (["explain", "--layer", "Conv1", "--input", "5"], 2, "did you mean Conv1D?"),
    "an unknown argument": (["explain", "--layer", "Dense(unit=3)", "--input", "5"], 2, "did you mean units?"),
    "a wrong rank": (["explain", "--layer", "GRU(3)", "--input", "5"], 2, "--input steps,features"),
    "no YAML": (["explain", "--layer", "GRU", "--config", "{units", "--input", "5"], 2, "arguments as YAML in braces"),
    "an unknown lane": ([*ASKED, "--lane", "kers"], 4, "did you mean keras?"),
    "a bad place": ([*ASKED, "--save", "cases/mine/topic.yaml"], 2, "case files end in .case.yaml"),
    "a folder that cannot be": ([*ASKED, "--save", "/proc/none/topic.case.yaml"], 4, "/proc/none"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_a_message_with_a_way_out(name: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, code, words = MISTAKES[name]
    cases_of(POOLED, project / "cases")
    assert main(arguments) == code
    printed = capsys.readouterr()
    assert words in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_a_lane_that_cannot_start_says_which_others_can(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = replace(fake("missing"), adapter="tests.none")
    lanes = {"missing": missing, "always_right": fake("always_right"), "numpy": LANES["numpy"]}
    monkeypatch.setattr(live, "LANES", lanes)
    monkeypatch.setattr(live, "IN_PROCESS", ("numpy",))
    assert main([*ASKED, "--lane", "missing", "--lane", "always_right"]) == 4
    assert "or ask the others alone: --lane always_right" in capsys.readouterr().err


def test_a_usual_lane_that_cannot_start_is_left_out_aloud(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = replace(fake("missing"), adapter="tests.none")
    lanes = {"missing": missing, "always_right": fake("always_right"), "numpy": LANES["numpy"]}
    monkeypatch.setattr(live, "LANES", lanes)
    monkeypatch.setattr(live, "DEFAULT_LANES", ("missing", "always_right", "numpy"))
    assert main(ASKED) == 0
    printed = capsys.readouterr()
    assert "conformance: lane missing cannot start: " in printed.err
    assert "agree: result has shape" in " ".join(printed.out.split())
    monkeypatch.setattr(live, "DEFAULT_LANES", ("missing", "numpy"))
    assert main(ASKED) == 4


@pytest.mark.parametrize(
    ("lane", "reason"),
    [
        ("tf_keras", "scripts are written for Keras 3, and this lane is Keras 2"),
        ("keras@2.15.0", "scripts are written for Keras 3, and this lane is Keras 2"),
        ("keras[mode=function]", "this lane runs with mode function, and scripts run with eager"),
        ("keras[policy=mixed_float16]", "this lane runs with policy mixed_float16, and scripts run with float32"),
        ("transformers", "there are scripts for Keras, torch and NumPy, not for transformers"),
    ],
)
def test_a_lane_without_scripts_is_refused_before_anything_runs(
    lane: str, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(live, "Run", None)
    assert main(["repro", *ASKED[1:], "--lane", lane]) == 1
    assert capsys.readouterr().err == f"conformance: {reason}\n"


def test_a_lane_is_found_by_the_name_that_it_gets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`keras[jax]` is called keras-jax in results; here the reference stands for any lane with a name of its own."""
    renamed = {"numpy[other]": replace(LANES["numpy"], name="numpy-other"), "numpy": LANES["numpy"]}
    monkeypatch.setattr(live, "LANES", renamed)
    monkeypatch.setattr(live, "IN_PROCESS", ("numpy", "numpy-other"))
    assert main(["repro", *ASKED[1:], "--lane", "numpy[other]"]) == 0
    assert "import numpy as np" in capsys.readouterr().out


@pytest.mark.frameworks
def test_keras_torch_and_the_reference_answer_a_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The padding follows from the definition of `same`: 3 zeros in all, 1 left and 2 right."""
    monkeypatch.undo()
    arguments = ["--layer", 'Conv1D(7, 4, padding="same")', "--input", "5,3", "--format", "md"]
    assert main(["explain", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "torch" in printed
    assert "agree: result has shape [batch, steps, 7] = (2, 5, 7)" in printed
    assert "left 1, right 2" in printed


def test_a_bad_case_costs_itself_and_not_the_one_that_is_asked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases_of(POOLED, project)
    file = project / "fam" / "topic.case.yaml"
    good = file.read_text(encoding="utf-8")
    (project / "fam" / "other.case.yaml").write_text(good.replace("mask_zero: true", "mask_zer: true"), "utf-8")
    (project / "fam" / "none.case.yaml").write_text("cases: [", "utf-8")
    assert main(["explain", "topic.masked", "--cases", "."]) == 0
    assert "AGREE  fam/topic.masked" in capsys.readouterr().out
    assert main(["explain", "other.masked", "--cases", "."]) == 2
    printed = capsys.readouterr().err
    assert "unknown argument mask_zer for Embedding" in printed
    assert "none.case.yaml" not in printed
