"""A case as a short `nn.Module` that a person would write, with `load_from_keras(weights)`.

No ports are carried and nothing is checked inside: torch's own modules with the arguments that make them Keras', and
the lines that move the weights. The scripts of `--lane torch` are for everything that this has no short line for.
"""

from __future__ import annotations

import ast
import re
import textwrap
from typing import Any

from conformance.case.expressions import parse
from conformance.lanes.torch.written.modules import Line, line_of
from conformance.protocol.adapter import Unsupported
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.graph import GraphWriter
from conformance.repro.in_torchs_words import keras_module, speaks_torch
from conformance.repro.literals import comment, quoted
from conformance.repro.names import Names
from conformance.repro.operations import TORCH, index_text
from conformance.repro.ports import ports
from conformance.repro.shapes_checked import CHECK, wanted
from conformance.repro.torch_training import mapped_weights

LANE = "torch"
WIDTH = 108
"""Characters of a line inside a method."""


def module(evidence: Evidence, lane: str = LANE) -> str:
    """The text of the module. Raises NotScriptable, with the reason, where it would not be short, or not the same."""
    if speaks_torch(evidence.plan):
        return keras_module(evidence)
    held = evidence.record.lanes.get(LANE)
    if held is None:
        raise NotScriptable("a module is written from what the lane torch did, which did not run this case")
    if held.failure is not None or held.verdict == "unsupported":
        raise NotScriptable("the lane torch gave no answer to this case")
    if evidence.plan.models or evidence.plan.trainings:
        raise NotScriptable("a module is one forward pass: cases with sub-models or trainings have scripts")
    return _Module(evidence).text()


class _Module:
    """Writes the class; the graph writer asks it how layers are called."""

    table = TORCH

    def __init__(self, evidence: Evidence) -> None:
        self.evidence, self.plan = evidence, evidence.plan
        self.layers = self.plan.layers
        self.steps = evidence.record.lanes[LANE].steps
        self.names = Names(["nn", "self", "Model", "check"])
        for name in [*self.plan.inputs, *(node for node, _ in self.plan.graph)]:
            self.names(name)
        self.lines: dict[str, Line] = {}
        self.needs_weights = False

    def text(self) -> str:
        """The whole file."""
        writer = _Forward(self.evidence, LANE, self, self.names, returns_masks=False)
        forward = writer.function()
        made = [f"self.{name} = {line.made}" for name, line in self.lines.items() if line.made]
        loaded = [text for name in self.lines for text in self._loaded(name)]
        parameters = ", ".join(self.names(name) for name in self.plan.inputs)
        body = [
            "class Model(nn.Module):",
            f'    """{_docstring(self.evidence.case.question)}"""',
            "",
            "    def __init__(self):",
            "        super().__init__()",
            *(f"        {text}" for text in made),
            "",
            f"    def forward(self, {parameters}):",
            *(f"    {text}" for text in forward[1:]),
            *(self._loader(loaded) if loaded else []),
        ]
        joined = "\n".join([*writer.helpers.values(), *body])
        imports = ["import torch", "from torch import nn"]
        imports += ["from torch.nn import functional as F"] if re.search(r"\bF\.", joined) else []
        head = comment(f"{self.evidence.record.id}, in torch. Data as in Keras, channels last; call eval() first.")
        helpers = [f"{text}\n\n" for text in (*writer.helpers.values(), *([CHECK] if loaded else []))]
        return "\n".join([head, "", *imports, "", "", *helpers, *body]) + "\n"

    def _loader(self, lines: list[str]) -> list[str]:
        held = {name: list(self.layers[name].weights.values()) for name in self.lines}
        shapes = {name: [array.shape for array in arrays] for name, arrays in held.items() if arrays}
        return [
            "",
            "    @torch.no_grad()",
            "    def load_from_keras(self, weights):",
            '        """`weights`: by the name of each layer, what its `get_weights()` gives in Keras."""',
            *(f"        {text}" for text in wanted(shapes, WIDTH)),
            "        shapes = {name: [tuple(array.shape) for array in held] for name, held in weights.items() if held}",
            "        check(shapes, wanted)",
            *(f"        {text}" for text in lines),
        ]

    def _loaded(self, name: str) -> list[str]:
        """What gives one layer's parameters their values."""
        spec = self.layers[name]
        if not spec.weights:
            return []
        keys = {key: key.replace(".", "_") for key in spec.weights}
        held = ", ".join(keys.values()) + ("," if len(keys) == 1 else "")
        lines = [f"{held} = map(torch.tensor, weights[{quoted(name)}])"]
        for own, mapped in mapped_weights(self.evidence.record.lanes[LANE].native, name).items():
            lines += _fitted(f"self.{name}.{own}.copy_(", mapped.code(keys[mapped.source]), ")")
        return lines

    # what the graph asks for

    def parameters(self, layer: str) -> tuple[str, ...]:
        return ports()[self.layers[layer].type].parameters

    def call(self, layer: str, arguments: str) -> str:
        """Raises NotScriptable where a mask or training would have to be handed over."""
        call = ast.parse(f"call({arguments})", mode="eval").body
        assert isinstance(call, ast.Call)
        for keyword in call.keywords:
            if not (keyword.arg == "training" and isinstance(keyword.value, ast.Constant) and not keyword.value.value):
                raise NotScriptable(f"a module has no short line for {self.layers[layer].type} with {keyword.arg}=")
        if len(call.args) != 1:
            raise NotScriptable(f"a module has no short line for {self.layers[layer].type} of {len(call.args)} inputs")
        if layer not in self.lines:
            if not layer.isidentifier():
                raise NotScriptable(f"{layer!r} cannot be an attribute")
            try:
                self.lines[layer] = line_of(self.layers[layer], self._shapes(layer))
            except Unsupported as reason:
                raise NotScriptable(str(reason)) from None
        text = arguments if not call.keywords else ast.unparse(call.args[0])
        bracketed = text if re.fullmatch(r"[\w.]+|[\w.]+\(.*\)", text) else f"({text})"
        x = bracketed if "{x}." in self.lines[layer].called else text
        return self.lines[layer].called.replace("{m}", f"self.{layer}").replace("{xs}", text).replace("{x}", x)

    def _shapes(self, layer: str) -> list[Any]:
        return next(list(step.inputs) for step in self.steps if step.callee == layer)

    def mask_rule(self, layer: str, first: str, mask: str | None) -> str | None:
        """That there is a mask, so that a layer which honours it is seen; a module hands none on."""
        spec = self.layers[layer]
        _, rule = ports()[spec.type].mask
        if rule == "drop":
            return None
        if rule == "_is_word":
            return f"{first}.ne(0)" if spec.full.get("mask_zero") else None
        return mask if rule == "keep" or mask is None else f"{mask}[0]"

    def item(self, value: str, index: Any) -> str:
        parts = index if isinstance(index, tuple) else (index,)
        if any(isinstance(part, slice) and (part.step or 1) < 0 for part in parts):
            raise NotScriptable("a subscript with a negative step")
        return f"{value}[{index_text(index, is_tensor=False)}]"

    def weight(self, layer: str, weight: str) -> str:
        raise NotScriptable("a module has no short line for a weight that the graph computes with")


class _Forward(GraphWriter):
    """The graph as the body of `forward`: what no other node takes is given back."""

    def _returned(self) -> list[str]:
        read = {name for _, text in self.plan.graph for name in parse(text).names()}
        ends = [node for node in self.plan.observed if node not in read and node in self.values]
        if len(ends) == 1:
            return [f"return {self.values[ends[0]].text}"]
        pairs = ", ".join(f"{quoted(node)}: {self.values[node].text}" for node in ends)
        return [f"return {{{pairs}}}"]


def _fitted(opening: str, inside: str, closing: str) -> list[str]:
    line = f"{opening}{inside}{closing}"
    return [line] if len(line) <= WIDTH else [opening, f"    {inside}", closing]


def _docstring(question: str) -> str:
    plain = "".join(c if c.isprintable() and c not in '"\\' else " " for c in question)
    return textwrap.shorten(plain, 100)
