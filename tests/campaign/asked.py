"""A campaign of tests: a folder, one lane in this process, a few seeds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conformance.campaign.asking import Asker
from conformance.campaign.campaign import Campaign, Ended
from conformance.campaign.folder import VERSION, About, Folder, opened
from conformance.lanes.spec import LaneSpec
from conformance.run import LANES

LAYERS = ("Dense", "ReLU", "Conv1D", "Add")


@contextmanager
def asking(spec: LaneSpec, in_process: bool = True, explains: bool = False) -> Iterator[Asker]:
    """A lane to ask; it is fast because it does not find out why a lane differs."""
    asker = Asker(
        (spec, LANES["numpy"]), in_process=[spec.name, "numpy"] if in_process else ["numpy"], explains=explains
    )
    try:
        asker.identities()
        yield asker
    finally:
        asker.stop()


def about(
    layers: Sequence[str] = LAYERS, graphs: bool = False, version: str = "1.0", also: Sequence[str] = ()
) -> About:
    return About(VERSION, {"planted": {"fake": version}}, tuple(layers), (), graphs, also=tuple(also))


def ran(
    path: Path, spec: LaneSpec, seeds: Sequence[int] = range(3), layers: Sequence[str] = LAYERS, graphs: bool = False
) -> tuple[Folder, Ended, list[str]]:
    """A campaign with these seeds: the folder, how it ended, and what was said."""
    said: list[str] = []
    with asking(spec) as asker, opened(path, about(layers, graphs)) as folder:
        ended = Campaign(folder, asker, layers, lambda _: (), said.append, a_seed=4).run(seeds, time.monotonic() + 60)
    return folder, ended, said
