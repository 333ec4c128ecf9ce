"""From the command line's options to a comparison."""

from __future__ import annotations

import argparse
import dataclasses
from contextlib import suppress
from pathlib import Path

from conformance.comparison import batch as batches
from conformance.comparison.compare import Options, compare
from conformance.comparison.ends import SideLost, exported_to
from conformance.comparison.result import Comparison, Start
from conformance.comparison.session import Settings, scratch
from conformance.comparison.sides import allowed_of, end_of, lane_of, read_pairs, spec_of
from conformance.comparison.training import step_of
from conformance.errors import UsageError


def compare_files(parsed: argparse.Namespace) -> Comparison:
    """The comparison that was asked for. Raises what cannot be compared, with what to do."""
    if parsed.time_limit <= 0:
        raise UsageError(f"--time-limit {parsed.time_limit:g} is no time", "seconds, as in --time-limit 600")
    model, port = spec_of(parsed.model, "the model"), spec_of(parsed.port, "the port")
    model["allow"] = port["allow"] = allowed_of(parsed.allow)
    lanes = lane_of(parsed.lane, model, "keras"), lane_of(parsed.port_lane, port, "torch", is_port=True)
    exported = exported_to(lanes[1])
    names = parsed.model, f"{parsed.port} exported to {exported}" if exported else parsed.port
    given = None if parsed.inputs is None else batches.read_batch(parsed.inputs)
    options = Options(
        with_gradients=parsed.gradients,
        step=None if parsed.step is None else step_of(parsed.step),
        save=parsed.save,
        write_pairs=parsed.write_pairs,
    )
    settings = Settings(
        with_rounding=not parsed.no_rounding,
        pairs=None if parsed.pairs is None else read_pairs(parsed.pairs),
        port_inputs=parsed.port_inputs,
    )
    with scratch() as folder:
        ends = [
            end_of("the model", lanes[0], model, f"{folder}/model", None, parsed.time_limit),
            end_of("the port", lanes[1], port, f"{folder}/port", parsed.load, parsed.time_limit),
        ]
        try:
            for end in ends:
                end.start()
            return compare(ends[0], ends[1], names, given, Path(folder), settings, options)
        except SideLost as lost:
            return lost_comparison(lost, names)
        finally:
            for end in ends:
                with suppress(OSError):
                    end.stop()


def lost_comparison(lost: SideLost, names: tuple[str, str]) -> Comparison:
    """A side that crashed or hung is the verdict on it."""
    detail = f"{lost.side} ended in a {lost.ended}: {lost.detail}"
    start = Start("lost", "", "", (), None, detail + (f"; {lost.hint}" if lost.hint else ""))
    return dataclasses.replace(
        Comparison(names[0], names[1], {}, (), (start,), (), (), rounding="a side was lost"), remarks=()
    )
