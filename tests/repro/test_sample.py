"""Scripts of a sample of the project's cases in all three lanes, against what the lanes said a moment before.

`python -m tests.repro.all` does the same with every case, and writes docs/repro.md.
"""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import Any

import pytest

from conformance.case.load import load_folder
from conformance.repro.evidence import Evidence, evidence_of
from conformance.repro.script import script
from conformance.results import lane_row
from conformance.run import LANES, Run
from tests.repro.scripts import alone, together

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).parents[2]
LANES_WITH_SCRIPTS = ("keras", "torch", "numpy")
ALWAYS = (
    "attention/heads.residual",  # known: another mask
    "attention/heads.scores_of_cross_attention",  # known: another shape without numbers
    "rnn/stateful.of_two_cells",  # known: raises where it should answer
    "normalization/rms.other_axis_of_a_square",  # known: other values
    "pooling/global_average.channels_first_masked",  # raises, as it should
    "model/composition.out_of_reach",  # a sub-model, and an error while it is built
    "merge/masked_average.over_a_list",  # a layer of ours
    "loss/sample_weight.compile",  # a training step
    "inputs/arrays.stacked",  # an array of arrays
    "rnn/stateful.bidirectional",  # states that outlive a call
)
"""What the sample must hold, beside one case of every family."""
STANDARD = {"base64", "dataclasses", "hashlib", "math", "os", "sys", "textwrap", "warnings", "inspect"}
STANDARD |= {"collections.abc", "functools", "fractions", "types"}


def sample() -> list[Any]:
    """Every family's case of the least digest, and those that are always there."""
    cases = load_folder(ROOT / "cases")
    chosen: dict[str, Any] = {}
    for case in sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest()):
        if not case.trainings and (not case.lanes or set(LANES_WITH_SCRIPTS) <= set(case.lanes)):
            chosen.setdefault(case.family, case)
    return [*chosen.values(), *(case for case in cases if case.id in ALWAYS and case not in chosen.values())]


@pytest.fixture(scope="module")
def evidence() -> dict[str, Evidence]:
    """The evidence on the sample's cases, which the three lanes answer first."""
    specs = tuple(LANES[name] for name in LANES_WITH_SCRIPTS)
    cases, run = sample(), Run(specs)
    try:
        run.announce([(case, LANES_WITH_SCRIPTS) for case in cases])
        records = [run.record(case) for case in cases]
        identities = run.identities()
    finally:
        run.stop()
    rows = [lane_row(spec, identities[spec.name], len(cases), records) for spec in specs]
    return {record["id"]: evidence_of({"lanes": rows}, record) for record in records}


@pytest.fixture(scope="module")
def scripts(evidence: dict[str, Evidence]) -> dict[str, dict[str, str]]:
    return {lane: {name: script(one, lane) for name, one in evidence.items()} for lane in LANES_WITH_SCRIPTS}


@pytest.mark.parametrize("lane", LANES_WITH_SCRIPTS)
def test_every_script_of_the_sample_reproduces(scripts: Any, lane: str, tmp_path: Path) -> None:
    ended = together(scripts[lane], tmp_path)
    wrong = {name: one.output[-800:] for name, one in ended.items() if one.code != 0}
    assert not wrong, "\n\n".join(f"{name}\n{output}" for name, output in wrong.items())
    assert len(ended) == len(scripts[lane]) >= 25
    assert all(one.output.rstrip().endswith("reproduced") for one in ended.values())


@pytest.mark.parametrize("lane", ["keras", "torch"])
def test_a_known_deviation_is_shown_by_a_script_alone(scripts: Any, lane: str, tmp_path: Path) -> None:
    ended = alone(scripts[lane]["attention/heads.residual"], tmp_path)
    assert ended.code == 0, ended.output
    is_told = "the reference expects: shape (2, 5, 6), dtype float32, mask [[1, 1, 0, 1, 0], [1, 1, 1, 0, 0]]"
    assert (is_told in ended.output) == (lane == "keras")


def test_keras_that_answers_otherwise_ends_with_1(scripts: Any, tmp_path: Path) -> None:
    text = scripts["keras"]["attention/heads.residual"]
    tampered = {
        "mask": text.replace('"mask": None', '"mask": np.full((2, 5), True)', 1),
        "symbolic": text.replace('"symbolic": (None, 5, 6)', '"symbolic": (None, 6, 5)', 1),
        "weights": text.replace("embed.set_weights([", "embed.set_weights([2 * ", 1),
    }
    ended = together(tampered, tmp_path)
    assert all(changed != text for changed in tampered.values())
    assert {name: one.code for name, one in ended.items()} == {"mask": 1, "symbolic": 1, "weights": 1}
    assert "NOT AS REPORTED, which says: mask" in ended["mask"].output


def test_no_script_imports_anything_of_ours(scripts: Any) -> None:
    for lane, allowed in (("keras", {"keras"}), ("torch", {"torch"}), ("numpy", set())):
        for text in scripts[lane].values():
            tree = ast.parse(text)
            imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            first = {name if name in STANDARD else name.partition(".")[0] for name in imported}
            assert first <= STANDARD | {"numpy"} | allowed
