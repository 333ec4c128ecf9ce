"""The options of a run of cases."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from conformance.gate.options import add_options


def _at_least_one(text: str) -> int:
    """A number from one on. Raises ArgumentTypeError."""
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def add(parser: pytest.Parser) -> None:
    """Adds the options of a run of cases, and those of the gate."""
    group = parser.getgroup("conformance", "conformance: cases in *.case.yaml through several lanes")
    group.addoption("--lanes", metavar="A,B", help="lanes to run, e.g. keras,torch (the NumPy reference always runs)")
    group.addoption("--results", type=Path, metavar="FILE", help="write results.json here")
    group.addoption(
        "--report",
        type=Path,
        metavar="FILE",
        help="write the HTML report here; unless lanes are named, torch[native] runs beside torch",
    )
    group.addoption("--baseline", type=Path, metavar="FILE", help="say in the report what changed since these results")
    group.addoption(
        "--in-process",
        action="append",
        metavar="LANE",
        help="run this lane in the pytest process, for a debugger (no isolation, no time limit)",
    )
    add_options(group)
    group.addoption(
        "--relations",
        action="store_const",
        const=1,
        default=0,
        help="run each case several times more and ask which relations between the runs every lane keeps",
    )
    group.addoption(
        "--relations-of",
        dest="relations",
        type=int,
        metavar="N",
        help="the same for a sample, one case in N, which is the same each time",
    )
    group.addoption(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="draw every array of every case anew, for campaigns; 0, the default, is what a gate compares",
    )
    group.addoption(
        "--explain-known",
        action="store_true",
        help="find out anew why a lane differs where a listed deviation says it already; takes as long as all the rest",
    )
    group.addoption(
        "--no-explanations",
        action="store_true",
        help="do not find out why a lane differs, and write no scripts: what takes longest where much differs",
    )
    group.addoption(
        "--no-cache",
        action="store_true",
        help="run the reference even where its answer was kept from an earlier run",
    )
    group.addoption(
        "--lane-processes",
        type=_at_least_one,
        metavar="N",
        help="at most so many processes of one lane; another is started where the run waits for a lane while a core is "
        "free, which changes how long it takes and nothing else",
    )
    group.addoption(
        "--mutants",
        type=Path,
        metavar="FILE",
        help="put this score (conformance mutants --json FILE) into the results, for the report",
    )
    parser.addini("conformance_lanes", "lanes that run by default", type="args", default=["keras", "torch", "numpy"])
