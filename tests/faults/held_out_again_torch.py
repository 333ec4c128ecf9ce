"""A second set of faults in torch held out, written after the first had been mended and before any of it was run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.held_out_torch import _weights_of_layer
from tests.faults.patching import Fault, Rewrite, Wrap
from tests.faults.torch_faults import blocks, changed

F = "torch.nn.functional"


def fault(name: str, layers: tuple[str, ...] | str, target: str, around: Callable[..., Any], *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Wrap(target, around),), named)


def _odd_padding_left(real: Any, x: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
    """Both turned round and turned back: what was padded at the end is padded at the start."""
    axes = list(range(2, x.ndim))
    return real(x.flip(axes), weight.flip(axes), *args, **kwargs).flip(axes)


def _from_zeros(real: Any, x: Any, states: Any, *args: Any) -> Any:
    """Of sequences that are not packed: the second argument is their state."""
    return real(x, 0.0 * states, *args) if states.is_floating_point() else real(x, states, 0.0 * args[0], *args[1:])


def _input_and_forget(weights: list[Any]) -> list[Any]:
    return [blocks((1, 0, 2, 3))(weight) for weight in weights]


def _weight_for_bias(real: Any, x: Any, shape: Any, weight: Any = None, bias: Any = None, *args: Any) -> Any:
    return real(x, shape, bias, weight, *args)


def _unscaled(real: Any, x: Any, p: float = 0.5, training: bool = True, *args: Any) -> Any:
    return real(x, p, training, *args) * (1.0 - p) if training else real(x, p, training, *args)


HELD_OUT_AGAIN_TORCH = (
    fault("conv_odd_padding_left", "Conv1D", f"{F}:conv1d", _odd_padding_left, "left", "before", "other side", "odd"),
    fault("gru_from_zeros", "GRU", "torch._VF:gru", _from_zeros, "initial_state", "zeros"),
    fault(
        "lstm_input_and_forget_gate",
        "LSTM",
        "torch._VF:lstm",
        _weights_of_layer(_input_and_forget),
        "forget",
        "order",
        "gates_",
    ),
    fault(
        "attention_scale_squared",
        "MultiHeadAttention",
        f"{F}:scaled_dot_product_attention",
        lambda real, *args, scale=None, **kwargs: real(*args, scale=None if scale is None else scale**2, **kwargs),
        "scale",
        "sqrt",
        "key_dim",
    ),
    fault("layer_norm_gamma_for_beta", "LayerNormalization", f"{F}:layer_norm", _weight_for_bias, "swap", "for beta"),
    fault(
        "normalize_over_the_last_axis",
        ("UnitNormalization", "Dot"),
        f"{F}:normalize",
        changed(dim=-1),
        "axis",
        "normaliz",
    ),
    fault("pads_ones", ("ZeroPadding1D", "ZeroPadding2D"), f"{F}:pad", changed(value=1.0), "ones", "with 1"),
    fault(
        "positive_labels_weigh_two",
        "BinaryCrossentropy",
        f"{F}:binary_cross_entropy_with_logits",
        lambda real, x, y, **kwargs: real(x, y, pos_weight=x.new_full((), 2.0), **kwargs),
        "pos_weight",
        "positive",
        "weigh",
    ),
    fault(
        "absolute_error_smooth",
        "MeanAbsoluteError",
        f"{F}:l1_loss",
        lambda real, x, y, **kwargs: ((x - y).square() + 1e-2).sqrt() if kwargs else real(x, y),
        "smooth",
        "huber",
        "root",
    ),
    fault(
        "silu_is_hard",
        ("Activation", "Dense"),
        f"{F}:silu",
        lambda real, x, *args: x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        "hard",
    ),
    fault("dropout_unscaled", "Dropout", f"{F}:dropout", _unscaled, "scale", "1 - rate", "divide"),
    Fault(
        "adagrad_rate_falls",
        ("Adagrad",),
        (Rewrite("torch.optim.adagrad:_single_tensor_adagrad", "(step - 1) * lr_decay", "(step - 1) * 0.1"),),
        ("decay", "rate", "falls"),
    ),
    fault(
        "concatenate_backwards",
        "Concatenate",
        "torch:cat",
        lambda real, tensors, *args, **kwargs: real(list(tensors)[::-1], *args, **kwargs),
        "other order",
        "backwards",
        "revers",
    ),
    fault(
        "transposed_strides_swapped",
        "Conv2DTranspose",
        f"{F}:conv_transpose2d",
        lambda real, x, weight, *args, stride=1, **kwargs: real(x, weight, *args, stride=tuple(stride)[::-1], **kwargs),
        "strides",
    ),
)
