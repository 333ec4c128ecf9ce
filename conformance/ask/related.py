"""Cases that were written of what somebody asks: of the same layer and arguments, or by words alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.case.model import Case

FEW = 3
"""Related cases that are named."""
_WORD = re.compile(r"[a-z0-9]+")


def related(cases: Iterable[Case], kind: str, config: Mapping[str, Any], has_masks: bool) -> list[Case]:
    """Cases of a layer whose words and truths among the arguments are those that were given; of masks where they are.

    Lengths do not count: what is asked is hardly ever a matter of them. The narrowest cases come first.
    """
    telling = {name: value for name, value in config.items() if isinstance(value, str | bool)}
    found = []
    for case in cases:
        own = [layer for layer in case.layers if layer.type == kind]
        is_alike = any(all(layer.config.get(name) == value for name, value in telling.items()) for layer in own)
        if is_alike and (not has_masks or makes_masks(case)):
            found.append(case)
    return sorted(found, key=lambda case: (len(case.layers), len(case.id), case.id))


def makes_masks(case: Case) -> bool:
    """Whether a mask flows in a case."""
    return any(layer.type == "Masking" or layer.config.get("mask_zero") is True for layer in case.layers)


def search(cases: Iterable[Case], words: str) -> list[Case]:
    """Cases that hold every word in their id, question, topic, tags or layers, best first; a word may be a beginning.

    The best holds the words in its id and its question, and has an answer that was written.
    """
    wanted = _words(words)
    scored = []
    for case in cases:
        first = _words(f"{case.id} {case.question}")
        every = first | _words(" ".join([case.topic, *case.tags, *case.layer_types, case.answer]))
        if wanted and all(_has(every, word) for word in wanted):
            score = sum(_has(first, word) for word in wanted) + sum(word in first for word in wanted)
            scored.append((-score, not case.answer, len(case.id), case.id, case))
    return [row[-1] for row in sorted(scored, key=lambda row: row[:-1])]


def _words(text: str) -> set[str]:
    """The words of a text in small letters; names such as `GlobalAveragePooling1D` count in their parts too."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return set(_WORD.findall(text.lower())) | set(_WORD.findall(parts.lower()))


def _has(words: set[str], wanted: str) -> bool:
    stem = wanted.removesuffix("s")
    return any(word.startswith(stem) for word in words)


def named(cases: Sequence[Case]) -> str:
    """The first few ids, and how many there are."""
    ids = ", ".join(case.id for case in cases[:FEW])
    return ids if len(cases) <= FEW else f"{ids} and {len(cases) - FEW} more"
