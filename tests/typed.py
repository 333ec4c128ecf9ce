"""Tests state records as the JSON that a results file holds; this hands them to functions that want them typed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import wraps
from typing import Any

from conformance.form import from_json, to_json
from conformance.record import beside, case, lane, parts, run

KINDS = tuple(
    kind
    for module in (run, case, lane, parts, beside)
    for kind in vars(module).values()
    if dataclasses.is_dataclass(kind) and isinstance(kind, type) and kind.__module__ == module.__name__
)
"""All types of records, the large ones first."""


def as_record(value: Any) -> Any:
    """JSON of a record, or of several in a list, as typed values; anything else as it is."""
    if isinstance(value, list):
        return tuple(as_record(item) for item in value)
    if isinstance(value, tuple):
        return tuple(as_record(item) for item in value)
    if not isinstance(value, dict):
        return value
    for kind in KINDS:
        named = {field.metadata.get("named", field.name): field for field in dataclasses.fields(kind)}
        needed = {name for name, field in named.items() if _is_needed(field)}
        if value and needed <= value.keys() <= named.keys():
            return from_json(kind, to_json(value))
    return {name: as_record(item) for name, item in value.items()}


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _as_json(value: Any) -> Any:
    if isinstance(value, KINDS):
        return to_json(value)
    if type(value) in (list, tuple):
        return type(value)(_as_json(item) for item in value)
    return value


def typed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of records that takes and gives their JSON."""

    @wraps(function)
    def asked(*given: Any, **named: Any) -> Any:
        found = function(*map(as_record, given), **{name: as_record(value) for name, value in named.items()})
        return _as_json(found)

    return asked
