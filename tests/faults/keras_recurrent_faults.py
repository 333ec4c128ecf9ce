"""Faults in the recurrent layers of Keras 3 and in what wraps them."""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
GRU = f"{LAYERS}.rnn.gru:GRUCell.call"
LSTM = f"{LAYERS}.rnn.lstm:LSTMCell"
SIMPLE = f"{LAYERS}.rnn.simple_rnn:SimpleRNNCell.call"
RNN = f"{LAYERS}.rnn.rnn:RNN.call"
LOOP = "keras.src.backend:rnn"
BOTH = f"{LAYERS}.rnn.bidirectional:Bidirectional.call"
ANY_GRU = ("GRU", "GRUCell")
ANY_LSTM = ("LSTM", "LSTMCell")
ANY_SIMPLE = ("SimpleRNN", "SimpleRNNCell")
RECURRENT = ("GRU", "LSTM", "SimpleRNN")


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


RECURRENT_FAULTS = (
    fault(
        "gru_update_inverted",
        ANY_GRU,
        GRU,
        "h = z * h_tm1 + (1 - z) * hh",
        "h = (1 - z) * h_tm1 + z * hh",
        "update_inverted",
    ),
    Fault(
        "gru_gates_rzh",
        ANY_GRU,
        (
            Rewrite(
                GRU,
                "z = self.recurrent_activation(x_z + recurrent_z)",
                "x_z, x_r, recurrent_z, recurrent_r = x_r, x_z, recurrent_r, recurrent_z\n"
                "        z = self.recurrent_activation(x_z + recurrent_z)",
            ),
        ),
        ("gates_rzh",),
    ),
    fault(
        "gru_reset_before",
        ANY_GRU,
        GRU,
        "recurrent_h = r * recurrent_h",
        "recurrent_h = ops.matmul(r * h_tm1, self.recurrent_kernel[:, 2 * self.units :]) + "
        "(recurrent_bias[2 * self.units :] if self.use_bias else 0.0)",
        "reset_swapped",
    ),
    fault("gru_no_recurrent_bias", ANY_GRU, GRU, "matrix_inner += recurrent_bias", "pass", "no_bias", "recurrent_bias"),
    fault(
        "gru_hard_sigmoid",
        ANY_GRU,
        GRU,
        "self.recurrent_activation(",
        "ops.hard_sigmoid(",
        "hard_sigmoid",
    ),
    fault(
        "lstm_gates_icfo",
        ANY_LSTM,
        f"{LSTM}._compute_carry_and_output_fused",
        "z0, z1, z2, z3 = z",
        "z0, z2, z1, z3 = z",
        "gates_icfo",
    ),
    fault(
        "lstm_gates_ifoc",
        ANY_LSTM,
        f"{LSTM}._compute_carry_and_output_fused",
        "z0, z1, z2, z3 = z",
        "z0, z1, z3, z2 = z",
        "gates_ifoc",
    ),
    fault(
        "lstm_forget_bias",
        ANY_LSTM,
        f"{LSTM}._compute_carry_and_output_fused",
        "self.recurrent_activation(z1)",
        "self.recurrent_activation(z1 + 1.0)",
        "forget_bias_added",
    ),
    fault(
        "lstm_bias_twice",
        ANY_LSTM,
        f"{LSTM}.call",
        "z = ops.add(z, self.bias)",
        "z = ops.add(z, 2.0 * self.bias)",
        "bias_counted_twice",
    ),
    fault("lstm_linear_output", ANY_LSTM, f"{LSTM}.call", "h = o * self.activation(c)", "h = o * c", "linear_output"),
    fault(
        "lstm_recurrent_transposed",
        ANY_LSTM,
        f"{LSTM}.call",
        "ops.matmul(h_tm1, self.recurrent_kernel)",
        "ops.matmul(h_tm1, ops.concatenate([ops.transpose(k) for k in ops.split(self.recurrent_kernel, 4, axis=1)], "
        "axis=1))",
        "recurrent_kernel_transposed",
    ),
    fault(
        "simple_recurrent_transposed",
        ANY_SIMPLE,
        SIMPLE,
        "ops.matmul(prev_output, self.recurrent_kernel)",
        "ops.matmul(prev_output, ops.transpose(self.recurrent_kernel))",
        "recurrent_kernel_transposed",
    ),
    fault("simple_no_bias", ANY_SIMPLE, SIMPLE, "h = ops.add(h, self.bias)", "pass", "no_bias"),
    fault("rnn_ignores_mask", RECURRENT, RNN, "mask=mask,", "mask=None,", "ignores_mask"),
    fault(
        "rnn_ignores_initial_state",
        RECURRENT,
        RNN,
        "initial_state = list(initial_state)",
        "initial_state = [ops.zeros_like(state) for state in initial_state]",
        "ignores_initial_state",
    ),
    fault("rnn_forgets", RECURRENT, RNN, "self_state.assign(state)", "pass", "forgets"),
    fault(
        "rnn_never_backwards",
        (*RECURRENT, "Bidirectional"),
        LOOP,
        "input_length = input_length or inputs.shape[1]",
        "go_backwards = False",
        "other_direction",
        "never_backwards",
    ),
    fault(
        "bidirectional_not_flipped",
        "Bidirectional",
        BOTH,
        "y_rev = ops.flip(y_rev, axis=1)",
        "pass",
        "backward_not_flipped",
    ),
    fault(
        "bidirectional_sums_for_mean",
        "Bidirectional",
        BOTH,
        "output = (y + y_rev) / 2",
        "output = y + y_rev",
        "merged_otherwise",
        "times 2",
    ),
    fault(
        "bidirectional_states_swapped",
        "Bidirectional",
        BOTH,
        "tuple(y[1:] + y_rev[1:])",
        "tuple(y_rev[1:] + y[1:])",
        "states_swapped",
    ),
    fault(
        "bidirectional_concat_swapped",
        "Bidirectional",
        BOTH,
        "ops.concatenate([y, y_rev], axis=-1)",
        "ops.concatenate([y_rev, y], axis=-1)",
        "the 2 blocks",
    ),
    fault(
        "time_distributed_first",
        "TimeDistributed",
        f"{LAYERS}.rnn.time_distributed:TimeDistributed.call",
        "[step_function(i) for i",
        "[step_function(0) for i",
        "first_step_everywhere",
    ),
)
