"""ReversibleEmbedding and ActivityRegularization, by hand."""

from __future__ import annotations

import math

import numpy
import pytest

from conformance.reference.activity_regularization import ActivityRegularization
from conformance.reference.base import LayerError, make
from conformance.reference.reversible_embedding import ReversibleEmbedding
from tests.reference.helpers import assert_gradient_matches_finite_difference, is_seen, run

TABLE = numpy.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]])
IDS = numpy.array([[2, 0]])
ROWS = numpy.array([[[1.0, 1.0], [2.0, -1.0]]])


def test_there_and_back() -> None:
    layer = ReversibleEmbedding(input_dim=3, output_dim=2)
    assert run(layer, IDS, weights={"embeddings": TABLE}).tolist() == [[[0.5, -1], [1, 2]]]
    scores = run(layer, ROWS, weights={"embeddings": TABLE}, reverse=True)
    assert scores.tolist() == [[[3, 7, -0.5], [0, 2, 2]]]


def test_a_matrix_of_its_own_and_a_cap() -> None:
    layer = ReversibleEmbedding(input_dim=3, output_dim=2, tie_weights=False, logit_soft_cap=2.0)
    weights = {"embeddings": TABLE, "reverse_embeddings": numpy.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])}
    scores = run(layer, ROWS, weights=weights, reverse=True)
    assert scores[0, 0].tolist() == pytest.approx([2 * math.tanh(0.5), 2 * math.tanh(0.5), 2 * math.tanh(1)])


def test_masks_and_mistakes_of_shape() -> None:
    layer = ReversibleEmbedding(input_dim=3, output_dim=2, mask_zero=True)
    assert layer.compute_mask(IDS, None).tolist() == [[True, False]]
    assert layer.compute_mask(ROWS, None) is None
    with pytest.raises(LayerError, match="rows of 2 numbers"):
        run(layer, numpy.zeros((1, 2, 3)), reverse=True)


def test_gradients() -> None:
    for tied in (True, False):
        layer = ReversibleEmbedding(input_dim=3, output_dim=2, tie_weights=tied, logit_soft_cap=2.0)
        assert_gradient_matches_finite_difference(layer, ROWS, reverse=True)


def test_mutants_are_seen() -> None:
    layer = ReversibleEmbedding(input_dim=3, output_dim=2, logit_soft_cap=2.0)
    assert is_seen(layer, "no_cap", ROWS, reverse=True)
    assert is_seen(layer, "clips", ROWS, reverse=True)
    assert is_seen(layer, "untransposed", ROWS, reverse=True)
    assert is_seen(layer, "off_by_one", IDS)
    masked = ReversibleEmbedding(input_dim=3, output_dim=2, mask_zero=True)
    assert is_seen(masked, "no_mask", IDS)
    assert is_seen(ReversibleEmbedding(input_dim=3, output_dim=2, tie_weights=False), "always_tied", ROWS, reverse=True)


def test_what_activities_cost() -> None:
    """(0.5 (1 + 3) + 0.25 (1 + 9)) / 2 for a batch of two."""
    layer = ActivityRegularization(l1=0.5, l2=0.25)
    x = numpy.array([[1.0], [-3.0]])
    assert run(layer, x).tolist() == x.tolist()
    assert layer.added_loss(x) == 2.25
    with pytest.raises(LayerError, match="negative"):
        make("ActivityRegularization", {"l1": -1.0})
