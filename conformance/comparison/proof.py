"""Weights, before anything is judged: each one of the model is found in the port by its content, or said to be missing.

What is found in another layout than the module reads it in is misplaced, however well the shapes fit: a square kernel
that was not transposed, gates in Keras' order. Each finding has the line of torch that mends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from conformance.comparison.folding import COMPUTED
from conformance.comparison.layouts import Expected, expected, helper_lines, other_layouts, scoped
from conformance.comparison.pairing import Pair, Pairing, fingerprint, parts_of, sizes_of
from conformance.comparison.values import Array, Layer, Model

Slip = Literal["", "not_transposed", "gate_order"]
"""The usual two of the ways in which a weight is misplaced."""
State = Literal["found", "misplaced", "swapped", "stale", "missing", "doubled", "unknown"]
_BIASES = ("bias_ih_l0", "bias_hh_l0")


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of one weight of the model in the port."""

    layer: str
    weight: str
    state: State
    port: str = ""
    """The parameter of the port, by its full name."""
    layout: str = ""
    """In which layout it stands there."""
    mend: tuple[str, ...] = ()
    """Lines of torch that put it right."""
    shape: tuple[int, ...] = ()
    slip: Slip = ""

    @property
    def is_wrong(self) -> bool:
        return self.state in ("misplaced", "swapped", "stale", "missing", "doubled")


def proofs(model: Model, port: Model, pairing: Pairing) -> tuple[Proof, ...]:
    """One for every weight of the model, in its order."""
    everywhere = _Contents(port, sizes_of(model))
    found: list[Proof] = []
    within = {pair.folds: pair for pair in pairing.pairs if pair.folds}
    for layer in model.layers.values():
        if not layer.weights:
            continue
        pair = within.get(layer.path) or pairing.by_model.get(layer.path)
        if pair is not None and pair.folds:
            found += _of_a_folding(layer, pair, port.layers[pair.port])
            continue
        if pair is None:
            held = scoped(layer.weights).items()
            found += [_elsewhere(layer, role, weight.array.load(), everywhere) for role, weight in held]
            continue
        found += _of_a_pair(layer, port.layers[pair.port], model, everywhere)
    return tuple(found)


def _of_a_folding(layer: Layer, pair: Pair, port: Layer) -> Iterator[Proof]:
    """The weights of a layer and of the normalisation behind it: they were found folded, all together."""
    names = ", ".join(weight.full for weight in port.weights)
    words = f"{pair.folds} folded into {pair.model}"
    for role, weight in scoped(layer.weights).items():
        yield Proof(layer.path, role, "found", names, words, shape=weight.array.shape)


class _Contents:
    """Where in the port a content stands."""

    def __init__(self, port: Model, sizes: Collection[int]) -> None:
        self.places: dict[tuple[int, int, int], list[tuple[str, str]]] = {}
        for layer in port.layers.values():
            for weight in layer.weights:
                for part, print_ in parts_of(weight.array, sizes):
                    self.places.setdefault(print_, []).append((weight.full, part))

    def of(self, array: Array) -> list[tuple[str, str]]:
        print_ = fingerprint(array)
        return [] if print_ is None else self.places.get(print_, [])


def _elsewhere(layer: Layer, role: str, array: Array, everywhere: _Contents) -> Proof:
    """A weight of a layer that has no module: found by content alone."""
    places = everywhere.of(array)
    if places:
        full, part = places[0]
        return Proof(layer.path, role, "found", full, part, shape=array.shape)
    state: State = "missing" if fingerprint(array) is not None else "unknown"
    return Proof(layer.path, role, state, shape=array.shape)


def _of_a_pair(layer: Layer, port: Layer, model: Model, everywhere: _Contents) -> list[Proof]:
    laid = expected(layer, port)
    if not laid or not _all_fit(laid, port):
        return [_elsewhere(layer, role, one.array.load(), everywhere) for role, one in scoped(layer.weights).items()]
    held = {weight.name: weight for weight in port.weights}
    arrays = {name: weight.array.load() for name, weight in held.items()}
    found = []
    for role, weight in scoped(layer.weights).items():
        wants = {name: one for name, one in laid.items() if role in one.roles}
        if not wants:
            found.append(_elsewhere(layer, role, weight.array.load(), everywhere))
            continue
        found.append(_of_a_role(layer, port, role, weight.array.load(), wants, arrays, everywhere))
    return found


def _all_fit(laid: Mapping[str, Expected], port: Layer) -> bool:
    shapes = {weight.name: weight.array.shape for weight in port.weights}
    return all(shapes[name] == one.array.shape for name, one in laid.items())


def _of_a_role(
    layer: Layer,
    port: Layer,
    role: str,
    array: Array,
    wants: Mapping[str, Expected],
    arrays: Mapping[str, Array],
    everywhere: _Contents,
) -> Proof:
    names = ", ".join(f"{port.path}.{name}" if port.path else name for name in wants)
    if all(np.array_equal(one.array, arrays[name]) for name, one in wants.items()):
        words = "; ".join(one.expression for one in wants.values())
        return Proof(layer.path, role, "found", names, words, shape=array.shape)
    mend = _mended(layer, port, wants)
    biases = [name for name in wants if name.rpartition("_reverse")[0] in _BIASES or name in _BIASES]
    if len(biases) == 2 and array.ndim == 1:
        first, second = (np.asarray(arrays[name], dtype=np.float64) for name in biases)
        total = wants[biases[0]].array.astype(np.float64)
        if np.allclose(first + second, total, rtol=COMPUTED, atol=COMPUTED * float(np.max(np.abs(total), initial=0.0))):
            return Proof(layer.path, role, "found", names, f"{biases[0]} + {biases[1]}", shape=array.shape)
        if np.array_equal(first, total) and np.array_equal(second, total):
            words = f"the whole bias stands in {biases[0]} and again in {biases[1]}"
            return Proof(layer.path, role, "doubled", names, words, mend, array.shape)
    for name, one in wants.items():
        if np.array_equal(one.array, arrays[name]):
            continue
        slip, words = _slip(one, arrays[name])
        if slip:
            return Proof(layer.path, role, "misplaced", names, words, mend, array.shape, slip)
        for words, laid in other_layouts(np.asarray(array), arrays[name].shape):
            if np.array_equal(laid, arrays[name]):
                said = f"{words}; it is read as {one.expression}"
                return Proof(layer.path, role, "misplaced", names, said, mend, array.shape)
        own = f"{port.path}.{name}" if port.path else name
        places = [full for full, _ in everywhere.of(one.array) if full != own]
        if places:
            return Proof(layer.path, role, "swapped", names, f"it stands in {places[0]}", mend, array.shape)
    return Proof(layer.path, role, "stale", names, "other numbers of the same shape", mend, array.shape)


def _slip(wanted: Expected, held: Array) -> tuple[Slip, str]:
    """The mistake by its name and in words, where it is one of the usual two."""
    if wanted.expression.endswith(".T") and np.array_equal(wanted.array.T, held):
        return "not_transposed", "it is not transposed"
    gates = wanted.gates
    if gates is not None and held.shape[0] % len(gates.order) == 0:
        blocks = np.split(np.asarray(held), len(gates.order), axis=0)
        if np.array_equal(np.concatenate([blocks[place] for place in gates.order], axis=0), wanted.array):
            order = f"({', '.join(gates.names)}); torch reads {gates.in_torch(gates.names)}"
            return "gate_order", f"its gates stand in Keras' order {order}"
    return "", ""


def _mended(layer: Layer, port: Layer, wants: Mapping[str, Expected]) -> tuple[str, ...]:
    """The lines that put the model's weights where the port reads them."""
    lines = helper_lines(wants.values())
    for name, one in wants.items():
        target = f"port.{port.path}.{name}" if port.path else f"port.{name}"
        lines.append(f"{target}.data.copy_(torch.from_numpy({one.expression}))  # weights of {layer.path}")
    return tuple(lines)
