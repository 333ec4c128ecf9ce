"""What judging found, in words: a finding, a lane's verdict, who is to be suspected. The only place that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from conformance.record.case import Record
from conformance.record.parts import DeviationRecord, DistanceRecord, FindingRecord
from conformance.report.facts import (
    REFERENCE,
    answering_lanes,
    expected_node,
    is_exact,
    is_failure,
    run_count,
    varying_sizes,
)
from conformance.report.words import (
    bias_text,
    convention_text,
    dims_text,
    failure_text,
    index_text,
    inequality,
    joined,
    mask_differences,
    mask_text,
    named_shape,
    node_shape,
    noun_of,
    one_line,
    shape_text,
    single,
    used_text,
)


def expected_error_text(error: Any) -> str:
    """An error that a case wants: phase, and text that its message must hold."""
    phase = error if isinstance(error, str) else error.phase
    contains = "" if isinstance(error, str) else error.contains
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


def finding_text(record: Record, lane: str, finding: FindingRecord) -> str:
    """A finding in one line: aspect and node, what the lane gave, what was wanted and by whom."""
    words = _WORDS.get((finding.aspect, finding.kind)) or _WORDS.get((finding.aspect, "")) or _other
    return words(record, one_line(lane, 60), finding) + run_text(record, finding.run)


def _expected(record: Record, finding: FindingRecord, wanted: str) -> str:
    """The wanted side: `expected ... by the case`, or `the reference ...`."""
    if finding.wanted_by in ("case", "claim"):
        return f"expected {wanted} by {source_text(finding.wanted_by)}"
    return f"{source_text(finding.wanted_by)} {wanted}"


def measured(finding: FindingRecord) -> DistanceRecord:
    """How far apart a finding in numbers found two arrays."""
    assert finding.distance is not None
    return finding.distance


def _node(finding: FindingRecord) -> str:
    return one_line(finding.node, 80)


def _shape(record: Record, lane: str, finding: FindingRecord) -> str:
    wanted = node_shape(record, finding.node, finding.wanted, finding.run)
    return f"shape of {_node(finding)}: {lane} {shape_text(finding.got)}, {_expected(record, finding, wanted)}"


def _symbolic_shape(record: Record, lane: str, finding: FindingRecord) -> str:
    got, wanted = shape_text(finding.got), shape_text(finding.wanted)
    if finding.wanted_by == "case":
        stated = expected_node(record, finding.node).symbolic or ()
        names = [str(axis) if isinstance(axis, str) else "" for axis in stated]
        wanted = named_shape(names, finding.wanted) if len(names) == len(finding.wanted) else wanted
        return f"symbolic shape of {_node(finding)}: {lane} {got}, expected {wanted} by the case"
    return f"shape of {_node(finding)}: {lane} {got}, its symbolic run promised {wanted}"


def _dtype(record: Record, lane: str, finding: FindingRecord) -> str:
    got, wanted = one_line(finding.got, 40), one_line(finding.wanted, 40)
    return f"dtype of {_node(finding)}: {lane} {got}, {_expected(record, finding, wanted)}"


def _mask(record: Record, lane: str, finding: FindingRecord) -> str:
    got, wanted = finding.got, finding.wanted
    words = f"mask of {_node(finding)}: {lane} {mask_text(got)}, {_expected(record, finding, mask_text(wanted))}"
    count = mask_differences(got, wanted)
    return f"{words}; they differ at {count[0]} of {count[1]} positions" if count else words


def _bias(record: Record, lane: str, finding: FindingRecord) -> str:
    start = f"values of {_node(finding)}: {lane}'s errors around {source_text(finding.wanted_by)}"
    return f"{start} are small each, but not together: {bias_text(measured(finding))}"


def _special(record: Record, lane: str, finding: FindingRecord) -> str:
    index, got = finding.got
    wanted = single(finding.wanted[1])
    what = "special values" if finding.aspect == "special" else f"special values in the {finding.aspect}"
    words = f"{what} of {_node(finding)}: {lane} {single(got)} at {index_text(index)}"
    return f"{words}, {_expected(record, finding, wanted)}"


def _values(record: Record, lane: str, finding: FindingRecord) -> str:
    found, wanted_by = measured(finding), finding.wanted_by
    words = f"{finding.aspect} of {_node(finding)}: {lane} has {found.over:,} of {found.count:,} elements"
    if found.worst is not None and is_exact(found.worst):
        return f"{words} that are not exactly those of {source_text(wanted_by)}{_worst_words(found)}"
    around = "what the case expects" if wanted_by == "case" else source_text(wanted_by)
    return f"{words} over the {noun_of(record)} around {around}{_worst_words(found)}"


def _worst_words(distance: DistanceRecord) -> str:
    worst = distance.worst
    if worst is None:
        return ""
    place = f" at {index_text(worst.index)}" if worst.index else ""
    return f", worst{place}: {inequality(worst)}"


def _convention(record: Record, lane: str, finding: FindingRecord) -> str:
    got, wanted = (convention_text(str(word)) for word in (finding.got, finding.wanted))
    return f"gradient of {_node(finding)}: at a kink or a tie {lane} takes {got}, expected {wanted} by the case"


def _no_kink(record: Record, lane: str, finding: FindingRecord) -> str:
    wanted = convention_text(str(finding.wanted))
    return f"gradient: the case expects {wanted} of {lane}, and stands at no kink and at no tie"


def _gradient_missing(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"gradient of {_node(finding)}: {lane} has none, {source_text(finding.wanted_by)} has it"


def _gradient_raised(record: Record, lane: str, finding: FindingRecord) -> str:
    words = f"gradient: {lane} gave values, and {failure_text(finding.got)}"
    if lane != REFERENCE:
        return words
    return f'{words.rstrip(".")}; nobody\'s gradients are judged then, which a case may allow: no_gradients: "why"'


def _gradient_shape(record: Record, lane: str, finding: FindingRecord) -> str:
    got, wanted = shape_text(finding.got), shape_text(finding.wanted)
    return f"shape of the gradient of {_node(finding)}: {lane} {got}, {_expected(record, finding, wanted)}"


def _raised(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"error: {lane} {failure_text(finding.got)}"


def _did_not_raise(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"error: {lane} gave an answer, the case expects {expected_error_text(finding.wanted)}"


def _other_error(record: Record, lane: str, finding: FindingRecord) -> str:
    wanted = expected_error_text(finding.wanted)
    return f"error: {lane} {failure_text(finding.got, 160)}; the case expects {wanted}"


def _only_reference_raised(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"error: {lane} gave an answer, the reference {failure_text(finding.got)}"


def _reference_lost(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"error: {lane} gave an answer, and nothing judges it; the reference: {one_line(finding.got)}"


def _one_raised(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"error: one of the two {failure_text(finding.got)}"


def _missing(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"structure: {lane} gave no {_node(finding)}, {source_text(finding.wanted_by)} has it"


def _structure(record: Record, lane: str, finding: FindingRecord) -> str:
    got, wanted = (_parts(side) for side in (finding.got, finding.wanted))
    return f"structure of {_node(finding)}: {lane} {got}, {source_text(finding.wanted_by)} {wanted}"


def _parts(structure: Sequence[Any]) -> str:
    count = structure[1]
    return "one array" if structure[0] is None and count == 1 else f"a list of {count} arrays"


def _runs(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"structure: {lane} gave {finding.got} runs, {source_text(finding.wanted_by)} {finding.wanted}"


def _weight_shape(record: Record, lane: str, finding: FindingRecord) -> str:
    got = "does not have it" if finding.got is None else shape_text(finding.got)
    return f"shape of weight {_node(finding)}: {lane} {got}, expected {shape_text(finding.wanted)} by the case"


def _weights(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"weights of {_node(finding)}: {lane}: {one_line(finding.got)}"


def _params(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"params of {_node(finding)}: {lane} {finding.got}, expected {finding.wanted} by the case"


def _same(record: Record, lane: str, finding: FindingRecord) -> str:
    words = f"claim same({_node(finding)}): in {lane} "
    found = finding.distance
    if found is not None:
        over = f"{found.over:,} of {found.count:,} elements"
        return f"{words}{over} lie further apart than the {noun_of(record)}{_worst_words(found)}"
    if finding.wanted != finding.got:
        return f"{words}their shapes are {shape_text(finding.wanted)} and {shape_text(finding.got)}"
    return f"{words}NaN or an infinity stands at different places"


def _differ(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"claim differ({_node(finding)}): in {lane} they are the same"


_RARE = ", but for one run in a million"


def _draws(record: Record, lane: str, finding: FindingRecord) -> str:
    """A claim about draws that does not hold: what was claimed, and what this lane drew."""
    node, got, wanted = _node(finding), finding.got, finding.wanted
    match finding.kind:
        case "draw_share":
            said = f"{got} of its draws are 0, where {wanted[0]} to {wanted[1]} may be, but for one run in a million"
        case "draw_scale":
            said = f"{single(got[1])} at {index_text(got[0])} is neither 0 nor {single(wanted[1])}"
        case "draw_shared":
            along = joined([str(axis) for axis in wanted])
            said = (
                f"{got} elements are dropped otherwise than the first along {'axes' if wanted[1:] else 'axis'} {along}"
            )
        case "draw_repeated":
            said = f"all {got} positions along axis {wanted} share one draw"
        case "draw_share_of":
            of, low, high = wanted
            said = f"{got} samples are {of}, where {low} to {high} may be, but for one run in a million"
        case "draw_strange":
            said = f"sample {got} is none of {joined([str(name) for name in wanted])}"
        case "draw_outside":
            ends = joined([str(name) for name in wanted])
            said = f"sample {got[0]} is not between {ends}: at {got[1]:.4g} of the way, and {got[2]:.4g} off it"
        case "initial_special":
            said = f"{got} of its numbers are NaN or infinite"
        case "initial_repeated":
            said = f"the first two of {got} draws are the same"
        case "initial_range":
            said = f"{single(got)} was drawn, and numbers lie {wanted}"
        case "initial_reach":
            said = f"no number lies further than {single(got)} from the mean, where they lie {wanted}{_RARE}"
        case "initial_spread":
            said = f"shares are off by {got:.3g} where numbers lie {wanted[0]}, and {wanted[1]:.3g} may be{_RARE}"
        case "initial_mean":
            said = f"the mean is {single(got)}, and within {wanted[1]:.3g} of {single(wanted[0])} it may be{_RARE}"
        case "initial_deviation":
            said = f"the deviation is {single(got)}, where {single(wanted[0])} to {single(wanted[1])} may be{_RARE}"
        case "initial_orthogonal":
            said = f"its product with itself is off the unit matrix, times {single(wanted[0])} squared, by {got:.3g}"
        case "draws_alike":
            said = f"{joined([str(name) for name in wanted])} are alike in sample {got}: nobody can tell which it is"
        case "draw_shape":
            said = f"its shape is {shape_text(got)}, and {shape_text(wanted)} was dropped from"
        case _:
            return f"claim about draws of {node}: {got} draws decide nothing; at least {wanted} do"
    return f"claim about draws of {node}: in {lane} {said}"


def _claim_missing(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"claim: {lane} gave no {_node(finding)}"


def _invariant(record: Record, lane: str, finding: FindingRecord) -> str:
    found = measured(finding)
    off = "" if found.worst is None else f"; it is off by {single(found.worst.got)} at {index_text(found.worst.index)}"
    return f"invariant {finding.kind} of {_node(finding)}: {lane} does not keep that {finding.wanted}{off}"


def _model(record: Record, lane: str, finding: FindingRecord) -> str:
    """What differs in the functional model, in the words of the aspect in which it does."""
    words = _WORDS.get((finding.kind, "")) or _WORDS.get((finding.kind, finding.kind)) or _other
    return f"as a functional model: {words(record, lane, replace(finding, aspect=finding.kind))}"  # type: ignore[arg-type]


def _model_raised(record: Record, lane: str, finding: FindingRecord) -> str:
    return f"as a functional model: {lane} {failure_text(finding.got, 160)}; called eagerly it gave an answer"


def _symbolic_mask(record: Record, lane: str, finding: FindingRecord) -> str:
    symbolic, eager = ("a mask", "none") if finding.wanted is None else ("no mask", "one")
    return f"mask of {_node(finding)}: {lane}'s symbolic tensor carries {symbolic}, the same called eagerly has {eager}"


def _method_shapes(record: Record, lane: str, finding: FindingRecord) -> str:
    said, comes = (" and ".join(shape_text(shape) for shape in side) for side in (finding.got, finding.wanted))
    return f"methods of {_node(finding)}: compute_output_shape of {lane} says {said}, and {comes} comes"


def _method_mask(record: Record, lane: str, finding: FindingRecord) -> str:
    said, wanted = mask_text(finding.got), _expected(record, finding, mask_text(finding.wanted))
    return f"methods of {_node(finding)}: compute_mask of {lane} says {said}, {wanted}"


def _method_count(record: Record, lane: str, finding: FindingRecord) -> str:
    words = f"methods of {_node(finding)}: compute_mask of {lane} gives {finding.got} masks"
    return f"{words}, and {finding.wanted} arrays come"


def _method_raised(record: Record, lane: str, finding: FindingRecord) -> str:
    method = finding.kind.removesuffix("_raised")
    return f"methods of {_node(finding)}: {method} of {lane} {failure_text(finding.got)}"


def _relation(record: Record, lane: str, finding: FindingRecord) -> str:
    where = f" of {_node(finding)}" if finding.node else ""
    head = f"relation {finding.kind}{where}: {lane} does not keep that {finding.wanted}"
    if finding.got is not None:
        return f"{head}: it {failure_text(finding.got, 160)}"
    found = finding.distance
    if found is None:
        return head
    if not found.over:
        return f"{head}; NaN or an infinity stands at other places"
    return f"{head}; {found.over:,} of {found.count:,} elements are further apart"


def _other(record: Record, lane: str, finding: FindingRecord) -> str:
    wanted_by = source_text(finding.wanted_by)
    return f"{one_line(finding.aspect, 40)} of {_node(finding)}: {lane} differs from {wanted_by}"


def not_judged_text(record: Record, lane: str) -> str:
    """Which outputs of a lane are not judged, and why."""
    if record.lanes[lane].reason:
        return one_line(record.lanes[lane].reason)
    found: dict[str, dict[str, None]] = {"allows_every_answer": {}, "random": {}}
    for run in record.lanes[lane].runs:
        for label, held in run.items():
            if held.not_judged is not None:
                found[held.not_judged][one_line(label, 40)] = None
    wide, drawn = (list(found[why]) for why in ("allows_every_answer", "random"))
    parts = [f"the budget of {joined(wide)} allows every answer"] if wide else []
    if drawn:
        are = "are random, and others" if drawn[1:] else "is random, and another"
        parts.append(f"{joined(drawn)} {are} in every lane")
    return "; ".join(parts)


def _nothing_judged(record: Record, lane: str, finding: FindingRecord) -> str:
    words = f"values: nothing that {lane} gave is judged: {not_judged_text(record, lane)}"
    held = record.lanes[lane]
    if any(node.not_judged == "random" for run in held.runs for node in run.values()):
        return f"{words}; claim what must hold of every draw (claims: - draws: ...)"
    return f"{words}; ask with numbers that float32 can tell apart"


_WORDS = {
    ("values", "nothing_judged"): _nothing_judged,
    ("error", "raised"): _raised,
    ("error", "did_not_raise"): _did_not_raise,
    ("error", "other_error"): _other_error,
    ("error", "only_reference_raised"): _only_reference_raised,
    ("error", "reference_lost"): _reference_lost,
    ("error", "one_raised"): _one_raised,
    ("structure", "missing"): _missing,
    ("structure", "structure"): _structure,
    ("structure", "runs"): _runs,
    ("shape", "shape"): _shape,
    ("shape", "symbolic"): _symbolic_shape,
    ("dtype", ""): _dtype,
    ("mask", ""): _mask,
    ("special", ""): _special,
    ("values", "bias"): _bias,
    ("values", ""): _values,
    ("gradient", "convention"): _convention,
    ("gradient", "no_kink"): _no_kink,
    ("gradient", "missing"): _gradient_missing,
    ("gradient", "raised"): _gradient_raised,
    ("gradient", "shape"): _gradient_shape,
    ("gradient", "special"): _special,
    ("gradient", "values"): _values,
    ("weights", "weight_shape"): _weight_shape,
    ("weights", "weights"): _weights,
    ("weights", "shape"): _shape,
    ("weights", "dtype"): _dtype,
    ("weights", "special"): _special,
    ("weights", "bias"): _bias,
    ("weights", "values"): _values,
    ("params", ""): _params,
    ("claims", "same"): _same,
    ("claims", "differ"): _differ,
    ("claims", "missing"): _claim_missing,
    ("claims", ""): _draws,
    ("invariants", ""): _invariant,
    ("model", "raised"): _model_raised,
    ("model", "symbolic_mask"): _symbolic_mask,
    ("model", ""): _model,
    ("methods", "compute_output_shape"): _method_shapes,
    ("methods", "compute_mask"): _method_mask,
    ("methods", "compute_mask_count"): _method_count,
    ("methods", "compute_output_shape_raised"): _method_raised,
    ("methods", "compute_mask_raised"): _method_raised,
    ("relations", ""): _relation,
}
"""Aspect and kind of a finding to the words for it; an empty kind stands for every other kind of the aspect."""


def verdict_text(record: Record, lane: str) -> str:
    """The verdict on a lane in one line."""
    found, name = record.lanes[lane], one_line(lane, 60)
    deviation = found.deviation
    if deviation is not None:
        return _deviation_text(record, lane, deviation)
    if found.findings:
        return finding_text(record, lane, found.findings[0])
    match found.verdict:
        case "unsupported" | "timeout" | "crash" as verdict:
            return f"{verdict}: {name}: {one_line(found.reason or 'no reason given')}"
        case "agree" if found.failure is not None:
            return f"agree: {name} {failure_text(found.failure, 160)}, as the case expects"
        case "agree" if lane == REFERENCE:
            return f"agree: {name} is the reference"
        case "agree":
            return f"agree: {name}, {used_text(found.used, noun_of(record))}"
        case "not judged":
            return f"not judged: {name}: {not_judged_text(record, lane)}"
        case verdict:
            return f"{one_line(verdict, 40)}: {name}"


def _deviation_text(record: Record, lane: str, deviation: DeviationRecord) -> str:
    found, name = record.lanes[lane], one_line(deviation.id, 80)
    if found.verdict == "stale":
        return f"stale: {one_line(lane, 60)} agrees, but the deviation {name} says that it differs"
    words = finding_text(record, lane, found.findings[0]) if found.findings else one_line(found.reason)
    return f"known: {words} (deviation {name})"


SUSPECT_THE_CASE = "all lanes give the same answer: suspect what the case expects"


def because(record: Record, lane: str) -> str:
    """Why a lane differs; that no mistake explains it is worth saying only where the lane may be mistaken."""
    held = record.lanes[lane]
    is_unknown = held.cause is not None and held.cause.kind == "unknown"
    return "" if is_unknown and attribution(record) == SUSPECT_THE_CASE else held.explanation


def attribution(record: Record) -> str:
    """Who is to be suspected: what follows from which lanes agree with each other. Empty where nothing follows."""
    failing = [lane for lane in record.lanes if is_failure(record.lanes[lane].verdict)]
    paired = {name for pair in record.pairs for name in (pair.first, pair.second)}
    others = [lane for lane in answering_lanes(record) if lane != record.odd_one_out and lane in paired]
    lost = [lane for lane in failing if record.lanes[lane].verdict in ("timeout", "crash")]
    if lost and lost == failing:
        return f"{_listed(lost)} gave no answer, from which nothing follows for the others"
    if not paired.issuperset(failing):
        return ""  # of a lane that was laid beside no other nothing is known but what is wrong with it
    if record.odd_one_out == REFERENCE:
        return f"{_listed(others)} agree with each other, the reference differs: suspect the reference"
    if record.odd_one_out is not None:
        return f"{one_line(record.odd_one_out, 60)} stands alone: {_listed(others)} agree with each other"
    compared = [pair for pair in record.pairs if pair.finding is not None or pair.used is not None]
    if failing and compared and all(pair.finding is None for pair in compared):
        aspects = {first.aspect for lane in failing for first in record.lanes[lane].findings[:1]}
        if aspects == {"gradient"}:
            return "the lanes' values agree with each other; gradients are what differs"
        if aspects == {"model"}:
            return "called eagerly the lanes agree with each other; the functional model is what differs"
        if aspects == {"relations"}:
            return "the lanes agree with each other on the case itself; what follows from it is what differs"
        if set(failing) >= set(answering_lanes(record)):
            return SUSPECT_THE_CASE
        return "the lanes agree with each other; the difference is to what the case expects"
    if len(compared) > 1 and all(pair.finding is not None for pair in compared):
        return "no two lanes agree"
    return ""


def _listed(names: Sequence[str]) -> str:
    return joined([one_line(name, 60) for name in names])
