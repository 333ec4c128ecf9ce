"""Faults in Keras 3, each a rewritten line of its own source; and rewrites that change nothing but the rounding."""

from __future__ import annotations

from tests.faults.keras_layer_faults import LAYER_FAULTS
from tests.faults.keras_optimizer_faults import OPTIMIZER_CONTROLS, OPTIMIZER_FAULTS
from tests.faults.keras_recurrent_faults import RECURRENT_FAULTS
from tests.faults.keras_window_faults import WINDOW_FAULTS
from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
GRU = f"{LAYERS}.rnn.gru:GRUCell.call"
LSTM = f"{LAYERS}.rnn.lstm:LSTMCell"
ATTENTION = f"{LAYERS}.attention.attention:Attention"
LAYER_NORM = "keras.src.ops.nn:_layer_normalization"
GROUP_NORM = f"{LAYERS}.normalization.group_normalization:GroupNormalization._apply_normalization"
LOSS = "keras.src.losses.loss"
ANY_GRU = ("GRU", "GRUCell")
ANY_LSTM = ("LSTM", "LSTMCell")
LOSSES = ("MeanSquaredError", "SparseCategoricalCrossentropy", "BinaryCrossentropy", "CategoricalCrossentropy")


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


KERAS_FAULTS = (*RECURRENT_FAULTS, *LAYER_FAULTS, *WINDOW_FAULTS, *OPTIMIZER_FAULTS)


KERAS_CONTROLS = (
    fault("gru_gate_by_gate", ANY_GRU, GRU, "if self.implementation == 1:", "if True:"),
    fault("lstm_gate_by_gate", ANY_LSTM, f"{LSTM}.call", "if self.implementation == 1:", "if True:"),
    fault(
        "dense_in_two_halves",
        "Dense",
        f"{LAYERS}.core.dense:Dense.call",
        "x = ops.matmul(inputs, self.kernel)",
        "half = self.kernel.shape[0] // 2\n"
        "    x = ops.matmul(inputs[..., half:], self.kernel[half:]) + "
        "ops.matmul(inputs[..., :half], self.kernel[:half])",
    ),
    fault(
        "layer_norm_centred_first",
        "LayerNormalization",
        LAYER_NORM,
        "outputs = x * inv + res",
        "outputs = (x - mean) * inv + (0.0 if beta is None else beta)",
    ),
    fault(
        "group_norm_centred_first",
        "GroupNormalization",
        GROUP_NORM,
        "normalized_inputs = reshaped_inputs * inv + res",
        "normalized_inputs = (reshaped_inputs - mean) * inv + (beta if self.center else 0.0)",
    ),
    fault(
        "attention_by_einsum",
        "Attention",
        f"{ATTENTION}._calculate_scores",
        "ops.matmul(query, ops.swapaxes(key, -2, -1))",
        'ops.einsum("btd,bsd->bts", query, key)',
    ),
    fault(
        "loss_by_mean",
        LOSSES,
        f"{LOSS}:reduce_values",
        "loss = ops.divide_no_nan(loss, divisor)",
        "loss = ops.sum(ops.divide_no_nan(values, divisor))",
    ),
    fault("gru_mix_by_difference", ANY_GRU, GRU, "h = z * h_tm1 + (1 - z) * hh", "h = hh + z * (h_tm1 - hh)"),
    *OPTIMIZER_CONTROLS,
)
