"""Known deviations: what a file may say, which differences it excuses, and that nothing else hides behind it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from conformance.errors import CaseError, UsageError
from conformance.gate.deviations import Deviation, holds, load_folder
from conformance.gate.draft import listing, prune
from conformance.gate.ledger import LaneFacts, State, messages
from tests.gate.asked import draft, excused, standings
from tests.gate.builders import CASE, OTHER, results_of

TODAY = datetime.date(2026, 11, 21)
FACTS = {"lane": LaneFacts("tests.fakes", {"keras": "3.3.3"}), "numpy": LaneFacts("numpy", {"numpy": "2.4.6"})}
GOOD = """
    schema_version: 1
    deviations:
      - id: lost-mask
        cases: [fam/topic.masked]
        lanes: [lane]
        aspect: mask
        observed: {node: embedded, got: none}
        when: keras>=3 and keras<3.4
        kind: upstream
        reason: this lane loses masks
        link: https://example.org/1
        owner: alice
        added: 2026-11-21
        expires: 2027-05-01
"""


def loaded(folder: Path, text: str = GOOD) -> tuple[Deviation, ...]:
    place = folder / "deviations"
    place.mkdir(exist_ok=True)
    (place / "known.yaml").write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return load_folder(place, folder)


def after(
    folder: Path, behaviour: str, text: str = GOOD, facts: Mapping[str, LaneFacts] = FACTS, **given: Any
) -> list[dict[str, Any]]:
    """The records of a run of a lane with this behaviour, with these deviations applied."""
    deviations = loaded(folder, text)
    return [excused(record, deviations, facts) for record in results_of(behaviour, **given)["cases"]]


def test_a_listed_difference_is_known_and_fails_nothing(tmp_path: Path) -> None:
    masked, other = after(tmp_path, "no_mask", only=CASE)
    assert masked["lanes"]["lane"]["verdict"] == "known"
    assert masked["lanes"]["lane"]["deviation"]["id"] == "lost-mask"
    assert masked["outcome"] == "known"
    assert other["outcome"] == "agree"


def test_another_case_with_the_same_difference_is_not_excused(tmp_path: Path) -> None:
    _, other = after(tmp_path, "no_mask")
    assert other["lanes"]["lane"]["verdict"] == "differ"


@pytest.mark.parametrize("behaviour", ["inverted_mask", "wrong_shape", "raises"])
def test_another_difference_is_not_excused(behaviour: str, tmp_path: Path) -> None:
    masked, _ = after(tmp_path, behaviour, only=CASE)
    assert masked["lanes"]["lane"]["verdict"] in ("differ", "error")
    assert masked["lanes"]["lane"]["other_deviation"] == "lost-mask"


@pytest.mark.parametrize("version", ["3.4.0", "2.15.0"])
def test_outside_of_its_versions_a_deviation_excuses_nothing(version: str, tmp_path: Path) -> None:
    facts = {**FACTS, "lane": LaneFacts("tests.fakes", {"keras": version})}
    masked, _ = after(tmp_path, "no_mask", only=CASE, facts=facts)
    assert masked["lanes"]["lane"]["verdict"] == "differ"


def test_a_difference_that_no_longer_happens_is_stale_and_fails(tmp_path: Path) -> None:
    masked, _ = after(tmp_path, "always_right")
    assert masked["lanes"]["lane"]["verdict"] == "stale"
    assert masked["outcome"] == "stale"


@pytest.mark.parametrize(
    ("behaviour", "when", "verdict"),
    [
        ("no_mask", True, "known"),
        ("no_mask", False, "known"),
        ("always_right", True, "stale"),
        ("always_right", False, "agree"),
    ],
)
def test_an_adapter_without_versions_excuses_other_versions_and_claims_nothing_of_them(
    behaviour: str, when: bool, verdict: str, tmp_path: Path
) -> None:
    text = GOOD.replace("lanes: [lane]", "lanes: [tests.fakes]")
    text = text if when else text.replace("    when: keras>=3 and keras<3.4\n    ", "")
    masked, _ = after(tmp_path, behaviour, text, only=CASE)
    assert masked["lanes"]["lane"]["verdict"] == verdict


@pytest.mark.parametrize(
    ("behaviour", "aspect", "observed"),
    [
        ("inverted_mask", "mask", "{node: embedded, got: [[0, 0, 1, 1, 1], [0, 0, 0, 1, 1]]}"),
        ("wrong_shape", "shape", "{node: pooled, got: [2, 3, 1]}"),
        ("wrong_dtype", "dtype", "{node: pooled, got: float16}"),
        ("gives_nan", "special", "{node: pooled, at: [0, 0], got: nan}"),
        ("raises", "error", "{type: RuntimeError, phase: call, contains: ALWAYS raises}"),
    ],
)
def test_each_aspect_has_its_signature(behaviour: str, aspect: str, observed: str, tmp_path: Path) -> None:
    text = GOOD.replace("aspect: mask", f"aspect: {aspect}").replace("{node: embedded, got: none}", observed)
    masked, _ = after(tmp_path, behaviour, text, only=CASE)
    assert masked["lanes"]["lane"]["verdict"] == "known"


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, "known"), (0.02, "known"), (0.2, "differ"), (-0.2, "differ")])
def test_a_wrong_number_may_move_by_rounding_and_not_further(shift: float, verdict: str, tmp_path: Path) -> None:
    """`always_wrong` adds 1 to every element, so that an element may move by 5 % of 1."""
    record = results_of("always_wrong")["cases"][0]
    got = record["lanes"]["lane"]["runs"][0]["pooled"]["values"][1][2] + shift
    text = GOOD.replace("aspect: mask", "aspect: values")
    text = text.replace("{node: embedded, got: none}", f"{{node: pooled, at: [1, 2], got: {got!r}}}")
    (excused_record, _) = after(tmp_path, "always_wrong", text)
    assert excused_record["lanes"]["lane"]["verdict"] == verdict


def test_a_folder_covers_its_cases_and_is_stale_only_when_none_shows_it(tmp_path: Path) -> None:
    text = GOOD.replace("[fam/topic.masked]", '["fam/*"]')
    records = after(tmp_path, "no_mask", text, only=CASE)
    assert [record["outcome"] for record in records] == ["known", "agree"]
    deviations = loaded(tmp_path, text)
    (active,) = standings(deviations, records, FACTS, [CASE, OTHER], TODAY)
    assert active.state is State.ACTIVE
    (stale,) = standings(deviations, after(tmp_path, "always_right", text), FACTS, [CASE, OTHER], TODAY)
    assert (stale.state, stale.problem) == (State.STALE, "no case of fam/* shows it")


RELATION = GOOD.replace("aspect: mask", "aspect: relations").replace("[fam/topic.masked]", '["fam/*"]')
RELATION = RELATION.replace("{node: embedded, got: none}", "{relation: batch_reordered}")


@pytest.mark.parametrize(("relation", "verdict"), [("batch_reordered", "known"), ("run_twice", "differ")])
def test_a_relation_that_is_not_kept_is_known_by_its_name(relation: str, verdict: str, tmp_path: Path) -> None:
    finding = {
        "aspect": "relations",
        "kind": relation,
        "node": "y",
        "run": 0,
        "wanted": "that",
        "got": None,
        "wanted_by": "reference",
        "distance": None,
    }
    (record, _) = results_of("always_right")["cases"]
    record["lanes"]["lane"] |= {"verdict": "differ", "findings": [finding]}
    assert excused(record, loaded(tmp_path, RELATION), FACTS)["lanes"]["lane"]["verdict"] == verdict
    record["lanes"]["lane"]["findings"].append({**finding, "kind": "causal"})
    assert excused(record, loaded(tmp_path, RELATION), FACTS)["lanes"]["lane"]["verdict"] == "differ", "nothing hides"


@pytest.mark.parametrize(("is_asked", "verdict"), [(True, "stale"), (False, "agree")])
def test_a_case_that_was_asked_for_no_relation_is_not_stale(is_asked: bool, verdict: str, tmp_path: Path) -> None:
    (record, _) = results_of("always_right")["cases"]
    if is_asked:
        record["lanes"]["lane"]["aspects"]["relations"] = "agree"
    text = RELATION.replace('["fam/*"]', "[fam/topic.masked]")
    assert excused(record, loaded(tmp_path, text), FACTS)["lanes"]["lane"]["verdict"] == verdict


@pytest.mark.parametrize(("note", "verdict"), [("", "stale"), ("of one case in 8 alone they are asked here", "agree")])
def test_a_case_that_was_asked_for_no_gradient_is_not_stale(note: str, verdict: str, tmp_path: Path) -> None:
    (record, _) = results_of("always_right")["cases"]
    record["lanes"]["lane"]["gradient_note"] = note
    text = GOOD.replace("aspect: mask", "aspect: gradient").replace(
        "{node: embedded, got: none}", "{node: conv.kernel}"
    )
    assert excused(record, loaded(tmp_path, text), FACTS)["lanes"]["lane"]["verdict"] == verdict


@pytest.mark.parametrize(("asked", "state"), [((), State.UNUSED), ((0,), State.UNUSED), ((0, 1), State.STALE)])
def test_a_deviation_of_a_relation_is_stale_only_where_all_were_asked(
    asked: tuple[int, ...], state: State, tmp_path: Path
) -> None:
    records = results_of("always_right")["cases"]
    for index in asked:
        records[index]["lanes"]["lane"]["aspects"]["relations"] = "agree"
    (found,) = standings(loaded(tmp_path, RELATION), records, FACTS, [CASE, OTHER], TODAY)
    assert found.state is state


def test_a_case_that_does_not_exist_fails_full_runs_only(tmp_path: Path) -> None:
    text = GOOD.replace("fam/topic.masked", "fam/topic.gone")
    deviations, records = loaded(tmp_path, text), after(tmp_path, "always_right", text)
    (full,) = standings(deviations, records, FACTS, [CASE, OTHER], TODAY)
    (partial,) = standings(deviations, records, FACTS, None, TODAY)
    assert (full.state, full.fails, full.problem) == (State.UNMATCHED, True, "no case is called fam/topic.gone")
    assert (partial.state, partial.fails) == (State.UNUSED, False)


@pytest.mark.parametrize("enforced", [False, True])
def test_an_expired_deviation_warns_and_fails_where_that_is_enforced(enforced: bool, tmp_path: Path) -> None:
    deviations, records = loaded(tmp_path), after(tmp_path, "no_mask", only=CASE)
    found = standings(deviations, records, FACTS, None, datetime.date(2027, 5, 2))
    assert messages(found, enforced) == [
        (
            "deviations/known.yaml:3:5: deviation lost-mask expired on 2027-05-01; alice should look at it again",
            enforced,
        )
    ]
    on_its_last_day = standings(deviations, records, FACTS, None, datetime.date(2027, 5, 1))
    assert messages(on_its_last_day, enforced) == []


@pytest.mark.parametrize(
    ("condition", "is_true"),
    [
        ("", True),
        ("keras>=3.3", True),
        ("keras>=3.3 and tensorflow<2.20", False),
        ("keras>3.3.3", False),
        ("torch", False),
        ("tf-keras", True),
    ],
)
def test_conditions_are_held_against_what_a_lane_proved(condition: str, is_true: bool) -> None:
    assert holds(condition, {"keras": "3.3.3", "tensorflow": "2.21.0", "tf_keras": "2.21.0"}) is is_true


def test_every_mistake_of_a_file_is_named_with_its_place(tmp_path: Path) -> None:
    bad = GOOD.replace("aspect: mask", "aspect: masks").replace("expires: 2027-05-01", "expires: next year")
    bad = bad.replace("owner: alice", "ownr: alice").replace("keras>=3 and", "keras=>3 and")
    bad = bad.replace("fam/topic.masked", "fam").replace("kind: upstream", "kind: upstrem")
    with pytest.raises(CaseError) as caught:
        loaded(tmp_path, bad)
    lines = [line for line in str(caught.value).splitlines() if ": error: " in line]
    assert lines == [
        "deviations/known.yaml:3:5: error: the deviation needs the key owner",
        "deviations/known.yaml:4:13: error: 'fam' is not a case id",
        "deviations/known.yaml:6:13: error: there is no aspect 'masks'",
        "deviations/known.yaml:8:11: error: 'keras=>3 and keras<3.4' is not a condition on versions",
        "deviations/known.yaml:9:11: error: there is no kind 'upstrem'",
        "deviations/known.yaml:12:5: error: unknown key 'ownr' in a deviation",
        "deviations/known.yaml:14:14: error: 'next year' is not a date",
    ]


def test_a_bug_without_a_link_and_a_foreign_key_to_observe_are_mistakes(tmp_path: Path) -> None:
    bad = GOOD.replace("    link: https://example.org/1\n    ", "").replace("got: none", "phase: call")
    with pytest.raises(CaseError) as caught:
        loaded(tmp_path, bad)
    assert "a deviation of kind upstream needs the key link" in str(caught.value)
    assert "the aspect mask has no 'phase' to observe" in str(caught.value)


def test_an_id_that_is_used_twice_names_both_places(tmp_path: Path) -> None:
    entry = GOOD[GOOD.index("      - id") :]
    with pytest.raises(
        CaseError, match=r"known.yaml:15:5: error: a second deviation is called lost-mask\n(.*\n)*.*:3:5"
    ):
        loaded(tmp_path, GOOD + entry)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is not a folder"):
        load_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "behaviour",
    ["no_mask", "inverted_mask", "wrong_shape", "wrong_dtype", "gives_nan", "always_wrong", "raises"],
)
def test_what_is_drafted_excuses_exactly_what_was_found(behaviour: str, tmp_path: Path) -> None:
    results = results_of(behaviour, only=CASE, versions={"keras": "3.3.3"})
    masked, other = after(tmp_path, behaviour, draft(results, TODAY), only=CASE)
    assert masked["lanes"]["lane"]["verdict"] == "known"
    assert other["outcome"] == "agree"


def test_nothing_to_draft_is_still_a_good_file(tmp_path: Path) -> None:
    assert loaded(tmp_path, draft(results_of(), TODAY)) == ()


def test_the_list_puts_first_what_expires_first(tmp_path: Path) -> None:
    entry = GOOD[GOOD.index("      - id") :].replace("lost-mask", "sooner").replace("2027-05-01", "2026-11-01")
    text = listing(loaded(tmp_path, GOOD + entry), TODAY)
    assert text == (
        "deviations/known.yaml:15:5  sooner  upstream  mask  expired 20 days ago  alice: this lane loses masks\n"
        "deviations/known.yaml:3:5  lost-mask  upstream  mask  expires in 161 days  alice: this lane loses masks\n"
        "2 deviations\n"
    )
    assert listing(loaded(tmp_path, GOOD), TODAY, within=30) == "0 deviations\n"


def test_pruning_removes_the_entry_and_nothing_else(tmp_path: Path) -> None:
    entry = GOOD[GOOD.index("      - id") :].replace("lost-mask", "stays") + "        # a word at the end\n"
    deviations = loaded(tmp_path, GOOD + entry)
    file = tmp_path / "deviations" / "known.yaml"
    (text,) = prune(deviations, ["lost-mask"], {"deviations/known.yaml": file}).values()
    assert text == dedent("    schema_version: 1\n    deviations:\n" + entry)
    file.write_text(text, encoding="utf-8")
    assert [deviation.id for deviation in load_folder(file.parent)] == ["stays"]


def test_pruning_the_last_one_leaves_a_good_file(tmp_path: Path) -> None:
    deviations = loaded(tmp_path)
    file = tmp_path / "deviations" / "known.yaml"
    (text,) = prune(deviations, ["lost-mask"], {"deviations/known.yaml": file}).values()
    assert text == "schema_version: 1\ndeviations: []\n"


@pytest.mark.parametrize(
    ("condition", "versions", "is_true"),
    [
        ("keras<3 or tf_keras<3", {"keras": "2.15.0"}, True),
        ("keras<3 or tf_keras<3", {"tf_keras": "2.21.0", "tensorflow": "2.21.0"}, True),
        ("keras<3 or tf_keras<3", {"keras": "3.15.1"}, False),
        ("keras>=3 and jax<1 or keras>=3 and torch>=2", {"keras": "3.15.1", "torch": "2.13.0+cpu"}, True),
        ("keras>=3 and jax<1 or keras>=3 and torch>=2", {"keras": "3.15.1", "tensorflow": "2.21.0"}, False),
        ("", {}, True),
    ],
)
def test_a_condition_may_have_alternatives(condition: str, versions: dict[str, str], is_true: bool) -> None:
    assert holds(condition, versions) is is_true


def missing(deviations: Iterable[Deviation], root: Path) -> list[str]:
    """Ids of generated cases that a deviation names and that no file has: each run would say so, after minutes."""
    named = {id for one in deviations for id in one.cases if id.startswith(("kinds/", "operations/")) and "*" not in id}
    gone = []
    for id in sorted(named):
        file, _, name = id.partition(".")
        path = root / f"{file}.case.yaml"
        if not path.is_file() or f"  - id: {name}\n" not in path.read_text(encoding="utf-8"):
            gone.append(id)
    return gone


def test_deviations_name_generated_cases_that_there_are() -> None:
    root = Path(__file__).parents[2]
    assert missing(load_folder(root / "deviations", root), root) == []


def test_a_generated_case_that_is_gone_is_seen(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    listed = load_folder(root / "deviations", root)
    assert "kinds/relu.integers" in missing(listed, tmp_path)
