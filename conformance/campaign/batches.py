"""A campaign on a cluster: batches of seeds, and findings to be made small, as work for whoever is free.

A batch is a campaign by itself, in a folder of its own that is thrown away: which of its drafts are asked, and what
they show, depends on its seeds alone. What the batches found is put together in the order of the seeds, so that a
worker that was lost, or slow, changes nothing.
"""

from __future__ import annotations

import itertools
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.campaign.asking import Asker
from conformance.campaign.bases import Texts
from conformance.campaign.campaign import Campaign, Ended
from conformance.campaign.folder import About, Finding, SeedRow, opened
from conformance.campaign.recognise import Explains
from conformance.cluster import Cluster
from conformance.errors import UsageError
from conformance.form import CONFIG, from_json, to_json

A_BATCH = 4
"""Seeds of a batch: as many as take some seconds, so that little is lost with a worker."""


@dataclass(frozen=True, slots=True)
class Gave:
    """What came of a batch of seeds."""

    __pydantic_config__ = CONFIG

    rows: tuple[SeedRow, ...]
    """One of each seed."""
    findings: tuple[Finding, ...]
    """Not made small yet."""
    lanes: Mapping[str, Mapping[str, str]]
    """Lane to its packages and their versions, as they were on the worker."""


@dataclass(frozen=True, slots=True)
class Small:
    """What came of a finding that was made small."""

    __pydantic_config__ = CONFIG

    finding: Finding
    """As it is now."""
    files: Mapping[str, str]
    """Its files: name to text."""


def seeds_asked(asker: Asker, known: Explains, about: About, seeds: Sequence[int], texts: Texts | None = None) -> Gave:
    """What comes of these seeds, on the worker; `texts` are as those of a campaign."""
    rows, found = [], []
    with tempfile.TemporaryDirectory(prefix="conformance-") as path, opened(Path(path) / "c", about) as folder:
        campaign = Campaign(folder, asker, about.layers, known, lambda _: None, texts=texts)
        for seed in seeds:
            row, new = campaign.seed(seed)
            rows.append(row)
            found += new
    return Gave(tuple(rows), tuple(found), lanes_of(asker))


def made_small(asker: Asker, known: Explains, about: About, finding: Finding) -> Small:
    """A finding as small as it gets, with its files, on the worker."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as path, opened(Path(path) / "c", about) as folder:
        folder.add(finding)
        Campaign(folder, asker, about.layers, known, lambda _: None).finish(math.inf)
        files = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.file(finding).parent.glob("*"))}
        return Small(folder.findings[finding.name], files)


def lanes_of(asker: Asker) -> dict[str, dict[str, str]]:
    """Lane to its packages and their versions."""
    return {name: dict(one.versions) for name, one in asker.identities().items()}


class OnCluster:
    """A campaign whose drafts are asked on a cluster."""

    def __init__(
        self, campaign: Campaign, cluster: Cluster, work: Any, asked: Mapping[str, Any], a_batch: int = A_BATCH
    ) -> None:
        """`work` is what a worker calls with `asked`, and with so many seeds as are a batch, or with a finding."""
        self._a_batch = a_batch
        self._campaign = campaign
        self._folder = campaign.folder
        self._cluster = cluster
        self._work = work
        self._asked = dict(asked)

    def run(self, seeds: Iterable[int], until: float) -> Ended:
        """Runs the seeds that the folder does not have, until the clock says so; then what was found is made small."""
        started = time.monotonic()
        before = {one.name for one in self._folder.kept}
        rest = (seed for seed in seeds if seed not in self._folder.seeds)
        ran = count = 0
        dry = 0.0
        for name, gave in self._cluster.each(self._work, self._batches(rest, until)):
            for row in self._taken(name, from_json(Gave, gave)):
                ran, count = ran + row.ran, count + 1
                dry = 0.0 if row.new else dry + row.seconds
        self._finish()
        ended = time.monotonic()
        new = tuple(one for one in self._folder.kept if one.name not in before)
        return Ended(count, ran, new, ended >= until, ended - started, dry)

    def _batches(self, seeds: Iterator[int], until: float) -> Iterator[tuple[str, Any]]:
        while time.monotonic() < until and (some := list(itertools.islice(seeds, self._a_batch))):
            yield f"seeds {', '.join(map(str, some))}", {**self._asked, "seeds": some}

    def _taken(self, name: str, gave: Gave) -> Iterator[SeedRow]:
        """The rows of a batch as they are kept, one of each of its seeds; what was found is put to the rest.

        Raises UsageError for a batch of other lanes, and for one that is not the seeds that were asked for.
        """
        if {key: dict(value) for key, value in gave.lanes.items()} != {
            key: dict(value) for key, value in self._folder.about.lanes.items()
        }:
            raise UsageError(f"{name} ran in other versions than are installed here", "install the same on all workers")
        if f"seeds {', '.join(str(row.seed) for row in gave.rows)}" != name:
            raise UsageError(f"{name} came back with other seeds", "are all workers of this version?")
        for row in gave.rows:
            found = [one for one in gave.findings if one.seed == row.seed]
            news = {one.draft.digest for one in found if self._campaign.keep(one.signature, one.draft, row.seed)}
            seen = {one.draft.digest for one in found} - news
            row = replace(row, outcomes=_moved(row.outcomes, len(seen)), new=self._tried(row))
            self._folder.add_seed(row)
            yield row

    def _tried(self, row: SeedRow) -> int:
        return sum(self._campaign.coverage.add(varied) for varied in row.varied)

    def _finish(self) -> None:
        """Makes small what is not small yet: findings are work like any other."""
        wanted = [one for one in self._folder.findings.values() if not one.is_reduced]
        work = [(one.name, {**self._asked, "finding": to_json(one)}) for one in wanted]
        for _, gave in self._cluster.each(self._work, work):
            small = from_json(Small, gave)
            self._campaign.settle(small.finding, small.files)


def _moved(outcomes: Mapping[str, int], seen: int) -> dict[str, int]:
    """Outcomes of a seed, with so many findings that an earlier batch had already."""
    counts = Counter(outcomes)
    counts["finding"] -= seen
    counts["seen before"] += seen
    return {name: number for name, number in counts.items() if number > 0}
