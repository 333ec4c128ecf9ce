"""Listed deviations, recognised in drafts: a deviation has the signatures that the cases it lists show.

The cases are read and run once, when a difference comes up that one of them may explain: so what is known is compared
as what it is now, in these lanes, and not by the numbers that stand in the list for one case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from conformance.campaign.asking import Asker
from conformance.campaign.triage import Signature, calls_in, signatures
from conformance.case.load import SUFFIX, load_parts
from conformance.case.model import Case
from conformance.errors import CaseError
from conformance.gate.deviations import Deviation
from conformance.gate.ledger import LaneFacts

MOST_CASES = 4
"""Cases of one deviation that are run: they are listed together because they show one thing."""


class Known:
    """The deviations of a project in these lanes."""

    def __init__(
        self,
        asker: Asker,
        deviations: Sequence[Deviation],
        cases: Callable[[str], Case | None],
        lanes: Mapping[str, LaneFacts],
    ) -> None:
        """`cases` gives the case of an id, or None where there is none (any more)."""
        self._asker = asker
        self._lanes = lanes
        self._cases = cases
        self._deviations = deviations
        self._shown: dict[tuple[str, str], tuple[Signature, ...]] = {}

    def explains(self, found: Signature) -> str:
        """The id of the deviation that a signature is; empty where none is like it."""
        facts = self._lanes.get(found.lane)
        if facts is None:
            return ""
        for deviation in self._deviations:
            aspects = {one.aspect for one in deviation.observed}
            if found.aspect not in aspects or not facts.has(deviation, found.lane):
                continue
            if any(shown.is_like(found) for shown in self._signatures(deviation, found)):
                return deviation.id
        return ""

    def _signatures(self, deviation: Deviation, found: Signature) -> tuple[Signature, ...]:
        """What the listed cases with this layer show in this lane."""
        wanted = set(found.layer.split(", "))
        listed = (case for name in deviation.cases if (case := self._cases(name)) is not None)
        cases = islice((case for case in listed if wanted & set(case.layer_types)), MOST_CASES)
        made: list[Signature] = []
        for case in cases:
            key = (case.id, found.lane)
            if key not in self._shown:
                self._shown[key] = self._of(case, found.lane)
            made += self._shown[key]
        return tuple(made)

    def _of(self, case: Case, lane: str) -> tuple[Signature, ...]:
        try:
            record = self._asker.case(case, [lane])
        except CaseError:
            return ()
        return tuple(signatures(record, calls_in(case)))


class Listed:
    """The cases that deviations name, each file of them read when one of its cases is asked for.

    An id says its file, below the folder of cases or, of cases that are generated (`kinds/add.batch_of_none`), beside
    it.
    """

    def __init__(self, cases: Path) -> None:
        self._folders = (cases, cases.absolute().parent)
        self._read: dict[str, Mapping[str, Case]] = {}

    def __call__(self, id: str) -> Case | None:
        file = id.partition(".")[0]
        if file not in self._read:
            self._read[file] = self._of(file)
        return self._read[file].get(id)

    def _of(self, file: str) -> Mapping[str, Case]:
        for folder in self._folders:
            path = folder / f"{file}{SUFFIX}"
            if path.is_file():
                try:
                    return {case.id: case for case in load_parts(path).cases}
                except CaseError:
                    return {}
        return {}
