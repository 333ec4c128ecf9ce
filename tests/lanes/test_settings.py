"""`env=` of a lane: a setting that the lane is started with, and that everything that speaks of the lane knows."""

from __future__ import annotations

import pytest

from conformance.errors import UsageError
from conformance.gate.options import lane_facts
from conformance.lanes.declare import lane, parse
from conformance.lanes.spec import LaneSpec
from conformance.protocol.adapter import Identity
from conformance.results import lane_row

SETTING = {"TF_ENABLE_ONEDNN_OPTS": "0"}
IDENTITY = Identity({"keras": "3.15.1"}, {}, True)


@pytest.mark.parametrize(
    "spec",
    [
        parse("keras[env=TF_ENABLE_ONEDNN_OPTS=0]"),
        parse("keras,env=TF_ENABLE_ONEDNN_OPTS=0"),
        lane("keras-TF_ENABLE_ONEDNN_OPTS-0", {"adapter": "keras", "env": "TF_ENABLE_ONEDNN_OPTS=0"}, "keras"),
    ],
)
def test_a_setting_is_what_the_lane_starts_with_and_what_it_is_called_by(spec: LaneSpec) -> None:
    assert spec.options["environment"]["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert spec.name == "keras-TF_ENABLE_ONEDNN_OPTS-0"
    assert lane_row(spec, IDENTITY, 1, []).settings == SETTING
    assert lane_facts([spec], {spec.name: IDENTITY})[spec.name].settings == ("TF_ENABLE_ONEDNN_OPTS=0",)


def test_a_lane_without_one_says_nothing_of_settings() -> None:
    assert "settings" not in parse("keras").options
    assert lane_row(parse("keras"), IDENTITY, 1, []).settings == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keras[env=TF_ENABLE_ONEDNN_OPTS]", "'TF_ENABLE_ONEDNN_OPTS' is no setting"),
        ("keras[env=tf opts=0]", "'tf opts=0' is no setting"),
        ("keras[env=KERAS_BACKEND=jax]", "KERAS_BACKEND is not for env"),
        ("keras[env=PYTHONPATH=x]", "PYTHONPATH is not for env"),
        ("keras[env=LD_PRELOAD=x]", "LD_PRELOAD is not for env"),
        ("keras[env=A=1,env=A=2]", "A is set twice"),
    ],
)
def test_what_is_no_setting_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(text)
