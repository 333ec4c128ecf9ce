"""Names of axes: a length is named only where the way through the graph gives it that name."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.record.axes import axis_names, named, names_on_the_way
from tests.builders import cases_of

COINCIDING = """
    schema_version: 1
    topic: lengths that coincide
    source: {kind: hand}
    dims: {batch: 2, size: 8, wide: 10, inputs: 3, filters: 4}
    cases:
      - id: strided
        question: What are four rows called, where there are four filters?
        inputs:
          x: {shape: [batch, size, wide, inputs]}
        layers:
          pool: {type: MaxPooling2D, pool_size: 2}
          conv: {type: Conv2D, filters: filters, kernel_size: 3, padding: same}
          flat: {type: Flatten}
        graph:
          halved: pool(x)
          y: conv(halved)
          kept: conv(x)
          rows: flat(y)
        expect:
          kept: {shape: [batch, size, wide, filters]}
"""


@pytest.mark.parametrize(
    ("node", "shape", "names"),
    [
        ("halved", (2, 4, 5, 3), ("batch", "", "", "inputs")),  # no filter stands on the way to it
        ("y", (2, 4, 5, 4), ("batch", "", "", "")),  # rows or filters: both are four
        ("y", (2, 7, 5, 4), ("batch", "", "", "filters")),
        ("kept", (2, 8, 10, 4), ("batch", "size", "wide", "filters")),
        ("rows", (2, 80), ("batch", "")),
    ],
)
def test_a_length_is_named_where_the_way_names_it(
    node: str, shape: tuple[int, ...], names: tuple[str, ...], tmp_path: Path
) -> None:
    (case,) = cases_of(COINCIDING, tmp_path)
    assert axis_names(case, 0, node, shape) == names


def test_names_come_from_inputs_and_layers_on_the_way(tmp_path: Path) -> None:
    (case,) = cases_of(COINCIDING, tmp_path)
    sizes = case.sizes[0]
    assert names_on_the_way(case, sizes, "halved") == {"batch", "size", "wide", "inputs"} | {"batch"}
    assert "filters" in names_on_the_way(case, sizes, "y")


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ((2, 5), ("batch", "steps")),
        ((5, 2), ("steps", "")),
        ((2, 5, 5), ("batch", "", "")),
        ((None, 5), ("", "steps")),
        ((), ()),
    ],
)
def test_one_name_for_one_length(shape: tuple[int | None, ...], names: tuple[str, ...]) -> None:
    assert named(shape, {"batch": 2, "steps": 5}) == names
