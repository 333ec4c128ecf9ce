"""The least value of each argument that has one: a case below it is refused while it is read."""

from __future__ import annotations

import dataclasses

import pytest

from conformance.reference.catalog import LAYERS
from conformance.reference.optimizers import OPTIMIZERS

LEAST = {
    **dict.fromkeys(("batch_size", "depth_multiplier", "dilation_rate", "filters", "hidden_size", "input_dim"), 1),
    **dict.fromkeys(("intermediate_size", "kernel_size", "key_dim", "max_position_embeddings", "n"), 1),
    **dict.fromkeys(("num_attention_heads", "num_heads", "output_dim", "pool_size", "size", "sliding_window"), 1),
    **dict.fromkeys(("output_size", "strides", "type_vocab_size", "units", "value_dim", "vocab_size"), 1),
    **dict.fromkeys(("head_dim", "height", "max_tokens", "num_bins", "num_key_value_heads", "num_query_heads"), 1),
    **dict.fromkeys(("num_tokens", "output_sequence_length", "power_iterations", "width"), 1),
    **dict.fromkeys(("bins", "decay_steps", "fft_length", "first_decay_steps", "frame_length", "frame_step"), 1),
    **dict.fromkeys(("num_mel_bins", "sampling_rate", "sequence_length", "sequence_stride", "tile_grid_size"), 1),
    **dict.fromkeys(("beta_1", "beta_2", "initial_accumulator_value", "label_smoothing", "learning_rate"), 0),
    **dict.fromkeys(("l1_regularization_strength", "l2_regularization_strength"), 0),
    **dict.fromkeys(("l2_shrinkage_regularization_strength",), 0),
    **dict.fromkeys(
        ("num_hidden_layers", "num_oov_indices", "num_regressors", "output_padding", "rho", "validation_split"), 0
    ),
}
"""An axis, a window or a number of units is at least 1; a share, a padding or a number of steps back at least 0."""
LEAST_OF_SOME = {
    "beta": {"Ftrl"},
    "dropout": {"Attention", "AdditiveAttention", "GroupQueryAttention", "MultiHeadAttention"},
    "adam_beta_1": {"Muon"},
    "adam_beta_2": {"Muon"},
    "adam_lr_ratio": {"Muon"},
    "dynamic_growth_steps": {"LossScaleOptimizer"},
    "epsilon": {
        *("Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lamb", "Muon", "ScheduleFreeAdamW"),
        *("BatchNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization"),
    },
    "variance": {"Normalization"},
    "initial_scale": {"LossScaleOptimizer"},
    "l1": {"L1", "L1L2"},
    "l2": {"L2", "L1L2"},
    "max_value": {"MaxNorm", "MinMaxNorm"},
    "min_value": {"MinMaxNorm"},
    "rate": {"MinMaxNorm"},
    "ns_steps": {"Muon"},
    "times": {"InitialWeights"},
    "warmup_steps": {"ScheduleFreeAdamW"},
    "clip_threshold": {"Adafactor"},
    "epsilon_1": {"Adafactor"},
    "epsilon_2": {"Adafactor"},
    "factor": {"RandomPosterization", "OrthogonalRegularizer"},
    "groups": {"Conv1D", "Conv2D", "Conv3D"},
    "max_number": {"MaxNumBoundingBoxes"},
    "momentum": {"SGD", "RMSprop", "Muon"},
    "weight_decay": {"AdamW"},
}
"""In the others any number is an argument: GroupNormalization takes -1 for a group a channel."""
LEAST_AT_RANDOM = dict.fromkeys(("counts", "num_samples", "probabilities", "rate", "stddev"), 0)
"""In functions of keras.random, some of which share their name with a layer or an initialiser."""


@pytest.mark.parametrize("kind", [*LAYERS.values(), *OPTIMIZERS.values()], ids=lambda kind: kind.__name__)
def test_arguments_have_the_least_value_that_means_something(kind: type) -> None:
    for field in dataclasses.fields(kind):
        expected = LEAST.get(field.name)
        if getattr(kind, "offered_in", "") == "random":
            expected = LEAST_AT_RANDOM.get(field.name, expected)
        elif kind.__name__ in LEAST_OF_SOME.get(field.name, ()):
            is_count = field.name in ("groups", "dynamic_growth_steps", "times")
            expected = 1 if is_count or kind.__name__ == "RandomPosterization" else 0
        assert field.metadata.get("at_least") == expected, field.name
