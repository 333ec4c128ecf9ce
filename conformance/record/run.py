"""A results file as a typed value: what a run was, what its lanes proved to be, and a record a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from conformance.form import ABSENT, CONFIG, Count, Number
from conformance.judge.verdict import Verdict
from conformance.record.beside import BaselineRecord
from conformance.record.case import Record

SCHEMA_VERSION: Literal[1] = 1
KIND: Literal["conformance-results"] = "conformance-results"
Many = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class HarnessRecord:
    """Which version wrote a file."""

    __pydantic_config__ = CONFIG

    name: str
    """The harness."""
    version: str
    """Its version."""


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """What a machine is, as far as it can change an answer."""

    __pydantic_config__ = CONFIG

    python: str
    """Version of the interpreter."""
    implementation: str
    """Which Python."""
    system: str
    """The operating system."""
    machine: str
    """The processor's architecture."""
    cpus: int | None
    """Number of processors; null where the system does not say."""
    packages: Mapping[str, str]
    """Package to version."""
    variables: Mapping[str, str]
    """Environment variables that change answers, as far as they were set."""


@dataclass(frozen=True, slots=True)
class UnavailableRecord:
    """Why a lane could not start."""

    __pydantic_config__ = CONFIG

    message: str
    """What happened, in a line or with the last words of an installer."""
    hint: str
    """What to do about it; may be empty."""


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One lane of a run."""

    __pydantic_config__ = CONFIG

    name: str
    """The lane's name."""
    adapter: str
    """The adapter that runs it."""
    role: Literal["reference", "subject"]
    """The reference, or a subject that is held against it."""
    versions: Mapping[str, str]
    """Package to version, as the lane proved them."""
    files: Mapping[str, str]
    """Package to the file of the module that answered, from site-packages on."""
    gives_masks: bool
    """Whether masks are the framework's own; else they are carried along by the harness and not judged."""
    mode: str = field(default="", kw_only=True)
    """How the lane executed: eager, function, xla, predict, or compile= and a backend. Empty where it never started."""
    policy: str = field(default="", kw_only=True)
    """Its dtype policy, as the lane proved it. Empty where it never started."""
    settings: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    """Environment variables that it was asked for with; older files do not say."""
    selected: Count
    """Cases that the lane was given."""
    ran: Count
    """Cases that it answered or raised on."""
    unavailable: UnavailableRecord | None = field(default=None, kw_only=True)
    """Why the lane could not start, so that it ran none of its cases; null where it did. Older files do not say."""
    verdicts: Mapping[Verdict, Many]
    """Verdict to number of cases."""


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """How a listed deviation stands after a run."""

    __pydantic_config__ = CONFIG

    id: str
    """Its id."""
    kind: str
    """`bug`, `upstream`, `by design` or `ours to do`."""
    state: Literal["active", "stale", "unmatched", "unused"]
    """How it stands: it happened, it no longer happens, it names a case that does not exist, or it is about nothing
    that ran."""
    is_expired: bool
    """Whether its date has passed."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """Which part of which whole a run is."""

    __pydantic_config__ = CONFIG

    index: Many
    """Which part, from 1."""
    count: Many
    """Of how many."""
    cases: Count
    """How many cases the whole has."""
    digest: str
    """Of the ids of all cases of the whole: parts of one whole have the same."""
    is_full: bool
    """Whether the whole is every case of the project."""


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """What there is of one layer type."""

    __pydantic_config__ = CONFIG

    options: tuple[str, ...]
    """The arguments that its constructor takes."""
    mutants: tuple[str, ...]
    """The plausible mistakes in it that the reference names."""


@dataclass(frozen=True, slots=True)
class NotRunRecord:
    """A case that was selected and has no record."""

    __pydantic_config__ = CONFIG

    id: str
    """Its id."""
    reason: str
    """Why it did not run."""


@dataclass(frozen=True, slots=True)
class FooterRecord:
    """Proves that a file is whole."""

    __pydantic_config__ = CONFIG

    complete: bool
    """Whether every selected case has a record."""
    stopped: str
    """Why the run stopped early; empty where it did not."""
    cases: Count
    """How many records the file holds."""


@dataclass(frozen=True, slots=True)
class KilledRecord:
    """How many of a layer's plausible mistakes some case tells from the real layer."""

    __pydantic_config__ = CONFIG

    killed: Count
    """Mistakes that at least one case finds."""
    of: Count
    """Mistakes that there are."""


@dataclass(frozen=True, slots=True)
class Results:
    """Results of a run: versioned, complete, and the only source of every report, diff and gate."""

    __pydantic_config__ = CONFIG

    schema_version: Literal[1]
    """The version of this format."""
    kind: Literal["conformance-results"]
    """Says that this is a results file of this harness."""
    harness: HarnessRecord
    """Which version wrote the file."""
    started: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$")]
    """When the run started, in UTC."""
    seconds: Annotated[Number, Field(ge=0)]
    """How long the run took."""
    command: str
    """How the run was started."""
    environment: EnvironmentRecord
    """What the machine is, as far as it can change an answer."""
    lanes: tuple[LaneRow, ...]
    """A row a lane."""
    is_full: bool
    """Whether every case of the project was asked for."""
    counts: Mapping[Verdict, Many]
    """Outcome to number of cases."""
    deviations: tuple[StandingRecord, ...]
    """The listed deviations, and how each stands after the run."""
    shard: ShardRecord | None = field(default=None, kw_only=True)
    """Which part of which whole this is; null, or not there, for a run that is not split."""
    seed: int = field(default=0, kw_only=True)
    """What the arrays were drawn with: 0 for the gate's fixed draws, another number in campaigns; older files do not
    say."""
    catalog: Mapping[str, CatalogRow] = field(default_factory=dict, kw_only=True)
    """What there is of the layers that cases use, by layer type; older files do not say."""
    cases: tuple[Record, ...]
    """A record a case, in the order of collection."""
    not_run: tuple[NotRunRecord, ...]
    """Cases that were selected and have no record."""
    footer: FooterRecord
    """Proves that the file is whole."""
    mutants: Mapping[str, KilledRecord] | None = field(default=None, kw_only=True, metadata=ABSENT)
    """Layer type to how many of its plausible mistakes some case tells from the real layer, as measured by `conformance
    mutants`; only there where a run was given that score."""
    baseline: BaselineRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """An earlier run, and what changed since. Laid beside the results for a page; no run writes it."""
