"""docs/in-your-repository.md: the wheel in a fresh folder, its commands run there, its workflow read word by word."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from conformance import cli, suite
from conformance.form import from_json
from conformance.gate.accepted import load
from conformance.gate.schema import render
from conformance.record.run import Results
from conformance.report.badge import endpoint, message, svg
from tests.documents import ROOT, blocks, commands_of
from tests.gate.builders import results_of

PAGE = (ROOT / "docs" / "in-your-repository.md").read_text(encoding="utf-8")
YAML = [block.text for block in blocks(PAGE) if block.language == "yaml"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and installed into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    target = ["install", "--no-deps", "--no-index", "--target", str(folder / "site"), str(wheel)]
    subprocess.run([*pip, *target], check=True, capture_output=True)
    return folder / "site"


def test_the_commands_of_the_page_work_from_the_wheel(site: Path, tmp_path: Path) -> None:
    for block in blocks(PAGE):
        for command in commands_of(block.text) if block.language == "sh" else ():
            done = subprocess.run(
                [sys.executable, "-m", *command],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    held = json.loads((tmp_path / "reports" / "results.json").read_text(encoding="utf-8"))
    assert {case["id"].partition(".")[0] for case in held["cases"]} == {"merge/shapes"}
    assert all(str(site) in case["path"] or ".." in case["path"] for case in held["cases"])
    assert json.loads((tmp_path / "badge.json").read_text(encoding="utf-8"))["schemaVersion"] == 1
    assert (site / "conformance" / "suite_files" / "deviations").is_dir()


def test_the_workflow_the_action_and_the_hook_are_what_the_commands_take(tmp_path: Path) -> None:
    workflow, action, accepted, hook = map(yaml.safe_load, YAML)
    given = workflow["jobs"]["gate"]["steps"][2]["with"]
    assert set(given) == set(action["inputs"])
    lines = [step["run"] for step in action["runs"]["steps"] if step["run"].startswith("conformance")]
    lines.append(hook["repos"][0]["hooks"][0]["entry"])
    for line in lines:
        for name, value in given.items():
            line = line.replace(f'"${name.upper()}"', value)
        assert "$" not in line
        cli._parser().parse_args(suite.expanded(shlex.split(line)[1:]))
    (tmp_path / "accepted.yaml").write_text(YAML[2], encoding="utf-8")
    assert load(tmp_path / "accepted.yaml") == ()
    assert accepted["accepted"] == []


CASES = suite.cases()


@pytest.mark.parametrize(
    ("given", "expanded"),
    [
        (["gate", "@suite"], ["gate", str(CASES)]),
        (["gate", "@suite/merge"], ["gate", str(CASES / "merge")]),
        (["check", "@suite/merge/mask"], ["check", str(CASES / "merge" / "mask.case.yaml")]),
        (["explain", "@suite/merge/mask.x"], ["explain", "merge/mask.x", f"--cases={CASES}"]),
        (["repro", "@suite/merge/mask.x"], ["repro", "merge/mask.x", f"--cases={CASES}"]),
        (["gate", "@suite/merge/mask.x"], ["gate", f"{CASES / 'merge' / 'mask.case.yaml'}::merge/mask.x"]),
        (["gate", "@suite/../secret"], ["gate", "@suite/../secret"]),
        (["gate", "@suites", "cases"], ["gate", "@suites", "cases"]),
    ],
)
def test_places_in_the_suite(given: list[str], expanded: list[str]) -> None:
    assert suite.expanded(given) == expanded


def test_pytest_is_given_paths() -> None:
    arguments = ["-q", "--suite=merge", "--suite", "--suites"]
    suite.asked(arguments)
    assert arguments == ["-q", str(CASES / "merge"), str(CASES), "--suites"]


def typed(behaviour: str = "always_right") -> Results:
    return from_json(Results, results_of(behaviour))


def test_a_badge_says_what_a_run_found() -> None:
    good, bad = typed(), typed("no_mask")
    assert message(good) == ("2 of 2 cases agree", "brightgreen")
    assert message(bad)[1] == "red"
    assert "differ" in message(bad)[0]
    assert json.loads(endpoint(bad, "keras"))["color"] == "red"


def test_a_run_that_is_not_whole_is_never_green() -> None:

    good = typed()
    cut = dataclasses.replace(good, footer=dataclasses.replace(good.footer, complete=False))
    assert message(cut) == ("incomplete", "lightgrey")
    assert message(dataclasses.replace(good, counts={}))[0] == "nothing ran"


def test_a_badge_escapes_its_label() -> None:
    drawn = ElementTree.fromstring(svg(typed(), '<script>"&'))
    assert drawn.attrib["aria-label"].startswith('<script>"&: ')
    assert not [node for node in drawn.iter() if node.tag.endswith("script")]


def test_the_schema_of_a_gate_is_current_and_takes_what_a_gate_writes() -> None:
    import jsonschema

    from conformance.gate.render import as_json
    from tests.gate.asked import diff

    committed = (ROOT / "schemas" / "gate-v2.schema.json").read_text(encoding="utf-8")
    assert committed == render(), "run: conformance schema gate -o schemas/gate-v2.schema.json"
    schema: Any = json.loads(committed)
    written = json.loads(json.dumps(as_json(diff(results_of(), results_of("no_mask")))))
    jsonschema.validate(written, schema)
    written["counts"].pop("moved")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, schema)


@pytest.mark.parametrize("command", ["explain", "repro", "bisect"])
def test_a_command_takes_the_place_of_a_case_that_it_is_given(command: str) -> None:
    words = suite.expanded([command, "@suite/merge/mask.x"])
    if command == "bisect":
        words += ["--good", "3.3.3", "--bad", "3.6.0"]
    assert cli._parser().parse_args(words).cases == CASES
