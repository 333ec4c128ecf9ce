"""What this project has of a public name of Keras: reference, port, torch's own call, mistakes, cases, arguments."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.case.expressions import OPERATIONS, parse
from conformance.case.keras_names import PublicName
from conformance.case.model import Case
from conformance.case.penalty_words import named

EVERYWHERE = ("name", "dtype", "trainable")
"""Arguments of every class, which no formula depends on."""
_OF_WEIGHTS = {"_regularizer": ("regularizer", "regularizers"), "_constraint": ("constraint", "constraints")}
"""How arguments of layers end that hold one of these, and the kind of its name."""
_ARITHMETIC = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "@": "matmul"}


@dataclass(frozen=True, slots=True)
class Use:
    """How cases use a name."""

    cases: frozenset[str] = frozenset()
    arguments: frozenset[str] = frozenset()
    """Those that a case writes down."""


@dataclass(frozen=True, slots=True)
class Available:
    """What there is of a name."""

    reference: str = ""
    """The module of the reference that holds it; empty where none does."""
    port: bool = False
    native: str = ""
    """What torch calls it; empty where torch has nothing."""
    mutants: int = 0
    use: Use = field(default_factory=Use)
    known: tuple[str, ...] = ()
    """Arguments of Keras that are in the mathematics."""
    unread: tuple[str, ...] = ()
    """Arguments that a case may write and that only Keras reads."""


def all_available(names: Iterable[PublicName], cases: Iterable[Case]) -> Mapping[tuple[str, str], Available]:
    """Kind and name to what there is; names of which there is nothing are left out."""
    uses = used(cases)
    found = {}
    for item in names:
        held = _held(item, uses)
        if held is not None:
            found[item.kind, item.name] = held
    return found


def _held(item: PublicName, uses: Mapping[tuple[str, str], Use]) -> Available | None:
    use = uses.get((item.kind, item.name), Use())
    match item.kind, item.form:
        case (("layers" | "losses"), "class"):
            return _layer(item, uses.get(("layers", item.name), Use()))
        case (("metrics" | "schedules" | "initializers"), "class"):
            asked = f"{item.kind}.{item.name}"
            return _layer(item, uses.get(("layers", asked), Use()), asked)
        case "random", _:
            asked = f"{item.kind}.{item.name}"
            return _layer(item, uses.get(("layers", asked), Use()), asked)
        case "optimizers", "class":
            return _optimizer(item, use)
        case (("regularizers" | "constraints"), "class"):
            return _penalty(item, use, uses.get(("layers", f"{item.kind}.{item.name}"), Use()))
        case "activations", "function":
            return _activation(item, use)
        case "ops", "function":
            return _operation(item, use)
    return None


def _operation(item: PublicName, use: Use) -> Available | None:
    """A function of `keras.ops`: as a type, and where the graph has a word for it as that word too.

    The cases of the type are those that `conformance operations` makes of the same table.
    """
    from conformance.reference.operations.base import table
    from conformance.reference.operations.forms import asks

    is_word = item.name in OPERATIONS or item.name in _ARITHMETIC.values()
    if item.name not in table():
        known = arguments_of(item)[: _taken(item.name)] if is_word else ()
        return Available("oracle.operations", True, use=use, known=known) if is_word else None
    entry = table()[item.name]
    questions = tuple(asks(entry))
    made = {f"operations/{item.name}.{one.name}" for one in questions}
    written = {name for one in questions for name in (*one.config, *entry.inputs[: len(one.inputs)])}
    known = tuple(name for name in arguments_of(item) if name in entry.parameters)
    both = Use(use.cases | made, use.arguments | written)
    return Available(f"operations.{entry.family}", is_word, use=both, known=known)


def _taken(operation: str) -> int:
    """How many arguments an operation of `graph:` is called with; two of arithmetic."""
    if operation not in OPERATIONS:
        return 2
    form = OPERATIONS[operation].partition(";")[0].partition("):")[0]
    call = ast.parse(form.removesuffix(")") + ")", mode="eval").body
    assert isinstance(call, ast.Call)  # as every form is written
    return len(call.args) + len(call.keywords)


def arguments_of(item: PublicName) -> tuple[str, ...]:
    """The arguments that say something of this name alone."""
    return tuple(argument.name for argument in item.arguments if argument.name not in EVERYWHERE)


def _fields(kind: type[Any]) -> set[str]:
    return {one.name for one in dataclasses.fields(kind) if not one.name.startswith("_")}


def _layer(item: PublicName, use: Use, type_name: str = "") -> Available | None:
    from conformance.case.layers import types
    from conformance.repro.ports import ports

    name = type_name or item.name
    if name not in types():
        return None
    kind = types()[name]
    native = kind.native
    return Available(
        reference=_module(kind),
        port=name in ports(),
        native=native.instead or ", ".join(native.names),
        mutants=len(kind.mutants),
        use=use,
        known=tuple(one for one in arguments_of(item) if one in _fields(kind) or _is_of_training(one, kind)),
        unread=tuple(one for one in kind.keras_only if one not in _fields(kind) and not _is_of_training(one, kind)),
    )


def _is_of_training(argument: str, kind: type[Any]) -> bool:
    """Whether an argument says what a training makes of a weight."""
    return argument in kind.keras_only and argument.endswith(tuple(_OF_WEIGHTS))


def _optimizer(item: PublicName, use: Use) -> Available | None:
    from conformance.case.optimizers import types

    if item.name not in types():
        return None
    kind = types()[item.name]
    known = tuple(name for name in arguments_of(item) if name in _fields(kind))
    native = kind.native.instead or ", ".join(kind.native.names)
    return Available(_module(kind), True, native, len(kind.mutants), use, known)


def _penalty(item: PublicName, in_training: Use, by_itself: Use) -> Available | None:
    """A regulariser or a constraint: what a training makes of a weight, and what it is when it is called by itself."""
    from conformance.case.layers import types
    from conformance.case.penalties import CONSTRAINTS, REGULARIZERS

    use = Use(in_training.cases | by_itself.cases, in_training.arguments | by_itself.arguments)
    kind = {**REGULARIZERS.types(), **CONSTRAINTS.types()}.get(item.name)
    if kind is None:
        return None
    known = tuple(name for name in arguments_of(item) if name in _fields(kind))
    mutants = len(types()[f"{item.kind}.{item.name}"].mutants)
    return Available(_module(kind), True, mutants=mutants, use=use, known=known)


def _activation(item: PublicName, use: Use) -> Available | None:
    from conformance.reference.activations import ACTIVATIONS

    if item.name not in ACTIVATIONS:
        return None
    return Available("reference.activations", True, use=use, known=arguments_of(item)[:1])


def _module(item: Any) -> str:
    return str(item.__module__).removeprefix("conformance.")


def used(cases: Iterable[Case]) -> Mapping[tuple[str, str], Use]:
    """Kind and name to how cases use it; layers and losses both count as layers, as cases declare them."""
    by: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for case in cases:
        for kind, name, arguments in _uses(case):
            held = by.setdefault((kind, name), (set(), set()))
            held[0].add(case.id)
            held[1].update(arguments)
    return {key: Use(frozenset(ids), frozenset(arguments)) for key, (ids, arguments) in by.items()}


def _uses(case: Case) -> Iterator[tuple[str, str, Iterable[str]]]:
    for layer in case.layers:
        yield from _layer_uses(layer.type, layer.config)
    for training in case.trainings:
        yield "optimizers", training.optimizer, training.config
    for fit in case.fits:
        if fit.optimizer:
            yield "optimizers", fit.optimizer, fit.config
    for node in case.graph:
        expression = parse(node.expression)
        for part in expression.walk():
            if type(part).__name__ == "Arithmetic":
                yield "ops", _ARITHMETIC[part.operator], ()  # type: ignore[union-attr]  # known by its name
        for name in expression.callees() & OPERATIONS.keys():
            yield "ops", name, ()


def _layer_uses(kind: str, config: Mapping[str, Any]) -> Iterator[tuple[str, str, Iterable[str]]]:
    """A layer, the layers inside it and the activations that it is given."""
    yield "layers", kind, config.keys()
    for key, value in config.items():
        if key.endswith("activation") and isinstance(value, str):
            yield "activations", value, ("x",)
        for ending, (what, plural) in _OF_WEIGHTS.items():
            if key.endswith(ending) and (given := named(what, value)) is not None:
                yield plural, given["type"], given.keys()
        for nested in value if isinstance(value, list) else [value]:
            if isinstance(nested, Mapping) and "type" in nested and not key.endswith(("_initializer", *_OF_WEIGHTS)):
                yield from _layer_uses(nested["type"], {k: v for k, v in nested.items() if k != "type"})
