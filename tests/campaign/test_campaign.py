"""A planted fault is found, made small, written, asked again; where there is none, nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.campaign import totals
from conformance.campaign.folder import read
from conformance.campaign.replay import State, replayed
from conformance.campaign.written import LONGEST, lines_below
from conformance.case.load import load_file
from tests.campaign.asked import asking, ran
from tests.campaign.lane import NOTHING, planted

NO_BIAS = {"use_bias": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that met a fault in Dense."""
    path = tmp_path_factory.mktemp("campaign") / "found"
    ran(path, planted("Dense", NO_BIAS), layers=("Dense",), seeds=range(2))
    return path


def test_a_lane_without_a_fault_gives_no_finding(tmp_path: Path) -> None:
    found, ended, said = ran(tmp_path / "c", planted(NOTHING), seeds=range(2), graphs=True)
    assert (found.kept, said) == ([], [])
    assert ended.ran == sum(totals(found).values()) > 0
    assert totals(found)["agree"] > 0


def test_a_planted_fault_is_one_finding_of_its_layer(folder: Path) -> None:
    (finding,) = read(folder).kept
    assert (finding.signature.layer, finding.signature.aspect) == ("Dense", "values")
    assert finding.name == "dense_values"


def test_it_is_made_small_enough_to_be_read(folder: Path) -> None:
    found = read(folder)
    (finding,) = found.kept
    assert finding.is_reduced
    assert finding.again == "1 of 1"
    assert lines_below(finding) <= LONGEST
    (case,) = load_file(found.file(finding))
    (layer,) = case.layers
    assert layer.config == {"use_bias": False, "units": 1}
    assert case.dims["batch"] == (1,)
    assert "planted: " in case.remark


def test_it_is_still_there_when_asked_again(folder: Path) -> None:
    with asking(planted("Dense", NO_BIAS)) as asker:
        (one,) = replayed(read(folder), asker)
    assert one.state is State.STILL


def test_it_is_fixed_where_the_fault_is_gone(folder: Path) -> None:
    with asking(planted(NOTHING)) as asker:
        (one,) = replayed(read(folder), asker)
    assert (one.state, one.words) == (State.FIXED, "planted agrees")


def test_it_has_changed_where_another_thing_is_wrong(folder: Path) -> None:
    with asking(planted("Dense", NO_BIAS, does="raises")) as asker:
        (one,) = replayed(read(folder), asker)
    assert one.state is State.CHANGED
    assert "RuntimeError" in one.words


def test_a_case_that_is_gone_is_said_to_be(folder: Path, tmp_path: Path) -> None:
    found = read(folder)
    found.path = tmp_path
    with asking(planted(NOTHING)) as asker:
        (one,) = replayed(found, asker)
    assert (one.state, one.words) == (State.CHANGED, "its case file is gone or cannot be read")


def test_a_fault_inside_a_graph_is_brought_down_to_its_layer(tmp_path: Path) -> None:
    layers = ("ReLU", "Add", "Softmax", "ELU")
    found, _, _ = ran(tmp_path / "c", planted("ELU", does="raises"), layers=layers, graphs=True, seeds=range(2))
    assert [len(one.draft.calls) for one in found.kept] == [1]


def test_a_seed_is_not_run_twice(tmp_path: Path) -> None:
    ran(tmp_path / "c", planted(NOTHING), seeds=range(1), layers=("ReLU",))
    _, ended, _ = ran(tmp_path / "c", planted(NOTHING), seeds=range(2), layers=("ReLU",))
    assert ended.seeds == 1


def test_what_differs_alike_is_one_finding(tmp_path: Path) -> None:
    found, _, said = ran(tmp_path / "c", planted("Dense"), layers=("Dense",), seeds=range(2))
    assert [one.signature.layer for one in found.kept] == ["Dense"]
    assert totals(found)["seen before"] >= 1
    assert len([words for words in said if words.startswith("found: ")]) == 1
