"""All that one does with this project, each by one command; see README.md.

Sessions share one environment, `.nox/shared`, made by venv and pip from constraints.txt: the frameworks are installed
once.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.10.14"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "tests", "report"]

TOOLS = (
    "axe-playwright-python",
    "hatchling",
    "import-linter",
    "jsonschema",
    "mypy",
    "nox",
    "playwright",
    "pypdf",
    "ruff",
)
BIN = Path(".nox", "shared", "bin").absolute()
ENVIRONMENT = {
    "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
    "PYTHONDONTWRITEBYTECODE": "",  # hundreds of processes import the same modules: they are compiled once
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


@nox.session(reuse_venv=True)
def shared(session: nox.Session) -> None:
    """Make or renew the environment that the other sessions run in."""
    extras = "lanes,encoder,parallel,watch,campaign,cluster,completion,export"
    session.install("-q", "-c", "constraints.txt", "-e", f".[{extras}]", *TOOLS)
    session.install("-q", "--no-deps", "-c", "constraints.txt", "keras-hub")  # a model of its is compared with a port


SPREAD = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
"""Tests of one file share what is made for all of them, in one process; tests/conftest.py says which come first."""


def run(session: nox.Session, command: str, *arguments: str) -> None:
    """A command of the shared environment."""
    session.run(str(BIN / command), *arguments, env=ENVIRONMENT, external=True)


@nox.session(venv_backend="none", requires=["shared"])
def report(session: nox.Session) -> None:
    """Run every case in every lane; write reports/results.json and reports/index.html. Arguments go to pytest."""
    written = ["--results=reports/results.json", "--report=reports/index.html"]
    if Path("reports/mutants.json").exists():
        written.append("--mutants=reports/mutants.json")
    run(session, "pytest", "cases", "-q", *written, *session.posargs)


@nox.session(venv_backend="none", requires=["shared"])
def tests(session: nox.Session) -> None:
    """Run the harness's own tests, on up to four processors at once; with arguments, what they say."""
    has_browser = shutil.which("chromium") is not None or "CI" in os.environ
    if not has_browser:
        session.log("no chromium on this machine: browser tests are left out (apt-get install chromium)")
    marks = () if has_browser else ("-m", "not browser")
    if session.posargs:
        run(session, "pytest", "-q", *marks, *session.posargs)
        return
    run(session, "pytest", "-q", *marks, *SPREAD, "tests")


@nox.session(venv_backend="none", requires=["shared"])
def fast(session: nox.Session) -> None:
    """Run the tests that need no framework and no browser. Arguments go to pytest."""
    run(session, "pytest", "-q", "tests", "-m", "not torch and not frameworks and not browser", *session.posargs)


@nox.session(venv_backend="none", requires=["shared"])
def rosetta(session: nox.Session) -> None:
    """Run torch's own calls over every case, and write docs/rosetta.md: what torch calls each part of Keras.

    How weights move over stands there too, where the two differ, and for each call a case in which it agrees.
    """
    results = "reports/native.json"
    run(session, "pytest", "cases", "-q", "--lane=torch[native]", f"--results={results}")
    run(session, "python", "-m", "benchmarks.rosetta", "--results", results, "-o", "docs/rosetta.md")


@nox.session(venv_backend="none", requires=["shared"])
def mutants(session: nox.Session) -> None:
    """Run every case against plausible mistakes in its layers; no framework. Fails when a mistake goes unseen."""
    run(session, "conformance", "mutants", "-o", "docs/evidence/mutants.md", "--json", "reports/mutants.json")
    run(session, "python", "-m", "benchmarks.numbers", "-o", "docs/evidence/README.md")  # which reads that page


@nox.session(venv_backend="none", requires=["shared"])
def operation_mutants(session: nox.Session) -> None:
    """Try mistakes in every function of keras.ops against its generated cases; no framework. Some four minutes.

    Fails when a mistake goes unseen. With arguments, such as `--shard 1/32`, a sample that writes no page.
    """
    page = ("-o", "docs/evidence/operation_mutants.md")
    run(session, "conformance", "mutants", "--operations", *(session.posargs or page))


@nox.session(venv_backend="none", requires=["shared"])
def faults(session: nox.Session) -> None:
    """Put faults into Keras and torch as they run; fails when too few are found or named. Some ten minutes.

    With arguments, such as `--every 8`, a sample in half a minute that writes no page. With `--keep FILE -o
    docs/evidence/faults.md` it may be stopped and goes on where it was; the file is of one version of the code.
    `--held-out held_out` takes faults that nobody had in mind when cases and mutants were written.
    """
    run(session, "python", "-m", "tests.faults.campaign", *(session.posargs or ["-o", "docs/evidence/faults.md"]))


@nox.session(venv_backend="none", requires=["shared"])
def findings(session: nox.Session) -> None:
    """Run every case in Keras on each backend and in tf_keras; write the tables of docs/evidence/findings.md.

    Fails where a listed deviation does not happen any more, or what nobody has listed does. Some half an hour at first;
    it may be stopped and goes on where it was. With `--lane "keras[numpy]"` one lane.
    """
    page = ("--keep", "reports/findings", "-o", "docs/evidence/findings.md")
    run(session, "python", "-m", "benchmarks.findings", *page, *session.posargs)
    run(session, "python", "-m", "benchmarks.numbers", "-o", "docs/evidence/README.md")  # one of them stands there


@nox.session(venv_backend="none", requires=["shared"])
def kinds(session: nox.Session) -> None:
    """Write the matrix of kinds of input anew and run it whole, some ten minutes; with arguments, run what they say.

    CI runs a sixteenth of it, the same each time: `--shard 1/16`.
    """
    if not session.posargs:
        run(session, "conformance", "kinds", "-o", "kinds")
    run(session, "pytest", "kinds", "-q", "--lanes=keras,torch", *session.posargs)


@nox.session(venv_backend="none", requires=["shared"])
def operations(session: nox.Session) -> None:
    """Write the cases of keras.ops anew and run them all in Keras, some four minutes; arguments go to pytest.

    CI runs a part of it, the same each time: `--shard 1/32`.
    """
    if not session.posargs:
        run(session, "conformance", "operations", "-o", "operations")
    run(session, "pytest", "operations", "-q", "--lanes=keras", *session.posargs)


@nox.session(venv_backend="none", requires=["shared"])
def campaign(session: nox.Session) -> None:
    """Draw cases with the same seeds every time, a minute or so; fails where they show what is in no list.

    Three minutes at most: on a slow machine it asks fewer seeds, and up to 72 s are for what was found, which may turn
    out to be listed when it was made small.

    With arguments, a campaign of theirs: `nox -s campaign -- --for 1h -o campaigns/night`.
    """
    folder = Path("reports/campaign")
    if not session.posargs and folder.exists():
        shutil.rmtree(folder)  # what an earlier run found is no answer of this one
    fixed = ("--seeds", "0..20", "--for", "3m", "-o", str(folder))
    run(session, "conformance", "campaign", *(session.posargs or fixed))


@nox.session(venv_backend="none", requires=["shared"])
def repro(session: nox.Session) -> None:
    """Run the stand-alone script of every case in every lane, and write docs/evidence/repro.md. Some five minutes."""
    run(session, "pytest", "cases", "-q", "--results=reports/results.json")
    run(session, "python", "-m", "tests.repro.all", *(session.posargs or ["-o", "docs/evidence/repro.md"]))


@nox.session(venv_backend="none", requires=["shared"])
def calibrate(session: nox.Session) -> None:
    """Look for false alarms over 20 seeds of every case; fails when there is one. Half an hour, and it may be stopped.

    With arguments, such as `--seeds 2 --every 12`, a sample in half a minute that writes no page.
    """
    whole = ("--seeds", "20", "--faults", "--keep", "reports/calibration", "-o", "docs/evidence/calibration.md")
    run(session, "python", "-m", "benchmarks.calibrate", *(session.posargs or whole))


@nox.session(requires=["shared"])
def source_mutants(session: nox.Session) -> None:
    """Change the source of the reference and of the judge in a sample of places, and see which tests notice.

    Some ten minutes; it may be stopped. Not part of CI.
    """
    listed = "reports/source_mutants.json"
    session.install("-q", "cosmic-ray==8.7.0")
    session.run("python", "-m", "benchmarks.source_mutants", "list", "-o", listed, *session.posargs)
    written = ("--keep", "reports/source_mutants_found.json", "-o", "docs/evidence/source_mutants.md")
    run(session, "python", "-m", "benchmarks.source_mutants", "run", listed, *written)


@nox.session(venv_backend="none", requires=["shared"])
def lint(session: nox.Session) -> None:
    """Check format, lint and types."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "mypy")
    run(session, "lint-imports")


@nox.session(venv_backend="none", requires=["shared"])
def coverage(session: nox.Session) -> None:
    """Walk every public name of Keras; fails when one has neither a reference nor a reason. Arguments go on."""
    run(session, "conformance", "coverage", *(session.posargs or ["-o", "docs/coverage.md"]))


EVERYTHING: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lint", ()),
    ("coverage", ("--format", "text")),
    ("mutants", ()),
    ("operation_mutants", ()),
    ("report", ("--relations-of=25",)),
    ("kinds", ()),
    ("operations", ()),
    ("campaign", ()),
    ("tests", ()),
    ("calibrate", ("--seeds", "2", "--every", "12")),
    ("faults", ("--every", "12")),
)
"""What `all` runs, in this order: what CI runs, with kinds, operations and mistakes in operations whole."""


@nox.session(name="all", venv_backend="none", requires=["shared"])
def everything(session: nox.Session) -> None:
    """Run what CI runs, but all kinds of input, all operations and all mistakes in operations.

    A session that fails does not keep the others from running; the exit code is 1 then.
    """
    for name, arguments in EVERYTHING:
        session.notify(name, posargs=arguments)


@nox.session(venv_backend="none", requires=["shared"])
def gate(session: nox.Session) -> None:
    """Keras 2.15 on TensorFlow 2.15.1 against the pinned Keras 3, then Keras 3.2.1: what changed.

    The second run is of the cases that changed since Keras 3.2 alone. Arguments go to `conformance gate`, once.
    """
    old = "--from=old=keras@2.15.0,tensorflow==2.15.1,scipy"
    run(session, "conformance", "gate", old, "--to=new=keras", *session.posargs)
    if not session.posargs:
        since = ("cases/embedding", "cases/merge/mask.case.yaml", "cases/loss", "--output=reports/gate-3.2")
        run(session, "conformance", "gate", "--from=keras@3.2.1", "--to=keras@3.15.1", *since)
