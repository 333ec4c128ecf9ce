"""Texts as numbers: each is made plain, cut into words, and the words are looked up.

Rules: documentation of `keras.layers.TextVectorization`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy

from .base import Array, Layer, LayerError, Mutant, Weight, Weights, arg
from .traits import absent
from .vocabulary import Output, Vocabulary, inverse_frequencies, most_frequent

Standardize = Literal["lower_and_strip_punctuation", "lower", "strip_punctuation"] | None
UNKNOWN = "[UNK]"
_WHITESPACE = "\t\n\v\f\r "


def grams(words: Sequence[str], size: int) -> list[str]:
    """Every `size` words that stand in a row, with a space between them."""
    return [" ".join(words[start : start + size]) for start in range(len(words) - size + 1)]


class TextVectorization(Layer):
    """Each text as the places of its words in a vocabulary, or as a row with a number for each place.

    x: (batch,) or (batch, 1) of strings. Returns int64 (batch, words) for `int`, filled up with 0 to the longest text
    or to `output_sequence_length`, which cuts longer ones off; place 0 is for that, place 1 for unknown words. The
    other modes give (batch, places) as in StringLookup, with place 0 for unknown words.

    A text is made plain: lower case, and without the 32 characters of ASCII punctuation. It is cut at whitespace, or
    into characters, or not at all, where x may be (batch, words). `ngrams` of n are the words, then all pairs of
    neighbours, and so on up to n; several numbers are these alone, in their order. The vocabulary is given, or that of
    `adapt`, where a text is a document: see StringLookup.
    """

    without_activity_regularizer = "it gives ids, which cost nothing"
    arithmetic = "moves"
    native = absent("torch has no strings; torchtext, which had, is no longer developed")
    written_as_case = "its input is text, which is not typed with a shape"

    max_tokens: int | None = arg("The most places there may be.", default=None, at_least=1)
    standardize: Standardize = arg("How texts are made plain.", default="lower_and_strip_punctuation")
    split: Literal["whitespace", "character"] | None = arg("Where texts are cut.", default="whitespace")
    ngrams: int | tuple[int, ...] | None = arg("How many words stand together, at most or exactly.", default=None)
    output_mode: Literal["int", "multi_hot", "count", "tf_idf"] = arg("What stands for words.", default="int")
    output_sequence_length: int | None = arg("How many words each text gives.", default=None, at_least=1)
    pad_to_max_tokens: bool = arg("Whether rows have a number for each of max_tokens places.", default=False)
    vocabulary: tuple[str, ...] | None = arg("The words, in their order.", default=None)
    idf_weights: tuple[float, ...] | None = arg("A weight for each word, for tf_idf.", default=None)
    ragged: bool = arg("Whether Keras gives a ragged tensor.", default=False)
    sparse: bool = arg("Whether Keras gives a sparse tensor.", default=False)
    adapt: tuple[Any, ...] | None = arg("Texts whose words are the vocabulary.", default=None)

    def check(self) -> None:
        if self.sparse or self.ragged:
            raise LayerError("a sparse or ragged tensor has no place in a comparison of arrays")
        if self.output_mode != "int" and self.output_sequence_length is not None:
            raise LayerError("only places are cut to a length")
        if self.vocabulary is not None and self.adapt is not None:
            raise LayerError("a vocabulary that is given is not learnt: leave adapt out")
        if self.vocabulary is not None:
            held = self.held()
            if self.output_mode == "tf_idf" and self.idf_weights is None:
                raise LayerError("a vocabulary that is given needs idf_weights")
            if self.max_tokens is not None and held.size(self.output_mode == "int") > self.max_tokens:
                raise LayerError(f"the vocabulary is larger than max_tokens={self.max_tokens}")

    @property
    def mask(self) -> str | None:
        """The word that fills short texts up: only places have one."""
        return "" if self.output_mode == "int" else None

    def held(self) -> Vocabulary:
        """The vocabulary. Raises LayerError where there is none, or a word stands in it twice."""
        if self.vocabulary is not None:
            words = list(self.vocabulary)
            special = ["", UNKNOWN] if self.mask is not None else [UNKNOWN]
            if words[: len(special)] == special:
                words = words[len(special) :]
            return Vocabulary(words, self.mask, 1, self.idf_weights)
        if self.adapt is None:
            raise LayerError("there is no vocabulary yet: give one, or adapt")
        documents = [self.words(text) for text in numpy.ravel(numpy.array(self.adapt)).tolist()]
        words = [word for word in self.ordered(documents) if word not in ("", UNKNOWN)]
        if self.max_tokens is not None:
            words = words[: max(self.max_tokens - (2 if self.output_mode == "int" else 1), 0)]
        return Vocabulary(words, self.mask, 1, inverse_frequencies(documents, words))

    def ordered(self, documents: Sequence[Sequence[str]]) -> list[str]:
        return most_frequent(word for document in documents for word in document)

    def words(self, text: str) -> list[str]:
        """The words of a text, or what stands for them."""
        return self.combined(self.cut(self.plain(text)))

    def plain(self, text: str) -> str:
        if self.standardize in ("lower", "lower_and_strip_punctuation"):
            text = text.lower()
        if self.standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            text = "".join(letter for letter in text if letter not in string.punctuation)
        return text

    def cut(self, text: str) -> list[str]:
        match self.split:
            case "whitespace":
                return [word for word in text.translate(str.maketrans(_WHITESPACE, " " * 6)).split(" ") if word]
            case "character":
                return list(text)
        return [text]

    def combined(self, words: list[str]) -> list[str]:
        """Neighbouring words together, as `ngrams` says."""
        if self.ngrams is None:
            return words
        sizes = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [gram for size in sizes for gram in grams(words, size)]

    def call(self, w: Weights, x: Array) -> Array:
        texts = numpy.asarray(x)
        if self.split is None and texts.ndim == 2 and texts.shape[1] > 1:
            rows = [self.combined([self.plain(text) for text in row]) for row in texts.tolist()]
        else:
            if texts.ndim > 2 or (texts.ndim == 2 and texts.shape[1] != 1):
                raise LayerError(f"texts that are cut stand in (batch,) or (batch, 1), not in {texts.shape}")
            rows = [self.words(text) for text in numpy.ravel(texts).tolist()]
        held = self.held()
        places = [held.places(numpy.array(row, dtype=str), self.output_mode == "int", lambda *_: 0) for row in rows]
        if self.output_mode == "int":
            return self.filled(places)
        width = self.max_tokens if self.pad_to_max_tokens else None
        mode: Output = self.output_mode
        return numpy.stack([held.output(row, mode, width) for row in places])

    def filled(self, rows: Sequence[Array]) -> Array:
        """Rows of one length: short ones end in zeros."""
        length = self.output_sequence_length or max((len(row) for row in rows), default=0)
        table = numpy.zeros((len(rows), length), numpy.int64)
        for number, row in enumerate(rows):
            table[number, : len(row)] = row[:length]
        return table

    def computes(self) -> Any:
        return "rounds" if self.output_mode == "tf_idf" else "moves"

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 64

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("keeps_case", "leaves capital letters", methods={"plain": lambda layer, text: _cased(layer, text)}),
        Mutant(
            "punctuation_separates",
            "puts spaces in the place of punctuation",
            methods={
                "plain": lambda layer, text: (
                    TextVectorization.plain(layer, "".join(" " if c in string.punctuation else c for c in text))
                    if "punctuation" in (layer.standardize or "")
                    else TextVectorization.plain(layer, text)
                )
            },
        ),
        Mutant("words_alone", "makes no n-grams", config=lambda layer: {"ngrams": None}),
        Mutant(
            "pairs_alone",
            "makes the longest n-grams alone",
            config=lambda layer: {"ngrams": (layer.ngrams,)} if isinstance(layer.ngrams, int) else {},
        ),
        Mutant(
            "fills_the_start",
            "puts zeros before short texts, as pad_sequences does",
            methods={
                "filled": lambda layer, rows: numpy.stack(
                    [numpy.roll(row, int(numpy.sum(row == 0))) for row in TextVectorization.filled(layer, rows)]
                )
            },
        ),
        Mutant("any_length", "overlooks output_sequence_length", config=lambda layer: {"output_sequence_length": None}),
        Mutant(
            "alphabetical",
            "puts equally frequent words into alphabetical order",
            methods={"ordered": lambda layer, documents: _alphabetical(documents)},
        ),
        Mutant(
            "all_words",
            "keeps more words than max_tokens",
            config=lambda layer: {} if layer.pad_to_max_tokens else {"max_tokens": None},
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
    )


def _cased(layer: Any, text: str) -> str:
    plain = TextVectorization.plain(layer, text)
    kept = {"lower": text, "lower_and_strip_punctuation": "".join(c for c in text if c not in string.punctuation)}
    return kept.get(layer.standardize, plain)


def _alphabetical(documents: Sequence[Sequence[str]]) -> list[str]:
    words = [word for document in documents for word in document]
    return sorted(set(words), key=lambda word: (-words.count(word), word))
