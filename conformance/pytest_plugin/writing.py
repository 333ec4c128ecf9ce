"""The end of a run: how the known deviations stand, and the files that were asked for."""

from __future__ import annotations

import time

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
    """Writes what was asked for, complete or not; an interrupted run says what did not run."""
    results_path, report_path = state.config.getoption("results"), state.config.getoption("report")
    if (results_path is None and report_path is None) or state.config.getoption("collectonly"):
        return
    from conformance.results import assemble, command_line, lane_row, write, write_whole

    records = [state.records[case_id] for case_id in state.selected if case_id in state.records]
    missing = [case_id for case_id in state.selected if case_id not in state.records]
    stopped = state.unavailable or str(session.shouldfail or session.shouldstop or "")
    if missing and not stopped:
        stopped = "interrupted" if exitstatus == Exit.BAD_INPUT else "the run ended early"
    rows = [
        lane_row(
            spec,
            state.identities.get(spec.name),
            sum(spec.name in lanes for lanes in state.selected.values()),
            records,
        )
        for spec in state.specs
    ]
    results = assemble(
        records=records,
        lanes=rows,
        started=state.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=time.monotonic() - state.clock,
        command=command_line(),
        not_run=dict.fromkeys(missing, stopped),
        is_complete=not missing,
        stopped=stopped if missing else "",
        is_full=state.known_cases is not None,
        shard=state.shard,
        seed=state.config.getoption("seed"),
        deviations=[
            {"id": item.deviation.id, "kind": item.deviation.kind, "state": item.state, "is_expired": item.is_expired}
            for item in state.standings
        ],
    )
    if results_path is not None:
        write(results, results_path)
    if report_path is not None:
        from conformance.report.html import render

        write_whole(report_path, render(results))
