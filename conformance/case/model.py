"""What a case is: frozen values, made by `load`, read by every later stage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from conformance.errors import Position

Axis = int | str
"""A length, or an expression over named axes and matrix values: `7`, `steps`, `ceil(steps / 2)`."""

Phase = Literal["build", "call", "any"]
"""`build`: before numbers flow (constructor, symbolic shapes). `call`: with numbers. `any`: either."""


_OF_WEIGHTS = ("_initializer", "_regularizer", "_constraint")
"""How arguments end whose values are no layers, though they have a `type`."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the question or the expected values come from; `reference` names the page, paper or file."""

    kind: Literal["docs", "paper", "hand", "observed", "question"]
    reference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """One array that a case feeds: its named axes, its dtype and how it is filled."""

    name: str
    shape: tuple[Axis, ...]
    dtype: str
    fill: Mapping[str, Any]
    """One key, the fill's name (`normal`, `integers`, `values`, `file`, ...), and its arguments."""


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """A layer as written: its Keras class name and the arguments that the case gives, none added."""

    name: str
    type: str
    config: Mapping[str, Any]
    position: Position


@dataclass(frozen=True, slots=True)
class HeldWeight:
    """A weight that stands in a data file beside the case file."""

    path: str
    key: str | None
    shape: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A part of the graph that can be called like a layer: from these nodes to those."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Node:
    """A named step of the graph. A name with a leading underscore is computed but not observed."""

    name: str
    expression: str
    position: Position

    @property
    def is_observed(self) -> bool:
        return not self.name.startswith("_")


@dataclass(frozen=True, slots=True)
class ExpectedNode:
    """What one node must be; None leaves that aspect to the reference."""

    position: Position
    shape: tuple[Axis, ...] | None = None
    symbolic: tuple[Axis | None, ...] | None = None
    dtype: str | None = None
    mask: Any = None
    """`"none"`, `"all"` (every entry true) or a nested list of booleans (0 and 1 are read as such)."""
    values: Any = None
    """A number or a nested list, broadcast to nothing: it must have the node's shape."""


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """An error that must happen: in these lanes (all when empty), in this phase, with this text in it."""

    position: Position
    phase: Phase = "any"
    lanes: tuple[str, ...] = ()
    contains: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement between nodes that must hold in every lane: all `same`, or all pairwise different."""

    kind: Literal["same", "differ"]
    nodes: tuple[str, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Draws:
    """A statement about what one lane drew at random for a node, that holds whatever was drawn."""

    node: str
    of: str | None = None
    """The input or node that was dropped from."""
    dropped: float | None = None
    """The share of draws that gives 0."""
    scale: float | None = None
    """What is kept is `of` times this."""
    shared: tuple[int, ...] = ()
    """Axes along which all positions share one draw."""
    own: bool = True
    """Whether positions along every other axis have draws of their own."""
    among: Mapping[str, float] = field(default_factory=dict)
    """Nodes of which each sample is one, and how likely it is that one."""
    between: tuple[str, ...] = ()
    """Two nodes between which each sample lies, on a straight line and at a place drawn uniformly."""
    parts: int = 4
    """Into how many parts of equal probability that line is divided."""
    drawn_from: Mapping[str, Any] | None = None
    """The initialiser from which each sample is drawn, a weight of its own, or the function of `keras.random`; both
    with their arguments."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Everything that a case says beforehand about the outcome."""

    nodes: Mapping[str, ExpectedNode] = field(default_factory=dict)
    params: Mapping[str, int] = field(default_factory=dict)
    """Layer name to its number of weights (scalars)."""
    weights: Mapping[str, Mapping[str, tuple[Axis, ...]]] = field(default_factory=dict)
    """Layer name to weight name to shape, in Keras' layout."""
    native_weights: Mapping[str, Mapping[str, Mapping[str, tuple[Axis, ...]]]] = field(default_factory=dict)
    """Lane to layer name to that framework's own weight name to its shape."""
    errors: tuple[ExpectedError, ...] = ()
    convention: Mapping[str, str] = field(default_factory=dict)
    """Lane to the gradient that it must take at a kink or a tie; under the empty name that of every lane."""


@dataclass(frozen=True, slots=True)
class Training:
    """Steps of an optimiser on a loss: after each, the weights of all layers that the loss reaches are observed.

    They are called `layer.weight@step`, and judged like the outputs of the first run.
    """

    optimizer: str
    """Its Keras class name."""
    config: Mapping[str, Any]
    """Its arguments as written, none added."""
    loss: str
    """The node that is minimised."""
    steps: int
    layers: tuple[str, ...]
    """The layers that the loss reaches."""
    batches: Mapping[str, tuple[str, ...]]
    """Input to the inputs that stand in its place, one a step."""
    position: Position
    finalize: bool = False
    """Whether the weights after the last step are those that a finished training leaves."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A training through `fit` or `evaluate`: what they report is observed as `fit.loss@epoch`.

    Of `fit` the weights of all layers that the outputs reach are observed as well, as `layer.weight@epoch`.
    """

    through: Literal["fit", "evaluate"]
    inputs: tuple[str, ...]
    """The inputs from which the outputs are computed."""
    loss: Mapping[str, str]
    """Output, a node, to the layer that is its loss."""
    y: Mapping[str, str]
    """Output to the input that it shall be."""
    batch_size: int
    epochs: int
    steps_per_execution: int
    loss_weights: Mapping[str, float]
    sample_weight: Mapping[str, str]
    class_weight: tuple[float, ...]
    metrics: Mapping[str, tuple[str, ...]]
    weighted_metrics: Mapping[str, tuple[str, ...]]
    optimizer: str
    """Its Keras class name; empty for `evaluate`."""
    config: Mapping[str, Any]
    """Its arguments as written, none added."""
    layers: tuple[str, ...]
    """The layers that the outputs reach."""
    position: Position


@dataclass(frozen=True, slots=True)
class Saved:
    """A case whose model is saved, and whose answers, or whose later epochs, are those of the one that is loaded."""

    form: Literal["keras", "weights", "h5"]
    written_in: str
    """The lane that wrote the file; empty where each lane writes its own."""
    path: str
    """The file that it wrote; empty where there is none."""
    sha256: str
    """Of that file; empty where it is not there yet."""
    kept: float
    """The share of the file that is there when it is loaded."""
    after: int = 0
    """The epoch of `fit` after which the model is saved, and is trained on when it is loaded; 0: it is not trained."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A tolerance that replaces the budget: both numbers, and why."""

    rtol: float
    atol: float
    reason: str


@dataclass(frozen=True, slots=True)
class Demands:
    """How strictly a case wants to be judged where it does not leave that to the harness."""

    tolerance: Tolerance | None = None
    share: float = 1.0
    """Of the derived budget that may be used, at most 1."""
    exact: frozenset[str] = frozenset()
    """Nodes that must be the reference, rounded to float32, to the last bit."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question: inputs, layers, a graph of calls, and what is expected."""

    id: str
    """`family/topic.variant`: folder, file and `id:`; matrix values are appended as `-name_value`."""
    topic: str
    question: str
    position: Position
    source: Source
    dims: Mapping[str, tuple[int, ...]]
    """Axis name to the sizes at which the case is run; all axes with several sizes have equally many."""
    dynamic: tuple[str, ...]
    """Axes that are None in the symbolic run; `batch` always is."""
    inputs: tuple[Input, ...]
    layers: tuple[LayerSpec, ...]
    graph: tuple[Node, ...]
    models: tuple[ModelSpec, ...] = ()
    trainings: tuple[Training, ...] = ()
    fits: tuple[Fit, ...] = ()
    """Trainings through `fit` or `evaluate`."""
    saved: Saved | None = None
    expect: Expectation = field(default_factory=Expectation)
    claims: tuple[Claim, ...] = ()
    draws: tuple[Draws, ...] = ()
    """Claims about what is drawn at random."""
    answer: str = ""
    """A sentence with facts in braces, `{pooled.shape}`; see `conformance.report.answer`."""
    remark: str = ""
    """One sentence for the page: where the usual answer is wrong, or true only for some versions."""
    tags: tuple[str, ...] = ()
    questions: tuple[int, ...] = ()
    """Rows of the list of user questions that this case helps to settle."""
    lanes: tuple[str, ...] = ()
    """Only these lanes run the case; all when empty."""
    weights: Mapping[str, Mapping[str, HeldWeight]] = field(default_factory=dict)
    """Layer to its weights that stand in data files; all others are drawn."""
    no_gradients: str = ""
    """Why gradients are not compared (a kink or a tie that the question is about); empty where they are."""
    no_invariants: Mapping[str, str] = field(default_factory=dict)
    """Invariants that are not asked, by name, each with the reason (`conformance.reference.invariants`)."""
    draw: Literal["spread", "integers"] = "spread"
    """How weights and unfilled inputs are drawn; `integers` are -4 to 4, on which linear layers are exact."""
    kills: tuple[str, ...] = ()
    """Mutants (`Layer.mutant`) that this case must tell from the real layer."""
    matrix: Mapping[str, Any] = field(default_factory=dict)
    tolerance: Tolerance | None = None
    budget_scale: float = 1.0
    """Of the derived budget that this case lets a lane use; at most 1."""
    exact: tuple[str, ...] = ()
    """Nodes that must be exact though the harness would allow them roundings."""
    time_limit: float | None = None
    """Seconds."""
    seed: int = 0
    """Of the draws; 0 is the gate's, another one draws every array of the case anew."""
    text: str = ""
    """The YAML of this case, as written."""
    digest: str = ""
    """Of everything that decides the outcome; the text of the question is not part of it."""

    @property
    def demands(self) -> Demands:
        """How strictly it is judged, as far as the case says so."""
        return Demands(self.tolerance, self.budget_scale, frozenset(self.exact))

    @property
    def drawn_as(self) -> str:
        """What its arrays are drawn from, beside their own names: the id, and the seed where it is another than 0.

        Arrays on which a release trained what it wrote to a file are of no seed.
        """
        is_trained_elsewhere = self.saved is not None and bool(self.saved.written_in) and self.saved.after > 0
        return f"{self.id}~{self.seed}" if self.seed and not is_trained_elsewhere else self.id

    @property
    def weights_drawn_as(self) -> str:
        """The same of its weights, which stay those of a file where a release wrote one."""
        return self.id if self.saved is not None and self.saved.written_in else self.drawn_as

    def at_seed(self, seed: int) -> Case:
        """The case with every drawn array drawn anew, under another digest; seed 0 is the case itself."""
        if seed == self.seed:
            return self
        digest = hashlib.sha256(f"{self.digest}|seed {seed}".encode()).hexdigest()
        return replace(self, seed=seed, digest=digest)

    @property
    def family(self) -> str:
        return self.id.partition("/")[0]

    @property
    def sizes(self) -> tuple[Mapping[str, int], ...]:
        """The bindings of axis names, one mapping a run."""
        runs = max((len(sizes) for sizes in self.dims.values()), default=1)
        return tuple(
            {name: sizes[run if len(sizes) > 1 else 0] for name, sizes in self.dims.items()} for run in range(runs)
        )

    @property
    def layer_types(self) -> tuple[str, ...]:
        """Layer types in the order of their first appearance, those inside wrappers included; optimisers, loops last.

        What a layer's weights are made with, penalised by or held within has a `type` too, and is no layer.
        """
        found: dict[str, None] = {}

        def visit(kind: str, config: Mapping[str, Any]) -> None:
            found.setdefault(kind)
            for key, value in config.items():
                if key.endswith(_OF_WEIGHTS):
                    continue
                for nested in value if isinstance(value, list) else [value]:
                    if isinstance(nested, Mapping) and "type" in nested:
                        visit(nested["type"], {k: v for k, v in nested.items() if k != "type"})

        for layer in self.layers:
            visit(layer.type, layer.config)
        found.update(dict.fromkeys(training.optimizer for training in self.trainings))
        found.update(dict.fromkeys(fit.optimizer for fit in self.fits if fit.optimizer))
        found.update(dict.fromkeys(fit.through for fit in self.fits))
        return tuple(found)
