"""The arguments of a layer as a record of `schema`, read off the reference class: its fields and their types.

The reference, and autograd with it, is imported when the first layer is looked up, and not before.
"""

from __future__ import annotations

import dataclasses
import json
import types as python_types
import typing
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from functools import cache
from typing import Any, cast

from conformance.case import kinds, penalty_words
from conformance.case.keras_names import has_class
from conformance.case.kinds import Field, Kind, Record
from conformance.imports import is_own

if typing.TYPE_CHECKING:
    from conformance.reference.base import Layer

ACTIVITY = "activity_regularizer"
POLICY = "a case runs under one policy as a whole: --lane 'keras[policy=mixed_bfloat16]'"
_ALWAYS = {
    "name": Field(kinds.Text(), "Name of the layer in Keras; the key in `layers` where it is not given."),
    "dtype": Field(kinds.Choice(("float32",), POLICY), "The dtype policy of one layer: that of the lane, float32."),
    "trainable": Field(kinds.Truth(), "Whether Keras would train the layer's weights."),
}
"""Arguments of every Keras layer."""


@cache
def types() -> Mapping[str, type[Layer]]:
    """Every layer of the reference by its Keras class name."""
    from conformance.reference.catalog import LAYERS

    return {name: kind for name, kind in LAYERS.items() if not name.startswith("_")}


@cache
def torch_types() -> Mapping[str, type[Layer]]:
    """torch's modules and functions by the names under which a case asks for them: `nn.Linear`, `F.pad`."""
    from conformance.reference.catalog import TORCH

    return TORCH


@cache
def operation_types() -> Mapping[str, type[Layer]]:
    """The functions of `keras.ops`, by the names under which a case asks for them: `ops.softmax`."""
    from conformance.reference.catalog import OPERATIONS

    return OPERATIONS


@cache
def every_type() -> Mapping[str, type[Layer]]:
    """What a case can say, in either framework's words."""
    return ChainMap(dict(types()), dict(torch_types()), cast("MutableMapping[str, type[Layer]]", operation_types()))


@cache
def record_of(type: str) -> Record | None:
    """What a layer of this type takes; None for a type that the reference does not have.

    A module of torch's takes what its constructor takes, an operation what it is called with beside arrays; neither
    takes what every layer of Keras does.
    """
    if is_own(type):
        return _of_ones_own(type)
    if type not in every_type():
        return None
    layer = every_type()[type]
    fields = fields_of(layer, type)
    if type in torch_types() or type in operation_types():
        return Record(type, fields, keys="argument")
    for name in layer.keras_only:
        fields.setdefault(name, _beside(name))
    if takes_activity_regularizer(type):
        fields[ACTIVITY] = Field(
            penalty_words.of_regularizers(),
            "What is added to the loss of a training for what the layer gives, divided by the size of the batch.",
        )
    return Record(
        type, {**fields, **{name: field for name, field in _ALWAYS.items() if name not in fields}}, keys="argument"
    )


def takes_activity_regularizer(type: str) -> bool:
    """Whether Keras' class of this name takes `activity_regularizer`, and adds what it says for the output alone."""
    kind = every_type().get(type)
    return kind is not None and has_class(type, "layers") and not (kind.is_ours or kind.without_activity_regularizer)


PATH = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+"
_AXES = kinds.ListOf(kinds.Integer(1, axes=True))


def _of_ones_own(type: str) -> Record:
    """What a layer of the user's own takes: anything, and beside it what stands for it elsewhere."""
    form = "a path, as team.ports.Scale"
    fields = {
        "type": Field(kinds.Choice((type,)), "The path of its class in Keras.", required=True),
        "torch": Field(kinds.Text(PATH, form), "The path of its port: an nn.Module, or a function as the reference's."),
        "reference": Field(
            kinds.Text(PATH, form), "The path of its mathematics: a function (x, weights, **arguments)."
        ),
        "weights": Field(kinds.MapOf(_AXES, "The shape of this weight."), "Its weights by name, with their shapes."),
        "states": Field(
            _AXES, "Of a cell that RNN runs: the length of each of its states; its output is as long as the first."
        ),
        **_ALWAYS,
    }
    return Record(type, fields, rest=kinds.MapOf(kinds.Anything(), "An argument of the layer."), keys="argument")


def _beside(name: str) -> Field:
    """An argument that is not in a layer's formula: what a training makes of its weights, or what Keras alone reads."""
    if name.endswith("_regularizer"):
        return Field(penalty_words.of_regularizers(), "What is added to the loss of a training for this weight.")
    if name.endswith("_constraint"):
        return Field(penalty_words.of_constraints(), "What this weight becomes after each step of a training.")
    return Field(kinds.Anything(), "Read by Keras only; does not enter the mathematics.")


def fields_of(kind: type[Any], name: str) -> dict[str, Field]:
    """The key `type`, which is this name, and the arguments of a class: all fields but those with an underscore."""
    hints = typing.get_type_hints(kind)
    fields = {"type": Field(kinds.Choice((name,)), _first_sentence(kind), required=True)}
    for argument in dataclasses.fields(kind):
        if argument.name.startswith("_"):
            continue
        description = argument.metadata.get("description", "")
        is_required = argument.default is dataclasses.MISSING
        if not is_required:
            description = f"{description} Default: {_written(argument.default)}."
        held = kind_of(hints[argument.name], argument.metadata.get("at_least"))
        fields[argument.name] = Field(held, description, is_required)
    return fields


def mutants_of(type: str) -> tuple[str, ...]:
    """The names of a layer's mutants."""
    return tuple(mutant.name for mutant in every_type()[type].mutants)


def _written(default: Any) -> str:
    """A default as a case file would write it."""
    return json.dumps(default) if isinstance(default, str | int | float | tuple | None) else str(default)


def _first_sentence(kind: type[Any]) -> str:
    return (kind.__doc__ or kind.__name__).strip().partition("\n")[0]


def kind_of(hint: Any, at_least: float | None = None) -> Kind:
    """The kind of values that a type hint stands for; lists are written where it says tuples.

    Raises TypeError for a hint that no case file could fill.
    """
    simple: dict[Any, Kind] = {
        int: kinds.Integer(None if at_least is None else int(at_least), axes=True),
        float: kinds.Number(at_least),
        bool: kinds.Truth(),
        str: kinds.Text(may_be_empty=True),
        type(None): kinds.Null(),
        Any: kinds.Anything(),
    }
    if hint in simple:
        return simple[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return kinds.Choice(arguments)
    if origin is typing.Union or origin is python_types.UnionType:
        return _either([kind_of(argument, at_least) for argument in arguments])
    if origin is tuple and arguments[-1] is not Ellipsis:
        return kinds.Row(tuple(kind_of(argument, at_least) for argument in arguments))
    if origin in (tuple, list):
        return kinds.ListOf(kind_of(arguments[0], at_least))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return kinds.Anything()
    if isinstance(hint, type) and _is_layer(hint):
        return kinds.LayerOf()
    if (held := _of_optimizers(hint)) is not None:
        return held
    raise TypeError(f"a case file cannot hold {hint}")


def _is_layer(hint: type[Any]) -> bool:
    from conformance.reference.base import Layer

    return issubclass(hint, Layer)


PATHS = r"(?=.)[A-Za-z0-9_/]*(?:\.\*[A-Za-z0-9_/]*){0,3}"
"""Paths of weights, `layer/weight`, and patterns for them: no others, for what a pattern costs has no bound."""


def _of_optimizers(hint: Any) -> Kind | None:
    """What stands for an optimiser inside another one, or for several."""
    from conformance.reference.optimizer_base import Optimizer, OptimizerMap

    if hint is Optimizer:
        return kinds.LayerOf("optimizer")
    if hint is not OptimizerMap:
        return None
    default = Field(kinds.LayerOf("optimizer"), "Moves every weight that no key stands for.", required=True)
    other = kinds.MapOf(kinds.LayerOf("optimizer"), "What moves the weights of this path.", PATHS)
    others = Field(other, "Paths of weights, as layer/weight, or patterns for whole paths, to what moves these.")
    fields = {"default_optimizer": default, "optimizer_map": others}
    return Record("OptimizerMap", fields, keys="argument")


def _either(options: list[Kind]) -> Kind:
    """One kind for several: words and null become one choice, so that a message lists them together."""
    choices = [option for option in options if isinstance(option, kinds.Choice)]
    if not choices:
        return kinds.Either(tuple(options))
    words = [word for choice in choices for word in choice.options]
    if kinds.Null() in options:
        words.append(None)
    rest = [option for option in options if not isinstance(option, kinds.Choice | kinds.Null)]
    merged = kinds.Choice(tuple(words))
    return kinds.Either((merged, *rest)) if rest else merged
