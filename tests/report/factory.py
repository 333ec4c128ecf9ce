"""Records and results made by hand, for the tests of the report: small, complete, and without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from conformance.judge.verdict import ASPECTS

LANE_ROWS = [
    {
        "name": "keras",
        "adapter": "keras",
        "role": "subject",
        "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.6", "python": "3.11.2"},
        "files": {"keras": "site-packages/keras/__init__.py"},
        "gives_masks": True,
        "selected": 1,
        "ran": 1,
        "verdicts": {"agree": 1},
    },
    {
        "name": "torch",
        "adapter": "torch",
        "role": "subject",
        "versions": {"torch": "2.13.0", "numpy": "2.4.6", "python": "3.11.2"},
        "files": {"torch": "site-packages/torch/__init__.py"},
        "gives_masks": False,
        "selected": 1,
        "ran": 1,
        "verdicts": {"agree": 1},
    },
    {
        "name": "numpy",
        "adapter": "numpy",
        "role": "reference",
        "versions": {"numpy": "2.4.6", "autograd": "1.8.0", "python": "3.11.2"},
        "files": {"numpy": "site-packages/numpy/__init__.py"},
        "gives_masks": True,
        "selected": 1,
        "ran": 1,
        "verdicts": {"agree": 1},
    },
]


def mask(values: Any) -> dict[str, Any]:
    """A mask of a record, from nested lists of 0 and 1."""
    rows = values if isinstance(values[0], list) else [values]
    shape = [len(values), len(values[0])] if isinstance(values[0], list) else [len(values)]
    return {"shape": shape, "true": sum(sum(row) for row in rows), "values": values}


def worst(
    got: float, reference: float, allowed: float, index: Sequence[int] = (0, 3), **terms: float
) -> dict[str, Any]:
    return {
        "index": list(index),
        "got": got,
        "reference": reference,
        "allowed": allowed,
        "constant": terms.get("constant", 9.414),
        "sensitivity": terms.get("sensitivity", 2.1e-7),
        "floor": terms.get("floor", 2.4e-7),
    }


def distance(
    used: Any = 0.07, over: int = 0, count: int = 22, largest: float = 2e-7, element: Any = None
) -> dict[str, Any]:
    return {"used": used, "over": over, "count": count, "largest": largest, "worst": element, "rms": 0.5, "mean": 0.01}


def node(shape: Sequence[int], **given: Any) -> dict[str, Any]:
    """One node of one lane; every field has a plain value that a test may replace."""
    count = prod(shape)
    return {
        "shape": list(shape),
        "axes": given.get("axes", [""] * len(shape)),
        "symbolic": given.get("symbolic"),
        "dtype": given.get("dtype", "float32"),
        "mask": given.get("mask"),
        "summary": given.get("summary", {"min": -1.5, "max": 2.25, "mean": 0.125, "nan": 0, "inf": 0}),
        "values": given.get("values"),
        "distance": given.get("distance", distance(count=count)),
        "tier": given.get("tier", "budget"),
        "worst": given.get("worst", []),
    }


def finding(aspect: str, kind: str | None = None, label: str = "pooled", **given: Any) -> dict[str, Any]:
    return {
        "aspect": aspect,
        "kind": kind or aspect,
        "node": label,
        "run": given.get("run", 0),
        "wanted": given.get("wanted"),
        "got": given.get("got"),
        "wanted_by": given.get("wanted_by", "reference"),
        "distance": given.get("distance"),
    }


def failure(
    type: str = "ValueError", message: str = "no", phase: str = "call", label: str = "pooled"
) -> dict[str, Any]:
    return {"phase": phase, "type": type, "message": message, "node": label}


def step(label: str, callee: str, inputs: Any, outputs: Any, rule: str = "") -> dict[str, Any]:
    return {"node": label, "callee": callee, "inputs": inputs, "outputs": outputs, "rule": rule}


def lane(*runs: Mapping[str, Any], verdict: str = "agree", **given: Any) -> dict[str, Any]:
    """One lane's part of a record."""
    findings = given.get("findings", [])
    first = findings[0]["aspect"] if findings else None
    strip = dict.fromkeys(ASPECTS, "agree")
    if first in ASPECTS:
        position = ASPECTS.index(first)
        strip = {n: "agree" if i < position else "differ" if i == position else "-" for i, n in enumerate(ASPECTS)}
    return {
        "verdict": verdict,
        "aspects": given.get("aspects", strip if verdict in ("agree", "differ", "error") else {}),
        "findings": findings,
        "findings_left_out": given.get("findings_left_out", 0),
        "reason": given.get("reason", ""),
        "used": given.get("used", 0.07 if verdict == "agree" else 0.0),
        "failure": given.get("failure"),
        "runs": [dict(run) for run in runs],
        "gradients": given.get("gradients", {}),
        "gradient_note": given.get("gradient_note", ""),
        "gradient_failure": given.get("gradient_failure"),
        "params": given.get("params", {}),
        "weights": given.get("weights", {}),
        "native": given.get("native", {}),
        "steps": given.get("steps", []),
        "longest_sum": 11,
        "seconds": 0.002,
        "chatter": given.get("chatter", ""),
        "explanation": given.get("explanation", ""),
        "explained_by": [],
        "divergences": [],
        **({"deviation": given["deviation"]} if "deviation" in given else {}),
    }


def deviation(name: str, **given: str) -> dict[str, Any]:
    """A listed deviation, as a record keeps it."""
    fields = dict.fromkeys(("id", "kind", "reason", "link", "owner", "position"), name)
    return {**fields, "expires": "2027-05-01", **given}


def cause(kind: str, *mistakes: Any, change: str = "") -> dict[str, Any]:
    """Why a lane differs, as data: each mistake as what it does, its name and its node."""
    blamed = [dict(zip(("does", "name", "node"), mistake, strict=True)) for mistake in mistakes]
    return {"kind": kind, "mistakes": blamed, "change": change, "is_confirmed": True}


def pair(first: str, second: str, found: Any = None, used: Any = 0.07, **given: Any) -> dict[str, Any]:
    return {
        "first": first,
        "second": second,
        "finding": found,
        "used": used,
        "over": given.get("over", 0),
        "count": given.get("count", 22),
        "largest": given.get("largest", 2e-7),
    }


def record(lanes: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    """A case with these lanes."""
    outcomes = [found["verdict"] for found in lanes.values()]
    failing = [outcome for outcome in outcomes if outcome in ("differ", "error", "timeout", "crash", "stale")]
    subjects = [found["verdict"] for name, found in lanes.items() if name != "numpy"] or outcomes
    passing = "unsupported" if all(outcome == "unsupported" for outcome in subjects) else "agree"
    return {
        "id": given.get("id", "pooling/global_average.channels_first"),
        "topic": given.get("topic", "GlobalAveragePooling1D on an embedding"),
        "question": given.get("question", "One number per word, or one vector per sentence?"),
        "answer": given.get("answer", ""),
        "remark": given.get("remark", ""),
        "source": given.get("source", {"kind": "docs", "reference": "keras.io/api/layers", "note": ""}),
        "path": given.get("path", "cases/pooling/global_average.case.yaml"),
        "line": given.get("line", 14),
        "tags": given.get("tags", ["pooling"]),
        "questions": given.get("questions", [5]),
        "layers": given.get("layers", ["Embedding", "GlobalAveragePooling1D"]),
        "dims": given.get("dims", [{"batch": 2, "steps": 11, "dim": 7}]),
        "dynamic": given.get("dynamic", []),
        "digest": "0123456789abcdef",
        "kills": given.get("kills", []),
        "text": given.get("text", "id: channels_first\nquestion: One number per word?\n"),
        "matrix": given.get("matrix", {}),
        "expects": {
            "nodes": {},
            "params": {},
            "weights": {},
            "native_weights": {},
            "errors": [],
            "claims": [],
            **given.get("expects", {}),
        },
        "tolerance": given.get("tolerance"),
        "expects_error": bool(given.get("expects", {}).get("errors")),
        "outcome": given.get("outcome", failing[0] if failing else passing),
        "odd_one_out": given.get("odd_one_out"),
        "pairs": given.get("pairs", []),
        "lanes": dict(lanes),
    }


def expected(**given: Any) -> dict[str, Any]:
    """What a case states of one node."""
    return {"shape": None, "symbolic": None, "dtype": None, "mask": None, "values": None, **given}


QUESTION = "One number per word, or one vector per sentence?"
STEPS = [
    step("embedded", "embed", [[2, 11]], [2, 11, 7], "each of the 22 ids becomes a row of 7 numbers"),
    step("pooled", "pool", [[2, 11, 7]], [2, 11], "the mean over the 7 of the last axis"),
]
VALUES = [[round(0.25 * column - row, 3) for column in range(11)] for row in range(2)]
SHAPE = finding("shape", wanted=[2, 11], got=[2, 7], wanted_by="case")
OVER = finding("values", distance=distance(137_870.9677, 12, 22, 0.4274, worst(0.5726, 1.0, 3.1e-6)))
ERROR = finding("error", "raised", got=failure(message="no such axis: 3"))


def answered(name: str, **pooled: Any) -> dict[str, Any]:
    """What a lane gives that answers as it should."""
    found = {"values": VALUES, "symbolic": [None, 11] if name == "keras" else None, **pooled}
    if name == "numpy":
        found["distance"] = None
    given: dict[str, Any] = {"steps": STEPS if name == "numpy" else [{**item, "rule": ""} for item in STEPS]}
    if name == "keras":
        given |= {"params": {"embed": 210}, "weights": {"embed": {"embeddings": [30, 7]}}}
    if name == "torch":
        given["native"] = {"embed": {"weight": {"shape": [30, 7], "from": "embeddings"}}}
    return lane({"embedded": node([2, 11, 7]), "pooled": node([2, 11], **found)}, **given)


def differing(name: str, *findings: Any, verdict: str = "differ", **given: Any) -> dict[str, Any]:
    """What a lane gives that does not: the same, with these findings."""
    held = answered(name, **given.pop("pooled", {}))
    return {**held, **lane(*held["runs"], verdict=verdict, findings=list(findings), steps=held["steps"], **given)}


def agreeing(**given: Any) -> dict[str, Any]:
    """A case on which all lanes agree."""
    lanes = {name: answered(name) for name in ("keras", "torch", "numpy")}
    every = [pair("numpy", "keras"), pair("numpy", "torch"), pair("keras", "torch", used=0.0, largest=0.0)]
    stated = {"nodes": {"pooled": expected(shape=["batch", "steps"])}}
    return record(lanes, **{"pairs": every, "expects": stated, "answer": "One per word: {pooled.shape}.", **given})


def odd(name: str, held: Mapping[str, Any], found: Any = SHAPE, **given: Any) -> dict[str, Any]:
    """A case on which one lane stands alone."""
    names = ("numpy", "keras", "torch")
    lanes = {other: held if other == name else answered(other) for other in ("keras", "torch", "numpy")}
    every = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    used = found["distance"]["used"] if found["distance"] else None
    pairs = [pair(a, b, found, used) if name in (a, b) else pair(a, b) for a, b in every]
    stated = {"nodes": {"pooled": expected(shape=["batch", "steps"])}}
    return record(lanes, **{"odd_one_out": name, "pairs": pairs, "expects": stated, **given})


def wrong_shape(**given: Any) -> dict[str, Any]:
    """torch gives (2, 7) where (2, 11) is expected."""
    held = differing("torch", SHAPE, pooled={"values": None, "distance": None})
    held["runs"][0]["pooled"]["shape"] = [2, 7]
    held["steps"] = [held["steps"][0], step("pooled", "pool", [[2, 11, 7]], [2, 7])]
    return odd("torch", held, **given)


def results(*records: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    """A results file that holds these records."""
    counts: dict[str, int] = {}
    for item in records:
        counts[item["outcome"]] = counts.get(item["outcome"], 0) + 1
    return {
        "schema_version": 1,
        "kind": "conformance-results",
        "harness": {"name": "conformance", "version": "0.1.0"},
        "started": "2026-11-21T22:00:00Z",
        "seconds": 12.5,
        "command": "pytest cases --results reports/results.json",
        "environment": {
            "python": "3.11.7",
            "implementation": "CPython",
            "system": "Linux",
            "machine": "x86_64",
            "cpus": 2,
            "packages": {"keras": "3.15.1", "torch": "2.13.0"},
            "variables": {"OMP_NUM_THREADS": "1"},
        },
        "lanes": [{**row, "selected": len(records), "ran": len(records)} for row in LANE_ROWS],
        "is_full": True,
        "counts": counts,
        "deviations": [],
        "cases": list(records),
        "not_run": [],
        "footer": {"complete": True, "stopped": "", "cases": len(records)},
        **given,
    }


PICTURE: dict[str, Any] = {
    "node": "pooled",
    "run": 0,
    "aspect": "values",
    "shape": [2, 11, 7],
    "split": 1,
    "row": 0,
    "column": 30,
    "low": -1.5,
    "high": 2.25,
    "largest": 0.4274,
    "got": ["0123456789ab", "n+-b00000000"],
    "reference": ["0123456789ab", "000b00000000"],
    "error": ["000000000000", "666016000000"],
    "block": {
        "row": 1,
        "column": 30,
        "got": [["NaN", "Infinity", "-Infinity", 2.25]],
        "reference": [[-1.5, -1.5, -1.5, 2.25]],
        "over": ["1110"],
    },
}
"""What is kept of an array of 154 elements: the window begins at [0, 4, 2]."""


def too_large(verdict: str = "differ", picture: Mapping[str, Any] = PICTURE, **given: Any) -> dict[str, Any]:
    """torch differs in an array that is too large to keep."""
    found = finding("values", distance=distance(137_870.9677, 4, 154, 0.4274, worst(0.5726, 1.0, 3.1e-6, (1, 5, 0))))
    held = {**differing("torch", found, verdict=verdict, pooled={"values": None}), "picture": dict(picture)}
    for name in ("keras", "numpy"):
        given.setdefault("others", {})[name] = answered(name, values=None)
    others = given.pop("others")
    made = odd("torch", held, found, **given)
    made["lanes"].update(others)
    return made
