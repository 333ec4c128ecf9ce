"""Faults in Keras 3 held out, as in `held_out_keras`: losses, optimisers, random layers and image batches."""

from __future__ import annotations

from tests.faults.patching import Fault, Rewrite

LAYERS = "keras.src.layers"
LOSSES = "keras.src.losses.losses"
LOSS = "keras.src.losses.loss"
IMAGES = "keras.src.legacy.preprocessing.image"

CLASSES = ("SparseCategoricalCrossentropy",)


def fault(name: str, layers: tuple[str, ...] | str, target: str, old: str, new: str, *named: str) -> Fault:
    return Fault(name, (layers,) if isinstance(layers, str) else layers, (Rewrite(target, old, new),), named)


HELD_OUT_KERAS_LOSSES = (
    fault(
        "weighted_mean_over_counted",
        ("MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy", *CLASSES),
        f"{LOSS}:reduce_values",
        "divisor = ops.cast(ops.sum(sample_weight), loss.dtype)",
        "divisor = ops.sum(ops.cast(ops.not_equal(sample_weight, 0), loss.dtype))",
        "number of",
        "count",
        "non-zero",
        "not zero",
    ),
    fault(
        "huber_half_for_half_delta",
        "Huber",
        f"{LOSSES}:huber",
        "delta * abs_error - half * ops.square(delta)",
        "delta * (abs_error - half)",
        "delta",
        "linear",
    ),
    fault(
        "binary_smoothing_towards_zero",
        "BinaryCrossentropy",
        f"{LOSSES}:binary_crossentropy",
        "y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing",
        "y_true * (1.0 - label_smoothing)",
        "smooth",
    ),
    fault(
        "ignored_class_is_counted",
        CLASSES,
        f"{LOSSES}:sparse_categorical_crossentropy",
        "backend.set_keras_mask(res, mask=valid_mask)",
        "pass",
        "ignore",
        "counted",
        "counts",
    ),
    fault(
        "divergence_turned_round",
        "KLDivergence",
        f"{LOSSES}:kl_divergence",
        "ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)",
        "ops.sum(y_pred * ops.log(y_pred / y_true), axis=-1)",
        "swap",
        "revers",
        "other way",
        "turned",
    ),
    fault(
        "focal_gamma_forgotten",
        "BinaryFocalCrossentropy",
        f"{LOSSES}:binary_focal_crossentropy",
        "ops.power(1.0 - p_t, gamma)",
        "ops.power(1.0 - p_t, 2.0)",
        "gamma",
    ),
    fault(
        "other_classes_weigh_nothing",
        "CompiledLoss",
        "keras.src.trainers.data_adapters.data_adapter_utils:class_weight_to_sample_weights",
        "class_weight.get(int(y_numpy[i]), 1.0)",
        "class_weight.get(int(y_numpy[i]), 0.0)",
        "class",
        "not named",
    ),
    fault(
        "decay_of_matrices_only",
        ("AdamW", "SGD", "Adam", "RMSprop"),
        "keras.src.backend.tensorflow.optimizer:TFOptimizer._apply_weight_decay",
        "if self._use_weight_decay(variable):",
        "if self._use_weight_decay(variable) and len(variable.shape) > 1:",
        "bias",
        "vectors",
        "one axis",
        "matrices",
    ),
    fault(
        "adagrad_starts_from_nothing",
        "Adagrad",
        "keras.src.optimizers.adagrad:Adagrad.build",
        "initializers.Constant(self.initial_accumulator_value)",
        "initializers.Constant(0.0)",
        "initial",
        "start",
    ),
    fault(
        "gaussian_dropout_spread",
        "GaussianDropout",
        f"{LAYERS}.regularization.gaussian_dropout:GaussianDropout.call",
        "math.sqrt(self.rate / (1.0 - self.rate))",
        "math.sqrt(self.rate)",
        "stddev",
        "variance",
        "spread",
        "rate",
    ),
    fault(
        "spatial_dropout_one_draw_for_all_samples",
        "SpatialDropout1D",
        f"{LAYERS}.regularization.spatial_dropout:SpatialDropout1D._get_noise_shape",
        "(input_shape[0], 1, input_shape[2])",
        "(1, 1, input_shape[2])",
        "sample",
        "batch",
    ),
    fault(
        "alpha_dropout_to_zero",
        "AlphaDropout",
        f"{LAYERS}.regularization.alpha_dropout:AlphaDropout.call",
        "inputs * kept_idx + alpha_p * (1 - kept_idx)",
        "inputs * kept_idx",
        "zero",
        "saturat",
    ),
    fault(
        "images_flipped_upside_down",
        "ImageBatches",
        f"{IMAGES}:ImageDataGenerator.apply_transform",
        "flip_axis(x, img_col_axis)",
        "flip_axis(x, img_row_axis)",
        "row",
        "vertical",
        "upside",
        "axis",
    ),
    fault(
        "images_split_rounded_up",
        "ImageBatches",
        f"{IMAGES}:NumpyArrayIterator.__init__",
        "int(len(x) * image_data_generator._validation_split)",
        "math.ceil(len(x) * image_data_generator._validation_split)",
        "round",
        "ceil",
        "split",
        "validation",
    ),
)
