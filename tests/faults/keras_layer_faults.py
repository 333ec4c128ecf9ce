"""Faults in Keras 3: core layers, merging, attention and normalisation."""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
ATTENTION = f"{LAYERS}.attention.attention:Attention"
LAYER_NORM = "keras.src.ops.nn:_layer_normalization"
BATCH_NORM = f"{LAYERS}.normalization.batch_normalization:BatchNormalization.call"
GROUP_NORM = f"{LAYERS}.normalization.group_normalization:GroupNormalization._apply_normalization"
MERGES = ("Add", "Average", "Multiply", "Maximum", "Minimum")


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


LAYER_FAULTS = (
    fault(
        "dense_no_activation",
        "Dense",
        f"{LAYERS}.core.dense:Dense.call",
        "x = self.activation(x)",
        "pass",
        "no_activation",
    ),
    fault(
        "dense_bias_taken_off",
        "Dense",
        f"{LAYERS}.core.dense:Dense.call",
        "ops.add(x, self.bias)",
        "ops.subtract(x, self.bias)",
        "bias_taken_off",
    ),
    fault(
        "embedding_mask_inverted",
        "Embedding",
        f"{LAYERS}.core.embedding:Embedding.compute_mask",
        "ops.not_equal(inputs, 0)",
        "ops.equal(inputs, 0)",
        "inverted_mask",
    ),
    fault(
        "embedding_off_by_one",
        "Embedding",
        f"{LAYERS}.core.embedding:Embedding.call",
        "ops.take(self.embeddings, inputs, axis=0)",
        "ops.take(ops.roll(self.embeddings, -1, axis=0), inputs, axis=0)",
        "off_by_one",
        "next_row",
    ),
    fault(
        "masking_keeps_values",
        "Masking",
        f"{LAYERS}.core.masking:Masking.call",
        "outputs = ops.where(boolean_mask, inputs, 0)",
        "outputs = inputs * 1.0",
        "keeps_values",
    ),
    fault(
        "merge_masks_and",
        MERGES,
        f"{LAYERS}.merging.base_merge:Merge.compute_mask",
        "ops.logical_or",
        "ops.logical_and",
        "mask_and",
    ),
    fault(
        "merge_masks_lost",
        MERGES,
        f"{LAYERS}.merging.base_merge:Merge.compute_mask",
        "return output_mask",
        "return None",
        "mask_lost",
        "without its mask",
    ),
    fault(
        "average_sums",
        "Average",
        f"{LAYERS}.merging.average:Average._merge_function",
        "/ len(inputs)",
        "/ 1.0",
        "sum",
        "times 2",
    ),
    fault(
        "subtract_reversed",
        "Subtract",
        f"{LAYERS}.merging.subtract:Subtract._merge_function",
        "ops.subtract(inputs[0], inputs[1])",
        "ops.subtract(inputs[1], inputs[0])",
        "reversed",
        "swapped",
        "times -1",
    ),
    fault(
        "dot_never_normalises",
        "Dot",
        f"{LAYERS}.merging.dot:Dot._merge_function",
        "if self.normalize:",
        "if False:",
        "normal",
        "norm",
    ),
    fault(
        "attention_ignores_query_mask",
        "Attention",
        f"{ATTENTION}.call",
        "if q_mask is not None:",
        "if False:",
        "ignores_query_mask",
    ),
    fault(
        "attention_ignores_value_mask",
        "Attention",
        f"{ATTENTION}.call",
        "scores, v_mask, use_causal_mask",
        "scores, None, use_causal_mask",
        "ignores_value_mask",
    ),
    fault(
        "attention_not_causal",
        "Attention",
        f"{ATTENTION}._calculate_score_mask",
        "if use_causal_mask:",
        "if False:",
        "not_causal",
    ),
    fault(
        "attention_value_is_key",
        "Attention",
        f"{ATTENTION}.call",
        "k = inputs[2] if len(inputs) > 2 else v",
        "k = v",
        "value_is_key",
    ),
    fault(
        "attention_wrong_softmax",
        "Attention",
        f"{ATTENTION}._apply_scores",
        "ops.softmax(scores, axis=-1)",
        "ops.softmax(scores, axis=-2)",
        "softmax",
        "axis",
    ),
    Fault(
        "heads_not_scaled",
        ("MultiHeadAttention",),
        (
            Rewrite(
                f"{LAYERS}.attention.multi_head_attention:MultiHeadAttention._compute_attention",
                "self._inverse_sqrt_key_dim",
                "1.0",
            ),
        ),
        ("scale",),
    ),
    fault(
        "layer_norm_epsilon_outside",
        "LayerNormalization",
        LAYER_NORM,
        "inv = backend.math.rsqrt(variance + epsilon)",
        "inv = 1.0 / (backend.numpy.sqrt(variance) + epsilon)",
        "epsilon",
    ),
    fault("layer_norm_no_beta", "LayerNormalization", LAYER_NORM, "res = res + beta", "pass", "forgets_beta"),
    fault(
        "layer_norm_unbiased",
        "LayerNormalization",
        LAYER_NORM,
        "mean, variance = moments(x, axes=axis, keepdims=True)",
        "mean, variance = moments(x, axes=axis, keepdims=True)\n"
        "        count = float(__import__('math').prod(x.shape[a] for a in axis))\n"
        "        variance = variance * count / (count - 1.0)",
        "unbiased",
    ),
    fault(
        "batch_norm_momentum_inverted",
        "BatchNormalization",
        BATCH_NORM,
        "self.momentum",
        "(1.0 - self.momentum)",
        "momentum",
    ),
    fault(
        "batch_norm_torch_epsilon", "BatchNormalization", BATCH_NORM, "epsilon=self.epsilon", "epsilon=1e-5", "epsilon"
    ),
    fault(
        "batch_norm_never_trains",
        "BatchNormalization",
        BATCH_NORM,
        "if training and self.trainable:",
        "if False:",
        "training",
        "moving",
        "inference",
    ),
    fault(
        "group_norm_no_epsilon",
        "GroupNormalization",
        GROUP_NORM,
        "ops.rsqrt(variance + self.epsilon)",
        "ops.rsqrt(variance)",
        "epsilon",
    ),
    fault("group_norm_no_gamma", "GroupNormalization", GROUP_NORM, "inv = inv * gamma", "pass", "gamma"),
)
