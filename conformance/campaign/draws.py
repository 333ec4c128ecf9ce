"""Drafts by seed, with Hypothesis as the source of draws: the same seed gives the same drafts, in every process.

Hypothesis is asked for examples alone. What it finds is reduced in the words of a case (`conformance.campaign.reduce`),
for its own shrinking knows nothing of calls, axes and lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.campaign.draft import Call, Draft, Input, Layer, Mask
from conformance.campaign.shapes import Shape, shape_after
from conformance.campaign.space import FILLS, Space, built, space_of
from conformance.case.layers import types
from conformance.errors import LaneUnavailable

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

Strategy: TypeAlias = "SearchStrategy[Draft]"

CANDIDATES = 24
"""Drafts that a seed gives."""
_HOW_MANY = (2, 1, 3, 2, 4)
"""Dimensions of a layer that are drawn otherwise than usual: pairs most of all."""
MOST_CALLS = 6
GRAPH_BATCH = 3
_STARTS: Sequence[Shape] = ((5, 4), (6, 4), (4,), (5, 6, 4))


def drafts(seed: int, kinds: Sequence[str], graphs: bool = True, count: int = CANDIDATES) -> list[Draft]:
    """The drafts of a seed over these layers, no two alike. Raises LaneUnavailable where Hypothesis is missing."""
    try:
        import hypothesis
        from hypothesis import HealthCheck, Phase
        from hypothesis import strategies as st
    except ImportError as error:
        hint = "pip install 'conformance[campaign]'"
        raise LaneUnavailable("a campaign draws with Hypothesis, which is not installed", hint) from error
    found: dict[str, Draft] = {}
    turn = seed % len(kinds)
    kinds = [*kinds[turn:], *kinds[:turn]]  # Hypothesis likes what comes first: each seed puts another layer there
    one = singles(kinds)
    both: Strategy = st.one_of(one, one, graphs_of(kinds)) if graphs and len(_unary(kinds)) > 1 else one

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(both)
    def keep(draft: Draft) -> None:
        found.setdefault(draft.digest, draft)

    keep()
    return list(found.values())


def _composite(make: Callable[[DrawFn], Draft]) -> Strategy:
    from hypothesis import strategies as st

    return st.composite(make)()


def singles(kinds: Sequence[str]) -> Strategy:
    """One layer, with up to four things drawn otherwise than usual."""
    spaces = [space for kind in kinds if (space := space_of(kind)) is not None]

    def single(draw: DrawFn) -> Draft:
        from hypothesis import strategies as st

        space = draw(st.sampled_from(spaces))
        return built(space, draw(_varied(space)))

    return _composite(single)


def _varied(space: Space) -> Any:
    """Names of dimensions to values that are not the usual ones."""
    from hypothesis import strategies as st

    dimensions = [one for one in space.dimensions if one.others]

    def chosen(draw: DrawFn) -> dict[str, Any]:
        count = min(draw(st.sampled_from(_HOW_MANY)), len(dimensions))
        names = draw(
            st.lists(st.sampled_from(dimensions), min_size=count, max_size=count, unique_by=lambda one: one.name)
        )
        return {one.name: draw(st.sampled_from(one.others)) for one in names}

    return st.composite(chosen)() if dimensions else st.just({})


def _unary(kinds: Sequence[str]) -> list[Space]:
    """Layers that take one float array and give one: those of which chains are made."""
    found = []
    for kind in kinds:
        space = space_of(kind)
        layer = types()[kind]
        if space is not None and len(space.shapes) == 1 and not layer.takes_ids and not layer.draws:
            found.append(space)
    return found


def _merging(kinds: Sequence[str]) -> list[str]:
    """Layers that take a list of arrays of one shape."""
    return [kind for kind in kinds if types()[kind].takes_list is not None and types()[kind].takes_list == (2, None)]


def graphs_of(kinds: Sequence[str]) -> Strategy:
    """Two to six calls: chains, branches that merge, layers that are called twice, masks that flow."""
    from hypothesis import strategies as st

    unary, merging = _unary(kinds), _merging(kinds)

    def graph(draw: DrawFn) -> Draft:
        start = draw(st.sampled_from(_STARTS))
        numbers = draw(st.sampled_from(["usual", "usual", "whole numbers", "large"]))
        dtype, fill = FILLS[numbers]
        rows = draw(st.sampled_from([None, None, ((1, 1, 1), 0), ((0, 1, 1), 1)])) if len(start) == 2 else None
        mask = None if rows is None else _ragged(start[0], rows[1])
        nodes: dict[str, Shape] = {"x": (GRAPH_BATCH, *start)}
        layers: list[Layer] = []
        calls: list[Call] = []
        wanted = draw(st.integers(2, MOST_CALLS))
        for _ in range(3 * wanted):
            if len(calls) == wanted:
                break
            made = _step(draw, unary, merging, nodes, layers)
            if made is None:
                continue
            layer, inputs, is_list, shape = made
            if layer not in layers:
                layers.append(layer)
            name = f"y{len(calls) + 1}"
            calls.append(Call(name, layer.name, inputs, is_list))
            nodes[name] = shape
        if not calls:
            return built(unary[0], {})
        varied = [(f"graph of {len(calls)}", "masked" if mask else "plain")]
        varied += [(f"after {first.type}", second.type) for first, second in _neighbours(calls, layers)]
        given = Input("x", start, dtype, fill, mask)
        return Draft((given,), tuple(layers), tuple(calls), GRAPH_BATCH, varied=tuple(varied))

    return _composite(graph)


def _ragged(steps: int, side: int) -> Mask:
    rows = []
    for row in range(GRAPH_BATCH):
        real = max(steps - row - 1, 1)
        rows.append(tuple(int(step >= steps - real) if side else int(step < real) for step in range(steps)))
    return Mask(tuple(rows))


def _step(
    draw: DrawFn, unary: Sequence[Space], merging: Sequence[str], nodes: dict[str, Shape], layers: Sequence[Layer]
) -> tuple[Layer, tuple[str, ...], bool, Shape] | None:
    """One more call, with the shape that it gives; None where what was drawn does not fit."""
    from hypothesis import strategies as st

    how = draw(st.sampled_from(["new", "new", "new", "merge", "again"]))
    source = draw(st.sampled_from([*list(nodes)[::-1], *[list(nodes)[-1]] * 3]))
    if how == "again" and layers:
        layer = draw(st.sampled_from(list(layers)))
        if types()[layer.type].takes_list is None:
            shape = shape_after(layer, [nodes[source]], False)
            return None if shape is None else (layer, (source,), False, shape)
    if how == "merge" and merging:
        others = [name for name, shape in nodes.items() if shape == nodes[source] and name != source]
        if others:
            other = draw(st.sampled_from(others))
            layer = Layer(f"l{len(layers) + 1}", draw(st.sampled_from(list(merging))))
            layer = replace(layer, config=dict(space.config)) if (space := space_of(layer.type)) else layer
            shape = shape_after(layer, [nodes[source], nodes[other]], True)
            return None if shape is None else (layer, (source, other), True, shape)
    fitting = [space for space in unary if len(space.shapes[0]) == len(nodes[source]) - 1 or not _has_rank(space)]
    if not fitting:
        return None
    space = draw(st.sampled_from(fitting))
    varied = draw(_varied(replace(space, inputs=())))
    layer = Layer(f"l{len(layers) + 1}", space.type, {**space.config, **varied})
    shape = shape_after(layer, [nodes[source]], False)
    return None if shape is None else (layer, (source,), False, shape)


def _has_rank(space: Space) -> bool:
    return bool(types()[space.type].input_axes)


def _neighbours(calls: Sequence[Call], layers: Sequence[Layer]) -> list[tuple[Layer, Layer]]:
    """Pairs of layers of which the second is called on what the first gives."""
    by_name = {layer.name: layer for layer in layers}
    made_by = {call.name: call.layer for call in calls}
    return [(by_name[made_by[name]], by_name[call.layer]) for call in calls for name in call.inputs if name in made_by]
