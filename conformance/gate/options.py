"""What the gate adds to a pytest run: its options, the deviations that apply, and what they say at the end.

Nothing is imported here that a run without deviations does not need.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import suite
from conformance.errors import UsageError

if TYPE_CHECKING:
    import pytest

    from conformance.gate.deviations import Deviation
    from conformance.gate.ledger import LaneFacts, Standing
    from conformance.lanes.spec import LaneSpec
    from conformance.protocol.adapter import Identity
    from conformance.record.case import Record
    from conformance.record.parts import DeviationRecord

NATIVE_LANE = "torch[native]"
"""torch's own calls: a report shows what they give beside the lane that makes torch compute Keras' formula."""
FOLDER = "deviations"
"""Where deviations are looked for below the root of the project, when no folder is named."""


def add_options(group: Any) -> None:
    """Adds the gate's options to pytest's parser."""
    group.addoption(
        "--lane",
        action="append",
        default=[],
        metavar="SPEC",
        help="a lane from anywhere: keras@3.3.3, keras[jax], old=keras,tensorflow==2.15.1, x=keras,python=/path",
    )
    group.addoption(
        "--modes",
        metavar="A,B",
        default="eager",
        help="ask each Keras lane in these ways of executing: eager (the default), or eager,function",
    )
    group.addoption(
        "--traced-gradients-of",
        type=int,
        metavar="N",
        help="in these other ways, ask for gradients in one case in N, the same each time; 1: in every case",
    )
    group.addoption(
        "--suite",
        metavar="FAMILY",
        nargs="?",
        help="the cases that come with conformance; of one family: --suite=merge",
    )
    group.addoption("--progress", action="store_true", help=argparse.SUPPRESS)  # for commands that run pytest
    group.addoption("--shard", metavar="K/N", help="run only the Kth of N parts of the cases; see conformance merge")
    group.addoption("--deviations", type=Path, metavar="FOLDER", help=f"known deviations (default: {FOLDER}/ if there)")
    group.addoption("--enforce-expiry", action="store_true", help="fail for deviations that have expired")


def asked_lanes(config: pytest.Config, names: Sequence[str]) -> tuple[list[str], dict[str, LaneSpec]]:
    """All names of lanes that a run is asked for, and the lanes that `--lane` and pyproject.toml declare.

    Raises UsageError for a specification that is not understood, and for a name that is given twice.
    """
    from conformance.lanes.declare import declared, parse

    known = declared(config.rootpath / "pyproject.toml")
    asked = list(names)
    for text in [*config.getoption("lane"), *_beside(config, asked)]:
        spec = known[text] if text in known else parse(text)
        if spec.name in asked:
            raise UsageError(f"two lanes are called {spec.name}", "name one of them: --lane other=keras@3.3.3")
        known[spec.name] = spec
        asked.append(spec.name)
    modes, gradients_of = config.getoption("modes"), config.getoption("traced_gradients_of")
    return _in_modes(asked, known, modes, gradients_of), known


def _beside(config: pytest.Config, names: Sequence[str]) -> list[str]:
    """The lanes that a report has without being asked: torch as its users call it, beside what was made of torch."""
    is_asked = config.getoption("lanes") or config.getoption("lane")
    is_written = config.getoption("report") is not None
    return [NATIVE_LANE] if is_written and not is_asked and "torch" in names else []


def _in_modes(asked: Sequence[str], known: dict[str, LaneSpec], modes: str, gradients_of: int | None) -> list[str]:
    """The lanes with those beside them that ask the same otherwise executed, which become known too."""
    if modes == "eager":
        return list(asked)
    from conformance.gate.modes import GRADIENTS_OF, in_modes, parsed

    if gradients_of is not None and gradients_of < 1:
        raise UsageError(f"--traced-gradients-of {gradients_of}: one case in N, from 1 on", "1 asks in every case")
    wanted = parsed(modes)
    one_in = gradients_of or GRADIENTS_OF
    twins = [twin for name in asked if name in known for twin in in_modes(known[name], wanted, one_in)]
    known.update({twin.name: twin for twin in twins})
    return [*asked, *(twin.name for twin in twins)]


class Excuses:
    """The known deviations of a run."""

    def __init__(self, config: pytest.Config) -> None:
        """Reads the folder. Raises CaseError with the problems of all files, UsageError for a folder that is none."""
        self.deviations: tuple[Deviation, ...] = ()
        self.enforce_expiry = bool(config.getoption("enforce_expiry"))
        given = config.getoption("deviations")
        folder = config.rootpath / FOLDER if given is None else given
        if given is None and not folder.is_dir() and _asks_the_suite(config):
            folder = suite.deviations()  # what is known of its cases comes with them
        if given is not None or folder.is_dir():
            from conformance.gate.deviations import load_folder

            self.deviations = load_folder(folder, config.rootpath)

    def apply(self, record: Record, specs: Sequence[LaneSpec], identities: Mapping[str, Identity]) -> Record:
        """The record with what is known of it."""
        if not self.deviations:
            return record
        from conformance.gate.ledger import excused

        return excused(record, self.deviations, lane_facts(specs, identities))

    def standings(
        self,
        records: Sequence[Record],
        specs: Sequence[LaneSpec],
        identities: Mapping[str, Identity],
        known_cases: Sequence[str] | None,
    ) -> list[Standing]:
        """How every deviation stands; `known_cases` is None for a partial run."""
        if not self.deviations:
            return []
        from conformance.gate.ledger import standings

        today = datetime.datetime.now(datetime.timezone.utc).date()
        return standings(self.deviations, records, lane_facts(specs, identities), known_cases, today)

    def messages(self, standings: Sequence[Standing]) -> list[tuple[str, bool]]:
        """What to print, and whether it fails the run."""
        if not standings:
            return []
        from conformance.gate.ledger import messages

        return messages(standings, self.enforce_expiry)


def _asks_the_suite(config: pytest.Config) -> bool:
    return any(suite.is_in(Path(argument.partition("::")[0])) for argument in config.args)


def lane_facts(specs: Sequence[LaneSpec], identities: Mapping[str, Identity]) -> dict[str, LaneFacts]:
    """What deviations may ask of the lanes that started."""
    from conformance.gate.ledger import LaneFacts

    found = [(spec, identities[spec.name]) for spec in specs if spec.name in identities]
    return {
        spec.name: LaneFacts(spec.adapter, one.versions, one.mode, one.policy, _settings(spec)) for spec, one in found
    }


def _settings(spec: LaneSpec) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in spec.options.get("settings", {}).items())


def known_text(deviation: DeviationRecord) -> str:
    """Why a difference is expected, in one line."""
    link = f" ({deviation.link})" if deviation.link else ""
    return f"{deviation.id}, {deviation.kind}: {deviation.reason}{link}"


def stale_text(deviation: DeviationRecord) -> str:
    """What to do about a deviation that did not happen."""
    return (
        f"stale: {deviation.position}: deviation {deviation.id} says that this lane differs, and it agrees\n"
        "   = help: remove the case from it, narrow `when`, or run `conformance deviations prune RESULTS`"
    )


def split(config: pytest.Config, items: list[Any], is_case: Any) -> tuple[list[Any], tuple[int, int] | None]:
    """The items that this shard leaves to others, and which shard it is. Raises UsageError."""
    text = config.getoption("shard")
    if text is None:
        return [], None
    from conformance.gate.shards import parse, shard_of

    index, count = parse(text)
    others = [item for item in items if isinstance(item, is_case) and shard_of(item.case_id, count) != index]
    return others, (index, count)


def is_full_run(root: Path, collected: set[Path], arguments: Sequence[str], deselected: int) -> bool:
    """Whether a run holds every case of the project: nothing deselected, no item named, no case file left out."""
    if deselected or any("::" in argument for argument in arguments):
        return False
    cases = root / "cases"
    return {file.resolve() for file in cases.rglob("*.case.yaml")} <= {file.resolve() for file in collected}
