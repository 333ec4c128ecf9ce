"""One case in one lane as a script: what it asks, what it needs, how it is built and run, and the check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from conformance.report.findings import finding_text
from conformance.repro.account import Account, account_of
from conformance.repro.check import answer_lines, error_lines
from conformance.repro.drawn import FUNCTIONS, carried
from conformance.repro.endings import shape_lines, signal_lines
from conformance.repro.evidence import Evidence
from conformance.repro.in_torchs_words import in_words_of
from conformance.repro.keras_script import keras_body
from conformance.repro.literals import PACKED, array_text, comment
from conformance.repro.numpy_script import numpy_body
from conformance.repro.parts import Body
from conformance.repro.torch_script import torch_body

BODIES: Mapping[str, Callable[[Evidence, str], Body]] = {
    "keras": keras_body,
    "torch": torch_body,
    "numpy": numpy_body,
}
"""By adapter: what writes the lane's own part of a script."""

ROWS = '''\
def object_array(rows):
    """An array of arrays."""
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array
'''


def script(evidence: Evidence, lane: str) -> str:
    """The script. Raises NotScriptable, with the reason, where none would be honest."""
    row = evidence.row(lane)
    evidence = in_words_of(evidence, row.adapter)
    account = account_of(evidence, lane)
    body = BODIES[row.adapter](evidence, lane)
    runs = [f"inputs_{run + 1}" if run else "inputs" for run in range(len(evidence.plan.runs))]
    course = _course(evidence, body, account, runs)
    is_run = account.failure is None or account.failure.phase != "weights"
    arrays = _inputs(evidence, body, runs) if is_run else []
    rest = "\n".join([*arrays, "", *course])
    helpers = [*body.helpers]
    if "object_array(" in rest:
        helpers.insert(0, ROWS)
    if "packed(" in rest:
        helpers.insert(0, PACKED)
    drawing = frozenset(name for name in FUNCTIONS if f"{name}(" in rest)
    texts, needed = carried(drawing) if drawing else ((), ())
    helpers += texts
    head = [_header(evidence, lane, account), *_imports(body, "\n".join([*helpers, rest]), needed), ""]
    blocks = [f"\n{helper.strip()}\n" for helper in helpers]
    text = "\n".join([*head, *blocks, *([""] if blocks else []), rest])
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip() + "\n"


def _course(evidence: Evidence, body: Body, account: Account, runs: list[str]) -> list[str]:
    failure = account.failure
    if account.signal:
        return signal_lines(body, account.signal, runs)
    if failure is None:
        return answer_lines(body, account, runs)
    return shape_lines(evidence, body, failure) if failure.phase == "weights" else error_lines(body, failure, runs)


def _imports(body: Body, rest: str, needed: tuple[str, ...]) -> list[str]:
    """The standard library in order; then what the lane imports, which may have to set a variable first."""
    standard = {
        "import sys",
        *(
            f"import {name}"
            for name in ("textwrap", "subprocess", "signal", "tempfile", "zlib", "base64")
            if f"{name}." in rest
        ),
        *needed,
    }
    if "packed(" in rest:
        standard.add("import base64")
    own = list(body.imports)
    while own and own[0]:
        standard.add(own.pop(0))
    return [*sorted(standard, key=lambda line: (line.startswith("from"), line)), *own]


def _inputs(evidence: Evidence, body: Body, runs: list[str]) -> list[str]:
    """The arrays that go in, a mapping for each run."""
    lines = ["# what goes in"]
    for name, arrays in zip(runs, evidence.plan.runs, strict=True):
        lines.append(f"{name} = {{")
        for key, array in arrays.items():
            if array.dtype == object:
                rows = "".join(f"\n        {array_text(row, 8)}," for row in array)
                text = f"object_array([{rows}\n    ])"
            else:
                text = evidence.text(array, 4)
            lines.append(f'    "{body.names(key)}": {text},')
        lines.append("}")
    return lines


def _header(evidence: Evidence, lane: str, account: Account) -> str:
    row, record = evidence.row(lane), evidence.record
    versions = ", ".join(f"{name} {version}" for name, version in row.versions.items())
    findings = record.lanes[lane].findings
    said = finding_text(record, lane, findings[0]) if findings else "this lane agrees with the NumPy reference"
    if account.signal:
        said = f"this lane's process is ended by {account.signal}"
    if account.failure is not None and account.verdict == "agree":
        said = f"this lane raises {account.failure.type} in phase {account.failure.phase}, as it should"
    return "\n".join(
        [
            comment(record.id),
            comment(record.question),
            "#",
            comment(f"Seen with {versions}."),
            comment(f"The report says: {said}."),
            "# Ends with 0 where that is so here too, with 1 where it is not.",
            "",
        ]
    )
