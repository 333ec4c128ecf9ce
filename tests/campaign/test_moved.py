"""docs/evidence/between.md: the newer half of every script holds in the Keras installed; every case is short."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.campaign.written import LONGEST
from conformance.case.load import load_file
from tests.documents import ROOT, blocks

PAGE = (ROOT / "docs" / "evidence" / "between.md").read_text(encoding="utf-8")
SECTIONS = [text for text in PAGE.split("\n## ")[1:] if "\nUntil 3." in text]
SCRIPTS = [[block.text for block in blocks(f"## {text}") if block.language == "python"] for text in SECTIONS]
CASES = [block.text for block in blocks(PAGE) if block.language == "yaml"]


def test_every_answer_has_both_halves_and_a_date() -> None:
    assert len(SECTIONS) == int(PAGE.split(" answers of Keras")[0].rsplit(maxsplit=1)[-1])
    assert [len(halves) for halves in SCRIPTS] == [2] * len(SECTIONS)
    assert all(older != newer for older, newer in SCRIPTS)
    assert all("from 3." in text and "Until 3." in text for text in SECTIONS)


def test_every_case_can_be_read_and_is_short(tmp_path: Path) -> None:
    assert len(CASES) >= 15
    for number, text in enumerate(CASES):
        assert len(text.splitlines()) <= LONGEST
        path = tmp_path / f"c{number}.case.yaml"
        body = "\n".join(f"  {line}" for line in text.splitlines())
        path.write_text(
            f"schema_version: 1\ntopic: what moved\nsource: {{kind: question}}\ncases:\n{body}\n", encoding="utf-8"
        )
        assert len(load_file(path)) == 1


@pytest.mark.frameworks
def test_the_newer_halves_hold_in_what_is_installed() -> None:
    newer = [halves[1] for halves in SCRIPTS]
    lines = "\n".join(f"exec(compile({script!r}, 'script {n}', 'exec'), {{}})" for n, script in enumerate(newer))
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
