"""docs/evidence/shrunk.md: every case of it can be read, and has at most twelve lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.campaign.written import LONGEST
from conformance.case.load import load_file
from tests.documents import ROOT, blocks

PAGE = (ROOT / "docs" / "evidence" / "shrunk.md").read_text(encoding="utf-8")
CASES = [block.text for block in blocks(PAGE) if block.language == "yaml"]


def test_there_are_ten_and_each_has_its_section() -> None:
    assert len(CASES) == PAGE.count("\n## ") >= 10


@pytest.mark.parametrize("text", CASES, ids=[f"case {number}" for number, _ in enumerate(CASES)])
def test_a_case_can_be_read_and_is_short(text: str, tmp_path: Path) -> None:
    path = tmp_path / "shrunk.case.yaml"
    path.write_text(f"schema_version: 1\ntopic: shrunk\nsource: {{kind: question}}\n{text}\n", encoding="utf-8")
    assert len(load_file(path)) == 1
    _, _, below = text.partition("cases:\n")
    assert 0 < len(below.strip("\n").splitlines()) <= LONGEST
