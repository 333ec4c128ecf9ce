"""What the controller makes of the arrays of a lane."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conformance.lanes.numpy import Reference
from conformance.plans.draw import plan_of
from conformance.protocol.observation import from_message
from conformance.protocol.wire import pack
from tests.builders import cases_of

CASE = """
    schema_version: 1
    topic: memory that was never written
    dims: {batch: 1}
    source: {kind: hand}
    cases:
      - id: garbage
        question: May a NaN signal?
        inputs: {x: {shape: [batch, 2]}}
        layers: {flat: {type: Flatten}}
        graph: {y: flat(x)}
"""


def test_nan_that_signal_are_quiet_on_arrival(tmp_path: Path) -> None:
    signalling = np.array([0x7F800001, 0x3F800000], dtype=np.uint32).view(np.float32).reshape(1, 2)  # IEEE 754, 6.2.1
    with pytest.raises(RuntimeWarning):
        np.tile(signalling, 8).astype(np.float64)
    message = Reference({}).observe(plan_of(cases_of(CASE, tmp_path)[0]))
    message["runs"][0]["y"]["items"][0]["data"] = pack(signalling)
    message["gradients"] = {"input x": {"data": pack(signalling)}}
    got = from_message("lane", "keras", message)
    for values in (got.runs[0]["y"].outputs[0].values, got.gradients["input x"].values):
        assert values.dtype == np.float32
        assert np.isnan(values[0, 0])
        assert np.tile(values, 8).astype(np.float64)[0, 1] == 1.0
