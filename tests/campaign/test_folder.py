"""What was found outlives a campaign that is killed; a folder belongs to one campaign."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.folder import ABOUT, JOURNAL, VERSION, SeedRow, opened, read, saying_full
from conformance.campaign.merging import merged
from conformance.errors import ResultsError, UsageError
from tests.campaign.asked import about, ran
from tests.campaign.lane import planted

ROW = SeedRow(3, 1, {"agree": 1}, ((("Conv1D.padding", "same"),),), 0.5)


def test_a_line_that_was_cut_off_costs_its_own_seed(tmp_path: Path) -> None:
    folder, _, _ = ran(tmp_path / "c", planted("Dense", does="raises"), seeds=range(2), layers=("Dense",))
    journal = tmp_path / "c" / JOURNAL
    text = journal.read_text(encoding="utf-8")
    last = text.rstrip("\n").rsplit("\n", 1)[-1]
    journal.write_text(text.rstrip("\n") + '\n{"seed": {"seed": 7, "ra', encoding="utf-8")
    again = read(tmp_path / "c")
    assert again.findings == folder.findings
    assert again.seeds == folder.seeds
    with opened(tmp_path / "c", about(("Dense",))) as held:
        held.add_seed(ROW)
    assert last in journal.read_text(encoding="utf-8")
    assert 3 in read(tmp_path / "c").seeds


def test_two_campaigns_in_one_folder_are_one_too_many(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "c", about()),
        pytest.raises(UsageError, match="another campaign is running in"),
        opened(tmp_path / "c", about()),
    ):
        pass


def test_a_folder_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with opened(tmp_path / "c", about()):
            pass


def test_a_campaign_of_another_version_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "c", about()):
        pass
    words = r"is a campaign of planted \(fake 1\.0\), not of planted \(fake 2\.0\)"
    with pytest.raises(UsageError, match=words), opened(tmp_path / "c", about(version="2.0")):
        pass


def test_a_campaign_over_other_layers_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "c", about()):
        pass
    with pytest.raises(UsageError, match="over other layers"), opened(tmp_path / "c", about(("Dense",))):
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="holds other files"), opened(tmp_path, about()):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "c").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="is not a folder"), opened(tmp_path / "c", about()):
        pass


@pytest.mark.parametrize("text", ["", "{}", "[1", '{"version": "one", "lanes": {}, "layers": []}'])
def test_a_folder_that_somebody_spoiled_is_one_message(tmp_path: Path, text: str) -> None:
    (tmp_path / ABOUT).write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match="not what a campaign of this version writes"):
        read(tmp_path)


def test_a_finding_whose_name_leads_out_of_the_folder_is_skipped(tmp_path: Path) -> None:
    folder, _, _ = ran(tmp_path / "c", planted("Dense", does="raises"), seeds=range(2), layers=("Dense",))
    journal = tmp_path / "c" / JOURNAL
    name = next(iter(folder.findings))
    text = journal.read_text(encoding="utf-8")
    for hostile in ("../../x", "*", "a/b", ""):
        journal.write_text(text.replace(json.dumps(name), json.dumps(hostile)), encoding="utf-8")
        assert name not in read(tmp_path / "c").findings
        assert hostile not in read(tmp_path / "c").findings


def test_no_folder_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the folder of a campaign"):
        read(tmp_path)


def test_a_hostile_line_of_a_journal_is_skipped(tmp_path: Path) -> None:
    with opened(tmp_path / "c", about()) as folder:
        folder.add_seed(ROW)
    journal = tmp_path / "c" / JOURNAL
    for line in ("null", "[]", '"seed"', '{"finding": {"name": "../../x"}}', "{" * 2000):
        with journal.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    assert list(read(tmp_path / "c").seeds) == [3]


def test_a_full_disk_is_one_message_and_loses_nothing_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = iter(range(1, 1_000))
    sync = os.fsync

    def full(file: int) -> None:
        if next(writes) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    monkeypatch.setattr("conformance.campaign.folder.os.fsync", full)
    with pytest.raises(ResultsError, match="the disk is full; what was found until then is kept"):
        ran(tmp_path / "c", planted("ReLU"), layers=("ReLU",), seeds=range(3))
    monkeypatch.undo()
    assert [one.signature.layer for one in read(tmp_path / "c").kept] == ["ReLU"]
    _, ended, _ = ran(tmp_path / "c", planted("ReLU"), layers=("ReLU",), seeds=range(1))
    assert ended.seeds <= 1


def test_another_failure_to_write_is_not_said_to_be_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), saying_full(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_folder_of_the_first_version_is_gone_on_with(tmp_path: Path) -> None:
    with opened(tmp_path / "c", replace(about(), version=1)):
        pass
    with opened(tmp_path / "c", about()):
        assert read(tmp_path / "c").about.version == VERSION


def test_folders_are_put_together_with_each_seed_and_finding_once(tmp_path: Path) -> None:
    lane = planted("ReLU")
    first, _, _ = ran(tmp_path / "a", lane, layers=("ReLU",), seeds=range(1))
    second, _, _ = ran(tmp_path / "b", lane, layers=("ReLU",), seeds=range(2))
    made = merged([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert (made.seeds, made.twice) == (2, 1)
    assert (made.findings, made.alike) == (len(first.kept), len(second.kept))
    (finding,) = read(tmp_path / "c").kept
    assert read(tmp_path / "c").file(finding).is_file()


def test_campaigns_about_different_things_are_not_put_together(tmp_path: Path) -> None:
    for name, version in (("a", "1.0"), ("b", "2.0")):
        with opened(tmp_path / name, about(version=version)):
            pass
    with pytest.raises(UsageError, match="about something else"):
        merged([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    with pytest.raises(UsageError, match="is there already"):
        merged([tmp_path / "a"], tmp_path / "b")
