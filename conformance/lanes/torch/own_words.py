"""torch's modules and functions as a case in torch's words asks for them: the real ones, with the arguments as written.

Both torch lanes run them so. A module is in evaluation unless the call says `training=True`; its parameters and buffers
are the plan's, under torch's own names.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it
from torch.func import functional_call
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from conformance.lanes.torch.port import Config, Parameters, Port, Unsupported, drop
from conformance.protocol.adapter import WeightMismatch

_ARRAYS = ("weight", "pos_weight")
"""Arguments that a case writes as lists and torch takes as tensors."""
_MODULE = "module"


@cache
def own_words(kind: str) -> Port:
    """How a module or function of this name is called. Raises Unsupported where this torch does not have it."""
    found = _named(kind)
    is_function = kind.startswith(("F.", "nn.utils.rnn."))
    return Port(kind, _told(kind, _function(found) if is_function else _module(found)), lambda layer: {}, drop)


def _told(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, where a format without a kernel is one message: torch names the kernel, and not who asked for it."""

    @wraps(call)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except RuntimeError as error:
            missing = re.match(r"\"(\w+)\" not implemented for '(Half|BFloat16)'", str(error))
            if missing is None:
                raise
            format = {"Half": "float16", "BFloat16": "bfloat16"}[missing[2]]
            raise Unsupported(
                f"torch {torch.__version__} has no {kind} in {format} on a processor: there is no kernel {missing[1]}; "
                "a lane in float32 has one"
            ) from None

    return told


def _named(kind: str) -> Any:
    place, _, name = kind.partition(".")
    found: Any = {"nn": torch.nn, "F": F}[place]
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise Unsupported(f"torch {torch.__version__} has no {kind}")
    return found


def _arguments(layer: Any) -> dict[str, Any]:
    """What the case writes; torch's own defaults hold for all else."""
    return _values(layer.asked)


def _values(written: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in written.items() if name != "type"}


def _value(name: str, value: Any) -> Any:
    if name in _ARRAYS and isinstance(value, list | tuple):
        return torch.tensor(value, dtype=torch.get_default_dtype())
    if isinstance(value, Mapping) and "type" in value:  # a module within a module
        return _built(_named(value["type"]), _values(value))
    return tuple(_value("", item) for item in value) if isinstance(value, list) else value


def _built(made: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """A module; nn.Sequential takes those that it holds without names."""
    return made(*given["args"]) if made is torch.nn.Sequential else made(**given)


def _function(function: Callable[..., Any]) -> Callable[..., Any]:
    names = _parameters(function)

    def call(layer: Config, p: Parameters, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        given = _arguments(layer) | ({} if training is None else {"training": training}) | kwargs
        free = [name for name in names if name not in given]
        args = _packed(function, args)
        named = dict(zip(free, map(_grouped, args), strict=False)) if len(free) >= len(args) else {}
        return _plain(function(**named, **given) if named else function(*map(_grouped, args), **given))

    return call


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a function's parameters, where Python knows them: arguments may stand between its inputs."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    is_open = any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY) for one in parameters)
    return () if is_open else tuple(one.name for one in parameters)


def _module(made: Callable[..., Any]) -> Callable[..., Any]:
    takes_mask = "mask" in inspect.signature(getattr(made, "forward", made)).parameters

    def call(
        layer: Config, p: Parameters, *args: Any, mask: Any = None, training: bool | None = None, **kwargs: Any
    ) -> Any:
        if mask is not None and takes_mask:
            kwargs["mask"] = mask
        if _MODULE not in p.state:
            p.state[_MODULE] = _checked(_built(made, _arguments(layer)), p.tensors, layer)
        module = p.state[_MODULE].train(bool(training))
        buffers = {name: _moved(p, name) for name, _ in module.named_buffers() if name in p.tensors}
        args = _packed(module, args)
        found = functional_call(module, {**p.tensors, **buffers}, tuple(map(_grouped, args)), kwargs)
        if training:
            p.state.update(buffers)
        return _plain(found)

    return call


def _checked(module: Any, tensors: Mapping[str, Any], layer: Any) -> Any:
    """The module, after it is certain that the plan holds every parameter and no other. Raises WeightMismatch.

    A loss keeps its weights of classes as a buffer; those are arguments.
    """
    left_out = ("num_batches_tracked", *(layer.asked if not tensors else ()))
    own = {name: tuple(value.shape) for name, value in module.state_dict().items() if not name.endswith(left_out)}
    held = {name: tuple(value.shape) for name, value in tensors.items()}
    if own != held:
        wrong = sorted(f"{name} {shape}" for name, shape in own.items() ^ held.items())
        raise WeightMismatch(f"torch's parameters are not the reference's: {', '.join(wrong)}", layer.type)
    return module


def _moved(p: Parameters, name: str) -> Any:
    """A buffer as it is now, in memory of its own: modules change it in place."""
    return p.state.get(name, p.tensors[name]).detach().clone()


def _packed(callee: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with a packed sequence, which is a list in the graph, as torch has it."""
    takes_one = isinstance(callee, torch.nn.RNNBase) or callee is pad_packed_sequence
    if takes_one and args and isinstance(args[0], list):
        return (PackedSequence(*args[0]), *args[1:])
    return args


def _grouped(value: Any) -> Any:
    """States come as lists in the graph, and torch wants tuples."""
    if isinstance(value, PackedSequence):
        return value
    return tuple(_grouped(item) for item in value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Tuples of outputs as the lists of the graph; what a module gives beside None is given alone."""
    if not isinstance(value, list | tuple):
        return value
    found = [_plain(item) for item in value if item is not None]
    return found[0] if len(found) == 1 and len(value) > 1 else found
