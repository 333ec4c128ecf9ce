"""What the layers of one model get and give during a run: kept on disk, replaced where asked for, moved by rounding.

A far end reports the beginning and the end of each call of a layer. Calls are numbered in the order in which they
begin; leaves of arguments and results are named by their place (`0`, `kwargs.mask`). Standard library and NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from conformance.lanes.compare_far import LEAF_LIMIT, Store, factors, laid_out, leaves, opened, replaced

CHUNK = 1 << 20
"""Elements that are looked at together, so that memory does not grow with a layer."""


class Tensors(Protocol):
    """What a recorder needs to know of a framework's arrays."""

    def is_leaf(self, value: Any) -> bool: ...
    def array(self, leaf: Any) -> np.ndarray[Any, Any]: ...
    def mask(self, leaf: Any) -> np.ndarray[Any, Any] | None: ...
    def lengths(self, leaf: Any) -> list[int] | None: ...
    def token(self, leaf: Any) -> Any:
        """What tells an array from others, and from itself after it was changed in place."""

    def put_mask(self, leaf: Any, mask: Any) -> None:
        """Has an array carry a mask, or none, where the framework's arrays carry masks."""

    def like(self, array: np.ndarray[Any, Any], leaf: Any) -> Any:
        """The array as a leaf of the same kind, dtype and mask as another. Raises ValueError for another shape."""


class Recorder:
    """One run of a model."""

    def __init__(
        self,
        tensors: Tensors,
        store: Store | None,
        force: Sequence[Mapping[str, Any]] = (),
        only: Sequence[str] | None = None,
        noise: Noise | None = None,
    ) -> None:
        self._tensors, self._store, self._noise = tensors, store, noise
        self._force = {(one["path"], one["index"]): one for one in force}
        self._only = None if only is None else set(only)
        self._counts: dict[str, int] = {}
        self._stack: list[dict[str, Any]] = []
        self._seen: dict[Any, tuple[Any, Any]] = {}
        self._put: dict[Any, tuple[Any, dict[str, Any]]] = {}
        """What was put in the place of a result, by its token: handed on, it is known and need not be kept again."""
        self.calls: list[dict[str, Any]] = []

    def begin(self, path: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Notes a call; gives the arguments that it is to be made with."""
        index = self._counts.get(path, 0)
        self._counts[path] = index + 1
        call: dict[str, Any] = {
            "path": path,
            "index": index,
            "order": len(self.calls),
            "parent": self._stack[-1]["order"] if self._stack else -1,
            "not_forced": [],
        }
        self.calls.append(call)
        self._stack.append(call)
        given = {**{str(index): value for index, value in enumerate(args)}, "kwargs": dict(kwargs)}
        call["inputs"] = self._leaves(call, given, "in")
        call["plain"] = _plain(kwargs)
        forced = self._forced(call, given, "inputs")
        if forced:
            given = replaced(given, forced)
            args, kwargs = tuple(given[str(place)] for place in range(len(args))), given["kwargs"]
        return args, kwargs

    def end(self, output: Any) -> Any:
        """Notes what the call gave; gives what is handed on in its place."""
        call = self._stack.pop()
        nest = {"": output} if self._tensors.is_leaf(output) else output
        call["outputs"] = self._leaves(call, nest, "out")
        changed = dict(self._forced(call, nest, "outputs"))
        if self._noise is not None:
            changed |= self._noise.moved(call, nest, self._tensors)
        if not changed:
            return output
        return replaced(nest, changed)  # the place of a single array is the empty one: it is the answer itself

    def _leaves(self, call: dict[str, Any], nest: Any, side: str) -> list[dict[str, Any]]:
        found = []
        for place, leaf in list(leaves(nest, self._tensors.is_leaf))[:LEAF_LIMIT]:
            entry: dict[str, Any] = {"place": place}
            if self._noise is not None:
                self._noise.measure((call["order"], side, place), leaf, self._tensors)
            elif self._store is not None and (self._only is None or call["path"] in self._only):
                entry["array"] = self._kept(leaf)
                mask = self._tensors.mask(leaf)
                entry["mask"] = None if mask is None else self._store.keep(mask)
                entry["lengths"] = self._tensors.lengths(leaf)
            found.append(entry)
        return found

    def _kept(self, leaf: Any) -> dict[str, Any]:
        """An array that several calls hand on is written once; the leaf is held, so that its id stays its own."""
        token = self._tensors.token(leaf)
        if token in self._put:
            return self._put[token][1]
        known = self._seen.get(token)
        if known is None:
            assert self._store is not None
            known = self._seen[token] = (leaf, self._store.keep(self._tensors.array(leaf)))
        reference: dict[str, Any] = known[1]
        return reference

    def _forced(self, call: dict[str, Any], nest: Any, side: str) -> dict[str, Any]:
        """The leaves that a request puts in the place of the model's own, by place."""
        wanted = self._force.get((call["path"], call["index"]), {}).get(side, {})
        if not wanted:
            return {}
        held = dict(leaves(nest, self._tensors.is_leaf))
        made = {}
        for place, order in wanted.items():
            if place not in held:
                call["not_forced"].append(place)
                continue
            try:
                made[place] = self._laid(order, held[place])
                if side == "outputs":
                    if order.get("mask") is None and self._tensors.lengths(held[place]) is None:
                        self._put[self._tensors.token(made[place])] = made[place], _put(order)
                    self._tensors.put_mask(made[place], self._mask(order))
            except ValueError as error:
                call["not_forced"].append(f"{place}: {error}")
        return made

    def _laid(self, order: Mapping[str, Any], leaf: Any) -> Any:
        """The array that stands in a leaf's place; at masked steps the leaf keeps its own. Raises ValueError."""
        array, mask = laid_out(opened(order["array"]), order), self._mask(order)
        if mask is not None:
            own = self._tensors.array(leaf)
            valid = mask[..., : own.shape[1]] if own.ndim > 1 else None
            if valid is not None and valid.shape == own.shape[: valid.ndim]:
                array = np.where(valid.reshape(valid.shape + (1,) * (own.ndim - valid.ndim)), array, own)
        return self._tensors.like(array, leaf)

    def _mask(self, order: Mapping[str, Any]) -> Any:
        """The mask that goes with it, or None."""
        return None if order.get("mask") is None else np.asarray(opened(order["mask"]))


def _put(order: Mapping[str, Any]) -> dict[str, Any]:
    """The reference of an array as it was put somewhere: kept already, to be laid out when it is read."""
    laid = {key: order.get(key) for key in ("axes", "shape", "steps", "rows")}
    of = order["array"]
    source = {"digest": of["digest"], "shape": of["shape"], "order": laid}
    return {**of, "shape": list(order["shape"]), "digest": "", "laid": source}


def _plain(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that are no arrays and tell something: flags, numbers, names."""
    return {
        str(key): value for key, value in kwargs.items() if isinstance(value, (bool, int, float, str)) or value is None
    }


class Noise:
    """Rounding put into a float64 run: what every layer gives is moved, and how far every array moves is summed up.

    The first run, with pattern None, is exact and is kept; each later one adds the squares of its distances. Where it
    is local, a layer's results are replaced by the exact ones, moved: so that what its arrays move by is of its own
    making, and not of all layers before it. Runs of both kinds are told apart by the exact one that they share.
    """

    def __init__(self, store: Store, unit: float) -> None:
        self._store, self._unit = store, unit
        self._exact: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._sums: dict[bool, dict[tuple[Any, ...], Any]] = {True: {}, False: {}}
        """Of local runs, and of the others."""
        self._first: dict[str, tuple[Any, ...]] = {}
        self._runs = {True: 0, False: 0}
        self.pattern: int | None = None
        self._is_local = False

    def start(self, pattern: int | None, is_local: bool = False) -> None:
        """Begins a run."""
        self.pattern, self._is_local = pattern, is_local
        self._runs[is_local] += pattern is not None

    def measure(self, key: tuple[Any, ...], leaf: Any, tensors: Tensors) -> None:
        """Keeps an array of the exact run, or adds how far it lies from that."""
        array = tensors.array(leaf)
        if array.dtype.kind != "f" or array.size == 0:
            return
        if self.pattern is None:
            reference = self._exact[key] = self._store.keep(array.astype(np.float64))
            self._first.setdefault(reference["digest"], key)
            return
        reference = self._exact.get(key, {})
        if not reference or list(array.shape) != reference["shape"] or self._first[reference["digest"]] != key:
            return
        sums = self._sums[self._is_local]
        if key not in sums:
            self._store.make_room(8 * array.size)
            sums[key] = np.memmap(self._store.fresh(), np.float64, "w+", 0, array.shape or (1,))
        total, exact, near = sums[key].reshape(-1), opened(reference).reshape(-1), array.reshape(-1)
        for start in range(0, near.size, CHUNK):
            stretch = slice(start, start + CHUNK)
            with np.errstate(invalid="ignore", over="ignore"):
                total[stretch] += (near[stretch] - exact[stretch]) ** 2

    def moved(self, call: Mapping[str, Any], nest: Any, tensors: Tensors) -> dict[str, Any]:
        """What a layer hands on in this run, by place."""
        if self.pattern is None:
            return {}
        made: dict[str, Any] = {}
        for place, leaf in leaves(nest, tensors.is_leaf):
            key = (call["order"], "out", place)
            if key not in self._exact:
                continue
            array = np.asarray(opened(self._exact[key])) if self._is_local else tensors.array(leaf)
            drawn = factors(self.pattern, call["order"] * LEAF_LIMIT + len(made), array.shape, self._unit)
            made[place] = tensors.like(array * drawn, leaf)
        return made

    def answer(self, is_local: bool) -> list[dict[str, Any]]:
        """Every array of the exact run with the root mean square of its moves in the runs of one kind."""
        sizes = {}
        for key, total in self._sums[is_local].items():
            total[...] = np.sqrt(total / max(self._runs[is_local], 1))
            total.flush()
            shape = self._exact[key]["shape"]
            sizes[key] = {"file": str(total.filename), "offset": 0, "shape": shape, "dtype": "float64", "digest": ""}
        return [
            {
                "order": key[0],
                "side": key[1],
                "place": key[2],
                "exact": reference,
                "moved": sizes.get(self._first[reference["digest"]]),
            }
            for key, reference in self._exact.items()
        ]
