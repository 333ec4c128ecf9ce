"""Puts the score against mutants into results: by layer, and by case. Pure functions of two JSON files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.errors import ResultsError
from conformance.record.case import MutantsRecord
from conformance.record.run import KilledRecord, Results

KIND = "conformance-mutants"
VERSION = 1


def read_score(path: Path) -> dict[str, Any]:
    """What `conformance mutants --json FILE` wrote. Raises ResultsError for any other file."""
    hint = "make one with: conformance mutants --json FILE"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file", hint) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ResultsError(f"{path}: cannot be read: {error}", hint) from None
    if not isinstance(found, dict) or (found.get("kind"), found.get("schema_version")) != (KIND, VERSION):
        raise ResultsError(f"{path}: not a score of mutants", hint)
    return found


def with_mutants(results: Results, score: Mapping[str, Any]) -> Results:
    """The results with the score of every layer, and in each record that of its case; the rest is as it was."""
    cases = []
    for record in results.cases:
        found = score["cases"].get(record.id)
        own = None if found is None else MutantsRecord(tuple(sorted(found["killed"])), tuple(sorted(found["survived"])))
        cases.append(record if own is None else replace(record, mutants=own))
    layers = {layer: KilledRecord(row["killed"], row["mutants"]) for layer, row in sorted(score["layers"].items())}
    return replace(results, mutants=layers, cases=tuple(cases))
