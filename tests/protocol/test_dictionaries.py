"""What Keras' image layers take in a dictionary: how a call of a case becomes one, and its answer a list."""

from __future__ import annotations

from typing import Any

from conformance.protocol.dictionaries import called


class Marking:
    """An image layer that writes down what it was called with, and marks all that it gives back."""

    def transform_labels(self) -> None:
        """There, so that it is taken for an image layer."""

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        self.told = (data, args, kwargs)
        return _marked(data)


def _marked(data: Any) -> Any:
    return {key: _marked(item) for key, item in data.items()} if isinstance(data, dict) else f"{data}!"


def test_labels_and_boxes_go_with_the_images() -> None:
    layer = Marking()
    assert called(layer, ["x"], {"box_labels": "c", "boxes": "b", "labels": "y", "training": True}) == [
        "x!",
        "y!",
        "b!",
        "c!",
    ]
    boxes = {"boxes": "b", "labels": "c"}
    assert layer.told == ({"images": "x", "labels": "y", "bounding_boxes": boxes}, (), {"training": True})


def test_images_alone_are_a_plain_call() -> None:
    layer = Marking()
    assert called(layer, ["x"], {"training": False}) == "x!"
    assert layer.told == ("x", (), {"training": False})


def test_labels_of_other_layers_are_plain_arguments() -> None:
    told: list[Any] = []
    called(lambda *args, **kwargs: told.append((args, kwargs)), ["x"], {"labels": "y"})
    assert told == [(("x",), {"labels": "y"})]
