"""Weights that both sides of a test draw alike, by name and shape; NumPy only."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np


def drawn(name: str, shape: Any) -> Any:
    """Distinct numbers for a weight: scales around one, variances positive, all others of a size that keeps sums."""
    name = re.sub(r"^sequential[^/]*/", "", name)
    name = re.sub(r"(forward|backward)_gru[^/]*", r"\1", name)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    last = name.rpartition("/")[2]
    if last == "gamma":
        return random.uniform(0.7, 1.3, shape).astype(np.float32)
    if last == "moving_variance":
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if last in ("beta", "bias", "moving_mean"):
        return random.normal(0.0, 0.3, shape).astype(np.float32)
    fan = 9 if "conv_dw" in name else max(1, int(np.prod(shape[:-1])))
    size = 0.6 if last == "embeddings" else (2.0 / fan) ** 0.5
    return random.normal(0.0, size, shape).astype(np.float32)


def gates(array: Any) -> Any:
    """Keras' gates (update, reset, new) in torch's order (reset, update, new)."""
    update, reset, new = np.split(array, 3, axis=-1)
    return np.concatenate([reset, update, new], axis=-1)
