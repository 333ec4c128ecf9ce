"""Environments of lanes, built by the real pip from wheels made here: no network, a second or two each."""

from __future__ import annotations

import base64
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.errors import LaneUnavailable
from conformance.lanes import environments
from conformance.lanes.environments import cache_folder, digest, is_intact, prepared
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec, proved
from conformance.protocol.adapter import Identity

ROOT = Path(__file__).parents[2]
ADAPTER = """
    from types import SimpleNamespace
    import tiny
    from conformance.protocol.adapter import Identity

    def start(options):
        return SimpleNamespace(identity=Identity(
            versions={"tiny": tiny.VERSION}, files={"tiny": tiny.__file__}, gives_masks=True))
"""


def wheel(folder: Path, version: str) -> None:
    """A wheel of the package `tiny`, whose `VERSION` is what it says."""
    files = {
        "tiny/__init__.py": f"VERSION = {version!r}\n",
        "tiny/adapter.py": textwrap.dedent(ADAPTER),
        f"tiny-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"tiny-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    folder.mkdir(exist_ok=True)
    rows = []
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            sha = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={sha},{len(text.encode())}")
        record = f"tiny-{version}.dist-info/RECORD"
        archive.writestr(record, "\n".join([*rows, f"{record},,"]) + "\n")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and an index of two versions."""
    wheel(tmp_path / "wheels", "1.0")
    wheel(tmp_path / "wheels", "2.0")
    monkeypatch.setenv("CONFORMANCE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setattr("shutil.which", lambda name: None)
    return tmp_path / "cache"


def overlay(version: str) -> LaneSpec:
    return LaneSpec("tiny", "tiny.adapter", overlay=(f"tiny=={version}",), wants={"tiny": f"=={version}"})


def folder_of(spec: LaneSpec) -> Path:
    return Path(prepared(spec).options["overlays"][-1])


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if not path.name.endswith(".lock"))


def test_an_overlay_answers_with_the_version_asked_for() -> None:
    for version in ("1.0", "2.0"):
        lane = ProcessLane(overlay(version))
        try:
            assert lane.identity().versions == {"tiny": version}
        finally:
            lane.stop()


UV = """#!{python}
import subprocess, sys
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + chr(10))
if {fails}:
    sys.exit("error: no solution found")
at = sys.argv.index("--python")
pip = [sys.argv[at + 1], "-m", "pip", "install", "-q", *sys.argv[at + 2:]]
sys.exit(subprocess.call(pip))
"""


def put_uv(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> Path:
    """A `uv` that does what it is asked for by pip, or fails; and its log of what it was asked for."""
    log = folder / "uv.log"
    uv = folder / "uv"
    uv.write_text(UV.format(python=sys.executable, log=str(log), fails=fails))
    uv.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(uv) if name == "uv" else None)
    return log


def test_uv_builds_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = put_uv(tmp_path, monkeypatch, fails=False)
    folder = folder_of(overlay("1.0"))
    assert is_intact(folder)
    (line,) = log.read_text().splitlines()
    begin = f"pip install --quiet --compile-bytecode --python {sys.executable} --no-deps --target {folder}.part-"
    assert line.startswith(begin)
    assert line.endswith(" tiny==1.0")


def test_pip_builds_what_uv_cannot_and_says_why_neither_can(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_uv(tmp_path, monkeypatch, fails=True)
    assert is_intact(folder_of(overlay("1.0")))
    with pytest.raises(LaneUnavailable, match=r"lane tiny: pip cannot install tiny==9\.9:\nERROR: "):
        prepared(overlay("9.9"))
    assert len(log.read_text().splitlines()) == 2
    assert len(leftovers(cache)) == 1


def test_what_is_built_once_is_not_built_again(cache: Path) -> None:
    folder = folder_of(overlay("1.0"))
    stamp = (folder / "tiny" / "__init__.py").stat().st_mtime_ns
    assert folder_of(overlay("1.0")) == folder
    assert (folder / "tiny" / "__init__.py").stat().st_mtime_ns == stamp
    assert folder_of(overlay("2.0")) != folder
    assert len(leftovers(cache)) == 2


@pytest.mark.parametrize("damaged", ["tiny/__init__.py", "conformance.json"])
def test_what_is_broken_is_built_again(damaged: str) -> None:
    folder = folder_of(overlay("1.0"))
    (folder / damaged).unlink()
    assert not is_intact(folder)
    assert folder_of(overlay("1.0")) == folder
    assert is_intact(folder)


def test_a_version_that_does_not_exist_says_so_and_leaves_nothing(cache: Path) -> None:
    with pytest.raises(LaneUnavailable) as caught:
        prepared(overlay("9.9"))
    assert str(caught.value).startswith("lane tiny: pip cannot install tiny==9.9:\nERROR: ")
    assert "No matching distribution found for tiny==9.9" in str(caught.value)
    assert leftovers(cache) == []


def test_a_cache_that_cannot_be_written_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONFORMANCE_CACHE", str(tmp_path / "file"))
    with pytest.raises(LaneUnavailable, match=r"its environment cannot be kept in .*file: .*\n.*set CONFORMANCE_CACHE"):
        prepared(overlay("1.0"))


def test_a_full_disk_leaves_nothing_half_made(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(environments, "_files", full)
    with pytest.raises(LaneUnavailable, match="No space left on device"):
        prepared(overlay("1.0"))
    assert leftovers(cache) == []


def build() -> None:
    """In a process of its own."""
    prepared(overlay("1.0"))


def test_two_runs_at_once_build_one_environment(cache: Path) -> None:
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=build) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert len(leftovers(cache)) == 1
    assert is_intact(folder_of(overlay("1.0")))


def test_a_killed_build_is_no_environment_and_the_next_one_cleans_up(cache: Path) -> None:
    """The process is killed with SIGKILL between pip and the move: nothing of ours runs after that."""
    script = (
        "import os, signal\n"
        "from conformance.lanes import environments\n"
        "environments._files = lambda folder: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from tests.lanes.test_environments import build\n"
        "build()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    name = f"overlay-{digest('overlay', ['tiny==1.0'], sys.executable)}"
    assert [left.startswith(f"{name}.part-") for left in leftovers(cache)] == [True]
    assert is_intact(folder_of(overlay("1.0")))
    assert leftovers(cache) == [name]


def test_an_environment_of_its_own_has_its_own_interpreter() -> None:
    spec = prepared(replace(overlay("2.0"), overlay=(), environment=("tiny==2.0",)))
    said = subprocess.check_output([spec.interpreter, "-c", "import tiny; print(tiny.VERSION)"], text=True)
    assert said == "2.0\n"
    assert Path(spec.interpreter).is_relative_to(cache_folder())


def test_the_wrong_version_is_refused_by_name() -> None:
    identity = Identity({"keras": "3.15.1"}, {"keras": "site-packages/keras/__init__.py"}, True)
    with pytest.raises(LaneUnavailable) as caught:
        proved(LaneSpec("old", "keras", wants={"keras": "==3.3.3"}), identity)
    assert str(caught.value) == (
        "lane old: asked for keras==3.3.3, keras 3.15.1 answered from site-packages/keras/__init__.py\n"
        "   = help: name an interpreter or a version that has it"
    )


def test_a_local_version_is_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity({"torch": "2.13.0+cpu"}, {}, False)
    assert proved(LaneSpec("torch", "torch", wants={"torch": "==2.13.0"}), identity) is identity


def test_the_manifest_names_what_was_asked_for() -> None:
    manifest = json.loads((folder_of(overlay("1.0")) / "conformance.json").read_text())
    assert manifest == {"kind": "overlay", "requirements": ["tiny==1.0"], "files": 2}


def test_another_interpreter_is_another_environment() -> None:
    assert digest("overlay", ["tiny==1.0"], sys.executable) != digest(
        "overlay", ["tiny==1.0"], shutil.which("sh") or ""
    )
    assert digest("overlay", ["tiny==1.0"], sys.executable) != digest("environment", ["tiny==1.0"], sys.executable)


def test_a_lock_is_let_go_when_its_holder_dies(cache: Path) -> None:
    cache.mkdir()
    script = (
        "import sys, time, pathlib\n"
        "from conformance.lanes.environments import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(60)\n"
    )
    lock = cache / "x.lock"
    holder = subprocess.Popen([sys.executable, "-c", script, str(lock)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    started = time.monotonic()
    with environments.locked(lock):
        assert time.monotonic() - started < 5
