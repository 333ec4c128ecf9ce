"""The words of every message, in one place: a finding, a shape, a mask, an inequality as plain text."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.report.facts import (
    REFERENCE,
    Record,
    answering_lanes,
    axes_of,
    error_of,
    expected_node,
    flat,
    is_exact,
    is_failure,
    number,
    run_count,
    varying_sizes,
)

Finding = Mapping[str, Any]

LINE = 400
"""Characters of a field that are shown on one line."""
TEXT = 16_384
"""Characters of a field that are shown at all."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but tab and newline; ESC begins a terminal code
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, breaks, no width
    "\ud800-\udfff\U000e0000-\U000e007f]"  # lone surrogates, tags
)


_COLOUR = re.compile("\x1b\\[[0-9;]*m")
"""Terminal codes for colour and weight, which frameworks put into their messages."""


def safe(text: Any, limit: int = TEXT) -> str:
    """Any text as it may be shown, bounded in length.

    Colour codes are left out; other control, bidi and invisible characters become visible escapes.
    """
    shown = _INVISIBLE.sub(_escape, _COLOUR.sub("", str(text)[: limit + 1].replace("\r\n", "\n")))
    if len(str(text)) <= limit:
        return shown
    return f"{shown[:limit]} [... {len(str(text)) - limit} more characters]"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: Any, limit: int = LINE) -> str:
    """Any text on one line: safe, blank runs as one blank, bounded."""
    words = " ".join(safe(str(text)[: 4 * limit]).split())
    is_cut = len(str(text)) > 4 * limit or len(words) > limit
    return f"{words[: limit - 1]}…" if is_cut else words


def shape_text(shape: Sequence[int | None] | None) -> str:
    """A shape as Python prints it: `(2, 7)`, `(7,)`, `()`."""
    if shape is None:
        return "none"
    inner = ", ".join(str(length) for length in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def named_shape(axes: Sequence[str], shape: Sequence[int | None]) -> str:
    """A shape with its axes' names bound to numbers: `[batch, steps] = (2, 11)`; without names just `(2, 11)`."""
    if not any(axes):
        return shape_text(shape)
    names = ", ".join(one_line(name, 60) or str(length) for name, length in zip(axes, shape, strict=True))
    return f"[{names}] = {shape_text(shape)}"


def node_shape(record: Record, label: str, shape: Sequence[int | None], run: int = 0) -> str:
    """The shape of a node with the names that its axes have in the case."""
    return named_shape(axes_of(record, label, shape, run), shape)


def shapes_text(nested: Any) -> str:
    """One shape, or a list of them in brackets: `(2, 5)`, `[(2, 5), (2, 3)]`."""
    if isinstance(nested, list) and nested and all(isinstance(item, list) for item in nested):
        return f"[{', '.join(shapes_text(item) for item in nested)}]"
    return shape_text(nested)


def decimal(value: Any, digits: int = 4) -> str:
    """A number in at most so many significant digits: `3.1e-06`, `0.4274`, `nan`, `-inf`."""
    return f"{number(value):.{digits}g}"


def single(value: Any) -> str:
    """The shortest text that reads back as the same float32: what a lane gave, without the digits it never had."""
    exact = number(value)
    if exact != exact or exact in (float("inf"), float("-inf")):
        return f"{exact:g}"
    try:
        stored = struct.pack("<f", exact)
    except OverflowError:
        return f"{exact:.9g}"
    texts = (f"{exact:.{digits}g}" for digits in range(1, 10))
    text = next((text for text in texts if struct.pack("<f", float(text)) == stored), f"{exact:.9g}")
    return text if any(mark in text for mark in ".en") else f"{text}.0"


def element_text(value: Any, dtype: str = "float32") -> str:
    """One element of an array as its dtype prints it."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return decimal(value) if value in ("NaN", "Infinity", "-Infinity") else one_line(value, 60)
    return single(value) if isinstance(value, float) or dtype.startswith("float") else str(value)


def index_text(index: Sequence[int]) -> str:
    """Where an element stands: `[0, 3]`; `[]` in a scalar."""
    return f"[{', '.join(str(position) for position in index)}]"


def mask_text(mask: Mapping[str, Any] | None) -> str:
    """A mask in a few words: `none`, `(2, 5) with 7 of 10 true`."""
    if mask is None:
        return "none"
    total = 1
    for length in mask["shape"]:
        total *= length
    return f"{shape_text(mask['shape'])} with {mask['true']} of {total} true"


def dims_text(sizes: Mapping[str, int]) -> str:
    """Axis names bound to numbers: `batch = 2, steps = 11`."""
    return ", ".join(f"{one_line(name, 60)} = {length}" for name, length in sizes.items())


def used_text(used: Any, noun: str = "budget") -> str:
    """How much of what was allowed an error took: `exact`, `7 % of the budget`, `140 times the budget`."""
    share = number(used)
    if share == 0:
        return "exact"
    if share == float("inf"):
        return "where no error is allowed"
    if share <= 1:
        percent = 100 * share
        return f"{percent:.0f} % of the {noun}" if percent >= 1 else f"under 1 % of the {noun}"
    return f"{share:,.3g} times the {noun}" if share < 1000 else f"{share:,.0f} times the {noun}"


def noun_of(record: Record) -> str:
    """What errors are measured by: the derived budget, or the case's own tolerance."""
    return "tolerance" if record.get("tolerance") else "budget"


def inequality(worst: Mapping[str, Any]) -> str:
    """The worst element's inequality with its numbers: `|0.5726 - 1.0| = 0.4274 > 3.1e-06`."""
    error, allowed = error_of(worst), number(worst["allowed"])
    sign = ">" if error > allowed else "<="
    subtrahend = single(worst["reference"])
    subtrahend = f"({subtrahend})" if subtrahend.startswith("-") else subtrahend
    return f"|{single(worst['got'])} - {subtrahend}| = {decimal(error)} {sign} {decimal(allowed)}"


def inequality_terms(record: Record, worst: Mapping[str, Any]) -> str:
    """Where the right-hand side of an inequality comes from, with every term."""
    constant, floor = decimal(worst["constant"]), decimal(worst["floor"])
    if record.get("tolerance"):
        return f"atol + rtol |ref| with rtol = {constant}, atol = {floor}: {one_line(record['tolerance']['reason'])}"
    if is_exact(worst):
        return "integers and booleans are exact"
    return (
        f"C (S + u |ref|) + floor with C = {constant}, S = {decimal(worst['sensitivity'])}, u = 2^-24, floor = {floor}"
    )


_WRAPPED = re.compile("^Exception encountered when calling (.+?)\\.?\n\n(.+?)\n\nArguments received", re.DOTALL)


def essence(message: str) -> str:
    """What a message says beneath Keras' wrapping of the call that raised it and of its arguments."""
    found = _WRAPPED.match(_COLOUR.sub("", message))
    return message if found is None else f"{found[2]} (in {found[1]})"


def failure_text(failure: Mapping[str, Any] | None, limit: int = LINE) -> str:
    """What a framework raised, on one line: type, phase, node and message."""
    if failure is None:
        return "gave an answer"
    return f"raised {raised_text(failure)}: {one_line(essence(failure['message']), limit)}"


def raised_text(failure: Mapping[str, Any]) -> str:
    """Type, phase and node of an error."""
    where = f" at {one_line(failure['node'], 60)}" if failure["node"] else ""
    return f"{one_line(failure['type'], 60)} in {one_line(failure['phase'], 20)}{where}"


def expected_error_text(error: Any) -> str:
    """An error that a case wants: phase, and text that its message must hold."""
    phase = error if isinstance(error, str) else error["phase"]
    contains = "" if isinstance(error, str) else error.get("contains", "")
    words = "an error" if phase == "any" else f"an error in {one_line(phase, 20)}"
    return f"{words} that says {one_line(contains, 120)!r}" if contains else words


def run_text(record: Record, run: int) -> str:
    """Which run a finding is of, where a case has several: ` (run 2 of 3: steps = 7)`."""
    if run_count(record) < 2:
        return ""
    sizes = dims_text(varying_sizes(record, run))
    return f" (run {run + 1} of {run_count(record)}{': ' + sizes if sizes else ''})"


def source_text(wanted_by: str) -> str:
    """Who wants something, as the subject of a sentence."""
    return {
        "reference": "the reference",
        "case": "the case",
        "claim": "the claim",
        "symbolic run": "its symbolic run",
    }.get(wanted_by, one_line(wanted_by, 60))


def finding_text(record: Record, lane: str, finding: Finding) -> str:
    """A finding in one line: aspect and node, what the lane gave, what was wanted and by whom."""
    words = _WORDS.get((finding["aspect"], finding["kind"])) or _WORDS.get((finding["aspect"], "")) or _other
    return words(record, one_line(lane, 60), finding) + run_text(record, finding["run"])


def _expected(record: Record, finding: Finding, wanted: str) -> str:
    """The wanted side: `expected ... by the case`, or `the reference ...`."""
    if finding["wanted_by"] in ("case", "claim"):
        return f"expected {wanted} by {source_text(finding['wanted_by'])}"
    return f"{source_text(finding['wanted_by'])} {wanted}"


def _node(finding: Finding) -> str:
    return one_line(finding["node"], 80)


def _shape(record: Record, lane: str, finding: Finding) -> str:
    wanted = node_shape(record, finding["node"], finding["wanted"], finding["run"])
    return f"shape of {_node(finding)}: {lane} {shape_text(finding['got'])}, {_expected(record, finding, wanted)}"


def _symbolic_shape(record: Record, lane: str, finding: Finding) -> str:
    got, wanted = shape_text(finding["got"]), shape_text(finding["wanted"])
    if finding["wanted_by"] == "case":
        stated = expected_node(record, finding["node"]).get("symbolic") or []
        names = [str(axis) if isinstance(axis, str) else "" for axis in stated]
        wanted = named_shape(names, finding["wanted"]) if len(names) == len(finding["wanted"]) else wanted
        return f"symbolic shape of {_node(finding)}: {lane} {got}, expected {wanted} by the case"
    return f"shape of {_node(finding)}: {lane} {got}, its symbolic run promised {wanted}"


def _dtype(record: Record, lane: str, finding: Finding) -> str:
    got, wanted = one_line(finding["got"], 40), one_line(finding["wanted"], 40)
    return f"dtype of {_node(finding)}: {lane} {got}, {_expected(record, finding, wanted)}"


def _mask(record: Record, lane: str, finding: Finding) -> str:
    got, wanted = finding["got"], finding["wanted"]
    words = f"mask of {_node(finding)}: {lane} {mask_text(got)}, {_expected(record, finding, mask_text(wanted))}"
    count = mask_differences(got, wanted)
    return f"{words}; they differ at {count[0]} of {count[1]} positions" if count else words


def mask_differences(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """At how many of how many positions two masks differ; None where they cannot be laid side by side."""
    if a is None or b is None or a["shape"] != b["shape"] or a["values"] is None or b["values"] is None:
        return None
    pairs = list(zip(flat(a["values"]), flat(b["values"]), strict=True))
    return sum(x != y for x, y in pairs), len(pairs)


def _special(record: Record, lane: str, finding: Finding) -> str:
    index, got = finding["got"]
    wanted = single(finding["wanted"][1])
    what = "special values" if finding["aspect"] == "special" else f"special values in the {finding['aspect']}"
    words = f"{what} of {_node(finding)}: {lane} {single(got)} at {index_text(index)}"
    return f"{words}, {_expected(record, finding, wanted)}"


def _values(record: Record, lane: str, finding: Finding) -> str:
    found = finding["distance"]
    over = f"{found['over']} of {found['count']} elements"
    words = f"{finding['aspect']} of {_node(finding)}: {lane} has {over} over the {noun_of(record)} around "
    if finding["wanted_by"] == "case":
        words += "what the case expects"
    else:
        words += source_text(finding["wanted_by"])
    return words + _worst_words(found)


def _worst_words(found: Mapping[str, Any]) -> str:
    worst = found["worst"]
    if worst is None:
        return ""
    place = f" at {index_text(worst['index'])}" if worst["index"] else ""
    return f", worst{place}: {inequality(worst)}"


def _gradient_missing(record: Record, lane: str, finding: Finding) -> str:
    return f"gradient of {_node(finding)}: {lane} has none, {source_text(finding['wanted_by'])} has it"


def _gradient_shape(record: Record, lane: str, finding: Finding) -> str:
    got, wanted = shape_text(finding["got"]), shape_text(finding["wanted"])
    return f"shape of the gradient of {_node(finding)}: {lane} {got}, {_expected(record, finding, wanted)}"


def _raised(record: Record, lane: str, finding: Finding) -> str:
    return f"error: {lane} {failure_text(finding['got'])}"


def _did_not_raise(record: Record, lane: str, finding: Finding) -> str:
    return f"error: {lane} gave an answer, the case expects {expected_error_text(finding['wanted'])}"


def _other_error(record: Record, lane: str, finding: Finding) -> str:
    wanted = expected_error_text(finding["wanted"])
    return f"error: {lane} {failure_text(finding['got'], 160)}; the case expects {wanted}"


def _only_reference_raised(record: Record, lane: str, finding: Finding) -> str:
    return f"error: {lane} gave an answer, the reference {failure_text(finding['got'])}"


def _one_raised(record: Record, lane: str, finding: Finding) -> str:
    return f"error: one of the two {failure_text(finding['got'])}"


def _missing(record: Record, lane: str, finding: Finding) -> str:
    return f"structure: {lane} gave no {_node(finding)}, {source_text(finding['wanted_by'])} has it"


def _structure(record: Record, lane: str, finding: Finding) -> str:
    got, wanted = (_parts(finding[side]) for side in ("got", "wanted"))
    return f"structure of {_node(finding)}: {lane} {got}, {source_text(finding['wanted_by'])} {wanted}"


def _parts(structure: Sequence[Any]) -> str:
    count = structure[1]
    return "one array" if structure[0] is None and count == 1 else f"a list of {count} arrays"


def _runs(record: Record, lane: str, finding: Finding) -> str:
    return f"structure: {lane} gave {finding['got']} runs, {source_text(finding['wanted_by'])} {finding['wanted']}"


def _weight_shape(record: Record, lane: str, finding: Finding) -> str:
    got = "does not have it" if finding["got"] is None else shape_text(finding["got"])
    return f"shape of weight {_node(finding)}: {lane} {got}, expected {shape_text(finding['wanted'])} by the case"


def _weights(record: Record, lane: str, finding: Finding) -> str:
    return f"weights of {_node(finding)}: {lane}: {one_line(finding['got'])}"


def _params(record: Record, lane: str, finding: Finding) -> str:
    return f"params of {_node(finding)}: {lane} {finding['got']}, expected {finding['wanted']} by the case"


def _same(record: Record, lane: str, finding: Finding) -> str:
    words = f"claim same({_node(finding)}): in {lane} "
    found = finding["distance"]
    if found is not None:
        over = f"{found['over']} of {found['count']} elements"
        return f"{words}{over} lie further apart than the {noun_of(record)}{_worst_words(found)}"
    if finding["wanted"] != finding["got"]:
        return f"{words}their shapes are {shape_text(finding['wanted'])} and {shape_text(finding['got'])}"
    return f"{words}NaN stands at different places"


def _differ(record: Record, lane: str, finding: Finding) -> str:
    return f"claim differ({_node(finding)}): in {lane} they are the same"


def _claim_missing(record: Record, lane: str, finding: Finding) -> str:
    return f"claim: {lane} gave no {_node(finding)}"


def _other(record: Record, lane: str, finding: Finding) -> str:
    wanted_by = source_text(finding["wanted_by"])
    return f"{one_line(finding['aspect'], 40)} of {_node(finding)}: {lane} differs from {wanted_by}"


_WORDS = {
    ("error", "raised"): _raised,
    ("error", "did_not_raise"): _did_not_raise,
    ("error", "other_error"): _other_error,
    ("error", "only_reference_raised"): _only_reference_raised,
    ("error", "one_raised"): _one_raised,
    ("structure", "missing"): _missing,
    ("structure", "structure"): _structure,
    ("structure", "runs"): _runs,
    ("shape", "shape"): _shape,
    ("shape", "symbolic"): _symbolic_shape,
    ("dtype", ""): _dtype,
    ("mask", ""): _mask,
    ("special", ""): _special,
    ("values", ""): _values,
    ("gradient", "missing"): _gradient_missing,
    ("gradient", "shape"): _gradient_shape,
    ("gradient", "special"): _special,
    ("gradient", "values"): _values,
    ("weights", "weight_shape"): _weight_shape,
    ("weights", "weights"): _weights,
    ("params", ""): _params,
    ("claims", "same"): _same,
    ("claims", "differ"): _differ,
    ("claims", "missing"): _claim_missing,
}
"""Aspect and kind of a finding to the words for it; an empty kind stands for every other kind of the aspect."""


def verdict_text(record: Record, lane: str) -> str:
    """The verdict on a lane in one line."""
    found, name = record["lanes"][lane], one_line(lane, 60)
    if found["findings"]:
        return finding_text(record, lane, found["findings"][0])
    match found["verdict"]:
        case "unsupported" | "timeout" | "crash" as verdict:
            return f"{verdict}: {name}: {one_line(found['reason'] or 'no reason given')}"
        case "agree" if found["failure"] is not None:
            return f"agree: {name} {failure_text(found['failure'], 160)}, as the case expects"
        case "agree" if lane == REFERENCE:
            return f"agree: {name} is the reference"
        case "agree":
            return f"agree: {name}, {used_text(found['used'], noun_of(record))}"
        case verdict:
            return f"{one_line(verdict, 40)}: {name}"


def attribution(record: Record) -> str:
    """Who is to be suspected: what follows from which lanes agree with each other. Empty where nothing follows."""
    failing = [lane for lane in record["lanes"] if is_failure(record["lanes"][lane]["verdict"])]
    others = [lane for lane in answering_lanes(record) if lane != record["odd_one_out"]]
    if record["odd_one_out"] == REFERENCE:
        return f"{_listed(others)} agree with each other, the reference differs: suspect the reference"
    if record["odd_one_out"] is not None:
        return f"{one_line(record['odd_one_out'], 60)} stands alone: {_listed(others)} agree with each other"
    compared = [pair for pair in record["pairs"] if pair["finding"] is not None or pair["used"] is not None]
    if failing and compared and all(pair["finding"] is None for pair in compared):
        if set(failing) >= set(answering_lanes(record)):
            return "all lanes give the same answer: suspect what the case expects"
        return "the lanes agree with each other; the difference is to what the case expects"
    if len(compared) > 1 and all(pair["finding"] is not None for pair in compared):
        return "no two lanes agree"
    return ""


def _listed(names: Sequence[str]) -> str:
    return joined([one_line(name, 60) for name in names])


def joined(items: Sequence[str]) -> str:
    """Items in a row as a sentence has them: `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def rerun_command(record: Record, lane: str | None = None) -> str:
    """How to run a case again, in one lane or in all."""
    name = one_line(record["id"]) + (f"[{one_line(lane, 60)}]" if lane else "")
    return f'pytest "{one_line(record["path"])}::{name}"'


def place(record: Record) -> str:
    """Where a case stands: `cases/pooling/global_average.case.yaml:14`."""
    return f"{one_line(record['path'])}:{record['line']}"
