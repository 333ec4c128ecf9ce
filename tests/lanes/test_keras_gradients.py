"""Which outputs are differentiated: those of the reference's shape, each beside the array that it is multiplied by."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes.keras_gradients import weighted
from conformance.protocol.adapter import Unsupported

TIMES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)


def of_shape(*shape: int | None) -> Any:
    return SimpleNamespace(shape=shape)


@pytest.mark.parametrize("shape", [(2, 3), (None, 3), (None, None)])
def test_an_output_of_the_same_shape_as_far_as_it_is_known_has_its_array(shape: tuple[int | None, ...]) -> None:
    output = of_shape(*shape)
    ((item, times),) = weighted({"y": output}, {"y": (TIMES,)})
    assert item is output
    assert times.tolist() == TIMES.tolist()


@pytest.mark.parametrize("shape", [(2,), (2, 3, 1), (3, 2), (1, 3), (None, 1), ()])
def test_an_output_of_another_shape_is_not_differentiated(shape: tuple[int | None, ...]) -> None:
    with pytest.raises(Unsupported, match=r"y has shape .*, the reference \(2, 3\)"):
        list(weighted({"y": of_shape(*shape)}, {"y": (TIMES,)}))


def test_a_list_of_another_length_is_not_either() -> None:
    with pytest.raises(Unsupported, match="y has 1 arrays, the reference 2"):
        list(weighted({"y": [of_shape(2, 3)]}, {"y": (TIMES, None)}))


def test_whole_numbers_have_none() -> None:
    ((item, _),) = weighted({"y": [of_shape(2, 3), of_shape(9)]}, {"y": (TIMES, None)})
    assert item.shape == (2, 3)
