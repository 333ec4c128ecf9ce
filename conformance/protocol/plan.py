"""The plan: everything that a lane needs to answer a case, drawn once and the same for every lane.

A plan is a frozen value; its arrays are read-only, and `dataclasses.replace` makes another one of it. Only `to_wire`
packs it into the built-in types that travel between processes, and only a lane's process calls `from_wire`. Standard
library and NumPy only: lane processes run this too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from conformance.case.expressions import Expression, parse
from conformance.counterpart import Counterpart, from_wire
from conformance.protocol.fit import PlannedFit
from conformance.protocol.wire import pack, unpack

Array = np.ndarray[Any, Any]
CONFIG, SAVED = "config", "saved"
"""The ways in which a plan may ask for layers made again: from their `get_config`, or saved and loaded."""
Arguments = Mapping[str, Any]
"""Arguments of a layer or an optimiser, by Keras' names, in built-in types."""


def read_only(array: Any) -> Array:
    """The array in C order, as nobody can change it; a copy where it was not so already. Of an array of arrays, each.

    Everything that a plan holds comes through here, so that a lane in this process gets the bytes that travel.
    """
    given: Array = np.asarray(array)
    if given.dtype == object:
        kept = np.empty(len(given), dtype=object)
        for index, row in enumerate(given):
            kept[index] = read_only(row)
    elif given.flags.c_contiguous and not given.flags.writeable:
        return given
    else:
        kept = np.array(given, order="C")
    kept.setflags(write=False)
    return kept


def dtype_name(array: Array) -> str:
    """What an array's dtype is called in a plan: texts of any length are `string`."""
    return "string" if array.dtype.kind == "U" else array.dtype.name


def is_stateful(config: Any) -> bool:
    """Whether a layer of this config, or one inside it, carries its state from call to call."""
    if isinstance(config, Mapping):
        return bool(config.get("stateful")) or any(is_stateful(value) for value in config.values())
    return isinstance(config, list | tuple) and any(is_stateful(value) for value in config)


@dataclass(frozen=True)
class PlannedLayer:
    """One layer of a plan, with the arrays that are its weights."""

    type: str
    """Its class in Keras, or torch's name of it: `nn.Linear`."""
    config: Arguments
    """The arguments that are written in the case."""
    full: Arguments = field(default_factory=dict)
    """All arguments, those at their defaults too."""
    weights: Mapping[str, Array] = field(default_factory=dict)
    """By name, in Keras' layout and order; those of a wrapped layer as `forward.kernel`."""
    as_built: tuple[str, ...] = ()
    """Weights that hold what a deterministic initialiser gives: Keras keeps those that it built."""
    fixed: tuple[str, ...] = ()
    """Weights that no optimiser moves."""
    penalties: Mapping[str, Arguments] = field(default_factory=dict)
    """Weight that is trained to the regulariser of what it adds to a loss: its `type` and arguments."""
    activity_penalty: Arguments | None = None
    """The regulariser of what the layer gives, likewise; None for none."""
    is_planned: bool = True
    """Whether its weights were drawn. Not so where the reference raised before it came to this layer."""
    counterparts: tuple[Counterpart, ...] = ()
    """Of a module of torch's: what Keras has in its place, for each call in the order of calls."""
    in_torch: str = ""
    """What users of torch have in its place, or why torch has nothing: for lanes of torch that have no call for it."""

    def __post_init__(self) -> None:
        _refuse_writeable(self.weights.values())

    @property
    def is_stateful(self) -> bool:
        """Whether it, or a layer inside it, carries its state from call to call."""
        return is_stateful(self.config)


@dataclass(frozen=True)
class PlannedModel:
    """A sub-model: the nodes between which it stands."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class PlannedInput:
    """An input as a symbolic run knows it."""

    shape: tuple[int | None, ...]
    """None for an axis whose length is open."""
    dtype: str

    @property
    def holds_arrays(self) -> bool:
        """Whether it is an array of arrays, which no symbolic run can have."""
        return self.dtype == "object"

    @property
    def batch_axis(self) -> int:
        """The first axis that is open, for a batch may be of any size; axis 0 where none is."""
        return self.shape.index(None) if None in self.shape else 0

    def like(self, array: Array) -> PlannedInput:
        """The same input where it holds this array: open axes stay open."""
        shape = tuple(None if old is None else int(new) for old, new in zip(self.shape, array.shape, strict=True))
        return PlannedInput(shape, dtype_name(array))


class PlannedNode(NamedTuple):
    """A node of the graph, and the expression that gives it."""

    name: str
    expression: str


@dataclass(frozen=True)
class PlannedTraining:
    """Steps of an optimiser on one loss."""

    optimizer: str
    """Its class in Keras, or its name in torch's words."""
    config: Arguments
    """The arguments that are written in the case."""
    full: Arguments
    """All arguments, those at their defaults too."""
    loss: str
    """The node that is minimised."""
    steps: int
    layers: tuple[str, ...]
    """Layers that the loss reaches: their weights are observed after each step."""
    trained: tuple[str, ...]
    """The weights that the optimiser moves, as `layer.weight`."""
    batches: Mapping[str, tuple[str, ...]]
    """Input to the inputs that take its place, one a step."""
    penalties: Mapping[str, Arguments] = field(default_factory=dict)
    """Trained weight, as `layer.weight`, to the regulariser that is added to the loss: its `type` and arguments."""
    constraints: Mapping[str, Arguments] = field(default_factory=dict)
    """Trained weight to what it is brought back to after each step: its `type` and arguments."""
    counterpart: Arguments = field(default_factory=dict)
    """Of an optimiser in torch's words: `type` and `config` of Keras' in its place, or the `reason` for none."""
    finalize: bool = False
    """Whether weights become what they are when training is over, after the last step and before they are observed."""


@dataclass(frozen=True)
class PlannedSaved:
    """How a model is saved before it answers."""

    form: str
    """`keras`, `weights` or `h5`."""
    suffix: str
    """How such a file is called."""
    kept: float = 1.0
    """The share of the file that is left when it is loaded."""
    file: bytes = b""
    """What another lane wrote; empty where this lane writes it."""
    is_wanted: bool = False
    """Whether the file shall come back with the answer."""
    after: int = 0
    """The epoch of the plan's `fit` after which it is saved with its optimiser, and loaded; 0 before any training."""


@dataclass(frozen=True)
class Plan:
    """One case, ready to be run."""

    id: str
    layers: Mapping[str, PlannedLayer]
    models: Mapping[str, PlannedModel]
    inputs: Mapping[str, PlannedInput]
    graph: tuple[PlannedNode, ...]
    """In the order in which it is computed."""
    observed: tuple[str, ...]
    """The nodes that are judged."""
    runs: tuple[Mapping[str, Array], ...]
    """Input to array, for each size of the case."""
    time_limit: float
    """Seconds that a lane may take."""
    cotangents: Mapping[str, tuple[Array | None, ...]] = field(default_factory=dict)
    """Observed node to an array for each of its float outputs, of the first run: gradients are those of the sum of
    their products. Empty where none are wanted."""
    policies: tuple[str, ...] = ()
    """The dtype policies other than float32 under which the reference is asked for."""
    trainings: tuple[PlannedTraining, ...] = ()
    fits: tuple[PlannedFit, ...] = ()
    """Trainings through `fit` or `evaluate`."""
    saved: PlannedSaved | None = None
    """Where the answers are to be those of a model that was saved and loaded."""
    remade: tuple[str, ...] = ()
    """The ways in which layers are made again before they run: CONFIG, SAVED."""
    with_model: bool = False
    """Whether a functional model is asked too, beside the eager calls, by a lane that has such."""

    def __post_init__(self) -> None:
        _refuse_writeable(array for run in self.runs for array in run.values())
        _refuse_writeable(array for arrays in self.cotangents.values() for array in arrays if array is not None)

    @cached_property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """The graph as node and parsed expression, in order."""
        return tuple((node, parse(text)) for node, text in self.graph)

    @cached_property
    def called(self) -> frozenset[str]:
        """What the graph calls; any other layer of the plan is a loss or a metric of a `fit` alone."""
        return frozenset(name for _, expression in self.expressions for name in expression.callees())

    @cached_property
    def nbytes(self) -> int:
        """The bytes of its inputs, weights and cotangents."""
        of_layers = (layer.weights.values() for layer in self.layers.values())
        of_outputs = ([array for array in arrays if array is not None] for arrays in self.cotangents.values())
        of_runs = (run.values() for run in self.runs)
        return sum(array.nbytes for arrays in (*of_layers, *of_outputs, *of_runs) for array in arrays)

    def holds_arrays(self, name: str) -> bool:
        """Whether this is an input that holds an array of arrays."""
        return name in self.inputs and self.inputs[name].holds_arrays

    @property
    def has_memory(self) -> bool:
        """Whether a layer carries its state from call to call."""
        return any(layer.is_stateful for layer in self.layers.values())

    def to_wire(self) -> dict[str, Any]:
        """The plan in exact built-in types."""
        return {
            "id": self.id,
            "layers": {name: _layer_to_wire(layer) for name, layer in self.layers.items()},
            "models": {name: [list(model.inputs), list(model.outputs)] for name, model in self.models.items()},
            "inputs": {name: [list(given.shape), given.dtype] for name, given in self.inputs.items()},
            "graph": [[node, text] for node, text in self.graph],
            "observed": list(self.observed),
            "runs": [_packed(run) for run in self.runs],
            "time_limit": self.time_limit,
            "cotangents": {
                node: [None if array is None else pack(array) for array in arrays]
                for node, arrays in self.cotangents.items()
            },
            "policies": list(self.policies),
            "trainings": [_training_to_wire(training) for training in self.trainings],
            "fits": [fit.to_wire() for fit in self.fits],
            "saved": None if self.saved is None else dict(vars(self.saved)),
            "remade": list(self.remade),
            "with_model": self.with_model,
        }

    @classmethod
    def from_wire(cls, message: Mapping[str, Any]) -> Plan:
        """The plan of a `to_wire`."""
        return cls(
            id=message["id"],
            layers={name: _layer_from_wire(layer) for name, layer in message["layers"].items()},
            models={name: PlannedModel(tuple(ins), tuple(outs)) for name, (ins, outs) in message["models"].items()},
            inputs={name: PlannedInput(tuple(shape), dtype) for name, (shape, dtype) in message["inputs"].items()},
            graph=tuple(PlannedNode(*node) for node in message["graph"]),
            observed=tuple(message["observed"]),
            runs=tuple(_unpacked(run) for run in message["runs"]),
            time_limit=message["time_limit"],
            cotangents={
                node: tuple(None if packed is None else read_only(unpack(packed)) for packed in arrays)
                for node, arrays in message["cotangents"].items()
            },
            policies=tuple(message["policies"]),
            trainings=tuple(_training_from_wire(training) for training in message["trainings"]),
            fits=tuple(PlannedFit.from_wire(fit) for fit in message["fits"]),
            saved=None if message["saved"] is None else PlannedSaved(**message["saved"]),
            remade=tuple(message["remade"]),
            with_model=message["with_model"],
        )


def _refuse_writeable(arrays: Iterable[Array]) -> None:
    if any(array.flags.writeable for array in arrays):
        raise ValueError("the arrays of a plan are read-only: see read_only")


def _packed(arrays: Mapping[str, Array]) -> dict[str, Any]:
    return {name: pack(array) for name, array in arrays.items()}


def _unpacked(packed: Mapping[str, Any]) -> dict[str, Array]:
    return {name: read_only(unpack(array)) for name, array in packed.items()}


def _layer_to_wire(layer: PlannedLayer) -> dict[str, Any]:
    return {
        "type": layer.type,
        "config": dict(layer.config),
        "full": dict(layer.full),
        "weights": _packed(layer.weights),
        "as_built": list(layer.as_built),
        "fixed": list(layer.fixed),
        "penalties": {name: dict(config) for name, config in layer.penalties.items()},
        "activity_penalty": None if layer.activity_penalty is None else dict(layer.activity_penalty),
        "counterparts": [one.to_wire() for one in layer.counterparts],
        "is_planned": layer.is_planned,
        "in_torch": layer.in_torch,
    }


def _layer_from_wire(message: Mapping[str, Any]) -> PlannedLayer:
    return PlannedLayer(
        type=message["type"],
        config=message["config"],
        full=message["full"],
        weights=_unpacked(message["weights"]),
        as_built=tuple(message["as_built"]),
        fixed=tuple(message["fixed"]),
        penalties=message["penalties"],
        activity_penalty=message["activity_penalty"],
        counterparts=tuple(from_wire(one) for one in message["counterparts"]),
        is_planned=message["is_planned"],
        in_torch=message["in_torch"],
    )


def _training_to_wire(training: PlannedTraining) -> dict[str, Any]:
    return {
        "optimizer": training.optimizer,
        "config": dict(training.config),
        "full": dict(training.full),
        "loss": training.loss,
        "steps": training.steps,
        "layers": list(training.layers),
        "trained": list(training.trained),
        "batches": {name: list(row) for name, row in training.batches.items()},
        "penalties": {name: dict(config) for name, config in training.penalties.items()},
        "constraints": {name: dict(config) for name, config in training.constraints.items()},
        "counterpart": dict(training.counterpart),
        "finalize": training.finalize,
    }


def _training_from_wire(message: Mapping[str, Any]) -> PlannedTraining:
    return PlannedTraining(
        optimizer=message["optimizer"],
        config=message["config"],
        full=message["full"],
        loss=message["loss"],
        steps=message["steps"],
        layers=tuple(message["layers"]),
        trained=tuple(message["trained"]),
        batches={name: tuple(row) for name, row in message["batches"].items()},
        penalties=message["penalties"],
        constraints=message["constraints"],
        counterpart=message["counterpart"],
        finalize=message["finalize"],
    )
