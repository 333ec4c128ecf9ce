"""What is left out of garbage collection comes back when a run ends, for a process may run many."""

from __future__ import annotations

import gc

from conformance.lanes.garbage import THRESHOLDS, leave_out, undone


def test_what_is_left_out_comes_back() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    undo = undone()
    leave_out()
    try:
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > frozen
    finally:
        undo()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, 0)
