"""Generic mutants that compute the same as the source, each with the argument."""

from __future__ import annotations

from collections.abc import Mapping

_MISTAKE = "serves the mutants that layers come with, and no layer"
_TWO_KINDS = "a claim is `same` or `differ`, and these compare alike"
_ANY_LENGTH = "NumPy takes any negative length for the one that is left over"
_ANY_SEED = "what is drawn is never compared: any seed is as good"

ARGUED: Mapping[tuple[str, str, str], str] = {
    (
        "reference.activation_layers",
        "slopes = tuple(1 if axis in axes else length for axis, length in enumerate(shape) if axis > 0)",
        "slopes = tuple(1 if axis in axes else length for axis, length in enumerate(shape) if axis != 0)",
    ): "an axis that is counted from 0 is never below it",
    (
        "reference.activation_layers",
        "return mask if mask.dtype == bool else mask > 0.5",
        "return mask if mask.dtype != bool else mask > 0.5",
    ): "a mask of floats has 0 and 1 only, which `where` takes for false and true",
    (
        "reference.activation_layers",
        "return powers / np.where(total > 0, total, 1.0)",
        "return powers / np.where(total > 1, total, 1.0)",
    ): "the largest score that is kept counts 1: a sum is 0, or 1, or more",
    (
        "reference.activation_layers",
        "return 0.0 * slopes + np.mean(slopes, axis=axes, keepdims=True)",
        "return 0.0 / slopes + np.mean(slopes, axis=axes, keepdims=True)",
    ): _MISTAKE,
    (
        "reference.optimizer_base",
        "return optimizer.learning_rate * (optimizer.weight_decay or 0.0) * w",
        "return optimizer.learning_rate * (optimizer.weight_decay or -1.0) * w",
    ): _MISTAKE,
    (
        "reference.base",
        "@dataclass(frozen=True, slots=True)",
        "@dataclass(frozen=False, slots=True)",
    ): "nothing assigns to a weight; frozen is a promise to readers",
    (
        "reference.base",
        "self.random = numpy.random.default_rng(0) if random is None else random",
        "self.random = numpy.random.default_rng( 1) if random is None else random",
    ): _ANY_SEED,
    (
        "reference.core",
        "return getval(x) != 0 if self.mask_zero else NO_MASK",
        "return getval(x) > 0 if self.mask_zero else NO_MASK",
    ): "a negative id has raised before its mask is asked for",
    (
        "reference.gates",
        'return np.stack([value[0], np.zeros_like(value[1])]) if name == "bias" and value.ndim == 2 else value',
        'return np.stack([value[0], np.zeros_like(value[1])]) if name == "bias" and value.ndim >= 2 else value',
    ): "a bias has one axis or two",
    (
        "reference.global_pooling",
        'channels = 1 if self.data_format == "channels_first" else len(shape) - 1',
        'channels = 1 if self.data_format <= "channels_first" else len(shape) - 1',
    ): "of the two formats `channels_first` is the first in the alphabet",
    (
        "reference.lookup",
        "flat = numpy.reshape(one.gradient, (-1, *table.shape[1:]))",
        "flat = numpy.reshape(one.gradient, (- 2, *table.shape[1:]))",
    ): _ANY_LENGTH,
    (
        "reference.lookup",
        "flat = numpy.reshape(one.gradient, (-1, *table.shape[1:]))",
        "flat = numpy.reshape(one.gradient, (~1, *table.shape[1:]))",
    ): _ANY_LENGTH,
    (
        "reference.margins",
        "return np.mean(np.where(gap > 0.0, gap, 0.0) ** 2, axis=-1), None",
        "return np.mean(np.where(gap >= 0.0, gap, 0.0) ** 2, axis=-1), None",
    ): "a gap of 0 has the square 0 and the slope 0 on both sides",
    (
        "reference.merging",
        "present = [mask for mask in masks or () if mask is not None]",
        "present = [mask for mask in masks and () if mask is not None]",
    ): _MISTAKE,
    (
        "reference.noise",
        "return np.swapaxes(x, layer.channels_axis, 1 if layer.channels_axis > 1 else 2)",
        "return np.swapaxes(x, layer.channels_axis, 1 if layer.channels_axis > 0 else 2)",
    ): _MISTAKE,
    (
        "reference.optimizer_base",
        "return {name: moved[name] - (optimizer.weight_decay or 0.0) * w for name, w in weights.items()}",
        "return {name: moved[name] - (optimizer.weight_decay or -1.0) * w for name, w in weights.items()}",
    ): _MISTAKE,
    (
        "reference.optimizers",
        "return self.change(number + 1, g, square, memory)",
        "return self.change(number % 1, g, square, memory)",
    ): _MISTAKE,
    (
        "reference.optimizers",
        "return self.learning_rate * math.sqrt(second) / first * old / (np.sqrt(v) + self.epsilon)",
        "return self.learning_rate * math.sqrt(second) / first * old / (np.sqrt(v) * self.epsilon)",
    ): _MISTAKE,
    (
        "reference.optimizer_base",
        "key: np.where(rows, value, old.get(name, {}).get(key, 0.0)) for key, value in memory[name].items()",
        "key: np.where(rows, value, old.get(name, {}).get(key, -1.0)) for key, value in memory[name].items()",
    ): _MISTAKE,
    (
        "reference.optimizers",
        "return self.learning_rate * m / self.corrections(number)[0] / (np.sqrt(v) + self.epsilon)",
        "return self.learning_rate * m / self.corrections(number)[ 1] / (np.sqrt(v) + self.epsilon)",
    ): _MISTAKE,
    (
        "reference.rnn",
        'unroll: bool = arg("Whether the steps are unrolled; the same numbers, for a known number of steps.", '
        "default=False)",
        'unroll: bool = arg("Whether the steps are unrolled; the same numbers, for a known number of steps.", '
        "default=True)",
    ): "unrolled or not, the reference gives the same numbers",
    (
        "reference.windows",
        'if self.padding == "causal":',
        'if self.padding <= "causal":',
    ): "of `valid`, `same` and `causal` the last is the first in the alphabet",
    (
        "reference.wrappers",
        'return {name[len(scope) + 1 :]: weight for name, weight in weights.items() if name.startswith(f"{scope}.")}',
        'return {name[len(scope) ** 1 :]: weight for name, weight in weights.items() if name.startswith(f"{scope}.")}',
    ): "counts terms only, by the ends of the names",
    (
        "judge.again",
        "@dataclass(frozen=True, slots=True)",
        "@dataclass(frozen=True, slots=False)",
    ): "slots save memory and change no number",
    (
        "judge.compare",
        'if comparer.aspect == "values":',
        'if comparer.aspect >= "values":',
    ): "of the comparers' aspects `values` is the last in the alphabet",
    (
        "judge.expectations",
        'if wanted.dtype.kind == "f":',
        'if wanted.dtype.kind <= "f":',
    ): "of the kinds before `f`, truths are neither NaN nor infinite nor signed, and no case states complex numbers",
    (
        "judge.feeding",
        'inputs[name] = {"shape": shape, "dtype": str(arrays[0].dtype)}',
        'inputs[name] = {"shape": shape, "dtype": str(arrays[ -1].dtype)}',
    ): "a node has one dtype in all runs",
    (
        "judge.expectations",
        'for a, b in pairs if claim.kind == "differ" else pairs[: len(claim.nodes) - 1]:',
        'for a, b in pairs if claim.kind <= "differ" else pairs[: len(claim.nodes) - 1]:',
    ): _TWO_KINDS,
    (
        "judge.expectations",
        'if (found is None) != (claim.kind == "same"):',
        'if (found is None) != (claim.kind >= "same"):',
    ): _TWO_KINDS,
    (
        "judge.transforms",
        "if 2 <= reference.ndim <= MAX_RANK:",
        "if 1 <= reference.ndim <= MAX_RANK:",
    ): "the axes of a vector have one order only",
    (
        "judge.verdict",
        "@dataclass(frozen=True, slots=True)",
        "@dataclass(frozen=True, slots=False)",
    ): "slots save memory and change no number",
}
"""Module, line before and line after to why nothing can tell them apart."""
