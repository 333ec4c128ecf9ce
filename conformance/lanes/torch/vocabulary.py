"""Lookups and TextVectorization for torch, which has no strings: dictionaries and lists, and a tensor at the end.

As they stand before a model of torch; only unknown words that are hashed into several places have no line here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

import numpy
import torch

from .categories import encoded
from .port import Config, Parameters, Tensor, Unsupported, port


def _nested(x: Any) -> Any:
    """Words or numbers as Python has them, in nested lists."""
    return x.tolist()


def _flat(nested: Any) -> list[Any]:
    return [leaf for item in nested for leaf in _flat(item)] if isinstance(nested, list) else [nested]


def _learnt(documents: list[list[Any]], special: list[Any], room: int | None) -> tuple[list[Any], list[float]]:
    """Words by falling frequency, then in falling order; and the weight of each."""
    counts = Counter(word for document in documents for word in document)
    words = [word for word in counts if word not in special]
    words.sort(reverse=True)
    words.sort(key=counts.__getitem__, reverse=True)
    words = words if room is None else words[: max(room, 0)]
    seen = Counter(word for document in documents for word in set(document))
    return words, [math.log(1 + len(documents) / (1 + seen[word])) for word in words]


def _given(vocabulary: tuple[Any, ...], special: list[Any]) -> list[Any]:
    words = list(vocabulary)
    if len(set(words)) < len(words):
        raise ValueError("a word stands twice in the vocabulary")
    return words[len(special) :] if words[: len(special)] == special else words


def _rows(layer: Config, places: Tensor, size: int, weights: list[float] | None) -> Tensor:
    """What the modes but int make of places; -1 is what has none."""
    kept = encoded(torch.where(places < 0, size, places), size + 1, _mode(layer))[..., :size]
    width = layer.max_tokens if layer.pad_to_max_tokens and layer.max_tokens else size
    if layer.output_mode == "tf_idf":
        if weights is None:
            raise ValueError("tf_idf needs weights")
        unknown = size - len(weights)
        kept = kept * torch.tensor([sum(weights) / len(weights)] * unknown + list(weights))
    kept = torch.nn.functional.pad(kept, (0, width - size))
    return kept if layer.output_mode == "tf_idf" else kept.long()


def _mode(layer: Config) -> str:
    return "count" if layer.output_mode == "tf_idf" else str(layer.output_mode)


def _lookup(layer: Config, x: Any) -> Any:
    if getattr(layer, "vocabulary_dtype", "int64") != "int64":
        raise ValueError("there is no vocabulary but of int64")
    is_int = layer.output_mode == "int"
    unknown = layer.num_oov_indices
    special = ([] if layer.mask_token is None else [layer.mask_token]) + [layer.oov_token] * unknown
    first = unknown + (1 if is_int and layer.mask_token is not None else 0)
    weights = layer.idf_weights
    if layer.vocabulary is not None:
        words = _given(layer.vocabulary, special)
        if layer.max_tokens is not None and first + len(words) > layer.max_tokens:
            raise ValueError("the vocabulary is larger than max_tokens")
    elif layer.adapt is not None:
        room = None if layer.max_tokens is None else layer.max_tokens - first
        words, weights = _learnt([_flat(list(row)) for row in _lists(layer.adapt)], special, room)
    else:
        raise ValueError("there is no vocabulary yet")
    if layer.invert:
        all_words = special + words
        found = [all_words[i] if 0 <= i < len(all_words) else layer.oov_token for i in _flat(_nested(x))]
        if isinstance(layer.oov_token, str):
            return numpy.array(found).reshape(tuple(x.shape))
        return torch.tensor(found, dtype=torch.long).reshape(tuple(x.shape))
    known = {word: place for place, word in enumerate(words, start=first)}
    found = [_place(layer, word, known, first, is_int) for word in _flat(_nested(x))]
    places = torch.tensor(found, dtype=torch.long).reshape(tuple(x.shape))
    return places if is_int else _rows(layer, places, first + len(words), weights)


def _lists(data: Any) -> list[Any]:
    """Nested tuples as lists; one row a document."""
    return [list(row) if isinstance(row, tuple) else [row] for row in data]


def _place(layer: Config, word: Any, known: dict[Any, int], first: int, is_int: bool) -> int:
    if layer.mask_token is not None and word == layer.mask_token:
        return 0 if is_int else -1
    if word in known:
        return known[word]
    if layer.num_oov_indices == 0:
        raise ValueError(f"{word!r} is not in the vocabulary")
    if layer.num_oov_indices == 1:
        return first - 1
    if isinstance(word, str) or layer.oov_method == "farmhash":
        raise Unsupported("torch has no hash by which unknown words go into several places")
    return int(first - layer.num_oov_indices + word % layer.num_oov_indices)


@port("StringLookup")
def string_lookup(layer: Config, p: Parameters, x: Any) -> Any:
    return _lookup(layer, x)


@port("IntegerLookup")
def integer_lookup(layer: Config, p: Parameters, x: Any) -> Any:
    return _lookup(layer, x)


_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def _words(layer: Config, text: str) -> list[str]:
    standardize = layer.standardize or ""
    text = text.lower() if "lower" in standardize else text
    text = _PUNCTUATION.sub("", text) if "punctuation" in standardize else text
    if layer.split == "whitespace":
        return re.findall(r"[^\t\n\v\f\r ]+", text)
    return list(text) if layer.split == "character" else [text]


def _combined(layer: Config, words: list[str]) -> list[str]:
    if layer.ngrams is None:
        return words
    sizes = range(1, layer.ngrams + 1) if isinstance(layer.ngrams, int) else layer.ngrams
    return [" ".join(gram) for size in sizes for gram in zip(*(words[i:] for i in range(size)), strict=False)]


@port("TextVectorization")
def text_vectorization(layer: Config, p: Parameters, x: Any) -> Tensor:
    is_int = layer.output_mode == "int"
    special = ["", "[UNK]"] if is_int else ["[UNK]"]
    weights = layer.idf_weights
    if layer.vocabulary is not None:
        words = _given(layer.vocabulary, special)
    elif layer.adapt is not None:
        documents = [_combined(layer, _words(layer, text)) for text in _flat(_lists(layer.adapt))]
        room = None if layer.max_tokens is None else layer.max_tokens - len(special)
        words, weights = _learnt(documents, ["", "[UNK]"], room)
    else:
        raise ValueError("there is no vocabulary yet")
    known = {word: place for place, word in enumerate(words, start=len(special))} | ({"": 0} if is_int else {})
    rows = [row if isinstance(row, list) else [row] for row in _nested(x)]
    cut = [_combined(layer, [word for text in row for word in _words(layer, text)]) for row in rows]
    places = [torch.tensor([known.get(word, len(special) - 1) for word in row], dtype=torch.long) for row in cut]
    if not is_int:
        return torch.stack([_rows(layer, row, len(special) + len(words), weights) for row in places])
    length = layer.output_sequence_length or max(map(len, places))
    padded = torch.zeros(len(places), length, dtype=torch.long)
    for number, row in enumerate(places):
        padded[number, : len(row)] = row[:length]
    return padded
