"""Where torch's layers keep what Keras' layers hold: the layouts of weights, as arrays and as a line of torch.

Sources: Keras' documentation of each layer's weights and torch.nn's of its parameters. Gates: Keras' GRU has update,
reset, new, torch reset, update, new; both LSTMs have input, forget, cell, output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.comparison.traits import RECURRENT_MODULES, traits_of, traits_of_class
from conformance.comparison.values import Array, Layer, Weight
from conformance.reference.traits import GateOrder, Layout

LINEAR = ("Linear", "NonDynamicallyQuantizableLinear", "LazyLinear")
CONVOLUTIONS = ("Conv1d", "Conv2d", "Conv3d")
PLAIN = (*LINEAR, *CONVOLUTIONS, "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
"""Modules of torch's that never apply an activation."""
NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
         "scale": "weight"}  # fmt: skip
_TURNED_LINEAR = ("Conv1D",)
"""Modules of libraries that are a linear layer with its weight (in, out): the name in ports of GPT-2."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a parameter of the port must hold, and the line of torch that puts it there."""

    array: Array
    roles: tuple[str, ...]
    """The model's weights that it is made of."""
    expression: str
    """In NumPy, over those roles."""
    gates: GateOrder | None = None
    """Where gates had to change places: `gates(...)` in the expression."""


def expected(model: Layer, port: Layer, roles: Mapping[str, Array] | None = None) -> dict[str, Expected] | None:
    """Every parameter of the port's layer as the model's weights make it; None for layers whose layouts are not known.

    A parameter of the port that is missing here (`num_batches_tracked`) has no counterpart. `roles` are other weights
    of such a layer, by role, in the place of its own.
    """
    if roles is None and is_the_same(model, port):
        theirs = scoped(port.weights)
        return {
            theirs[role].name: Expected(weight.array.load(), (role,), role)
            for role, weight in scoped(model.weights).items()
        }
    roles = roles_of(model) if roles is None else roles
    names = {weight.name for weight in port.weights}
    maker = _MAKERS.get(traits_of(model).layout)
    if maker is None:
        return None
    try:
        made = maker(model, port, roles, names)
    except (KeyError, ValueError, IndexError):
        return None
    return None if made is None else {name: one for name, one in made.items() if name in names}


def is_the_same(model: Layer, port: Layer) -> bool:
    """Whether both are layers of one class of Keras' with the same weights, each of a name of its own."""
    mine, theirs = scoped(model.weights), scoped(port.weights)
    if model.type != port.type or not port.is_of_keras or list(mine) != list(theirs):
        return False
    return len({weight.name for weight in port.weights}) == len(port.weights) and all(
        mine[role].array.shape == theirs[role].array.shape for role in mine
    )


def roles_of(model: Layer) -> dict[str, Array]:
    """The layer's weights by role; those of wrapped layers as `forward.kernel`, `backward.bias`."""
    found: dict[str, Array] = {}
    for role, weight in scoped(model.weights).items():
        found[role] = weight.array.load()
    return found


def scoped(weights: Sequence[Weight]) -> dict[str, Weight]:
    """Weights by role, a second one of the same role under its direction."""
    counts: dict[str, int] = {}
    for weight in weights:
        counts[weight.name] = counts.get(weight.name, 0) + 1
    seen: dict[str, int] = {}
    found = {}
    for weight in weights:
        name = weight.name
        if counts[name] == 2:
            seen[name] = seen.get(name, 0) + 1
            name = f"{'forward' if seen[name] == 1 else 'backward'}.{name}"
        found[name] = weight
    return found


def _one(array: Array, role: str, expression: str = "", gates: GateOrder | None = None) -> Expected:
    return Expected(array, (role,), expression or role, gates)


def _dense(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    if port.type not in (*LINEAR, *_TURNED_LINEAR, *CONVOLUTIONS):
        return None
    kernel = w["kernel"]
    inside = _contracted(model, kernel)
    rows = int(np.prod(kernel.shape[:inside]))
    flat = kernel.reshape(rows, -1)
    words = "kernel" if kernel.ndim == 2 else f"kernel.reshape({rows}, -1)"
    if port.type in _TURNED_LINEAR:
        made = {"weight": _one(flat, "kernel", words)}
    elif port.type in CONVOLUTIONS:
        ones = (1,) * int(port.type[4])
        made = {"weight": _one(flat.T.reshape(*flat.T.shape, *ones), "kernel", f"{words}.T[..., None]")}
    else:
        made = {"weight": _one(flat.T, "kernel", f"{words}.T")}
    if "bias" in w:
        made["bias"] = _one(w["bias"].reshape(-1), "bias", "bias" if w["bias"].ndim == 1 else "bias.reshape(-1)")
    return made


def _contracted(model: Layer, kernel: Array) -> int:
    """How many of a kernel's first axes meet the input."""
    equation = str((model.config or {}).get("equation", ""))
    if "," not in equation:
        return kernel.ndim - 1
    given, rest = equation.split(",")
    letters, _, _ = rest.partition("->")
    return sum(1 for letter in letters if letter in given)


def _conv(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    if port.type not in CONVOLUTIONS:
        return None
    kernel = w["kernel"]
    axes = (kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
    made = {"weight": _one(kernel.transpose(axes), "kernel", f"kernel.transpose({', '.join(map(str, axes))})")}
    return made | ({"bias": _one(w["bias"], "bias")} if "bias" in w else {})


def _transposed(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    if not port.type.startswith("ConvTranspose"):
        return None
    return _conv(model, _named(port, f"Conv{port.type[-2:]}"), w, names)


def _depthwise(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    if port.type not in CONVOLUTIONS:
        return None
    role = "depthwise_kernel" if "depthwise_kernel" in w else "kernel"
    kernel = w[role]
    axes = (kernel.ndim - 2, kernel.ndim - 1, *range(kernel.ndim - 2))
    turned = kernel.transpose(axes)
    laid = turned.reshape(-1, 1, *kernel.shape[:-2])
    words = f"{role}.transpose({', '.join(map(str, axes))}).reshape{tuple(int(n) for n in laid.shape)}"
    return {"weight": _one(laid, role, words)} | ({"bias": _one(w["bias"], "bias")} if "bias" in w else {})


def _embedding(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    role = "embeddings" if "embeddings" in w else next(iter(w))
    return {"weight": _one(w[role], role)} if "weight" in names else None


def _normalization(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    return {NORMS[role]: _one(array, role) for role, array in w.items() if role in NORMS}


def _gates(array: Array, order: Sequence[int]) -> Array:
    """The blocks of the last axis in another order."""
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[one] for one in order], axis=-1)


def _recurrent(model: Layer, port: Layer, w: Mapping[str, Array], names: set[str]) -> dict[str, Expected] | None:
    traits = traits_of(model)
    if "layer" in traits.wrapped.get("forward", ()):
        inner = (model.config or {}).get("layer", {})
        traits = traits_of_class(str(inner.get("class_name", "")))
    if traits.layout != "recurrent" or port.type not in RECURRENT_MODULES:
        return None
    made: dict[str, Expected] = {}
    for scope, suffix in (("", ""), ("forward.", ""), ("backward.", "_reverse")):
        if f"{scope}kernel" in w:
            made |= _of_a_cell(traits.gates_of_torch, w, scope, suffix)
    return made


def _of_a_cell(order: GateOrder | None, w: Mapping[str, Array], scope: str, suffix: str) -> dict[str, Expected]:
    gates: Callable[[Array], Array] = (lambda array: _gates(array, order.order)) if order else (lambda array: array)
    words = "gates({})" if order else "{}"
    kernel, recurrent, bias = f"{scope}kernel", f"{scope}recurrent_kernel", f"{scope}bias"
    made = {
        f"weight_ih_l0{suffix}": _one(gates(w[kernel]).T, kernel, f"{words.format(kernel)}.T", order),
        f"weight_hh_l0{suffix}": _one(gates(w[recurrent]).T, recurrent, f"{words.format(recurrent)}.T", order),
    }
    if bias in w:
        held = w[bias]
        if held.ndim == 2:
            made[f"bias_ih_l0{suffix}"] = _one(gates(held[0]), bias, words.format(f"{bias}[0]"), order)
            made[f"bias_hh_l0{suffix}"] = _one(gates(held[1]), bias, words.format(f"{bias}[1]"), order)
        else:
            made[f"bias_ih_l0{suffix}"] = _one(gates(held), bias, words.format(bias), order)
            made[f"bias_hh_l0{suffix}"] = _one(np.zeros_like(held), bias, f"0 * {bias}")
    return made


def _named(layer: Layer, kind: str) -> Layer:
    from dataclasses import replace

    return replace(layer, type=kind)


_MAKERS: Mapping[Layout, Callable[..., dict[str, Expected] | None]] = {
    "linear": _dense,
    "table": _embedding,
    "convolution": _conv,
    "transposed": _transposed,
    "depthwise": _depthwise,
    "normalization": _normalization,
    "recurrent": _recurrent,
}


def known(kind: str) -> bool:
    """Whether the layouts of a layer's weights are known."""
    return traits_of_class(kind).layout in _MAKERS


def helper_lines(wants: Iterable[Expected]) -> list[str]:
    """The lines that their expressions need first."""
    gates = next((one.gates for one in wants if one.gates is not None), None)
    if gates is None:
        return []
    return [
        f"def gates(a):  # Keras: {', '.join(gates.names)}; torch: {gates.in_torch(gates.names)}",
        f"    {', '.join(gates.letters)} = np.split(a, {len(gates.letters)}, axis=-1)",
        f"    return np.concatenate([{gates.in_torch(gates.letters)}], axis=-1)",
    ]


def other_layouts(array: Array, shape: Sequence[int], gates: Sequence[int] = (1, 3, 4)) -> Any:
    """Every way of laying out an array's numbers in a shape that mistakes take: axes permuted, gates in any order."""
    import itertools

    for axes in itertools.permutations(range(array.ndim)) if array.ndim <= 4 else ():
        turned = array.transpose(axes)
        if turned.size != int(np.prod(shape)):
            return
        laid = turned.reshape(shape)
        words = "as it is" if axes == tuple(range(array.ndim)) else f"with axes {', '.join(map(str, axes))}"
        yield words, laid
        for count in gates:
            if count > 1 and shape and shape[0] % count == 0:
                blocks = np.split(laid, count, axis=0)
                for order in itertools.permutations(range(count)):
                    if order != tuple(range(count)):
                        yield (
                            f"{words}, its gates in the order {', '.join(map(str, order))}",
                            np.concatenate([blocks[one] for one in order], axis=0),
                        )
