"""Weights from data files: checked where they are written, and the same numbers in every lane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.plans.draw import plan_of

CASE = """
schema_version: 1
topic: held
dims: {{batch: 2, dim: 3}}
source: {{kind: hand}}
cases:
  - id: held
    question: Does the kernel stand in the file?
    inputs: {{x: {{shape: [batch, dim]}}}}
    layers:
      dense: {{type: Dense, units: 4}}
    weights:
      {weights}
    graph:
      y: dense(x)
"""
KERNEL = np.arange(12, dtype=np.float32).reshape(3, 4)


def written(folder: Path, weights: str, array: object = KERNEL) -> Path:
    path = folder / "families" / "held.case.yaml"
    path.parent.mkdir(exist_ok=True)
    np.save(path.parent / "kernel.npy", np.asarray(array))
    path.write_text(CASE.format(weights=weights))
    return path


def case_of(folder: Path, weights: str, array: object = KERNEL) -> Case:
    (case,) = load_file(written(folder, weights, array))
    return case


def test_a_weight_of_a_file_goes_to_every_lane_and_the_others_are_drawn(tmp_path: Path) -> None:
    case = case_of(tmp_path, "dense: {kernel: {path: kernel.npy}}")
    weights = plan_of(case).layers["dense"].weights
    np.testing.assert_array_equal(weights["kernel"], KERNEL)
    assert len(np.unique(weights["bias"])) == 4
    other = case_of(tmp_path, "dense: {kernel: {path: kernel.npy}}", KERNEL + 1)
    assert other.digest != case.digest


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("dens: {kernel: {path: kernel.npy}}", r"held.case.yaml:13:7: error: there is no layer dens"),
        ("dense: {kernel: {path: nowhere.npy}}", "the data file cannot be read"),
        ("dense: {kernel: {path: ../kernel.npy}}", "the data file is outside the folder of the case"),
        ("dense: {kernel: {file: kernel.npy}}", "unknown key file in the file"),
    ],
)
def test_what_is_wrong_is_said_when_the_case_is_read(weights: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=words):
        load_file(written(tmp_path, weights))


@pytest.mark.parametrize(
    ("weights", "array", "words"),
    [
        ("dense: {kernel: {path: kernel.npy}}", KERNEL.T, r"dense.kernel holds shape \(4, 3\); it needs \(3, 4\)"),
        ("dense: {kernle: {path: kernel.npy}}", KERNEL, "the layer dense has no weight kernle"),
    ],
)
def test_what_does_not_fit_the_layer_is_no_lanes_answer(
    weights: str, array: object, words: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match=words):
        plan_of(case_of(tmp_path, weights, array))
