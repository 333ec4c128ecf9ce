"""One comparison: both sides are described, run, fed; what they gave is put side by side.

describe   layers, weights, inputs of both sides
run        the batch through both, every layer watched                              pairs, end to end
rounding   the model in float64, exact and moved: how far rounding reaches
feed       the port again, every pair given the model's own activations             starts
confirm    model and port once more with a second batch                             causes
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from conformance.comparison import batch as batches
from conformance.comparison.ends import CompareError, End, SideRefused
from conformance.comparison.pairing import CallPair, Pairing, Slot, call_pairs, pairing_of
from conformance.comparison.proof import Proof, proofs
from conformance.comparison.values import Array, Call, Model, Stored, calls_of, model_of
from conformance.lanes.compare_far import Store

UNIT = 2.0**-24
PATTERNS = 4
"""Moved runs of the whole model, of each kind; more would cost more than they tell."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a comparison is made."""

    with_rounding: bool = True
    pairs: Mapping[str, str] | None = None
    port_inputs: str | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Moves:
    """Of one array of the model: its value in float64, and how far rounding moves it."""

    exact: Stored
    moved: Stored | None


@dataclass(frozen=True, slots=True)
class Rounding:
    """What rounding does to the model: of its own making at each layer, and of all before it."""

    local: Mapping[tuple[str, int, str, str], Moves] = field(default_factory=dict)
    whole: Mapping[tuple[str, int, str, str], Moves] = field(default_factory=dict)
    why_not: str = ""

    def at(self, call: Call, side: str, place: str, is_local: bool) -> Moves | None:
        return (self.local if is_local else self.whole).get((call.path, call.index, side, place))


@dataclass(frozen=True, slots=True)
class Runs:
    """Everything that was seen with one batch."""

    calls: tuple[Call, ...]
    port_calls: tuple[Call, ...]
    pairs: tuple[CallPair, ...]
    fed: Mapping[tuple[str, int], Call]
    """The port's calls when it is given the model's activations."""
    remarks: tuple[str, ...] = ()


class Session:
    """Two sides in front of one batch. Use it as a context: it ends the sides that it was given."""

    def __init__(self, model_end: End, port_end: End, folder: Path, settings: Settings) -> None:
        self.model_end, self.port_end = model_end, port_end
        self.settings = settings
        self.store = Store(str(folder / "batch"))
        self.seconds: dict[str, float] = {}
        self.model: Model
        self.port: Model
        self.batch: dict[str, Array]

    def describe(self, given: batches.Batch | None) -> None:
        """What both sides are, and the batch that fits. Raises CompareError and SideRefused."""
        with self.clock("describe"):
            first = self.stored(given) if given is not None and self._is_live_or_open(given) else None
            self.model = model_of(self.model_end.ask("describe", inputs=first), self.model_end.versions())
            self.port = model_of(self.port_end.ask("describe"), self.port_end.versions())
            self.batch = (
                batches.drawn(self.model, self.settings.seed) if given is None else batches.checked(given, self.model)
            )
            if not self.model.layers:
                raise CompareError("the model has no layers")

    def _is_live_or_open(self, given: batches.Batch) -> bool:
        """Whether the arrays have names: a subclassed model is built by its first call, which needs them."""
        return all(name and not name.startswith("#") for name in given)

    def stored(self, batch: batches.Batch) -> dict[str, Any]:
        return {name: self.store.keep(array) for name, array in batch.items()}

    def clock(self, what: str) -> _Clock:
        return _Clock(self.seconds, what)

    def port_request(self, batch: batches.Batch) -> dict[str, Any]:
        kept = self.stored(batch)
        if not self.port.arguments:  # another Keras model: the same inputs, under its own names
            names = [one["name"] for one in self.port.inputs] or list(kept)
            return {"inputs": dict(zip(names, kept.values(), strict=False))}
        arguments = batches.arguments_of(self.settings.port_inputs, self.port, batch)
        return {"arguments": [{**one, "array": kept[one["input"]]} for one in arguments]}

    def runs(self, batch: batches.Batch, pairing: Pairing | None = None) -> tuple[Pairing, Runs]:
        """Both sides with one batch, then the port fed. Raises SideRefused and SideLost."""
        with self.clock("run the model"):
            calls = calls_of(self.model_end.ask("run", inputs=self.stored(batch)))
        request = self.port_request(batch)
        with self.clock("run the port"):
            port_calls = calls_of(self.port_end.ask("run", **request))
        with self.clock("pair"):
            if pairing is None:
                pairing = pairing_of(self.model, self.port, calls, port_calls, self.settings.pairs)
            pairs, remarks = call_pairs(pairing, self.model, self.port, calls, port_calls)
        with self.clock("feed the port"):
            fed = calls_of(self.port_end.ask("run", **request, force=forces(pairs, self.store)))
        return pairing, Runs(calls, port_calls, tuple(pairs), {call.key: call for call in fed}, tuple(remarks))

    def fed(self, batch: batches.Batch, pairs: Sequence[CallPair], **more: Any) -> Mapping[tuple[str, int], Call]:
        """The port's calls when some pairs are given the model's activations."""
        answer = self.port_end.ask("run", **self.port_request(batch), force=forces(pairs, self.store), **more)
        return {call.key: call for call in calls_of(answer)}

    def proofs(self, pairing: Pairing) -> tuple[Proof, ...]:
        with self.clock("prove weights"):
            return proofs(self.model, self.port, pairing)

    def rounding(self) -> Rounding:
        """How far rounding carries the model's arrays; without it where the model has no float64."""
        if not self.settings.with_rounding:
            return Rounding(why_not="it was not asked for")
        with self.clock("measure rounding"):
            inputs = self.stored(self.batch)
            try:
                answer = self.model_end.ask("rounding", inputs=inputs, unit=UNIT, patterns=PATTERNS)
            except SideRefused as error:
                return Rounding(why_not=error.message)
        names = {call["order"]: (call["path"], call["index"]) for call in answer["calls"]}
        return Rounding(_moves(answer["local"], names), _moves(answer["whole"], names))


@dataclass
class _Clock:
    seconds: dict[str, float]
    what: str
    started: float = 0.0

    def __enter__(self) -> None:
        self.started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.seconds[self.what] = self.seconds.get(self.what, 0.0) + time.monotonic() - self.started


def _moves(
    arrays: Sequence[Mapping[str, Any]], names: Mapping[int, tuple[str, int]]
) -> dict[tuple[str, int, str, str], Moves]:
    found = {}
    for one in arrays:
        path, index = names[one["order"]]
        exact = Stored.of(one["exact"])
        assert exact is not None
        found[path, index, one["side"], one["place"]] = Moves(exact, Stored.of(one["moved"]))
    return found


def forces(pairs: Sequence[CallPair], store: Store) -> list[dict[str, Any]]:
    """What the port's modules are given in the place of their own, and hand on in the place of their own."""
    return [
        {
            "path": pair.port.path,
            "index": pair.port.index,
            "inputs": {
                **{slot.port.place: _forced(slot) for slot in pair.inputs if slot.model.array.is_float},
                **_mask_argument(pair, store),
            },
            "outputs": {slot.port.place: _forced(slot) for slot in pair.outputs if slot.model.array.is_float},
        }
        for pair in pairs
    ]


def _mask_argument(pair: CallPair, store: Store) -> dict[str, Any]:
    """The mask for a port of Keras' that takes one as an argument: the model's; all true where that has none."""
    asked = next((held for held in pair.port.inputs if held.place == "kwargs.mask"), None)
    if asked is None or not pair.model.inputs:
        return {}
    own = next((held.array for held in pair.model.inputs if held.place == "kwargs.mask"), pair.model.inputs[0].mask)
    if own is None:
        whole = store.keep(np.ones(asked.array.shape, dtype=bool))
        return {asked.place: {"array": whole, "axes": list(range(len(asked.array.shape))), "shape": asked.array.shape}}
    axes = list(range(len(own.shape)))
    return {asked.place: {"array": own.as_message(), "axes": axes, "shape": list(own.shape)}}


def _forced(slot: Slot) -> dict[str, Any]:
    mask = slot.model.mask
    is_in_order = slot.order.axes == tuple(range(len(slot.order.axes)))
    return {
        "array": slot.model.array.as_message(),
        **slot.order.as_message(),
        "mask": mask.as_message() if mask is not None and is_in_order else None,
    }


def scratch() -> tempfile.TemporaryDirectory[str]:
    """The folder of a comparison's arrays; it goes when the comparison ends."""
    return tempfile.TemporaryDirectory(prefix="conformance-compare-")


def terms_of(model: Model, path: str) -> int:
    """The longest sum that a layer's own weights speak of."""
    layer = model.layers.get(path)
    shapes = [weight.array.shape for weight in layer.weights] if layer is not None else []
    return max((int(np.prod(shape[:-1], dtype=np.int64)) for shape in shapes), default=1)
