"""docs/your-model.md, run from its first line to its last, with Keras 3.3.3 in the place of the one that saved."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import cli
from conformance.errors import Exit
from conformance.lanes.declare import parse
from conformance.lanes.environments import prepared
from tests.documents import ROOT, blocks, commands_of

PAGE = ROOT / "docs" / "your-model.md"
NUMBER = re.compile(r"-?\d[\d,.]*(e-\d+)?")
CASES = "merge/mask.case.yaml"
CONCERNED = [f"merge/mask.{name}" for name in ("two_embeddings-kind_Add",)]
WHO = (('who: ""', "who: alice"), ('why: ""', "why: the new mask is right"))


def without_numbers(text: str) -> str:
    """The text with every number as #: trained weights are another's on another machine."""
    return NUMBER.sub("#", text)


def run(words: list[str], folder: Path, keras: str = "") -> subprocess.CompletedProcess[str]:
    modules = {"python": [], "conformance": ["-m", "conformance"]}[words[0]]
    path = os.pathsep.join([keras, str(ROOT)] if keras else [str(ROOT)])
    return subprocess.run(
        [sys.executable, *modules, *words[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def asked_of_the_suite(command: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cases that a gate asks that is cut down to a model; what a gate makes of cases is tested elsewhere."""
    asked: list[str] = []
    monkeypatch.setattr("conformance.gate.gate.gate", lambda request: asked.extend(request.arguments) or Exit.OK)
    monkeypatch.chdir(folder)
    assert cli.main(command[1:]) == Exit.OK
    return sorted(name.partition("::")[2] for name in asked)


@pytest.mark.frameworks
def test_the_page_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (overlay,) = prepared(parse("keras@3.3.3")).options["overlays"]
    place = tmp_path / "cases" / CASES
    place.parent.mkdir(parents=True)
    text = (ROOT / "cases" / CASES).read_text(encoding="utf-8")
    text = re.sub(r"\n  - id: one_without.*", "\n", text, flags=re.DOTALL).replace("[Add, Subtract, ", "[Add, ")
    place.write_text(re.sub(r"Multiply.*?Minimum", "Average", text), encoding="utf-8")
    said = ""
    codes: list[int] = []
    for block in blocks(PAGE.read_text(encoding="utf-8")):
        if block.language == "python":
            (tmp_path / block.text.split()[1]).write_text(block.text, encoding="utf-8")
        for command in commands_of(block.text) if block.language == "sh" else ():
            if "accepted.yaml" in command:
                draft = (tmp_path / "reports" / "gate" / "accepted.draft.yaml").read_text(encoding="utf-8")
                for old, new in WHO:
                    draft = draft.replace(old, new)
                (tmp_path / "accepted.yaml").write_text(draft, encoding="utf-8")
            if "--uses" in command:
                assert asked_of_the_suite(command, tmp_path, monkeypatch) == CONCERNED
                continue
            if codes == [0]:  # the first gate drafts what it finds, as the page says further down
                command.append("--draft-accepted")
            done = run(command, tmp_path, overlay if command[0] == "python" else "")
            said += done.stdout
            codes.append(done.returncode)
            assert "Traceback" not in done.stderr, done.stderr
        if block.language == "text":
            printed = without_numbers(said)
            for line in block.text.splitlines():
                assert without_numbers(line.strip()) in printed, f"{line}\nis not in\n{said}"
    assert codes == [0, 1, 0, 0]
    rows = json.loads((tmp_path / "reports" / "gate" / "gate.json").read_text(encoding="utf-8"))["rows"]
    assert {row["accepted"] for row in rows} == {"", "alice: the new mask is right"}
    assert (tmp_path / "reports" / "gate" / "ranker.keras.html").is_file()
