"""The command: what each verb prints, and which exit code a mistake gives."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from conformance import cli, results
from conformance.cli import main
from tests.builders import POOLED, cases_of
from tests.test_results import whole


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "r.json"
    results.write(whole(tmp_path), path)
    return path


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "conformance explain pooling/" in capsys.readouterr().out


MISTYPED = {
    "a command": (["expalin", "x"], "conformance: there is no command 'expalin'\n   = help: did you mean explain?\n"),
    "an option": (
        ["explain", "--lyer", "GRU"],
        "conformance explain: there is no option '--lyer'\n   = help: did you mean --layer?\n",
    ),
    "an option of pytest": (
        ["gate", "--from", "keras@3.3.3", "--to", "keras", "-k", "gru"],
        "conformance gate: there is no option '-k'\n   = help: options of pytest stand after two dashes: -- -k\n",
    ),
    "a verb of a command": (
        ["deviations", "lst"],
        "conformance deviations: there is no command 'lst'\n   = help: did you mean list?\n",
    ),
    "no verb of a command": (
        ["deviations"],
        "conformance deviations: the following arguments are required: verb\n   = help: there are draft, list, prune\n",
    ),
    "a choice": (
        ["explain", "x", "--format", "pdf"],
        "conformance explain: there is no --format 'pdf'\n   = help: there are text, md, markdown, json, html\n",
    ),
    "one argument too many": (
        ["explain", "a", "b"],
        "conformance explain: 'b' is one argument too many\n   = help: conformance explain --help\n",
    ),
    "something left out": (
        ["gate", "--from", "keras@3.3.3"],
        "conformance gate: the following arguments are required: --to\n   = help: conformance gate --help\n",
    ),
    "a version": (
        ["bisect", "fam/topic.masked", "--good", "3.3.3", "--bad", "3.x", "--versions", "3.3.3,3.4.0"],
        "conformance: 3.x is not a version\n   = help: versions as pip writes them: 3.4.0\n",
    ),
    "one version for both ends": (
        ["bisect", "masked", "--from", "3.4.0", "--to", "3.4", "--versions", "3.3.3,3.4.0"],
        "conformance: both ends are 3.4.0\n   = help: name two versions whose answers differ\n",
    ),
    "arguments for pytest where none goes there": (
        ["check", "--", "-k", "gru"],
        "conformance: nothing here goes to pytest: -- -k gru\n   = help: conformance --help\n",
    ),
    "a mode to ask beside": (
        ["gate", "--from", "keras@3.3.3", "--to", "keras", "--modes", "eager,xla"],
        "conformance: --modes xla: there is no such mode to ask beside\n   = help: modes: eager, function\n",
    ),
    "the id of a case": (
        ["bisect", "fam/topic.maskd", "--good", "3.3.3", "--bad", "3.4.0"],
        "conformance: no case is called fam/topic.maskd in cases\n   = help: did you mean fam/topic.masked?\n",
    ),
    "a file of cases": (
        ["matrix", "--versions", "3.3.3", "cases/none.case.yaml"],
        "conformance: cases/none.case.yaml: no such file or folder\n   = help: case files stand in cases\n",
    ),
}


@pytest.mark.parametrize("name", MISTYPED)
def test_what_is_mistyped_gets_the_nearest_that_exists(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cases_of(POOLED, tmp_path / "cases")
    monkeypatch.chdir(tmp_path)
    arguments, message = MISTYPED[name]
    assert main(arguments) == 4
    assert capsys.readouterr().err == message


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 4
    assert "to upgrade\n  conformance gate --from" in capsys.readouterr().err


def test_every_argument_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """No line of any help is an option alone; `-h` is argparse's own."""
    assert main(["--help"]) == 0
    commands = re.findall(r"^    ([a-z]+)", capsys.readouterr().out, re.MULTILINE)
    assert {"explain", "matrix", "check"} <= set(commands)
    for command in commands:
        assert main([command, "--help"]) == 0
        shown = capsys.readouterr().out
        bare = re.findall(r"^  (\S+(?: [A-Z.,]+)?)\n(?!\s{10})", shown.partition("\noptions:")[2], re.MULTILINE)
        assert bare == [], f"{command}: {bare}"


def test_ctrl_c_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "read", interrupted)
    assert main(["explain", "masked", "--results", str(file)]) == 2
    assert capsys.readouterr().err == "conformance: interrupted\n"


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_what_is_no_text_file_is_named(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.json"
    path.mkdir() if content is None else path.write_bytes(content)
    assert main(["report", str(path)]) == 2
    assert "cannot be read: " + ("it is not text" if content else "Is a directory") in capsys.readouterr().err


def test_report_is_the_same_bytes_for_the_same_results(file: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        assert main(["report", str(file), "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")


def test_report_of_half_a_file_is_bad_input(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text()[:1000])
    assert main(["report", str(file)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "it looks cut off" in captured.err
    assert "Traceback" not in captured.err


def test_what_never_was_json_is_not_called_cut_off(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("<html>")
    assert main(["report", str(file)]) == 2
    said = capsys.readouterr().err
    assert ": not JSON (Expecting value" in said
    assert "cut off" not in said


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are written beside their place first, under a name that nobody typed."""

    def full(number: int) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path / ".r.html.4711.part"))

    monkeypatch.setattr("os.fsync", full)
    assert main(["report", str(file), "-o", str(tmp_path / "r.html")]) == 4
    assert capsys.readouterr().err == f"conformance: {tmp_path / 'r.html'} cannot be written: Permission denied\n"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_cannot_show_a_sign_gets_another(file: Path, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "explain", "masked", "--results", str(file)],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode(encoding)
    assert said.startswith("+ AGREE  fam/topic.masked")
    assert "+ error   + structure   + shape" in said


def test_python_runs_the_package_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "nothing"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 4
    assert done.stderr.startswith("conformance: there is no command 'nothing'")


def test_explain_prints_the_page_of_one_case(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "fam/topic.masked", "--results", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "Are padded steps left out?" in printed
    assert "always_right" in printed


def test_explain_takes_the_end_of_an_id(file: Path) -> None:
    assert main(["explain", "masked", "--results", str(file)]) == 0


def test_explain_of_an_unknown_id_names_near_ones(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "topic.mask", "--results", str(file)]) == 4
    assert "did you mean fam/topic.masked?" in capsys.readouterr().err


def test_check_counts_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, tmp_path)
    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 case, no mistakes\n"


def test_check_names_every_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED, tmp_path)
    path = tmp_path / "fam" / "topic.case.yaml"
    path.write_text(path.read_text().replace("mask_zero: true", "mask_zer: true").replace("pool(emb", "pol(emb"))
    assert main(["check", str(tmp_path)]) == 2
    printed = capsys.readouterr().err
    assert "did you mean" in printed
    assert printed.count(": error: ") >= 2


def test_questions_maps_rows_to_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases_of(POOLED.replace("question: Are", "questions: [6]\n        question: Are"), tmp_path)
    assert main(["questions", str(tmp_path)]) == 0
    assert "| 6 | a masked mean | `fam/topic.masked` |" in capsys.readouterr().out


def test_an_output_that_cannot_be_written_says_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(file), "-o", "/proc/none/r.html"]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_answers_gives_a_sentence_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = whole(tmp_path)
    found["cases"][0]["questions"] = [6]
    found["cases"][0]["question"] = "Are padded steps | left out?"
    results.write(found, tmp_path / "r.json")
    assert main(["answers", str(tmp_path / "r.json")]) == 0
    printed = capsys.readouterr().out
    assert "## 6. a masked mean" in printed
    assert "- **Are padded steps \\| left out?** " in printed
    assert "(`fam/topic.masked`)" in printed


def test_every_module_that_declares_a_subcommand_is_listed() -> None:
    """A subcommand is declared in its module and listed in `COMMANDS`; nowhere else."""
    modules = [importlib.import_module(f"conformance.cli.{found.name}") for found in pkgutil.iter_modules(cli.__path__)]
    assert {module for module in modules if hasattr(module, "add")} == set(cli.COMMANDS)


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_subcommand_shows_an_example(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    name = command.__name__.rpartition(".")[2]
    assert main([name, "--help"]) == 0
    assert re.search(rf"examples?:\n(  pytest .*\n)?  conformance {name}\b", capsys.readouterr().out)
