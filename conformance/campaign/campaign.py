"""The campaign: seed by seed, drafts are chosen, asked, and what differs and is not known is kept and made small."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from conformance.campaign.asking import Asker, Judged, is_refused
from conformance.campaign.bases import Texts, others
from conformance.campaign.coverage import Coverage
from conformance.campaign.draft import Draft
from conformance.campaign.draws import drafts
from conformance.campaign.folder import SORTS, Finding, Folder, SeedRow, saying_full
from conformance.campaign.known import Candidate, Known
from conformance.campaign.like import Like
from conformance.campaign.recognise import Explains, Recogniser
from conformance.campaign.reduce import LOST, reduced
from conformance.campaign.triage import Signature, calls_of, is_silent, stem
from conformance.campaign.written import write_case
from conformance.judge.verdict import Verdict
from conformance.protocol.observation import REFERENCE

A_SEED = 16
"""Drafts of a seed that are asked: of all that it gives, those that try most that is new."""
DRAWN = 2
"""How many drafts are drawn for each that is asked."""
OTHERS_OF = 4
"""Of the drafts of a seed, one in so many at most is of no layer: a training, a metric or an operation."""
RELATIONS_OF = 16
"""Of one draft in so many lanes that agree are asked whether they keep the relations that the reference keeps: each of
them is several runs more.
"""
A_FINDING = 40.0
"""Seconds in which a finding is made small, at most: what comes after it wants to be found too."""
KEPT = 0.4
"""Of the time, what is kept at most for making small what was found."""
ENOUGH_CRASHES = 3
"""Crashes of a layer by itself after which drafts with it are left out, and counted."""
A_LOSS = 120.0
"""The same where a lane is lost at every step, and has to be started again."""
OURS = "conformance"
"""Stands for the lane where it is our own code that could not go on."""

Say = Callable[[str], None]
WORST_FIRST = ("finding", "not told apart", "seen before", "listed")
"""Of a draft that shows several things, that which it is counted as."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a campaign ended."""

    seeds: int
    ran: int
    new: tuple[Finding, ...]
    """What was found this time."""
    is_out_of_time: bool
    seconds: float
    """Of drawing and asking, without those in which findings were made small."""
    since_new: float
    """Seconds of drawing since a draft tried something that nobody had tried."""


class Campaign:
    """A folder, lanes, and what is known of them."""

    def __init__(
        self,
        folder: Folder,
        asker: Asker,
        kinds: Sequence[str],
        known: Explains,
        say: Say,
        a_seed: int = A_SEED,
        like: Like | None = None,
        relations_of: int = RELATIONS_OF,
        texts: Texts | None = None,
    ) -> None:
        """`a_seed` drafts of each seed are asked, of twice as many that it gives; these are `like` something
        written, where it is given, and drawn from the layers' schemas else. Of one in so many as `relations_of` says
        relations are asked, where the folder says that they are; operations are drawn from the `texts` of their cases.
        """
        self.texts = texts
        self.relations_of = relations_of if "relations" in folder.about.also else 0
        self.like = like
        self.a_seed = a_seed
        self.folder = folder
        self.asker = asker
        self.kinds = tuple(kinds)
        self.recognise = Recogniser(folder, asker, known)
        self.say = say
        self.coverage = Coverage(kinds)
        self._lost: Counter[str] = Counter()
        self._ahead: dict[int, list[Draft]] = {}
        for row in folder.seeds.values():
            for varied in row.varied:
                self.coverage.add(varied)

    def run(self, seeds: Iterable[int], until: float) -> Ended:
        """Runs the seeds that the folder does not have, until the clock (`time.monotonic`) says so.

        Drawing comes first. As much time is kept as it takes to make small what was found, up to KEPT of the whole.
        Raises ResultsError for a disk that is full.
        """
        with saying_full(self.folder.path):
            return self._ran(seeds, until)

    def _ran(self, seeds: Iterable[int], until: float) -> Ended:
        started, dry = time.monotonic(), 0.0
        new: list[Finding] = []
        ran = count = 0
        is_over = False
        for seed, after in _with_next(seed for seed in seeds if seed not in self.folder.seeds):
            if is_over := self._kept_from(started, until) <= time.monotonic():
                break
            row, found = self.seed(seed, after)
            ran, count = ran + row.ran, count + 1
            new += found
            dry = 0.0 if row.new else dry + row.seconds
        drawn = time.monotonic() - started
        self.finish(until)
        return Ended(count, ran, tuple(new), is_over or time.monotonic() >= until, drawn, dry)

    def _kept_from(self, started: float, until: float) -> float:
        """From when on nothing more is drawn, so that there is time for what is not small yet."""
        pending = sum(not one.is_reduced for one in self.folder.findings.values())
        return until - min(pending * A_FINDING, KEPT * (until - started)) if until < math.inf else until

    def seed(self, seed: int, after: int | None = None) -> tuple[SeedRow, list[Finding]]:
        """One seed: what came of its drafts, and what was found. That `after` it is drawn while lanes work on this."""
        started = time.monotonic()
        drawn = self._ahead.pop(seed, None) or self._drawn(seed)
        asked = [draft for draft in drawn if not self._crashes(draft)]
        chosen = self._chosen(asked)
        outcomes: Counter[str] = Counter({"left out": len(drawn) - len(asked)} if len(asked) < len(drawn) else {})
        listed: Counter[str] = Counter()
        found: list[Finding] = []
        ahead = partial(self._draw_ahead, after)
        for judged in self.asker.ask(chosen, explains=False, meanwhile=ahead, relations_of=self.relations_of):
            outcomes[self._outcome(judged, seed, found, listed)] += 1
        new = sum(self.coverage.add(draft.varied) for draft in chosen)
        varied = tuple(draft.varied for draft in chosen)
        seconds = time.monotonic() - started
        row = SeedRow(seed, len(chosen), dict(outcomes), varied, round(seconds, 3), dict(listed), new)
        self.folder.add_seed(row)
        return row, found

    def _chosen(self, asked: Sequence[Draft]) -> list[Draft]:
        """Those that try most that is new; of layers and of what is drawn beside them each its own share."""
        beside = [draft for draft in asked if draft.written is not None] if self.like is None else []
        layers = [draft for draft in asked if draft not in beside]
        return [*self.coverage.choose(layers, self.a_seed - len(beside)), *beside]

    def _drawn(self, seed: int) -> list[Draft]:
        if self.like is not None:
            return self.like.drafts(seed, DRAWN * self.a_seed)
        about, count = self.folder.about, DRAWN * self.a_seed
        drawn = drafts(seed, self.kinds, about.graphs, count, with_saving="saving" in about.also)
        sorts = [sort for sort in SORTS if sort in about.also]
        return [*drawn, *others(seed, self.a_seed // OTHERS_OF, sorts, self.texts)] if sorts else drawn

    def _draw_ahead(self, seed: int | None) -> None:
        if seed is not None:
            self._ahead = {seed: self._drawn(seed)}

    def _crashes(self, draft: Draft) -> bool:
        """Whether a draft has a layer that has cost lanes enough: each crash is a framework imported again."""
        return any(self._lost[kind] >= ENOUGH_CRASHES for kind in draft.types)

    def _outcome(self, judged: Judged, seed: int, found: list[Finding], listed: Counter[str]) -> str:
        if judged.record is None:
            if not judged.is_ours:
                return "not sayable"
            said = Signature(OURS, ", ".join(judged.draft.types), "error", "raised", stem(judged.why))
            kept = self.keep(said, judged.draft, seed)
            found += [kept] if kept is not None else []
            return "seen before" if kept is None else "finding"
        if is_silent(judged.record):
            return "thrown away"
        outcomes = set()
        for signature in self.asker.tell(judged.record, calls_of(judged.draft)):
            if signature.aspect == "crash" and len(judged.draft.types) == 1:
                self._lost.update(signature.layers)
            answer = self.recognise(signature, judged.draft)
            outcomes.add(answer.outcome)
            if answer.outcome == "listed":
                listed[answer.name] += 1
            elif answer.outcome == "finding":
                found.append(self._add(signature, judged.draft, seed))
        if outcomes:
            return next(outcome for outcome in WORST_FIRST if outcome in outcomes)
        if all(lane.verdict is Verdict.UNSUPPORTED for name, lane in judged.record.lanes.items() if name != REFERENCE):
            return "no lane has it"
        return "refused by all" if is_refused(judged) else "agree"

    def keep(self, signature: Signature, draft: Draft, seed: int) -> Finding | None:
        """Keeps a finding as it was drawn; None where there is one like it."""
        if self.folder.like(signature) is not None:
            return None
        return self._add(signature, draft, seed)

    def _add(self, signature: Signature, draft: Draft, seed: int) -> Finding:
        finding = Finding(signature, draft, seed, name_of(signature, self.folder.findings), seen=signature)
        self.recognise.kept(finding)
        self.folder.add(finding)
        write_case(self.folder, finding, None)
        self.say(f"found: {signature}")
        return finding

    def finish(self, until: float) -> None:
        """Makes small what was found and is not small yet, as long as there is time."""
        for finding in list(self.folder.findings.values()):
            if finding.is_reduced or time.monotonic() >= until:
                continue
            if finding.signature.lane == OURS:
                self.folder.add(replace(finding, is_reduced=True))
                continue
            limit = A_LOSS if finding.signature.aspect in LOST else A_FINDING
            enough = min(until, time.monotonic() + limit)
            small = reduced(self.asker, finding.draft, finding.signature, until=enough)
            if (known := self._known(small.signature, finding)) and not self._is_it(known, finding):
                avoid = known.signature.mistakes  # what is left shows something else that is known: another way, then
                small = reduced(self.asker, finding.draft, finding.signature, until=enough, avoid=avoid)
                known = self._known(small.signature, finding)
            finding = replace(finding, draft=small.draft, signature=small.signature, is_reduced=True)
            again = finding if known else write_case(self.folder, finding, self.asker)
            self.settle(replace(again, same_as=known.name) if known else again)

    def _known(self, found: Signature, finding: Finding) -> Candidate | None:
        """What a finding is that was made small: a listed deviation, or an earlier finding."""
        name = self._earlier(replace(finding, signature=found))
        return Candidate(name, found, False) if name else self.recognise.listed(found)

    def _is_it(self, known: Candidate, finding: Finding) -> bool:
        """Whether the draft that was found shows what it was made small to, and not only something that looks alike."""
        if not known.signature.mistakes:
            return True
        return self.recognise.which(finding.signature, finding.draft, [known]) is not None

    def settle(self, finding: Finding, files: Mapping[str, str] | None = None) -> None:
        """Keeps a finding that was made small, with its files where they were written elsewhere."""
        if files is not None and not finding.same_as:
            finding = replace(finding, same_as=self._earlier(finding))
        self.folder.add(finding)
        if finding.same_as:
            self.folder.remove_files(finding)
            self.say(f"the same as {finding.same_as}: {finding.signature}")
            return
        if files is not None:
            self.folder.take_files(finding, files)
        self.say(f"reduced: {self.folder.file(finding)}: {finding.words or finding.signature}")

    def _earlier(self, finding: Finding) -> str:
        """The name of another finding that a reduced one has turned out to be; empty where there is none."""
        others = (one for one in self.folder.kept if one.name != finding.name and one.is_reduced)
        return next((one.name for one in others if one.signature.is_like(finding.signature)), "")


def _with_next(seeds: Iterable[int]) -> Iterator[tuple[int, int | None]]:
    """Each seed with the one after it."""
    held = iter(seeds)
    seed = next(held, None)
    while seed is not None:
        after = next(held, None)
        yield seed, after
        seed = after


def name_of(signature: Signature, taken: Mapping[str, Finding]) -> str:
    """`conv1d_values`, and a number where that is taken."""
    layer = signature.layer.partition(",")[0].lower() or "graph"
    base = f"{layer}_{signature.aspect}"
    number = 1
    while (name := base if number == 1 else f"{base}_{number}") in taken:
        number += 1
    return name


def totals(folder: Folder) -> Counter[str]:
    """What came of all drafts of a folder."""
    found: Counter[str] = Counter()
    for row in folder.seeds.values():
        found.update(row.outcomes)
    return found


JUDGED = ("agree", "refused by all", "listed")
"""What comes of a draft that was judged and found to be no news."""


def judged_of(folder: Folder) -> int:
    """How many drafts of a folder were judged and showed nothing new."""
    found = totals(folder)
    return sum(found[outcome] for outcome in JUDGED)


def known_of(known: Known | None) -> Explains:
    """What says which listed deviations a difference may be."""
    return (lambda _: ()) if known is None else known.candidates
