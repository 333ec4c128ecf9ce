"""How far honest lanes lie from the reference, over many draws, and what other comparators make of the same arrays.

    python -m benchmarks.calibrate --seeds 20 --keep FOLDER -o docs/evidence/calibration.md
    python -m benchmarks.calibrate --seeds 2 --every 20          a sample, to standard output
    python -m benchmarks.calibrate --under cases/fit --under cases/loss      these files and folders alone
    python -m benchmarks.calibrate --under operations --every 4 --lanes keras    a quarter of the cases of keras.ops

At another seed every array of a case is drawn anew; stated values stay. A lane's verdict at a seed is a false alarm
where it agrees at seed 0, the draw of the gate. Every seed's counts are kept in FOLDER; seeds that stand there are not
run again. `--faults` adds what each comparator makes of the faults in live frameworks, and of equivalent rewrites. The
exit code is 1 where there is any alarm.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.calibration_page import NOTES, page
from benchmarks.detection import Detection, detection_of
from benchmarks.notes import with_notes
from benchmarks.tally import Tally, read, summed, written
from conformance import suite
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.judge.case import judge_lane
from conformance.judge.verdict import Verdict
from conformance.lanes.declare import parse
from conformance.protocol.observation import REFERENCE
from conformance.run import LANES, Run, is_meant, lane_specs

DEFAULT_LANES = ("keras", "torch")
PATIENCE = 3600.0
"""Seconds for one case: whatever else runs on the machine, a late answer is no alarm."""


def campaign(run: Run, cases: Sequence[Case], seed: int, taking_part: set[tuple[str, str]] | None) -> Tally:
    """One seed of all cases; at seed 0, where `taking_part` is None, whoever agrees takes part from then on."""
    drawn = [replace(case.at_seed(seed), time_limit=PATIENCE) for case in cases]
    names = [spec.name for spec in run.specs if spec.name != REFERENCE]
    lanes = {case.id: [s.name for s in run.specs if s.name != REFERENCE and is_meant(s, case)] for case in cases}
    run.announce([(case, lanes[case.id]) for case in drawn])
    tally = Tally(seeds=[seed], lanes=names)
    for case in drawn:
        seen = run.observations(case)
        run.forget(case)
        reference, identities = seen[REFERENCE], run.identities()
        for lane in lanes[case.id]:
            found = judge_lane(case, seen[lane], reference, identities[lane].gives_masks)
            if taking_part is None:
                if found.verdict not in (Verdict.AGREE, Verdict.NOT_JUDGED):
                    continue
                tally.agrees.append([case.id, lane])
            elif (case.id, lane) not in taking_part:
                continue
            tally.add(case, lane, found, seen[lane], reference)
    return tally


def campaigns(cases: Sequence[Case], seeds: int, lanes: Sequence[str], keep: Path | None) -> Tally:
    """All seeds from 0 on; those that are kept in the folder are read from there."""
    specs = lane_specs(lanes, {name: parse(name) for name in lanes if name not in LANES})
    run = Run(specs)
    tallies: list[Tally] = []
    try:
        for seed in range(seeds):
            path = keep / f"seed-{seed}.json" if keep else None
            if path is not None and path.exists():
                tallies.append(read(path))
                continue
            agreeing = {(case, lane) for case, lane in tallies[0].agrees} if tallies else None
            tallies.append(campaign(run, cases, seed, agreeing))
            if path is not None:
                written(tallies[-1], path)
    finally:
        run.stop()
    return summed(tallies)


def stands_below(case: Case, folders: Sequence[str]) -> bool:
    """Whether a case stands in one of these files or folders; of none, all do."""
    path = Path(case.position.path).resolve()
    return not folders or any(path.is_relative_to(Path(one).resolve()) for one in folders)


def sampled(cases: Sequence[Case], every: int) -> list[Case]:
    """Every n-th case: of all families, and the same ones each time."""
    return [case for case in cases if not case.expect.errors][::every] if every > 1 else list(cases)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a campaign and writes its page; exit code 1 where there is an alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument(
        "--under", action="append", default=[], metavar="PATH", help="only cases of this file or folder"
    )
    parser.add_argument("--every", type=int, default=1, help="every n-th case only")
    parser.add_argument("--lanes", default=",".join(DEFAULT_LANES), help="lanes, or specifications as of pytest --lane")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where each seed's counts are kept")
    parser.add_argument("--faults", action="store_true", help="run faults and equivalent rewrites, too")
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args(arguments)
    folders = [
        Path("cases"),
        *(made for made in suite.MADE if any(Path(one).parts[:1] == made.parts for one in parsed.under)),
    ]
    every = [case for folder in folders for case in load_folder(folder)]
    asked = [case for case in every if stands_below(case, parsed.under)]
    if not asked:
        parser.error(f"no case stands below {', '.join(parsed.under)}")
    cases = sampled(asked, parsed.every)
    tally = campaigns(cases, parsed.seeds, parsed.lanes.split(","), parsed.keep)
    detection: Detection | None = detection_of(every, parsed.seeds, parsed.keep) if parsed.faults else None
    text = page(tally, len(cases), detection)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(with_notes(text, parsed.output, NOTES), encoding="utf-8")
    has_alarms = bool(tally.alarms or tally.inexact) or (detection is not None and detection.has_alarms)
    return 1 if has_alarms else 0


if __name__ == "__main__":
    sys.exit(main())
