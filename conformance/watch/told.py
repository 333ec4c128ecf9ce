"""What is printed of a round: few cases are told each, of many those that fail or whose verdict has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FEW = 20
"""Cases of a round that are each told in a line, whatever came of them."""
FAILING = ("differ", "error", "crash", "timeout", "stale", "not run")
_SIGNS = {"agree": "✓", "known": "~", "unsupported": "–", "not judged": "–", "not run": "–"}


class Teller:
    """Prints a round as it goes."""

    def __init__(self, before: Mapping[str, Any], say: Any = None) -> None:
        """`before` has the verdicts of the lanes, case by case, from the rounds before."""
        self._before = before
        self._say = print if say is None else say
        self._texts: dict[str, list[str]] = {}
        self._many = False
        self._problems: dict[str, None] = {}
        self.verdicts: dict[str, dict[str, str]] = {}

    def begin(self, number: int) -> None:
        """The number of cases that are judged now."""
        self._many = number > FEW

    def add(self, case: str, lane: str, word: str, text: str) -> None:
        """A lane's verdict; an empty word where the case is not for it."""
        lanes = self.verdicts.setdefault(case, {})
        if word and lane not in lanes:
            lanes[lane] = word
        if text:
            self._texts.setdefault(case, []).append(text)

    def end_case(self, case: str) -> dict[str, str]:
        """Tells a case, if it is to be told; its verdicts."""
        lanes = self.verdicts.get(case, {})
        before = self._before.get(case)
        fails = any(word in FAILING for word in lanes.values())
        if not self._many or fails or (before is not None and before != lanes):
            self._say(f"  {_sign(lanes)} {case}  {words_of(lanes)}{_change(before, lanes)}", flush=True)
        for text in self._texts.pop(case, []):
            self._say("\n".join(f"      {line}" for line in text.strip().splitlines()), flush=True)
        return lanes

    def problem(self, text: str) -> None:
        """What is wrong with the round as a whole, once."""
        lines = [line for line in text.strip().splitlines() if line.strip()]
        if lines and lines[0] not in self._problems:
            self._problems[lines[0]] = None
            self._say("\n".join(f"  {line}" for line in lines[:4]), flush=True)

    def end(self, seconds: float, selected: int) -> None:
        """The last line of a round."""
        count = len(self.verdicts)
        if not count:
            if not self._problems:
                self._say(f"  nothing to judge again ({_cases(selected)} selected)", flush=True)
            return
        failing = sum(any(word in FAILING for word in lanes.values()) for lanes in self.verdicts.values())
        agree = f"{failing} of them with a difference" if failing else "no difference that is not listed"
        self._say(f"  {_cases(count)} in {seconds:.1f} s, {agree}", flush=True)


def _cases(number: int) -> str:
    return f"{number} case{'' if number == 1 else 's'}"


def _sign(lanes: Mapping[str, str]) -> str:
    worst = [word for word in lanes.values() if word in FAILING and word != "not run"]
    if worst:
        return "✗"
    others = [word for word in lanes.values() if word != "agree"]
    return _SIGNS.get(others[0], "✓") if others else "✓"


def words_of(lanes: Mapping[str, str]) -> str:
    """The verdicts as words: `agree: keras, numpy; differ: torch`."""
    by_word: dict[str, list[str]] = {}
    for lane, word in lanes.items():
        by_word.setdefault(word, []).append(lane)
    return "; ".join(
        f"{word}: {', '.join(filter(None, names))}" if any(names) else word for word, names in by_word.items()
    )


def _change(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """What the lanes said before, where they say something else now."""
    if before is None or before == now:
        return ""
    moved = [f"{lane} {before[lane]}" for lane, word in now.items() if lane in before and before[lane] != word]
    return f"   (before: {', '.join(moved)})" if moved else ""
