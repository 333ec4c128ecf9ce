"""A report has torch's own calls beside torch, unless lanes are named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.gate.options import asked_lanes

USUAL = ["keras", "torch", "numpy"]


def config(tmp_path: Path, **options: Any) -> Any:
    given = {"lane": [], "lanes": None, "report": None, "modes": "eager", "traced_gradients_of": None, **options}
    return SimpleNamespace(rootpath=tmp_path, getoption=given.__getitem__)


def test_a_report_runs_torchs_own_calls_beside_torch(tmp_path: Path) -> None:
    names, known = asked_lanes(config(tmp_path, report=Path("r.html")), USUAL)
    assert names == [*USUAL, "torch-native"]
    assert (known["torch-native"].adapter, known["torch-native"].options["mode"]) == ("torch", "native")


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (USUAL, {}),
        (["keras", "numpy"], {"report": Path("r.html")}),
        (["torch"], {"report": Path("r.html"), "lanes": "torch"}),
        ([], {"report": Path("r.html"), "lane": ["torch"]}),
    ],
    ids=["no report", "no torch", "lanes are named", "a lane is named"],
)
def test_it_runs_nowhere_else(tmp_path: Path, names: list[str], options: dict[str, Any]) -> None:
    assert "torch-native" not in asked_lanes(config(tmp_path, **options), names)[0]
