"""How large first weights are in both frameworks: the bounds of porting/words.ranges_of_first_weights, as drawn."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

FEATURES, UNITS = 300, 75
"""So many that the largest of all numbers comes within a hundredth of the bound."""
OF_TORCH = f"""
import torch
layer = torch.nn.Linear({FEATURES}, {UNITS})
print(layer.weight.abs().max().item(), layer.bias.abs().max().item())
"""
OF_KERAS = f"""
import keras
layer = keras.layers.Dense({UNITS})
layer.build((None, {FEATURES}))
kernel, bias = layer.get_weights()
print(abs(kernel).max(), abs(bias).max())
"""


def _printed(program: str) -> list[float]:
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return [float(word) for word in ran.stdout.split()]


@pytest.mark.torch
def test_torch_draws_weight_and_bias_by_the_number_of_features() -> None:
    weight, bias = _printed(OF_TORCH)
    bound = 1 / math.sqrt(FEATURES)
    assert 0.99 * bound < weight <= bound
    assert 0.8 * bound < bias <= bound


@pytest.mark.frameworks
def test_keras_draws_the_kernel_by_features_and_units_and_no_bias() -> None:
    kernel, bias = _printed(OF_KERAS)
    bound = math.sqrt(6 / (FEATURES + UNITS))
    assert 0.99 * bound < kernel <= bound
    assert bias == 0
