"""The sentence of an explanation: the one place in which it is put into words."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.diagnose.cause import Blame, Explanation
from conformance.diagnose.divergence import Divergence


def sentence(said: Explanation) -> str:
    """Why a lane differs and where it starts; empty where an error has no known cause."""
    words = _cause(said)
    return f"{words}{_where(said)}" if words else ""


def _cause(said: Explanation) -> str:
    lane = said.lane
    match said.kind:
        case "mistake" | "slip":
            return f"{_answers(said)} one who {_either(said.mistakes)}."
        case "parts":
            nodes = dict.fromkeys(one.node for one in said.mistakes)
            parts = (f"{node} as one who {_either(_at(said, node))}" for node in nodes)
            start = "answers at" if said.is_confirmed else "is consistent with answering at"
            who = lane if said.is_confirmed else f"{lane}'s answer"
            return f"{who} {start} {', and at '.join(parts)}."
        case "gradient_mistake":
            return f"Only gradients differ: {_answers(said)} one who {_either(said.mistakes)}."
        case "gradient_change":
            return (
                f"Only gradients differ: {lane}'s {said.change}{'' if said.is_confirmed else ', as far as was seen'}."
            )
        case "change":
            return f"{lane}'s answer is {'' if said.is_confirmed else 'consistent with '}the reference's {said.change}."
        case "error":
            start = f"{lane} raises as" if said.is_confirmed else f"{lane}'s error is consistent with that of"
            return f"{start} one who {_either(said.mistakes)}." if said.mistakes else ""
    return f"No known mistake and no simple change gives {lane}'s answer."


def _answers(said: Explanation) -> str:
    return f"{said.lane} answers as" if said.is_confirmed else f"{said.lane}'s answer is consistent with that of"


def _at(said: Explanation, node: str) -> list[Blame]:
    return [one for one in said.mistakes if one.node == node]


def _either(mistakes: Iterable[Blame]) -> str:
    return ", or as one who ".join(f"{one.does} ({one.shown})" if one.shown else one.does for one in mistakes)


def _where(said: Explanation) -> str:
    """Where the difference starts, and where it would start again if that were right."""
    starts = said.divergences
    if not starts:
        return ""
    first, *others = [start for start in starts if not start.is_fed]
    behind = [_place(start) for start in starts if start.is_fed]
    before = [source for source in first.inputs if source not in said.inputs]
    unknown = [source for source in before if source in said.not_judged]
    known = [source for source in before if source not in said.not_judged]
    agree = f"; what goes into it ({', '.join(known)}) agrees" if known else ""
    agree += f"; what goes into it ({', '.join(unknown)}) is not judged" if unknown else ""
    more = f", and independently at {', '.join(map(_place, others))}" if others else ""
    again = f" Given the reference's activations instead of its own, it differs at {', '.join(behind)} too."
    return f" It starts at {_place(first)}{more}{agree}.{again if behind else ''}"


def _place(start: Divergence) -> str:
    step = "" if start.step is None else f", step {start.step}"
    return f"{start.node}{step}{f', in the {start.gate}' if start.gate else ''}"
