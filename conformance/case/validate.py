"""From the YAML of a case to a `Case`: every part read and checked, every mistake noted, none hiding another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance.case import draws, expectations, fills, fitting, graph, held, saving, training
from conformance.case.arrays import FORMAT
from conformance.case.axes import numeric
from conformance.case.draft import Draft
from conformance.case.matrix import Variant
from conformance.case.model import (
    Case,
    Draws,
    Expectation,
    Fit,
    HeldWeight,
    Input,
    LayerSpec,
    ModelSpec,
    Node,
    Saved,
    Source,
    Tolerance,
    Training,
)
from conformance.case.problems import Problems, did_you_mean, listed
from conformance.case.schema import CASE, FILE
from conformance.case.structure import BAD, Reader
from conformance.case.yaml import Located, Point
from conformance.errors import Position


@dataclass(frozen=True, slots=True)
class Head:
    """What the cases of a file share."""

    node: Located
    values: Mapping[str, Any]
    prefix: str
    """`family/topic`, from the folder and the file."""
    folder: Path
    problems: Problems
    longer: Mapping[str, int] = field(default_factory=dict)
    """Axis to by how much it is longer than the file says, for a case that is asked at other sizes."""


def head_of(
    root: Located, prefix: str, folder: Path, problems: Problems, longer: Mapping[str, int] = MappingProxyType({})
) -> Head:
    """Reads everything of a file but its cases."""
    values = Reader(problems).fields(root, FILE, "the file", skip=("cases",))
    head = Head(root, {} if values is BAD else values, prefix, folder, problems, longer)
    _check_source(head.values, root, problems)
    return head


def case_of(head: Head, variant: Variant, text: str) -> Case | None:
    """One case (one variant of it); None after noting what is wrong with it."""
    problems, node = head.problems, variant.node
    noted = problems.noted
    problems.variant = variant.shown
    dims = _dims(head, variant)
    sizes = {name: sizes[0] for name, sizes in dims.items() if len(sizes) == 1}
    several = {name: sizes for name, sizes in dims.items() if len(sizes) > 1}
    reader = Reader(problems, {**numeric(variant.matrix), **sizes}, several, _expects_error(node))
    values = reader.fields(node, CASE, "a case", skip=("dims", "matrix"))
    dynamic = _dynamic(head, values, node, dims)
    runs = max((len(sizes) for sizes in dims.values()), default=1)
    bindings = [
        {**numeric(variant.matrix), **{name: sizes[run % len(sizes)] for name, sizes in dims.items()}}
        for run in range(runs)
    ]
    draft = Draft(node, values, problems, head.folder, bindings)
    _check_source(values, node, problems)
    inputs = fills.inputs_of(draft)
    graph.check(draft)
    trainings = training.trainings_of(draft, inputs)
    fits = fitting.fits_of(draft, inputs, dynamic)
    saved = saving.saved_of(draft, f"{head.prefix.rpartition('/')[2]}.{values.get('id', '')}{variant.suffix}")
    weights = held.weights_of(draft)
    expect = expectations.expectation_of(draft)
    claims = expectations.claims_of(draft)
    drawn = draws.draws_of(draft)
    kills = expectations.kills_of(draft)
    expectations.check_answer(draft)
    _check_limits(draft)
    problems.variant = ""
    if problems.noted > noted:
        return None
    return _assemble(
        head,
        variant,
        draft,
        _Parts(dims, dynamic, inputs, weights, trainings, fits, saved, expect, claims, drawn, kills, text),
    )


def _expects_error(node: Located) -> bool:
    """Whether the case asks about an error: then it may say what Keras refuses."""
    expect = node.get("expect")
    return expect is not None and expect.is_mapping and "error" in expect.value


@dataclass(frozen=True, slots=True)
class _Parts:
    """The checked parts of a case that are more than its plain values."""

    dims: Mapping[str, tuple[int, ...]]
    dynamic: tuple[str, ...]
    inputs: tuple[Input, ...]
    weights: Mapping[str, Mapping[str, HeldWeight]]
    trainings: tuple[Training, ...]
    fits: tuple[Fit, ...]
    saved: Saved | None
    expect: Expectation
    claims: tuple[Any, ...]
    draws: tuple[Draws, ...]
    kills: tuple[str, ...]
    text: str


def _assemble(head: Head, variant: Variant, draft: Draft, parts: _Parts) -> Case:
    values, node, path = draft.values, draft.node, draft.problems.path
    source = values.get("source", head.values.get("source", {"kind": "question"}))

    def at(part: str, name: str) -> Position:
        key = node[part].keys[name]
        return Position(path, key.line, key.column)

    layers = tuple(
        LayerSpec(name, spec["type"], {key: value for key, value in spec.items() if key != "type"}, at("layers", name))
        for name, spec in draft.part("layers").items()
    )
    models = tuple(
        ModelSpec(name, tuple(spec["inputs"]), tuple(spec["outputs"]), at("models", name))
        for name, spec in draft.part("models").items()
    )
    nodes = tuple(Node(name, text, at("graph", name)) for name, text in draft.part("graph").items())
    return Case(
        id=f"{head.prefix}.{values['id']}{variant.suffix}",
        topic=head.values.get("topic", ""),
        question=values["question"],
        position=Position(path, node.line, node.column),
        source=Source(**source),
        dims=parts.dims,
        dynamic=parts.dynamic,
        inputs=parts.inputs,
        layers=layers,
        graph=nodes,
        models=models,
        weights=parts.weights,
        trainings=parts.trainings,
        fits=parts.fits,
        saved=parts.saved,
        expect=parts.expect,
        claims=parts.claims,
        draws=parts.draws,
        answer=values.get("answer", ""),
        remark=values.get("remark", ""),
        tags=tuple(dict.fromkeys((*head.values.get("tags", ()), *values.get("tags", ())))),
        questions=tuple(values.get("questions", head.values.get("questions", ()))),
        lanes=tuple(values.get("lanes", ())),
        no_gradients=values.get("no_gradients", ""),
        no_invariants=values.get("no_invariants", {}),
        draw=values.get("draw", "spread"),
        kills=parts.kills,
        matrix=variant.matrix,
        tolerance=Tolerance(**values["tolerance"]) if "tolerance" in values else None,
        budget_scale=values.get("budget", {}).get("scale", 1.0),
        exact=tuple(values.get("exact", ())),
        time_limit=values.get("time_limit"),
        text=parts.text,
        digest=_digest(f"{head.prefix}.{values['id']}{variant.suffix}", variant, draft, parts),
    )


def _digest(case_id: str, variant: Variant, draft: Draft, parts: _Parts) -> str:
    """SHA-256 of all that decides the outcome, in a form that does not depend on spelling, order of keys or place."""
    values = draft.values
    decisive = {
        "draw": FORMAT if values.get("draw", "spread") == "spread" else f"{FORMAT} of integers",
        "id": case_id,
        "dims": parts.dims,
        "dynamic": parts.dynamic,
        "inputs": [[item.name, item.shape, item.dtype, _without_place(item.fill)] for item in parts.inputs],
        "layers": values.get("layers", {}),
        "models": values.get("models", {}),
        "graph": list(values["graph"].items()),
        "expect": values.get("expect", {}),
        "claims": values.get("claims", []),
        "lanes": values.get("lanes", []),
        "has_gradients": "no_gradients" not in values,
        **({"no_invariants": sorted(values["no_invariants"])} if "no_invariants" in values else {}),
        "matrix": variant.matrix,
        "tolerance": values.get("tolerance"),
        **{key: values[key] for key in ("budget", "exact") if key in values},
        "time_limit": values.get("time_limit"),
    }
    if parts.weights:
        decisive["weights"] = {
            layer: {name: one.sha256 for name, one in row.items()} for layer, row in parts.weights.items()
        }
    if parts.saved is not None:
        after = [parts.saved.after] if parts.saved.after else []
        decisive["saved"] = [parts.saved.form, parts.saved.written_in, parts.saved.sha256, parts.saved.kept, *after]
    if "training" in values:
        decisive["training"] = values["training"]
    canonical = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_place(fill: Mapping[str, Any]) -> Mapping[str, Any]:
    if "file" not in fill:
        return fill
    return {"file": {key: value for key, value in fill["file"].items() if key != "resolved"}}


def _dims(head: Head, variant: Variant) -> dict[str, tuple[int, ...]]:
    """The axes of a case: the file's, overlaid by its own; all lists of sizes equally long."""
    own = variant.node.get("dims")
    places: dict[str, Point] = {}
    dims: dict[str, tuple[int, ...]] = {}
    for node, values in (
        (head.node.get("dims"), head.values.get("dims", {})),
        (own, Reader(head.problems).read(own, CASE.fields["dims"].kind, "dims") if own is not None else {}),
    ):
        if node is None or not node.is_mapping:
            continue
        for name in node.value:
            sizes = values.get(name, 1)  # a size that could not be read has been noted; its axis exists all the same
            dims[name] = tuple(sizes) if isinstance(sizes, list) else (sizes,)
            places[name] = node.keys[name]
    for name in dims:
        if name in variant.matrix:
            head.problems.add(places[name], f"{name} is an axis and a matrix variable", "give one of them another name")
    lists = [name for name, sizes in dims.items() if len(sizes) > 1]
    for name in lists[1:]:
        if len(dims[name]) != len(dims[lists[0]]):
            message = f"{name} has {len(dims[name])} sizes, {lists[0]} has {len(dims[lists[0]])}"
            head.problems.add(places[name], message, "sizes at the same place in their lists belong to one run")
            dims[name] = dims[name][:1]
    return {name: tuple(size + head.longer.get(name, 0) for size in sizes) for name, sizes in dims.items()}


def _dynamic(
    head: Head, values: Mapping[str, Any], node: Located, dims: Mapping[str, tuple[int, ...]]
) -> tuple[str, ...]:
    """The open axes: `batch` where there is such an axis, and those listed."""
    holder = node if "dynamic" in values else head.node
    listed_axes = values.get("dynamic", head.values.get("dynamic", []))
    for index, name in enumerate(listed_axes):
        if name not in dims:
            hint = did_you_mean(name, dims) or f"named axes here: {listed(dims)}"
            head.problems.add(holder["dynamic"][index], f"unknown axis {name}", hint)
    always = ["batch"] if "batch" in dims else []
    return tuple(dict.fromkeys((*always, *listed_axes)))


def _check_source(values: Mapping[str, Any], node: Located, problems: Problems) -> None:
    source = values.get("source")
    if source and source["kind"] in ("docs", "paper") and "reference" not in source:
        problems.add(node["source"], f"a source of kind {source['kind']} needs a reference", "which page or paper?")


def _check_limits(draft: Draft) -> None:
    if draft.values.get("time_limit") == 0:
        draft.problems.add(draft.node["time_limit"], "time_limit must be above 0")
    _check_demands(draft)


def _check_demands(draft: Draft) -> None:
    """A case may ask for more than the harness would; for less only by a tolerance, with its reason."""
    values, node, problems = draft.values, draft.node, draft.problems
    scale = values.get("budget", {}).get("scale", 1.0)
    if not 0 < scale <= 1:
        hint = "`tolerance: {rtol, atol, reason}` replaces it" if scale > 1 else "`exact: [node]` allows nothing at all"
        problems.add(node["budget"]["scale"], f"a budget is scaled by more than 0 and at most 1, not {scale:g}", hint)
    for key in ("budget", "exact"):
        if key in values and "tolerance" in values:
            message = f"{key} tightens the derived budget, which the tolerance replaces"
            problems.add(node.keys[key], message, "leave one of them out")
    observed = [name for name in draft.names("graph") if not name.startswith("_")]
    for index, name in enumerate(values.get("exact", ())):
        if name not in observed:
            hint = did_you_mean(name, observed) or f"observed nodes here: {listed(observed)}"
            problems.add(node["exact"][index], f"there is no observed node {name}", hint)
