"""Which nodes are random: those that a layer gives which draws numbers in training, and those made of them.

No two lanes draw the same, so that such a node is never compared. A case claims what must hold of every draw.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from conformance.case.draft import Draft
from conformance.case.expressions import Call, Constant, Expression, ExpressionError, parse
from conformance.case.layers import every_type, record_of
from conformance.case.model import Draws

RATES = ("rate", "dropout", "recurrent_dropout", "stddev")
"""Arguments that say how much is drawn; at 0 nothing is, and at a rate of 1 there is nothing left to draw."""
PARTS = 4
"""Into how many parts of equal probability a range is divided, if a claim does not say."""
TRAINING = Constant(True)
"""What `training` is told in a call that trains."""
HINT = (
    "no two lanes draw the same: call it _{name}, which is computed and not compared, and claim what must hold "
    "whatever was drawn; or say `claims: - draws: {{node: {name}, dropped: 0.5}}`"
)


def is_random(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether a layer with these arguments, or one inside it, draws numbers while training."""
    held = [item for value in config.values() for item in (value if isinstance(value, list | tuple) else [value])]
    inner = [value for value in held if isinstance(value, Mapping) and value.get("type") in every_type()]
    if any(is_random(value["type"], value) for value in inner):
        return True
    rates = {name: config[name] for name in RATES if isinstance(config.get(name), int | float)}
    if not rates:
        return kind in every_type() and every_type()[kind].draws_with(config)
    return any(0 < rate < 1 or (name == "stddev" and rate > 0) for name, rate in rates.items())


def draws_unasked(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether a layer with these arguments draws in a call that says nothing of training."""
    return is_random(kind, config) and every_type()[kind].trains_unasked


def depends_on_draws(graph: Mapping[str, Expression], layers: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
    """Every node that depends on a draw, and whether it is the random call itself."""
    random = {
        name
        for name, spec in layers.items()
        if is_random(str(spec.get("type", "")), {key: value for key, value in spec.items() if key != "type"})
    }
    if not random:  # as in nearly every case: no call has to be looked at
        return {}
    unasked = {name for name in random if every_type()[str(layers[name]["type"])].trains_unasked}
    found: dict[str, bool] = {}
    for node, expression in graph.items():
        calls = [part for part in expression.walk() if isinstance(part, Call)]
        drawing = [call for call in calls if call.callee in random and _trains(call, unasked)]
        if drawing or found.keys() & expression.names():
            found[node] = expression.tree in drawing
    return found


def _trains(call: Call, unasked: Collection[str]) -> bool:
    """Whether a call of a layer is one in training; some are unless they are told otherwise."""
    said = dict(call.kwargs).get("training")
    return said == TRAINING or (said is None and call.callee in unasked)


def why_not_from(written: Mapping[str, Any]) -> str | None:
    """Why nothing can be drawn from an initialiser, or a function of `keras.random`, as a claim writes it."""
    from conformance.reference.base import LayerError
    from conformance.reference.random_functions import PREFIX, drawn_by

    kind = written.get("type")
    if not isinstance(kind, str):
        return "an initialiser has a type"
    given = {key: value for key, value in written.items() if key != "type"}
    known = record_of(kind if kind.startswith(PREFIX) else f"initializers.{kind}")
    if known is None:
        what = "function of keras.random" if kind.startswith(PREFIX) else "initialiser"
        return f"no {what} with a reference is called {kind[:40]}"
    unknown = next((key for key in given if key not in known.fields or key == "shape"), None)
    if unknown is not None:
        return f"{kind} takes no {unknown[:40]} here"
    try:
        drawn_by(written, (2, 2))
    except (LayerError, TypeError, ValueError) as error:
        return str(error)
    return None


def draws_of(draft: Draft) -> tuple[Draws, ...]:
    """The claims about draws; a node that is compared though it is random is noted, and a claim about none that is."""
    graph = {}
    for name, text in draft.part("graph").items():
        try:
            graph[name] = parse(text)
        except ExpressionError:
            return ()  # noted already
    depending = depends_on_draws(graph, {name: dict(spec) for name, spec in draft.part("layers").items()})
    claims = []
    for index, claim in enumerate(draft.values.get("claims", ())):
        if "draws" not in claim:
            continue
        said, place = claim["draws"], draft.node["claims"][index]["draws"]
        node = said["node"]
        if node in graph and node not in depending:
            hint = "a layer draws in training alone, at a rate above 0: drop(x, training=True)"
            draft.problems.add(place["node"], f"{node} is not random: nothing is drawn for it", hint)
        of = said.get("of")
        if "scale" in said and of is None:
            draft.problems.add(place["scale"], "the scale of what is kept, of what?", "name the node: of: x")
        if "among" in said and not math.isclose(sum(said["among"].values()), 1.0, rel_tol=1e-9):
            total = f"{sum(said['among'].values()):g}"
            draft.problems.add(
                place["among"], f"how likely these are adds up to {total}, not to 1", "1/3: 0.3333333333"
            )
        if "from" in said and (why := why_not_from(said["from"])):
            draft.problems.add(
                place["from"], why, "as {type: GlorotUniform} or {type: random.gamma, alpha: 2}; docs/initial.md"
            )
        claims.append(
            Draws(
                node,
                of,
                said.get("dropped"),
                said.get("scale"),
                tuple(said.get("shared", ())),
                said.get("own", True),
                said.get("among", {}),
                tuple(said.get("between", ())),
                said.get("parts", PARTS),
                said.get("from"),
            )
        )
    spoken = {claim.node for claim in claims}
    for name, is_call in depending.items():
        if is_call and not name.startswith("_") and name not in spoken and "error" not in draft.part("expect"):
            draft.problems.add(
                draft.node["graph"][name], f"{name} is random, and another in every lane", HINT.format(name=name)
            )
    return tuple(claims)
