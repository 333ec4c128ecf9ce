"""The classifier in torch with packed sequences, right, and with one mistake each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from drawn import drawn, gates
from torch import nn
from torch.nn import functional


class Port(nn.Module):
    """The right one; `mistake` names one of the wrong ones."""

    def __init__(self, mistake: str = "") -> None:
        super().__init__()
        self.mistake = mistake
        self.embed = nn.Embedding(30, 8, padding_idx=0)
        self.gru = nn.GRU(8, 6, batch_first=True, bidirectional=True)
        self.hidden = nn.Linear(12, 12)
        self.scores = nn.Linear(12, 3)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        lengths = (ids != 0).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(self.embed(ids), lengths, batch_first=True, enforce_sorted=False)
        steps, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        match self.mistake:
            case "padding_averaged":
                pooled = steps.mean(1)
            case "last_step":
                pooled = steps[:, -1]
            case _:
                pooled = steps.sum(1) / lengths[:, None]
        if self.mistake == "dropout_on":
            pooled = functional.dropout(pooled, 0.3)
        hidden = self.hidden(pooled)
        if self.mistake == "bias_twice":
            hidden = hidden + self.hidden.bias
        hidden = functional.gelu(hidden, approximate="tanh" if self.mistake == "gelu" else "none")
        return torch.softmax(self.scores(hidden), dim=-1)


def put(target: Any, array: Any) -> None:
    target.data.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def _filled(mistake: str = "") -> Port:
    port = Port(mistake)
    put(port.embed.weight, drawn("embed/embeddings", (30, 8)))
    for scope, end in (("forward", ""), ("backward", "_reverse")):
        kernel, recurrent, bias = (
            drawn(f"gru/{scope}/gru_cell/{name}", shape)
            for name, shape in (("kernel", (8, 18)), ("recurrent_kernel", (6, 18)), ("bias", (2, 18)))
        )
        order = (lambda array: array) if mistake == "gate_order" and scope == "forward" else gates
        put(getattr(port.gru, f"weight_ih_l0{end}"), order(kernel).T)
        put(getattr(port.gru, f"weight_hh_l0{end}"), gates(recurrent).T)
        put(getattr(port.gru, f"bias_ih_l0{end}"), gates(bias[0]))
        put(getattr(port.gru, f"bias_hh_l0{end}"), gates(bias[1]))
    square = drawn("hidden/kernel", (12, 12))
    put(port.hidden.weight, square if mistake == "not_transposed" else square.T)
    put(port.hidden.bias, drawn("hidden/bias", (12,)))
    put(port.scores.weight, drawn("scores/kernel", (12, 3)).T)
    put(port.scores.bias, drawn("scores/bias", (3,)))
    return port.eval()


def right() -> Port:
    return _filled()


def in_training_mode() -> Port:
    return _filled().train()


def padding_averaged() -> Port:
    return _filled("padding_averaged")


def last_step() -> Port:
    return _filled("last_step")


def dropout_on() -> Port:
    return _filled("dropout_on")


def bias_twice() -> Port:
    return _filled("bias_twice")


def gelu() -> Port:
    return _filled("gelu")


def gate_order() -> Port:
    return _filled("gate_order")


def not_transposed() -> Port:
    return _filled("not_transposed")


def stale() -> Port:
    port = _filled()
    port.scores.weight.data.add_(0.01)
    return port


def swapped() -> Port:
    """The two recurrent kernels in each other's place."""
    port = _filled()
    one, other = (getattr(port.gru, f"weight_hh_l0{end}").data.clone().numpy() for end in ("", "_reverse"))
    put(port.gru.weight_hh_l0, other)
    put(port.gru.weight_hh_l0_reverse, one)
    return port


def scripted() -> Any:
    return torch.jit.script(nn.Sequential(nn.Linear(3, 2)))


def raises() -> Port:
    raise ValueError("no weights here")


NOT_A_MODULE = 3


class Crashing(nn.Module):
    """Ends its process when it is called."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        import os

        os.abort()


class Hanging(nn.Module):
    """Never answers."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        import time

        time.sleep(600)
        return ids
