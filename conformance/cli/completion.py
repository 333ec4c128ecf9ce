"""`conformance completion`: what a shell needs to complete commands and options by the tab key."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from conformance.errors import Exit, UsageError

SHELLS = ("bash", "zsh", "tcsh")
_EXAMPLES = """\
examples:
  conformance completion zsh > "${fpath[1]}/_conformance"
  eval "$(conformance completion bash)"                           in ~/.bashrc
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("completion", help="completion by the tab key, for a shell", epilog=_EXAMPLES)
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    try:
        import shtab
    except ImportError:
        raise UsageError("the package shtab is not installed, which writes completions", "pip install shtab") from None
    from conformance import cli

    make: Callable[[], argparse.ArgumentParser] = cli._parser
    print(shtab.complete(make(), parsed.shell))
    return Exit.OK
