"""`fit`, `evaluate` and saved files as plain Keras: a functional model, compiled, and what Keras reports of it."""

from __future__ import annotations

import base64
import textwrap
import zlib
from collections.abc import Callable, Mapping, Sequence

from conformance.case.reports import LOSS, output_loss
from conformance.protocol.fit import PlannedFit
from conformance.protocol.plan import Plan, PlannedSaved
from conformance.repro.keras_training import optimizer_lines, weights_found
from conformance.repro.literals import value_text
from conformance.repro.training import function, in_loop

Text = Callable[[str], str]

NAMES = frozenset(
    [
        *("reports", "ends", "model", "again", "told", "found", "report", "spoken", "name", "names", "value", "epoch"),
        *("keep", "compiled", "optimizer", "file", "saved", "loaded", "into_new", "folder", "path", "graph"),
    ]
)
"""Names that such a script uses itself, for nothing of the case."""
SAVE = '''\
def saved(model, suffix, save):
    """The file that Keras makes of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model" + suffix)
        save(model, path)
        with open(path, "rb") as file:
            return file.read()
'''
LOAD = '''\
def loaded(file, suffix, load):
    """What `load` makes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model" + suffix)
        with open(path, "wb") as written:
            written.write(file)
        return load(path)
'''
INTO_NEW = '''\
def into_new(model, path, compiled=None):
    """A model made again, and given the weights of a file: until then it has weights of its own."""
    made = keras.Model.from_config(model.get_config())
    if compiled is not None:
        compiled(made)
    for array in made.weights:
        array.assign(np.full(tuple(array.shape), 0.5, dtype="float32"))
    made.load_weights(path)
    return made
'''


def saving_helpers(saved: PlannedSaved | None) -> list[str]:
    """The functions that a script of a saved model defines."""
    if saved is None:
        return []
    return [*([] if saved.file else [SAVE]), LOAD, *([INTO_NEW] if saved.form == "weights" else [])]


def saved_graph(plan: Plan, saved: PlannedSaved, names: Text, end: Text) -> list[str]:
    """Lines that save the model of the whole graph, load it, and let `graph` ask the one that was loaded."""
    inputs, outputs = ([end(name) for name in side] for side in (plan.inputs, plan.observed))
    entries = [f'"{node}": found[{index}]' for index, node in enumerate(plan.observed)]
    asked = f"again([{', '.join(names(name) for name in plan.inputs)}])"
    return [
        "# saved and loaded: the answers are those of the model that was loaded",
        f"model = keras.Model([{', '.join(inputs)}], [{', '.join(outputs)}])",
        *_file(saved),
        *_again(saved, ""),
        "",
        "",
        f"def graph({', '.join(names(name) for name in plan.inputs)}):",
        f"    found = {asked}" if len(entries) > 1 else f"    found = [{asked}]",
        f"    return {{{', '.join(entries)}}}",
        "",
        "",
    ]


def _file(saved: PlannedSaved) -> list[str]:
    """Lines that give `file` what is loaded: what the model is saved as, or what another release wrote."""
    if saved.file:
        text = base64.b64encode(zlib.compress(saved.file, 9)).decode()
        rows = [f'    "{row}"' for row in textwrap.wrap(text, 108)]
        lines = ["file = zlib.decompress(base64.b64decode(  # what another release wrote", *rows, "))"]
    else:
        how = "save_weights" if saved.form == "weights" else "save"
        lines = [f'file = saved(model, "{saved.suffix}", lambda model, path: model.{how}(path))']
    if saved.kept < 1:
        lines.append(f"file = file[: max(1, int(len(file) * {saved.kept!r}))]  # cut")
    return lines


def _again(saved: PlannedSaved, compiled: str) -> list[str]:
    """The line that gives `again` the model of `file`; `compiled` is the function that compiles one, if it shall be."""
    load = f"keras.models.load_model(path, compile={bool(compiled)})"
    if saved.form == "weights":
        load = f"into_new(model, path{f', {compiled}' if compiled else ''})"
    return [f'again = loaded(file, "{saved.suffix}", lambda path: {load})']


def keras_fits(plan: Plan, names: Text, made: Text, end: Text, again: Sequence[str]) -> list[str]:
    """The function `reports`. `made` constructs a loss or a metric anew, `end` is a symbolic tensor by its node.

    `again` is what gives layers back what earlier runs have moved.
    """
    lines = ["found = {}"]
    for index, fit in enumerate(plan.fits):
        number = f" {index + 1}" if len(plan.fits) > 1 else ""
        epochs = "" if not fit.optimizer else f": epochs {fit.epochs}"
        lines += ["", f"# {fit.through}{number}{epochs}", *again]
        lines += _one(plan, fit, names, made, end)
    return function("reports", "What Keras reports of each epoch, and the weights after it.", lines, "found")


def _one(plan: Plan, fit: PlannedFit, names: Text, made: Text, end: Text) -> list[str]:
    inputs, outputs = ([end(name) for name in side] for side in (fit.inputs, fit.outputs))
    saved = plan.saved if plan.saved is not None and plan.saved.after else None
    lines = [
        "",
        "def compiled(model):",
        *in_loop(_compiled(fit, made)),
        "",
        f"model = keras.Model([{', '.join(inputs)}], [{', '.join(outputs)}])",
        "compiled(model)",
    ]
    if not fit.optimizer:
        told = f"told = model.evaluate(\n    {_given(fit, names)},\n    return_dict=True,\n)"
        return [*lines, *told.split("\n"), "told = {name: [value] for name, value in told.items()}", *_named(fit)]
    lines += _kept(plan, fit, {name: names(name) for name in fit.layers}, saved)
    if saved is None:
        return [*lines, *_fitted(fit, names, "model", 0, fit.epochs), *_named(fit)]
    is_of_another = saved.file and saved.form != "weights"  # whose lane called its layers so
    called = {name: f'"{name}_"' if is_of_another else f"{names(name)}.name" for name in fit.layers}
    loaded = {name: f"again.get_layer({text})" for name, text in called.items()}
    return [
        *lines,
        *_fitted(fit, names, "model", 0, saved.after),
        *_named(fit),
        *(_file(saved) if saved.file or saved.kept < 1 else ()),
        *_again(saved, "compiled"),
        *(f"again.{key} = {value}" for key, value in _ways(fit).items()),
        *_kept(plan, fit, loaded, None),
        *_fitted(fit, names, "again", saved.after, fit.epochs),
        *_named(fit, saved.after + 1),
    ]


def _compiled(fit: PlannedFit, made: Text) -> list[str]:
    losses = ", ".join(made(fit.losses[name]) for name in fit.outputs)
    arguments = [f"loss=[{losses}]"]
    if fit.loss_weights:
        arguments.append(f"loss_weights={[fit.loss_weights.get(name, 1.0) for name in fit.outputs]!r}")
    for key, row in (("metrics", fit.metrics), ("weighted_metrics", fit.weighted_metrics)):
        if row:
            each = [f"[{', '.join(map(made, row.get(output, ())))}]" for output in fit.outputs]
            arguments.append(f"{key}={each[0] if len(each) == 1 else '[' + ', '.join(each) + ']'}")
    arguments += [f"{key}={value}" for key, value in _ways(fit).items()]
    before = optimizer_lines(fit.optimizer, fit.config) if fit.optimizer else []
    if fit.optimizer:
        arguments.insert(0, "optimizer=optimizer")
    return [*before, "model.compile(", *in_loop(f"{one}," for one in arguments), ")"]


def _ways(fit: PlannedFit) -> dict[str, str]:
    """How the loop is run: step by step as the report's lane does, traced where several batches go at once."""
    return {
        "run_eagerly": repr(fit.steps_per_execution == 1),
        "jit_compile": "False",
        "steps_per_execution": repr(fit.steps_per_execution),
    }


def _given(fit: PlannedFit, names: Text) -> str:
    """The arguments that `fit` and `evaluate` have in common."""

    def arrays(which: Sequence[str]) -> str:
        rows = [f'inputs["{names(name)}"]' for name in which]
        return rows[0] if len(rows) == 1 else f"[{', '.join(rows)}]"

    given = [arrays(fit.inputs), arrays([fit.y[name] for name in fit.outputs])]
    if fit.sample_weight:
        given.append(f"sample_weight={arrays([fit.sample_weight[name] for name in fit.outputs])}")
    return ",\n    ".join([*given, f"batch_size={fit.batch_size}", "verbose=0"])


def _kept(plan: Plan, fit: PlannedFit, layers: Mapping[str, str], saved: PlannedSaved | None) -> list[str]:
    """The function that keeps weights after each epoch, and the file after one of them."""
    rows = []
    for name, text in layers.items():
        rows += weights_found(plan, {name: text}.__getitem__, name, "epoch + 1")
    lines = ["", "def keep(epoch, logs=None):"]
    if saved is not None and not saved.file:
        lines += ["    nonlocal found, file", *in_loop(rows), f"    if epoch == {saved.after - 1}:"]
        return ["", 'file = b""', *lines, *in_loop(in_loop(_file(PlannedSaved(saved.form, saved.suffix)))), ""]
    return [*lines, *in_loop(["nonlocal found", *rows] if rows else ["pass"]), ""]


def _fitted(fit: PlannedFit, names: Text, model: str, start: int, end: int) -> list[str]:
    classes = f"\n    class_weight={value_text(dict(enumerate(fit.class_weight)))}," if fit.class_weight else ""
    text = (
        f"told = {model}.fit(\n    {_given(fit, names)},\n    epochs={end},\n    initial_epoch={start},"
        f"\n    shuffle=False,{classes}\n    callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)],\n).history"
    )
    return text.split("\n")


def _named(fit: PlannedFit, first: int = 1) -> list[str]:
    """Lines that give every report its name in the case, of epochs that are counted from `first`."""
    spoken = [f'"{LOSS}": ["{LOSS}"],']
    if len(fit.outputs) > 1:
        spoken += [
            f'"{output_loss(name)}": [f"{output_loss(f"{{model.output_names[{index}]}}")}"],'
            for index, name in enumerate(fit.outputs)
        ]
    for row in (fit.metrics, fit.weighted_metrics):
        for output, metrics in row.items():
            called = f"{{model.output_names[{fit.outputs.index(output)}]}}"
            spoken += [f'"{one}": [f"{called}_{one}", "{one}"],' for one in metrics]
    return [
        "for report, names in {",
        *in_loop(spoken),
        "}.items():",
        "    spoken = [name for name in names if name in told]",
        "    if not spoken:",
        f'        raise KeyError(f"{fit.through} reports no {{report}}")',
        f"    for epoch, value in enumerate(told[spoken[0]], {first}):",
        f'        found[f"{fit.through}.{{report}}@{{epoch}}"] = np.asarray(value, dtype="float32")',
    ]
