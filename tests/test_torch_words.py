"""torch's words: every name is asked or has a reason, the page says so, and every example runs in torch as it is."""

from __future__ import annotations

import dataclasses
import inspect
import operator
from functools import cache
from typing import Any

import numpy as np
import pytest

from benchmarks import torch_words
from benchmarks.torch_words import ROOT, names_of_torch
from conformance.ask.question import Options, question_of
from conformance.ask.write import case_text, load
from conformance.case.elsewhere import torch_reasons
from conformance.oracle.run import Depth, answer
from conformance.plans.draw import plan_of
from conformance.protocol.observation import from_message
from conformance.reference.catalog import TORCH, TORCH_OPTIMIZERS

CLASSES: dict[Any, None] = dict.fromkeys(TORCH.values())
ASKED = [kind for kind in CLASSES if not kind.written_as_case]


@pytest.mark.torch
def test_every_public_name_is_asked_or_has_a_reason() -> None:
    known = {*TORCH, *TORCH_OPTIMIZERS}
    assert set(names_of_torch()) - known - torch_reasons().keys() == set()
    assert torch_reasons().keys() & known == set()
    assert torch_reasons().keys() - set(names_of_torch()) == set()


@pytest.mark.torch
def test_every_argument_of_torch_is_taken_or_has_a_reason() -> None:
    """Of modules, optimisers and those functions whose signature Python can read; torch's private ones aside."""
    import torch
    import torch.nn.utils.parametrizations
    import torch.nn.utils.rnn

    places = {"nn": torch.nn, "F": torch.nn.functional, "optim": torch.optim}
    taken_by_lanes = {"self", "params", "device", "dtype", "name", "args", "kwargs"}
    missing = []
    every: dict[str, Any] = {**TORCH, **TORCH_OPTIMIZERS}
    for name, kind in every.items():
        place, _, own = name.partition(".")
        try:
            arguments = set(inspect.signature(operator.attrgetter(own)(places[place])).parameters)
        except ValueError:  # a function that is not written in Python
            continue
        asked = {field.name for field in dataclasses.fields(kind)} | kind.not_here.keys()
        if place == "F" or own.startswith("utils.rnn."):
            asked |= set(inspect.signature(kind.call).parameters)
        missing += [f"{name}({one})" for one in sorted(arguments - asked - taken_by_lanes) if not one.startswith("_")]
    assert missing == []


def test_the_page_is_current() -> None:
    page = (ROOT / "docs" / "torch.md").read_text(encoding="utf-8")
    assert torch_words.page() == page, "python -m benchmarks.torch_words -o docs/torch.md writes it"


def test_every_name_has_a_case() -> None:
    asked = torch_words.cases_of()
    assert [name for name in (*TORCH, *TORCH_OPTIMIZERS) if name not in asked] == []


@cache
def _lane() -> Any:
    from conformance.lanes.torch.lane import start

    return start({})


@pytest.mark.torch
@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.names[0])
def test_the_formula_is_what_torch_gives(kind: Any) -> None:
    question = question_of(Options(layer=kind.example.layer, inputs=kind.example.inputs))
    plan = plan_of(load(case_text(question), None), with_gradients=False)
    reference = answer(plan, Depth.VALUES)
    given = from_message("torch", "torch", _lane().observe(plan))
    assert (reference.failure, given.failure, given.unsupported) == (None, None, None)
    for wanted, found in zip(reference.runs[0]["result"].outputs, given.runs[0]["result"].outputs, strict=True):
        assert (wanted.shape, wanted.dtype) == (found.shape, found.dtype)
        np.testing.assert_allclose(found.values, wanted.values, rtol=2e-5, atol=2e-5)


@pytest.mark.torch
def test_the_row_of_padding_stays() -> None:
    from conformance.case.load import load_file

    path = ROOT / "cases" / "torch" / "optimizers.case.yaml"
    (case,) = (
        one for one in load_file(path, "cases/torch/optimizers.case.yaml") if one.id.endswith("padding_row_stays")
    )
    plan = plan_of(case)
    given = from_message("torch", "torch", _lane().observe(plan))
    before, after = plan.layers["table"].weights["weight"], given.runs[0]["table.weight@2"].outputs[0].values
    assert np.array_equal(before[0], np.asarray(after)[0])
    assert not np.array_equal(before[1], np.asarray(after)[1])
