"""Checks what a case states beforehand: `expect`, `claims`, `kills`, `lanes`, and the facts that its answer names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from conformance.case import fitting, layers, optimizers
from conformance.case.axes import AxisError, length
from conformance.case.draft import Draft
from conformance.case.elsewhere import own_name
from conformance.case.literals import shape_of
from conformance.case.model import Claim, Expectation, ExpectedError, ExpectedNode
from conformance.case.problems import Place, did_you_mean, listed
from conformance.case.reports import LOOPS
from conformance.case.schema import EXPECT
from conformance.case.training import check_trained
from conformance.case.yaml import Located
from conformance.errors import Position

FACETS = ("shape", "symbolic", "dtype", "mask", "values")
FACTS = "{node.shape|symbolic|dtype|mask|values}, {params.layer}, {weights.layer.kernel}, {error.lane}, {versions}"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def expectation_of(draft: Draft) -> Expectation:
    """What the case expects; wrong parts are noted and left out."""
    expect = draft.part("expect")
    if not expect:
        return Expectation()
    node = draft.node["expect"]
    nodes = {}
    for name, stated in expect.items():
        if name not in EXPECT.fields and _is_observed(draft, name, node.keys[name]):
            nodes[name] = _expected_node(draft, stated, node[name], node.keys[name])
    for name in expect.get("params", {}):
        _is_layer(draft, name, node["params"].keys[name])
    _check_weights(draft, expect.get("weights", {}), node.get("weights"))
    for lane, weights in expect.get("native_weights", {}).items():
        _runs(draft, lane, node["native_weights"].keys[lane])
        _check_weights(draft, weights, node["native_weights"][lane])
    return Expectation(
        nodes=nodes,
        params=expect.get("params", {}),
        weights=_as_tuples(expect.get("weights", {})),
        native_weights={lane: _as_tuples(weights) for lane, weights in expect.get("native_weights", {}).items()},
        errors=_errors(draft, expect.get("error", []), node.get("error")),
        convention=_convention(draft, expect.get("convention", {}), node.get("convention")),
    )


def _convention(draft: Draft, stated: Any, node: Located | None) -> Mapping[str, str]:
    if isinstance(stated, str):
        return {"": stated}
    for lane in stated:
        _runs(draft, lane, node.keys[lane])  # type: ignore[union-attr]  # there, as it is stated
    return dict(stated)


def position(draft: Draft, where: Place) -> Position:
    return Position(draft.problems.path, where.line, where.column)


def _as_tuples(weights: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, dict[str, tuple[Any, ...]]]:
    return {layer: {name: tuple(shape) for name, shape in shapes.items()} for layer, shapes in weights.items()}


def _is_observed(draft: Draft, name: str, where: Place) -> bool:
    """Whether this is a node, one output of one, or a trained weight, that lanes give; else it is noted."""
    if "@" in name:
        return check_trained(draft, name, where)
    base = name.partition("[")[0]
    nodes = draft.names("graph")
    if base in nodes and not base.startswith("_"):
        return True
    if base in nodes:
        hint = "names that start with an underscore are computed, not observed"
        draft.problems.add(where, f"{base} is not observed", hint)
    elif base in draft.names("inputs"):
        hint = "an input is given, not observed; a node can repeat it: `copy: x`"
        draft.problems.add(where, f"{base} is an input, not a node", hint)
    else:
        observed = [node for node in nodes if not node.startswith("_")]
        hint = did_you_mean(base, (*observed, *EXPECT.fields)) or f"nodes here: {listed(observed)}"
        draft.problems.add(where, f"unknown node {base}", hint)
    return False


def _is_layer(draft: Draft, name: str, where: Place) -> None:
    known = draft.names("layers")
    if name not in known:
        hint = did_you_mean(name, known) or f"layers here: {listed(known)}"
        draft.problems.add(where, f"unknown layer {name}", hint)


def _runs(draft: Draft, lane: str, where: Place) -> None:
    """Notes a lane that the case leaves out."""
    lanes = draft.values.get("lanes")
    if lanes and lane not in lanes and re.split("[-@]", lane)[0] not in lanes:
        draft.problems.add(where, f"the lane {lane} does not run this case", f"its lanes are {listed(lanes)}")


def _check_weights(draft: Draft, weights: Mapping[str, Mapping[str, list[Any]]], node: Located | None) -> None:
    for layer, shapes in weights.items():
        assert node is not None
        _is_layer(draft, layer, node.keys[layer])
        for name, shape in shapes.items():
            draft.shapes(shape, node[layer][name])


def _expected_node(draft: Draft, stated: Mapping[str, Any], node: Located, key: Place) -> ExpectedNode:
    shapes = draft.shapes(stated["shape"], node["shape"]) if "shape" in stated else None
    for index, axis in enumerate(stated.get("symbolic", ())):
        try:
            _ = axis is None or length(axis, draft.runs[0])
        except AxisError as error:
            draft.problems.add(node["symbolic"][index], error.message, error.hint)
    for facet in ("values", "mask"):
        if facet in stated and not isinstance(stated[facet], str):
            _check_array(draft, facet, node[facet], shapes)
    if isinstance(stated.get("mask"), list):
        _check_truths(draft, stated["mask"], node["mask"], "mask")
    return ExpectedNode(
        position=position(draft, key),
        shape=tuple(stated["shape"]) if "shape" in stated else None,
        symbolic=tuple(stated["symbolic"]) if "symbolic" in stated else None,
        dtype=stated.get("dtype"),
        mask=stated.get("mask"),
        values=stated.get("values"),
    )


def _check_array(draft: Draft, facet: str, node: Located, shapes: list[tuple[int, ...]] | None) -> None:
    """Notes unequal rows, and values whose shape is not the expected one (a mask may have fewer axes)."""
    own = shape_of(node, draft.problems, facet)
    if own is None or shapes is None:
        return
    for shape in shapes:
        if own != (shape if facet == "values" else shape[: len(own)]):
            draft.problems.add(node, f"{facet} has shape {own}, the expected shape is {shape}")
            return


def _check_truths(draft: Draft, mask: Any, node: Located, label: str) -> None:
    if isinstance(mask, list):
        for index, item in enumerate(mask):
            _check_truths(draft, item, node[index], f"{label}[{index}]")
    elif mask not in (0, 1):
        draft.problems.add(node, f"{label} must be 0 or 1, not {mask}")


def _errors(draft: Draft, stated: Any, node: Located | None) -> tuple[ExpectedError, ...]:
    if node is None:
        return ()
    several = isinstance(stated, list)
    errors = []
    for index, error in enumerate(stated if several else [stated]):
        place = node[index] if several else node
        for number, lane in enumerate(error.get("lanes", ())):
            _runs(draft, lane, place["lanes"][number])
        where = position(draft, place)
        lanes = tuple(error.get("lanes", ()))
        errors.append(ExpectedError(where, error.get("phase", "any"), lanes, error.get("contains", "")))
    return tuple(errors)


def claims_of(draft: Draft) -> tuple[Claim, ...]:
    """The claims of a case; names that do not exist are noted."""
    claims = []
    for index, claim in enumerate(draft.values.get("claims", ())):
        place = draft.node["claims"][index]
        ((kind, nodes),) = claim.items()
        if kind == "draws":
            _is_observed(draft, nodes["node"], place[kind]["node"])
            if "of" in nodes and nodes["of"] not in draft.names("inputs"):
                _is_observed(draft, nodes["of"], place[kind]["of"])
            continue
        for number, name in enumerate(nodes):
            _is_observed(draft, name, place[kind][number])
            if name in nodes[:number]:
                draft.problems.add(place[kind][number], f"{name} stands twice in this claim")
        claims.append(Claim(kind, tuple(nodes), position(draft, place)))
    return tuple(claims)


def kills_of(draft: Draft) -> tuple[str, ...]:
    """The mutants that the case must tell from the real layer, each under its class's own name.

    Those that do not exist, and those of layers that the case does not use, are noted.
    """
    named: list[str] = []
    trainings = draft.values.get("training") or []
    trainings = trainings if isinstance(trainings, list) else [trainings]
    trained = [one["optimizer"] for one in trainings if "optimizer" in one]
    through = [one["through"] for one in trainings if "through" in one]
    used = [*dict.fromkeys(_types([*draft.part("layers").values(), *trained])), *through]
    for index, kill in enumerate(draft.values.get("kills", ())):
        layer, _, mutant = kill.rpartition(".")
        place = draft.node["kills"][index]
        if layer not in layers.every_type():
            layer = own_name("layer", layer)
        named.append(f"{layer}.{mutant}")
        if layer in LOOPS:
            known: Sequence[str] = fitting.mutants_of(layer)
        elif layer not in layers.every_type() and layer not in optimizers.types():
            hint = did_you_mean(layer, layers.every_type()) or f"layers here: {listed(used)}"
            draft.problems.add(place, f"unknown layer type {layer}", hint)
            continue
        else:
            known = (layers if layer in layers.every_type() else optimizers).mutants_of(layer)
        if mutant not in known:
            draft.problems.add(
                place, f"{layer} has no mutant {mutant}", did_you_mean(mutant, known) or f"it has {listed(known)}"
            )
        elif layer not in used and len(draft.part("layers")) == len(draft.names("layers")):
            draft.problems.add(place, f"the case does not use {layer}", f"it uses {listed(used)}")
    return tuple(named)


def _types(configs: Iterable[Any]) -> Iterable[str]:
    for config in configs:
        if isinstance(config, Mapping):
            if isinstance(config.get("type"), str):
                yield config["type"]
            yield from _types(config.values())
        elif isinstance(config, list):
            yield from _types(config)


def check_answer(draft: Draft) -> None:
    """Notes facts in the answer's braces that the case cannot give."""
    answer = draft.values.get("answer", "")
    if "{" not in answer and "}" not in answer:
        return
    place = draft.node["answer"]
    if set(_PLACEHOLDER.sub("", answer)) & set("{}"):
        draft.problems.add(place, "a brace without its partner in the answer", "facts stand in braces: {pooled.shape}")
    for fact in dict.fromkeys(_PLACEHOLDER.findall(answer)):
        _check_fact(draft, fact, place)


def _check_fact(draft: Draft, fact: str, place: Located) -> None:
    owner, _, rest = fact.rpartition(".") if "@" in fact else fact.partition(".")
    if fact == "versions":
        return
    if owner in ("params", "weights", "error") and rest:
        if owner == "error":
            _runs(draft, rest, place)
        else:
            _is_layer(draft, rest.partition(".")[0], place)
        if owner == "weights" and "." not in rest:
            draft.problems.add(place, f"{{{fact}}} names no weight", f"as in {{{fact}.kernel}}")
        return
    if rest not in FACETS:
        hint = did_you_mean(rest, FACETS) if rest else None
        draft.problems.add(place, f"{{{fact}}} is not a fact", hint or f"facts: {FACTS}")
    else:
        _is_observed(draft, owner, place)
