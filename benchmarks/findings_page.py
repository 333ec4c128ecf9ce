"""The tables of docs/evidence/findings.md that runs write; what stands around them is by hand.

A table stands between two comments that name it. A row of the lanes' table, and the block of a lane, is written when
that lane ran, and says when; the rows of the others stay as they are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from conformance.judge.verdict import Verdict
from conformance.record.lane import LaneRecord

HEAD = (
    "| lane | versions | ran | cases | agree | differ | raised unasked | lost | cannot do it | listed |\n"
    "|---|---|---|---|---|---|---|---|---|---|\n"
)
_PACKAGES = ("keras", "tf_keras", "tensorflow", "torch", "jax", "openvino", "numpy")
_CALLED = {"keras": "Keras", "tensorflow": "TensorFlow", "jax": "JAX", "openvino": "OpenVINO", "numpy": "NumPy"}


@dataclass(frozen=True)
class LaneFindings:
    """How one lane stands to what is listed of it."""

    lane: str
    versions: Mapping[str, str]
    started: str
    """When the oldest of its answers was asked for."""
    before: Mapping[str, LaneRecord]
    """Case to what the lane answered, as no deviation changes it."""
    after: Mapping[str, LaneRecord]
    """The same with what is listed."""
    stale: tuple[str, ...]
    missing: tuple[str, ...]
    not_run: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many cases agree, differ, raise unasked, were lost, and cannot be done, and how many are listed."""
        verdicts = Counter(record.verdict for record in self.before.values())
        # a training ends where a gradient raises, though the values agree: that differs
        return {
            "cases": len(self.before),
            "agree": verdicts[Verdict.AGREE],
            "differ": verdicts[Verdict.DIFFER],
            "raised": verdicts[Verdict.ERROR],
            "lost": verdicts[Verdict.CRASH] + verdicts[Verdict.TIMEOUT],
            "cannot": verdicts[Verdict.UNSUPPORTED] + verdicts[Verdict.NOT_JUDGED],
            "listed": sum(record.verdict is Verdict.KNOWN for record in self.after.values()),
        }


def written(page: str, found: LaneFindings) -> str:
    """The page with the row and the block of this lane. Raises ValueError for a page without their places."""
    page = _between(page, "lanes", lambda old: HEAD + "".join(_rows(old, found)))
    return _between(page, f"listed {found.lane}", lambda _: block(found))


def row(found: LaneFindings) -> str:
    """The row of a lane in the table of lanes."""
    one = found.counts()
    failing = one["differ"] + one["raised"] + one["lost"]
    numbers = (one["cases"], one["agree"], one["differ"], one["raised"], one["lost"], one["cannot"])
    cells = [
        f"`{found.lane}`",
        _versions(found),
        found.started[:10],
        *map(str, numbers),
        f"{one['listed']} of {failing}",
    ]
    return f"| {' | '.join(cells)} |\n"


def block(found: LaneFindings) -> str:
    """What is listed of a lane and happened: the reason, in how many cases, and in which one first."""
    cases: dict[str, list[str]] = {}
    for case, record in found.after.items():
        if record.verdict is Verdict.KNOWN and record.deviation is not None:
            cases.setdefault(record.deviation.reason, []).append(case)
    lines = [f"Of {found.started[:10]}, {_versions(found)}.\n\n", "| cases | the first | why |\n|---|---|---|\n"]
    for reason, ids in sorted(cases.items(), key=lambda item: (-len(item[1]), item[1][0])):
        lines.append(f"| {len(ids)} | `{ids[0]}` | {reason.replace('|', chr(92) + '|')} |\n")
    return "".join(lines)


def _versions(found: LaneFindings) -> str:
    known = [name for name in _PACKAGES if name in found.versions]
    if len(known) > 2:
        known = [name for name in known if name != "numpy"]  # it is everywhere; it is a backend where nothing else is
    return ", ".join(f"{_CALLED.get(name, name)} {found.versions[name].partition('+')[0]}" for name in known)


def _rows(old: str, found: LaneFindings) -> list[str]:
    """The rows of the table, that of this lane anew and in its place."""
    lines = [line for line in old.splitlines(keepends=True) if line.startswith("| `")]
    mine = row(found)
    start = f"| `{found.lane}` |"
    if any(line.startswith(start) for line in lines):
        return [mine if line.startswith(start) else line for line in lines]
    return [*lines, mine]


def _between(page: str, name: str, made: Callable[[str], str]) -> str:
    begin, end = f"<!-- {name}: written by nox -s findings -->\n", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}(.*?){re.escape(end)}", re.DOTALL)
    match = pattern.search(page)
    if match is None:
        raise ValueError(f"the page has no place for {name}: {begin.strip()} ... {end}")
    return f"{page[: match.start()]}{begin}\n{made(match[1])}\n{end}{page[match.end() :]}"
