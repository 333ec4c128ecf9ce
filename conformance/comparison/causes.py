"""Why a difference starts: the mistake that, made in the reference, gives the port's answer to two batches.

A start is what the model computes at one place, as a chain of layers of the reference. Each known mistake is made in
each of them; one whose answer is the port's within rounding is tried on a second batch, and only then said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.comparison import batch as batches
from conformance.comparison.handed import changed, changes_of, functions_of
from conformance.comparison.judging import share_of
from conformance.comparison.known import REFUSALS, Chain, Link, link_of, mistaken, run
from conformance.comparison.look import Arrival, Looked, Looking
from conformance.comparison.mend import right_lines
from conformance.comparison.mistakes import tried
from conformance.comparison.orders import Order, orders, valid_in
from conformance.comparison.pairing import CallPair, Pairing, Slot
from conformance.comparison.proof import Proof
from conformance.comparison.result import Cause, Start
from conformance.comparison.session import Session
from conformance.comparison.values import Array, Call, Held
from conformance.reference.base import Mutant

ALTERNATIVES = 3
"""Mistakes that are named where both batches cannot tell them apart."""
MOST_STARTS = 12
"""Starts that are explained; the later ones are seldom of another kind."""
MOST_ELEMENTS = 1 << 16
"""Of a chain's inputs: rows of the batch are left out down to here, for every mistake is a run of the reference."""
NEAR = 1e-3
"""Relative distance within which a mistake is looked at closely."""

Found = tuple[str, Mutant]


@dataclass(frozen=True, slots=True)
class View:
    """What the port gave at a start, and the chain that the model computes there."""

    chain: Chain
    got: Array
    order: Order
    valid: Array | None
    wanted: Array
    """What the model has there, in its own layout."""


class Causes:
    """The search for causes of one comparison's starts."""

    def __init__(
        self, session: Session, pairing: Pairing, looking: Looking, looked: Looked, proofs: Sequence[Proof]
    ) -> None:
        self.session, self.pairing, self.looking, self.looked, self.proofs = session, pairing, looking, looked, proofs
        self._second: Looking | None = None
        self._other_draws: dict[tuple[str, int], Call] | None = None

    def explained(self) -> tuple[Start, ...]:
        """Every start with its cause where one is known."""
        found = []
        for number, (start, place) in enumerate(zip(self.looked.starts, self.looked.places, strict=True)):
            cause = self._cause(start, place) if number < MOST_STARTS else None
            kind = "random" if cause is not None and cause.name == "random" else start.kind
            if cause is not None and not self.session.port.arguments:  # a Keras model, which no line of torch mends
                cause = replace(cause, mend=())
            found.append(replace(start, cause=cause, kind=kind))
        return tuple(found)

    def _cause(self, start: Start, place: Arrival | CallPair | None) -> Cause | None:
        if start.kind == "weights":
            return self._of_weights(start.layer)
        if start.kind == "steps":
            layer = self.looking.model.layers[start.layer]
            return Cause("steps", start.detail, right_lines(layer))
        if place is None or start.kind == "mask":
            return None
        random = self._random(place)
        if random is not None:
            return random
        if isinstance(place, Arrival) and not place.span:
            moved = self._moved(place)
            if moved is not None:
                return moved
        for first, second in self._views(place):
            found = list(self._mistakes(first, second))
            if found:
                return self._said(first.chain, found)
            if isinstance(place, CallPair) and not place.inputs:  # its module was not fed: it got what the port made
                said = _given_changed(first, second)
                if said:
                    return Cause("moved", said)
        return None

    def _of_weights(self, path: str) -> Cause | None:
        wrong = [proof for proof in self.proofs if proof.is_wrong and proof.layer == path]
        if not wrong:
            return None
        words = {
            "misplaced": "holds {w} in another layout than it reads: {l}",
            "swapped": "holds {w} in another place: {l}",
            "stale": "holds other numbers than the model's {w}",
            "missing": "does not hold {w}",
            "doubled": "adds {w} twice: {l}",
        }
        groups: dict[tuple[str, str], list[str]] = {}
        for proof in wrong:
            groups.setdefault((proof.state, proof.layout), []).append(proof.weight)
        said = " and ".join(
            words[state].format(w=", ".join(names), l=layout) for (state, layout), names in groups.items()
        )
        lines = list(dict.fromkeys(line for proof in wrong for line in proof.mend))
        return Cause(f"weights.{wrong[0].slip or wrong[0].state}", said, tuple(lines))

    # --- random ------------------------------------------------------------------------------------------------

    def _random(self, place: Arrival | CallPair) -> Cause | None:
        """Whether the port gives other numbers when it is asked again."""
        if self._other_draws is None:
            pairs = self.looking.runs.pairs
            self._other_draws = dict(self.session.fed(self.session.batch, pairs, seed=1))
        if isinstance(place, Arrival):
            key = place.pair.port.key if place.pair is not None else ("", 0)
            side = "inputs" if place.pair is not None else "outputs"
            where, name = place.slot.port.place, key[0] or "the result"
        else:
            key, side, name = place.port.key, "outputs", place.port.path
            where = place.outputs[0].port.place if place.outputs else ""
        one, other = self.looking.runs.fed.get(key), self._other_draws.get(key)
        if one is None or other is None or _digest(one, side, where) == _digest(other, side, where):
            return None
        active = [layer.path for layer in self.looking.port.layers.values() if layer.is_random and layer.is_training]
        said = f"draws random numbers on the way to {name}: dropout is left on"
        line = "port.eval(), and F.dropout(x, p, training=self.training)"
        return Cause("random", said + (f" ({', '.join(active[:4])})" if active else ""), (line,))

    def _moved(self, place: Arrival) -> Cause | None:
        """Whether the port changes what it hands from one module to the next, in both batches alike."""
        later = _same_place(self._later(), place)
        if not isinstance(later, Arrival):
            return None
        for name, changes in (("moved", _changes), ("order_of_layers", functions_of)):
            second = set(changes(self._later(), later))
            said = [words for words in changes(self.looking, place) if words in second]
            if said:
                return Cause(name, said[0], others=tuple(said[1:ALTERNATIVES]))
        return None

    # --- views -------------------------------------------------------------------------------------------------

    def _later(self) -> Looking:
        """The same look at a second batch."""
        if self._second is None:
            _, runs = self.session.runs(batches.another(self.session.batch), self.pairing)
            first = self.looking
            self._second = Looking(first.model, first.port, self.pairing, runs, first.rounding)
        return self._second

    def _views(self, place: Arrival | CallPair) -> Iterator[tuple[View, View]]:
        """Chains for a start, the shortest first, each with what both batches gave."""
        if isinstance(place, CallPair):
            makers = [_of_pair, _of_pair_with_what_is_before]
        else:
            makers = [_of_arrival, _of_arrival_and_its_source]
        for maker in makers:
            first = maker(self.looking, place)
            if first is None:
                continue
            second = maker(self._later(), _same_place(self._later(), place))
            if second is not None:
                yield _small(first), _small(second)
        yield from self._of_container(place)

    def _of_container(self, place: Arrival | CallPair) -> Iterator[tuple[View, View]]:
        """A layer of the model around the start that the reference knows as a whole, as attention is."""
        pair = place.pair if isinstance(place, Arrival) else place
        if pair is None:
            return
        looking = self.looking
        around = looking.by_order.get(pair.model.parent)
        if around is None or not around.path:
            return
        first = self._view_of_container(looking, around, self.session.batch)
        if first is None:
            return
        later = self._later()
        call = next((one for one in later.runs.calls if one.key == around.key), None)
        second = None if call is None else self._view_of_container(
            later, call, batches.another(self.session.batch)
        )  # fmt: skip
        if second is not None:
            yield _small(first), _small(second)

    def _view_of_container(self, looking: Looking, around: Call, batch: batches.Batch) -> View | None:
        made = link_of(around, looking.model.layers[around.path], {}, _inner_weights(looking, around.path))
        if made is None:
            return None
        link, fresh = made
        given = {held.array.digest for held in around.inputs}
        ends = {held.array.digest for held in around.outputs}
        inside = f"{around.path}/"
        kept, last = [], None
        for pair in looking.runs.pairs:
            if not pair.model.path.startswith(inside):
                kept.append(pair)
                continue
            fed = tuple(slot for slot in pair.inputs if slot.model.array.digest in given)
            kept.append(replace(pair, inputs=fed, outputs=()))
            if any(held.array.digest in ends for held in pair.gives.outputs):
                last = pair
        if last is None or not last.outputs:
            return None
        call = self.session.fed(batch, kept).get(last.port.key)
        slot = last.outputs[0]
        got = None if call is None else next((one for one in call.outputs if one.place == slot.port.place), None)
        if got is None:
            return None
        return _view(Chain((link,), _loaded(fresh)), slot, got)

    # --- mistakes ----------------------------------------------------------------------------------------------

    def _mistakes(self, first: View, second: View) -> Iterator[Found]:
        """The first few mistakes that give the port's answer to both batches, where the right layer gives neither."""
        if _gives(first, None, None) or not _is_known(first):
            return
        seen: list[Array] = []
        for link in first.chain.links:
            kind = type(link.known.layer).__name__
            has_bias = any(name.rpartition(".")[2] == "bias" for name in link.known.weights)
            for mutant in tried(kind, has_bias):
                if not _gives(first, kind, mutant) or not _gives(second, kind, mutant):
                    continue
                value = run(first.chain, mistaken(kind, mutant), is_moved=False).value
                if ("=" in mutant.name or mutant.name == "left_out") and any(
                    np.array_equal(value, other) for other in seen
                ):
                    continue  # the same thing in the words of an argument
                seen.append(value)
                yield kind, mutant
                if len(seen) >= ALTERNATIVES:
                    return

    def _said(self, chain: Chain, found: Sequence[Found]) -> Cause:
        names = [f"{kind}.{mutant.name}" for kind, mutant in found]
        kind = found[0][0]
        link = next(link for link in chain.links if type(link.known.layer).__name__ == kind)
        layer = self.looking.model.layers.get(link.known.path)
        lines = right_lines(layer) if layer is not None else ()
        others = tuple(f"{mutant.mistake} ({name})" for name, (_, mutant) in zip(names[1:], found[1:], strict=True))
        at = f" at {link.name}" if len(chain.links) > 1 else ""
        return Cause(names[0], f"{found[0][1].mistake}{at} ({names[0]})", lines, others)


def _is_known(view: View) -> bool:
    """Whether the reference, without a mistake, gives the model's own answer."""
    try:
        outcome = run(view.chain)
        plain = Order(tuple(range(view.wanted.ndim)), view.wanted.shape)
        share = share_of(view.wanted, outcome.value, outcome.moved, outcome.terms, "float64", 1.0, plain)
    except REFUSALS:  # what the reference refuses, it says nothing of
        return False
    return bool(share.agrees)


def _gives(view: View, kind: str | None, mutant: Mutant | None) -> bool:
    """Whether the chain, with a mistake in it, gives what the port gave."""
    rewrite = None if kind is None or mutant is None else mistaken(kind, mutant)
    try:
        quick = run(view.chain, rewrite, is_moved=False)
        order = _fitting(view, quick.value)
        if order is None or not _is_near(view, order, quick.value):
            return False
        whole = run(view.chain, rewrite)
        share = share_of(view.got, whole.value, whole.moved, whole.terms, "float64", 1.0, order, view.valid)
    except REFUSALS:  # a mistake that breaks the layer explains nothing
        return False
    return bool(share.agrees)


def _fitting(view: View, value: Array) -> Order | None:
    """The view's order, or the first that fits a mistake's answer of another shape."""
    if value.size != view.got.size:
        return None
    if len(view.order.axes) == value.ndim:
        shape = np.transpose(value, view.order.axes).shape
        if view.order.steps is None and int(np.prod(view.order.shape)) == value.size and len(shape):
            return view.order
    return next(orders(value.shape, view.got.shape), None)


def _is_near(view: View, order: Order, value: Array) -> bool:
    laid = order.of(value)
    with np.errstate(invalid="ignore"):
        far = np.abs(np.asarray(view.got, dtype=np.float64) - laid)
    if view.valid is not None:
        far = far[np.broadcast_to(view.valid, far.shape)]
    size = float(np.nanmax(np.abs(laid), initial=0.0))
    if far.size == 0 or not np.isfinite(far).any():
        return True
    return bool(float(np.nanmax(far)) <= NEAR * max(size, 1e-30))


def _changes(looking: Looking, place: Arrival) -> Iterator[str]:
    """Plain changes of what arrives; `looking` as every search is given it."""
    own, got = np.asarray(place.slot.model.array.load()), np.asarray(place.got.array.load())
    fits = place.got.array.shape == place.slot.order.shape
    yield from changes_of(got, place.slot.order.of(own) if fits else own, own)


def _given_changed(first: View, second: View) -> str:
    """What the port does to what goes into a chain, where the chain of that gives the port's answer to both batches."""
    if len(first.chain.inputs) != 1 or _gives(first, None, None) or not _is_known(first):
        return ""
    for one, other in zip(_changed_views(first), _changed_views(second), strict=True):
        if _gives(one[1], None, None) and _gives(other[1], None, None):
            return one[0]
    return ""


def _changed_views(view: View) -> Iterator[tuple[str, View]]:
    ((name, (array, mask)),) = view.chain.inputs.items()
    for words, new in changed(array):
        yield words, replace(view, chain=replace(view.chain, inputs={name: (new, mask)}))


def _digest(call: Call, side: str, place: str) -> str:
    held: Sequence[Held] = getattr(call, side)
    return next((one.array.digest for one in held if one.place == place), "")


def _loaded(fresh: dict[str, Held], looking: Looking | None = None) -> dict[str, tuple[Array, Array | None]]:
    """The arrays of a chain's inputs with their masks; with `looking`, as they were handed on to the port."""
    found = {}
    for name, held in fresh.items():
        array = np.asarray(held.array.load())
        mask = None if held.mask is None else np.asarray(held.mask.load())
        found[name] = (array, mask) if looking is None else _handed_on(looking, held, array, mask)
    return found


def _handed_on(looking: Looking, held: Held, array: Array, mask: Array | None) -> tuple[Array, Array | None]:
    """What the port's own code got for an array of the model: as many steps as its module gave, and its own numbers at
    masked ones.
    """
    for pair in looking.runs.pairs:
        for slot in pair.outputs:
            is_in_order = slot.order.axes == tuple(range(array.ndim)) and slot.order.rows is None
            if mask is None or slot.model.array.digest != held.array.digest or not is_in_order:
                continue
            fed = looking.runs.fed.get(pair.port.key)
            own = None if fed is None else next((h for h in fed.outputs if h.place == slot.port.place), None)
            steps = slot.order.steps
            cut, real = (array, mask) if steps is None else (array[:, :steps], mask[:, :steps])
            if own is not None and own.array.shape == cut.shape:
                valid = real.reshape(real.shape + (1,) * (cut.ndim - real.ndim))
                return np.where(valid, cut, own.array.load()), real
    return array, mask


def _view(chain: Chain, slot: Slot, got: Held) -> View | None:
    if got.array.shape != slot.order.shape:
        return None
    valid = valid_in(slot.model, slot.order, got.array.shape, got.lengths)
    return View(chain, np.asarray(got.array.load()), slot.order, valid, np.asarray(slot.model.array.load()))


def _of_pair(looking: Looking, place: Arrival | CallPair | None) -> View | None:
    """The pair's own layer."""
    if not isinstance(place, CallPair) or not place.outputs:
        return None
    slot = place.outputs[0]
    fed = looking.runs.fed.get(place.port.key)
    got = None if fed is None else next((one for one in fed.outputs if one.place == slot.port.place), None)
    chain = looking.chain_of(place, slot)
    return None if got is None or chain is None else _view(chain, slot, got)


def _of_pair_with_what_is_before(looking: Looking, place: Arrival | CallPair | None) -> View | None:
    """The pair's layer and those without a module before it, for a module that does both."""
    if not isinstance(place, CallPair) or not place.outputs or not place.model.inputs:
        return None
    span = looking.span(place.model.inputs[0].array.digest, place.model.order)
    own = looking.chain_of(place, place.outputs[0])
    if not span or own is None:
        return None
    chain = chain_of_calls(looking, [*span, place.model], last=own.links[0])
    slot = place.outputs[0]
    fed = looking.runs.fed.get(place.port.key)
    got = None if fed is None else next((one for one in fed.outputs if one.place == slot.port.place), None)
    return None if got is None or chain is None else _view(chain, slot, got)


def _of_arrival(looking: Looking, place: Arrival | CallPair | None) -> View | None:
    """What the model computes between two modules."""
    if not isinstance(place, Arrival) or not place.span:
        return None
    chain = chain_of_calls(looking, place.span)
    return None if chain is None else _view(chain, place.slot, place.got)


def _of_arrival_and_its_source(looking: Looking, place: Arrival | CallPair | None) -> View | None:
    """The same with the paired layer that it starts from: a port may spoil what its module gave right."""
    if not isinstance(place, Arrival):
        return None
    wanted = {held.array.digest for call in place.span for held in call.inputs} or {place.slot.model.array.digest}
    sources = [pair for pair in looking.runs.pairs if any(h.array.digest in wanted for h in pair.gives.outputs)]
    if len(sources) != 1:
        return None
    source = sources[0]
    own = looking.chain_of(source, source.outputs[0]) if source.outputs else None
    if own is None:
        return None
    first = replace(source.model, outputs=source.gives.outputs)
    chain = chain_of_calls(looking, [first, *place.span], first=own.links[0])
    return None if chain is None else _view(chain, place.slot, place.got)


def chain_of_calls(
    looking: Looking, calls: Sequence[Call], first: Link | None = None, last: Link | None = None
) -> Chain | None:
    """Calls of the model as a chain of the reference; None where it does not know one of them."""
    links: list[Link] = []
    inputs: dict[str, Held] = {}
    sources: dict[str, str] = {}
    for place, call in enumerate(calls):
        made = link_of(call, looking.model.layers[call.path], sources)
        if made is None:
            return None
        link, fresh = made
        given = first if first is not None and place == 0 else last if place == len(calls) - 1 else None
        if given is not None:
            link = replace(link, known=given.known)
        links.append(link)
        inputs |= fresh
        sources |= {held.array.digest: link.name for held in call.outputs[:1]}
    return Chain(tuple(links), _loaded(inputs, looking))


def _same_place(looking: Looking, place: Arrival | CallPair) -> Arrival | CallPair | None:
    """The same start in another batch."""
    if isinstance(place, CallPair):
        return next((pair for pair in looking.runs.pairs if pair.model.key == place.model.key), None)
    key = None if place.pair is None else place.pair.model.key
    for arrival in looking.arrivals():
        other = None if arrival.pair is None else arrival.pair.model.key
        if other == key and arrival.slot.model.place == place.slot.model.place:
            return arrival
    return None


def _inner_weights(looking: Looking, path: str) -> list[tuple[str, Array]]:
    """Weights of the layers inside one, as the reference calls them: `query.kernel`."""
    found = []
    for layer in looking.model.layers.values():
        if layer.path.startswith(f"{path}/"):
            for weight in layer.weights:
                found.append((f"{layer.path.rpartition('/')[2]}.{weight.name}", np.asarray(weight.array.load())))
    return found


def _small(view: View) -> View:
    """The view of its first rows, where the whole batch would take long."""
    size = max((array.size for array, _ in view.chain.inputs.values()), default=0)
    rows = {array.shape[0] for array, _ in view.chain.inputs.values() if array.ndim}
    if size <= MOST_ELEMENTS or len(rows) != 1 or view.order.axes[:1] != (0,) or view.got.shape[0] not in rows:
        return view
    (count,) = rows
    keep = max(1, count * MOST_ELEMENTS // size)
    inputs = {
        name: (array[:keep], None if mask is None else mask[:keep]) for name, (array, mask) in view.chain.inputs.items()
    }
    order = Order(view.order.axes, (keep, *view.order.shape[1:]), view.order.steps)
    valid = view.valid if view.valid is None or view.valid.shape[0] != count else view.valid[:keep]
    return View(replace(view.chain, inputs=inputs), view.got[:keep], order, valid, view.wanted[:keep])
