"""What a reference layer is: Keras' arguments as fields, weights as shapes, and mathematics in float64.

A layer is a frozen value. Its fields are the closed schema of the YAML arguments, its docstring is the documentation,
`call` is the mathematics written with `autograd.numpy`, so that exact float64 gradients come from the same few lines.
No framework is called or translated here: the source of a formula stands in the docstring.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy

from conformance.imports import is_own

from .traits import Traits
from .values import value_class

if TYPE_CHECKING or sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:  # Python 3.10 does without; only type checkers read it

    def dataclass_transform(**_: Any) -> Callable[[Any], Any]:
        return lambda cls: cls


Array = Any
"""An `autograd.numpy` array: float64, integer or boolean."""
Shape = tuple[int, ...]
Initializer = str | Mapping[str, Any]
NO_MASK = None
"""No mask is not a mask that is true everywhere."""

Draw = Literal["kernel", "table", "bias", "scale", "variance"]
"""How a weight's values are drawn: `kernel` keeps sums of order one, `table` is of order one itself, `bias` is small
and never zero, `scale` lies around one and is never one, `variance` is positive and never one."""


class _Layers(dict[str, "type[Layer]"]):
    """Layers by class name; a path of one of the user's own leads to the class that stands for all of them."""

    def __missing__(self, kind: str) -> type[Layer]:
        if is_own(kind) and OF_ONES_OWN:
            return OF_ONES_OWN[0][0]
        raise KeyError(kind)


OF_ONES_OWN: list[tuple[type[Layer], Callable[[str, Mapping[str, Any]], Layer]]] = []
"""The class that stands for every layer of the user's own, and how one is made from its path and configuration."""
LAYERS: dict[str, type[Layer]] = _Layers()
"""Every reference layer by its type, as cases write it: its Keras class name, `Dense`, or `metrics.Recall`."""
TORCH: dict[str, type[Layer]] = {}
"""Every module and function of torch's that can be asked in torch's words, by its name: `nn.Linear`, `F.pad`."""
KINDS: ChainMap[str, type[Layer]] = ChainMap(LAYERS, TORCH)
"""Every type that a case can say, in either framework's words; `catalog` adds operations."""


class HookError(Exception):
    """A hook of a mutant raised: the mutant is broken, which is no mistake that a case could find."""


class DoesNotApply(Exception):
    """The mistake asks for arguments that the layer refuses here; there is nothing to run."""


class LayerError(Exception):
    """These arguments or inputs have no answer: the reference's way of raising where Keras documents an error."""


class Unanswerable(LayerError):
    """What has no one answer, or none that can be compared, though a framework gives one: nobody has to refuse it."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight in Keras' layout, and how its values are drawn."""

    shape: Shape
    draw: Draw = "kernel"
    is_trained: bool = True
    """Whether an optimiser moves it; moving statistics are moved by their layer."""
    value: Array | None = None
    """What the layer's own arguments make it hold: nobody draws it, and Keras keeps what it built."""


class Weights:
    """A layer's weights by name, for use in formulas: `w.kernel`; `w.within("forward")` for a wrapped layer.

    `state` is what a layer remembers between two calls of one run (stateful recurrent layers); `random` is the
    generator for layers that draw numbers in training.
    """

    def __init__(
        self,
        arrays: Mapping[str, Array],
        state: dict[str, Any] | None = None,
        random: numpy.random.Generator | None = None,
    ) -> None:
        self.arrays = arrays
        self.state: dict[str, Any] = {} if state is None else state
        self.random = numpy.random.default_rng(0) if random is None else random

    def __getattr__(self, name: str) -> Array:
        try:
            return self.arrays[name]
        except KeyError:
            raise AttributeError(f"no weight {name}") from None

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def within(self, scope: str) -> Weights:
        prefix = scope + "."
        inner = {name[len(prefix) :]: value for name, value in self.arrays.items() if name.startswith(prefix)}
        return Weights(inner, self.state.setdefault(scope, {}), self.random)


def arg(description: str, *, default: Any = MISSING, at_least: float | None = None) -> Any:
    """A field of a layer: one Keras argument, its meaning in a sentence, its default where Keras has one.

    `at_least` is part of the schema that editors see; a value below it is a mistake in the case file, unless the case
    expects an error.
    """
    metadata = {"description": description, "at_least": at_least}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A plausible mistake in a layer, as a rewrite of what goes in or comes out of the correct one.

    Each hook that is given is applied around the real layer; `mistake` completes "somebody who ...".
    """

    name: str
    mistake: str
    config: Callable[[Any], Mapping[str, Any]] | None = None
    """Layer to the arguments that are replaced."""
    weights: Callable[[Any, dict[str, Array]], Mapping[str, Array]] | None = None
    """Layer and its weights to the weights that are replaced."""
    inputs: Callable[[Any, list[Any], dict[str, Any]], tuple[list[Any], dict[str, Any]]] | None = None
    """Layer, arguments and keyword arguments (masks are in `mask`, `query_mask`, ...) to the ones used instead."""
    output: Callable[[Any, Any, list[Any]], Any] | None = None
    """Layer, correct output and arguments to the wrong output."""
    mask: Callable[[Any, Any, Any], Any] | None = None
    """Layer, correct output mask and input mask to the wrong output mask."""
    state: Callable[..., Mapping[str, Any]] | None = None
    """Layer, its weights under what it remembered before the call, what it remembers after it, and the arguments to
    what it remembers instead; asked where the call changed anything."""
    methods: Any = dataclasses.field(default_factory=dict, hash=False)
    """Name to function: methods of the layer that are replaced, for a mistake in the middle of a formula."""
    step: Callable[..., Any] | None = None
    """Of an optimiser only: what it does in place of `apply`; see `conformance.reference.optimizers`."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(arg,))
class Layer(Traits):
    """A layer of the reference. Subclasses are frozen dataclasses, registered under their class name.

    `call(w, x, ...)` takes the weights and then what Keras' `call` takes, by the same names. Where it accepts `mask`
    (or `<argument>_mask`), `training` or `initial_state`, it is given them.
    """

    keras_only: ClassVar[tuple[str, ...]] = ()
    """Arguments that Keras takes and that do not enter the mathematics (initialisers, regularisers, constraints)."""
    beside: ClassVar[Mapping[str, Any]] = {}
    """Of a layer that a case writes: what it says of `keras_only` arguments. Two layers are equal whatever it is."""
    supports_masking: ClassVar[bool] = False
    """Whether the mask of the first input is passed on; else it ends here. Overridden by `compute_mask`."""
    mutants: ClassVar[tuple[Mutant, ...]] = ()
    backwards: ClassVar[tuple[Mutant, ...]] = ()
    """Mistakes that leave every value as it is and change what flows back; tried where only gradients differ."""

    porting: ClassVar[tuple[Mutant, ...]] = ()
    """Mistakes of those who write the layer again in torch, where its modules or layouts invite to them."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        value_class(cls)
        cls.register()

    @classmethod
    def register(cls) -> None:
        """Makes the class known by the name under which a case asks for it."""
        if not cls.__name__.startswith("_"):
            LAYERS[cls.type_name()] = cls

    def asked_as(self) -> str:
        """The type under which a case asks for this layer: of the user's own, the path of its class."""
        return type(self).type_name()

    def check(self) -> None:
        """Raises LayerError for values of arguments that can never work, as Keras' constructor does."""

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        """The weights by name, in Keras' order and layout; a wrapped layer's are prefixed `name.`.

        `shapes` are the shapes (with the batch) of the positional arguments of `call`; lists where it takes lists.
        """
        return {}

    def call(self, w: Weights, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(type(self).__name__)

    def fan_axes(self, key: str, rank: int) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The axes of a weight along which the layer sums, and those of its output, where they are not (..., in, out).

        `rank` says how many axes the weight has. The lengths make up the fans of an initialiser: a number of the weight
        goes into so many sums, and out of so many.
        """
        return None

    def added_loss(self, output: Any) -> Any:
        """What a training adds to its loss for this output; asked of layers with the trait `adds_loss` alone."""
        return 0.0

    def compute_mask(self, x: Any, mask: Any) -> Any:
        """The mask of the output (a list where `call` gives several), from the first input and its mask."""
        return mask if self.supports_masking else NO_MASK

    def output_masks(self, first: Any, first_mask: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
        """The masks of one call's output: those of `compute_mask`, unless other arguments than the first decide too."""
        return self.compute_mask(first, first_mask)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        """How many terms the longest sum in one output has: it decides how much rounding may pile up."""
        return max((math.prod(w.shape[:-1]) for w in weights.values()), default=1)

    def built_within(self) -> Mapping[str, Array]:
        """How many roundings of 1 a weight that a framework builds itself may lie off, beside those of its own size.

        A sine is as far off as its angle was rounded, though it be 0. Empty where the size says it all.
        """
        return {}

    def rule(self, *shapes: Any) -> str:
        """How the output's shape follows from the input's, with the numbers filled in; empty where it is plain."""
        return ""

    def windows_on(self, *shapes: Any) -> tuple[Mapping[str, int], ...]:
        """Where windows stand on each axis that they slide over, as fields of `windows.Placement`; else none.

        Where steps of the input write windows of the output, `writes` is true and the axis is the output's. A report
        draws them. Raises LayerError where they do not fit.
        """
        return ()


def make(type: str, config: Mapping[str, Any], is_checked: bool = True) -> Layer:
    """Builds a layer, and the layers inside it, from a config as written in a case.

    Raises LayerError for a type that the reference does not know and, unless not `is_checked`, for values that cannot
    work.
    """
    if is_own(type) and OF_ONES_OWN:
        return OF_ONES_OWN[0][1](type, config)
    if type not in KINDS:
        raise LayerError(f"the reference has no layer {type}")
    kind = KINDS[type]
    fields = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]  # made one by __init_subclass__
    layer = kind(**{name: _nested(value, is_checked) for name, value in config.items() if name in fields})
    if beside := {name: config[name] for name in kind.keras_only if name in config}:
        layer.__dict__["beside"] = beside  # a frozen value, made here and nowhere else
    if is_checked:
        layer.check()
        check_bounds(layer)
    return layer


def check_bounds(layer: Layer) -> None:
    """Raises LayerError for a number below what its argument allows; a case may say one where it expects an error."""
    for field in _fields(layer):
        at_least, value = field.metadata.get("at_least"), getattr(layer, field.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if at_least is not None and any(isinstance(n, int | float) and n < at_least for n in numbers):
            raise LayerError(f"{field.name} must be at least {at_least:g}, not {value}")


def _nested(value: Any, is_checked: bool) -> Any:
    if isinstance(value, Mapping) and "type" in value:
        return make(value["type"], {k: v for k, v in value.items() if k != "type"}, is_checked)
    if isinstance(value, list):
        return tuple(_nested(item, is_checked) for item in value)
    return value


def full_config(layer: Layer) -> dict[str, Any]:
    """All arguments of a layer as plain values, defaults filled in; wrapped layers as `{"type": ..., ...}`."""

    def plain(value: Any) -> Any:
        if isinstance(value, Layer):
            return {"type": value.asked_as(), **full_config(value)}
        if isinstance(value, tuple | list):
            return [plain(item) for item in value]
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return value

    written = getattr(layer, "written", None)
    if written is not None:  # a layer of the user's own has what the case says of it
        return {name: plain(value) for name, value in written.items()}
    return {f.name: plain(getattr(layer, f.name)) for f in _fields(layer)}


def _fields(layer: Layer) -> Iterator[dataclasses.Field[Any]]:
    yield from dataclasses.fields(layer)  # type: ignore[arg-type]  # made dataclasses by __init_subclass__
