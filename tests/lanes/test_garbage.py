"""What is left out of garbage collection comes back when a run ends, for a process may run many."""

from __future__ import annotations

import gc
import subprocess
import sys

from conformance.lanes.garbage import THRESHOLDS, leave_out, left_out, undone


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


def test_what_is_there_at_the_end_of_a_process_is_left_out_of_its_last_collections() -> None:
    told = """
import atexit, gc
from conformance.lanes.garbage import leave_out_at_exit
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # what was registered first runs last
leave_out_at_exit()
print(gc.get_freeze_count() > 0)
"""
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"]


def test_what_is_left_out_for_a_while_is_looked_through_again() -> None:
    gc.unfreeze()
    with left_out():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_has_left_out_stays_so() -> None:
    undo = undone()
    leave_out()
    try:
        before = gc.get_freeze_count()
        with left_out():
            pass
        assert gc.get_freeze_count() == before
    finally:
        undo()
