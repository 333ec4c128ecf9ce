"""What no case can say: Keras' sparse tensors hold the answer that the dense ones are judged for (docs/kinds.md)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.frameworks

ASKED = """
import json

import keras
import numpy as np
import tensorflow as tf

L = keras.layers
IDS = np.array([[1, 3], [0, 1], [2, 2]])
WORDS = np.array([["a", "b"], ["b", "x"], ["c", "a"]])
NUMBERS = np.array([[0.5, -2.0], [1.5, 9.0], [0.0, 1.0]], dtype="float32")
HELD = np.array([[0.0, 2.0, 0.0], [0.0, 0.0, -1.5], [1.0, 0.0, 0.0]], dtype="float32")
OTHER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.5], [0.0, 3.0, 0.0]], dtype="float32")
TEXTS = ["a b a", "x", "c b"]
HOT = {"output_mode": "multi_hot"}

GIVES = {
    "CategoryEncoding": (lambda **more: L.CategoryEncoding(4, "multi_hot", **more), IDS),
    "Discretization": (lambda **more: L.Discretization([0.0, 1.0], **HOT, **more), NUMBERS),
    "Hashing": (lambda **more: L.Hashing(5, **HOT, **more), WORDS),
    "HashedCrossing": (lambda **more: L.HashedCrossing(5, output_mode="one_hot", **more), (WORDS[:, 0], WORDS[:, 1])),
    "IntegerLookup": (lambda **more: L.IntegerLookup(vocabulary=[1, 2, 3], **HOT, **more), IDS),
    "StringLookup": (lambda **more: L.StringLookup(vocabulary=["a", "b"], **HOT, **more), WORDS),
    "TextVectorization": (lambda **more: L.TextVectorization(vocabulary=["a", "b"], **HOT, **more), TEXTS),
}
TAKES = {
    "Dense": (L.Dense(2, bias_initializer="ones"), [HELD]),
    "Add": (L.Add(), [HELD, OTHER]),
    "Average": (L.Average(), [HELD, OTHER]),
    "Concatenate": (L.Concatenate(), [HELD, OTHER]),
    "Multiply": (L.Multiply(), [HELD, OTHER]),
}


def dense(tensor):
    return np.asarray(tf.sparse.to_dense(tensor) if isinstance(tensor, tf.SparseTensor) else tensor)


def same(one, other):
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


found = {}
for name, (make, data) in GIVES.items():
    plain, sparse = make()(data), make(sparse=True)(data)
    found[name] = [isinstance(sparse, tf.SparseTensor), same(dense(sparse), dense(plain)), bool(dense(plain).any())]
for name, (layer, data) in TAKES.items():
    one = data if len(data) > 1 else data[0]
    plain = layer(one)
    sparse = layer([tf.sparse.from_dense(array) for array in data] if len(data) > 1 else tf.sparse.from_dense(one))
    found[name] = [True, same(dense(sparse), dense(plain)), bool(dense(plain).any())]
ragged = L.TextVectorization(vocabulary=["a", "b"], ragged=True)(TEXTS)
padded = L.TextVectorization(vocabulary=["a", "b"])(TEXTS)
found["ragged"] = [isinstance(ragged, tf.RaggedTensor), same(ragged.to_tensor().numpy(), dense(padded)), True]
print(json.dumps(found))
"""


def test_a_sparse_answer_is_the_dense_one() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == 13
    assert {name: answer for name, answer in found.items() if answer != [True, True, True]} == {}
