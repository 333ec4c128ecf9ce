"""Every layer is complete, and what an incomplete one lacks is said with the file it belongs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.layers import types
from conformance.case.load import load_folder
from conformance.inventory.check_layer import check_layer
from conformance.inventory.ours import Use, used
from conformance.reference.base import Layer, Mutant, arg
from conformance.reference.traits import asked, called
from conformance.repro.ports import ports

CASES = Path(__file__).parents[2] / "cases"
USED = Use(frozenset({"family/topic.case"}))


@pytest.fixture(scope="module")
def uses() -> dict[str, Use]:
    found = used(load_folder(CASES))
    return {name: use for (kind, name), use in found.items() if kind == "layers"}


@pytest.mark.parametrize("kind", sorted(types()))
def test_a_layer_is_complete(kind: str, uses: dict[str, Use]) -> None:
    missing = check_layer(types()[kind], is_ported=kind in ports(), use=uses.get(kind, Use()))
    assert not missing, "\n".join(map(str, missing))


class _Bare(Layer):
    steps: int = arg("")

    def compute_mask(self, x: object, mask: object) -> object:
        return mask


def test_what_a_bare_class_lacks_is_said_at_once() -> None:
    missing = [str(one) for one in check_layer(_Bare, is_ported=False, use=Use())]
    where = f"{__name__.replace('.', '/')}.py: _Bare"
    assert missing == [
        f"{where} has no docstring: what it computes, the shapes it takes and returns, and the source of the formula",
        f"{where} says nothing of its argument steps: arg(description)",
        f"{where} does not say what it does to numbers: arithmetic = 'moves' | 'linear' | 'rounds'",
        f"{where} does not say what torch calls it: "
        'native = called("nn.Linear"), composed("x.relu()") or absent(reason)',
        f'{where} has no example: example = asked("_Bare(3)", "5,2"), or `written_as_case` with the reason',
        f"{where} has no mutants: mistakes that somebody really makes, which the cases must find",
        f"{where} has a rule for masks and no mutant that breaks it",
        "conformance/lanes/torch/test_check_layer.py: _Bare has no port: "
        '@port("_Bare"), or `without_port` on its class',
        "cases/test_check_layer/: no case asks about _Bare",
    ]


class _Wrong(Layer):
    """Says much, and nothing of what it takes."""

    arithmetic = "moves"
    native = called("torch.nn.Identity!")
    example = asked("Identity", "3")
    without_port = "torch cannot"
    mutants = (Mutant("nothing", "changes nothing"), Mutant("nothing", "changes nothing"))


def test_what_is_there_and_wrong_is_said_too() -> None:
    missing = [one.what for one in check_layer(_Wrong, is_ported=True, use=USED)]
    assert missing == [
        "_Wrong has a docstring without shapes: x: (batch, steps, channels). Returns (batch, channels)",
        "_Wrong says that torch calls it 'torch.nn.Identity!', which is no name below torch: nn.Linear, F.pad, cat",
        "_Wrong has an example of another layer, Identity",
        "_Wrong has two mutants called nothing",
        "_Wrong has a mutant that changes nothing, nothing",
        "_Wrong has a mutant that changes nothing, nothing",
        "_Wrong says why it has no port, and there is one",
    ]
