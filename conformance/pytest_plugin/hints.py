"""What was probably meant where a run selects nothing: names that come near those that were asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.case.problems import did_you_mean
from conformance.pytest_plugin.session import Session

PAYS_FROM = 4
"""Cores from which on a second process of pytest finishes earlier than one alone."""
_MARK = re.compile(r"\b(layer|lane)\(name\s*=\s*[\"']([^\"']*)[\"']\)")


def hints_for_words(marks: str, keywords: str, state: Session, lanes: Sequence[str]) -> Iterator[str]:
    """Of `-m` and `-k`: each name that no collected case has, with the nearest that one has."""
    known: Mapping[str, Iterable[str]] = {"layer": state.layer_types, "lane": lanes}
    for kind, name in _MARK.findall(marks or ""):
        if name not in known[kind] and state.paths:
            near = did_you_mean(name, known[kind]) or f"no case here has the {kind} {name}"
            yield f"-m: there is no {kind} {name!r}: {near}"
    if keywords and re.fullmatch(r"\w+", keywords) and state.paths:
        words = {word for case in state.paths for word in re.split(r"[/.\-]", case)} | state.layer_types
        if not any(keywords.lower() in word.lower() for word in words) and (hint := did_you_mean(keywords, words)):
            yield f"-k {keywords}: {hint}"


def hint_for_processes(asked: int, cores: int) -> list[str]:
    """A line where `-n` gains nothing: a run keeps three processes busy by itself."""
    if asked < 2 or cores >= PAYS_FROM:
        return []
    return [
        f"conformance: -n {asked} gains nothing on {cores} core{'' if cores == 1 else 's'}, for lanes work beside each "
        f"other already and each process starts its own: leave -n out (it pays from {PAYS_FROM} cores on)"
    ]


def hints_for_ids(arguments: Sequence[str], paths: Mapping[str, str]) -> list[str]:
    """Of items that were named: each id that no case has, with the nearest that one has."""
    found = []
    for argument in arguments:
        name = argument.partition("::")[2].partition("[")[0]
        if name and name not in paths and (hint := did_you_mean(name, paths)):
            found.append(f"there is no case {name}: {hint}")
    return found
