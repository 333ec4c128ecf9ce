"""Of a name that Keras has and the reference has not: what its class is called, or what to do.

The names of Keras are read when the first unknown word is met, and not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conformance.case.keras_names import WHERE_ADDED, PublicName, recorded
from conformance.case.problems import did_you_mean, listed
from conformance.case.yaml import parse

REASONS = Path(__file__).with_name("torch_reasons.yaml")
"""Why names of torch cannot be asked in torch's words."""

_KINDS = {"layer": ("layers", "losses", "metrics")}


def own_name(what: str, word: str) -> str:
    """The name of the class for another name of Keras' for it, `MaxPooling1D` for `MaxPool1D`; any other word as it is.

    Cases and questions may say either; plans, results and reports say the class's own.
    """
    found = recorded().of(*_KINDS.get(what, (f"{what}s",))).get(word)
    return word if found is None or found.form != "class" or found.kind == "metrics" else found.name


def other_names(what: str, word: str) -> tuple[str, ...]:
    """What else Keras calls a class: `MaxPool1D` of `MaxPooling1D`."""
    found = recorded().of(*(kind for kind in _KINDS.get(what, (f"{what}s",)) if kind != "metrics")).get(word)
    return () if found is None or found.form != "class" else found.aliases


def unknown_type(what: str, word: str) -> tuple[str, str] | None:
    """Message and hint for a class of Keras that has no reference; None for a word that Keras does not know either."""
    if what in ("layer", "optimizer") and word.startswith(("nn.", "F.", "optim.")):
        return unknown_torch(word)
    module, dot, name = word.rpartition(".")
    if dot and what == "layer":
        found = recorded().of(module).get(name)
        return None if found is None else (f"Keras has {word}; it has no reference here", WHERE_ADDED)
    found = recorded().of(*_KINDS.get(what, (f"{what}s",))).get(word)
    if found is None or found.form != "class":
        return None
    if what == "layer" and found.kind == "metrics" and found.name not in ("Metric", "MeanMetricWrapper"):
        return f"{word} is a metric", f"write type: metrics.{found.name}"
    return f"Keras has {word}; it has no reference here", WHERE_ADDED


@cache
def torch_reasons() -> Mapping[str, str]:
    """Public names of torch that cannot be asked in torch's words, to the reason."""
    document = parse(REASONS.read_text(encoding="utf-8"), REASONS.name)
    return {str(name): str(reason) for reason, names in document.root.plain().items() for name in names}


def unknown_torch(word: str) -> tuple[str, str]:
    """Message and hint for a name in torch's words that cannot be asked."""
    from conformance.case import layers, optimizers

    if reason := torch_reasons().get(word):
        return f"{word} is not asked in torch's words: {reason}", "docs/torch.md has the names that are"
    place, _, own = word.partition(".")
    if place == "nn" and own[:1].islower() and "." not in own:
        hint = "functions are asked as F.relu; docs/torch.md has all names"
        return f"{word} is a place where torch has other names, and no module", hint
    if word in _NO_MODULES:
        return f"{word} is no module: {_NO_MODULES[word]}", "docs/torch.md has the names that are"
    known = optimizers.torch_types() if word.startswith("optim.") else layers.torch_types()
    near = did_you_mean(word, known) or did_you_mean(f"nn.{word.partition('.')[2]}", known)
    return f"there is no {word} to be asked in torch's words", near or f"there are {listed(sorted(known))}"


def _is_torchs(kind: str) -> bool:
    from conformance.case import layers, optimizers

    return kind in layers.torch_types() or kind in optimizers.torch_types()


def unknown_argument(kind: str, word: str) -> tuple[str, str] | None:
    """Message and hint for an argument that Keras takes and the reference does not; None where Keras has none."""
    if _is_torchs(kind):
        return _argument_of_torch(kind, word)
    found = _class(kind)
    if found is None or word not in (*(argument.name for argument in found.arguments), *_OF_EVERY_LAYER):
        return None
    if found.kind not in ("layers",) and word in _OF_EVERY_LAYER:
        return None
    from conformance.case.layers import types

    reason = types()[kind].without_activity_regularizer if word == "activity_regularizer" and kind in types() else ""
    hint = f"{reason}; arguments here: {listed(_known(kind))}" if reason else f"arguments here: {listed(_known(kind))}"
    return f"Keras takes {word} of {kind}; there is no reference for it here", hint


def _argument_of_torch(kind: str, word: str) -> tuple[str, str] | None:
    """Of an argument that torch takes and no case can say; or of one that is Keras' word for torch's."""
    from conformance.case import layers, optimizers

    layer: Any = layers.torch_types().get(kind) or optimizers.torch_types()[kind]
    if word in layer.not_here:
        return f"{kind} is not asked with {word}: {layer.not_here[word]}", f"arguments here: {listed(_known(kind))}"
    if word in ("device", "dtype"):
        return f"{kind} is not asked with {word}", "a lane has both: --lane 'torch[policy=float16]'"
    own = [name for name in KERAS_WORDS.get(word, ()) if name in _known(kind)]
    if own:
        return f"{word} is Keras' word", f"{kind} says {own[0]}"
    others = [name for name in layers.torch_types() if name.startswith("nn.") and word in _known(name)]
    if others:
        return f"{kind} takes no {word}, which is for {listed(others)}", f"arguments here: {listed(_known(kind))}"
    return None


_NO_MODULES = {
    "nn.Parameter": "it is a weight, which a module holds",
    "nn.Buffer": "it is a weight that no optimiser moves, which a module holds",
    "nn.UninitializedParameter": "it is a weight whose shape nobody knows yet",
    "nn.UninitializedBuffer": "it is a weight whose shape nobody knows yet",
}


KERAS_WORDS = {
    "filters": ("out_channels",),
    "units": ("out_features", "hidden_size"),
    "strides": ("stride",),
    "pool_size": ("kernel_size",),
    "dilation_rate": ("dilation",),
    "use_bias": ("bias",),
    "epsilon": ("eps",),
    "axis": ("dim", "normalized_shape"),
    "input_dim": ("num_embeddings",),
    "output_dim": ("embedding_dim",),
    "num_heads": ("nhead",),
    "rate": ("p",),
    "groups": ("num_groups",),
    "learning_rate": ("lr",),
    "interpolation": ("mode",),
}
"""Keras' arguments, and what torch's of the same meaning may be called."""


_OF_EVERY_LAYER = ("activity_regularizer", "autocast")
"""Arguments that the base of all layers takes, whatever a constructor names."""


def _class(kind: str) -> PublicName | None:
    return recorded().of("layers", "losses", "optimizers", "regularizers", "constraints").get(kind)


def _known(kind: str) -> list[str]:
    from conformance.case import layers, optimizers

    record = layers.record_of(kind) or optimizers.record_of(kind)
    return [] if record is None else [name for name in record.fields if name != "type"]
