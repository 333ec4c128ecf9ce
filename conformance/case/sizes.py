"""A case at other sizes than its own: what is true of it by chance of a length is not true there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance.case.load import display_path, written_cases
from conformance.case.matrix import unfold
from conformance.case.model import Case
from conformance.case.problems import TooManyProblems
from conformance.case.validate import case_of, head_of
from conformance.case.yaml import read
from conformance.errors import CaseError


def at_other_sizes(case: Case, by: int) -> Iterator[Case]:
    """The case with its named axes longer: all of them by so much, then each alone; only where it can be read so.

    Its file is read again. Nothing comes of a case that was written otherwise there, or whose arrays are written down.
    """
    names = list(case.dims)
    for some in (names, *([name] for name in names if len(names) > 1)):
        found = _read(case, dict.fromkeys(some, by))
        if found is not None:
            yield found.at_seed(case.seed)


def _read(case: Case, longer: Mapping[str, int]) -> Case | None:
    """The case of this id in its file, with these axes longer; None where it is not in order."""
    file, prefix = Path(case.position.path).absolute(), case.id.partition(".")[0]
    try:
        document = read(file, display_path(file))
        head = head_of(document.root, prefix, file.parent.resolve(), document.problems, longer)
        for node, text in written_cases(document):
            if node.line == case.position.line and text == case.text:
                for variant in unfold(node, text, document.problems):
                    if f"{prefix}.{node['id'].value}{variant.suffix}" == case.id:
                        return case_of(head, variant, text)
    except (CaseError, OSError, TooManyProblems):
        return None
    return None
