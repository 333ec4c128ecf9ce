"""The user's layers as layers of the reference, where it has them: the same arguments, the same weights.

A chain is what the port computes at one place as the model has it: one layer, or several in a row between two modules.
The reference runs it in float64, moved by rounding, and with a mistake in one of its layers.
"""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from conformance.comparison.traits import traits_of
from conformance.comparison.values import Array, Call, Held, Layer
from conformance.mutants.layer import with_mistake
from conformance.oracle.arithmetic import EXACT, rounding
from conformance.oracle.arrays import as_reference, flat, shapes_of
from conformance.oracle.rounding import FLOAT32_UNIT, PATTERNS
from conformance.protocol.adapter import Unsupported
from conformance.protocol.carried import Value, arguments_for, with_masks
from conformance.reference.activations import ACTIVATIONS, gelu
from conformance.reference.base import DoesNotApply, LayerError, Mutant, Weight, Weights, make
from conformance.reference.base import Layer as Reference
from conformance.reference.catalog import LAYERS

_COMMON = {"name", "trainable", "dtype", "batch_input_shape", "batch_shape", "build_config", "time_major", "fused"}
_IGNORED = {"quantization_config", "lora_rank", "lora_alpha", "renorm", "renorm_momentum", "input_length", "autocast"}
_DEAD = ("regularizer", "constraint", "initializer")
"""What arguments end in that change no number of a run in inference."""


@dataclass(frozen=True, slots=True)
class Known:
    """A layer of the user's that the reference has too."""

    path: str
    layer: Reference
    weights: Mapping[str, Array]


def known(layer: Layer) -> Known | None:
    """The layer in the reference; None where it is another class, or has arguments that the reference has not."""
    if layer.config is None or not layer.module.startswith(("keras", "tf_keras")) or layer.type not in LAYERS:
        return None
    if layer.module.startswith("keras_hub"):
        return None
    config = _arguments(layer.type, layer.config)
    if config is None or (traits_of(layer).applies_function and config.get("activation") not in ACTIVATIONS):
        return None
    try:
        made = make(layer.type, config)
    except (LayerError, TypeError, ValueError):
        return None
    return Known(layer.path, made, {})


def arguments_of(layer: Layer) -> dict[str, Any] | None:
    """The layer's arguments as a case writes them, without those that are as by default; None as in `known`."""
    if known(layer) is None or layer.config is None:
        return None
    config = _arguments(layer.type, layer.config) or {}
    usual = {one.name: one.default for one in dataclasses.fields(LAYERS[layer.type])}  # type: ignore[arg-type]  # as everywhere
    return {
        name: value for name, value in config.items() if name not in usual or usual[name] != _as_default(name, value)
    }


def _as_default(name: str, value: Any) -> Any:
    """As the reference's own defaults are: tuples, and no activation for the identity."""
    if name == "activation" and value == "linear":
        return None
    return tuple(_as_default("", one) for one in value) if isinstance(value, list) else value


def _arguments(kind: str, config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments that the reference takes; None where there is another one that is not off."""
    taken = {field.name for field in dataclasses.fields(LAYERS[kind])}  # type: ignore[arg-type]  # as everywhere
    dead = set(LAYERS[kind].keras_only)
    made: dict[str, Any] = {}
    for key, value in config.items():
        if key in taken:
            inner = _plain(value)
            if inner is _UNKNOWN:
                return None
            made[key] = inner
        elif key not in dead | _COMMON | _IGNORED and not key.endswith(_DEAD) and value not in (None, False, 0, [], {}):
            return None
    return made


REFUSALS = (
    LayerError, DoesNotApply, Unsupported,
    ValueError, TypeError, IndexError, KeyError, AttributeError, ArithmeticError, NotImplementedError,
)  # fmt: skip
"""What the reference raises for a call that it does not take, with a mistake in it or without: its own words, and those
of NumPy and of what a value is not. Anything else is a fault of ours and is not passed over."""

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    **ACTIVATIONS,
    "gelu by tanh": partial(gelu, approximate=True),
}
"""Activations that a function of the user's is looked for among."""
_SAME = 1e-5
"""Relative distance of a float32 activation from its formula, at most."""


def _named_by_values(call: Call, layer: Layer) -> Known | None:
    """An activation by what it gives, where its name says nothing: that of a function of the user's or of a library."""
    if not traits_of(layer).applies_function or not call.inputs or not call.outputs:
        return None
    x, y = (np.asarray(held.array.load(), dtype=np.float64) for held in (call.inputs[0], call.outputs[0]))
    best: tuple[float, Callable[[Any], Any]] | None = None
    for function in FUNCTIONS.values():
        try:
            with np.errstate(all="ignore"):
                given = np.asarray(function(x))
        except REFUSALS:  # a function that needs more than an array is not the one
            continue
        if given.shape == y.shape and np.all(np.isfinite(given)):
            far = float(np.max(np.abs(given - y), initial=0.0)) / max(float(np.max(np.abs(y), initial=0.0)), 1e-30)
            if far < _SAME and (best is None or far < best[0]):
                best = (far, function)
    if best is None:
        return None
    bare: Any = make(layer.type, {"activation": "linear"})
    return Known(layer.path, dataclasses.replace(bare, activation=best[1]), {})


_UNKNOWN = object()


def _plain(value: Any) -> Any:
    """A value of a configuration as a case would have it; layers inside it by their class."""
    if isinstance(value, Mapping) and "class_name" in value:
        kind, config = str(value["class_name"]), value.get("config")
        if kind in LAYERS and isinstance(config, Mapping):
            inner = _arguments(kind, config)
            return _UNKNOWN if inner is None else {"type": kind, **inner}
        if kind == "function":
            return str(config)
        return _UNKNOWN
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Link:
    """One call in a chain: the layer, and where each of its arguments comes from (a name in the chain)."""

    name: str
    known: Known
    args: tuple[str, ...]
    kwargs: Mapping[str, str]
    plain: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chain:
    """Links in order, the arrays that go in by name, and the one whose result is looked at."""

    links: tuple[Link, ...]
    inputs: Mapping[str, tuple[Array, Array | None]]
    """Array and mask."""
    result: int = 0
    """Which of the last link's outputs."""

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(type(link.known.layer).__name__ for link in self.links)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the reference says of a chain."""

    value: Array
    moved: Array | None
    terms: int
    mask: Array | None = None


def with_weights(
    known_layer: Known, layer: Layer, shapes: Sequence[Any], inner: Sequence[tuple[str, Array]] = ()
) -> Known | None:
    """The layer with the model's weights under the reference's names; None where they are not the same ones.

    `inner` are those of layers inside it, by their full names there.
    """
    try:
        wanted = known_layer.layer.weights(*shapes)
    except (LayerError, TypeError, ValueError, IndexError, AttributeError):
        return None
    by_role: dict[str, list[Array]] = {}
    named = dict(inner)
    if named:
        fits = {name: named.get(name) for name in wanted}
        if any(array is None or array.shape != tuple(wanted[name].shape) for name, array in fits.items()):
            return None
        return dataclasses.replace(known_layer, weights={name: a for name, a in fits.items() if a is not None})
    for weight in layer.weights:
        by_role.setdefault(weight.name, []).append(np.asarray(weight.array.load()))
    found = {}
    for name, asked in wanted.items():
        last = name.rpartition(".")[2]
        held = by_role.get(last) or by_role.get("depthwise_kernel" if last == "kernel" else "", [])
        if not held or held[0].shape != tuple(asked.shape):
            return None
        found[name] = held.pop(0)
    if any(by_role.values()):
        return None
    return dataclasses.replace(known_layer, weights=found)


def run(chain: Chain, rewrite: Callable[[Reference], Reference] | None = None, is_moved: bool = True) -> Outcome:
    """The chain's result, with every layer rewritten. Raises what a layer raises."""
    variables = {f"input {name}": as_reference(np.asarray(array)) for name, (array, _) in chain.inputs.items()}
    for link in chain.links:
        variables |= {f"{link.name}.{key}": as_reference(np.asarray(w)) for key, w in link.known.weights.items()}
    floats = {name: array for name, array in variables.items() if array.dtype.kind == "f"}
    terms = [1]
    masks: list[Any] = []

    def value(moved: Mapping[str, Any]) -> Any:
        result = _followed(chain, {**variables, **moved}, rewrite, terms)
        masks[:] = [result.mask]
        return result.data

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a wrong formula may divide by zero; what it gives is compared
        exact = np.asarray(EXACT.run(value)(floats))
        mask = None if not masks or masks[0] is None else np.asarray(masks[0], dtype=bool)
        if not is_moved or exact.dtype.kind != "f":
            return Outcome(exact, None, terms[0], mask)
        total = np.zeros(exact.shape)
        for pattern in range(PATTERNS):
            generator = np.random.Generator(np.random.Philox(key=pattern))
            near = {
                name: array * (1.0 + FLOAT32_UNIT * generator.uniform(-1.0, 1.0, array.shape))
                for name, array in floats.items()
            }
            total += (np.asarray(rounding(FLOAT32_UNIT, pattern).run(value)(near)) - exact) ** 2
    return Outcome(exact, np.sqrt(total / PATTERNS), terms[0], mask)


def _followed(chain: Chain, variables: Mapping[str, Any], rewrite: Any, terms: list[int]) -> Value:
    """The last link's result; `terms` grows to the longest sum on the way."""
    held: dict[str, Any] = {name: Value(variables[f"input {name}"], mask) for name, (_, mask) in chain.inputs.items()}
    for link in chain.links:
        layer: Any = rewrite(link.known.layer) if rewrite else link.known.layer
        values = [held[name] for name in link.args]
        args: list[Any] = [values] if link.known.layer.takes_list else values
        given = arguments_for(
            type(layer).call, 2, args, {**{key: held[name] for key, name in link.kwargs.items()}, **link.plain}
        )
        prefix = f"{link.name}."
        weights = {key[len(prefix) :]: array for key, array in variables.items() if key.startswith(prefix)}
        output = layer.call(Weights(weights, {}), *given.args, **given.kwargs)
        shapes = tuple(shapes_of(value) for value in given.args)
        sizes = {key: Weight(np.shape(array)) for key, array in weights.items()}
        terms[0] = max(terms[0], layer.longest_sum(sizes, *shapes))
        every = flat([with_masks(output, layer.compute_mask(given.first, given.first_mask))])
        held[link.name] = every[chain.result] if link is chain.links[-1] else every[0]
    final: Value = held[chain.links[-1].name]
    return final


def mistaken(kind: str, mutant: Mutant) -> Callable[[Reference], Reference]:
    """Rewrites layers of a kind into ones that make a mistake."""
    rewrite: Callable[[Reference], Reference] = partial(with_mistake, kind=LAYERS[kind], mutant=mutant)
    return rewrite


def _by_name(call: Call) -> dict[str, Held]:
    """The arrays that a call is given by name."""
    return {held.place.removeprefix("kwargs."): held for held in call.inputs if held.place.startswith("kwargs.")}


def link_of(
    call: Call, layer: Layer, sources: Mapping[str, str], inner: Sequence[tuple[str, Array]] = ()
) -> tuple[Link, dict[str, Held]] | None:
    """A call as a link, and its arrays that come from nowhere in the chain by the names they get; None where unknown.

    `sources` maps the digest of an array to the link that gives it.
    """
    found = known(layer) or _named_by_values(call, layer)
    if found is None:
        return None
    args: list[str] = []
    kwargs: dict[str, str] = {}
    fresh: dict[str, Held] = {}
    shapes = []
    mask = next((held.array for held in call.inputs if held.place == "kwargs.mask"), None)
    for held in call.inputs:
        key = held.place.removeprefix("kwargs.")
        if held.place in ("kwargs.training", "kwargs.mask"):
            continue  # a mask that is handed on as an argument too is that of the first array
        if mask is not None and held.mask is None and not fresh and not args:
            held = dataclasses.replace(held, mask=mask)
        name = sources.get(held.array.digest)
        if name is None:
            name = f"{layer.path or 'model'}:{held.place}"
            fresh[name] = held
        if held.place.startswith("kwargs.") and "." not in key:
            kwargs[key] = name
        else:
            args.append(name)
            shapes.append(held.array.shape)
    given = {name: held.array.shape for name, held in _by_name(call).items()}
    for parameter in list(inspect.signature(type(found.layer).call).parameters)[2 + len(args) :]:
        if parameter not in kwargs or parameter.endswith("mask"):
            break
        args.append(kwargs.pop(parameter))
        shapes.append(given[parameter])
    full = with_weights(found, layer, [shapes] if found.layer.takes_list else shapes, inner)
    if full is None:
        return None
    plain = {key: value for key, value in call.plain.items() if key in ("use_causal_mask", "return_attention_scores")}
    return Link(layer.path or "model", full, tuple(args), kwargs, plain), fresh
