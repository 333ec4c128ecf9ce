"""The whole way of one comparison, from two sides to the answer."""

from __future__ import annotations

from pathlib import Path

from conformance.compare import batch as batches
from conformance.compare.causes import Causes
from conformance.compare.ends import End
from conformance.compare.look import Looking
from conformance.compare.result import Comparison
from conformance.compare.session import Session, Settings


def compare(
    model: End,
    port: End,
    names: tuple[str, str],
    given: batches.Batch | None,
    folder: Path,
    settings: Settings,
) -> Comparison:
    """Everything that can be said of two sides in front of one batch.

    Raises CompareError for what cannot be compared, SideRefused for what a side does not do, SideLost for one that
    crashed or hung.
    """
    session = Session(model, port, folder, settings)
    session.describe(given)
    pairing, runs = session.runs(session.batch)
    proofs = session.proofs(pairing)
    rounding = session.rounding()
    looking = Looking(session.model, session.port, pairing, runs, rounding)
    with session.clock("judge"):
        looked = looking.look(proofs)
    starts = looked.starts
    if starts:
        with session.clock("look for causes"):
            starts = Causes(session, pairing, looking, looked, proofs).explained()
    return Comparison(
        names[0],
        names[1],
        {f"{side}: {name}": version for side, name, version in _versions(session)},
        looked.rows,
        starts,
        looked.outputs,
        proofs,
        pairing.left_of_port,
        (*session.model.remarks, *session.port.remarks, *looked.remarks),
        rounding.why_not,
        session.seconds,
        {name: array.shape for name, array in session.batch.items()},
    )


def _versions(session: Session) -> list[tuple[str, str, str]]:
    shown = []
    for side, model in (("model", session.model), ("port", session.port)):
        for name in ("keras", "tf_keras", "tensorflow", "torch", "jax"):
            if name in model.versions:
                shown.append((side, name, model.versions[name]))
    return shown
