"""The tutorials, done as a reader would: files saved, commands run one after the other, and what they must print."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT, blocks

pytestmark = pytest.mark.frameworks
TUTORIALS = ("docs/from-a-dispute-to-a-case.md",)


def do(page: str, folder: Path) -> list[str]:
    """What went wrong on the way through a page; empty where all of it works."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
    }
    printed, wrong = "", []
    for block in blocks(page):
        if block.language == "yaml":
            (folder / block.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.path).write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            done = subprocess.run(
                ["bash", "-e", "-c", block.text],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            printed = done.stdout + done.stderr
            if done.returncode:
                wrong.append(f"$ {block.text}{printed[-2_000:]}")
        elif block.language == "text":
            flat = " ".join(printed.split())
            wrong += [f"not printed: {line}" for line in block.text.splitlines() if " ".join(line.split()) not in flat]
    return wrong


@pytest.mark.parametrize("page", TUTORIALS)
def test_a_tutorial_works_as_it_is_written(page: str, tmp_path: Path) -> None:
    assert do((ROOT / page).read_text(encoding="utf-8"), tmp_path) == []


def test_a_command_that_fails_and_words_that_are_not_printed_are_seen(tmp_path: Path) -> None:
    page = "```sh\necho one\n```\n\n```text\none\ntwo\n```\n\n```sh\nfalse\n```\n"
    assert do(page, tmp_path) == ["not printed: two", "$ false\n"]
