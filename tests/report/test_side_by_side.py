"""A small array in the terminal: every element of every lane, and the largest error in relation to the reference's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.report.text import lane_failure, side_by_side
from tests.gate.builders import CASE, results_of
from tests.typed import as_record


def failing(behaviour: str = "always_wrong", node: str = "pooled") -> tuple[Any, Any]:
    record = as_record(results_of(behaviour, only=CASE)).cases[0]
    finding = next(found for found in record.lanes["lane"].findings if found.node == node)
    return record, finding


def test_each_element_stands_in_a_row_with_every_lane_and_how_far_it_is_off() -> None:
    record, finding = failing()
    lines = side_by_side(record, finding)
    assert lines[0].split() == ["numpy", "lane", "off", "by"]
    places = ["[0, 0]", "[0, 1]", "[0, 2]", "[1, 0]", "[1, 1]", "[1, 2]"]
    assert [line.split("]")[0].strip() + "]" for line in lines[1:]] == places
    assert all(line.endswith("rel.") or line.endswith("abs.") for line in lines[1:])
    assert "elements" in lane_failure(
        replace(record, lanes={**record.lanes, "lane": replace(record.lanes["lane"], findings=(finding,))}), "lane"
    )


def test_a_large_array_and_another_aspect_stay_out() -> None:
    record, finding = failing(node="embedded")
    assert side_by_side(record, finding) == []
    assert side_by_side(record, replace(failing()[1], aspect="shape")) == []


@pytest.mark.parametrize("missing", ["numpy", "lane"])
def test_one_lane_alone_has_nothing_beside_it(missing: str) -> None:
    record, finding = failing()
    left = {name: held for name, held in record.lanes.items() if name != missing}
    assert side_by_side(replace(record, lanes=left), finding) == []
