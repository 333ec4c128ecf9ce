"""The whole way of one comparison, from two sides to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.comparison import batch as batches
from conformance.comparison.causes import Causes
from conformance.comparison.ends import End
from conformance.comparison.evidence import of_one_number
from conformance.comparison.look import Looking
from conformance.comparison.result import Comparison
from conformance.comparison.save import saved
from conformance.comparison.session import Rounding, Session, Settings
from conformance.comparison.sides import check_pairs, pairs_text
from conformance.comparison.training import Trained, trained
from conformance.results import write_whole


@dataclass(frozen=True, slots=True)
class Options:
    """What is done besides comparing values."""

    with_gradients: bool = False
    step: Mapping[str, Any] | None = None
    """An optimiser's type and config, for one step."""
    save: Path | None = None
    """A folder for the starts as cases."""
    write_pairs: Path | None = None
    """A file for the pairs that were found."""


def compare(
    model: End,
    port: End,
    names: tuple[str, str],
    given: batches.Batch | None,
    folder: Path,
    settings: Settings,
    options: Options = Options(),  # a frozen value
    known_rounding: Rounding | None = None,
) -> Comparison:
    """Everything that can be said of two sides in front of one batch.

    `known_rounding` is that of the same model in front of the same batch, where it was measured before. Raises
    CompareError for what cannot be compared, SideRefused for what a side does not do, SideLost for one that
    crashed or hung.
    """
    session = Session(model, port, folder, settings)
    session.describe(given)
    if settings.pairs is not None:
        check_pairs(dict(settings.pairs), session.model, session.port, "--pairs")
    pairing, runs = session.runs(session.batch)
    if options.write_pairs is not None:
        write_whole(options.write_pairs, pairs_text(pairing))
    proofs = session.proofs(pairing)
    rounding = session.rounding() if known_rounding is None else known_rounding
    looking = Looking(session.model, session.port, pairing, runs, rounding)
    with session.clock("judge"):
        looked = looking.look(proofs)
    starts = looked.starts
    if starts:
        with session.clock("look for causes"):
            starts = Causes(session, pairing, looking, looked, proofs).explained()
    shown = Trained()
    if options.with_gradients or options.step is not None:
        with session.clock("train"):
            shown = trained(session, pairing, looking, options.step, bool(starts))
    remarks = [*session.model.remarks, *session.port.remarks, *looked.remarks, *shown.remarks]
    remarks += of_one_number(session.batch, runs)
    if options.save is not None:
        remarks += saved(options.save, looking, looked)
    return Comparison(
        names[0],
        names[1],
        {f"{side}: {name}": version for side, name, version in _versions(session)},
        looked.rows,
        (*starts, *shown.starts),
        looked.outputs,
        proofs,
        pairing.left_of_port,
        tuple(remarks),
        rounding.why_not,
        session.seconds,
        {name: array.shape for name, array in session.batch.items()},
        shown.gradients,
        shown.after,
    )


def _versions(session: Session) -> list[tuple[str, str, str]]:
    shown = []
    for side, model in (("model", session.model), ("port", session.port)):
        for name in ("keras", "tf_keras", "tensorflow", "torch", "jax"):
            if name in model.versions:
                shown.append((side, name, model.versions[name]))
    return shown
