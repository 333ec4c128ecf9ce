"""How a process ended, and what it said last, in words."""

from __future__ import annotations

import signal as signals

from conformance.protocol.wire import bounded


def signal_of(code: int | None) -> str:
    """The name of the signal that an exit code stands for; empty for none."""
    return signals.Signals(-code).name if code is not None and code < 0 else ""


def exit_words(code: int | None) -> str:
    """The end of a process in brackets; empty where nothing is known of it."""
    if code is None:
        return ""
    if code >= 0:
        return f" (exit code {code})"
    name = signal_of(code)
    return f" ({name}{'; out of memory?' if name == 'SIGKILL' else ''})"


def last_line(text: str) -> str:
    """The last line of a text that is not empty, bounded."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bounded(lines[-1], 2_000) if lines else ""
