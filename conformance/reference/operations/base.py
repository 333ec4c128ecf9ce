"""What an operation of `keras.ops` is here: a function of arrays, a signature, and the questions that it is asked.

A function is written with `autograd.numpy`, from the definition. Its parameters are Keras' by name and default; those
annotated `Array`, `Arrays` or `Array | None` are inputs, all others are arguments that a case writes:

    ops.softmax: {axis: -1}

Integers stay integers where Keras' documentation has them stay; the reference's float64 stands for float32.
"""

from __future__ import annotations

import importlib
import inspect
import math
import typing
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy
from autograd.tracer import getval, isbox

from conformance.reference.base import Layer, Weight, arg
from conformance.reference.traits import Arithmetic, absent

if typing.TYPE_CHECKING:
    Array = Any
    Arrays = Any
else:

    class Array:
        """Marks a parameter as an input: an array."""

    class Arrays:
        """Marks a parameter as an input: a list of arrays."""


Axis = int | tuple[int, ...] | None
Function = Callable[..., Any]

Form = Literal["elementwise", "pairwise", "reduction", "axis", "other"]
"""How it goes over its arrays: each number by itself, two arrays that broadcast, over axes, along one axis, else."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What an input holds: its shape, dtype and fill as a case writes them."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    fill: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """Where the drawn floats of an operation lie: between two numbers, or anywhere (both None)."""

    low: float | None = None
    high: float | None = None

    def numbers(self, *shape: int) -> Numbers:
        """Floats of a shape from this domain."""
        return Numbers(shape, fill=None if self.low is None else {"uniform": [self.low, self.high]})


ANY, POSITIVE, WITHIN_ONE = Domain(), Domain(0.25, 4.0), Domain(-0.875, 0.875)


def floats(*shape: int) -> Numbers:
    """Floats drawn from a normal distribution."""
    return Numbers(shape)


def between(low: float, high: float, *shape: int) -> Numbers:
    """Floats drawn evenly from low to high."""
    return Numbers(shape, fill={"uniform": [low, high]})


def integers(low: int, high: int, *shape: int, dtype: str = "int32") -> Numbers:
    """Integers drawn from low to high - 1."""
    return Numbers(shape, dtype, {"integers": [low, high]})


def truths(*shape: int) -> Numbers:
    """Booleans."""
    return Numbers(shape, "bool", {"integers": [0, 2]})


def given(values: Any, dtype: str = "float32") -> Numbers:
    """These numbers."""
    return Numbers(numpy.shape(values), dtype, {"values": values})


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to one operation: its name, what goes in, and the arguments."""

    name: str
    inputs: tuple[Any, ...]
    """A `Numbers` for each array, a list of them for a list."""
    config: Mapping[str, Any]
    graph: Mapping[str, str] = field(default_factory=dict)
    """The nodes, where it is not the call alone that is observed; `CALL` stands for the call."""
    no_gradients: str = ""
    """Why this question compares none."""
    holes: tuple[float, ...] = ()
    """What is added along the last axis of its first array of floats: NaN and infinities among other numbers."""


def ask(name: str, *inputs: Any, graph: Mapping[str, str] | None = None, no_gradients: str = "", **config: Any) -> Ask:
    """A question with its inputs in the order of the signature."""
    return Ask(name, inputs, config, graph or {}, no_gradients)


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation of the table."""

    name: str
    function: Function
    form: Form
    asks: tuple[Ask, ...] = ()
    domains: tuple[Domain, ...] = (ANY,)
    """Of its inputs; the last one is for all that follow."""
    arithmetic: Arithmetic = "rounds"
    moves_with: Mapping[str, Any] = field(default_factory=dict)
    """Arguments with which it rounds nothing that a float holds, though with others it does."""
    takes_integers: bool = True
    takes_specials: bool = True
    """Whether it is asked about NaN and infinities."""
    takes_infinities: bool = True
    """Whether it is asked about infinities too, where it is asked about NaN."""
    takes_none: bool = True
    """Whether it is asked about an array of no elements."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that every question writes."""
    no_gradients: str = ""
    """Why no question compares gradients; its function then gets arrays that autograd does not follow."""
    place: str = ""
    """The module below `keras.ops` that offers it, where `keras.ops` itself does not."""
    is_traced: bool = True
    """Whether autograd may follow its arrays: not where it gives whole numbers and truths alone."""

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        return inspect.signature(self.function).parameters

    @property
    def hints(self) -> Mapping[str, Any]:
        return typing.get_type_hints(self.function)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The parameters that are arrays."""
        return tuple(name for name in self.parameters if _is_input(self.hints[name]))

    @property
    def family(self) -> str:
        """The module that holds it."""
        return self.function.__module__.rpartition(".")[2]


def _is_input(hint: Any) -> bool:
    return hint in (Array, Arrays) or Array in typing.get_args(hint)


_TABLE: dict[str, Entry] = {}
PREFIX = "ops."


def elementwise(domain: Domain = ANY, *asks: Ask, **traits: Any) -> Callable[[Function], Function]:
    """Enters a function of each number by itself."""
    return _entering("elementwise", asks, (domain,), traits)


def pairwise(*domains: Domain, asks: Sequence[Ask] = (), **traits: Any) -> Callable[[Function], Function]:
    """Enters a function of two arrays that broadcast."""
    return _entering("pairwise", tuple(asks), domains or (ANY,), traits)


def reduction(domain: Domain = ANY, *asks: Ask, **traits: Any) -> Callable[[Function], Function]:
    """Enters a function over all, one or several axes, with `axis` and `keepdims`."""
    return _entering("reduction", asks, (domain,), traits)


def along(domain: Domain = ANY, *asks: Ask, **traits: Any) -> Callable[[Function], Function]:
    """Enters a function along one axis, `axis`."""
    return _entering("axis", asks, (domain,), traits)


def asked(*asks: Ask, **traits: Any) -> Callable[[Function], Function]:
    """Enters a function that is asked these questions and no others."""
    return _entering("other", asks, (ANY,), traits)


def _entering(
    form: Form, asks: tuple[Ask, ...], domains: tuple[Domain, ...], traits: Mapping[str, Any]
) -> Callable[[Function], Function]:
    def enter(function: Function) -> Function:
        names = traits.get("names", (function.__name__.rstrip("_"),))
        held = {key: value for key, value in traits.items() if key != "names"}
        for name in names:
            assert name not in _TABLE, name
            _TABLE[name] = Entry(name, function, form, asks, domains, **held)
        return function

    return enter


@cache
def table() -> Mapping[str, Entry]:
    """Every operation by its name in `keras.ops`; reads all families at the first call."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in ("__init__", "base", "drawing", "forms"):
            importlib.import_module(f"{__package__}.{path.stem}")
    return dict(sorted(_TABLE.items()))


class Operation(Layer):
    """What the types `ops.NAME` share: a function without weights or masks, called with its arrays."""

    arithmetic = "rounds"
    native = absent("an operation of Keras")
    offered_in = "ops"
    keeps_booleans = True
    written_as_case = "operations are asked by `conformance operations`"
    entry: ClassVar[Entry]

    @classmethod
    def register(cls) -> None:
        """Known by the table alone: it is no layer."""

    @classmethod
    def type_name(cls) -> str:
        return f"{PREFIX}{cls.entry.name}"

    def computes(self) -> Arithmetic:
        with_these = self.entry.moves_with
        moves = with_these and all(getattr(self, name) == value for name, value in with_these.items())
        return "moves" if moves else self.arithmetic

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        """At most all numbers of its largest array; one where each number is by itself."""
        if self.entry.form in ("elementwise", "pairwise"):
            return 1
        return max((math.prod(shape) for shape in _each(shapes)), default=1) or 1


class Operations(MutableMapping[str, type[Layer]]):
    """The types `ops.NAME`, each made when it is first asked for: most cases have none."""

    def __init__(self) -> None:
        self._made: dict[str, type[Layer]] = {}

    def __getitem__(self, kind: str) -> type[Layer]:
        if kind not in self._made:
            if not kind.startswith(PREFIX):
                raise KeyError(kind)
            self._made[kind] = class_of(table()[kind.removeprefix(PREFIX)])
        return self._made[kind]

    def entry(self, kind: str) -> Entry:
        """What the table has of a type."""
        return table()[kind.removeprefix(PREFIX)]

    def __setitem__(self, kind: str, made: type[Layer]) -> None:
        raise TypeError("the table of operations is made of its modules")

    def __delitem__(self, kind: str) -> None:
        raise TypeError("the table of operations is made of its modules")

    def __contains__(self, kind: object) -> bool:
        return isinstance(kind, str) and kind.startswith(PREFIX) and kind.removeprefix(PREFIX) in table()

    def __iter__(self) -> Iterator[str]:
        return (PREFIX + name for name in table())

    def __len__(self) -> int:
        return len(table())


def class_of(entry: Entry) -> type[Layer]:
    """A type with the arguments of a function as its fields, and its arrays as what it is called with."""
    hints, inputs = entry.hints, entry.inputs
    arguments = {name: one for name, one in entry.parameters.items() if name not in inputs}
    body: dict[str, Any] = {
        "__doc__": entry.function.__doc__,
        "__module__": entry.function.__module__,
        "__annotations__": {name: hints[name] for name in arguments},
        "arithmetic": entry.arithmetic,
        "entry": entry,
        "call": _call(entry, tuple(arguments)),
    }
    for name, one in arguments.items():
        described = f"{name} of keras.ops.{entry.name}."
        body[name] = arg(described) if one.default is one.empty else arg(described, default=one.default)
    return type(entry.name, (Operation,), body)


def _call(entry: Entry, arguments: Sequence[str]) -> Function:
    """A method `call(w, ...)` with the operation's inputs as its parameters."""
    function = entry.function

    def call(self: Any, w: Any, *args: Any, **kwargs: Any) -> Any:
        follows = entry.is_traced and not entry.no_gradients
        rest = args if follows else tuple(map(plain, args))
        kwargs = kwargs if follows else {name: plain(value) for name, value in kwargs.items()}
        kinds = [one.kind for name, one in entry.parameters.items() if name in entry.inputs]
        held = {name: getattr(self, name) for name in arguments}
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            return function(*rest, **held, **kwargs)
        named = dict(zip(entry.inputs, rest, strict=False))
        if len(rest) > len(entry.inputs):
            raise TypeError(f"{entry.name} takes {len(entry.inputs)} arrays, not {len(rest)}")
        return function(**named, **held, **kwargs)

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    weights = inspect.Parameter("w", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [entry.parameters[name].replace(annotation=inspect.Parameter.empty) for name in entry.inputs]
    call.__signature__ = inspect.Signature([own, weights, *taken])  # type: ignore[attr-defined]  # read by `signature`
    return call


def _each(shapes: Any) -> Iterator[tuple[int, ...]]:
    """The shapes of arrays, and of those in lists."""
    for shape in shapes:
        if isinstance(shape, tuple):
            yield shape
        elif isinstance(shape, list):
            yield from _each(shape)


OPERATIONS = Operations()


# what formulas share


def plain(x: Any) -> Any:
    """An array, or a list of them, without what follows its gradient."""
    if isinstance(x, list | tuple):
        return [plain(item) for item in x]
    while isbox(x):
        x = getval(x)
    return x


def is_float(x: Any) -> bool:
    """Whether an array, or what autograd follows in its place, holds floats."""
    return bool(numpy.issubdtype(getattr(x, "dtype", type(x)), numpy.floating))


def int32(x: Any) -> Any:
    """Whole numbers as Keras counts and points: int32."""
    return numpy.asarray(x).astype(numpy.int32)


def as_float(x: Any) -> Any:
    """Integers and booleans as floats; floats as they are."""
    return x if is_float(x) else numpy.asarray(x).astype(numpy.float64)


def like(result: Any, x: Any) -> Any:
    """A result that keeps the dtype of integers: sums of int32 are int32, of bool too, as Keras documents."""
    if is_float(x):
        return result
    dtype = getattr(x, "dtype", numpy.dtype(int))
    return numpy.asarray(result).astype(numpy.int32 if dtype.kind == "b" else dtype)
