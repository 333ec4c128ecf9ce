"""The JSON schema of results files, made from the types of records and the docstrings of their fields."""

from __future__ import annotations

import json

from conformance.form import schema_of
from conformance.record.run import Results


def render() -> str:
    """The text of `schemas/results-v1.schema.json`."""
    made = schema_of(Results)
    head = {"$schema": made.pop("$schema"), "$id": "results-v1.schema.json", "title": "Results of a run, version 1"}
    return json.dumps({**head, **made}, indent=2, ensure_ascii=False) + "\n"
