"""A real lane whose framework has a fault while it answers a plan that asks for one (by name, at the end of its id).

Several are joined by `+`.

Used as an adapter: `LaneSpec("keras", "tests.faults.lane", {"framework": "keras"})`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from conformance.protocol.plan import Plan
from tests.faults.patching import Fault, Wrap

FAULT = "!"
"""Stands in a plan's id before the name of the fault that its answer is asked with."""
MODULES = {"keras": "conformance.lanes.keras_start", "torch": "conformance.lanes.torch.lane"}


def known_faults(framework: str) -> dict[str, Fault]:
    """Every fault and control of a framework by name."""
    module: Any = importlib.import_module(f"tests.faults.{framework}_faults")
    prefix = framework.upper()
    every = (*getattr(module, f"{prefix}_FAULTS"), *getattr(module, f"{prefix}_CONTROLS"))
    return {fault.name: fault for fault in every}


SETS = ("held_out", "held_out_again", "held_out_third")
"""Sets of faults that were written before cases and mutants could be made with them in mind."""


def held_out_faults(framework: str, name: str = SETS[0]) -> dict[str, Fault]:
    """Every fault of such a set by name."""
    module: Any = importlib.import_module(f"tests.faults.{name}_{framework}")
    return {fault.name: fault for fault in getattr(module, f"{name.upper()}_{framework.upper()}")}


def with_fault(id: str, name: str | None) -> str:
    """A plan's id that asks for this fault, or for none; another one than the plan's own."""
    return f"{id}{FAULT}{name or ''}"


class Faulty:
    """The framework's own adapter, with a fault where the plan asks for one."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        framework = options["framework"]
        self.file = Path(options["fault_file"]) if options.get("fault_file") else None
        self.faults = known_faults(framework)
        for name in SETS:
            self.faults |= held_out_faults(framework, name)
        for patch in (patch for fault in self.faults.values() for patch in fault.patches):
            if isinstance(patch, Wrap):
                patch.lay()
        self.real = importlib.import_module(MODULES[framework]).start(options)
        self.identity = self.real.identity

    def named(self) -> str:
        """The fault that a file asks for, for plans whose ids cannot: those that a campaign draws."""
        return "" if self.file is None or not self.file.exists() else self.file.read_text(encoding="utf-8").strip()

    def observe(self, plan: Plan) -> dict[str, Any]:
        name = plan.id.rpartition(FAULT)[2] if FAULT in plan.id else self.named()
        if not name:
            found: dict[str, Any] = self.real.observe(plan)
            return found
        with ExitStack() as stack:
            for part in name.split("+"):
                stack.enter_context(self.faults[part].applied())
            patched: dict[str, Any] = self.real.observe(plan)
            return patched


def start(options: Mapping[str, Any]) -> Faulty:
    return Faulty(options)
