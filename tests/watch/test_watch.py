"""One watch from beginning to end, over a copy of the package, so that its formulas can be changed under its feet."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.plugin.conftest import ROOT

CASE = """\
    schema_version: 1
    topic: an average
    source: {kind: hand}
    dims: {batch: 1, steps: 2, dim: 1}
    cases:
      - id: mean
        question: What is the mean of 1 and 3?
        inputs: {x: {shape: [batch, steps, dim], fill: {values: [[[1.0], [3.0]]]}}}
        layers: {pool: {type: GlobalAveragePooling1D}}
        graph: {y: pool(x)}
        expect: {y: {values: [[2.0]]}}
"""
CONFTEST = """\
    import sys
    sys.path.insert(0, {root!r})
    from conformance.lanes import known
    from conformance.lanes.spec import LaneSpec
    own = LaneSpec("own", "own_adapter", {{"behaviour": "always_right", "overlays": [{here!r}, {root!r}]}})
    known.LANES = {{"own": own, "numpy": known.LANES["numpy"]}}
"""
FORMULA = "return np.mean(x, axis=steps, keepdims=self.keepdims)"


class Watching:
    """The command in a process of its own, its lines with what they said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder / "kept")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "conformance", "watch", "cases", "-k", "mean"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._read = 0
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def _follow(self) -> None:
        assert self.process.stdout is not None
        self.lines += (line.rstrip("\n") for line in iter(self.process.stdout.readline, ""))

    def close(self) -> None:
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def until(self, text: str, seconds: float = 90.0) -> str:
        """The lines up to the first with this text, from the last that was waited for."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            for number in range(self._read, len(self.lines)):
                if text in self.lines[number]:
                    found, self._read = self.lines[self._read : number + 1], number + 1
                    return "\n".join(found)
            time.sleep(0.01)
        raise AssertionError(f"no {text!r} in\n" + "\n".join(self.lines))

    def save(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        (path.parent / ".saved").write_text(text.replace(old, new))
        os.replace(path.parent / ".saved", path)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    shutil.copytree(ROOT / "conformance", tmp_path / "conformance", ignore=shutil.ignore_patterns("comparison", "gate"))
    shutil.copytree(ROOT / "conformance" / "gate", tmp_path / "conformance" / "gate")
    case = tmp_path / "cases" / "fam" / "topic.case.yaml"
    case.parent.mkdir(parents=True)
    case.write_text(dedent(CASE))
    (tmp_path / "pytest.ini").write_text("[pytest]\nconformance_lanes = own numpy\n")
    (tmp_path / "conftest.py").write_text(dedent(CONFTEST).format(root=str(ROOT), here=str(tmp_path)))
    (tmp_path / "own_adapter.py").write_text("from tests.fakes import start\n")
    made = Watching(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.wait()
    made.close()


def test_a_watch_from_beginning_to_end(watching: Watching) -> None:
    watching.until("✓ fam/topic.mean  agree: own, numpy")
    watching.until("1 case in")

    # a case
    watching.save("cases/fam/topic.case.yaml", "values: [[2.0]]", "values: [[5.0]]")
    told = watching.until("1 case in")
    assert "✗ fam/topic.mean  differ: own, numpy   (before: own agree, numpy agree)" in told
    watching.save("cases/fam/topic.case.yaml", "cases:", "cases: [")
    assert "cases/fam/topic.case.yaml:6:" in watching.until("1 case in")
    watching.save("cases/fam/topic.case.yaml", "cases: [", "cases:")
    watching.save("cases/fam/topic.case.yaml", "values: [[5.0]]", "values: [[2.0]]")
    watching.until("✓ fam/topic.mean  agree: own, numpy")

    # what a lane has imported: wrong, not to be imported, right
    watching.save(
        "own_adapter.py", "start\n", "start as s\ndef start(o):\n    return s({**o, 'behaviour': 'always_wrong'})\n"
    )
    watching.until("✗ fam/topic.mean  differ: own; agree: numpy")
    watching.save("own_adapter.py", "def start", "def start(")
    watching.until("lane own cannot start: SyntaxError")
    watching.until("1 case in")
    watching.save("own_adapter.py", "def start((o)", "def start(o)")
    watching.until("✗ fam/topic.mean  differ: own; agree: numpy")
    watching.save("own_adapter.py", "'always_wrong'", "'always_right'")
    watching.until("✓ fam/topic.mean  agree: own, numpy")

    # a formula, in the same second and of the same length as the one before it, and one that cannot be read
    watching.save("conformance/reference/global_pooling.py", FORMULA, FORMULA.replace("np.mean(", "np.amax("))
    watching.until("✗ fam/topic.mean  differ: own, numpy")
    watching.save("conformance/reference/global_pooling.py", "np.amax(", "np.mean(")
    watching.until("✓ fam/topic.mean  agree: own, numpy")
    watching.save("conformance/reference/global_pooling.py", FORMULA, "return (")
    watching.until("global_pooling.py:")
    watching.save("conformance/reference/global_pooling.py", "return (\n", FORMULA + "\n")
    watching.until("✓ fam/topic.mean  agree: own, numpy")

    # the cases themselves
    (watching.folder / "cases").rename(watching.folder / "away")
    watching.until("cases is gone: waiting until it is there again")
    (watching.folder / "away").rename(watching.folder / "cases")
    watching.until("nothing to judge again (1 case selected)")

    watching.process.send_signal(signal.SIGINT)
    watching.until("the watch has ended")
    assert watching.process.wait(20) == 0
    assert "Traceback" not in "\n".join(watching.lines)
