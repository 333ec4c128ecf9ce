"""Classes of named values against what frozen dataclasses do."""

from __future__ import annotations

import dataclasses
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from conformance.reference.base import arg
from conformance.reference.values import value_class


class Pair:
    first: int = arg("One.")
    second: tuple[int, ...] = arg("More.", default=(2, 3))


class Told(Pair):
    third: str = arg("A word.", default="x")

    def __repr__(self) -> str:
        return "told"


value_class(Pair)
value_class(Told)


def made(kind: Any, **given: Any) -> Any:
    return kind(**given)


def test_values_are_given_by_name_or_have_their_default() -> None:
    one = made(Told, first=1, third="y")
    assert (one.first, one.second, one.third) == (1, (2, 3), "y")
    assert dataclasses.replace(one, first=5) == made(Told, first=5, third="y")


def test_they_are_equal_by_class_and_value() -> None:
    assert made(Pair, first=1) == made(Pair, first=1)
    assert hash(made(Pair, first=1)) == hash(made(Pair, first=1))
    assert made(Pair, first=1) != made(Pair, first=2)
    assert made(Pair, first=1) != made(Told, first=1)


def test_nothing_is_set_afterwards() -> None:
    with pytest.raises(FrozenInstanceError):
        made(Pair, first=1).first = 2


@pytest.mark.parametrize(
    ("given", "words"),
    [({}, "Pair needs the argument first"), ({"first": 1, "fourth": 4}, "Pair takes no argument fourth")],
)
def test_what_is_missing_or_too_much_is_named(given: dict[str, int], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        made(Pair, **given)


def test_a_method_of_its_own_stays() -> None:
    assert repr(made(Told, first=1)) == "told"
    assert repr(made(Pair, first=1)) == "Pair(first=1, second=(2, 3))"
