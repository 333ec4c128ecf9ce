"""What cannot be compared: one clear message, an exit code, and no code that was not named is run."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance import cli
from conformance.comparison.batch import as_arrays, checked, drawn, read_batch
from conformance.comparison.ends import CompareError
from conformance.comparison.sides import check_pairs, lane_of, read_pairs
from conformance.comparison.training import step_of
from conformance.errors import Exit
from conformance.lanes.compare_far import SPARE, Store, refusing
from tests.comparison.fakes import layer, model

IDS = {"name": "ids", "shape": [None, 3], "dtype": "int32"}
WAVE = {"name": "wave", "shape": [None, 4], "dtype": "float32"}


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What `compare` prints of arguments that it does not take; it ends at once, without a lane."""
    assert cli.main(["compare", *arguments]) == Exit.BAD_INPUT
    return capsys.readouterr().err


def test_a_file_that_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.keras"
    path.write_text("hello")
    said = refused([str(path), "port.py:build"], capsys)
    assert said == (
        f"{path} is neither a .keras nor an .h5 file\n   = help: save the model with model.save('model.keras')\n"
    )


class Explosive:
    """Unpickling it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "boom")


def test_a_pickle_is_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boom, path = tmp_path / "boom", tmp_path / "model.keras"
    path.write_bytes(pickle.dumps(Explosive(boom)))
    assert "is a pickle, which could run any code; it is not opened" in refused([str(path), "port.py:build"], capsys)
    batch = tmp_path / "batch.npy"
    np.save(batch, np.array([Explosive(boom)], dtype=object), allow_pickle=True)
    with pytest.raises(CompareError, match="holds Python objects, which are not unpickled"):
        read_batch(batch)
    assert not boom.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.keras", "port.py:build"], "there is no file nowhere.keras"),
        (["model.py", "port.py:build"], "the model model.py names no object"),
        (["model.py:build", "port"], "the port port is not understood"),
        (["model.py:build", "port.py:build", "--inputs", "nowhere.npz"], "there is no file nowhere.npz"),
        (["model.py:build", "port.py:build", "--step", "Adamax(0.1)"], "is none of SGD, Adam"),
        (["model.py:build", "port.py:build", "--step", "SGD(open('x'))"], "is no argument of SGD with a number"),
        (["model.py:build", "port.py:build", "--lane", "numpy"], "a model cannot run in the lane numpy"),
        (["model.py:build", "port.py:build", "--allow", "Scale"], "--allow Scale is not understood"),
        (["model.py:build", "port.py:build", "--pairs", "nowhere.yaml"], "there is no file nowhere.yaml"),
    ],
)
def test_arguments_that_mean_nothing(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(arguments, capsys)
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"ids": np.zeros((2, 4))}, r"the input ids has shape \(2, 4\); the model takes \(any, 3\)"),
        ({"ids": np.full((2, 3), 0.5)}, "the input ids has fractions"),
        ({"ids": np.array([["a", "b", "c"]])}, "no numbers"),
    ],
)
def test_a_batch_that_does_not_fit(arrays: dict[str, Any], words: str) -> None:
    with pytest.raises(CompareError, match=words):
        checked(arrays, model(inputs=(IDS,)))


def test_a_batch_with_other_names_and_with_nan() -> None:
    two = model(inputs=(IDS, WAVE))
    with pytest.raises(CompareError, match="the inputs have no wave; they hold ids, waves") as caught:
        checked({"ids": np.zeros((2, 3)), "waves": np.zeros((2, 4))}, two)
    assert caught.value.hint == "did you mean wave?"
    wave = np.zeros((2, 4))
    wave[1, 2] = np.nan
    with pytest.raises(CompareError, match=r"the input wave holds nan at \(1, 2\)"):
        checked({"ids": np.zeros((2, 3)), "wave": wave}, two)


def test_a_batch_in_order_and_a_drawn_one_fit() -> None:
    two = model(inputs=(IDS, WAVE))
    batch = checked(as_arrays([np.ones((2, 3)), np.ones((2, 4))]), two)
    assert [(name, array.dtype.name) for name, array in batch.items()] == [("ids", "int32"), ("wave", "float32")]
    assert {name: array.shape for name, array in drawn(two).items()} == {"ids": (4, 3), "wave": (4, 4)}
    with pytest.raises(CompareError, match="does not say what it takes"):
        drawn(model())


def test_files_of_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.yaml"
    for text, words in (("", "holds no pairs"), ("pairs: {}", "holds no pairs"), ("pairs: [a", "not YAML"),
                        ("pairs: {a: 3}", "both text"), ("!!python/object:os.system {}", "not YAML")):  # fmt: skip
        path.write_text(text)
        with pytest.raises(CompareError, match=words):
            read_pairs(path)
    path.write_text("pairs: {dense: head.fc}")
    mine, theirs = model(layer(tmp_path, "dense", "Dense")), model(layer(tmp_path, "head.fc", "Linear"))
    check_pairs(read_pairs(path), mine, theirs, "pairs.yaml")
    with pytest.raises(CompareError, match="the model has no layer dens") as caught:
        check_pairs({"dens": "head.fc"}, mine, theirs, "pairs.yaml")
    assert caught.value.hint == "did you mean dense?"
    with pytest.raises(CompareError, match=r"the port has no module head\.fk"):
        check_pairs({"dense": "head.fk"}, mine, theirs, "pairs.yaml")


LANES = ("keras[mode=xla]", "keras[policy=mixed_bfloat16]", "torch[native]")


@pytest.mark.parametrize("lane", LANES)
def test_a_lane_that_does_not_run_layer_by_layer_is_refused_before_anything_starts(lane: str) -> None:
    with pytest.raises(CompareError, match="layer by layer, eagerly: not in the lane ") as caught:
        lane_of(lane, {"path": "port.py", "name": "build"}, "torch")
    assert "can be asked of cases, by pytest --lane" in str(caught.value.hint)


def test_a_step_is_read_without_running_it() -> None:
    assert step_of("SGD(0.1, momentum=0.9)") == {"type": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.9}}
    with pytest.raises(CompareError, match="cannot be read"):
        step_of("SGD(")


def test_activations_larger_than_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path / "arrays"))
    usage = SimpleNamespace(free=2 * SPARE + 100)
    monkeypatch.setattr("conformance.lanes.compare_far.shutil.disk_usage", lambda folder: usage)
    store.keep(np.zeros(12))
    usage.free = SPARE
    with refusing() as answer:
        store.keep(np.zeros((3, SPARE // 16)))
    assert answer["failure"]["kind"] == "disk"
    assert answer["failure"]["message"].endswith("arrays has no room for an array of 96 MiB")
    assert "compare a smaller batch" in answer["failure"]["hint"]
    assert [file.stat().st_size for file in (tmp_path / "arrays").iterdir()] == [96]
