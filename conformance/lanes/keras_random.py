"""The functions of `keras.random` as the graph of a case calls them: with arrays, and the arguments of a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.protocol.adapter import Unsupported

GENERATOR = "SeedGenerator"


class AskedRandom:
    """A function of `keras.random` with the arguments of a case; it draws anew at every call."""

    eager_only = True

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._function, self._arguments = function, arguments

    def __call__(self, *arrays: Any) -> Any:
        return self._function(*arrays, **self._arguments)


def random_function(keras: Any, name: str) -> Callable[..., Any]:
    """What makes a call of this function from its arguments. Raises Unsupported where this Keras has none."""
    function = getattr(getattr(keras, "random", None), name, None)
    if function is None:
        raise Unsupported(f"Keras {keras.__version__} has no {name} in keras.random")
    if name == GENERATOR:
        return _generator(function)
    return lambda name, **arguments: AskedRandom(function, {key: _plain(item) for key, item in arguments.items()})


def _generator(kind: Any) -> Callable[..., Any]:
    """The class, whose objects can be called for their next seed."""

    class SeedGenerator(kind):  # type: ignore[misc]  # the base is known at run time only
        """Keras' own."""

        eager_only = True

        def __call__(self) -> Any:
            return self.next()

    made: Callable[..., Any] = SeedGenerator
    return made


def _plain(value: Any) -> Any:
    """Lists of a case as tuples, which is what shapes are."""
    return tuple(value) if isinstance(value, list) else value
