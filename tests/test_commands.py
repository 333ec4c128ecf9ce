"""Every command that users' pages ask to type: read by the program that it calls, and run where this machine can.

What needs another release of a framework, or is a whole session of nox, is read only, with the reason; sessions are run
by CI, and gates and bisections by their own tests.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import cli
from tests.documents import PAGES, ROOT, commands, commands_of

TUTORIAL = "docs/from-a-dispute-to-a-case.md"
"""Its commands need each other: tests/test_tutorials.py runs them in turn."""
COMMANDS = {
    shlex.join(words): words
    for page in PAGES
    if page != TUTORIAL
    for words in commands((ROOT / page).read_text(encoding="utf-8"))
}
PLAIN = {"mkdir", "sed", "python", "."}
"""Programs that are no business of ours."""


def why_read_only(words: list[str]) -> str:
    """Why a command is not run here; empty where it is."""
    text = " ".join(words)
    if "nox" in words or "pip" in words:
        return "makes an environment, or runs a whole session"
    if re.search(r"@\d|--versions|^conformance (gate|bisect)", text):
        return "fetches another release"
    if words[:2] == ["conformance", "compare"]:
        return "needs a model: tests/comparison/test_tutorial.py makes one and runs it"
    if words[:2] in (["conformance", "operations"], ["pytest", "operations"]) or "operations/" in text:
        return "writes or runs the cases of keras.ops: tests/kinds does so with a few operations"
    if words[:2] == ["conformance", "mutants"] and "--operations" in words:
        return "needs the cases of keras.ops: tests/kinds and tests/mutants try mistakes in a few operations"
    if words[:2] == ["conformance", "initial"]:
        return "writes the cases of all layers: tests/kinds does so with a few"
    if words[:2] == ["conformance", "kinds"] or words[:2] == ["pytest", "kinds"] or "kinds/" in text:
        return "writes or runs the matrix: tests/kinds does so with a few layers"
    if words[:2] == ["conformance", "campaign"]:
        return "goes on for minutes, or needs what such a one wrote: tests/campaign runs short ones"
    if words[:2] == ["conformance", "save"]:
        return "writes files of other releases: tests/test_save.py runs it with a stand-in for one"
    if words[:4] == ["pytest", "cases", "-k", "slow"]:
        return "needs the case above it: tests/own/test_your_layers.py runs the page in a folder of its own"
    if words[:2] == ["conformance", "merge"]:
        return "needs shards of one run: tests/plugin/test_shards.py makes some and merges them"
    if words[:2] == ["conformance", "watch"]:
        return "goes on until Ctrl-C: tests/watch/test_watch.py goes along"
    if words[:3] == ["conformance", "deviations", "prune"]:
        return "wants the results of every case"
    if words[0] in PLAIN:
        return "needs what the command before it wrote"
    if words[0] == "pytest" and "-n" in words:
        return "collects nothing by itself: its workers do"
    return ""


def parser_of_commands() -> argparse.ArgumentParser:
    return cli._parser()


def read(words: list[str]) -> None:
    """Raises SystemExit or AssertionError where a command is not one that its program takes."""
    if words[0] == "conformance":
        parser_of_commands().parse_args(words[1:])
    elif words[0] == "python3":
        session = words[words.index("-s") + 1] if "-s" in words else ""
        assert "pip" in words or f"\ndef {session}(" in (ROOT / "noxfile.py").read_text(encoding="utf-8"), words
    elif words[0] == "pytest":
        for word in words[1:]:
            assert not word.startswith("cases/") or (ROOT / word.partition("::")[0]).exists(), word
    else:
        assert words[0] in PLAIN, words


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_its_program_takes(command: str) -> None:
    read(COMMANDS[command])


@pytest.mark.parametrize(
    "command",
    [
        "conformance explain --no-such-option",
        "conformance expound something",
        "python3 -m nox -s no_such_session",
        "pytest cases/no/such.case.yaml",
        "rm -rf cases",
    ],
)
def test_a_command_that_no_program_takes_is_seen(command: str) -> None:
    with pytest.raises((SystemExit, AssertionError)):
        read(shlex.split(command))


def test_commands_are_told_apart_as_a_shell_does() -> None:
    script = "one 'a b'  # why\ntwo && three | four > five\nsix \\\n  seven\n! eight\npython - <<'END'\nnine\nEND\n"
    assert list(commands_of(script)) == [
        ["one", "a b"],
        ["two"],
        ["three"],
        ["four"],
        ["six", "seven"],
        ["eight"],
        ["python", "-"],
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like this one, with the results of a few cases in all the places that pages name."""
    here = tmp_path_factory.mktemp("commands")
    for name in ("cases", "deviations", "tests", "pyproject.toml"):
        (here / name).symlink_to(ROOT / name)
    (here / "reports/gate").mkdir(parents=True)
    few = (
        "cases/pooling/global_average.case.yaml::pooling/global_average.channels_first",
        "cases/merge/mask.case.yaml::merge/mask.two_embeddings-kind_Average",
        "cases/attention/heads.case.yaml::attention/heads.residual",
    )
    done = run(["pytest", "-q", *few, "--results=reports/results.json"], here)
    assert done.returncode == 0, done.stdout[-2_000:]
    for copy in ("old.json", "new.json", "results.json", "reports/matrix.json", "reports/gate/results.json"):
        shutil.copy(here / "reports/results.json", here / copy)
    return here


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.frameworks
@pytest.mark.parametrize("command", [command for command, words in COMMANDS.items() if not why_read_only(words)])
def test_a_command_does_what_it_is_for(command: str, folder: Path) -> None:
    words = COMMANDS[command]
    done = run([*words, "--collect-only", "-q"] if words[0] == "pytest" else words, folder)
    assert done.returncode == 0, f"{done.stdout[-2_000:]}{done.stderr[-2_000:]}"
    written = folder / words[words.index("-o") + 1] if "-o" in words else None
    assert (done.stdout + done.stderr).strip() or (written is not None and written.stat().st_size)


def test_most_commands_are_run_here_or_by_a_test_of_their_own() -> None:
    reasons = [why_read_only(words) for words in COMMANDS.values()]
    are_run = [why for why in reasons if not why or re.search(r"tests/\w+", why)]
    assert len(are_run) > len(COMMANDS) / 2


def test_a_test_that_runs_a_command_in_this_ones_place_is_there() -> None:
    named = {path for words in COMMANDS.values() for path in re.findall(r"tests/[\w/.]+\w", why_read_only(words))}
    assert named
    assert all((ROOT / path).exists() for path in named), named
