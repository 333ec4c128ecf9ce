"""Every metric in several configurations, and batches that it takes: two of 4 samples, the last of 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

CONFIGS: list[tuple[str, Mapping[str, Any]]] = [
    ("metrics.Mean", {}),
    ("metrics.Sum", {}),
    ("metrics.MeanSquaredError", {}),
    ("metrics.RootMeanSquaredError", {}),
    ("metrics.MeanAbsoluteError", {}),
    ("metrics.MeanAbsolutePercentageError", {}),
    ("metrics.MeanSquaredLogarithmicError", {}),
    ("metrics.LogCoshError", {}),
    ("metrics.CosineSimilarity", {}),
    ("metrics.Poisson", {}),
    ("metrics.KLDivergence", {}),
    ("metrics.Hinge", {}),
    ("metrics.SquaredHinge", {}),
    ("metrics.CategoricalHinge", {}),
    ("metrics.BinaryCrossentropy", {}),
    ("metrics.BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("metrics.CategoricalCrossentropy", {}),
    ("metrics.CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}),
    ("metrics.SparseCategoricalCrossentropy", {}),
    ("metrics.SparseCategoricalCrossentropy", {"ignore_class": 1}),
    ("metrics.Accuracy", {}),
    ("metrics.BinaryAccuracy", {"threshold": 0.3}),
    ("metrics.CategoricalAccuracy", {}),
    ("metrics.SparseCategoricalAccuracy", {}),
    ("metrics.TopKCategoricalAccuracy", {"k": 2}),
    ("metrics.SparseTopKCategoricalAccuracy", {"k": 2}),
    ("metrics.TruePositives", {}),
    ("metrics.FalsePositives", {"thresholds": [0.2, 0.7]}),
    ("metrics.TrueNegatives", {"thresholds": 0.7}),
    ("metrics.FalseNegatives", {}),
    ("metrics.Precision", {}),
    ("metrics.Precision", {"top_k": 2, "class_id": 1}),
    ("metrics.Recall", {"thresholds": [0.0, 0.5, 1.0]}),
    ("metrics.Recall", {"top_k": 1}),
    ("metrics.F1Score", {}),
    ("metrics.F1Score", {"average": "weighted", "threshold": 0.4}),
    ("metrics.FBetaScore", {"beta": 2.0, "average": "micro"}),
    ("metrics.FBetaScore", {"beta": 0.5, "average": "macro"}),
    ("metrics.AUC", {}),
    ("metrics.AUC", {"curve": "PR", "num_thresholds": 11}),
    ("metrics.AUC", {"curve": "PR", "summation_method": "majoring"}),
    ("metrics.AUC", {"summation_method": "minoring", "thresholds": [0.3, 0.6]}),
    ("metrics.AUC", {"multi_label": True, "num_labels": 3, "label_weights": [1.0, 2.0, 0.5]}),
    ("metrics.AUC", {"from_logits": True}),
    ("metrics.SensitivityAtSpecificity", {"specificity": 0.5}),
    ("metrics.SpecificityAtSensitivity", {"sensitivity": 0.5}),
    ("metrics.PrecisionAtRecall", {"recall": 0.5}),
    ("metrics.RecallAtPrecision", {"precision": 0.6, "class_id": 1}),
    ("metrics.IoU", {"num_classes": 3, "target_class_ids": [0, 2]}),
    ("metrics.MeanIoU", {"num_classes": 4, "ignore_class": 0}),
    ("metrics.OneHotIoU", {"num_classes": 3, "target_class_ids": [1]}),
    ("metrics.OneHotMeanIoU", {"num_classes": 3}),
    ("metrics.BinaryIoU", {"threshold": 0.4}),
    ("metrics.R2Score", {}),
    ("metrics.R2Score", {"class_aggregation": None}),
    ("metrics.R2Score", {"num_regressors": 1}),
    ("metrics.R2Score", {"class_aggregation": "variance_weighted_average"}),
    ("metrics.PearsonCorrelation", {}),
    ("metrics.ConcordanceCorrelation", {}),
]
"""Type and arguments."""


def batch(kind: str, config: Mapping[str, Any], samples: int, random: numpy.random.Generator) -> tuple[Any, ...]:
    """What a call of this metric takes: values, or labels and predictions of three classes."""
    name = kind.partition(".")[2]
    shares = random.dirichlet([1.0] * 3, size=samples).astype("float32").astype(float)
    classes = random.integers(0, 3, size=samples)
    if name in ("Mean", "Sum"):
        return (random.normal(size=(samples, 3)).astype("float32").astype(float),)
    if name == "Accuracy":
        return random.integers(0, 2, size=(samples, 3)), random.integers(0, 2, size=(samples, 3))
    if name in ("IoU", "MeanIoU"):
        return classes, random.integers(0, 3, size=samples)
    if name.startswith("Sparse"):
        return classes, shares
    if "Categorical" in name or (name.startswith(("OneHot", "F", "KL")) and not name.startswith("False")):
        return numpy.eye(3)[classes], shares
    if name == "R2Score":  # well spread, so that float32 keeps its digits
        labels = numpy.arange(3.0 * samples).reshape(samples, 3) % 5.0
        return labels, labels + random.normal(size=(samples, 3)).astype("float32").astype(float)
    if name == "CosineSimilarity" or name.endswith(("Error", "Correlation")):
        values = random.normal(size=(2, samples, 3)).astype("float32").astype(float)
        return tuple(numpy.abs(values)) if name.startswith("MeanSquaredLog") else tuple(values)
    if name == "BinaryIoU":
        return random.integers(0, 2, size=samples), shares[:, 0]
    return random.integers(0, 2, size=(samples, 3)), shares


def batches(kind: str, config: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Three batches: of 4, of 2 and of 4 samples."""
    random = numpy.random.default_rng(5)
    return [batch(kind, config, samples, random) for samples in (4, 2, 4)]
