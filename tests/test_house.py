"""What the pages about the house say of it is so: every file, function and type that they name is there."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from tests.documents import blocks

ROOT = Path(__file__).parents[1]
PAGES = ("docs/architecture.md", "docs/a-case-through-the-house.md", "docs/a-layer-in-an-hour.md", "CONTRIBUTING.md")
PLACE = re.compile(r"`((?:conformance|tests|cases|deviations|benchmarks)/[\w/.*-]*)`(?:, `([A-Za-z_]\w*)`)?")
"""A file or folder in a page, and perhaps a name in it: `conformance/run.py`, `LANES`."""


def places(text: str) -> Iterator[tuple[str, str]]:
    for found in PLACE.finditer(text):
        yield found[1], found[2] or ""


@lru_cache
def names_in(path: Path) -> frozenset[str]:
    """What a module defines at its top, and the methods of its classes; a package's, of all its modules.

    Of any other file, its words.
    """
    if path.is_file() and path.suffix != ".py":
        return frozenset(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    files = sorted(path.glob("**/*.py")) if path.is_dir() else [path]
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
            elif isinstance(node, ast.Assign):
                names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return frozenset(names)


def missing(text: str) -> list[str]:
    found = []
    for place, name in places(text):
        here = list(ROOT.glob(place.rstrip("/")))
        if not here:
            found.append(place)
        elif name and not any(name in names_in(path) for path in here):
            found.append(f"{place}: {name}")
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if (ROOT / page).exists()])
def test_what_a_page_names_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert list(places(text)), f"{page} names no place of the house"
    assert missing(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see `conformance/no_such.py`", ["conformance/no_such.py"]),
        ("`conformance/run.py`, `Runner`", ["conformance/run.py: Runner"]),
        ("`conformance/lanes/known.py`, `LANES`", []),
        ("`conformance/cli/__init__.py`, `COMMANDS`", []),
        ("`cases/`, `Conv1D`", ["cases/: Conv1D"]),
        ("`deviations/*.yaml`", []),
    ],
)
def test_a_name_that_is_not_there_is_found(text: str, found: list[str]) -> None:
    assert missing(text) == found


def unquoted(text: str) -> list[str]:
    """Blocks of code that do not stand, line by line, in the file that was named last before them."""
    found = []
    for block in blocks(text):
        if block.language in ("python", "yaml") and block.text not in (ROOT / block.path).read_text(encoding="utf-8"):
            found.append(f"{block.path}: {block.text.splitlines()[0].strip()}")
    return found


def test_the_code_of_the_tutorial_is_that_of_the_files() -> None:
    assert unquoted((ROOT / "docs" / "a-layer-in-an-hour.md").read_text(encoding="utf-8")) == []


def test_code_that_stands_nowhere_is_found() -> None:
    page = "In `conformance/run.py`:\n\n```python\nWINDOW = 7_777\n```\n"
    assert unquoted(page) == ["conformance/run.py: WINDOW = 7_777"]


def test_a_case_goes_through_the_house_as_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value on the page is that of the code beside it."""
    monkeypatch.chdir(ROOT)
    page = ROOT / "docs" / "a-case-through-the-house.md"
    found = doctest.testfile(str(page), module_relative=False)
    assert found.attempted > 25
    assert found.failed == 0


def test_every_room_stands_in_the_plan_of_the_house() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = text[text.index("```") : text.index("```", text.index("```") + 3)]
    rooms = [path.name for path in (ROOT / "conformance").iterdir() if (path / "__init__.py").exists()]
    assert [room for room in sorted(rooms) if not re.search(rf"\b{room}\b", drawn)] == []
