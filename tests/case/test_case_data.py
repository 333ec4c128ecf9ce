"""Data files of a case: read without running anything in them, refused in one line where they cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from conformance.case import data
from conformance.case.data import DataError, facts, load_array


def test_a_file_with_python_objects_is_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError) as raised:
        facts(path, None)
    assert str(raised.value) == "not an array file: Object arrays cannot be loaded when allow_pickle=False"


BROKEN = {
    "x.npy": ("not an array", "not an array file: "),
    "x.txt": ("1", "the data file ends in .txt"),
    "text.json": ('["a", "b"]', "the data file holds no array of numbers"),
    "nothing.json": ("[1, null]", "the data file holds no array of numbers"),
    "digits.json": (f"[{'9' * 400}]", "the data file holds no array of numbers"),
    "syntax.json": ("[1, 2", "not JSON: Expecting ',' delimiter: line 1 column 6 (char 5)"),
    "mapping.json": ('{"a": [1], "b": [2]}', "the data file holds a mapping"),
    "ragged.json": ("[[[1, 2], [3, 4]], [[1, 2], [3]]]", "row [1][1] has shape (1,), row [1][0] has (2,)"),
    "deep.json": ("[" * 17 + "]" * 17, "the data file has lists nested more than 16 deep"),
    "deeper.json": ("[" * 100_000, "not JSON: "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_data_files(name: str, tmp_path: Path) -> None:
    text, expected = BROKEN[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as raised:
        facts(tmp_path / name, None)
    assert str(raised.value).startswith(expected)
    assert "\n" not in str(raised.value)


def test_keys_of_data_files(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(2))
    (tmp_path / "x.json").write_text(json.dumps({"a": [1.5, 2]}))
    assert load_array(tmp_path / "x.json", "a").tolist() == [1.5, 2.0]
    for name, key, expected in (
        ("x.npy", "a", "a .npy file has no keys"),
        ("x.json", "b", "the data file has no key b"),
    ):
        with pytest.raises(DataError) as raised:
            facts(tmp_path / name, key)
        assert str(raised.value) == expected


def test_a_huge_data_file_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "x.npy").open("wb") as huge:
        huge.truncate(data.MAX_BYTES + 1)
    monkeypatch.setattr(data, "load_array", lambda *_: pytest.fail("the file was read"))
    with pytest.raises(DataError) as raised:
        facts(tmp_path / "x.npy", None)
    assert str(raised.value) == "the data file has 67108865 bytes; 67108864 are allowed"


def test_a_changed_file_has_other_facts(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1, 2]")
    first = facts(path, None)
    path.write_text("[1, 2, 3]")
    second = facts(path, None)
    assert (first.shape, second.shape) == ((2,), (3,))
    assert first.sha256 != second.sha256
