"""Where lanes run no `fit`, what Keras may call a report, and what comes of one that it does not give."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.lanes.keras_fitting import Fitter
from conformance.protocol.adapter import Unsupported
from conformance.protocol.fit import PlannedFit
from conformance.protocol.wire import unpack

FIT = PlannedFit(
    through="evaluate",
    inputs=("x",),
    losses={"one": "mse", "other": "mse"},
    y={"one": "y", "other": "y"},
    batch_size=2,
    metrics={"one": ("mae",)},
)
MODEL: Any = SimpleNamespace(output_names=["first_", "second_"])


def fitter(mode: str | None = None) -> Fitter:
    arrays: Any = SimpleNamespace(keras=None, observing=SimpleNamespace(steps=[], node=""))
    plan: Any = SimpleNamespace(fits=())
    return Fitter(plan, arrays, dict, lambda layer: None, mode)


def said(told: dict[str, float]) -> dict[str, float]:
    found = fitter()._named(FIT, MODEL, [told])
    return {label: float(unpack(one["items"][0]["data"])) for label, one in found.items()}


def test_reports_have_the_names_of_the_case_whatever_keras_calls_them() -> None:
    told = {"loss": 3.0, "first__loss": 1.0, "second__loss": 2.0, "first__mae": 0.5}
    wanted = {"evaluate.loss@1": 3.0, "evaluate.one_loss@1": 1.0, "evaluate.other_loss@1": 2.0, "evaluate.mae@1": 0.5}
    assert said(told) == wanted
    assert said({"loss": 3.0, "first__loss": 1.0, "second__loss": 2.0, "mae": 0.5}) == wanted


def test_a_report_that_is_not_given_is_an_error() -> None:
    with pytest.raises(KeyError, match="evaluate reports no one_loss; it reports loss"):
        said({"loss": 3.0})


@pytest.mark.parametrize("mode", ["model", "predict"])
def test_a_mode_without_a_loop_says_so(mode: str) -> None:
    with pytest.raises(Unsupported, match=f"^mode {mode} has no fit and no evaluate of its own$"):
        fitter(mode)


def test_torchs_own_layers_have_no_fit() -> None:
    torch = pytest.importorskip("torch")
    from conformance.lanes.torch.fitting import reports

    arrays: Any = SimpleNamespace(keras_weights={})
    with pytest.raises(Unsupported, match=r"^torch has no evaluate; its users write the loop, as the lane torch does$"):
        reports(FIT, arrays, {"x": torch.tensor(np.zeros(2))}, is_native=True)
