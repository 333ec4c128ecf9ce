"""Formats against published numbers: units, largest numbers, and what pi and a tenth are in each."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.protocol.formats import FORMATS, POLICIES, Format, coarser, promoted, rounded


@pytest.mark.parametrize(
    ("name", "unit", "largest"),
    [  # IEEE 754-2019, table 3.5; bfloat16: 8 exponent bits as float32 has, 8 significant bits
        ("float64", 2.0**-53, 1.7976931348623157e308),
        ("float32", 2.0**-24, 3.4028234663852886e38),
        ("float16", 2.0**-11, 65504.0),
        ("bfloat16", 2.0**-8, 3.3895313892515355e38),
    ],
)
def test_units_and_largest_numbers(name: str, unit: float, largest: float) -> None:
    assert (FORMATS[name].unit, FORMATS[name].largest) == (unit, largest)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
def test_one_and_its_unit_are_a_tie_and_a_little_more_is_not(name: str) -> None:
    format = FORMATS[name]
    ties = rounded([1.0 + format.unit, 1.0 + 3.0 * format.unit, 1.0 + 1.001 * format.unit], format)
    assert ties.tolist() == [1.0, 1.0 + 4.0 * format.unit, 1.0 + 2.0 * format.unit]


def test_pi_and_a_tenth_are_what_is_printed_of_them() -> None:
    # bfloat16 pi is 0x4049 = 3.140625; float16 pi is 0x4248 = 3.140625 too, 1/10 is 0x2e66 and 0x3dcd
    assert rounded([np.pi, 0.1], FORMATS["bfloat16"]).tolist() == [3.140625, 0.10009765625]
    assert rounded([np.pi, 0.1], FORMATS["float16"]).tolist() == [3.140625, 0.0999755859375]


def test_float16_ends_at_65504_and_a_step_of_2_to_the_minus_24() -> None:
    half = FORMATS["float16"]
    assert half.overflows_at == 65520.0
    assert rounded([65519.0, 65520.0, -7e4, 2.0**-24, 2.0**-26], half).tolist() == [
        65504.0,
        np.inf,
        -np.inf,
        2.0**-24,
        0.0,
    ]
    assert half.tiny == 2.0**-25


def test_bfloat16_keeps_signs_nan_and_infinities_and_overflows_late() -> None:
    found = rounded([-0.0, np.nan, -np.inf, 3.395e38, 3.4e38], FORMATS["bfloat16"])
    assert np.signbit(found[0])
    assert np.isnan(found[1])
    assert found[2:].tolist() == [-np.inf, FORMATS["bfloat16"].largest, np.inf]


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32"])
def test_whole_numbers_are_exact_up_to_their_bound_and_not_beyond(name: str) -> None:
    bound = FORMATS[name].whole_below
    assert rounded([bound - 1.0, bound, bound + 1.0], FORMATS[name]).tolist() == [bound - 1.0, bound, bound]


def test_the_coarser_rounds_more_and_the_finer_is_promoted_to() -> None:
    single, brain = FORMATS["float32"], FORMATS["bfloat16"]
    assert coarser(single, brain) is coarser(brain, single) is brain
    assert promoted(single, brain) is promoted(brain, single) is single
    assert (promoted(None, brain), promoted(None, None)) == (brain, None)


def test_a_mixed_policy_computes_in_16_bits_and_is_given_float32() -> None:
    mixed = POLICIES["mixed_float16"]
    assert (mixed.compute.name, mixed.given.name, mixed.coarsest.name) == ("float16", "float32", "float16")
    assert isinstance(POLICIES["float64"].given, Format)
