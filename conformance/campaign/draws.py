"""Drafts by seed, with Hypothesis as the source of draws: the same seed gives the same drafts, in every process.

Hypothesis is asked for examples alone. What it finds is reduced in the words of a case (`conformance.campaign.reduce`),
for its own shrinking knows nothing of calls, axes and lanes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from conformance.ask.meaning import input_names, numbers
from conformance.campaign.draft import Call, Draft, Input, Layer, Mask
from conformance.campaign.shapes import Shape, shape_after
from conformance.campaign.space import FILLS, USUAL, Space, built, defaults_of, is_axis, space_of
from conformance.case.layers import types
from conformance.errors import LaneUnavailable
from conformance.plans.derive import is_ours

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

Strategy: TypeAlias = "SearchStrategy[Draft]"

_HOW_MANY = (2, 1, 3, 2, 4)
"""Dimensions of a layer that are drawn otherwise than usual: pairs most of all."""
MOST_CALLS = 6
GRAPH_BATCH = 3
_STARTS: Sequence[Shape] = ((5, 4), (6, 4), (4,), (5, 6, 4))


def drafts(
    seed: int, kinds: Sequence[str], graphs: bool = True, count: int = 24, with_saving: bool = False
) -> list[Draft]:
    """The drafts of a seed over these layers, no two alike; where it is `with_saving`, of some the model is saved.

    Raises LaneUnavailable where Hypothesis is missing.
    """
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
    chosen = random.Random(seed)
    return [saved(draft, chosen) if with_saving else draft for draft in found.values()]


SAVED_OF = 12
"""One draft in so many is of a model that is saved and loaded before it is asked."""
FORMS = ("keras", "weights")


def saved(draft: Draft, draw: random.Random) -> Draft:
    """The draft, or once in a while that of its model saved and loaded.

    What a layer remembers of a call before is left out: of a model, every call is made anew.
    """
    is_wanted, form = draw.randrange(SAVED_OF) == 0, draw.choice(FORMS)
    called = [call.layer for call in draft.calls]
    if not is_wanted or len(set(called)) < len(called) or any(call.arguments for call in draft.calls):
        return draft
    if any(types()[one.type].is_loss or is_ours({"type": one.type, **one.config}) for one in draft.layers):
        return draft  # no model can be made of it, or Keras knows no such class
    return replace(draft, saved=form, varied=(*draft.varied, ("saved", form)))


def _composite(make: Callable[[DrawFn], Draft]) -> Strategy:
    from hypothesis import strategies as st

    return st.composite(make)()


def singles(kinds: Sequence[str]) -> Strategy:
    """One layer, with up to four things drawn otherwise than usual."""
    spaces = [space for kind in kinds if (space := space_of(kind)) is not None]

    def single(draw: DrawFn) -> Draft:
        from hypothesis import strategies as st

        space = draw(st.sampled_from(spaces))
        made = built(space, draw(_varied(space)))
        ranks = {len(given.shape) for given in made.inputs}
        config = {**defaults(space.type), **made.layers[0].config}
        return built(space, {}) if any(hits_batch(config, rank) for rank in ranks) else made

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
        if space is None or len(space.shapes) != 1 or layer.takes_ids or layer.draws:
            continue
        if _takes_floats(space) and not leaves_open(space.config):
            found.append(space)
    return found


def _takes_floats(space: Space) -> bool:
    """Whether it asks for no whole numbers: what a hash makes of floats, nobody says."""
    (name,) = input_names(space.type, 1)
    return numbers(space.type, space.config, name, {name: list(space.shapes[0])})[0] == "float32"


def _merging(kinds: Sequence[str]) -> list[str]:
    """Layers that take a list of arrays of one shape."""
    return [kind for kind in kinds if types()[kind].takes_list is not None and types()[kind].takes_list == (2, None)]


def graphs_of(kinds: Sequence[str]) -> Strategy:
    """Two to six calls: chains, branches that merge, layers that are called twice, masks that flow."""
    from hypothesis import strategies as st

    unary, merging = _unary(kinds), _merging(kinds)

    def graph(draw: DrawFn) -> Draft:
        start = draw(st.sampled_from(_STARTS))
        dtype, fill = FILLS[draw(st.sampled_from([USUAL, USUAL, "whole numbers", "large"]))]
        side = draw(st.sampled_from([None, None, "right", "left"])) if len(start) == 2 else None
        mask = None if side is None else Mask(tuple(_ragged(start[0], row, side) for row in range(GRAPH_BATCH)))
        growing = _Growing(unary, merging, {"x": (GRAPH_BATCH, *start)})
        wanted = draw(st.integers(2, MOST_CALLS))
        for _ in range(3 * wanted):
            if len(growing.calls) < wanted:
                growing.grow(draw)
        calls, layers = growing.calls, growing.layers
        if not calls:
            return built(unary[0], {})
        varied = [(f"graph of {len(calls)}", "masked" if mask else "plain")]
        varied += [(f"after {first.type}", second.type) for first, second in _neighbours(calls, layers)]
        given = Input("x", start, dtype, fill, mask)
        return Draft((given,), tuple(layers), tuple(calls), GRAPH_BATCH, varied=tuple(varied))

    return _composite(graph)


def _ragged(steps: int, row: int, side: str) -> tuple[int, ...]:
    real = max(steps - row - 1, 1)
    return tuple(int(step >= steps - real) if side == "left" else int(step < real) for step in range(steps))


@dataclass
class _Growing:
    """A graph while it is drawn: what each node's shape is, and what each layer was built for."""

    unary: Sequence[Space]
    merging: Sequence[str]
    shapes: dict[str, Shape]
    layers: list[Layer] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    built_for: dict[str, Shape] = field(default_factory=dict)

    def grow(self, draw: DrawFn) -> None:
        """Draws one more call; nothing comes of one that does not fit."""
        from hypothesis import strategies as st

        how = draw(st.sampled_from(["new", "new", "new", "merge", "again"]))
        names = list(self.shapes)[::-1]
        source = draw(st.sampled_from([names[0], *names, names[0]]))
        if how == "again" and self.built_for:
            self._again(draw)
        elif how == "merge" and self.merging:
            self._merge(draw, source)
        else:
            self._new(draw, source)

    def _again(self, draw: DrawFn) -> None:
        """A layer once more, on another node of the shape that it was built for."""
        from hypothesis import strategies as st

        name = draw(st.sampled_from(list(self.built_for)))
        layer = next(layer for layer in self.layers if layer.name == name)
        fitting = [node for node, shape in self.shapes.items() if shape == self.built_for[name]]
        self._add(layer, (draw(st.sampled_from(fitting)),), False)

    def _merge(self, draw: DrawFn, source: str) -> None:
        from hypothesis import strategies as st

        others = [name for name, shape in self.shapes.items() if shape == self.shapes[source] and name != source]
        kind = draw(st.sampled_from(self.merging))
        space = space_of(kind)
        if others and space is not None:
            self._add(self._named(kind, space.config), (source, draw(st.sampled_from(others))), True)

    def _new(self, draw: DrawFn, source: str) -> None:
        from hypothesis import strategies as st

        rank = len(self.shapes[source]) - 1
        fitting = [space for space in self.unary if len(space.shapes[0]) == rank or not _has_rank(space)]
        if not fitting:
            return
        space = draw(st.sampled_from(fitting))
        config = {**space.config, **draw(_varied(replace(space, inputs=())))}
        if not leaves_open(config) and not hits_batch({**defaults(space.type), **config}, rank):
            self._add(self._named(space.type, config), (source,), False)

    def _named(self, kind: str, config: Mapping[str, Any]) -> Layer:
        return Layer(f"l{len(self.layers) + 1}", kind, dict(config))

    def _add(self, layer: Layer, inputs: tuple[str, ...], is_list: bool) -> None:
        shape = shape_after(layer, [self.shapes[name] for name in inputs], is_list)
        if shape is None:
            return
        if layer not in self.layers:
            self.layers.append(layer)
            if not is_list:
                self.built_for[layer.name] = self.shapes[inputs[0]]
        node = f"y{len(self.calls) + 1}"
        self.calls.append(Call(node, layer.name, inputs, is_list))
        self.shapes[node] = shape


@cache
def defaults(kind: str) -> Mapping[str, Any]:
    """The arguments that a layer has when none is given."""
    return defaults_of(types()[kind])


def leaves_open(config: Mapping[str, Any]) -> bool:
    """Whether a layer with these arguments leaves an axis open by itself: nothing can be built behind that."""
    return any(isinstance(value, list) and None in value for value in config.values())


def hits_batch(config: Mapping[str, Any], rank: int) -> bool:
    """Whether an axis of these arguments is the batch of an input of so many other axes: its length is open."""
    for name, value in config.items():
        axes = value if isinstance(value, list) else [value]
        if is_axis(name) and any(isinstance(axis, int) and axis in (0, -rank - 1) for axis in axes):
            return True
    return False


def _has_rank(space: Space) -> bool:
    return bool(types()[space.type].input_axis_names)


def _neighbours(calls: Sequence[Call], layers: Sequence[Layer]) -> list[tuple[Layer, Layer]]:
    """Pairs of layers of which the second is called on what the first gives."""
    by_name = {layer.name: layer for layer in layers}
    made_by = {call.name: call.layer for call in calls}
    return [(by_name[made_by[name]], by_name[call.layer]) for call in calls for name in call.inputs if name in made_by]
