"""Lookups and TextVectorization, against the examples of the Keras documentation and by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.text import TextVectorization
from conformance.reference.vocabulary import IntegerLookup, StringLookup
from tests.reference.helpers import is_seen, run

WORDS = numpy.array([["a", "c", "d"], ["d", "z", "b"]])
LONGER = numpy.array([["a", "c", "d", "d"], ["d", "z", "b", "z"]])
LETTERS = ("a", "b", "c", "d")
TEXTS = ("foo bar", "bar baz", "baz bada boom")


def test_the_documented_lookups_of_words() -> None:
    """keras.io/api/layers/preprocessing_layers/categorical/string_lookup."""
    assert run(StringLookup(vocabulary=LETTERS), WORDS).tolist() == [[1, 3, 4], [4, 0, 2]]
    learnt = StringLookup(adapt=(("a", "c", "d"), ("d", "z", "b")))
    assert learnt.held().words == ["d", "z", "c", "b", "a"]
    assert run(learnt, WORDS).tolist() == [[5, 3, 1], [1, 2, 4]]
    two = StringLookup(vocabulary=LETTERS, num_oov_indices=2)
    assert run(two, numpy.array([["a", "c", "d"], ["m", "z", "b"]])).tolist() == [[2, 4, 5], [0, 1, 3]]
    several = StringLookup(vocabulary=LETTERS, output_mode="multi_hot")
    assert run(several, LONGER).tolist() == [[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]]
    count = StringLookup(vocabulary=LETTERS, output_mode="count")
    assert run(count, LONGER).tolist() == [[0, 1, 0, 1, 2], [2, 0, 1, 0, 1]]
    weighed = StringLookup(vocabulary=LETTERS, output_mode="tf_idf", idf_weights=(0.25, 0.75, 0.6, 0.4))
    assert run(weighed, LONGER).tolist() == [[0, 0.25, 0, 0.6, 0.8], [1, 0, 0.75, 0, 0.4]]


def test_the_documented_lookups_of_integers() -> None:
    """keras.io/api/layers/preprocessing_layers/categorical/integer_lookup."""
    x = numpy.array([[12, 1138, 42], [42, 1000, 36]])
    vocabulary = (12, 36, 1138, 42)
    assert run(IntegerLookup(vocabulary=vocabulary), x).tolist() == [[1, 3, 4], [4, 0, 2]]
    assert run(IntegerLookup(vocabulary=vocabulary, invert=True), numpy.array([[1, 4, 0]])).tolist() == [[12, 42, -1]]
    learnt = IntegerLookup(adapt=((12, 1138, 42), (42, 1000, 36)))
    assert learnt.held().words == [42, 1138, 1000, 36, 12]
    several = IntegerLookup(vocabulary=vocabulary, num_oov_indices=2)
    assert run(several, numpy.array([[12, 1138, 42], [37, 1000, 36]])).tolist() == [[2, 4, 5], [1, 0, 3]]


def test_weights_of_words_that_are_learnt() -> None:
    """log(1 + 2 / (1 + n)) for a word that stands in n of two documents."""
    held = StringLookup(output_mode="tf_idf", adapt=(("a", "c", "d", "d"), ("d", "z", "b", "z"))).held()
    assert held.words == ["d", "z", "c", "b", "a"]
    assert held.weights == pytest.approx([math.log(5 / 3), *[math.log(2)] * 4])


def test_the_documented_texts() -> None:
    """keras.io/api/layers/preprocessing_layers/text/text_vectorization."""
    layer = TextVectorization(max_tokens=5000, output_sequence_length=4, adapt=TEXTS)
    assert layer.held().words == ["baz", "bar", "foo", "boom", "bada"]
    assert run(layer, numpy.array(["foo qux bar", "qux baz"])).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]
    assert run(layer, numpy.array([["foo qux bar"], ["qux baz"]])).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]


@pytest.mark.parametrize(
    ("config", "text", "words"),
    [
        ({}, "Hello, World! it's", ["hello", "world", "its"]),
        ({"standardize": "lower"}, "Hello, World!", ["hello,", "world!"]),
        ({"standardize": "strip_punctuation"}, "Hello, World!", ["Hello", "World"]),
        ({"standardize": None}, "Hello, World!", ["Hello,", "World!"]),
        ({}, " a\tb\n\nc ", ["a", "b", "c"]),
        ({}, "", []),
        ({"split": "character"}, "a b", ["a", " ", "b"]),
        ({"split": None}, "a b", ["a b"]),
        ({"ngrams": 2}, "a b c", ["a", "b", "c", "a b", "b c"]),
        ({"ngrams": (2,)}, "a b c", ["a b", "b c"]),
        ({"ngrams": (3, 1)}, "a b c", ["a b c", "a", "b", "c"]),
    ],
)
def test_words_of_texts(config: dict[str, Any], text: str, words: list[str]) -> None:
    assert TextVectorization(**config).words(text) == words


def test_what_cannot_be() -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("StringLookup", {"vocabulary": ["a", "a"]}),
        ("StringLookup", {"vocabulary": ["a", "b"], "max_tokens": 2}),
        ("StringLookup", {"vocabulary": ["a"], "adapt": [["a"]]}),
        ("StringLookup", {"vocabulary": ["a"], "output_mode": "tf_idf"}),
        ("StringLookup", {"vocabulary": ["a"], "output_mode": "tf_idf", "idf_weights": [1.0, 2.0]}),
        ("IntegerLookup", {"vocabulary": [1], "invert": True, "output_mode": "count"}),
        ("IntegerLookup", {"vocabulary": [1], "sparse": True}),
        ("TextVectorization", {"vocabulary": ["a", "a"]}),
        ("TextVectorization", {"vocabulary": ["a"], "ragged": True}),
        ("TextVectorization", {"vocabulary": ["a"], "output_mode": "count", "output_sequence_length": 3}),
        ("TextVectorization", {"vocabulary": ["a"], "output_mode": "tf_idf"}),
        ("TextVectorization", {"vocabulary": ["a", "b"], "max_tokens": 3}),
        ("TextVectorization", {"vocabulary": ["a"], "adapt": ["a"]}),
    ]
    for kind, config in wrong:
        with pytest.raises(LayerError):
            make(kind, config)
    for layer in (StringLookup(), TextVectorization()):
        with pytest.raises(LayerError, match="no vocabulary yet"):
            run(layer, WORDS[0])
    with pytest.raises(LayerError, match="not in the vocabulary"):
        run(StringLookup(vocabulary=LETTERS, num_oov_indices=0), WORDS)
    with pytest.raises(LayerError, match="texts that are cut"):
        run(TextVectorization(vocabulary=LETTERS), WORDS)


def test_mutants_of_lookups_are_seen() -> None:
    learnt = StringLookup(adapt=(("z", "c", "d"), ("d", "a", "b")), max_tokens=6, num_oov_indices=2, mask_token="q")
    for name in ("alphabetical", "in_order_of_appearance", "no_place_for_the_mask", "all_words", "one_unknown"):
        assert is_seen(learnt, name, numpy.array([["a", "c", "d", "b", "m", "k", "z", "q"]])), name
    assert is_seen(StringLookup(vocabulary=LETTERS), "no_place_for_unknown", WORDS)
    for name, mode in (("counts_the_words", "multi_hot"), ("says_what_is_there", "count")):
        wide: Any = {"vocabulary": LETTERS, "output_mode": mode, "max_tokens": 7, "pad_to_max_tokens": True}
        assert is_seen(StringLookup(**wide), name, LONGER)
        assert is_seen(StringLookup(**wide), "not_filled_up", LONGER)
    weighed = StringLookup(vocabulary=LETTERS, output_mode="tf_idf", idf_weights=(0.25, 0.75, 0.6, 0.4))
    assert is_seen(weighed, "unweighted", LONGER)
    assert is_seen(IntegerLookup(vocabulary=(5, 7), invert=True), "not_inverted", numpy.array([[1, 2]]))


def test_mutants_of_texts_are_seen() -> None:
    x = numpy.array(["Bar bar-baz bar", "baz bada foo bar baz bar"])
    layer = TextVectorization(adapt=TEXTS, ngrams=2, max_tokens=5, output_sequence_length=9)
    by_rows = ("counts_the_words", "says_what_is_there")
    names = [mutant.name for mutant in TextVectorization.mutants if mutant.name not in by_rows]
    assert [name for name in names if not is_seen(layer, name, x)] == []
    for name, mode in zip(by_rows, ("multi_hot", "count"), strict=True):
        config: Any = {"adapt": TEXTS, "output_mode": mode}
        assert is_seen(TextVectorization(**config), name, x)


def test_places_become_words_again() -> None:
    """By hand: place 0 is for unknown words, or for the mask where there is one; what is no place is unknown."""
    back = StringLookup(vocabulary=LETTERS, invert=True)
    assert run(back, numpy.array([[1, 4, 0], [2, 5, -1]])).tolist() == [["a", "d", "[UNK]"], ["b", "[UNK]", "[UNK]"]]
    masked = StringLookup(vocabulary=LETTERS, invert=True, mask_token="", oov_token="?")
    assert run(masked, numpy.array([0, 1, 2, 5, 6])).tolist() == ["", "?", "a", "d", "?"]


def test_integers_are_hashed_as_their_digits() -> None:
    """The documentation: FarmHash64, or SipHash64 with a salt, in the place of the remainder."""
    x = numpy.array([2, 4, 6, 100, -20])
    words = numpy.array([str(number) for number in x.tolist()])
    for salt in (None, (133, 137)):
        numbers = IntegerLookup(vocabulary=(12,), num_oov_indices=3, oov_method="farmhash", salt=salt)
        assert (
            run(numbers, x).tolist()
            == run(StringLookup(vocabulary=("12",), num_oov_indices=3, salt=salt), words).tolist()
        )
    assert run(IntegerLookup(vocabulary=(12,), num_oov_indices=3), x).tolist() == [2, 1, 0, 1, 1]


@pytest.mark.parametrize("wrong", [{"vocabulary_dtype": "int32"}, {"salt": 3}])
def test_what_integers_are_not_looked_up_by(wrong: dict[str, Any]) -> None:
    with pytest.raises(LayerError):
        make("IntegerLookup", {"vocabulary": [1, 2], **wrong})
