"""Order of the harness's own tests: files that take long come first, so that no processor waits for the last one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

COST = {"frameworks": 50, "browser": 5, "torch": 2}
"""About how much longer a test with this mark takes than one without."""
OF_A_SESSION = 20
"""The same of a test that runs a session of pytest."""


@pytest.hookimpl(trylast=True)  # after -k and -m took out what does not run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts files by what their tests cost, and leaves the order within a file as it is."""
    costs: Counter[object] = Counter()
    for item in items:
        costs[item.path] += max(_costs(item))
    items.sort(key=lambda item: -costs[item.path])


def _costs(item: pytest.Item) -> Iterator[int]:
    yield OF_A_SESSION if "pytester" in getattr(item, "fixturenames", ()) else 1
    yield from (cost for mark, cost in COST.items() if item.get_closest_marker(mark))
