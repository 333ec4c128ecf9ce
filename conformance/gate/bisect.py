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
    asked: dict[str, LaneRecord] = {}

    def ask(version: str) -> LaneRecord:
        if version not in asked:
            asked[version] = answer(version)
        return asked[version]

    before, after = neighbours(versions, lambda version: first_move(ask(versions[0]), ask(version)) is not None)
    last, first = ask(before), ask(after)
    outputs = {(move.aspect, move.node) for move in moves(ask(versions[0]), ask(versions[-1]))}
    found = sorted(moves(last, first), key=lambda move: (move.aspect, move.node) not in outputs)
    return Found(before, after, tuple(found), is_right(last), is_right(first), tuple(asked))


def neighbours(versions: Sequence[str], has_moved: Callable[[str], bool]) -> tuple[str, str]:
    """Two neighbouring versions of which the first answers as the oldest and the second does not, by binary search.

    Raises UsageError where there are no two versions, and where the last one has not moved.
    """
    if len(versions) < 2:
        raise UsageError("there are no two versions to search between", "name two that are published")
    good, bad = 0, len(versions) - 1
    if not has_moved(versions[bad]):
        raise UsageError(
            f"{versions[good]} and {versions[bad]} give the same answer", "name two versions whose answers differ"
        )
    while bad - good > 1:
        middle = (good + bad) // 2
        if has_moved(versions[middle]):
            bad = middle
        else:
            good = middle
    return versions[good], versions[bad]
