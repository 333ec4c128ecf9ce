"""What a person may get wrong about a gate: one message each with what to do, its exit code, and nothing run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.cli import main
from conformance.errors import Exit
from conformance.gate import gate, releases
from tests.builders import POOLED, cases_of
from tests.gate.builders import CASE

ENTRY = {
    "case": CASE,
    "from": "keras==3.6.0",
    "to": "keras==3.7.0",
    "section": "wrong now",
    "outputs": "[]",
    "who": "alice",
    "why": "We mask nothing.",
}
ROOT = Path(__file__).parents[2]
PAIR = ("--from", "keras@3.6.0", "--to", "keras@3.7.0")


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A project of one case, in which nothing may be built or asked."""
    monkeypatch.chdir(tmp_path)
    cases_of(POOLED, tmp_path / "cases")

    def never(*asked: object, **more: object) -> None:
        raise AssertionError("something was built or run")

    monkeypatch.setattr(gate, "run_cases", never)
    monkeypatch.setattr(gate, "prepared", never)
    monkeypatch.setattr(releases, "is_built", lambda spec: False)
    monkeypatch.setattr(releases, "published", lambda package: ["3.6.0", "3.7.0", "3.15.1"])


def accepted(*entries: dict[str, str]) -> str:
    """A file of these entries; of one, without the keys that are empty."""
    lines = ["schema_version: 1", "accepted:"]
    for entry in entries:
        first, *rest = [f"{key}: {value}" for key, value in entry.items() if value]
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines) + "\n"


ACCEPTED = {
    "without who": (accepted({**ENTRY, "who": ""}), "accepted.yaml:3:5: error: the accepted answer needs the key who"),
    "without why": (accepted({**ENTRY, "why": ""}), "accepted.yaml:3:5: error: the accepted answer needs the key why"),
    "from no version": (
        accepted({**ENTRY, "from": ""}),
        "accepted.yaml:3:5: error: the accepted answer needs the key from",
    ),
    "to no version": (accepted({**ENTRY, "to": ""}), "accepted.yaml:3:5: error: the accepted answer needs the key to"),
    "a version that is none": (
        accepted({**ENTRY, "to": "keras 3.7"}),
        "accepted.yaml:5:9: error: 'keras 3.7' is not a version of a package",
    ),
    "of a case that is not there": (
        accepted({**ENTRY, "case": "fam/topic.maskd"}),
        "accepted.yaml:3:11: error: no case is called 'fam/topic.maskd'",
    ),
    "twice": (
        accepted(ENTRY, ENTRY),
        "accepted.yaml:10:5: error: fam/topic.masked is accepted twice from keras==3.6.0 to keras==3.7.0",
    ),
}


@pytest.mark.parametrize(("text", "message"), ACCEPTED.values(), ids=ACCEPTED)
def test_an_accepted_file_with_a_mistake(text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("accepted.yaml").write_text(text)
    assert main(["gate", *PAIR, "--accepted", "accepted.yaml"]) == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert message in said
    assert said.count("error:") == 1
    assert "= help: " in said


def test_all_mistakes_of_an_accepted_file_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("accepted.yaml").write_text(accepted({**ENTRY, "who": "", "section": "wrong"}, {**ENTRY, "why": ""}))
    assert main(["gate", *PAIR, "--accepted", "accepted.yaml"]) == Exit.BAD_INPUT
    assert capsys.readouterr().err.count("error:") == 3


def test_a_version_is_looked_up_before_anything_heavy_is_imported() -> None:
    heavy = ("pydantic", "conformance.gate.gate", "conformance.report.page", "conformance.case.load", "pytest")
    code = f"import sys, conformance.cli, conformance.gate.sides; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


LANES = {
    "a setting without a value": (("keras[env=TF_ENABLE_ONEDNN_OPTS]", "keras@3.7.0"), "is no setting"),
    "a setting that is ours": (("keras[env=PYTHONPATH=/x]", "keras@3.7.0"), "PYTHONPATH is not for env"),
    "a checkout that is not there": (("keras@./nowhere", "keras@3.7.0"), "there is no Keras in"),
    "a checkout of something else": (("keras@./cases", "keras@3.7.0"), "there is no Keras in"),
    "one version twice": (("keras@3.7.0", "keras@3.7.0"), "both sides are called keras@3.7.0"),
    "a version that does not exist": (("keras@9.9.9", "keras@3.7.0"), "there is no keras 9.9.9"),
    "a new version that does not exist": (("keras@3.6.0", "keras@3.7.9"), "there is no keras 3.7.9"),
}


@pytest.mark.parametrize(("sides", "message"), LANES.values(), ids=LANES)
def test_a_side_that_cannot_be(sides: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    clock = time.monotonic()
    assert main(["gate", "--from", sides[0], "--to", sides[1]]) == Exit.UNAVAILABLE
    assert time.monotonic() - clock < 5
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 2, "the message, and what to do"
    assert "= help: " in said
