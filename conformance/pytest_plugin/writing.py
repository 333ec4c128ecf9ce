"""The end of a run: how the known deviations stand, and the files that were asked for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from conformance.errors import Exit
from conformance.pytest_plugin.session import Session


def settle_deviations(state: Session, session: pytest.Session) -> None:
    """Finds how the known deviations stand; one that is stale, or names no case, fails the run."""
    records = list(state.records.values())
    is_whole = state.known_cases is not None and all(case_id in state.records for case_id in state.selected)
    known_cases = state.known_cases if is_whole else None
    state.standings = state.excuses.standings(records, state.specs, state.identities, known_cases)
    if session.exitstatus == Exit.OK and any(fails for _, fails in state.excuses.messages(state.standings)):
        session.exitstatus = Exit.DISAGREE


def write_files(state: Session, session: pytest.Session, exitstatus: int) -> None:
    """Writes what was asked for, complete or not; an interrupted run says what did not run.

    Where the disk refuses, what stood there before still stands, and the journal keeps what was measured.
    """
    results_path, report_path = state.config.getoption("results"), state.config.getoption("report")
    if (results_path is None and report_path is None) or state.config.getoption("collectonly"):
        return
    from conformance.record.run import StandingRecord, UnavailableRecord
    from conformance.results import assemble, lane_row, write, write_whole

    records = [state.records[case_id] for case_id in state.selected if case_id in state.records]
    missing = [name for name in state.selected if name not in state.records and name not in state.bad]
    stopped = "; ".join(why["message"] for why in state.unavailable.values())
    stopped = stopped or str(session.shouldfail or session.shouldstop or "")
    if missing and not stopped:
        stopped = "interrupted" if exitstatus == Exit.BAD_INPUT else "the run ended early"
    if state.bad and not stopped:
        stopped = f"{len(state.bad)} of the cases cannot be asked"
    rows = [
        lane_row(
            spec,
            state.identities.get(spec.name),
            sum(spec.name in lanes for lanes in state.selected.values()),
            records,
            UnavailableRecord(**lost) if (lost := state.unavailable.get(spec.name)) is not None else None,
        )
        for spec in state.specs
    ]
    is_complete = not missing and not state.unavailable and not state.bad
    results = assemble(
        records=records,
        lanes=rows,
        seconds=time.monotonic() - state.clock,
        not_run=dict.fromkeys(missing, stopped) | {name: text.partition("\n")[0] for name, text in state.bad.items()},
        is_complete=is_complete,
        stopped="" if is_complete else stopped,
        **state.about(),
        deviations=[
            StandingRecord(item.deviation.id, item.deviation.kind, item.state.value, item.is_expired)
            for item in state.standings
        ],
    )
    if state.score is not None:
        from conformance.record.scored import with_mutants

        results = with_mutants(results, state.score)
    path = results_path
    try:
        if results_path is not None:
            write(results, results_path)
            if state.journal is not None:
                state.journal.done()
        if report_path is not None:
            from conformance.report.html import rendered

            path = report_path
            if state.baseline is not None:
                from conformance.gate.baseline import with_baseline

                results = with_baseline(results, state.baseline)
            made = rendered(results)
            write_whole(report_path, made.text)
            state.report_remark = made.remark
    except OSError as error:
        state.cannot_write = f"{path} cannot be written: {error.strerror}; what stood there before still stands"
        if state.journal is not None and state.journal.path.exists():
            state.cannot_write += f"; read what was measured with: conformance report {results_path}"
        session.exitstatus = Exit.UNAVAILABLE


CAUSES_SHOWN = 5


def write_causes(terminal: Any, state: Session) -> None:
    """What failing cases have in common, the largest group first; nothing where no two fail alike."""
    from conformance.report.facts import is_failure

    failing = [record for record in state.records.values() if is_failure(record.outcome)]
    if len(failing) < 2:
        return
    from conformance.report.overviews import groups_of

    groups = list(groups_of(failing))
    if len(groups) == len(failing):
        return
    terminal.write_line(f"{len(failing)} cases fail, by cause:")
    for group in groups[:CAUSES_SHOWN]:
        terminal.write_line(f"  {len(group.cases):>3}  {group.title}")
    others = sum(len(group.cases) for group in groups[CAUSES_SHOWN:])
    if others:
        terminal.write_line(f"  {others:>3}  of {len(groups) - CAUSES_SHOWN} other causes")
