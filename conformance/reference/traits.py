"""What other rooms of this house know of a layer, said once, on its class.

The judge asks whether a layer rounds, a question on the command line what its axes are called, relations what else it
can be written as, torch's lane what a user of torch would reach for. None of them knows a layer by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from .invariants import Invariant, Seen

Arithmetic = Literal["moves", "linear", "rounds"]
"""`moves`: every number of the output is one of the input's, or 0. `linear`: sums of products of inputs and weights,
exact for whole numbers. `rounds`: all else."""

Layout = Literal["", "linear", "convolution", "transposed", "depthwise", "table", "normalization", "recurrent"]
"""How torch's modules keep such a layer's weights; empty where no module of torch's keeps them as its own.

`linear`: (out, in). `convolution`: (out, in, *sizes). `transposed`: (in, out, *sizes). `depthwise`: (out, 1, *sizes),
as many groups as channels. `table`: rows as they are. `normalization`: a number a channel. `recurrent`: (gates, in) and
(gates, state), with a suffix for the way back. Source: the parameters that torch.nn documents for each module.
"""

STRAIGHT = (None, "linear", "relu")
"""Activations that only move numbers."""

Axes = tuple[str, ...]
SEQUENCE: Axes = ("steps", "channels")
FEATURES: Axes = ("steps", "features")
IMAGE: Axes = ("height", "width", "channels")
VOLUME: Axes = ("depth", "height", "width", "channels")
CHANNELS_BY_RANK: Mapping[int, Axes] = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}
"""What the axes of an input are called by how many of them a window slides over; the batch goes before them."""


@dataclass(frozen=True, slots=True)
class Native:
    """What a user of torch would reach for: `called("nn.LayerNorm")`, one name for each rank that torch tells apart.

    Where torch has no such call there is `instead`, the shortest composition that does it, as a line of torch over `x`.
    `reason` says why the call is not all that the layer is, or why torch has nothing at all.
    """

    names: tuple[str, ...] = ()
    """Names below `torch`, as a user writes them: `nn.LayerNorm`, `F.pad`."""
    instead: str = ""
    reason: str = ""


def called(*names: str, reason: str = "") -> Native:
    """torch's own modules or functions, by their names below `torch`."""
    return Native(names, reason=reason)


def composed(line: str, reason: str = "") -> Native:
    """torch has no such call: this line of torch does it."""
    return Native(instead=line, reason=reason)


def absent(reason: str) -> Native:
    """torch has nothing like it, for this reason."""
    return Native(reason=reason)


@dataclass(frozen=True, slots=True)
class Gate:
    """A block of a recurrent layer's kernels. The blocks stand in the order in which the class lists them."""

    name: str
    letter: str
    """The letter of the documentation's formula."""
    keeps: bool = False
    """Whether the gate, where it is 1, keeps the old state; else it lets the new one through."""


@dataclass(frozen=True, slots=True)
class GateOrder:
    """Gates by the words and letters of torch's documentation, in Keras' order; `order` says which of them stands at
    each place in torch's parameters.
    """

    names: tuple[str, ...]
    letters: tuple[str, ...]
    order: tuple[int, ...]

    def in_torch(self, words: Sequence[str]) -> str:
        """One word for each gate, in Keras' order, as a list in torch's."""
        return ", ".join(words[place] for place in self.order)


@dataclass(frozen=True, slots=True)
class Example:
    """A layer and inputs that it takes, as they are typed on a command line: `Conv1D(7, 3)` and `5,2`."""

    layer: str
    inputs: tuple[str, ...]


def asked(layer: str, *inputs: str) -> Example:
    return Example(layer, inputs)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The numbers that make sense for an input: its dtype, and its fill as a case writes it; None for any numbers."""

    dtype: str = "float32"
    fill: Mapping[str, Any] | None = None


class Traits:
    """What a layer's class says of itself. `arithmetic`, `native` and one of `example` and `written_as_case` have no
    default: a class without them is not registered.
    """

    arithmetic: ClassVar[Arithmetic]
    """What the layer does to numbers, with an activation that only moves them."""
    native: ClassVar[Native]
    """What torch calls it."""
    example: ClassVar[Example]
    """How it is asked in one line."""
    written_as_case: ClassVar[str] = ""
    """Why it cannot be asked in one line; empty where it can."""

    # in a port of a whole model, which compares it with modules of torch's
    also_modules: ClassVar[tuple[str, ...]] = ()
    """Modules that ports put in its place, beside those that `native` names; without `nn.`."""
    layout: ClassVar[Layout] = ""
    """How such a module keeps its weights."""
    gates_of_torch: ClassVar[GateOrder | None] = None
    """How its gates stand in torch's parameters; None where they stand as in Keras."""
    applies_function: ClassVar[bool] = False
    """Whether it is its argument `activation` and nothing else."""

    asked_within: ClassVar[Example | None] = None
    """Another layer that holds it and can be asked, where it cannot."""

    without_port: ClassVar[str] = ""
    """Why torch's lane has no port of it; empty where it has one."""

    # questions
    input_axis_names: ClassVar[Axes] = ()
    """What the axes of its inputs are called, of layers that take one number of axes and no other."""
    takes_list: ClassVar[tuple[int, int | None] | None] = None
    """Of layers that take their inputs as one list: the fewest and the most of them; None where there is no most."""
    input_names: ClassVar[tuple[str, ...]] = ()
    """What its inputs are called, where they are not called as `call` names them."""
    functions: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Arguments that are functions, said in the graph language, each with the names of what it is given."""
    is_loss: ClassVar[bool] = False
    """Whether it is a loss of labels and predictions."""

    takes_floats_alone: ClassVar[bool] = False
    """Whether it refuses integers and booleans."""
    takes_ids: ClassVar[bool] = False
    """Whether its input is ids of rows, 0 for padding."""
    positional: ClassVar[tuple[str, ...] | None] = None
    """The arguments of Keras' constructor that need no name, where the fields stand in another order."""

    # what it does with numbers, masks and weights
    draws: ClassVar[bool] = False
    """Whether it draws numbers in training whatever its arguments are."""
    trains_unasked: ClassVar[bool] = False
    """Whether a call that says nothing of `training` is one in training."""
    keeps_booleans: ClassVar[bool] = False
    """Whether true and false reach it as they are; else they are 1 and 0 where it computes."""
    makes_mask: ClassVar[bool] = False
    """Whether its output can have a mask though its input has none."""
    adds_loss: ClassVar[bool] = False
    """Whether a training adds something of its own to the loss for every call, `Layer.added_loss`."""
    without_activity_regularizer: ClassVar[str] = ""
    """Why a case cannot give it an `activity_regularizer`; empty where it can, as the base of Keras' layers can."""
    moves_weights: ClassVar[bool] = False
    """Whether it moves weights of its own in training, which no optimiser does."""
    is_ours: ClassVar[bool] = False
    """Whether Keras has no class of this name: its lane runs a custom layer of this harness."""
    offered_in: ClassVar[str] = ""
    """Keras' module that offers it, where that is neither `layers` nor `losses`: cases then write `metrics.Recall`."""
    is_eager_only: ClassVar[bool] = False
    """Whether it works on numbers alone and has no symbolic run."""
    weights_by_name: ClassVar[bool] = False
    """Whether Keras' layer has each weight as an attribute under the name that cases use."""
    initializers: ClassVar[Mapping[str, str]] = {}
    """The argument that fills a weight, where it is not called after it: `{"kernel": "depthwise_initializer"}`."""
    begins: ClassVar[Mapping[str, Any]] = {}
    """The initialiser of a weight where a case writes none and its name does not say it: `{"alpha": "Zeros"}`."""
    wrapped: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """The argument that holds the layer whose weights stand under a scope, where it is not called like the scope;
    the first that is given counts."""

    # what holds of its output whatever the rounding
    invariants: ClassVar[tuple[Invariant, ...]] = ()
    """Asked of every lane in every case, wherever the layer's call is a node (`conformance.judge.invariants`)."""

    def made_of(self, seen: Seen) -> Any:
        """Of a layer that picks or averages: the numbers of each element's window along a last axis, NaN for none.

        The output's shape and one axis more; None where the call tells too little. What a mask hides is no such number.
        """
        return None

    holds: ClassVar[Literal["", "any", "recurrent", "images"]] = ""
    """Of layers that hold another one and hand on whether they train: which they take, as `layer`, or as `layers`."""

    # recurrence
    is_recurrent: ClassVar[bool] = False
    """Whether it, or the layer inside it, runs a cell along the steps of a sequence."""
    runs_cell: ClassVar[str] = ""
    """The class name of the cell that it runs, where its arguments do not hold it."""
    gates: ClassVar[tuple[Gate, ...]] = ()

    # other ways of writing it
    is_convolution: ClassVar[bool] = False
    """Whether its kernel is (*sizes, in, out) and slides over the axes before the channels."""
    as_grouped: ClassVar[str] = ""
    """The convolution that it is with a group for every channel."""
    as_pointwise: ClassVar[str] = ""
    """The convolution over steps that it is with a kernel of one step."""
    units_last: ClassVar[bool] = False
    """Whether each unit has the same place on the last axis of every weight and of the output."""

    @classmethod
    def type_name(cls) -> str:
        """What a case writes as its `type`: Keras' class name, behind the module where another module has one too."""
        return f"{cls.offered_in}.{cls.__name__}" if cls.offered_in else cls.__name__

    @classmethod
    def draws_with(cls, config: Mapping[str, Any]) -> bool:
        """Whether it draws numbers in training with these arguments."""
        return cls.draws

    def computes(self) -> Arithmetic:
        """What the layer does to numbers with these arguments."""
        return self.arithmetic if getattr(self, "activation", None) in STRAIGHT else "rounds"

    @classmethod
    def modules(cls) -> tuple[str, ...]:
        """Modules of torch's that are made for the same, by the names of their classes."""
        named = (name.removeprefix("nn.") for name in cls.native.names if name.startswith("nn."))
        return tuple(dict.fromkeys((*named, *cls.also_modules)))

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        """Lines of torch that compute what the layer does with these arguments of Keras', masks included; empty where
        there is no one line. `size` is the length of the last axis of its first weight, 0 without weights.
        """
        return ()

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        """Words for the axes of an input of so many axes, the batch left out; fewer where there are no words."""
        return {1: ("features",), 2: FEATURES, 3: IMAGE}.get(rank, ("time", *IMAGE))

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        """The numbers that make sense for an input of this name; `shapes` are those of all inputs by name."""
        return Drawn()
