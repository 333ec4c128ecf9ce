"""Every layer, loss, metric and schedule of the reference against numbers that somebody worked out or published.

Most have such numbers in a case, `source: {kind: hand}` or `{kind: paper}` with its expected values. The others have
them in the table below, each with how it was worked out or where it stands. A walk over all of them misses none.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest

from conformance.case.expressions import parse
from conformance.case.layers import types
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.reference.base import Weights, make
from tests.reference import test_augmentation, test_initializers, test_random_functions

CASES = Path(__file__).parents[2] / "cases"
KERAS = "keras.io/api, the example of its documentation"
STILL = "its documentation: outside of training an image stays as it is"


class ByHand(NamedTuple):
    """A call and its result: arguments, weights (all others are 0), what comes out first, and how that is known."""

    config: Mapping[str, Any]
    args: tuple[Any, ...]
    wanted: Any
    known: str
    weights: Mapping[str, Any] = {}
    kwargs: Mapping[str, Any] = {}


def square(*numbers: float) -> numpy.ndarray:
    """One image of two rows, two columns and one channel."""
    return numpy.array(numbers).reshape(1, 2, 2, 1)


def cube() -> numpy.ndarray:
    """0 to 7 in two planes of two rows and two columns, one channel."""
    return numpy.arange(8.0).reshape(1, 2, 2, 2, 1)


OUTSIDE = {"training": False}
IMAGE = square(10.0, 20.0, 30.0, 40.0)
LABELS, PREDICTIONS = numpy.array([[0.0, 1], [0, 0]]), numpy.array([[0.6, 0.4], [0.4, 0.6]])
FLAT = numpy.array([[1.0, 1], [0, 0]])
ONE = numpy.ones((1, 1))
NOTHING = numpy.zeros((1, 1))
GATED = 0.5 * math.tanh(1.0)
"""Half of tanh(1): a gate without weights is 1/2."""


def still(**config: Any) -> ByHand:
    return ByHand(config, (IMAGE,), IMAGE, STILL, kwargs=OUTSIDE)


TABLE: dict[str, ByHand] = {
    "AdaptiveAveragePooling3D": ByHand(
        {"output_size": (1, 1, 2)}, (cube(),), [3, 4], "(0 + 2 + 4 + 6) / 4 and (1 + 3 + 5 + 7) / 4"
    ),
    "GlobalAveragePooling2D": ByHand({}, (square(1, 2, 3, 6),), [3], "12 / 4"),
    "GlobalAveragePooling3D": ByHand({}, (cube(),), [3.5], "28 / 8"),
    "GlobalMaxPooling2D": ByHand({}, (square(1, -9, 3, 2),), [3], "the largest number"),
    "GlobalMaxPooling3D": ByHand({}, (cube() - 9,), [-2], "0 - 9 to 7 - 9"),
    "MaxPooling2D": ByHand({"pool_size": (2, 1)}, (square(1, -9, 3, -8),), [3, -8], "of 1 and 3, of -9 and -8"),
    "BertModel": ByHand(
        {
            "vocab_size": 2,
            "hidden_size": 2,
            "num_hidden_layers": 0,
            "num_attention_heads": 1,
            "intermediate_size": 1,
            "max_position_embeddings": 1,
            "type_vocab_size": 1,
            "layer_norm_eps": 0.0,
        },
        (numpy.array([[1]]),),
        [-1, 1],
        "word (1, 3) and position (1, 0) are (2, 3), of mean 5/2 and deviation 1/2",
        {"word.embeddings": [[0, 0], [1, 3]], "position.embeddings": [[1, 0]], "norm.gamma": [1, 1]},
    ),
    "MultiHeadAttention": ByHand(
        {"num_heads": 1, "key_dim": 1},
        (numpy.array([[[7.0]]]), numpy.array([[[3.0]]])),
        [2 * 3 * 5 + 1],
        "one key has the whole weight: the value times 2, times 5, plus 1",
        {"value.kernel": [[[2]]], "attention_output.kernel": [[[5]]], "attention_output.bias": [1]},
    ),
    "GroupQueryAttention": ByHand(
        {"head_dim": 1, "num_query_heads": 2, "num_key_value_heads": 1},
        (numpy.array([[[7.0]]]), numpy.array([[[3.0]]])),
        [2 * 3 * (5 + 4)],
        "one key has the whole weight, and both heads share the value 6",
        {"value.kernel": [[[2]]], "attention_output.kernel": [[[5]], [[4]]]},
    ),
    "ConvLSTM3D": ByHand(
        {"filters": 1, "kernel_size": 1},
        (numpy.ones((1, 1, 1, 1, 1, 1)),),
        [0.5 * math.tanh(GATED)],
        "gates of 1/2: c = tanh(1) / 2, h = tanh(c) / 2; of input, forget, cell and output the third has a weight",
        {"kernel": [[[[[0, 0, 1, 0]]]]]},
    ),
    "LSTMCell": ByHand(
        {"units": 1},
        (ONE, [NOTHING, NOTHING]),
        [0.5 * math.tanh(GATED)],
        "as of ConvLSTM3D",
        {"kernel": [[0, 0, 1, 0]]},
    ),
    "GRUCell": ByHand(
        {"units": 1}, (ONE, [NOTHING]), [GATED], "update 1/2: half of 0 and half of tanh(1)", {"kernel": [[0, 0, 1]]}
    ),
    "StackedRNNCells": ByHand(
        {"cells": [{"type": "SimpleRNNCell", "units": 1}, {"type": "SimpleRNNCell", "units": 1}]},
        (ONE, [NOTHING, NOTHING]),
        [math.tanh(math.tanh(1.0))],
        "each is tanh of what the one before gives",
        {"0.kernel": [[1]], "1.kernel": [[1]]},
    ),
    "TimeDistributed": ByHand(
        {"layer": {"type": "Dense", "units": 1}},
        (numpy.array([[[3.0], [-4.0]]]),),
        [7, -7],
        "2 x + 1 of 3 and of -4",
        {"layer.kernel": [[2]], "layer.bias": [1]},
    ),
    "EinsumDense": ByHand(
        {"equation": "ab,bc->ac", "output_shape": 2},
        (numpy.array([[1.0, 2.0]]),),
        [7, 10],
        "(1 + 6, 2 + 8)",
        {"kernel": [[1, 2], [3, 4]]},
    ),
    "SeparableConv2D": ByHand(
        {"filters": 1, "kernel_size": 1},
        (numpy.full((1, 1, 1, 1), 5.0),),
        [31],
        "5 times 2, times 3, plus 1",
        {"depthwise_kernel": [[[[2]]]], "pointwise_kernel": [[[[3]]]], "bias": [1]},
    ),
    "Concatenate": ByHand({}, ([numpy.array([[1.0, 2.0]]), numpy.array([[3.0]])],), [1, 2, 3], "one after the other"),
    "Cropping1D": ByHand({"cropping": (1, 0)}, (numpy.array([[[1.0], [2.0], [3.0]]]),), [2, 3], "without the first"),
    "Cropping2D": ByHand(
        {"cropping": ((1, 0), (0, 1))}, (square(1, 2, 3, 4),), [3], "without the first row and the last column"
    ),
    "Cropping3D": ByHand(
        {"cropping": ((1, 0), (0, 1), (0, 1))}, (cube(),), [4], "without the first plane, the last row, the last column"
    ),
    "Flatten": ByHand({}, (numpy.array([[[1.0, 2.0], [3.0, 4.0]]]),), [1, 2, 3, 4], "row by row"),
    "Reshape": ByHand({"target_shape": (1, 4)}, (square(1, 2, 3, 4),), [1, 2, 3, 4], "row by row"),
    "Permute": ByHand({"dims": (2, 1)}, (numpy.array([[[1.0, 2.0], [3.0, 4.0]]]),), [1, 3, 2, 4], "column by column"),
    "RepeatVector": ByHand({"n": 2}, (numpy.array([[1.0, 2.0]]),), [1, 2, 1, 2], "twice"),
    "Identity": ByHand({}, (numpy.array([[1.0, -2.0]]),), [1, -2], "the same"),
    "ELU": ByHand({"alpha": 2.0}, (numpy.array([[-1.0, 3.0]]),), [2 / math.e - 2, 3], "2 (exp(-1) - 1)"),
    "PReLU": ByHand({}, (numpy.array([[-4.0, 4.0]]),), [-1, 4], "-4 / 4", {"alpha": [0.25, 0.25]}),
    "ReLU": ByHand(
        {"max_value": 2.0, "negative_slope": 0.5},
        (numpy.array([[-2.0, 1.0, 3.0]]),),
        [-1, 1, 2],
        "-2 / 2, 1, no more than 2",
    ),
    "Dropout": ByHand({"rate": 0.5}, (numpy.array([[1.0, -2.0]]),), [1, -2], "outside of training", kwargs=OUTSIDE),
    "SpatialDropout1D": ByHand({"rate": 0.5}, (numpy.ones((1, 2, 1)),), [1, 1], "outside of training", kwargs=OUTSIDE),
    "SpatialDropout2D": still(rate=0.5),
    "SpatialDropout3D": ByHand({"rate": 0.5}, (cube(),), cube(), "outside of training", kwargs=OUTSIDE),
    "StringLookup": ByHand(
        {"vocabulary": ("a", "b", "c", "d")},
        (numpy.array([["a", "c", "d"], ["d", "z", "b"]]),),
        [[1, 3, 4], [4, 0, 2]],
        KERAS,
    ),
    "Hashing": ByHand(
        {"num_bins": 3}, (numpy.array([["A"], ["B"], ["C"], ["D"], ["E"]]),), [[1], [0], [1], [1], [2]], KERAS
    ),
    "HashedCrossing": ByHand(
        {"num_bins": 5},
        ([numpy.array(["A", "B", "A", "B", "A"]), numpy.array([101, 101, 101, 102, 102])],),
        [1, 4, 1, 1, 3],
        KERAS,
    ),
    "CategoricalFocalCrossentropy": ByHand(
        {}, (numpy.array([[0.0, 1.0]]), numpy.array([[0.5, 0.5]])), math.log(2) / 16, "1/4 (1 - 1/2)^2 log 2"
    ),
    "Dice": ByHand({}, (numpy.array([[1.0, 0.0]]), numpy.array([[0.5, 0.5]])), 0.5, "1 - 2 (1/2) / (1 + 1)"),
    "metrics.CategoricalCrossentropy": ByHand(
        {},
        (numpy.array([[0.0, 1, 0], [0, 0, 1]]), numpy.array([[0.05, 0.95, 0], [0.1, 0.8, 0.1]])),
        1.1769392,
        KERAS,
    ),
    "metrics.CategoricalHinge": ByHand({}, (LABELS, PREDICTIONS), 1.4000001, KERAS),
    "metrics.Hinge": ByHand({}, (LABELS, PREDICTIONS), 1.3, KERAS),
    "metrics.SquaredHinge": ByHand({}, (LABELS, PREDICTIONS), 1.86, KERAS),
    "metrics.KLDivergence": ByHand({}, (LABELS, PREDICTIONS), 0.45814306, KERAS),
    "metrics.LogCoshError": ByHand({}, (LABELS, FLAT), 0.10844523, KERAS),
    "metrics.MeanAbsoluteError": ByHand({}, (LABELS, FLAT), 0.25, KERAS),
    "metrics.MeanAbsolutePercentageError": ByHand({}, (LABELS, FLAT), 250000000.0, KERAS),
    "metrics.MeanSquaredLogarithmicError": ByHand({}, (LABELS, FLAT), 0.12011322, KERAS),
    "metrics.Poisson": ByHand({}, (LABELS, FLAT), 0.49999997, KERAS),
    "schedules.PiecewiseConstantDecay": ByHand(
        {"boundaries": (100000, 110000), "values": (1.0, 0.5, 0.1)},
        (numpy.array(100001),),
        0.5,
        "keras.io/api: 1.0 for the first 100000 steps, 0.5 for the next 10000, and 0.1 from there",
    ),
    "RandomCrop": ByHand(
        {"height": 2, "width": 2},
        (numpy.arange(24.0).reshape(1, 4, 6, 1),),
        [4.5, 6.5, 16.5, 18.5],
        "4 by 6 to 2 by 2: the square in the middle, columns 1 to 4, each two of which are averaged",
        kwargs=OUTSIDE,
    ),
    "AugMix": still(),
    "CutMix": still(),
    "MixUp": still(),
    "RandAugment": still(),
    "RandomColorJitter": still(),
    "RandomElasticTransform": still(),
    "RandomErasing": still(),
    "RandomFlip": still(),
    "RandomHue": still(factor=0.5),
    "RandomPerspective": still(),
    "RandomSharpness": still(factor=0.5),
    "RandomShear": still(),
}


@pytest.mark.parametrize("kind", TABLE)
def test_by_hand(kind: str) -> None:
    held = TABLE[kind]
    layer = make(kind, _lists(held.config))
    layer.check()
    shapes = [_shapes(one) for one in held.args]
    weights = {name: numpy.zeros(weight.shape) for name, weight in layer.weights(*shapes).items()}
    for name, values in held.weights.items():
        assert numpy.shape(values) == weights[name].shape, name
        weights[name] = numpy.array(values, dtype=float)
    y = layer.call(Weights(weights), *held.args, **held.kwargs)
    first = y[0] if isinstance(y, list | tuple) else y
    assert numpy.ravel(first).tolist() == pytest.approx(numpy.ravel(held.wanted).tolist(), rel=3e-7, abs=1e-12)
    assert held.known


def _lists(value: Any) -> Any:
    """Arguments as a case holds them, with lists."""
    if isinstance(value, Mapping):
        return {name: _lists(item) for name, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _shapes(argument: Any) -> Any:
    return [numpy.shape(one) for one in argument] if isinstance(argument, list) else numpy.shape(argument)


def test_every_one_has_numbers_by_hand() -> None:
    in_cases = {kind for case in load_folder(CASES) for kind in worked_out(case)}
    elsewhere = set(test_augmentation.BY_HAND) | test_initializers.BY_HAND | test_random_functions.BY_HAND
    missing = sorted(set(types()) - in_cases - set(TABLE) - elsewhere)
    assert not missing, "a case with `source: {kind: hand}`, its `note` and `values`, or a line of TABLE"
    assert set(TABLE) <= set(types())


def worked_out(case: Case) -> Iterator[str]:
    """The types on the way to values that the case expects, where it says who worked them out."""
    source = case.source
    if source.kind not in ("hand", "paper") or not (source.note or source.reference):
        return
    nodes = {node.name: parse(node.expression) for node in case.graph}
    waiting, seen = [name for name, one in case.expect.nodes.items() if one.values is not None], set()
    layers = {layer.name: {"type": layer.type, **layer.config} for layer in case.layers}
    while waiting:
        name = waiting.pop()
        if name in seen or name not in nodes:
            continue
        seen.add(name)
        waiting += nodes[name].names()
        for callee in nodes[name].callees() & layers.keys():
            yield from _types(layers[callee])


def _types(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from [str(value["type"])] if "type" in value else []
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from _types(item)


def test_a_case_without_a_source_or_without_values_counts_for_nothing() -> None:
    cases = {case.id: case for case in load_folder(CASES / "preprocessing")}
    assert set(worked_out(cases["preprocessing/spectrogram.one_frequency"])) == {"STFTSpectrogram"}
    assert not list(worked_out(cases["preprocessing/spectrogram.bands"]))
