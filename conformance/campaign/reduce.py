"""Makes a finding small in the words of a case: fewer calls, arguments at their defaults, short axes, plain numbers.

Each step is asked like any other draft, and is kept where the signature is still the same. So what is left at the end
shows the finding by itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.campaign.asking import Asker, Judged
from conformance.campaign.draft import Call, Draft, Input, Layer, Mask
from conformance.campaign.space import space_of
from conformance.campaign.triage import Signature, calls_of
from conformance.diagnose.effort import without_number

AT_ONCE = 4
"""Smaller drafts that are asked together, so that lanes need not wait for each other."""
LOST = ("crash", "timeout")
MOST_ASKED = 160
MOST_ASKED_WHY = 40
"""Smaller drafts of which it is found out why they differ, which takes much longer than to see that they do."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left of a draft, and how many smaller ones were asked on the way."""

    draft: Draft
    signature: Signature
    """What it shows: with fewer layers, it is clearer at which of them the difference starts."""
    asked: int


def shown(asker: Asker, judged: Judged, wanted: Signature, avoid: Collection[str] = ()) -> Signature | None:
    """The signature with which a draft shows a finding; None where it does not.

    Of a finding of which nobody asked yet why it is there any reason is it, but those to `avoid`.
    """
    found = asker.tell(judged.record, calls_of(judged.draft)) if judged.record is not None else ()
    others = {without_number(name) for name in avoid}
    return next((one for one in found if _is_it(one, wanted) and not others & one.named()), None)


def _is_it(one: Signature, wanted: Signature) -> bool:
    return wanted.shows_in(one) or (not wanted.mistakes and wanted.shows_in(one.coarse()))


def reduced(
    asker: Asker,
    draft: Draft,
    wanted: Signature,
    most: int = MOST_ASKED,
    until: float = math.inf,
    avoid: Collection[str] = (),
) -> Reduced:
    """The smallest draft found, until the clock says so, that still shows the finding; at worst the draft itself.

    What differs is watched on the way, and why it does is asked of what is left. Where that is another reason, a
    smaller draft had led to another finding: then the reason is asked at each step.
    """
    if avoid:
        slow = _walk(asker, draft, wanted, min(most, MOST_ASKED_WHY), until, explains=True, avoid=avoid)
        (last,) = _asked(asker, [slow.draft], wanted)
        return Reduced(renamed(slow.draft), shown(asker, last, wanted, avoid) or slow.signature, slow.asked)
    quick = _walk(asker, draft, wanted.coarse(), most, until, explains=False)
    quick = replace(quick, draft=renamed(quick.draft))
    (last,) = _asked(asker, [quick.draft], wanted)
    found = shown(asker, last, wanted)
    if found is not None:
        return Reduced(quick.draft, found, quick.asked)
    slow = _walk(asker, draft, wanted, min(most, MOST_ASKED_WHY), until, explains=True)
    return Reduced(renamed(slow.draft), slow.signature, quick.asked + slow.asked)


def _walk(
    asker: Asker,
    draft: Draft,
    wanted: Signature,
    most: int,
    until: float,
    explains: bool,
    avoid: Collection[str] = (),
) -> Reduced:
    only = (*wanted.mistakes, *avoid) if wanted.mistakes or avoid else None
    at_once = 1 if wanted.aspect in LOST else AT_ONCE  # each loss is a lane that has to be started again
    asked, seen = 0, {draft.digest}
    is_smaller = True
    while is_smaller and asked < most:
        is_smaller = False
        for candidates in _several(smaller(draft), seen, at_once):
            judged = _asked(asker, candidates, wanted, explains=explains, only=only)
            asked += len(candidates)
            shows = ((one.draft, shown(asker, one, wanted, avoid)) for one in judged)
            found = next(((candidate, said) for candidate, said in shows if said is not None), None)
            if found is not None:
                (draft, wanted), is_smaller = found, True
                break
            if asked >= most or time.monotonic() >= until:
                return Reduced(draft, wanted, asked)
    return Reduced(draft, wanted, asked)


def _asked(
    asker: Asker,
    drafts: Sequence[Draft],
    wanted: Signature,
    explains: bool = True,
    only: Collection[str] | None = None,
) -> list[Judged]:
    """What came of drafts in the lanes that may show a finding; relations are asked where it is one that breaks."""
    lanes = asker.lanes_for(wanted.lane)
    return asker.ask(drafts, lanes=lanes, explains=explains, only=only, relations_of=int(wanted.is_of_relations))


def _several(candidates: Iterable[Draft], seen: set[str], at_once: int) -> Iterator[list[Draft]]:
    """Those that were not seen yet, a few at a time."""
    few: list[Draft] = []
    for candidate in candidates:
        if candidate.digest in seen:
            continue
        seen.add(candidate.digest)
        few.append(candidate)
        if len(few) == at_once:
            yield few
            few = []
    if few:
        yield few


def smaller(draft: Draft) -> Iterator[Draft]:
    """Drafts that say less, those that say much less first; of one that is like a written case, with fewer changes."""
    if draft.written is not None:
        for change in draft.changes:
            yield replace(draft, changes=tuple(one for one in draft.changes if one is not change))
        return
    if draft.saved:
        yield replace(draft, saved="")
    for index in range(len(draft.calls)):
        yield from _without_others(draft, index)
    yield from _without_call(draft)
    yield from _plainer_inputs(draft)
    yield from _plainer_calls(draft)
    yield from _plainer_layers(draft)
    yield from _shorter(draft)


def _tidy(draft: Draft) -> Draft:
    """Without the layers and inputs that nothing uses."""
    layers = {call.layer for call in draft.calls}
    nodes = {name for call in draft.calls for name in call.nodes}
    return replace(
        draft,
        layers=tuple(layer for layer in draft.layers if layer.name in layers),
        inputs=tuple(given for given in draft.inputs if given.name in nodes),
    )


def renamed(draft: Draft) -> Draft:
    """With layers and nodes called as a person would: `layer` and `y` where there is one."""
    layers = _names(tuple(layer.name for layer in draft.layers), "layer")
    nodes = _names(tuple(call.name for call in draft.calls), "y")
    return replace(
        draft,
        layers=tuple(replace(layer, name=layers[layer.name]) for layer in draft.layers),
        calls=tuple(
            replace(
                call,
                name=nodes[call.name],
                layer=layers[call.layer],
                inputs=tuple(nodes.get(name, name) for name in call.inputs),
            )
            for call in draft.calls
        ),
    )


def _names(old: tuple[str, ...], word: str) -> dict[str, str]:
    return {name: word if len(old) == 1 else f"{word}{number}" for number, name in enumerate(old, 1)}


def _without_others(draft: Draft, index: int) -> Iterator[Draft]:
    """One call, and what it needs."""
    kept = (*_needed(draft, index), draft.calls[index])
    if len(kept) < len(draft.calls):
        yield _tidy(replace(draft, calls=kept))


def before(draft: Draft, index: int) -> Draft | None:
    """What a call needs, without the call; None where it needs inputs alone."""
    kept = _needed(draft, index)
    return _tidy(replace(draft, calls=kept)) if kept else None


def up_to(draft: Draft, index: int) -> Draft:
    """A call and what it needs, without all else."""
    return _tidy(replace(draft, calls=(*_needed(draft, index), draft.calls[index])))


def rest_of(draft: Draft, index: int) -> Iterator[Draft]:
    """A draft without one of its calls: with what goes into it in its place; then without all that needs it, too."""
    gone = draft.calls[index]
    others = [call for call in draft.calls if call is not gone]
    if not others:
        return
    yield _tidy(replace(draft, calls=tuple(replace(call, inputs=_in_place(call.inputs, gone)) for call in others)))
    lost, kept = {gone.name}, list[Call]()
    for call in others:
        if lost & set(call.nodes):
            lost.add(call.name)
        else:
            kept.append(call)
    if kept and len(kept) < len(others):
        yield _tidy(replace(draft, calls=tuple(kept)))


def _needed(draft: Draft, index: int) -> tuple[Call, ...]:
    """The calls whose nodes a call needs, in order."""
    wanted, kept = set(draft.calls[index].nodes), list[Call]()
    for call in reversed(draft.calls[:index]):
        if call.name in wanted:
            kept.append(call)
            wanted |= set(call.nodes)
    return tuple(reversed(kept))


def _without_call(draft: Draft) -> Iterator[Draft]:
    """Each call left out, with what goes into it in the place of what it gave."""
    for gone in draft.calls:
        if len(draft.calls) == 1:
            return
        rest = [call for call in draft.calls if call is not gone]
        calls = tuple(replace(call, inputs=_in_place(call.inputs, gone)) for call in rest)
        yield _tidy(replace(draft, calls=calls))


def _in_place(inputs: tuple[str, ...], gone: Call) -> tuple[str, ...]:
    return tuple(gone.inputs[0] if name == gone.name else name for name in inputs)


def _with_input(draft: Draft, old: Input, new: Input) -> Draft:
    return replace(draft, inputs=tuple(new if given is old else given for given in draft.inputs))


def _plainer_inputs(draft: Draft) -> Iterator[Draft]:
    if draft.is_open:
        yield replace(draft, is_open=False)
    for given in draft.inputs:
        if given.mask is not None:
            yield _with_input(draft, given, replace(given, mask=None))
            for mask in _plainer_masks(given.mask):
                yield _with_input(draft, given, replace(given, mask=mask))
    is_usual = all(given.fill is None and given.dtype == "float32" for given in draft.inputs)
    if not is_usual:
        plain = tuple(replace(given, fill=None, dtype="float32") for given in draft.inputs)
        yield replace(draft, inputs=plain)
    if draft.batch not in (1, 2):
        yield _of_batch(draft, 2)
    if draft.batch != 1:
        yield _of_batch(draft, 1)


def _plainer_masks(mask: Mask) -> Iterator[Mask]:
    if mask.beneath != "zeros":
        yield replace(mask, beneath="zeros")
    if mask.carried == "layer":  # as an argument it takes two lines less, where the layer has one
        yield replace(mask, carried="argument", beneath="zeros")
    plain = tuple((*(1 for _ in row[1:]), 0) if row else row for row in mask.rows)
    if plain != mask.rows:
        yield replace(mask, rows=plain)


def _of_batch(draft: Draft, batch: int) -> Draft:
    inputs = []
    for given in draft.inputs:
        mask = given.mask
        if mask is not None:
            rows = (mask.rows * batch)[:batch] if mask.rows else ()
            mask = replace(mask, rows=rows) if rows else None
        inputs.append(replace(given, mask=mask))
    return replace(draft, batch=batch, inputs=tuple(inputs))


def _plainer_calls(draft: Draft) -> Iterator[Draft]:
    for call in draft.calls:
        for name in call.arguments:
            rest = {key: value for key, value in call.arguments.items() if key != name}
            yield _with_call(draft, call, replace(call, arguments=rest))
        for name in call.given:
            left = {key: names for key, names in call.given.items() if key != name}
            yield _with_call(draft, call, replace(call, given=left))
        space = space_of(draft.layer(call.layer).type)
        if not call.is_list and space is not None and len(call.inputs) > len(space.shapes):
            yield _with_call(draft, call, replace(call, inputs=call.inputs[:-1]))
        if call.is_list and len(call.inputs) > 2:
            yield _with_call(draft, call, replace(call, inputs=call.inputs[:2]))


def _with_call(draft: Draft, old: Call, new: Call) -> Draft:
    return _tidy(replace(draft, calls=tuple(new if one is old else one for one in draft.calls)))


def _plainer_layers(draft: Draft) -> Iterator[Draft]:
    for layer in draft.layers:
        for config in _plainer_configs(layer.type, layer.config):
            new = Layer(layer.name, layer.type, config)
            yield replace(draft, layers=tuple(new if one is layer else one for one in draft.layers))


def _plainer_configs(kind: str, config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Each argument at its default, or what the layer's example has; then smaller numbers, and layers within."""
    space = space_of(kind)
    usual = {} if space is None else space.config
    for name in config:
        rest = {key: value for key, value in config.items() if key != name}
        if name not in usual:
            yield rest
        elif config[name] != usual[name]:
            yield {**rest, name: usual[name]}
    for name, value in config.items():
        for simpler in _simpler(value):
            yield {**config, name: simpler}


def _simpler(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping) and "type" in value:
        inner = {key: item for key, item in value.items() if key != "type"}
        for config in _plainer_configs(value["type"], inner):
            yield {"type": value["type"], **config}
    elif isinstance(value, int) and not isinstance(value, bool) and value > 2:
        yield from (1, 2)


def _shorter(draft: Draft) -> Iterator[Draft]:
    """Each length of all inputs shorter, equal lengths together, for they may have to be equal."""
    for length in sorted({length for given in draft.inputs for length in given.shape if length > 1}, reverse=True):
        for new in dict.fromkeys((1, 2, 3, length - 1)):
            if 0 < new < length:
                yield replace(draft, inputs=tuple(_with_length(given, length, new) for given in draft.inputs))


def _with_length(given: Input, old: int, new: int) -> Input:
    mask = given.mask
    if mask is not None and given.shape[0] == old:
        mask = replace(mask, rows=tuple(_cut(row, new) for row in mask.rows))
    return replace(given, shape=tuple(new if length == old else length for length in given.shape), mask=mask)


def _cut(row: tuple[int, ...], length: int) -> tuple[int, ...]:
    """A row of so many steps that keeps a masked step where there was one."""
    return row[:length] if 0 in row[:length] or 0 not in row else (*row[: length - 1], 0)
