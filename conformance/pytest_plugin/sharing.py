"""Which cases a process of `pytest -n` takes together, so that its lanes may work ahead on them and on no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from conformance.pytest_plugin.session import SUFFIX

MOST = 16
"""Cases in a block: enough for lanes to work ahead, few enough for processes to end at the same time."""
BLOCKS_EACH = 4
"""Blocks that each process gets at least, of many cases."""


def case_of(nodeid: str) -> str:
    """What the items of one case share; of other tests the whole id."""
    return nodeid.rpartition("[")[0] if SUFFIX in nodeid else nodeid


def blocks(nodeids: Iterable[str], processes: int, dist: str) -> Mapping[str, str]:
    """The items in their order; each case's `case_of` to the name of its block.

    Where pytest-xdist is told to share out whole files, they are the blocks; what it does with other distributions
    cannot be known ahead, so that there each case is one.
    """
    cases = list(dict.fromkeys(case_of(nodeid) for nodeid in nodeids if f"{SUFFIX}::" in nodeid))
    if dist == "loadfile":
        return {case: case.partition("::")[0] for case in cases}
    size = max(1, min(MOST, len(cases) // (BLOCKS_EACH * processes))) if dist == "load" else 1
    return {case: cases[index - index % size] for index, case in enumerate(cases)}
