"""The inventory: what counts as covered, what does not, and two releases side by side. No framework."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from conformance.case.keras_names import Argument, PublicName, Release, as_json, recorded, release
from conformance.case.load import load_folder
from conformance.inventory import render
from conformance.inventory.coverage import Coverage, coverage
from conformance.inventory.questions import drafts
from conformance.inventory.reasons import Reasons, reasons
from conformance.inventory.releases import difference
from tests.builders import POOLED, cases_of

ROOT = Path(__file__).parents[2]
NO_REASONS = Reasons({})


def named(kind: str, name: str, *arguments: str, form: str = "class", aliases: tuple[str, ...] = ()) -> PublicName:
    return PublicName(kind, name, form, aliases, tuple(Argument(argument, "None") for argument in arguments))


DENSE = named("layers", "Dense", "units", "activation", "lora_rank")
POOL = named("layers", "GlobalAveragePooling1D", "data_format", "keepdims", aliases=("GlobalAvgPool1D",))
STRANGE = named("layers", "Strange")
KL = (named("losses", "KLDivergence", "reduction"), named("losses", "kl_divergence", "y_true", form="function"))


def covered(tmp_path: Path, *names: PublicName, why: Reasons = NO_REASONS) -> Coverage:
    return coverage(Release("1.0", names), cases_of(POOLED, tmp_path), why)


def test_a_name_with_neither_reference_nor_reason_is_uncovered(tmp_path: Path) -> None:
    found = covered(tmp_path, DENSE, STRANGE)
    assert [entry.name.name for entry in found.uncovered] == ["Strange"]
    assert not found.is_complete
    assert "layers.Strange: no reference, and no reason" in render.as_text(found)


def test_a_reason_covers_it(tmp_path: Path) -> None:
    found = covered(tmp_path, DENSE, STRANGE, why=Reasons({("layers", "Strange"): "it is strange"}))
    assert found.is_complete
    assert "Every name has a reference or a reason." in render.as_text(found)
    assert "**It is strange**: layers.Strange." in render.as_markdown(found)


def test_a_reason_of_another_kind_does_not(tmp_path: Path) -> None:
    assert not covered(tmp_path, STRANGE, why=Reasons({("losses", "Strange"): "it is strange"})).is_complete
    assert covered(tmp_path, STRANGE, why=Reasons({("any", "Strange"): "it is strange"})).is_complete


def test_a_reason_for_what_has_a_reference_is_needless(tmp_path: Path) -> None:
    found = covered(tmp_path, DENSE, why=Reasons({("layers", "Dense"): "too plain"}))
    assert found.needless == ("layers.Dense",)
    assert not found.is_complete
    assert "layers.Dense: has a reference now; take its reason out" in render.as_text(found)


def test_what_there_is_of_a_name(tmp_path: Path) -> None:
    found = covered(tmp_path, DENSE, POOL)
    dense, pool = found.entries
    assert pool.available is not None
    assert pool.available.reference == "reference.global_pooling"
    assert pool.available.port
    assert pool.available.mutants > 0
    assert pool.available.known == ("data_format", "keepdims")
    assert len(pool.available.use.cases) == 1
    assert dense.available is not None
    assert dense.available.known == ("units", "activation")
    assert not dense.available.use.cases
    assert "GlobalAveragePooling1D / GlobalAvgPool1D" in render.as_markdown(found)


def test_only_arguments_that_a_case_writes_are_exercised(tmp_path: Path) -> None:
    bare = covered(tmp_path, POOL).entries[0]
    written = POOLED.replace("{type: GlobalAveragePooling1D}", "{type: GlobalAveragePooling1D, keepdims: false}")
    assert written != POOLED
    entry = coverage(Release("1.0", (POOL,)), cases_of(written, tmp_path), NO_REASONS).entries[0]
    assert bare.exercised == ()
    assert entry.exercised == ("keepdims",)


def test_a_function_is_the_form_of_its_class(tmp_path: Path) -> None:
    found = covered(tmp_path, *KL)
    assert found.entries[1].reason == "the function form of KLDivergence, which is asked as a class"
    assert not covered(tmp_path, KL[1]).is_complete


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    held = json.loads(render.as_json(covered(tmp_path, DENSE, STRANGE)))
    assert [row.get("reason", "-") for row in held["names"]] == ["-", None]
    assert held["is_complete"] is False


def test_two_releases() -> None:
    new_dense = named("layers", "Dense", "units", "activation", "fresh")
    new_dense = dataclasses.replace(new_dense, arguments=(*new_dense.arguments[:2], Argument("fresh", "3")))
    lazy = dataclasses.replace(KL[0], arguments=(Argument("reduction", "'sum'"),))
    found = difference(Release("1.0", (DENSE, STRANGE, KL[0])), Release("2.0", (new_dense, POOL, lazy)))
    text = render.difference_as_text(found, drafts(found, "keras@1.0", "keras"))
    assert text == (
        "Keras 1.0 to 2.0\n\n"
        "1 names came\n  layers.GlobalAveragePooling1D\n\n"
        "1 names went\n  layers.Strange\n\n"
        "2 signatures moved\n"
        "  layers.Dense  +fresh=3, -lora_rank\n"
        "  losses.KLDivergence  reduction: None -> 'sum'\n\n"
        "to ask about them\n"
        "  conformance explain --layer 'Dense(7)' --input 3 --lane keras@1.0 --lane keras"
        " --save cases/mine/dense.case.yaml\n"
        "  conformance explain --layer KLDivergence --input 3 --input 3 --lane keras@1.0 --lane keras"
        " --save cases/mine/kldivergence.case.yaml\n"
    )


def test_the_same_release_twice_differs_in_nothing() -> None:
    found = difference(recorded(), recorded())
    assert (found.came, found.went, found.moved) == ((), (), ())


def test_an_alias_that_becomes_a_name_has_not_come() -> None:
    alias = named("layers", "GlobalAvgPool1D", aliases=("GlobalAveragePooling1D",))
    found = difference(Release("1.0", (POOL,)), Release("2.0", (alias,)))
    assert (found.came, found.went) == ((), ())


def test_what_is_written_down_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text(as_json(recorded()), encoding="utf-8")
    assert recorded(path) == recorded()


@pytest.mark.parametrize("text", ["- a list", "reason: [Dense]", "7"])
def test_a_file_of_reasons_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reasons.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Exception, match="not a mapping of reasons to kinds to names"):
        reasons(path)


def test_the_recorded_release_is_covered_and_its_reasons_are_of_it() -> None:
    found = coverage(recorded(), load_folder(ROOT / "cases"), reasons())
    assert found.is_complete, render.as_text(found)
    assert reasons().unknown_to(recorded()) == ()
    assert all(count.with_reference == 22 for count in found.counts() if count.kind == "losses")


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
    assert page == render.as_markdown(coverage(recorded(), load_folder(ROOT / "cases"), reasons())), (
        "run: conformance coverage -o docs/coverage.md"
    )


def test_names_are_folded_and_sorted() -> None:
    walked = [
        {"kind": "ops", "name": "b", "form": "function", "aliases": ["a"], "arguments": [["x", None]]},
        {"kind": "layers", "name": "A", "form": "class", "aliases": [], "arguments": []},
    ]
    found = release("1.0", walked)
    assert [item.name for item in found.names] == ["A", "b"]
    assert set(found.of("ops")) == {"a", "b"}
