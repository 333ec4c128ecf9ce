"""Which TensorFlow a release of Keras came out with, so that a gate says where it asks an old one on a new one."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.version import InvalidVersion, Version

TENSORFLOW_OF: Mapping[tuple[int, int], str] = {
    (2, 13): "2.13",
    (2, 14): "2.14",
    (2, 15): "2.15",
    (3, 0): "2.15",
    (3, 1): "2.16",
    (3, 2): "2.16",
    (3, 3): "2.16",
    (3, 4): "2.16",
    (3, 5): "2.17",
    (3, 6): "2.17",
    (3, 7): "2.18",
    (3, 8): "2.18",
    (3, 9): "2.18",
    (3, 10): "2.19",
    (3, 11): "2.19",
    (3, 12): "2.20",
}
"""Minor release of Keras to the newest minor release of TensorFlow on the day it came out, by their dates on PyPI."""


def out_of_period(versions: Mapping[str, str]) -> str:
    """What is to be known of a lane whose TensorFlow is not one of its Keras' time; empty where it is, or unknown."""
    keras, tensorflow = versions.get("keras"), versions.get("tensorflow")
    if keras is None or tensorflow is None:
        return ""
    try:
        asked, found = Version(keras), Version(tensorflow)
    except InvalidVersion:
        return ""
    usual = TENSORFLOW_OF.get((asked.major, asked.minor))
    if usual is None or found.release[:2] == Version(usual).release[:2]:
        return ""
    order = "newer" if found.release[:2] > Version(usual).release[:2] else "older"
    return f"tensorflow {tensorflow} is {order} than keras {keras}, which came out with {usual}"
