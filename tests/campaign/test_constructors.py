"""What Keras' constructors refuse the reference refuses too, and nothing else: of every value that a campaign draws."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from conformance.case.layers import types
from conformance.reference.base import LayerError, make
from tests.campaign.constructors import refused_by_us


@pytest.mark.frameworks
def test_nobody_alone_refuses_an_argument() -> None:
    command = [sys.executable, "-m", "tests.campaign.constructors"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    *differing, last = done.stdout.splitlines()
    assert differing == []
    matched = re.fullmatch(r"([0-9]+) values", last)
    assert matched is not None
    assert int(matched[1]) > 2500


@pytest.mark.parametrize(
    ("kind", "config", "words"),
    [
        ("RandomContrast", {"factor": -0.5}, "factor is -0.5, which is not between 0 and 1"),
        ("RandomRotation", {"factor": 3.0}, "factor is 3.0, which is not between -1 and 1"),
        ("RandomGaussianBlur", {"factor": 1.0, "sigma": 2.0}, "sigma is 2.0, which is not between 0 and 1"),
        ("RandomZoom", {"height_factor": (2.0, 3.0)}, "height_factor is .*, which is not between -1 and 1"),
        ("IntegerLookup", {"vocabulary": (1,), "pad_to_max_tokens": True}, "say how many"),
    ],
)
def test_the_reference_says_why(kind: str, config: dict[str, object], words: str) -> None:
    types()  # reads the layers
    with pytest.raises(LayerError, match=words):
        make(kind, config)


def test_what_the_reference_alone_refuses_is_seen() -> None:
    assert refused_by_us("RandomContrast", {"factor": 3.0})
    assert not refused_by_us("RandomContrast", {"factor": 0.5})
