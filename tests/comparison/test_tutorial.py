"""docs/compare.md, run from its first line to its last: its files, its commands, and what they are said to print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "compare.md"
BLOCK = re.compile(r"```(python|sh|text)\n(.*?)```", re.DOTALL)
NUMBER = re.compile(r"\d[\d,.]*(e-\d+)?")


def without_numbers(text: str) -> str:
    """The text with every number as #: trained weights are another's on another machine."""
    return NUMBER.sub("#", text)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    modules = {"python": [], "conformance": ["-m", "conformance"]}[program]
    environment = {**os.environ, "PYTHONPATH": str(PAGE.parents[1])}
    return subprocess.run(
        [sys.executable, *modules, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.frameworks
def test_the_page_prints_what_it_says(tmp_path: Path) -> None:
    said, codes, printed = "", [], ""
    for kind, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        match kind:
            case "python":
                name = re.match(r"# (\w+\.py)\n", body)
                assert name is not None
                (tmp_path / name[1]).write_text(body, encoding="utf-8")
            case "sh":
                for command in body.strip().splitlines():
                    done = run(command, tmp_path)
                    codes.append(done.returncode)
                    printed = done.stdout
                    said = done.stderr
            case "text":
                held = [without_numbers(line) for line in printed.splitlines()]
                missing = [line for line in body.strip().splitlines() if without_numbers(line) not in held]
                assert missing == [], printed + said
    assert codes == [0, 1, 0, 0, 0]


def test_a_line_that_is_not_printed_is_missed() -> None:
    assert without_numbers("off by 58,000 times") == without_numbers("off by 3.1 times")
    assert without_numbers("agree 0.1") != without_numbers("differ 0.1")
