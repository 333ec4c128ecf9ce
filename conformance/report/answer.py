"""The one-sentence answer of a case: its template filled from facts, never repeated where the facts do not carry it.

A template is text with closed placeholders, read by the small parser here (`{{` and `}}` are literal braces):

    {node.shape} {node.symbolic} {node.dtype} {node.mask} {node.values}    what the lanes agree on
    {params.layer}  {weights.layer.kernel}                                 a number of weights, a weight's shape
    {error.lane}                                                           what a lane raised
    {versions}                                                             the lanes that answered
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.protocol.names import NATIVE
from conformance.record.case import Record
from conformance.record.parts import NodeRecord
from conformance.record.run import LaneRow
from conformance.report.claims import are_settled, asked_labels, claim_text
from conformance.report.facts import (
    REFERENCE,
    Lanes,
    answering_lanes,
    flat,
    is_failure,
    lane_names,
    node,
    node_labels,
    run_count,
    steps_by_run,
)
from conformance.report.findings import attribution, verdict_text
from conformance.report.words import (
    failure_text,
    joined,
    mask_text,
    node_shape,
    one_line,
    raised_text,
    shape_text,
)

OF_A_NODE = ("shape", "symbolic", "dtype", "mask", "values")
"""What a sentence can say of one node."""
FEW = 24
"""Entries of a mask or an array that a sentence can hold."""
RULE = 160
"""Characters of a rule that stands in a sentence; a longer one stands on the page alone."""
FEW_NUMBERS = 6
"""Numbers that a sentence made from facts alone can hold."""

_PRODUCTS = {"keras": "Keras", "tensorflow": "TensorFlow", "jax": "JAX", "tf-keras": "tf_keras"}
_AROUND = ("python", "numpy", "autograd")
"""Packages that a sentence about a lane leaves out."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A fact that a template asks for; `column` counts from 0."""

    text: str
    column: int


class TemplateError(Exception):
    """A template that cannot be read; `column` counts from 0."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


def parse(text: str) -> list[str | Placeholder]:
    """Splits a template into literal text and placeholders. Raises TemplateError where a brace stands alone."""
    parts: list[str | Placeholder] = []
    literal = ""
    position = 0
    while position < len(text):
        if text[position : position + 2] in ("{{", "}}"):
            literal += text[position]
            position += 2
        elif text[position] == "{":
            end = text.find("}", position)
            if end < 0:
                raise TemplateError(position, "the brace is not closed; write {{ for a brace in the text")
            parts += [literal, Placeholder(text[position + 1 : end], position)]
            literal = ""
            position = end + 1
        elif text[position] == "}":
            raise TemplateError(position, "the brace was not opened; write }} for a brace in the text")
        else:
            literal += text[position]
            position += 1
    return [part for part in [*parts, literal] if part != ""]


def answer(record: Record, lanes: Lanes) -> str:
    """The answer in one sentence or two. Where lanes disagree it says so, with versions, whatever the template says."""
    if any(is_failure(found.verdict) for found in record.lanes.values()):
        return _disagreement(record, lanes)
    if record.outcome == "unsupported":
        return _unsupported(record, lanes)
    filled = fill(record, lanes) if record.answer else None
    words = filled if filled is not None else _generated(record, lanes)
    known = [
        f"{one_line(name, 40)} differs, a known deviation ({one_line(held.deviation.id, 80)})."
        for name, held in record.lanes.items()
        if held.verdict == "known" and held.deviation is not None
    ]
    return " ".join([words, *(f"{text[:1].upper()}{text[1:]}" for text in known)])


def fill(record: Record, lanes: Lanes) -> str | None:
    """The template with its facts; None where it asks for a fact that no lane gave."""
    try:
        parts = parse(record.answer)
    except TemplateError:
        return None
    speaks_of_masks = any(isinstance(part, Placeholder) and part.text.endswith(".mask") for part in parts)
    words = []
    for part in parts:
        fact = part if isinstance(part, str) else _fact(record, lanes, part.text, speaks_of_masks)
        if fact is None:
            return None
        words.append(fact)
    return one_line("".join(words), 2_000)


def _fact(record: Record, lanes: Lanes, text: str, speaks_of_masks: bool) -> str | None:
    if text == "versions":
        return versions_text(record, lanes, speaks_of_masks)
    head, _, rest = text.partition(".")
    if head == "error":
        failure = record.lanes[rest].failure if rest in record.lanes else None
        return None if failure is None else raised_text(failure)
    if head == "params":
        return _first(record, lambda lane: record.lanes[lane].params.get(rest), str)
    if head == "weights":
        layer, _, weight = rest.partition(".")
        return _first(record, lambda lane: record.lanes[lane].weights.get(layer, {}).get(weight), shape_text)
    name, _, aspect = text.rpartition(".")
    return _node_fact(record, name, aspect) if aspect in OF_A_NODE else None


def _first(record: Record, fact: Callable[[str], Any], words: Callable[[Any], str]) -> str | None:
    """The fact of the first lane that has it, the reference before others."""
    found = (fact(lane) for lane in answering_lanes(record))
    value = next((value for value in found if value is not None), None)
    return None if value is None else words(value)


def _node_fact(record: Record, label: str, aspect: str) -> str | None:
    """A node's fact: once where it is the same in every run, else of each run in turn."""
    facts = []
    for run in range(run_count(record)):
        given = [found for lane in answering_lanes(record) if (found := node(record, lane, label, run)) is not None]
        if aspect == "symbolic":
            given = [found for found in given if found.symbolic is not None]
        if not given:
            return None
        facts.append(_aspect_text(given[0], aspect))
    return facts[0] if len(set(facts)) == 1 else joined(facts)


def _aspect_text(found: NodeRecord, aspect: str) -> str:
    match aspect:
        case "shape":
            return shape_text(found.shape)
        case "symbolic":
            return shape_text(found.symbolic)
        case "dtype":
            return one_line(found.dtype, 40)
        case "mask":
            mask = found.mask
            if mask is None or mask.values is None:
                return mask_text(mask)
            return nested_text(mask.values)
    if found.values is None:
        return f"{shape_text(found.shape)} numbers from {_plain(found.summary.min)} to " + _plain(found.summary.max)
    return nested_text(found.values)


def nested_text(values: Any) -> str:
    """Nested lists of numbers as one writes them by hand: `[[20, 60], [100, 140]]`."""
    if isinstance(values, tuple):
        return f"[{', '.join(nested_text(item) for item in values)}]"
    return _plain(values)


def _plain(value: Any) -> str:
    """A number in six significant digits, integers without a point."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(int(value))
    return f"{float(value):.6g}"


def lane_title(row: LaneRow) -> str:
    """A lane with its versions: `Keras 3.15.1 (TensorFlow 2.21.0)`, `torch 2.13.0`, `the NumPy reference`."""
    if row.role == "reference":
        return "the NumPy reference"
    packages = [
        f"{_PRODUCTS.get(name, one_line(name, 40))} {one_line(version, 40).partition('+')[0]}"
        for name, version in row.versions.items()
        if name not in _AROUND
    ]
    if not packages:
        return one_line(row.name, 40)
    around = [*packages[1:], *execution_of(row)]
    return packages[0] + (f" ({', '.join(around)})" if around else "")


def execution_of(row: LaneRow) -> list[str]:
    """How a lane executes and its dtype policy, where these are not the usual ones: `xla`, `mixed_bfloat16`."""
    given = ((row.mode, "eager"), (row.policy, "float32"))
    return [one_line(way, 40) for way, usual in given if way not in ("", usual)]


_TORCH = {False: "torch, made to compute Keras' formula", True: "torch as its users call it"}
"""What a lane of torch's is, by whether its own calls answer."""


def meaning_of(row: LaneRow) -> str:
    """What a lane of torch's computes, which its name does not say; empty for all others."""
    return _TORCH[row.mode == NATIVE] if row.adapter == "torch" else ""


def titles(record: Record, lanes: Lanes) -> dict[str, str]:
    """Every lane of a record with its versions, the reference last; two lanes of one version keep their names."""
    rows = {row.name: row for row in lanes}
    found = {name: lane_title(rows[name]) if name in rows else one_line(name, 40) for name in lane_names(record)}
    shared = {title for title in found.values() if list(found.values()).count(title) > 1}
    named = {name: f"{title} [{one_line(name, 40)}]" if title in shared else title for name, title in found.items()}
    return {name: named[name] for name in sorted(named, key=lambda name: name == REFERENCE)}


def versions_text(record: Record, lanes: Lanes, speaks_of_masks: bool = False) -> str:
    """The lanes that answered, in a row; only those with masks of their own where the sentence is about masks."""
    silent = {row.name for row in lanes if speaks_of_masks and not row.gives_masks}
    answering = {name for name in answering_lanes(record) if record.lanes[name].verdict == "agree"} - silent
    return joined([title for name, title in titles(record, lanes).items() if name in answering])


def _disagreement(record: Record, lanes: Lanes) -> str:
    """What to say where a lane fails: who, how, what follows, and in which versions."""
    named = list(titles(record, lanes))
    failing = [name for name in named if is_failure(record.lanes[name].verdict)]
    cause = findings[0].aspect if (findings := record.lanes[failing[0]].findings) else ""
    rest = [
        name
        for name in named
        if name != REFERENCE
        and record.lanes[name].verdict == "agree"
        and record.lanes[name].aspects.get(cause) == "agree"
    ]
    if is_refused(record):
        return _refusal(record, lanes)
    beside = one_line(verdict_text(record, failing[0]), 240)
    words = f"Not settled: {beside}."
    if cause not in ("", "error", "structure", "claims") and are_settled(record):
        said = "; ".join(claim_text(claim) for claim in record.expects.claims)
        words = f"{_capital(said)}, in every lane. Beside the question, not settled: {beside}."
    first = record.lanes[failing[0]].findings
    told = REFERENCE if first and first[0].kind == "only_reference_raised" else ""
    if others := [name for name in failing[1:] if name != told]:
        words += f" {_lanes(others, 'fails too', 'fail too')}."
    who = attribution(record)
    if who:
        words += f" {who[:1].upper()}{who[1:]}."
    elif rest:
        words += f" {_lanes(rest, 'agrees', 'agree')} with the reference."
    return f"{words} With {joined(list(titles(record, lanes).values()))}."


def is_refused(record: Record) -> bool:
    """Whether every lane that can do the case raised, and the case expects nothing of the kind: so the answer is."""
    asked = [held for held in record.lanes.values() if held.verdict != "unsupported"]
    return bool(asked) and not record.expects_error and all(held.failure is not None for held in asked)


def _refusal(record: Record, lanes: Lanes) -> str:
    """What every lane raised, the reference last, and what the case has to say for it to be settled."""
    raised = [
        _cannot(record, name, title) + "."
        if record.lanes[name].verdict == "unsupported"
        else _raise_sentence(record, name, title)
        for name, title in titles(record, lanes).items()
    ]
    return " ".join(["No lane gives an answer.", *raised, "A case that asks for this says so: expect: {error: {}}."])


def _lanes(names: Sequence[str], one: str, several: str) -> str:
    words = joined([one_line(name, 40) for name in names])
    return f"{words[:1].upper()}{words[1:]} {one if len(names) == 1 else several}"


def _unsupported(record: Record, lanes: Lanes) -> str:
    named = titles(record, lanes)
    reasons = [_cannot(record, name, named[name]) for name in named if record.lanes[name].verdict == "unsupported"]
    return f"Only the NumPy reference answers: {joined(reasons)}."


def _cannot(record: Record, name: str, title: str) -> str:
    return f"{title} cannot do this ({one_line(record.lanes[name].reason, 160)})"


def _generated(record: Record, lanes: Lanes) -> str:
    """A sentence from facts alone, for a case without a template."""
    named = titles(record, lanes)
    answering = [name for name in named if record.lanes[name].verdict == "agree"]
    raising = [name for name in answering if record.lanes[name].failure is not None]
    giving = [name for name in answering if name not in raising]
    words = [_raise_sentence(record, name, named[name]) for name in raising]
    if giving:
        claimed = [claim_text(claim) for claim in record.expects.claims]
        labels = asked_labels(record, node_labels(record))
        facts = "; ".join([*claimed, *(_node_sentence(record, label) for label in labels)])
        who = _capital(joined([named[name] for name in giving]))
        verb = "gives" if len(giving) == 1 else "agree"
        words.append(f"{who} {verb}: {facts}." if facts else f"{who} {verb}.")
    return " ".join(words)


def _raise_sentence(record: Record, name: str, title: str) -> str:
    return f"{_capital(title)} {failure_text(record.lanes[name].failure, 160).rstrip('.')}."


def _node_sentence(record: Record, label: str) -> str:
    """The shape of a node with its axes named, in every run; its mask, and its numbers where they are few."""
    shapes, more = [], ""
    for run in range(run_count(record)):
        given = (node(record, lane, label, run) for lane in answering_lanes(record))
        found = next((item for item in given if item is not None), None)
        if found is not None:
            shapes.append(node_shape(record, label, found.shape, run))
            more = _mask_and_numbers(found)
    rule = _rule(record, label)
    words = f"{one_line(label, 60)} has shape {joined(list(dict.fromkeys(shapes)))}" + (
        more if len(shapes) == 1 else ""
    )
    return words + (f" ({rule})" if rule else "")


def _rule(record: Record, label: str) -> str:
    """How the reference's shape of a node follows, with its numbers: `same: ... left 1, right 2`; empty without one."""
    if REFERENCE not in record.lanes:
        return ""
    steps = steps_by_run(record, REFERENCE)[0]
    rules = [step.rule for step in steps if step.node == label.partition("[")[0] and step.rule]
    return one_line(rules[-1], RULE) if rules and len(rules[-1]) <= RULE else ""


def _mask_and_numbers(found: NodeRecord) -> str:
    """`, mask [[1, 0]], values [0.5, 2]`, as far as there are such and they fit into a sentence."""
    words = "" if found.mask is None else f", mask {_aspect_text(found, 'mask')}"
    if found.values is not None and 0 < len(flat(found.values)) <= FEW_NUMBERS:
        words += f", {'values' if found.shape else 'value'} {nested_text(found.values)}"
    return words


def _capital(text: str) -> str:
    """A sentence's first letter in upper case, unless the first word is a name that is written small."""
    if text.startswith(("torch ", "transformers ", "tf_keras ")):
        return text
    return text[:1].upper() + text[1:]
