"""How the torch lane executes and in which precision: `torch.compile` around every layer, a dtype for all floats.

torch has no dtype policies: a policy here is `torch.set_default_dtype`, and `.to(dtype)` of every float input and
weight, so that everything is computed in that dtype. Under `torch.compile` each port is compiled whole
(`fullgraph=True`): what Dynamo cannot trace is `Unsupported`, never a quiet return to eager execution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from conformance.lanes.torch.port import Unsupported


def set_policy(name: str) -> str:
    """Makes this the dtype of all floats; what torch says it is then."""
    torch.set_default_dtype(getattr(torch, name))
    return str(torch.get_default_dtype()).removeprefix("torch.")


def given(tensor: torch.Tensor) -> torch.Tensor:
    """An input or a weight of the plan, floats in the default dtype."""
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor


def as_numpy(tensor: torch.Tensor) -> tuple[np.ndarray[Any, Any], str]:
    """An array that can travel, and the name of its dtype: NumPy itself has no bfloat16."""
    plain = tensor.detach().resolve_conj()
    data = plain.float() if plain.dtype is torch.bfloat16 else plain
    return data.numpy(), str(plain.dtype).removeprefix("torch.")


class Compiler:
    """`torch.compile` with one backend, for one case at a time."""

    def __init__(self, backend: str) -> None:
        """Raises RuntimeError where this backend cannot compile anything here: it needs a C++ compiler, or another."""
        self.backend = backend
        self.graphs = 0
        try:
            self(lambda x: torch.sin(x) * 2.0)(torch.ones(3))
        except Exception as error:
            words = str(error).strip().splitlines() or [type(error).__name__]
            raise RuntimeError(f"torch.compile cannot use {backend} here: {words[0][:300]}") from error
        if self.graphs != 1:
            raise RuntimeError(f"torch.compile handed {self.graphs} graphs to {backend} where one was written")

    def reset(self) -> None:
        """Forgets what was compiled: Dynamo compiles one function only so often."""
        torch._dynamo.reset()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function compiled; raises Unsupported where Dynamo cannot trace all of it."""
        compiled = torch.compile(function, backend=self._counted, fullgraph=True, dynamic=False)

        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return compiled(*args, **kwargs)
            except (torch._dynamo.exc.Unsupported, torch._dynamo.exc.UserError) as error:
                words = str(error).strip().splitlines() or ["no reason given"]
                raise Unsupported(f"torch.compile cannot trace this as one graph: {words[0][:300]}") from None

        return call

    def _counted(self, graph: Any, inputs: Any, **options: Any) -> Any:
        self.graphs += 1
        return torch._dynamo.lookup_backend(self.backend)(graph, inputs, **options)


def compiler_of(options: Mapping[str, Any]) -> Compiler | None:
    """The compiler of the lane's mode, `compile=` and a backend; None for eager execution."""
    mode = str(options.get("mode", "eager"))
    return Compiler(mode.partition("=")[2]) if mode.startswith("compile=") else None
