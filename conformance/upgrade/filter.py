"""`--uses clf.keras`: of the cases that were asked for, those about what models use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.comparison.ends import ProcessEnd, SideRequests, far_spec
from conformance.comparison.session import scratch
from conformance.comparison.sides import allowed_of, spec_of
from conformance.comparison.values import model_of
from conformance.errors import UsageError
from conformance.gate.selection import selected
from conformance.gate.words import number
from conformance.lanes.declare import parse
from conformance.upgrade.concerns import concerned
from conformance.upgrade.gate import cases_of, items, own_cases, places_of
from conformance.upgrade.uses import Use, uses_of_file, uses_of_model


def filtered(models: Sequence[str], allowed: Sequence[str], arguments: Sequence[str]) -> tuple[str, ...]:
    """Arguments for pytest that name the cases about what these models use.

    Raises UsageError where there are none, CompareError for what is no model.
    """
    arguments = selected(arguments, own_cases())  # an id is no path yet
    paths = places_of(arguments)
    uses = [use for text in models for use in uses_of(text, allowed)]
    found = concerned(cases_of(paths), uses)
    where = ", ".join(map(str, paths))
    names = ", ".join(models)
    if not found.cases:
        raise UsageError(f"no case in {where} is about what {names} uses", "name another folder of cases")
    others = f"; {found.with_other_arguments} more are about its layers with other arguments"
    said = f"{number(len(found.cases), 'case')} in {where} ask about what {names} uses"
    print(f"conformance: {said}{others if found.with_other_arguments else ''}", file=sys.stderr)
    return items(found.cases, arguments)


def uses_of(text: str, allowed: Sequence[str]) -> tuple[Use, ...]:
    """What one model uses: read from a `.keras` file, else told by the Keras that is installed."""
    if text.endswith(".keras"):
        return uses_of_file(Path(text))
    spec = {**spec_of(text, "the model"), "allow": allowed_of(allowed)}
    with scratch() as folder:
        end = ProcessEnd(far_spec(parse("keras")), SideRequests("the model", folder, spec))
        try:
            return uses_of_model(model_of(end.ask("describe"), end.versions()))
        finally:
            end.stop()
