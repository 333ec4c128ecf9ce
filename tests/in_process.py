"""Keras in the process of the tests, with one thread from the first on: a lane that starts there later needs that."""

from __future__ import annotations

from typing import Any

import pytest


def keras_here() -> Any:
    """Keras over TensorFlow; skips the test where it is not installed."""
    tensorflow, keras = pytest.importorskip("tensorflow"), pytest.importorskip("keras")
    from conformance.lanes.keras_start import use_one_thread

    use_one_thread(tensorflow)
    keras.config.set_dtype_policy("float32")  # a lane of another policy may have run here before
    return keras
