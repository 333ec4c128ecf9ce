"""What a layer's methods say when they are asked directly, held against what comes when the layer is called.

`compute_output_shape` for the open lengths must promise every size that comes; `compute_mask` must give the mask that
the reference gives, none where that has none.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from conformance.judge.compare import labels
from conformance.judge.verdict import Finding
from conformance.protocol.names import MASKS, SHAPES
from conformance.protocol.observation import Direct, Node, Observation


def method_findings(
    got: Observation, reference: Observation, gives_masks: bool, spoken_of: Container[int] | None = None
) -> Iterator[Finding]:
    """Every method whose direct answer is another one than what comes. The kind of a finding is the method's name.

    `spoken_of` are the runs of which symbolic shapes speak, from which the methods are asked; None for all.
    """
    for node, said in got.methods.items():
        shapes, masks = said.get(SHAPES), said.get(MASKS)
        if shapes is not None:
            yield from _shapes(node, shapes, reference, spoken_of)
        if masks is not None and gives_masks and reference.runs and node in reference.runs[-1]:
            yield from _masks(node, masks, reference.runs[-1][node], len(reference.runs) - 1)


def _shapes(node: str, said: Direct, reference: Observation, spoken_of: Container[int] | None) -> Iterator[Finding]:
    if said.failure is not None:
        yield Finding("methods", f"{SHAPES}_raised", node, got=said.failure)
        return
    for run, nodes in enumerate(reference.runs):
        if node in nodes and (spoken_of is None or run in spoken_of):
            wanted = tuple(output.shape for output in nodes[node].outputs)
            if not _promises(said.shapes, wanted):
                yield Finding("methods", SHAPES, node, run, wanted, said.shapes)
                return


def _promises(said: tuple[tuple[int | None, ...], ...], wanted: tuple[tuple[int, ...], ...]) -> bool:
    """Whether every known length is as long as it comes, of as many arrays with as many axes."""
    return [len(shape) for shape in said] == [len(shape) for shape in wanted] and all(
        length is None or length == found
        for shape, given in zip(said, wanted, strict=True)
        for length, found in zip(shape, given, strict=True)
    )


def _masks(node: str, said: Direct, wanted: Node, run: int) -> Iterator[Finding]:
    if said.failure is not None:
        yield Finding("methods", f"{MASKS}_raised", node, run, got=said.failure)
        return
    count = len(wanted.outputs)
    says_none = len(said.masks) == 1 and said.masks[0] is None  # of several too: none of them has a mask
    masks = (None,) * count if says_none else said.masks
    if len(masks) != count:
        yield Finding("methods", f"{MASKS}_count", node, run, count, len(masks))
        return
    for label, mask, output in zip(labels(node, count, wanted.structure), masks, wanted.outputs, strict=True):
        is_same = (mask is None) == (output.mask is None)
        if not is_same or (mask is not None and not np.array_equal(mask, np.asarray(output.mask))):
            yield Finding("methods", MASKS, label, run, output.mask, mask)
