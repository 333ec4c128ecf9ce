"""Whether what stands in a results file has the form that `schemas/results-v1.schema.json` describes.

A results file may come from anywhere. Reports, diffs and the gate take its form for granted, so it is checked once,
when it is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from conformance.errors import ResultsError

_NAME = "results-v1.schema.json"
_PLACES = (Path(__file__).with_name("schemas"), Path(__file__).parents[1] / "schemas")
"""Beside the installed package; in a checkout, where editors look for it too."""
_REMEDY = "the file was changed by hand, or written by another version: run the cases again"
_LONGEST = 300
"""Characters of a complaint that are shown: it may quote what stands in the file."""


@cache
def _validator() -> Callable[[Any], Any]:
    schema = next(place / _NAME for place in _PLACES if (place / _NAME).is_file())
    compiled: Callable[[Any], Any] = fastjsonschema.compile(json.loads(schema.read_text(encoding="utf-8")))
    return compiled


def check_form(results: Any, path: Path) -> None:
    """Raises ResultsError for the first thing that is not as the schema says, with the case and the place in it."""
    try:
        _validator()(results)
    except fastjsonschema.JsonSchemaValueException as error:
        raise ResultsError(f"{path}: {_place(results, error.path)}{_rule(error)}", _REMEDY) from None
    except RecursionError:
        raise ResultsError(f"{path}: nested too deeply", _REMEDY) from None
    for index, case in enumerate(results["cases"]):
        for where, wrong in _misshapen(case):
            place = _place(results, ["results", "cases", index, *where])
            raise ResultsError(f"{path}: {place}{wrong}", _REMEDY)


def _misshapen(case: Mapping[str, Any]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """What no schema can say: elements in nested lists lie as the shape beside them says."""
    for lane, answer in case["lanes"].items():
        for number, run in enumerate(answer["runs"]):
            for node, held in run.items():
                for inner, array in (("values", held), ("mask.values", held["mask"] or {"values": None})):
                    if array["values"] is not None and not _has_shape(array["values"], array["shape"]):
                        yield ("lanes", lane, "runs", number, node, inner), f"must have shape {array['shape']}"
                if any(len(worst["index"]) != len(held["shape"]) for worst in held["worst"]):
                    yield ("lanes", lane, "runs", number, node, "worst"), f"must lie in shape {held['shape']}"


def _has_shape(values: Any, shape: Sequence[int]) -> bool:
    if not shape:
        return not isinstance(values, list)
    return (
        isinstance(values, list) and len(values) == shape[0] and all(_has_shape(value, shape[1:]) for value in values)
    )


def _place(results: Any, path: Sequence[Any]) -> str:
    """`cases[3] (pooling/order.mean) lanes.keras: ` for the path of a complaint."""
    steps = [str(step) for step in path[1:]]  # the first is the name of the whole
    if len(steps) > 1 and steps[0] == "cases" and steps[1].isdigit():
        case = results["cases"][int(steps[1])]
        name = case.get("id") if isinstance(case, dict) else None
        steps = [f"cases[{steps[1]}]" + (f" ({name!r:.120})" if isinstance(name, str) else ""), ".".join(steps[2:])]
        return " ".join(step for step in steps if step) + ": "
    return f"{'.'.join(steps)}: " if steps else ""


def _rule(error: fastjsonschema.JsonSchemaValueException) -> str:
    said = str(error.message).removeprefix(str(error.name)).strip()
    shown = "".join(letter if letter.isprintable() else "?" for letter in said)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
