"""What a case has decided goes out of carried functions; what it has not, stays; and the rest does what it did."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.repro.fold import folded

ARGUMENTS = {"axis": 1, "mode": "same", "scale": None, "flags": (1, 2), "is_on": True}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return layer.axis + layer.other", "return 1 + layer.other"),
        ('return x if layer.mode == "same" else -x', "return x"),
        ('return x if layer.mode != "same" else x + 1', "return x + 1"),
        ("if layer.scale is None:\n    return x\nreturn x * layer.scale", "return x"),
        ("if layer.scale is not None:\n    x = x * layer.scale\nreturn x", "return x"),
        ("if layer.is_on:\n    x = 1\nelse:\n    x = 2\nreturn x", "x = 1\nreturn x"),
        (
            'if x:\n    y = 1\nelif layer.mode == "same":\n    y = 2\nelse:\n    y = 3',
            "if x:\n    y = 1\nelse:\n    y = 2",
        ),
        ("if x:\n    y = 1\nelif not layer.is_on:\n    y = 2\nreturn y", "if x:\n    y = 1\nelse:\n    pass\nreturn y"),
        ("if x and layer.is_on:\n    y = 1", "if x:\n    y = 1"),
        ("if x and not layer.is_on:\n    y = 1\nreturn 2", "if x and False:\n    y = 1\nreturn 2"),
        ("if not layer.is_on or x:\n    y = 1", "if x:\n    y = 1"),
        ("return isinstance(layer.axis, int), isinstance(layer.flags, tuple)", "return True, True"),
        ("layer.axis = 3\nreturn other.axis", "layer.axis = 3\nreturn other.axis"),
        ("return max(layer.flags)  # why", "return max((1, 2))  # why"),
        ("if not layer.is_on:\n    pass", "pass"),
    ],
)
def test_what_is_decided_goes(before: str, after: str) -> None:
    def function(body: str) -> str:
        return "def f(layer, x):\n" + "\n".join(f"    {line}" for line in body.split("\n")) + "\n"

    assert folded(function(before), "layer", ARGUMENTS) == function(after)


SOURCE = '''\
def f(layer, x):
    """Every way through."""
    if layer.a == 1:
        if layer.b is None and x > 2:
            return "one"
        elif layer.b or x > 1:
            return "two"
        else:
            x = x + (1 if layer.a else 2)
    elif not layer.b:
        return "three"
    return x * (layer.a or 5)
'''


@pytest.mark.parametrize("a", [0, 1, 2])
@pytest.mark.parametrize("b", [None, 0, 3])
def test_a_folded_function_does_what_it_did(a: Any, b: Any) -> None:
    class Layer:
        pass

    layer: Any = Layer()
    layer.a, layer.b = a, b
    plain: dict[str, Any] = {}
    short: dict[str, Any] = {}
    exec(SOURCE, plain)
    exec(folded(SOURCE, "layer", {"a": a, "b": b}), short)
    for x in (1, 2, 3):
        assert short["f"](None, x) == plain["f"](layer, x)
