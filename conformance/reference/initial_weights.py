"""What the weights of a layer begin with, before anybody sets them: the initialiser of each, by its layer's words.

`InitialWeights(layer=Dense(7), of=[kernel, bias])` makes the layer so many times anew, builds each for its inputs
and gives the weights. What is drawn is another in every lane, so that a case claims from which initialiser it comes;
what is not drawn is compared. Sources: the documented defaults of the layers' arguments, and `initializers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from .base import LAYERS, Array, Initializer, Layer, LayerError, Mutant, Weight, Weights, arg, make
from .initializers import _Drawing, _Scaling
from .traits import absent

USUAL: Mapping[str, Initializer] = {
    "kernel": "GlorotUniform",
    "depthwise_kernel": "GlorotUniform",
    "pointwise_kernel": "GlorotUniform",
    "recurrent_kernel": "Orthogonal",
    "embeddings": "RandomUniform",
    "bias": "Zeros",
    "gamma": "Ones",
    "beta": "Zeros",
    "moving_mean": "Zeros",
    "moving_variance": "Ones",
    "scale": "Ones",
}
"""What a weight of this name begins with in nearly every layer; `Traits.begins` says where it does not."""
OTHER_NAMES = {"uniform": "RandomUniform", "normal": "RandomNormal", "one": "Ones", "zero": "Zeros"}
"""Keras' short names of initialisers, beside the names of their classes and these in lower case."""
FORGETS = "unit_forget_bias"
"""The argument with which the bias of the forget gate begins with ones; true where nothing is written."""
FORGET_GATE = "forget gate"


def named(written: Initializer) -> Mapping[str, Any]:
    """An initialiser as its class and arguments, from either form that a case may write.

    Raises LayerError for a name that no initialiser has.
    """
    given = {"type": written} if isinstance(written, str) else dict(written)
    short = str(given["type"])
    classes = {_plain(kind.__name__): kind.__name__ for kind in LAYERS.values() if kind.offered_in == "initializers"}
    name = OTHER_NAMES.get(short) or classes.get(_plain(short))
    if name is None:
        raise LayerError(f"the reference has no initialiser {short}")
    return {**given, "type": name}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def initializer(written: Initializer, shape: tuple[int, ...]) -> Layer:
    """The initialiser of a weight of this shape. Raises LayerError for what has no reference or cannot work."""
    given = dict(named(written))
    return make(f"initializers.{given.pop('type')}", {**given, "shape": list(shape)})


def written_for(layer: Layer, key: str, rank: int) -> tuple[Initializer, bool]:
    """The initialiser of a weight, `forward.kernel` of a wrapped one; and whether its forget gate begins with ones.

    `rank` says how many axes the weight has.
    Raises LayerError where neither the case nor the layer's class says one.
    """
    scope, _, rest = key.partition(".")
    inner = _inner(layer, scope, rest) if rest else None
    if inner is not None:
        return written_for(*inner, rank)
    own = key.rpartition(".")[2]
    written = layer.beside.get(layer.initializers.get(own, f"{own}_initializer"))
    if written is None:
        written = layer.begins.get(own, USUAL.get(own))
    if written is None:
        raise LayerError(f"{type(layer).__name__} does not say what {key} begins with")
    if axes := layer.fan_axes(key, rank):
        written = _with_fans(written, *axes)
    forgets = own == "bias" and FORGETS in layer.keras_only and bool(layer.beside.get(FORGETS, True))
    return written, forgets


def _with_fans(written: Initializer, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Initializer:
    """The initialiser with what its layer says of the fans, unless the case says it or it has none."""
    given = dict(named(written))
    has_fans = issubclass(LAYERS[f"initializers.{given['type']}"], _Scaling)
    return {**given, "input_axes": list(inputs), "output_axes": list(outputs)} if has_fans else given


def _inner(layer: Layer, scope: str, rest: str) -> tuple[Layer, str] | None:
    """The wrapped layer whose weights stand under a scope, and the weight's name there; None where none is wrapped."""
    places = layer.wrapped.get(scope, (scope,))
    held = next((one for place in places if (one := getattr(layer, place, None)) is not None), None)
    if isinstance(held, tuple):
        number, _, rest = rest.partition(".")
        held = held[int(number)]
    return (held, rest) if isinstance(held, Layer) else None


def begun(layer: Layer, key: str, weight: Weight, random: Any) -> Array:
    """What a weight begins with, of its shape; `random` is the generator that it is drawn from.

    Raises LayerError where neither the case nor the layer's class says an initialiser.
    """
    if weight.value is not None:
        return numpy.asarray(weight.value, float)
    written, forgets = written_for(layer, key, len(weight.shape))
    if not forgets:
        return initializer(written, weight.shape).call(Weights({}, random=random))
    gates = [gate.name for gate in gates_of(layer, key)]
    shape = (*weight.shape[:-1], weight.shape[-1] // len(gates))
    blocks = [initializer("Ones" if name == FORGET_GATE else written, shape) for name in gates]
    return numpy.concatenate([block.call(Weights({}, random=random)) for block in blocks], axis=-1)


def gates_of(layer: Layer, key: str) -> tuple[Any, ...]:
    """The gates of the layer that a weight belongs to."""
    scope, _, rest = key.partition(".")
    inner = _inner(layer, scope, rest) if rest else None
    return layer.gates if inner is None else gates_of(*inner)


def _scaled(key_of: str, change: Any) -> Any:
    """A mutant's change of the weights of one name."""

    def hook(layer: Any, output: list[Array], args: list[Any]) -> list[Array]:
        return [
            change(one) if name.rpartition(".")[2] == key_of else one
            for name, one in zip(layer.of, output, strict=True)
        ]

    return hook


class InitialWeights(Layer):
    """The weights that a layer begins with, each (times, *shape): the layer is made `times` times anew.

    x: what the layer takes. Gives a list of arrays, in the order of `of`. Raises LayerError where the layer has other
    weights. Not a layer of Keras; the Keras lane makes layers, builds them and reads their weights.
    """

    is_ours = True
    arithmetic = "moves"
    native = absent("torch's modules begin otherwise, each by its own reset_parameters")
    without_port = "ports have weights and no initialisers; torch's modules begin by rules of their own"
    written_as_case = "initial weights are asked by what holds of every draw: cases/initial/"
    is_eager_only = True
    draws = True
    trains_unasked = True

    layer: Layer = arg("The layer whose weights are asked for.")
    of: tuple[str, ...] = arg("Its weights by name, in Keras' order, as `kernel` or `forward.kernel`: all of them.")
    times: int = arg("How many layers are made.", default=1, at_least=1)

    mutants = (
        Mutant("narrower", "draws kernels by another fan", output=_scaled("kernel", lambda w: w * 0.8)),
        Mutant("wider", "draws kernels by another scale", output=_scaled("kernel", lambda w: w * 1.25)),
        Mutant("one_draw", "gives all layers one draw", output=lambda m, out, args: [one[:1] + 0 * one for one in out]),
        Mutant("bias_of_ones", "begins biases with ones", output=_scaled("bias", lambda w: w * 0.0 + 1.0)),
        Mutant("forgets", "begins every bias with zeros", output=_scaled("bias", lambda w: w * 0.0)),
        Mutant("scale_of_zeros", "begins gamma with zeros", output=_scaled("gamma", lambda w: w * 0.0)),
        Mutant("variance_of_zeros", "begins variances with zeros", output=_scaled("moving_variance", lambda w: w * 0)),
        Mutant(
            "not_orthogonal",
            "draws recurrent kernels as other kernels",
            output=_scaled(
                "recurrent_kernel", lambda w: numpy.random.default_rng(1).uniform(-0.6, 0.6, numpy.shape(w))
            ),
        ),
        Mutant("wider_table", "draws embeddings from -1 to 1", output=_scaled("embeddings", lambda w: 20 * w)),
    )

    def call(self, w: Weights, *inputs: Any) -> list[Array]:
        held = self.layer.weights(*[_shape(one) for one in inputs])
        if tuple(held) != self.of:
            raise LayerError(f"the layer has the weights {', '.join(held) or 'none'}, not {', '.join(self.of)}")
        return [
            numpy.stack([begun(self.layer, key, weight, w.random) for _ in range(self.times)])
            for key, weight in held.items()
        ]


def _shape(given: Any) -> Any:
    return [_shape(one) for one in given] if isinstance(given, list | tuple) else numpy.shape(given)


def initializer_of(layer: Layer, key: str, weight: Weight) -> Mapping[str, Any]:
    """The initialiser of a weight as its class and arguments."""
    return named(written_for(layer, key, len(weight.shape))[0])


def is_drawn(layer: Layer, key: str, weight: Weight) -> bool:
    """Whether a weight is another with every draw."""
    return weight.value is None and isinstance(
        initializer(written_for(layer, key, len(weight.shape))[0], weight.shape), _Drawing
    )


TYPE = InitialWeights.type_name()
"""Under which a case asks for it."""
