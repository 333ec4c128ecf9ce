"""All layers of the reference, by Keras' class names and by torch's. Importing this module imports every family."""

from __future__ import annotations

import importlib
from pathlib import Path

from conformance.reference.base import KINDS, LAYERS, TORCH
from conformance.reference.operations.base import OPERATIONS
from conformance.reference.optimizer_base import TORCH_OPTIMIZERS

_NOT_FAMILIES = {"__init__", "base", "catalog"}

for _module in sorted(Path(__file__).parent.glob("*.py")):
    if _module.stem not in _NOT_FAMILIES:
        importlib.import_module(f"conformance.reference.{_module.stem}")

for _module in sorted((Path(__file__).parent / "torch").glob("*.py")):
    if _module.stem != "__init__":
        importlib.import_module(f"conformance.reference.torch.{_module.stem}")

KINDS.maps.append(OPERATIONS)  # each made when it is first asked for: their families are not read here

__all__ = ["KINDS", "LAYERS", "OPERATIONS", "TORCH", "TORCH_OPTIMIZERS"]
