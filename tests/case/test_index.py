"""What selecting needs of a case file is known without reading it, as long as nothing that reads it has changed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.case import index as indexing
from conformance.case.index import PACKAGE, Index, listed
from tests.builders import POOLED, cases_of

NATIVE = POOLED.replace("- id: masked", "- id: masked\n        lanes: [torch]\n        tags: [masks]")


def file_in(folder: Path, text: str = NATIVE) -> Path:
    cases_of(text, folder)
    return folder / "fam" / "topic.case.yaml"


def test_what_is_kept_is_what_was_read(tmp_path: Path) -> None:
    file, index = file_in(tmp_path), Index(tmp_path / "kept")
    cases = [listed(case) for case in cases_of(NATIVE, tmp_path)]
    assert index.of(file) is None
    index.keep(file, cases)
    assert list(Index(tmp_path / "kept").of(file) or ()) == cases
    assert cases[0].lanes == ("torch",)
    assert cases[0].layer_types == ("Embedding", "GlobalAveragePooling1D")


def test_what_makes_or_holds_a_weight_is_no_layer(tmp_path: Path) -> None:
    wrapped = "{type: TimeDistributed, layer: {type: Dense, units: 2, kernel_initializer: {type: Constant, value: 2}}}"
    text = POOLED.replace("{type: GlobalAveragePooling1D}", wrapped)
    assert text != POOLED
    assert cases_of(text, tmp_path)[0].layer_types == ("Embedding", "TimeDistributed", "Dense")


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text(file.read_text() + "\n# a word more\n"),
        lambda file: file.rename(file.with_name("other.case.yaml")),
        lambda file: file.unlink(),
    ],
)
def test_another_file_is_not_answered_from_it(tmp_path: Path, change: Any) -> None:
    file, index = file_in(tmp_path), Index(tmp_path / "kept")
    index.keep(file, [listed(case) for case in cases_of(NATIVE, tmp_path)])
    change(file)
    other = file.with_name("other.case.yaml")
    assert index.of(other if other.exists() else file) is None


def test_another_version_of_what_reads_it_has_an_index_of_its_own(tmp_path: Path) -> None:
    """A field that is read in another way, or an argument that a layer takes now."""
    package = tmp_path / "conformance"
    for pattern in ("errors.py", "counterpart.py", "imports.py", "mapping.py", "case", "reference"):
        copy = shutil.copytree if (PACKAGE / pattern).is_dir() else shutil.copyfile
        package.mkdir(exist_ok=True)
        copy(PACKAGE / pattern, package / pattern)
    file = file_in(tmp_path)
    Index(tmp_path / "kept", package).keep(file, [listed(case) for case in cases_of(NATIVE, tmp_path)])
    assert Index(tmp_path / "kept", package).of(file) is not None
    for name in ("case/schema.py", "reference/pooling.py", "case/keras_names.json"):
        with (package / name).open("a") as source:
            source.write("\n")
        assert Index(tmp_path / "kept", package).of(file) is None
        Index(tmp_path / "kept", package).keep(file, [listed(case) for case in cases_of(NATIVE, tmp_path)])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '[{"id": "a/b.c"}]',
        '[{"id": 1, "line": 1, "column": 1, "tags": [], "layer_types": [], "lanes": []}]',
        '[{"id": "a/b.c", "line": 1, "column": 1, "tags": "ab", "layer_types": [], "lanes": []}]',
        "\udcff",
    ],
)
def test_what_is_damaged_is_counted_and_made_again(tmp_path: Path, text: str) -> None:
    file, index = file_in(tmp_path), Index(tmp_path / "kept")
    cases = [listed(case) for case in cases_of(NATIVE, tmp_path)]
    index.keep(file, cases)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert index.of(file) is None
    assert index.damaged == 1
    index.keep(file, cases)
    assert list(index.of(file) or ()) == cases


def test_a_file_with_a_layer_of_the_user_s_own_is_read_every_time(tmp_path: Path) -> None:
    """Its arguments are those of a class whose source is no part of the digest."""
    file, index = file_in(tmp_path), Index(tmp_path / "kept")
    (case,) = (listed(case) for case in cases_of(NATIVE, tmp_path))
    index.keep(file, [replace(case, layer_types=("Dense", "team.layers.Scale"))])
    assert index.of(file) is None


def test_where_nothing_can_be_kept_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file in the place of the folder")
    file, index = file_in(tmp_path), Index(tmp_path / "kept")
    index.keep(file, [])
    assert index.of(file) is None
    index.trim()


def test_of_too_many_lists_the_oldest_go(tmp_path: Path) -> None:
    index = Index(tmp_path / "kept")
    for number in range(9):
        index.keep(file_in(tmp_path, NATIVE + f"\n# {number}\n"), [])
    index.trim(limit=8)
    assert len(list((tmp_path / "kept").iterdir())) == 6
    Index(tmp_path / "kept").trim(limit=2)
    assert len(list((tmp_path / "kept").iterdir())) == 6, "looked at where one was added"


def test_the_digest_is_of_every_source_that_reads(tmp_path: Path) -> None:
    import sys

    read = {
        Path(module.__file__).relative_to(PACKAGE).as_posix()
        for name, module in sys.modules.items()
        if name.startswith(("conformance.case.", "conformance.reference.")) and module.__file__
    }
    covered = {path.relative_to(PACKAGE).as_posix() for pattern in indexing.SOURCES for path in PACKAGE.glob(pattern)}
    assert read <= covered
