"""How a layer stands in a module that a person would write: its line in `__init__`, and its call in `forward`.

Only where torch's own module, with the arguments given, computes Keras' formula: where it does not, there is no line,
and the reason is said. Data come in Keras' layout, channels last, and are turned for the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.protocol.adapter import Unsupported
from conformance.protocol.plan import PlannedLayer
from conformance.reference.activations import NATIVE

Shape = Sequence[int]


@dataclass(frozen=True)
class Line:
    """A layer in a module."""

    made: str
    """What `__init__` assigns; empty where torch needs nothing to be made."""
    called: str
    """The expression in `forward`: `{m}` is the attribute, `{x}` the first input, `{xs}` a list of inputs."""


_TURNED = "{m}({x}.movedim(-1, 1)).movedim(1, -1)"
"""The call of a module that takes the channels before the lengths."""


def line_of(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    """The line of a layer. `shapes` are those of its inputs. Raises Unsupported where a module would not be short."""
    if spec.type not in _LINES:
        raise Unsupported(f"a module has no short line for {spec.type}: leave --module out for the whole script")
    return _LINES[spec.type](spec, shapes)


def activated(name: str | None, text: str) -> str:
    """An activation of Keras around an expression. Raises Unsupported where torch has no function for it."""
    if name in (None, "linear"):
        return text
    special = {
        "leaky_relu": f"F.leaky_relu({text}, 0.2)",
        "softmax": f"torch.softmax({text}, dim=-1)",
        "log_softmax": f"torch.log_softmax({text}, dim=-1)",
    }
    if name in special:
        return special[name]
    found = NATIVE[str(name)].names
    if not found or name == "threshold":
        raise Unsupported(f"torch has no function for the activation {name}")
    return f"{found[0] if '.' in found[0] else f'torch.{found[0]}'}({text})"


def _only(spec: PlannedLayer, **usual: Any) -> None:
    """Raises Unsupported for an argument that a module has no word for."""
    for name, value in usual.items():
        if spec.full[name] != value:
            raise Unsupported(f"a module has no short line for {spec.type} with {name}={spec.full[name]!r}")


def _flag(spec: PlannedLayer, name: str, own: str) -> str:
    return "" if spec.full[name] else f", {own}=False"


def _dense(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    inside, outside = spec.weights["kernel"].shape
    made = f"nn.Linear({inside}, {outside}{_flag(spec, 'use_bias', 'bias')})"
    return Line(made, activated(spec.full["activation"], "{m}({x})"))


def _embedding(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    rows, size = spec.weights["embeddings"].shape
    return Line(f"nn.Embedding({rows}, {size})", "{m}({x}.long())")


def _tuple(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _convolution(rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, data_format="channels_last")
        full, kernel = spec.full, spec.weights["kernel"].shape
        strides, dilations = _tuple(full["strides"], rank), _tuple(full["dilation_rate"], rank)
        sizes, groups = kernel[:rank], full["groups"]
        options = [f"{kernel[-2] * groups}, {kernel[-1]}, {_short(sizes)}"]
        options += _steps(stride=strides, dilation=dilations)
        options += [f"groups={groups}"] if groups > 1 else []
        options += [] if full["use_bias"] else ["bias=False"]
        x = "{x}.movedim(-1, 1)"
        if full["padding"] == "same" and max(strides) == 1:
            options.append('padding="same"')
        elif full["padding"] != "valid":
            pads = _pads(full["padding"], shapes[0][1 : 1 + rank], sizes, strides, dilations)
            x = f"F.pad({x}, {pads})"
        made = f"nn.Conv{rank}d({', '.join(options)})"
        return Line(made, activated(full["activation"], f"{{m}}({x}).movedim(1, -1)"))

    return line


def _pads(
    kind: str, lengths: Shape, sizes: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[int, ...]:
    """What `F.pad` is given, the last axis first: `same` puts the odd one at the end, `causal` everything in front."""
    found: list[int] = []
    for length, size, stride, dilation in zip(lengths, sizes, strides, dilations, strict=True):
        span = dilation * (size - 1)
        total = span if kind == "causal" else max((-(-length // stride) - 1) * stride + span + 1 - length, 0)
        front = total if kind == "causal" else total // 2
        found = [front, total - front, *found]
    return tuple(found)


def _short(numbers: Sequence[int]) -> str:
    """One number for all axes where it is the same."""
    return str(numbers[0]) if len(set(numbers)) == 1 else str(tuple(numbers))


def _steps(**numbers: Sequence[int]) -> list[str]:
    """Arguments of torch's whose default is 1, where they differ from it."""
    return [f"{name}={_short(each)}" for name, each in numbers.items() if max(each) > 1]


def _transposed(rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    """Where kernels are shorter than strides Keras goes on to the end of the last one: `output_padding`."""

    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, data_format="channels_last", padding="valid", output_padding=None)
        full, kernel = spec.full, spec.weights["kernel"].shape
        strides, dilations = _tuple(full["strides"], rank), _tuple(full["dilation_rate"], rank)
        spans = [dilation * (size - 1) + 1 for size, dilation in zip(kernel[:rank], dilations, strict=True)]
        gaps = [max(stride - span, 0) for stride, span in zip(strides, spans, strict=True)]
        options = [f"{kernel[-1]}, {kernel[-2]}, {_short(kernel[:rank])}"]
        options += _steps(stride=strides, dilation=dilations)
        options += [f"output_padding={_short(gaps)}"] if max(gaps) else []
        options += [] if full["use_bias"] else ["bias=False"]
        made = f"nn.ConvTranspose{rank}d({', '.join(options)})"
        return Line(made, activated(full["activation"], _TURNED))

    return line


def _depthwise(rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, data_format="channels_last", padding="valid")
        full, kernel = spec.full, spec.weights["kernel"].shape
        strides, dilations = _tuple(full["strides"], rank), _tuple(full["dilation_rate"], rank)
        options = [f"{kernel[-2]}, {kernel[-2] * kernel[-1]}, {_short(kernel[:rank])}", f"groups={kernel[-2]}"]
        options += _steps(stride=strides, dilation=dilations)
        options += [] if full["use_bias"] else ["bias=False"]
        made = f"nn.Conv{rank}d({', '.join(options)})"
        return Line(made, activated(full["activation"], _TURNED))

    return line


def _group_norm(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    channels = shapes[0][-1]
    if spec.full["axis"] not in (-1, len(shapes[0]) - 1) or not (spec.full["scale"] and spec.full["center"]):
        raise Unsupported("a module has no short line for this GroupNormalization")
    groups = channels if spec.full["groups"] == -1 else spec.full["groups"]
    return Line(f"nn.GroupNorm({groups}, {channels}, eps={spec.full['epsilon']!r})", _TURNED)


def _rms_norm(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    if spec.full["axis"] not in (-1, [-1], (-1,), len(shapes[0]) - 1):
        raise Unsupported("nn.RMSNorm normalises over the last axes")
    return Line(f"nn.RMSNorm({shapes[0][-1]}, eps={spec.full['epsilon']!r})", "{m}({x})")


def _layer_norm(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    _only(spec, rms_scaling=False)
    axis = spec.full["axis"]
    if axis not in (-1, [-1], (-1,), len(shapes[0]) - 1):
        raise Unsupported("nn.LayerNorm normalises over the last axes")
    affine = {(True, True): "", (True, False): ", bias=False", (False, False): ", elementwise_affine=False"}
    options = affine.get((spec.full["scale"], spec.full["center"]))
    if options is None:
        raise Unsupported("nn.LayerNorm has no bias without a weight")
    return Line(f"nn.LayerNorm({shapes[0][-1]}, eps={spec.full['epsilon']!r}{options})", "{m}({x})")


def _batch_norm(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    """In inference; in training its variance would be another one."""
    rank = len(shapes[0]) - 2
    if spec.full["axis"] not in (-1, rank + 1) or rank > 3 or not (spec.full["scale"] and spec.full["center"]):
        raise Unsupported("a module has no short line for this BatchNormalization")
    momentum = f"momentum={round(1 - spec.full['momentum'], 12)}"
    made = f"nn.BatchNorm{max(rank, 1)}d({shapes[0][-1]}, eps={spec.full['epsilon']!r}, {momentum})"
    return Line(made, "{m}({x})" if rank == 0 else _TURNED)


def _recurrent(name: str) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        return _sequence(name, spec.type, spec.full, shapes, "")

    return line


def _sequence(name: str, kind: str, full: Mapping[str, Any], shapes: Sequence[Any], more: str) -> Line:
    usual: dict[str, Any] = {"go_backwards": False, "stateful": False, "return_state": False}
    usual |= {"recurrent_activation": "sigmoid", "activation": "tanh"} if kind != "SimpleRNN" else {}
    usual |= {"reset_after": True} if kind == "GRU" else {}
    for key, value in usual.items():
        if full[key] != value:
            raise Unsupported(f"nn.{name} has no argument for {key}={full[key]!r}")
    if kind == "SimpleRNN" and full["activation"] not in ("tanh", "relu"):
        raise Unsupported(f"nn.RNN has no activation {full['activation']}")
    more += f', nonlinearity="{full["activation"]}"' if kind == "SimpleRNN" and full["activation"] != "tanh" else ""
    more += "" if full["use_bias"] else ", bias=False"
    made = f"nn.{name}({shapes[0][-1]}, {full['units']}, batch_first=True{more})"
    if full["return_sequences"]:
        return Line(made, "{m}({x})[0]")
    state = "[1][0]" if kind == "LSTM" else "[1]"
    if "bidirectional" in more:
        return Line(made, f"torch.cat(tuple({{m}}({{x}}){state}), dim=-1)")
    return Line(made, f"{{m}}({{x}}){state}[-1]")


def _bidirectional(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    _only(spec, merge_mode="concat", backward_layer=None)
    inner = spec.full["layer"]
    names = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
    if inner["type"] not in names:
        raise Unsupported(f"torch has no bidirectional module of {inner['type']}")
    return _sequence(names[inner["type"]], inner["type"], inner, shapes, ", bidirectional=True")


def _pool(name: str, rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, data_format="channels_last", padding="valid")
        sizes = _tuple(spec.full["pool_size"], rank)
        strides = sizes if spec.full["strides"] is None else _tuple(spec.full["strides"], rank)
        made = f"nn.{name}{rank}d({_short(sizes)}, stride={_short(strides)})"
        return Line(made, _TURNED)

    return line


def _over_all(function: str, rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        first = 1 if spec.full["data_format"] == "channels_last" else 2
        axes = _short(range(first, first + rank)) if rank == 1 else str(tuple(range(first, first + rank)))
        return Line("", f"{{x}}.{function}(dim={axes}{', keepdim=True' if spec.full['keepdims'] else ''})")

    return line


def _adaptive(name: str, rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, data_format="channels_last")
        sizes = _short(_tuple(spec.full["output_size"], rank))
        return Line(f"nn.{name}{rank}d({sizes})", _TURNED)

    return line


def _larger(rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, **({"data_format": "channels_last"} if rank > 1 else {}))
        mode = spec.full.get("interpolation", "nearest")
        if mode not in ("nearest", "bilinear"):
            raise Unsupported(f"nn.Upsample gives other numbers with mode={mode!r}: leave --module out")
        sizes = _short(_tuple(spec.full["size"], rank))
        return Line(f'nn.Upsample(scale_factor={sizes}, mode="{mode}")', _TURNED)

    return line


def _padded(name: str, rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    """Zeros at both ends of each axis: torch names the last axis first."""

    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, **({"data_format": "channels_last"} if "data_format" in spec.full else {}))
        pads = [end for pair in reversed(_ends(spec.full["padding"], rank)) for end in pair]
        return Line(f"nn.{name}{rank}d({tuple(pads)})", _TURNED)

    return line


def _cropped(rank: int) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, **({"data_format": "channels_last"} if "data_format" in spec.full else {}))
        ends = zip(_ends(spec.full["cropping"], rank), shapes[0][1 : 1 + rank], strict=True)
        return Line("", f"{{x}}[:, {', '.join(f'{first}:{length - last}' for (first, last), length in ends)}]")

    return line


def _ends(value: Any, rank: int) -> list[tuple[int, int]]:
    """What is added to, or taken from, both ends of each axis, as Keras lets one write it."""
    if isinstance(value, int):
        return [(value, value)] * rank
    if rank == 1:
        return [(value[0], value[-1])]
    return [(one, one) if isinstance(one, int) else (one[0], one[1]) for one in value]


def _dropped(name: str) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        return Line(f"nn.{name}({spec.full['rate']!r})", _TURNED)

    return line


def _text(called: str, **usual: Any) -> Callable[[PlannedLayer, Sequence[Any]], Line]:
    def line(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
        _only(spec, **usual)
        return Line("", called)

    return line


def _reshape(spec: PlannedLayer, shapes: Sequence[Any]) -> Line:
    target, known = spec.full["target_shape"], math.prod(n for n in spec.full["target_shape"] if n != -1)
    lengths = [math.prod(shapes[0][1:]) // known if length == -1 else length for length in target]
    return Line("", f"{{x}}.reshape(-1, {', '.join(map(str, lengths))})")


_LINES: Mapping[str, Callable[[PlannedLayer, Sequence[Any]], Line]] = {
    "Dense": _dense,
    "Embedding": _embedding,
    "Conv1D": _convolution(1),
    "Conv2D": _convolution(2),
    "Conv3D": _convolution(3),
    "LayerNormalization": _layer_norm,
    "BatchNormalization": _batch_norm,
    "LSTM": _recurrent("LSTM"),
    "GRU": _recurrent("GRU"),
    "SimpleRNN": _recurrent("RNN"),
    "Bidirectional": _bidirectional,
    "MaxPooling1D": _pool("MaxPool", 1),
    "MaxPooling2D": _pool("MaxPool", 2),
    "AveragePooling1D": _pool("AvgPool", 1),
    "AveragePooling2D": _pool("AvgPool", 2),
    "GlobalAveragePooling1D": _over_all("mean", 1),
    "GlobalAveragePooling2D": _over_all("mean", 2),
    "GlobalMaxPooling1D": _over_all("amax", 1),
    "GlobalMaxPooling2D": _over_all("amax", 2),
    "Conv1DTranspose": _transposed(1),
    "Conv2DTranspose": _transposed(2),
    "Conv3DTranspose": _transposed(3),
    "DepthwiseConv1D": _depthwise(1),
    "DepthwiseConv2D": _depthwise(2),
    "GroupNormalization": _group_norm,
    "RMSNormalization": _rms_norm,
    "MaxPooling3D": _pool("MaxPool", 3),
    "AveragePooling3D": _pool("AvgPool", 3),
    "GlobalAveragePooling3D": _over_all("mean", 3),
    "GlobalMaxPooling3D": _over_all("amax", 3),
    **{f"AdaptiveAveragePooling{rank}D": _adaptive("AdaptiveAvgPool", rank) for rank in (1, 2, 3)},
    **{f"AdaptiveMaxPooling{rank}D": _adaptive("AdaptiveMaxPool", rank) for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _larger(rank) for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": _padded("ZeroPad", rank) for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _cropped(rank) for rank in (1, 2, 3)},
    **{f"SpatialDropout{rank}D": _dropped(f"Dropout{rank}d") for rank in (1, 2, 3)},
    "Activation": lambda spec, shapes: Line("", activated(spec.full["activation"], "{x}")),
    "ReLU": _text("F.relu({x})", max_value=None, negative_slope=0.0, threshold=0.0),
    "LeakyReLU": lambda spec, shapes: Line("", f"F.leaky_relu({{x}}, {spec.full['negative_slope']!r})"),
    "ELU": lambda spec, shapes: Line("", f"F.elu({{x}}, {spec.full['alpha']!r})"),
    "Softmax": lambda spec, shapes: Line("", f"torch.softmax({{x}}, dim={spec.full['axis']!r})"),
    "Dropout": lambda spec, shapes: Line(f"nn.Dropout({spec.full['rate']!r})", "{m}({x})"),
    "Flatten": _text("{x}.flatten(1)", data_format="channels_last"),
    "Reshape": _reshape,
    "Permute": lambda spec, shapes: Line("", f"{{x}}.permute(0, {', '.join(map(str, spec.full['dims']))})"),
    "RepeatVector": lambda spec, shapes: Line("", f"{{x}}.unsqueeze(1).repeat(1, {spec.full['n']}, 1)"),
    "Identity": _text("{x}"),
    "Add": _text("sum({xs})"),
    "Subtract": _text("torch.sub(*{xs})"),
    "Average": _text("torch.stack({xs}).mean(dim=0)"),
    "Concatenate": lambda spec, shapes: Line("", f"torch.cat({{xs}}, dim={spec.full['axis']!r})"),
}
