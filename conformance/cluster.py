"""More than one machine: batches of work on the workers of Dask, each of which counts exactly once.

`local:4` starts four workers on this machine; an address is that of a scheduler that its user started, on SSH, SLURM
or Kubernetes. A batch whose worker is lost runs on another one. What comes of the batches comes in their order, whoever
ran them, so that nothing that follows depends on who was fast.

What a batch does is a function that workers can import, and what it takes and gives are built-in types: so nothing but
names of functions and plain data travels.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import LaneUnavailable, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

Work = Callable[[Any], Any]

_LOCAL = re.compile(r"local:([0-9]{1,3})")
_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://\S+")
_ANSWERS_WITHIN = 20
"""Seconds in which a scheduler has to answer, and to have a worker."""
A_BATCH = 1800.0
"""Seconds without any batch after which it is said that workers hang. What runs in a lane has limits of its own."""
AHEAD = 2
"""Batches a worker that are sent: the next is there when one is done."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where workers are: so many of them to start here, or a scheduler's address."""

    workers: int
    """To start; 0 where there is an address."""
    address: str = ""


def parse(text: str) -> Where:
    """`local:4`, or the address of a scheduler. Raises UsageError."""
    if (matched := _LOCAL.fullmatch(text)) is not None and int(matched[1]):
        return Where(int(matched[1]))
    if _ADDRESS.fullmatch(text):
        return Where(0, text)
    hint = "local:4 for four workers here, or the address of a scheduler: tcp://10.0.0.7:8786"
    raise UsageError(f"--cluster {text[:60]} is no cluster", hint)


class Cluster:
    """Workers that take batches. Made by `connected`."""

    def __init__(self, client: Client, where: Where, patience: float) -> None:
        self._client = client
        self._where = where
        self._patience = patience

    @property
    def workers(self) -> int:
        """How many workers there are now; at least those that were asked for here."""
        return max(len(self._client.scheduler_info(n_workers=-1)["workers"]), self._where.workers, 1)

    def each(self, work: Work, batches: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        """What comes of each batch, by its name, in the order of the batches; they are taken as workers are free.

        Raises UsageError for two batches of one name, whatever a batch raised, and LaneUnavailable where workers are
        lost over one again and again, or hang.
        """
        rest = iter(batches)
        names: set[str] = set()
        waiting: list[tuple[str, Future[Any]]] = []
        try:
            yield from self._each(work, rest, names, waiting)
        finally:
            self._client.cancel([one for _, one in waiting])

    def _each(
        self, work: Work, rest: Iterator[tuple[str, Any]], names: set[str], waiting: list[tuple[str, Future[Any]]]
    ) -> Iterator[tuple[str, Any]]:
        while True:
            while len(waiting) < AHEAD * self.workers and (following := next(rest, None)) is not None:
                name, argument = following
                if name in names:
                    raise UsageError(f"two batches are called {name}")
                names.add(name)
                waiting.append((name, self._client.submit(work, argument, pure=False)))
            if not waiting:
                return
            name, future = waiting.pop(0)
            yield name, self._result(name, future)
            future.release()

    def _result(self, name: str, future: Future[Any]) -> Any:
        """What a batch gave. Raises as `each` does."""
        from distributed.scheduler import KilledWorker

        try:
            return future.result(timeout=self._patience)
        except KilledWorker:
            hint = "run it here, without --cluster, to see how it ends"
            raise LaneUnavailable(f"{name} ended every worker that took it", hint) from None
        except TimeoutError:
            words = f"{name} has not come back in {self._patience:,.0f} s"
            raise LaneUnavailable(words, "look at the workers: is one of them stopped?") from None


@contextlib.contextmanager
def connected(text: str, patience: float = A_BATCH) -> Iterator[Cluster]:
    """The cluster that a text means, until the end of the block; workers that were started here are ended then.

    Raises UsageError for no such text; LaneUnavailable without Dask, where a scheduler does not answer or has no
    worker, and for workers with other code than this.
    """
    where = parse(text)
    try:
        import distributed
    except ImportError as error:
        raise LaneUnavailable(
            "a cluster runs on Dask, which is not installed", "pip install 'conformance[cluster]'"
        ) from error
    with contextlib.ExitStack() as stack:
        if where.workers:
            # lanes are processes of their own: what they hold is not a worker's to be ended for
            here = distributed.LocalCluster(
                n_workers=where.workers,
                threads_per_worker=1,
                memory_limit=0,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.ERROR,
            )
            address = stack.enter_context(here)
        else:
            address = where.address
        try:
            client = stack.enter_context(distributed.Client(address, timeout=_ANSWERS_WITHIN, set_as_default=False))
        except OSError:
            hint = "is it running, and can this machine reach it? dask scheduler says its address"
            raise LaneUnavailable(f"no scheduler answers at {where.address}", hint) from None
        try:
            client.wait_for_workers(1, timeout=_ANSWERS_WITHIN)
        except TimeoutError:
            hint = f"start some: dask worker {where.address}"
            raise LaneUnavailable(f"the scheduler at {where.address} has no workers", hint) from None
        if not where.workers:
            refuse_other_code(client, code_digest())
        yield Cluster(client, where, patience)


def refuse_other_code(client: Client, wanted: str) -> None:
    """Raises LaneUnavailable for a worker whose conformance has another digest than is wanted, or that has none."""
    try:
        found = client.run(code_digest)
    except Exception as error:  # a worker that cannot import the function says so in words of its own
        hint = "pip install 'conformance[cluster]' where workers run, in the version that runs here"
        raise LaneUnavailable(f"a worker cannot run conformance: {error}", hint) from None
    for worker, digest in sorted(found.items()):
        if digest != wanted:
            hint = "install the same version there as here"
            raise LaneUnavailable(f"the worker {worker} has another conformance than this machine", hint)


@cache
def code_digest() -> str:
    """Of the project's own modules: two machines with the same one run the same code."""
    root = Path(__file__).parent
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        found.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def folder_digest(folder: Path) -> str:
    """Of the YAML files below a folder: what two machines read there is the same where this is."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        found.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]
