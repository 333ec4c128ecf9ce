"""Which layer of the port is which of the model: by what their weights hold, by what they give, by order, by name.

Each pair says how it was found. What is left over on either side is listed: a layer of the model without a module of
its own is judged with what the port computes between two modules, and is never skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from conformance.comparison.folding import folded, follows, is_folded_into
from conformance.comparison.layouts import PLAIN, expected, known
from conformance.comparison.orders import CLOSE, Order, best_order, channels_first
from conformance.comparison.traits import traits_of
from conformance.comparison.values import Array, Call, Held, Layer, Model, Stored, Weight

How = Literal["weights", "folded statistics", "values", "order", "name", "given"]

STRETCH = 1 << 20
"""Numbers that are looked at together."""
_MODULUS = 1 << 64
DISTINCT = 2
"""Different numbers that a weight needs to say which one it is."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A layer of the model and the module of the port that does the same."""

    model: str
    port: str
    how: How
    folds: str = ""
    """The normalisation behind the layer whose statistics stand in the module's weights: it gives what that gives."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One array of the model, the place of its counterpart in the port's call, and the order between them."""

    model: Held
    port: Held
    order: Order


@dataclass(frozen=True, slots=True)
class CallPair:
    """One call of a pair: what goes in and what comes out on both sides."""

    pair: Pair
    model: Call
    port: Call
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    gives: Call
    """The call of the model whose results the module's are: the layer's, or that before its activation."""

    @property
    def name(self) -> str:
        return f"{self.model.path}#{self.model.index}" if self.model.index else self.model.path


@dataclass(frozen=True, slots=True)
class Pairing:
    """All pairs, and what is left over."""

    pairs: tuple[Pair, ...]
    left_of_model: tuple[str, ...] = ()
    left_of_port: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    by_model: Mapping[str, Pair] = field(default_factory=dict)


Fingerprint = tuple[int, int, int]


def fingerprint(array: Array) -> Fingerprint | None:
    """The same for the same numbers in any order; None for numbers that tell nothing (all the same, or integers).

    Sums of the numbers' bits and of their squares, modulo 2^64: exact in any order, and taken a stretch at a time, so
    that a large weight needs no copy of itself.
    """
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.size < DISTINCT or flat.dtype.kind != "f":
        return None
    total = squares = 0
    is_distinct = False
    for start in range(0, flat.size, STRETCH):
        part = flat[start : start + STRETCH]
        is_distinct = is_distinct or bool(np.any(part != flat[0]))
        bits = (part.astype(np.float32) + np.float32(0.0)).view(np.uint32).astype(np.uint64)
        with np.errstate(over="ignore"):
            total, squares = total + int(np.sum(bits)), squares + int(np.sum(bits * bits))
    return (int(flat.size), total % _MODULUS, squares % _MODULUS) if is_distinct else None


@lru_cache(maxsize=1 << 14)
def print_of(weight: Stored, block: tuple[int, int] = (0, 1)) -> Fingerprint | None:
    """The fingerprint of a weight on disk, or of one of so many blocks of its rows; asked by pairing and by proof."""
    array = weight.load()
    index, count = block
    return fingerprint(array if count == 1 else np.split(array, count, axis=0)[index])


def parts_of(weight: Stored, sizes: Collection[int]) -> Iterator[tuple[str, Fingerprint]]:
    """What of a port's weight may be a whole weight of the model: all of it, or one of two to four blocks of rows.

    `sizes` are those of the model's weights: no block of another one is any of them.
    """
    whole = print_of(weight)
    if whole is not None:
        yield "", whole
    rows = weight.shape[0] if weight.shape else 0
    for count in (2, 3, 4):
        if rows % count == 0 and rows >= 2 * count and weight.size // count in sizes:
            for index in range(count):
                block = print_of(weight, (index, count))
                if block is not None:
                    yield f"block {index} of {count}", block


def sizes_of(model: Model) -> frozenset[int]:
    """How many numbers the model's weights have, and the rows of those of two rows."""
    held = [weight.array for layer in model.layers.values() for weight in layer.weights]
    rows = [array.size // 2 for array in held if len(array.shape) == 2 and array.shape[0] == 2]
    return frozenset([*(array.size for array in held), *rows])


def pairing_of(
    model: Model,
    port: Model,
    calls: Sequence[Call],
    port_calls: Sequence[Call],
    given: Mapping[str, str] | None = None,
) -> Pairing:
    """The pairs of two models. `given` settles what the user knows: the model's path to the port's."""
    search = _Search(model, port, calls, port_calls)
    search.take(given or {})
    search.by_the_same_path()
    search.by_weights()
    search.by_folding()
    search.by_name_and_order()
    search.by_values()
    return search.found()


class _Search:
    """Pairs as they are found; each way takes what the ways before it have left."""

    def __init__(self, model: Model, port: Model, calls: Sequence[Call], port_calls: Sequence[Call]) -> None:
        self.model, self.port = model, port
        self.calls, self.port_calls = _by_path(calls), _by_path(port_calls)
        self.in_order = calls
        self.folded: set[str] = set()
        """Normalisations that stand in the weights of another module."""
        self.pairs: dict[str, Pair] = {}
        self.taken: dict[str, str] = {}
        self.remarks: list[str] = []

    def _pair(self, path: str, port: str, how: How, folds: str = "") -> None:
        self.pairs[path] = Pair(path, port, how, folds)
        self.taken.setdefault(port, path)

    def take(self, given: Mapping[str, str]) -> None:
        for path, port in given.items():
            self._pair(path, port, "given")

    def by_the_same_path(self) -> None:
        """Of two Keras models: layers of one class under one name."""
        for path, layer in self.model.layers.items():
            other = self.port.layers.get(path)
            if other is not None and path and other.type == layer.type and path not in self.pairs and layer.is_leaf:
                self._pair(path, path, "name")

    def by_weights(self) -> None:
        """By content: most numbers in common first; equal contents in their order."""
        held: dict[Fingerprint, list[str]] = {}
        sizes = sizes_of(self.model)
        for layer in self.port.layers.values():
            for weight in layer.weights:
                for _, print_ in parts_of(weight.array, sizes):
                    if layer.path not in held.setdefault(print_, []):
                        held[print_].append(layer.path)
        for layer in self.model.layers.values():
            if not layer.weights or layer.path in self.pairs:
                continue
            votes: dict[str, int] = {}
            for one in layer.weights:
                for size, print_ in _pieces(one):
                    for port in held.get(print_, ()):
                        votes[port] = votes.get(port, 0) + size
            if not votes:
                continue
            order = list(self.port.layers)
            best = max(votes, key=lambda port: (votes[port], port not in self.taken, -order.index(port)))
            free = [port for port in votes if votes[port] == votes[best] and port not in self.taken]
            chosen = min(free, key=order.index) if free else best
            if chosen in self.taken and self.port.layers[chosen].type in PLAIN:
                continue  # one content twice in the model and once in the port: order and names decide
            self._pair(layer.path, chosen, "weights")

    def by_folding(self) -> None:
        """Layers whose normalisation stands in their own weights, where the port has no module for it."""
        for layer, norm in follows(self.model, self.in_order):
            known = self.pairs.get(layer.path)
            if norm.path in self.pairs or (known is not None and known.how != "given"):
                continue
            roles = folded(layer, norm)
            if roles is None:
                continue
            free = [known.port] if known is not None else [path for path in self.port.layers if path not in self.taken]
            chosen = next((path for path in free if is_folded_into(layer, roles, self.port.layers[path])), None)
            if chosen is not None:
                self._pair(layer.path, chosen, "given" if known is not None else "folded statistics", norm.path)
                self.folded.add(norm.path)

    def by_name_and_order(self) -> None:
        """What has weights that are found nowhere: the next module made for the same, of the same sizes."""
        order = list(self.port.layers)
        floor = -1
        for layer in self.model.layers.values():
            if layer.path in self.pairs:
                floor = max(floor, order.index(self.pairs[layer.path].port))
                continue
            if not layer.weights or layer.path not in self.calls or layer.path in self.folded:
                continue
            fits = [
                one.path for one in self.port.layers.values() if one.path not in self.taken and self._fits(layer, one)
            ]
            if not fits:
                continue
            same_name = [path for path in fits if path.rpartition(".")[2] == layer.path.rpartition("/")[2]]
            later = [path for path in fits if order.index(path) > floor]
            chosen = (same_name or later or fits)[0]
            self._pair(layer.path, chosen, "name" if same_name else "order")
            floor = max(floor, order.index(chosen))

    def _fits(self, layer: Layer, port: Layer) -> bool:
        if port.type not in traits_of(layer).modules() and not (not known(layer.type) and port.weights):
            return False
        laid = expected(layer, port)
        sizes = {weight.name: weight.array.shape for weight in port.weights}
        if laid is None:
            return sorted(w.array.size for w in layer.weights) == sorted(w.array.size for w in port.weights)
        return bool(laid) and all(sizes[name] == one.array.shape for name, one in laid.items())

    def by_values(self) -> None:
        """What has no weights: the next module that is made for the same or gives the same."""
        done = -1
        for layer in self._in_order_of_calls():
            path = layer.path
            if path in self.pairs:
                calls = self.port_calls.get(self.pairs[path].port, [])
                done = max([done, *(call.order for call in calls[:1])])
                continue
            if layer.weights or not layer.is_leaf or not self.calls[path][0].outputs:
                continue
            chosen = self._same_values(layer, done)
            if chosen is not None:
                self._pair(path, chosen, "values")
                done = max(done, self.port_calls[chosen][0].order)

    def _in_order_of_calls(self) -> list[Layer]:
        firsts = sorted((calls[0].order, path) for path, calls in self.calls.items())
        return [self.model.layers[path] for _, path in firsts if path in self.model.layers]

    def _same_values(self, layer: Layer, done: int) -> str | None:
        call = self.calls[layer.path][0]
        wanted = call.outputs[0]
        if not wanted.array.is_float:
            return None
        for path, calls in sorted(self.port_calls.items(), key=lambda item: item[1][0].order):
            port = self.port.layers.get(path)
            if port is None or path in self.taken or not port.is_leaf or port.weights or not calls[0].outputs:
                continue
            is_made_for_it = self._is_made_for(layer, port)
            if calls[0].order <= done and not is_made_for_it:
                continue
            if not is_made_for_it and (layer.is_random or port.is_random):
                continue
            if is_made_for_it and calls[0].order > done and self._no_weights_between(done, calls[0].order):
                return path  # whatever it gives, and in whatever shape
            near = best_order(wanted, calls[0].outputs[0])
            if near is not None and near[1] < CLOSE and is_made_for_it:
                return path
        return None

    def _no_weights_between(self, start: int, end: int) -> bool:
        """Whether the port passes no paired module between two calls."""
        paired = set(self.taken)
        return not any(
            start < call.order < end for path in paired for call in self.port_calls.get(path, ()) if path != ""
        )

    def _is_made_for(self, layer: Layer, port: Layer) -> bool:
        return port.type in traits_of(layer).modules()

    def found(self) -> Pairing:
        """The pairs in the model's order, and what has none."""
        pairs = tuple(self.pairs[path] for path in self.model.layers if path in self.pairs)
        left = tuple(
            path
            for path, layer in self.model.layers.items()
            if path and path not in self.pairs and path not in self.folded and layer.is_leaf and path in self.calls
        )
        used = {pair.port for pair in pairs}
        left_of_port = tuple(
            path
            for path, layer in self.port.layers.items()
            if path and path not in used and (layer.is_leaf or layer.weights)
        )
        return Pairing(pairs, left, left_of_port, tuple(self.remarks), {pair.model: pair for pair in pairs})


def _pieces(weight: Weight) -> Iterator[tuple[int, Fingerprint]]:
    """A weight of the model and, of one with two rows, each row."""
    array = weight.array
    print_ = print_of(array)
    if print_ is not None:
        yield array.size, print_
    if len(array.shape) == 2 and array.shape[0] == 2:
        for row in range(2):
            if (print_ := print_of(array, (row, 2))) is not None:
                yield array.size // 2, print_


def _by_path(calls: Sequence[Call]) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.path, []).append(call)
    return found


def call_pairs(
    pairing: Pairing, model: Model, port: Model, calls: Sequence[Call], port_calls: Sequence[Call]
) -> tuple[list[CallPair], list[str]]:
    """Every call of every pair with its arrays side by side, and remarks on pairs that are not called alike."""
    mine, theirs = _by_path(calls), _by_path(port_calls)
    found: list[CallPair] = []
    remarks = []
    usual = _Usual()
    for pair in pairing.pairs:
        ours, others = mine.get(pair.model, []), theirs.get(pair.port, [])
        if not others:
            if ours:
                remarks.append(f"{pair.port} is never called as a module; what it does is judged with what follows")
            continue
        if len(ours) != len(others):
            remarks.append(
                f"{pair.model} is called {len(ours)} times, {pair.port} {len(others)} times; the first are compared"
            )
        for one, other in zip(ours, others, strict=False):
            behind = mine[pair.folds][one.index] if pair.folds else None
            gives = behind or _gives(one, model, port.layers[pair.port], mine, other)
            inputs = _slots(one.inputs, other.inputs, usual)
            outputs = _slots(gives.outputs, other.outputs, usual)
            found.append(CallPair(pair, one, other, inputs, outputs, gives))
    again = [
        replace(
            each,
            inputs=_slots(each.model.inputs, each.port.inputs, usual, port.layers[each.pair.port].type),
            outputs=_slots(each.gives.outputs, each.port.outputs, usual, port.layers[each.pair.port].type),
        )
        if usual.is_in_doubt(each)
        else each
        for each in found
    ]
    return sorted(again, key=lambda each: each.model.order), remarks


class _Usual:
    """In which order the axes of arrays stand where that can be read from them: what holds for those where it can't."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[tuple[int, ...], int]] = {}
        self._doubts: set[int] = set()

    def note(self, held: Held, order: Order, far: float) -> None:
        """Counts an order that was read from an array, or remembers an array that none could be read from."""
        if far < CLOSE:
            votes = self._seen.setdefault(len(order.axes), {})
            votes[order.axes] = votes.get(order.axes, 0) + 1
        else:
            self._doubts.add(id(held))

    def axes(self, rank: int, kind: str) -> tuple[int, ...] | None:
        """The usual order for a rank; of a module that has its channels first always that."""
        if kind.startswith(CHANNELS_FIRST):
            return channels_first(rank)
        votes = self._seen.get(rank)
        return max(votes, key=lambda axes: votes[axes]) if votes else None

    def is_in_doubt(self, pair: CallPair) -> bool:
        return any(id(slot.model) in self._doubts for slot in (*pair.inputs, *pair.outputs))


CHANNELS_FIRST = (
    "Conv",
    "BatchNorm",
    "GroupNorm",
    "InstanceNorm",
    "MaxPool",
    "AvgPool",
    "Adaptive",
    "Upsample",
    "ZeroPad",
)
"""How the names of torch's modules begin that take (batch, channels, ...)."""


def _gives(call: Call, model: Model, port: Layer, calls: Mapping[str, list[Call]], other: Call) -> Call:
    """The layer's call or, where a module has no activation and the layer one, what goes into that activation."""
    inner = f"{call.path}/activation"
    if inner not in model.layers:
        return call
    within = [one for one in calls.get(inner, ()) if one.parent == call.order]
    if not within:
        return call
    before = Call(inner, within[0].index, within[0].order, call.order, (), within[0].inputs, {})
    if port.type in PLAIN:
        return before
    if call.outputs and other.outputs and within[0].inputs:
        whole, part = best_order(call.outputs[0], other.outputs[0]), best_order(within[0].inputs[0], other.outputs[0])
        if whole is not None and part is not None and part[1] < whole[1]:
            return before
    return call


def _slots(model: Sequence[Held], port: Sequence[Held], usual: _Usual, kind: str = "") -> tuple[Slot, ...]:
    """The arrays of the model, each with the nearest of the port's that no other has taken."""
    found = []
    free = list(port)
    for held in model:
        if held.place.startswith("kwargs") and "mask" in held.place:
            continue
        near: tuple[float, int, Held, Order] | None = None
        for index, one in enumerate(free):
            if _is_number(held.array) != _is_number(one.array):
                continue
            best = best_order(held, one, usual.axes(len(held.array.shape), kind))
            if best is not None and (near is None or best[1] < 0.99 * near[0]):
                near = (best[1], index, one, best[0])
        if near is not None:
            free.pop(near[1])
            usual.note(held, near[3], near[0])
            found.append(Slot(held, near[2], near[3]))
    return tuple(found)


def _is_number(array: Stored) -> bool:
    """Whether an array holds floats; ids and masks do not stand for them."""
    return array.is_float
