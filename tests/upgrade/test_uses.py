"""What a saved model uses, and which cases are about it: read without any framework."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from conformance.case.model import Case
from conformance.comparison.ends import CompareError
from conformance.upgrade.concerns import concerned
from conformance.upgrade.uses import Use, layers_in, uses_of_file
from tests.builders import cases_of

CONFIG = {
    "class_name": "Functional",
    "config": {
        "layers": [
            {"class_name": "InputLayer", "config": {"name": "ids"}, "build_config": None},
            {"class_name": "Embedding", "config": {"name": "a", "input_dim": 9, "output_dim": 4, "mask_zero": True}},
            {"class_name": "Embedding", "config": {"name": "b", "input_dim": 5, "output_dim": 4, "mask_zero": True}},
            {
                "class_name": "Bidirectional",
                "config": {
                    "name": "both",
                    "merge_mode": "concat",
                    "layer": {"class_name": "GRU", "config": {"name": "gru", "units": 3, "return_sequences": True}},
                },
            },
            {"class_name": "Conv1D", "config": {"name": "c", "filters": 2, "kernel_size": [3], "padding": "same",
                                                "activation": "linear",
                                                "dtype": {"class_name": "DTypePolicy", "config": {"name": "float32"}}}},
            {"class_name": "Scale", "registered_name": "team>Scale", "build_config": {}, "config": {"name": "s"}},
        ]
    },
}  # fmt: skip


def saved(path: Path, config: object = CONFIG) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    return path


def test_layers_and_their_arguments_that_are_not_the_usual_ones(tmp_path: Path) -> None:
    found = uses_of_file(saved(tmp_path / "clf.keras"))
    assert [str(use) for use in found] == [
        "Embedding(mask_zero=True) (2 times)",
        "Bidirectional",
        "GRU(return_sequences=True)",
        "Conv1D(padding='same')",
        "Scale",
    ]
    assert [use.type for use in found if not use.is_known] == ["Scale"]


@pytest.mark.parametrize("content", [b"", b"PK", b"\x80\x04x", b"not a zip"])
def test_a_file_that_is_no_model(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.keras").write_bytes(content)
    with pytest.raises(CompareError, match=r"is no \.keras file"):
        uses_of_file(tmp_path / "bad.keras")


def test_a_zip_without_a_configuration_and_one_that_is_too_deep(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("other.json", "{}")
    with pytest.raises(CompareError, match=r"is no \.keras file: There is no item named"):
        uses_of_file(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "b.keras", "w") as archive:
        archive.writestr("config.json", "[" * 100_000)
    with pytest.raises(CompareError, match=r"is no \.keras file"):
        uses_of_file(tmp_path / "b.keras")


def case(layers: str, folder: Path) -> Case:
    """A case that calls these layers one after the other."""
    head = "schema_version: 1\ntopic: t\ndims: {batch: 2, steps: 5, dim: 3}\nsource: {kind: hand}\ncases:\n"
    head += "  - id: one\n    question: What?\n    inputs: {x: {shape: [batch, steps, dim]}}\n    layers:\n"
    names = [line.partition(":")[0] for line in layers.splitlines()]
    called = "x"
    for name in names:
        called = f"{name}({called})"
    lines = "".join(f"      {line}\n" for line in layers.splitlines())
    (found,) = cases_of(f"{head}{lines}    graph: {{y: {called}}}\n", folder)
    return found


USES = tuple(layers_in(CONFIG))


@pytest.mark.parametrize(
    ("uses", "layers", "counts"),
    [
        (USES, "c: {type: Conv1D, filters: 2, kernel_size: 2}", (1, 0)),
        (USES, "c: {type: Conv1D, filters: 2, kernel_size: 2, padding: same}", (1, 0)),
        (USES, "c: {type: Conv1D, filters: 2, kernel_size: 2, padding: causal}", (0, 1)),
        (USES, "d: {type: Dense, units: 2}", (0, 0)),
        (USES, "m: {type: Masking}\ng: {type: GRU, units: 2}", (1, 0)),
        (USES, "m: {type: Masking}\nd: {type: Dense, units: 2}", (0, 0)),
        (USES, "b: {type: Bidirectional, layer: {type: GRU, units: 2}}", (1, 0)),
        (USES, "b: {type: Bidirectional, layer: {type: LSTM, units: 2}}", (0, 0)),
        ((), "c: {type: Conv1D, filters: 2, kernel_size: 2}", (0, 0)),
        ((Use("Dense"),), "m: {type: Masking}", (0, 0)),
    ],
)
def test_cases_about_what_a_model_uses(
    uses: tuple[Use, ...], layers: str, counts: tuple[int, int], tmp_path: Path
) -> None:
    found = concerned([case(layers, tmp_path)], uses)
    assert (len(found.cases), found.with_other_arguments) == counts
