"""`conformance compare` as it is typed: files, lanes, what is lost, what is refused, every format."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conformance import cli
from conformance.errors import Exit
from tests.comparison.bench import MODELS

pytestmark = pytest.mark.frameworks

SAVE = """
import sys
sys.path.insert(0, {models!r})
import unsafe
unsafe.with_lambda().save({folder!r} + "/lambda.keras")
model = unsafe.with_layer()
model.save({folder!r} + "/custom.keras")
import torch
kernel, bias = model.get_weights()
torch.save({{"d.weight": torch.tensor(kernel.T.copy()), "d.bias": torch.tensor(bias)}}, {folder!r} + "/port.pt")
torch.save({{"d.weight": torch.tensor(kernel)}}, {folder!r} + "/other.pt")
torch.save(unsafe.Scale, {folder!r} + "/pickled.pt")
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved models and weights, made in a process of their own."""
    folder = tmp_path_factory.mktemp("files")
    script = SAVE.format(models=str(MODELS), folder=str(folder))
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    np.save(folder / "batch.npy", np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))
    return folder


def compared(*arguments: str | Path) -> int:
    return cli.main(["compare", *map(str, arguments)])


PORT = f"{MODELS / 'unsafe_port.py'}:Port"


def test_a_lambda_in_a_file_is_not_run(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(files / "lambda.keras", PORT) == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert "holds code (a Lambda), which is not run from a file" in said
    assert "name a function that builds the model instead" in said


def test_a_custom_layer_is_named_with_the_way_to_allow_it(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(files / "custom.keras", PORT) == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert "needs Scale" in said
    assert "--allow path/to/module.py:Scale" in said


def test_an_allowed_layer_and_weights_that_are_loaded(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    allowed = ("--allow", f"{MODELS / 'unsafe.py'}:Scale", "--inputs", files / "batch.npy")
    assert compared(files / "custom.keras", PORT, *allowed, "--load", files / "port.pt", "--format", "json") == Exit.OK
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["first"]) == ("agree", None)
    for name, words in (("other.pt", "cannot be loaded into the port"), ("pickled.pt", "no pickled objects")):
        assert compared(files / "custom.keras", PORT, *allowed, "--load", files / name) == Exit.BAD_INPUT
        assert words in capsys.readouterr().err


CLASSIFIER, PORTS = f"{MODELS / 'classifier.py'}:build", MODELS / "classifier_port.py"


@pytest.mark.parametrize(
    ("port", "words"),
    [
        ("scripted", "is scripted: its submodules cannot be watched"),
        ("NOT_A_MODULE", "is a int, no torch.nn.Module"),
        ("raises", "raised ValueError: no weights here (line"),
        ("nothing", "has no nothing"),
    ],
)
def test_ports_that_cannot_be_watched(port: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(CLASSIFIER, f"{PORTS}:{port}", "--no-rounding") == Exit.BAD_INPUT
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("port", "words"), [("Crashing", "the port ended in a crash"), ("Hanging", "in a timeout")])
def test_a_crash_and_a_hang_are_the_verdict(port: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    limit = ("--time-limit", "20", "--no-rounding")
    assert compared(CLASSIFIER, f"{PORTS}:{port}", *limit) == Exit.DISAGREE
    assert words in capsys.readouterr().out


def test_the_mask_of_a_merge_between_two_releases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    merge = f"{MODELS / 'merge.py'}:build"
    words, tags = np.array([[3, 4, 0, 0], [5, 6, 7, 0]]), np.array([[1, 2, 3, 0], [1, 2, 0, 0]])
    np.savez(tmp_path / "batch.npz", words=words, tags=tags)
    lanes = ("--lane", "keras@3.3.3", "--port-lane", "keras", "--inputs", tmp_path / "batch.npz", "--format", "json")
    assert compared(merge, merge, *lanes) == Exit.DISAGREE
    found = json.loads(capsys.readouterr().out)
    assert [(start["kind"], start["layer"]) for start in found["starts"]] == [("mask", "both")]
    assert found["starts"][0]["detail"] == "its result carries a mask of 6 of 8 steps, that of the model no mask"
    states = {row["path"]: row["state"] for row in found["rows"]}
    assert (states["pool"], states["scores"]) == ("follows", "follows")
