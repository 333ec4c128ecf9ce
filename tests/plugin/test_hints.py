"""Where `-n` gains nothing, the run says so and what to do."""

from __future__ import annotations

import pytest

from conformance.lanes.machine import cores
from conformance.pytest_plugin.hints import hint_for_processes
from tests.plugin.conftest import Project


@pytest.mark.parametrize(
    ("asked", "cores", "is_said"),
    [(2, 2, True), (4, 3, True), (2, 1, True), (1, 2, False), (0, 2, False), (2, 4, False)],
)
def test_more_processes_than_the_machine_has_work_for(asked: int, cores: int, is_said: bool) -> None:
    assert bool(hint_for_processes(asked, cores)) is is_said


def test_the_line_says_what_to_do() -> None:
    assert hint_for_processes(2, 2) == [
        "conformance: -n 2 gains nothing on 2 cores, for lanes work beside each other already and each process starts "
        "its own: leave -n out (it pays from 4 cores on)"
    ]


def test_a_run_says_it_where_it_is_so(right: Project) -> None:
    result = right.run("-n", "2")
    assert ("gains nothing" in result.stdout.str()) is (cores() < 4)
    result.assert_outcomes(passed=2)
