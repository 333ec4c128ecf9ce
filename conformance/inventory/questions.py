"""The question to ask about what a release changed: a command line that drafts a case over both releases."""

from __future__ import annotations

import shlex

from conformance.inventory.releases import Difference, Moved


def drafts(difference: Difference, before: str, now: str) -> tuple[str, ...]:
    """`conformance explain` over both lanes, for each layer and loss of the reference whose signature moved."""
    lines = []
    for moved in difference.moved:
        example = _example(moved)
        if example is not None:
            layer, inputs = example
            row = ["conformance", "explain", "--layer", layer]
            row += [part for given in inputs for part in ("--input", given)]
            row += ["--lane", before, "--lane", now, "--save", f"cases/mine/{moved.name.name.casefold()}.case.yaml"]
            lines.append(shlex.join(row))
    return tuple(lines)


def _example(moved: Moved) -> tuple[str, tuple[str, ...]] | None:
    from conformance.case.layers import types

    kind = types().get(moved.name.name) if moved.name.kind in ("layers", "losses") else None
    example = getattr(kind, "example", None)
    return None if example is None else (example.layer, example.inputs)
