"""What one lane gave for one case, as the controller sees it: frozen values made from a lane's message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from conformance.protocol.names import REFERENCE as REFERENCE
from conformance.protocol.wire import unpack

Array = np.ndarray[Any, Any]
Ended = Literal["finished", "timeout", "crash"]


@dataclass(frozen=True, slots=True)
class OtherWeight:
    """A weight of a lane that is not the reference's: missing, unknown (then without a `key`) or of another shape."""

    layer: str
    key: str
    got: tuple[int, ...] | None = None
    wanted: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What a framework raised: in which phase (`build`, `call`, `weights`, `backward`), at which node, in its words."""

    phase: str
    type: str
    message: str
    node: str
    weight: OtherWeight | None = None
    """In phase `weights`: which one it is about."""


@dataclass(frozen=True, slots=True)
class Output:
    """One array of a node. `sensitivity` and values in float64 are there for the reference only."""

    shape: tuple[int, ...]
    dtype: str
    values: Array
    mask: Array | None
    sensitivity: Array | None = None
    precision: str = "float32"
    """Of the reference: the coarsest format by which a lane rounds on the way here (`conformance.protocol.formats`)."""


@dataclass(frozen=True, slots=True)
class Node:
    """A named node: its outputs, and whether it is one array (None) or a list of so many."""

    structure: int | None
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A shape without numbers, open axes as None, and a dtype."""

    shape: tuple[int | None, ...]
    dtype: str
    has_mask: bool | None = None
    """Whether it carries a mask; None where a lane does not say."""


@dataclass(frozen=True, slots=True)
class Functional:
    """What a functional model gave beside the eager calls of the same layers."""

    runs: tuple[Mapping[str, Node], ...] = ()
    """One mapping a run: only the nodes that are not, to the last bit, what the eager calls gave."""
    failure: Failure | None = None
    """What was raised when it was made, or called."""
    note: str = ""
    """Why the case has no such model."""
    left_out: tuple[str, ...] = ()
    """Observed nodes that are no outputs of the model, for they depend on none of its inputs."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a layer: where in the graph, what went in and came out, and the rule with its numbers."""

    node: str
    callee: str
    inputs: Any
    outputs: Any
    rule: str
    windows: Sequence[Mapping[str, Any]] = ()
    """Of the reference: where windows stand on each axis, as fields of `conformance.reference.windows.Placement`."""
    gates: Sequence[str] = ()
    """Of the reference: the blocks of the layer's kernels in their order, each by letter and name."""


@dataclass(frozen=True, slots=True)
class Direct:
    """What one method of a layer said when it was asked directly: a shape or a mask an output, or what it raised."""

    shapes: tuple[tuple[int | None, ...], ...] = ()
    masks: tuple[Array | None, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that one lane gave for one case."""

    lane: str
    adapter: str = ""
    """What kind of lane it is; cases speak of `keras` and mean every lane of that adapter."""
    ended: Ended = "finished"
    failure: Failure | None = None
    unsupported: str | None = None
    runs: tuple[Mapping[str, Node], ...] = ()
    symbolic: Mapping[str, tuple[Symbolic, ...]] = field(default_factory=dict)
    functional: Functional | None = None
    """The functional model beside; None of a lane that was asked for none."""
    params: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    native: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    gradients: Mapping[str, Output] = field(default_factory=dict)
    gradient_note: str = ""
    """Why there are no gradients."""
    gradient_failure: Failure | None = None
    """What the framework raised when it was asked for gradients, though it gave values."""
    steps: tuple[Step, ...] = ()
    longest_sum: int = 1
    exact: frozenset[str] = frozenset()
    """Of the reference: the nodes that float32 computes without rounding (`conformance.oracle.exactness`)."""
    policy: str = "float32"
    """The dtype policy that the lane ran in."""
    policies: Mapping[str, Any] = field(default_factory=dict)
    """Of the reference: what each policy of the run makes of it (`conformance.oracle.policies`)."""
    methods: Mapping[str, Mapping[str, Direct]] = field(default_factory=dict)
    """Of Keras: node to `compute_output_shape` and `compute_mask` of its layer, as they were asked directly."""
    seconds: float = 0.0
    chatter: str = ""
    detail: str = ""
    """For a timeout or a crash: how long, or how the process ended."""
    signal: str = ""
    """For a crash: the signal that ended the process, as `SIGFPE`; empty where it was none, or none that is known."""


def from_message(lane: str, adapter: str, message: Mapping[str, Any]) -> Observation:
    """The observation of a lane's message."""
    sensitivity = message.get("sensitivity", [])
    return Observation(
        lane=lane,
        adapter=adapter,
        failure=_failure(message["failure"]),
        unsupported=message["unsupported"],
        runs=tuple(
            {
                name: _node(node, sensitivity[index].get(name) if index < len(sensitivity) else None)
                for name, node in run.items()
            }
            for index, run in enumerate(message["runs"])
        ),
        symbolic={
            name: tuple(Symbolic(tuple(item["shape"]), item["dtype"], item.get("has_mask")) for item in items)
            for name, items in message["symbolic"].items()
        },
        functional=_functional(message.get("functional")),
        params=message["params"],
        weights={layer: {k: tuple(v) for k, v in held.items()} for layer, held in message["weights"].items()},
        native=message["native"],
        gradients={name: _gradient(item) for name, item in message["gradients"].items()},
        gradient_note=message["gradient_note"],
        gradient_failure=_failure(message.get("gradient_failure")),
        steps=tuple(Step(**step) for step in message["steps"]),
        longest_sum=message.get("longest_sum", 1),
        exact=frozenset(message.get("exact", ())),
        policy=message.get("policy", "float32"),
        policies=message.get("policies", {}),
        methods={
            node: {method: _direct(told) for method, told in said.items()}
            for node, said in message.get("methods", {}).items()
        },
        seconds=message.get("seconds", 0.0),
        chatter=message.get("chatter", ""),
    )


def _functional(told: Mapping[str, Any] | None) -> Functional | None:
    if told is None:
        return None
    runs = tuple({name: _node(node, None) for name, node in run.items()} for run in told["runs"])
    return Functional(runs, _failure(told["failure"]), told["note"], tuple(told.get("left_out", ())))


def _direct(told: Mapping[str, Any]) -> Direct:
    return Direct(
        shapes=tuple(tuple(shape) for shape in told.get("shapes", ())),
        masks=tuple(None if mask is None else unpack(mask) for mask in told.get("masks", ())),
        failure=_failure(told.get("raised")),
    )


def _failure(told: Mapping[str, Any] | None) -> Failure | None:
    if told is None:
        return None
    weight = told.get("weight")
    other = None
    if weight is not None:
        got, wanted = (None if weight[key] is None else tuple(weight[key]) for key in ("got", "wanted"))
        other = OtherWeight(weight["layer"], weight["key"], got, wanted)
    return Failure(told["phase"], told["type"], told["message"], told["node"], other)


def _values(packed: dict[str, Any]) -> Array:
    """The array of a lane, with NaN that signal made quiet: memory that was never written holds some.

    NumPy warns of each at its next cast, and a warning is an error here: the case would be lost, not judged.
    """
    values = unpack(packed)
    if values.dtype.kind != "f" or not (is_nan := np.isnan(values)).any():
        return values
    return np.where(is_nan, values.dtype.type(np.nan), values)


def _gradient(item: Mapping[str, Any]) -> Output:
    values = _values(item["data"])
    moved = unpack(item["sensitivity"]) if "sensitivity" in item else None
    return Output(values.shape, str(values.dtype), values, None, moved)


def _node(node: Mapping[str, Any], sensitivity: list[Any] | None) -> Node:
    return Node(
        structure=node["structure"],
        outputs=tuple(
            Output(
                shape=tuple(item["shape"]),
                dtype=item["dtype"],
                values=_values(item["data"]),
                mask=None if item["mask"] is None else unpack(item["mask"]),
                sensitivity=None if sensitivity is None else unpack(sensitivity[index]),
            )
            for index, item in enumerate(node["items"])
        ),
    )
