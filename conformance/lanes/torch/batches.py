"""What Keras' optimisers do around a step, in torch: scaled losses, a step of several batches, means of weights.

torch leaves it to the loop: gradients add up in `grad`, `torch.amp.GradScaler` scales, `torch.optim.swa_utils` keeps
means. Here they are tensors beside the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch


class Batches:
    """Calls `step(number of the step, batches before)` when enough batches have given their gradients in `grad`."""

    def __init__(
        self,
        config: Mapping[str, Any],
        tensors: Mapping[str, torch.Tensor],
        step: Callable[[int, int], None],
        finals: Sequence[torch.Tensor] | None = None,
    ) -> None:
        self.config, self.tensors, self.step, self.finals = config, tensors, step, finals
        self.every = config.get("gradient_accumulation_steps") or 1
        self.factor = config.get("loss_scale_factor")
        self.summed: dict[str, torch.Tensor] = {}
        self.means: dict[str, torch.Tensor] = {}

    def scaled(self, loss: Any) -> Any:
        """The loss of which gradients are taken."""
        return loss if self.factor is None else loss * self.factor

    def after(self, number: int, project: Callable[[], None]) -> None:
        """What a batch, counted from 1, does to the weights; `project` brings them back to their constraints."""
        if self.factor is not None:
            for tensor in self.tensors.values():
                if tensor.grad is not None:
                    tensor.grad.div_(self.factor)
        if self.every > 1:
            self._sum()
            if number % self.every:
                return
            for name, tensor in self.tensors.items():
                held = self.summed.pop(name, None)
                tensor.grad = None if held is None else held / self.every
        made = number // self.every
        self.step(made, number - 1)
        project()
        if self.config.get("use_ema"):
            self._average()
            frequency = self.config["ema_overwrite_frequency"]
            if frequency and made % frequency == 0:
                self.finalize()

    def _sum(self) -> None:
        for name, tensor in self.tensors.items():
            if tensor.grad is not None:
                self.summed[name] = tensor.grad + self.summed[name] if name in self.summed else tensor.grad

    @torch.no_grad()
    def _average(self) -> None:
        for name, tensor in self.tensors.items():
            old = self.means.get(name, tensor)
            self.means[name] = torch.lerp(tensor, old, self.config["ema_momentum"])

    @torch.no_grad()
    def finalize(self) -> None:
        """Weights become their means, where such are kept, or what their optimiser holds for the end."""
        held = dict(zip(self.tensors, self.finals, strict=True)) if self.finals is not None else {}
        for name, mean in (self.means or held).items():
            self.tensors[name].copy_(mean)
