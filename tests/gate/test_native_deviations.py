"""Where torch's own call answers otherwise, the entry names a mistake that there is, and ends with what mends it."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.gate.deviations import Deviation, load_folder
from conformance.reference import backwards
from conformance.reference.base import Mutant
from conformance.reference.catalog import LAYERS
from conformance.reference.optimizers import OPTIMIZERS

ROOT = Path(__file__).parents[2]
FILE = "deviations/torch-native.yaml"
MENDS = ("Pass", "Take", "Leave", "Pad", "Clamp", "Compare", "Call", "Write", "Clip", "Before the step")
"""How the sentence begins that says what to do."""


def native() -> list[Deviation]:
    return [one for one in load_folder(ROOT / "deviations", ROOT) if one.position.path == FILE]


def faults(entry: Deviation, known: frozenset[str]) -> list[str]:
    """What an entry lacks."""
    found = [f"there is no {name}" for name in re.findall(r"\((\w+\.\w+)\)", entry.reason) if name not in known]
    last = re.split(r"(?<=[.;]) ", entry.reason)[-1]
    found += [] if last.startswith((*MENDS, *map(str.lower, MENDS), "the variance")) else [f"nothing mends it: {last}"]
    found += [] if (entry.kind, entry.lanes, entry.modes) == ("by design", ("torch-native",), ("native",)) else ["lane"]
    return [*found, *(["a folder is never stale"] if entry.exact != entry.cases else [])]


def mistakes() -> frozenset[str]:
    named = {
        f"{kind}.{one.name}" for kinds in (LAYERS, OPTIMIZERS) for kind, cls in kinds.items() for one in cls.mutants
    }
    back = {one.name for one in vars(backwards).values() if isinstance(one, Mutant)}
    return frozenset(named | {f"{kind}.{name}" for kind in LAYERS for name in back})


def test_every_entry_names_mistakes_that_there_are_and_ends_with_what_mends_it() -> None:
    known = mistakes()
    assert {entry.id: found for entry in native() if (found := faults(entry, known))} == {}
    assert len(native()) >= 30


def test_an_entry_without_these_is_found() -> None:
    entry = next(one for one in native() if "(" in one.reason)
    assert faults(entry, frozenset()) != []
