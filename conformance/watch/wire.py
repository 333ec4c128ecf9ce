"""Messages between the process that watches and the one that judges: built-in types through a pipe."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any

import execnet


class Pipe:
    """An end of a pipe. `receive` raises EOFError where the other process is gone, `send` OSError."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection

    def send(self, *message: Any) -> None:
        self._connection.send_bytes(execnet.dumps(message))

    def receive(self) -> tuple[Any, ...]:
        message: tuple[Any, ...] = execnet.loads(self._connection.recv_bytes())
        return message

    def has_message(self, seconds: float) -> bool:
        """Whether there is something to receive within so many seconds; the other's end is something too."""
        return self._connection.poll(seconds)

    def close(self) -> None:
        self._connection.close()
