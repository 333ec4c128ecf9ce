"""From two runs to rows and starts: what agrees, what only follows, and everywhere that a difference starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from conformance.comparison.judging import Share, Yardstick, nothing_of, share_of
from conformance.comparison.known import REFUSALS, Chain, Link, link_of, run
from conformance.comparison.orders import Order, best_order, orders, valid_in
from conformance.comparison.pairing import CallPair, Pairing, Slot
from conformance.comparison.proof import Proof
from conformance.comparison.result import Kind, Output, Row, Start, State, is_explained
from conformance.comparison.session import Moves, Rounding, Runs, terms_of
from conformance.comparison.values import Array, Call, Held, Model

LARGEST = 1 << 22
"""Multiplications up to which the NumPy reference is asked for a layer's budget; larger ones take the float64 model."""
LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Arrival:
    """What reaches a module of the port, or its end, when everything before it was the model's own."""

    slot: Slot
    got: Held
    pair: CallPair | None
    """The pair whose module gets it; None for the port's own results."""
    span: tuple[Call, ...]
    """Calls of the model between its last paired layers and here, in order."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Everything that was found, with what the search for causes needs."""

    rows: tuple[Row, ...]
    starts: tuple[Start, ...]
    outputs: tuple[Output, ...]
    places: tuple[Arrival | CallPair | None, ...]
    """For every start where it was seen."""
    remarks: tuple[str, ...] = ()


class Looking:
    """One look at the runs of one batch."""

    def __init__(self, model: Model, port: Model, pairing: Pairing, runs: Runs, rounding: Rounding) -> None:
        self.model, self.port, self.pairing, self.runs, self.rounding = model, port, pairing, runs, rounding
        self.by_order = {call.order: call for call in runs.calls}
        self.paired = {pair.model.key for pair in runs.pairs}
        self.plain = {call.key: call for call in runs.port_calls}
        self.makers: dict[str, Call] = {}
        leaf = {path for path, layer in model.layers.items() if layer.is_leaf}
        for call in runs.calls:
            if call.path in leaf:
                for held in call.outputs:
                    known = self.makers.get(held.array.digest)
                    if known is None or known.order == call.parent:  # a layer's activation makes what the layer gives
                        self.makers[held.array.digest] = call
        self.folded = {pair.gives.key: pair for pair in runs.pairs if pair.pair.folds}
        self.given = {held.array.digest for pair in runs.pairs for held in pair.gives.outputs}

    # --- single judgements -------------------------------------------------------------------------------------

    def whole(self, pair: CallPair) -> Share | None:
        """The port with its own activations."""
        call = self.plain.get(pair.port.key)
        shares = [self._share(slot, call, pair.gives, "out", False) for slot in pair.outputs] if call else []
        return _worst([share for share in shares if share is not None])

    def alone(self, pair: CallPair) -> Share | None:
        """The port's module, fed what the model's layer was fed."""
        call = self.runs.fed.get(pair.port.key)
        if call is None:
            return None
        shares = [
            self._by_reference(pair, slot, call) or self._share(slot, call, pair.gives, "out", True, pair)
            for slot in pair.outputs
        ]
        return _worst([share for share in shares if share is not None])

    def _by_reference(self, pair: CallPair, slot: Slot, call: Call) -> Share | None:
        """By the reference's budget, where it knows the layer and agrees with the model's own answer."""
        got = _at(call.outputs, slot.port.place)
        if got is None or self.rounding.why_not == NOT_ASKED or self._cost(pair) > LARGEST:
            return None
        chain = self.chain_of(pair, slot)
        if chain is None:
            return None
        try:
            outcome = run(chain)
        except REFUSALS:  # the reference refuses what the model computes: it has no opinion here
            return None
        held = slot.model
        if outcome.value.shape != held.array.shape:
            return None
        own = share_of(
            np.asarray(held.array.load()), outcome.value, outcome.moved, outcome.terms, "reference", 1.0, _same(held)
        )
        if not own.agrees:
            return None
        return self._compared(slot, got, outcome.value, outcome.moved, outcome.terms, "reference", 1.0)

    def _cost(self, pair: CallPair) -> int:
        layer = self.model.layers[pair.model.path]
        positions = max((held.array.size for held in pair.model.inputs), default=1)
        return positions * max(1, layer.count) // max(1, terms_of(self.model, pair.model.path))

    def chain_of(self, pair: CallPair, slot: Slot) -> Chain | None:
        """The pair's layer as a chain of the reference; without its activation where the module has none."""
        layer = self.model.layers[pair.model.path]
        if pair.pair.folds:  # two layers in one module
            return None
        made = link_of(pair.model, layer, {})
        if made is None:
            return None
        link, fresh = made
        if pair.gives is not pair.model:
            link = _without_activation(link)
        inputs = {name: _loaded(held) for name, held in fresh.items()}
        places = [held.place for held in pair.gives.outputs]
        return Chain((link,), inputs, places.index(slot.model.place) if slot.model.place in places else 0)

    def _share(
        self, slot: Slot, call: Call, model: Call, side: str, is_local: bool, pair: CallPair | None = None
    ) -> Share | None:
        """By the float64 model where there is one; else by the size of the numbers alone.

        What two layers of the model give in one module of the `pair` moves by the rounding of both, which was measured
        from end to end only.
        """
        folds = pair is not None and bool(pair.pair.folds)
        got = _at(call.outputs if side == "out" else call.inputs, slot.port.place)
        if got is None:
            return None
        moves = self.rounding.at(
            model, "in" if model.path.endswith("/activation") else side, slot.model.place, is_local and not folds
        )
        path = pair.model.path if pair is not None and folds else model.path.removesuffix("/activation")
        terms = terms_of(self.model, path)
        return self._by_moves(slot, got, moves, terms, is_local)

    def _by_moves(self, slot: Slot, got: Held, moves: Moves | None, terms: int, is_local: bool) -> Share | None:
        wanted: Array = slot.model.array.load()
        if moves is None or moves.exact.shape != slot.model.array.shape:
            return self._compared(slot, got, wanted, None, max(terms, 1), "plain", 2.0)
        moved = None if moves.moved is None else moves.moved.load()
        if is_local:
            return self._compared(slot, got, wanted, moved, terms, "float64", 2.0)
        return self._compared(slot, got, moves.exact.load(), moved, terms, "float64", 1.0)

    def _compared(
        self, slot: Slot, got: Held, wanted: Array, moved: Array | None, terms: int, by: Yardstick, scale: float
    ) -> Share | None:
        order = slot.order
        if got.array.shape != order.shape:
            return None
        valid = valid_in(slot.model, order, got.array.shape, got.lengths)
        return share_of(got.array.load(), wanted, moved, terms, by, scale, order, valid)

    # --- arrivals ----------------------------------------------------------------------------------------------

    def arrivals(self) -> Iterator[Arrival]:
        """What reaches every paired module, and the port's end."""
        for pair in self.runs.pairs:
            fed = self.runs.fed.get(pair.port.key)
            for slot in pair.inputs:
                got = None if fed is None else _at(fed.inputs, slot.port.place)
                if got is not None and slot.model.array.is_float:
                    yield Arrival(slot, got, pair, self.span(slot.model.array.digest, pair.model.order))
        mine, theirs = self._root(self.runs.calls), self.runs.fed.get(("", 0))
        if mine is not None and theirs is not None:
            for slot in result_slots(mine.outputs, theirs.outputs):
                got = _at(theirs.outputs, slot.port.place)
                if got is not None:
                    yield Arrival(slot, got, None, self.span(slot.model.array.digest, len(self.runs.calls)))

    @staticmethod
    def _root(calls: Sequence[Call]) -> Call | None:
        return next((call for call in calls if call.path == ""), None)

    def span(self, digest: str, before: int) -> tuple[Call, ...]:
        """The calls without a module that an array came through, back to paired ones and to inputs."""
        found: dict[int, Call] = {}
        wanted = [digest]
        while wanted and len(found) < LONGEST_CHAIN:
            one = wanted.pop()
            maker = self.makers.get(one)
            if one in self.given or maker is None or maker.order in found or maker.order >= before:
                continue
            if maker.key in self.paired:
                continue
            found[maker.order] = maker
            wanted += [held.array.digest for held in maker.inputs]
        return tuple(found[order] for order in sorted(found))

    # --- rows and starts ---------------------------------------------------------------------------------------

    def look(self, proofs: Sequence[Proof]) -> Looked:
        """Rows in the order of calls, starts in the order in which the model reaches them."""
        wrong: dict[str, list[Proof]] = {}
        for proof in proofs:
            if proof.is_wrong:
                wrong.setdefault(proof.layer, []).append(proof)
        starts: list[tuple[int, Start, Arrival | CallPair | None]] = []
        arrived: dict[tuple[str, int], Share] = {}
        judged_at: dict[int, str] = {}
        told: set[str] = set()
        for arrival in self.arrivals():
            share = self._arrived(arrival)
            name = arrival.pair.port.path if arrival.pair is not None else "the port's results"
            for call in arrival.span:
                judged_at.setdefault(call.order, name)
            if arrival.pair is not None and share is not None:
                known = arrived.get(arrival.pair.model.key)
                arrived[arrival.pair.model.key] = share if known is None else _worst([known, share]) or share
            start = self._start_before(arrival, share)
            if start is None or arrival.slot.model.array.digest in told:
                continue
            told.add(arrival.slot.model.array.digest)
            order = arrival.span[0].order if arrival.span else arrival.pair.model.order if arrival.pair else 10**9
            starts.append((order, start, arrival))
        rows = []
        alones: dict[tuple[str, int], Share | None] = {}
        for pair in self.runs.pairs:
            share = alones[pair.model.key] = self.alone(pair)
            start = self._start_in(pair, share, wrong.get(pair.model.path, ()))
            if start is not None:
                starts.append((pair.model.order, start, pair))
        for path, bad in wrong.items():
            if not any(start.layer == path for _, start, _ in starts):
                detail, kind = _proof_words(bad), self.model.layers[path].type
                whole = Start("weights", path, bad[0].port, (path,), None, detail, types=(kind,))
                starts.append((self._first_order(path), whole, None))
        starts.sort(key=lambda each: each[0])
        spans = {path for _, start, _ in starts for path in start.span}
        by_key = {pair.model.key: pair for pair in self.runs.pairs}
        for call in self.runs.calls:
            if call.path == "" and len(self.model.layers) > 1:
                continue
            rows.append(self._row(call, by_key.get(call.key), alones, arrived, judged_at, spans, bool(starts)))
        outputs, remarks = self._outputs()
        return Looked(
            tuple(rows),
            tuple(start for _, start, _ in starts),
            tuple(outputs),
            tuple(place for _, _, place in starts),
            (*self.runs.remarks, *remarks),
        )

    def _first_order(self, path: str) -> int:
        return next((call.order for call in self.runs.calls if call.path == path), 10**9)

    def _arrived(self, arrival: Arrival) -> Share | None:
        if arrival.got.array.shape != arrival.slot.order.shape:
            return None
        if _is_put(arrival):
            return nothing_of(arrival.got.array.size, len(arrival.got.array.shape), "plain")
        model = arrival.pair.model if arrival.pair is not None else self._root(self.runs.calls)
        assert model is not None
        side = "in" if arrival.pair is not None else "out"
        moves = self.rounding.at(model, side, arrival.slot.model.place, True)
        terms = max((_mean_length(call) for call in arrival.span), default=1)
        return self._by_moves(arrival.slot, arrival.got, moves, terms, True)

    def _start_before(self, arrival: Arrival, share: Share | None) -> Start | None:
        pair = arrival.pair
        span = tuple(call.path for call in arrival.span)
        types = tuple(self.model.layers[path].type for path in span)
        here = pair.model.path if pair is not None else ""
        port = pair.port.path if pair is not None else ""
        if share is None:
            got, wanted = arrival.got.array.shape, arrival.slot.model.array.shape
            detail = f"shape {got} where the model has {wanted}"
            first = span[0] if span else here
            return Start(
                "shape", first, port, span or (here,), None, detail, types=types, gives=(str(wanted), str(got))
            )
        if share.agrees:
            return None
        kind: Kind = "before" if pair is not None else "output"
        around = None if pair is None else self.by_order.get(pair.model.parent)
        if not span and around is not None and around.path:
            digest = arrival.slot.model.array.digest
            if all(held.array.digest != digest for held in around.inputs):  # made inside the layer around
                kind_of = self.model.layers[around.path].type
                return Start(kind, around.path, port, (around.path,), share, types=(kind_of,))
        return Start(kind, span[-1] if span else here, port, span, share, types=types)

    def _start_in(self, pair: CallPair, share: Share | None, wrong: Sequence[Proof]) -> Start | None:
        path, port = pair.model.path, pair.port.path
        types = (self.model.layers[path].type,)
        if wrong:
            return Start("weights", path, port, (path,), share, _proof_words(wrong), types=types)
        fed = self.runs.fed.get(pair.port.key)
        steps = self._steps(pair, fed)
        if steps:
            return Start("steps", path, port, (path,), share, steps, types=types)
        if not pair.outputs and pair.gives.outputs and fed is not None and fed.outputs:
            got, wanted = fed.outputs[0].array.shape, pair.gives.outputs[0].array.shape
            detail = f"gives shape {got} where the model's layer gives {wanted}"
            return Start("shape", path, port, (path,), None, detail, types=types, gives=(str(wanted), str(got)))
        if share is not None and not share.agrees:
            return Start("layer", path, port, (path,), share, types=types)
        masks = self._masks(pair, fed)
        if masks is None:
            return None
        detail = f"its result carries {masks[1]}, that of the model {masks[0]}"
        return Start("mask", path, port, (path,), share, detail, types=types, gives=masks)

    def _masks(self, pair: CallPair, fed: Call | None) -> tuple[str, str] | None:
        """The model's mask of a result and the port's, where both sides' arrays carry masks and they differ."""
        if fed is None or not self.port.layers[pair.pair.port].is_of_keras or self.port.arguments:
            return None
        for slot in pair.outputs:
            got = _at(fed.outputs, slot.port.place)
            if got is None or (got.mask is None and slot.model.mask is None):
                continue
            if (
                got.mask is None
                or slot.model.mask is None
                or not np.array_equal(got.mask.load(), slot.model.mask.load())
            ):
                return _mask_of(slot.model), _mask_of(got)
        return None

    def _steps(self, pair: CallPair, fed: Call | None) -> str:
        """Whether a packed sequence holds other steps than the model's mask allows."""
        for slot in pair.inputs:
            got = None if fed is None else _at(fed.inputs, slot.port.place)
            if got is None or got.lengths is None:
                continue
            mask = slot.model.mask
            steps = slot.model.array.shape[1]
            real = [steps] * len(got.lengths) if mask is None else [int(n) for n in np.sum(mask.load(), axis=1)]
            if real != list(got.lengths):
                has = "has no mask" if mask is None else f"has masks of {_few(real)} steps"
                return f"packs {_few(got.lengths)} steps where the model {has}"
        return ""

    def _row(
        self,
        call: Call,
        pair: CallPair | None,
        alones: Mapping[tuple[str, int], Share | None],
        arrived: Mapping[tuple[str, int], Share],
        judged_at: Mapping[int, str],
        spans: set[str],
        has_starts: bool,
    ) -> Row:
        layer = self.model.layers[call.path]
        shape = call.outputs[0].array.shape if call.outputs else ()
        row = Row(call.path, layer.type, call.index, call.path.count("/"), "own code", shape=shape, params=layer.count,
                  mask=_mask_words(call))  # fmt: skip
        if pair is None:
            if call.key in self.folded:
                return self._folded_row(row, self.folded[call.key], spans, has_starts)
            if not layer.is_leaf:
                return replace(row, state="not compared", by_itself="its layers are compared")
            state: State = "start" if call.path in spans else "own code"
            at = judged_at.get(call.order, "")
            return replace(row, state=state, judged_at=at, by_itself="" if at else _why_nowhere(call))
        whole, alone, came = self.whole(pair), alones.get(call.key), arrived.get(call.key)
        state = self._state(call.path, whole, spans, has_starts)
        slot = pair.outputs[0] if pair.outputs else None
        return replace(
            row,
            state=state,
            port=pair.port.path,
            port_type=self.port.layers[pair.port.path].type,
            how=pair.pair.how,
            port_shape=slot.port.array.shape if slot else (),
            order=slot.order.words(slot.model.array.shape) if slot else "",
            whole=whole,
            alone=alone,
            arrives=came,
        )

    def _folded_row(self, row: Row, pair: CallPair, spans: set[str], has_starts: bool) -> Row:
        """The row of a normalisation that stands in the weights of the layer before it."""
        state = self._state(pair.model.path, self.whole(pair), spans, has_starts)
        port = pair.pair.port
        kind = self.port.layers[port].type
        return replace(row, state=state, port=port, port_type=kind, how=pair.pair.how, judged_at=port)

    def _state(self, path: str, whole: Share | None, spans: set[str], has_starts: bool) -> State:
        if path in spans:
            return "start"
        if whole is None or whole.agrees or (not has_starts and is_explained(whole, self.rounding.why_not)):
            return "agree"
        return "follows"

    def _outputs(self) -> tuple[list[Output], list[str]]:
        """The results from end to end."""
        mine, theirs = self._root(self.runs.calls), self.plain.get(("", 0))
        if mine is None or theirs is None:
            return [], []
        found, remarks = [], []
        slots = result_slots(mine.outputs, theirs.outputs)
        for slot in slots:
            share = self._share(slot, theirs, mine, "out", False)
            if share is not None:
                found.append(Output(slot.model.place or "result", slot.port.place or "result", share))
            if slot.order.axes != tuple(range(len(slot.order.axes))):
                remarks.append(f"the result {slot.model.place} has its axes in another order: {slot.order.axes}")
        left = [held.place or "result" for held in mine.outputs if held not in [slot.model for slot in slots]]
        remarks += [f"the port has nothing of the shape of the result {place}" for place in left]
        return found, remarks


NOT_ASKED = "it was not asked for"


def result_slots(model: Sequence[Held], port: Sequence[Held]) -> tuple[Slot, ...]:
    """The model's results, each with the port's of the same shape; of equal shapes no axis is moved."""
    found = []
    free = list(port)
    for held in model:
        best: tuple[float, int, Order] | None = None
        for index, one in enumerate(free):
            if one.array.is_float != held.array.is_float:
                continue
            near: tuple[float, Order] | None
            if one.array.shape == held.array.shape:
                plain = next(orders(held.array.shape, one.array.shape))
                near = _plain_fit(held, one, plain)
            else:
                fit = best_order(held, one)
                near = None if fit is None else (fit[1], fit[0])
            if near is not None and (best is None or near[0] < best[0]):
                best = (near[0], index, near[1])
        if best is not None:
            found.append(Slot(held, free.pop(best[1]), best[2]))
    return tuple(found)


def _plain_fit(held: Held, one: Held, plain: Order) -> tuple[float, Order]:
    from conformance.comparison.orders import misfit

    return misfit(held.array.load(), one.array.load()), plain


def _worst(shares: Sequence[Share]) -> Share | None:
    return max(shares, key=lambda share: (not share.agrees, share.used), default=None)


def _at(held: Sequence[Held], place: str) -> Held | None:
    return next((one for one in held if one.place == place), None)


def _is_put(arrival: Arrival) -> bool:
    """Whether what arrives is the very array that was put into the port where the model has it, in the same order."""
    laid = arrival.got.array.laid
    wanted = arrival.slot.model.array
    return laid is not None and laid.digest == wanted.digest and dict(laid.order) == arrival.slot.order.as_message()


def _same(held: Held) -> Order:
    shape = held.array.shape
    return Order(tuple(range(len(shape))), shape)


def _loaded(held: Held) -> tuple[Array, Array | None]:
    return np.asarray(held.array.load()), None if held.mask is None else np.asarray(held.mask.load())


def _without_activation(link: Link) -> Link:
    layer = link.known.layer
    bare = replace(layer, activation=None)  # type: ignore[type-var]  # layers are made dataclasses when they are declared
    return replace(link, known=replace(link.known, layer=bare))


def _mean_length(call: Call) -> int:
    """How many numbers of a call's input one of its result is made of, at most."""
    given = max((held.array.size for held in call.inputs), default=1)
    made = max((held.array.size for held in call.outputs), default=1)
    return max(1, given // max(1, made))


def _mask_of(held: Held) -> str:
    if held.mask is None:
        return "no mask"
    array = held.mask.load()
    return f"a mask of {int(np.sum(array))} of {array.size} steps"


def _why_nowhere(call: Call) -> str:
    given = {held.array.digest for held in call.inputs}
    if call.outputs and all(held.array.digest in given for held in call.outputs):
        return "hands on what it gets"
    return "nothing that is compared needs it"


def _few(values: Sequence[int]) -> str:
    return ", ".join(map(str, list(values)[:6])) + (", ..." if len(values) > 6 else "")


def _mask_words(call: Call) -> str:
    mask = next((held.mask for held in call.outputs if held.mask is not None), None)
    if mask is None:
        return ""
    array = mask.load()
    return f"{int(np.sum(array))} of {array.size} true"


def _proof_words(wrong: Sequence[Proof]) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for proof in wrong:
        groups.setdefault((proof.state, proof.layout), []).append(proof.weight)
    return "; ".join(
        f"{', '.join(names)}: {state}{f', {layout}' if layout else ''}" for (state, layout), names in groups.items()
    )
