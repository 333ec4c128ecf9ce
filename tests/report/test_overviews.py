"""Failing cases under one head: by the mistake that explains them, else by what differs where."""

from __future__ import annotations

from typing import Any

import pytest

from tests.report import factory
from tests.report.asked import groups_of
from tests.report.factory import answered, differing, record

BIAS = "torch answers as one who forgets the bias (Dense.no_bias)"


FORGETS = ("forgets the bias", "Dense.no_bias", "")


def failing(cause: dict[str, Any] | None, id: str = "core/dense.plain", **more: Any) -> dict[str, Any]:
    torch = {**differing("torch", factory.SHAPE), **({} if cause is None else {"cause": cause})}
    return {**record({"torch": torch, "numpy": answered("numpy"), **more}), "id": id}


def titles(*records: dict[str, Any]) -> list[tuple[int, str]]:
    return [(len(group.cases), group.title) for group in groups_of(records)]


def test_one_mistake_is_one_group_across_families_and_nodes() -> None:
    assert titles(
        failing(factory.cause("unknown")),
        failing(factory.cause("mistake", FORGETS), "pooling/flatten.known"),
        failing(factory.cause("mistake", FORGETS), "core/dense.masked"),
        failing(factory.cause("parts", (*FORGETS[:2], "y")), "merge/heads.shared"),
    ) == [(3, BIAS), (1, "torch differs in shape in core")]


@pytest.mark.parametrize(
    ("cause", "title"),
    [
        (
            factory.cause("mistake", ("takes epsilon=0.01", "GroupNormalization.epsilon=0.01", "")),
            "torch answers as one who takes epsilon=0.01 (GroupNormalization)",
        ),
        (
            factory.cause("parts", ("sums", "A.sums", "a"), ("doubles", "B.doubles", "b")),
            "torch answers as one who sums (A.sums), and as one who doubles (B.doubles)",
        ),
        (
            factory.cause("mistake", ("sums", "A.sums", ""), ("doubles", "B.doubles", "")),
            "torch answers as one who sums (A.sums), or as one who doubles (B.doubles)",
        ),
        (
            factory.cause("error", ("forgets the mask", "GRU.no_mask", "")),
            "torch raises as one who forgets the mask (GRU.no_mask)",
        ),
        (factory.cause("change", change="with its axes in the order (1, 0)"), "torch differs in shape in core"),
        (None, "torch differs in shape in core"),
    ],
)
def test_a_group_is_called_by_its_mistakes(cause: dict[str, Any] | None, title: str) -> None:
    assert titles(failing(cause)) == [(1, title)]


def test_where_another_lane_fails_unexplained_the_mistake_of_one_is_not_the_cause() -> None:
    ((_, title),) = titles(failing(factory.cause("mistake", FORGETS), keras=differing("keras", factory.SHAPE)))
    assert title == "torch and keras differ in shape in core"
