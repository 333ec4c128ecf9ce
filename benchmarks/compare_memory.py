"""How much memory a comparison takes on a model of a hundred million parameters: of the caller, and of its sides.

    python -m benchmarks.compare_memory
    python -m benchmarks.compare_memory --rounding

Six dense layers of 4,096 units, in Keras and in torch with the same weights, each side in a process of its own. The
caller holds no model: what it takes must not grow with one. A side may take what building and running it once takes,
half as much again, and, where rounding is measured, the model once more in float64 with its weights beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

LAYERS, UNITS, ROWS = 6, 4096, 8
WEIGHTS = 4 * LAYERS * UNITS * (UNITS + 1) // 2**20
"""MiB of the model's weights in float32."""
CALLER = 700
"""MiB that the caller may take: its imports, and what it compares at once."""
MODEL = f"""
import keras, numpy as np
def build():
    layers = [keras.layers.Dense({UNITS}) for _ in range({LAYERS})]
    model = keras.Sequential([keras.Input(({UNITS},), name="x"), *layers])
    for number, layer in enumerate(model.layers):
        random = np.random.default_rng(number)
        layer.kernel.assign(random.standard_normal(({UNITS}, {UNITS}), np.float32) / {UNITS} ** 0.5)
        layer.bias.assign(random.standard_normal({UNITS}, np.float32))
    return model
def once():
    build()(np.ones(({ROWS}, {UNITS}), np.float32))
"""
PORT = f"""
import numpy as np, torch
def build():
    torch.set_grad_enabled(False)
    port = torch.nn.Sequential(*(torch.nn.utils.skip_init(torch.nn.Linear, {UNITS}, {UNITS}) for _ in range({LAYERS})))
    for number, layer in enumerate(port):
        random = np.random.default_rng(number)
        layer.weight.copy_(torch.from_numpy(random.standard_normal(({UNITS}, {UNITS}), np.float32).T / {UNITS} ** 0.5))
        layer.bias.copy_(torch.from_numpy(random.standard_normal({UNITS}, np.float32)))
    return port.eval()
def once():
    build()(torch.ones({ROWS}, {UNITS}))
"""
_ONCE = "import resource, {name}; {name}.once(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the peaks in MiB; exit code 1 where one is over its limit."""
    import numpy as np

    from conformance import cli

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounding", action="store_true", help="measure how far rounding reaches, too")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.py").write_text(MODEL)
        (folder / "port.py").write_text(PORT)
        batch = np.random.default_rng(0).normal(size=(ROWS, UNITS)).astype(np.float32)
        np.save(folder / "batch.npy", batch)
        once = max(_once(folder, one) for one in ("model", "port"))
        sides = [f"{folder / 'model.py'}:build", f"{folder / 'port.py'}:build", "--inputs", f"{folder / 'batch.npy'}"]
        before = _peak(resource.RUSAGE_CHILDREN)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = cli.main(["compare", *sides, *([] if parsed.rounding else ["--no-rounding"])])
    assert code == 0, said.getvalue()
    caller, side = _peak(resource.RUSAGE_SELF), _peak(resource.RUSAGE_CHILDREN)
    assert side > before or side >= once, "the sides were not waited for"
    wide = 5 * WEIGHTS if parsed.rounding else 0
    limit = once * 3 // 2 + wide
    print(f"{LAYERS * UNITS * (UNITS + 1) / 1e6:.1f} million parameters, {WEIGHTS} MiB of weights")
    print(f"the caller: {caller} MiB; at most {CALLER}")
    print(f"the larger side: {side} MiB; built and run once {once} MiB; at most {limit}")
    return int(caller > CALLER or side > limit)


def _once(folder: Path, name: str) -> int:
    command = [sys.executable, "-c", _ONCE.format(name=name)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def _peak(of: int) -> int:
    """MiB, at most, of this process or of the largest of its ended children."""
    return resource.getrusage(of).ru_maxrss // 1024


if __name__ == "__main__":
    sys.exit(main())
