"""The cases of `keras.ops`: what is asked of which operation, and that the files are those that are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import suite
from conformance.case.load import load_file
from conformance.cli import main
from conformance.errors import Exit
from conformance.kinds.operations import cells, text_of
from conformance.reference.operations.base import OPERATIONS, table
from conformance.reference.operations.forms import asks

HERE = Path("operations")
SAMPLE = ("abs", "add", "sum", "softmax", "where", "eye", "polar", "batch_normalization")


def names(operation: str) -> set[str]:
    return {one.name for one in asks(table()[operation])}


def test_every_operation_has_a_file_with_its_questions() -> None:
    written = {case for case in suite.ids_made(Path()) if case.startswith("operations/")}
    wanted = {f"operations/{name}.{one.name}" for name, entry in table().items() for one in asks(entry)}
    assert written == wanted, "conformance operations -o operations"


def test_no_operation_asks_twice_under_one_name() -> None:
    doubled = [name for name, entry in table().items() if len(names(name)) < len(list(asks(entry)))]
    assert doubled == []


@pytest.mark.parametrize("operation", SAMPLE)
def test_a_file_is_the_one_that_is_written(operation: str) -> None:
    written = (HERE / f"{operation}.case.yaml").read_text(encoding="utf-8")
    assert written == text_of(table()[operation]), "conformance operations -o operations"


@pytest.mark.parametrize("operation", SAMPLE)
def test_every_question_can_be_read(operation: str) -> None:
    cases = load_file(HERE / f"{operation}.case.yaml")
    assert {case.id.partition(".")[2] for case in cases} == names(operation)
    assert {case.id.partition(".")[0] for case in cases} == {f"operations/{operation}"}


def test_what_is_asked_follows_from_the_form() -> None:
    assert {"broadcast", "number", "integers", "empty", "one", "specials"} - names("add") == {"one"}
    assert {"first", "last", "two", "keepdims", "axis_too_large"} <= names("sum")
    assert "empty" not in names("max")  # of nothing there is no largest
    assert {"first", "last", "middle"} <= names("cumsum")


def test_an_axis_that_is_not_there_asks_about_errors() -> None:
    text = text_of(table()["sum"])
    assert text.count("expect: {error: {phase: any}}") == 1


def test_an_input_behind_an_argument_is_given_by_its_name() -> None:
    (call,) = {cell.graph["result"] for cell in cells(table()["batch_normalization"]) if cell.name == "last"}
    assert call == "operation(x, mean, variance, offset=offset, scale=scale)"


def test_a_type_is_made_when_it_is_asked_for() -> None:
    kind = OPERATIONS["ops.softmax"]
    assert kind is OPERATIONS["ops.softmax"]
    assert kind.type_name() == "ops.softmax"
    assert "ops.softmaxx" not in OPERATIONS
    with pytest.raises(KeyError):
        OPERATIONS["ops.softmaxx"]


def test_ids_lead_to_the_folder_beside_the_cases() -> None:
    assert suite.folder_of("operations/sum.all", Path("cases")) == Path("operations")


def test_the_command_writes_some_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["operations", "--names", "abs,ops.eye", "-o", str(tmp_path)]) == Exit.OK
    assert sorted(file.name for file in tmp_path.iterdir()) == ["abs.case.yaml", "eye.case.yaml"]
    assert main(["operations", "--names", "softmaxx", "-o", str(tmp_path)]) == Exit.UNAVAILABLE
    assert "did you mean softmax?" in capsys.readouterr().err
