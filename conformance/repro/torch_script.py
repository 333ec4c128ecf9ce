"""A case as plain torch: the ports that it needs, and Keras' weights moved into torch's layout by tensor operations."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conformance.case.expressions import Call, Tree
from conformance.lanes.wire import unpack
from conformance.repro.carry import Carrier
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.graph import GraphWriter
from conformance.repro.literals import value_text
from conformance.repro.names import Names
from conformance.repro.operations import index_text, torch_operation
from conformance.repro.parts import Body
from conformance.repro.source import Edit, Key, Module, module_of

FOLDER = Path(__file__).parents[1] / "lanes" / "torch"
CELLS = {"SimpleRNN": "SimpleRNNCell", "GRU": "GRUCell", "LSTM": "LSTMCell", "RNN": "StackedRNNCells"}
"""The ports that a port may call by name for what torch has no module for."""
_NO_FAMILIES = {"__init__", "lane", "port", "transformers_bert"}


@dataclass(frozen=True)
class Ported:
    """A port as its module declares it."""

    where: Key
    """The function that runs the layer; of a loss, the one that gives a number for each sample."""
    parameters: tuple[str, ...]
    mask: Key
    is_loss: bool = False


@lru_cache(maxsize=1)
def ports() -> Mapping[str, Ported]:
    """Every port by the Keras class name of its layer, read from the source: no import of torch."""
    found: dict[str, Ported] = {}
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem in _NO_FAMILIES:
            continue
        module = module_of(FOLDER, path.stem)
        for node in module.source.tree.body:
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    found |= _declared(module, node, decorator)
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                call = node.body[0].value  # type: ignore[attr-defined]  # the loop that registers one port for three
                function = module.definitions[call.args[0].id]
                assert isinstance(function, ast.FunctionDef)
                for kind in node.iter.elts:
                    found |= _declared(module, function, ast.Call(call.func.func, [kind], call.func.keywords))
    return found


def _declared(module: Module, node: ast.FunctionDef, decorator: ast.expr) -> dict[str, Ported]:
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)):
        return {}
    kind = decorator.args[0].value  # type: ignore[attr-defined]  # always a string
    if decorator.func.id == "loss":
        names = ("y_true", "y_pred", "sample_weight", "y_pred_mask")
        return {kind: Ported((module.name, node.name), names, ("port", "drop"), is_loss=True)}
    if decorator.func.id != "port":
        return {}
    rule = next((keyword.value.id for keyword in decorator.keywords if keyword.arg == "mask"), "drop")  # type: ignore[attr-defined]
    mask = module.imported.get(rule, (module.name, rule)) if rule != "drop" else ("port", "drop")
    return {kind: Ported((module.name, node.name), tuple(arg.arg for arg in node.args.args)[2:], mask)}


def torch_body(evidence: Evidence, lane: str) -> Body:
    """The script of the torch lane, without the check. Raises NotScriptable."""
    return _Torch(evidence, lane).body()


class _Torch:
    has_methods = True

    def __init__(self, evidence: Evidence, lane: str) -> None:
        self.evidence, self.lane, self.plan = evidence, lane, evidence.plan
        self.layers: Mapping[str, Any] = self.plan["layers"]
        self.native = evidence.record["lanes"][lane]["native"]
        kinds = dict.fromkeys(
            name
            for spec in self.layers.values()
            for kind in _kinds(spec["type"], spec["full"])
            for name in (kind, CELLS.get(kind, kind))
        )
        unknown = [kind for kind in kinds if kind not in ports()]
        if unknown:
            raise NotScriptable(f"there is no port of {unknown[0]} to torch")
        self.kinds = list(kinds)
        strings = frozenset(_strings([spec["full"] for spec in self.layers.values()]))
        self.carrier = Carrier(
            FOLDER,
            given=dict.fromkeys(("PORTS", "Tensor", "port", "Any")),
            strings=strings,
            rewrite=_as_torch,
            replaced={("losses", "loss"): _loss_source()},
        )
        roots: list[Key] = [("port", "Config"), ("port", "Parameters")]
        roots += [ports()[kind].where for kind in kinds]
        roots += [ports()[kind].mask for kind in kinds if ports()[kind].mask[1] not in ("keep", "drop", "_is_word")]
        roots += [("losses", "loss")] if any(ports()[kind].is_loss for kind in kinds) else []
        self.texts, self.carried = self.carrier.carry(roots)
        self.names = Names(self.carried.values())
        for name in [*self.plan["inputs"], *self.layers, *(node for node, _ in self.plan["graph"])]:
            self.names(name)
        self.weight_names = {name: self.names.fresh(f"{name}_weights") for name in self.layers}
        self.parameter_names = {name: self.names.fresh(f"{name}_p") for name in self.layers}

    def body(self) -> Body:
        writer = GraphWriter(self.evidence, self.lane, self, self.names, returns_masks=False)
        graph = writer.function()
        helpers = [*self.texts]
        if any("PORTS[" in text for text in helpers):
            rows = "".join(f'    "{kind}": {self._function(kind)},\n' for kind in self.kinds)
            helpers.append(f"PORTS = {{\n{rows}}}\n")
        lines: list[str] = []
        for name, spec in self.layers.items():
            lines += self._layer(name, spec)
        states = [f"{self.parameter_names[name]}.state.clear()" for name in self.layers]
        has_rows = any(spec["dtype"] == "object" for spec in self.plan["inputs"].values())
        tensor = "torch.from_numpy(array.copy())"
        value = f"array if array.dtype == object else {tensor}" if has_rows else tensor
        imports = sorted(
            line for line in self.carrier.imports if not line.startswith(("from typing", "import torch.nn"))
        )
        needs_functional = any(re.search(r"\bF\.", text) for text in [*helpers, *graph])
        return Body(
            imports=(
                *(line for line in imports if "torch" not in line),
                "",
                "import numpy as np",
                "import torch",
                *(["import torch.nn.functional as F"] if needs_functional else []),
                *(line for line in imports if "torch" in line and line != "import torch"),
            ),
            helpers=(*helpers, *writer.helpers.values()),
            build=(*lines, ""),
            call=("", *graph, "", ""),
            argument=f"{{name: {value} for name, array in %s.items()}}",
            to_numpy="value.detach().numpy()",
            mask="",
            names=self.names,
            before_run=tuple(states) if len(self.plan["runs"]) > 1 else (),
        )

    def _function(self, kind: str) -> str:
        name = self.carried[ports()[kind].where]
        return f"{self.carried['losses', 'loss']}({name})" if ports()[kind].is_loss else name

    def _layer(self, name: str, spec: Mapping[str, Any]) -> list[str]:
        """Config, weights in Keras' layout, and the same numbers as torch wants them."""
        config = ", ".join(f'"{key}": {value_text(value)}' for key, value in spec["full"].items() if key != "name")
        lines = [
            *textwrap.wrap(
                f'{self.names(name)} = Config("{spec["type"]}", {{{config}}})',
                110,
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        ]
        if spec["weights"]:
            rows = [
                f'    "{key}": torch.from_numpy({self.evidence.text(unpack(value), 4)}),'
                for key, value in spec["weights"].items()
            ]
            lines += [f"{self.weight_names[name]} = {{  # as Keras has them", *rows, "}"]
        mapped = [
            f'    "{key}": {self._mapped(name, found["from"], spec)},'
            for key, found in self.native.get(name, {}).items()
        ]
        return (
            [*lines, f"{self.parameter_names[name]} = Parameters({{", *mapped, "}, {})"]
            if mapped
            else [*lines, f"{self.parameter_names[name]} = Parameters({{}}, {{}})"]
        )

    def _mapped(self, layer: str, words: str, spec: Mapping[str, Any]) -> str:
        """`kernel.transpose(2, 1, 0)` as the tensor operations that it stands for."""
        source = max((key for key in spec["weights"] if words == key or words.startswith(key + ".")), key=len)
        text = f'{self.weight_names[layer]}["{source}"]'
        for step, arguments in re.findall(r"\.(\w+)\(((?:[^()]|\([^()]*\))*)\)", words[len(source) :]):
            match step:
                case "transpose":
                    text += f".permute({arguments})"
                case "reshape":
                    text += f".reshape({arguments})"
                case "row":
                    text += f"[{arguments}]"
                case "zeros":
                    text = f"torch.zeros_like({text})"
                case "blocks":
                    order, axis = ast.literal_eval(f"({arguments})")
                    parts = f"torch.tensor_split({text}, {len(order)}, dim={axis})"
                    text = f"torch.cat([{parts}[gate] for gate in {order}], dim={axis})"
                case _:
                    raise NotScriptable(f"a weight is mapped by {step}, which scripts do not know")
        return text

    # what the graph asks for

    def parameters(self, layer: str) -> tuple[str, ...]:
        return ports()[self.layers[layer]["type"]].parameters

    def call(self, layer: str, arguments: str) -> str:
        function = self._function(self.layers[layer]["type"])
        return f"{function}({self.names(layer)}, {self.parameter_names[layer]}, {arguments})"

    def mask_rule(self, layer: str, first: str, mask: str | None) -> str | None:
        spec = self.layers[layer]
        module, rule = ports()[spec["type"]].mask
        if rule == "keep":
            return mask
        if rule == "_is_word":
            return f"{first}.ne(0)" if spec["full"].get("mask_zero") else None
        if rule == "drop" or (mask is None and spec["type"] != "Masking"):
            return None
        return f"{self.carried[module, rule]}({self.names(layer)}, {first}, {mask})"

    def operation(self, call: Call, text: Callable[[Tree], str], rows: Callable[[Tree], bool]) -> str:
        return torch_operation(call, text, rows)

    def item(self, value: str, index: Any) -> str:
        """torch's own slices know no negative step: a whole axis read backwards is a flip."""
        parts = index if isinstance(index, tuple) else (index,)
        for axis, part in enumerate(parts):
            if isinstance(part, slice) and (part.step or 1) < 0:
                if part != slice(None, None, -1) or not all(isinstance(before, slice) for before in parts[:axis]):
                    raise NotScriptable("a subscript with a negative step over part of an axis")
                value = f"{value}.flip({axis})"
        plain = tuple(slice(None) if part == slice(None, None, -1) else part for part in parts)
        if all(part == slice(None) for part in plain):
            return value
        return f"{value}[{index_text(plain if len(plain) > 1 else plain[0], is_tensor=False)}]"

    def weight(self, layer: str, weight: str) -> str:
        if weight not in self.layers[layer]["weights"]:
            raise NotScriptable(f"{layer} has no weight {weight}")
        return f'{self.weight_names[layer]}["{weight}"]'


@lru_cache(maxsize=1)
def _loss_source() -> str:
    """What the decorator of losses wraps around each of them, as a function of its own."""
    module = module_of(FOLDER, "losses")
    inner = next(
        node
        for node in ast.walk(module.definitions["loss"])
        if isinstance(node, ast.FunctionDef) and node.name == "call"
    )
    text = textwrap.dedent(module.source.edited(inner, module.source.without_annotations(inner)))
    return (
        "def loss(each):\n"
        '    """A loss of each sample, then Keras\' weights, mask and reduction."""\n\n'
        f"{textwrap.indent(text, '    ')}\n\n    return call\n"
    )


def _kinds(kind: str, config: Any) -> list[str]:
    """A layer's type and those of the layers inside it."""
    found = [kind]
    for key, value in config.items():
        if not key.endswith(("_initializer", "_regularizer", "_constraint")):
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, Mapping) and "type" in item:
                    found += _kinds(item["type"], {k: v for k, v in item.items() if k != "type"})
    return found


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    return [text for item in value for text in _strings(item)] if isinstance(value, list | tuple) else []


def _as_torch(module: Module, node: ast.AST) -> list[Edit]:
    """`PORTS[kind].call(...)` becomes `PORTS[kind](...)`, and `Tensor` what it is short for."""
    edits: list[Edit] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id == "Tensor" and isinstance(part.ctx, ast.Load):
            edits.append((*module.source.span(part), "torch.Tensor"))
        elif (
            isinstance(part, ast.Attribute)
            and part.attr == "call"
            and isinstance(part.value, ast.Subscript)
            and isinstance(part.value.value, ast.Name)
            and part.value.value.id == "PORTS"
        ):
            edits.append((module.source.span(part.value)[1], module.source.span(part)[1], ""))
    return edits
