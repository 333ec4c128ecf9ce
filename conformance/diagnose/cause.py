"""Why a lane differs, as data: `conformance.diagnose.words` makes the sentence of it, last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conformance.diagnose.divergence import Divergence

Kind = Literal["mistake", "parts", "slip", "change", "gradient_mistake", "gradient_change", "error", "unknown"]
"""What sort of cause: a mistake in a layer, one at each of several nodes, a slip in a formula, a change of the values;
a mistake or a change that gradients alone show; a mistake after which the same error is raised; none that is known."""


@dataclass(frozen=True, slots=True)
class Blame:
    """A mistake that would give the lane's answer."""

    does: str
    """What somebody does who makes it, in words that follow `one who`."""
    name: str = ""
    """`Layer.mutant`, or `Layer.argument=value`; empty for a place in the graph or a slip in a formula."""
    shown: str = ""
    """The name as it stands behind the words: without an argument that they say already."""
    node: str = ""
    """Where, if it explains this node alone."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of a lane that differs: where it starts, and why, as far as it is known."""

    lane: str
    kind: Kind
    mistakes: tuple[Blame, ...] = ()
    """Several where the case cannot tell them apart; of `parts` those of every node."""
    change: str = ""
    """The change of the reference's array, in words that follow `the reference's`."""
    divergences: tuple[Divergence, ...] = ()
    inputs: tuple[str, ...] = ()
    """The case's inputs, which need no mention among what agrees."""
    not_judged: tuple[str, ...] = ()
    """The outputs of the lane that are not judged, so that nobody knows whether they agree."""
    is_confirmed: bool = True
    """Whether the cause also gave the lane's answer to another draw of inputs and weights. Where nobody could be asked
    again it is consistent with what was seen, and no more is said."""

    @property
    def mutants(self) -> tuple[str, ...]:
        """The names of the mistakes that have one."""
        return tuple(one.name for one in self.mistakes if one.name)
