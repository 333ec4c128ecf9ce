"""What asking traced beside eagerly costs, as a ratio."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from benchmarks.gate_cost import main
from conformance import results
from tests.gate.builders import results_of
from tests.typed import as_record


def both_ways(file: Path, eager: float, traced: float) -> Path:
    """Results of a lane and its traced twin, which computed so long for each of two cases."""
    one = deepcopy(results_of())
    row = next(row for row in one["lanes"] if row["name"] == "lane")
    one["lanes"].append({**row, "name": "lane+function"})
    for record in one["cases"]:
        record["lanes"]["lane+function"] = {**record["lanes"]["lane"], "seconds": traced}
        record["lanes"]["lane"]["seconds"] = eager
    results.write(as_record(one), file)
    return file


@pytest.mark.parametrize(("traced", "code", "words"), [(0.4, 0, "1.40 times"), (3.0, 1, "4.00 times")])
def test_the_ratio_is_of_all_lanes_to_the_eager_ones(
    traced: float, code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(both_ways(tmp_path / "r.json", 1.0, traced))]) == code
    assert capsys.readouterr().out.startswith(f"{words} the eager lanes, over 2 cases")


def test_a_run_that_asked_in_one_way_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results.write(as_record(results_of()), tmp_path / "r.json")
    assert main([str(tmp_path / "r.json")]) == 2
    assert "no lane was asked both eagerly and traced" in capsys.readouterr().err
