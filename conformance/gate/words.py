"""What a row of a comparison says: first what it does to a model, then where and by how much, then why."""

from __future__ import annotations

from conformance.gate.answers import RIGHT, Move
from conformance.gate.rows import REGRESSIONS, Diff, Row, Said, Section
from conformance.report.words import decimal, index_text, one_line

NAMED = 4
"""Outputs that a line names one by one; every other form names all."""
_LEAD = {
    Section.WRONG: "wrong",
    Section.ANOTHER: "another",
    Section.MOVED: "another",
    Section.RIGHT: "right",
    Section.NOT_REPRODUCIBLE: "never twice the same",
}
_JUDGED = {
    Section.WRONG: "judged wrong now",
    Section.ANOTHER: "judged otherwise now",
    Section.MOVED: "judged otherwise now",
    Section.RIGHT: "judged right now",
    Section.NOT_REPRODUCIBLE: "never twice judged the same",
}
"""Of a row in which no output moved by more than rounding."""
_ERRORS = {
    Section.WRONG: "not the right error any more",
    Section.ANOTHER: "another error",
    Section.RIGHT: "the right error now",
    Section.NOT_REPRODUCIBLE: "never twice the same end",
}
_BACKWARD = {
    Section.WRONG: "no gradients any more",
    Section.ANOTHER: "another end of the backward pass",
    Section.RIGHT: "gradients where there were none",
    Section.NOT_REPRODUCIBLE: "never twice the same end of the backward pass",
}
"""Of a backward pass that raises on a side."""
_HOLDS = {
    Section.WRONG: "does not hold any more",
    Section.ANOTHER: "holds in another way",
    Section.RIGHT: "holds now",
    Section.NOT_REPRODUCIBLE: "holds now and then",
}
_STATED = {"invariants": "an invariant", "claims": "a claim"}
"""Aspects that are statements, which hold or do not."""
_PLURAL = ("values", "weights", "params")
_NOUNS = {
    "special": "NaN or infinity",
    "params": "number of weights",
    "model": "answer of a functional model",
}


def verdict_line(diff: Diff) -> str:
    """The diff in one sentence: what is worse first, with its denominator."""
    counts = diff.counts()
    apart = (Section.NEW, Section.REMOVED, Section.NOT_COMPARABLE, Section.NOT_REPRODUCIBLE)
    compared = len(diff.rows) - sum(counts[section] for section in apart)
    accepted = sum(bool(row.accepted) for row in diff.moved)
    if not compared and counts[Section.NOT_COMPARABLE]:
        start = "nothing was compared"
    elif diff.regressions:
        start = ", ".join(f"{counts[s]} {s}" for s in REGRESSIONS if counts[s])
    elif diff.moved:
        start = "nothing is worse that nobody has accepted" if accepted else "nothing is worse, but not all is the same"
    else:
        start = "no answer changed"
    told = REGRESSIONS if diff.regressions else ()
    parts = [f"{counts[s]} {s}" for s in Section if counts[s] and s not in (*told, Section.UNCHANGED)]
    parts += [f"{accepted} of them accepted"] if accepted else []
    rest = f": {', '.join(parts)}" if parts else ""
    return f"{start}{rest}; {counts[Section.UNCHANGED]} of {compared} compared answers unchanged"


def number(count: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def heading(row: Row) -> str:
    """A row's case and lane, as every form shows it."""
    modes = f", {' and '.join(row.modes)}" if row.modes else ""
    return f"{one_line(row.case, 200)} [{one_line(row.lane, 80)}{modes}]"


def effect(row: Row) -> str:
    """What the row does to a model, in a few words: `wrong values of y`, `an error where there was an answer`."""
    if row.section is Section.NOT_COMPARABLE:
        return "cannot be compared"
    if row.section is Section.REFUSES:
        return "an error where there was an answer"
    if row.section is Section.ANSWERS:
        is_right = row.new is None or row.new.verdict in RIGHT
        return f"{'an' if is_right else 'a wrong'} answer where there was an error"
    if row.section is Section.MOVED and row.aspect == "error":
        return f"an answer where there was an error{_place(row)}"
    if not row.moves:
        return _JUDGED.get(row.section, "")
    move, lead = row.moves[0], _LEAD.get(row.section, "")
    of = f" of {one_line(move.node, 80)}" if move.node else ""
    if move.aspect == "error" and row.section in _ERRORS:
        return f"{_ERRORS[row.section]}{_place(row)}"
    if move.aspect == "gradient" and not move.node and row.section in _BACKWARD:
        return _BACKWARD[row.section]
    if move.aspect in _STATED and row.section in _HOLDS:
        return f"{_STATED[move.aspect]}{of} {_HOLDS[row.section]}"
    if move.aspect == "methods":
        return f"{lead} answer of {one_line(move.node, 100)} asked directly".strip()
    noun = _NOUNS.get(move.aspect, move.aspect)
    lead = "other" if lead == "another" and move.aspect in _PLURAL else lead
    if move.aspect == "model":
        of = f" at {one_line(move.node, 80)}" if move.node else ""
    return f"{lead} {noun}{of}".strip()


def _place(row: Row) -> str:
    return f" at {one_line(row.node, 80)}" if row.node else ""


def move_text(move: Move) -> str:
    """Where an output moved and by how much: `0.3 -> 0.33 at [0, 1], by 0.03 (10 %), 4 of 14 elements`."""
    words = f"{one_line(move.old, 240)} -> {one_line(move.new, 240)}"
    words += f" at {index_text(move.at)}" if move.at else ""
    if move.aspect != "gradient" and move.by is not None and move.numbers is not None and move.by - move.by == 0:
        before = abs(move.numbers[0])
        share = f" ({_percent(move.by / before)} %)" if before > 0 and move.by < 10 * before else ""
        words += f", by {decimal(move.by, 3)}{share}"
    if move.count and move.size > 1:
        words += f", {move.count} of {move.size} {'entries' if move.aspect == 'mask' else 'elements'}"
    return words + (f", in size {move.run + 1} of the case" if move.run else "")


def _percent(share: float) -> str:
    """A share in hundredths: `0.3`, `96`, `620`."""
    return f"{100 * share:.0f}" if share >= 0.1 else decimal(100 * share, 2)


def moves_text(row: Row, most: int | None = None) -> str:
    """Every output that moved, the first without its name where the row's first words give it."""
    shown = row.moves if most is None else row.moves[:most]
    parts = [
        move_text(move) if index == 0 else f"{one_line(move.what, 120)}: {move_text(move)}"
        for index, move in enumerate(shown)
    ]
    if len(row.moves) > len(shown):
        parts.append(f"and {number(len(row.moves) - len(shown), 'more output')}")
    return "; ".join(parts)


def told(row: Row, most: int | None = None) -> str:
    """A row in a sentence: what it does to a model, where and by how much."""
    if row.old is None or row.new is None:
        return said(row.old if row.old is not None else row.new)
    if row.section is Section.NOT_COMPARABLE:
        return f"{effect(row)}: {one_line(row.note, 300)}"
    if not row.moves:
        first = effect(row)
        return f"{first}: {said(row.old)} -> {said(row.new)}" if first else f"{said(row.old)} -> {said(row.new)}"
    return ": ".join(part for part in (effect(row), moves_text(row, most)) if part)


def said(side: Said | None) -> str:
    """One side in a few words: the answer, then the verdict, and the deviation that explains it."""
    if side is None:
        return "not there"
    return f"{one_line(side.answer, 240)} ({verdict_of(side)})"


def verdict_of(side: Said | None) -> str:
    """The verdict on a side, and the deviation that explains it: `known keras-2-merge-masks`."""
    if side is None:
        return "not there"
    return f"{one_line(side.verdict, 20)}{f' {one_line(side.known, 60)}' if side.known else ''}"


def verdicts(row: Row) -> str:
    """`agree -> differ`."""
    return f"{verdict_of(row.old)} -> {verdict_of(row.new)}"


def why(row: Row) -> str:
    """What is to be known of a row, then why the side that fails does, then who has accepted it."""
    accepted = f"accepted by {one_line(row.accepted, 300)}" if row.accepted else ""
    is_told = row.section is Section.NOT_COMPARABLE and row.old is not None and row.new is not None
    parts = ("" if is_told else one_line(row.note, 300), one_line(row.because, 400), accepted)
    return "; ".join(part.rstrip(".") for part in parts if part)
