"""What a Keras layer says when its methods are asked directly: `compute_output_shape`, and `compute_mask`.

Code that builds on a layer asks them without calling it: a wrapper, an export, a layer of one's own. Keras itself takes
shapes from a trace and masks from its own bookkeeping, so that a wrong answer of either shows nowhere else.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from conformance.case.expressions import Call, List, Name, Tree
from conformance.lanes.keras_arrays import KerasArrays, absent_in, flat, mask_of
from conformance.protocol.adapter import raised
from conformance.protocol.names import MASKS, SHAPES
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack


def asked_directly(plan: Plan, arrays: KerasArrays, symbolic: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Node to what its layer says of it: shapes for the open lengths, masks for the arrays of the last run.

    Only of nodes that are one call of a layer on nodes and inputs. Neither is asked where Keras says that the layer has
    no such method, nor a mask of a layer that supports none.
    """
    found: dict[str, dict[str, Any]] = {}
    for node, layer, given in _calls(plan):
        asked = arrays.layers[layer]
        said: dict[str, Any] = {}
        for method, ask in ((SHAPES, _shapes), (MASKS, _masks)):
            try:
                answer = ask(asked, given, symbolic if method == SHAPES else arrays.values, arrays)
            except NotImplementedError:  # in Keras' words: this layer has none
                continue
            except Exception as error:
                answer = {"raised": raised(error, "call", node)}
            if answer:
                said[method] = answer
        if said and node in plan.observed:
            found[node] = said
    return found


def _calls(plan: Plan) -> Iterator[tuple[str, str, Tree]]:
    """Nodes that are one call of a layer on one argument of names, with the layer and that argument."""
    for node, expression in plan.expressions:
        call = expression.tree
        if not isinstance(call, Call) or call.callee not in plan.layers or len(call.args) != 1:
            continue
        (argument,) = call.args
        is_plain = isinstance(argument, Name) or (
            isinstance(argument, List) and all(isinstance(item, Name) for item in argument.items)
        )
        if is_plain and {name for name, _ in call.kwargs} <= {"training"}:
            yield node, call.callee, argument


def _given(argument: Tree, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, List):
        return [values[item.name] for item in argument.items if isinstance(item, Name)]
    assert isinstance(argument, Name)
    return values[argument.name]


def _shapes(layer: Any, argument: Tree, values: Mapping[str, Any], arrays: KerasArrays) -> dict[str, Any]:
    if not isinstance(layer, arrays.keras.layers.Layer) or not values:
        return {}
    given = _given(argument, values)
    if absent_in(given) or not all(hasattr(item, "shape") for item in flat(given)):
        return {}
    shapes = [tuple(item.shape) for item in flat(given)]
    answer = layer.compute_output_shape(shapes if isinstance(given, list | tuple) else shapes[0])
    return {"shapes": [[None if n is None else int(n) for n in shape] for shape in _each_shape(answer)]}


def _each_shape(answer: Any) -> Iterator[Any]:
    """The shapes of an answer: one, or those of a list of them."""
    lengths = list(answer)
    if all(length is None or isinstance(length, int | np.integer) for length in lengths):
        yield lengths
        return
    for part in lengths:
        yield from _each_shape(part)


def _masks(layer: Any, argument: Tree, values: Mapping[str, Any], arrays: KerasArrays) -> dict[str, Any]:
    if not getattr(layer, "supports_masking", False):
        return {}
    given = _given(argument, values)
    if any(isinstance(item, np.ndarray) for item in flat(given)):
        return {}
    before = [mask_of(item) for item in flat(given)]
    previous = before if isinstance(given, list | tuple) else before[0]
    names = [name for name in inspect.signature(layer.compute_mask).parameters if name != "kwargs"]
    answer = layer.compute_mask(given, previous) if len(names) > 1 else layer.compute_mask(given)
    convert = arrays.ops.convert_to_numpy
    return {"masks": [None if mask is None else pack(np.asarray(convert(mask))) for mask in flat(answer)]}
