"""Failing cases under one head: by the mistake that explains them, else by what differs where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.report import factory
from tests.report.asked import groups_of
from tests.report.factory import answered, differing, record

BIAS = "torch answers as one who forgets the bias (Dense.no_bias)"


def failing(explanation: str, id: str = "core/dense.plain", **more: Any) -> dict[str, Any]:
    torch = {**differing("torch", factory.SHAPE), "explanation": explanation}
    return {**record({"torch": torch, "numpy": answered("numpy"), **more}), "id": id}


def titles(*records: dict[str, Any]) -> list[tuple[int, str]]:
    return [(len(group.cases), group.title) for group in groups_of(records)]


def test_one_mistake_is_one_group_across_families_and_nodes() -> None:
    at_score = f"{BIAS}. It starts at score; what goes into it (flat) agrees."
    in_parts = "torch answers at y as one who forgets the bias (Dense.no_bias). Given the reference's activations."
    assert titles(
        failing("No known mistake and no simple change gives torch's answer."),
        failing(at_score, "pooling/flatten.known"),
        failing(f"{BIAS}.", "core/dense.masked"),
        failing(in_parts, "merge/heads.shared"),
    ) == [(3, BIAS), (1, "torch differs in shape in core")]


@pytest.mark.parametrize(
    ("explanation", "title"),
    [
        (
            "torch answers as one who takes epsilon=0.01 (GroupNormalization). It starts at y.",
            "torch answers as one who takes epsilon=0.01 (GroupNormalization)",
        ),
        (
            "torch answers at a as one who sums (A.sums), and at b as one who doubles (B.doubles). It starts at a.",
            "torch answers as one who sums (A.sums), and as one who doubles (B.doubles)",
        ),
        (
            "torch raises as one who forgets the mask (GRU.no_mask).",
            "torch raises as one who forgets the mask (GRU.no_mask)",
        ),
        ("Transposing (1, 0) gives torch's answer.", "torch differs in shape in core"),
    ],
)
def test_a_group_is_called_by_its_mistakes(explanation: str, title: str) -> None:
    assert titles(failing(explanation)) == [(1, title)]


def test_where_another_lane_fails_unexplained_the_mistake_of_one_is_not_the_cause() -> None:
    ((_, title),) = titles(failing(f"{BIAS}.", keras=differing("keras", factory.SHAPE)))
    assert title == "torch and keras differ in shape in core"
