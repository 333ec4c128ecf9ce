"""nn.Sequential: modules one after another, as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy

from conformance.counterpart import Composition, Counterpart, NoCounterpart
from conformance.reference.base import Layer, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, class_of, in_training, like
from conformance.reference.traits import Axes, asked


class Sequential(TorchLayer):
    """Each module of what the one before it gives. input and output are those of the first and of the last module.

    The weights of a module have its number before their names: `0.weight`.
    """

    names = ("nn.Sequential",)
    arithmetic = "rounds"
    example = asked("nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))", "5")
    variadic: ClassVar = "args"
    args: tuple[Layer, ...] = arg("The modules, in their order.")

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return class_of(config["args"][0]).axis_words(config["args"][0], name, rank) if config["args"] else ()

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return class_of(config["args"][0]).batch_place(config["args"][0]) if config["args"] else 0

    def check(self) -> None:
        for module in self.args:
            if not isinstance(module, TorchLayer):
                raise LayerError(f"nn.Sequential takes modules of torch's, not {type(module).__name__}")

    def weights(self, input: Any) -> Mapping[str, Weight]:
        held: dict[str, Weight] = {}
        for place, module in enumerate(self.args):
            held |= {f"{place}.{name}": weight for name, weight in module.weights(input).items()}
        return held

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        found, shape = 1, shapes[0]
        for place, module in enumerate(self.args):
            own = {name[len(f"{place}.") :]: w for name, w in weights.items() if name.startswith(f"{place}.")}
            found = max(found, int(module.longest_sum(own, shape)))
            shape = self._after(module, Like(tuple(shape), "float64"), own).shape
        return found

    def call(self, w: Weights, input: Any, training: bool | None = None) -> Any:
        x = input
        for place, module in enumerate(self.args):
            x = module.call(w.within(str(place)), x, **in_training(module, training))
        return x

    def _after(self, module: Any, given: Like, weights: Mapping[str, Weight]) -> Like:
        """What is known of what a module gives: it is called with ones, in evaluation."""
        ones = {name: numpy.ones(weight.shape) for name, weight in weights.items()}
        found = like(module.call(Weights(ones), numpy.ones(given.shape, dtype=given.dtype)))
        if not isinstance(found, Like):
            raise NoCounterpart(f"{module.names[0]} gives several, and nothing comes after them in nn.Sequential")
        return found

    def counterpart(self, input: Like) -> Counterpart:
        whole, last, given = Composition(), "input", input
        for place, module in enumerate(self.args):
            inner: Any = module
            last = whole.call(inner.counterpart(given), f"step{place}", str(place), input=last)
            if place + 1 < len(self.args):
                given = self._after(inner, given, inner.weights(given.shape))
        return whole.counterpart(last)
