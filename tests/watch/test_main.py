"""Which process a change replaces, and what is judged then; with a judge and lanes that only remember."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from conformance.watch import main as watching
from conformance.watch.judging import PACKAGE
from conformance.watch.main import Watch, forget_compiled, shown

REFERENCE = PACKAGE / "reference" / "pooling.py"
PORT = PACKAGE / "lanes" / "torch" / "pooling.py"
ANSWER = {"judged": {}, "verdicts": {}, "ids": [], "files": [str(REFERENCE)], "is_outdated": False, "code": 0}


class Judge:
    """Answers every order at once, in the way that it was told to."""

    made: list[Judge]
    answers: list[tuple[Any, ...]]

    def __init__(self) -> None:
        self.files: frozenset[str] | None = None
        self.orders: list[dict[str, Any]] = []
        self.is_stopped = False
        self.pipe = self
        Judge.made.append(self)

    def go(self) -> None: ...

    def is_stale(self, changed: Collection[Path]) -> bool:
        return self.files is None or any(str(path) in self.files for path in changed)

    def order(self, asked: dict[str, Any]) -> None:
        self.orders.append(asked)

    def has_message(self, seconds: float) -> bool:
        return True

    def receive(self) -> tuple[Any, ...]:
        if not Judge.answers:
            return ("judged", {**ANSWER, "deviations": [str(Path.cwd() / "deviations")]})
        answer = Judge.answers.pop(0)
        if answer == ("gone",):
            raise EOFError
        return answer

    def ended(self) -> str:
        return "signal 11"

    def stop(self) -> None:
        self.is_stopped = True


class Lanes:
    """Remembers what was replaced."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def files(self) -> frozenset[str]:
        return frozenset({str(PORT), "/somewhere/own_layers.py"})

    def refresh(self, changed: Collection[Path]) -> None:
        self.log.append(sorted(path.name for path in changed))

    def replace_all(self) -> None:
        self.log.append("all")

    def settle(self) -> None: ...
    def learn(self) -> None: ...
    def stop(self) -> None: ...


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases").mkdir()
    Judge.made, Judge.answers = [], []
    said: list[str] = []
    made = Watch(
        [tmp_path / "cases"], ["-k", "gru"], said.append, Lanes(), Judge, [str(PACKAGE / "lanes" / "process.py")]
    )
    made.said = said  # type: ignore[attr-defined]  # for the tests
    made.round(made._paths)
    monkeypatch.setattr(watching, "forget_compiled", lambda path: None)
    return made


def orders() -> list[dict[str, Any]]:
    return [order for judge in Judge.made for order in judge.orders]


def case_in(watch: Watch) -> Path:
    path = watch._paths[0] / "a.case.yaml"
    path.write_text("")
    return path


def test_a_saved_case_file_is_judged_alone_by_the_same_processes(watch: Watch) -> None:
    path = case_in(watch)
    watch.take({path})
    assert [order["paths"] for order in orders()] == [[str(path.parent)], [str(path)]]
    assert orders()[1]["options"] == ["-k", "gru"]
    assert (len(Judge.made), watch.lanes.log) == (1, [])  # type: ignore[attr-defined]  # as above
    assert orders()[0]["generation"] == orders()[1]["generation"]


def test_a_port_replaces_the_lanes_that_imported_it_and_what_the_judge_had_read_is_forgotten(watch: Watch) -> None:
    watch.take({PORT})
    assert watch.lanes.log == [["pooling.py"]]  # type: ignore[attr-defined]  # as above
    assert len(Judge.made) == 1
    assert orders()[1]["forgets"]
    assert orders()[1]["paths"] == [str(watch._paths[0])]
    assert orders()[1]["generation"] == orders()[0]["generation"] + 1


def test_a_reference_replaces_the_judge_too(watch: Watch) -> None:
    watch.take({REFERENCE})
    assert [judge.is_stopped for judge in Judge.made] == [True, False]


def test_a_file_of_the_package_that_is_no_module_replaces_everything(watch: Watch) -> None:
    watch.take({PACKAGE / "case" / "keras_names.json"})
    assert watch.lanes.log == ["all"]  # type: ignore[attr-defined]  # as above
    assert Judge.made[0].is_stopped


def test_what_a_lane_imported_from_elsewhere_is_code_and_what_nobody_imported_is_nothing(watch: Watch) -> None:
    watch.take({Path("/somewhere/own_layers.py")})
    watch.take({Path("/somewhere/else.py"), watch._paths[0] / "notes.txt"})
    assert watch.lanes.log == [["own_layers.py"]]  # type: ignore[attr-defined]  # as above
    assert len(orders()) == 2


def test_data_and_deviations_are_judged_by_the_same_processes(watch: Watch, tmp_path: Path) -> None:
    watch.take({watch._paths[0] / "x.npy"})
    watch.take({tmp_path / "deviations" / "known.yaml"})
    assert len(orders()) == 3
    assert len(Judge.made) == 1


def test_what_the_watch_itself_runs_makes_it_begin_anew(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(watching, "begin", lambda paths, options: begun.append((paths, options)))
    watch.take({PACKAGE / "lanes" / "process.py"})
    assert begun == [(watch._paths, ["-k", "gru"])]


def test_where_it_could_not_it_says_so_and_goes_on(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "COMMAND", "raise SyntaxError('half a line'); main()")
    watch.take({PACKAGE / "lanes" / "process.py"})
    assert watch.said[-1] == "  the watch itself cannot be started again: SyntaxError: half a line"  # type: ignore[attr-defined]
    watch.take({case_in(watch)})
    assert len(orders()) >= 2


def test_a_judge_that_cannot_import_is_one_line_and_the_next_change_has_another_one(watch: Watch) -> None:
    Judge.answers = [("broken", "reference/pooling.py:3: SyntaxError: invalid syntax")]
    watch.take({REFERENCE})
    assert watch.said[-1] == "  reference/pooling.py:3: SyntaxError: invalid syntax"  # type: ignore[attr-defined]
    watch.take({REFERENCE})
    assert len(Judge.made) == 3
    assert len(orders()) == 3


def test_a_judge_that_dies_is_one_line_and_another_one_takes_its_place(watch: Watch) -> None:
    Judge.answers = [("gone",)]
    watch.take({PORT})
    words = "  the process that judges ended (signal 11); another one takes its place"
    assert watch.said[-1] == words  # type: ignore[attr-defined]  # as above
    watch.take({PORT})
    assert Judge.made[-1].orders


def test_an_interrupted_round_is_made_up_for(watch: Watch) -> None:
    Judge.answers = [("judged", {**ANSWER, "deviations": [], "is_outdated": True})]
    watch.take({PORT})
    watch.take({path := case_in(watch)})
    assert [order["paths"] for order in orders()[2:]] == [[str(path)], [str(path.parent)]]


def test_what_was_compiled_of_a_file_is_forgotten(tmp_path: Path) -> None:
    import importlib.util
    import py_compile

    file = tmp_path / "m.py"
    file.write_text("x = 1\n")
    py_compile.compile(str(file))
    forget_compiled(file)
    assert not Path(importlib.util.cache_from_source(str(file))).exists()


def test_files_are_shown_as_people_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown([tmp_path / "cases" / "a.yaml", Path("/x/b.py")]) == "/x/b.py, cases/a.yaml"
    assert shown([tmp_path / name for name in "dcba"]) == "a, b, c and 1 more"
