"""A case as plain NumPy: the classes of the reference that it needs, with NumPy in the place of autograd."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance import reference
from conformance.reference.base import Layer as ReferenceLayer
from conformance.reference.catalog import KINDS, OPERATIONS
from conformance.reference.optimizers import OPTIMIZERS
from conformance.repro.carry import Carrier
from conformance.repro.configs import kinds_of, strings_of
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.gradients import call_beside_outputs, numpy_gradients
from conformance.repro.graph import GraphWriter, moved
from conformance.repro.literals import value_text
from conformance.repro.names import Names
from conformance.repro.numpy_training import SLOPE, numpy_training
from conformance.repro.operations import NUMPY, index_text
from conformance.repro.parts import Body
from conformance.repro.source import Edit, Key, Module
from conformance.repro.training import NAMES, Training, remembering, returned

FOLDER = Path(str(reference.__file__ or reference.__path__[0])).parent

BASE = '''\
class LayerError(Exception):
    """These arguments or inputs have no answer."""


class Weights:
    """Weights by name: `w.kernel`; `w.within("forward")` for those of a wrapped layer. `state` outlives a call."""

    def __init__(self, arrays, state, random=None):
        self.arrays = arrays
        self.state = state
        self.random = np.random.default_rng(0) if random is None else random

    def __getattr__(self, name):
        try:
            return self.arrays[name]
        except KeyError:
            raise AttributeError(f"no weight {name}") from None

    def __contains__(self, name):
        return name in self.arrays

    def within(self, scope):
        prefix = scope + "."
        inner = {name[len(prefix) :]: value for name, value in self.arrays.items() if name.startswith(prefix)}
        return Weights(inner, self.state.setdefault(scope, {}), self.random)


@dataclass(kw_only=True)
class Layer:
    """What the layers below share: `arrays` holds the weights in Keras' layout, `state` what is kept between calls."""

    supports_masking = False

    def __post_init__(self):
        self.arrays, self.state = {}, {}
@CHECK@
    def __call__(self, *args, **kwargs):
        return self.call(Weights(self.arrays, self.state), *args, **kwargs)

    def compute_mask(self, x, mask):
        return mask if self.supports_masking else None
'''
EXACT = '''\
def exact(array):
    """Floats in float64, everything else as it is."""
    return array.astype("float64") if array.dtype.kind == "f" else array
'''
_OF_OPTIMIZERS = ("rounded", "__init_subclass__")
"""What no script needs of an optimiser: how it rounds, and how it is registered."""
_AROUND_STEPS = ("trained", "steps", "at", "summed", "share", "overwritten", "finalized", "constrained")
"""What `Optimizer` does around a step: no script says it. Layers and what they lay out have members of these names."""


def numpy_body(evidence: Evidence, lane: str) -> Body:
    """The script of the reference, without the check. Raises NotScriptable."""
    return _NumPy(evidence, lane).body()


class _NumPy:
    table = NUMPY

    def __init__(self, evidence: Evidence, lane: str) -> None:
        self.evidence, self.lane, self.plan = evidence, lane, evidence.plan
        self.layers = self.plan.layers
        self.failure = failure = evidence.record.lanes[lane].failure
        self.beside_outputs = call_beside_outputs(evidence, lane)
        is_refused = failure is not None and failure.phase == "build"
        self.checks = is_refused
        wanted = {"call", "compute_mask", "supports_masking", *(["check"] if is_refused else [])}
        wanted |= {"apply"} if self.beside_outputs == "train()" else set()
        strings = frozenset(strings_of([spec.full for spec in self.layers.values()]))
        self.carrier = Carrier(
            FOLDER,
            given={
                **dict.fromkeys(("Layer", "LayerError", "Weights", "NO_MASK", "getval", "primitive", "numpy", "np")),
                **dict.fromkeys(("Array", "Shape", "Weight", "Mutant", "arg", "make", "Any")),
            },
            strings=strings,
            members=frozenset(wanted),
            dropped=frozenset(
                {"mutants", "keras_only", "longest_sum", "rule", "weights", "check", *_OF_OPTIMIZERS} - wanted
            ),
            dropped_of={"Optimizer": frozenset(_AROUND_STEPS)},
            rewrite=_as_numpy,
            replaced={("rnn", "_constant"): "def _constant(states):\n    return states\n"},
        )
        kinds = dict.fromkeys(kind for spec in self.layers.values() for kind in kinds_of(spec.type, spec.config))
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise NotScriptable(f"the reference has no layer {unknown[0]}")
        functions = [kind for kind in kinds if kind in OPERATIONS]
        if functions:
            raise NotScriptable(
                f"{functions[0]} is an entry of conformance/reference/operations/, not a class to carry"
            )
        roots = [_class(kind) for kind in kinds]
        if self.beside_outputs == "train()" or is_refused:
            roots += [_optimizer(training) for training in self.plan.trainings]
        self.texts, self.carried = self.carrier.carry(list(dict.fromkeys(roots)))
        own = NAMES & set(self.layers) if self.beside_outputs else ()
        self.names = Names([*self.carried.values(), "LayerError", "Layer", "Weights", *own])
        for name in [*self.plan.inputs, *self.layers, *(node for node, _ in self.plan.graph)]:
            self.names(name)

    def body(self) -> Body:
        writer = GraphWriter(self.evidence, self.lane, self, self.names, returns_masks=True)
        graph = writer.function()
        build = [f"{self.names(name)} = {self.made(spec.type, spec.config)}" for name, spec in self.layers.items()]
        for name, spec in self.layers.items():
            texts = {key: self.evidence.text(value, 4) for key, value in spec.weights.items()}
            rows = [f'    "{key}": exact({text}),' for key, text in texts.items()]
            build += [f"{self.names(name)}.arrays = {{", *rows, "}"] if rows else []
        base = BASE.replace(
            "@CHECK@", "        self.check()\n\n    def check(self):\n        pass\n" if self.checks else ""
        )
        imports = ["import numpy as np", *sorted(line for line in self.carrier.imports if _is_wanted(line))]
        if "from dataclasses import dataclass" not in imports:
            imports.append("from dataclasses import dataclass")
        if self.checks and self.plan.trainings:
            build += [f"{self.optimizer(training)}.check()" for training in self.plan.trainings]
        states = [f"{self.names(name)}.state = {{}}" for name in self.layers] if len(self.plan.runs) > 1 else []
        argument = "{name: exact(array) for name, array in %s.items()}"
        more = self._more(argument)
        if any("copy." in line for line in more):
            imports.append("import copy")
        return Body(
            imports=(*sorted(imports[1:], key=lambda line: (line.startswith("from"), line)), "", imports[0]),
            helpers=(EXACT, base, *self.texts, *writer.helpers.values(), *([SLOPE] if more else [])),
            build=(*build, ""),
            call=("", *graph, "", "", *more),
            argument=argument,
            to_numpy="np.asarray(value)",
            mask="",
            names=self.names,
            before_run=tuple(states),
            masks_beside=True,
            has_hidden=len(returned(self.plan)) > len(self.plan.observed),
            beside_outputs=self.beside_outputs,
        )

    def _more(self, argument: str) -> list[str]:
        """The function that `more` calls."""
        layers = [self.names(name) for name in remembering(self.plan)]
        if self.beside_outputs == "train()":
            return numpy_training(self.plan, self.names, self.weight, argument, layers, self.failure, self.optimizer)
        again = [f"{layer}.state = {{}}" for layer in layers]
        return numpy_gradients(self.evidence, self.names, argument, again) if self.beside_outputs else []

    def optimizer(self, training: Training) -> str:
        """The call that constructs an optimiser of the reference."""
        arguments = ", ".join(f"{key}={self._value(value)}" for key, value in training.config.items())
        return f"{self.carried[_optimizer(training)]}({arguments})"

    def made(self, kind: str, config: Mapping[str, Any]) -> str:
        """The call that constructs a layer of the reference."""
        fields = {field.name for field in dataclasses.fields(KINDS[kind])}  # type: ignore[arg-type]  # made one by its base
        arguments = ", ".join(f"{key}={self._value(value)}" for key, value in config.items() if key in fields)
        return f"{self.carried[_class(kind)]}({arguments})"

    def _value(self, value: Any) -> str:
        if isinstance(value, Mapping) and "type" in value:
            return self.made(value["type"], {k: v for k, v in value.items() if k != "type"})
        if isinstance(value, list | tuple):
            items = [self._value(item) for item in value]
            return "(" + ", ".join(items) + (",)" if len(items) == 1 else ")")
        return value_text(value)

    # what the graph asks for

    def parameters(self, layer: str) -> tuple[str, ...]:
        return tuple(inspect.signature(KINDS[self.layers[layer].type].call).parameters)[2:]

    def call(self, layer: str, arguments: str) -> str:
        return f"{self.names(layer)}({arguments})"

    def mask_rule(self, layer: str, first: str, mask: str | None) -> str | None:
        kind = KINDS[self.layers[layer].type]
        if kind.takes_ids:
            return f"{first} != 0" if self.layers[layer].config.get("mask_zero") else None
        if mask is None and not kind.makes_mask:
            return None
        if kind.compute_mask is ReferenceLayer.compute_mask:
            return mask if kind.supports_masking else None
        return f"{self.names(layer)}.compute_mask({first}, {mask})"

    def item(self, value: str, index: Any) -> str:
        return f"{value}[{index_text(index, is_tensor=False)}]"

    def weight(self, layer: str, weight: str) -> str:
        if weight not in self.layers[layer].weights:
            raise NotScriptable(f"{layer} has no weight {weight}")
        held = f'{self.names(layer)}.arrays["{weight}"]'
        return moved(f"{self.names(layer)}.state", weight, held) if self.layers[layer].fixed else held


def _class(kind: str) -> Key:
    """Where the reference has the class of a layer."""
    return (KINDS[kind].__module__.rpartition(".")[2], KINDS[kind].__name__)


def _optimizer(training: Training) -> Key:
    """Where the reference has the class of an optimiser."""
    return (OPTIMIZERS[training.optimizer].__module__.rpartition(".")[2], training.optimizer)


def _is_wanted(line: str) -> bool:
    return "autograd" not in line and not line.startswith(("from typing", "from collections.abc", "import numpy"))


def _as_numpy(module: Module, node: ast.AST) -> list[Edit]:
    """`numpy` becomes `np`, `getval(x)` becomes x, `NO_MASK` None, `make(kind, config)` a construction."""
    source, edits = module.source, []
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id == "numpy":
            edits.append((*source.span(part), "np"))
        elif isinstance(part, ast.Name) and part.id == "NO_MASK":
            edits.append((*source.span(part), "None"))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "getval":
            inner = part.args[0]
            first, last = source.span(inner)
            brackets = not isinstance(inner, ast.Name)
            edits.append((source.span(part)[0], first, "(" if brackets else ""))
            edits.append((last, source.span(part)[1], ")" if brackets else ""))
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "make":
            kind, config = part.args
            assert isinstance(kind, ast.Attribute)
            edits.append(
                (source.span(part)[0], source.span(part)[1], f"{source.of(kind.value)}(**{source.of(config)})")
            )
    return edits
