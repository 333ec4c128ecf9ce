"""A case as plain torch: the ports that it needs, and Keras' weights moved into torch's layout by tensor operations."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from conformance.protocol.plan import PlannedLayer
from conformance.reference.catalog import KINDS
from conformance.repro.carry import Carrier
from conformance.repro.configs import configs_of, is_same, kinds_of, plain_of, strings_of
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.fold import folded, pruned
from conformance.repro.gradients import call_beside_outputs, torch_gradients
from conformance.repro.graph import GraphWriter, moved
from conformance.repro.literals import value_text
from conformance.repro.names import Names
from conformance.repro.operations import TORCH, index_text
from conformance.repro.parts import Body
from conformance.repro.ports import FOLDER, optimizers, ports
from conformance.repro.source import Edit, Key, Module, module_of
from conformance.repro.torch_training import mapped_weights, torch_training
from conformance.repro.training import NAMES, Training, remembering, returned

UNSUPPORTED = '''class Unsupported(Exception):
    """What torch cannot do."""
'''
"""What a port raises; the lane's own stands outside of the ports."""


def torch_body(evidence: Evidence, lane: str) -> Body:
    """The script of the torch lane, without the check. Raises NotScriptable."""
    return _Torch(evidence, lane).body()


class _Torch:
    table = TORCH

    def __init__(self, evidence: Evidence, lane: str) -> None:
        self.evidence, self.lane, self.plan = evidence, lane, evidence.plan
        self.layers = self.plan.layers
        self.spoken: set[str] = set()
        self.makes_configs = False
        self.native = evidence.record.lanes[lane].native
        self.failure = evidence.record.lanes[lane].failure
        self.beside_outputs = call_beside_outputs(evidence, lane)
        kinds = dict.fromkeys(
            name
            for spec in self.layers.values()
            for kind in kinds_of(spec.type, spec.full)
            for name in (kind, KINDS[kind].runs_cell or kind)  # a port calls its cell's by name
        )
        unknown = [kind for kind in kinds if kind not in ports()]
        if unknown:
            raise NotScriptable(f"there is no port of {unknown[0]} to torch")
        self.kinds = list(kinds)
        strings = frozenset(strings_of([{"type": spec.type, **spec.full} for spec in self.layers.values()]))
        self.carrier = Carrier(
            FOLDER,
            given=dict.fromkeys(("PORTS", "Tensor", "port", "Any")),
            strings=strings,
            rewrite=_as_torch,
            replaced={("losses", "loss"): _loss_source(), ("port", "Unsupported"): UNSUPPORTED},
        )
        roots: list[Key] = [("port", "Config"), ("port", "Parameters")]
        roots += [ports()[kind].where for kind in kinds]
        roots += [ports()[kind].mask for kind in kinds if ports()[kind].mask[1] not in ("keep", "drop", "_is_word")]
        trains = self.beside_outputs == "train()"
        self.trained = [one for one in self.plan.trainings if trains]
        for training in self.trained:
            if training.optimizer not in optimizers():
                raise NotScriptable(f"a script in torch does not carry the optimizer {training.optimizer}")
            roots += [optimizers()[training.optimizer], ("optimizers", "prepare")]
        roots += [("losses", "loss")] if any(ports()[kind].is_loss for kind in kinds) else []
        self.texts, self.carried = self.carrier.carry(list(dict.fromkeys(roots)))
        self.names = Names([*self.carried.values(), *(NAMES & set(self.layers) if self.beside_outputs else ())])
        for name in [*self.plan.inputs, *self.layers, *(node for node, _ in self.plan.graph)]:
            self.names(name)
        self.weight_names = {name: self.names.fresh(f"{name}_weights") for name in self.layers}
        self.parameter_names = {name: self.names.fresh(f"{name}_p") for name in self.layers}
        mapped = [name for name in self.layers if self.beside_outputs and self.native.get(name)]
        self.states = {name: self.names.fresh(f"{name}_state") for name in mapped}
        """Of layers whose weights are mapped in each run, so that gradients go through the mapping."""

    def body(self) -> Body:
        writer = GraphWriter(self.evidence, self.lane, self, self.names, returns_masks=False)
        graph = writer.function()
        graph[1:1] = [f"    {line}" for name in self.states for line in self._parameters(name)]
        helpers = self._decided()
        rows = "".join(f'    "{kind}": {self._function(kind)},\n' for kind in self.kinds)
        table = f"PORTS = {{\n{rows}}}\n"
        self.makes_configs = any(
            "Config(" in text and not text.startswith(("class Config", "def _attributes")) for text in helpers
        )
        optimizing = [self.function(training.optimizer) for training in self.trained]
        optimizing += ["prepare"] if self.prepares else []
        spoken_of = [*graph, "Parameters", *optimizing, "Config" if self.makes_configs else ""]
        helpers = pruned([*helpers, table], "\n".join(spoken_of))
        self.spoken = set(re.findall(r"\w+", "\n".join([*helpers, *graph])))
        lines: list[str] = []
        for name, spec in self.layers.items():
            lines += self._layer(name, spec)
        states = [f"{self._state(name)}.clear()" for name in self.layers]
        has_rows = any(map(self.plan.holds_arrays, self.plan.inputs))
        tensor = "torch.from_numpy(array.copy())"
        has_texts = any(spec.dtype == "string" for spec in self.plan.inputs.values())
        value = f'array if array.dtype.kind in "OU" else {tensor}' if has_rows or has_texts else tensor
        imports = sorted(
            line for line in self.carrier.imports if not line.startswith(("from typing", "import torch.nn"))
        )
        argument = f"{{name: {value} for name, array in %s.items()}}"
        needs_functional = any(re.search(r"\bF\.", text) for text in [*helpers, *graph])
        return Body(
            imports=(
                *(line for line in imports if "torch" not in line),
                *([] if self.makes_configs else ["from types import SimpleNamespace"]),
                "",
                "import numpy as np",
                "import torch",
                *(["import torch.nn.functional as F"] if needs_functional else []),
                *(line for line in imports if "torch" in line and line != "import torch"),
            ),
            helpers=(*helpers, *writer.helpers.values()),
            build=(*lines, ""),
            call=("", *graph, "", "", *self._more(argument)),
            argument=argument,
            to_numpy="value.detach().numpy()",
            mask="",
            names=self.names,
            before_run=tuple(states) if len(self.plan.runs) > 1 else (),
            has_hidden=len(returned(self.plan)) > len(self.plan.observed),
            beside_outputs=self.beside_outputs,
        )

    def _more(self, argument: str) -> list[str]:
        """The function that `more` calls."""
        again = tuple(f"{self._state(name)}.clear()" for name in remembering(self.plan))
        if self.beside_outputs == "train()":
            return torch_training(
                self.plan, self.names, self._held, self.weight, argument, again, self.native, self.failure, self
            )
        return torch_gradients(self.evidence, self.names, self._held, argument, again) if self.beside_outputs else []

    def _state(self, layer: str) -> str:
        return self.states.get(layer, f"{self.parameter_names[layer]}.state")

    def _held(self, layer: str, weight: str) -> str:
        return f'{self.weight_names[layer]}["{weight}"]'

    def _decided(self) -> list[str]:
        """The carried functions without what arguments decide, where no code makes layers with others."""
        optimized = _agreed([{"type": one.optimizer, **one.full} for one in self.trained])
        texts = [folded(text, "config", optimized) if "config." in text else text for text in self.texts]
        if any("vars(" in text for text in texts):
            return texts
        agreed = _agreed([{"type": spec.type, **spec.full} for spec in self.layers.values()])
        table = next((text for text in texts if text.startswith("ACTIVATIONS = ")), "")
        activations = {"linear": "", **dict(re.findall(r'"(\w+)": ([\w.]+),', table))} if table else {}
        return [folded(text, "layer", agreed, activations) if "layer" in text else text for text in texts]

    # what trainings ask for

    @property
    def prepares(self) -> bool:
        return any(
            one.full.get(name)
            for one in self.trained
            for name in ("clipnorm", "global_clipnorm", "clipvalue", "weight_decay")
        )

    def settings(self, training: Training) -> str:
        spoken = {name for text in self._decided() for name in re.findall(r"\bconfig\.(\w+)", text)}
        given = {key: value_text(value) for key, value in training.full.items() if key in spoken}
        return f"SimpleNamespace({', '.join(f'{key}={text}' for key, text in given.items())})"

    def function(self, kind: str) -> str:
        return self.carried[optimizers()[kind]]

    def _function(self, kind: str) -> str:
        name = self.carried[ports()[kind].where]
        return f"{self.carried['losses', 'loss']}({name})" if ports()[kind].is_loss else name

    def _layer(self, name: str, spec: PlannedLayer) -> list[str]:
        """Config, weights in Keras' layout, and the same numbers as torch wants them."""
        lines = textwrap.wrap(
            f"{self.names(name)} = {self._config(spec.type, spec.full)}",
            110,
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        if spec.weights:
            rows = [
                f'    "{key}": torch.from_numpy({self.evidence.text(value, 4)}),' for key, value in spec.weights.items()
            ]
            lines += [f"{self.weight_names[name]} = {{  # as Keras has them", *rows, "}"]
        return [*lines, *([f"{self.states[name]} = {{}}"] if name in self.states else self._parameters(name))]

    def _parameters(self, name: str) -> list[str]:
        """The same numbers as torch wants them."""
        mapped = [
            f'    "{key}": {mapped.code(self._held(name, mapped.source))},'
            for key, mapped in mapped_weights(self.native, name).items()
        ]
        state = self.states.get(name, "{}")
        opening = f"{self.parameter_names[name]} = Parameters({{"
        return [opening, *mapped, f"}}, {state})"] if mapped else [f"{opening}}}, {state})"]

    def _config(self, kind: str, config: Mapping[str, Any]) -> str:
        """A layer's arguments as attributes: those of which the carried functions speak."""
        kept = {key: self._argument(value) for key, value in config.items() if key in self.spoken - {"name", "type"}}
        if self.makes_configs:
            return f'Config("{kind}", {{{", ".join(f"{key!r}: {text}" for key, text in kept.items())}}})'
        return f'SimpleNamespace(type="{kind}"{"".join(f", {key}={text}" for key, text in kept.items())})'

    def _argument(self, value: Any) -> str:
        if isinstance(value, Mapping) and "type" in value:
            return self._config(value["type"], {key: item for key, item in value.items() if key != "type"})
        if isinstance(value, list | tuple):
            items = [self._argument(item) for item in value]
            return "(" + ", ".join(items) + (",)" if len(items) == 1 else ")")
        return value_text(value)

    # what the graph asks for

    def parameters(self, layer: str) -> tuple[str, ...]:
        return ports()[self.layers[layer].type].parameters

    def call(self, layer: str, arguments: str) -> str:
        function = self._function(self.layers[layer].type)
        return f"{function}({self.names(layer)}, {self.parameter_names[layer]}, {arguments})"

    def mask_rule(self, layer: str, first: str, mask: str | None) -> str | None:
        spec = self.layers[layer]
        module, rule = ports()[spec.type].mask
        if rule == "keep":
            return mask
        if rule == "_is_word":
            return f"{first}.ne(0)" if spec.full.get("mask_zero") else None
        if rule == "drop" or (mask is None and not KINDS[spec.type].makes_mask):
            return None
        return f"{self.carried[module, rule]}({self.names(layer)}, {first}, {mask})"

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
        if weight not in self.layers[layer].weights:
            raise NotScriptable(f"{layer} has no weight {weight}")
        held = self._held(layer, weight)
        return moved(self._state(layer), weight, held) if self.layers[layer].fixed else held


def _agreed(configs: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The arguments that have one value wherever they are given."""
    values: dict[str, list[Any]] = {}
    for config in configs_of(configs):
        for key, value in config.items():
            values.setdefault(key, []).append(plain_of(value))
    return {key: found[0] for key, found in values.items() if is_same(found)}


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
