"""Scripts of a sample of the project's cases in all three lanes, against what the lanes said a moment before.

`python -m tests.repro.all` does the same with every case, and writes docs/evidence/repro.md.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from conformance.case.load import load_folder
from conformance.form import to_json
from conformance.protocol.counterparts import is_torchs
from conformance.repro.evidence import Evidence
from conformance.repro.script import script
from conformance.run import LANES, Run
from tests.repro.asked import evidence_of, lane_row
from tests.repro.scripts import Ended, alone, together

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).parents[2]
LANES_WITH_SCRIPTS = ("keras", "torch", "numpy")
BATCHES = "training/models.batch_normalization-optimizer_RMSprop"
ALWAYS = (
    "attention/heads.residual",  # known: another mask
    "attention/heads.scores_of_cross_attention",  # known: another shape without numbers
    "rnn/stateful.of_two_cells",  # known: raises where it should answer
    "normalization/rms.other_axis_of_a_square",  # known: other values
    "pooling/global_average.channels_first_masked",  # raises, as it should
    "model/composition.out_of_reach",  # a sub-model, and an error while it is built
    "merge/masked_average.over_a_list",  # a layer of ours
    "loss/sample_weight.compile",  # a training step
    "inputs/arrays.stacked",  # an array of arrays
    "rnn/stateful.bidirectional",  # states that outlive a call
    "core/activation.celu_at_zero",  # known: another gradient
    "normalization/layer.axes_of_mixed_signs",  # known: weights of another shape
    "training/models.duplicates_in_rmsprop_by_hand",  # known: Keras moves a weight otherwise
    "training/adam.network-epsilon_0.01",  # torch.optim set so that it is Keras
    BATCHES,  # weights that no optimizer moves
    "training/models.stateful",  # two trainings, and states that live from step to step
    "training/models.word_of_an_earlier_batch",  # another batch at each step
    "training/sgd.clip",  # three trainings
    "penalty/constraints.nothing",  # an array of nothing, and constraints by themselves
    "penalty/regularizers.no_matrix",  # raises while it is built
)
"""What the sample must hold, beside one case of every family."""
OF_KERAS_ALONE = "training/batches."
"""Cases that only Keras' script says: what optimisers do around a step."""
FITTED = (
    "fit/batches.batch_normalization",  # fit, then evaluate, of the same layers
    "fit/weights.fit_loss_weights",  # two outputs
    "fit/optimisers.several",  # optimisers by the names of layers
    "fit/resumed.momentum",  # saved with its optimiser in the midst of a fit
    "fit/resumed.written_by_3_6_0",  # trained on from another release's file
    "saving/files.own-form_weights",
    "saving/files.cut-form_keras",  # raises, as it should
    "saving/files.written_by_3_0_5_h5",
)
"""Cases of fit, evaluate and files: Keras' loop has a script in Keras alone."""
STANDARD = {"base64", "copy", "dataclasses", "hashlib", "math", "os", "sys", "textwrap", "warnings", "inspect"}
STANDARD |= {"tempfile", "zlib", "collections", "collections.abc", "functools", "fractions", "re", "string", "types"}


def sample() -> list[Any]:
    """Every family's case of the least digest, and those that are always there.

    None of them is in torch's words: no script says these. What is trained by `fit`, or saved while it is, has a script
    in Keras alone; some of these are always there, as no family's least.
    """
    cases = load_folder(ROOT / "cases")
    chosen: dict[str, Any] = {}
    for case in sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest()):
        in_torchs_words = any(is_torchs(kind) for kind in case.layer_types)
        is_said = not (case.fits or case.saved or in_torchs_words or case.id.startswith(OF_KERAS_ALONE))
        if is_said and (not case.lanes or set(LANES_WITH_SCRIPTS) <= set(case.lanes)):
            chosen.setdefault(case.family, case)
    always = (*ALWAYS, *FITTED)
    return [*chosen.values(), *(case for case in cases if case.id in always and case not in chosen.values())]


@pytest.fixture(scope="module")
def evidence() -> dict[str, Evidence]:
    """The evidence on the sample's cases, which the three lanes answer first."""
    specs = tuple(LANES[name] for name in LANES_WITH_SCRIPTS)
    cases, run = sample(), Run(specs)
    try:
        run.announce([(case, LANES_WITH_SCRIPTS) for case in cases])
        records = [to_json(run.record(case)) for case in cases]
        identities = run.identities()
    finally:
        run.stop()
    rows = [lane_row(spec, identities[spec.name], len(cases), records) for spec in specs]
    return {record["id"]: evidence_of(rows, record) for record in records}


@pytest.fixture(scope="module")
def scripts(evidence: dict[str, Evidence]) -> dict[str, dict[str, str]]:
    said = {lane: [name for name in evidence if lane == "keras" or name not in FITTED] for lane in LANES_WITH_SCRIPTS}
    return {lane: {name: script(evidence[name], lane) for name in names} for lane, names in said.items()}


TAMPERED = {
    "mask": ("keras", "attention/heads.residual", '"mask": None', '"mask": np.full((2, 5), True)'),
    "symbolic": ("keras", "attention/heads.residual", '"symbolic": (None, 5, 6)', '"symbolic": (None, 6, 5)'),
    "weights": ("keras", "attention/heads.residual", "embed.set_weights([", "embed.set_weights([2 * "),
    "gradient": ("keras", "core/activation.celu_at_zero", "((0, 1), 1.8125)", "((0, 1), 0.90625)"),
    "shape": (
        "keras",
        "normalization/layer.axes_of_mixed_signs",
        "Normalization(axis=[1, -1]",
        "Normalization(axis=[1, 2]",
    ),
    "said": ("keras", "training/models.duplicates_in_rmsprop_by_hand", "[0.8367007]", "[0.8585786]"),
    "rate": ("keras", "training/adam.network-epsilon_0.01", "learning_rate=0.05", "learning_rate=0.0501"),
    "batch": ("keras", "training/models.word_of_an_earlier_batch", 'data["later_ids"]', 'data["ids"]'),
    "start": (
        "keras",
        BATCHES,
        "norm.set_weights(norm_weights)  # from the start",
        "norm.get_weights()  # from the start",
    ),
    "loss weight": ("keras", "fit/weights.fit_loss_weights", "loss_weights=[0.3,", "loss_weights=[0.4,"),
    "class of a rate": ("keras", "fit/optimisers.several", "SGD(learning_rate=0.25", "SGD(learning_rate=0.26"),
    "what was saved": ("keras", "saving/files.own-form_weights", "made.load_weights(path)", "made.get_weights()"),
    "epsilon": ("torch", "training/adam.network-epsilon_0.01", "] = 0.01 / math.sqrt(1.0 - 0.999**number)", "] = 0.01"),
    "decay": ("torch", "training/sgd.clip", "torch.optim.SGD(tensors", "torch.optim.SGD(tensors, weight_decay=0.01"),
    "clip": ("torch", "training/sgd.clip", "tensor.grad.norm()", "sum(t.grad.norm() for t in moving)"),
    "states": ("torch", "training/models.stateful", "loss.backward()", "loss.backward(), stateful_state.clear()"),
}
"""Lane, case, and what a script says in place of what it should."""


@pytest.fixture(scope="module")
def ended(scripts: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Ended]]:
    """By lane how its scripts ended, those that were tampered with too: all in one process."""

    @cache
    def of(lane: str) -> dict[str, Ended]:
        changed = {}
        for name, (where, case, old, new) in TAMPERED.items():
            if where == lane:
                assert old in scripts[lane][case], name
                changed[name] = scripts[lane][case].replace(old, new, 1)
        return together({**scripts[lane], **changed}, tmp_path_factory.mktemp(lane))

    return of


@pytest.mark.parametrize("lane", LANES_WITH_SCRIPTS)
def test_every_script_of_the_sample_reproduces(scripts: Any, ended: Any, lane: str) -> None:
    found = {name: ended(lane)[name] for name in scripts[lane]}
    wrong = {name: one.output[-800:] for name, one in found.items() if one.code != 0}
    assert not wrong, "\n\n".join(f"{name}\n{output}" for name, output in wrong.items())
    assert len(found) >= 35
    assert all(one.output.rstrip().endswith("reproduced") for one in found.values())


@pytest.mark.parametrize("lane", ["keras", "torch"])
def test_a_known_deviation_is_shown_by_a_script_alone(scripts: Any, lane: str, tmp_path: Path) -> None:
    ended = alone(scripts[lane]["attention/heads.residual"], tmp_path)
    assert ended.code == 0, ended.output
    is_told = "the reference expects: shape (2, 5, 6), dtype float32, mask [[1, 1, 0, 1, 0], [1, 1, 1, 0, 0]]"
    assert (is_told in ended.output) == (lane == "keras")


@pytest.mark.parametrize("name", TAMPERED)
def test_what_is_otherwise_ends_with_1(ended: Any, name: str) -> None:
    one = ended(TAMPERED[name][0])[name]
    assert (one.code, "NOT REPRODUCED" in one.output) == (1, True), one.output
    assert name != "mask" or "NOT AS REPORTED, which says: mask" in one.output


def test_no_script_imports_anything_of_ours(scripts: Any) -> None:
    for lane, allowed in (("keras", {"keras", "tensorflow"}), ("torch", {"torch"}), ("numpy", set())):
        for text in scripts[lane].values():
            tree = ast.parse(text)
            imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            first = {name if name in STANDARD else name.partition(".")[0] for name in imported}
            assert first <= STANDARD | {"numpy"} | allowed
