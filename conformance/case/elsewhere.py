"""Of a name that Keras has and the reference has not: that it is so, and what to do. Asked where a case names it.

The names of Keras are read when the first unknown word is met, and not before.
"""

from __future__ import annotations

from conformance.case.keras_names import WHERE_ADDED, PublicName, recorded
from conformance.case.problems import listed

_KINDS = {"layer": ("layers", "losses", "metrics")}


def unknown_type(what: str, word: str) -> tuple[str, str] | None:
    """Message and hint for a class of Keras that has no reference; None for a word that Keras does not know either."""
    found = recorded().of(*_KINDS.get(what, (f"{what}s",))).get(word)
    if found is None or found.form != "class":
        return None
    if found.name != word:
        return f"{word} is another name of {found.name}", f"write type: {found.name}"
    return f"Keras has {word}; it has no reference here", WHERE_ADDED


def unknown_argument(kind: str, word: str) -> tuple[str, str] | None:
    """Message and hint for an argument that Keras takes and the reference does not; None where Keras has none."""
    found = _class(kind)
    if found is None or word not in (*(argument.name for argument in found.arguments), *_OF_EVERY_LAYER):
        return None
    if found.kind not in ("layers",) and word in _OF_EVERY_LAYER:
        return None
    return f"Keras takes {word} of {kind}; there is no reference for it here", f"arguments here: {listed(_known(kind))}"


_OF_EVERY_LAYER = ("activity_regularizer", "autocast")
"""Arguments that the base of all layers takes, whatever a constructor names."""


def _class(kind: str) -> PublicName | None:
    return recorded().of("layers", "losses", "optimizers", "regularizers", "constraints").get(kind)


def _known(kind: str) -> list[str]:
    from conformance.case import layers, optimizers

    record = layers.record_of(kind) or optimizers.record_of(kind)
    return [] if record is None else [name for name in record.fields if name != "type"]
