"""Layers that Keras does not have, as real Keras layers: what a user would write, for the Keras lane to run.

Keras is a parameter of every factory and is not imported here, so that any version and backend can be asked.
`eager_only` marks what works on numbers alone (a training step, a data pipeline): it has no symbolic run.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from conformance.lanes.keras_operations import KerasOperations
from conformance.protocol.adapter import Unsupported
from conformance.protocol.functions import function_of


def masked_average(keras: Any) -> type:
    """A mean that leaves masked values out, over a list of inputs or over one axis."""
    ops = _ops(keras)

    def real(x: Any, mask: Any) -> Any:
        if mask is None:
            return ops.ones_like(x)
        for _ in range(len(x.shape) - len(mask.shape)):
            mask = ops.expand_dims(mask, -1)
        return ops.cast(mask, x.dtype) * ops.ones_like(x)

    class MaskedAverage(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        def __init__(self, axis: int | None = None, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.axis = axis
            self.supports_masking = True

        def call(self, inputs: Any, mask: Any = None) -> Any:
            if self.axis is None:
                masks = [None] * len(inputs) if mask is None else mask
                counted = ops.stack([real(x, m) for x, m in zip(inputs, masks, strict=True)])
                values, axis = ops.stack(list(inputs)), 0
            else:
                counted, values, axis = real(inputs, mask), inputs, self.axis
            kept = ops.where(counted > 0, values, ops.zeros_like(values))
            return ops.sum(kept, axis=axis) / ops.maximum(ops.sum(counted, axis=axis), 1.0)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            if self.axis is None:
                if mask is None or any(m is None for m in mask):
                    return None
                return ops.any(ops.stack(list(mask)), axis=0)
            if mask is None:
                return None
            axis = self.axis % len(inputs.shape)
            return ops.any(mask, axis=axis) if axis < len(mask.shape) else mask

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "axis": self.axis}

    return MaskedAverage


def compiled_loss(keras: Any) -> type:
    """What `compile(loss=...)` and `train_on_batch` report for given predictions: a model that only hands them on."""

    class Masked(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        """Gives its first input the second as its mask."""

        supports_masking = True

        def call(self, inputs: Any) -> Any:
            return inputs[0]

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return inputs[1]

    class CompiledLoss(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        eager_only = True

        def __init__(self, loss: Any, class_weight: Any = None, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.loss = loss
            self.class_weight = class_weight and {int(label): weight for label, weight in class_weight.items()}

        def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None, y_pred_mask: Any = None) -> Any:
            inputs = [keras.Input(tuple(y_pred.shape[1:]))]
            batch = [np.asarray(y_pred)]
            if y_pred_mask is not None:
                inputs.append(keras.Input(tuple(y_pred_mask.shape[1:]), dtype="bool"))
                batch.append(np.asarray(y_pred_mask))
            output = Masked()(inputs) if y_pred_mask is not None else inputs[0]
            model = keras.Model(inputs, keras.layers.Activation("linear")(output))
            model.compile(optimizer=keras.optimizers.SGD(0.0), loss=self.loss, run_eagerly=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the model has nothing to train, which is what is wanted
                reported = model.train_on_batch(
                    batch,
                    np.asarray(y_true),
                    sample_weight=None if sample_weight is None else np.asarray(sample_weight),
                    class_weight=self.class_weight,
                )
            return tensor(keras, np.asarray(reported, dtype="float32"))

    return CompiledLoss


def image_batches(keras: Any) -> type:
    """The first batch of `ImageDataGenerator.flow`, which Keras 3 keeps for `tf.keras` and for nobody else."""
    generator = _image_data_generator(keras)

    class ImageBatches(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        eager_only = True

        def __init__(
            self,
            batch_size: int = 32,
            shuffle: bool = True,
            seed: int | None = None,
            subset: str | None = None,
            ignore_class_split: bool = False,
            name: str | None = None,
            **transformations: Any,
        ) -> None:
            super().__init__(name=name)
            self.flow_options = {
                "batch_size": batch_size,
                "shuffle": shuffle,
                "seed": seed,
                "subset": subset,
                "ignore_class_split": ignore_class_split,
            }
            self.transformations = transformations

        def call(self, x: Any, y: Any, sample_weight: Any = None) -> list[Any]:
            weights = None if sample_weight is None else np.asarray(sample_weight)
            source = generator(**self.transformations)
            batches = source.flow(np.asarray(x), np.asarray(y), sample_weight=weights, **self.flow_options)
            return [tensor(keras, column) for column in next(batches)]

    return ImageBatches


def bert_model(keras: Any) -> type:
    """BERT's encoder put together from Keras' own layers."""
    ops, layers = _ops(keras), keras.layers

    class Block(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        def __init__(self, hidden: int, heads: int, between: int, epsilon: float, activation: str, **kwargs: Any):
            super().__init__(**kwargs)
            self.attention = layers.MultiHeadAttention(heads, hidden // heads)
            self.attention_norm = layers.LayerNormalization(epsilon=epsilon)
            self.intermediate = layers.Dense(between, activation=activation)
            self.last = layers.Dense(hidden)
            self.last_norm = layers.LayerNormalization(epsilon=epsilon)
            self.added = layers.Add()

        def call(self, x: Any, allowed: Any = None) -> Any:
            x = self.attention_norm(self.added([x, self.attention(x, x, attention_mask=allowed)]))
            return self.last_norm(self.added([x, self.last(self.intermediate(x))]))

    class BertModel(keras.layers.Layer):  # type: ignore[misc]  # the base is known at run time only
        def __init__(
            self,
            vocab_size: int = 30522,
            hidden_size: int = 768,
            num_hidden_layers: int = 12,
            num_attention_heads: int = 12,
            intermediate_size: int = 3072,
            max_position_embeddings: int = 512,
            type_vocab_size: int = 2,
            layer_norm_eps: float = 1e-12,
            pad_token_id: int | None = 0,
            hidden_act: str = "gelu",
            **kwargs: Any,
        ) -> None:
            super().__init__(**kwargs)
            self.padding = pad_token_id
            self.word = layers.Embedding(vocab_size, hidden_size)
            self.position = layers.Embedding(max_position_embeddings, hidden_size)
            self.segment = layers.Embedding(type_vocab_size, hidden_size)
            self.norm = layers.LayerNormalization(epsilon=layer_norm_eps)
            self.blocks = [
                Block(hidden_size, num_attention_heads, intermediate_size, layer_norm_eps, hidden_act)
                for _ in range(num_hidden_layers)
            ]
            self.pooler = layers.Dense(hidden_size, activation="tanh")

        def call(
            self, input_ids: Any, attention_mask: Any = None, token_type_ids: Any = None, position_ids: Any = None
        ) -> list[Any]:
            segments = ops.zeros_like(input_ids) if token_type_ids is None else token_type_ids
            positions = ops.arange(ops.shape(input_ids)[1]) if position_ids is None else position_ids
            words = self.word(input_ids)
            if self.padding is not None:
                is_padding = ops.expand_dims(ops.equal(input_ids, self.padding), -1)
                words = ops.where(is_padding, ops.stop_gradient(words), words)
            hidden = [self.norm(words + self.position(positions) + self.segment(segments))]
            allowed = None if attention_mask is None else ops.expand_dims(ops.cast(attention_mask, "bool"), 1)
            for block in self.blocks:
                hidden.append(block(hidden[-1], allowed=allowed))
            return [hidden[-1], self.pooler(hidden[-1][:, 0]), *hidden]

    return BertModel


def said_function(keras: Any, kind: Any) -> type:
    """Keras' layer of a function, called with what the graph language says instead of one of Python's."""
    operations = KerasOperations(_ops(keras))

    class Said(kind):  # type: ignore[misc]  # the base is known at run time only
        def __init__(self, function: str, mask: str | None = None, **kwargs: Any) -> None:
            if kwargs.get("output_shape") is not None:
                kwargs["output_shape"] = tuple(kwargs["output_shape"])  # as Python writes a shape
            passed = None if mask is None else function_of(mask, ("x", "mask"), operations)
            super().__init__(function_of(function, ("x",), operations), mask=passed, **kwargs)

    return Said


def _ops(keras: Any) -> Any:
    if not hasattr(keras, "ops"):
        raise Unsupported(f"this custom layer is written with keras.ops, which Keras {keras.__version__} does not have")
    return keras.ops


def tensor(keras: Any, array: Any) -> Any:
    """The array as a tensor of Keras' backend; before Keras 3 that is TensorFlow."""
    return keras.ops.convert_to_tensor(array) if hasattr(keras, "ops") else keras.backend.constant(array)


def _image_data_generator(keras: Any) -> Any:
    """The class behind `tf.keras.preprocessing.image.ImageDataGenerator`, for the Keras that was imported."""
    if not hasattr(keras, "ops") and importlib.util.find_spec("scipy") is None:
        raise Unsupported(f"the image generator of Keras {keras.__version__} needs scipy, which is not installed")
    place = keras.preprocessing.image
    if not hasattr(place, "ImageDataGenerator"):
        place = importlib.import_module(f"{keras.__name__}._tf_keras.keras.preprocessing.image")
    return place.ImageDataGenerator


def type_of(factory: Callable[..., Any]) -> str:
    """The type under which a case asks for what a factory makes: `MaskedAverage` of `masked_average`."""
    return "".join(word.capitalize() for word in factory.__name__.split("_"))


CUSTOM: dict[str, Callable[[ModuleType], type]] = {
    type_of(factory): factory for factory in (masked_average, compiled_loss, image_batches, bert_model)
}
"""Layer types that the Keras lane looks up here before it looks in Keras."""
