"""One model in its lane, and port after port beside it: frameworks are imported once for a file of tests."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

from conformance.comparison.compare import Options, compare
from conformance.comparison.ends import ProcessEnd, SideRequests, far_spec
from conformance.comparison.result import Comparison
from conformance.comparison.session import Rounding, Session, Settings, scratch
from conformance.comparison.training import step_of
from conformance.lanes.declare import parse

MODELS = Path(__file__).parent / "models"


class Bench:
    """Compares a model with the ports of one file, by name."""

    def __init__(self, model: str, ports: str, batch: Any, port_inputs: str | None = None) -> None:
        path, _, name = model.partition(":")
        self._folder = scratch()
        self._spec = {"path": str(MODELS / path), "name": name, "allow": []}
        self._port = {"path": str(MODELS / ports), "name": ""}
        self._batch, self._port_inputs = batch, port_inputs
        self.model = ProcessEnd(
            far_spec(parse("keras")), SideRequests("the model", f"{self._folder.name}/m", self._spec)
        )
        self.asking = SideRequests("the port", f"{self._folder.name}/p", self._port)
        self.port = ProcessEnd(far_spec(parse("torch")), self.asking, 30.0)
        self._rounding: Rounding | None = None

    def __enter__(self) -> Bench:
        self.model.start()
        self.port.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.model.stop()
        self.port.stop()
        self._folder.cleanup()

    def compared(self, port: str, step: str | None = None, **settings: Any) -> Comparison:
        """The model beside one port; rounding is measured once."""
        self.asking.model = {**self._port, "name": port}
        chosen = Settings(port_inputs=self._port_inputs, **settings)
        if self._rounding is None and chosen.with_rounding:
            session = Session(self.model, self.port, Path(self._folder.name), chosen)
            session.describe(self._batch)
            self._rounding = session.rounding()
        options = Options(step=None if step is None else step_of(step))
        known = self._rounding if chosen.with_rounding else None
        names = "model", port
        return compare(self.model, self.port, names, self._batch, Path(self._folder.name), chosen, options, known)
