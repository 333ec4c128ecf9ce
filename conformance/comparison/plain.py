"""A comparison as JSON: everything that was found, in built-in types; what is no number is written as text."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from conformance.comparison.result import Comparison
from conformance.comparison.text import verdict

SCHEMA_VERSION = 1


def as_plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as mappings and lists."""
    first = comparison.first
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": "agree" if comparison.agrees else "differ",
        "sentence": verdict(comparison),
        "used": _plain(comparison.used),
        "first": None if first is None else first.layer,
        **{field.name: _plain(getattr(comparison, field.name)) for field in dataclasses.fields(comparison)},
    }


def to_json(comparison: Comparison) -> str:
    """The comparison as JSON text."""
    return json.dumps(as_plain(comparison), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
