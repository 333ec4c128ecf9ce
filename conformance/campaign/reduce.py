"""Makes a finding small in the words of a case: fewer calls, arguments at their defaults, short axes, plain numbers.

Each step is asked like any other draft, and is kept where the signature is still the same. So what is left at the end
shows the finding by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.campaign.asking import Asker, Judged
from conformance.campaign.draft import Call, Draft, Input, Layer, Mask
from conformance.campaign.space import space_of
from conformance.campaign.triage import Signature, calls_of, signatures

AT_ONCE = 4
"""Smaller drafts that are asked together, so that lanes need not wait for each other."""
MOST_ASKED = 160


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left of a draft, and how many smaller ones were asked on the way."""

    draft: Draft
    asked: int


def shows(judged: Judged, wanted: Signature) -> bool:
    """Whether a draft shows a finding."""
    return judged.record is not None and any(
        one.is_like(wanted) for one in signatures(judged.record, calls_of(judged.draft))
    )


def reduced(asker: Asker, draft: Draft, wanted: Signature, most: int = MOST_ASKED) -> Reduced:
    """The smallest draft found that still shows the finding; the draft itself where no smaller one does."""
    asked, seen = 0, {draft.digest}
    is_smaller = True
    while is_smaller and asked < most:
        is_smaller = False
        waiting: list[Draft] = []
        for candidate in [*smaller(draft), None]:
            if candidate is not None and candidate.digest not in seen:
                seen.add(candidate.digest)
                waiting.append(candidate)
            if len(waiting) < AT_ONCE and candidate is not None:
                continue
            judged = asker.ask(waiting, lanes=[wanted.lane]) if waiting else []
            asked, waiting = asked + len(waiting), []
            first = next((one.draft for one in judged if shows(one, wanted)), None)
            if first is not None:
                draft, is_smaller = first, True
                break
            if asked >= most:
                break
    return Reduced(draft, asked)


def smaller(draft: Draft) -> Iterator[Draft]:
    """Drafts that say less, those that say much less first."""
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
    nodes = {name for call in draft.calls for name in call.inputs}
    return replace(
        draft,
        layers=tuple(layer for layer in draft.layers if layer.name in layers),
        inputs=tuple(given for given in draft.inputs if given.name in nodes),
    )


def _without_others(draft: Draft, index: int) -> Iterator[Draft]:
    """One call, and what it needs."""
    wanted, kept = {draft.calls[index].name}, []
    for call in reversed(draft.calls[: index + 1]):
        if call.name in wanted:
            kept.append(call)
            wanted |= set(call.inputs)
    if len(kept) < len(draft.calls):
        yield _tidy(replace(draft, calls=tuple(reversed(kept))))


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
    if mask.carried != "layer":
        yield replace(mask, carried="layer", beneath="zeros")
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
            calls = tuple(replace(one, arguments=rest) if one is call else one for one in draft.calls)
            yield replace(draft, calls=calls)
        if call.is_list and len(call.inputs) > 2:
            calls = tuple(replace(one, inputs=one.inputs[:2]) if one is call else one for one in draft.calls)
            yield _tidy(replace(draft, calls=calls))


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
