"""Finds a case by its id: in results, or in the case files, and then it is run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance import suite
from conformance.cli.shared import DEFAULT_RESULTS
from conformance.errors import ConformanceError, UsageError
from conformance.usage import matching, one_of

if TYPE_CHECKING:
    from conformance.ask.question import Question
    from conformance.case.model import Case
    from conformance.record.case import Record
    from conformance.record.run import Results


class Found(NamedTuple):
    """The record of one case, and the results in which it stands."""

    record: Record
    results: Results


def find(asked: str, results: Path | None, cases: Path, lanes: Sequence[str], is_run: bool) -> Found:
    """A case from results, or from a run of it now where they do not hold it, or where lanes are named.

    Raises UsageError for an id that no case has, and ResultsError for a results file that was named and cannot be read.
    """
    why = ""
    asked = best_for(asked, cases) if " " in asked.strip() else asked
    if not lanes and not is_run:
        from conformance.results import read

        path = results or DEFAULT_RESULTS
        if results is not None or path.exists():
            held = read(path)
            ids = [record.id for record in held.cases]
            if results is not None or matching(asked, ids):
                number = ids.index(one_of(asked, ids, str(path)))
                if is_edited(held.cases[number]):
                    words = f"the case was edited after {path} was written; --run asks it as it stands now"
                    print(f"conformance: {words}", file=sys.stderr)
                return Found(held.cases[number], held)
            why = f"{path} does not hold it; "
        else:
            why = f"there is no {path} yet; "
    return _run(asked, cases, lanes, why)


def best_for(words: str, folder: Path) -> str:
    """The id of the case that words alone fit best; the others are named on standard error. Raises UsageError."""
    from conformance.ask.related import named, search
    from conformance.case.load import load_each

    found = search(load_each(folder).cases, words)
    if not found:
        raise UsageError(
            f"no case holds all of the words {words[:80]!r}", "fewer words, or an id; see docs/questions.md"
        )
    others = f"; others: {named(found[1:])}" if len(found) > 1 else ""
    print(f"conformance: {found[0].id} fits best{others}", file=sys.stderr)
    return found[0].id


def written_of(folder: Path, question: Question) -> list[Case]:
    """Cases of the project of the same layer and arguments as a question; none where there are no cases to read."""
    from conformance.ask.related import related
    from conformance.case.load import load_each

    try:
        cases = load_each(folder).cases
    except ConformanceError:
        return []
    has_masks = any(item.mask is not None for item in question.inputs)
    return related(cases, question.asked.type, question.asked.config, has_masks)


def excuse_alike(specs: Sequence[Any], cases: Sequence[Case]) -> Any:
    """What marks known deviations of cases that ask alike; None where the project has none."""
    from conformance.gate.options import FOLDER

    folder = Path(FOLDER)
    if not folder.is_dir() or not cases:
        return None
    from conformance.gate.alike import excused_alike
    from conformance.gate.deviations import load_folder
    from conformance.gate.options import lane_facts

    deviations, ids = load_folder(folder), [case.id for case in cases]
    return lambda record, identities: excused_alike(record, deviations, lane_facts(specs, identities), ids)


def is_edited(record: Record) -> bool:
    """Whether the case's file says another thing now than in the run; of a file that is gone or bad nothing is said."""
    from conformance.case.load import load_file

    try:
        cases = load_file(record.path)
    except ConformanceError:
        return False
    return any(case.id == record.id and case.digest != record.digest for case in cases)


def _run(asked: str, folder: Path, lanes: Sequence[str], why: str) -> Found:
    from conformance.case.load import load_each
    from conformance.cli.live import ask, lanes_of, record_of, usual_lanes

    folder = suite.folder_of(asked, folder)
    if not folder.is_dir():
        hint = "go to where the cases stand, or name them: --cases FOLDER, or --results FILE of a run"
        raise UsageError(f"{why}and there is no folder {folder}" if why else f"there is no folder {folder}", hint)
    held = load_each(folder)
    loaded, bad = {case.id: case for case in held.cases}, {one.id: one for one in held.bad}
    chosen = one_of(asked, [*loaded, *bad], str(folder))
    if chosen in bad:
        raise bad[chosen].error
    case = loaded[chosen]
    specs = lanes_of(lanes or usual_lanes(case))
    results = ask(case, specs, _excuse(specs), why, is_exacting=bool(lanes))
    return Found(record_of(results), results)


def _excuse(specs: Sequence[Any]) -> Any:
    """What marks known deviations of the project's folder; None where it has none."""
    from conformance.gate.options import FOLDER

    folder = Path(FOLDER)
    if not folder.is_dir():
        return None
    from conformance.gate.deviations import load_folder
    from conformance.gate.ledger import excused
    from conformance.gate.options import lane_facts

    deviations = load_folder(folder)
    return lambda record, identities: excused(record, deviations, lane_facts(specs, identities))
