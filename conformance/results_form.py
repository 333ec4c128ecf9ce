"""A results file read as a typed value, and what is said of one that is not whole or not of its form.

A results file may come from anywhere. Reports, diffs and the gate take its form for granted, so it is checked once,
when it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from conformance.errors import ResultsError
from conformance.form import from_text
from conformance.record.case import Record
from conformance.record.run import KIND, SCHEMA_VERSION, Results

_REMEDY = "the file was changed by hand, or written by another version: run the cases again"
_LONGEST = 300
"""Characters of a complaint that are shown: it may quote what stands in the file."""


def read_form(text: str, path: Path) -> Results:
    """The results in the text of a file. Raises ResultsError for what is not whole, or not as `Results` says."""
    try:
        found = from_text(Results, text)
    except ValidationError as error:
        raise _refusal(error, text, path) from None
    except RecursionError:
        raise ResultsError(f"{path}: nested too deeply", "name the file that a run writes") from None
    if found.footer.cases != len(found.cases):
        raise _damaged(path)
    for index, case in enumerate(found.cases):
        for where, wrong in _misshapen(case):
            place = _place(("cases", index, *where), lambda _, case=case: case.id)
            raise ResultsError(f"{path}: {place}{wrong}", _REMEDY)
    return found


def _damaged(path: Path) -> ResultsError:
    return ResultsError(f"{path}: the footer does not match the cases; the file is damaged", "run the cases again")


def _refusal(refused: ValidationError, text: str, path: Path) -> ResultsError:
    """Why a text is not a results file: the plainest reason first."""
    try:
        found = json.loads(text)
    except RecursionError:
        return ResultsError(f"{path}: nested too deeply", "name the file that a run writes")
    except json.JSONDecodeError as error:
        if _ends_early(error, text):
            hint = "run the cases again to write a new one"
            return ResultsError(f"{path}: not a whole JSON file ({error}); it looks cut off", hint)
        return ResultsError(f"{path}: not JSON ({error})", "name the file that a run writes")
    if not isinstance(found, dict) or found.get("kind") != KIND:
        return ResultsError(f"{path}: not a results file of this harness", "expected the file that a run writes")
    if found.get("schema_version") != SCHEMA_VERSION:
        return ResultsError(
            f"{path}: results of schema version {found.get('schema_version')!r}, this is version {SCHEMA_VERSION}",
            "read it with the version of conformance that wrote it",
        )
    footer, cases = found.get("footer"), found.get("cases")
    if not isinstance(footer, dict) or not isinstance(cases, list) or footer.get("cases") != len(cases):
        return _damaged(path)
    first = refused.errors(include_url=False)[0]

    def named(index: int) -> Any:
        return cases[index].get("id") if isinstance(cases[index], dict) else None

    if first["type"] == "recursion_loop" or "recursion limit" in first["msg"]:
        return ResultsError(f"{path}: nested too deeply", _REMEDY)
    return ResultsError(f"{path}: {_place(first['loc'], named)}{_rule(first['msg'])}", _REMEDY)


def _ends_early(error: json.JSONDecodeError, text: str) -> bool:
    """Whether what is wrong with a JSON text is that it ends: the fault is at its end, or in a text that never does."""
    rest = text.rstrip()[error.pos :]
    is_part = any(word.startswith(rest) for word in ("true", "false", "null", "NaN", "Infinity", "-Infinity"))
    is_number = len(rest) < 4 and not rest.strip("-+.eE")  # json names the place behind the digits that it could read
    return is_part or is_number or error.msg.startswith(("Unterminated", "Invalid \\u"))


def _misshapen(case: Record) -> Iterator[tuple[tuple[Any, ...], str]]:
    """What no schema can say: elements in nested lists lie as the shape beside them says."""
    for lane, answer in case.lanes.items():
        for number, run in enumerate(answer.runs):
            for node, held in run.items():
                place = ("lanes", lane, "runs", number, node)
                if held.values is not None and not _has_shape(held.values, held.shape):
                    yield (*place, "values"), f"must have shape {list(held.shape)}"
                mask = held.mask
                if mask is not None and mask.values is not None and not _has_shape(mask.values, mask.shape):
                    yield (*place, "mask.values"), f"must have shape {list(mask.shape)}"
                if any(len(worst.index) != len(held.shape) for worst in held.worst):
                    yield (*place, "worst"), f"must lie in shape {list(held.shape)}"


def _has_shape(values: Any, shape: Sequence[int]) -> bool:
    if not shape:
        return not isinstance(values, tuple)
    return (
        isinstance(values, tuple) and len(values) == shape[0] and all(_has_shape(value, shape[1:]) for value in values)
    )


def _place(path: Sequence[Any], case_named: Any) -> str:
    """`cases[3] (pooling/order.mean) lanes.keras: ` for the path of a complaint."""
    steps = [str(step) for step in path]
    if len(steps) > 1 and steps[0] == "cases" and steps[1].isdigit():
        name = case_named(int(steps[1]))
        steps = [f"cases[{steps[1]}]" + (f" ({name!r:.120})" if isinstance(name, str) else ""), ".".join(steps[2:])]
        return " ".join(step for step in steps if step) + ": "
    return f"{'.'.join(steps)}: " if steps else ""


def _rule(said: str) -> str:
    """What pydantic says of a field, as a rule: `should be a valid integer`."""
    rule = re.sub(r"^(Input|Value error,) ", "", said)
    shown = "".join(letter if letter.isprintable() else "?" for letter in rule[:1].lower() + rule[1:])
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
