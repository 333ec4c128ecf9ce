"""What a far end says of a model, as frozen values: layers, weights, and the calls of a run with arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.lanes.compare_far import laid_out, read

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Laid:
    """Of an array of the model's that was put into the port: which it is, and the order of axes that it got there."""

    digest: str
    shape: tuple[int, ...]
    order: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An array on disk. `digest` is the same for the same numbers in the same shape; empty where it was not taken."""

    file: str
    offset: int
    shape: tuple[int, ...]
    dtype: str
    digest: str
    laid: Laid | None = None
    """How what is on disk is laid out to be this array; None for as it is."""

    @classmethod
    def of(cls, message: Mapping[str, Any] | None) -> Stored | None:
        if message is None:
            return None
        laid = message.get("laid")
        made = None if laid is None else Laid(laid["digest"], tuple(laid["shape"]), laid["order"])
        return cls(
            message["file"], message["offset"], tuple(message["shape"]), message["dtype"], message["digest"], made
        )

    def load(self) -> Array:
        """The array, read from disk as it is needed."""
        if self.laid is None:
            return read(self.file, self.offset, self.shape, self.dtype)
        turned: Array = laid_out(read(self.file, self.offset, self.laid.shape, self.dtype), self.laid.order)
        return turned

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def is_float(self) -> bool:
        return self.dtype.startswith(("float", "bfloat"))

    def as_message(self) -> dict[str, Any]:
        made = {
            "file": self.file,
            "offset": self.offset,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "digest": self.digest,
        }
        if self.laid is None:
            return made
        return made | {"laid": {"digest": self.laid.digest, "shape": list(self.laid.shape), "order": self.laid.order}}


@dataclass(frozen=True, slots=True)
class Held:
    """One array among the arguments or results of a call, by its place there."""

    place: str
    array: Stored
    mask: Stored | None = None
    lengths: tuple[int, ...] | None = None
    """Of a packed sequence: the real steps of each row."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a layer in a run."""

    path: str
    index: int
    """Which call of this layer it is, from 0."""
    order: int
    """Its number in the run, by when it began."""
    parent: int
    """The call around it; -1 for none."""
    inputs: tuple[Held, ...]
    outputs: tuple[Held, ...]
    plain: Mapping[str, Any]
    """Arguments that are no arrays."""
    not_forced: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, int]:
        return self.path, self.index


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight, a parameter or a buffer of one layer."""

    name: str
    full: str
    array: Stored
    is_trained: bool
    storage: int
    """The same for two names of one array."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer or submodule; `path` is empty for the model itself."""

    path: str
    type: str
    module: str
    config: Mapping[str, Any] | None
    weights: tuple[Weight, ...]
    is_leaf: bool
    is_training: bool
    is_random: bool

    @property
    def is_of_keras(self) -> bool:
        """Whether it is a layer of Keras', a user's own included: then its arrays carry masks and its weights roles."""
        return self.config is None or self.module.startswith(("keras", "tf_keras")) or "name" in self.config

    @property
    def count(self) -> int:
        """Numbers in its own weights."""
        return sum(weight.array.size for weight in self.weights)


@dataclass(frozen=True, slots=True)
class Model:
    """One side: its layers in the order in which they were made."""

    type: str
    layers: Mapping[str, Layer]
    inputs: tuple[Mapping[str, Any], ...]
    arguments: tuple[str, ...]
    remarks: tuple[str, ...]
    versions: Mapping[str, str] = field(default_factory=dict)


def model_of(message: Mapping[str, Any], versions: Mapping[str, str]) -> Model:
    """The model that a far end describes."""
    layers = {
        one["path"]: Layer(
            one["path"],
            one["class"],
            one["module"],
            one["config"],
            tuple(
                Weight(w["name"], w["full"], _stored(w["array"]), w["is_trained"], w["storage"]) for w in one["weights"]
            ),
            one["is_leaf"],
            one["is_training"],
            one["is_random"],
        )
        for one in message["layers"]
    }
    return Model(
        message["class"],
        layers,
        tuple(message["inputs"]),
        tuple(message.get("arguments", ())),
        tuple(message["remarks"]),
        versions,
    )


def calls_of(message: Mapping[str, Any]) -> tuple[Call, ...]:
    """The calls of a run, in the order in which they began."""
    return tuple(
        Call(
            one["path"],
            one["index"],
            one["order"],
            one["parent"],
            tuple(_held(one.get("inputs", ()))),
            tuple(_held(one.get("outputs", ()))),
            one.get("plain", {}),
            tuple(one.get("not_forced", ())),
        )
        for one in message["calls"]
    )


def _held(entries: Sequence[Mapping[str, Any]]) -> Iterator[Held]:
    for entry in entries:
        if entry.get("array") is not None:
            lengths = entry.get("lengths")
            yield Held(
                entry["place"],
                _stored(entry["array"]),
                Stored.of(entry.get("mask")),
                None if lengths is None else tuple(lengths),
            )


def _stored(message: Mapping[str, Any]) -> Stored:
    found = Stored.of(message)
    assert found is not None
    return found
