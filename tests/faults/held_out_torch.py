"""Faults in torch held out: written, with their words, before any case or mutant was made with them in mind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.patching import Fault, Rewrite, Wrap
from tests.faults.torch_faults import changed

F = "torch.nn.functional"
RECURRENT = ("GRU", "LSTM", "SimpleRNN", "Bidirectional")


def fault(name: str, layers: tuple[str, ...] | str, target: str, around: Callable[..., Any], *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Wrap(target, around),), named)


def _strides_swapped(
    real: Any, x: Any, weight: Any, bias: Any = None, stride: Any = 1, *args: Any, **kwargs: Any
) -> Any:
    return real(x, weight, bias, stride if isinstance(stride, int) else tuple(stride)[::-1], *args, **kwargs)


def _kernel_axes_swapped(real: Any, x: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
    return real(x, weight.transpose(2, 3), *args, **kwargs)


def _multiplier_outside(real: Any, x: Any, weight: Any, *args: Any, groups: int = 1, **kwargs: Any) -> Any:
    """The kernels of a channel lie apart: first of all channels, second of all channels."""
    y = real(x, weight, *args, groups=groups, **kwargs)
    if groups == 1:
        return y
    return y.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def _mask_added(real: Any, query: Any, key: Any, value: Any, mask: Any = None, *args: Any, **kwargs: Any) -> Any:
    """A mask of zeros and ones is taken for a bias."""
    return real(query, key, value, None if mask is None else mask.to(query.dtype), *args, **kwargs)


def _one_step_less(real: Any, x: Any, lengths: Any, *args: Any, **kwargs: Any) -> Any:
    return real(x, (lengths - 1).clamp(min=1), *args, **kwargs)


def _left_sorted(real: Any, *args: Any, **kwargs: Any) -> Any:
    """Nobody is told in which order the samples were."""
    packed = real(*args, **kwargs)
    return type(packed)(packed.data, packed.batch_sizes)


def _weights_of_layer(change: Callable[[list[Any]], list[Any]]) -> Callable[..., Any]:
    def around(real: Any, *args: Any, **kwargs: Any) -> Any:
        return real(*(change(arg) if isinstance(arg, list) else arg for arg in args), **kwargs)

    return around


def _biases_folded(weights: list[Any]) -> list[Any]:
    """One bias for torch's two, outside of the reset gate."""
    if len(weights) % 4:
        return weights
    folded = []
    for start in range(0, len(weights), 4):
        w_ih, w_hh, b_ih, b_hh = weights[start : start + 4]
        folded += [w_ih, w_hh, b_ih + b_hh, 0.0 * b_hh]
    return folded


def _forward_weights_twice(weights: list[Any]) -> list[Any]:
    half = weights[: len(weights) // 2]
    return half + half if len(weights) in (4, 8) and half[0].shape == weights[len(half)].shape else weights


def _states_swapped(real: Any, *args: Any, **kwargs: Any) -> Any:
    output, h, c = real(*args, **kwargs)
    return output, c, h


def _relu_for_tanh(real: Any, *args: Any, **kwargs: Any) -> Any:
    import torch

    return torch._VF.rnn_relu(*args, **kwargs)


def _statistics_held(
    real: Any, x: Any, mean: Any, variance: Any, weight: Any = None, bias: Any = None, **kwargs: Any
) -> Any:
    """No gradient goes through the statistics of a batch."""
    if mean is not None:
        return real(x, mean, variance, weight, bias, **kwargs)
    others = [axis for axis in range(x.ndim) if axis != 1]
    mean, variance = x.mean(others).detach(), x.var(others, correction=0).detach()
    return real(x, mean, variance, weight, bias, **{**kwargs, "training": False})


def _last_axis_only(real: Any, x: Any, shape: Any, weight: Any = None, bias: Any = None, *args: Any) -> Any:
    y = real(x, tuple(shape)[-1:], None, None, *args)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _smooth_l1(real: Any, x: Any, y: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    import torch.nn.functional as functional

    return functional.smooth_l1_loss(x, y, reduction=reduction, beta=delta)


def _ignores_class_0(real: Any, logs: Any, labels: Any, *args: Any, **kwargs: Any) -> Any:
    is_default = kwargs.get("ignore_index", -100) == -100
    return real(logs, labels, *args, **({**kwargs, "ignore_index": 0} if is_default else kwargs))


def _plain_dropout(real: Any, x: Any, p: float = 0.5, training: bool = True, *args: Any) -> Any:
    import torch.nn.functional as functional

    return functional.dropout(x, p, training)


def _last_without_gradient(real: Any, tensors: Any, *args: Any, **kwargs: Any) -> Any:
    *others, last = tensors
    return real([*others, last.detach()], *args, **kwargs)


def _in_bfloat16(real: Any, equation: str, *operands: Any) -> Any:
    return real(equation, *(x.bfloat16() for x in operands)).float()


def _no_dilation(real: Any, *args: Any, **kwargs: Any) -> Any:
    return real(*args, **{**kwargs, "dilation": 1})


def _one_later(real: Any, dataset: Any, indices: Any) -> Any:
    return real(dataset, [(index + 1) % len(dataset) for index in indices])


HELD_OUT_TORCH = (
    fault("conv_strides_swapped", "Conv2D", f"{F}:conv2d", _strides_swapped, "strides"),
    fault("conv_kernel_axes_swapped", "Conv3D", f"{F}:conv3d", _kernel_axes_swapped, "transpos", "swap", "axes"),
    fault(
        "depthwise_multiplier_outside",
        ("DepthwiseConv2D", "SeparableConv2D"),
        f"{F}:conv2d",
        _multiplier_outside,
        "multiplier",
        "interleav",
        "permut",
        "order of",
        "side by side",
    ),
    fault(
        "transposed_flipped",
        "Conv2DTranspose",
        f"{F}:conv_transpose2d",
        lambda real, x, weight, *args, **kwargs: real(x, weight.flip(-1, -2), *args, **kwargs),
        "flip",
    ),
    fault("transposed_dilation_forgotten", "Conv1DTranspose", f"{F}:conv_transpose1d", _no_dilation, "dilation"),
    fault(
        "max_pool_takes_the_rest",
        "MaxPooling2D",
        f"{F}:max_pool2d",
        lambda real, *args, **kwargs: real(*args, **{**kwargs, "ceil_mode": True}),
        "ceil",
        "partial",
        "incomplete",
        "rounds up",
        "the rest",
    ),
    fault(
        "attention_adds_the_mask",
        "MultiHeadAttention",
        f"{F}:scaled_dot_product_attention",
        _mask_added,
        "adds the mask",
        "added",
        "mask as a bias",
    ),
    fault(
        "packed_one_step_less",
        RECURRENT,
        "torch.nn.utils.rnn:pack_padded_sequence",
        _one_step_less,
        "last step",
        "one step",
        "last real",
        "too short",
    ),
    fault(
        "packed_left_sorted",
        RECURRENT,
        "torch.nn.utils.rnn:pack_padded_sequence",
        _left_sorted,
        "sorted",
        "order of the samples",
        "rows of the batch",
        "batch",
        "permut",
    ),
    fault(
        "gru_biases_folded",
        "GRU",
        "torch._VF:gru",
        _weights_of_layer(_biases_folded),
        "recurrent bias",
        "bias_outside",
        "outside of the reset",
        "one bias",
        "both biases",
        "biases together",
    ),
    fault(
        "bidirectional_one_set_of_weights",
        "Bidirectional",
        "torch._VF:lstm",
        _weights_of_layer(_forward_weights_twice),
        "same weights",
        "weights of the forward",
        "forward weights",
        "shares",
    ),
    fault("lstm_states_swapped", "LSTM", "torch._VF:lstm", _states_swapped, "swap", "cell state", "states_"),
    fault("rnn_relu_for_tanh", "SimpleRNN", "torch._VF:rnn_tanh", _relu_for_tanh, "relu", "activation"),
    fault(
        "batch_norm_statistics_without_gradient",
        "BatchNormalization",
        f"{F}:batch_norm",
        _statistics_held,
        "statistics",
        "no gradient",
        "constant",
        "stops",
    ),
    fault(
        "batch_norm_momentum_forgotten",
        "BatchNormalization",
        "torch:lerp",
        lambda real, new, old, share: real(new, old, 0.9),
        "momentum",
    ),
    fault(
        "group_norm_one_group",
        "GroupNormalization",
        f"{F}:group_norm",
        lambda real, x, groups, *args: real(x, 1, *args),
        "one group",
        "groups",
    ),
    fault("layer_norm_last_axis", "LayerNormalization", f"{F}:layer_norm", _last_axis_only, "last axis", "axis"),
    fault(
        "categorical_smoothing_forgotten",
        "CategoricalCrossentropy",
        f"{F}:cross_entropy",
        changed(label_smoothing=0.0),
        "smooth",
    ),
    fault(
        "divergence_of_logarithms",
        "KLDivergence",
        f"{F}:kl_div",
        changed(log_target=True),
        "log_target",
        "logarithm",
        "labels as log",
    ),
    fault("huber_over_delta", "Huber", f"{F}:huber_loss", _smooth_l1, "delta"),
    fault("poisson_of_logarithms", "Poisson", f"{F}:poisson_nll_loss", changed(log_input=True), "log"),
    fault(
        "class_0_left_out",
        "SparseCategoricalCrossentropy",
        f"{F}:nll_loss",
        _ignores_class_0,
        "class 0",
        "ignores",
        "padding",
    ),
    fault(
        "cosine_over_the_last_axis",
        "CosineSimilarity",
        f"{F}:cosine_similarity",
        lambda real, x, y, dim=1, eps=1e-8: real(x, y, dim=-1, eps=eps),
        "axis",
    ),
    fault("bilinear_by_corners", "UpSampling2D", f"{F}:interpolate", changed(align_corners=True), "corner", "align"),
    fault("alpha_dropout_plain", "AlphaDropout", f"{F}:alpha_dropout", _plain_dropout, "zero", "plain"),
    fault("spatial_dropout_plain", "SpatialDropout2D", f"{F}:dropout2d", _plain_dropout, "whole", "channel", "each"),
    fault(
        "concatenate_last_without_gradient",
        "Concatenate",
        "torch:cat",
        _last_without_gradient,
        "no gradient",
        "stops",
        "last input",
        "gradient is zero",
    ),
    fault(
        "einsum_in_bfloat16", "EinsumDense", "torch:einsum", _in_bfloat16, "bfloat16", "precision", "half", "rounded"
    ),
    fault(
        "embedding_gradient_by_frequency",
        "Embedding",
        f"{F}:embedding",
        changed(scale_grad_by_freq=True),
        "freq",
        "how often",
        "occur",
    ),
    fault(
        "hard_sigmoid_of_keras_2",
        ("Activation", "Dense", "GRU", "LSTM"),
        f"{F}:hardsigmoid",
        lambda real, x: (0.2 * x + 0.5).clamp(0.0, 1.0),
        "0.2",
        "keras 2",
        "slope",
        "hard_sigmoid",
    ),
    Fault(
        "adam_counts_steps_twice",
        ("Adam", "AdamW"),
        (Rewrite("torch.optim.adam:_single_tensor_adam", "step_t += 1", "step_t += 2"),),
        ("twice", "counts", "a step ahead", "correct"),
    ),
    fault(
        "subset_one_sample_later",
        "ImageBatches",
        "torch.utils.data:Subset",
        _one_later,
        "shift",
        "roll",
        "next sample",
        "one later",
        "off by one",
    ),
)
