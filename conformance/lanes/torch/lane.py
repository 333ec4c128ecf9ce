"""The torch lane: torch, made to compute Keras' formula. Every call goes to a port, with weights mapped as it declares.

As `torch[native]` every call goes to torch's own module or function as its users call it: see `native`.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from conformance.case.expressions import LOSSES
from conformance.imports import is_own
from conformance.lanes.torch.fitting import reports
from conformance.lanes.torch.native import NATIVE, NativeConfig, NativePort, load
from conformance.lanes.torch.operations import TorchOperations
from conformance.lanes.torch.own import own_port
from conformance.lanes.torch.own_words import own_words
from conformance.lanes.torch.penalties import activity_penalty, penalty
from conformance.lanes.torch.port import PORTS, Integers, NoParameter, Parameters, Port, applied
from conformance.lanes.torch.training import weights_after_steps
from conformance.lanes.torch.ways import Compiler, as_numpy, compiler_of, given, set_policy
from conformance.protocol.adapter import Identity, Observing, Unsupported
from conformance.protocol.carried import CarriedArrays, Value, arguments_for, remembered, with_masks
from conformance.protocol.counterparts import is_torchs
from conformance.protocol.plan import Array, Plan
from conformance.protocol.training import JUDGED_IN
from conformance.protocol.wire import pack

for _module in sorted(Path(__file__).parent.glob("*.py")):
    if _module.stem not in ("__init__", "lane", "port") and not _module.stem.startswith("transformers"):
        importlib.import_module(f"conformance.lanes.torch.{_module.stem}")


def _item(value: torch.Tensor, index: Any) -> torch.Tensor:
    """Subscripts by index tensors: torch's own slices know no negative step."""
    parts = index if isinstance(index, tuple) else (index,)
    axis = 0
    for part in parts:
        if isinstance(part, slice):
            where = torch.tensor(list(range(*part.indices(value.shape[axis]))), dtype=torch.long)
            value = torch.index_select(value, axis, where)
            axis += 1
        else:
            value = value.select(axis, part)
    return value


def _numbers(value: Any, integers: Integers) -> Any:
    """What goes into a port: integers and booleans as floats, where the port works with floats alone."""
    if isinstance(value, list | tuple):
        return [_numbers(item, integers) for item in value]
    if not isinstance(value, torch.Tensor) or value.is_floating_point() or integers == "kept":
        return value
    return value if integers == "whole" and value.dtype != torch.bool else value.to(torch.float32)


def _dtype(value: Any) -> torch.dtype:
    """The dtype of a tensor, or of the first of a list of them."""
    dtype: torch.dtype = (value[0] if isinstance(value, list | tuple) else value).dtype
    return dtype


def _mask(value: Any) -> Any:
    """Keras takes numbers for masks, and what is not 0 for real; torch's functions take booleans."""
    if isinstance(value, list | tuple):
        return [_mask(item) for item in value]
    return value != 0 if isinstance(value, torch.Tensor) and value.dtype != torch.bool else value


Cotangents = Mapping[str, tuple[Array | None, ...]]


class TorchArrays(CarriedArrays):
    """The graph verbs over torch tensors and ports."""

    operations = TorchOperations()

    def __init__(self, plan: Plan, table: Mapping[str, Port], observing: Observing) -> None:
        super().__init__(plan, observing)
        self.table = table
        self.planned = plan.layers
        self.configs = {name: NativeConfig(layer.type, layer.full, layer.config) for name, layer in plan.layers.items()}
        self.keras_weights = {
            name: {key: _tensor(array) for key, array in layer.weights.items()} for name, layer in plan.layers.items()
        }
        self.written = {name: layer.config for name, layer in plan.layers.items()}
        self.in_torch = {name: layer.in_torch for name, layer in plan.layers.items()}
        self.own: dict[str, Port] = {}
        """Ports of the user's own."""
        self.undrawn = {name for name, layer in plan.layers.items() if not layer.is_planned}
        self.memory: dict[str, dict[str, Any]] = {}
        self.compiler: Compiler | None = None
        self.added: dict[str, torch.Tensor] = {}
        """Layer to what it adds to the loss of a training, of its last call."""

    def port(self, layer: str) -> Port:
        kind = self.configs[layer].type
        if is_own(kind):
            if layer not in self.own:
                self.own[layer] = own_port(kind, self.written[layer])
            return self.own[layer]
        if is_torchs(kind):
            return own_words(kind)
        if kind not in self.table:
            raise Unsupported(_missing(self.table, kind, self.in_torch[layer]))
        return self.table[kind]

    def parameters(self, layer: str) -> dict[str, torch.Tensor]:
        """The layer's torch weights; entries whose Keras weight the layer does not have are left out."""
        given = self.keras_weights[layer]
        if is_torchs(self.configs[layer].type):
            return given
        mapped = self.port(layer).weights(self.configs[layer])
        used = {name: value for name, value in mapped.items() if value.source in given}
        tensors = {name: applied(value, given) for name, value in used.items()}
        self.observing.native[layer] = {
            name: {"shape": list(tensors[name].shape), "from": value.code(), **value.to_wire()}
            for name, value in used.items()
        }
        return tensors

    def asks_for_training(self, name: str) -> bool:
        return "training" in inspect.signature(self.port(name).call).parameters

    def call_layer(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        found = self.port(name)
        given = arguments_for(found.call, 2, args, kwargs)
        if isinstance(found, NativePort) and not found.takes_mask and given.first_mask is not None:
            raise Unsupported(f"torch's own call for {found.type} takes no mask")
        parameters = Parameters(self.parameters(name), self.memory.setdefault(name, {}))
        config = self.configs[name]
        call = found.call if self.compiler is None else self.compiler(found.call)
        args, kwargs = given.args, given.kwargs
        is_port = not (isinstance(found, NativePort) or is_torchs(config.type))
        if is_port:
            args = [_numbers(value, found.integers) for value in args]
            kwargs = {name: _mask(value) if name.endswith("mask") else value for name, value in kwargs.items()}
        try:
            output = call(config, parameters, *args, **kwargs)
        except NoParameter:
            if name not in self.undrawn:
                raise
            raise self._without_weights(name) from None
        if found.integers == "there and back":
            output = output.to(_dtype(given.args[0]))
        if found.added_loss is not None:
            self.added[name] = found.added_loss(config, output)
        activity = self.planned[name].activity_penalty
        if activity is not None:
            self.added[name] = activity_penalty(activity, output)
        if name in self.undrawn and found.weights(config):
            raise self._without_weights(name)
        self.observing.steps.append(
            {
                "node": self.observing.node,
                "callee": name,
                "inputs": [_shapes(value) for value in given.args],
                "outputs": _shapes(output),
                "rule": "",
            }
        )
        first_mask = _mask(given.first_mask) if is_port else given.first_mask
        return with_masks(output, found.mask(config, given.first, first_mask))

    def _without_weights(self, name: str) -> Unsupported:
        """Weights get their shapes from the reference: where that refuses a layer, torch has none to run it with."""
        kind = self.configs[name].type
        return Unsupported(f"the reference refuses {kind} ({name}) before its weights have shapes: torch gets none")

    def losses(self, layer: str) -> torch.Tensor:
        """What a layer adds to a loss: by its last call, and by its weights."""
        costs = self.planned[layer].penalties
        total = self.added.get(layer, torch.zeros(()))
        return sum((penalty(cost, self.keras_weights[layer][key]) for key, cost in costs.items()), start=total)

    def weight(self, layer: str, weight: str) -> Any:
        if weight == LOSSES:
            return Value(self.losses(layer))
        if weight not in self.keras_weights[layer]:
            raise ValueError(f"{layer} has no weight {weight}; it has {', '.join(self.keras_weights[layer]) or 'none'}")
        moved = remembered(self.memory.get(layer, {}), weight)
        return Value(self.keras_weights[layer][weight] if moved is None else moved)

    def item(self, value: Any, index: Any) -> Any:
        return value[index] if isinstance(value, list) else Value(_item(value.data, index))


def _shapes(nested: Any) -> Any:
    if isinstance(nested, list | tuple):
        return [_shapes(item) for item in nested]
    return [int(length) for length in getattr(nested, "shape", ())]


def _missing(table: Mapping[str, Port], kind: str, in_torch: str) -> str:
    """Why a lane has nothing for a layer, and what users of torch have in its place."""
    if table is not NATIVE:
        return f"{kind} has no port to this lane"
    return f"this lane calls nothing of torch's for {kind}" + (f": {in_torch}" if in_torch else "")


class TorchLane:
    """The adapter of the torch lane; `table` says which layers it can do."""

    def __init__(self, table: Mapping[str, Port], identity: Identity, compiler: Compiler | None = None) -> None:
        self.table = table
        self.identity = identity
        self.compiler = compiler

    def observe(self, plan: Plan) -> dict[str, Any]:
        """torch's answer: values, or what it raised."""
        observing = Observing()
        try:
            if plan.saved is not None:
                raise Unsupported("a file of Keras' is not torch's to load; torch keeps a state_dict")
            for name, layer in plan.layers.items():
                if is_own(layer.type):
                    own_port(layer.type, layer.config)  # what is missing is said before anything runs
                elif layer.type not in self.table and not is_torchs(layer.type):
                    raise Unsupported(f"{name}: {_missing(self.table, layer.type, layer.in_torch)}")
            observing.phase = "call"
            for index, run in enumerate(plan.runs):
                arrays = TorchArrays(plan, self.table, observing)
                arrays.compiler = self.compiler
                inputs = {name: _tensor(array) for name, array in run.items()}
                leaves = _leaves(arrays, inputs) if index == 0 and plan.cotangents else {}
                observing.runs.append({})
                try:
                    arrays.run(inputs)
                finally:
                    reached = [node for node in plan.observed if node in arrays.values]
                    observing.runs[-1].update({node: _observed(arrays.values[node]) for node in reached})
                if leaves:
                    _differentiate(plan.cotangents, arrays, leaves, observing)
                if index == 0 and (plan.trainings or plan.fits):
                    self._train(plan, inputs, observing)
        except Exception as error:
            observing.failed(error)
        if self.compiler is not None:
            self.compiler.reset()
        return observing.as_message()

    def _train(self, plan: Plan, inputs: Mapping[str, Any], observing: Observing) -> None:
        if self.identity.policy not in JUDGED_IN:
            raise Unsupported(f"training is judged in {' and '.join(JUDGED_IN)}, not in {self.identity.policy}")

        def fresh() -> TorchArrays:
            arrays = TorchArrays(plan, self.table, Observing())
            arrays.compiler = self.compiler
            return arrays

        is_native = self.table is NATIVE
        observing.runs[0].update(weights_after_steps(plan, fresh, inputs, observing, is_native))
        for fit in plan.fits:
            observing.runs[0].update(reports(fit, fresh(), inputs, is_native))


def _leaves(arrays: TorchArrays, inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Every float input and weight, marked so that torch follows it."""
    named = {f"input {name}": value for name, value in inputs.items()}
    for layer, held in arrays.keras_weights.items():
        named |= {f"{layer}.{key}": value for key, value in held.items()}
    return {
        name: value.requires_grad_()
        for name, value in named.items()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
    }


def _differentiate(
    cotangents: Cotangents, arrays: TorchArrays, leaves: Mapping[str, torch.Tensor], observing: Observing
) -> None:
    """One backward pass; a failure is noted and takes nothing from the values."""
    try:
        score = torch.zeros(())
        for item, cotangent in _weighted(cotangents, arrays):
            if item.requires_grad:
                wide = torch.promote_types(item.dtype, torch.float32)
                weight = torch.from_numpy(np.array(cotangent)).to(wide)
                score = score + torch.sum(item.to(wide) * weight)
        found = torch.autograd.grad(score, list(leaves.values()), allow_unused=True) if score.requires_grad else ()
        zeros = [None] * len(leaves)
        for (name, leaf), gradient in zip(leaves.items(), found or zeros, strict=True):
            dense = torch.zeros_like(leaf) if gradient is None else gradient
            observing.gradients[name] = {"data": pack(as_numpy(dense)[0])}
    except Exception as error:
        observing.failed_backwards(error)


def _weighted(cotangents: Cotangents, arrays: TorchArrays) -> Iterator[tuple[torch.Tensor, Array]]:
    """Every float output with its cotangent; raises Unsupported where shapes differ, which is judged as that."""
    for node, wanted in cotangents.items():
        items = [item.data for item in _flat(arrays.values[node])]
        if len(items) != len(wanted):
            raise Unsupported(f"{node} has {len(items)} arrays, the reference {len(wanted)}")
        for item, cotangent in zip(items, wanted, strict=True):
            if cotangent is not None:
                given = tuple(item.shape)
                if given != cotangent.shape:
                    raise Unsupported(f"{node} has shape {given}, the reference {cotangent.shape}")
                yield item, cotangent


def _tensor(array: Array) -> Any:
    return array if array.dtype.kind in "OU" else given(torch.from_numpy(np.array(array)))


def _observed(value: Any) -> dict[str, Any]:
    items = []
    for item in _flat(value):
        data, dtype = as_numpy(item.data)
        mask = None if item.mask is None else pack(item.mask.numpy())
        items.append({"shape": list(data.shape), "dtype": dtype, "data": pack(data), "mask": mask})
    return {"structure": len(value) if isinstance(value, list) else None, "items": items}


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list) else [value]


def start(options: Mapping[str, Any]) -> TorchLane:
    """The adapter over the torch that this interpreter imports."""
    torch.set_num_threads(1)
    compiler, is_native = compiler_of(options), options.get("mode") == "native"
    identity = Identity(
        versions={"torch": str(torch.__version__), "numpy": np.__version__, "python": sys.version.split()[0]},
        files={"torch": str(torch.__file__)},
        gives_masks=False,
        mode="native" if is_native else "eager" if compiler is None else f"compile={compiler.backend}",
        policy=set_policy(options.get("policy", "float32")),
    )
    return TorchLane(load() if is_native else PORTS, identity, compiler)
