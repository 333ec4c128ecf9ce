"""Keras and torch, word for word, as a report shows it: what torch calls each part of Keras, and how that fared.

The words are in `rosetta.json`, which `nox -s rosetta` makes of the classes of the reference and of torch's own calls,
so that a report needs neither; verdicts, deviations and proofs are those of the lane `torch[native]` in the results.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from conformance.form import CONFIG, from_text
from conformance.protocol.names import NATIVE
from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.record.run import Results
from conformance.report.blocks import Block, Cell, Fold, Paragraph, Section, Table, case_href
from conformance.report.words import one_line, safe

FILE = Path(__file__).with_name("rosetta.json")
Part = Literal["layer", "loss", "metric", "activation", "optimizer", "schedule"]
TITLES: Mapping[Part, str] = {
    "layer": "Layers",
    "loss": "Losses",
    "metric": "Metrics",
    "activation": "Activations",
    "optimizer": "Optimisers",
    "schedule": "Schedules",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One name of Keras, and what stands in a torch program in its place."""

    __pydantic_config__ = CONFIG

    part: Part
    """Which part of Keras it is."""
    name: str
    """Its name in Keras."""
    calls: tuple[str, ...] = ()
    """torch's own names."""
    instead: str = ""
    """Where torch has no such call: the shortest line of torch that does it."""
    reason: str = ""
    """Why the call is not all of it, or why torch has nothing."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """Keras' argument to torch's of the same meaning."""
    masks: str = ""
    """What becomes of masks."""
    example: str = ""
    """The layer whose weights are moved below."""
    weights: tuple[str, ...] = ()
    """Lines of torch that make its weights of Keras'."""
    proof: str = ""
    """A case in which torch's own call gave Keras' answer; empty where there is none."""

    @property
    def call(self) -> str:
        """What is written in torch; empty where torch has nothing."""
        return ", ".join(self.calls) or self.instead


@dataclass(frozen=True, slots=True)
class Words:
    """Every line."""

    __pydantic_config__ = CONFIG

    lines: tuple[Line, ...]
    """Sorted by part and name."""


@cache
def lines() -> tuple[Line, ...]:
    """Every line that the file holds."""
    return from_text(Words, FILE.read_text(encoding="utf-8")).lines


def back(found: Iterable[Line]) -> Mapping[str, tuple[str, ...]]:
    """torch's names in order, each with what Keras has in its place."""
    names: dict[str, list[str]] = {}
    for line in found:
        for call in line.calls:
            names.setdefault(call, []).append(f'activation="{line.name}"' if line.part == "activation" else line.name)
    return {call: tuple(dict.fromkeys(kinds)) for call, kinds in sorted(names.items())}


def sections_of(results: Results) -> tuple[Section, ...]:
    """Both languages beside each other; empty for a run without a lane of torch's."""
    if not any(lane.adapter == "torch" for lane in results.lanes):
        return ()
    native = [lane.name for lane in results.lanes if lane.adapter == "torch" and lane.mode == NATIVE]
    held = [(record, record.lanes[name]) for name in native for record in results.cases if name in record.lanes]
    found = [*_differences(held), *_parts(lines(), held), _weights(lines()), _back(lines()), _absent(lines())]
    return tuple(found)


Held = Sequence[tuple[Record, LaneRecord]]


def _differences(held: Held) -> Iterator[Section]:
    """Where torch's own calls answered otherwise in this run, and what mends it."""
    listed: dict[str, list[tuple[Record, str]]] = {}
    for record, lane in held:
        if lane.verdict == "known" and lane.deviation is not None:
            listed.setdefault(lane.deviation.id, []).append((record, lane.deviation.reason))
    if not listed:
        return
    rows = []
    for id, cases in sorted(listed.items()):
        record, reason = min(cases, key=lambda pair: (not pair[0].id.startswith("porting/"), pair[0].id))
        rows.append(
            (
                Cell(one_line(id, 80)),
                Cell(safe(reason, 600)),
                Cell(str(len(cases)), "number"),
                _case(record.id),
            )
        )
    head = ("deviation", "what torch does, and what mends it", "cases", "one of them")
    yield Section("Where the two answer otherwise", (Table("by design, as listed", head, tuple(rows), "wide"),))


HEAD = ("Keras", "torch", "remark", "arguments", "masks", "in this run", "agrees in")


def _parts(found: Sequence[Line], held: Held) -> Iterator[Section]:
    """A table for each part of Keras, without columns that say nothing of it."""
    by_name: dict[str, list[tuple[Record, LaneRecord]]] = {}
    for record, lane in held:
        for kind in dict.fromkeys(record.layers):
            by_name.setdefault(kind, []).append((record, lane))
    agreeing = {record.id for record, lane in held if lane.verdict == "agree"}
    for part, title in TITLES.items():
        rows = [_row(line, by_name.get(line.name, ()), agreeing) for line in found if line.part == part]
        kept = [column for column in range(len(HEAD)) if any(row[column].text for row in rows)]
        head, cells = (tuple(HEAD[column] for column in kept), tuple(tuple(row[c] for c in kept) for row in rows))
        yield Section(title, (Table("what torch calls it, and what its own call gave", head, cells, "wide"),))


def _row(line: Line, held: Held, agreeing: Collection[str]) -> tuple[Cell, ...]:
    """What the file says of a name; then how torch's own call fared in this run, and a case in which it agreed."""
    counts = Counter(str(lane.verdict) for _, lane in held)
    proofs = [line.proof, *(record.id for record, lane in held if lane.verdict == "agree")]
    proof = next((id for id in proofs if id in agreeing), "")
    return (
        Cell(line.name),
        Cell(line.call or "none", "code" if line.call else "muted"),
        Cell(line.reason, "muted"),
        Cell(", ".join(key if key == own else f"{key}: {own}" for key, own in line.arguments.items())),
        Cell(line.masks),
        Cell(", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())),
        _case(proof) if proof else Cell(""),
    )


def _case(id: str) -> Cell:
    return Cell(safe(id, 400), "", case_href(id))


def _weights(found: Sequence[Line]) -> Section:
    """How weights move over, as lines of torch that can be pasted."""
    said = Paragraph(
        "weights holds Keras' arrays as tensors, by name; made with the arguments of each example.", "note"
    )
    blocks: list[Block] = [said]
    blocks += [Fold(line.example, "\n".join(line.weights)) for line in found if line.weights]
    return Section("How weights move over", tuple(blocks))


def _back(found: Sequence[Line]) -> Section:
    rows = [(Cell(call), Cell(", ".join(kinds))) for call, kinds in back(found).items()]
    return Section("From torch to Keras", (Table("torch's names, and Keras'", ("torch", "Keras"), tuple(rows)),))


def _absent(found: Sequence[Line]) -> Section:
    rows = [(Cell(line.name), Cell(line.reason)) for line in found if not line.call]
    return Section("What torch has no call for", (Table("and why", ("Keras", "reason"), tuple(rows)),))
