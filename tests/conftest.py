"""Order of the harness's own tests: files that take long come first, so that no processor waits for the last one."""

from __future__ import annotations

from collections import Counter

import pytest

COST = {"frameworks": 50, "browser": 5, "torch": 2}
"""About how much longer a test with this mark takes than one without."""


@pytest.hookimpl(trylast=True)  # after -k and -m took out what does not run
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sorts files by what their tests cost, and leaves the order within a file as it is."""
    costs: Counter[object] = Counter()
    for item in items:
        costs[item.path] += max((cost for mark, cost in COST.items() if item.get_closest_marker(mark)), default=1)
    items.sort(key=lambda item: -costs[item.path])
