"""Drafts in, judged records out: through a `Run` whose lanes stay up, in the language of cases and no other way."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.campaign.draft import Draft, case_lines, described, file_text
from conformance.campaign.triage import Tell, signatures
from conformance.case.load import SUFFIX, load_parts
from conformance.case.model import Case
from conformance.diagnose.effort import NAMED, one_of
from conformance.errors import CaseError, LaneUnavailable
from conformance.judge.verdict import Verdict
from conformance.lanes.process import MAX_DEATHS
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import REFERENCE
from conformance.record.case import Record
from conformance.repro.kept import with_scripts
from conformance.run import Run

FAMILY = "campaign"
"""The folder that drafts are read from: part of their ids, and so of their numbers."""
_NOT_KERAS = ("torch", "transformers")
"""Adapters that build no layer by Keras' constructor: which arguments it refuses is no question to them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a draft."""

    draft: Draft
    record: Record | None
    """None where there was nothing to judge: `why` says why."""
    why: str = ""
    is_ours: bool = False
    """Whether it is our own code that could not go on, which is a finding about us."""


class Asker:
    """Lanes that stay up, and drafts that they are asked."""

    def __init__(
        self,
        specs: Sequence[LaneSpec],
        in_process: Sequence[str] = (REFERENCE,),
        explains: bool = True,
        tell: Tell = signatures,
    ) -> None:
        """Where it does not explain, findings are told apart without the reasons for them.

        `tell` says what is found in a record: what lanes get wrong, or what moved between two of them.
        """
        self.tell = tell
        self.specs = tuple(specs)
        self.explains = explains
        self._run = Run(specs, in_process=in_process, explains_known=True, stays_up=True)
        self._run.announce([])

    def lanes_for(self, lane: str) -> list[str]:
        """The lanes that show whether a finding of this lane is still one."""
        return [lane] if self.tell is signatures else []

    @property
    def names(self) -> list[str]:
        return [spec.name for spec in self.specs]

    def identities(self) -> dict[str, Identity]:
        """What the lanes proved to be. Raises LaneUnavailable for the first that cannot start."""
        self._run.start_every()
        found = self._run.identities()
        for lost in self._run.unavailable.values():
            raise LaneUnavailable(lost.message, lost.hint)
        return found

    def stop(self) -> None:
        self._run.stop()

    def ask(
        self,
        drafts: Sequence[Draft],
        draw: str = "",
        lanes: Sequence[str] = (),
        explains: bool = True,
        only: Collection[str] | None = None,
        meanwhile: Callable[[], object] | None = None,
        relations_of: int = 0,
    ) -> list[Judged]:
        """What came of each draft, in order, in these lanes or in all. Another `draw` gives them other numbers.

        Where it `explains`, the reason is one of the mistakes with these names alone, if `only` has any; and never one
        without a name, which no signature has. A draft that the reference refuses is asked again as a question about
        errors: does Keras refuse it too? What is to be done `meanwhile` is done while lanes work on the first drafts.

        Of one draft in so many as `relations_of` says, what lanes that agree make of the relations of the draft is
        asked too, of those that are saved and loaded among them; 0 is of none.
        """
        self._run.with_relations = relations_of
        self._run.explains = explains and self.explains
        self._run.effort = NAMED if only is None else one_of(frozenset(only))
        made = self._asked(drafts, draw, lanes, meanwhile)
        if sum(bool(one.record and _lost(one.record)) for one in made) >= MAX_DEATHS:
            made = [self._alone(one, draw) for one in made]
        again = [index for index, one in enumerate(made) if not one.draft.expects_error and is_refused(one)]
        errors = [replace(made[index].draft, expects_error=True) for index in again]
        for index, one in zip(again, self._asked(errors, draw, lanes) if errors else (), strict=True):
            made[index] = one
        return made

    def _alone(self, one: Judged, draw: str) -> Judged:
        """A draft over which a lane was lost, asked once more by itself: it may have been given up for others."""
        lost = () if one.record is None else _lost(one.record)
        return self._asked([one.draft], draw, lost)[0] if lost else one

    def _wanted(self, draft: Draft, lanes: Sequence[str]) -> list[str]:
        """The lanes that are asked a draft: whether Keras' constructor refuses an argument, only Keras can say."""
        wanted = [spec for spec in self.specs if not lanes or spec.name in lanes]
        return [spec.name for spec in wanted if not (draft.expects_error and spec.adapter in _NOT_KERAS)]

    def _asked(
        self,
        drafts: Sequence[Draft],
        draw: str,
        lanes: Sequence[str],
        meanwhile: Callable[[], object] | None = None,
    ) -> list[Judged]:
        texts = [case_lines(one, f"d{number}-{one.digest}{draw}", described(one)) for number, one in enumerate(drafts)]
        cases, bad = _loaded(file_text("drawn by a campaign", texts), "drawn")
        found = {case.id.partition(".")[2]: case for case in cases}
        names = [text[0].removeprefix("  - id: ") for text in texts]
        wanted = {name: self._wanted(draft, lanes) for name, draft in zip(names, drafts, strict=True)}
        self._run.announce([(found[name], wanted[name]) for name in names if name in found])
        if meanwhile is not None:
            self._run.send_first()
            meanwhile()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a root of a negative number is an answer here
            return [
                self._judged(draft, found[name]) if name in found else Judged(draft, None, bad.get(name, "not read"))
                for draft, name in zip(drafts, names, strict=True)
            ]

    def _judged(self, draft: Draft, case: Case) -> Judged:
        try:
            return Judged(draft, self._run.record(case))
        except CaseError as error:
            return Judged(draft, None, error.problems[0].message)
        except LaneUnavailable:
            raise
        except Exception as error:  # our own code could not judge a case that it read: that is worth knowing
            return Judged(draft, None, f"{type(error).__name__}: {error}", is_ours=True)

    def case(
        self,
        case: Case,
        lanes: Sequence[str] = (),
        scripts: bool = False,
        explains: bool = True,
        with_relations: bool = False,
    ) -> Record:
        """The record of a case that is written already."""
        self._run.with_relations = int(with_relations)
        self._run.scripts = with_scripts if scripts else None
        self._run.explains = explains and self.explains
        self._run.effort = NAMED
        try:
            self._run.announce([(case, list(lanes) or self.names)])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                return self._run.record(case)
        finally:
            self._run.scripts = None


def _lost(record: Record) -> tuple[str, ...]:
    return tuple(name for name, lane in record.lanes.items() if lane.verdict in (Verdict.CRASH, Verdict.TIMEOUT))


def is_refused(one: Judged) -> bool:
    """Whether a draft is one that the reference, or the reader of cases, refuses."""
    if one.record is None:
        return not one.is_ours
    return one.record.lanes[REFERENCE].failure is not None


def _loaded(text: str, name: str) -> tuple[tuple[Case, ...], Mapping[str, str]]:
    """The cases of a text, and the first mistake in each that cannot be read, by the id of the case."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        file = Path(folder) / FAMILY / f"{name}{SUFFIX}"
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        loaded = load_parts(file, f"{FAMILY}/{name}{SUFFIX}")
    return loaded.cases, {bad.id.partition(".")[2]: bad.error.problems[0].message for bad in loaded.bad}
