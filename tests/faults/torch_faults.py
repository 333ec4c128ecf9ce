"""Faults in torch, each around a function of its own; and other ways to the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.patching import Fault, Wrap
from tests.faults.torch_optimizer_faults import OPTIMIZER_CONTROLS, OPTIMIZER_FAULTS

F = "torch.nn.functional"


def fault(name: str, layers: tuple[str, ...] | str, target: str, around: Callable[..., Any], *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Wrap(target, around),), named)


def changed(**replacements: Any) -> Callable[..., Any]:
    """Calls the real function with these arguments replaced, whichever way they come."""
    import inspect

    def around(real: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            bound = inspect.signature(real).bind(*args, **kwargs)
        except ValueError:
            return real(*args, **{**kwargs, **replacements})
        bound.arguments.update(
            {
                name: change(bound.arguments.get(name)) if callable(change) else change
                for name, change in replacements.items()
            }
        )
        return real(*bound.args, **bound.kwargs)

    return around


def without_bias(real: Any, x: Any, weight: Any, bias: Any = None, *args: Any, **kwargs: Any) -> Any:
    return real(x, weight, None, *args, **kwargs)


def flipped_kernel(real: Any, x: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
    return real(x, weight.flip(-1), *args, **kwargs)


def no_dilation(
    real: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    return real(x, weight, bias, stride, padding, 1, groups)


def sides_swapped(real: Any, x: Any, pad: Any, *args: Any, **kwargs: Any) -> Any:
    return real(x, [pad[i ^ 1] for i in range(len(pad))], *args, **kwargs)


def blocks(order: tuple[int, ...]) -> Callable[[Any], Any]:
    """A weight of recurrent cells with its gates in another order."""

    def reorder(weight: Any) -> Any:
        import torch

        parts = weight.chunk(len(order), dim=0)
        return torch.cat([parts[gate] for gate in order], dim=0)

    return reorder


def cell_with(change: Callable[[Any], Any], *places: int) -> Callable[..., Any]:
    """A cell's function with the weights at these places of its arguments changed."""

    def around(real: Any, *args: Any) -> Any:
        given = [change(value) if place in places and value is not None else value for place, value in enumerate(args)]
        return real(*given)

    return around


def layer_with(change: Callable[[Any], Any], *kinds: int) -> Callable[..., Any]:
    """A recurrent layer's function with its flat weights changed: kinds 0 to 3 are w_ih, w_hh, b_ih, b_hh."""

    def around(real: Any, *args: Any) -> Any:
        place = next(
            index
            for index, value in enumerate(args)
            if index > 0 and isinstance(value, list | tuple) and len(value) >= 2 and value[0].dim() == 2
        )
        flat = [
            change(value) if index % (4 if len(args[place]) % 4 == 0 else 2) in kinds else value
            for index, value in enumerate(args[place])
        ]
        return real(*args[:place], flat, *args[place + 1 :])

    return around


def transposed_blocks(count: int) -> Callable[[Any], Any]:
    def change(weight: Any) -> Any:
        import torch

        return torch.cat([part.T for part in weight.chunk(count, dim=0)], dim=0)

    return change


def last_output(change: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda real, *args, **kwargs: change(real(*args, **kwargs))


def _neighbour(real: Any, ids: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
    return real(ids, table.roll(-1, 0), *args, **kwargs)


TORCH_FAULTS = (
    fault("linear_no_bias", "Dense", f"{F}:linear", without_bias, "no_bias"),
    fault(
        "linear_bias_taken_off",
        "Dense",
        f"{F}:linear",
        lambda real, x, w, b=None: real(x, w, None if b is None else -b),
        "bias_taken_off",
    ),
    fault("embedding_neighbour", "Embedding", f"{F}:embedding", _neighbour, "off_by_one", "next_row"),
    fault("layer_norm_epsilon", "LayerNormalization", f"{F}:layer_norm", changed(eps=1e-5), "epsilon"),
    fault("layer_norm_no_weight", "LayerNormalization", f"{F}:layer_norm", changed(weight=None), "gamma"),
    fault("layer_norm_no_bias", "LayerNormalization", f"{F}:layer_norm", changed(bias=None), "beta"),
    fault("batch_norm_epsilon", "BatchNormalization", f"{F}:batch_norm", changed(eps=1e-5), "epsilon"),
    fault("batch_norm_no_weight", "BatchNormalization", f"{F}:batch_norm", changed(weight=None), "gamma"),
    fault("group_norm_epsilon", "GroupNormalization", f"{F}:group_norm", changed(eps=1e-5), "epsilon"),
    fault("group_norm_no_bias", "GroupNormalization", f"{F}:group_norm", changed(bias=None), "beta"),
    fault("rms_norm_epsilon", "RMSNormalization", f"{F}:rms_norm", changed(eps=1e-2), "epsilon"),
    fault("normalize_by_sum", "UnitNormalization", f"{F}:normalize", changed(p=1.0), "sum", "abs", "norm"),
    fault("conv_no_bias", "Conv1D", f"{F}:conv1d", without_bias, "bias"),
    fault("conv_flipped", "Conv1D", f"{F}:conv1d", flipped_kernel, "flip"),
    fault("conv_no_dilation", "Conv1D", f"{F}:conv1d", no_dilation, "dilation"),
    fault(
        "pad_other_side",
        ("ZeroPadding1D", "Conv1D"),
        f"{F}:pad",
        sides_swapped,
        "looks_ahead",
        "side",
        "swapped",
        "padding",
        "other",
    ),
    fault(
        "max_pool_overlaps",
        "MaxPooling1D",
        f"{F}:max_pool1d",
        lambda real, x, kernel_size, *a, **k: real(x, kernel_size, 1),
        "stride",
    ),
    fault(
        "avg_pool_counts_padding",
        "AveragePooling1D",
        f"{F}:avg_pool1d",
        lambda real, x, kernel_size, *a, **k: real(x, kernel_size, 1),
        "stride",
    ),
    fault(
        "softmax_over_batch",
        ("Softmax", "Activation", "Attention"),
        "torch:softmax",
        lambda real, x, dim=None, **k: real(x, dim=0),
        "softmax",
        "axis",
        "batch",
    ),
    fault(
        "relu_leaks",
        ("ReLU", "Activation", "Dense"),
        "torch:relu",
        lambda real, x: x.clamp(min=0) + 0.01 * x.clamp(max=0),
        "leak",
        "slope",
    ),
    fault(
        "tanh_is_sigmoid", ("Activation", "Dense"), "torch:tanh", lambda real, x: x.sigmoid(), "sigmoid", "activation"
    ),
    fault("leaky_slope", "LeakyReLU", f"{F}:leaky_relu", lambda real, x, *a, **k: real(x, 0.01), "slope"),
    fault("elu_alpha", "ELU", f"{F}:elu", lambda real, x, *a, **k: real(x, 1.0), "alpha"),
    fault(
        "gelu_by_tanh", ("Activation", "Dense"), f"{F}:gelu", lambda real, x, **k: real(x, approximate="tanh"), "tanh"
    ),
    fault("gru_cell_gates", "GRUCell", "torch._VF:gru_cell", cell_with(blocks((1, 0, 2)), 2, 3, 4, 5), "gates_rzh"),
    fault(
        "lstm_cell_gates", "LSTMCell", "torch._VF:lstm_cell", cell_with(blocks((0, 2, 1, 3)), 2, 3, 4, 5), "gates_icfo"
    ),
    fault(
        "rnn_cell_transposed",
        "SimpleRNNCell",
        "torch._VF:rnn_tanh_cell",
        cell_with(lambda w: w.T, 3),
        "recurrent_kernel_transposed",
    ),
    fault("gru_gates", "GRU", "torch._VF:gru", layer_with(blocks((1, 0, 2)), 0, 1, 2, 3), "gates_rzh"),
    fault("gru_no_bias", "GRU", "torch._VF:gru", layer_with(lambda b: 0 * b, 2, 3), "no_bias"),
    fault("lstm_gates", "LSTM", "torch._VF:lstm", layer_with(blocks((0, 1, 3, 2)), 0, 1, 2, 3), "gates_ifoc"),
    fault(
        "lstm_transposed", "LSTM", "torch._VF:lstm", layer_with(transposed_blocks(4), 1), "recurrent_kernel_transposed"
    ),
    fault(
        "rnn_transposed", "SimpleRNN", "torch._VF:rnn_tanh", layer_with(lambda w: w.T, 1), "recurrent_kernel_transposed"
    ),
    fault("rnn_no_bias", "SimpleRNN", "torch._VF:rnn_tanh", layer_with(lambda b: 0 * b, 2, 3), "no_bias"),
    fault("masks_and", ("Add", "Average", "Multiply"), "torch:logical_or", lambda real, a, b: a & b, "and"),
    fault("mse_halved", "MeanSquaredError", f"{F}:mse_loss", last_output(lambda x: x / 2.0), "halved", "times 0.5"),
    fault(
        "entropy_of_the_rest_too_large",
        "BinaryCrossentropy",
        "torch:log1p",
        lambda real, x: real(x) * 1.5,
        "1.5",
    ),
    *OPTIMIZER_FAULTS,
)


def _by_taps(
    real: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """A convolution as a sum over the taps of its kernel, the last tap first."""
    if groups != 1 or padding not in (0, (0,), [0]):
        return real(x, weight, bias, stride, padding, dilation, groups)
    (s,), (d,) = ((v,) if isinstance(v, int) else tuple(v) for v in (stride, dilation))
    taps = weight.shape[-1]
    count = (x.shape[-1] - d * (taps - 1) - 1) // s + 1
    if count < 1:
        return real(x, weight, bias, stride, padding, dilation, groups)
    total = 0.0
    for tap in reversed(range(taps)):
        window = x[..., tap * d : tap * d + (count - 1) * s + 1 : s]
        total = total + (weight[:, :, tap] @ window)
    return total if bias is None else total + bias[:, None]


def _lstm_by_hand(real: Any, x: Any, states: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
    h, c = states
    bias = 0.0 if b_ih is None else b_hh + b_ih
    i, f, g, o = (h @ w_hh.T + (x @ w_ih.T + bias)).chunk(4, dim=1)
    c = i.sigmoid() * g.tanh() + f.sigmoid() * c
    return o.sigmoid() * c.tanh(), c


def _layer_norm_by_hand(real: Any, x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    axes = tuple(range(-len(shape), 0))
    centred = x - x.mean(axes, keepdim=True)
    y = centred / ((centred * centred).mean(axes, keepdim=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _softmax_summed_backwards(real: Any, x: Any, dim: int | None = None, **kwargs: Any) -> Any:
    """Not through logsumexp: that loses digits where scores are large, and a case about that finds it."""
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.flip(dim).sum(dim, keepdim=True)


TORCH_CONTROLS = (
    fault("linear_backwards", "Dense", f"{F}:linear", lambda real, x, w, b=None: real(x.flip(-1), w.flip(-1), b)),
    fault("conv_by_taps", "Conv1D", f"{F}:conv1d", _by_taps),
    fault("lstm_cell_by_hand", "LSTMCell", "torch._VF:lstm_cell", _lstm_by_hand),
    fault("layer_norm_by_hand", "LayerNormalization", f"{F}:layer_norm", _layer_norm_by_hand),
    fault("softmax_summed_backwards", ("Softmax", "Attention"), "torch:softmax", _softmax_summed_backwards),
    fault(
        "embedding_by_one_hot",
        "Embedding",
        f"{F}:embedding",
        lambda real, ids, table, *a, **k: (
            __import__("torch").nn.functional.one_hot(ids.long(), len(table)).float() @ table
        ),
    ),
    *OPTIMIZER_CONTROLS,
)
