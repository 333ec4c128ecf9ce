"""The ports to torch, as their modules declare them: read as text, so that torch is not imported."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from conformance.repro.source import Key, Module, module_of

FOLDER = Path(__file__).parents[1] / "lanes" / "torch"
_NO_FAMILIES = {"__init__", "lane", "port", "transformers_bert"}


@dataclass(frozen=True)
class Ported:
    """A port as its module declares it."""

    where: Key
    """The function that runs the layer; of a loss, the one that gives a number for each sample."""
    parameters: tuple[str, ...]
    mask: Key
    is_loss: bool = False


@lru_cache(maxsize=1)
def ports() -> Mapping[str, Ported]:
    """Every port by the Keras class name of its layer, read from the source: no import of torch."""
    found: dict[str, Ported] = {}
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem in _NO_FAMILIES:
            continue
        module = module_of(FOLDER, path.stem)
        for node in module.source.tree.body:
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    found |= _declared(module, node, decorator)
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                call = node.body[0].value  # type: ignore[attr-defined]  # the loop that registers one port for three
                function = module.definitions[call.args[0].id]
                assert isinstance(function, ast.FunctionDef)
                for kind in node.iter.elts:
                    found |= _declared(module, function, ast.Call(call.func.func, [kind], call.func.keywords))
    return found


@lru_cache(maxsize=1)
def optimizers() -> Mapping[str, Key]:
    """The function of every ported optimiser by its Keras class name, read from the source."""
    module = module_of(FOLDER, "optimizers")
    return {
        decorator.args[0].value: (module.name, node.name)  # type: ignore[attr-defined]  # always a string
        for node in module.source.tree.body
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "optimizer"
    }


def _declared(module: Module, node: ast.FunctionDef, decorator: ast.expr) -> dict[str, Ported]:
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)):
        return {}
    kind = decorator.args[0].value  # type: ignore[attr-defined]  # always a string
    if decorator.func.id == "loss":
        names = ("y_true", "y_pred", "sample_weight", "y_pred_mask")
        return {kind: Ported((module.name, node.name), names, ("port", "drop"), is_loss=True)}
    if decorator.func.id != "port":
        return {}
    rule = next((keyword.value.id for keyword in decorator.keywords if keyword.arg == "mask"), "drop")  # type: ignore[attr-defined]
    mask = module.imported.get(rule, (module.name, rule)) if rule != "drop" else ("port", "drop")
    return {kind: Ported((module.name, node.name), tuple(arg.arg for arg in node.args.args)[2:], mask)}
