"""Killed runs and full disks, in real processes: nothing measured is lost, nothing is half written."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conformance.journal import KILLED, Journal, recover
from tests.plugin.conftest import ROOT, Project
from tests.plugin.test_runs import many, results
from tests.report import factory

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "cases"]
CONFORMANCE = [sys.executable, "-c", "import sys; from conformance.cli import main; sys.exit(main())"]
SCHEMA = json.loads((ROOT / "schemas" / "results-v1.schema.json").read_text(encoding="utf-8"))
EVERY = ("fam/topic.masked", "fam/topic.more0", "fam/topic.more1")


def start(folder: Path, command: list[str], **kwargs: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CI": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def until(condition: Any, seconds: float = 120) -> Any:
    """What a condition gives once it gives anything."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)
    return found


@pytest.fixture
def stuck(pytester: pytest.Pytester) -> Project:
    """Three cases; the lane answers the first and hangs over the second."""
    project = Project(pytester, "hangs")
    conftest = pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("fake(name)", "fake(name, only='fam/topic.more0')"))
    project.write(many(3))
    return project


def kill_in_the_second_case(project: Project, *arguments: str) -> None:
    """Starts a run and kills pytest itself with SIGKILL once its first case is measured."""
    folder = project.pytester.path
    process = start(folder, [*PYTEST, "--results", "r.json", *arguments], start_new_session=True)
    until(lambda: any('{"record"' in path.read_text() for path in folder.glob("r.json.*.journal")))
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    until(lambda: not alive(process.pid))


def alive(session: int) -> list[str]:
    """The processes of a session: a killed run must not leave its lanes behind."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if own == str(session) and state != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_a_killed_run_measured_becomes_honest_results(stuck: Project, workers: tuple[str, ...]) -> None:
    folder = stuck.pytester.path
    (folder / "r.json").write_text("what stood there before")
    kill_in_the_second_case(stuck, *workers)
    assert (folder / "r.json").read_text() == "what stood there before"
    (folder / "r.json").unlink()
    report = start(folder, [*CONFORMANCE, "report", "r.json", "-o", "r.html"])
    _, errors = report.communicate()
    found = results(stuck, "r.killed.json")
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    measured = [record["id"] for record in found["cases"]]
    assert 1 <= len(measured) <= (2 if workers else 1)  # of two processes, each may be done with its first case
    assert (report.returncode, errors) == (0, f"r.killed.json: {len(measured)} of 3 cases of a run that was killed\n")
    title = f"<title>INCOMPLETE: only {len(measured)} of 3 selected cases have a result"
    assert title in (folder / "r.html").read_text()
    left = [case for case in EVERY if case not in measured]
    assert found["not_run"] == [{"id": case, "reason": KILLED} for case in left]
    assert found["footer"] == {"complete": False, "stopped": KILLED, "cases": len(measured)}
    assert EVERY[1] not in measured
    rows = {row["name"]: row for row in found["lanes"]}
    assert (rows["hangs"]["ran"], rows["hangs"]["selected"]) == (len(measured), 3)
    assert rows["hangs"]["versions"] == {"fake": "1.0"}
    assert not list(folder.glob("*.journal"))


def test_the_next_run_keeps_what_a_killed_one_measured(stuck: Project) -> None:
    kill_in_the_second_case(stuck)
    result = stuck.run("--results", "r.json", "-k", "masked")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["r.killed.json: 1 of 3 cases of a run that was killed"])
    assert len(results(stuck, "r.killed.json")["not_run"]) == 2
    assert results(stuck)["footer"]["complete"] is True
    assert not list(stuck.pytester.path.glob("*.journal"))


HEADER = {
    "selected": {"a": ["x"], "b": ["x"]},
    "lanes": [{"name": "x", "adapter": "keras"}],
    "run": {"started": "2026-11-22T00:00:00Z", "command": "pytest"},
}
RECORD = factory.record({"x": factory.lane()}, id="a")


def test_a_journal_whose_run_is_alive_is_left_alone_and_a_dead_one_is_taken_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r.json", HEADER)
    journal.add(record=RECORD, seconds=1.0)
    assert recover(tmp_path) == []
    journal._file.close()  # as when its process dies
    assert recover(tmp_path) == [(tmp_path / "r.killed.json", "1 of 2 cases of a run that was killed")]
    assert recover(tmp_path) == []


def test_two_killed_runs_are_two_files_and_a_line_that_was_cut_off_is_no_record(tmp_path: Path) -> None:
    for _ in range(2):
        journal = Journal(tmp_path / "r.json", HEADER)
        journal.add(record=RECORD)
        journal._file.write('{"record": {"id": "b", "outc')
        journal._file.close()
        recover(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.killed-2.json", "r.killed.json"]
    assert json.loads((tmp_path / "r.killed-2.json").read_text())["not_run"] == [{"id": "b", "reason": KILLED}]


@pytest.mark.parametrize(
    "line", ['{"header": {"selected": {}}, "record": {"id": "a"}}', '{"header": 1, "record": {"id": "a"}}', "[]"]
)
def test_a_journal_of_another_version_is_left_alone(line: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json.4711.journal"
    path.write_text(line + "\n", encoding="utf-8")
    assert recover(tmp_path) == []
    assert path.exists()


def test_a_run_that_ends_leaves_no_journal(right: Project) -> None:
    assert right.run("--results", "r.json").ret == 0
    assert not list(right.pytester.path.glob("r.*.*"))
    assert not list(right.pytester.path.glob("*.killed.json"))


def no_file_over(size: int) -> Any:
    """A disk that is full after so many bytes of any file."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_on_a_full_disk_the_old_results_stand_and_one_message_says_so(right: Project) -> None:
    folder = right.pytester.path
    (folder / "r.json").write_text("old")
    process = start(folder, [*PYTEST, "--results", "r.json"], preexec_fn=no_file_over(2_000))
    output, errors = process.communicate()
    assert process.returncode == 4
    assert "r.json cannot be written: File too large; what stood there before still stands" in output
    assert "2 passed" in output
    assert "Traceback" not in output + errors
    assert (folder / "r.json").read_text() == "old"
    assert not [path for path in folder.iterdir() if path.name.endswith(".part")]


def test_a_device_without_room_is_written_to_and_never_replaced(right: Project) -> None:
    result = right.run("--results", "/dev/full")
    assert result.ret == 4
    result.stdout.fnmatch_lines(["/dev/full cannot be written: No space left on device; *"])
    assert Path("/dev/full").is_char_device()
    right.run("--results", "r.json")
    report = start(right.pytester.path, [*CONFORMANCE, "report", "r.json", "-o", "/dev/full"])
    _, errors = report.communicate()
    assert (report.returncode, errors) == (4, "conformance: output: No space left on device\n")
