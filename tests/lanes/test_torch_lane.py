"""What the torch lane says of layers that the reference refuses: its own words, or that it has nothing to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch.lane import start  # noqa: E402  # torch may be missing
from conformance.lanes.torch.own_words import own_words  # noqa: E402  # as above
from conformance.lanes.torch.port import Config, Parameters  # noqa: E402  # as above
from conformance.plans.draw import plan_of  # noqa: E402  # as above
from conformance.protocol.adapter import Unsupported  # noqa: E402  # as above
from tests.builders import cases_of  # noqa: E402  # as above

TEXT = """
    schema_version: 1
    topic: refused
    source: {kind: hand}
    cases:
      - id: refused
        question: What does torch say?
        inputs: {x: {shape: [2, 20, 5]}}
        layers:
          layer: %s
        graph:
          y: layer(x)
"""


def said(layer: str, folder: Path) -> dict[str, Any]:
    (case,) = cases_of(TEXT % layer, folder)
    return start({}).observe(plan_of(case))


def test_torch_claims_nothing_of_a_layer_that_it_has_no_weights_for(tmp_path: Path) -> None:
    found = said("{type: Conv1D, filters: 4, kernel_size: 3, strides: 2, dilation_rate: 3}", tmp_path)
    assert found["failure"] is None
    assert found["unsupported"] == (
        "the reference refuses Conv1D (layer) before its weights have shapes: torch gets none"
    )


@pytest.mark.parametrize("is_planned", [True, False])
def test_a_weight_that_is_missing_is_nobodys_fault_only_where_none_was_drawn(is_planned: bool, tmp_path: Path) -> None:
    (case,) = cases_of(TEXT % "{type: Dense, units: 4}", tmp_path)
    plan = plan_of(case)
    layer = replace(plan.layers["layer"], weights={}, is_planned=is_planned)
    found = start({}).observe(replace(plan, layers={"layer": layer}, cotangents={}))
    assert (found["failure"] is None, found["unsupported"] is None) == (not is_planned, is_planned)


def test_torch_refuses_in_its_own_words_what_needs_no_weights(tmp_path: Path) -> None:
    found = said("{type: Dropout, rate: 1.5}", tmp_path)
    assert found["failure"]["type"] == "ValueError"
    assert "1.5" in found["failure"]["message"]


def test_a_layer_with_weights_is_run(tmp_path: Path) -> None:
    found = said("{type: Conv1D, filters: 4, kernel_size: 3}", tmp_path)
    assert (found["failure"], found["unsupported"]) == (None, None)
    assert found["steps"][0]["outputs"] == [2, 18, 4]


def test_a_format_without_a_kernel_is_one_message() -> None:
    with pytest.raises(Unsupported, match=r"has no F\.pdist in float16 on a processor: there is no kernel pdist"):
        own_words("F.pdist").call(Config("F.pdist", {"asked": {}}), Parameters({}, {}), torch.ones(3, 2).half())


def test_what_else_torch_raises_stays_torchs() -> None:
    """The twin."""
    with pytest.raises(RuntimeError, match="pdist only supports 2D tensors"):
        own_words("F.pdist").call(Config("F.pdist", {"asked": {}}), Parameters({}, {}), torch.ones(3))
