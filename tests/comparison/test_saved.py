"""Starts that are kept: a case with the real inputs and weights, which runs as any case, and a script."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import conformance
from conformance.case.load import load_file
from conformance.plans.draw import plan_of
from tests.comparison.bench import MODELS
from tests.in_process import keras_here

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own; elsewhere a lane's process writes them to a file
]
IDS = np.array([[3, 9, 27, 1], [7, 2, 0, 0], [5, 0, 0, 0]])


def run(*words: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_start_with_a_mask_and_one_with_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keras_here()
    monkeypatch.syspath_prepend(str(MODELS))
    model = importlib.import_module("classifier").build()
    port = importlib.import_module("classifier_port").last_step()
    found = conformance.compare(model, port, IDS, rounding=False, save=tmp_path / "saved")
    assert [start.layer for start in found.starts] == ["pool"]
    pool = tmp_path / "saved" / "01-pool"
    assert f"note: start 1 is kept in {pool}: pytest {pool / 'start.case.yaml'}" in str(found)
    (case,) = load_file(pool / "start.case.yaml")
    assert case.id == "01-pool/start.call"
    given = plan_of(case).runs[0]
    np.testing.assert_array_equal(given["mask"], IDS != 0)
    said = run("-m", "pytest", "-q", str(pool / "start.case.yaml"), "-m", "lane(name='numpy')", folder=tmp_path)
    assert "1 passed" in said
    shown = run(str(pool / "show.py"), folder=tmp_path).splitlines()
    assert [float(line.rpartition(" ")[2]) < 1e-6 for line in shown] == [True, False]


def test_weights_of_the_model_are_those_of_the_case(tmp_path: Path) -> None:
    keras: Any = keras_here()
    torch: Any = pytest.importorskip("torch")
    layer = keras.layers.BatchNormalization(epsilon=0.01, name="norm")
    model = keras.Sequential([keras.Input((3,)), layer])
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).uniform(0.5, 1.5, weight.shape))
    port = torch.nn.BatchNorm1d(3, eps=0.1)
    names = ("weight", "bias", "running_mean", "running_var")
    port.load_state_dict(
        {name: torch.tensor(array) for name, array in zip(names, model.get_weights(), strict=True)}, False
    )
    batch = np.random.default_rng(9).normal(size=(5, 3)).astype(np.float32)
    found = conformance.compare(model, torch.nn.Sequential(port), batch, rounding=False, save=tmp_path)
    assert [(start.kind, start.layer) for start in found.starts] == [("layer", "norm")]
    path = tmp_path / "01-norm" / "start.case.yaml"
    (case,) = load_file(path)
    plan = plan_of(case)
    assert dict(case.layers[0].config) == {"epsilon": 0.01}
    np.testing.assert_array_equal(plan.runs[0]["x"], batch)
    for weight in model.weights:
        np.testing.assert_array_equal(plan.layers["layer"].weights[weight.name], np.asarray(weight))
