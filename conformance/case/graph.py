"""Checks the graph of a case: every name is known where it is used, nothing shadows, nothing is left over."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from conformance.case import layers
from conformance.case.draft import Draft
from conformance.case.expressions import (
    LOSSES,
    OPERATIONS,
    Call,
    Expression,
    ExpressionError,
    LayerWeight,
    Name,
    parse,
)
from conformance.case.problems import did_you_mean, listed
from conformance.case.schema import EXPECT
from conformance.case.yaml import Located


@lru_cache(maxsize=8192)
def parsed(text: str) -> Expression | ExpressionError:
    """An expression, or why it is none; the same texts stand in many cases."""
    try:
        return parse(text)
    except ExpressionError as error:
        return error
    except RecursionError:
        return ExpressionError("nested too deep", 0, "give parts of it names of their own")


def check(draft: Draft) -> None:
    """Notes every mistake in the names of a case and in its graph and models."""
    _check_names(draft)
    walk = _Walk(draft)
    for name, text, node in draft.entries("graph"):
        walk.step(name, text, node)
    _check_models(draft)
    _check_inner_activities(draft)
    if walk.is_complete:
        _check_unused(draft, walk)


def _check_names(draft: Draft) -> None:
    taken: dict[str, str] = {}
    for part, what in (("inputs", "an input"), ("layers", "a layer"), ("models", "a model"), ("graph", "a node")):
        for name in draft.names(part):
            where = draft.node[part].keys[name]
            if keyword.iskeyword(name):
                draft.problems.add(where, f"{name} cannot be a name", "it is a word of the expression language")
            elif name in taken:
                draft.problems.add(where, f"{name} is already {taken[name]}", "give it a name of its own")
            elif part in ("layers", "models") and name in OPERATIONS:
                draft.problems.add(where, f"{name} is an operation of the graph language", f"as in {OPERATIONS[name]}")
            elif part == "graph" and name in EXPECT.fields:
                draft.problems.add(where, f"{name} cannot be a node", "`expect` has another use for this key")
            taken.setdefault(name, what)
    graph = draft.names("graph")
    if graph and all(name.startswith("_") for name in graph):
        hint = "names that start with an underscore are not observed"
        draft.problems.add(draft.node.keys["graph"], "no node of the graph is observed", hint)


class _Walk:
    """Goes through the nodes in order and knows what is defined so far."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.inputs, self.layers, self.models, self.nodes = (
            dict.fromkeys(draft.names(part)) for part in ("inputs", "layers", "models", "graph")
        )
        self.defined: set[str] = set(self.inputs)
        self.used: set[str] = set()
        self.is_complete = bool(self.nodes) and len(self.nodes) == len(draft.part("graph"))
        """Whether every expression could be read: else nothing can be called unused."""

    def step(self, name: str, text: str, node: Located) -> None:
        expression = parsed(text)
        if isinstance(expression, ExpressionError):
            self.is_complete = False
            self._add(node, expression.message, expression.hint, expression.column)
        else:
            for part in expression.walk():
                match part:
                    case Name(read, column):
                        self._read(name, read, column, node)
                    case Call(callee, _, _, column):
                        self._call(callee, column, node)
                    case LayerWeight(layer, weight, column):
                        self._weight(layer, weight, column, node)
        self.defined.add(name)

    def _add(self, node: Located, message: str, hint: str | None, column: int) -> None:
        """Notes a problem at a column of an expression, where the file has the expression as it is."""
        line = self.draft.problems.lines[node.line - 1]
        first = str(node.value)
        for opening in (0, 1):
            if line.startswith(first, node.column - 1 + opening):
                self.draft.problems.add(node, message, hint, column + opening)
                return
        self.draft.problems.add(node, message, hint)

    def _read(self, node_name: str, read: str, column: int, node: Located) -> None:
        self.used.add(read)
        if read in self.defined:
            return
        if read == node_name:
            self._add(node, f"{read} refers to itself", "a node is made of inputs and of nodes above it", column)
        elif read in self.nodes:
            self._add(node, f"{read} is used before it is defined", "put it below the nodes that it reads", column)
        elif read in self.layers or read in self.models:
            self._add(node, f"{read} is called, not read", f"write {read}(...), or {read}.kernel for a weight", column)
        else:
            hint = did_you_mean(read, self.defined) or f"known here: {listed(self._known())}"
            self._add(node, f"unknown node or input {read}", hint, column)

    def _known(self) -> Iterable[str]:
        return [name for name in (*self.inputs, *self.nodes) if name in self.defined]

    def _call(self, callee: str, column: int, node: Located) -> None:
        self.used.add(callee)
        if callee in self.layers or callee in OPERATIONS:
            return
        if callee in self.models:
            outputs = self.draft.part("models").get(callee, {}).get("outputs", ())
            missing = next((name for name in outputs if name in self.nodes and name not in self.defined), None)
            if missing is not None:
                hint = "a model can be called below the nodes that it is made of"
                self._add(node, f"the model {callee} is called before its output {missing} is defined", hint, column)
            return
        if callee in self.inputs or callee in self.nodes:
            self._add(node, f"{callee} is an array, not a layer", "arrays are read: x, x[0], x + y", column)
            return
        hint = did_you_mean(callee, (*self.layers, *self.models, *OPERATIONS)) or (
            f"layers here: {listed(self.layers)}; operations: {listed(OPERATIONS)}"
        )
        self._add(node, f"unknown layer, model or operation {callee}", hint, column)

    def _weight(self, layer: str, weight: str, column: int, node: Located) -> None:
        is_called = layer in self.used
        self.used.add(layer)
        if layer in self.layers:
            if weight == LOSSES:
                self._losses(layer, is_called, column, node)
            return
        if layer in self.inputs or layer in self.nodes:
            hint = "arrays have no attributes; there are operations, as transpose(x, axes)"
            self._add(node, f"{layer}.{weight} is not a weight, {layer} is an array", hint, column)
            return
        hint = did_you_mean(layer, self.layers) or f"layers here: {listed(self.layers)}"
        self._add(node, f"unknown layer {layer}", hint, column)

    def _losses(self, layer: str, is_called: bool, column: int, node: Located) -> None:
        """`layer.losses` is of a layer that adds something, and stands below the call that adds it."""
        written = self.draft.part("layers").get(layer)
        if written is not None and not adds_loss(written):
            hint = "give it a regulariser: kernel_regularizer: {type: L2, l2: 0.1}"
            self._add(node, f"{layer}.losses: {layer} adds nothing to a loss", hint, column)
        elif not is_called:
            hint = f"put it below the node that calls {layer}"
            self._add(node, f"{layer}.losses is read before {layer} is called", hint, column)


def adds_loss(config: Any) -> bool:
    """Whether a layer of this configuration, or one inside it, adds something to the loss of a training."""
    if isinstance(config, Mapping):
        kind = layers.types().get(config.get("type", ""))
        if kind is not None and kind.adds_loss:
            return True
        says = any(key.endswith("_regularizer") and value is not None for key, value in config.items())
        return says or any(adds_loss(value) for value in config.values())
    return isinstance(config, list | tuple) and any(adds_loss(value) for value in config)


def _check_inner_activities(draft: Draft) -> None:
    """A layer inside another one has no activity regulariser: how often it is called is the other layer's to know."""
    for name, _, node in draft.entries("layers"):
        waiting = _children(node)
        while waiting:
            inner = waiting.pop()
            if inner.is_mapping and layers.ACTIVITY in inner.value and inner.get("type") is not None:
                hint = "give it to the layer around it, which has it for what it gives"
                where = inner.keys[layers.ACTIVITY]
                draft.problems.add(where, f"{layers.ACTIVITY} of a layer inside {name} has no reference here", hint)
            waiting += _children(inner)


def _children(node: Located) -> list[Located]:
    if node.is_mapping:
        return list(node.value.values())
    return list(node.value) if node.is_list else []


def _check_models(draft: Draft) -> None:
    nodes, inputs = draft.names("graph"), draft.names("inputs")
    for name, model, node in draft.entries("models"):
        for key, known in (("inputs", (*inputs, *nodes)), ("outputs", tuple(nodes))):
            for index, end in enumerate(model[key]):
                if end not in known:
                    hint = did_you_mean(end, known) or f"known: {listed(known)}"
                    what = "node" if key == "outputs" else "node or input"
                    draft.problems.add(node[key][index], f"unknown {what} {end} in the model {name}", hint)


def _check_unused(draft: Draft, walk: _Walk) -> None:
    ends = {end for _, model, _ in draft.entries("models") for end in model["inputs"]}
    stated = draft.values.get("training") or []
    for training in stated if isinstance(stated, list) else [stated]:
        ends |= {name for row in training.get("batches", {}).values() for name in row}
        for key in ("loss", "y", "sample_weight"):
            ends |= set(training[key].values()) if isinstance(training.get(key), dict) else set()
        for key in ("metrics", "weighted_metrics"):
            ends |= {name for row in training.get(key, {}).values() for name in row}
    for part, what, advice in (("inputs", "input", "read"), ("layers", "layer", "called")):
        for name in draft.names(part):
            if name not in walk.used and name not in ends:
                hint = f"use it in `graph`, or remove the {what}"
                draft.problems.add(draft.node[part].keys[name], f"the {what} {name} is never {advice}", hint)
