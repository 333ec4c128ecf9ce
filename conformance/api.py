"""What Python users call; `conformance/__init__.py` gives it out. Nothing is imported before it is needed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.comparison.live import Answer

Shape = Sequence[int]


def compare(
    keras_model: Any,
    torch_module: Any,
    inputs: Any = None,
    *,
    pairs: Mapping[str, str] | None = None,
    port_inputs: str | None = None,
    rounding: bool = True,
    gradients: bool = False,
    step: str | None = None,
    save: str | os.PathLike[str] | None = None,
) -> Answer:
    """Says where a port first differs from its Keras model, whether that is rounding, and why.

    Both objects stay as they are. Layers are paired by what their weights hold and by what they give; each pair is fed
    the model's own activations, so that every place where a difference starts is found.

    keras_model: a built Keras model, functional, sequential or subclassed, of Keras 2 or 3 on TensorFlow.
    torch_module: a `torch.nn.Module` that holds the same weights, or another Keras model.
    inputs: an array, a list of arrays in the model's order, or a mapping by its inputs' names; drawn from the model's
        shapes when left out. Integers stay integers; floats become float32.
    pairs: the model's layers by path to the port's modules, where you know better than their contents tell.
    port_inputs: how the port is called, where its arguments are not named as the inputs are or not in their order:
        "input_ids=token_ids,pixels=image:0,3,1,2".
    rounding: whether it is measured how far rounding reaches; without it the comparison is several times as fast and
        judges by the size of the numbers alone.
    save: a folder; each start is kept there as a case with its real inputs and weights, and as a script.
    gradients, step: compare the gradients of all weights too, and all weights after one step: "SGD(0.1)".

    Raises conformance.ConformanceError for what cannot be compared, with what to do.
    """
    from conformance.comparison.live import compare_live

    return compare_live(
        keras_model,
        torch_module,
        inputs,
        pairs=pairs,
        port_inputs=port_inputs,
        rounding=rounding,
        gradients=gradients,
        step=step,
        save=save,
    )


class Explanation:
    """What the lanes say of one question. Prints as text, shows as a page in a notebook."""

    def __init__(self, found: Any) -> None:
        self._found = found

    @property
    def agrees(self) -> bool:
        """Whether every lane agrees with the reference."""
        return str(self._found.record.outcome) == "agree"

    def __str__(self) -> str:
        from conformance.cli.explain import rendered

        return rendered(self._found, "text")

    def __repr__(self) -> str:
        return f"<conformance: {self._found.record.question} {self._found.record.outcome}>"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its style stays its own."""
        from html import escape

        from conformance.cli.explain import rendered

        page = escape(rendered(self._found, "html"), quote=True)
        return f'<iframe sandbox="" width="100%" height="600" srcdoc="{page}"></iframe>'


def explain(
    layer: str,
    *shapes: Shape,
    mask: Sequence[int] | Sequence[Sequence[int]] | None = None,
    training: bool = False,
    lanes: Sequence[str] = (),
) -> Explanation:
    """What Keras, torch and the NumPy reference make of a layer: a free question, without a case.

    layer: the call of its constructor as in Keras, "Conv1D(100, 4, padding='same')"; or its name.
    shapes: one for each input, without the batch, which is added: (50, 300).
    mask: the real steps of each row, (3, 5), or the steps themselves as rows of 1 and 0.
    lanes: where it is asked, as on the command line: "keras@3.3.3", "torch". Keras and torch when left out.

    Raises conformance.ConformanceError for a layer or a shape that means nothing, with what to write instead.
    """
    from conformance.ask.question import Options, question_of
    from conformance.ask.write import case_text, load
    from conformance.cli.find import Found
    from conformance.cli.live import ask, lanes_of, record_of

    rows = [] if mask is None else [_row(row) for row in mask]
    options = Options(
        layer=layer,
        inputs=tuple(",".join(str(int(length)) for length in shape) for shape in shapes),
        masks=(",".join(rows),) if rows else (),
        is_training=training,
    )
    case = load(case_text(question_of(options), None), None)
    results = ask(case, lanes_of(list(lanes)), is_exacting=bool(lanes))
    return Explanation(Found(record_of(results), results))


def _row(row: int | Sequence[int]) -> str:
    return str(row) if isinstance(row, int) else "".join(str(int(step)) for step in row)
