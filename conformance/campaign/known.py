"""Listed deviations, recognised in drafts: a deviation has the signatures that the cases it lists show.

The cases are read and run once, when a difference comes up that one of them may explain: so what is known is compared
as what it is now, in these lanes, and not by the numbers that stand in the list for one case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a difference may turn out to be: a listed deviation, or an earlier finding."""

    name: str
    signature: Signature
    is_listed: bool = True


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
        self._shown: dict[tuple[str, str, bool, bool], tuple[Signature, ...]] = {}

    def explains(self, found: Signature) -> str:
        """The id of the deviation that a signature is; empty where none is like it."""
        return next((one.name for one in self.candidates(found) if one.signature.is_like(found)), "")

    def candidates(self, found: Signature) -> Iterator[Candidate]:
        """What the listed deviations show that this may be; why they differ is asked of those that look like it."""
        facts = self._lanes.get(found.lane)
        if facts is None:
            return
        for deviation in self._deviations:
            aspects = {one.aspect for one in deviation.observed}
            if found.aspect not in aspects or not facts.has(deviation, found.lane):
                continue
            for case in self._listed(deviation, found):
                if any(shown.is_beside(found) for shown in self._of(case, found, explains=False)):
                    for shown in self._of(case, found, explains=not found.is_told_by_words):
                        if shown.may_be(found):
                            yield Candidate(deviation.id, shown)

    def _listed(self, deviation: Deviation, found: Signature) -> Iterator[Case]:
        """The listed cases with this layer, a few of them."""
        wanted = set(found.layer.split(", "))
        listed = (case for name in deviation.cases if (case := self._cases(name)) is not None)
        return islice((case for case in listed if wanted & set(case.layer_types)), MOST_CASES)

    def _of(self, case: Case, found: Signature, explains: bool) -> tuple[Signature, ...]:
        """What a listed case shows in the lane of what was found; relations, where that is one that breaks."""
        key = (case.id, found.lane, explains, found.is_of_relations)
        if key not in self._shown:
            try:
                record = self._asker.case(case, [found.lane], explains=explains, with_relations=found.is_of_relations)
            except CaseError:
                self._shown[key] = ()
            else:
                self._shown[key] = tuple(signatures(record, calls_in(case)))
        return self._shown[key]


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
