"""What a comparison knows of a layer stands on its class: a new one is paired, proved and mended by its traits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from conformance.ask.layer import read_layer
from conformance.comparison.known import Chain, link_of, run
from conformance.comparison.layouts import expected, known
from conformance.comparison.mend import right_lines
from conformance.comparison.mistakes import tried
from conformance.comparison.pairing import pairing_of
from conformance.comparison.traits import traits_of_class
from conformance.comparison.values import Call, Held
from conformance.reference.base import LAYERS, Array, Layer, Mutant, Weight, Weights, arg, full_config, make
from conformance.reference.traits import Layout, asked, called
from tests.comparison.fakes import layer, model, stored

KERNEL = np.arange(12.0).reshape(3, 4) + 0.5
INSIDE = {
    "Bidirectional": "it keeps what the layers inside it keep",
    "TimeDistributed": "it keeps what the layer inside it keeps",
    "EinsumDense": "the port of the layer alone is an einsum, which takes the kernel as Keras has it",
}
"""Layers with a layout whose ports, as layers alone, are no module of that layout."""


@pytest.fixture
def mixing() -> Iterator[str]:
    """A layer that the comparison has never heard of."""

    class Mixing(Layer):
        """x W."""

        arithmetic = "linear"
        native = called("nn.Blending")
        example = asked("Mixing(4)", "3")
        layout = "linear"
        also_modules = ("Linear",)
        porting = (Mutant("halved", "halves it", output=lambda layer, y, args: y / 2),)

        units: int = arg("Length of the last axis.")

        @classmethod
        def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
            return (f"nn.Linear(..., {size})",)

        def weights(self, shape: Any) -> Mapping[str, Weight]:
            return {"kernel": Weight((shape[-1], self.units))}

        def call(self, w: Weights, x: Array) -> Array:
            return np.dot(x, w.kernel)

    yield Mixing.__name__
    del LAYERS[Mixing.__name__]


def test_a_new_layer_is_known_by_its_traits_alone(mixing: str, tmp_path: Path) -> None:
    mine = layer(tmp_path, "mix", mixing, {"name": "mix"}, kernel=KERNEL)
    port = layer(tmp_path, "fc", "Linear", weight=KERNEL.T)
    laid = expected(mine, port)
    assert laid is not None
    assert laid["weight"].expression == "kernel.T"
    np.testing.assert_array_equal(laid["weight"].array, KERNEL.T)
    assert right_lines(mine) == ("nn.Linear(..., 4)",)
    assert "halved" in [mutant.name for mutant in tried(mixing, has_bias=False)]
    assert traits_of_class(mixing).modules() == ("Blending", "Linear")


def test_a_class_that_nobody_knows_has_no_traits(tmp_path: Path) -> None:
    mine = layer(tmp_path, "mix", "Mixing", {"name": "mix"}, kernel=KERNEL)
    assert not known("Mixing")
    assert expected(mine, layer(tmp_path, "fc", "Linear", weight=KERNEL.T)) is None
    assert right_lines(mine) == ()
    assert traits_of_class("Mixing").modules() == ()


def test_a_layer_is_paired_with_a_module_of_another_content_only_if_it_is_made_for_the_same(tmp_path: Path) -> None:
    mine = layer(tmp_path, "dense", "Dense", {"name": "dense"}, kernel=KERNEL)
    for kind, is_paired in (("Linear", True), ("Embedding", False)):
        port = layer(tmp_path, "fc", kind, weight=-KERNEL.T)
        found = pairing_of(model(mine), model(port), [called_once("dense")], [called_once("fc")])
        assert [pair.port for pair in found.pairs] == (["fc"] if is_paired else [])


def called_once(path: str) -> Any:
    return Call(path, 0, 0, -1, (), (), {})


def test_a_layer_that_takes_one_list_is_run_with_its_arrays_as_one(tmp_path: Path) -> None:
    """Attention by hand: softmax(q k) v, without the key that the row's mask leaves out."""
    query, value = np.array([[[1.0, 0.5]]]), np.array([[[1.0, 2.0], [0.5, 1.0], [9.0, 9.0]]])
    mine = layer(tmp_path, "attention", "Attention", {"name": "attention"})
    masks = (np.array([[True]]), np.array([[True, True, False]]))
    held = tuple(Held(f"args.0.{place}", stored(tmp_path, array)) for place, array in enumerate((query, value)))
    made = link_of(Call("attention", 0, 0, -1, held, (), {}), mine, {})
    assert made is not None
    link, fresh = made
    inputs = {name: (one.array.load(), mask) for (name, one), mask in zip(fresh.items(), masks, strict=True)}
    first = 1 / (1 + np.exp(1.0 - 2.0))  # scores 2 and 1
    np.testing.assert_allclose(run(Chain((link,), inputs)).value, [[[0.5 + 0.5 * first, 1 + first]]], rtol=1e-12)


@pytest.mark.parametrize("layout", [layout for layout in get_args(Layout) if layout])
def test_every_layout_belongs_to_a_layer_and_is_known(layout: str) -> None:
    kinds = [name for name, kind in LAYERS.items() if kind.layout == layout]
    assert kinds
    assert all(map(known, kinds))


@pytest.mark.torch
@pytest.mark.parametrize("kind", sorted(name for name, kind in LAYERS.items() if kind.layout and name not in INSIDE))
def test_the_layout_is_that_of_the_port(kind: str, tmp_path: Path) -> None:
    """Two statements of one fact, the port's mapping and the trait, may not part."""
    import torch

    import conformance.lanes.torch.lane  # noqa: F401  # every port registers itself
    from conformance.lanes.torch.port import PORTS, Config, applied

    example = LAYERS[kind].example
    made = make(kind, dict(read_layer(example.layer, None).config))
    shape = (2, *(int(length) for length in example.inputs[0].split(",")))
    random = np.random.default_rng(0)
    held = {name: random.normal(size=one.shape).astype(np.float32) for name, one in made.weights(shape).items()}
    tensors = {name: torch.from_numpy(array) for name, array in held.items()}
    mapping = PORTS[kind].weights(Config(kind, full_config(made)))
    theirs = {name: applied(one, tensors).numpy() for name, one in mapping.items() if one.source in tensors}
    mine = layer(tmp_path, "layer", kind, {"name": "layer"}, **held)
    laid = expected(mine, layer(tmp_path, "module", LAYERS[kind].modules()[0], **theirs))
    assert laid is not None
    assert laid.keys() == theirs.keys()
    for name, array in theirs.items():
        np.testing.assert_array_equal(laid[name].array, array, err_msg=name)
