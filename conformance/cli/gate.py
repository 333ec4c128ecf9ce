"""`conformance gate`: two versions run beside the reference, and what changed between them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import CLUSTER_HELP, FAIL_ON, FAIL_ON_HELP

_EXAMPLES = """\
examples:
  conformance gate --from keras@3.3.3 --to keras@3.15.1
  conformance gate --from old=keras@2.15.0,tensorflow==2.15.1 --to keras cases/merge
  conformance gate --from keras@3.6.0 --to keras@3.7.0 --draft-accepted        what changed, to be looked at
  conformance gate --from keras@3.6.0 --to keras@3.7.0 --accepted accepted.yaml
  conformance gate --from keras@3.6.0 --to keras -- -k gru             what stands after -- goes to pytest
  conformance gate --from keras@3.6.0 --to keras@3.7.0 --cluster local:4       on four workers of Dask
  conformance gate --from keras@3.6.0 --to keras@3.7.0 --results merged.json    what several machines ran
  conformance gate --from keras@3.3.3 --to keras@3.15.1 --uses clf.keras        the cases about what a model uses
  conformance gate --model clf.keras --inputs batch.npz --from keras@3.3.3 --to keras@3.15.1     a model of your own
  conformance gate --model a.keras --model b.keras cases --from keras@3.3.3 --to keras    two, and the cases about them

Writes gate.html, gate.json, gate.xml and results.json to the folder of --output. docs/gate.md says how lanes are named.
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "gate",
        help="run two versions beside the reference and say what changed between them",
        epilog=_EXAMPLES,
    )
    parser.add_argument("--from", dest="old", required=True, metavar="SPEC", help="the version that is in use")
    parser.add_argument("--to", dest="new", required=True, metavar="SPEC", help="the version to upgrade to")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("reports/gate"), metavar="FOLDER", help="where to write"
    )
    parser.add_argument("--enforce-expiry", action="store_true", help="fail for deviations that have expired")
    parser.add_argument("--fail-on", choices=FAIL_ON, default="regressions", help=FAIL_ON_HELP)
    parser.add_argument(
        "--accepted",
        type=Path,
        metavar="FILE",
        help="answers that you have looked at and take; that of [tool.conformance] in pyproject.toml when left out",
    )
    parser.add_argument(
        "--draft-accepted", action="store_true", help="write what changed as such a file, for a person to complete"
    )
    parser.add_argument(
        "--modes",
        default="eager,function",
        metavar="A,B",
        help="how Keras is asked: eager,function (the default: traced too, as fit and predict run it), or eager alone",
    )
    parser.add_argument(
        "--traced-gradients-of",
        type=int,
        metavar="N",
        help="ask for gradients traced too in one case in N, the same each time (25 when left out); 1: in every case",
    )
    own = parser.add_argument_group(
        "models of your own", "compared layer by layer, with gradients and one step: exit code 1 for whatever moved"
    )
    own.add_argument(
        "--model", action="append", default=[], metavar="MODEL", help="a .keras or .h5 file, or PATH.py:NAME"
    )
    own.add_argument(
        "--inputs",
        action="append",
        default=[],
        type=Path,
        metavar="BATCH",
        help=".npz or .npy: one for all models, or one for each; drawn from the shapes when left out",
    )
    own.add_argument(
        "--allow", action="append", default=[], metavar="PY:NAME", help="a custom object that a model uses"
    )
    own.add_argument("--step", default="SGD(0.1)", metavar="OPTIMIZER", help="the step that is made: 'SGD(0.1)'")
    own.add_argument("--no-rounding", action="store_true", help="do not measure how far rounding reaches: much faster")
    own.add_argument(
        "--uses", action="append", default=[], metavar="MODEL", help="only cases about what such a file or model uses"
    )
    parser.add_argument("--cluster", default="", metavar="WHERE", help=CLUSTER_HELP)
    parser.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="results that hold both sides already (of pytest --lane A --lane B, of a gate, of conformance merge); "
        "only what moved is asked again",
    )
    parser.add_argument(
        "arguments", nargs="*", metavar="ARGUMENT", help="ids, files or folders of cases; options of pytest after --"
    )
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.errors import UsageError
    from conformance.gate.sides import looked_up

    if parsed.model and parsed.uses:
        raise UsageError("--uses stands for cases alone", "with --model the cases are those about the models anyway")
    if parsed.cluster and (parsed.model or parsed.results):
        raise UsageError("--cluster is for cases that are run", "leave it out, or --model and --results")
    if parsed.model:
        if parsed.results or parsed.enforce_expiry:
            raise UsageError("--results and --enforce-expiry are for cases", "leave them out, or --model")
    elif parsed.inputs or parsed.no_rounding or (parsed.allow and not parsed.uses):
        raise UsageError("no model was named", "--model clf.keras")
    looked_up(parsed.old, parsed.new)
    return _models(parsed) if parsed.model else _cases(parsed)


def _cases(parsed: argparse.Namespace) -> int:
    from conformance.gate.gate import Request, gate
    from conformance.gate.modes import parsed as modes_of

    arguments = tuple(parsed.arguments)
    if parsed.uses:
        from conformance.upgrade.filter import filtered

        arguments = filtered(parsed.uses, parsed.allow, arguments)
    return gate(
        Request(
            old=parsed.old,
            new=parsed.new,
            arguments=arguments,
            output=parsed.output,
            fail_on=parsed.fail_on,
            enforce_expiry=parsed.enforce_expiry,
            accepted=parsed.accepted,
            drafts_accepted=parsed.draft_accepted,
            modes=modes_of(parsed.modes),
            traced_gradients_of=parsed.traced_gradients_of,
            cluster=parsed.cluster,
            results=parsed.results,
        )
    )


def _models(parsed: argparse.Namespace) -> int:
    from conformance.gate.modes import parsed as modes_of
    from conformance.upgrade.gate import Request, model_gate

    return model_gate(
        Request(
            old=parsed.old,
            new=parsed.new,
            models=tuple(parsed.model),
            inputs=tuple(parsed.inputs),
            output=parsed.output,
            allowed=tuple(parsed.allow),
            step=parsed.step,
            arguments=tuple(parsed.arguments),
            fail_on=parsed.fail_on,
            accepted=parsed.accepted,
            drafts_accepted=parsed.draft_accepted,
            modes=modes_of(parsed.modes),
            rounding=not parsed.no_rounding,
        )
    )
