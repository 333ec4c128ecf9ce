"""The graph of a case as a Python function, for lanes whose arrays carry no masks: they stand in variables beside them.

The rules are those of `conformance.protocol.masks`, applied when the script is written: only layers pass masks on; a
layer gets the mask of an argument where its function asks for it by name; what nobody reads is left out.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from conformance.case.expressions import (
    LOSSES,
    OPERATIONS,
    Arithmetic,
    Call,
    Constant,
    Item,
    LayerWeight,
    List,
    Name,
    Tree,
    parse,
)
from conformance.protocol.masks import each_mask, handed_on
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.literals import value_text
from conformance.repro.names import Names
from conformance.repro.operations import Table, arithmetic_text, index_text, operation_text
from conformance.repro.source import Source
from conformance.repro.training import returned

MASK_OF = '''\
def mask_of(mask):
    """The mask of an array that must carry one."""
    if mask is None:
        raise ValueError("x carries no mask")
    return mask
'''
DISCONNECTED = '''\
class Disconnected(Exception):
    """A sub-model's output needs an input that the sub-model was not given."""
'''


@dataclass(frozen=True)
class Value:
    """An expression and its mask, both as text; no mask where there is none for certain."""

    text: str
    mask: str | None = None
    outputs: int | None = None
    """How many arrays a list holds."""
    is_arithmetic: str | None = None
    """The operator that binds it together."""


class Dialect(Protocol):
    """What a lane's writer says of its layers."""

    table: Table
    """Where the operations of the lane's framework stand."""

    def parameters(self, layer: str) -> tuple[str, ...]:
        """What the function of a layer takes after config and weights."""
        ...

    def call(self, layer: str, arguments: str) -> str: ...

    def mask_rule(self, layer: str, first: str, mask: str | None) -> str | None:
        """The mask of the output as text; None where there is none for certain."""
        ...

    def item(self, value: str, index: Any) -> str: ...
    def weight(self, layer: str, weight: str) -> str: ...


class GraphWriter:
    """Writes `def graph(...)`. `returns_masks`: the function gives the observed nodes' masks too."""

    def __init__(self, evidence: Evidence, lane: str, dialect: Dialect, names: Names, returns_masks: bool) -> None:
        self.plan, self.dialect, self.names = evidence.plan, dialect, names
        self.returns_masks = returns_masks
        self.graph = [(node, parse(text).tree) for node, text in self.plan.graph]
        self.steps = [*evidence.record.lanes[lane].steps, *evidence.record.lanes["numpy"].steps]
        self.helpers: dict[str, str] = {}
        self.carried: dict[str, str] = {}
        """Operations that came along as functions, and what these are called."""
        self.lines: list[str] = []
        self.masks: set[str] = set()
        """The names of masks that stand beside values."""
        self.values: dict[str, Value] = {}
        self.node = ""

    def function(self) -> list[str]:
        """The lines of the function."""
        self.values = {name: Value(self.names(name)) for name in self.plan.inputs}
        for node, tree in self.graph:
            self.node = node
            value = self.value(tree)
            self._assign(node, value)
        lines = _without_unread([*self.lines, *self._returned()], self.masks)
        parameters = ", ".join(self.names(name) for name in self.plan.inputs)
        return [f"def graph({parameters}):", *(f"    {line}" for line in lines)]

    def _assign(self, node: str, value: Value, suffix: str = "") -> None:
        name = self.names(node) if not suffix else self.names.fresh(f"{node}{suffix}")
        mask = value.mask
        if value.text != name:
            self.lines.append(f"{name} = {value.text}")
        if mask is not None and not re.fullmatch(r"\w+", mask):
            mask = self._mask_name(f"{node}{suffix}_mask")
            self.lines.append(f"{mask} = {value.mask}")
        self.values[node] = Value(name, mask, value.outputs)

    def _mask_name(self, wish: str) -> str:
        name = self.names.fresh(wish)
        self.masks.add(name)
        return name

    def _returned(self) -> list[str]:
        observed = [node for node in returned(self.plan) if node in self.values]
        values = _mapping("return {", [(node, self.values[node].text) for node in observed], "}")
        if not self.returns_masks:
            return values
        masks = [(node, mask) for node in observed if (mask := self.values[node].mask)]
        return [*values[:-1], *_mapping(f"{values[-1]}, {{", masks, "}")]

    def value(self, tree: Tree) -> Value:
        """An expression, with what must be computed before it written out."""
        match tree:
            case Name(name):
                return self.values[name]
            case Constant(value):
                return Value(value_text(value))
            case List(items):
                return self._list([self.value(item) for item in items])
            case Item(inner, index):
                return self._item(self.value(inner), index)
            case Arithmetic(operator, left, right):
                a, b = self.value(left), self.value(right)
                text = arithmetic_text(operator, a.text, b.text, [a.is_arithmetic, b.is_arithmetic])
                return Value(text, is_arithmetic=operator)
            case LayerWeight(layer, weight):
                if weight == LOSSES:
                    raise NotScriptable(f"only a script in Keras says what {layer} adds to a loss")
                return Value(self.dialect.weight(layer, weight))
            case Call(callee, args, kwargs):
                if callee in OPERATIONS:
                    return self._operation(tree)
                if callee in self.plan.models:
                    return self._model(callee, [self.value(argument) for argument in args])
                return self._layer(callee, [self.value(item) for item in args], {k: self.value(v) for k, v in kwargs})
        raise NotScriptable(f"{type(tree).__name__} cannot be written")

    def _list(self, items: list[Value]) -> Value:
        mask = None
        if any(item.mask for item in items):
            mask = "[" + ", ".join(item.mask or "None" for item in items) + "]"
        return Value("[" + ", ".join(item.text for item in items) + "]", mask, len(items))

    def _item(self, value: Value, index: Any) -> Value:
        if value.outputs is not None:
            place = f"[{index_text(index, is_tensor=False)}]"
            return Value(value.text + place, None if value.mask is None else value.mask + place)
        text = f"({value.text})" if value.is_arithmetic else value.text
        return Value(self.dialect.item(text, index))

    def _operation(self, call: Call) -> Value:
        if call.callee == "mask":
            mask = self.value(call.args[0]).mask
            self.helpers["mask_of"] = MASK_OF
            return Value(f"mask_of({mask or 'None'})")

        def holds_rows(part: Tree) -> bool:
            return isinstance(part, Name) and self.plan.holds_arrays(part.name)

        def helper(wish: str, source: str) -> str:
            if wish not in self.carried:
                self.carried[wish] = self.names.fresh(wish)
                self.helpers[wish] = source.replace(f"def {wish}(", f"def {self.carried[wish]}(", 1)
            return self.carried[wish]

        table = self.dialect.table
        return Value(operation_text(table, call, lambda part: self.value(part).text, holds_rows, helper))

    def _layer(self, name: str, args: list[Value], kwargs: Mapping[str, Value]) -> Value:
        """A call, with the masks that its function asks for."""
        asked = self.dialect.parameters(name)
        args = [self._plain(name, value) for value in args]
        given = {key: value.text for key, value in kwargs.items()}
        explicit = given.get("mask")
        handed = handed_on(asked, args, kwargs, None if explicit == "None" else explicit, lambda value: value.mask)
        left_out = handed.dropped | handed.filled.keys()
        given = {key: text for key, text in given.items() if key not in left_out}
        given |= {key: mask for key, mask in handed.filled.items() if mask is not None}
        texts = ", ".join([*(value.text for value in args), *(f"{key}={text}" for key, text in given.items())])
        outputs = self._outputs(name)
        mask = self.dialect.mask_rule(name, args[0].text if args else "None", handed.first)
        if mask is not None and outputs is not None:
            self.helpers["each_mask"] = _each_mask_text()
            mask = f"each_mask({mask}, {outputs})"
        return Value(self.dialect.call(name, texts), mask, outputs)

    def _plain(self, layer: str, value: Value) -> Value:
        """An argument that is computed gets a name where its text is needed twice: for the value and for the mask."""
        needs_name = "(" in value.text and (value.mask is not None or self.dialect.mask_rule(layer, "x", None))
        if not needs_name or value.text.startswith("["):
            return value
        name = self.names.fresh("x")
        self.lines.append(f"{name} = {value.text}")
        mask = value.mask
        if mask is not None:
            mask = self._mask_name("x_mask")
            self.lines.append(f"{mask} = {value.mask}")
        return Value(name, mask, value.outputs)

    def _outputs(self, layer: str) -> int | None:
        """How many arrays a call gives back in a list, from the calls that lanes noted; None for one array."""
        for step in self.steps:
            if step.callee == layer and step.node == self.node:
                found = step.outputs
                return len(found) if found and isinstance(found[0], tuple) else None
        return None

    def _model(self, name: str, args: list[Value]) -> Value:
        """A sub-model is written out where it is called: the nodes between its inputs and its outputs, once more."""
        spec, kept, trees = self.plan.models[name], dict(self.values), dict(self.graph)
        self.values = dict(zip(spec.inputs, args, strict=True))
        for wanted in spec.outputs:
            self._reach(wanted, trees, name)
        outputs = [self.values[wanted] for wanted in spec.outputs]
        self.values = kept
        return outputs[0] if len(outputs) == 1 else self._list(outputs)

    def _reach(self, wanted: str, trees: Mapping[str, Tree], model: str) -> None:
        if wanted in self.values:
            return
        if wanted not in trees:
            self.helpers["Disconnected"] = DISCONNECTED
            self.lines.append(f'raise Disconnected("{wanted} cannot be reached")')
            self.values[wanted] = Value("None")
            return
        text = dict(self.plan.graph)[wanted]
        for needed in sorted(parse(text).names()):
            self._reach(needed, trees, model)
        self._assign(wanted, self.value(trees[wanted]), f"_in_{model}")


def moved(state: str, weight: str, held: str) -> str:
    """What a layer has put in the place of a weight (a moving mean), or else the weight that it was given."""
    *scopes, name = weight.split(".")
    inner = "".join(f'.get("{scope}", {{}})' for scope in scopes)
    return f'{state}{inner}.get("{name}", {held})'


@lru_cache(maxsize=1)
def _each_mask_text() -> str:
    """The function of the lanes, as it would stand in a module of its own."""
    source = Source(inspect.getsource(each_mask))
    return source.between(0, len(source.text), source.without_annotations(source.tree))


def _without_unread(lines: list[str], masks: set[str]) -> list[str]:
    """Lines without the masks that no later line reads."""
    kept: list[str] = []
    for line in reversed(lines):
        target = line.partition(" = ")[0]
        if target in masks and not any(re.search(rf"\b{target}\b", later) for later in kept):
            continue
        kept.insert(0, line)
    return kept


def _mapping(opening: str, pairs: list[tuple[str, str]], closing: str) -> list[str]:
    """A mapping on one line, or an entry a line where that would be too long."""
    texts = [f'"{name}": {value}' for name, value in pairs]
    line = opening + ", ".join(texts) + closing
    return [line] if len(line) <= 112 else [opening, *(f"    {text}," for text in texts), closing]
