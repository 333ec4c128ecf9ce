"""In which step and which gate of a recurrent layer a difference starts, found by asking the lane again.

Each gate in turn is pinned: its kernels become zero, and its bias zero too (a sigmoid is then 1/2) or so large that the
gate is open (1; for the update gate of a GRU, which keeps the old state when open, shut). A lane that differs, and
agrees once a gate is pinned, has its fault in that gate. A gate is never pinned to where the others would not show.
Where no one gate will do, several are pinned at once, and then it is tried whether two stand in each other's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from conformance.case.expressions import Call, Item, parse
from conformance.case.model import Case
from conformance.diagnose.divergence import Divergence, differs, first_step
from conformance.diagnose.feeding import AskLane, answered, isolate_node
from conformance.judge.compare import Matched, matched_outputs
from conformance.oracle.run import Depth
from conformance.plans.derive import with_layers
from conformance.protocol.observation import Array, Observation
from conformance.protocol.plan import Plan
from conformance.reference.catalog import KINDS, LAYERS

FAR = 30.0
"""A bias that takes sigmoid and tanh to their ends in float32."""

GATES: Mapping[int, tuple[str, ...]] = {
    len(layer.gates): tuple(gate.name for gate in layer.gates) for layer in LAYERS.values() if layer.gates
}
"""By how many blocks a recurrent kernel has: their names in Keras' order."""
KEEPING = {gate.name for layer in LAYERS.values() for gate in layer.gates if gate.keeps}
"""Gates that are shut to let the new state through."""


@dataclass(frozen=True)
class Pin:
    """Gates held fast, each by its name: at the middle, or at an end."""

    gates: tuple[str, ...]
    is_open: bool


def located(
    case: Case, plan: Plan, reference: Observation, start: Divergence, gives_masks: bool, ask: AskLane
) -> Divergence:
    """The start of a difference with its step and gate, as far as they can be told; unchanged for other nodes."""
    expression = parse(dict(plan.graph)[start.node])
    held = [plan.layers[name].weights for name in expression.callees() if name in plan.layers]
    counts = {_count(one[name].shape) for one in held for name in one if name.endswith("recurrent_kernel")}
    if len(counts) != 1:
        return start
    tree = expression.tree.value if isinstance(expression.tree, Item) else expression.tree
    is_direct = isinstance(tree, Call) and tree.callee in plan.layers
    probe = _Probe(case, reference, gives_masks, ask)
    base = isolate_node(case, plan, reference, start.node)
    step = start.step
    if step is None and is_direct:
        (wrong,) = probe.wrong_in([_returning_all(base)])
        step = first_step(wrong) if wrong else None
    gates = GATES.get(counts.pop(), ())
    return replace(start, step=step, gate=_words(base, gates, probe))


def _count(shape: Sequence[int]) -> int:
    return int(shape[-1]) // int(shape[-2])


def _words(base: Plan, gates: Sequence[str], probe: _Probe) -> str:
    """The gates in which the fault is, in words; empty where it is in none of them, or in all."""
    if not gates or not probe.wrong_in([base])[0]:
        return ""
    singles = [*(Pin((gate,), False) for gate in gates if gate != "candidate"), *(Pin((gate,), True) for gate in gates)]
    found = dict.fromkeys(pin.gates[0] for pin in _agreeing(base, singles, probe))
    if found:
        # a pinned candidate hides the reset gate inside it; a pinned reset gate hides nothing of the candidate
        return "reset gate" if set(found) == {"reset gate", "candidate"} else " or ".join(found)
    sigmoids = [gate for gate in gates if gate != "candidate"]
    together = [Pin(some, False) for count in (2, 3) for some in combinations(sigmoids, count)]
    several = next((pin.gates for pin in _agreeing(base, together, probe)), None) or _swapped(base, gates, probe)
    return " and ".join(several)


def _swapped(base: Plan, gates: Sequence[str], probe: _Probe) -> tuple[str, ...]:
    """Two gates of which the lane takes each for the other; empty where there are none."""
    pairs = [pair for pair in combinations(gates, 2) if "candidate" in pair]
    plans = [_with_blocks(base, f"{a} for {b}", partial(_exchanged, first=a, second=b)) for a, b in pairs]
    return next((pair for pair, is_it in zip(pairs, probe.is_answer_to(base, plans), strict=True) if is_it), ())


def _agreeing(base: Plan, pins: Sequence[Pin], probe: _Probe) -> Iterator[Pin]:
    plans = [_pinned(base, pin) for pin in pins]
    for pin, wrong in zip(pins, probe.wrong_in(plans), strict=True):
        if wrong is not None and not wrong:
            yield pin


class _Probe:
    """One lane, asked for derived plans and held against the reference's own answers to them."""

    def __init__(self, case: Case, reference: Observation, gives_masks: bool, ask: AskLane) -> None:
        self._case, self._gives_masks, self._ask = case, gives_masks, ask
        self._terms = reference.longest_sum

    def wrong_in(self, plans: Sequence[Plan | None]) -> list[list[Matched] | None]:
        """For every plan the outputs that differ; None where lane or reference has no answer."""
        wanted = [None if plan is None else answered(plan, Depth.SENSITIVITIES) for plan in plans]
        asked = [plan for plan, known in zip(plans, wanted, strict=True) if plan is not None and known is not None]
        answers = iter(self._ask(asked))
        return [None if known is None else self._compared(next(answers), known) for known in wanted]

    def is_answer_to(self, plan: Plan, others: Sequence[Plan | None]) -> list[bool]:
        """Whether what the lane gives for a plan is what the reference gives for each of the others."""
        (got,) = self._ask([plan])
        found = []
        for other in others:
            known = None if other is None else answered(other, Depth.SENSITIVITIES)
            wrong = None if known is None else self._compared(got, known)
            found.append(wrong is not None and not wrong)
        return found

    def _compared(self, got: Observation, known: Observation) -> list[Matched] | None:
        if got.ended != "finished" or got.failure is not None or got.unsupported is not None:
            return None
        wanted = replace(known, longest_sum=max(self._terms, known.longest_sum))
        every = matched_outputs(got, wanted, wanted, self._case.demands, 1.0)
        return [item for item in every if differs(item, self._gives_masks)]


def _returning_all(base: Plan) -> Plan | None:
    """The plan with the outputs of all steps where its layer gives the last one only; None where there is none such."""

    def changed(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Any:
        new = _with_sequences(kind, config)
        return None if new == config else (kind, new, weights)

    return with_layers("all steps", changed)(base)


def _with_sequences(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    new = dict(config)
    if not KINDS[kind].is_recurrent:
        return new
    if "return_sequences" in new:
        new["return_sequences"] = True
    for name, inner in config.items():
        if isinstance(inner, Mapping) and inner.get("type") in KINDS:
            new[name] = {"type": inner["type"], **_with_sequences(inner["type"], inner)}
    return new


def _pinned(base: Plan, pin: Pin) -> Plan | None:
    """The plan with these gates pinned in every scope of its layer; None where a gate has no bias to open it with."""

    def pinned(name: str, array: Array, gates: Sequence[str]) -> Array:
        return _block(array, gates, pin, name == "bias")

    layers = base.layers.values()
    if pin.is_open and any(_is_gated(layer.weights) and not _has_biases(layer.weights) for layer in layers):
        return None
    return _with_blocks(base, f"{'open' if pin.is_open else 'middle'} {' '.join(pin.gates)}", pinned)


def _is_gated(weights: Mapping[str, Any]) -> bool:
    return any(name.endswith("recurrent_kernel") for name in weights)


def _has_biases(weights: Mapping[str, Any]) -> bool:
    scopes = [name.removesuffix("recurrent_kernel") for name in weights if name.endswith("recurrent_kernel")]
    return all(f"{scope}bias" in weights for scope in scopes)


def _with_blocks(base: Plan, words: str, change: Callable[[str, Array, Sequence[str]], Array]) -> Plan | None:
    """The plan with all weights of its gates changed; `change` takes a weight's last name, the weight and the gates."""

    def changed(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Any:
        if not _is_gated(weights):
            return None
        new = dict(weights)
        for kernel in (name for name in weights if name.endswith("recurrent_kernel")):
            gates, scope = GATES[_count(weights[kernel].shape)], kernel.removesuffix("recurrent_kernel")
            for name in ("kernel", "recurrent_kernel", "bias"):
                if f"{scope}{name}" in new:
                    new[f"{scope}{name}"] = change(name, new[f"{scope}{name}"], gates)
        return kind, config, new

    return with_layers(words, changed)(base)


def _block(array: Array, gates: Sequence[str], pin: Pin, is_bias: bool) -> Array:
    """A weight with the blocks of the pinned gates set; of two biases (inner and recurrent) the first is opened."""
    new = np.array(array)
    units = new.shape[-1] // len(gates)
    for gate in pin.gates:
        place = gates.index(gate)
        block = new[..., place * units : (place + 1) * units]
        block[...] = 0.0
        if is_bias and pin.is_open:
            (block[0] if block.ndim == 2 else block)[...] = -FAR if gate in KEEPING else FAR
    return new


def _exchanged(name: str, array: Array, gates: Sequence[str], *, first: str, second: str) -> Array:
    """A weight with the blocks of two gates in each other's place."""
    blocks = np.split(array, len(gates), axis=-1)
    a, b = gates.index(first), gates.index(second)
    blocks[a], blocks[b] = blocks[b], blocks[a]
    return np.concatenate(blocks, axis=-1)
