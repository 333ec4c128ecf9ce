"""docs/rosetta.md is what classes, ports, deviations and cases say, and its lines are torch that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from benchmarks.rosetta import evidence, keras_weights, page, weights_of  # noqa: E402  # torch may be missing
from conformance.reference.catalog import LAYERS  # noqa: E402  # as above

ROOT = Path(__file__).parents[1]


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "rosetta.md").read_text(encoding="utf-8") == page(evidence()), "nox -s rosetta writes it"


def test_every_difference_is_told_with_its_question_and_what_mends_it() -> None:
    text = page(evidence())
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
