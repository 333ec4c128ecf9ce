"""Keras 2 in the Keras lane: `tf_keras`, or `keras` before 3. The graph, the weights and the order of runs are shared.

Keras 2 has no `keras.ops`; what the graph language needs of it are TensorFlow functions, in `keras_operations`.
"""

from __future__ import annotations

from typing import Any

from conformance.lanes.keras_operations import TensorFlowOperations
from conformance.protocol.operations import Operations


class Keras2:
    """What Keras 2 calls differently from Keras 3."""

    def __init__(self, keras: Any, tf: Any) -> None:
        self.keras = keras
        self.ops = TensorFlowOperations(tf)
        self.operations: Operations = self.ops

    def backend(self) -> str:
        return "tensorflow"

    def dtype_name(self, dtype: Any) -> str:
        return str(getattr(dtype, "name", dtype))

    def reset_state(self, layer: Any) -> None:
        if hasattr(layer, "reset_states"):
            layer.reset_states()

    def forget_names(self) -> bool:
        self.keras.backend.reset_uids()
        return True

    def clear_session(self) -> None:
        self.keras.backend.clear_session()
