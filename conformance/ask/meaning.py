"""What a layer's inputs mean: how many there are, what their axes are called, and which numbers belong in them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conformance.case.layers import every_type
from conformance.errors import QuestionError

if TYPE_CHECKING:
    from conformance.reference.base import Layer
    from conformance.reference.torch.base import TorchLayer

_LETTERS = tuple("abcdefghijklmnop")
"""What inputs are called that have no names of their own."""


def input_names(kind: str, count: int) -> tuple[str, ...]:
    """A name for each of so many inputs. Raises QuestionError where the layer takes another number of them."""
    layer = every_type()[kind]
    if layer.written_as_case:
        hint = "write it as a case: CONTRIBUTING.md says how"
        if layer.asked_within is not None:
            hint += f"; or ask it inside another: --layer '{layer.asked_within.layer}'"
        raise QuestionError(f"{kind} cannot be asked in one line: {layer.written_as_case}", hint)
    fewest, names = _known_inputs(layer)
    if count < fewest or (names and count > len(names)):
        number = f"{fewest}" if len(names) == fewest else f"{fewest} to {len(names)}" if names else f"{fewest} or more"
        called = f": {', '.join(names)}" if names and len(names) > 1 else ""
        hint = "give --input once for each, in this order" if fewest > 1 or count > 1 else "--input 50,300"
        raise QuestionError(
            f"{kind} takes {number} input{'' if number == '1' else 's'}{called}; {count or 'none'} given", hint
        )
    return names[:count] if names else _LETTERS[:count]


def _known_inputs(layer: type[Layer]) -> tuple[int, tuple[str, ...]]:
    """The fewest inputs, and the names of the most there can be; no names where there may be any number."""
    if layer.takes_list is not None:
        fewest, most = layer.takes_list
        return fewest, (layer.input_names or _LETTERS)[:most] if most is not None else ()
    parameters = [item for item in _parameters(layer).values() if item.name != "w"]
    required = [item.name for item in parameters if item.default is inspect.Parameter.empty]
    if len(required) == 1:
        return 1, layer.input_names or ("x",)
    optional = [item.name for item in parameters if item.name in ("key", "sample_weight")]
    return len(required), (*required, *optional)


def _parameters(layer: type[Layer]) -> Mapping[str, inspect.Parameter]:
    found = dict(inspect.signature(layer.call).parameters)
    found.pop("self", None)
    return found


def takes_list(kind: str) -> bool:
    """Whether the layer takes its inputs as one list."""
    return every_type()[kind].takes_list is not None


def takes_training(kind: str) -> bool:
    """Whether the layer does something else while training."""
    return "training" in _parameters(every_type()[kind])


def call_parameters(kind: str) -> tuple[str, ...]:
    """What the call of a layer takes, its weights left out."""
    return tuple(name for name in _parameters(every_type()[kind]) if name != "w")


def axis_names(kind: str, config: Mapping[str, Any], name: str, rank: int) -> tuple[str, ...]:
    """What the axes of an input are called, the batch left out. Raises QuestionError for a wrong number of them."""
    layer = every_type()[kind]
    if layer.input_axis_names:
        known = layer.input_axis_names
        if config.get("data_format") == "channels_first" and known[-1] == "channels":
            known = ("channels", *known[:-1])
        if rank != len(known):
            numbers = "1 number" if len(known) == 1 else f"{len(known)} numbers"
            hint = f"--input {','.join(known)}, as in --input {','.join(('50', '30', '3', '7')[: len(known)])}"
            if rank == len(known) + 1:
                hint += "; leave the batch out, it is added"
            raise QuestionError(f"{kind} takes inputs of {numbers} ({', '.join(known)}), not {rank}", hint)
        return known
    return _numbered(layer.axis_words(config, name, rank), rank)


def _numbered(names: Sequence[str], rank: int) -> tuple[str, ...]:
    """So many names: the first of those given, then axis_5, axis_6 for what has none."""
    return (*names[:rank], *(f"axis_{index + 1}" for index in range(len(names), rank)))


def implying() -> type[TorchLayer]:
    """The class of those layers that know inputs from inputs."""
    from conformance.reference.torch.base import TorchLayer

    return TorchLayer


def batch_place(kind: str, config: Mapping[str, Any]) -> int:
    """How many axes of an input come before the batch."""
    layer = every_type()[kind]
    return int(layer.batch_place(config)) if issubclass(layer, implying()) else 0


def numbers(kind: str, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> tuple[str, Any]:
    """The dtype and the fill that make sense for an input: ids for a table, classes and probabilities for a loss."""
    drawn = every_type()[kind].drawn(config, name, shapes)
    return drawn.dtype, drawn.fill
