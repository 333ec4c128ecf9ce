"""A campaign as one page in the report's style: findings first, then what was tried and what was thrown away."""

from __future__ import annotations

from collections import Counter

from conformance.campaign.campaign import judged_of, totals
from conformance.campaign.coverage import Coverage
from conformance.campaign.dating import words
from conformance.campaign.draft import described
from conformance.campaign.folder import Finding, Folder
from conformance.report.blocks import Cell, Code, Command, Page, Paragraph, Section, Table
from conformance.report.frame import Head
from conformance.report.html import document
from conformance.report.words import one_line, safe

MOST_FINDINGS = 300
MOST_UNTRIED = 6
MEANINGS = {
    "agree": "every lane that could be judged gave the reference's answer",
    "refused by all": "the reference and Keras refuse it",
    "listed": "differs as a listed deviation does",
    "finding": "differs as nothing before did",
    "seen before": "differs as an earlier finding does",
    "not told apart": "looks like several findings of which it is not known why they differ; its reason was not asked",
    "thrown away": "its budget allows every answer, so that nothing was judged",
    "not sayable": "no case can say it: refused where it was read",
    "left out": "not asked: it has a layer that crashed a lane three times",
    "no lane has it": "no lane can run it",
}
"""What can come of a draft."""


def html(folder: Folder, coverage: Coverage) -> str:
    """The page."""
    findings = folder.kept
    ran = sum(row.ran for row in folder.seeds.values())
    words = f"{len(findings)} finding{'' if len(findings) == 1 else 's'} in {ran:,} drawn cases"
    lanes = "; ".join(
        f"{name}: {', '.join(f'{package} {version}' for package, version in sorted(versions.items()))}"
        for name, versions in folder.about.lanes.items()
    )
    sentences = [one_line(lanes, 300), _bound(judged_of(folder), len(findings))]
    if len(findings) > MOST_FINDINGS:
        sentences.append(f"{len(findings) - MOST_FINDINGS} more findings stand in the folder alone.")
    head = Head(
        title=f"Campaign: {words}",
        state="differ" if findings else "agree",
        sign="✗" if findings else "✓",
        headline=words,
        sentences=tuple(sentences),
        contents=(
            ("What came of the drafts", "outcomes"),
            ("What was tried", "coverage"),
            ("Listed deviations that were seen", "listed"),
        ),
    )
    return document(
        "campaign.html.j2",
        head,
        drawn=[_page(folder, finding) for finding in findings[:MOST_FINDINGS]],
        tables=[
            ("What came of the drafts", "outcomes", _outcomes(folder)),
            ("What was tried", "coverage", _coverage(coverage)),
            ("Listed deviations that were seen", "listed", _listed(folder)),
        ],
    )


def _bound(judged: int, findings: int) -> str:
    """What a campaign without findings says of those that it did not draw."""
    if findings or not judged:
        return "A finding is shown once, by the smallest case that was found for it."
    share = f"fewer than {3 / judged:.2g} of the cases that are drawn like this"
    return f"With 95 % confidence, {share} differ as nothing listed does (3 / {judged:,} that were judged)."


def _page(folder: Folder, finding: Finding) -> Page:
    path = folder.file(finding)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        text = "the case file is gone\n"
    place = f"{path.parent.name}/{path.name}; seed {finding.seed}"
    said = finding.words or str(finding.signature)
    again = f"Shown by {finding.again} draws of other numbers." if finding.again else "Not made small yet."
    if finding.dated is not None:
        again += f" By releases: {words(finding.dated)}."
    blocks = (Paragraph(safe(said, 400)), Code(safe(text, 6_000)), Paragraph(safe(again, 600), "note"))
    return Page(
        id=one_line(finding.name, 120),
        outcome="differ",
        place=one_line(place, 200),
        about=one_line(str(finding.signature), 240),
        answer="",
        command="",
        question=safe(described(finding.draft), 400),
        sections=(
            Section("Question", (Paragraph(safe(described(finding.draft), 600), "question"),)),
            Section("What differs", blocks),
            Section("Run it again", (Command(f"pytest {path.parent.name}/{path.name}"),)),
        ),
    )


def _outcomes(folder: Folder) -> Table:
    found = totals(folder)
    seconds = sum(row.seconds for row in folder.seeds.values())
    ran = sum(row.ran for row in folder.seeds.values())
    rows = [
        (Cell(what), Cell(f"{found[what]:,}", "number"), Cell(meaning))
        for what, meaning in MEANINGS.items()
        if found[what]
    ]
    speed = f"{ran / seconds:.1f} a second, {len(folder.seeds):,} seeds" if seconds else "no seed is through"
    rows.append((Cell("all"), Cell(f"{ran:,}", "number"), Cell(speed)))
    return Table("drafts by what came of them", ("what", "drafts", "meaning"), tuple(rows))


def _coverage(coverage: Coverage) -> Table:
    rows = []
    for row in coverage.rows():
        untried = ", ".join(one_line(item, 60) for item in row.untried[:MOST_UNTRIED])
        more = len(row.untried) - MOST_UNTRIED
        rows.append(
            (
                Cell(row.layer),
                Cell(f"{row.values} of {row.all_values}", "number"),
                Cell(f"{row.pairs:,} of {row.all_pairs:,}", "number"),
                Cell(f"{untried} and {more} more" if more > 0 else untried, "muted"),
            )
        )
    caption = f"values of arguments and inputs that are not the usual ones, and pairs; graphs: {len(coverage.graphs):,}"
    return Table(caption, ("layer", "values", "pairs", "values not tried"), tuple(rows), "wide")


def _listed(folder: Folder) -> Table:
    seen: Counter[str] = Counter()
    for row in folder.seeds.values():
        seen.update(row.listed)
    rows = tuple((Cell(one_line(name, 80)), Cell(f"{number:,}", "number")) for name, number in seen.most_common())
    return Table("how many drafts show each", ("deviation", "drafts"), rows or ((Cell("none"), Cell("0", "number")),))
