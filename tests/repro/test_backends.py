"""Scripts of Keras on other backends than TensorFlow: which one they ask for, and when it computes. Nothing runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.record.parts import FailureRecord
from conformance.repro.evidence import Evidence
from conformance.repro.script import script
from tests.builders import POOLED
from tests.repro.asked import with_lanes
from tests.repro.test_numpy import evidence


def of_keras(folder: Path, package: str, failure: FailureRecord | None = None) -> Evidence:
    """The evidence on a lane of Keras over this package, whose answer is the reference's or this failure."""
    versions = {"keras": "3.15.1", package: "1.0", "numpy": "2.4.6"}
    row = {"name": "numpy", "adapter": "keras", "versions": versions, "gives_masks": True}
    found = evidence(POOLED, folder, rows=(row,))
    return with_lanes(found, {"numpy": replace(found.record.lanes["numpy"], failure=failure)})


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch", "openvino", "numpy"])
def test_a_script_asks_for_the_backend_of_its_lane(tmp_path: Path, backend: str) -> None:
    text = script(of_keras(tmp_path, backend), "numpy")
    assert f'os.environ["KERAS_BACKEND"] = "{backend}"' in text


@pytest.mark.parametrize("backend", ["openvino", "jax"])
def test_what_raises_when_numbers_are_asked_for_is_asked_for_them(tmp_path: Path, backend: str) -> None:
    """OpenVINO compiles a formula as late as that; elsewhere the call itself raises."""
    failure = FailureRecord("call", "RuntimeError", "no", "pooled")
    text = script(of_keras(tmp_path, backend, failure), "numpy")
    compile(text, backend, "exec")
    asked = "for name, array in inputs.items()})):\n        keras.ops.convert_to_numpy(value)"
    assert (asked in text) == (backend == "openvino")
    assert ("def named(nodes):" in text) == (backend == "openvino")
