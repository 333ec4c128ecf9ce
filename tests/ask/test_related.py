"""Cases that were written of what somebody asks: by layer and arguments, or by words alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.ask.related import named, related, search
from conformance.case.load import load_folder
from conformance.case.model import Case

CASES = Path(__file__).parents[2] / "cases"


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return tuple(case for family in ("merge", "conv1d", "pooling") for case in load_folder(CASES / family))


def test_cases_of_the_same_layer_and_words_are_found_whatever_the_lengths(cases: tuple[Case, ...]) -> None:
    found = related(cases, "Conv1D", {"filters": 3, "kernel_size": 2, "data_format": "channels_first"}, False)
    assert "conv1d/channels_first.as_many_steps_as_filters" in [case.id for case in found]
    assert all(any(layer.config.get("data_format") == "channels_first" for layer in case.layers) for case in found)


def test_a_question_with_masks_is_answered_by_cases_with_masks(cases: tuple[Case, ...]) -> None:
    found = [case.id for case in related(cases, "Average", {}, True)]
    assert "merge/mask.two_embeddings-kind_Average" in found
    assert len(found) < len(related(cases, "Average", {}, False))


def test_a_layer_that_no_case_uses_has_no_related_cases(cases: tuple[Case, ...]) -> None:
    assert related(cases, "Dense", {"activation": "no_such"}, False) == []


@pytest.mark.parametrize(
    ("words", "start"),
    [
        ("average mask", "merge/mask."),
        ("channels first conv", "conv1d/"),
        ("average pooling channels", "pooling/"),
    ],
)
def test_words_alone_give_the_case_that_they_fit_best(words: str, start: str, cases: tuple[Case, ...]) -> None:
    assert search(cases, words)[0].id.startswith(start)


def test_words_that_no_case_holds_give_none(cases: tuple[Case, ...]) -> None:
    assert search(cases, "average walrus") == []
    assert search(cases, " ") == []


def test_a_few_are_named_and_the_others_counted(cases: tuple[Case, ...]) -> None:
    assert named(cases[:2]) == f"{cases[0].id}, {cases[1].id}"
    assert named(cases[:5]).endswith(" and 2 more")
