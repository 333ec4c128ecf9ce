"""Typed values as JSON and back, exactly: what is read is what was written, to the last digit and in the same order.

A record is a frozen dataclass whose fields have a docstring each. pydantic reads it from JSON strictly (no number is
made of text, no field is too many) and makes the schema, with the docstrings as its descriptions. NaN and infinities
are written as the strings `NaN`, `Infinity` and `-Infinity`, for JSON has no numbers for them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, WithJsonSchema
from typing_extensions import TypeAliasType

CONFIG = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)
"""For the `__pydantic_config__` of every type that stands in a file."""
ABSENT = {"is_absent_where_none": True}
"""Metadata of a field that is not written where it is None."""

_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_NUMBER_FORM = {
    "description": "A number. NaN and the infinities, for which JSON has no numbers, are the strings NaN, Infinity and "
    "-Infinity.",
    "anyOf": [{"type": "number"}, {"enum": list(_SPECIAL)}],
}
_NESTED_FORM = {
    "description": "Numbers, booleans or strings in nested lists as an array has them; a bare one for a scalar.",
    "anyOf": [
        {"type": ["number", "boolean", "string", "null"]},
        {"type": "array", "items": {"of": "Nested"}},
    ],
}


def _number(value: Any) -> Any:
    return _SPECIAL.get(value, value) if isinstance(value, str) else value


def nested(value: Any) -> Any:
    """Nested lists as nested tuples, with the strings for NaN and infinities as numbers. Raises ValueError."""
    if isinstance(value, list | tuple):
        return tuple([nested(item) for item in value])
    if isinstance(value, str):
        return _SPECIAL.get(value, value)
    if isinstance(value, Mapping):
        raise ValueError("must be numbers in nested lists")
    return value


Number = TypeAliasType("Number", Annotated[float, BeforeValidator(_number), WithJsonSchema(_NUMBER_FORM)])
"""A float that may be NaN or infinite."""
Nested = TypeAliasType("Nested", Annotated[Any, BeforeValidator(nested), WithJsonSchema(_NESTED_FORM)])
"""An array's elements, shapes, or an index: numbers, strings and None in nested tuples."""

Count = Annotated[int, Field(ge=0)]
"""A number of things, or a place counted from 0."""

Typed = TypeVar("Typed")


def to_json(value: Any) -> Any:
    """A typed value in JSON's own types, in the order of its fields; text that cannot be encoded is escaped."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {to_json(str(key)): to_json(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        held = ((name, is_absent, getattr(value, field)) for field, name, is_absent in _fields_of(type(value)))
        return {name: to_json(item) for name, is_absent, item in held if item is not None or not is_absent}
    raise TypeError(f"{type(value).__name__} in a record")


@cache
def _fields_of(kind: type) -> tuple[tuple[str, str, bool], ...]:
    """The fields of a type: its name here, its name in JSON, and whether it is not written where it is None."""
    return tuple(
        (field.name, field.metadata.get("named", field.name), bool(field.metadata.get("is_absent_where_none")))
        for field in dataclasses.fields(kind)
    )


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def from_text(kind: type[Typed], text: str | bytes) -> Typed:
    """A typed value from a JSON text. Raises pydantic.ValidationError for what is not of this form."""
    return cast("Typed", _adapter(cast("Any", kind)).validate_json(text))


def from_json(kind: type[Typed], data: Any) -> Typed:
    """A typed value from JSON's own types, as `to_json` gives them. Raises pydantic.ValidationError."""
    import json

    return from_text(kind, json.dumps(data))


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type, with the docstrings of its fields as descriptions."""
    made: dict[str, Any] = _plain_schema(_adapter(kind).json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _plain_schema(made: Any, is_names: bool = False) -> Any:
    """A schema without the titles that repeat its names; `is_names` says that the keys are names, not words of it."""
    if isinstance(made, list):
        return [_plain_schema(item) for item in made]
    if not isinstance(made, dict):
        return made
    if made.keys() == {"of"}:  # pydantic follows every reference, and one to itself without end
        return {"$ref": f"#/$defs/{made['of']}"}
    return {
        name: _plain_schema(item, name in ("properties", "$defs"))
        for name, item in made.items()
        if is_names or name != "title"
    }
