"""Listed deviations, recognised in drafts: a deviation has the signatures that the cases it lists show.

The cases are run once, when a difference comes up that one of them may explain: so what is known is compared as what it
is now, in these lanes, and not by the numbers that stand in the list for one case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from conformance.campaign.asking import Asker
from conformance.campaign.triage import Signature, calls_in, signatures
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
        cases: Sequence[Case],
        lanes: Mapping[str, LaneFacts],
    ) -> None:
        self._asker = asker
        self._lanes = lanes
        self._cases = {case.id: case for case in cases}
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
        listed = [self._cases[name] for name in deviation.cases if name in self._cases]
        cases = [case for case in listed if wanted & set(case.layer_types)][:MOST_CASES]
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
