"""Gradients of all weights, and the weights after one step: the model's beside the port's, in the port's layout.

What is differentiated is the sum of the results, each times a drawn array. A step is made in training mode with dropout
at zero, so that moving statistics move; both sides take the same optimiser with Keras' arguments.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.comparison.ends import CompareError, SideRefused
from conformance.comparison.judging import Share, share_of
from conformance.comparison.layouts import expected, scoped
from conformance.comparison.look import Looking, result_slots
from conformance.comparison.mend import right_lines
from conformance.comparison.orders import Order
from conformance.comparison.pairing import Pairing
from conformance.comparison.result import Cause, Kind, Start
from conformance.comparison.session import PATTERNS, UNIT, Session
from conformance.comparison.values import Array, Call, Layer, Model, Stored
from conformance.judge.budget import gradient_allowance
from conformance.lanes.compare_far import DROPPING, opened

OPTIMIZERS = ("SGD", "Adam")
_IN_ORDER = {"SGD": ("learning_rate", "momentum"), "Adam": ("learning_rate", "beta_1", "beta_2", "epsilon")}
Entry = tuple[str, str, Share]


@dataclass(frozen=True, slots=True)
class Trained:
    """What training showed: shares by layer and weight, and where it starts to differ."""

    gradients: tuple[Entry, ...] = ()
    after: tuple[Entry, ...] = ()
    starts: tuple[Start, ...] = ()
    remarks: tuple[str, ...] = ()


_STEP = "the step was made in training mode, with dropout at zero on both sides"
_FIT = "the step is one of fit, to drawn targets by the mean squared error, with dropout at zero on both sides"


def step_of(text: str) -> dict[str, Any]:
    """The optimiser of `SGD(0.1)` or `Adam(learning_rate=0.001)`. Raises CompareError with how it is written."""
    hint = "as in --step 'SGD(0.1)' or --step 'Adam(learning_rate=0.001)'"
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise CompareError(f"--step {text[:60]!r} cannot be read", hint) from None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in OPTIMIZERS:
        raise CompareError(f"--step {text[:60]!r} is none of {', '.join(OPTIMIZERS)}", hint)
    names = _IN_ORDER[call.func.id]
    config: dict[str, Any] = {"learning_rate": 0.01 if call.func.id == "SGD" else 0.001}
    given = [*zip(names, call.args, strict=False), *((one.arg or "", one.value) for one in call.keywords)]
    if len(call.args) > len(names):
        raise CompareError(f"--step {text[:60]!r} has an argument too many", hint)
    for name, value in given:
        if name not in (*names, "nesterov") or not isinstance(value, ast.Constant):
            raise CompareError(f"--step: {name or '**'} is no argument of {call.func.id} with a number", hint)
        config[name] = value.value
    return {"type": call.func.id, "config": config}


def trained(
    session: Session, pairing: Pairing, looking: Looking, step: Mapping[str, Any] | None, has_starts: bool = False
) -> Trained:
    """Gradients, or gradients and one step, on both sides. Raises SideRefused and SideLost.

    Where values differ already (`has_starts`), whatever differs here may follow from them and is no start of its own.
    """
    model_root = next(call for call in looking.runs.calls if call.path == "")
    port_root = looking.plain[("", 0)]
    slots = [slot for slot in result_slots(model_root.outputs, port_root.outputs) if slot.model.array.is_float]
    cotangents = {}
    for number, slot in enumerate(slots):
        random = np.random.default_rng(number)
        cotangents[slot.model.place] = random.normal(size=slot.model.array.shape).astype(np.float32)
    kept = {place: session.store.keep(array) for place, array in cotangents.items()}
    theirs = {
        slot.port.place: session.store.keep(slot.order.of(cotangents[slot.model.place])) for slot in slots
    }  # fmt: skip
    patterns = PATTERNS if session.settings.with_rounding else 0
    remarks = []
    if step is not None and (drawing := _drawing(session.model)):
        remarks.append(f"no step was made: {', '.join(drawing[:4])} draw{'s' if len(drawing) == 1 else ''} in training")
        step = None
    asked = {"inputs": session.stored(session.batch), "unit": UNIT, "cotangents": kept, "step": step}
    try:
        try:
            mine = session.model_end.ask("train", **asked, patterns=patterns)
        except SideRefused as error:
            if error.kind != "fit":
                raise
            remarks.append(f"no step of fit was made: {error.message}")
            step = asked["step"] = None
            mine = session.model_end.ask("train", **asked, patterns=patterns)
    except SideRefused as error:
        if error.kind != "narrow":
            raise
        remarks.append(f"how far rounding carries gradients was not measured: {error.message}")
        mine = session.model_end.ask("train", **asked, patterns=0)
    request = {**session.port_request(session.batch), "cotangents": theirs, "step": step}
    is_keras = not session.port.arguments
    if is_keras:
        request |= {"unit": UNIT, "patterns": 0}
    answer = session.port_end.ask("train", **request)
    entries = _entries_of_keras if is_keras else _entries
    held = {
        (one["storage" if is_keras else "full"], one["of"]): Stored.of(one["own" if is_keras else "array"])
        for one in answer["arrays"]
    }
    gradients = tuple(entries(session, pairing, mine["arrays"], held, "gradient"))
    after = tuple(entries(session, pairing, mine["arrays"], held, "after")) if step is not None else ()
    absent = [one["full"] for one in answer["arrays"] if one.get("is_absent")]
    remarks += _absent(absent, {pairing.by_model[path].port for path, _, share in gradients if not share.agrees})
    bad = {(path, role) for path, role, share in gradients if not share.agrees}
    if has_starts:
        starts = []
        remarks += _following(gradients, after)
    else:
        starts = [
            *_starts(session, pairing, looking, gradients, "gradient"),
            *_starts(session, pairing, looking, after, "step", bad),
        ]
        behind, remark = ahead_of_others(starts, looking.runs.calls)
        starts = [start for start in starts if start not in behind]
        remarks += remark
    if step is not None:
        remarks.append(_FIT if step.get("is_fit") else _STEP)
    return Trained(gradients, after, tuple(starts), tuple(remarks))


def _absent(names: Sequence[str], ports: Collection[str]) -> Iterator[str]:
    """Parameters without a gradient, of modules whose gradients differ."""
    found = [name for name in names if name.rpartition(".")[0] in ports]
    if found:
        more = f" and {len(found) - 6} more" if len(found) > 6 else ""
        yield f"the port has no gradient of {', '.join(found[:6])}{more}: what is detached or frozen learns nothing"


def _following(gradients: Sequence[Entry], after: Sequence[Entry]) -> Iterator[str]:
    """What differs in training where values differ before it."""
    told = []
    for what, every in (("gradients", gradients), ("weights after one step", after)):
        wrong = sum(not share.agrees for _, _, share in every)
        if wrong:
            told.append(f"{wrong} of {len(every)} {what}")
    if told:
        yield f"{' and '.join(told)} differ too; they may follow from the values, and are judged once those agree"


def ahead_of_others(starts: Sequence[Start], calls: Sequence[Call]) -> tuple[list[Start], list[str]]:
    """Of gradients that differ, those of layers before another one: what is wrong behind them flows back through them.

    A layer's results are followed by their content to the layers that take them; where the way back is not seen, a
    gradient stays a start.
    """
    takers: dict[str, set[str]] = {}
    for call in calls:
        for held in call.inputs:
            takers.setdefault(held.array.digest, set()).add(call.path)
    after: dict[str, set[str]] = {}
    for call in calls:
        for held in call.outputs:
            after.setdefault(call.path, set()).update(takers.get(held.array.digest, ()))
    of_gradients = [start for start in starts if start.kind == "gradient"]
    behind = {start.layer: _reached(start.layer, after) for start in of_gradients}
    ahead = [
        start
        for start in of_gradients
        if any(
            other.layer in behind[start.layer] and start.layer not in behind[other.layer]
            for other in of_gradients
            if other.layer != start.layer
        )
    ]
    if not ahead:
        return [], []
    names = ", ".join(start.layer for start in ahead[:6]) + (f" and {len(ahead) - 6} more" if len(ahead) > 6 else "")
    return ahead, [f"the gradients of {names} differ too, which a wrong gradient behind them explains"]


def _reached(path: str, after: Mapping[str, Collection[str]]) -> set[str]:
    """The layers that a layer's results reach."""
    found: set[str] = set()
    wanted = [path]
    while wanted:
        for one in after.get(wanted.pop(), ()):
            if one not in found:
                found.add(one)
                wanted.append(one)
    return found


def _entries(
    session: Session, pairing: Pairing, mine: Any, held: Mapping[tuple[str, str], Stored | None], of: str
) -> Iterator[Entry]:
    arrays = {one["storage"]: one for one in mine if one["of"] == of}
    overall = max((float(np.max(np.abs(opened(one["exact"])), initial=0.0)) for one in arrays.values()), default=0.0)
    for pair in pairing.pairs:
        if pair.folds:  # the gradient of a folded kernel is that of no weight of the model
            continue
        layer, port = session.model.layers[pair.model], session.port.layers[pair.port]
        exact = _with(layer, arrays, "exact")
        laid = None if exact is None else expected(exact, port)
        if exact is None or laid is None:
            continue
        moved_layer = _with(layer, arrays, "moved")
        moved = None if moved_layer is None else expected(moved_layer, port)
        largest = max((float(np.max(np.abs(one.array), initial=0.0)) for one in laid.values()), default=0.0)
        for name, one in laid.items():
            if one.expression.startswith("0 *"):
                continue
            full = f"{port.path}.{name}" if port.path else name
            got = held.get((full, of))
            if got is None or got.shape != one.array.shape:
                continue
            size = None if moved is None or name not in moved else moved[name].array
            yield layer.path, one.roles[0], _share(got.load(), one.array, size, of, largest, overall)


def _entries_of_keras(
    session: Session, pairing: Pairing, mine: Any, held: Mapping[tuple[int, str], Stored | None], of: str
) -> Iterator[Entry]:
    """The same where the port is a Keras model: weights of one role in one shape, in the layout that both have."""
    arrays = {one["storage"]: one for one in mine if one["of"] == of}
    overall = max((_largest(opened(one["exact"])) for one in arrays.values()), default=0.0)
    for pair in pairing.pairs:
        theirs = scoped(session.port.layers[pair.port].weights)
        for role, weight in scoped(session.model.layers[pair.model].weights).items():
            one, other = arrays.get(weight.storage), theirs.get(role)
            got = None if other is None else held.get((other.storage, of))
            exact = None if one is None else Stored.of(one["exact"])
            if one is None or exact is None or got is None or got.shape != exact.shape or not exact.is_float:
                continue
            moved = Stored.of(one["moved"])
            wanted = exact.load()
            size = None if moved is None else moved.load()
            yield pair.model, role, _share(got.load(), wanted, size, of, _largest(wanted), overall)


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _drawing(model: Model) -> list[str]:
    """Layers that draw numbers in training otherwise than by a rate that can be put to zero."""
    found = []
    for path, layer in model.layers.items():
        config = layer.config or {}
        inner = config.get("layer") if isinstance(config.get("layer"), Mapping) else {}
        inside = (inner or {}).get("config") or {}
        draws_inside = any(one.get(name) for one in (config, inside) for name in ("dropout", "recurrent_dropout"))
        if draws_inside or (layer.is_random and DROPPING not in layer.type):
            found.append(path or layer.type)
    return found


def _share(got: Array, wanted: Array, moved: Array | None, of: str, largest: float, overall: float) -> Share:
    order = Order(tuple(range(wanted.ndim)), wanted.shape)
    if of == "after":
        return share_of(got, wanted, moved, 1, "plain" if moved is None else "float64", 2.0, order)
    allowed = gradient_allowance(np.asarray(wanted), moved, largest, overall)
    far = np.abs(np.asarray(got, dtype=np.float64) - wanted)
    with np.errstate(divide="ignore", invalid="ignore"):
        used = np.where(far == 0.0, 0.0, far / allowed.allowed)
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(used)), used.shape)) if used.size else ()
    worst = float(used[place]) if used.size else 0.0
    return Share(
        worst, int(np.sum(used > 1.0)), int(used.size), place, float(got[place]), float(wanted[place]),
        float(allowed.allowed[place]), "plain" if moved is None else "float64",
        relative=float(np.max(far, initial=0.0)) / largest if largest else 0.0,
    )  # fmt: skip


def _with(layer: Layer, arrays: Mapping[int, Any], what: str) -> Layer | None:
    """The layer with its weights' gradients, or what moved them, in the weights' places; None where all are missing."""
    weights = []
    for weight in layer.weights:
        one = arrays.get(weight.storage)
        stored = None if one is None else Stored.of(one[what])
        if stored is not None:
            weights.append(replace(weight, array=stored))
    return replace(layer, weights=tuple(weights)) if weights and len(weights) == len(_needed(layer, arrays)) else None


def _needed(layer: Layer, arrays: Mapping[int, Any]) -> list[Any]:
    return [weight for weight in layer.weights if weight.storage in arrays]


def _starts(
    session: Session,
    pairing: Pairing,
    looking: Looking,
    entries: tuple[Entry, ...],
    kind: Kind,
    follows: Collection[tuple[str, str]] = (),
) -> Iterator[Start]:
    """The layers whose weights differ; not those that only follow from a gradient which differs already."""
    told = set()
    for path, role, share in entries:
        is_moving = role.rpartition(".")[2].startswith("moving_")
        if share.agrees or path in told or (path, role) in follows:
            continue
        told.add(path)
        layer = session.model.layers[path]
        port = session.port.layers[pairing.by_model[path].port]
        cause = None
        if is_moving and not port.is_of_keras:
            call = next((each.model for each in looking.runs.pairs if each.model.path == path), None)
            cause = _momentum(layer, port, role) or _unbiased(layer, port, role, share, call)
        detail = f"the gradient of {role} differs" if kind == "gradient" else f"{role} after one step differs"
        yield Start(kind, path, port.path, (path,), share, detail, cause, (layer.type,))


def _momentum(layer: Layer, port: Layer, role: str) -> Cause | None:
    """The share of the new statistics that each side takes, where both say it and it is not the same."""
    mine = (layer.config or {}).get("momentum")
    theirs = (port.config or {}).get("momentum")
    if mine is None or theirs is None or abs((1.0 - float(mine)) - float(theirs)) < 1e-9:
        return None
    said = f"takes a share of {float(theirs):g} of the new statistics where the model takes {1.0 - float(mine):g}"
    return Cause("BatchNormalization.momentum", said, right_lines(layer))


def _unbiased(layer: Layer, port: Layer, role: str, share: Share, call: Call | None) -> Cause | None:
    """Whether the port divides the batch's variance by n - 1, as torch's own layer does, and the model by n."""
    theirs = (port.config or {}).get("momentum")
    before = scoped(layer.weights).get(role)
    if theirs is None or before is None or call is None or not role.endswith("moving_variance") or not call.inputs:
        return None
    old = float(before.array.load()[share.index])
    count = call.inputs[0].array.size // call.inputs[0].array.shape[-1]
    mine, other = share.wanted - (1.0 - theirs) * old, share.got - (1.0 - theirs) * old
    if count < 2 or not mine or abs(other / mine * (count - 1) / count - 1.0) > _SAME_RATIO:
        return None
    said = f"divides the variance of {count} numbers by {count - 1} for its moving variance, as torch's own layer does"
    line = "norm.running_var: batch variance over n, x.var((0, 2, 3), unbiased=False); nn.BatchNorm2d takes n - 1"
    return Cause("BatchNormalization.unbiased_variance", said, (line,))


_SAME_RATIO = 1e-3
"""Relative distance of a ratio of two float32 differences from the one that is looked for."""
