"""Whole runs: exit codes, results that are complete or say what is missing, workers, interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.builders import POOLED
from tests.plugin.conftest import Project


def results(project: Project, name: str = "r.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.pytester.path / name).read_text())
    return found


def many(number: int) -> str:
    case = POOLED[POOLED.index("      - id: masked") :]
    return POOLED + "".join(case.replace("id: masked", f"id: more{i}") for i in range(number - 1))


@pytest.mark.parametrize(("behaviour", "code"), [("always_right", 0), ("always_wrong", 1), ("cannot_start", 4)])
def test_exit_codes(pytester: pytest.Pytester, behaviour: str, code: int) -> None:
    project = Project(pytester, behaviour)
    project.write(POOLED)
    assert project.run().ret == code


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_lane_that_does_not_exist_is_said_once_and_not_for_every_file(
    right: Project, workers: tuple[str, ...]
) -> None:
    right.write(POOLED, name="another")
    result = right.run("--lane", "troch", *workers)
    assert result.ret == 4
    said = result.stdout.str() + result.stderr.str()
    assert said.count("lane 'troch': there is no adapter 'troch'") == 1
    assert "did you mean torch?" in said
    assert "ERROR collecting" not in said


def test_failures_are_told_by_cause_at_the_end_of_a_run(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "always_wrong")
    project.write(many(3))
    lines = project.run().stdout.lines
    where = lines.index("3 cases fail, by cause:")
    assert lines[where + 1].startswith("    3  always_wrong")
    assert "by cause" not in project.run("-k", "masked").stdout.str()


def test_a_seed_is_kept_in_the_results_and_draws_other_arrays(right: Project) -> None:
    found = []
    for name, arguments in (("a.json", ()), ("b.json", ("--seed", "3"))):
        assert right.run("--results", name, *arguments).ret == 0
        found.append(results(right, name))
    assert [one["seed"] for one in found] == [0, 3]
    assert found[0]["cases"][0]["digest"] != found[1]["cases"][0]["digest"]
    first, second = (one["cases"][0]["lanes"]["numpy"]["runs"][0]["embedded"]["values"] for one in found)
    assert first != second


def test_a_score_against_mutants_goes_into_the_results(right: Project) -> None:
    score = {
        "kind": "conformance-mutants",
        "schema_version": 1,
        "layers": {"Embedding": {"mutants": 6, "killed": 5}},
        "cases": {"fam/topic.masked": {"killed": {"Embedding.no_mask": "mask"}, "survived": []}},
    }
    (right.pytester.path / "score.json").write_text(json.dumps(score))
    assert right.run("--results", "r.json", "--mutants", "score.json").ret == 0
    assert results(right)["mutants"] == {"Embedding": {"killed": 5, "of": 6}}
    assert results(right)["cases"][0]["mutants"] == {"killed": ["Embedding.no_mask"], "survived": []}
    assert right.run("--results", "r.json", "--mutants", "none.json").ret == 2


def test_nothing_selected_is_exit_code_5(right: Project) -> None:
    assert right.run("-k", "nothing_is_called_this").ret == 5


def test_a_folder_without_cases_is_exit_code_5(right: Project) -> None:
    (right.pytester.path / "cases" / "fam" / "topic.case.yaml").unlink()
    assert right.run().ret == 5


def test_a_bad_file_is_exit_code_2_with_every_mistake(right: Project) -> None:
    right.write(POOLED.replace("GlobalAveragePooling1D}", "GlobalAveragePoolin1D}").replace("embed(ids)", "embd(ids)"))
    result = right.run()
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        ["cases/fam/topic.case.yaml:*: error: *GlobalAveragePoolin1D*", "cases/fam/topic.case.yaml:*: error: *embd*"]
    )


def test_an_id_that_is_used_twice_names_both_places(right: Project) -> None:
    right.write(POOLED, family="other/fam")
    result = right.run()
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*id fam/topic.masked is used twice; first at cases/fam/topic.case.yaml:*"])


def test_an_unknown_lane_names_the_known_ones(right: Project) -> None:
    result = right.run("--lanes", "kears")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: there is no lane kears", "   = help: lanes: always_right, numpy"])


def test_results_name_lanes_with_denominators(mixed: Project) -> None:
    mixed.run("--results", "r.json")
    found = results(mixed)
    rows = {row["name"]: row for row in found["lanes"]}
    assert (rows["always_right"]["ran"], rows["always_right"]["selected"]) == (1, 1)
    assert rows["always_right"]["verdicts"] == {"agree": 1}
    assert rows["always_wrong"]["verdicts"] == {"differ": 1}
    assert found["footer"] == {"complete": True, "stopped": "", "cases": 1}
    assert found["counts"] == {"differ": 1}


def test_two_workers_give_the_same_results_as_none(mixed: Project) -> None:
    mixed.write(many(6))
    log, conftest = mixed.pytester.path / "begun", mixed.pytester.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace("fake(name)", f"fake(name, log={str(log)!r})"))

    def told(*workers: str) -> dict[str, Any]:
        run = mixed.run("--results", "r.json", *workers)
        run.assert_outcomes(passed=12, failed=6)
        assert run.ret == 1
        found = results(mixed)
        for record in found["cases"]:
            for lane in record["lanes"].values():
                lane.pop("seconds")
        begun = Counter(line.split()[1] for line in log.read_text().splitlines())
        if "--dist" not in workers:  # others may part the lanes of a case
            twice = {record["id"]: 2 for record in found["cases"]}
            assert {case: begun[case] for case in twice} == twice, "each of two lanes begins each case once"
        log.unlink()
        return found

    first = told()
    for distribution in ((), ("--dist", "loadgroup"), ("--dist", "worksteal")):
        second = told("-n", "2", *distribution)
        assert [record["id"] for record in first["cases"]] == [record["id"] for record in second["cases"]]
        assert first["cases"] == second["cases"], distribution
        assert [row["versions"] for row in first["lanes"]] == [row["versions"] for row in second["lanes"]]


def test_stopping_early_leaves_results_that_say_what_did_not_run(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "always_wrong")
    project.write(many(4))
    project.run("--results", "r.json", "-x")
    found = results(project)
    assert found["footer"]["complete"] is False
    assert len(found["cases"]) == 1
    assert [row["id"] for row in found["not_run"]] == [f"fam/topic.more{i}" for i in range(3)]


def test_ctrl_c_leaves_results_that_say_what_did_not_run(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "hangs")
    text = many(2).replace("question: Are", "time_limit: 30\n        question: Are")
    project.write(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "cases", "--results", "r.json"],
        cwd=project.pytester.path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    begun = ""
    while "topic.case.yaml" not in begun and (letter := process.stdout.read(1)):
        begun += letter
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 2, output
    found = results(project)
    assert found["footer"]["complete"] is False
    assert found["footer"]["stopped"] == "interrupted"
    assert len(found["not_run"]) == 2


def test_a_hang_costs_one_case_its_time_and_nothing_else(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "hangs", "always_right")
    project.write(POOLED.replace("question: Are", "time_limit: 0.5\n        question: Are"))
    result = project.run("--results", "r.json")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*timeout*no answer within 0.5 s*"])


def test_a_lane_in_the_pytest_process_gives_the_same_verdict(mixed: Project) -> None:
    mixed.run("--in-process", "always_wrong").assert_outcomes(passed=2, failed=1)


def test_the_old_results_stand_when_the_disk_refuses_new_ones(right: Project, tmp_path: Path) -> None:
    from conformance.results import write_whole

    target = tmp_path / "r.json"
    write_whole(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(target, "\ud800")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_process_that_runs_pytest_again_and_again_collects_its_garbage(right: Project) -> None:
    conftest = right.pytester.path / "conftest.py"
    watched = "import gc\ndef pytest_runtest_setup():\n    assert gc.get_freeze_count() > 10_000\n"
    conftest.write_text(f"{conftest.read_text()}\n{watched}")
    program = "import gc, pytest; print(pytest.main(['cases', '-q', '-p', 'no:cacheprovider']), gc.get_freeze_count())"
    result = right.pytester.run(sys.executable, "-c", program)
    assert result.outlines[-1] == "0 0"
