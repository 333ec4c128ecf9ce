"""Words and numbers put into bins by a hash of them, one by one or crossed with each other.

Rules: documentation of `keras.layers.Hashing` and `keras.layers.HashedCrossing`; hashes: the module `hashes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy

from .base import Array, Layer, LayerError, Mutant, Unanswerable, Weight, Weights, arg
from .categories import COUNTS_ALONG_THE_SECOND_AXIS, _OfCategories, encoded
from .hashes import concatenated, fingerprint, keyed
from .traits import Axes, Drawn, asked
from .traits import absent as nothing_like

_WHY = "torch has no such hash, and its port would be the same hundred lines again"
CROSSING_KEY = 0xDECAFCAFFE
"""What crossed fingerprints begin with: the default `hash_key` of tf.feature_column.crossed_column."""


def as_text(value: Any) -> bytes:
    """The bytes that are hashed: of a text its UTF-8, of a number its decimal digits."""
    return str(value).encode()


class Hashing(_OfCategories):
    """Fingerprint64 of each text, or of the digits of each integer, modulo `num_bins`; SipHash-2-4 with a `salt`.

    x: (batch, ...) of strings or integers. Returns int64 (batch, ...) for `int`, for the other modes what
    CategoryEncoding makes of the bins. A `mask_value` goes into bin 0, all others into 1 ... num_bins - 1.
    """

    without_activity_regularizer = "it gives ids, which cost nothing"
    arithmetic = "moves"
    native = nothing_like("torch has no hash of texts")
    example = asked("Hashing(7)", "3")
    without_port = _WHY

    num_bins: int = arg("How many bins there are.", at_least=1)
    mask_value: str | int | None = arg("The value that goes into bin 0.", default=None)
    salt: int | tuple[int, int] | None = arg("Two numbers, or one for both, that change the hash.", default=None)
    output_mode: Literal["int", "one_hot", "multi_hot", "count"] = arg("What stands for bins.", default="int")
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("numbers",) if rank == 1 else ("rows", "numbers")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int64", {"integers": [0, 1000]})

    def check(self) -> None:
        if self.sparse:
            raise Unanswerable("a sparse tensor has no place in a comparison of arrays")

    def call(self, w: Weights, x: Array) -> Array:
        values = numpy.ravel(x).tolist()
        if numpy.asarray(x).dtype.kind == "f" or any(isinstance(value, float) for value in values):
            raise Unanswerable("integers and strings are hashed; the documentation is silent about floats")
        bins = numpy.array([self.bin(value) for value in values], dtype=numpy.int64)
        bins = bins.reshape(numpy.shape(x))
        if self.output_mode == "int":
            return bins
        return encoded(bins, self.num_bins, self.output_mode, axis=self.axis_of_a_sample(bins.ndim))

    def bin(self, value: Any) -> int:
        """The bin of a value: the only one, where there is one, which a mask cannot have for itself."""
        if self.num_bins == 1:
            return 0
        if self.mask_value is None:
            return self.hash(as_text(value)) % self.num_bins
        if value == self.mask_value:
            return 0
        return self.hash(as_text(value)) % (self.num_bins - 1) + 1

    def hash(self, text: bytes) -> int:
        return fingerprint(text) if self.salt is None else keyed(text, self.salt)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return int(shapes[0][-1]) if shapes[0] else 1

    mutants: ClassVar[tuple[Mutant, ...]] = (
        COUNTS_ALONG_THE_SECOND_AXIS,
        Mutant("mask_is_a_word", "hashes the masked value as others", config=lambda layer: {"mask_value": None}),
        Mutant("unsalted", "overlooks the salt", config=lambda layer: {"salt": None}),
        Mutant(
            "sum_of_bytes",
            "adds up the bytes, as textbooks do",
            methods={"hash": lambda layer, text: sum(text)},
        ),
        Mutant(
            "one_bin_too_many",
            "does not take the bin of the mask off",
            methods={
                "bin": lambda layer, value: (
                    0
                    if layer.mask_value is not None and value == layer.mask_value
                    else layer.hash(as_text(value)) % layer.num_bins
                )
            },
        ),
        Mutant(
            "multi_for_count",
            "says whether a bin is there, where it should be counted",
            config=lambda layer: {"output_mode": "multi_hot"} if layer.output_mode == "count" else {},
        ),
    )


class HashedCrossing(Layer):
    """A bin for the values of several features together: their fingerprints, one taken into the other, modulo the bins.

    Takes a list of two or more features of the same shape, (batch,) or (batch, 1), of strings or integers. Returns
    int64 of that shape for `int`, (batch, num_bins) of floats for `one_hot`. A text counts by its Fingerprint64, an
    integer by itself; they are taken in by one round of MurmurHash2, from the first feature on (documentation of
    tf.sparse.cross_hashed, and its example on the page of `keras.layers.HashedCrossing`).
    """

    without_activity_regularizer = "it gives ids, which cost nothing"
    arithmetic = "moves"
    native = nothing_like("torch has no hash of texts")
    example = asked("HashedCrossing(7)", "1", "1")
    takes_list = (2, None)
    without_port = _WHY

    num_bins: int = arg("How many bins there are.", at_least=1)
    output_mode: Literal["int", "one_hot"] = arg("What stands for bins.", default="int")
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int64", {"integers": [0, 1000]})

    def check(self) -> None:
        if self.sparse:
            raise Unanswerable("a sparse tensor has no place in a comparison of arrays")

    def call(self, w: Weights, inputs: Any) -> Array:
        if len(inputs) < 2:
            raise LayerError("there is nothing to cross with")
        if any(numpy.shape(x) != numpy.shape(inputs[0]) for x in inputs):
            raise LayerError("the features have different shapes")
        if numpy.ndim(inputs[0]) > 2 or numpy.shape(inputs[0])[1:] not in ((), (1,)):
            raise LayerError("takes one value of each feature for each sample: (batch,) or (batch, 1)")
        rows = zip(*(numpy.ravel(x).tolist() for x in inputs), strict=True)
        bins = numpy.array([self.crossed(row) % self.num_bins for row in rows], dtype=numpy.int64)
        bins = bins.reshape(numpy.shape(inputs[0]))
        return bins if self.output_mode == "int" else encoded(bins, self.num_bins, "one_hot")

    def crossed(self, values: Sequence[Any]) -> int:
        """One number for values that stand together."""
        found = CROSSING_KEY
        for value in values:
            found = concatenated(found, fingerprint(value.encode()) if isinstance(value, str) else value % 2**64)
        return found

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "joined_text",
            "hashes the values joined by _X_, as feature columns name crosses",
            methods={"crossed": lambda layer, values: fingerprint("_X_".join(map(str, values)).encode())},
        ),
        Mutant(
            "other_order",
            "takes the features in from the last on",
            methods={"crossed": lambda layer, values: HashedCrossing.crossed(layer, values[::-1])},
        ),
        Mutant(
            "digits_of_integers",
            "hashes the digits of an integer",
            methods={"crossed": lambda layer, values: HashedCrossing.crossed(layer, [str(v) for v in values])},
        ),
    )
