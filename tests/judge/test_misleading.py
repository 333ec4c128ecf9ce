"""Small inputs that invite a wrong verdict, each with what is right: asked of Keras and torch in one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conformance.case.load import load_file
from conformance.errors import CaseError
from conformance.lanes.declare import parse
from conformance.record.case import Record
from conformance.report.facts import axes_of, node
from conformance.report.findings import verdict_text
from conformance.run import LANES, Run
from tests.builders import cases_of

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own, which a lane's process writes to a file
]
HALF = "keras-mixed_float16"


@pytest.fixture(scope="module")
def records() -> Iterator[dict[str, Record]]:
    """The case's name to its record."""
    cases = load_file(Path(__file__).parent / "data" / "misleading.case.yaml")
    lanes = [LANES["keras"], LANES["torch"], parse("keras[policy=mixed_float16]"), LANES["numpy"]]
    run = Run(lanes)
    asked = [(case, ["keras", "torch", *([HALF] if "sixteen_bits" in case.id else [])]) for case in cases]
    run.announce(asked)
    try:
        yield {case.id.rpartition(".")[2]: run.record(case) for case in cases}
    finally:
        run.stop()


def verdicts(record: Record) -> dict[str, str]:
    return {name: str(held.verdict) for name, held in record.lanes.items() if name != "numpy"}


def test_a_penalty_adds_its_slope_to_the_gradient(records: dict[str, Record]) -> None:
    """0.5 w^2 adds w: a step of rate 0.1 moves the kernel by a tenth of itself more."""
    record = records["penalty_in_training"]
    assert verdicts(record) == {"keras": "agree", "torch": "agree"}
    for lane in record.lanes:
        plain, penalised = (node(record, lane, f"{name}.kernel@1") for name in ("plain", "penalised"))
        assert plain is not None
        assert penalised is not None
        moved = np.array(plain.values, dtype=float) - np.array(penalised.values, dtype=float)
        assert np.all(np.abs(moved) > 0.001)


def test_shares_of_scores_that_16_bits_hold_are_judged(records: dict[str, Record]) -> None:
    """Both scores are numbers of float16, so that nothing is rounded before the softmax: (0.5, 0, 0) is wrong."""
    record = records["shares_in_sixteen_bits"]
    assert verdicts(record)["keras"] == verdicts(record)["torch"] == "agree"
    found = record.lanes[HALF]
    assert found.runs[0]["y"].not_judged is None
    assert str(found.verdict) == "differ"
    assert verdict_text(record, HALF).startswith("values of y")


def test_shares_that_16_bits_cannot_tell_apart_are_not_judged_and_must_sum_to_1(records: dict[str, Record]) -> None:
    record = records["shares_of_what_sixteen_bits_round"]
    assert verdicts(record)["keras"] == verdicts(record)["torch"] == "agree"
    found = record.lanes[HALF]
    assert found.runs[0]["y"].not_judged == "allows_every_answer"
    assert (str(found.verdict), found.aspects["values"]) == ("differ", "-")
    assert verdict_text(record, HALF).startswith("invariant shares_sum_to_1 of y")


def test_a_query_with_nothing_to_look_at_gives_0_off_the_fused_path(records: dict[str, Record]) -> None:
    record = records["nothing_to_look_at_off_the_fused_path"]
    assert verdicts(record) == {"keras": "agree", "torch": "agree"}
    held = node(record, "numpy", "y")
    assert held is not None
    assert not np.any(np.array(held.values, dtype=float))


def test_a_statistic_that_a_call_has_moved_has_no_gradient_to_agree_on(records: dict[str, Record]) -> None:
    record = records["statistics_moved_by_a_call"]
    assert verdicts(record) == {"keras": "agree", "torch": "agree"}
    assert not any("moving" in name for name in record.lanes["keras"].gradients)


def test_a_tie_has_a_convention_in_each_lane(records: dict[str, Record]) -> None:
    record = records["tie_of_a_maximum"]
    assert verdicts(record) == {"keras": "agree", "torch": "agree"}
    taken = {name: held.gradients["input a"].convention for name, held in record.lanes.items() if held.gradients}
    assert taken == {"keras": "left", "torch": "shared"}


def test_four_rows_are_not_called_filters_because_there_are_four_filters(records: dict[str, Record]) -> None:
    record = records["lengths_that_coincide"]
    assert verdicts(record) == {"keras": "agree", "torch": "agree"}
    held = node(record, "keras", "by_same")
    assert held is not None
    assert tuple(held.shape) == (2, 4, 5, 4)
    names = axes_of(record, "by_same", held.shape, 0)
    assert names[1] != "filters"


def test_a_wrapper_behind_a_mask_is_asked_as_a_model_too(records: dict[str, Record]) -> None:
    record = records["wrapped_behind_a_mask"]
    assert verdicts(record) == {"keras": "agree", "torch": "agree"}
    assert record.lanes["keras"].aspects["model"] == "agree"


REFUSED = """
    schema_version: 1
    topic: what is not in the mathematics
    source: {kind: hand}
    cases:
      - id: one
        question: What comes out?
        inputs: {x: {shape: [2, 3]}}
        layers: {layer: {LAYER}}
        graph: {y: "CALL"}
"""


@pytest.mark.parametrize(
    ("layer", "call", "message"),
    [
        ("type: Dense, units: 2, dtype: float64", "layer(x)", "dtype of Dense must be float32"),
        ("type: Dense, units: 2, dtype: int8_from_mixed_bfloat16", "layer(x)", "dtype of Dense must be float32"),
        (
            'type: EinsumDense, equation: "ab,bc->ac", output_shape: 4, lora_rank: 2',
            "layer(x)",
            "Keras takes lora_rank of EinsumDense; there is no reference for it here",
        ),
        ("type: Dropout, rate: 0.5", "layer(x, training=True)", "y is random, and another in every lane"),
    ],
)
def test_what_would_mislead_is_refused_when_the_case_is_read(
    layer: str, call: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CaseError, match=message):
        cases_of(REFUSED.replace("{LAYER}", "{" + layer + "}").replace("CALL", call), tmp_path)
