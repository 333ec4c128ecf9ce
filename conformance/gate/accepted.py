"""Answers that the person who upgrades has looked at and takes, in a file of their own.

    schema_version: 1
    accepted:
      - case: merge/mask.two_embeddings-kind_Average
        from: keras==3.3.3                  what the old side proved to be, as in the `when` of a deviation
        to: keras==3.15.1                   and the new one
        section: right now                  what the gate says of it
        outputs:                            every output that moved, with both answers
          - {aspect: mask, node: merged, old: none, new: 11101 11011}
        who: alice
        why: We mask nothing behind the merge.
        mode: traced                        only where the traced answer moved otherwise than the eager one

Strict both ways within a gate of that pair: another answer than the accepted one fails, and an entry whose answer no
longer moves is stale. A deviation explains an answer; only an entry here takes it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib
from packaging.requirements import InvalidRequirement

from conformance.case.problems import did_you_mean, listed, shown
from conformance.case.yaml import Document, Located, read
from conformance.errors import Position, UsageError
from conformance.gate.answers import Move
from conformance.gate.deviations import alternatives, holds
from conformance.gate.rows import MOVED, Diff, Row, Section
from conformance.gate.words import why

_TEXTS = ("case", "from", "to", "section", "who", "why", "mode")
_FIELDS = ("case", "from", "to", "section", "outputs", "who", "why", "mode")
_OPTIONAL = ("mode",)
_OUTPUT = ("aspect", "node", "at", "old", "new")
_CLOSE = 0.05
"""Of the distance between both answers: how far a number may lie from the accepted one and be the same answer."""
_NUMBER = re.compile(r"-?\b[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?")
MODEL = "model:"
"""What the id begins with of a row that is about a model of one's own, and about no case."""
_DIGITS = 8
"""What float32 holds."""

Versions = Mapping[str, str]
Answer = Mapping[str, Any]
"""One output that moved, as an entry writes it down."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One answer that somebody takes."""

    case: str
    old: str
    new: str
    section: str
    outputs: tuple[Answer, ...]
    who: str
    why: str
    position: Position
    mode: str = ""

    def is_of(self, old: Versions, new: Versions) -> bool:
        """Whether it is about an upgrade between these versions."""
        return holds(self.old, old) and holds(self.new, new)


def declared_file(project: Path) -> Path | None:
    """The file that `[tool.conformance] accepted` names, beside `pyproject.toml`. Raises UsageError."""
    if not project.is_file():
        return None
    try:
        table = tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}).get("conformance", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{project}: not TOML: {error}") from None
    name = table.get("accepted")
    if name is None:
        return None
    if not isinstance(name, str):
        raise UsageError(f"{project}: accepted in [tool.conformance] must be text", 'accepted = "accepted.yaml"')
    return project.parent / name


def load(file: Path, known_cases: Collection[str] | None = None) -> tuple[Accepted, ...]:
    """The entries of a file. Raises CaseError with all its problems, UsageError for a file that is not there.

    `known_cases` are the ids that there are, to find an entry for none of them; None where they are not known.
    """
    if not file.is_file():
        raise UsageError(f"{file}: no such file", "conformance gate --draft-accepted writes one for review")
    document = read(file, file.as_posix())
    problems = document.problems
    first: dict[tuple[str, ...], Accepted] = {}
    for item in document.entries("accepted", "case"):
        entry = _entry(item, document, known_cases)
        if entry is None:
            continue
        other = first.setdefault((entry.case, entry.old, entry.new, entry.mode), entry)
        if other is not entry:
            hint = f"the first stands in line {other.position.line}"
            problems.add(item, f"{entry.case} is accepted twice from {entry.old} to {entry.new}", hint)
    problems.raise_if_any()
    return tuple(first.values())


def _entry(item: Located, document: Document, known_cases: Collection[str] | None) -> Accepted | None:
    """One entry; None, and its problems noted, where it is not one."""
    problems = document.problems
    before = problems.noted
    if not item.is_mapping:
        problems.add(item, "an accepted answer must be a mapping", f"its keys: {', '.join(_FIELDS)}")
        return None
    for key, where in item.keys.items():
        if key not in _FIELDS:
            problems.add(where, f"unknown key {shown(key)} in an accepted answer", did_you_mean(key, _FIELDS))
    for key in _FIELDS:
        if key not in item and key not in _OPTIONAL:
            problems.add(item, f"the accepted answer needs the key {key}", _HELP.get(key))
    texts = {key: _text(item[key], key, document) for key in _TEXTS if key in item}
    for key in ("from", "to"):
        if texts.get(key):
            _check_condition(item[key], texts[key], document)
    if texts.get("section") and texts["section"] not in [str(section) for section in MOVED]:
        hint = did_you_mean(texts["section"], MOVED) or f"one of {listed(MOVED)}"
        problems.add(item["section"], f"there is no section {shown(texts['section'])} to accept", hint)
    if "mode" in texts and texts["mode"] != "traced":
        problems.add(item["mode"], f"there is no mode {shown(texts['mode'])}", "traced, or leave it out")
    is_of_a_model = texts.get("case", "").startswith(MODEL)
    if texts.get("case") and not is_of_a_model and known_cases is not None and texts["case"] not in known_cases:
        hint = did_you_mean(texts["case"], known_cases) or "take the entry out"
        problems.add(item["case"], f"no case is called {shown(texts['case'])}", hint)
    outputs = _outputs(item.get("outputs"), document)
    if problems.noted > before:
        return None
    position = Position(problems.path, item.line, item.column)
    return Accepted(
        texts["case"], texts["from"], texts["to"], texts["section"], outputs, texts["who"], texts["why"], position,
        texts.get("mode", ""),
    )  # fmt: skip


_HELP = {
    "who": "who has looked at the answer and takes it",
    "why": "why it may be taken",
    "from": "what the old side is: keras==3.3.3",
    "to": "what the new side is: keras==3.15.1",
    "outputs": "what moved; `conformance gate --draft-accepted` writes it",
    "section": "what the gate says of it: wrong now",
}


def _text(item: Located, key: str, document: Document) -> str:
    if not isinstance(item.value, str) or not item.value.strip():
        document.problems.add(item, f"{key} must be text", _HELP.get(key, "write it in quotes"))
        return ""
    return item.value.strip()


def _check_condition(item: Located, text: str, document: Document) -> None:
    try:
        alternatives(text)
    except InvalidRequirement as error:
        hint = f"as pip writes it: keras==3.3.3 ({str(error).splitlines()[0]})"
        document.problems.add(item, f"{shown(text)} is not a version of a package", hint)


def _outputs(item: Located | None, document: Document) -> tuple[Answer, ...]:
    if item is None:
        return ()
    if not item.is_list:
        document.problems.add(item, "outputs must be a list", "what moved; it may be empty: []")
        return ()
    for entry in item.value:
        if not entry.is_mapping:
            document.problems.add(entry, "an output must be a mapping", f"its keys: {', '.join(_OUTPUT)}")
            continue
        for key, where in entry.keys.items():
            if key not in _OUTPUT:
                document.problems.add(where, f"unknown key {shown(key)} in an output", did_you_mean(key, _OUTPUT))
        for key in ("aspect", "node", "old", "new"):
            if key not in entry:
                document.problems.add(entry, f"the output needs the key {key}")
    return tuple(entry.plain() for entry in item.value)


def answer_of(move: Move) -> dict[str, Any]:
    """An output that moved, as an entry writes it down: numbers where it is said in numbers, else words."""
    answer: dict[str, Any] = {"aspect": move.aspect, "node": move.node}
    if move.at:
        answer["at"] = list(move.at)
    if move.numbers is not None and all(math.isfinite(value) for value in move.numbers):
        return {**answer, "old": _rounded(move.numbers[0]), "new": _rounded(move.numbers[1])}
    return {**answer, "old": move.old, "new": move.new}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def takes(entry: Accepted, row: Row) -> bool:
    """Whether a row gives the very answer that an entry takes: the same outputs moved, each to what is written."""
    found = [answer_of(move) for move in row.moves]
    if entry.section != row.section or len(found) != len(entry.outputs):
        return False
    return all(_is_same(taken, given) for taken, given in zip(entry.outputs, found, strict=True))


def _is_same(taken: Answer, given: Answer) -> bool:
    if any(taken.get(key) != given.get(key) for key in ("aspect", "node", "at")):
        return False
    if taken["aspect"] == "error":
        return all(_is_same_ending(str(taken[side]), str(given[side])) for side in ("old", "new"))
    numbers = [taken["old"], taken["new"], given["old"], given["new"]]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        room = _CLOSE * abs(float(given["new"]) - float(given["old"]))
        return all(abs(float(taken[side]) - float(given[side])) <= room for side in ("old", "new"))
    return bool(taken["old"] == given["old"] and taken["new"] == given["new"])


def _is_same_ending(taken: str, given: str) -> bool:
    """Whether a side ended alike: raised the same type in the same phase, whatever its words, or gave these numbers.

    Numbers may differ by what another machine rounds.
    """
    if taken.startswith("raises "):
        return taken.partition(":")[0] == given.partition(":")[0]
    mine, theirs = (_NUMBER.findall(text) for text in (taken, given))
    is_close = all(
        math.isclose(float(a), float(b), rel_tol=1e-3, abs_tol=1e-6) for a, b in zip(mine, theirs, strict=False)
    )
    return _NUMBER.sub("#", taken) == _NUMBER.sub("#", given) and is_close


def with_accepted(
    diff: Diff, entries: Sequence[Accepted], old: Versions, new: Versions
) -> tuple[Diff, tuple[str, ...]]:
    """The diff with its accepted rows marked, and what is wrong with the entries of this pair of versions.

    An entry is wrong where its case moved otherwise, and where it does not move any more; of a case that was not
    compared nothing is said.
    """
    mine = {(entry.case, entry.mode): entry for entry in entries if entry.is_of(old, new)}
    rows, problems = [], []
    for row in diff.rows:
        entry = mine.get((row.case, _way(row)))
        if entry is None:
            rows.append(row)
        elif row.section in MOVED and takes(entry, row):
            rows.append(dataclasses.replace(row, accepted=f"{entry.who}: {entry.why}"))
        elif row.section in MOVED:
            words = f"{entry.position}: {entry.who} accepted another answer"
            rows.append(dataclasses.replace(row, note="; ".join(part for part in (row.note, words) if part)))
            problems.append(f"{entry.position}: {row.case} moved otherwise than {entry.who} accepted")
        else:
            rows.append(row)
            if row.section is Section.UNCHANGED:
                problems.append(f"{entry.position}: {row.case} does not move any more: take the entry out")
    return dataclasses.replace(diff, rows=tuple(rows)), tuple(problems)


def _way(row: Row) -> str:
    return "traced" if row.modes == ("traced",) else ""


def draft(diff: Diff, old: str, new: str) -> str:
    """Every answer that moved and nobody has accepted, as a file for review; `old` and `new` are `keras==3.3.3`.

    Who takes it and why is for a person to write: the file is refused until somebody has.
    """
    rows = [row for row in diff.rows if row.is_open]
    lines = ["# Written for review: fill in who takes each answer and why, and take out what nobody takes."]
    lines += ["schema_version: 1", "accepted:" if rows else "accepted: []"]
    for row in rows:
        reason = why(row)
        lines += [f"  # {reason}"] if reason else []
        lines += [f"  - case: {row.case}", f"    from: {json.dumps(old)}", f"    to: {json.dumps(new)}"]
        lines += [f"    section: {row.section}"]
        lines += ["    outputs:" if row.moves else "    outputs: []"]
        lines += [f"      - {_flow(answer_of(move))}" for move in row.moves]
        lines += ['    who: ""', '    why: ""']
        lines += [f"    mode: {mode}" for mode in _modes(row)]
    return "\n".join(lines) + "\n"


def _modes(row: Row) -> Iterator[str]:
    if _way(row):
        yield _way(row)


def _flow(answer: Answer) -> str:
    """A mapping in YAML's flow style; JSON's texts and numbers are that."""
    return "{" + ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in answer.items()) + "}"
