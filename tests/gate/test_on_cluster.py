"""Cases on a cluster: shards put together with proof, whoever ran them; a worker that is lost changes nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.case.load import load_file
from conformance.cli import main
from conformance.errors import Exit, LaneUnavailable, ResultsError, UsageError
from conformance.gate import on_cluster
from conformance.gate.on_cluster import code_of, run_on_cluster, run_shard
from conformance.results import read

ROOT = Path(__file__).parents[2]
CASES = ["cases/merge/shapes.case.yaml"]


class Here:
    """A cluster of one worker, which is this process; it takes the shards in the order in which they come."""

    workers = 1

    def __init__(self, spoils: Any = None) -> None:
        self.spoils = spoils

    def each(self, work: Any, batches: Any) -> Iterator[tuple[str, Any]]:
        for name, argument in batches:
            gave = work(argument)
            yield name, gave if self.spoils is None else self.spoils(gave)


class Connected:
    def __init__(self, cluster: Here) -> None:
        self.cluster = cluster

    def __call__(self, _: str) -> Connected:
        return self

    def __enter__(self) -> Here:
        return self.cluster

    def __exit__(self, *_: object) -> None:
        pass


def lost_once(wanted: dict[str, Any]) -> dict[str, Any]:
    """As a shard, but that the worker that first takes the second is killed."""
    mark = Path(os.environ["MARK"])
    if wanted["shard"] == 2 and not mark.exists():
        mark.write_text("", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    return run_shard(wanted)


def test_a_worker_that_is_killed_changes_no_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))
    monkeypatch.setattr(on_cluster, "run_shard", lost_once)
    monkeypatch.setattr(on_cluster, "SHARDS_A_WORKER", 1)
    assert run_on_cluster("local:2", ["numpy"], CASES, tmp_path / "all.json") == Exit.OK
    assert (tmp_path / "mark").exists()
    whole = read(tmp_path / "all.json")
    assert whole.footer.complete
    assert len({record.id for record in whole.cases}) == len(whole.cases) > 5
    assert whole.shard is None


def test_a_shard_without_cases_is_one_without_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(on_cluster, "connected", Connected(Here()))
    monkeypatch.setattr(on_cluster, "SHARDS_A_WORKER", 2)
    name = load_file(ROOT / CASES[0])[0].id
    one = [f"{CASES[0]}::{name}"]
    assert run_on_cluster("local:1", ["numpy"], one, tmp_path / "all.json") == Exit.OK
    assert [record.id for record in read(tmp_path / "all.json").cases] == [name]


def test_a_shard_that_is_said_to_be_empty_and_is_not_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def loses(gave: dict[str, Any]) -> dict[str, Any]:
        return {**gave, "results": None, "code": 5} if gave["shard"] == 2 else gave

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(on_cluster, "connected", Connected(Here(loses)))
    monkeypatch.setattr(on_cluster, "SHARDS_A_WORKER", 2)
    with pytest.raises(ResultsError, match="the shards hold"):
        run_on_cluster("local:1", ["numpy"], CASES, tmp_path / "all.json")


def test_a_shard_without_results_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lost = {"shard": 1, "results": None, "code": 3, "said": "no room"}
    monkeypatch.setattr(on_cluster, "connected", Connected(Here(lambda _: lost)))
    monkeypatch.setattr(on_cluster, "run_shard", lambda _: None)
    with pytest.raises(LaneUnavailable, match="shard 1/4 wrote no results: no room"):
        run_on_cluster("local:1", ["numpy"], CASES, tmp_path / "all.json")


def test_a_folder_that_a_worker_does_not_have_is_named() -> None:
    with pytest.raises(UsageError, match="a worker has no folder /nowhere"):
        run_shard({"folder": "/nowhere"})


@pytest.mark.parametrize("argument", ["-n4", "--shard=1/2"])
def test_cases_are_shared_out_once(argument: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="beside --cluster"):
        run_on_cluster("local:1", ["numpy"], [argument], tmp_path / "all.json")


def test_the_worst_code_counts_and_an_empty_shard_does_not() -> None:
    assert code_of([0, 5, 1]) == 1
    assert code_of([5, 5]) == 5
    assert code_of([0, 5]) == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["matrix", "--versions", "3.3.3,3.4.0", "--cluster", "many"], "--cluster many is no cluster"),
        (["matrix", "--results", "x.json", "--cluster", "local:2"], "--cluster is for a run of versions"),
        (["gate", "--from", "a", "--to", "b", "--results", "x.json", "--cluster", "local:2"], "--cluster is for cases"),
    ],
)
def test_what_is_no_cluster_is_refused_in_words(
    command: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases").mkdir()
    assert main(command) == 4
    assert words in capsys.readouterr().err
