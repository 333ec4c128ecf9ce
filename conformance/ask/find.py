"""Finds a case by its id: in results, or in the case files, and then it is run."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.case.problems import did_you_mean
from conformance.errors import ConformanceError, UsageError

if TYPE_CHECKING:
    from conformance.case.model import Case

DEFAULT_RESULTS = Path("reports/results.json")
DEFAULT_CASES = Path("cases")
NEAR = 8
"""Ids that a message names."""


class Found(NamedTuple):
    """The record of one case, and the results in which it stands."""

    record: Mapping[str, Any]
    results: Mapping[str, Any]


def find(asked: str, results: Path | None, cases: Path, lanes: Sequence[str], is_run: bool) -> Found:
    """A case from results, or from a run of it now where they do not hold it, or where lanes are named.

    Raises UsageError for an id that no case has, and ResultsError for a results file that was named and cannot be read.
    """
    why = ""
    if not lanes and not is_run:
        from conformance.results import read

        path = results or DEFAULT_RESULTS
        if results is not None or path.exists():
            held = read(path)
            ids = [record["id"] for record in held["cases"]]
            if results is not None or matching(asked, ids):
                number = ids.index(one_of(asked, ids, str(path)))
                if is_edited(held["cases"][number]):
                    words = f"the case was edited after {path} was written; --run asks it as it stands now"
                    print(f"conformance: {words}", file=sys.stderr)
                return Found(held["cases"][number], held)
            why = f"{path} does not hold it; "
        else:
            why = f"there is no {path} yet; "
    return _run(asked, cases, lanes, why)


def matching(asked: str, ids: Iterable[str]) -> list[str]:
    """The ids that are meant: the one that is it, else those that end in it."""
    known = list(ids)
    return [asked] if asked in known else [name for name in known if name.endswith(asked)]


def one_of(asked: str, ids: Sequence[str], where: str) -> str:
    """The one id that is meant. Raises UsageError that names those that might be."""
    if not asked.strip():
        raise UsageError("which case? an empty id is none", f"as in {ids[0]}" if ids else None)
    found = matching(asked, ids)
    if len(found) == 1:
        return found[0]
    words = re.findall(r"[a-z0-9]+", asked.lower())
    near = found or [name for name in ids if words and all(word in name.lower() for word in words)]
    if near:
        more = f" ({len(near)} in all)" if len(near) > NEAR else ""
        hint: str | None = f"did you mean {', '.join(near[:NEAR])}{more}?"
    else:
        few = f"it holds {', '.join(ids)}" if 0 < len(ids) <= NEAR else f"it holds {len(ids)} cases"
        family = asked.partition("/")[0]
        hint = did_you_mean(asked, [name for name in ids if name.startswith(f"{family}/")] or ids) or few
    count = f"{len(found)} cases are" if found else "no case is"
    raise UsageError(f"{count} called {asked} in {where}", hint)


def is_edited(record: Mapping[str, Any]) -> bool:
    """Whether the case's file says another thing now than in the run; of a file that is gone or bad nothing is said."""
    from conformance.case.load import load_file

    try:
        cases = load_file(record["path"])
    except ConformanceError:
        return False
    return any(case.id == record["id"] and case.digest != record["digest"] for case in cases)


def _run(asked: str, folder: Path, lanes: Sequence[str], why: str) -> Found:
    from conformance.ask.live import ask, lanes_of, record_of, usual_lanes
    from conformance.case.load import load_folder

    if not folder.is_dir():
        hint = "go to where the cases stand, or name them: --cases FOLDER, or --results FILE of a run"
        raise UsageError(f"{why}and there is no folder {folder}" if why else f"there is no folder {folder}", hint)
    loaded: dict[str, Case] = {case.id: case for case in load_folder(folder)}
    case = loaded[one_of(asked, list(loaded), str(folder))]
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
