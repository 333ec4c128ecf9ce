"""Batches on workers: each once, in their order, whoever is lost on the way; and what is said of no cluster."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.cluster import Cluster, connected, folder_digest, parse, refuse_other_code
from conformance.errors import LaneUnavailable, UsageError


def doubled(number: int) -> int:
    return 2 * number


def lost_once(wanted: dict[str, Any]) -> dict[str, Any]:
    """Takes the worker down when a batch runs for the first time."""
    mark = Path(wanted["folder"]) / str(wanted["number"])
    with mark.open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    if wanted["dies"] and len(mark.read_text(encoding="utf-8").split()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"number": wanted["number"], "pid": os.getpid()}


def refuses(_: Any) -> None:
    raise UsageError("not that one", "another")


def hangs(_: Any) -> None:
    import time

    time.sleep(2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with connected("local:2") as found:
        yield found


def address_of(cluster: Cluster) -> str:
    return str(cluster._client.scheduler_info()["address"])


@pytest.mark.parametrize("text", ["local:0", "local", "4", "localhost:8786", "tcp://", "local:two"])
def test_what_is_no_cluster_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no cluster"):
        parse(text)


def test_answers_come_in_the_order_of_the_batches(cluster: Cluster) -> None:
    found = list(cluster.each(doubled, [(f"batch {number}", number) for number in range(9)]))
    assert found == [(f"batch {number}", 2 * number) for number in range(9)]


def test_the_batch_of_a_worker_that_was_lost_runs_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    batches = [(str(n), {"number": n, "dies": n == 1, "folder": str(tmp_path)}) for n in range(6)]
    found = list(cluster.each(lost_once, batches))
    assert [gave["number"] for _, gave in found] == list(range(6))
    first, *_ = (tmp_path / "1").read_text(encoding="utf-8").split()
    assert found[1][1]["pid"] != int(first)


def test_what_a_batch_raises_is_raised_here_with_its_hint(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="not that one") as raised:
        list(cluster.each(refuses, [("a", None)]))
    assert raised.value.hint == "another"


def test_two_batches_of_one_name_are_one_too_many(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="two batches are called a"):
        list(cluster.each(doubled, [("a", 1), ("a", 2)]))


def test_workers_that_hang_are_said_to(cluster: Cluster) -> None:
    impatient = Cluster(cluster._client, cluster._where, patience=0.2)
    with pytest.raises(LaneUnavailable, match=r"a has not come back in 0 s"):
        list(impatient.each(hangs, [("a", None)]))


def test_a_scheduler_that_does_not_answer_is_said_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.cluster._ANSWERS_WITHIN", 1)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
    with pytest.raises(LaneUnavailable, match=f"no scheduler answers at {address}"), connected(address):
        pass


def test_a_scheduler_without_workers_is_no_cluster(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_comes(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("distributed.Client.wait_for_workers", none_comes)
    address = address_of(cluster)
    with pytest.raises(LaneUnavailable, match=f"the scheduler at {address} has no workers"), connected(address):
        pass


def test_workers_of_another_version_are_refused(cluster: Cluster) -> None:
    with connected(address_of(cluster)) as same:
        assert same.workers in (1, 2)  # one may be on its way back
        with pytest.raises(LaneUnavailable, match=r"the worker \S+ has another conformance than this machine"):
            refuse_other_code(same._client, "another")


def test_without_dask_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(LaneUnavailable) as raised, connected("local:2"):
        pass
    assert raised.value.hint == "pip install 'conformance[cluster]'"


def test_a_list_that_was_changed_is_another(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1", encoding="utf-8")
    before = folder_digest(tmp_path)
    (tmp_path / "a.yaml").write_text("a: 2", encoding="utf-8")
    assert folder_digest(tmp_path) != before
