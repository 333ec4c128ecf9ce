"""The closed operations of the graph language as each framework writes them; subscripts and arithmetic as Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.case.expressions import Call, Constant, List, Tree
from conformance.repro.errors import NotScriptable
from conformance.repro.literals import quoted, value_text

Texts = Callable[[Tree], str]
"""The text of a part of an expression."""


def constant_of(tree: Tree) -> Any:
    """The plain value of an argument that must be one: an axis, a shape, a dtype. Raises NotScriptable."""
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, List):
        return [constant_of(item) for item in tree.items]
    raise NotScriptable("an operation's argument is computed where scripts write a constant")


def bound(call: Call, names: str, **defaults: Any) -> dict[str, Any]:
    """Arguments by name: `trees` for what is there, the default for what is not."""
    given: dict[str, Any] = dict(zip(names.split(), call.args, strict=False)) | dict(call.kwargs)
    return {name: given.get(name, Constant(defaults.get(name))) for name in names.split()}


def index_text(index: Any, is_tensor: bool = True) -> str:
    """What stands in the brackets; a lone slice of a tensor as a tuple, which symbolic tensors of Keras ask for."""

    def part(item: Any) -> str:
        if isinstance(item, slice):
            ends = [("" if end is None else str(end)) for end in (item.start, item.stop)]
            return ":".join(ends) + ("" if item.step is None else f":{item.step}")
        return str(item)

    if isinstance(index, tuple):
        return ", ".join(part(item) for item in index) + ("," if len(index) == 1 else "")
    return part(index) + ("," if is_tensor and isinstance(index, slice) else "")


def keras_operation(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    """An operation as `keras.ops`; `rows` says whether an argument is an array of arrays."""
    kind, ops = call.callee, "keras.ops"
    if kind in ("mean", "sum", "max", "min"):
        return f"{ops}.{kind}({_reduced(call, text, 'axis', 'keepdims')})"
    if kind == "stack":
        a = bound(call, "items axis", axis=0)
        items = text(a["items"])
        if rows(a["items"]):
            items = f"[{ops}.convert_to_tensor(row) for row in {items}]"
        return f"{ops}.stack({items}, axis={text(a['axis'])})"
    if kind == "pad":
        a = bound(call, "x widths value", value=0.0)
        return f"{ops}.pad({text(a['x'])}, {text(a['widths'])}, constant_values={text(a['value'])})"
    if kind == "repeat":
        a = bound(call, "x n axis")
        return f"{ops}.repeat({text(a['x'])}, {text(a['n'])}, axis={text(a['axis'])})"
    if kind == "mask":
        return f"mask_of({text(call.args[0])})"
    return f"{ops}.{kind}({_plain(call, text)})"


def numpy_operation(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    """An operation as NumPy."""
    kind = call.callee
    if kind in ("mean", "sum", "max", "min"):
        return f"np.{kind}({_reduced(call, text, 'axis', 'keepdims', as_tuple=True)})"
    if kind == "one_hot":
        a = bound(call, "ids depth")
        return f"np.eye({text(a['depth'])})[np.asarray({text(a['ids'])}, dtype=int)]"
    if kind == "cast":
        a = bound(call, "x dtype")
        dtype = str(constant_of(a["dtype"]))
        return f"(({text(a['x'])}) * 1.0)" if dtype.startswith("float") else _astype(text(a["x"]), dtype)
    if kind == "stack":
        a = bound(call, "items axis", axis=0)
        return f"np.stack(list({text(a['items'])}), axis={text(a['axis'])})"
    if kind == "pad":
        a = bound(call, "x widths value", value=0.0)
        return f'np.pad({text(a["x"])}, {text(a["widths"])}, mode="constant", constant_values={text(a["value"])})'
    if kind == "repeat":
        a = bound(call, "x n axis")
        return f"np.repeat({text(a['x'])}, {text(a['n'])}, axis={text(a['axis'])})"
    if kind == "concatenate":
        a = bound(call, "items axis", axis=-1)
        return f"np.concatenate({text(a['items'])}, axis={text(a['axis'])})"
    return f"np.{kind}({_plain(call, text)})"


def _astype(x: str, dtype: str) -> str:
    return f"np.asarray({x}).astype({quoted(dtype)})"


def torch_operation(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    """An operation as torch."""
    kind = call.callee
    if kind in ("mean", "sum", "max", "min"):
        function = {"max": "amax", "min": "amin"}.get(kind, kind)
        return f"torch.{function}({_reduced(call, text, 'dim', 'keepdim', as_tuple=True)})"
    special = _TORCH.get(kind)
    return special(call, text, rows) if special else f"torch.{kind}({_plain(call, text)})"


def _torch_comparison(name: str) -> Callable[[Call, Texts, Callable[[Tree], bool]], str]:
    """torch compares with a number on the right only."""

    def written(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
        a = bound(call, "x y")
        x = text(a["x"])
        return f"torch.{name}({f'torch.tensor({x})' if isinstance(a['x'], Constant) else x}, {text(a['y'])})"

    return written


def _torch_stack(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    a = bound(call, "items axis", axis=0)
    items = text(a["items"])
    if rows(a["items"]):
        items = f"[torch.from_numpy(row) for row in {items}]"
    return f"torch.stack({items if items.startswith('[') else f'list({items})'}, dim={text(a['axis'])})"


def _torch_transpose(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    a = bound(call, "x axes")
    axes, x = constant_of(a["axes"]), text(a["x"])
    return f"{x}.permute({', '.join(map(str, axes))})" if axes else f"{x}.permute(*reversed(range({x}.ndim)))"


def _torch_pad(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    a = bound(call, "x widths value", value=0.0)
    flat = [width for pair in reversed(constant_of(a["widths"])) for width in pair]
    return f"F.pad({text(a['x'])}, {flat}, value={text(a['value'])})"


def _torch_squeeze(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    a = bound(call, "x axis")
    return f"{text(a['x'])}.squeeze({'' if constant_of(a['axis']) is None else text(a['axis'])})"


def _torch_flip(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    a = bound(call, "x axis")
    axis = constant_of(a["axis"])
    return f"torch.flip({text(a['x'])}, {[axis] if isinstance(axis, int) else axis})"


def _torch_cast(call: Call, text: Texts, rows: Callable[[Tree], bool]) -> str:
    a = bound(call, "x dtype")
    dtype = str(constant_of(a["dtype"]))
    where = f"torch.{dtype}" if dtype.isidentifier() and dtype.isascii() else f"getattr(torch, {quoted(dtype)})"
    return f"{text(a['x'])}.to({where})"


_TORCH: Mapping[str, Callable[[Call, Texts, Callable[[Tree], bool]], str]] = {
    "stack": _torch_stack,
    "transpose": _torch_transpose,
    "pad": _torch_pad,
    "squeeze": _torch_squeeze,
    "flip": _torch_flip,
    "cast": _torch_cast,
    "concatenate": lambda call, text, rows: (
        f"torch.cat({text((a := bound(call, 'items axis', axis=-1))['items'])}, dim={text(a['axis'])})"
    ),
    "expand_dims": lambda call, text, rows: f"{text((a := bound(call, 'x axis'))['x'])}.unsqueeze({text(a['axis'])})",
    "reshape": lambda call, text, rows: f"{text((a := bound(call, 'x shape'))['x'])}.reshape({text(a['shape'])})",
    "one_hot": lambda call, text, rows: (
        f"F.one_hot({text((a := bound(call, 'ids depth'))['ids'])}.long(), {text(a['depth'])}).float()"
    ),
    "repeat": lambda call, text, rows: (
        f"torch.repeat_interleave({text((a := bound(call, 'x n axis'))['x'])}, {text(a['n'])}, dim={text(a['axis'])})"
    ),
    "equal": _torch_comparison("eq"),
    "greater": _torch_comparison("gt"),
}


def _reduced(call: Call, text: Texts, axis: str, keepdims: str, as_tuple: bool = False) -> str:
    a = bound(call, "x axis keepdims", keepdims=False)
    x, over, kept = text(a["x"]), constant_of(a["axis"]), constant_of(a["keepdims"])
    if over is None and kept and axis == "dim":
        over = f"tuple(range({x}.ndim))"
    elif over is not None:
        over = value_text(tuple(over) if as_tuple and isinstance(over, list) else over)
    return ", ".join([x, *([] if over is None else [f"{axis}={over}"]), *([f"{keepdims}=True"] if kept else [])])


def _plain(call: Call, text: Texts) -> str:
    return ", ".join([*map(text, call.args), *(f"{name}={text(value)}" for name, value in call.kwargs)])


PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2}


def arithmetic_text(operator: str, left: str, right: str, inner: Sequence[str | None]) -> str:
    """`left operator right`, with the parentheses that the tree asks for; `inner` are the operators of both sides."""
    level = PRECEDENCE[operator]
    if inner[0] is not None and PRECEDENCE[inner[0]] < level:
        left = f"({left})"
    if inner[1] is not None and PRECEDENCE[inner[1]] <= level:
        right = f"({right})"
    return f"{left} {operator} {right}"
