"""A case as plain Keras: layers as a user writes them, the functional run without numbers, then the run with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

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
from conformance.lanes.keras_ops import FIRST
from conformance.protocol.fit import PlannedFit
from conformance.protocol.names import ADAPT
from conformance.protocol.plan import PlannedLayer
from conformance.reference.catalog import KINDS
from conformance.reference.catalog import OPERATIONS as FUNCTIONS
from conformance.repro.calls import callees, calls, outermost
from conformance.repro.custom import custom_source
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.gradients import call_beside_outputs, keras_gradients
from conformance.repro.keras_fitting import NAMES as OF_FITTING
from conformance.repro.keras_fitting import keras_fits, saved_graph, saving_helpers
from conformance.repro.keras_training import IMPORTS, keras_training
from conformance.repro.literals import value_text
from conformance.repro.names import Names
from conformance.repro.operations import KERAS, arithmetic_text, index_text, operation_text
from conformance.repro.parts import Body
from conformance.repro.training import NAMES, moving_layers, returned

_OF_WEIGHTS = {"_initializer": "initializers", "_regularizer": "regularizers", "_constraint": "constraints"}
"""What an argument that holds no layer is called at its end, and Keras' module that has the classes for it."""
MASK_OF = '''\
def mask_of(x):
    """The mask that Keras attached to a tensor."""
    mask = getattr(x, "_keras_mask", None)
    if mask is None:
        raise ValueError("x carries no mask")
    return mask
'''
BINARY = '''\
class Binary(keras.initializers.Initializer):
    """Zeros and ones by position: the parity of the set bits of each entry's flat index."""

    def __call__(self, shape, dtype=None):
        bits = [bin(n).count("1") % 2 for n in range(int(np.prod(shape)))]
        dtype = getattr(dtype, "name", dtype) or "float32"
        return keras.ops.convert_to_tensor(np.reshape(bits, tuple(shape)).astype(dtype))
'''
TOLD = '''\
def told(metric, *batch, reset_state=False, **weights):
    """What a metric reports, after a reset and after a batch where there is one; an array of its own."""
    if reset_state:
        metric.reset_state()
    if batch:
        metric.update_state(*batch, **weights)
    return keras.ops.convert_to_tensor(np.array(keras.ops.convert_to_numpy(metric.result())))
'''
CALLED = '''\
class Called(keras.layers.Layer):
    """A regulariser or a constraint as a layer, which takes symbolic tensors too."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)
'''
BACKENDS = ("tensorflow", "jax", "torch", "openvino", "numpy")
"""Backends of Keras by the packages that a lane names; every one of them has NumPy too."""


def keras_body(evidence: Evidence, lane: str) -> Body:
    """The script of a lane of Keras 3, without the check. Raises NotScriptable."""
    return KerasWriter(evidence, lane).body()


def _function(kind: str, config: Mapping[str, Any]) -> str:
    """A function of `keras.ops` with the arguments of the case; the text of an einsum stands before its arrays."""
    entry = FUNCTIONS.entry(kind)
    name = ".".join(("keras.ops", entry.place, entry.name) if entry.place else ("keras.ops", entry.name))
    first = [f"{value_text(config[FIRST])}, "] if FIRST in config else []
    rest = [f", {key}={value_text(_as_tuple(value))}" for key, value in config.items() if key != FIRST]
    return f"lambda *arrays, **named: {name}({''.join(first)}*arrays, **named{''.join(rest)})"


def _compiled_with(fit: PlannedFit) -> list[str]:
    """The losses and metrics of a `fit`."""
    metrics = [name for row in (fit.metrics, fit.weighted_metrics) for names in row.values() for name in names]
    return [*fit.losses.values(), *metrics]


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value


class KerasWriter:
    def __init__(self, evidence: Evidence, lane: str) -> None:
        row = evidence.row(lane)
        self.backend = next(name for name in BACKENDS if name in row.versions)
        self.evidence, self.plan = evidence, evidence.plan
        self.layers = self.plan.layers
        self.graph = [(node, parse(text).tree) for node, text in self.plan.graph]
        held = evidence.record.lanes
        self.steps = [*held[lane].steps, *held["numpy"].steps]
        self.failure = held[lane].failure
        self.beside_outputs = call_beside_outputs(evidence, lane)
        self.helpers: dict[str, str] = {}
        self.custom: dict[str, str] = {}
        own = NAMES & set(self.layers) if self.beside_outputs else set()
        self.has_model = bool(self.plan.fits or self.plan.saved)
        self.names = Names({*own, *OF_FITTING} if self.has_model else own)
        for name in [*self.plan.inputs, *self.layers, *self.plan.models, *(node for node, _ in self.graph)]:
            self.names(name)
        moving = moving_layers(self.plan) if self.beside_outputs or len(self.plan.runs) > 1 else []
        moving += [name for name, spec in self.layers.items() if len(self.plan.fits) > 1 and spec.weights]
        self.restored = {name: self.names.fresh(f"{name}_weights") for name in dict.fromkeys(moving)}
        """Layers that move weights of their own, which every run begins with again, and the names of these."""
        self.models_made: list[str] = []
        called = {callee for _, tree in self.graph for callee in callees(tree)}
        self.compiled_with = {name for fit in self.plan.fits for name in _compiled_with(fit)} - called
        """Losses and metrics of a `fit` that the graph does not call: each compilation makes its own."""

    def body(self) -> Body:
        layers = [
            line
            for name, spec in self.layers.items()
            if name not in self.compiled_with
            for line in self._made(self.names(name), self._called(name, spec))
        ]
        symbolic, is_whole, built = self._symbolic()
        eager = self._eager(built)
        set_weights = [text for name in self.layers if name in built for text in self._set_weights(name)]
        build = [*layers, ""]
        call = []
        if self.plan.models or not is_whole:
            build += ["# shapes without numbers: this builds the layers", *symbolic, ""] if symbolic else []
        else:
            build += [
                "",
                *eager,
                "",
                "",
                "# shapes without numbers: this builds the layers",
                *self._built_by_graph(),
                "",
            ]
        if set_weights:
            call += ["# weights, in Keras' order", *set_weights, ""]
        if self.plan.models or not is_whole:
            call += ["", *eager, "", ""]
        if self.has_model:
            self._check_model(bool(symbolic))
        if self.plan.saved is not None:
            self.helpers |= {text: text for text in saving_helpers(self.plan.saved)}
            if not self.plan.saved.after:
                call += saved_graph(self.plan, self.plan.saved, self.names, self._end(is_whole))
        resets = [f"{self.names(name)}.reset_state()" for name, spec in self.layers.items() if spec.is_stateful]
        resets += [f"{self.names(name)}.set_weights({weights})" for name, weights in self.restored.items()]
        argument = "{name: keras.ops.convert_to_tensor(array) for name, array in %s.items()}"
        if any(map(self.plan.holds_arrays, self.plan.inputs)):
            argument = argument.replace("{name: ", "{name: array if array.dtype == object else ")
        return Body(
            imports=(
                "import os",
                "",
                f'os.environ["KERAS_BACKEND"] = "{self.backend}"',
                "",
                "import keras",
                "import numpy as np",
                *([IMPORTS[self.backend]] if self.beside_outputs and self.backend in IMPORTS else []),
            ),
            helpers=(*self.custom.values(), *self.helpers.values()),
            build=tuple(build),
            call=(*call, *self._more(argument, resets, is_whole)),
            argument=argument,
            before_run=tuple(resets),
            to_numpy="keras.ops.convert_to_numpy(value)",
            mask='getattr(value, "_keras_mask", None)',
            has_symbolic=bool(symbolic),
            is_lazy=self.backend == "openvino",
            names=self.names,
            has_hidden=len(returned(self.plan)) > len(self.plan.observed),
            beside_outputs=self.beside_outputs,
        )

    def _built_by_graph(self) -> list[str]:
        """The symbolic run by the function that runs with numbers too."""
        if self.has_model:
            inputs = [f'    "{self.names(name)}": {self._input(name)},' for name in self.plan.inputs]
            return ["ends = {", *inputs, "}", "symbolic = graph(**ends)"]
        inputs = [f"    {self.names(name)}={self._input(name)}," for name in self.plan.inputs]
        return ["symbolic = graph(", *inputs, ")"]

    def _end(self, is_whole: bool) -> Callable[[str], str]:
        """From an input or a node to its symbolic tensor."""
        if self.plan.models or not is_whole:
            return self.names
        return lambda name: f'ends["{self.names(name)}"]' if name in self.plan.inputs else f'symbolic["{name}"]'

    def _called(self, name: str, spec: PlannedLayer) -> PlannedLayer:
        """A layer of a model under its name in the case, for an optimiser may be told weights by their layers."""
        if not self.plan.fits or not self._class(spec.type).startswith("keras.layers."):
            return spec
        return replace(spec, config={"name": name, **spec.config})

    def _check_model(self, is_symbolic: bool) -> None:
        """Raises NotScriptable where a script would make another model than the lane."""
        if not is_symbolic:
            raise NotScriptable("nothing of this case is symbolic, so that no model has it")
        if self.plan.saved is not None and self.custom:
            raise NotScriptable(
                "a layer of one's own is loaded only where it was registered, which a script does not do"
            )
        saved = self.plan.observed if self.plan.saved is not None and not self.plan.saved.after else ()
        if any(self._is_list(Name(node)) for node in saved):
            raise NotScriptable("a script saves models whose outputs are single arrays, and one of these is a list")

    def _compiled(self, name: str) -> str:
        """A loss or a metric of a `fit`, made anew, under its own name."""
        spec = self.layers[name]
        return self.made(spec.type, {**spec.config, "name": name})

    def _more(self, argument: str, resets: list[str], is_whole: bool) -> list[str]:
        """The functions that `more` calls."""
        if self.beside_outputs and (self.plan.trainings or self.plan.fits):
            lines = []
            if self.plan.trainings:
                lines += keras_training(self.plan, self.names, argument, resets, self.backend, self.failure)
            if self.plan.fits:
                lines += keras_fits(self.plan, self.names, self._compiled, self._end(is_whole), resets)
            return lines
        return keras_gradients(self.evidence, self.names, argument, resets, self.backend) if self.beside_outputs else []

    # layers

    def made_lines(self, name: str, layer: PlannedLayer) -> list[str]:
        """What constructs a layer of the plan, which Keras names itself."""
        config = {key: value for key, value in layer.config.items() if key != "name"}
        return self._made(self.names(name), replace(layer, config=config))

    def graph_lines(self) -> list[str]:
        """The graph as a function over layers that it builds itself; arrays that no input holds are globals."""
        lines = self._eager(set(self.layers))
        arrays = [self.names(name) for name in self.plan.inputs if "__" in name]
        kept = [self.names(name) for name in self.plan.inputs if "__" not in name]
        return [f"def graph({', '.join(kept)}):", *lines[1:]] if arrays else lines

    def _made(self, name: str, layer: PlannedLayer) -> list[str]:
        """What constructs a layer, and what it learns from data."""
        config = {key: value for key, value in layer.config.items() if key != ADAPT}
        made = [f"{name} = {self.made(layer.type, config)}"]
        data = layer.config.get(ADAPT)
        return made if data is None else [*made, f"{name}.adapt(np.array({value_text(data)}))"]

    def made(self, kind: str, config: Mapping[str, Any]) -> str:
        """The call that constructs a layer, a loss or a custom layer from its arguments as written."""
        if kind in FUNCTIONS:
            return _function(kind, config)
        if kind in KINDS and KINDS[kind].offered_in == "initializers":
            rest = ", ".join(f"{key}={value_text(value)}" for key, value in config.items() if key != "shape")
            return f"lambda: keras.{kind}({rest})({value_text(_as_tuple(config['shape']))})"
        if kind in KINDS and KINDS[kind].offered_in == "random" and KINDS[kind].draws:
            given = ", ".join(f"{key}={value_text(_as_tuple(config[key]))}" for key in config if key != "seed")
            seed = self._value("seed", config.get("seed"))  # made once, for it may move on
            return f"lambda *arrays, seed={seed}: keras.{kind}(*arrays, {given}{', ' * bool(given)}seed=seed)"
        arguments = ", ".join(f"{key}={self._value(key, value)}" for key, value in config.items())
        made = f"{self._class(kind)}({arguments})"
        if kind in KINDS and KINDS[kind].offered_in in ("regularizers", "constraints"):
            self.helpers.setdefault("Called", CALLED)
            return f"Called({made})"
        return made

    def _class(self, kind: str) -> str:
        from conformance.lanes.keras_custom import CUSTOM
        from conformance.reference.catalog import KINDS
        from conformance.reference.losses import _Loss

        if kind in CUSTOM:
            self.custom.setdefault(kind, custom_source(CUSTOM[kind]))
            return kind
        if kind in KINDS and issubclass(KINDS[kind], _Loss):
            return f"keras.losses.{kind}"
        if kind in KINDS and KINDS[kind].offered_in:
            return f"keras.optimizers.{kind}" if KINDS[kind].offered_in == "schedules" else f"keras.{kind}"
        return f"keras.layers.{kind}"

    def _value(self, key: str, value: Any) -> str:
        if isinstance(value, Mapping) and "type" in value:
            arguments = {name: item for name, item in value.items() if name != "type"}
            module = next((module for suffix, module in _OF_WEIGHTS.items() if key.endswith(suffix)), None)
            if module is None:
                return self.made(value["type"], arguments)
            if value["type"] == "Binary":
                self.helpers.setdefault("Binary", BINARY)
                return "Binary()"
            inner = ", ".join(f"{name}={value_text(item)}" for name, item in arguments.items())
            return f"keras.{module}.{value['type']}({inner})"
        if isinstance(value, list | tuple):
            return "[" + ", ".join(self._value(key, item) for item in value) + "]"
        return value_text(value)

    def _set_weights(self, name: str) -> list[str]:
        """What gives a built layer its weights, in Keras' order; those of its own initialisers stay as they are."""
        spec = self.layers[name]
        if not spec.weights or (set(spec.as_built) == set(spec.weights) and name not in self.restored):
            return []
        layer = self.names(name)
        if spec.as_built and name not in self.restored:
            return [
                f"{layer}.weights[{index}].assign({self.evidence.text(value)})"
                for index, (key, value) in enumerate(spec.weights.items())
                if key not in spec.as_built
            ]
        rows = [f"    {self.evidence.text(value, 4)},  # {key}" for key, value in spec.weights.items()]
        if name not in self.restored:
            return [f"{layer}.set_weights([", *rows, "])"]
        return [f"{self.restored[name]} = [", *rows, "]", f"{layer}.set_weights({self.restored[name]})"]

    # the run without numbers

    def _input(self, name: str) -> str:
        spec = self.plan.inputs[name]
        shape = ", ".join(str(length) for length in spec.shape) + ("," if len(spec.shape) == 1 else "")
        return f'keras.Input(batch_shape=({shape}), dtype="{spec.dtype}")'

    def _symbolic(self) -> tuple[list[str], bool, set[str]]:
        """The lines of the symbolic run one by one, whether it is the whole graph, and which layers it builds."""
        if any(KINDS[spec.type].is_eager_only for name, spec in self.layers.items() if name not in self.compiled_with):
            return [], False, set()
        absent = {name for name, spec in self.plan.inputs.items() if spec.holds_arrays or not spec.shape}
        lines = [f"{self.names(name)} = {self._input(name)}" for name in self.plan.inputs if name not in absent]
        present, built = [name for name in self.plan.inputs if name not in absent], set[str]()
        for node, tree in self.graph:
            known = set(built)
            if self._is_absent(tree, absent, built):
                lines += [*self._models(tree, absent), *map(self.text, outermost(tree, built - known))]
                absent.add(node)
                continue
            lines += [*self._models(tree), f"{self.names(node)} = {self.text(tree)}"]
            present.append(node)
        shown = [node for node in self.plan.observed if node in present]
        entries = ", ".join(f'"{node}": {self.names(node)}' for node in shown)
        lines += [f"symbolic = {{{entries}}}"] if shown else []
        return (lines, not absent, built) if len(present) > len(self.plan.inputs) - len(absent) else ([], False, built)

    def _is_absent(self, tree: Tree, absent: set[str], built: set[str]) -> bool:
        """Whether a part has no symbolic value; notes the layers that are built on the way, in the order of calls."""

        def look(part: Tree) -> bool:
            return self._is_absent(part, absent, built)

        match tree:
            case Name(name):
                return name in absent
            case List(items):
                return any(list(map(look, items)))
            case Item(value, _):
                return look(value)
            case Arithmetic(_, left, right):
                return any([look(left), look(right)])
            case LayerWeight(layer, weight):
                return weight == LOSSES or layer not in built
            case Call(callee, args, kwargs):
                parts = [look(part) for part in (*args, *(value for _, value in kwargs))]
                if callee in OPERATIONS or callee in self.plan.models:
                    return any(parts)
                if any(parts) or self._class(self.layers[callee].type).startswith("keras.losses."):
                    return True
                built.add(callee)
                return False
        return False

    def _models(self, tree: Tree, absent: Collection[str] = ()) -> list[str]:
        """Models that are called for the first time here, and whose ends are not absent."""
        lines = []
        for callee in callees(tree):
            if callee in self.plan.models and callee not in self.models_made:
                spec = self.plan.models[callee]
                if any(end in absent for end in (*spec.inputs, *spec.outputs)):
                    continue
                self.models_made.append(callee)
                ends = [[self.names(name) for name in side] for side in (spec.inputs, spec.outputs)]
                texts = [side[0] if len(side) == 1 else f"[{', '.join(side)}]" for side in ends]
                lines.append(f"{self.names(callee)} = keras.Model({', '.join(texts)})")
        return lines

    # the run with numbers

    def _eager(self, built: set[str]) -> list[str]:
        lines, unbuilt = [], [name for name in self.layers if name not in built]
        for node, tree in self.graph:
            for name in [callee for callee in dict.fromkeys(callees(tree)) if callee in unbuilt]:
                unbuilt.remove(name)
                lines += self._first_call(name, tree)
            lines.append(f"{self.names(node)} = {self.text(tree)}")
        entries = [f'"{node}": {self.names(node)}' for node in returned(self.plan)]
        shown = [f"return {{{', '.join(entries)}}}"]
        if len(shown[0]) > 112:
            pairs = [f"    {entry}," for entry in entries]
            shown = ["return {", *pairs, "}"]
        parameters = ", ".join(self.names(name) for name in self.plan.inputs)
        return [f"def graph({parameters}):", *(f"    {line}" for line in [*lines, *shown])]

    def _first_call(self, name: str, tree: Tree) -> list[str]:
        weights = self._set_weights(name)
        if not weights:
            return []
        call = next(part for part in calls(tree) if part.callee == name)
        return [f"{self.text(call)}  # builds the layer, so that it can be given its weights", *weights]

    def text(self, tree: Tree) -> str:
        """An expression in Keras."""
        match tree:
            case Name(name):
                return self.names(name)
            case Constant(value):
                return value_text(value)
            case List(items):
                return "[" + ", ".join(self.text(item) for item in items) + "]"
            case Item(value, index):
                inner = self.text(value)
                inner = f"({inner})" if isinstance(value, Arithmetic) else inner
                return f"{inner}[{index_text(index, is_tensor=not self._is_list(value))}]"
            case Arithmetic(operator, left, right):
                inner_operators = [side.operator if isinstance(side, Arithmetic) else None for side in (left, right)]
                return arithmetic_text(operator, self.text(left), self.text(right), inner_operators)
            case LayerWeight(layer, weight):
                return self._weight(layer, weight)
            case Call(callee, args, kwargs):
                if callee in OPERATIONS:
                    if callee == "mask":
                        self.helpers.setdefault("mask_of", MASK_OF)
                        return f"mask_of({self.text(args[0])})"
                    return operation_text(KERAS, tree, self.text, self._holds_rows, self._helper)
                texts = [self.text(argument) for argument in args]
                if callee in self.plan.models and len(texts) > 1:
                    texts = [f"[{', '.join(texts)}]"]
                texts += [f"{key}={self.text(value)}" for key, value in kwargs]
                if callee in self.layers and KINDS[self.layers[callee].type].offered_in == "metrics":
                    self.helpers.setdefault("told", TOLD)
                    return f"told({', '.join([self.names(callee), *texts])})"
                return f"{self.names(callee)}({', '.join(texts)})"
        raise NotScriptable(f"{type(tree).__name__} cannot be written")

    def _helper(self, wish: str, source: str) -> str:
        """Every operation of Keras is an expression."""
        raise NotScriptable(f"{wish} is no expression in Keras")

    def _holds_rows(self, tree: Tree) -> bool:
        return isinstance(tree, Name) and self.plan.holds_arrays(tree.name)

    def _weight(self, layer: str, weight: str) -> str:
        if weight == LOSSES:
            return f"sum({self.names(layer)}.losses)"
        spec = self.layers[layer]
        keys = list(spec.weights)
        if weight not in keys:
            raise NotScriptable(f"{layer} has no weight {weight}")
        place = f"{self.names(layer)}.{weight}"
        if not KINDS[spec.type].weights_by_name:
            place = f"{self.names(layer)}.weights[{keys.index(weight)}]"
        if spec.fixed:  # the variable itself would change under the node's name when the layer moves it
            return f"keras.ops.copy({place})"
        return f"keras.ops.convert_to_tensor({place})"

    def _is_list(self, tree: Tree) -> bool:
        """Whether a layer's call gives several arrays, as the lanes noted of it."""
        node = tree.name if isinstance(tree, Name) else ""
        call = dict(self.graph).get(node, tree)
        if not isinstance(call, Call):
            return isinstance(call, List)
        for step in self.steps:
            if step.callee == call.callee and (not node or step.node == node):
                return bool(step.outputs) and isinstance(step.outputs[0], tuple)
        return False
