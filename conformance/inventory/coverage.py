"""Every public name of Keras with what there is of it here, or why there is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.case.keras_names import PublicName, Release
from conformance.case.model import Case
from conformance.inventory.ours import Available, all_available, arguments_of
from conformance.inventory.reasons import Reasons


@dataclass(frozen=True, slots=True)
class Entry:
    """A public name: what there is of it, or the reason why there is nothing; neither where it is uncovered."""

    name: PublicName
    available: Available | None = None
    reason: str = ""

    @property
    def is_covered(self) -> bool:
        """Whether the name can be asked about in a case, or a reason says why not."""
        return self.available is not None or bool(self.reason)

    @property
    def exercised(self) -> tuple[str, ...]:
        """The arguments that some case writes down and that are in the mathematics."""
        held = self.available
        return () if held is None else tuple(name for name in held.known if name in held.use.arguments)


@dataclass(frozen=True, slots=True)
class Count:
    """Of one kind of names: how many there are, and how many of them have what."""

    kind: str
    names: int
    with_reference: int
    with_port: int
    with_cases: int
    arguments: int
    """Of the names with a reference: how many arguments Keras gives them."""
    in_mathematics: int
    exercised: int
    with_reason: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The inventory of one release."""

    release: Release
    entries: tuple[Entry, ...]
    needless: tuple[str, ...]
    """Names that have a reference and a reason too."""
    doubled: tuple[str, ...]
    """Names with two reasons."""

    @property
    def uncovered(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if not entry.is_covered)

    @property
    def is_complete(self) -> bool:
        return not (self.uncovered or self.needless or self.doubled)

    def counts(self) -> tuple[Count, ...]:
        """A row for each kind of names, in their order."""
        by_kind: dict[str, list[Entry]] = {}
        for entry in self.entries:
            by_kind.setdefault(entry.name.kind, []).append(entry)
        return tuple(_count(kind, rows) for kind, rows in by_kind.items())


def coverage(release: Release, cases: Iterable[Case], reasons: Reasons) -> Coverage:
    """The inventory of a release over these cases."""
    held = all_available(release.names, cases)
    entries = tuple(_entry(item, held, release, reasons) for item in release.names)
    needless = tuple(
        f"{entry.name.kind}.{entry.name.name}"
        for entry in entries
        if entry.available is not None and reasons.of(entry.name.kind, entry.name.name)
    )
    return Coverage(release, entries, needless, reasons.doubled)


def _entry(item: PublicName, held: Mapping[tuple[str, str], Available], release: Release, reasons: Reasons) -> Entry:
    if (item.kind, item.name) in held:
        return Entry(item, held[item.kind, item.name])
    reason = reasons.of(item.kind, item.name)
    called = class_of(item, release)
    if not reason and called is not None and (called.kind, called.name) in held:
        reason = f"the function form of {called.name}, which is asked as a class"
    return Entry(item, reason=reason)


def class_of(item: PublicName, release: Release) -> PublicName | None:
    """The class that a function form is of, by its name: `kl_divergence` is KLDivergence."""
    if item.form != "function":
        return None
    plain = item.name.replace("_", "").casefold()
    return next(
        (other for other in release.of(item.kind).values() if other.form == "class" and other.name.casefold() == plain),
        None,
    )


def _count(kind: str, rows: list[Entry]) -> Count:
    held = [entry for entry in rows if entry.available is not None]
    return Count(
        kind,
        len(rows),
        len(held),
        sum(entry.available.port for entry in held if entry.available),
        sum(bool(entry.available.use.cases) for entry in held if entry.available),
        sum(len(arguments_of(entry.name)) for entry in held),
        sum(len(entry.available.known) for entry in held if entry.available),
        sum(len(entry.exercised) for entry in held),
        sum(bool(entry.reason) for entry in rows),
    )
