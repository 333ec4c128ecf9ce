"""How many drafts a second a campaign asks, beside how many written cases a second the suite runs: both in one process,
one after the other, in the same lanes (Keras, torch, the reference), without the start of the frameworks.

    python -m benchmarks.campaign_cost --for 120      # seconds of each

Prints both rates and their ratio. The rates are of this machine at this hour; the ratio is what compares.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from conformance.campaign.asking import Asker
from conformance.campaign.campaign import Campaign, known_of, totals
from conformance.campaign.folder import VERSION, About, opened
from conformance.campaign.space import drawable
from conformance.case.load import load_folder
from conformance.cli.campaign import known_here
from conformance.cli.live import IN_PROCESS, lanes_of
from conformance.errors import CaseError
from conformance.run import Run, is_meant

CASES = Path("cases")
WARM = 2
"""Seeds that are run before the clock starts: a layer's first call is slower than its second."""


def campaign_rate(asker: Asker, seconds: float) -> tuple[int, float, str]:
    """Drafts asked, seconds, and what came of them."""
    kinds = drawable()
    with (
        tempfile.TemporaryDirectory(prefix="conformance-") as path,
        opened(Path(path) / "c", About(VERSION, {}, kinds)) as folder,
    ):
        known = known_of(known_here(asker, CASES))
        campaign = Campaign(folder, asker, kinds, known, lambda _: None)
        ran, started, seed = 0, 0.0, 0
        while not started or time.monotonic() - started < seconds:
            if seed == WARM:
                ran, started = 0, time.monotonic()
            ran += campaign.seed(seed, seed + 1)[0].ran
            seed += 1
        took = time.monotonic() - started
        return ran, took, ", ".join(f"{count} {what}" for what, count in totals(folder).most_common())


def suite_rate(seconds: float) -> tuple[int, float]:
    """Written cases, every so many of them, that were judged, and seconds. Why one differs is not asked of either."""
    specs = lanes_of([])
    run = Run(specs, in_process=IN_PROCESS, explains=False)
    cases = [case for case in load_folder(CASES)[::5] if case.layers]
    try:
        run.announce([(case, [spec.name for spec in specs if is_meant(spec, case)]) for case in cases])
        count, started = 0, 0.0
        for place, case in enumerate(cases):
            if place == WARM * 16:
                count, started = 0, time.monotonic()
            try:
                run.record(case)
            except CaseError:
                continue
            count += 1
            if started and time.monotonic() - started >= seconds:
                break
        return count, time.monotonic() - started
    finally:
        run.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--for", dest="seconds", type=float, default=120.0, help="seconds of each (default: 120)")
    parsed = parser.parse_args()
    cases, took = suite_rate(parsed.seconds)
    suite = cases / took
    print(f"written cases: {cases:,} in {took:.0f} s, {suite:.1f} a second")
    asker = Asker(lanes_of([]), in_process=IN_PROCESS)
    try:
        asker.identities()
        drafts, took, came = campaign_rate(asker, parsed.seconds)
    finally:
        asker.stop()
    print(f"drafts: {drafts:,} in {took:.0f} s, {drafts / took:.1f} a second ({came})")
    print(f"a campaign asks {drafts / took / suite:.2f} times as many a second as the suite does")


if __name__ == "__main__":
    main()
