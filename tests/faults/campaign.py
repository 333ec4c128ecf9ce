"""How many faults in live frameworks the cases find, and how many the explanations name.

    python -m tests.faults.campaign [-o docs/evidence/faults.md] [--keep FILE] [--only NAME] [--every N]
                                    [--held-out [SET]]

A fault is tried in the cases that use its layers, one after the other, until one of them differs where the unpatched
framework agrees. A control is another way to the same numbers: it is tried in as many cases, and must agree in all.
With `--held-out`, the faults are those that nobody had in mind when cases and mutants were written, without controls.
The cause that is named is held against the fault on three further draws of other sizes, in up to five cases that find
it: it is false where its mistake, put into the reference, misses what the faulty lane gives there.
With `--keep`, what came of each is kept as it comes, so that a campaign that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.notes import with_notes
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.diagnose.cause import Explanation
from conformance.diagnose.explain import explanations
from conformance.diagnose.holds import holds
from conformance.diagnose.seen import AGAIN, Again, Mistaken, Seen, agrees
from conformance.diagnose.words import sentence
from conformance.judge.case import judge_case
from conformance.judge.verdict import Verdict
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec
from conformance.plans.draw import plan_of
from conformance.protocol.observation import Observation
from conformance.run import LANES
from tests.faults.lane import SETS, held_out_faults, known_faults, with_fault
from tests.faults.patching import Fault

LOOKED = 5
"""Cases that find a fault in which its cause is held against it on other draws."""
DRAWS = (2, 3, 4)
"""By how much the axes of a case are longer on those draws; each has a seed of its own too."""
LOOKS = 3
"""Cases that find a fault whose explanations are read until one names it, as a reader of a report would."""
CONTROLS = 12
"""Cases, spread over those that fit, in which a control is tried, and a fault first."""


class Held(NamedTuple):
    """A cause that is named in one case, and on how many further draws it gave what the faulty lane gave."""

    case: str
    words: str
    is_confirmed: bool
    draws: int
    missed: int


@dataclass(frozen=True)
class Outcome:
    """What came of one fault or control."""

    framework: str
    fault: Fault
    is_control: bool
    tried: int
    found_in: str = ""
    explanation: str = ""
    named_in: str = ""
    """The first of the cases that find it in which it is named, where that is not the one that finds it first."""
    causes: tuple[Held, ...] = ()
    """What is said in up to LOOKED cases that find it, and whether it holds elsewhere."""

    @property
    def is_named(self) -> bool:
        """Whether the explanation of the case that finds the fault first names it."""
        return names(self.fault, self.explanation)


def names(fault: Fault, explanation: str) -> bool:
    """Whether an explanation names a fault: a mutant or a change that the fault's own words mention."""
    text = explanation.partition(" It starts at")[0].lower()
    unknown = text.startswith("no known mistake")
    return bool(text) and not unknown and any(word.lower() in text for word in fault.named)


class Campaign:
    """One framework's lane and the reference's, and the answers of the unpatched framework."""

    def __init__(self, framework: str, cases: Sequence[Case], looked: int = LOOKED) -> None:
        """`looked` is in how many cases that find a fault its cause is held against it."""
        self.framework, self.looked = framework, looked
        self.cases = [case for case in cases if not case.lanes and not case.expect.errors]
        options = {**LANES[framework].options, "framework": framework}
        self.lane = ProcessLane(LaneSpec(framework, "tests.faults.lane", options))
        self.reference = ProcessLane(LANES["numpy"])
        self.known: dict[str, tuple[bool, Observation]] = {}

    def start(self) -> None:
        self.lane.start()
        self.reference.start()

    def stop(self) -> None:
        self.lane.stop()
        self.reference.stop()

    def honest(self, case: Case) -> tuple[bool, Observation]:
        """Whether the unpatched framework agrees on a case, and the reference's observation."""
        if case.drawn_as not in self.known:
            plan = plan_of(case)
            self.reference.send(plan)
            self.lane.send(plan)
            reference = self.reference.wait(case.id)
            verdict = self.judged(case, self.lane.wait(case.id), reference)
            self.known[case.drawn_as] = (verdict.lanes[self.framework].verdict is Verdict.AGREE, reference)
        return self.known[case.drawn_as]

    def judged(self, case: Case, got: Observation, reference: Observation) -> Any:
        return judge_case(case, {"numpy": reference, self.framework: got}, self.masks)

    @property
    def masks(self) -> dict[str, bool]:
        return {"numpy": True, self.framework: self.framework == "keras"}

    def answer(self, case: Case, fault: Fault | None) -> Observation:
        """What the framework answers with the fault in it, or unpatched."""
        name = None if fault is None else fault.name
        plan = replace(plan_of(case), id=with_fault(case.id, name))
        self.lane.send(plan)
        return self.lane.wait(plan.id)

    def is_honest_at(self, other: Seen) -> bool:
        """Whether the unpatched framework agrees on a draw, so that what differs there is the fault's."""
        plan = replace(other.plan, id=with_fault(other.plan.id, None))
        self.lane.send(plan)
        return agrees(other.case, self.lane.wait(plan.id), other.reference, other.gives_masks)

    def asked(self, fault: Fault, plans: Sequence[Any]) -> list[Observation]:
        """What the framework answers with the fault in it to plans made on the way to an explanation."""
        asked = [replace(plan, id=with_fault(plan.id, fault.name)) for plan in plans]
        for plan in asked:
            self.lane.send(plan)
        return [replace(self.lane.wait(plan.id), lane=self.framework) for plan in asked]

    def candidates(self, fault: Fault) -> Iterator[Case]:
        """Cases with the fault's layers on which the unpatched framework agrees; the first few are spread over all."""
        fitting = [case for case in self.cases if set(case.layer_types) & set(fault.layers)]
        fitting.sort(key=lambda case: (len(case.layer_types), case.id))
        step = max(len(fitting) // CONTROLS, 1)
        evenly = [*fitting[::step], *(case for index, case in enumerate(fitting) if index % step)]
        return (case for case in evenly if self.honest(case)[0])

    def tried(self, fault: Fault, is_control: bool, most: int = CONTROLS) -> Outcome:
        """A fault in its cases until some of them find it; a control in all, up to `most`."""
        count = 0
        found: list[Outcome] = []
        causes: list[Held] = []
        for case in islice(self.candidates(fault), most if is_control else None):
            count += 1
            reference = self.honest(case)[1]
            got = replace(self.answer(case, fault), lane=self.framework)
            verdict = self.judged(case, got, reference)
            if verdict.lanes[self.framework].verdict.is_failure:
                both = {"numpy": reference, self.framework: got}
                plan = plan_of(case)
                said = explanations(case, plan, verdict, both, self.masks, lambda _: partial(self.asked, fault))
                cause = verdict.lanes[self.framework].cause
                words = sentence(said[self.framework]) if self.framework in said else f"{cause and cause.got}"
                found.append(Outcome(self.framework, fault, is_control, count, case.id, words))
                if self.framework in said and (said[self.framework].mistakes or said[self.framework].change):
                    seen = Seen(case, got, reference, self.masks[self.framework], Mistaken(plan))
                    causes.append(self.held(fault, said[self.framework], seen, words))
                if is_control or len(found) == self.looked:
                    break
        if not found:
            return Outcome(self.framework, fault, is_control, count)
        first, *others = found[:LOOKS]
        later = "" if first.is_named else next((one.found_in for one in others if one.is_named), "")
        return replace(first, tried=first.tried, named_in=later, causes=tuple(causes))

    def held(self, fault: Fault, said: Explanation, seen: Seen, words: str) -> Held:
        """Whether a cause gives the faulty lane's answer on other draws of other sizes."""
        ask, draws, missed = partial(self.asked, fault), 0, 0
        for longer in DRAWS:
            again = Again(seen.case, seen.plan, AGAIN * longer, longer)
            other = again.asked(seen, ask, again.longer)
            if other is not None and self.is_honest_at(other):
                draws += 1
                missed += not holds(said, other, ask)
        return Held(seen.case.id, words, said.is_confirmed, draws, missed)


class Kept:
    """What came of faults so far, in a file that is written after each; nothing is kept without one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.rows: dict[str, list[Any]] = {}
        if path is not None and path.exists():
            self.rows = json.loads(path.read_text(encoding="utf-8"))

    def get(self, framework: str, fault: Fault, is_control: bool) -> Outcome | None:
        row = self.rows.get(f"{framework} {fault.name}")
        if row is None:
            return None
        tried, found_in, explanation, named_in, causes = row
        held = tuple(Held(*one) for one in causes)
        return Outcome(framework, fault, is_control, tried, found_in, explanation, named_in, held)

    def put(self, outcome: Outcome) -> Outcome:
        self.rows[f"{outcome.framework} {outcome.fault.name}"] = [
            outcome.tried,
            outcome.found_in,
            outcome.explanation,
            outcome.named_in,
            [list(one) for one in outcome.causes],
        ]
        if self.path is not None:
            self.path.write_text(json.dumps(self.rows, indent=1), encoding="utf-8")
        return outcome


def run(
    cases: Sequence[Case],
    frameworks: Sequence[str],
    only: str = "",
    every: int = 1,
    keep: Path | None = None,
    held_out: str | None = None,
) -> list[Outcome]:
    """The outcome of every fault and control of these frameworks; of a sample where `every` is more than 1.

    A sample has every n-th fault and all controls, each of these in as many fewer cases.
    """
    outcomes = []
    kept = Kept(keep)
    for framework in frameworks:
        campaign = Campaign(framework, cases)
        controls = {fault.name for fault in controls_of(framework)}
        campaign.start()
        try:
            every_fault = held_out_faults(framework, held_out) if held_out else known_faults(framework)
            wanted = [(name, fault) for name, fault in every_fault.items() if only in name]
            sample = [one for one in wanted if one[0] not in controls][::every]
            for name, fault in [*sample, *(one for one in wanted if one[0] in controls)]:
                known = kept.get(framework, fault, name in controls)
                made = known or kept.put(campaign.tried(fault, name in controls, max(CONTROLS // every, 1)))
                outcomes.append(made)
        finally:
            campaign.stop()
    return outcomes


def controls_of(framework: str) -> tuple[Fault, ...]:
    found: tuple[Fault, ...] = getattr(
        importlib.import_module(f"tests.faults.{framework}_faults"), f"{framework.upper()}_CONTROLS"
    )
    return found


NOTES = "## Notes"
"""From here on the page is written by hand and stays."""
FOUND, NAMED = 0.98, 0.80
"""The shares of faults that must be found, and of those found that must be named; no control may alarm."""


def is_good(outcomes: Sequence[Outcome]) -> bool:
    """Whether enough faults are found and named, by no false cause, and no control is."""
    faults = [outcome for outcome in outcomes if not outcome.is_control]
    found = [outcome for outcome in faults if outcome.found_in]
    named = sum(outcome.is_named for outcome in found)
    alarms = any(outcome.found_in for outcome in outcomes if outcome.is_control)
    has_false = any(cause.missed for outcome in found for cause in outcome.causes)
    return not alarms and not has_false and len(found) >= FOUND * len(faults) and named >= NAMED * len(found)


ABOUT = """\
# Faults in live frameworks: what the cases find

Each fault rewrites a line of the framework's own source, or wraps a function of torch, while the lane
answers; none is made from a mutant of the reference. Controls compute the same in another order. Made by
`python -m tests.faults.campaign -o docs/evidence/faults.md`. A fault is tried in the cases of its layers on which the
unpatched framework agrees, until one of them differs; a control in at most
{most} of them. The last column says whether the explanation names the fault, by words that stand beside
it in `tests/faults`.
"""
HELD_OUT = """\
# Faults held out: what the cases find that nobody had in mind

As faults.md, with faults that were written down, each with its words, before anybody looked whether they are found.
Made by `python -m tests.faults.campaign --held-out {set} -o docs/evidence/faults_{set}.md`. What the first run found
stands below.
"""


def in_a_cell(words: str) -> str:
    """Words as a cell of a table has them."""
    return words.replace("|", r"\|").replace("\n", " ")[:260]


def page(outcomes: Sequence[Outcome], held_out: str | None = None) -> str:
    """The outcomes as markdown."""
    faults = [outcome for outcome in outcomes if not outcome.is_control]
    controls = [outcome for outcome in outcomes if outcome.is_control]
    found = [outcome for outcome in faults if outcome.found_in]
    named = [outcome for outcome in found if outcome.is_named]
    named_at_last = sum(outcome.is_named or bool(outcome.named_in) for outcome in found)
    alarms = [outcome for outcome in controls if outcome.found_in]
    in_all = sum(outcome.tried for outcome in controls)
    causes = [(outcome, one) for outcome in found for one in outcome.causes]
    false = [(outcome, one) for outcome, one in causes if one.missed]
    draws = sum(one.draws for _, one in causes)
    nowhere = sum(not one.draws for _, one in causes)
    lines = [
        (HELD_OUT if held_out else ABOUT).format(most=CONTROLS, set=held_out),
        f"- found: {len(found)} of {len(faults)} faults",
        f"- named by the explanation: {len(named)} of {len(found)}",
        f"- named by that or by one of the next {LOOKS - 1} cases that find it: {named_at_last} of {len(found)}",
        f"- false causes: {len(false)} of {len(causes)}, in up to {LOOKED} cases of each fault, by {draws} further "
        f"draws of other sizes; {nowhere} of them of cases that have no other sizes",
        *([] if held_out else [f"- false alarms: {len(alarms)} on {len(controls)} controls in {in_all} cases"]),
        "",
        "| framework | fault | found by | tried | what the explanation says | named |",
        "|---|---|---|---|---|---|",
    ]
    for one in faults:
        words = in_a_cell(one.explanation)
        mark = "yes" if one.is_named else f"by {one.named_in}" if one.named_in else "no"
        lines.append(f"| {one.framework} | {one.fault.name} | {one.found_in or '-'} | {one.tried} | {words} | {mark} |")
    if false:
        lines += ["", "| framework | fault | case | the false cause | misses |", "|---|---|---|---|---|"]
        lines += [
            f"| {one.framework} | {one.fault.name} | {cause.case} | {in_a_cell(cause.words)} "
            f"| {cause.missed} of {cause.draws} draws |"
            for one, cause in false
        ]
    if held_out:
        return "\n".join(lines) + "\n"
    lines += ["", "| framework | control | cases | alarm |", "|---|---|---|---|"]
    lines += [f"| {one.framework} | {one.fault.name} | {one.tried} | {one.found_in or 'none'} |" for one in controls]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--only", default="", help="faults with this in their name")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="a sample: every n-th fault and control")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="where outcomes are kept, and read again")
    parser.add_argument(
        "--held-out", nargs="?", const=SETS[0], choices=SETS, help="a set of faults that nobody had in mind"
    )
    parser.add_argument("--frameworks", nargs="+", default=["keras", "torch"])
    parsed = parser.parse_args(arguments)
    outcomes = run(
        load_folder(Path("cases")), parsed.frameworks, parsed.only, parsed.every, parsed.keep, parsed.held_out
    )
    text = page(outcomes, parsed.held_out)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(with_notes(text, parsed.output, NOTES), encoding="utf-8")
    return 0 if is_good(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
