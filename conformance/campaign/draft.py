"""A case that nobody wrote, as a value: inputs, layers and calls, small enough to be taken apart again.

A draft is what is drawn, asked, reduced and kept. Its text is a case of the language of cases, and nothing else is ever
asked: whoever reads the text of a finding asks what the campaign asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from conformance.ask.write import scalar
from conformance.case.draws import draws_unasked
from conformance.form import CONFIG

BATCH, OPEN = "batch", "steps"
"""The axis that every input has first, and the name of an open one."""
OPEN_BY = 3
"""How much longer an open axis is in the second run."""

Carried = Literal["layer", "argument"]
Beneath = Literal["zeros", "numbers", "nan", "inf"]


@dataclass(frozen=True, slots=True)
class Mask:
    """Which steps of an input are real, how the mask is carried, and what stands beneath it."""

    __pydantic_config__ = CONFIG

    rows: tuple[tuple[int, ...], ...]
    """A row of 1 (real) and 0 (padding) for each sequence."""
    carried: Carried = "layer"
    """By a `Masking` layer in front of the call, or as the call's argument `mask`."""
    beneath: Beneath = "zeros"
    """What the masked places hold: `numbers` beneath a mask that a layer carries come of a sigmoid behind it."""


@dataclass(frozen=True, slots=True)
class Input:
    """One array that goes in; `shape` is without the batch."""

    __pydantic_config__ = CONFIG

    name: str
    """Its name in the graph."""
    shape: tuple[int, ...]
    """Lengths without the batch."""
    dtype: str = "float32"
    """Its dtype."""
    fill: Mapping[str, Any] | None = None
    """As a case writes it; null for the usual draw."""
    mask: Mask | None = None
    """Which of its steps are real; null where all are."""
    is_own: bool = False
    """Whether these are the numbers that its layer asks for, as ids of a table and classes of a loss: such whole
    numbers are not differentiated, and are no ties."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer, and the node that it gives."""

    __pydantic_config__ = CONFIG

    name: str
    """The node."""
    layer: str
    """The layer's name."""
    inputs: tuple[str, ...]
    """Inputs or earlier nodes."""
    is_list: bool = False
    """Whether the layer takes them as one list."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What else the call is given, as `training: true`."""
    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Arguments that are inputs, as `initial_state`: one by itself, several as a list."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every input and node that goes in."""
        return (*self.inputs, *(name for names in self.given.values() for name in names))


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, with the arguments that are not left at their defaults."""

    __pydantic_config__ = CONFIG

    name: str
    """Its name in the graph."""
    type: str
    """Its class in Keras."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Its arguments."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A drawn case."""

    __pydantic_config__ = CONFIG

    inputs: tuple[Input, ...]
    """What goes in."""
    layers: tuple[Layer, ...]
    """What is called."""
    calls: tuple[Call, ...]
    """The graph, in order."""
    batch: int = 2
    """How many rows every input has."""
    is_open: bool = False
    """Whether the first axis after the batch is open: the layers run at two lengths of it."""
    expects_error: bool = False
    """Whether the question is if everybody refuses, as the reference does."""
    saved: str = ""
    """The form of the file in which its model is saved, and loaded again before it is asked; empty: it is not."""
    varied: tuple[tuple[str, Any], ...] = ()
    """What was drawn otherwise than usual: the dimension (`Conv1D.padding`) and its value. For coverage only."""
    written: Mapping[str, Any] | None = None
    """A written case that this one is like, as its file has it; inputs, layers and calls stand there then."""
    changes: tuple[tuple[str, Any], ...] = ()
    """What is otherwise than written: where (`layers/dense/units`), and the value there."""

    @property
    def digest(self) -> str:
        """Of all that decides the outcome."""
        said = "\n".join(case_lines(replace(self, varied=()), "x", "?"))
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    @property
    def types(self) -> tuple[str, ...]:
        """The classes of its layers."""
        return tuple(dict.fromkeys([*(layer.type for layer in self.layers), *self.kinds.values()]))

    @property
    def kinds(self) -> dict[str, str]:
        """Of a written case, layer to its class."""
        layers = {} if self.written is None else self.written.get("layers", {})
        return {name: layer["type"] for name, layer in layers.items()}

    @property
    def changed(self) -> dict[str, Any]:
        """The written case with what is changed in it."""
        case: dict[str, Any] = deepcopy(dict(self.written or {}))
        for path, value in self.changes:
            *parts, last = path.split("/")
            held: Any = case
            for part in parts:
                held = held[int(part)] if isinstance(held, list) else held.setdefault(part, {})
            held[last] = value
        return case

    def layer(self, name: str) -> Layer:
        """The layer of this name. Raises KeyError."""
        return {layer.name: layer for layer in self.layers}[name]

    @property
    def dims(self) -> dict[str, Any]:
        """Named axes and their sizes."""
        if self.written is not None:
            return {}  # they stand in the case
        length = self._open_length
        return {BATCH: self.batch} | ({} if length is None else {OPEN: [length, length + OPEN_BY]})

    @property
    def _open_length(self) -> int | None:
        lengths = [given.shape[0] for given in self.inputs if given.shape]
        return lengths[0] if self.is_open and lengths else None

    def shape_of(self, given: Input) -> list[int | str]:
        """An input's shape as it is written."""
        length = self._open_length
        rest: list[int | str] = list(given.shape)
        if rest and rest[0] == length:
            rest[0] = OPEN
        return [BATCH, *rest]

    @property
    def has_ties(self) -> bool:
        """Whether equal numbers go in, or ones at a kink: then there is no one gradient."""
        return any(_ties(given) for given in self.inputs)


_WITHOUT_TIES = ("normal", "uniform", "arange")


def _ties(given: Input) -> bool:
    mask = given.mask
    if mask is not None and (mask.carried == "layer" or mask.beneath != "zeros"):
        return True
    if given.is_own or given.dtype == "bool":
        return False
    return given.dtype != "float32" or not (given.fill is None or set(given.fill) <= set(_WITHOUT_TIES))


def case_lines(draft: Draft, id: str, question: str, remark: str = "", dims: bool = True) -> list[str]:
    """The lines of a draft's case below `cases:`."""
    if draft.written is not None:
        return _lines_like(draft, id, question, remark)
    lines = [f"  - id: {id}", f"    question: {scalar(question)}"]
    lines += [f"    remark: {scalar(remark)}"] if remark else []
    if dims:
        lines += [f"    dims: {scalar(draft.dims)}"]
        lines += [f"    dynamic: {scalar([OPEN])}"] if OPEN in draft.dims else []
    lines += ["    inputs:", *(f"      {line}" for given in draft.inputs for line in _input_lines(draft, given))]
    lines += ["    layers:", *(f"      {line}" for line in _layer_lines(draft))]
    lines += ["    graph:", *(f"      {line}" for line in _graph_lines(draft))]
    lines += [f"    saved: {{as: {draft.saved}}}"] if draft.saved else []
    if draft.expects_error:
        lines += ["    expect: {error: {phase: any}}"]
    elif draft.has_ties:
        lines += ["    no_gradients: equal numbers go in, so that there is no one gradient"]
    return lines


def _lines_like(draft: Draft, id: str, question: str, remark: str) -> list[str]:
    """The lines of a case that is like a written one."""
    case = {key: value for key, value in draft.changed.items() if key != "id"}
    if draft.expects_error:
        case["expect"] = {"error": {"phase": "any"}}
        case.pop("no_gradients", None)
    elif any(path.startswith("inputs/") for path, _ in draft.changes) and "training" not in case:
        case.setdefault("no_gradients", "equal numbers go in, so that there is no one gradient")
    lines = [f"  - id: {id}", f"    question: {scalar(question)}"]
    lines += [f"    remark: {scalar(remark)}"] if remark else []
    for key, value in case.items():
        if isinstance(value, Mapping) and key in ("inputs", "layers", "graph"):
            lines += [f"    {key}:", *(f"      {name}: {scalar(item)}" for name, item in value.items())]
        else:
            lines.append(f"    {key}: {scalar(value)}")
    return lines


def file_text(topic: str, blocks: Sequence[Sequence[str]], dims: Mapping[str, Any] | None = None) -> str:
    """A case file of these cases."""
    head = ["schema_version: 1", f"topic: {scalar(topic)}"]
    if dims is not None:
        head += [f"dims: {scalar(dims)}", *([f"dynamic: {scalar([OPEN])}"] if OPEN in dims else [])]
    head += ["source: {kind: question}", "cases:"]
    return "\n".join([*head, *(line for block in blocks for line in block)]) + "\n"


def _real(name: str) -> str:
    return f"real_{name}"


def _input_lines(draft: Draft, given: Input) -> list[str]:
    spec: dict[str, Any] = {"shape": draft.shape_of(given)}
    spec |= {"dtype": given.dtype} if given.dtype != "float32" else {}
    spec |= {"fill": given.fill} if given.fill is not None else {}
    lines = [f"{given.name}: {scalar(spec)}"]
    if given.mask is not None:
        dtype = "bool" if given.mask.carried == "argument" else given.dtype
        typed = {"dtype": dtype} if dtype != "float32" else {}
        rows = [list(row) for row in given.mask.rows]
        shape = draft.shape_of(given)[:2]
        lines.append(f"{_real(given.name)}: {scalar({'shape': shape, **typed, 'fill': {'values': rows}})}")
    return lines


def _layer_lines(draft: Draft) -> list[str]:
    lines = [f"{layer.name}: {scalar({'type': layer.type, **layer.config})}" for layer in draft.layers]
    carried = [given.mask for given in draft.inputs if given.mask is not None and given.mask.carried == "layer"]
    lines += ["masking: {type: Masking}"] if carried else []
    if any(mask.beneath == "numbers" for mask in carried):
        lines.append("sigmoid: {type: Activation, activation: sigmoid}")
    return lines


def _graph_lines(draft: Draft) -> list[str]:
    masks = {given.name: given.mask for given in draft.inputs if given.mask is not None}
    lines, names = [], {}
    for name, mask in masks.items():
        text = _beneath(name, mask)
        if text != name:
            names[name] = f"_{name}"
            lines.append(f"_{name}: {text}")
    for call in draft.calls:
        given = ", ".join(names.get(name, name) for name in call.inputs)
        words = [f"[{given}]" if call.is_list else given]
        own = [name for name in call.inputs if name in masks and masks[name].carried == "argument"]
        if own:
            listed = ", ".join(_real(name) if name in own else "None" for name in call.inputs)
            words.append(f"mask=[{listed}]" if call.is_list else f"mask={_real(own[0])}")
        words += [f"{name}={value!r}" for name, value in call.arguments.items()]
        words += [f"{name}={_list(nodes) if len(nodes) > 1 else nodes[0]}" for name, nodes in call.given.items()]
        layer = draft.layer(call.layer)
        if "training" not in call.arguments and draws_unasked(layer.type, layer.config):
            words.append("training=False")  # what it draws has no answer to compare
        lines.append(f"{call.name}: {call.layer}({', '.join(words)})")
    return lines


def _list(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _beneath(name: str, mask: Mask) -> str:
    """The expression that puts into masked places what shall stand there."""
    if mask.carried == "layer":
        masked = f"masking({name} * expand_dims({_real(name)}, -1))"
        return f"sigmoid({masked})" if mask.beneath == "numbers" else masked
    real = f'expand_dims(cast({_real(name)}, "float32"), -1)'
    match mask.beneath:
        case "nan":
            return f"{name} * {real} / {real}"
        case "inf":
            return f"{name} / {real}"
    return name


def described(draft: Draft) -> str:
    """The question in words."""
    if draft.written is not None:
        said = " and ".join(f"{path} {_python(value)}" for path, value in draft.changes) or "nothing changed"
        asks = "Does everybody refuse" if draft.expects_error else "What becomes of"
        return f"{asks} {draft.written.get('id', 'a case')} with {said}?"
    calls = [_called(draft, draft.layer(call.layer)) for call in draft.calls]
    shapes = " and ".join(f"({', '.join(map(str, draft.shape_of(given)))})" for given in draft.inputs)
    when = f", saved and loaded as {draft.saved}," if draft.saved else ""
    return (
        f"Does everybody refuse {', then '.join(calls)}{when} for {shapes}?"
        if draft.expects_error
        else (
            f"What do {', then '.join(calls)}{when} make of {shapes}?"
            if len(calls) > 1
            else f"What does {calls[0]}{when} make of {shapes}?"
        )
    )


def _called(draft: Draft, layer: Layer) -> str:
    arguments = ", ".join(f"{key}={_python(value)}" for key, value in layer.config.items())
    return f"{layer.type}({arguments})"


def _python(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key}={_python(item)}" for key, item in value.items() if key != "type")
        return f"{value['type']}({inside})" if "type" in value else json.dumps(value)
    return repr(value)
