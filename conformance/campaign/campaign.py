"""The campaign: seed by seed, drafts are chosen, asked, and what differs and is not known is kept and made small."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.campaign.asking import Asker, Judged, is_refused
from conformance.campaign.coverage import Coverage
from conformance.campaign.draft import Draft
from conformance.campaign.draws import drafts
from conformance.campaign.folder import Finding, Folder, SeedRow
from conformance.campaign.known import Known
from conformance.campaign.reduce import LOST, reduced
from conformance.campaign.triage import Signature, calls_of, is_silent, stem
from conformance.campaign.written import write_case
from conformance.judge.verdict import Verdict
from conformance.protocol.observation import REFERENCE

A_SEED = 8
"""Drafts of a seed that are asked: of all that it gives, those that try most that is new."""
A_FINDING = 40.0
"""Seconds in which a finding is made small, at most: what comes after it wants to be found too."""
ENOUGH_CRASHES = 3
"""Crashes of a layer by itself after which drafts with it are left out, and counted."""
A_LOSS = 120.0
"""The same where a lane is lost at every step, and has to be started again."""
OURS = "conformance"
"""Stands for the lane where it is our own code that could not go on."""

Say = Callable[[str], None]
Explains = Callable[[Signature], str]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a campaign ended."""

    seeds: int
    ran: int
    new: tuple[Finding, ...]
    """What was found this time."""
    is_out_of_time: bool
    seconds: float
    since_new: float
    """Seconds of drawing since a draft tried something that nobody had tried."""


class Campaign:
    """A folder, lanes, and what is known of them."""

    def __init__(
        self, folder: Folder, asker: Asker, kinds: Sequence[str], known: Explains, say: Say, a_seed: int = A_SEED
    ) -> None:
        """`a_seed` drafts of each seed are asked, of three times as many that it gives."""
        self.a_seed = a_seed
        self.folder = folder
        self.asker = asker
        self.kinds = tuple(kinds)
        self.known = known
        self.say = say
        self.coverage = Coverage(kinds)
        self._lost: Counter[str] = Counter()
        for row in folder.seeds.values():
            for varied in row.varied:
                self.coverage.add(varied)

    def run(self, seeds: Iterable[int], until: float) -> Ended:
        """Runs the seeds that the folder does not have, until the clock (`time.monotonic`) says so."""
        started, dry = time.monotonic(), 0.0
        new: list[Finding] = []
        ran = count = 0
        self.finish(until)
        for seed in seeds:
            if seed in self.folder.seeds:
                continue
            if time.monotonic() >= until:
                break
            row, found = self.seed(seed)
            ran, count = ran + row.ran, count + 1
            new += found
            dry = 0.0 if row.new else dry + row.seconds
            self.finish(until)
        ended = time.monotonic()
        return Ended(count, ran, tuple(new), ended >= until, ended - started, dry)

    def seed(self, seed: int) -> tuple[SeedRow, list[Finding]]:
        """One seed: what came of its drafts, and what was found."""
        started = time.monotonic()
        drawn = drafts(seed, self.kinds, self.folder.about.graphs, 3 * self.a_seed)
        asked = [draft for draft in drawn if not self._crashes(draft)]
        chosen = self.coverage.choose(asked, self.a_seed)
        outcomes: Counter[str] = Counter({"left out": len(drawn) - len(asked)} if len(asked) < len(drawn) else {})
        listed: Counter[str] = Counter()
        found: list[Finding] = []
        for judged in self.asker.ask(chosen):
            outcomes[self._outcome(judged, seed, found, listed)] += 1
        new = sum(self.coverage.add(draft.varied) for draft in chosen)
        varied = tuple(draft.varied for draft in chosen)
        seconds = time.monotonic() - started
        row = SeedRow(seed, len(chosen), dict(outcomes), varied, round(seconds, 3), dict(listed), new)
        self.folder.add_seed(row)
        return row, found

    def _crashes(self, draft: Draft) -> bool:
        """Whether a draft has a layer that has cost lanes enough: each crash is a framework imported again."""
        return any(self._lost[kind] >= ENOUGH_CRASHES for kind in draft.types)

    def _outcome(self, judged: Judged, seed: int, found: list[Finding], listed: Counter[str]) -> str:
        if judged.record is None:
            if not judged.is_ours:
                return "not sayable"
            said = Signature(OURS, ", ".join(judged.draft.types), "error", "raised", stem(judged.why))
            return self._kept(said, judged.draft, seed, found)
        if is_silent(judged.record):
            return "thrown away"
        outcomes = set()
        for signature in self.asker.tell(judged.record, calls_of(judged.draft)):
            if signature.aspect == "crash" and len(judged.draft.types) == 1:
                self._lost.update(signature.layers)
            if name := self.known(signature):
                listed[name] += 1
                outcomes.add("listed")
            else:
                outcomes.add(self._kept(signature, judged.draft, seed, found))
        if outcomes:
            return "finding" if "finding" in outcomes else "seen before" if "seen before" in outcomes else "listed"
        if all(lane.verdict is Verdict.UNSUPPORTED for name, lane in judged.record.lanes.items() if name != REFERENCE):
            return "no lane has it"
        return "refused by all" if is_refused(judged) else "agree"

    def _kept(self, signature: Signature, draft: Draft, seed: int, found: list[Finding]) -> str:
        finding = self.keep(signature, draft, seed)
        if finding is None:
            return "seen before"
        found.append(finding)
        return "finding"

    def keep(self, signature: Signature, draft: Draft, seed: int) -> Finding | None:
        """Keeps a finding as it was drawn; None where there is one like it."""
        if self.folder.like(signature) is not None:
            return None
        finding = Finding(signature, draft, seed, _name(signature, self.folder.findings))
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
            finding = replace(finding, draft=small.draft, signature=small.signature, is_reduced=True)
            name = self.known(finding.signature) or self._earlier(finding)
            self.settle(replace(finding, same_as=name) if name else write_case(self.folder, finding, self.asker))

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


def _name(signature: Signature, taken: Mapping[str, Finding]) -> str:
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


def known_of(asker: Asker, known: Known | None) -> Explains:
    """What says which listed deviation a signature is."""
    return (lambda _: "") if known is None else known.explains
