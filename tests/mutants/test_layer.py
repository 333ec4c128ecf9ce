"""A layer with a mistake answers wrongly in the way it is named for, wherever it is wrapped, and only there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.mutants.layer import mutants_of, with_mistake
from conformance.reference.base import LAYERS, DoesNotApply, HookError, Layer, LayerError, Mutant, Weights, arg, make


class _Scale(Layer):
    """factor * x; refuses a factor of zero."""

    factor: float = arg("what x is multiplied with", default=2.0)

    supports_masking = True

    def check(self) -> None:
        if self.factor == 0:
            raise LayerError("factor 0")

    def call(self, w: Weights, x: Any) -> Any:
        return self.factor * w.unit * x


class _Around(Layer):
    """Twice the wrapped layers, one after the other."""

    layers: tuple[Layer, ...] = arg("the layers")

    def call(self, w: Weights, x: Any) -> Any:
        for layer in self.layers:
            x = layer.call(w, x)
        return 2 * x


WEIGHTS = Weights({"unit": np.array(1.0)})
X = np.array([1.0, 3.0])


def answer(mutant: Mutant, layer: Layer | None = None) -> Any:
    return with_mistake(layer or _Scale(), _Scale, mutant).call(WEIGHTS, X)


@pytest.mark.parametrize(
    ("mutant", "wanted"),
    [
        (Mutant("config", "", config=lambda layer: {"factor": layer.factor + 1}), [3.0, 9.0]),
        (Mutant("weights", "", weights=lambda layer, w: {"unit": -w["unit"]}), [-2.0, -6.0]),
        (Mutant("inputs", "", inputs=lambda layer, args, kw: ([args[0][::-1]], kw)), [6.0, 2.0]),
        (Mutant("output", "", output=lambda layer, out, args: out + args[0]), [3.0, 9.0]),
    ],
)
def test_each_hook_changes_what_it_is_for(mutant: Mutant, wanted: list[float]) -> None:
    assert answer(mutant).tolist() == wanted
    assert _Scale().call(WEIGHTS, X).tolist() == [2.0, 6.0]


def test_all_hooks_of_one_mutant_act_together() -> None:
    both = Mutant("both", "", config=lambda layer: {"factor": 5.0}, output=lambda layer, out, args: out + layer.factor)
    assert answer(both).tolist() == [7.0, 17.0], "5 x, plus the factor 2 of the real layer"


def test_wrapped_layers_make_the_mistake_too_and_others_do_not() -> None:
    negative = Mutant("negative", "", output=lambda layer, out, args: -out)
    wrapped = _Around(layers=(_Scale(factor=2.0), _Scale(factor=3.0), _Around(layers=(_Scale(factor=1.0),))))
    assert wrapped.call(WEIGHTS, X).tolist() == [24.0, 72.0]
    assert answer(negative, wrapped).tolist() == [-24.0, -72.0], "three times turned round"
    assert with_mistake(wrapped, LAYERS["Dense"], negative) is wrapped


def test_a_mistaken_layer_is_still_of_its_kind_and_is_not_registered() -> None:
    before = dict(LAYERS)
    broken = with_mistake(_Scale(), _Scale, Mutant("same", "", output=lambda layer, out, args: out))
    assert isinstance(broken, _Scale)
    assert before == LAYERS


def test_the_mask_rule_sees_the_changed_mask_and_its_own_hook() -> None:
    mask = np.array([True, False])
    blind = Mutant("blind", "", inputs=lambda layer, args, kw: (args, {**kw, "mask": None} if "mask" in kw else kw))
    inverted = Mutant("inverted", "", mask=lambda layer, made, given: ~made)
    assert _Scale().compute_mask(X, mask) is mask
    for mutant, wanted in ((blind, None), (inverted, [False, True])):
        broken = with_mistake(_Scale(), _Scale, mutant)
        broken.call(WEIGHTS, X)
        found = broken.compute_mask(X, mask)
        assert (None if found is None else found.tolist()) == wanted


def test_arguments_that_the_layer_refuses_do_not_apply() -> None:
    with pytest.raises(DoesNotApply, match="factor 0"):
        answer(Mutant("zero", "", config=lambda layer: {"factor": 0.0}))


def test_a_hook_that_raises_is_a_broken_mutant() -> None:
    with pytest.raises(HookError, match="output of wrong: KeyError"):
        answer(Mutant("wrong", "", output=lambda layer, out, args: {"key": out}["no such key"]))


def test_an_lstm_inside_bidirectional_makes_its_mistake_in_both_directions() -> None:
    spec = {"layer": {"type": "LSTM", "units": 2}}
    layer = make("Bidirectional", spec)
    lstm = LAYERS["LSTM"]
    broken = with_mistake(layer, lstm, mutants_of(lstm)["other_direction"])
    shape = (1, 3, 2)
    drawn = np.random.default_rng(0)
    weights = {name: drawn.normal(size=w.shape) for name, w in layer.weights(shape).items()}
    x = drawn.normal(size=shape)
    right, wrong = layer.call(Weights(weights), x), broken.call(Weights(weights), x)
    flipped = layer.call(Weights(weights), x[:, ::-1])
    assert np.allclose(wrong, flipped, atol=1e-12), "both directions read from their other end"
    assert not np.allclose(right, wrong)


def test_hooks_find_optional_arguments_by_name_though_a_wrapper_passes_them_by_place() -> None:
    seen: list[dict[str, Any]] = []
    loss = LAYERS["MeanSquaredError"]
    spy = Mutant("spy", "", inputs=lambda layer, args, kw: (args, seen.append(kw) or kw))
    with_mistake(loss(), loss, spy).call(WEIGHTS, np.ones((2, 3)), np.zeros((2, 3)), np.array([1.0, 2.0]))
    assert [sorted(kw) for kw in seen] == [["sample_weight"]]
