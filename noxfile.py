"""All that one does with this project, each by one command; see README.md.

Sessions share one environment, made by venv and pip from constraints.txt, so the frameworks are installed once.
"""

from __future__ import annotations

import os
import shutil

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "tests", "report"]

SHARED = ".nox/shared"
TEST_TOOLS = ("hypothesis", "jsonschema", "playwright")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONDONTWRITEBYTECODE": "1"}


def install(session: nox.Session, *more: str) -> None:
    """The project with its frameworks, pinned."""
    session.install("-q", "-c", "constraints.txt", "-e", ".[lanes,encoder,parallel]", *more)


@nox.session(venv_location=SHARED, reuse_venv=True)
def report(session: nox.Session) -> None:
    """Run every case in every lane; write reports/results.json and reports/index.html. Arguments go to pytest."""
    install(session)
    session.run(
        "pytest",
        "cases",
        "-q",
        "--results=reports/results.json",
        "--report=reports/index.html",
        *session.posargs,
        env=QUIET,
    )


@nox.session(venv_location=SHARED, reuse_venv=True)
def tests(session: nox.Session) -> None:
    """Run the harness's own tests and every case. Arguments go to pytest."""
    install(session, *TEST_TOOLS)
    has_browser = shutil.which("chromium") is not None
    if not has_browser and "CI" not in os.environ:
        session.log("no chromium on this machine: browser tests are left out (apt-get install chromium)")
    marks = [] if has_browser or "CI" in os.environ else ["-m", "not browser"]
    session.run("pytest", *marks, *(session.posargs or ["tests", "cases"]), env=QUIET)


@nox.session(venv_location=SHARED, reuse_venv=True)
def fast(session: nox.Session) -> None:
    """Run the tests that need no framework and no browser. Arguments go to pytest."""
    install(session, *TEST_TOOLS)
    session.run("pytest", "tests", "-m", "not torch and not frameworks and not browser", *session.posargs, env=QUIET)


@nox.session(venv_location=SHARED, reuse_venv=True)
def mutants(session: nox.Session) -> None:
    """Run every case against plausible mistakes in its layers; no framework. Fails when a mistake goes unseen."""
    session.install("-q", "-c", "constraints.txt", "-e", ".")
    session.run("conformance", "mutants", "-o", "docs/mutants.md", "--json", "reports/mutants.json", env=QUIET)


@nox.session(venv_location=SHARED, reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Check format, lint and types."""
    install(session, "ruff", "mypy")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
