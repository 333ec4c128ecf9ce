"""Lanes on another machine, without a network: an `ssh` that runs the command here, where nothing of ours is.

The far interpreter has NumPy and autograd only, its folder and its environment are empty: the rest was sent.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import venv
from collections.abc import Mapping
from pathlib import Path

import autograd
import numpy
import pytest

from conformance.errors import LaneUnavailable, UsageError
from conformance.lanes.declare import declared, parse
from conformance.lanes.process import ProcessLane
from tests.plugin.conftest import ROOT, Project
from tests.plugin.test_runs import many, results
from tests.plugin.test_unavailable import rows

SSH = """#!/bin/sh
# drops the options and the host, as sshd does, and runs the last argument in a shell of its own
echo "$@" >> {folder}/calls
for command; do :; done
case "$*" in *unreachable*) echo "ssh: connect to host unreachable: no route" >&2; exit 255;; esac
cd {folder}/far && exec env -i PATH=/usr/bin:/bin TMPDIR={folder}/far /bin/sh -c "$command"
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An interpreter on another machine, and the `ssh` that leads there."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "far").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    ssh.write_text(SSH.format(folder=tmp_path))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(ssh.parent), prepend=os.pathsep)
    python = bare(tmp_path / "python")
    site = next(python.parents[1].glob("lib/python*/site-packages"))
    for package in (numpy, autograd):
        home = Path(package.__file__).parent
        (site / home.name).symlink_to(home)
        info = Path(str(importlib.metadata.distribution(package.__name__)._path))  # type: ignore[attr-defined]
        (site / info.name).symlink_to(info)
        if (libraries := home.with_name(f"{home.name}.libs")).exists():
            (site / libraries.name).symlink_to(libraries)
    return python


def bare(folder: Path) -> Path:
    venv.create(folder, symlinks=True, with_pip=False)
    return folder / "bin" / "python"


def test_the_far_interpreter_has_nothing_of_ours(far: Path) -> None:
    done = subprocess.run(
        ["ssh", "host", f"{far} -c 'import conformance'"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert "No module named 'conformance'" in done.stderr


def test_a_lane_over_ssh_answers_like_one_here(right: Project, far: Path) -> None:
    right.write(many(3))
    lane = f"far=numpy,python=ssh://me@host.example:2222{far}"
    result = right.run("--lanes", "always_right", "--lane", lane, "--results", "r.json")
    assert result.ret == 0, result.stdout.str()
    found = rows(results(right))
    assert found["far"]["verdicts"] == {"agree": 3}
    assert found["far"]["versions"] == found["numpy"]["versions"]
    said = (far.parents[2] / "calls").read_text()
    assert said.startswith("-C -oBatchMode=yes -oConnectTimeout=30 -p 2222 me@host.example ")
    assert list((far.parents[2] / "far").iterdir()) == []


def test_an_unreachable_host_costs_its_own_cases_only(right: Project, far: Path) -> None:
    result = right.run(
        "--lanes", "always_right", "--lane", "far=numpy,python=ssh://unreachable/python3", "--results=r.json"
    )
    assert result.ret == 4
    found = rows(results(right))
    assert found["far"]["unavailable"] == {
        "message": "lane far: unreachable cannot be reached: ssh: connect to host unreachable: no route",
        "hint": "this must work without a password: ssh unreachable /python3 --version",
    }
    assert (found["far"]["ran"], found["far"]["selected"]) == (0, 1)
    assert found["always_right"]["verdicts"] == {"agree": 1}
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def refused(text: str) -> LaneUnavailable:
    """What is said of a lane that cannot be."""
    lane = ProcessLane(parse(text))
    try:
        with pytest.raises(LaneUnavailable) as caught:
            lane.identity()
    finally:
        lane.stop()
    return caught.value


def test_a_far_interpreter_without_numpy_says_what_to_install_where(far: Path, tmp_path: Path) -> None:
    python = bare(tmp_path / "nothing")
    found = refused(f"far=numpy,python=ssh://host{python}")
    assert found.message == "lane far cannot start: ModuleNotFoundError: No module named 'numpy'"
    assert found.hint == f"on host: {python} -m pip install numpy autograd"


def test_a_far_interpreter_that_is_not_there_is_named(far: Path) -> None:
    assert refused("far=numpy,python=ssh://host/no/python").message == "lane far: /no/python on host is not a Python"


def test_a_lane_elsewhere_does_not_run_in_this_process(far: Path, right: Project) -> None:
    lane = f"far=numpy,python=ssh://host{far}"
    result = right.run("--lanes", "always_right", "--lane", lane, "--in-process", "far", "--results=r.json")
    assert result.ret == 4
    assert "has an interpreter of its own" in rows(results(right))["far"]["unavailable"]["message"]


@pytest.mark.parametrize(
    ("text", "name", "host", "interpreter"),
    [
        ("ssh://host/opt/v/bin/python", "keras@host", "host", "/opt/v/bin/python"),
        ("ssh://me@host:22/python", "keras@host-22", "me@host:22", "/python"),
        ("far=ssh://host/python", "far", "host", "/python"),
        ("torch,python=ssh://host/python", "torch@host", "host", "/python"),
        ("keras[jax],python=ssh://host/python", "keras-jax@host", "host", "/python"),
    ],
)
def test_where_a_lane_is(text: str, name: str, host: str, interpreter: str) -> None:
    spec = parse(text)
    assert (spec.name, spec.host, spec.interpreter) == (name, host, interpreter)


@pytest.mark.parametrize("text", ["ssh://host", "ssh://-oProxyCommand=x/python", "ssh:///python", "ssh://a b/python"])
def test_what_is_no_place_on_a_host_is_refused(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"names no interpreter on a host\n   = help: as in ssh://host/usr/bin/python3"
    ):
        parse(text)


def test_a_project_declares_lanes_on_other_machines(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        '[tool.conformance.lanes]\nfar = "ssh://host/python"\n'
        'gpu = {adapter = "torch", python = "ssh://me@gpu/opt/python"}\n'
    )
    found: Mapping[str, object] = {name: (spec.adapter, spec.host) for name, spec in declared(project).items()}
    assert found == {"far": ("keras", "host"), "gpu": ("torch", "me@gpu")}


def test_what_is_sent_is_what_lanes_import() -> None:
    from conformance.lanes.gateway import source

    assert len(source()) < 1_000_000
