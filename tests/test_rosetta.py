"""docs/rosetta.md is what classes, ports, deviations and cases say, and its lines are torch that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from benchmarks.rosetta import (  # noqa: E402  # torch may be missing
    as_file,
    evidence,
    gathered,
    keras_weights,
    page,
    weights_of,
    written,
)
from conformance.reference.catalog import LAYERS  # noqa: E402  # as above
from conformance.report import rosetta  # noqa: E402  # as above

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lines() -> tuple[rosetta.Line, ...]:
    return gathered(evidence())


def test_the_page_and_what_reports_show_are_current(lines: tuple[rosetta.Line, ...]) -> None:
    assert (ROOT / "docs" / "rosetta.md").read_text(encoding="utf-8") == page(evidence(), lines), "nox -s rosetta"
    assert rosetta.FILE.read_text(encoding="utf-8") == as_file(lines), "nox -s rosetta writes it"
    assert rosetta.lines() == lines


def test_a_case_that_proves_a_line_is_about_it(lines: tuple[rosetta.Line, ...]) -> None:
    proved = [line for line in lines if line.proof]
    assert len(proved) >= 120
    for line in proved:
        case = written()[line.proof]
        named = [layer.config.get("activation") for layer in case.layers]
        assert line.name in (named if line.part == "activation" else case.layer_types), line


def test_every_difference_is_told_with_its_question_and_what_mends_it(lines: tuple[rosetta.Line, ...]) -> None:
    text = page(evidence(), lines)
    for words in ("Pass eps=1e-3.", "attn_mask=~mask", "Leave padding_idx out.", "porting/losses.mean_of_a_divergence"):
        assert words in text


@pytest.mark.parametrize("kind", [kind for kind in sorted(LAYERS) if weights_of(kind)])
def test_every_line_that_moves_a_weight_runs(kind: str) -> None:
    given = {name: torch.randn(*shape) for name, shape in keras_weights(kind).items()}
    own: dict[str, Any] = {}
    lines = [f'own["{n}"] = {m.code()}' for n, m in weights_of(kind).items()]
    exec("\n".join(lines), {"torch": torch, "weights": given, "own": own})
    assert len(own) == len(lines) > 0
    held = {mapped.source for mapped in weights_of(kind).values()}
    assert set(given) <= held, "every weight of Keras goes somewhere"
    assert all(np.isfinite(value.numpy()).all() for value in own.values())
