"""A campaign that was stopped goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.faults.campaign import Held, Kept, Outcome
from tests.faults.patching import Fault


def test_what_came_of_a_fault_is_read_again(tmp_path: Path) -> None:
    fault = Fault("f", (), (), ("no_bias",))
    path = tmp_path / "kept.json"
    made = Outcome("keras", fault, False, 3, "fam/a.b", "keras answers as one who leaves the bias out (Dense.no_bias).")
    made = replace(made, causes=(Held("fam/a.b", "as one who leaves the bias out", True, 3, 1),))
    assert Kept(path).get("keras", fault, False) is None
    assert Kept(path).put(made) is made
    assert Kept(path).get("keras", fault, False) == made
    assert Kept(path).get("torch", fault, False) is None, "of the same name in the other framework"
    assert Kept(None).get("keras", fault, False) is None
