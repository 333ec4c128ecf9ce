"""The initialiser that gives only zeros and ones."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.case.initializers import INITIALIZERS, binary

THUE_MORSE = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0]
"""The first 16 terms of OEIS A010060."""


def test_it_is_the_thue_morse_sequence() -> None:
    assert binary((16,)).tolist() == THUE_MORSE


def test_a_matrix_is_filled_row_by_row() -> None:
    assert binary((2, 3)).tolist() == [[0, 1, 1], [0, 1, 0]]


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 5), (0, 3), (2, 2, 2, 2)])
def test_any_shape_holds_only_zeros_and_ones(shape: tuple[int, ...]) -> None:
    values = binary(shape)
    assert values.shape == shape
    assert values.dtype == np.float32
    assert set(values.ravel().tolist()) <= {0.0, 1.0}


def test_bits_beyond_the_sixteenth_count() -> None:
    assert binary((2**17 + 2,))[[2**16, 2**17 + 1]].tolist() == [1, 0]


def test_it_is_found_by_the_name_that_cases_use() -> None:
    assert INITIALIZERS["Binary"] is binary
