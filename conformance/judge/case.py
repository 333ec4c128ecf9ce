"""One case, all lanes: the first cause of every lane's difference, every pair, and who stands alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from conformance.case.axes import runs_as_promised
from conformance.case.model import Case
from conformance.case.reports import is_report
from conformance.imports import is_own
from conformance.judge.compare import Matched, compare_outputs, is_trained, matched_outputs, structure_findings
from conformance.judge.conventions import Kinks, convention_findings, conventions
from conformance.judge.draws import draw_findings
from conformance.judge.expectations import (
    claim_findings,
    count_findings,
    decides_values,
    error_finding,
    expected_errors,
    node_findings,
    symbolic_findings,
)
from conformance.judge.functional import is_asked, model_findings
from conformance.judge.gradients import gradient_findings, undecided_gradients
from conformance.judge.invariants import invariant_findings
from conformance.judge.methods import method_findings
from conformance.judge.precision import USUAL, coarser_policy, reference_under
from conformance.judge.undecided import OtherDraw, RandomOutputs, undecided
from conformance.judge.verdict import ASPECTS, CaseVerdict, Distance, Finding, LaneVerdict, Pair, Verdict
from conformance.protocol.observation import REFERENCE, Observation


def judge_case(
    case: Case,
    observations: Mapping[str, Observation],
    gives_masks: Mapping[str, bool],
    unpaired: Collection[str] = (),
) -> CaseVerdict:
    """The verdict on a case from what its lanes gave; `numpy` must be among them.

    `gives_masks` says which lanes have masks of their own: the others' are carried by the harness and not judged.

    `unpaired` lanes are judged and laid beside no other: one lane asked in two ways would be two voices of who stands
    alone, and four of them make six pairs.
    """
    reference, other, kinks = observations[REFERENCE], OtherDraw(case), Kinks(case)
    random = RandomOutputs(case, reference)
    lanes = {
        name: judge_lane(case, got, reference, gives_masks.get(name, True), other, kinks, random)
        for name, got in observations.items()
    }
    lanes |= _without_evidence(lanes, observations)
    own = without_reference(case)
    if own:
        lanes |= {REFERENCE: _unspoken(lanes[REFERENCE], own)}
    pairs = tuple(
        _pair(
            case,
            observations[a],
            observations[b],
            reference,
            gives_masks.get(a, True) and gives_masks.get(b, True),
            random.labels,
            lanes[b].matched if a == REFERENCE else (),
        )
        for a, b in combinations([REFERENCE, *(n for n in observations if n != REFERENCE and n not in unpaired)], 2)
    )
    return CaseVerdict(case.id, lanes, pairs, None if own else _odd_one_out(pairs))


def without_reference(case: Case) -> tuple[str, ...]:
    """The paths of the layers of the user's own, here and inside of others, for which the case names no reference."""
    found: dict[str, None] = {}

    def visit(kind: str, config: Mapping[str, Any]) -> None:
        if is_own(kind) and not config.get("reference"):
            found.setdefault(kind)
        for value in config.values():
            for inner in value if isinstance(value, list | tuple) else [value]:
                if isinstance(inner, Mapping) and isinstance(inner.get("type"), str):
                    visit(inner["type"], inner)

    for layer in case.layers:
        visit(layer.type, layer.config)
    return tuple(found)


def _unspoken(verdict: LaneVerdict, own: tuple[str, ...]) -> LaneVerdict:
    """The reference's verdict where it had no formula of its own: it has not been found right, and has no say."""
    reason = f"no reference spoke: {', '.join(own)} has none, so lanes are held to what it gives itself in float64"
    is_quiet = verdict.verdict is Verdict.AGREE
    return replace(verdict, verdict=Verdict.NOT_JUDGED, reason=reason) if is_quiet else verdict


def _without_evidence(
    lanes: Mapping[str, LaneVerdict], observations: Mapping[str, Observation]
) -> dict[str, LaneVerdict]:
    """The lanes of a case in which nothing is judged, as failures: it is a green that nobody earned.

    A lane under a dtype policy alone may have nothing to be judged: the case was made for float32.
    """
    asked = {
        name: found for name, found in lanes.items() if name != REFERENCE and found.verdict is not Verdict.UNSUPPORTED
    }
    if any(found.verdict is not Verdict.NOT_JUDGED for found in asked.values()):
        return {}
    return {
        name: replace(
            found,
            verdict=Verdict.DIFFER,
            findings=(Finding("values", "nothing_judged", min(label for _, label in found.undecided)),),
            aspects={**found.aspects, "values": "differ"},
        )
        for name, found in asked.items()
        if observations[name].policy == USUAL
    }


def judge_lane(
    case: Case,
    got: Observation,
    reference: Observation,
    gives_masks: bool,
    other: OtherDraw | None = None,
    kinks: Kinks | None = None,
    random: RandomOutputs | None = None,
) -> LaneVerdict:
    """The verdict on one lane: against the reference, the case's expectations and its claims.

    Where the case wants the reference to raise and this lane to answer, only the case can say what the answer must be.
    Where the reference was lost, by a timeout or a crash, an answer stands unjudged, and that is no pass.
    """
    drawn = (random or RandomOutputs(case, reference)).labels
    reference, kinks = reference_under(reference, got.policy), kinks or Kinks(case)
    if got.ended != "finished":
        return LaneVerdict(got.lane, Verdict(got.ended), reason=got.detail)
    if got.unsupported is not None:
        return LaneVerdict(got.lane, Verdict.UNSUPPORTED, reason=got.unsupported)
    failed = error_finding(case, got)
    if failed is not None:
        verdict = Verdict.ERROR if failed.kind == "raised" else Verdict.DIFFER
        return LaneVerdict(got.lane, verdict, (failed,), _strip([failed], set()))
    if got.failure is not None:
        return LaneVerdict(got.lane, Verdict.AGREE, (), {"error": "agree"})
    if reference.ended != "finished" or reference.unsupported is not None:
        why = reference.unsupported or f"{reference.ended} ({reference.detail})"
        lost = Finding("error", "reference_lost", got=why)
        return LaneVerdict(got.lane, Verdict.DIFFER, (lost,), _strip([lost], set()))
    is_alone = reference.failure is not None and got.lane != REFERENCE
    if is_alone and not expected_errors(case, reference):
        alone = Finding("error", "only_reference_raised", got=reference.failure)
        return LaneVerdict(got.lane, Verdict.DIFFER, (alone,), _strip([alone], set()))
    findings: list[Finding] = []
    distances: list[dict[str, Distance]] = []
    gradients: dict[str, Distance] = {}
    matched: list[Matched] = []
    if got.lane != REFERENCE and not is_alone:
        findings += structure_findings(got, reference, "reference")
        matched = list(matched_outputs(got, reference, reference, case.demands, 1.0))
        by_aspect, distances = compare_outputs(matched, "reference", {"mask": gives_masks})
        findings += [finding for found in by_aspect.values() for finding in found]
        wrong, gradients = gradient_findings(got, reference, case.budget_scale)
        sides = kinks.sides(reference, any(finding.kind in ("values", "special") for finding in wrong))
        if sides.are_there:
            wrong, gradients = gradient_findings(got, reference, case.budget_scale, sides.kinks)
        findings += wrong
    else:
        sides = kinks.sides(reference, differs=False)
    taken = conventions(got, sides)
    findings += convention_findings(case, got, taken)
    if got.lane == REFERENCE and got.gradient_failure is not None:  # then nobody's gradients can be judged
        findings.append(Finding("gradient", "raised", got.gradient_failure.node, got=got.gradient_failure))
    findings += symbolic_findings(case, got)
    findings += node_findings(case, got, reference, gives_masks)
    findings += count_findings(case, got)
    findings += claim_findings(case, got, reference)
    findings += draw_findings(case, got)
    broken, invariants_asked = invariant_findings(case, got, reference)
    findings += broken
    has_model = is_asked(got) and not is_alone
    findings += model_findings(case, got, reference, gives_masks) if has_model else ()
    said_otherwise = list(method_findings(got, reference, gives_masks, runs_as_promised(case)))
    findings += said_otherwise
    has_methods = bool(said_otherwise) or (bool(got.methods) and not is_alone)
    if drawn:  # what is another with every draw is compared with nothing, nor what flows back through it
        findings = [finding for finding in findings if not _is_of_a_draw(finding, drawn, reference)]
        gradients = {}
    is_open = {(item.run, item.label) for item in undecided(matched, other or OtherDraw(case))}
    is_open |= drawn & {(item.run, item.label) for item in matched}
    if any((finding.run, finding.node) in is_open for finding in broken):
        # the values that are judged follow from one whose budget allows every answer
        findings = [finding for finding in findings if finding.aspect != "values"]
    findings = [_of_weights(finding) for finding in findings]
    findings.sort(key=lambda finding: (ASPECTS.index(finding.aspect), finding.run))
    opinions = {"mask": gives_masks, "invariants": invariants_asked, "model": has_model, "methods": has_methods}
    unjudged = {aspect for aspect, has_one in opinions.items() if not has_one}
    if got.lane != REFERENCE and not gradients and not any(f.aspect == "gradient" for f in findings):
        unjudged.add("gradient")
    first = [finding for finding in findings if finding.aspect == findings[0].aspect]
    open_gradients = undecided_gradients(gradients, reference, case.budget_scale, sides.kinks)
    if gradients and open_gradients >= gradients.keys():
        unjudged.add("gradient")
    is_blind = bool(is_open) and len(is_open) == len(matched) and not decides_values(case, got, reference)
    is_blind = is_blind and open_gradients >= gradients.keys()
    if is_blind or any((finding.run, finding.node) in is_open for finding in broken):
        unjudged.add("values")
    return LaneVerdict(
        got.lane,
        Verdict.DIFFER if findings else Verdict.NOT_JUDGED if is_blind else Verdict.AGREE,
        tuple(first),
        _strip(findings, unjudged),
        tuple(distances),
        frozenset(is_open),
        drawn,
        tuple(matched),
        gradients,
        open_gradients,
        taken,
    )


def _is_of_a_draw(finding: Finding, drawn: frozenset[tuple[int, str]], reference: Observation) -> bool:
    """Whether what was drawn may have made a difference: in values, and in the places of NaN where a draw gives some.

    NaN and infinities where the reference's own draw has none are a fault, and so are a shape, a dtype and a mask.
    """
    what = finding.kind if finding.aspect == "model" else finding.aspect
    if what == "gradient":
        return finding.kind in ("values", "convention") or (
            finding.kind == "special" and not np.isfinite(reference.gradients[finding.node].values).all()
        )
    if (finding.run, finding.node) not in drawn:
        return False
    return what == "values" or (what == "special" and not _is_finite(reference, finding))


def _is_finite(reference: Observation, finding: Finding) -> bool:
    """Whether the reference has no NaN and no infinity in the node of a finding."""
    outputs = reference.runs[finding.run][finding.node.partition("[")[0]].outputs
    return all(bool(np.isfinite(output.values).all()) for output in outputs)


def _of_weights(finding: Finding) -> Finding:
    """A difference in a weight after a step of training belongs to `weights`: it follows from values and gradients.

    What `fit` and `evaluate` report are values.
    """
    is_one = (
        is_trained(finding.node)
        and not is_report(finding.node)
        and finding.aspect in ("shape", "dtype", "special", "values")
    )
    return replace(finding, aspect="weights") if is_one else finding


def _strip(findings: Iterable[Finding], unjudged: set[str]) -> dict[str, str]:
    """Where each aspect stands: what follows the first cause is not judged, for it would only repeat it."""
    differing = {finding.aspect for finding in findings}
    strip: dict[str, str] = {}
    is_decided = False
    for aspect in ASPECTS:
        strip[aspect] = "-" if is_decided or aspect in unjudged else "differ" if aspect in differing else "agree"
        is_decided = is_decided or strip[aspect] == "differ"
    return strip


def _pair(
    case: Case,
    a: Observation,
    b: Observation,
    reference: Observation,
    masks: bool,
    drawn: frozenset[tuple[int, str]],
    judged: Sequence[Matched] = (),
) -> Pair:
    """Two lanes laid side by side; `judged` is what the second was judged by, where the first is the reference."""
    if any(got.ended != "finished" or got.unsupported is not None for got in (a, b)):
        return Pair(a.lane, b.lane, None, None)
    if a.failure is not None or b.failure is not None:
        if (a.failure is None) == (b.failure is None):
            return Pair(a.lane, b.lane, None, 0.0)
        return Pair(a.lane, b.lane, Finding("error", "one_raised", got=b.failure or a.failure), None)
    scale = 1.0 if REFERENCE in (a.lane, b.lane) else 2.0
    policy = b.policy if a.lane == REFERENCE else coarser_policy(a.policy, b.policy)
    reference = reference_under(reference, policy)
    if a.lane == REFERENCE:
        a = reference
    is_one_policy = a.policy == b.policy
    if not is_one_policy:
        reference = replace(reference, exact=frozenset())  # what one of them rounds, the other need not
    findings = structure_findings(b, a, a.lane)
    every = judged or matched_outputs(b, a, reference, case.demands, scale)
    matched = [item for item in every if (item.run, item.label) not in drawn]
    by_aspect, distances = compare_outputs(matched, a.lane, {"mask": masks, "dtype": is_one_policy})
    findings += [finding for found in by_aspect.values() for finding in found]
    findings.sort(key=lambda finding: ASPECTS.index(finding.aspect))
    measured = [d for run in distances for d in run.values()]
    return Pair(
        a.lane,
        b.lane,
        findings[0] if findings else None,
        max((d.used for d in measured), default=0.0),
        sum(d.over for d in measured),
        sum(d.count for d in measured),
        max((d.largest for d in measured), default=0.0),
    )


def _odd_one_out(pairs: tuple[Pair, ...]) -> str | None:
    """The one lane whose every pair differs while all other pairs agree; needs three lanes that can be compared."""
    compared = [pair for pair in pairs if pair.used is not None or pair.finding is not None]
    lanes = {name for pair in compared for name in (pair.first, pair.second)}
    if len(lanes) < 3:
        return None
    differing = [pair for pair in compared if pair.finding is not None]
    for lane in sorted(lanes):
        own = [pair for pair in compared if lane in (pair.first, pair.second)]
        if differing and all(pair in own for pair in differing) and all(pair in differing for pair in own):
            return lane
    return None
