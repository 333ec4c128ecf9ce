"""A run's report against an earlier run: `--baseline`, read before anything runs."""

from __future__ import annotations

import pytest

from tests.builders import POOLED
from tests.plugin.conftest import Project


def test_the_report_says_what_changed_since_the_baseline(pytester: pytest.Pytester) -> None:
    project = Project(pytester, "always_right")
    project.write(POOLED)
    assert project.run("--results", "old.json").ret == 0
    assert project.run("--report", "new.html", "--baseline", "old.json").ret == 0
    page = (pytester.path / "new.html").read_text(encoding="utf-8")
    assert "Since the baseline" in page
    assert "a row a case and lane: nothing wrong now, 1 unchanged." in page


def test_a_baseline_that_is_not_there_ends_the_run_before_it_begins(right: Project) -> None:
    found = right.run("--report", "new.html", "--baseline", "no.json")
    assert found.ret == 2
    found.stdout.fnmatch_lines(["*no.json: no such file*"])
    assert not (right.pytester.path / "new.html").exists()
