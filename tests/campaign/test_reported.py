"""docs/evidence/reported.md: every script of it is run, and shows what the page says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.documents import ROOT, blocks

PAGE = (ROOT / "docs" / "evidence" / "reported.md").read_text(encoding="utf-8")
SCRIPTS = [block.text for block in blocks(PAGE) if block.language == "python"]


def test_every_difference_has_its_script() -> None:
    assert len(SCRIPTS) == PAGE.count("\n## ") >= 5


@pytest.mark.frameworks
def test_the_scripts_show_what_the_page_says() -> None:
    lines = "\n".join(f"exec(compile({script!r}, 'script {n}', 'exec'), {{}})" for n, script in enumerate(SCRIPTS))
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
