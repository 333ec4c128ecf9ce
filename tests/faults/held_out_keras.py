"""Faults in Keras 3 held out: written, with their words, before any case or mutant was made with them in mind.

Recurrent layers, attention, convolutions, pools and normalisations; the others are in
`held_out_keras_core` and `held_out_keras_losses`.
"""

from __future__ import annotations

from tests.faults.held_out_keras_core import HELD_OUT_KERAS_CORE
from tests.faults.held_out_keras_losses import HELD_OUT_KERAS_LOSSES
from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
LOOP = "keras.src.backend:rnn"
RNN = f"{LAYERS}.rnn.rnn:RNN.call"
ATTENTION = f"{LAYERS}.attention.attention:Attention"
HEADS = f"{LAYERS}.attention.multi_head_attention:MultiHeadAttention"
NN = "keras.src.backend.tensorflow.nn"
BATCH_NORM = f"{LAYERS}.normalization.batch_normalization:BatchNormalization"
GROUP_NORM = f"{LAYERS}.normalization.group_normalization:GroupNormalization"

RECURRENT = ("GRU", "LSTM", "SimpleRNN", "RNN")
DEPTHWISE = ("DepthwiseConv1D", "DepthwiseConv2D")
TRANSPOSED = ("Conv1DTranspose", "Conv2DTranspose")


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


HELD_OUT_KERAS = (
    fault("rnn_zeros_where_masked", RECURRENT, LOOP, "if zero_output_for_mask", "if True", "zero"),
    fault(
        "rnn_mask_not_turned_round",
        RECURRENT,
        LOOP,
        "mask = tf.reverse(mask, [0])",
        "mask = tf.identity(mask)",
        "mask_not_reversed",
        "mask is not",
        "mask forward",
        "mask in the order",
        "mask unturned",
    ),
    fault(
        "rnn_states_go_on_where_masked",
        RECURRENT,
        LOOP,
        "mask_t, flat_new_state, flat_state",
        "tf.ones_like(mask_t), flat_new_state, flat_state",
        "states_go_on",
        "states move",
        "state goes on",
        "only the output",
        "updates the state",
        "state at masked",
    ),
    fault(
        "stateful_keeps_the_first_state_only",
        ("LSTM", "RNN"),
        RNN,
        "tree.flatten(self.states), tree.flatten(states)",
        "tree.flatten(self.states)[:1], tree.flatten(states)",
        "first state",
        "cell state",
        "carry",
        "second state",
        "keeps h",
        "forgets c",
    ),
    fault(
        "stacked_cells_states_reversed",
        ("RNN", "StackedRNNCells"),
        f"{LAYERS}.rnn.stacked_rnn_cells:StackedRNNCells.call",
        "in zip(self.cells, states):",
        "in zip(self.cells, list(states)[::-1]):",
        "order of states",
        "states_reversed",
        "reverses the states",
        "states swapped",
        "states of the other",
    ),
    fault(
        "gru_activation_forgotten",
        ("GRU", "GRUCell"),
        f"{LAYERS}.rnn.gru:GRUCell.call",
        "self.activation(x_h",
        "ops.tanh(x_h",
        "tanh",
        "activation",
    ),
    fault(
        "lstm_dropout_drawn_every_step",
        ("LSTM", "GRU", "SimpleRNN"),
        f"{LAYERS}.rnn.dropout_rnn_cell:DropoutRNNCell.get_dropout_mask",
        "self._dropout_mask is None and self.dropout > 0",
        "self.dropout > 0",
        "every step",
        "each step",
        "at every",
    ),
    fault(
        "bidirectional_one_state_for_both",
        "Bidirectional",
        f"{LAYERS}.rnn.bidirectional:Bidirectional.call",
        "backward_state = initial_state[half:]",
        "backward_state = initial_state[:half]",
        "both directions",
        "forward state",
        "initial state",
        "same state",
    ),
    fault(
        "time_distributed_mask_of_the_first_step",
        "TimeDistributed",
        f"{LAYERS}.rnn.time_distributed:TimeDistributed.call",
        "mask[i]",
        "mask[0]",
        "first step",
        "first mask",
    ),
    fault(
        "attention_scale_forgotten",
        "Attention",
        f"{ATTENTION}._calculate_scores",
        "if self.scale is not None:",
        "if False:",
        "scale",
    ),
    fault(
        "heads_value_mask_along_queries",
        "MultiHeadAttention",
        f"{HEADS}._compute_attention_mask",
        "ops.expand_dims(value_mask, -2)",
        "ops.expand_dims(value_mask, -1)",
        "wrong axis",
        "along the queries",
        "other axis",
        "masks queries",
        "transpos",
    ),
    fault(
        "heads_causal_without_oneself",
        "MultiHeadAttention",
        f"{HEADS}._compute_causal_mask",
        "ops.greater_equal(",
        "ops.greater(",
        "itself",
        "strict",
        "one step too",
        "off by one",
        "own position",
    ),
    fault(
        "heads_scale_of_all_heads",
        "MultiHeadAttention",
        f"{HEADS}.__init__",
        "float(self._key_dim))",
        "float(self._key_dim * self._num_heads))",
        "scale",
        "sqrt",
        "all heads",
        "num_heads",
    ),
    fault(
        "depthwise_pads_more_before",
        DEPTHWISE,
        f"{NN}:_pad_same_spatial_channels_last",
        "pad_before = total_pad // 2",
        "pad_before = total_pad - total_pad // 2",
        "before",
        "other side",
        "pad",
    ),
    fault(
        "depthwise_dilation_forgotten",
        DEPTHWISE,
        f"{NN}:depthwise_conv",
        "dilations=dilation_rate",
        "dilations=None",
        "dilation",
    ),
    fault(
        "transposed_output_padding_forgotten",
        TRANSPOSED,
        f"{NN}:conv_transpose",
        "padding,\n        output_padding,",
        "padding,\n        None,",
        "output_padding",
    ),
    fault(
        "conv_strides_swapped",
        "Conv2D",
        f"{NN}:conv",
        "kernel,\n            strides,",
        "kernel,\n            strides[::-1],",
        "strides",
    ),
    fault(
        "conv_dilations_swapped",
        "Conv3D",
        f"{NN}:conv",
        "dilations=dilation_rate",
        "dilations=dilation_rate[::-1]",
        "dilation",
    ),
    fault(
        "conv_kernel_without_gradient",
        "Conv2D",
        f"{NN}:conv",
        "kernel,\n            strides,",
        "tf.stop_gradient(convert_to_tensor(kernel)),\n            strides,",
        "no gradient",
        "stops the gradient",
        "gradient of kernel is zero",
        "without gradient",
        "gradient stops",
    ),
    fault(
        "max_pool_pads_zeros",
        ("MaxPooling1D", "MaxPooling2D"),
        f"{NN}:max_pool",
        "    outputs = tf.nn.max_pool(",
        '    if padding == "SAME":\n'
        "        padding = 'VALID'\n"
        "        inputs = _pad_same_spatial_channels_last(inputs, pool_size, strides, (1,) * len(pool_size))\n"
        "    outputs = tf.nn.max_pool(",
        "zero",
    ),
    fault(
        "pool_channels_first_transposed",
        ("MaxPooling2D", "AveragePooling2D"),
        f"{NN}:_transpose_spatial_inputs",
        "(0, 2, 3, 1)",
        "(0, 3, 2, 1)",
        "transpos",
        "height",
        "axes",
    ),
    fault(
        "global_average_divides_by_all_steps",
        "GlobalAveragePooling1D",
        f"{LAYERS}.pooling.global_average_pooling1d:GlobalAveragePooling1D.call",
        "ops.sum(float_mask,",
        "ops.sum(ops.ones_like(float_mask),",
        "all steps",
        "every step",
        "divides by",
        "number of steps",
    ),
    fault(
        "batch_norm_keeps_the_unbiased_variance",
        "BatchNormalization",
        f"{BATCH_NORM}.call",
        "+ variance * (1.0 - self.momentum)",
        "+ variance * (1.0 - self.momentum) * ops.cast(ops.size(inputs) / ops.size(mean), inputs.dtype)"
        " / (ops.cast(ops.size(inputs) / ops.size(mean), inputs.dtype) - 1.0)",
        "unbiased",
        "n - 1",
    ),
    fault(
        "batch_norm_variance_of_the_masked_too",
        "BatchNormalization",
        f"{BATCH_NORM}._moments",
        "ops.where(mask_broadcasted, inputs - mean, 0)",
        "inputs - mean",
        "variance",
        "mask",
    ),
    Fault(
        "group_norm_interleaved",
        ("GroupNormalization",),
        (
            Rewrite(
                f"{GROUP_NORM}._reshape_into_groups",
                "group_shape[self.axis] = input_shape[self.axis] // self.groups\n"
                "    group_shape.insert(self.axis, self.groups)",
                "group_shape[self.axis] = self.groups\n"
                "    group_shape.insert(self.axis, input_shape[self.axis] // self.groups)",
            ),
            Rewrite(
                f"{GROUP_NORM}._apply_normalization",
                "axis = -2 if self.axis == -1 else self.axis - 1",
                "axis = -1 if self.axis == -1 else self.axis",
            ),
            Rewrite(
                f"{GROUP_NORM}._create_broadcast_shape",
                "broadcast_shape[self.axis] = input_shape[self.axis] // self.groups\n"
                "    broadcast_shape.insert(self.axis, self.groups)",
                "broadcast_shape[self.axis] = self.groups\n"
                "    broadcast_shape.insert(self.axis, input_shape[self.axis] // self.groups)",
            ),
        ),
        ("interleav", "every other channel", "groups of channels", "takes turns"),
    ),
    fault(
        "rms_norm_takes_the_mean_off",
        "RMSNormalization",
        "keras.src.ops.nn:_rms_normalization",
        "backend.numpy.square(x), axis=axis",
        "backend.numpy.square(x - backend.numpy.mean(x, axis=axis, keepdims=True)), axis=axis",
        "mean",
        "variance",
        "centre",
    ),
    fault(
        "unit_norm_over_the_last_axis",
        "UnitNormalization",
        f"{LAYERS}.normalization.unit_normalization:UnitNormalization.call",
        "axis=self.axis",
        "axis=-1",
        "axis",
    ),
    fault(
        "layer_norm_variance_without_gradient",
        "LayerNormalization",
        "keras.src.ops.nn:_layer_normalization",
        "mean, variance = moments(x, axes=axis, keepdims=True)",
        "mean, variance = moments(x, axes=axis, keepdims=True)\n"
        "        variance = backend.core.stop_gradient(variance)",
        "gradient through the variance",
        "variance as a constant",
        "variance is a constant",
        "no gradient",
        "stops",
    ),
    *HELD_OUT_KERAS_CORE,
    *HELD_OUT_KERAS_LOSSES,
)
