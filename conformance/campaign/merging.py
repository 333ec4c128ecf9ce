"""Folders of campaigns about the same put together: their seeds, their coverage, and what they found, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.campaign.campaign import name_of
from conformance.campaign.folder import VERSION, Finding, Folder, opened, read
from conformance.campaign.written import write_case
from conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of putting folders together."""

    seeds: int
    twice: int
    """Seeds that more than one of them had run; the first is kept."""
    findings: int
    alike: int
    """Findings that an earlier folder had already."""


def merged(paths: Sequence[Path], into: Path) -> Merged:
    """Puts folders together in a new one. Raises UsageError for campaigns about different things."""
    if (into.is_dir() and any(into.iterdir())) or into.is_file():
        raise UsageError(f"{into} is there already", "name a new folder: -o campaigns/all")
    folders = [read(path) for path in paths]
    first = replace(folders[0].about, version=VERSION)
    for folder in folders[1:]:
        if replace(folder.about, version=VERSION) != first:
            hint = "the same lanes and versions, the same --layers, --like, --also and graphs"
            raise UsageError(f"{folder.path} is a campaign about something else than {folders[0].path}", hint)
    twice = alike = 0
    with opened(into, first) as target:
        for folder in folders:
            for seed, row in folder.seeds.items():
                twice += seed in target.seeds
                if seed not in target.seeds:
                    target.add_seed(row)
            for finding in folder.kept:
                if target.like(finding.signature) is not None:
                    alike += 1
                else:
                    _add(target, folder, finding)
        return Merged(len(target.seeds), twice, len(target.findings), alike)


def _add(target: Folder, folder: Folder, finding: Finding) -> None:
    """Adds a finding with its files, which it keeps unless another one has its name."""
    named = replace(finding, name=name_of(finding.signature, target.findings))
    target.add(named)
    if named.name != finding.name:
        write_case(target, named, None)
        return
    files = {file.name: file.read_text(encoding="utf-8") for file in folder.file(finding).parent.glob("*")}
    target.take_files(named, files)
