"""Layers that Keras does not have, as a user would write them: the source of those that the Keras lane runs."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

from conformance.repro.source import Source, tidy


def custom_source(factory: Any) -> str:
    """The classes that a factory of `lanes.keras_custom` makes, as they would stand in a module of their own."""
    lines = inspect.getsource(factory).split("\n")
    first = next(i for i, line in enumerate(lines) if line.rstrip().endswith(":")) + 1
    body = textwrap.dedent("\n".join(lines[first:])).strip().split("\n")
    start = 1 if body[0].startswith('"""') else 0
    text = "\n".join(line for line in body[start:] if not line.startswith("return ")).strip()
    text = text.replace("_ops(keras)", "keras.ops").replace("tensor(keras, ", "keras.ops.convert_to_tensor(")
    text = text.replace(
        "generator = _image_data_generator(keras)",
        "from keras._tf_keras.keras.preprocessing.image import ImageDataGenerator as generator",
    )
    source = Source(text)
    text = tidy(source.between(0, len(text), source.without_annotations(source.tree)))
    imports = "import warnings\n\n" if "warnings." in text else ""
    return f"{imports}{text}\n"
