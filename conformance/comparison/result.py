"""What a comparison found: frozen data. Texts and pages are made of it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from conformance.comparison.judging import Share
from conformance.comparison.proof import Proof

State = Literal["agree", "start", "follows", "own code", "not compared"]
Kind = Literal["weights", "layer", "before", "output", "shape", "steps", "random", "mask", "gradient", "step", "lost"]
"""Where a difference starts: in a layer's weights, in the layer, in what the port computes before it or at its end, in
the shape or the number of steps that arrives, in what is drawn at random, in a mask, in training, or in a side that was
lost."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A mistake that gives the port's answer, here and on a second batch."""

    name: str
    """`Layer.mutant`, `Layer.argument=value`, or `weights.misplaced`."""
    sentence: str
    """What the port does, after "the port": `counts padding as steps`."""
    mend: tuple[str, ...] = ()
    """Lines of torch that are right."""
    others: tuple[str, ...] = ()
    """Mistakes that give the same answer to both batches."""


@dataclass(frozen=True, slots=True)
class Start:
    """One place where a difference starts: all before it agrees, or it was given the model's own activations."""

    kind: Kind
    layer: str
    """The layer of the model, by its path; of several in a row the first that has no module of its own."""
    port: str
    """The module of the port; of what it computes between two modules, the one that gets it."""
    span: tuple[str, ...]
    """The layers of the model that are computed there."""
    share: Share | None
    detail: str = ""
    cause: Cause | None = None
    types: tuple[str, ...] = ()
    gives: tuple[str, str] = ("", "")
    """Of a mask, a shape or weights: what the model has there and what the port has, in a few words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One call of a layer of the model, and what stands against it."""

    path: str
    type: str
    index: int
    depth: int
    state: State
    port: str = ""
    port_type: str = ""
    how: str = ""
    shape: tuple[int, ...] = ()
    port_shape: tuple[int, ...] = ()
    order: str = ""
    mask: str = ""
    whole: Share | None = None
    """From end to end: the port with its own activations."""
    alone: Share | None = None
    """Fed the model's own activations."""
    arrives: Share | None = None
    """What the port computes for it from the model's own activations, before it is fed."""
    judged_at: str = ""
    """For a layer without a module: where what it does is judged."""
    by_itself: str = ""
    """Why it is not compared."""
    params: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """One result of the model beside the port's."""

    name: str
    port: str
    share: Share


NEAR = 1e-2
"""Error of a result over its largest number from which on it does not rest on its layers.

It is chosen, not derived: what rounding grows to from layer to layer is what was not measured, and the answer says so.
"""


def is_explained(share: Share, why_not_measured: str) -> bool:
    """Whether layers that all agree explain an end-to-end share; by nearness where rounding was not measured."""
    return share.agrees or bool(why_not_measured and share.allowed > 0.0 and share.relative < NEAR)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole answer."""

    model: str
    port: str
    versions: Mapping[str, str]
    rows: tuple[Row, ...]
    starts: tuple[Start, ...]
    outputs: tuple[Output, ...]
    weights: tuple[Proof, ...]
    unpaired_of_port: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    rounding: str = ""
    """Why rounding was not measured; empty where it was."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    batch: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    gradients: tuple[tuple[str, str, Share], ...] = ()
    """Of a weight: its layer, its role, and how far the port's gradient lies off."""
    trained: tuple[tuple[str, str, Share], ...] = ()
    """The same of the weights after one step."""

    @property
    def first(self) -> Start | None:
        """The start that the model reaches first; None where both agree."""
        return self.starts[0] if self.starts else None

    @property
    def agrees(self) -> bool:
        """Whether no difference starts anywhere and no result lies off by more than rounding.

        Where rounding was not measured, a result is not held to the size of its numbers alone: rounding grows from
        layer to layer. There it rests on its layers, each of which was judged, and must be near.
        """
        return not self.starts and all(is_explained(output.share, self.rounding) for output in self.outputs)

    @property
    def used(self) -> float | None:
        """How far the result lies off, in multiples of what rounding explains; None where it was not measured."""
        if self.rounding or not self.outputs:
            return None
        return max(output.share.used for output in self.outputs)
