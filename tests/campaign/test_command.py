"""`conformance campaign` as it is typed, and what it says of what means nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.folder import read
from conformance.cli import main
from conformance.cli.campaign import _said
from tests.campaign.asked import ran
from tests.campaign.lane import NOTHING, planted

ROOT = Path(__file__).parents[2]
ENDLESS = """
from pathlib import Path
from tests.campaign.asked import ran
from tests.campaign.lane import planted
ran(Path("c"), planted("ReLU", does="raises"), layers=("ReLU",), seeds=range(100_000))
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--for", "soon"], "--for soon is no time"),
        (["--for", "0m"], "--for 0m is no time"),
        (["--seeds", "9..2"], "--seeds 9..2 is not a range of seeds"),
        (["--seeds", "all"], "--seeds all is not a range of seeds"),
        (["--layers", "Conv9D"], "no layer that can be drawn is called Conv9D"),
        (["--layers", "GRUCell"], "no layer that can be drawn is called GRUCell"),
        (["--from", "keras@3.3.3"], "--from and --to go together"),
        (["--from", "keras", "--to", "keras"], "--from and --to are both keras"),
        (["--from", "keras", "--to", "keras@3.3.3", "--lane", "torch"], "--lane beside --from and --to"),
        (["--lane", "nobody"], "nobody"),
        (["--also", "metric"], "--also metric is none of trainings, metrics, operations, saving, relations"),
        (["--also", "metrics", "--like", "cases"], "--like beside --also"),
        (["page"], "what is 'page'?"),
        (["page", "nowhere"], "nowhere is not the folder of a campaign"),
        (["replay", "nowhere"], "campaign replay does not read --output"),
        (["page", "nowhere", "--lane", "torch", "--like", "cases"], "page does not read --like and --lane"),
        (["merge", "a", "b", "--cluster", "local:2"], "campaign merge does not read --cluster"),
    ],
)
def test_a_mistake_is_one_message(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["campaign", *arguments, "-o", "c"]) == 4
    said = capsys.readouterr().err
    assert said.startswith("conformance: ")
    assert words in said
    assert not (tmp_path / "c").exists()


def test_a_replay_wants_the_folder_of_a_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaign", "replay"]) == 4
    assert "what is 'replay'?" in capsys.readouterr().err
    assert main(["campaign", "replay", "nowhere"]) == 4
    assert "nowhere is not the folder of a campaign" in capsys.readouterr().err


def test_a_campaign_wants_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["campaign", "--for", "5s"]) == 4
    assert capsys.readouterr().err.startswith("conformance: where to?")


def test_a_page_shows_findings_first_and_escapes_them(tmp_path: Path) -> None:
    folder, _, _ = ran(tmp_path / "c", planted("ReLU", does="raises"), layers=("ReLU",), seeds=range(1))
    case = folder.file(folder.kept[0])
    case.write_text(case.read_text(encoding="utf-8") + "# <script>alert(1)</script>\n", encoding="utf-8")
    assert main(["campaign", "page", str(tmp_path / "c")]) == 0
    text = (tmp_path / "c" / "index.html").read_text(encoding="utf-8")
    assert "1 finding in 4 drawn cases" in text
    assert text.index('id="relu_error"') < text.index('id="coverage"')
    assert "<script>alert" not in text
    tried = text[text.index('id="coverage"') : text.index('id="listed"')]
    assert '<th scope="row">ReLU<td class="number">12 of 35<td class="number">16 of 537<td class="muted">ReLU.' in tried


def test_a_page_without_findings_says_what_that_is_worth(tmp_path: Path) -> None:
    ran(tmp_path / "c", planted(NOTHING), layers=("ReLU",), seeds=range(1))
    assert main(["campaign", "page", str(tmp_path / "c"), "-o", str(tmp_path / "p.html")]) == 0
    assert "fewer than 0.75 of the cases" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_a_campaign_that_is_killed_loses_nothing_that_it_found(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", ENDLESS], cwd=tmp_path, env=environment)
    try:
        limit = time.monotonic() + 180
        while not list(tmp_path.glob("c/findings/*.case.yaml")) and time.monotonic() < limit:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (finding,) = read(tmp_path / "c").kept
    assert finding.signature.layer == "ReLU"
    folder, _, _ = ran(tmp_path / "c", planted("ReLU", does="raises"), layers=("ReLU",), seeds=range(1))
    assert [one.is_reduced for one in folder.kept] == [True]


@pytest.mark.parametrize(("dry", "words"), [(59.0, ""), (180.0, "saturated: no new pair in 3 minutes\n")])
def test_where_nothing_new_was_tried_for_minutes_it_is_said(
    dry: float, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ended, _ = ran(tmp_path / "c", planted(NOTHING), layers=("ReLU",), seeds=range(1))
    capsys.readouterr()
    assert _said(folder, replace(ended, since_new=dry)) == 0
    said = capsys.readouterr().out
    assert ("saturated" in said, words in said) == (bool(words), True)
