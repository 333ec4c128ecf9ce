"""Models that a file alone must not bring to life: one with a Lambda, one with a layer of somebody's own."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("ours")
class Scale(keras.layers.Layer):  # type: ignore[misc]  # keras ships no types
    """Times a number."""

    def __init__(self, by: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by = by

    def call(self, x: Any) -> Any:
        return self.by * x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "by": self.by}


def with_lambda() -> keras.Model:
    return keras.Sequential([keras.Input((3,), name="x"), keras.layers.Lambda(lambda x: 2.0 * x, name="twice")])


def with_layer() -> keras.Model:
    return keras.Sequential([keras.Input((3,), name="x"), Scale(2.0, name="scale"), keras.layers.Dense(2, name="d")])
