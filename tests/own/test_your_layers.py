"""docs/your-layers.md, run in a fresh folder; and what a case may not do: import what the project does not name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import imports
from conformance.case.load import load_file
from conformance.errors import CaseError, UsageError
from conformance.lanes.declare import parse
from tests.documents import ROOT, blocks, commands_of

PAGE = ROOT / "docs" / "your-layers.md"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """The folder that the page makes; what it allows is forgotten again, and none of its modules stays."""
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        name = "pyproject.toml" if block.language == "toml" else block.text.split("\n")[0].removeprefix("# ")
        if block.language in ("toml", "python", "yaml"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(block.text, encoding="utf-8")
    before = list(sys.path)
    yield tmp_path
    imports.allow(None)
    sys.path[:] = before
    for name in [name for name in sys.modules if name.partition(".")[0] == "team"]:
        del sys.modules[name]


@pytest.mark.frameworks
def test_the_page_prints_what_it_says(project: Path) -> None:
    page, said, codes = PAGE.read_text(encoding="utf-8"), "", []
    for block in blocks(page):
        for command in commands_of(block.text) if block.language == "sh" else ():
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=project,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            said += done.stdout
            codes.append(done.returncode)
        if block.language == "text":
            for line in block.text.splitlines():
                assert line in said, f"{line}\nis not in\n{said}"
    assert codes == [0, 1, 0]


CASE = "cases/team/scale.case.yaml"


def test_a_case_alone_imports_nothing(project: Path) -> None:
    imports.of_project(project / "no-such.toml")
    with pytest.raises(CaseError) as refused:
        load_file(project / CASE)
    said = [str(problem) for problem in refused.value.problems]
    words = "error: team.layers.Scale may not be imported"
    hint = 'allow it in pyproject.toml, [tool.conformance] imports = ["team"]'
    assert len(said) == 5  # both layers, both ports, the reference
    assert words in said[0]
    assert hint in said[0]
    assert "team.layers" not in sys.modules


def test_what_is_allowed_is_read_without_being_imported(project: Path) -> None:
    imports.of_project(project / "pyproject.toml")
    one, other = load_file(project / CASE)
    assert [layer.type for layer in one.layers] == ["Masking", "team.layers.Scale"]
    assert one.layers[1].config["weights"] == {"gain": [3]}
    assert other.layers[0].config.get("reference") is None
    assert "team.layers" not in sys.modules


@pytest.mark.parametrize(
    ("named", "path", "said"),
    [
        ("team", "other.layers.Scale", "other.layers.Scale may not be imported"),
        ("team", "teams.layers.Scale", "teams.layers.Scale may not be imported"),
        ("team", "team", "team is no path"),
        ("team", "team..Scale", "is no path"),
        ("team", "team.layers:Scale", "is no path"),
        ("team", "team.reference.nothing", "team.reference has no nothing"),
        ("team", "team.nowhere.Scale", "team.nowhere cannot be imported: ModuleNotFoundError"),
    ],
)
def test_paths_that_lead_nowhere(project: Path, named: str, path: str, said: str) -> None:
    imports.allow({"packages": [named], "root": str(project)})
    with pytest.raises(imports.NotAllowed, match=re.escape(said)):
        imports.imported(path)


@pytest.mark.parametrize("written", ['"team"', "[1]", '["team layers"]', '[""]', '["../team"]'])
def test_imports_that_are_no_packages(written: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.conformance]\nimports = {written}\n", encoding="utf-8")
    with pytest.raises(imports.NotAllowed, match="must be a list of packages"):
        imports.of_project(tmp_path / "pyproject.toml")


def test_an_adapter_of_ones_own_runs_where_it_is_allowed(project: Path) -> None:
    with pytest.raises(UsageError, match="may not be imported"):
        parse("mine=team.lane")
    imports.of_project(project / "pyproject.toml")
    spec = parse("mine=team.lane")
    assert (spec.name, spec.adapter) == ("mine", "team.lane")
    with pytest.raises(UsageError, match="takes no version"):
        parse("mine=team.lane@3.3.3")


LANE = """
from conformance.lanes import numpy as reference


class Lane:
    def __init__(self):
        self.inner = reference.start({})
        self.identity = self.inner.identity

    def observe(self, plan):
        answer = self.inner.observe(plan)
        FAULT
        return answer


def start(options):
    return Lane()
"""


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("pass", 0, "2 passed"),
        ("raise RuntimeError('broken')", 1, "crash: mine: the lane's worker raised"),
    ],
)
def test_an_adapter_of_ones_own_is_started_and_judged(fault: str, code: int, said: str, project: Path) -> None:
    (project / "team" / "lane.py").write_text(LANE.replace("FAULT", fault), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"{CASE}::team/scale.twice", "--lane", "mine=team.lane",
         "-m", "lane(name='mine') or lane(name='numpy')"],
        cwd=project, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert (done.returncode, said in done.stdout) == (code, True), done.stdout + done.stderr
