"""The start of the Keras lane: Keras 3 over a backend (TensorFlow unless told otherwise), or a Keras 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.lanes.keras import KerasLane
from conformance.lanes.tf_keras import Keras2
from conformance.protocol.adapter import Unsupported


def start(options: Mapping[str, Any]) -> KerasLane:
    """Imports what was asked for. Raises Unsupported where Keras answers on another backend."""
    if options.get("package") == "tf_keras":
        import tf_keras

        return _over_keras_2(tf_keras, "tf_keras", options)
    backend = options.get("backend", "tensorflow")
    os.environ["KERAS_BACKEND"] = backend
    import keras

    if str(keras.__version__).startswith("2."):
        return _over_keras_2(keras, "keras", options)
    if keras.backend.backend() != backend:
        raise Unsupported(f"asked for Keras on {backend}, it runs on {keras.backend.backend()}")
    framework = __import__(backend)
    if backend == "tensorflow":
        use_one_thread(framework)
    return KerasLane(keras, *proof(keras, "keras", framework), options=options)


def _over_keras_2(keras: Any, package: str, options: Mapping[str, Any]) -> KerasLane:
    import tensorflow as tf

    use_one_thread(tf)
    return KerasLane(keras, *proof(keras, package, tf), generation=Keras2(keras, tf), options=options)


def use_one_thread(tensorflow: Any) -> None:
    """Sums are made in one order, and lanes beside each other do not fight for the machine."""
    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)


def proof(keras: Any, package: str, framework: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Versions and files of what was really imported."""
    versions = {package: str(keras.__version__), framework.__name__: str(framework.__version__)}
    files = {package: str(keras.__file__), framework.__name__: str(framework.__file__)}
    return {**versions, "numpy": np.__version__, "python": sys.version.split()[0]}, files
