"""A third set of faults in Keras 3 held out, written after slips in formulas are tried and before any of it was run."""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
NN = "keras.src.backend.tensorflow.nn"
LOSSES = "keras.src.losses.losses"


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


HELD_OUT_THIRD_KERAS = (
    fault(
        "gru_never_resets_before",
        ("GRU", "GRUCell"),
        f"{LAYERS}.rnn.gru:GRUCell.call",
        "r * h_tm1",
        "h_tm1",
        "reset",
        "has `kept` where",
        "has `kept @",
    ),
    fault(
        "additive_scale_within_tanh",
        "AdditiveAttention",
        f"{LAYERS}.attention.additive_attention:AdditiveAttention._calculate_scores",
        "scale * ops.tanh(q_reshaped + k_reshaped)",
        "ops.tanh(scale * (q_reshaped + k_reshaped))",
        "tanh",
    ),
    fault(
        "heads_window_one_wider",
        "MultiHeadAttention",
        f"{LAYERS}.attention.multi_head_attention:MultiHeadAttention._compute_sliding_window_mask",
        "ops.less(",
        "ops.less_equal(",
        "window",
        "<=",
        "wider",
    ),
    fault(
        "batch_norm_momentum_as_by_default",
        "BatchNormalization",
        f"{LAYERS}.normalization.batch_normalization:BatchNormalization.call",
        "self.momentum",
        "0.99",
        "momentum",
    ),
    fault(
        "rms_norm_scale_around_zero",
        "RMSNormalization",
        "keras.src.ops.nn:_rms_normalization",
        "backend.numpy.multiply(outputs, scale)",
        "backend.numpy.multiply(outputs, 1.0 + scale)",
        "1 +",
    ),
    fault(
        "group_norm_without_root",
        "GroupNormalization",
        f"{LAYERS}.normalization.group_normalization:GroupNormalization._apply_normalization",
        "ops.rsqrt(variance + self.epsilon)",
        "1.0 / (variance + self.epsilon)",
        "sqrt",
        "root",
    ),
    fault(
        "global_average_is_sum",
        "GlobalAveragePooling2D",
        f"{LAYERS}.pooling.global_average_pooling2d:GlobalAveragePooling2D.call",
        "ops.mean(",
        "ops.sum(",
        "sum",
    ),
    fault(
        "padding_all_at_the_start",
        "ZeroPadding1D",
        f"{LAYERS}.reshaping.zero_padding1d:ZeroPadding1D.call",
        "self.padding,",
        "(sum(self.padding), 0),",
        "start",
        "left",
        "before",
    ),
    fault(
        "categorical_hinge_without_margin",
        "CategoricalHinge",
        f"{LOSSES}:categorical_hinge",
        "neg - pos + 1.0",
        "neg - pos",
        "margin",
        "1.0",
    ),
    fault(
        "squared_hinge_not_squared",
        "SquaredHinge",
        f"{LOSSES}:squared_hinge",
        "ops.square(",
        "ops.abs(",
        "square",
        "** 2",
    ),
    fault(
        "poisson_of_the_other_sign",
        "Poisson",
        f"{LOSSES}:poisson",
        "y_pred - y_true * ",
        "y_pred + y_true * ",
        "y_pred + y_true",
        "sign",
    ),
    fault(
        "amsgrad_by_the_least",
        "Adam",
        "keras.src.optimizers.adam:Adam.update_step",
        "ops.maximum(v_hat, v)",
        "ops.minimum(v_hat, v)",
        "least",
        "minimum",
    ),
    fault(
        "leaky_slope_squared",
        "LeakyReLU",
        f"{NN}:leaky_relu",
        "alpha=negative_slope",
        "alpha=negative_slope**2",
        "slope",
    ),
    fault(
        "average_by_one_less",
        "Average",
        f"{LAYERS}.merging.average:Average._merge_function",
        "len(inputs)",
        "(len(inputs) - 1)",
        "number of",
        "len(",
        "one less",
    ),
)
