"""Operations in scripts: what a script says is what the lane runs, for every operation of every framework."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from conformance.case.expressions import OPERATIONS, Call, Constant, List, Name, Tree, parse
from conformance.lanes.keras_operations import KerasOperations, TensorFlowOperations
from conformance.oracle.operations import NumPyOperations
from conformance.protocol.operations import Operations, last_first
from conformance.repro.errors import NotScriptable
from conformance.repro.literals import value_text
from conformance.repro.operations import KERAS, NUMPY, TORCH, Table, operation_text

ASKED = {
    "mean": "mean(x)",
    "sum": "sum(x, axis=[0, 1], keepdims=True)",
    "max": "max(x, axis=-1)",
    "min": "min(x, 0)",
    "concatenate": "concatenate([x, x])",
    "stack": "stack([x, x], axis=1)",
    "transpose": "transpose(x, [1, 0])",
    "reshape": "reshape(x, [3, 2])",
    "expand_dims": "expand_dims(x, axis=1)",
    "squeeze": "squeeze(expand_dims(x, 0), 0)",
    "flip": "flip(x, [0, 1])",
    "one_hot": "one_hot(ids, 3)",
    "einsum": 'einsum("ab,cb->ac", x, x)',
    "cast": 'cast(x, "int32")',
    "exp": "exp(x)",
    "log": "log(x)",
    "sqrt": "sqrt(x)",
    "tanh": "tanh(x)",
    "abs": "abs(x)",
    "where": "where(greater(x, 1.0), x, 0.0)",
    "pad": "pad(x, [[0, 0], [1, 2]], 0.5)",
    "repeat": "repeat(x, 2, axis=0)",
    "equal": "equal(1.5, x)",
    "greater": "greater(x, 1.0)",
}
X = np.array([[0.5, 1.5, 2.0], [3.5, 0.75, 1.25]])
IDS = np.array([2, 0])


def written(table: Table, expression: str) -> tuple[str, list[str]]:
    """An expression as a script of this framework says it, and the functions that come along."""
    helpers: list[str] = []

    def text(tree: Tree) -> str:
        match tree:
            case Name(name):
                return name
            case Constant(value):
                return value_text(value)
            case List(items):
                return f"[{', '.join(map(text, items))}]"
            case Call():
                return operation_text(table, tree, text, lambda part: text(part) == "rows", helper)
        raise AssertionError(tree)

    def helper(wish: str, source: str) -> str:
        helpers.append(source)
        return wish

    return text(parse(expression).tree), helpers


class Run:
    """The language evaluated by the methods themselves."""

    def __init__(self, operations: Operations, arrays: dict[str, Any]) -> None:
        self.operations, self.arrays = operations, arrays

    def __call__(self, tree: Tree) -> Any:
        match tree:
            case Name(name):
                return self.arrays[name]
            case Constant(value):
                return value
            case List(items):
                return [self(item) for item in items]
            case Call(callee, args, kwargs):
                return self.operations.apply(callee, [self(part) for part in args], {k: self(v) for k, v in kwargs})
        raise AssertionError(tree)


def both(
    table: Table, operations: Operations, expression: str, arrays: dict[str, Any], modules: Any
) -> tuple[Any, Any]:
    """What the methods give, and what the text of a script gives where it is run as its reader would run it."""
    text, helpers = written(table, expression)
    scope = {**arrays, **modules}
    exec("\n".join([*helpers, f"found = {text}"]), scope)
    return np.asarray(Run(operations, arrays)(parse(expression).tree)), np.asarray(scope["found"])


@pytest.mark.parametrize("operation", ASKED)
def test_a_script_in_numpy_says_what_the_reference_runs(operation: str) -> None:
    ran, said = both(NUMPY, NumPyOperations(), ASKED[operation], {"x": X, "ids": IDS}, {"np": np})
    assert (ran.dtype, ran.shape) == (said.dtype, said.shape)
    assert np.array_equal(ran, said)


@pytest.mark.torch
@pytest.mark.parametrize("operation", ASKED)
def test_a_script_in_torch_says_what_the_lane_runs(operation: str) -> None:
    import torch

    from conformance.lanes.torch.operations import TorchOperations

    arrays = {"x": torch.from_numpy(X), "ids": torch.from_numpy(IDS)}
    modules = {"torch": torch, "F": torch.nn.functional}
    ran, said = both(TORCH, TorchOperations(), ASKED[operation], arrays, modules)
    assert (ran.dtype, ran.shape) == (said.dtype, said.shape)
    assert np.array_equal(ran, said)


@pytest.mark.parametrize(
    ("table", "expression", "text"),
    [
        (TORCH, "reshape(exp(x), [-1, 2])", "torch.exp(x).reshape([-1, 2])"),
        (TORCH, "pad(x, [[0, 0], [1, 2]])", "F.pad(x, [1, 2, 0, 0], value=0.0)"),
        (TORCH, 'cast(x, "int64")', "x.to(torch.int64)"),
        (TORCH, "squeeze(x)", "x.squeeze()"),
        (TORCH, "stack(rows)", "torch.stack([torch.from_numpy(row) for row in rows], dim=0)"),
        (KERAS, "sum(x, -1)", "keras.ops.sum(x, axis=-1, keepdims=False)"),
        (KERAS, "stack(rows)", "keras.ops.stack([keras.ops.convert_to_tensor(row) for row in rows], axis=0)"),
        (NUMPY, 'cast(x, "float32")', "(x * 1.0)"),
        (NUMPY, "mean(x, axis=[0, 1])", "np.mean(x, axis=(0, 1), keepdims=False)"),
    ],
)
def test_what_the_arguments_decide_is_folded_away(table: Table, expression: str, text: str) -> None:
    assert written(table, expression) == (text, [])


def test_a_method_of_several_statements_comes_along_as_a_function() -> None:
    text, (helper,) = written(NUMPY, "flip(x, 1)")
    assert text == "flip(x, 1)"
    assert helper.startswith("def flip(x, axis):")
    assert "self" not in helper


def test_the_reference_names_the_row_that_does_not_fit() -> None:
    rows = np.empty(2, dtype=object)
    rows[:] = [np.ones(2), np.ones(3)]
    with pytest.raises(ValueError, match=r"row 1 has shape \(3,\), row 0 has \(2,\)"):
        NumPyOperations().apply("stack", [rows], {})


def test_a_call_that_leaves_out_what_it_must_say_has_no_script() -> None:
    with pytest.raises(NotScriptable, match="one_hot is called without depth"):
        written(TORCH, "one_hot(ids)")


def differences(kind: type[Operations]) -> list[str]:
    """Operations that a framework lacks, or whose parameters it calls otherwise than the language."""
    wrong = []
    for name in [*(set(OPERATIONS) - {"mask"}), "stack_rows"]:
        wanted, given = getattr(Operations, name, None), getattr(kind, name, None)
        if given is wanted or wanted is None or inspect.signature(given) != inspect.signature(wanted):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("kind", [NumPyOperations, KerasOperations, TensorFlowOperations])
def test_every_framework_has_every_operation_by_the_same_parameters(kind: type[Operations]) -> None:
    assert differences(kind) == []


@pytest.mark.torch
def test_torch_has_them_too() -> None:
    from conformance.lanes.torch.operations import TorchOperations

    assert differences(TorchOperations) == []


def test_what_is_missing_or_called_otherwise_is_named() -> None:
    class Lacking(NumPyOperations):
        exp = Operations.exp

        def flip(self, x: Any, axes: Any) -> Any:
            return x

    assert sorted(differences(Lacking)) == ["exp", "flip"]


def test_widths_of_the_last_axis_come_first() -> None:
    assert last_first([[1, 2], [3, 4], [5, 6]]) == [5, 6, 3, 4, 1, 2]
