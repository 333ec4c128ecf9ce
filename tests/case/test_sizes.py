"""A case at other sizes is read from its file again: all named axes longer, then each alone, where it can be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.case.model import Case
from conformance.case.sizes import at_other_sizes
from tests.builders import cases_of

TEXT = """
    schema_version: 1
    topic: sizes
    source: {kind: hand}
    dims: {batch: 2, steps: [3, 5], features: 4}
    cases:
      - id: drawn
        matrix: {slope: [0.3, 0.5]}
        question: What comes out?
        inputs: {x: {shape: [batch, steps, features]}}
        layers: {layer: {type: LeakyReLU, negative_slope: $slope}}
        graph: {y: layer(x)}
      - id: written
        question: What comes out?
        inputs: {x: {shape: [batch, 2], fill: {values: [[1, 2], [3, 4]]}}}
        layers: {layer: {type: ReLU}}
        graph: {y: layer(x)}
"""


def dims_of(case: Case) -> dict[str, tuple[int, ...]]:
    return {name: tuple(sizes) for name, sizes in case.dims.items()}


def test_all_axes_are_longer_then_each_alone(tmp_path: Path) -> None:
    _, drawn, _ = cases_of(TEXT, tmp_path)
    every = list(at_other_sizes(drawn.at_seed(7), 2))
    assert {case.id for case in every} == {"fam/topic.drawn-slope_0.5"}
    assert {case.seed for case in every} == {7}
    assert [dims_of(case) for case in every] == [
        {"batch": (4,), "steps": (5, 7), "features": (6,)},
        {"batch": (4,), "steps": (3, 5), "features": (4,)},
        {"batch": (2,), "steps": (5, 7), "features": (4,)},
        {"batch": (2,), "steps": (3, 5), "features": (6,)},
    ]


def test_what_is_written_down_has_no_other_size(tmp_path: Path) -> None:
    *_, written = cases_of(TEXT, tmp_path)
    found = list(at_other_sizes(written, 1))
    assert [dims_of(case)["batch"] for case in found] == [(2,), (2,)], "the other axes are none of its input's"


def test_a_file_that_says_something_else_by_now_or_is_gone_gives_none(tmp_path: Path) -> None:
    drawn, *_ = cases_of(TEXT, tmp_path)
    assert list(at_other_sizes(replace(drawn, text="- id: drawn"), 1)) == []
    Path(drawn.position.path).absolute().unlink()
    assert list(at_other_sizes(drawn, 1)) == []
