"""Losses and image batches in torch against the reference, over grids of reductions, weights, masks and ranks."""

from __future__ import annotations

import itertools
from typing import Any

import numpy
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import (  # noqa: E402, F401  # registers the ports
    circle,
    ctc,
    distances,
    losses,
    margins,
    overlaps,
    pipeline,
)
from conformance.reference import catalog as _catalog  # noqa: E402, F401  # registers the layers
from tests.lanes.port_agreement import assert_port_agrees  # noqa: E402  # torch may be missing

RANDOM = numpy.random.default_rng(41)
REDUCTIONS = ["none", None, "sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"]
B, S, C = 3, 4, 5
WEIGHTS = [None, (B,), (B, 1), (B, S), (B, S, 1), (1, S), (B, C), ()]
MASKS = [None, (B,), (B, S)]


def weight(shape: Any) -> Any:
    """Weights up to 3, some of them 0; None for None."""
    return None if shape is None else numpy.where(RANDOM.random(shape) < 0.3, 0.0, RANDOM.random(shape) * 3)


def mask(shape: Any) -> Any:
    return None if shape is None else RANDOM.random(shape) < 0.6


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["MeanSquaredError", "MeanAbsoluteError"])
def test_weights_masks_and_ranks(kind: str, reduction: Any) -> None:
    shapes = [((B, C), (B, C)), ((B,), (B, 1)), ((B, S, C), (B, S, C)), ((B, S), (B, S, 1)), ((B,), (B,))]
    for (true, pred), weights, masks in itertools.product(shapes, WEIGHTS, MASKS):
        y_true, y_pred = RANDOM.normal(size=true), RANDOM.normal(size=pred)
        given = {"sample_weight": weight(weights), "y_pred_mask": mask(masks)}
        assert_port_agrees(kind, {"reduction": reduction}, y_true, y_pred, **given)


@pytest.mark.parametrize("kind", ["MeanSquaredError", "CosineSimilarity", "Huber", "LogCosh", "Hinge"])
def test_predictions_that_are_integers(kind: str) -> None:
    assert_port_agrees(kind, {}, RANDOM.integers(-3, 4, size=(B, C)), RANDOM.integers(-3, 4, size=(B, C)))


def softmax(x: Any) -> Any:
    return numpy.exp(x) / numpy.exp(x).sum(-1, keepdims=True)


@pytest.mark.parametrize("reduction", ["none", "sum_over_batch_size", "mean_with_sample_weight"])
@pytest.mark.parametrize("from_logits", [False, True])
def test_entropies(from_logits: bool, reduction: Any) -> None:
    for shape, smoothing, axis in itertools.product([(B, C), (B, S, C)], [0.0, 0.1], [-1, 1]):
        logits = RANDOM.normal(size=shape)
        labels = RANDOM.integers(0, C, size=shape[:-1])
        options = {"from_logits": from_logits, "reduction": reduction}
        given: dict[str, Any] = {}
        if axis == -1 or len(shape) == 2:
            given = {"sample_weight": weight(shape[:-1]), "y_pred_mask": mask(shape[:-1])}
        shares = logits if from_logits else 1.0 / (1.0 + numpy.exp(-logits))
        config = {**options, "label_smoothing": smoothing, "axis": axis}
        assert_port_agrees("BinaryCrossentropy", config, RANDOM.integers(0, 2, size=shape), shares, **given)
        shares = logits if from_logits else 1.5 * softmax(logits)
        assert_port_agrees("CategoricalCrossentropy", config, numpy.eye(C)[labels], shares, **given)
        for alpha in (0.25, [0.1, 0.2, 0.3, 0.4, 0.5]):
            focal = {**config, "alpha": alpha, "gamma": 1.5} if axis == -1 else config
            assert_port_agrees("CategoricalFocalCrossentropy", focal, numpy.eye(C)[labels], shares, **given)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("ignored", [None, -1, 0])
def test_sparse_entropy(ignored: int | None, from_logits: bool) -> None:
    for shape, reduction in itertools.product([(B, C), (B, S, C)], REDUCTIONS):
        logits = RANDOM.normal(size=shape)
        labels = RANDOM.integers(0, C, size=shape[:-1])
        if ignored == -1:
            labels.flat[:2] = -1
        shares = logits if from_logits else softmax(logits)
        config = {"from_logits": from_logits, "ignore_class": ignored, "reduction": reduction}
        for written in (labels, labels[..., None], labels.astype(float)):
            given = {"sample_weight": weight(shape[:-1]), "y_pred_mask": mask(shape[:-1])}
            if not from_logits and ignored is None:
                generalised = {"q": 0.3, "reduction": reduction}
                assert_port_agrees("CategoricalGeneralizedCrossEntropy", generalised, written, shares, **given)
            assert_port_agrees("SparseCategoricalCrossentropy", config, written, shares, **given)


MORE: list[tuple[str, dict[str, Any]]] = [
    ("Huber", {}),
    ("Huber", {"delta": 0.3}),
    ("LogCosh", {}),
    ("MeanAbsolutePercentageError", {}),
    ("MeanSquaredLogarithmicError", {}),
    ("CosineSimilarity", {}),
    ("Poisson", {}),
    ("Hinge", {}),
    ("SquaredHinge", {}),
    ("CategoricalHinge", {}),
    ("KLDivergence", {}),
    ("BinaryFocalCrossentropy", {}),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 1.5}),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.1, "label_smoothing": 0.2}),
]


@pytest.mark.parametrize(("kind", "config"), MORE)
def test_distances_and_margins(kind: str, config: dict[str, Any]) -> None:
    for shape, reduction in itertools.product([(B, C), (B, S, C)], ["none", "sum_over_batch_size"]):
        shares, truth = RANDOM.uniform(0.05, 0.95, size=(2, *shape))
        bits, numbers = (truth > 0.5) * 1, RANDOM.normal(size=shape)
        takes_any = kind not in ("Poisson", "BinaryFocalCrossentropy", "KLDivergence") or "from_logits" in config
        signs = bits if kind == "BinaryFocalCrossentropy" else 2 * bits - 1
        for y_true, y_pred in ((truth, shares), (bits, shares), (signs, numbers), (bits, numbers)):
            if y_pred is shares or takes_any:
                given = {"sample_weight": weight(shape[:-1]), "y_pred_mask": mask(shape[:-1])}
                assert_port_agrees(kind, {**config, "reduction": reduction}, y_true, y_pred, **given)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("axis", [None, -1, 1, (1, 2), (0, 2)])
@pytest.mark.parametrize(("kind", "config"), [("Dice", {}), ("Tversky", {"alpha": 0.3, "beta": 0.7})])
def test_overlaps(kind: str, config: dict[str, Any], axis: Any, reduction: Any) -> None:
    shares, truth = RANDOM.uniform(0.05, 0.95, size=(2, B, S, C))
    config = {**config, "axis": axis, "reduction": reduction}
    for labels in (truth, (truth > 0.5) * 1, truth * 0):
        assert_port_agrees(kind, config, labels, shares)
    if axis in (None, (1, 2)):
        assert_port_agrees(kind, config, truth, shares, sample_weight=weight((B,)), y_pred_mask=mask((B,)))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("config", [{}, {"gamma": 2.0}, {"gamma": 2.0, "margin": 0.1, "remove_diagonal": False}])
def test_circle(config: dict[str, Any], reduction: Any) -> None:
    rows = RANDOM.normal(size=(6, 3))
    rows /= numpy.linalg.norm(rows, axis=1, keepdims=True)
    for labels in ([0, 1, 0, 2, 1, 0], [0] * 6, list(range(6))):
        given = {"sample_weight": weight((6,)), "y_pred_mask": mask((6,))}
        for column in (numpy.array(labels), numpy.array(labels)[:, None]):
            assert_port_agrees("Circle", {**config, "reduction": reduction}, column, rows, **given)
    assert_port_agrees("Circle", config, numpy.arange(5), rows)


@pytest.mark.parametrize("reduction", ["none", "sum_over_batch_size", "mean_with_sample_weight"])
def test_ctc(reduction: Any) -> None:
    logits = RANDOM.normal(size=(4, 6, 5))
    labels = numpy.array([[1, 2, 0], [2, 2, 1], [0, 0, 0], [4, 0, 0]])
    for scale in (1.0, 100.0):
        given = {"sample_weight": weight((4,)), "y_pred_mask": mask((4,))}
        assert_port_agrees("CTC", {"reduction": reduction}, labels, scale * logits, **given)
    assert_port_agrees("CTC", {"reduction": "none"}, labels, logits[:, :3])
    for wrong in (labels[0], labels[..., None]):
        assert_port_agrees("CTC", {}, wrong, logits)


@pytest.mark.parametrize("kind", ["CosineSimilarity", "BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"])
def test_losses_along_an_axis(kind: str) -> None:
    shares, truth = RANDOM.uniform(0.05, 0.95, size=(2, B, S, C))
    assert_port_agrees(kind, {"axis": 1}, truth, shares)


def test_labels_that_cannot_be() -> None:
    shares = softmax(RANDOM.normal(size=(B, C)))
    for labels in (numpy.array([0, 1, C]), numpy.array([0, 1]), numpy.zeros((B, 2), int)):
        assert_port_agrees("SparseCategoricalCrossentropy", {}, labels, shares)
        assert_port_agrees("CategoricalGeneralizedCrossEntropy", {}, labels, shares)
    assert_port_agrees("CategoricalFocalCrossentropy", {}, numpy.eye(C)[:2], shares)
    assert_port_agrees("CategoricalCrossentropy", {}, numpy.eye(C)[:2], shares)


@pytest.mark.parametrize("class_weight", [None, {0: 5.0, 2: 0.5}, {"1": 3}])
def test_compiled_losses(class_weight: Any) -> None:
    shares = softmax(RANDOM.normal(size=(B, C)))
    config = {"loss": {"type": "SparseCategoricalCrossentropy"}, "class_weight": class_weight}
    for labels in (numpy.array([0, 2, 1]), numpy.array([[0], [2], [1]])):
        assert_port_agrees("CompiledLoss", config, labels, shares)
        assert_port_agrees("CompiledLoss", config, labels, shares, sample_weight=weight((B,)))
    one_hot = {**config, "loss": {"type": "CategoricalCrossentropy"}}
    assert_port_agrees("CompiledLoss", one_hot, numpy.eye(C)[[0, 2, 1]], shares)


@pytest.mark.parametrize("subset", [None, "training", "validation"])
def test_batches_in_order(subset: Any) -> None:
    labels = numpy.arange(10)
    images = RANDOM.random((10, 1, 1, 1)) * numpy.ones((1, 3, 4, 2))
    common = {"shuffle": False, "validation_split": 0.3, "subset": subset, "horizontal_flip": True}
    for batch, same, rescale in itertools.product([4, 32], [False, True], [None, 0.5]):
        config = {**common, "batch_size": batch, "ignore_class_split": same, "rescale": rescale}
        assert_port_agrees("ImageBatches", config, images, labels, labels * 0.5)
        assert_port_agrees("ImageBatches", config, images, labels)


def test_shuffled_batches_keep_samples_together() -> None:
    labels = torch.arange(10)
    images = labels[:, None, None, None] * torch.ones(1, 3, 4, 1)
    config = {"shuffle": True, "validation_split": 0.3, "subset": "training", "ignore_class_split": True}
    from conformance.lanes.torch.port import PORTS, Config, Parameters
    from conformance.reference.base import full_config, make

    full = Config("ImageBatches", full_config(make("ImageBatches", config)))
    x, y, w = PORTS["ImageBatches"].call(full, Parameters({}, {}), images, labels, labels * 10.0)
    assert y.tolist() != sorted(y.tolist())
    assert sorted(y.tolist()) == [3, 4, 5, 6, 7, 8, 9]
    assert (w == y * 10.0).all()
    assert (x == y[:, None, None, None]).all()
