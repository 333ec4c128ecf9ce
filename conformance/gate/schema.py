"""The JSON schema of `gate.json`, made from the types of a diff and the docstrings of their fields."""

from __future__ import annotations

import json

from conformance.form import schema_of
from conformance.gate.rows import Diff, Section


def render() -> str:
    """The text of `schemas/gate-v2.schema.json`."""
    made = schema_of(Diff)
    definitions = made.pop("$defs")
    number = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
    pair = {"type": "array", "prefixItems": [number, number], "minItems": 2, "maxItems": 2}
    definitions["Move"]["properties"]["numbers"] = {"anyOf": [pair, {"type": "null"}]}
    texts = {
        "effect": {"type": "string", "description": "What the row does to a model, in a few words."},
        "why": {"type": "string", "description": "What is to be known of the row, why a side fails, who accepted it."},
    }
    row = definitions["Row"]
    row["properties"] = {**row["properties"], **texts}
    row["required"] = [*row.get("required", []), *texts]
    head = {"$schema": made.pop("$schema"), "$id": "gate-v2.schema.json", "title": "What a gate found, version 2"}
    count = {"type": "integer", "minimum": 0}
    own = {
        "kind": {"const": "conformance-diff"},
        "schema_version": {"const": 2},
        "verdict": {"type": "string", "description": "The diff in one sentence."},
        "counts": {
            "type": "object",
            "properties": {str(section): count for section in Section},
            "required": [str(section) for section in Section],
            "additionalProperties": False,
        },
    }
    made["properties"] = {**own, **made["properties"]}
    made["required"] = [*own, *made.get("required", [])]
    return json.dumps({**head, **made, "$defs": definitions}, indent=2, ensure_ascii=False) + "\n"
