"""The NumPy lane: the reference, in float64, and how much its answer moves when its data are rounded."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy

from conformance.oracle.run import message
from conformance.protocol.adapter import Identity
from conformance.protocol.plan import Plan


class Reference:
    """The adapter of the NumPy lane."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.identity = Identity(
            versions={
                "numpy": numpy.__version__,
                "autograd": metadata.version("autograd"),
                "python": sys.version.split()[0],
            },
            files={"numpy": str(numpy.__file__)},
            gives_masks=True,
        )

    def observe(self, plan: Plan) -> dict[str, Any]:
        """The reference's answer, with its sensitivity to rounding beside every array."""
        return message(plan)


def start(options: Mapping[str, Any]) -> Reference:
    """The adapter, ready to observe."""
    return Reference(options)
