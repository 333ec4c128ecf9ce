"""All layers of the reference, by Keras class name. Importing this module imports every family."""

from __future__ import annotations

import importlib
from pathlib import Path

from conformance.reference.base import LAYERS

_NOT_FAMILIES = {"__init__", "base", "catalog"}

for _module in sorted(Path(__file__).parent.glob("*.py")):
    if _module.stem not in _NOT_FAMILIES:
        importlib.import_module(f"conformance.reference.{_module.stem}")

__all__ = ["LAYERS"]
