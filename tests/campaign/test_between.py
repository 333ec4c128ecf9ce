"""Between two versions: what both show is no news, and what one of them shows is."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from conformance.campaign.asking import Asker
from conformance.campaign.campaign import Campaign
from conformance.campaign.folder import VERSION, About, Folder, opened
from conformance.campaign.replay import State, replayed
from conformance.campaign.triage import moved
from conformance.lanes.spec import LaneSpec
from conformance.run import LANES
from tests.campaign.lane import NOTHING, planted

LAYERS = ("ReLU",)
ABOUT = About(VERSION, {"from": {"fake": "1.0"}, "to": {"fake": "2.0"}}, LAYERS, (), False)


def between(old: LaneSpec, new: LaneSpec) -> Asker:
    specs = (replace(old, name="from"), replace(new, name="to"), LANES["numpy"])
    return Asker(specs, in_process=[spec.name for spec in specs], explains=False, tell=moved)


def ran(path: Path, old: LaneSpec, new: LaneSpec) -> Folder:
    with opened(path, ABOUT) as folder:
        Campaign(folder, between(old, new), LAYERS, lambda _: (), lambda _: None, a_seed=3).run(
            range(1), time.monotonic() + 60
        )
    return folder


def test_what_is_wrong_in_both_has_not_moved(tmp_path: Path) -> None:
    assert ran(tmp_path / "c", planted("ReLU"), planted("ReLU")).kept == []


def test_what_became_wrong_is_a_finding_of_the_newer(tmp_path: Path) -> None:
    folder = ran(tmp_path / "c", planted(NOTHING), planted("ReLU"))
    assert [(one.signature.lane, one.again) for one in folder.kept] == [("to", "1 of 1")]
    for old, new, state in (
        (planted(NOTHING), planted("ReLU"), State.STILL),
        (planted("ReLU"), planted("ReLU"), State.CHANGED),
        (planted(NOTHING), planted(NOTHING), State.FIXED),
    ):
        (one,) = replayed(folder, between(old, new))
        assert one.state is state


def test_what_was_repaired_is_one_of_the_older(tmp_path: Path) -> None:
    folder = ran(tmp_path / "c", planted("ReLU"), planted(NOTHING))
    assert [one.signature.lane for one in folder.kept] == ["from"]


def test_another_error_than_before_has_moved(tmp_path: Path) -> None:
    folder = ran(tmp_path / "c", planted("ReLU"), planted("ReLU", does="raises"))
    assert sorted(one.signature.lane for one in folder.kept) == ["from", "to"]
