"""The gate as a command, in processes of its own: the reference's adapter stands for both versions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.builders import POOLED
from tests.plugin.conftest import ROOT, Project
from tests.plugin.test_survival import until

GATE = [sys.executable, "-c", "import sys; from conformance.cli import main; sys.exit(main())", "gate"]


def start(folder: Path, *arguments: str, new_session: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GATE, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CI": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=new_session,
    )


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    Project(pytester).write(POOLED)
    (pytester.path / "conftest.py").unlink()
    return pytester.path


def test_two_lanes_that_say_the_same_may_be_exchanged(folder: Path) -> None:
    process = start(folder, "--from", "old=numpy", "--to", "new=numpy", "-o", "out")
    text, errors = process.communicate()
    assert process.returncode == 0, errors
    assert errors.splitlines()[-1] == "written to out: gate.html, gate.json, gate.xml, results.json"
    assert "results: " not in errors  # the name under which pytest wrote them is gone
    assert text.startswith("no answer changed; 1 of 1 compared answers unchanged\n")
    written = sorted(path.name for path in (folder / "out").iterdir())
    assert written == ["gate.html", "gate.json", "gate.xml", "results.json"]
    assert json.loads((folder / "out" / "gate.json").read_text())["counts"]["unchanged"] == 1


def test_two_gates_at_once_in_one_folder_corrupt_nothing(folder: Path) -> None:
    arguments = ("--from", "old=numpy", "--to", "new=numpy", "--output", "out")
    processes = [start(folder, *arguments) for _ in range(2)]
    assert [process.communicate()[0].startswith("no answer changed") for process in processes] == [True, True]
    assert [process.returncode for process in processes] == [0, 0]
    assert json.loads((folder / "out" / "results.json").read_text())["footer"]["complete"] is True
    assert not [path for path in (folder / "out").iterdir() if path.name.startswith(".")]


def test_a_killed_gate_leaves_what_the_last_one_wrote(folder: Path) -> None:
    arguments = ("--from", "old=numpy", "--to", "new=numpy", "--output", "out")
    start(folder, *arguments).communicate()
    before = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    process = start(folder, *arguments, new_session=True)
    assert process.stderr is not None
    process.stderr.read(1)  # pytest has begun to say something
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    after = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
    assert {name: after[name] for name in before} == before


def test_a_gate_whose_pytest_is_killed_keeps_what_it_measured(folder: Path) -> None:
    case = POOLED[POOLED.index("      - id: masked") :]
    many = POOLED + "".join(case.replace("id: masked", f"id: more{index}") for index in range(300))
    (folder / "cases" / "fam" / "topic.case.yaml").write_text(dedent(many).lstrip())
    process = start(folder, "--from", "old=numpy", "--to", "new=numpy", "--output", "out")
    until(lambda: any('{"record"' in path.read_text() for path in (folder / "out").glob("*.journal")))
    (child,) = until(lambda: Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    os.kill(int(child), signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 3
    assert "conformance: pytest was ended by SIGKILL" in errors
    (kept,) = (folder / "out").iterdir()
    found = json.loads(kept.read_text())
    assert f"{kept.relative_to(folder)}: {len(found['cases'])} of 301 cases of a run that was killed" in errors
    assert len(found["cases"]) + len(found["not_run"]) == 301


def test_where_one_side_cannot_start_nothing_is_compared_and_the_other_is_kept(folder: Path) -> None:
    process = start(folder, "--from", "old=numpy,python=/no/such/python", "--to", "new=numpy", "--output", "out")
    text, errors = process.communicate()
    assert process.returncode == 4, errors
    assert text.startswith("nothing was compared: 1 not comparable; 0 of 0 compared answers unchanged\n")
    assert "fam/topic.masked [old -> new]  not there -> agree\n" in text
    assert text.count("why: old could not start") == 1
    rows = {row["name"]: row for row in json.loads((folder / "out" / "results.json").read_text())["lanes"]}
    assert (rows["old"]["ran"], rows["old"]["selected"]) == (0, 1)
    assert rows["new"]["verdicts"] == {"agree": 1}
    assert "nothing was compared" in (folder / "out" / "gate.html").read_text()


def test_arguments_after_two_dashes_go_to_pytest_and_nothing_selected_is_exit_code_5(folder: Path) -> None:
    process = start(folder, "--from", "old=numpy", "--to", "new=numpy", "--", "-k", "nothing_is_called_this")
    process.communicate()
    assert process.returncode == 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kears", "numpy", "there is no adapter 'kears'"),
        ("x=numpy", "x=numpy", "both sides are called x"),
        ("old=numpy,python=/no/such/python", "new=numpy", "/no/such/python"),
    ],
)
def test_what_cannot_run_is_exit_code_4_with_one_message(folder: Path, old: str, new: str, message: str) -> None:
    process = start(folder, "--from", old, "--to", new)
    _, errors = process.communicate()
    assert process.returncode == 4
    assert message in errors
    assert "Traceback" not in errors
