"""What is asked for by name: a parser and a look-up that answer mistyped words with the nearest ones; formats."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from conformance.case.problems import did_you_mean, shown
from conformance.errors import UsageError

FORMATS = {"text": "text", "md": "markdown", "markdown": "markdown", "json": "json", "html": "html"}
"""What `--format` takes, and what it means."""
_SUFFIXES = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json"}

_CHOICE = re.compile(
    r"argument (?P<what>\S+): invalid choice: '(?P<word>.*?)' \(choose from (?P<known>.*)\)", re.DOTALL
)
_UNKNOWN = "unrecognized arguments: "
_REQUIRED = "the following arguments are required: "
NEAR = 8
"""Ids that a message names."""


def form_of(given: str | None, output: Path | None, known: Collection[str] = tuple(FORMATS)) -> str:
    """The format that was asked for, else the one that the output file is called by, else text."""
    if given is not None:
        return FORMATS[given]
    called = _SUFFIXES.get(output.suffix.lower(), "text") if output is not None else "text"
    return called if called in known else "text"


def matching(asked: str, ids: Iterable[str]) -> list[str]:
    """The ids that are meant: the one that is it, else those that end in it."""
    known = list(ids)
    return [asked] if asked in known else [name for name in known if name.endswith(asked)]


def one_of(asked: str, ids: Sequence[str], where: str) -> str:
    """The one id that is meant. Raises UsageError that names those that might be."""
    if not asked.strip():
        raise UsageError("which case? an empty id is none", f"as in {ids[0]}" if ids else None)
    found = matching(asked, ids)
    if len(found) == 1:
        return found[0]
    words = re.findall(r"[a-z0-9]+", asked.lower())
    near = found or [name for name in ids if words and all(word in name.lower() for word in words)]
    if near:
        more = f" ({len(near)} in all)" if len(near) > NEAR else ""
        hint: str | None = f"did you mean {', '.join(near[:NEAR])}{more}?"
    else:
        few = f"it holds {', '.join(ids)}" if 0 < len(ids) <= NEAR else f"it holds {len(ids)} cases"
        family = asked.partition("/")[0]
        hint = did_you_mean(asked, [name for name in ids if name.startswith(f"{family}/")] or ids) or few
    count = f"{len(found)} cases are" if found else "no case is"
    raise UsageError(f"{count} called {asked} in {where}", hint)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are two lines, as all others of this program: what is wrong, and what to do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As argparse does it, but that a subcommand names its own unknown options, for it knows the others."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"{_UNKNOWN}{' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Prints a message with its hint and ends."""
        what, hint = self._explained(message)
        self.exit(2, f"{self.prog}: {what}\n   = help: {hint}\n")

    def _explained(self, message: str) -> tuple[str, str]:
        see = f"{self.prog} --help"
        matched = _CHOICE.match(message)
        if matched is not None:
            known = re.findall(r"[^\s',]+", matched["known"])
            what = "command" if matched["what"] in ("command", "verb") else matched["what"]
            return f"there is no {what} {shown(matched['word'])}", self._near(matched["word"], known, see)
        if message.startswith(_UNKNOWN):
            first = message[len(_UNKNOWN) :].split()[0]
            options = [option for action in self._actions for option in action.option_strings]
            if first.startswith("-"):
                hint = self._near(first.partition("=")[0], options, see)
                if any(action.nargs == "*" for action in self._actions) and "did you mean" not in hint:
                    hint = f"options of pytest stand after two dashes: -- {first}"
                return f"there is no option {shown(first)}", hint
            return f"{shown(first)} is one argument too many", see
        if message == f"{_REQUIRED}verb":
            verbs = next(action.choices for action in self._actions if action.metavar == "verb")
            return message, f"there are {', '.join(verbs or ())}"
        return message, see

    @staticmethod
    def _near(word: str, known: Sequence[str], otherwise: str) -> str:
        listed = f"there are {', '.join(known)}" if 0 < len(known) <= 20 else otherwise
        return did_you_mean(word, known) or listed
