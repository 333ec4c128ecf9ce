"""What the options of `conformance campaign` mean, and which of them go together."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from itertools import count

from conformance.cli.shared import DEFAULT_CASES
from conformance.errors import UsageError

_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_SEEDS = re.compile(r"([0-9]+)\.\.([0-9]+)")

READ_BY = {"replay": ("--lane", "--from", "--to"), "page": ("--output",), "merge": ("--output",)}
"""What is read of the options where a folder is named; all others are for a campaign that draws."""


def refuse_what_is_not_read(parsed: argparse.Namespace) -> None:
    """Raises UsageError for an option that an action would pass over."""
    given = {
        "--for": parsed.time,
        "--seeds": parsed.seeds,
        "--layers": parsed.layers,
        "--no-graphs": parsed.no_graphs,
        "--like": parsed.like,
        "--also": parsed.also,
        "--lane": parsed.lane,
        "--from": parsed.old,
        "--to": parsed.new,
        "--bisect": parsed.bisect is not None,
        "--cases": parsed.cases != DEFAULT_CASES,
        "--cluster": parsed.cluster,
        "--output": parsed.output,
    }
    action = parsed.action[0]
    passed_over = [name for name, value in given.items() if value and name not in READ_BY.get(action, given)]
    if passed_over:
        said = " and ".join(passed_over)
        raise UsageError(f"campaign {action} does not read {said}", "leave it out, or draw: without the action")


def seconds_of(text: str) -> float:
    """`90s`, `10m` or `1.5h` in seconds. Raises UsageError."""
    matched = _TIME.fullmatch(text.strip())
    if matched is None or float(matched[1]) == 0:
        raise UsageError(f"--for {text[:40]} is no time", "as in --for 90s, --for 10m, --for 1.5h")
    return float(matched[1]) * _UNITS[matched[2]]


def seeds_of(text: str | None) -> Iterable[int]:
    """`A..B` as seeds from A on, B left out; all from 0 on where nothing is given. Raises UsageError."""
    if text is None:
        return count()
    matched = _SEEDS.fullmatch(text.strip())
    if matched is None or int(matched[1]) >= int(matched[2]):
        raise UsageError(f"--seeds {text[:40]} is not a range of seeds", "the lower first: --seeds 0..100")
    return range(int(matched[1]), int(matched[2]))


def layers_of(text: str | None) -> tuple[str, ...]:
    """The layers that are named, or all that can be drawn. Raises UsageError for one that cannot."""
    from conformance.campaign.space import drawable
    from conformance.case.elsewhere import own_name
    from conformance.case.problems import did_you_mean

    known = drawable()
    if text is None:
        return known
    named = dict.fromkeys(own_name("layer", name.strip()) for name in text.split(","))
    for name in named:
        if name not in known:
            hint = did_you_mean(name, known) or "conformance coverage lists what there is"
            raise UsageError(f"no layer that can be drawn is called {name[:40]}", hint)
    return tuple(named)


def also_of(text: str | None) -> tuple[str, ...]:
    """What is drawn and asked beside layers, in one order. Raises UsageError for a word that is none of it."""
    from conformance.campaign.folder import ALSO
    from conformance.case.problems import did_you_mean

    named = {word.strip() for word in text.split(",")} if text else set()
    for word in sorted(named - {*ALSO, "all"}):
        raise UsageError(f"--also {word[:40]} is none of {', '.join(ALSO)}", did_you_mean(word, ALSO) or "or all")
    return ALSO if "all" in named else tuple(word for word in ALSO if word in named)


def ends_of_dates(parsed: argparse.Namespace) -> tuple[str, str] | None:
    """The oldest and the newest release among which findings are dated; the newest is "" for the one that is asked.

    None where nobody wants dates. Raises UsageError where there is no oldest.
    """
    if parsed.bisect is None:
        return None
    if parsed.old is not None and parsed.new is not None:
        if parsed.bisect:
            raise UsageError("--bisect OLDEST beside --from and --to", "a pair has its ends: --bisect alone")
        return _release(parsed.old), _release(parsed.new)
    if not parsed.bisect:
        raise UsageError("since which release?", "name the oldest that is asked: --bisect 3.3.3")
    return _release(parsed.bisect), ""


def _release(text: str) -> str:
    """The release in a specification of Keras; "" for the one that is installed. Raises UsageError."""
    from conformance.gate.releases import version_of

    name, at, version = text.rpartition("@")
    if (at and name != "keras") or (not at and text == "keras"):
        if not at:
            return ""
        raise UsageError(f"--bisect dates findings of releases of Keras, and {text} is none", "leave --bisect out")
    return str(version_of(version))


def asked_of(parsed: argparse.Namespace) -> list[str]:
    """The lanes as they are asked for. Raises UsageError for half of a pair, and for a pair beside other lanes."""
    from conformance.campaign.triage import NEW, OLD

    if parsed.old is None and parsed.new is None:
        return list(parsed.lane)
    if parsed.old is None or parsed.new is None:
        raise UsageError("--from and --to go together", "as in --from keras@3.14.1 --to keras@3.15.1")
    if parsed.lane:
        raise UsageError("--lane beside --from and --to", "between two versions nobody else is asked")
    if parsed.old == parsed.new:
        raise UsageError(f"--from and --to are both {parsed.old}", "name two versions: --from keras@3.14.1 --to keras")
    return [f"{OLD}={parsed.old}", f"{NEW}={parsed.new}"]
