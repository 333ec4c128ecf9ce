"""Mistakes are tried in several processes; they find the same however many there are."""

from __future__ import annotations

import signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def pool(processes: int) -> ProcessPoolExecutor:
    """So many processes, which leave Ctrl-C to the one that waits for them."""
    # spawn: a process that began as a copy of one with threads may wait for ever
    return ProcessPoolExecutor(processes, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_IGN))
