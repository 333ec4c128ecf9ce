"""`import conformance` is light and its public names are few; a comparison of live objects leaves them as they were."""

from __future__ import annotations

import inspect
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import conformance
from tests.comparison.bench import MODELS


def run(script: str, folder: Path | None = None) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_is_light() -> None:
    heavy = ("numpy", "keras", "tensorflow", "torch")
    assert run(f"import sys, conformance; print([m for m in {heavy} if m in sys.modules])") == "[]\n"


def test_what_is_public_is_there_and_documented() -> None:
    types = ["Answer", "ConformanceError", "Difference", "Explanation", "Row", "Start"]
    assert conformance.__all__ == [*types, "__version__", "compare", "explain"]
    assert all(getattr(conformance, name).__doc__ for name in conformance.__all__)
    misspelt = "Stat"
    with pytest.raises(AttributeError, match="module conformance has no attribute Stat"):
        getattr(conformance, misspelt)


def test_the_public_functions_say_what_they_take_and_give() -> None:
    for function in (conformance.compare, conformance.explain):
        hints = typing.get_type_hints(function, vars(conformance.api) | {"Answer": conformance.Answer})
        assert set(hints) == {*inspect.signature(function).parameters, "return"}
    public = [name for name in vars(conformance.Answer) if not name.startswith("_")]
    assert {"first", "starts", "raise_for_difference", "to_json", "to_html"} <= set(public)
    assert all(getattr(conformance.Answer, name).__doc__ for name in public)


LIVE = f"""
import sys
sys.path.insert(0, {str(MODELS)!r})
import numpy as np
import classifier, classifier_port
import conformance

model, right, wrong = classifier.build(), classifier_port.in_training_mode(), classifier_port.last_step()
ids = np.array([[3, 9, 27], [7, 0, 0]])
before = [w.copy() for w in model.get_weights()]
found = conformance.compare(model, right, ids)
found.raise_for_difference()
print(found.agrees, found.first, found.starts, right.training)
found = conformance.compare(model, wrong, {{"ids": ids}})
print(found.agrees, found.first.layer, found.first.cause.name, len(found.starts))
print(all((a == b).all() for a, b in zip(before, model.get_weights())))
try:
    found.raise_for_difference()
except AssertionError as error:
    print(str(error).splitlines()[0].startswith("Port and Sequential differ in one place"))
print(found._repr_html_().startswith("<iframe sandbox"), '"verdict": "differ"' in found.to_json())
try:
    conformance.compare(model, wrong, ids.astype(float) / 2)
except conformance.ConformanceError as error:
    print(error)
"""


@pytest.mark.frameworks
def test_live_objects_are_compared_and_left_as_they_were() -> None:
    assert run(LIVE).splitlines() == [
        "True None () True",
        "False pool GlobalAveragePooling1D.last_step 1",
        "True",
        "True",
        "True True",
        "the input ids has fractions; the model takes int32",
    ]


@pytest.mark.frameworks
def test_a_free_question_is_explained() -> None:
    script = """
import conformance
found = conformance.explain("Conv1D(3, 4, padding='same')", (5, 2))
print(found.agrees, "Keras" in str(found), found._repr_html_().startswith("<iframe"))
print(conformance.explain("GRU(3)", (4, 2), mask=(2, 4)).agrees)
try:
    conformance.explain("Conv1D(3, 4, paddin='same')", (5, 2))
except conformance.ConformanceError as error:
    print("did you mean padding?" in str(error))
"""
    assert run(script).splitlines() == ["True True True", "True", "True"]
