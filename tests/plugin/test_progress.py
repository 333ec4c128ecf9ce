"""How far a run is, said by a clock that the test holds."""

from __future__ import annotations

from conformance.pytest_plugin.progress import Progress, left


def test_progress_is_said_now_and_then_with_the_time_that_is_left() -> None:
    said: list[str] = []
    times = iter([0.0, 12.0, 13.0, 24.0, 30.0])
    progress = Progress(said.append, lambda: next(times))
    for done in (10, 20, 30, 60, 100):
        progress.tick(done, 100)
    assert said == ["conformance: 20 of 100 cases, some 50 s left", "conformance: 60 of 100 cases, some 20 s left"]


def test_a_guess_is_rounded() -> None:
    assert [left(seconds) for seconds in (0.4, 44, 100, 400)] == ["some 10 s", "some 40 s", "some 2 min", "some 7 min"]
