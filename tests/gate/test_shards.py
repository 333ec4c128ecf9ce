"""Shards: every case in exactly one, and a merge that proves it or names the file that is wrong."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from conformance.errors import ResultsError, UsageError
from conformance.gate.shards import parse, shard_of
from conformance.record.run import SCHEMA_VERSION
from tests.builders import POOLED
from tests.gate.asked import describe, merge
from tests.gate.builders import results_of

IDS = [f"fam/topic.case{index}" for index in range(9)]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_case_belongs_to_exactly_one_shard(count: int) -> None:
    shards = [shard_of(f"fam/topic.{index}", count) for index in range(500)]
    assert set(shards) == set(range(1, count + 1))


def test_where_a_case_belongs_never_changes() -> None:
    """The SHA-256 of `a` begins with ca978112ca1bbdca, in decimal 14598278634844962250; its last digits tell."""
    assert (shard_of("a", 10), shard_of("a", 100), shard_of("a", 1000)) == (1, 51, 251)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "-1/2", "1/2/3"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="as in --shard 2/5"):
        parse(text)


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    case = POOLED[POOLED.index("      - id: masked") :]
    text = POOLED.replace(case, "") + "".join(case.replace("id: masked", f"id: case{index}") for index in range(9))
    return results_of("no_mask", only=IDS[0], text=text)


def shards_of(whole: dict[str, Any], count: int) -> list[tuple[str, dict[str, Any]]]:
    """The whole cut up as runs with --shard would have written it."""
    parts = []
    for index in range(1, count + 1):
        part = copy.deepcopy(whole)
        part["cases"] = [record for record in part["cases"] if shard_of(record["id"], count) == index]
        part["shard"] = describe(index, count, IDS, True)
        part["footer"]["cases"] = len(part["cases"])
        for row in part["lanes"]:
            verdicts = [record["lanes"][row["name"]]["verdict"] for record in part["cases"]]
            row["verdicts"] = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
            row["selected"] = row["ran"] = len(verdicts)
        parts.append((f"shard-{index}.json", part))
    return parts


def test_merged_shards_are_the_whole_in_any_order(whole: dict[str, Any]) -> None:
    merged = merge(shards_of(whole, 3)[::-1])
    assert merged["schema_version"] == SCHEMA_VERSION
    for key in ("cases", "lanes", "counts", "footer", "environment", "is_full"):
        assert merged[key] == whole[key], key


def broken(parts: list[tuple[str, dict[str, Any]]], how: str) -> Sequence[tuple[str, dict[str, Any]]]:
    first = parts[0][1]
    match how:
        case "missing":
            return parts[1:]
        case "twice":
            return [*parts, parts[0]]
        case "lost":
            first["cases"].pop()
        case "foreign":
            first["cases"].append(parts[1][1]["cases"].pop())
        case "doubled":
            first["cases"].append(first["cases"][0])
        case "other run":
            first["shard"]["digest"] = "0"
        case "other seed":
            first["seed"] = 1
        case "whole":
            first["shard"] = None
        case "other version":
            first["lanes"][0]["versions"] = {"fake": "2.0"}
    return parts


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "shard 1/2 is missing"),
        ("twice", "shard-1.json and shard-1.json are both shard 1/2"),
        ("lost", "the shards hold 8 of 9 cases"),
        ("foreign", "shard-1.json: fam/topic.case. does not belong to shard 1/2"),
        ("doubled", "fam/topic.case. stands in shard-1.json and in shard-1.json; a case runs once"),
        ("other run", "shard-2.json and shard-1.json are shards of different runs"),
        ("other seed", "shard-2.json and shard-1.json are shards of different runs"),
        ("whole", "shard-1.json: not a shard"),
        ("other version", "lane lane is not the same in shard-1.json and shard-2.json: fake 2.0 and fake 1.0"),
    ],
)
def test_what_does_not_fit_together_is_named(whole: dict[str, Any], how: str, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        merge(broken(shards_of(whole, 2), how))


def test_a_case_that_did_not_run_makes_the_whole_incomplete(whole: dict[str, Any]) -> None:
    parts = shards_of(whole, 2)
    lost = parts[0][1]["cases"].pop()["id"]
    parts[0][1]["not_run"] = [{"id": lost, "reason": "interrupted"}]
    parts[0][1]["footer"]["stopped"] = "interrupted"
    merged = merge(parts)
    assert merged["footer"] == {"complete": False, "stopped": "interrupted", "cases": 8}
    assert merged["not_run"] == [{"id": lost, "reason": "interrupted"}]


def test_a_lane_that_could_not_start_on_one_machine_is_not_forgotten(whole: dict[str, Any]) -> None:
    parts = shards_of(whole, 2)
    why = {"message": "no room", "hint": "make some"}
    parts[1][1]["lanes"][0]["unavailable"] = why
    parts[1][1]["footer"].update(complete=False, stopped="no room")
    merged = merge(parts)
    assert merged["lanes"][0]["unavailable"] == why
    assert (merged["footer"]["complete"], merged["footer"]["stopped"]) == (False, "no room")
