"""What the garbage collector need not look through: a million objects of a framework, or of collected cases, that stay.

To look through them again and again cost a lane a tenth of each answer, and a run a fifth of its own time. Runs in lane
processes too.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

THRESHOLDS = (20_000, 20, 50)
"""Rarer collections than Python's own: a case makes many small objects, few of them in cycles."""


def settle() -> None:
    """Collects once, and leaves all that stays out of every later collection."""
    gc.collect()
    leave_out()


def leave_out() -> None:
    """Leaves all that is there out of every later collection, and makes those rarer."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


@contextmanager
def left_out() -> Iterator[None]:
    """Leaves all that is there out of collections for a while; where something is left out already, that stays so.

    A process that has imported two frameworks holds a million objects: to look through them took a comparison of a
    small model more than half of its time.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@cache
def leave_out_at_exit() -> None:
    """Leaves all that is there out of the collections that end this process: they free nothing that its end does not.

    They took over half a second after a run of one case.
    """
    atexit.register(gc.freeze)


def undone() -> Callable[[], None]:
    """What has this process collect garbage as it does now, whatever is left out in between."""
    before = gc.get_threshold()

    def undo() -> None:
        gc.unfreeze()
        gc.set_threshold(*before)

    return undo
