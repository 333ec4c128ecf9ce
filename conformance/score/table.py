"""The score of a run against mutants: as a page for people, and as JSON for the report."""

from __future__ import annotations

from typing import Any

from conformance.score.score import Score

_HEAD = """\
# Mutants: what the cases can find

Every layer of the reference comes with plausible mistakes (`mutants` of its class). Each case is run against every
mutant of the layers that it uses, and the answer is judged as that of a lane; a mutant is killed when the verdict is
anything but `agree`. Values, masks, shapes, expectations and claims are judged, gradients are not. No framework runs.

gradient_mutants.md has what gradients would add, source_mutants.md generic mutants of the source of reference and
judge.

Made by `nox -s mutants`, which fails when a mutant survives that is not argued to be equivalent, when a case's
`kills:` is false, and when a mutant is broken.
"""


def page(score: Score) -> str:
    """The score as markdown."""
    killers = score.killers
    killed = sum(bool(cases) for cases in killers.values())
    parts = [
        _HEAD,
        f"{killed} of {len(killers)} mutants killed by {len(score.cases)} cases; "
        f"{len(score.survivors)} survive, {len(score.equivalent)} are equivalent.\n",
        "## Survivors\n",
        *listed([f"`{name}`: {score.mutants[name].mistake} ({_why(score, name)})" for name in score.survivors]),
        "\n## Equivalent mutants\n",
        *listed([f"`{name}`: {score.mutants[name].mistake}. {why}" for name, why in score.equivalent.items()]),
        "\n## Layers\n",
        "| layer | killed | of |",
        "|---|---|---|",
        *(f"| {layer} | {row['killed']} | {row['mutants']} |" for layer, row in layers(score).items()),
        "\n## Topics\n",
        "A topic is a case file; its trials are its cases times the mutants of their layers.\n",
        "| topic | cases | mutants tried | killed |",
        "|---|---|---|---|",
        *(f"| {t} | {row['cases']} | {row['mutants']} | {row['killed']} |" for t, row in topics(score).items()),
        "\n## Mutants\n",
        "| mutant | somebody who | found by |",
        "|---|---|---|",
        *(f"| {name} | {_cell(score.mutants[name].mistake)} | {_found(cases)} |" for name, cases in killers.items()),
    ]
    return "\n".join(parts) + "\n"


def listed(lines: list[str]) -> list[str]:
    """Lines as a list of markdown."""
    return [f"- {line}" for line in lines] or ["None."]


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _why(score: Score, name: str) -> str:
    layer = name.rpartition(".")[0]
    tried = sum(trial.mutant == name for case in score.cases for trial in case.trials)
    return f"tried in {tried} cases" if tried else f"no case uses {layer}"


def _found(cases: list[str]) -> str:
    if not cases:
        return "-"
    return f"{len(cases)}: {cases[0]}" + (", ..." if len(cases) > 1 else "")


def layers(score: Score) -> dict[str, dict[str, int]]:
    """Layer to its mutants and how many of them are killed."""
    rows: dict[str, dict[str, int]] = {}
    for name, cases in score.killers.items():
        row = rows.setdefault(name.rpartition(".")[0], {"mutants": 0, "killed": 0})
        row["mutants"] += 1
        row["killed"] += bool(cases)
    return rows


def topics(score: Score) -> dict[str, dict[str, int]]:
    """Case file to its cases, the mutants that were tried in them, and those that at least one of them kills."""
    tried: dict[str, set[str]] = {}
    killed: dict[str, set[str]] = {}
    cases: dict[str, int] = {}
    for case in score.cases:
        topic = case.case.partition(".")[0]
        cases[topic] = cases.get(topic, 0) + 1
        tried.setdefault(topic, set()).update(trial.mutant for trial in case.trials if trial.outcome != "not applied")
        killed.setdefault(topic, set()).update(case.of("killed"))
    return {
        topic: {"cases": cases[topic], "mutants": len(tried[topic]), "killed": len(killed[topic])}
        for topic in sorted(cases)
    }


def as_json(score: Score) -> dict[str, Any]:
    """The score as plain JSON; every mutant, every case."""
    killers = score.killers
    return {
        "schema_version": 1,
        "kind": "conformance-mutants",
        "total": {
            "mutants": len(killers),
            "killed": sum(bool(cases) for cases in killers.values()),
            "survivors": list(score.survivors),
            "equivalent": dict(score.equivalent),
            "cases": len(score.cases),
        },
        "problems": score.problems,
        "layers": layers(score),
        "mutants": {
            name: {"mistake": score.mutants[name].mistake, "killed_by": cases} for name, cases in killers.items()
        },
        "cases": {
            case.case: {
                "killed": {trial.mutant: trial.by for trial in case.trials if trial.outcome == "killed"},
                "survived": list(case.of("survived")),
                "not_applied": list(case.of("not applied")),
            }
            for case in score.cases
        },
    }
