"""Agreement over one number in every place is said to prove little; over a batch with something in it, nothing is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.comparison.evidence import of_one_number
from conformance.comparison.values import Held
from tests.comparison.fakes import stored

VARIED = np.arange(6.0).reshape(2, 3)


def runs(folder: Path, **given: Any) -> Any:
    """Runs whose paired layers got these arrays."""

    def pair(path: str, array: Any) -> Any:
        slot = SimpleNamespace(model=Held("0", stored(folder, array)))
        return SimpleNamespace(model=SimpleNamespace(path=path), inputs=(slot,))

    return SimpleNamespace(pairs=[pair(path, array) for path, array in given.items()])


@pytest.mark.parametrize(
    ("array", "said"),
    [(np.zeros((2, 3)), "image is 0 in every place"), (np.full((2, 3), 7), "image is 7 in every place")],
)
def test_an_input_that_is_one_number(array: Any, said: str, tmp_path: Path) -> None:
    (remark,) = of_one_number({"image": array}, runs(tmp_path, dense=np.zeros((2, 3))))
    assert remark.startswith(said)
    assert remark.endswith("which proves little: transposed, swapped and shifted numbers look the same")


def test_a_layer_that_gets_one_number(tmp_path: Path) -> None:
    remarks = of_one_number({"image": VARIED}, runs(tmp_path, first=VARIED, last=np.zeros((2, 4))))
    assert remarks == ["last got one number in every place, which proves little of it"]


@pytest.mark.parametrize("mask", [np.ones((2, 3), dtype=bool), np.ones((2, 3), dtype=np.int32)])
def test_a_batch_with_something_in_it_and_a_mask_of_real_steps_are_not_remarked_on(mask: Any, tmp_path: Path) -> None:
    assert of_one_number({"x": VARIED, "mask": mask, "size": np.array(3.0)}, runs(tmp_path, first=VARIED)) == []
