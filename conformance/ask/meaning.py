"""What a layer's inputs mean: how many there are, what their axes are called, and which numbers belong in them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.case.layers import types
from conformance.errors import QuestionError

_SEQUENCE = ("steps", "channels")
_FEATURES = ("steps", "features")
_IMAGE = ("height", "width", "channels")

_VOLUME = ("depth", "height", "width", "channels")
_WINDOWED = (
    "Conv",
    "DepthwiseConv",
    "SeparableConv",
    "MaxPooling",
    "AveragePooling",
    "GlobalMaxPooling",
    "GlobalAveragePooling",
)

AXES: Mapping[str, tuple[str, ...]] = {
    **{
        f"{name}{axes}D{end}": names
        for name in _WINDOWED
        for axes, names in ((1, _SEQUENCE), (2, _IMAGE), (3, _VOLUME))
        for end in (("", "Transpose") if name == "Conv" else ("",))
    },
    **dict.fromkeys(("UpSampling1D", "ZeroPadding1D", "Cropping1D", "SpatialDropout1D"), _FEATURES),
    **dict.fromkeys(("UpSampling2D", "ZeroPadding2D", "Cropping2D", "SpatialDropout2D"), _IMAGE),
    **dict.fromkeys(("SimpleRNN", "GRU", "LSTM", "RNN", "Bidirectional"), _FEATURES),
    "RepeatVector": ("features",),
}
"""Layers that take one number of axes and no other, with their names; the batch goes before them."""

_MERGES = ("Add", "Average", "Concatenate", "Dot", "MaskedAverage", "Maximum", "Minimum", "Multiply", "Subtract")
IN_A_LIST = frozenset({*_MERGES, "Attention", "AdditiveAttention"})
"""Layers that take their inputs as one list."""
_PAIRS = ("Dot", "Subtract")
_ATTENTION = ("query", "value", "key")

WRITTEN_AS_CASES: Mapping[str, str] = {
    **dict.fromkeys(("GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"), "a cell is called with its states"),
    "BertModel": "an encoder is asked by configuration",
    "ImageBatches": "batches come from files",
    "CompiledLoss": "a compiled loss needs the model's outputs",
}
"""Layers that need more than arrays, and why."""


def input_names(kind: str, count: int) -> tuple[str, ...]:
    """A name for each of so many inputs. Raises QuestionError where the layer takes another number of them."""
    if kind in WRITTEN_AS_CASES:
        hint = "write it as a case: CONTRIBUTING.md says how" + (
            "; or ask RNN with this cell: --layer 'RNN(GRUCell(3))'" if kind.endswith(("Cell", "Cells")) else ""
        )
        raise QuestionError(f"{kind} cannot be asked in one line: {WRITTEN_AS_CASES[kind]}", hint)
    fewest, names = _known_inputs(kind)
    if count < fewest or (names and count > len(names)):
        number = f"{fewest}" if len(names) == fewest else f"{fewest} to {len(names)}" if names else f"{fewest} or more"
        called = f": {', '.join(names)}" if names and len(names) > 1 else ""
        hint = "give --input once for each, in this order" if fewest > 1 or count > 1 else "--input 50,300"
        raise QuestionError(
            f"{kind} takes {number} input{'' if number == '1' else 's'}{called}; {count or 'none'} given", hint
        )
    return names[:count] if names else tuple("abcdefghijklmnop"[:count])


def _known_inputs(kind: str) -> tuple[int, tuple[str, ...]]:
    """The fewest inputs, and the names of the most there can be; no names where there may be any number."""
    if kind in ("Attention", "AdditiveAttention"):
        return 2, _ATTENTION
    if kind in IN_A_LIST:
        return 2, ("a", "b") if kind in _PAIRS else ()
    parameters = [item for item in _parameters(kind).values() if item.name != "w"]
    required = [item.name for item in parameters if item.default is inspect.Parameter.empty]
    if len(required) == 1:
        return 1, ("ids",) if kind == "Embedding" else ("x",)
    optional = [item.name for item in parameters if item.name in ("key", "sample_weight")]
    return len(required), (*required, *optional)


def _parameters(kind: str) -> Mapping[str, inspect.Parameter]:
    found = dict(inspect.signature(types()[kind].call).parameters)
    found.pop("self", None)
    return found


def takes_training(kind: str) -> bool:
    """Whether the layer does something else while training."""
    return "training" in _parameters(kind)


def is_random(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether the layer draws numbers while training, so that no two lanes can give the same."""
    inner = [value for value in config.values() if isinstance(value, Mapping) and "type" in value]
    draws = any(config.get(name) for name in ("dropout", "recurrent_dropout"))
    return draws or "Dropout" in kind or "Noise" in kind or any(is_random(value["type"], value) for value in inner)


def axis_names(kind: str, config: Mapping[str, Any], name: str, rank: int) -> tuple[str, ...]:
    """What the axes of an input are called, the batch left out. Raises QuestionError for a wrong number of them."""
    known = AXES.get(kind)
    if known is not None:
        if config.get("data_format") == "channels_first" and known[-1] == "channels":
            known = ("channels", *known[:-1])
        if rank != len(known):
            numbers = "1 number" if len(known) == 1 else f"{len(known)} numbers"
            hint = f"--input {','.join(known)}, as in --input {','.join(('50', '30', '3')[: len(known)])}"
            if rank == len(known) + 1:
                hint += "; leave the batch out, it is added"
            raise QuestionError(f"{kind} takes inputs of {numbers} ({', '.join(known)}), not {rank}", hint)
        return known
    if name in _ATTENTION and rank == 2:
        return ("queries" if name == "query" else "keys", "dim")
    if kind == "Embedding":
        return _numbered(("steps",) if rank == 1 else ("rows", "steps"), rank)
    if name in ("y_true", "y_pred", "sample_weight"):
        is_flat = rank == 1 and name != "sample_weight" and not (name == "y_true" and kind.startswith("Sparse"))
        return _numbered(("outputs",) if is_flat else ("steps", "outputs"), rank)
    if kind == "TimeDistributed" and rank > 2:
        return ("time", *_open(rank - 1))
    return _open(rank)


def _open(rank: int) -> tuple[str, ...]:
    return _numbered({1: ("features",), 2: _FEATURES, 3: _IMAGE}.get(rank, ("time", *_IMAGE)), rank)


def _numbered(names: Sequence[str], rank: int) -> tuple[str, ...]:
    """So many names: the first of those given, then axis_5, axis_6 for what has none."""
    return (*names[:rank], *(f"axis_{index + 1}" for index in range(len(names), rank)))


def numbers(kind: str, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> tuple[str, Any]:
    """The dtype and the fill that make sense for an input: ids for a table, classes and probabilities for a loss."""
    if kind == "Embedding":
        return "int32", {"integers": [0, config["input_dim"]]}
    is_crossentropy = kind.endswith("Crossentropy") or kind in ("KLDivergence", "Poisson")
    if name == "y_true" and kind == "SparseCategoricalCrossentropy":
        classes = shapes["y_pred"][-1] if shapes["y_pred"] else 2
        return "int32", {"integers": [0, classes]}
    if name == "y_true" and kind in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
        return "float32", {"integers": [0, 2]}
    if (name == "y_pred" and is_crossentropy and not config.get("from_logits")) or (
        name == "sample_weight" or (name == "y_true" and is_crossentropy)
    ):
        return "float32", {"uniform": [0.05, 0.95]}
    return "float32", None
