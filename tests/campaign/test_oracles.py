"""What a draft is held to beside the reference: the relations that it keeps, and itself, saved and loaded."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.draft import Call, Draft, Input, Layer, case_lines, described
from conformance.campaign.draws import FORMS, saved
from conformance.campaign.folder import Folder, opened
from conformance.campaign.replay import State, replayed
from conformance.campaign.triage import Signature, calls_of
from conformance.lanes.spec import LaneSpec
from tests.campaign.asked import about, asking
from tests.campaign.lane import planted

DENSE = Draft((Input("x", (3,)),), (Layer("layer", "Dense", {"units": 2}),), (Call("y", "layer", ("x",)),))


def keeping(behaviour: str) -> LaneSpec:
    """A lane whose layers can be made again, called `planted`."""
    return LaneSpec("planted", "tests.fakes", {"behaviour": behaviour})


def shown(spec: LaneSpec, draft: Draft, relations_of: int = 0) -> list[Signature]:
    """What a lane shows in a draft."""
    with asking(spec) as asker:
        (judged,) = asker.ask([draft], relations_of=relations_of)
        assert judged.record is not None, judged.why
        return list(asker.tell(judged.record, calls_of(draft)))


def test_weights_that_are_lost_when_a_layer_is_saved_are_a_broken_relation() -> None:
    (found,) = shown(keeping("loses_saved_weights"), DENSE, relations_of=1)
    assert (found.layer, found.aspect, found.detail) == ("Dense", "relations", "saved_and_loaded")


def test_a_lane_that_keeps_what_it_saves_breaks_none() -> None:
    assert shown(keeping("keeps_what_is_remade"), DENSE, relations_of=1) == []


def test_where_no_relations_are_asked_none_is_broken() -> None:
    assert shown(keeping("loses_saved_weights"), DENSE) == []


def ran(path: Path, spec: LaneSpec, also: tuple[str, ...] = ("relations",)) -> Folder:
    """A campaign that asks relations of every draft, where it asks any."""
    with asking(spec) as asker, opened(path, about(("Dense",), also=also)) as folder:
        campaign = Campaign(folder, asker, ("Dense",), lambda _: (), lambda _: None, a_seed=3, relations_of=1)
        campaign.run(range(1), time.monotonic() + 60)
    return folder


def test_a_broken_relation_is_made_small_written_and_asked_again(tmp_path: Path) -> None:
    folder = ran(tmp_path / "c", keeping("loses_saved_weights"))
    (finding,) = folder.kept
    assert finding.is_reduced
    assert (finding.name, finding.draft.calls) == ("dense_relations", DENSE.calls)
    assert "saved_and_loaded" in finding.words
    for behaviour, state in (("loses_saved_weights", State.STILL), ("keeps_what_is_remade", State.FIXED)):
        with asking(keeping(behaviour)) as asker:
            assert [one.state for one in replayed(folder, asker)] == [state]


def test_a_campaign_over_a_lane_that_keeps_all_relations_finds_nothing(tmp_path: Path) -> None:
    assert ran(tmp_path / "c", keeping("keeps_what_is_remade")).kept == []
    assert ran(tmp_path / "d", keeping("loses_saved_weights"), also=()).kept == []


def test_a_model_that_is_saved_and_loaded_is_held_to_the_same_answer() -> None:
    kept = replace(DENSE, saved="keras")
    assert [one.aspect for one in shown(planted("Dense", does="loses"), kept)] == ["values"]
    assert shown(planted("Dense", does="loses"), DENSE) == []
    assert shown(planted("ReLU", does="loses"), kept) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_draft_says_in_which_form_its_model_is_saved(form: str) -> None:
    kept = replace(DENSE, saved=form)
    assert f"    saved: {{as: {form}}}" in case_lines(kept, "x", "?")
    assert described(kept) == f"What does Dense(units=2), saved and loaded as {form}, make of (batch, 3)?"
    assert kept.digest != DENSE.digest


def test_once_in_a_while_a_draft_is_saved_and_never_one_that_remembers() -> None:
    draw = random.Random(0)
    forms = [saved(DENSE, draw).saved for _ in range(240)]
    assert {"", *FORMS} == set(forms)
    assert 5 <= sum(bool(form) for form in forms) <= 40
    twice = replace(DENSE, calls=(replace(DENSE.calls[0], name="before"), *DENSE.calls))
    assert {saved(twice, draw).saved for _ in range(100)} == {""}


def test_what_keras_has_no_class_for_is_not_saved() -> None:
    ours = replace(DENSE, layers=(replace(DENSE.layers[0], type="Lambda", config={"function": "square"}),))
    draw = random.Random(0)
    assert {saved(ours, draw).saved for _ in range(100)} == {""}
