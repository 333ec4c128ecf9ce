"""How `pytest -n` shares cases out: by blocks, so that lanes work ahead on what will be asked for and nothing else."""

from __future__ import annotations

import pytest

from conformance.pytest_plugin.sharing import MOST, blocks, case_of


def ids(cases: int) -> list[str]:
    items = [f"cases/fam/topic{index % 2}.case.yaml::c{index}[{lane}]" for index in range(cases) for lane in "ab"]
    return ["tests/test_other.py::test_it[1]", *items]


@pytest.mark.parametrize(
    ("cases", "dist", "size"),
    [(6, "load", 1), (64, "load", 8), (1000, "load", MOST), (1000, "worksteal", 1), (1000, "loadgroup", 1)],
)
def test_a_block_is_as_large_as_lets_processes_end_at_the_same_time(cases: int, dist: str, size: int) -> None:
    found = blocks(ids(cases), 2, dist)
    assert len(found) == cases
    sizes = [list(found.values()).count(name) for name in dict.fromkeys(found.values())]
    assert max(sizes) == size
    assert all(one == size for one in sizes[:-1])


def test_where_files_are_shared_out_a_file_is_a_block() -> None:
    found = blocks(ids(10), 2, "loadfile")
    assert set(found.values()) == {"cases/fam/topic0.case.yaml", "cases/fam/topic1.case.yaml"}


def test_lanes_of_a_case_belong_together_and_other_tests_stand_alone() -> None:
    assert case_of("cases/fam/t.case.yaml::c1[keras]") == case_of("cases/fam/t.case.yaml::c1[numpy]")
    assert case_of("tests/test_other.py::test_it[1]") == "tests/test_other.py::test_it[1]"
