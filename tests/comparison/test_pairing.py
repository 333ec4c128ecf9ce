"""Layers are paired by what their weights hold, then by name and order; what tells nothing pairs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.comparison import pairing
from conformance.comparison.pairing import Pairing, fingerprint, pairing_of
from conformance.comparison.values import Call, Layer
from tests.comparison.fakes import layer, model

RANDOM = np.random.default_rng(0)
ONE, OTHER = RANDOM.normal(size=(3, 4)).astype(np.float32), RANDOM.normal(size=(3, 4)).astype(np.float32)


def test_a_fingerprint_is_of_numbers_and_not_of_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    known = fingerprint(ONE)
    assert known == fingerprint(ONE.T) == fingerprint(ONE.reshape(-1)[::-1])
    monkeypatch.setattr(pairing, "STRETCH", 5)
    assert known == fingerprint(ONE)
    assert known != fingerprint(np.nextafter(ONE, np.float32(9)))
    assert fingerprint(np.zeros(5)) is None
    assert fingerprint(np.arange(5)) is None


def called(*layers: Layer) -> tuple[Call, ...]:
    return tuple(Call(one.path, 0, order, -1, (), (), {}) for order, one in enumerate(layers))


def found(mine: list[Layer], theirs: list[Layer], given: dict[str, str] | None = None) -> Pairing:
    return pairing_of(model(*mine), model(*theirs), called(*mine), called(*theirs), given)


def dense(folder: Path, name: str, kernel: Any) -> Layer:
    return layer(folder, name, "Dense", {"name": name}, kernel=kernel)


def linear(folder: Path, name: str, weight: Any) -> Layer:
    return layer(folder, name, "Linear", weight=weight)


def test_contents_decide_against_order_and_names(tmp_path: Path) -> None:
    mine = [dense(tmp_path, "a", ONE), dense(tmp_path, "b", OTHER)]
    made = found(mine, [linear(tmp_path, "a", OTHER.T), linear(tmp_path, "b", ONE.T)])
    assert [(pair.model, pair.port, pair.how) for pair in made.pairs] == [("a", "b", "weights"), ("b", "a", "weights")]


def test_what_is_found_nowhere_is_paired_by_order_and_the_rest_is_left(tmp_path: Path) -> None:
    mine = [dense(tmp_path, "a", ONE), dense(tmp_path, "b", OTHER)]
    theirs = [linear(tmp_path, "x", ONE.T), linear(tmp_path, "y", OTHER.T + 1), linear(tmp_path, "z", np.ones((9, 9)))]
    made = found(mine, theirs)
    assert [(pair.model, pair.port, pair.how) for pair in made.pairs] == [("a", "x", "weights"), ("b", "y", "order")]
    assert made.left_of_port == ("z",)


def test_what_the_user_knows_comes_first(tmp_path: Path) -> None:
    mine = [dense(tmp_path, "a", ONE), dense(tmp_path, "b", OTHER)]
    theirs = [linear(tmp_path, "x", ONE.T), linear(tmp_path, "y", OTHER.T)]
    made = found(mine, theirs, {"a": "y"})
    assert next((pair.model, pair.port, pair.how) for pair in made.pairs) == ("a", "y", "given")
