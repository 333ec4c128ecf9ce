"""Faults in Keras 3: convolutions, pools, shapes, losses and slopes."""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
LOSS = "keras.src.losses.loss"
NN = "keras.src.backend.tensorflow.nn"
LOSSES = ("MeanSquaredError", "SparseCategoricalCrossentropy", "BinaryCrossentropy", "CategoricalCrossentropy")


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


WINDOW_FAULTS = (
    fault(
        "conv_dilation_ignored",
        ("Conv1D", "Conv2D"),
        f"{NN}:conv",
        "dilations=dilation_rate",
        "dilations=1",
        "dilation",
    ),
    fault(
        "conv_flipped",
        ("Conv1D", "Conv2D"),
        f"{NN}:conv",
        "            kernel,\n            strides,",
        "            kernel[::-1],\n            strides,",
        "flip",
    ),
    fault(
        "conv_causal_right",
        "Conv1D",
        f"{LAYERS}.convolutional.conv1d:Conv1D.call",
        "ops.pad(inputs, self._compute_causal_padding())",
        "ops.pad(inputs, [tuple(reversed(sides)) for sides in self._compute_causal_padding()])",
        "causal",
        "right",
        "moved",
        "zeros",
    ),
    fault(
        "conv_no_bias",
        "Conv1D",
        f"{LAYERS}.convolutional.conv1d:Conv1D.call",
        "outputs = ops.add(outputs, bias)",
        "pass",
        "bias",
    ),
    fault(
        "max_pool_stride_one",
        ("MaxPooling1D", "MaxPooling2D"),
        f"{NN}:max_pool",
        "strides = pool_size if strides is None else strides",
        "strides = 1",
        "stride",
    ),
    fault(
        "average_pool_valid",
        ("AveragePooling1D", "AveragePooling2D"),
        f"{NN}:average_pool",
        "padding = padding.upper()",
        'padding = "SAME"',
        "same",
        "padding",
    ),
    fault(
        "global_average_ignores_mask",
        "GlobalAveragePooling1D",
        f"{LAYERS}.pooling.global_average_pooling1d:GlobalAveragePooling1D.call",
        "if mask is not None:",
        "if False:",
        "ignores_mask",
    ),
    fault(
        "global_average_channels",
        "GlobalAveragePooling1D",
        f"{LAYERS}.pooling.global_average_pooling1d:GlobalAveragePooling1D.call",
        'steps_axis = 1 if self.data_format == "channels_last" else 2',
        "steps_axis = 1",
        "axis",
        "format",
    ),
    fault(
        "flatten_ignores_format",
        "Flatten",
        f"{LAYERS}.reshaping.flatten:Flatten.call",
        "if self._channels_first and rank > 1:",
        "if False:",
        "format",
        "channels",
    ),
    fault(
        "padding_sides_swapped",
        "ZeroPadding1D",
        f"{LAYERS}.reshaping.zero_padding1d:ZeroPadding1D.call",
        "((0, 0), self.padding, (0, 0))",
        "((0, 0), self.padding[::-1], (0, 0))",
        "side",
        "swapped",
        "other",
    ),
    fault(
        "cropping_from_the_start",
        "Cropping1D",
        f"{LAYERS}.reshaping.cropping1d:Cropping1D.call",
        "inputs[:, self.cropping[0] : -self.cropping[1], :]",
        "inputs[:, self.cropping[1] : inputs.shape[1] - self.cropping[0], :]",
        "side",
        "swapped",
        "other",
    ),
    fault(
        "upsampling_tiles",
        "UpSampling1D",
        f"{LAYERS}.reshaping.up_sampling1d:UpSampling1D.call",
        "ops.repeat(x=inputs, repeats=self.size, axis=1)",
        "ops.tile(inputs, [1, self.size, 1])",
        "tile",
        "whole",
        "sequence",
    ),
    fault(
        "permute_inverse",
        "Permute",
        f"{LAYERS}.reshaping.permute:Permute.call",
        "axes=(0,) + self.dims",
        "axes=(0, *(self.dims.index(axis) + 1 for axis in range(1, len(self.dims) + 1)))",
        "inverse",
    ),
    fault(
        "loss_summed",
        LOSSES,
        f"{LOSS}:reduce_values",
        "loss = ops.divide_no_nan(loss, divisor)",
        "pass",
        "summed",
        "divide",
    ),
    fault(
        "loss_counts_masked",
        LOSSES,
        f"{LOSS}:apply_mask",
        "mask_weight = ops.divide_no_nan(total, valid)",
        "mask_weight = ops.ones_like(total)",
        "counts_masked",
    ),
    fault(
        "loss_ignores_weight",
        LOSSES,
        f"{LOSS}:reduce_weighted_values",
        "values = values * sample_weight",
        "pass",
        "ignores_weight",
    ),
    fault(
        "prelu_one_slope",
        "PReLU",
        f"{LAYERS}.activations.prelu:PReLU.call",
        "-self.alpha * activations.relu(-inputs)",
        "-float(self.alpha.numpy().mean()) * activations.relu(-inputs)",
        "slope",
        "alpha",
        "shared",
    ),
)
