"""The initialisers that cases may name and that no framework has: `kernel_initializer: {type: Binary}`.

NumPy only: this module also runs in lane processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def binary(shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Zeros and ones by position, without chance: the parity of the set bits of each entry's flat index (Thue-Morse).

    Returns float32 of the shape given. The sequence 0 1 1 0 1 0 0 1 ... never repeats a block three times in a row, so
    two rows that are swapped or a transposed matrix do not go unseen.
    """
    bits = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.int64)
    for half in (32, 16, 8, 4, 2, 1):
        bits = bits ^ (bits >> half)
    return (bits & 1).astype(np.float32).reshape(tuple(shape))


INITIALIZERS: dict[str, Callable[[Sequence[int]], np.ndarray[Any, Any]]] = {"Binary": binary}
"""Initialisers by the `type` under which a layer's config names them."""
