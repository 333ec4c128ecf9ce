"""Whether two results files say the same: for a change of the harness that must change no verdict.

    python -m benchmarks.same_verdicts before.json after.json [before.json after.json ...] [--reasons moved.toml]

Compared are verdicts, aspects, distances and, where both have one, explanations, of every case in every lane. What
moved on purpose is listed in the file of reasons, a table each; one that nothing needs any more is an error too:

    [[moved]]
    cases = "attention/*"           # patterns, as a shell has them
    lanes = "keras*"
    what = ["verdict", "aspects"]
    why = "the reference knows the mask of Softmax"

Ends with 0 where nothing else moved, with 1 where something did, with 2 for files that cannot be read.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import tomllib

NEAR = 1e-9
"""Relative difference of two distances that are the same: both files hold float64, summed up in one order."""
WHAT = ("case", "new", "lane", "verdict", "aspects", "distance", "explanation")
"""What can move: whether the case or the lane is there (and asks the same), and what is said of it."""
SHOWN = 200
"""Moves that are printed; the counts are of all."""


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that two files say differently."""

    case: str
    lane: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.case} [{self.lane or '-'}] {self.what}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some things moved on purpose."""

    cases: str
    lanes: str
    what: tuple[str, ...]
    why: str

    def covers(self, move: Move) -> bool:
        """Whether this is one of the moves that it speaks of."""
        is_place = fnmatchcase(move.case, self.cases) and fnmatchcase(move.lane, self.lanes)
        return is_place and move.what in self.what


class UnreadableError(Exception):
    """A file that is no results, or no reasons; the message says which and why."""


def aspects_of(results: Mapping[str, Any]) -> frozenset[str]:
    """Every aspect that is judged anywhere in a file: later versions know more of them."""
    lanes = (lane for record in results["cases"] for lane in record["lanes"].values())
    return frozenset(aspect for lane in lanes for aspect in lane["aspects"])


def moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Move]:
    """Everything that two results say differently, case by case, in the aspects that the first of them knows."""
    known = aspects_of(before)
    first, second = ({record["id"]: record for record in results["cases"]} for results in (before, after))
    for name in dict.fromkeys([*first, *second]):
        if name not in first:
            yield Move(name, "", "new", "not there", "there")
        elif name not in second:
            yield Move(name, "", "case", "there", "not there")
        elif first[name]["digest"] != second[name]["digest"]:
            yield Move(name, "", "case", "as it was", "asks something else")
        else:
            yield from _of_lanes(name, first[name]["lanes"], second[name]["lanes"], known)


def _is_there(is_it: bool) -> str:
    return "there" if is_it else "not there"


def _of_lanes(case: str, before: Mapping[str, Any], after: Mapping[str, Any], known: frozenset[str]) -> Iterator[Move]:
    for lane in dict.fromkeys([*before, *after]):
        if lane not in before or lane not in after:
            yield Move(case, lane, "lane", _is_there(lane in before), _is_there(lane in after))
            continue
        old, new = before[lane], after[lane]
        if old["verdict"] != new["verdict"]:
            yield Move(case, lane, "verdict", old["verdict"], new["verdict"])
        aspects = [one for one in dict.fromkeys([*old["aspects"], *new["aspects"]]) if one in known]
        if changed := [one for one in aspects if old["aspects"].get(one) != new["aspects"].get(one)]:
            told = ([f"{aspect} {held['aspects'].get(aspect)}" for aspect in changed] for held in (old, new))
            yield Move(case, lane, "aspects", *(", ".join(words) for words in told))
        yield from _of_distances(case, lane, old, new)
        if old["explanation"] and new["explanation"] and _said(old) != _said(new):
            yield Move(case, lane, "explanation", _said(old), _said(new))


def _said(held: Mapping[str, Any]) -> str:
    return f"{held['explanation']} {sorted(held['explained_by'])}"


def _of_distances(case: str, lane: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Move]:
    """Every output and gradient that uses another share of its budget."""
    old, new = (dict(_distances(held)) for held in (before, after))
    for label in dict.fromkeys([*old, *new]):
        a, b = old.get(label), new.get(label)
        if not _is_near(a, b):
            yield Move(case, lane, "distance", f"{label} {a}", f"{b}")


def _is_near(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return False
    return math.isclose(a, b, rel_tol=NEAR, abs_tol=0.0) or (math.isnan(a) and math.isnan(b))


def _distances(held: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for run, outputs in enumerate(held["runs"]):
        for label, output in outputs.items():
            if output["distance"] is not None:
                yield f"{label}, run {run}:", float(output["distance"]["used"])
    for name, gradient in held["gradients"].items():
        yield f"gradient of {name}:", float(gradient["distance"]["used"])


def sorted_out(found: Iterable[Move], reasons: Sequence[Reason]) -> tuple[list[Move], Counter[Reason]]:
    """The moves that nobody gave a reason for, and how many each reason explains."""
    used: Counter[Reason] = Counter()
    left = []
    for move in found:
        reason = next((one for one in reasons if one.covers(move)), None)
        if reason is None:
            left.append(move)
        else:
            used[reason] += 1
    return left, used


def read_results(path: Path) -> dict[str, Any]:
    """What a run wrote. Raises UnreadableError for another file, and for one that was not finished."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: {error}") from None
    if not isinstance(found, dict) or found.get("kind") != "conformance-results":
        raise UnreadableError(f"{path}: no results of conformance")
    if "footer" not in found:
        raise UnreadableError(f"{path}: the run that wrote this did not end")
    return found


def read_reasons(path: Path) -> list[Reason]:
    """The reasons of a file. Raises UnreadableError for a table that lacks something or says something else."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("moved", [])
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: {error}") from None
    reasons = []
    for number, table in enumerate(tables, start=1):
        if set(table) != {"cases", "lanes", "what", "why"} or not table["why"].strip():
            raise UnreadableError(f"{path}: table {number} needs cases, lanes, what and why, and nothing else")
        if unknown := set(table["what"]) - set(WHAT):
            raise UnreadableError(f"{path}: table {number}: nothing is called {', '.join(sorted(unknown))}")
        reasons.append(Reason(table["cases"], table["lanes"], tuple(table["what"]), table["why"]))
    return reasons


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares files two by two and prints what moved; the exit code is in the module's words."""
    parser = argparse.ArgumentParser(description="Whether two results files say the same.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="before and after, as many pairs as wanted")
    parser.add_argument("--reasons", type=Path, help="a TOML file of what moved on purpose, in any of the pairs")
    given = parser.parse_args(arguments)
    if len(given.files) % 2:
        print("error: files come in pairs, before and after: the last one has no other", file=sys.stderr)
        return 2
    try:
        files = [read_results(path) for path in given.files]
        reasons = [] if given.reasons is None else read_reasons(given.reasons)
    except UnreadableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = [sorted_out(moves(*pair), reasons) for pair in zip(files[::2], files[1::2], strict=True)]
    used = sum((counts for _, counts in found), Counter[Reason]())
    for reason, count in used.items():
        print(f"{count} moved on purpose ({', '.join(reason.what)} of {reason.cases} [{reason.lanes}]): {reason.why}")
    stale = [reason for reason in reasons if reason not in used]
    for reason in stale:
        print(f"nothing moved for this reason any more: {reason.why}")
    for before, after, (left, _) in zip(files[::2], files[1::2], found, strict=True):
        if before["cases"] and (later := aspects_of(after) - aspects_of(before)):
            print(f"known to the later file alone, and not compared: {', '.join(sorted(later))}")
        _print_left(before, left)
    return 1 if stale or any(left for left, _ in found) else 0


def _print_left(before: Mapping[str, Any], left: Sequence[Move]) -> None:
    """What moved without a reason between two files, and one line of counts."""
    for move in left[:SHOWN]:
        print(move)
    if len(left) > SHOWN:
        print(f"... and {len(left) - SHOWN} more")
    counts = Counter(move.what for move in left)
    told = ", ".join(f"{counts[what]} {what}" for what in WHAT if counts[what]) or "nothing"
    cases = {record["id"] for record in before["cases"]}
    lanes = list(dict.fromkeys(lane for record in before["cases"] for lane in record["lanes"]))
    print(f"{len(cases)} cases in {', '.join(lanes)}: {told} moved without a reason")


if __name__ == "__main__":
    raise SystemExit(main())
