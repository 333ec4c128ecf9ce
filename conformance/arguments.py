"""Which arguments of its layers a case exercises, and what there is of each layer: arguments and named mistakes.

An argument is exercised where a case gives it another value than its default. What does not enter the mathematics
(initialisers, regularisers, constraints) counts like every other argument of Keras' constructor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.case.model import Case
from conformance.reference.catalog import KINDS


def exercised(case: Case) -> dict[str, list[str]]:
    """Layer type to the arguments that the case exercises, layers inside layers too."""
    found: dict[str, set[str]] = {}
    for spec in case.layers:
        for kind, names in _exercised(spec.type, spec.config):
            found.setdefault(kind, set()).update(names)
    return {kind: sorted(names) for kind, names in sorted(found.items())}


def _exercised(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    defaults = {field.name: field.default for field in _fields(kind)}
    yield kind, {name for name, value in config.items() if name not in defaults or value != defaults[name]}
    for value in config.values():
        for inner in value if isinstance(value, list | tuple) else [value]:
            if isinstance(inner, Mapping) and inner.get("type") in KINDS:
                yield from _exercised(inner["type"], {name: item for name, item in inner.items() if name != "type"})


def _fields(kind: str) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(KINDS[kind]) if kind in KINDS else ()  # type: ignore[arg-type]  # see `Layer`


def existing(kinds: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Layer type to the names of its arguments and of its mutants."""
    return {
        kind: {
            "options": [*(field.name for field in _fields(kind)), *KINDS[kind].keras_only],
            "mutants": [mutant.name for mutant in KINDS[kind].mutants],
        }
        for kind in sorted(set(kinds))
        if kind in KINDS
    }
