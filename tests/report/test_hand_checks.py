"""The pages that were checked by hand say what docs/evidence/hand-checks.md says that they say."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.case.load import load_file
from tests.builders import fake, records_of
from tests.report.asked import case_text
from tests.report.factory import LANE_ROWS

ROOT = Path(__file__).parents[2]
FILES = ("pooling/global_average", "conv1d/length", "merge/mask")
BLOCKS = re.findall(
    r"^```page (\S+)\n(.*?)^```$",
    (ROOT / "docs" / "evidence" / "hand-checks.md").read_text(encoding="utf-8"),
    re.M | re.S,
)


@cache
def text_of(case_id: str) -> str:
    """The page of a case, from the reference and a lane that agrees with it; blanks as one."""
    for file in FILES:
        for case in load_file(ROOT / "cases" / f"{file}.case.yaml"):
            if case.id == case_id:
                (record,) = records_of((case,), fake("always_right"))
                rows: list[Any] = [*LANE_ROWS, {**LANE_ROWS[0], "name": "always_right"}]
                return squeezed(case_text(record, rows))
    raise AssertionError(f"there is no case {case_id}")


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_three_disputes_are_checked() -> None:
    assert [case_id for case_id, _ in BLOCKS] == [
        "pooling/global_average.by_hand",
        "conv1d/length.even_by_hand",
        "merge/mask.two_embeddings-kind_Average",
        "merge/mask.masked_values_count",
    ]


@pytest.mark.parametrize(
    ("case_id", "line"), [(case_id, line) for case_id, lines in BLOCKS for line in lines.splitlines()]
)
def test_the_page_says_what_was_calculated_on_paper(case_id: str, line: str) -> None:
    assert squeezed(line) in text_of(case_id)


def test_the_mask_is_that_of_the_average_and_torch_does_not_say_it() -> None:
    text = text_of("merge/mask.two_embeddings-kind_Average")
    assert "mask of merged in numpy, always_right: 0 1 2 3 4 [0, :] 1 1 1 0 1 [1, :] 1 1 0 1 1 " in text
