"""Source that is carried keeps its meaning: annotations go, names change where they are names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from conformance.repro.carry import Carrier
from conformance.repro.errors import NotScriptable
from conformance.repro.source import Source, renamed, tidy


def stripped(text: str) -> str:
    source = Source(text)
    return tidy(source.between(0, len(text), source.without_annotations(source.tree)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(x: int, y: Any = None) -> Array:\n    return x", "def f(x, y=None):\n    return x"),
        (
            "def f(\n    x: int,\n    *,\n    y: str | None = None,\n) -> None:\n    pass",
            "def f(x, *, y=None):\n    pass",
        ),
        ('def f(x="a: b", *rest: int) -> "None":\n    z: dict[str, int] = {}', 'def f(x="a: b", *rest):\n    z = {}'),
        ("def f(x):  # type: ignore[misc]  # why\n    return x  # kept", "def f(x):\n    return x  # kept"),
        ("s = 'é'\ndef f(é: int = 1) -> int:\n    return é", "s = 'é'\ndef f(é=1):\n    return é"),
    ],
)
def test_annotations_go(before: str, after: str) -> None:
    assert stripped(before) == after


def test_names_change_but_not_attributes_and_strings() -> None:
    text = 'y = pool(x.pool, "pool")  # pool\n'
    assert renamed(text, {"pool": "pool_2"}) == 'y = pool_2(x.pool, "pool")  # pool\n'


MODULES = {
    "base": "class Layer:\n    pass\n",
    "one": (
        "from .two import helper\n\nLIMIT = 3\n\nTABLE: dict[str, object] = {\n    'a': helper,\n    'b': LIMIT,\n}\n\n"
        "def used(x: int) -> int:\n    return TABLE[x] + _own(x)\n\n"
        "def _own(x):\n    return 1\n\ndef unused():\n    return 2\n"
    ),
    "two": "def helper(x):\n    return _own(x)\n\ndef _own(x):\n    return 5\n",
}


def package(folder: Path) -> Path:
    place = folder / "conformance" / "made"
    place.mkdir(parents=True)
    for name, text in MODULES.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    return place


def test_what_is_used_comes_along_and_nothing_else(tmp_path: Path) -> None:
    carrier = Carrier(package(tmp_path), given={}, strings=frozenset({"a"}))
    texts, _ = carrier.carry([("one", "used")])
    scope: dict[str, object] = {}
    exec("\n".join(texts), scope)
    assert "unused" not in scope
    assert list(scope["TABLE"]) == ["a"]  # type: ignore[call-overload]
    assert "LIMIT" not in scope


def test_two_functions_of_one_name_are_told_apart(tmp_path: Path) -> None:
    carrier = Carrier(package(tmp_path), given={}, strings=frozenset({"a"}))
    texts, names = carrier.carry([("one", "used"), ("two", "helper")])
    scope: dict[str, object] = {}
    exec("\n".join(texts), scope)
    assert names["one", "_own"] != names["two", "_own"]
    assert scope["helper"](0) == 5  # type: ignore[operator]
    assert scope[names["one", "_own"]](0) == 1  # type: ignore[operator]


def test_what_is_not_there_is_no_script(tmp_path: Path) -> None:
    with pytest.raises(NotScriptable, match=r"one\.gone cannot be carried"):
        Carrier(package(tmp_path), given={}, strings=frozenset()).carry([("one", "gone")])


def test_carried_text_is_python(tmp_path: Path) -> None:
    texts, _ = Carrier(package(tmp_path), given={}, strings=frozenset({"a", "b"})).carry([("one", "used")])
    assert all(ast.parse(text).body for text in texts)
