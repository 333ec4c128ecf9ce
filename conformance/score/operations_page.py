"""What was made of mistakes in operations, as a page for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from conformance.mutants.equivalent import EQUIVALENT_OPERATIONS
from conformance.score.operations import Tried
from conformance.score.table import listed

_HEAD = """\
# Mutants of operations: what the generated cases can find

Every function of `keras.ops` with a reference gets mistakes by rules that follow from its signature, from what goes in
and what comes out: an axis beside the right one, an argument that is ignored, arrays changed over, a sign, the other
end, broadcasting from the front, integers as floats, NaN taken for 0, infinities cut off, an array of nothing refused.
Beside them come traps that are known of an operation (the last of ties, halves rounded up, `1 - erf(x)`), and slips in
the lines of its formula: another function of the same kind, a term left out, a bound, a number. What changes nothing in
any of many probes of the right function, NaN, infinities and integers among them, is no mistake and is not counted;
that an argument is got wrong always is one.

Each mistake is put in the place of the right function, and the cases of its operation are judged against it as against
a lane, until one finds it. No framework runs.

    conformance mutants --operations -o docs/evidence/operation_mutants.md       all
    conformance mutants --operations --shard 1/32                                a sample

The command fails where a mistake survives that is not argued to be equivalent, and where one is killed that is.
"""


def survivors(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """Mistakes that no case finds and that nobody has argued to be equivalent."""
    return tuple(one for one in tried if not one.case and one.told not in EQUIVALENT_OPERATIONS)


def problems(tried: Sequence[Tried]) -> list[str]:
    """Why this is no pass, a line each."""
    wrongly = [one for one in tried if one.case and one.told in EQUIVALENT_OPERATIONS]
    return [
        *(f"{one.id} survives: somebody who {one.mistake}" for one in survivors(tried)),
        *(f"{one.id} is listed as equivalent; {one.case} kills it" for one in wrongly),
    ]


def page(tried: Sequence[Tried]) -> str:
    """The whole as markdown."""
    killed = [one for one in tried if one.case]
    operations = len({one.operation for one in tried})
    equal = [one for one in tried if not one.case and one.told in EQUIVALENT_OPERATIONS]
    alive = survivors(tried)
    parts = [
        _HEAD,
        f"{len(killed)} of {len(tried)} mistakes in {operations} operations are found; {len(alive)} survive, "
        f"{len(equal)} are equivalent.\n",
        "## By kind\n",
        "| kind | mistakes | found | survive | equivalent |",
        "|---|---|---|---|---|",
        *_rows(tried),
        "\n## Survivors\n",
        *listed([f"`{one.id}`: somebody who {one.mistake}" for one in alive]),
        "\n## Equivalent\n",
        *listed([f"`{one.id}`: {one.mistake}. {EQUIVALENT_OPERATIONS[one.told]}" for one in equal]),
        "\n## By aspect\n",
        "The first aspect in which the case that finds a mistake differs.\n",
        "| aspect | mistakes |",
        "|---|---|",
        *(f"| {aspect} | {count} |" for aspect, count in Counter(one.aspect for one in killed).most_common()),
        "\n## By operation\n",
        "| operation | mistakes | found |",
        "|---|---|---|",
        *_by_operation(tried),
    ]
    return "\n".join(parts) + "\n"


def _rows(tried: Sequence[Tried]) -> list[str]:
    alive = set(survivors(tried))
    rows = []
    for kind in dict.fromkeys(one.kind for one in tried):
        mine = [one for one in tried if one.kind == kind]
        found, left = sum(bool(one.case) for one in mine), sum(one in alive for one in mine)
        rows.append(f"| {kind} | {len(mine)} | {found} | {left} | {len(mine) - found - left} |")
    return rows


def _by_operation(tried: Sequence[Tried]) -> list[str]:
    every, found = Counter(one.operation for one in tried), Counter(one.operation for one in tried if one.case)
    return [f"| {name} | {count} | {found[name]} |" for name, count in every.items()]
