"""What every lane offers, and what it gives back. Runs in lane processes: standard library and NumPy only.

An adapter is a module with `start(options) -> Adapter`. The worker hands it one plan at a time and sends back what
`observe` returns, a mapping of built-in types:

    failure      None, or {phase, type, message, node, weight}: what the framework raised, and where; `weight` is None,
                 or {layer, key, got, wanted} of a weight that is not the reference's
    unsupported  None, or the reason why this lane cannot do the case at all
    runs         one mapping a run: node name to {structure, items: [{shape, dtype, data, mask}]}
    symbolic     node name to a list of {shape, dtype, has_mask}, with None for open axes; empty where a lane has none
    functional   None, or what a functional model gave beside the eager calls: {runs, failure, note, left_out},
                 where `runs` has only the nodes that are not, to the last bit, what the eager calls gave; `note`: why
                 there is none; `left_out`: observed nodes that are no outputs of it
    params       layer name to its number of weight scalars
    weights      layer name to {weight name: shape} in Keras' layout
    native       layer name to {own weight name: {shape, from}}
    gradients    `input x` or `layer.weight` to {data}: of the observed outputs times their cotangents, first run
    gradient_note  why there are none
    gradient_failure  None, or what the framework raised when it was asked for them, as `failure`, in phase `backward`
    steps        the calls that were made, in order: {node, callee, inputs, outputs, rule, windows, gates}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from conformance.protocol.names import EAGER, USUAL
from conformance.protocol.plan import Plan


class Unsupported(Exception):
    """What the lane cannot do; the message is the reason. Shown and counted, never a pass."""


class WeightMismatch(Exception):
    """A lane's weights are not the ones that the reference names: too many, too few or of another shape.

    `got` and `wanted` are the two shapes of the weight `key` of `layer`, where it is those that differ.
    """

    def __init__(
        self,
        message: str,
        layer: str,
        key: str = "",
        got: tuple[int, ...] | None = None,
        wanted: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(message)
        self.layer, self.key, self.got, self.wanted = layer, key, got, wanted


class Disconnected(Exception):
    """A sub-model's output needs an input that the sub-model was not given."""


@dataclass(frozen=True)
class Identity:
    """What a lane really is: read from the imported modules, not from what was asked for."""

    versions: Mapping[str, str]
    files: Mapping[str, str]
    gives_masks: bool
    """Whether masks are the framework's own answer; else they are carried along by the harness and not judged."""
    mode: str = EAGER
    """How it executes: see `conformance.lanes.options`."""
    policy: str = USUAL
    """Its dtype policy, read back from the framework."""
    remakes: tuple[str, ...] = ()
    """The ways in which it makes layers again where a plan asks for `remade` ones; see `keras_remade`."""
    chatter: str = ""
    """What its framework wrote while it was imported."""

    def to_wire(self) -> dict[str, Any]:
        """The identity in exact built-in types."""
        return {
            "versions": dict(self.versions),
            "files": dict(self.files),
            "gives_masks": self.gives_masks,
            "mode": self.mode,
            "policy": self.policy,
            "remakes": list(self.remakes),
            "chatter": self.chatter,
        }

    @classmethod
    def from_wire(cls, message: Mapping[str, Any]) -> Identity:
        """The identity of a `to_wire`."""
        return cls(**{**message, "remakes": tuple(message["remakes"])})


class Adapter(Protocol):
    identity: Identity

    def observe(self, plan: Plan) -> dict[str, Any]: ...


@dataclass
class Observing:
    """The observation that grows while a plan runs, so that what was seen before a failure is kept."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    symbolic: dict[str, Any] = field(default_factory=dict)
    params: dict[str, int] = field(default_factory=dict)
    weights: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    native: dict[str, dict[str, Any]] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    gradients: dict[str, Any] = field(default_factory=dict)
    gradient_note: str = ""
    gradient_failure: dict[str, Any] | None = None
    functional: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    unsupported: str | None = None
    methods: dict[str, Any] = field(default_factory=dict)
    """Node to what its layer said when its methods were asked directly: see `keras_methods`."""
    extra: dict[str, Any] = field(default_factory=dict)
    phase: str = "build"
    node: str = ""

    def failed(self, error: Exception) -> None:
        """Notes what was raised as this lane's answer; a run for gradients has raised it too, and it is told once."""
        if isinstance(error, Unsupported):
            self.unsupported = str(error)
            return
        self.failure, self.gradient_failure = raised(error, self.phase, self.node), None

    def failed_backwards(self, error: Exception, node: str = "") -> None:
        """Notes what was raised when gradients were asked for; it takes nothing from the values.

        `node` is where, if it was on the way forwards. Where only this lane cannot ask, there is a note and no failure.
        """
        self.gradients = {}
        if isinstance(error, Unsupported):
            self.gradient_note = str(error)
            return
        self.gradient_failure = raised(error, "backward", node)

    def as_message(self) -> dict[str, Any]:
        return {
            "failure": self.failure,
            "unsupported": self.unsupported,
            "runs": self.runs,
            "symbolic": self.symbolic,
            "params": self.params,
            "weights": self.weights,
            "native": self.native,
            "steps": self.steps,
            "gradients": self.gradients,
            "gradient_note": self.gradient_note,
            "gradient_failure": self.gradient_failure,
            "functional": self.functional,
            "methods": self.methods,
            **self.extra,
        }


def raised(error: Exception, phase: str, node: str) -> dict[str, Any]:
    """What was raised, as it travels."""
    weight = None
    if isinstance(error, WeightMismatch):
        shapes = (None if shape is None else list(shape) for shape in (error.got, error.wanted))
        weight = dict(zip(("layer", "key", "got", "wanted"), (error.layer, error.key, *shapes), strict=True))
    return {"phase": phase, "type": type(error).__name__, "message": str(error), "node": node, "weight": weight}
