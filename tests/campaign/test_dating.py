"""Findings are dated: between which two releases each began, by lanes that are wrong from one release on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.dating import date_all, words
from conformance.campaign.folder import Dated, Folder, read
from conformance.case.model import Case
from conformance.cli.campaign_options import ends_of_dates
from conformance.errors import LaneUnavailable, UsageError
from conformance.record.case import Record
from tests.campaign.asked import asking, ran
from tests.campaign.lane import NOTHING, planted

RELEASES = ("1.0", "1.1", "1.2", "2.0", "2.1")


class Releases:
    """Releases of which some are wrong; what each was asked is counted."""

    def __init__(self, wrong: Sequence[str], gone: Sequence[str] = ()) -> None:
        self.wrong = wrong
        self.gone = gone
        self.asked: list[str] = []

    def __call__(self, version: str, case: Case, lane: str) -> Record:
        self.asked.append(version)
        if version in self.gone:
            raise LaneUnavailable(f"{version} is not to be had")
        with asking(replace(planted("ReLU" if version in self.wrong else NOTHING, does="raises"), name=lane)) as asker:
            return asker.case(case)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("campaign") / "c"
    ran(path, planted("ReLU", does="raises"), layers=("ReLU",), seeds=range(1))
    return path


def dated(path: Path, releases: Releases, lanes: Sequence[str] = ("planted",)) -> Folder:
    folder = read(path)
    (one,) = folder.kept
    folder.findings[one.name] = replace(one, dated=None)
    list(date_all(folder, RELEASES, releases, lanes))
    folder.close()
    return folder


@pytest.mark.parametrize(
    ("wrong", "wanted", "said"),
    [
        (RELEASES[2:], Dated("1.1", "1.2", False, True), "began in 1.2; 1.1 does not show it"),
        (RELEASES[:3], Dated("1.2", "2.0", True, False), "ended in 2.0; 1.2 is the last that shows it"),
        (RELEASES, Dated("1.0", "2.1", True, True), "shown by 1.0 and by 2.1 already"),
        ((), Dated("1.0", "2.1", False, False), "shown neither by 1.0 nor by 2.1, where it was asked by itself"),
    ],
)
def test_a_finding_is_dated_by_binary_search(found: Path, wrong: Sequence[str], wanted: Dated, said: str) -> None:
    releases = Releases(wrong)
    (one,) = dated(found, releases).kept
    assert one.dated == wanted
    assert words(wanted) == said
    assert len(releases.asked) == len(set(releases.asked)) <= 4


def test_a_date_is_kept_and_nobody_is_asked_twice(found: Path) -> None:
    dated(found, Releases(RELEASES[3:]))
    folder = read(found)
    assert folder.kept[0].dated == Dated("1.2", "2.0", False, True)
    again = Releases(RELEASES)
    assert list(date_all(folder, RELEASES, again, ("planted",))) == []
    assert again.asked == []


def test_a_release_that_cannot_be_asked_is_named(found: Path) -> None:
    (one,) = dated(found, Releases(RELEASES[1:], gone=("1.2",))).kept
    assert one.dated is not None
    assert words(one.dated) == "not dated: 1.2 is not to be had"


def test_findings_of_other_packages_are_not_dated(found: Path) -> None:
    releases = Releases(RELEASES)
    assert dated(found, releases, lanes=("keras",)).kept[0].dated is None
    assert releases.asked == []


@pytest.mark.parametrize(
    ("old", "new", "bisect", "wanted"),
    [
        (None, None, None, None),
        (None, None, "3.3.3", ("3.3.3", "")),
        ("keras@3.13.2", "keras@3.14.1", "", ("3.13.2", "3.14.1")),
        ("keras@3.13.2", "keras", "", ("3.13.2", "")),
    ],
)
def test_the_ends_are_those_of_the_pair_or_named(
    old: str | None, new: str | None, bisect: str | None, wanted: tuple[str, str] | None
) -> None:
    assert ends_of_dates(argparse.Namespace(old=old, new=new, bisect=bisect)) == wanted


@pytest.mark.parametrize(
    ("old", "new", "bisect", "message"),
    [
        (None, None, "", "since which release?"),
        (None, None, "long ago", "long ago is not a version"),
        ("keras@3.3.3", "keras", "3.3.3", "--bisect OLDEST beside --from and --to"),
        ("tf_keras@2.20", "keras", "", "tf_keras@2.20 is none"),
    ],
)
def test_ends_that_mean_nothing_are_refused(old: str | None, new: str | None, bisect: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ends_of_dates(argparse.Namespace(old=old, new=new, bisect=bisect))
