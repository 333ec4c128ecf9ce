"""Which values of which arguments, and which pairs of them, drafts have tried: to choose by, and to report.

Each layer has a few dimensions with a few values each (`conformance.campaign.space`), so that all pairs can be counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from conformance.campaign.draft import Draft
from conformance.campaign.space import Space, space_of

Item = tuple[str, ...]
"""`("Conv1D.padding", "'same'")` for a value, two of them in a row for a pair."""


@dataclass(frozen=True, slots=True)
class Row:
    """How much of one layer was tried."""

    layer: str
    values: int
    all_values: int
    pairs: int
    all_pairs: int
    untried: tuple[str, ...]
    """Values that no draft has had."""


class Coverage:
    """What was tried so far."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self._spaces = [space for kind in kinds if (space := space_of(kind)) is not None]
        self._seen: set[Item] = set()
        self.graphs: set[Item] = set()
        """What graphs had: how many calls, and which layer was called after which."""

    def new(self, draft: Draft) -> int:
        """How many values, pairs and neighbours a draft would add."""
        return len([item for item in _items(draft.varied) if item not in self._seen and item not in self.graphs])

    def add(self, varied: Iterable[tuple[str, object]]) -> int:
        """Counts what a draft varied; how much of it is new."""
        before = len(self._seen) + len(self.graphs)
        held = tuple(varied)
        is_graph = any(name.startswith("graph of") for name, _ in held)
        (self.graphs if is_graph else self._seen).update(_items(held))
        return len(self._seen) + len(self.graphs) - before

    def choose(self, drafts: Sequence[Draft], count: int) -> list[Draft]:
        """So many of the drafts, those first that add most; of equal ones the first."""
        rest = list(drafts)
        chosen: list[Draft] = []
        held = Coverage(())
        held._seen, held.graphs = set(self._seen), set(self.graphs)
        while rest and len(chosen) < count:
            best = max(rest, key=held.new)
            rest.remove(best)
            chosen.append(best)
            held.add(best.varied)
        return chosen

    def rows(self) -> list[Row]:
        """How much was tried of each layer."""
        return [self._row(space) for space in self._spaces]

    def _row(self, space: Space) -> Row:
        sizes = {space.label(one): len(one.others) for one in space.dimensions}
        items = [item for item in self._seen if set(item[::2]) <= set(sizes)]
        values = {item for item in items if len(item) == 2}
        untried = [
            f"{space.label(one)}={value!r}"
            for one in space.dimensions
            for value in one.others
            if (space.label(one), repr(_plain(value))) not in values
        ]
        pairs = sum(a * b for a, b in combinations(sizes.values(), 2))
        seen = sum(len(item) == 4 for item in items)
        return Row(space.type, len(values), sum(sizes.values()), seen, pairs, tuple(untried))


def _plain(value: object) -> object:
    """As a value stands in a journal: JSON has no tuples."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _items(varied: Iterable[tuple[str, object]]) -> Iterator[Item]:
    """The values of a draft that are not usual, and all pairs of them."""
    values = sorted({(name, repr(_plain(value))) for name, value in varied})
    yield from values
    for first, second in combinations(values, 2):
        yield (*first, *second)
