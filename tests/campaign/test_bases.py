"""What is drawn beside layers: trainings, metrics and operations, read off the reference's own schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.asking import Judged
from conformance.campaign.bases import METRICS, metrics, others, trainings
from conformance.campaign.campaign import Campaign
from conformance.campaign.draft import Draft, case_lines, described, file_text
from conformance.campaign.draws import drafts
from conformance.campaign.folder import SORTS, opened
from conformance.campaign.triage import calls_of
from conformance.case.layers import types
from conformance.case.load import load_parts
from conformance.case.optimizers import types as optimizer_types
from conformance.judge.verdict import Verdict
from conformance.kinds.operations import unasked_text
from tests.campaign.asked import about, asking
from tests.campaign.lane import NOTHING, planted


def test_a_seed_gives_the_same_every_time_and_another_gives_others() -> None:
    assert [one.digest for one in others(3, 4, SORTS, unasked_text)] == [
        one.digest for one in others(3, 4, SORTS, unasked_text)
    ]
    assert not {one.digest for one in others(3, 4, SORTS, unasked_text)} & {
        one.digest for one in others(4, 4, SORTS, unasked_text)
    }


def test_every_optimiser_trains_under_every_loss_that_is_drawn() -> None:
    kinds = {case["training"]["optimizer"]["type"] for case in trainings()}
    assert kinds == set(optimizer_types())
    losses = {case["layers"]["loss_of"]["type"] for case in trainings()}
    assert losses == {kind for kind, made in types().items() if made.is_loss and not made.written_as_case}


def test_every_metric_is_asked_of_what_the_reference_takes() -> None:
    asked = {case["layers"]["metric"]["type"] for case in metrics()}
    assert asked == {kind for kind in types() if kind.startswith(METRICS)}
    assert {len(case["graph"]) for case in metrics()} == {2}


def sorts(drawn: list[Draft]) -> set[str]:
    """Which sorts of case are among drafts."""
    cases = [one.written or {} for one in drawn]
    return {
        "training" if "training" in case else "metric" if "metric" in case["layers"] else "operation" for case in cases
    }


def test_each_sort_is_drawn_and_what_is_drawn_reads(tmp_path: Path) -> None:
    drawn = [one for seed in range(4) for one in others(seed, 4, SORTS, unasked_text)]
    assert sorts(drawn) == {"training", "metric", "operation"}
    texts = [case_lines(one, f"d{number}", described(one)) for number, one in enumerate(drawn)]
    file = tmp_path / "campaign" / "drawn.case.yaml"
    file.parent.mkdir()
    file.write_text(file_text("drawn", texts), encoding="utf-8")
    assert len(load_parts(file).cases) == len(drawn)


def test_a_campaign_over_some_layers_draws_those_alone() -> None:
    assert all(one.written is None for one in drafts(0, ("ReLU", "Add"), count=8))


SUMMED = {
    "id": "metrics.Sum",
    "inputs": {"x": {"shape": [3, 2]}},
    "layers": {"metric": {"type": "metrics.Sum"}},
    "graph": {"after_1": "metric(x)"},
}
CUT = {
    "id": "clip.usual",
    "inputs": {"x": {"shape": [3]}},
    "layers": {"operation": {"type": "ops.clip", "x_min": 0.0, "x_max": 1.0}},
    "graph": {"result": "operation(x)"},
}


@pytest.mark.parametrize("case", [SUMMED, CUT])
def test_a_fault_in_a_metric_or_an_operation_is_a_finding_of_it(case: dict[str, Any]) -> None:
    (kind,) = (layer["type"] for layer in case["layers"].values())
    draft = Draft((), (), (), written=case)
    with asking(planted(kind)) as asker:
        (judged,) = asker.ask([draft])
        assert judged.record is not None
        assert {one.layer for one in asker.tell(judged.record, calls_of(draft))} == {kind}
    with asking(planted(NOTHING)) as asker:
        assert verdict(*asker.ask([draft])) is Verdict.AGREE


def verdict(judged: Judged) -> Verdict:
    """What was made of the planted lane."""
    assert judged.record is not None, judged.why
    return judged.record.lanes["planted"].verdict


def test_of_each_seed_some_drafts_are_of_no_layer_whatever_the_layers_would_try(tmp_path: Path) -> None:
    with asking(planted(NOTHING)) as asker, opened(tmp_path / "c", about(("ReLU",), also=SORTS)) as folder:
        campaign = Campaign(folder, asker, ("ReLU",), lambda _: (), lambda _: None, a_seed=4, texts=unasked_text)
        row, _ = campaign.seed(1)
    assert [len({name for name, _ in varied if ": " in name}) > 0 for varied in row.varied] == [False] * 3 + [True]


def test_what_the_drafts_would_promise_of_their_input_is_not_drawn() -> None:
    changes = [
        path for seed in range(60) for one in others(seed, 4, ("operations",), unasked_text) for path, _ in one.changes
    ]
    assert not any(path.endswith("/sorted") for path in changes)
    assert any(path.startswith("layers/operation/") for path in changes)


def test_a_metric_of_values_is_told_of_values_and_one_of_labels_of_both() -> None:
    calls = {case["layers"]["metric"]["type"]: case["graph"]["after_1"] for case in metrics()}
    assert (calls["metrics.Mean"], calls["metrics.Accuracy"]) == ("metric(x)", "metric(y, p)")


def test_operations_want_the_text_of_their_cases() -> None:
    with pytest.raises(ValueError, match="none was given"):
        others(0, 1, ("operations",))
