"""A campaign on two workers, one of them killed: the same findings as where none was."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.asking import Asker
from conformance.campaign.batches import OnCluster, lanes_of, made_small, seeds_asked
from conformance.campaign.campaign import Campaign, Ended, totals
from conformance.campaign.folder import About, Finding, Folder, opened, read
from conformance.cluster import Cluster, connected
from conformance.errors import LaneUnavailable, UsageError
from conformance.form import from_json, to_json
from conformance.run import LANES
from tests.campaign.asked import about
from tests.campaign.lane import planted

LAYERS = ("Dense", "ReLU")
SEEDS = range(3)
HELD: dict[str, Asker] = {}
"""Of a worker: the lanes that it holds."""


def lanes_here(version: str) -> Asker:
    """The lanes of this process: of a worker from one batch to the next, as those of a campaign are."""
    if version not in HELD:
        spec = planted("Dense", {"use_bias": False}, does="raises", version=version)
        HELD[version] = Asker((spec, LANES["numpy"]), in_process=["planted", "numpy"], explains=False)
        HELD[version].identities()
    return HELD[version]


def work(wanted: Mapping[str, Any]) -> Any:
    """What a worker does: two planted faults, and its own end where it is the first to take these seeds."""
    mark = wanted["mark"]
    if mark and wanted.get("seeds") == [1]:
        with Path(mark).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
        if len(Path(mark).read_text(encoding="utf-8").split()) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
    if "go" in wanted and wanted.get("seeds") == [wanted["hangs"]]:
        limit = time.monotonic() + 60
        while not Path(wanted["go"]).exists() and time.monotonic() < limit:
            time.sleep(0.02)
    asker = lanes_here(wanted.get("version", "1.0"))
    of = from_json(About, wanted["about"])
    if "finding" in wanted:
        return to_json(made_small(asker, lambda _: (), of, from_json(Finding, wanted["finding"])))
    return to_json(seeds_asked(asker, lambda _: (), of, wanted["seeds"]))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with connected("local:2") as found:
        yield found


def ran(cluster: Cluster, path: Path, seeds: Sequence[int] = SEEDS, **asked: Any) -> tuple[Folder, Ended]:
    asker = lanes_here("1.0")
    with opened(path, replace(about(LAYERS), lanes=lanes_of(asker))) as folder:
        campaign = Campaign(folder, asker, LAYERS, lambda _: (), lambda _: None)
        wanted = {"about": to_json(folder.about), "mark": "", **asked}
        ended = OnCluster(campaign, cluster, work, wanted, a_batch=1).run(seeds, time.monotonic() + 120)
    return folder, ended


def held(folder: Folder) -> dict[str, str]:
    """Every file of the findings, and what came of each seed but for the time that it took."""
    rows = {str(seed): str((row.outcomes, row.varied, row.new)) for seed, row in folder.seeds.items()}
    return rows | {file.name: file.read_text(encoding="utf-8") for file in (folder.path / "findings").iterdir()}


@pytest.fixture(scope="module")
def calm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Ended]:
    """A campaign of which no worker was lost."""
    return ran(cluster, tmp_path_factory.mktemp("campaign") / "calm")


def test_every_seed_is_kept_once_and_what_is_found_is_made_small(calm: tuple[Folder, Ended]) -> None:
    folder, ended = calm
    assert [one.signature.layer for one in folder.kept] == ["Dense"]
    assert all(one.is_reduced for one in folder.kept)
    assert list(folder.seeds) == list(SEEDS)
    assert (ended.seeds, totals(folder)["finding"], len(ended.new)) == (3, 1, 1)


def test_a_worker_that_is_killed_changes_nothing(cluster: Cluster, calm: tuple[Folder, Ended], tmp_path: Path) -> None:
    hit, _ = ran(cluster, tmp_path / "hit", mark=str(tmp_path / "mark"))
    assert len((tmp_path / "mark").read_text(encoding="utf-8").split()) == 2
    assert held(hit) == held(calm[0])
    assert hit.findings == calm[0].findings


def test_it_goes_on_with_the_seeds_that_are_left(cluster: Cluster, calm: tuple[Folder, Ended]) -> None:
    _, ended = ran(cluster, calm[0].path)
    assert (ended.seeds, ended.new) == (0, ())


def test_a_worker_of_another_version_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seeds 0 ran in other versions than are installed here"):
        ran(cluster, tmp_path / "d", version="2.0")


class Impatient(Cluster):
    """Waits for no batch of these seeds."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__(cluster._client, cluster._where, patience=120.0)
        self.name = name

    def _result(self, name: str, future: Any) -> Any:
        self._patience = 0.1 if name == self.name else 120.0
        return super()._result(name, future)


def test_a_worker_that_hangs_is_said_and_what_was_found_before_is_kept(
    cluster: Cluster, calm: tuple[Folder, Ended], tmp_path: Path
) -> None:
    (finding,) = calm[0].kept
    after, go = finding.seed + 1, tmp_path / "go"
    asked: dict[str, Any] = {"go": str(go), "hangs": after}
    try:
        with pytest.raises(LaneUnavailable, match=f"seeds {after} has not come back in 0 s") as raised:
            ran(Impatient(cluster, f"seeds {after}"), tmp_path / "e", range(after + 1), **asked)
    finally:
        go.touch()
    assert raised.value.hint == "look at the workers: is one of them stopped?"
    folder = read(tmp_path / "e")
    assert list(folder.seeds) == list(range(after))
    assert [one.signature.layer for one in folder.kept] == ["Dense"]
