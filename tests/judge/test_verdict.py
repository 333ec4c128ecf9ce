"""What is read off a verdict: an error, the share that was used, and the outcome of a case."""

from __future__ import annotations

import pytest

from conformance.judge.verdict import CaseVerdict, LaneVerdict, Pair, Verdict, Worst

AGREE, UNSUPPORTED, KNOWN, DIFFER = Verdict.AGREE, Verdict.UNSUPPORTED, Verdict.KNOWN, Verdict.DIFFER


def test_an_error_is_the_distance_between_two_numbers() -> None:
    assert Worst((0,), 2.0, 5.0, 1.0, 8.0, 0.0, 0.0).error == 3.0
    assert Worst((0,), 5.0, -2.0, 1.0, 8.0, 0.0, 0.0).error == 7.0


def test_who_has_no_distance_has_used_nothing() -> None:
    assert LaneVerdict("keras", AGREE).used == 0.0


@pytest.mark.parametrize(
    ("lanes", "outcome"),
    [
        ({"numpy": AGREE, "keras": UNSUPPORTED, "torch": UNSUPPORTED}, UNSUPPORTED),
        ({"numpy": AGREE, "keras": AGREE, "torch": UNSUPPORTED}, AGREE),
        ({"numpy": AGREE, "keras": UNSUPPORTED, "torch": AGREE}, AGREE),
        ({"numpy": AGREE}, AGREE),
        ({"numpy": AGREE, "keras": KNOWN, "torch": AGREE}, KNOWN),
        ({"numpy": AGREE, "keras": KNOWN, "torch": DIFFER}, DIFFER),
    ],
)
def test_a_case_is_unsupported_where_nobody_beside_the_reference_can_run_it(
    lanes: dict[str, Verdict], outcome: Verdict
) -> None:
    found = CaseVerdict("fam/a.b", {name: LaneVerdict(name, verdict) for name, verdict in lanes.items()})
    assert found.outcome is outcome


def test_of_a_pair_that_cannot_be_compared_nothing_is_counted() -> None:
    pair = Pair("keras", "torch", None, None)
    assert (pair.over, pair.count, pair.largest) == (0, 0, 0.0)
