"""How far it is looked why a lane differs: whoever asks it of thousands of cases cannot try every slip in a formula."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBER_GIVEN = re.compile(r"=-?[0-9.]+$")


def without_number(name: str) -> str:
    """A mistake without the number that an argument would have had: that is the case's, as 1 bit is of a layer of 2."""
    return _NUMBER_GIVEN.sub("=", name)


@dataclass(frozen=True, slots=True)
class Effort:
    """Which mistakes are tried."""

    only: frozenset[str] | None = None
    """The mistakes that are tried, by name (`Layer.mutant`, `Layer.argument=`, without a number), and no others:
    whether one of a few is the reason takes a hundredth of the time in which one of all is found. None for all."""
    without_name: bool = True
    """Whether mistakes that have no name are tried too: slips in formulas, and places in the graph. They take as long
    as all the rest."""

    def tries(self, name: str) -> bool:
        """Whether a mistake of this name is tried; it is empty for one that has none."""
        return self.without_name if not name else self.only is None or without_number(name) in self.only


WHOLE = Effort()
NAMED = Effort(without_name=False)


def one_of(names: frozenset[str]) -> Effort:
    """Whether one of these mistakes is the reason, or a simple change."""
    return Effort(only=frozenset(map(without_number, names)), without_name=False)
