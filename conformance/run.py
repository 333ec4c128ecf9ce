"""A run: lanes that work ahead in parallel, cases judged in the order in which they are asked for.

The order of cases is announced first; asking for one sends the next few to every lane (a bounded window), so that the
lanes compute while the caller judges and prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from threadpoolctl import threadpool_limits

from conformance import imports
from conformance.case.model import Case
from conformance.diagnose.effort import WHOLE, Effort
from conformance.diagnose.explain import explanations
from conformance.diagnose.feeding import AskLane
from conformance.errors import LaneUnavailable
from conformance.judge.case import judge_case
from conformance.judge.precision import USUAL, reference_under
from conformance.judge.undecided import RandomOutputs
from conformance.judge.verdict import CaseVerdict, Verdict
from conformance.lanes.in_process import InProcessLane
from conformance.lanes.known import DEFAULT_LANES as DEFAULT_LANES
from conformance.lanes.known import LANES as LANES
from conformance.lanes.known import allowing
from conformance.lanes.known import is_meant as is_meant
from conformance.lanes.known import lane_specs as lane_specs
from conformance.lanes.own_answers import register
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import Lane, LaneSpec
from conformance.plans.draw import plan_of
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import REFERENCE, Observation
from conformance.protocol.plan import Plan
from conformance.record.build import case_record, with_explanations
from conformance.record.case import Record
from conformance.relations.applicable import relations_of
from conformance.relations.asking import RelationsOfLane
from conformance.relations.judge import with_relations
from conformance.relations.relation import PlannedRelation

WINDOW = 32
"""Cases sent ahead of the one that is waited for: enough to hide a slow case, which others are computed beside."""
WINDOW_BYTES = 32 * 2**20
"""Of the arrays of what is sent ahead, to bound memory: while there are more, LEAST cases are sent ahead."""
LEAST = 6

Excuse = Callable[[Record, Mapping[str, Identity]], Record]
"""From a record and what the lanes proved to be, to the record as it is kept."""
Scripts = Callable[[Case, Plan, Record, Observation, Sequence[tuple[LaneSpec, Identity]]], Record]
"""From a record, what the reference gave and the lanes with what they proved to be, to the record with its scripts."""


def is_in_sample(name: str, one_in: int) -> bool:
    """Whether a case is among those of which one in so many is taken: by its id, so that others change nothing."""
    return crc32(name.encode()) % one_in == 0


def _keeping(specs: Sequence[LaneSpec], folder: Path, in_process: Sequence[str]) -> Iterator[LaneSpec]:
    """The lanes, with the reference told where its answers are kept.

    Not one on another machine; nor one in this process, where a debugger or a test may have changed the reference.
    """
    for spec in specs:
        is_it = spec.adapter == REFERENCE and not spec.host and spec.name not in in_process
        yield replace(spec, options={**spec.options, "kept_in": str(folder)}) if is_it else spec


class Run:
    """Lanes, the order of cases, and the records made so far."""

    def __init__(
        self,
        specs: Sequence[LaneSpec],
        in_process: Sequence[str] = (),
        excuse: Excuse | None = None,
        with_relations: int = 0,
        explains_known: bool = False,
        kept_in: Path | None = None,
        scripts: Scripts | None = None,
        explains: bool = True,
        lane_of: Callable[[LaneSpec], Lane] = ProcessLane,
        stays_up: bool = False,
        warm: Mapping[str, Lane] | None = None,
    ) -> None:
        """`excuse` marks what is known in a record. It has a reason already: why a lane differs so is found out only
        where it `explains_known`, for that takes as long as all the rest.

        `kept_in` is a folder of the reference's earlier answers, and takes the new ones (`conformance.oracle.kept`).
        `lane_of` makes a lane that is not in this process; those that are `warm` were made and started already.

        `with_relations` runs one case in so many several times more, to see which relations between runs its lanes
        keep; 0 is none, 1 all.

        `scripts` writes into a record the stand-alone script of each lane that differs; without it there are none.

        A run that `stays_up` ends no lane because the cases of one announcement do not need it: there will be others.
        """
        if imports.allowed().packages:
            register()
        threadpool_limits(1, user_api="blas")  # the reference runs here too: its threads would take the lanes' cores
        specs = [allowing(spec) for spec in specs]
        self.specs = tuple(specs if kept_in is None else _keeping(specs, kept_in, in_process))
        asked = (spec.options.get("policy", USUAL) for spec in self.specs)
        self._gradients_of = {spec.name: spec.options.get("gradients_of", 1) for spec in self.specs}
        """Lane to the N of one case in N of which it is asked for gradients."""
        self._twins = frozenset(spec.name for spec in self.specs if "gradients_of" in spec.options)
        """Lanes that ask what another asks, otherwise executed (`conformance.gate.modes`)."""
        self._policies = tuple(dict.fromkeys(policy for policy in asked if policy != USUAL))
        self.with_relations = with_relations
        """As given; whoever runs on and on may ask relations of some cases only."""
        self._excuse = excuse
        self._stays_up = stays_up
        self.explains = explains
        """Whether it is found out why a lane differs; whoever takes a difference apart asks that at the end only."""
        self.effort: Effort = WHOLE
        """How far the reason is looked for, where it is."""
        self.scripts = scripts
        """As given; whoever runs on and on may write scripts for some cases only."""
        self._explains_known = explains_known
        self.lanes: dict[str, Lane] = {
            spec.name: InProcessLane(spec) if spec.name in in_process else lane_of(spec)
            for spec in self.specs
            if spec.name not in (warm or {})
        } | dict(warm or {})
        self._order: list[Case] = []
        self._index: dict[str, int] = {}
        self._wanted: dict[str, tuple[str, ...]] = {}
        self._needed: set[str] = set()
        """The lanes that any of the announced cases must run in."""
        self._together: Mapping[str, str] | None = None
        self._sent: set[str] = set()
        self._plans: dict[str, Plan] = {}
        self._unplanned: dict[str, Exception] = {}
        """Why a case has no plan: that is raised when its own turn comes, and no other case's."""
        self._unjudged: dict[str, dict[str, Observation]] = {}
        self._started: set[str] = set(warm or {})
        self.unavailable: dict[str, LaneUnavailable] = {}
        """The lanes that turned out not to start, and why; the run goes on without them."""
        self.records: dict[str, Record] = {}

    def announce(self, order: Sequence[tuple[Case, Sequence[str]]], together: Mapping[str, str] | None = None) -> None:
        """The cases to come, each with the lanes that must run it; the reference runs each of them.

        A second announcement replaces the first, and what was made for it. Where only some of them will be asked for,
        `together` has the name of the group of each: a group is asked for as a whole or not at all, so that ahead of a
        case others of its group alone are sent.
        """
        self._sent, self._plans, self._unplanned, self._unjudged, self.records = set(), {}, {}, {}, {}
        for name in self._started if self._stays_up else ():
            self.lanes[name].forgive()
        self._order = [case for case, _ in order]
        self._index = {case.id: index for index, case in enumerate(self._order)}
        self._wanted = {case.id: tuple(dict.fromkeys([*lanes, REFERENCE])) for case, lanes in order}
        self._together = together
        self._needed = {name for lanes in self._wanted.values() for name in lanes}
        for name, lane in self.lanes.items():
            lane.expect(sum(name in lanes for lanes in self._wanted.values()))

    def start_every(self) -> None:
        """Starts every lane of a run that stays up, whatever will be asked of them."""
        for name, lane in self.lanes.items():
            if name not in self._started:
                lane.start()
                self._started.add(name)

    def start(self) -> None:
        """Starts every lane that is needed, all at once, and waits for none; ends those that were warmed in vain."""
        for name, lane in self.lanes.items():
            if name in self._needed and name not in self._started:
                lane.start()
                self._started.add(name)
            elif name in self._started and name not in self._needed and not self._stays_up:
                lane.stop()
                self._started.discard(name)

    def identities(self) -> dict[str, Identity]:
        """What the started lanes proved to be; those that cannot start stand in `unavailable` from then on.

        Raises LaneUnavailable where the reference is among them, for nothing can be judged without it.
        """
        found = {}
        for name, lane in self.lanes.items():
            if name not in self._started or name in self.unavailable:
                continue
            try:
                found[name] = lane.identity()
            except LaneUnavailable as error:
                if name == REFERENCE:
                    raise
                self.unavailable[name] = error
                lane.stop()
        return found

    def send_first(self) -> None:
        """Sends the first of the announced cases to the lanes, and waits for none: there is more to do meanwhile."""
        if self._order:
            self.start()
            self.identities()
            self._send_ahead(0)

    def observations(self, case: Case) -> dict[str, Observation]:
        """What every lane gave for a case that was announced. Raises CaseError for one of which no plan can be made.

        Kept until the case has its record: where judging fails, the case's next item must fail too, not wait for
        answers that were taken already.
        """
        if case.id not in self._unjudged:
            self.start()
            self.identities()
            self._send_ahead(self._index[case.id])
            if case.id in self._unplanned:
                raise self._unplanned[case.id]
            self._unjudged[case.id] = {name: self._answer(name, case) for name in self._able(case)}
        return self._unjudged[case.id]

    def _answer(self, name: str, case: Case) -> Observation:
        """What a lane gave, with why it has no gradients where it was not asked for any."""
        got = self.lanes[name].wait(case.id)
        if self._asks_gradients(name, case):
            return got
        return replace(got, gradient_note=f"of one case in {self._gradients_of[name]} alone they are asked here")

    def _asks_gradients(self, name: str, case: Case) -> bool:
        return is_in_sample(case.id, self._gradients_of.get(name, 1))

    def forget(self, case: Case) -> None:
        """Lets go of a case's plan, and of what the lanes gave for it."""
        self._unjudged.pop(case.id, None)
        self._plans.pop(case.id, None)

    def _able(self, case: Case) -> list[str]:
        """The lanes that must run a case, but for those that cannot start."""
        return [name for name in self._wanted[case.id] if name not in self.unavailable]

    def record(self, case: Case) -> Record:
        """The judged record of a case, made once, without the lanes that cannot start.

        Raises LaneUnavailable where the reference is one of them.
        """
        if case.id not in self.records:
            observations = self.observations(case)
            identities = self.identities()
            masks = {name: identities[name].gives_masks for name in observations}
            verdict = judge_case(case, observations, masks, self._twins)
            if self.with_relations and is_in_sample(case.id, self.with_relations):
                verdict = self._related(case, verdict, observations)
            record = case_record(case, verdict, observations)
            record = record if self._excuse is None else self._excuse(record, identities)
            plan = self._plans[case.id]
            if self.explains:
                asked = self._to_explain(verdict, record)
                explained = explanations(case, plan, asked, observations, masks, self._asks, self.effort)
                record = with_explanations(record, explained)
            if self.scripts is not None:
                lanes = [(spec, identities[spec.name]) for spec in self.specs if spec.name in observations]
                record = self.scripts(case, plan, record, observations[REFERENCE], lanes)
            self.records[case.id] = record
            self.forget(case)
        return self.records[case.id]

    def _to_explain(self, verdict: CaseVerdict, record: Record) -> CaseVerdict:
        """The verdict on those lanes whose difference is to be explained."""
        if self._explains_known:
            return verdict
        lanes = {name: one for name, one in verdict.lanes.items() if record.lanes[name].verdict is not Verdict.KNOWN}
        return replace(verdict, lanes=lanes)

    def _asks(self, name: str) -> AskLane:
        """A lane that answers plans made on the way, behind the cases that were sent ahead."""
        lane = self.lanes[name]

        def ask(plans: Sequence[Plan]) -> list[Observation]:
            for plan in plans:
                lane.send(plan)
            return [lane.wait(plan.id) for plan in plans]

        return ask

    def _related(self, case: Case, verdict: CaseVerdict, observations: Mapping[str, Observation]) -> CaseVerdict:
        """The verdict with what lanes that agree make of the relations that hold for the case."""
        plan = self._plans[case.id]
        drawn = RandomOutputs(case, observations[REFERENCE]).labels  # of two runs of a draw no relation holds
        left = [one.without(drawn) for one in relations_of(plan, observations[REFERENCE])]
        asked = [one for one in left if one is not None]
        lanes = dict(verdict.lanes)
        honest = [
            name
            for name, found in lanes.items()
            if name != REFERENCE and found.verdict is Verdict.AGREE and observations[name].failure is None
        ]
        asking = {name: RelationsOfLane(self.lanes[name], plan, self._askable(name, asked)) for name in honest}
        for name, one in asking.items():
            reference = reference_under(observations[REFERENCE], observations[name].policy)
            findings = one.findings(observations[name], reference, case.demands)
            if findings is not None:
                lanes[name] = with_relations(lanes[name], findings)
        return replace(verdict, lanes=lanes)

    def _askable(self, name: str, asked: Sequence[PlannedRelation]) -> list[PlannedRelation]:
        """The relations that a lane has words for: not every framework's layers are objects that can be saved."""
        ways = set(self.identities()[name].remakes)
        return [one for one in asked if ways >= set(one.plan.remade)]

    def _send_ahead(self, index: int) -> None:
        window = self._order[index : index + WINDOW]
        if self._together is not None:
            window = [case for case in window if self._together[case.id] == self._together[window[0].id]]
        size = sum(self._plans[case.id].nbytes for case in window if case.id in self._plans)
        for place, case in enumerate(window):
            if case.id in self._sent:
                continue
            if place >= LEAST and size > WINDOW_BYTES:
                return
            self._sent.add(case.id)
            try:
                plan = self._plans[case.id] = replace(plan_of(case, policies=self._policies), with_model=True)
            except Exception as error:
                self._unplanned[case.id] = error
                continue
            size += plan.nbytes
            for name in self._able(case):
                asks = self._asks_gradients(name, case)
                self.lanes[name].send(plan if asks else replace(plan, cotangents={}))

    def stop(self) -> None:
        """Ends every lane's process."""
        for name in self._started:
            self.lanes[name].stop()
        self._started = set()
