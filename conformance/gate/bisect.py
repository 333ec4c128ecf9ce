"""The release in which an answer changed: binary search over published versions, each in its overlay or environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.errors import UsageError
from conformance.gate.answers import Move, first_move, is_right, moves
from conformance.record.lane import LaneRecord


@dataclass(frozen=True, slots=True)
class Found:
    """Two neighbouring releases between which the answer changed, and what each says."""

    last: str
    first: str
    moves: tuple[Move, ...]
    """Every output that moved between the two, those first that moved between the ends of the search too."""
    was_right: bool
    is_right: bool
    asked: tuple[str, ...]
    """The versions that were run, in the order of asking."""


def search(versions: Sequence[str], answer: Callable[[str], LaneRecord]) -> Found:
    """The first version whose answer is not that of the first one, by binary search.

    Where the answer changed more than once, one of the changes is found. Raises UsageError where both ends agree.
    """
    if len(versions) < 2:
        raise UsageError("there are no two versions to search between", "name two that are published")
    asked: dict[str, LaneRecord] = {}

    def ask(version: str) -> LaneRecord:
        if version not in asked:
            asked[version] = answer(version)
        return asked[version]

    good, bad = 0, len(versions) - 1
    whole = moves(ask(versions[good]), ask(versions[bad]))
    if not whole:
        raise UsageError(
            f"{versions[good]} and {versions[bad]} give the same answer", "name two versions whose answers differ"
        )
    while bad - good > 1:
        middle = (good + bad) // 2
        if first_move(ask(versions[0]), ask(versions[middle])) is None:
            good = middle
        else:
            bad = middle
    last, first = ask(versions[good]), ask(versions[bad])
    outputs = {(move.aspect, move.node) for move in whole}
    found = sorted(moves(last, first), key=lambda move: (move.aspect, move.node) not in outputs)
    return Found(versions[good], versions[bad], tuple(found), is_right(last), is_right(first), tuple(asked))
