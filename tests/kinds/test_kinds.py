"""The matrix of kinds of input: what is asked of whom, and that its files are those that are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import suite
from conformance.ask.write import snake
from conformance.case.layers import types
from conformance.case.load import load_file
from conformance.cli import main
from conformance.errors import Exit
from conformance.kinds.layers import ENDS, nested
from conformance.kinds.matrix import cells_of, text_of
from conformance.kinds.model import Cell, lines

HERE = Path("kinds")
SAMPLE = ("Dense", "GRU", "Softmax", "RandomFlip", "BinaryCrossentropy", "HashedCrossing")


def names(kind: str) -> set[str]:
    return {cell.name for cell in cells_of(kind)}


def test_every_layer_has_a_file_with_its_cells() -> None:
    written = {case for case in suite.ids_made(Path()) if case.startswith("kinds/")}
    wanted = {f"kinds/{snake(kind)}.{name}" for kind in types() for name in names(kind)}
    assert written == wanted, "conformance kinds -o kinds"


@pytest.mark.parametrize("kind", SAMPLE)
def test_a_file_is_the_one_that_is_written(kind: str) -> None:
    assert (HERE / f"{snake(kind)}.case.yaml").read_text() == text_of(kind, cells_of(kind)), (
        "conformance kinds -o kinds"
    )


@pytest.mark.parametrize("kind", SAMPLE)
def test_every_cell_can_be_read(kind: str) -> None:
    assert {case.id.partition(".")[2] for case in load_file(HERE / f"{snake(kind)}.case.yaml")} == names(kind)


def test_what_is_asked_follows_from_traits() -> None:
    assert {"integers", "booleans", "batch_of_none", "batches", "ends_of_the_range"} <= names("Dense")
    assert "masked" not in names("Dense")  # its example has no steps
    assert {"mask_of_floats", "mask_of_one_row", "nan_beneath", "in_training"} <= names("GRU")
    assert "in_training_inside_bidirectional" in names("GRU")
    assert "integers" not in names("Embedding")  # ids are integers anyway
    assert "bytes" in names("Conv2D") - names("Conv1D")
    assert "in_training" not in names("Dropout")  # drawn
    assert {"weights_of_samples", "labels_that_broadcast", "ends_of_logits"} <= names("BinaryCrossentropy")
    assert "ends_of_logits" not in names("MeanSquaredError")
    assert cells_of("GRUCell") == []


def test_a_layer_that_draws_is_asked_outside_of_training() -> None:
    assert all("training=False" in cell.graph["y"] for cell in cells_of("RandomFlip"))


def test_a_cell_that_is_refused_asks_about_errors() -> None:
    cell = Cell("x", "?", {}, {}, {"y": "layer(x)"}, no_gradients="why")
    assert lines(cell, refuses=True)[-1] == "    expect: {error: {phase: any}}"
    assert lines(cell, refuses=False)[-1] == "    no_gradients: why"


def test_numbers_are_nested_in_order() -> None:
    assert nested([1, 2, 3], (2, 2)) == [[1, 2], [3, 1]]
    assert len(nested(ENDS, (2, 3, 4))[1]) == 3


def test_ids_lead_to_the_folder_beside_the_cases() -> None:
    assert suite.folder_of("kinds/dense.batches", Path("cases")) == Path("kinds")
    assert suite.folder_of("core/dense.by_hand", Path("cases")) == Path("cases")
    assert suite.folder_of("kinds/dense.batches", Path("mine")) == Path("mine")


def test_the_command_writes_some_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kinds", "--layers", "Dense,Hinge", "-o", str(tmp_path)]) == Exit.OK
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dense.case.yaml", "hinge.case.yaml"]
    assert main(["kinds", "--layers", "Dens", "-o", str(tmp_path)]) == Exit.UNAVAILABLE
    assert "did you mean Dense?" in capsys.readouterr().err


def test_files_of_others_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "dense.case.yaml"
    own.write_text("# mine\n", encoding="utf-8")
    assert main(["kinds", "--layers", "Dense", "-o", str(tmp_path)]) == Exit.UNAVAILABLE
    assert "was not written by this command" in capsys.readouterr().err
    assert own.read_text(encoding="utf-8") == "# mine\n"
    assert list(tmp_path.iterdir()) == [own]
