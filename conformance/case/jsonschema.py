"""The JSON Schema of case files (draft-07, which editors read), made from `schema` and from the layer classes.

A layer's arguments hang on its `type` by if/then, so that an editor names the unknown argument instead of saying
"matches none of the given schemas". Wherever a case may put a matrix variable, text like `$name` is allowed too.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from conformance.case import kinds, layers, optimizers, penalties, schedules
from conformance.case.elsewhere import other_names
from conformance.case.kinds import Kind
from conformance.case.schema import FILE, NAME

Schema = dict[str, Any]

_VARIABLE = rf"\${NAME}"


def render() -> str:
    """The schema as JSON text, as it is committed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """The schema of a case file, with a definition for each record and each layer."""
    definitions: dict[str, Schema] = {}
    inside = _Writer(definitions, has_variables=True)
    definitions["nested"] = inside.nested()
    every: tuple[tuple[str, Any], ...] = (
        ("layer", layers),
        ("optimizer", optimizers),
        ("schedule", schedules),
        ("regularizer", penalties.REGULARIZERS),
        ("constraint", penalties.CONSTRAINTS),
    )
    for what, known in every:
        known_types = known.every_type() if hasattr(known, "every_type") else known.types()
        definitions[what] = inside.typed(what, sorted(known_types))
        for type in sorted(known_types):
            record = known.record_of(type)
            assert record is not None
            if others := other_names(what, type):
                typed = dataclasses.replace(record.fields["type"], kind=kinds.Choice((type, *others)))
                record = dataclasses.replace(record, fields={**record.fields, "type": typed})
            definitions[f"{what} {type}"] = inside.record(record)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Conformance cases",
        "description": "Questions about layers, each answered by Keras, PyTorch and a NumPy reference.",
        **_Writer(definitions, has_variables=False).record(FILE),
        "definitions": dict(sorted(definitions.items())),
    }


def _reference(definition: str) -> Schema:
    return {"$ref": f"#/definitions/{definition.replace(' ', '%20')}"}


class _Writer:
    """Writes kinds as schemas; records become definitions, whose values may be variables."""

    def __init__(self, definitions: dict[str, Schema], has_variables: bool) -> None:
        self.definitions = definitions
        self.has_variables = has_variables

    def record(self, record: kinds.Record) -> Schema:
        """A mapping with the keys of a record."""
        made: Schema = {
            "type": "object",
            "properties": {key: self.described(field.kind, field.description) for key, field in record.fields.items()},
            "additionalProperties": False,
        }
        required = [key for key, field in record.fields.items() if field.required]
        if required:
            made["required"] = required
        if record.rest is not None:
            made["additionalProperties"] = self.described(record.rest.value, record.rest.description)
            made["propertyNames"] = {"pattern": f"^({record.rest.pattern})$"}
        if record.one_of:
            made |= {"minProperties": 1, "maxProperties": 1}
        return made

    def typed(self, what: str, types: list[str]) -> Schema:
        """A layer or an optimizer: its type, and by its type its arguments."""
        names = {type: (type, *other_names(what, type)) for type in types}
        every = tuple(name for one in names.values() for name in one)
        return {
            "type": "object",
            "required": ["type"],
            "properties": {"type": self.described(kinds.Choice(every), "The class name in Keras.")},
            "allOf": [
                {
                    "if": {"properties": {"type": {"enum": list(one)}}, "required": ["type"]},
                    "then": _reference(f"{what} {type}"),
                }
                for type, one in names.items()
            ],
        }

    def nested(self) -> Schema:
        """Numbers in lists in lists."""
        return {
            "description": "A number, true or false, a word for a number (nan, inf, -inf), or a list of these.",
            "type": ["number", "boolean", "string", "array"],
            "pattern": rf"^(nan|[+-]?inf|{_VARIABLE})$",
            "items": _reference("nested"),
        }

    def described(self, kind: Kind, description: str) -> Schema:
        """A kind with what it means here; beside a bare $ref a description would be ignored."""
        made = self.kind(kind)
        return {"description": description, **({"allOf": [made]} if "$ref" in made else made)}

    def kind(self, kind: Kind) -> Schema:
        """The values that are of a kind."""
        match kind:
            case kinds.Text(pattern):
                return {"type": "string", "minLength": 0 if kind.may_be_empty else 1} | self._pattern(pattern)
            case kinds.Integer(at_least, axes):
                return self._typed("integer", any_text=axes) | _at_least("minimum", at_least)
            case kinds.Number(at_least):
                return self._typed("number") | _at_least("minimum", at_least)
            case kinds.Truth():
                return self._typed("boolean")
            case kinds.Null():
                return {"type": "null"}
            case kinds.Choice(options, _):
                choice: Schema = {"enum": list(options)}
                variable = {"type": "string", "pattern": f"^{_VARIABLE}$"}
                return {"anyOf": [choice, variable]} if self.has_variables else choice
            case kinds.Length():
                return {"type": ["integer", "string"], "minimum": 0, "minLength": 1}
            case kinds.Either(options):
                return {"anyOf": [self.kind(option) for option in options]}
            case kinds.Anything():
                return {}
            case _:
                return self._collection(kind)

    def _collection(self, kind: Kind) -> Schema:
        match kind:
            case kinds.ListOf(item, at_least):
                return self._typed("array") | {"items": self.kind(item)} | _at_least("minItems", at_least or None)
            case kinds.Row(items):
                parts = [self.kind(item) for item in items]
                return self._typed("array") | {"items": parts, "minItems": len(items), "maxItems": len(items)}
            case kinds.MapOf(value, description, pattern, at_least):
                made = {"propertyNames": {"pattern": f"^({pattern})$"}, "type": "object"}
                made["additionalProperties"] = self.described(value, description)
                return made | _at_least("minProperties", at_least or None)
            case kinds.Record(title):
                if title not in self.definitions:
                    self.definitions[title] = {}
                    self.definitions[title] = _Writer(self.definitions, has_variables=True).record(kind)
                return _reference(title)
            case kinds.LayerOf(what):
                return _reference(what)
            case kinds.Nested():
                return _reference("nested")
        raise AssertionError(f"no schema for {kind}")

    def _typed(self, type: str, any_text: bool = False) -> Schema:
        """A type, or text: any (arithmetic over axes), or only a variable."""
        if any_text:
            return {"type": [type, "string"], "minLength": 1}
        return {"type": [type, "string"], "pattern": f"^{_VARIABLE}$"} if self.has_variables else {"type": type}

    def _pattern(self, pattern: str | None) -> Schema:
        if pattern is None:
            return {}
        return {"pattern": f"^({pattern}|.*{_VARIABLE}.*)$" if self.has_variables else f"^({pattern})$"}


def _at_least(keyword: str, bound: float | None) -> Schema:
    return {} if bound is None else {keyword: bound}
