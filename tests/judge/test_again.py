"""A stored run under another budget: what it used scales, what differs otherwise stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.record.again import Changed, text
from tests.asked import assemble, write
from tests.builders import POOLED, cases_of, fake, records_of
from tests.judge.asked import judge_again

MEANS_ONLY = POOLED.replace("embedded", "_embedded")


def records_in(folder: Path, *behaviours: str, case: str = MEANS_ONLY) -> list[dict[str, Any]]:
    """What `judge_again` reads of a run with these fakes, through JSON as from a file."""
    records = records_of(cases_of(case, folder), *(fake(behaviour) for behaviour in behaviours))
    return json.loads(json.dumps(records))


def lane_used(found: list[dict[str, Any]], lane: str) -> float:
    return found[0]["lanes"][lane]["used"]


def test_at_scale_one_every_verdict_stays(tmp_path: Path) -> None:
    found = records_in(tmp_path, "always_right", "off_by_one_ulp", "off_by_a_thousandth", "wrong_shape")
    judged = judge_again(found, 1.0)
    assert judged.changes == ()
    assert judged.verdicts == {"agree": 3, "differ": 2}, "the reference agrees with itself"


def test_a_budget_narrower_than_what_is_used_fails(tmp_path: Path) -> None:
    found = records_in(tmp_path, "off_by_one_ulp")
    used = lane_used(found, "off_by_one_ulp")
    assert 0 < used < 1
    assert judge_again(found, used * 1.01).changes == ()
    narrow = judge_again(found, used / 2)
    assert narrow.changes == (
        Changed("fam/topic.masked", "off_by_one_ulp", "agree", "differ", "pooled", pytest.approx(2.0)),
    )
    assert narrow.has_failures


def test_a_budget_wide_enough_passes_what_differed_in_size_only(tmp_path: Path) -> None:
    found = records_in(tmp_path, "off_by_a_thousandth", "wrong_shape", "gives_nan")
    wide = judge_again(found, 2 * lane_used(found, "off_by_a_thousandth"))
    assert [(change.lane, change.was, change.now) for change in wide.changes] == [
        ("off_by_a_thousandth", "differ", "agree")
    ]
    assert wide.has_failures, "a shape and a NaN differ under any budget"


def test_an_exact_output_is_allowed_nothing_under_any_budget(tmp_path: Path) -> None:
    found = records_in(tmp_path, "off_by_one_ulp", case=POOLED)
    assert judge_again(found, 1e6).changes == ()
    assert judge_again(found, 1e6).verdicts["differ"] == 1


def test_the_errors_of_a_long_sum_may_grow_as_they_may_in_the_run(tmp_path: Path) -> None:
    """Terms are counted by the reference; 5 roundings in the root mean square are too many for 1, not for 400."""
    found = records_in(tmp_path, "off_by_one_ulp")
    lanes = found[0]["lanes"]
    assert lanes["off_by_one_ulp"]["longest_sum"] == 1
    for node in lanes["off_by_one_ulp"]["runs"][0].values():
        node["distance"] |= {"rms": 5.0, "count": 64}
    assert judge_again(found, 1.0).verdicts == {"agree": 1, "differ": 1}
    lanes["numpy"]["longest_sum"] = 400
    assert judge_again(found, 1.0).verdicts == {"agree": 2}


def test_the_text_says_what_changes_and_counts(tmp_path: Path) -> None:
    found = records_in(tmp_path, "off_by_one_ulp")
    judged = judge_again(found, lane_used(found, "off_by_one_ulp") / 2)
    first, last = text(judged).splitlines()
    assert first == "fam/topic.masked [off_by_one_ulp]: agree -> differ (pooled uses 2.00 of the budget)"
    assert last.endswith("1 verdicts change; 1 agree, 1 differ")


def test_the_command_reads_a_file_and_refuses_a_scale_of_zero(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = records_of(cases_of(MEANS_ONLY, tmp_path), fake("always_right"))
    path = tmp_path / "results.json"
    whole = assemble(
        records=records,
        lanes=[],
        started="2026-11-22T00:00:00Z",
        seconds=0.0,
        command="",
        not_run={},
        is_complete=True,
    )
    write(whole, path)
    assert cli.main(["judge", str(path), "--budget-scale", "0.5"]) == 0
    assert "budget times 0.5: 0 verdicts change; 2 agree" in capsys.readouterr().out
    assert cli.main(["judge", str(path), "--budget-scale", "inf"]) == 4
    assert "a budget cannot be scaled by inf" in capsys.readouterr().err
    assert cli.main(["judge", str(path), "--budget-scale", "0"]) == 4
    assert "a budget cannot be scaled by 0" in capsys.readouterr().err
