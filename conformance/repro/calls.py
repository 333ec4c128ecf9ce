"""The calls in an expression of a graph, in the order in which they run."""

from __future__ import annotations

from conformance.case.expressions import Arithmetic, Call, Item, List, Tree


def calls(tree: Tree) -> list[Call]:
    """Every call in an expression, inner ones first."""
    match tree:
        case Call(_, args, kwargs):
            return [call for part in (*args, *(v for _, v in kwargs)) for call in calls(part)] + [tree]
        case List(items):
            return [call for item in items for call in calls(item)]
        case Item(value, _):
            return calls(value)
        case Arithmetic(_, left, right):
            return calls(left) + calls(right)
    return []


def outermost(tree: Tree, layers: set[str]) -> list[Call]:
    """Calls of these layers in an expression, but for those inside another of them: writing them builds them all."""
    match tree:
        case Call(callee, args, kwargs):
            if callee in layers:
                return [tree]
            return [call for part in (*args, *(v for _, v in kwargs)) for call in outermost(part, layers)]
        case List(items):
            return [call for item in items for call in outermost(item, layers)]
        case Item(value, _):
            return outermost(value, layers)
        case Arithmetic(_, left, right):
            return outermost(left, layers) + outermost(right, layers)
    return []


def callees(tree: Tree) -> list[str]:
    return [call.callee for call in calls(tree)]
