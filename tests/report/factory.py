"""Records and results made by hand, for the tests of the report: small, complete, and without a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

ASPECTS = ("error", "structure", "shape", "dtype", "mask", "special", "values", "weights", "params", "claims")

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
    return {"used": used, "over": over, "count": count, "largest": largest, "worst": element}


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
    if first is not None:
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
        "params": given.get("params", {}),
        "weights": given.get("weights", {}),
        "native": given.get("native", {}),
        "steps": given.get("steps", []),
        "longest_sum": 11,
        "seconds": 0.002,
        "chatter": given.get("chatter", ""),
    }


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
