"""Hashes, against published vectors; Hashing and HashedCrossing, against the examples of the Keras documentation."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.hashes import fingerprint, keyed
from conformance.reference.hashing import HashedCrossing, Hashing
from tests.reference.helpers import is_seen, run

WORDS = numpy.array([["A"], ["B"], ["C"], ["D"], ["E"]])
FEATURES = [numpy.array(["A", "B", "A", "B", "A"]), numpy.array([101, 101, 101, 102, 102])]


def test_siphash_of_its_paper() -> None:
    """Aumasson and Bernstein (2012), appendix A: key 00 .. 0f, message 00 .. 0e."""
    key = tuple(int.from_bytes(bytes(range(start, start + 8)), "little") for start in (0, 8))
    assert keyed(bytes(range(15)), key) == 0xA129CA6149BE45E5


def test_the_documented_bins() -> None:
    """keras.io/api/layers/preprocessing_layers/categorical/hashing."""
    assert run(Hashing(num_bins=3), WORDS).ravel().tolist() == [1, 0, 1, 1, 2]
    gaps = numpy.array([["A"], ["B"], [""], ["C"], ["D"]])
    assert run(Hashing(num_bins=3, mask_value=""), gaps).ravel().tolist() == [1, 1, 0, 2, 2]
    assert run(Hashing(num_bins=3, salt=(133, 137)), WORDS).ravel().tolist() == [1, 2, 1, 0, 2]
    assert run(Hashing(num_bins=3, salt=133), WORDS).ravel().tolist() == [0, 0, 2, 1, 0]


def test_the_documented_crossing() -> None:
    """keras.io/api/layers/preprocessing_layers/categorical/hashed_crossing."""
    assert run(HashedCrossing(num_bins=5), FEATURES).tolist() == [1, 4, 1, 1, 3]
    hot = run(HashedCrossing(num_bins=5, output_mode="one_hot"), FEATURES)
    assert hot.argmax(axis=-1).tolist() == [1, 4, 1, 1, 3]


def test_all_lengths_have_a_rule() -> None:
    """No two of the prefixes of a text fall together; more than 64 bytes are refused."""
    text = bytes(range(64))
    assert len({fingerprint(text[:size]) for size in range(65)}) == 65
    assert len({keyed(text[:size], 1) for size in range(65)}) == 65
    with pytest.raises(LayerError, match="more than 64 bytes"):
        fingerprint(text + b"x")


def test_what_cannot_be() -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("Hashing", {"num_bins": 3, "sparse": True}),
        ("HashedCrossing", {"num_bins": 3, "sparse": True}),
    ]
    for kind, config in wrong:
        with pytest.raises(LayerError, match="sparse"):
            make(kind, config)
    with pytest.raises(LayerError, match="nothing to cross"):
        run(HashedCrossing(num_bins=3), FEATURES[:1])
    with pytest.raises(LayerError, match="different shapes"):
        run(HashedCrossing(num_bins=3), [FEATURES[0], FEATURES[1][:2]])


def test_mutants_are_seen() -> None:
    masked = Hashing(num_bins=7, mask_value="A", salt=5)
    for name in ("mask_is_a_word", "unsalted", "sum_of_bytes", "one_bin_too_many"):
        assert is_seen(masked, name, WORDS), name
    assert is_seen(Hashing(num_bins=3, output_mode="count"), "multi_for_count", WORDS.T)
    for mutant in HashedCrossing.mutants:
        assert is_seen(HashedCrossing(num_bins=97), mutant.name, FEATURES), mutant.name
