"""The workflow of docs/campaign.md: read as YAML, and its commands as they are typed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance import cli
from conformance.cli.campaign_options import seconds_of, seeds_of
from conformance.cluster import parse
from tests.documents import ROOT, blocks

PAGE = (ROOT / "docs" / "campaign.md").read_text(encoding="utf-8")
(WORKFLOW,) = [yaml.safe_load(block.text) for block in blocks(PAGE) if block.language == "yaml"]


def command_of(job: str) -> Any:
    """What a job's campaign is asked for, as the command reads it."""
    (line,) = [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if step.get("run", "").startswith("conformance")]
    return cli._parser().parse_args(shlex.split(line)[1:])


def test_a_change_is_asked_fixed_seeds_for_two_minutes() -> None:
    asked = command_of("change")
    assert list(seeds_of(asked.seeds))[:2] == [0, 1]
    assert seconds_of(asked.time) == 120


def test_a_night_is_an_hour_of_new_seeds_that_goes_on_where_the_last_one_ended() -> None:
    asked = command_of("night")
    assert (asked.seeds, seconds_of(asked.time), parse(asked.cluster).workers) == (None, 3600, 4)
    (cache,) = [step["with"] for step in WORKFLOW["jobs"]["night"]["steps"] if "cache" in step.get("uses", "")]
    assert Path(cache["path"]) == asked.output


@pytest.mark.parametrize("job", ["change", "night"])
def test_what_a_job_found_is_kept_also_where_it_fails(job: str) -> None:
    *_, last = WORKFLOW["jobs"][job]["steps"]
    assert last["if"] == "always()"
    assert Path(last["with"]["path"]) == command_of(job).output


def test_each_job_installs_what_its_campaign_needs() -> None:
    for job, extras in (("change", "lanes,campaign"), ("night", "lanes,campaign,cluster")):
        installs = [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if "pip" in step.get("run", "")]
        assert installs == [f"python -m pip install 'conformance[{extras}]'"]
