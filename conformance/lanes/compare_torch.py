"""The far end of a comparison over torch: loads a module that the user named, and watches every submodule by hooks."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from conformance.lanes.compare_far import (
    DROPPING,
    Refused,
    Request,
    Store,
    called,
    leaves,
    named_object,
    opened,
    refusing,
    said,
)
from conformance.lanes.compare_recorder import Recorder
from conformance.protocol.adapter import Identity


class TorchTensors:
    """torch's tensors, and packed sequences as padded ones."""

    def is_leaf(self, value: Any) -> bool:
        return isinstance(value, (torch.Tensor, PackedSequence))

    def array(self, leaf: Any) -> np.ndarray[Any, Any]:
        if isinstance(leaf, PackedSequence):
            leaf = pad_packed_sequence(leaf, batch_first=True)[0]
        leaf = leaf.detach().cpu()
        if leaf.dtype == torch.bfloat16:
            leaf = leaf.float()
        array: np.ndarray[Any, Any] = leaf.contiguous().numpy()
        return array

    def mask(self, leaf: Any) -> np.ndarray[Any, Any] | None:
        return None

    def put_mask(self, leaf: Any, mask: np.ndarray[Any, Any] | None) -> None:
        """torch's tensors carry no masks."""

    def lengths(self, leaf: Any) -> list[int] | None:
        if not isinstance(leaf, PackedSequence):
            return None
        return [int(length) for length in pad_packed_sequence(leaf, batch_first=True)[1]]

    def token(self, leaf: Any) -> Any:
        return (id(leaf), None if isinstance(leaf, PackedSequence) else leaf._version)

    def like(self, array: np.ndarray[Any, Any], leaf: Any) -> Any:
        if isinstance(leaf, PackedSequence):
            lengths = pad_packed_sequence(leaf, batch_first=True)[1]
            padded = torch.from_numpy(np.array(array)).to(leaf.data.dtype)
            order = leaf.sorted_indices
            if order is None:
                return pack_padded_sequence(padded, lengths, batch_first=True)
            packed = pack_padded_sequence(padded[order], lengths[order], batch_first=True)
            return PackedSequence(packed.data, packed.batch_sizes, order, leaf.unsorted_indices)
        if tuple(array.shape) != tuple(leaf.shape):
            raise ValueError(f"shape {tuple(array.shape)} where the module has {tuple(leaf.shape)}")
        return torch.from_numpy(np.array(array)).to(leaf.dtype)


class TorchEnd:
    """The adapter: answers requests about one torch module."""

    def __init__(self, live: Any = None) -> None:
        versions = {"torch": str(torch.__version__), "numpy": np.__version__, "python": sys.version.split()[0]}
        self.identity = Identity(versions, {"torch": str(torch.__file__)}, False)
        self.tensors = TorchTensors()
        self._name = ""
        self._was_training: list[Any] = []
        self._remarks: list[str] = []
        self._model: Any = None if live is None else self._fit_to_watch(live, "the port")
        self._store: Store | None = None
        self._asked: Mapping[str, Any] = {}

    from_wire = Request.from_wire
    """How the worker reads what it is sent."""

    def observe(self, asked: Request) -> dict[str, Any]:
        """The answer to a request, or its `failure`."""
        request = asked.body
        with refusing() as answer:
            self._asked = request
            self._store = self._store or Store(request["folder"])
            answer.update(getattr(self, f"_{request['verb']}")(request))
        return answer

    def leave(self) -> None:
        """Puts a module that was in training mode back into it."""
        for module in self._was_training:
            module.training = True

    def _loaded(self) -> Any:
        spec = self._asked["model"]
        if self._model is None or (spec is not None and spec["name"] != self._name):
            path, name = spec["path"], spec["name"]
            self._name = name
            found = named_object(path, name)
            if not isinstance(found, torch.nn.Module) and callable(found):
                found = called(found, path, name)
            self._model = self._fit_to_watch(found, f"{path}:{name}")
            if self._asked.get("load"):
                self._load(self._asked["load"])
        return self._model

    def _load(self, path: str) -> None:
        """Puts a state that was saved as tensors alone into the module. Raises Refused."""
        try:
            if path.endswith(".safetensors"):
                from safetensors.torch import load_file

                state = load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
            self._model.load_state_dict(state)
        except Exception as error:
            hint = "save it with torch.save(port.state_dict(), path): tensors alone are loaded, no pickled objects"
            raise Refused("load", f"{path} cannot be loaded into the port: {said(error)[:400]}", hint) from None

    def _fit_to_watch(self, module: Any, where: str) -> Any:
        """Raises Refused for what is no module, and for what hooks do not reach."""
        if isinstance(module, torch.jit.ScriptModule):
            raise Refused(
                "scripted", f"{where} is scripted: its submodules cannot be watched", "name the module itself"
            )
        if hasattr(module, "_orig_mod"):
            hint = "name the module that was given to torch.compile (its _orig_mod)"
            raise Refused("compiled", f"{where} is compiled: its submodules cannot be watched", hint)
        if not isinstance(module, torch.nn.Module):
            kind = type(module).__name__
            hint = "name a module, or a function or class that gives one"
            raise Refused("no model", f"{where} is a {kind}, no torch.nn.Module", hint)
        self._remarks = []
        if module.training:
            self._was_training = [one for one in module.modules() if one.training]
            module.eval()
            self._remarks = [f"{where} was in training mode; it is compared after eval(), as it will be used"]
        return module

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._store is not None
        module = self._loaded()
        layers = []
        for path, inner in module.named_modules():
            own = [
                *((name, value, True) for name, value in inner.named_parameters(recurse=False)),
                *((name, value, False) for name, value in inner.named_buffers(recurse=False)),
            ]
            layers.append(
                {
                    "path": path,
                    "class": type(inner).__name__,
                    "module": type(inner).__module__,
                    "config": {
                        key: value
                        for key, value in vars(inner).items()
                        if not key.startswith("_") and isinstance(value, (bool, int, float, str, tuple))
                    },
                    "weights": [
                        {
                            "name": name,
                            "full": f"{path}.{name}" if path else name,
                            "is_trained": is_trained,
                            "array": self._store.keep(self.tensors.array(value)),
                            "storage": value.untyped_storage().data_ptr(),
                        }
                        for name, value, is_trained in own
                        if value is not None
                    ],
                    "is_leaf": not any(True for _ in inner.children()),
                    "is_training": inner.training,
                    "is_random": DROPPING in type(inner).__name__,
                }
            )
        names = list(inspect.signature(module.forward).parameters)
        return {
            "class": type(module).__name__,
            "layers": layers,
            "inputs": [],
            "arguments": names,
            "remarks": self._remarks,
        }

    def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        module = self._loaded()
        recorder = Recorder(self.tensors, self._store, request.get("force", ()), request.get("only"))
        torch.manual_seed(request.get("seed", 0))
        with self._watching(module, recorder), torch.no_grad():
            self._module_call(module, request)
        return {"calls": recorder.calls}

    def _train(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Gradients of the results times cotangents, and parameters and buffers after one step, by their full names."""
        assert self._store is not None
        module = self._loaded()
        before = {name: value.detach().clone() for name, value in module.state_dict().items()}
        drops = [(one, one.p) for one in module.modules() if hasattr(one, "p") and DROPPING in type(one).__name__]
        modes = {one: one.training for one in module.modules()}
        frozen = [one for one in module.parameters() if not one.requires_grad]
        step = request.get("step")
        answer = []
        try:
            for one, _ in drops:
                one.p = 0.0
            module.train(step is not None)
            module.zero_grad()
            result = self._module_call(module, request)
            nest = {"": result} if self.tensors.is_leaf(result) else result
            held = dict(leaves(nest, self.tensors.is_leaf))
            parts = [
                (held[place] * torch.from_numpy(np.array(opened(one)))).sum()
                for place, one in request["cotangents"].items()
            ]
            total = torch.stack(parts).sum()
            if total.requires_grad:  # where all is detached or frozen, no parameter has a gradient
                total.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
            for name, parameter in module.named_parameters():
                is_absent = parameter.grad is None  # it learns nothing, as if its gradient were 0
                gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                kept = self._store.keep(self.tensors.array(gradient))
                answer.append({"full": name, "of": "gradient", "array": kept, "is_absent": is_absent})
            if step is not None:
                if learning := [one for one in module.parameters() if one.grad is not None]:
                    _optimizer(step, learning).step()
                for name, value in module.state_dict().items():
                    kept = self._store.keep(self.tensors.array(value))
                    answer.append({"full": name, "of": "after", "array": kept})
            return {"arrays": answer, "frozen": len(frozen)}
        finally:
            for one, share in drops:
                one.p = share
            for one, was in modes.items():
                one.training = was
            module.zero_grad()
            module.load_state_dict(before)

    def _module_call(self, module: Any, request: Mapping[str, Any]) -> Any:
        """The module's answer to a batch: arguments by name where the request names them, else in order."""
        args, kwargs = [], {}
        for one in request["arguments"]:
            array = np.array(opened(one["array"]))
            if one.get("axes"):
                array = array.transpose(one["axes"])
            tensor = torch.from_numpy(np.ascontiguousarray(array))
            tensor = (
                tensor.long() if array.dtype.kind in "iu" else tensor.float() if array.dtype.kind == "f" else tensor
            )
            if one.get("name"):
                kwargs[one["name"]] = tensor
            else:
                args.append(tensor)
        return module(*args, **kwargs)

    @contextlib.contextmanager
    def _watching(self, module: Any, recorder: Recorder) -> Iterator[None]:
        """Hooks on every submodule while this lasts; torch's fused paths, which pass them by, are off."""
        handles = []
        was_fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)

        def before(path: str) -> Any:
            return lambda _, args, kwargs: recorder.begin(path, args, kwargs)

        def after(_: Any, args: Any, kwargs: Any, output: Any) -> Any:
            return recorder.end(output)

        try:
            for path, inner in module.named_modules():
                handles.append(inner.register_forward_pre_hook(before(path), with_kwargs=True))
                handles.append(inner.register_forward_hook(after, with_kwargs=True))
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(was_fast)
            for handle in handles:
                handle.remove()


def _optimizer(step: Mapping[str, Any], parameters: Any) -> Any:
    """torch's optimiser with Keras' arguments."""
    config = step["config"]
    if step["type"] == "SGD":
        momentum, nesterov = config.get("momentum", 0.0), config.get("nesterov", False)
        return torch.optim.SGD(parameters, lr=config["learning_rate"], momentum=momentum, nesterov=nesterov)
    betas = (config.get("beta_1", 0.9), config.get("beta_2", 0.999))
    return torch.optim.Adam(parameters, lr=config["learning_rate"], betas=betas, eps=config.get("epsilon", 1e-7))


def start(options: Mapping[str, Any]) -> TorchEnd:
    """One thread, as every lane: sums are made in one order."""
    torch.set_num_threads(1)
    return TorchEnd()


def over(module: Any) -> TorchEnd:
    """The far end of a live module, in this process."""
    return TorchEnd(module)
