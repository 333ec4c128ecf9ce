"""CategoryEncoding and Discretization, against the examples of the Keras documentation."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, make
from conformance.reference.categories import CategoryEncoding, Discretization
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

IDS = numpy.array([[0, 1], [0, 0], [1, 2], [3, 1]])
X = numpy.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]])
"""Of the documentation of keras.layers.Discretization."""


def test_the_documented_encodings() -> None:
    """keras.io/api/layers/preprocessing_layers/categorical/category_encoding."""
    hot = run(CategoryEncoding(num_tokens=4, output_mode="one_hot"), numpy.array([3, 2, 0, 1]))
    assert hot.tolist() == [[0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    several = run(CategoryEncoding(num_tokens=4), IDS)
    assert several.tolist() == [[1, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 1]]
    weights = numpy.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]])
    counted = run(CategoryEncoding(num_tokens=4, output_mode="count"), IDS, count_weights=weights)
    assert counted.tolist() == [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0], [0, 0.2, 0.3, 0], [0, 0.2, 0, 0.4]]


def test_a_column_loses_its_axis() -> None:
    layer = CategoryEncoding(num_tokens=4, output_mode="one_hot")
    assert run(layer, IDS[:, :1]).shape == (4, 4)
    assert run(layer, IDS).shape == (4, 2, 4)


def test_the_documented_bins() -> None:
    """keras.io/api/layers/preprocessing_layers/numerical/discretization, given and learnt."""
    assert run(Discretization(bin_boundaries=(0.0, 1.0, 2.0)), X).tolist() == [[0, 2, 3, 1], [1, 3, 2, 1]]
    learnt = Discretization(num_bins=4, epsilon=0.01, adapt=tuple(map(tuple, X.tolist())))
    assert run(learnt, X).tolist() == [[0, 2, 3, 2], [1, 3, 3, 1]]


@pytest.mark.parametrize("number", [7, 8, 10, 11])
@pytest.mark.parametrize("bins", [2, 3, 4, 5])
def test_quantiles_are_those_of_definition_4(number: int, bins: int) -> None:
    """numpy names Hyndman and Fan's definition 4 `interpolated_inverted_cdf`."""
    data = numpy.random.default_rng(number).normal(size=number)
    found = Discretization(num_bins=bins, adapt=tuple(data)).boundaries()
    wanted = numpy.quantile(data, numpy.arange(1, bins) / bins, method="interpolated_inverted_cdf")
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_bins_are_encoded_as_categories(mode: Any) -> None:
    bins = run(Discretization(bin_boundaries=(0.0, 1.0, 2.0)), X)
    y = run(Discretization(bin_boundaries=(0.0, 1.0, 2.0), output_mode=mode), X)
    assert y.tolist() == run(CategoryEncoding(num_tokens=4, output_mode=mode), bins).tolist()


def test_what_cannot_be() -> None:
    wrong: list[dict[str, Any]] = [
        {},
        {"bin_boundaries": [0.0], "num_bins": 2},
        {"bin_boundaries": [1.0, 0.0]},
        {"bin_boundaries": [1.0], "adapt": [1.0]},
        {"num_bins": 2, "adapt": list(range(101))},
        {"bin_boundaries": [1.0], "sparse": True},
    ]
    for config in wrong:
        with pytest.raises(LayerError):
            make("Discretization", config)
    with pytest.raises(LayerError, match="no boundaries yet"):
        run(Discretization(num_bins=2), X)
    for outside in (-1, 4):
        with pytest.raises(LayerError, match="no category"):
            run(CategoryEncoding(num_tokens=4), numpy.array([[outside, 0]]))
    with pytest.raises(LayerError, match="nothing to weigh"):
        run(CategoryEncoding(num_tokens=4), IDS, count_weights=1.0 * IDS)
    with pytest.raises(LayerError, match="sparse"):
        make("CategoryEncoding", {"num_tokens": 4, "sparse": True})


def test_gradients_of_weights() -> None:
    class _Weighed(CategoryEncoding):
        def call(self, w: Any, x: Any, count_weights: Any = None) -> Any:
            return super().call(w, IDS, x)

    weights = numpy.random.default_rng(0).normal(size=IDS.shape)
    assert_gradient_matches_finite_difference(_Weighed(num_tokens=4, output_mode="count"), weights)


def test_mutants_are_seen() -> None:
    weights = numpy.random.default_rng(0).normal(size=IDS.shape)
    count = CategoryEncoding(num_tokens=4, output_mode="count")
    hot = CategoryEncoding(num_tokens=4, output_mode="one_hot")
    assert is_seen(count, "multi_for_count", IDS)
    assert is_seen(CategoryEncoding(num_tokens=4), "count_for_multi", IDS)
    assert is_seen(hot, "keeps_the_column", IDS[:, :1])
    assert is_seen(hot, "from_one", IDS)
    assert is_seen(count, "no_weights", IDS, count_weights=weights)
    bins = Discretization(bin_boundaries=(0.0, 1.0, 2.0))
    assert is_seen(bins, "boundary_below", X)
    assert is_seen(bins, "from_one", X)
    learnt = Discretization(num_bins=4, adapt=(0.0, 1.0, 2.0, 3.0, 30.0, 40.0, 50.0, 50.5))
    more = numpy.array([[1.5, 2.5, 12.0, 13.0, 25.0, 26.0, 37.8, 41.0, 43.0]])
    assert is_seen(learnt, "equal_widths", more)
    assert is_seen(learnt, "quantiles_of_numpy", more)
