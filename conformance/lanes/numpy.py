"""The NumPy lane: the reference, in float64, and how much its answer moves when its data are rounded."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy

from conformance import imports
from conformance.oracle.kept import KeptAnswers, computed
from conformance.protocol.adapter import Identity
from conformance.protocol.plan import Plan


class Reference:
    """The adapter of the NumPy lane. Its answers are kept in the folder `kept_in` of its options, if there is one.

    `begun` is when its process began to import it. What computes is imported when it is needed, and at once where its
    sources are being edited (`is_edited`): the process could not say before what it holds.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        if options.get("is_edited"):
            importlib.import_module("conformance.oracle.run")
        folder = options.get("kept_in")
        self._message = computed if folder is None else KeptAnswers(Path(folder), begun=options.get("begun")).message
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
        return self._message(plan)


def start(options: Mapping[str, Any]) -> Reference:
    """The adapter, ready to observe."""
    if imports.allowed().packages:
        from conformance.lanes.own_answers import register

        register()
    return Reference(options)
