"""Words and numbers looked up in a vocabulary, as their places in it or as what is there and how often.

Rules: documentation of `keras.layers.StringLookup` and `keras.layers.IntegerLookup`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from .base import Array, Layer, LayerError, Mutant, Unanswerable, Weight, Weights, arg
from .categories import encoded
from .hashes import fingerprint, keyed
from .traits import Axes, Drawn, absent, asked

Output = Literal["int", "one_hot", "multi_hot", "count", "tf_idf"]
Salt = int | tuple[int, int] | None


def most_frequent(words: Iterable[Any]) -> list[Any]:
    """All different words, the most frequent first; of those that are equally frequent the last in order first."""
    counts = Counter(words)
    return sorted(sorted(counts, reverse=True), key=lambda word: -counts[word])


def inverse_frequencies(documents: Sequence[Sequence[Any]], words: Sequence[Any]) -> list[float]:
    """log(1 + documents / (1 + documents with the word)) of each word."""
    return [math.log(1 + len(documents) / (1 + sum(word in document for document in documents))) for word in words]


class Vocabulary:
    """A list of words, where they begin, and what is made of those that are not in it."""

    def __init__(self, words: Sequence[Any], mask: Any, unknown: int, weights: Sequence[float] | None = None) -> None:
        self.words, self.mask, self.unknown, self.weights = list(words), mask, unknown, weights
        if len(set(self.words)) != len(self.words):
            raise LayerError("a word stands twice in the vocabulary")

    def first(self, is_int: bool) -> int:
        """The place of the first word: after the one for the mask, where there is one, and those for unknown words."""
        return self.unknown + (1 if is_int and self.mask is not None else 0)

    def places(self, x: Array, is_int: bool, bucket: Any) -> Array:
        """The place of each word; -1 for masked ones that have none. `bucket` gives an unknown word's among theirs."""
        first = self.first(is_int)
        known = {word: place for place, word in enumerate(self.words, start=first)}

        def place(word: Any) -> int:
            if self.mask is not None and word == self.mask:
                return 0 if is_int else -1
            if word in known:
                return known[word]
            if not self.unknown:
                raise LayerError(f"{word!r} is not in the vocabulary, and there is no place for unknown words")
            return first - self.unknown + int(bucket(word, self.unknown))

        return numpy.array([place(word) for word in numpy.ravel(x).tolist()], dtype=numpy.int64).reshape(numpy.shape(x))

    def size(self, is_int: bool) -> int:
        return self.first(is_int) + len(self.words)

    def output(self, places: Array, mode: Output, width: int | None) -> Array:
        """What stands for places: themselves, or rows with a number for each place, filled up to `width`."""
        if mode == "int":
            return places
        size = self.size(is_int=False)
        rows = encoded(places, size, "count" if mode == "tf_idf" else mode)
        if mode == "tf_idf":
            if self.weights is None:
                raise LayerError("tf_idf needs idf_weights, or adapt")
            average = [sum(self.weights) / len(self.weights)] * self.unknown
            rows = rows * np.array([*average, *self.weights])
        if width is not None and width > size:
            rows = np.concatenate([rows, np.zeros((*rows.shape[:-1], width - size))], axis=-1)
        return rows if mode == "tf_idf" else rows.astype(numpy.int64)


def _other_order(layer: Any, documents: Sequence[Sequence[Any]]) -> list[Any]:
    counts = Counter(word for document in documents for word in document)
    return sorted(counts, key=lambda word: (-counts[word], word))


_MUTANTS = (
    Mutant(
        "alphabetical",
        "puts equally frequent words into alphabetical order",
        methods={"ordered": _other_order},
    ),
    Mutant(
        "in_order_of_appearance",
        "keeps words in the order in which they come",
        methods={
            "ordered": lambda layer, documents: list(dict.fromkeys(w for document in documents for w in document))
        },
    ),
    Mutant(
        "no_place_for_unknown",
        "starts to count at 0, as if there were no place for unknown words",
        output=lambda layer, y, args: (
            numpy.maximum(y - layer.num_oov_indices, 0) if layer.output_mode == "int" and not layer.invert else y
        ),
    ),
    Mutant(
        "no_place_for_the_mask",
        "has no place for the mask",
        config=lambda layer: {"mask_token": None},
    ),
    Mutant(
        "counts_the_words",
        "counts where it should only say what is there",
        config=lambda layer: {"output_mode": "count"} if layer.output_mode == "multi_hot" else {},
    ),
    Mutant(
        "says_what_is_there",
        "says what is there where it should count",
        config=lambda layer: {"output_mode": "multi_hot"} if layer.output_mode == "count" else {},
    ),
    Mutant(
        "not_filled_up", "leaves rows as short as the vocabulary", config=lambda layer: {"pad_to_max_tokens": False}
    ),
    Mutant(
        "unweighted",
        "gives how often words are there, not times their weights",
        config=lambda layer: {"idf_weights": tuple(1.0 for _ in layer.idf_weights)} if layer.idf_weights else {},
    ),
    Mutant("one_unknown", "has one place for all unknown words", methods={"bucket": lambda layer, word, places: 0}),
    Mutant(
        "all_words",
        "keeps more words than max_tokens",
        config=lambda layer: {} if layer.pad_to_max_tokens else {"max_tokens": None},
    ),
)


_SHIFTED = Mutant(
    "inverts_without_unknown",
    "starts to count words at 0 on the way back",
    inputs=lambda layer, args, kwargs: (
        [args[0] + layer.num_oov_indices, *args[1:]] if layer.invert else args,
        kwargs,
    ),
)


def hashed(word: str, places: int, salt: Salt) -> int:
    """Which of several places a word goes to: FarmHash's Fingerprint64, or SipHash-2-4 with a salt, modulo them."""
    if places == 1:
        return 0
    number = fingerprint(word.encode()) if salt is None else keyed(word.encode(), salt)
    return number % places


class _Lookup(Layer):
    """What StringLookup and IntegerLookup share."""

    without_activity_regularizer = "it gives ids, which cost nothing"
    arithmetic = "moves"

    def computes(self: Any) -> Any:
        return "rounds" if self.output_mode == "tf_idf" else "moves"

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return int(shapes[0][-1]) if shapes[0] else 1

    def check(self: Any) -> None:
        if self.sparse:
            raise Unanswerable("a sparse tensor has no place in a comparison of arrays")
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise LayerError("rows are filled up to max_tokens: say how many")
        if self.invert and self.output_mode != "int":
            raise LayerError("only places can be turned into words")
        if self.vocabulary is not None and self.adapt is not None:
            raise LayerError("a vocabulary that is given is not learnt: leave adapt out")
        if self.vocabulary is not None and self.output_mode == "tf_idf" and self.idf_weights is None:
            raise LayerError("a vocabulary that is given needs idf_weights")
        if self.idf_weights is not None and len(self.idf_weights) != len(self.vocabulary or ()):
            raise LayerError("there are not as many idf_weights as words")
        if self.vocabulary is not None:
            held = self.held()
            if self.max_tokens is not None and held.size(self.output_mode == "int") > self.max_tokens:
                raise LayerError(f"the vocabulary is larger than max_tokens={self.max_tokens}")

    def held(self: Any) -> Vocabulary:
        """The vocabulary. Raises LayerError where there is none, or a word stands in it twice."""
        if self.vocabulary is not None:
            words = list(self.vocabulary)
            special = [] if self.mask_token is None else [self.mask_token]
            special += [self.oov_token] * self.num_oov_indices
            if words[: len(special)] == special:
                words = words[len(special) :]
            return Vocabulary(words, self.mask_token, self.num_oov_indices, self.idf_weights)
        if self.adapt is None:
            raise LayerError("there is no vocabulary yet: give one, or adapt")
        data = numpy.array(self.adapt)
        documents = [numpy.ravel(row).tolist() for row in data]
        words = [word for word in self.ordered(documents) if word not in (self.mask_token, self.oov_token)]
        found = Vocabulary(words, self.mask_token, self.num_oov_indices)
        if self.max_tokens is not None:
            words = words[: max(self.max_tokens - found.first(self.output_mode == "int"), 0)]
        return Vocabulary(words, self.mask_token, self.num_oov_indices, inverse_frequencies(documents, words))

    def ordered(self, documents: Sequence[Sequence[Any]]) -> list[Any]:
        return most_frequent(word for document in documents for word in document)

    def call(self: Any, w: Weights, x: Array) -> Array:
        held = self.held()
        is_int = self.output_mode == "int"
        if self.invert:
            words = [*([] if held.mask is None else [held.mask]), *[self.oov_token] * held.unknown, *held.words]
            found = [words[i] if 0 <= i < len(words) else self.oov_token for i in numpy.ravel(x).tolist()]
            return numpy.array(found, dtype=type(self.oov_token)).reshape(numpy.shape(x))
        width = self.max_tokens if self.pad_to_max_tokens else None
        return held.output(held.places(x, is_int, self.bucket), self.output_mode, width)

    def rule(self: Any, *shapes: Any) -> str:
        return f"{len(self.held().words)} words, from place {self.held().first(self.output_mode == 'int')} on"


class StringLookup(_Lookup):
    """Words by their places in a vocabulary, or rows with a number for each place; or places as words again.

    x: (batch, ...) of strings. Returns int64 (batch, ...) for `int`, where the place of the mask, if there is one, is
    0, and unknown words come next; for the other modes what CategoryEncoding makes of the places (those of unknown
    words first, none for the mask), int64, for `tf_idf` floats: how often each is there, times its weight. Of `adapt`
    the most frequent words come first, of equally frequent ones the last in order; the weight of a word is log(1 +
    documents / (1 + documents with it)), that of unknown ones the mean. With several places for unknown words, FarmHash
    Fingerprint64 modulo their number chooses, or SipHash-2-4 with a `salt`. With `invert` places become words, and what
    is no place the `oov_token`; no lane can be compared in words, so they go on into another lookup.
    """

    native = absent("torch has no strings; a dict from words to numbers stands before a model")
    written_as_case = "its input is text, which is not typed with a shape"

    max_tokens: int | None = arg("The most places there may be.", default=None, at_least=1)
    num_oov_indices: int = arg("How many places unknown words have.", default=1, at_least=0)
    mask_token: str | None = arg("The word that stands for nothing.", default=None)
    oov_token: str = arg("What an unknown word is called.", default="[UNK]")
    vocabulary: tuple[str, ...] | None = arg("The words, in their order.", default=None)
    idf_weights: tuple[float, ...] | None = arg("A weight for each word, for tf_idf.", default=None)
    invert: bool = arg("Whether places become words.", default=False)
    output_mode: Output = arg("What stands for words.", default="int")
    pad_to_max_tokens: bool = arg("Whether rows have a number for each of max_tokens places.", default=False)
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)
    salt: Salt = arg("Two numbers, or one for both, that change where unknown words go.", default=None)
    adapt: tuple[Any, ...] | None = arg("Texts whose words are the vocabulary.", default=None)

    def bucket(self, word: str, places: int) -> int:
        return hashed(word, places, self.salt)

    mutants: ClassVar[tuple[Mutant, ...]] = (*_MUTANTS, _SHIFTED)


class IntegerLookup(_Lookup):
    """Numbers by their places in a vocabulary, or rows with a number for each place; or places as numbers again.

    x: (batch, ...) of integers. Returns what StringLookup does; an unknown number goes to the place that it is modulo
    their number, or with `oov_method="farmhash"` to that of its decimal digits as a word of StringLookup's. With
    `invert` places become numbers, int64, and what is no place the `oov_token`.
    """

    native = absent("torch has no vocabulary; torch.searchsorted finds numbers in a sorted one")
    example = asked("IntegerLookup(vocabulary=[5, 7, 9])", "3")

    max_tokens: int | None = arg("The most places there may be.", default=None, at_least=1)
    num_oov_indices: int = arg("How many places unknown numbers have.", default=1, at_least=0)
    mask_token: int | None = arg("The number that stands for nothing.", default=None)
    oov_token: int = arg("What an unknown number is called.", default=-1)
    vocabulary: tuple[int, ...] | None = arg("The numbers, in their order.", default=None)
    vocabulary_dtype: str = arg("The dtype of the numbers: there is int64 and no other.", default="int64")
    idf_weights: tuple[float, ...] | None = arg("A weight for each number, for tf_idf.", default=None)
    invert: bool = arg("Whether places become numbers.", default=False)
    output_mode: Output = arg("What stands for numbers.", default="int")
    pad_to_max_tokens: bool = arg("Whether rows have a number for each of max_tokens places.", default=False)
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)
    oov_method: Literal["floormod", "farmhash"] = arg("What chooses among several places.", default="floormod")
    salt: Salt = arg("Two numbers, or one for both, that change where farmhash puts unknown numbers.", default=None)
    adapt: tuple[Any, ...] | None = arg("Numbers that are the vocabulary.", default=None)

    def check(self) -> None:
        if self.vocabulary_dtype != "int64":
            raise LayerError(f"vocabulary_dtype must be int64, not {self.vocabulary_dtype}")
        if self.salt is not None and self.oov_method != "farmhash":
            raise LayerError("a salt is for oov_method='farmhash'")
        super().check()

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("numbers",) if rank == 1 else ("rows", "numbers")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int64", {"integers": [0, 10]})

    def bucket(self, word: int, places: int) -> int:
        return hashed(str(word), places, self.salt) if self.oov_method == "farmhash" else int(word) % places

    mutants: ClassVar[tuple[Mutant, ...]] = (
        *_MUTANTS,
        _SHIFTED,
        Mutant("not_inverted", "looks numbers up where it should go back", config=lambda layer: {"invert": False}),
        Mutant(
            "remainder",
            "takes the remainder, hash or not",
            config=lambda layer: {"oov_method": "floormod", "salt": None},
        ),
    )
