"""The small parts of a record: an array, how far it lies off, one difference, what was raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from typing_extensions import TypeAliasType

from conformance.diagnose.cause import Kind
from conformance.form import ABSENT, CONFIG, Count, Nested, Number, from_json, nested
from conformance.judge.budget import Tier
from conformance.judge.verdict import Aspect

Phase = Literal["build", "weights", "call", "backward", "model"]
Shape = tuple[Count, ...]
OpenShape = tuple[Count | None, ...]
"""The lengths of axes before there are numbers; None where any length will do."""


@dataclass(frozen=True, slots=True)
class OtherWeightRecord:
    """A weight of a lane that is not the reference's."""

    __pydantic_config__ = CONFIG

    layer: str
    """The layer that holds it."""
    key: str
    """Its name in Keras' layout; empty where the reference knows no such weight."""
    got: tuple[int, ...] | None
    """Its shape in the lane, where it is another one; else null."""
    wanted: tuple[int, ...] | None
    """Its shape in the reference, where the lane's is another one; else null."""


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """What a framework raised."""

    __pydantic_config__ = CONFIG

    phase: Phase
    """When: `build` before numbers flow, `weights` while the harness set them, `call` with numbers, `backward` when
    gradients were asked for, `model` when a functional model was made or called."""
    type: str
    """The exception's class."""
    message: str
    """The exception in the framework's own words, bounded."""
    node: str
    """The node of the graph, or the layer, at which it was raised; empty where none was reached."""
    weight: OtherWeightRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The weight that is not the reference's. Only there in phase `weights`."""


@dataclass(frozen=True, slots=True)
class MaskRecord:
    """A mask. Having none is not the same as having one that is true everywhere."""

    __pydantic_config__ = CONFIG

    shape: Shape
    """The mask's shape."""
    true: Count
    """How many entries are true."""
    values: Nested | None
    """The entries as 0 and 1 in nested lists; null where there are more than 64."""


@dataclass(frozen=True, slots=True)
class WorstRecord:
    """The element that used most of what it was allowed, with every term of its inequality."""

    __pydantic_config__ = CONFIG

    index: Shape
    """Where the element stands; empty in a scalar."""
    got: Number
    """What the lane gave."""
    reference: Number
    """What was wanted."""
    allowed: Number
    """The largest error that is allowed here: constant * (sensitivity + 2^-24 |reference|) + floor; under a tolerance
    of the case atol + rtol |reference|."""
    constant: Number
    """C of the budget, or rtol of a tolerance."""
    sensitivity: Number
    """S: the root mean square change of the reference when inputs and weights are rounded to float32."""
    floor: Number
    """The part that does not depend on the element: 8 * 2^-24 max|reference|, or atol of a tolerance."""


@dataclass(frozen=True, slots=True)
class DistanceRecord:
    """How far an array lies from what was wanted, in multiples of what it was allowed."""

    __pydantic_config__ = CONFIG

    used: Number
    """Largest error over allowed error; 1 is the limit."""
    over: Count
    """Elements over the limit."""
    count: Count
    """Elements compared."""
    largest: Number
    """Largest absolute error."""
    worst: WorstRecord | None
    """The element that used most of what it was allowed; null for an empty array."""
    rms: Number
    """Root mean square of the errors, in roundings of float32."""
    mean: Number
    """Mean of the signed errors, in the same unit: what does not cancel, rounding does not make."""


@dataclass(frozen=True, slots=True)
class ExpectedErrorRecord:
    """An error that must happen."""

    __pydantic_config__ = CONFIG

    phase: Literal["build", "call", "any"]
    """In which phase."""
    lanes: tuple[str, ...]
    """In which lanes; all when empty."""
    contains: str
    """Text that the message must hold."""


def _evidence(value: Any) -> Any:
    """Evidence from JSON: an object is what its fields say, all else nested numbers and texts."""
    if not isinstance(value, dict):
        return nested(value)
    for kind in (MaskRecord, FailureRecord, ExpectedErrorRecord):
        needed = {field.name for field in fields(kind) if not field.metadata.get("is_absent_where_none")}
        if needed <= value.keys() <= {field.name for field in fields(kind)}:
            return from_json(kind, value)
    raise ValueError("must be a mask, an error, or nested numbers")


Evidence = TypeAliasType("Evidence", Annotated[Any, BeforeValidator(_evidence), WithJsonSchema({})])
"""What a finding sets against each other, as its kind has it: a shape, a dtype, a mask (`MaskRecord`), an index with
its value, a number, an error (`FailureRecord`, `ExpectedErrorRecord`), a text, or nothing."""


def _between(nodes: tuple[str, ...] | None, node: str) -> tuple[str, ...]:
    """The nodes of a claim, also of files in which one text names them."""
    return nodes if nodes is not None else tuple(node.split(", "))


@dataclass(frozen=True, slots=True)
class DirectRecord:
    """What one method of a layer said when it was asked directly."""

    __pydantic_config__ = CONFIG

    shapes: tuple[OpenShape, ...] | None = field(default=None, metadata=ABSENT)
    """Of `compute_output_shape`: the shape of each output, open axes as null."""
    masks: tuple[MaskRecord | None, ...] | None = field(default=None, metadata=ABSENT)
    """Of `compute_mask`: the mask of each output, null where it has none."""
    failure: FailureRecord | None = field(default=None, metadata=ABSENT)
    """What the method raised instead."""


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """One difference: which aspect, where, what was wanted, what came."""

    __pydantic_config__ = CONFIG

    aspect: Aspect
    """The aspect that differs."""
    kind: str
    """Which sort of difference within the aspect: `shape`, `symbolic`, `raised`, `did_not_raise`, `other_error`,
    `only_reference_raised`, `reference_lost`, `missing`, ..."""
    node: str
    """The node (`name`, or `name[i]` of a list), weight, layer or gradient; empty for the case as a whole."""
    run: Count
    """Which run of the case, from 0."""
    wanted: Evidence
    """What was wanted, as the kind has it: a shape, a dtype, a mask, an index with its value, a number, an error. Null
    where `distance` says it."""
    got: Evidence
    """What the lane gave, as `wanted`."""
    wanted_by: str
    """Who wants it: `reference`, `case` (its `expect`), `claim`, `symbolic run`, or the name of another lane."""
    distance: DistanceRecord | None
    """For values and gradients: how far they lie apart; else null."""
    nodes: tuple[str, ...] | None = field(default=None, metadata=ABSENT)
    """Of a claim: the two nodes between which it does not hold. Only there for one; older files have them in `node`."""

    @property
    def between(self) -> tuple[str, ...]:
        """The nodes of a claim; none of another finding."""
        return _between(self.nodes, self.node) if self.aspect == "claims" else ()


@dataclass(frozen=True, slots=True)
class PairRecord:
    """Two lanes side by side."""

    __pydantic_config__ = CONFIG

    first: str
    """One lane."""
    second: str
    """The other."""
    finding: FindingRecord | None
    """The first difference between the two; null where they agree or cannot be compared."""
    used: Number | None
    """The largest share of the budget; null where nothing could be compared."""
    over: Count
    """Elements over what two float32 lanes are allowed."""
    count: Count
    """Elements compared."""
    largest: Number
    """Largest absolute difference."""


@dataclass(frozen=True, slots=True)
class SummaryRecord:
    """An array in five numbers."""

    __pydantic_config__ = CONFIG

    min: Number | None
    """Smallest finite element. Null where there is none."""
    max: Number | None
    """Largest finite element. Null where there is none."""
    mean: Number | None
    """Mean of the finite elements. Null where there is none."""
    nan: Count
    """Elements that are NaN."""
    inf: Count
    """Elements that are infinite."""


@dataclass(frozen=True, slots=True)
class ElementRecord:
    """One of the worst elements of an array."""

    __pydantic_config__ = CONFIG

    index: Shape
    """Where it stands."""
    got: Number
    """What the lane gave."""
    reference: Number
    """What the reference has."""
    error: Number
    """The absolute error."""
    allowed: Number
    """The error that is allowed."""
    used: Number
    """Error over allowed error."""


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What one lane gave for one node in one run."""

    __pydantic_config__ = CONFIG

    shape: Shape
    """The array's shape."""
    axes: tuple[str, ...]
    """A name for each axis where the case gives one; empty strings elsewhere."""
    symbolic: OpenShape | None
    """The shape that the symbolic run promised; null where the lane has none."""
    dtype: str
    """The array's dtype; the reference's float64 stands as float32."""
    mask: MaskRecord | None
    """The mask that the lane attached. Lanes without masks of their own have what the harness carried along, which is
    not judged."""
    summary: SummaryRecord
    """The array in five numbers."""
    values: Nested | None
    """The elements; null where there are more than 64."""
    distance: DistanceRecord | None
    """How far from the reference; null for the reference itself and where nothing could be compared."""
    tier: Tier
    """How strictly the values are judged: to the last bit, by the derived budget, or by the tolerance that the case
    states."""
    worst: tuple[ElementRecord, ...]
    """Up to ten elements that are over the budget, or further from the values that the case states than it allows,
    worst first."""
    not_judged: Literal["allows_every_answer", "random"] | None = field(default=None, metadata=ABSENT)
    """Why the values are not judged: zeros, the answer doubled and the answer to another draw would all be within what
    is allowed; or they are drawn at random, and others in every lane. Only there where they are not."""


@dataclass(frozen=True, slots=True)
class GradientRecord:
    """One gradient."""

    __pydantic_config__ = CONFIG

    shape: Shape
    """Its shape."""
    distance: DistanceRecord
    """How far it lies from the reference's."""
    not_judged: Literal["allows_every_answer"] | None = field(default=None, metadata=ABSENT)
    """Why it is not judged: zeros and the gradient doubled would both be within what is allowed, as at a kink or a tie,
    where a gradient is a convention. Only there where it is not."""
    convention: Literal["left", "right", "shared", "zero", "one", "mixed"] | None = field(default=None, metadata=ABSENT)
    """Which gradient the lane takes at a kink or a tie. Only there for a case that stands at one."""


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """How the windows of a layer lie on one axis: so many of them, over its steps and their padding."""

    __pydantic_config__ = CONFIG

    length: int
    """Steps of the axis."""
    size: int
    """Steps that a window reads."""
    stride: int
    """Steps from one window to the next."""
    dilation: int
    """Steps from one that a window reads to the next."""
    left: int
    """Steps of padding before the axis."""
    right: int
    """Steps of padding after it."""
    count: int
    """How many windows there are."""
    writes: bool | None = field(default=None, metadata=ABSENT)
    """True where each step of the input writes a window of the output: then the axis is the output's, and what is
    padding elsewhere is cut off. Only there where it is so."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One call of a layer."""

    __pydantic_config__ = CONFIG

    node: str
    """The node being computed."""
    callee: str
    """The layer that is called."""
    inputs: Nested
    """Shapes of the arguments."""
    outputs: Nested
    """Shape or shapes of the result."""
    rule: str
    """How the output's shape follows, with its numbers filled in; only the reference says it."""
    windows: tuple[WindowRecord, ...] | None = field(default=None, metadata=ABSENT)
    """Where windows stand, axis by axis; only the reference says it."""
    gates: tuple[str, ...] | None = field(default=None, metadata=ABSENT)
    """The blocks of the layer's kernels in their order, by letter and name; only the reference says it."""


@dataclass(frozen=True, slots=True)
class DivergenceRecord:
    """Where a difference starts: a node that differs although everything that goes into it agrees."""

    __pydantic_config__ = CONFIG

    node: str
    """The node."""
    inputs: tuple[str, ...]
    """What goes into it."""
    step: int | None
    """The first step of the sequence that differs; null where it is no sequence."""
    gate: str = ""
    """Of a recurrent layer: the gates that hold the fault, in words; empty where they cannot be told."""
    is_fed: bool = False
    """Whether it shows only when the reference's activations are given in place of the lane's."""


@dataclass(frozen=True, slots=True)
class BlameRecord:
    """A mistake that would give a lane's answer."""

    __pydantic_config__ = CONFIG

    does: str
    """What somebody does who makes it, in words that follow `one who`."""
    name: str
    """`Layer.mutant`, or `Layer.argument=value`; empty for a place in the graph or a slip in a formula."""
    node: str
    """Where, if it explains one node alone; else empty."""


@dataclass(frozen=True, slots=True)
class CauseRecord:
    """Why a lane differs."""

    __pydantic_config__ = CONFIG

    kind: Kind
    """What sort of cause: a mistake, one at each of several nodes, a slip in a formula, a change of the values; one
    that gradients alone show; a mistake after which the same error is raised; none that is known."""
    mistakes: tuple[BlameRecord, ...]
    """The mistakes that would give this answer; several where the case cannot tell them apart."""
    change: str
    """The change of the reference's values that gives it; empty where there is none."""
    is_confirmed: bool
    """Whether the cause gave the lane's answer to another draw of inputs and weights too; else it is consistent with
    what was seen."""


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A small block of two arrays, in numbers."""

    __pydantic_config__ = CONFIG

    row: Count
    """Its first row."""
    column: Count
    """Its first column."""
    got: tuple[tuple[Number, ...], ...]
    """What the lane gave, row by row."""
    reference: tuple[tuple[Number, ...], ...]
    """What was wanted, row by row."""
    over: tuple[str, ...]
    """A string a row: 1 for an element over its limit, else 0. Empty for two shapes."""


@dataclass(frozen=True, slots=True)
class LayoutRecord:
    """How an array is laid out as a rectangle."""

    __pydantic_config__ = CONFIG

    shape: Shape
    """Its shape."""
    split: Count
    """How many of its first axes are the rows."""


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """Two arrays laid out as rectangles, cut to a window around the worst element, or each to its first window where
    their shapes differ: a character a cell.
    """

    __pydantic_config__ = CONFIG

    node: str
    """The node, or the input or weight whose gradient it is; of a claim both nodes: the second is held against the
    first."""
    run: Count
    """The run, from 0."""
    aspect: Aspect
    """The aspect that differs: values, special, mask, gradient, weights, shape or claims."""
    nodes: tuple[str, ...] | None = field(default=None, kw_only=True, metadata=ABSENT)
    """Of a claim: both nodes. Only there for one; older files have them in `node`."""
    wanted_by: Literal["case", "claim"] | None = field(default=None, kw_only=True, metadata=ABSENT)
    """Who wanted the other array, where it is not the reference's: the case states it, or a claim names the node."""
    shape: Shape
    """The whole array's shape."""
    split: Count
    """How many of its first axes are the rows; the others are the columns."""
    other: LayoutRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """How the wanted array is laid out. Only there where its shape is another."""
    row: Count
    """The first row of the window."""
    column: Count
    """The first column of the window."""
    low: Number
    """The lowest finite number of both arrays in the window: where level 0 begins."""
    high: Number
    """The highest: where level b ends."""
    largest: Number
    """The largest finite error in the window: where level 6 of an error ends."""
    got: tuple[str, ...]
    """What the lane gave, a string a row: levels 0 to b, n for NaN, + and - for the infinities."""
    reference: tuple[str, ...]
    """What was wanted, in the same way."""
    error: tuple[str, ...]
    """How far they are apart: 0 where it is allowed, else 1 to 6 in sixths of the largest error. Empty for two
    shapes."""
    block: BlockRecord
    """The first block that holds an element over its limit, in numbers; of two shapes the first of each."""

    @property
    def between(self) -> tuple[str, ...]:
        """The nodes of a claim; the one node of another picture."""
        return _between(self.nodes, self.node) if self.wanted_by == "claim" else (self.node,)


@dataclass(frozen=True, slots=True)
class NativeWeightRecord:
    """One weight of a lane's own."""

    __pydantic_config__ = CONFIG

    shape: Shape
    """Its shape."""
    made_of: Annotated[str, Field(alias="from")] = field(metadata={"named": "from"})
    """How it is made of a Keras weight: a line of torch that can be pasted."""
    source: str | None = field(default=None, metadata=ABSENT)
    """The Keras weight that it is made of."""
    steps: Nested | None = field(default=None, metadata=ABSENT)
    """What is done with that weight, in order: the name of each step and its arguments."""


@dataclass(frozen=True, slots=True)
class DeviationRecord:
    """A listed deviation, as far as a record keeps it."""

    __pydantic_config__ = CONFIG

    id: str
    """Its id."""
    kind: str
    """`bug`, `upstream`, `by design` or `ours to do`."""
    reason: str
    """Why it is as it is."""
    link: str
    """Where it is reported; may be empty."""
    owner: str
    """Who looks at it when it expires."""
    expires: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The date by which somebody should look at it again."""
    position: str
    """The file, line and column where it is listed."""


Weights = Mapping[str, Mapping[str, Shape]]
"""Layer to its weights' shapes in Keras' layout, by name."""
