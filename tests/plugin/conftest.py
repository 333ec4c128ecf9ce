"""A project of its own for each test: fake lanes in place of frameworks, pytest run in a process of its own."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.builders import POOLED

ROOT = Path(__file__).parents[2]

LANES = """
    import sys
    sys.path.insert(0, {root!r})
    from conformance.lanes import known
    from tests.builders import fake
    known.LANES = {{**{{name: fake(name) for name in {behaviours!r}}}, "numpy": known.LANES["numpy"]}}
"""


UNUSED = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:cacheprovider", "--no-cache")
"""Plugins that nobody needs here, a third of a second in each process; and the answers that a user has kept."""


class Project:
    """A folder with cases and fake lanes."""

    def __init__(self, pytester: pytest.Pytester, *behaviours: str) -> None:
        self.pytester = pytester
        lanes = " ".join([*behaviours, "numpy"])
        pytester.makeini(f"[pytest]\nconformance_lanes = {lanes}\n")
        pytester.makeconftest(dedent(LANES).format(root=str(ROOT), behaviours=list(behaviours)))

    def write(self, text: str, name: str = "topic", family: str = "fam") -> Path:
        path: Path = self.pytester.path / "cases" / family / f"{name}.case.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def run(self, *arguments: str) -> pytest.RunResult:
        return self.pytester.runpytest_subprocess(*UNUSED, "cases", *arguments)


@pytest.fixture
def right(pytester: pytest.Pytester) -> Project:
    """One lane that is right, one case."""
    project = Project(pytester, "always_right")
    project.write(POOLED)
    return project


@pytest.fixture
def mixed(pytester: pytest.Pytester) -> Project:
    """A right and a wrong lane, one case."""
    project = Project(pytester, "always_right", "always_wrong")
    project.write(POOLED)
    return project
