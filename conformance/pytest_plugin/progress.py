"""How far a run is, for commands that run pytest and say themselves what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

EVERY = 10.0
"""Seconds between two lines, at least."""


@dataclass
class Progress:
    """Counts cases, and says from time to time how many are left and for how long."""

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _started: float | None = None
    _said: float = 0.0

    def tick(self, done: int, total: int) -> None:
        """Called with the number of cases that are judged; time counts from the first, when the lanes have started."""
        now = self.clock()
        if self._started is None:
            self._started = self._said = now
        if not 0 < done < total or now - self._said < EVERY:
            return
        self._said = now
        self.say(f"conformance: {done} of {total} cases, {left((now - self._started) / done * (total - done))} left")


def left(seconds: float) -> str:
    """`some 40 s`, `some 3 min`: rounded up to what a guess is worth."""
    if seconds < 90:
        return f"some {max(10, round(seconds / 10) * 10)} s"
    return f"some {round(seconds / 60)} min"
