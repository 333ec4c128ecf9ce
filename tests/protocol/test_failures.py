"""What a lane could not do travels as fields: nobody has to read its words again."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.protocol.adapter import Observing, Unsupported, WeightMismatch
from conformance.protocol.observation import Failure, OtherWeight, from_message
from conformance.protocol.wire import plain
from tests.builders import POOLED, cases_of, fake, running


def told(error: Exception) -> Failure | None:
    observing = Observing(phase="weights", node="y")
    observing.failed(error)
    return from_message("lane", "keras", plain(observing.as_message())).failure


@pytest.mark.parametrize(
    ("error", "weight"),
    [
        (
            WeightMismatch("d.kernel has shape", "d", "kernel", (3, 2), (2, 3)),
            OtherWeight("d", "kernel", (3, 2), (2, 3)),
        ),
        (WeightMismatch("d has weights", "d"), OtherWeight("d", "")),
        (ValueError("no such axis"), None),
    ],
)
def test_a_weight_that_is_not_the_references_is_named_by_fields(error: Exception, weight: OtherWeight | None) -> None:
    assert told(error) == Failure("weights", type(error).__name__, str(error), "y", weight)


def test_what_a_lane_cannot_do_is_no_failure() -> None:
    assert told(Unsupported("no port")) is None


@pytest.mark.parametrize(("behaviour", "signal"), [("crashes", "SIGABRT"), ("killed", "SIGKILL"), ("always_wrong", "")])
def test_the_signal_that_ends_a_process_is_a_field(behaviour: str, signal: str, tmp_path: Path) -> None:
    spec = fake(behaviour)
    with running(spec, in_process=False) as run:
        (case,) = cases_of(POOLED, tmp_path)
        run.announce([(case, [spec.name])])
        got = run.observations(case)[spec.name]
    assert (got.signal, got.ended) == (signal, "crash" if signal else "finished")
    assert signal in got.detail
