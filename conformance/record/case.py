"""The record of a case: its question, what its lanes gave, what was said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from conformance.form import ABSENT, CONFIG, Nested, Number
from conformance.judge.verdict import Verdict
from conformance.record.beside import ChangeRecord, VersionsRecord
from conformance.record.lane import LaneRecord
from conformance.record.parts import ExpectedErrorRecord, PairRecord

Axes = tuple[int | str, ...]
"""A shape as a case writes it: lengths, axis names, or arithmetic over them."""


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where a question or its expected values come from."""

    __pydantic_config__ = CONFIG

    kind: Literal["docs", "paper", "hand", "observed", "question"]
    """What sort of source."""
    reference: str
    """The page, paper or file."""
    note: str
    """A remark on it."""


@dataclass(frozen=True, slots=True)
class ExpectedNodeRecord:
    """What a case says of one node; null leaves that aspect to the reference."""

    __pydantic_config__ = CONFIG

    shape: Axes | None = None
    """Lengths, axis names, or arithmetic over them."""
    symbolic: tuple[int | str | None, ...] | None = None
    """The shape before there are numbers."""
    dtype: str | None = None
    """The dtype."""
    mask: Nested | None = None
    """`none`, `all`, or the entries; null where the case does not say."""
    values: Nested | None = None
    """The literal values where there are at most 64; else null."""


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """A statement between nodes that must hold in every lane."""

    __pydantic_config__ = CONFIG

    kind: Literal["same", "differ"]
    """`same` or `differ`."""
    nodes: tuple[str, ...]
    """The nodes."""


@dataclass(frozen=True, slots=True)
class DrawsRecord:
    """A statement about what a lane draws at random for a node, as written; null where nothing is said."""

    __pydantic_config__ = CONFIG

    node: str
    """The node."""
    of: str | None
    """The input or node from which it drops."""
    dropped: Number | None
    """The share of draws that gives 0."""
    scale: Number | None
    """What is kept is `of` times this."""
    shared: tuple[int, ...]
    """Axes along which all positions share one draw."""
    own: bool
    """Whether positions along every other axis have draws of their own."""
    among: Mapping[str, Number] = field(default_factory=dict)
    """Nodes of which each sample is one, and how likely it is that one; empty where nothing is said."""
    between: tuple[str, ...] = ()
    """Two nodes between which each sample lies, at a place drawn evenly; empty where nothing is said."""
    parts: int = 4
    """Into how many parts of equal probability that line is divided."""
    drawn_from: Mapping[str, Any] | None = None
    """The initialiser of which each sample is a weight, or the function of `keras.random`; with their arguments."""


@dataclass(frozen=True, slots=True)
class ExpectsRecord:
    """What a case says beforehand, as written."""

    __pydantic_config__ = CONFIG

    nodes: Mapping[str, ExpectedNodeRecord]
    """Node to what it must be; null leaves that aspect to the reference."""
    params: Mapping[str, int]
    """Layer to its number of weight scalars."""
    weights: Mapping[str, Mapping[str, Axes]]
    """Layer to its weights' shapes in Keras' layout."""
    native_weights: Mapping[str, Mapping[str, Mapping[str, Axes]]]
    """Lane to layer to the shapes of the framework's own weights."""
    errors: tuple[ExpectedErrorRecord, ...]
    """Errors that must happen; any one of those for a lane is enough."""
    claims: tuple[ClaimRecord, ...]
    """Statements between nodes that must hold in every lane."""
    draws: tuple[DrawsRecord, ...] | None = field(default=None, metadata=ABSENT)
    """Statements about what each lane draws at random. Only there where a case makes some."""


@dataclass(frozen=True, slots=True)
class ToleranceRecord:
    """A tolerance that replaces the budget."""

    __pydantic_config__ = CONFIG

    rtol: Number
    """Relative part."""
    atol: Number
    """Absolute part."""
    reason: str
    """Why the budget does not do."""


@dataclass(frozen=True, slots=True)
class MutantsRecord:
    """The mistakes in a case's layers that it tells from the real layers, and those that it does not."""

    __pydantic_config__ = CONFIG

    killed: tuple[str, ...]
    """`Layer.mutant` of each that is found."""
    survived: tuple[str, ...]
    """Of each that is not."""


@dataclass(frozen=True, slots=True)
class Record:
    """One case: its question, what its lanes gave, what was said of them."""

    __pydantic_config__ = CONFIG

    id: str
    """`family/topic.variant`: stable, and the permanent link in the report."""
    topic: str
    """What the case's file is about."""
    question: str
    """The question in the words of those who ask it."""
    answer: str
    """The answer as a template with facts in braces; may be empty."""
    remark: str
    """A sentence for the page; may be empty."""
    source: SourceRecord
    """Where the question or the expected values come from."""
    path: str
    """The case's file, from the project's root on."""
    line: Annotated[int, Field(ge=1)]
    """The line of the file on which the case begins."""
    tags: tuple[str, ...]
    """Words by which cases are selected."""
    questions: tuple[int, ...]
    """Rows of the list of user questions that the case helps to settle."""
    layers: tuple[str, ...]
    """Layer types, in order of appearance."""
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict, kw_only=True)
    """Layer type to the arguments that the case gives another value than their default; older files do not say."""
    dims: tuple[Mapping[str, int], ...]
    """Axis name to length, one mapping a run."""
    dynamic: tuple[str, ...]
    """Axes that are open in the symbolic run."""
    digest: str
    """Of everything that decides the outcome; the wording of the question is no part of it."""
    kills: tuple[str, ...]
    """`Layer.mutant` of mistakes that the case must tell from the real layer."""
    text: str
    """The YAML of the case, as written."""
    matrix: Mapping[str, Any]
    """The variables of this variant and their values."""
    expects: ExpectsRecord
    """What the case says beforehand."""
    tolerance: ToleranceRecord | None
    """A tolerance that replaces the budget; null where there is none."""
    budget_scale: Annotated[float, Field(gt=0, le=1)] = field(default=1.0, kw_only=True)
    """What the case leaves of the derived budget; older files do not say: 1."""
    exact: tuple[str, ...] = field(default=(), kw_only=True)
    """Nodes that must be the reference to the last bit because the case asks for it."""
    expects_error: bool
    """Whether an error is the expected answer of some lane."""
    outcome: Verdict
    """The worst verdict of the lanes."""
    odd_one_out: str | None
    """The one lane that all others contradict while they agree among themselves (`numpy`: suspect the reference); else
    null."""
    pairs: tuple[PairRecord, ...]
    """Every two lanes side by side."""
    lanes: Mapping[str, LaneRecord]
    """Lane to what it gave."""
    mutants: MutantsRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The mistakes in its layers that this case tells from the real layers, and those that it does not; only there
    where a run was given the score."""
    again: str | None = field(default=None, kw_only=True, metadata=ABSENT)
    """The command that asks this question once more. Only there where it was asked without a case."""
    versions: VersionsRecord | None = field(default=None, kw_only=True, metadata=ABSENT)
    """What other versions said to the case. Laid beside it for a page; no run writes it."""
    changed: tuple[ChangeRecord, ...] | None = field(default=None, kw_only=True, metadata=ABSENT)
    """What it said in a baseline, and says now. Laid beside it for a page; no run writes it."""
