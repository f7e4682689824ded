"""Storing a constructor's arguments as ``hparams``, as Lightning does, without loading Lightning."""

from __future__ import annotations

import inspect
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any


class Hyperparameters(dict[str, Any]):
    """A dictionary of arguments that are also attributes."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(f"there is no hyperparameter '{name}'; kept are {', '.join(self) or 'none'}")
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def saved(
    instance: object, frame: FrameType, chosen: tuple[Any, ...], ignore: str | Sequence[str] | None
) -> dict[str, Any]:
    """Return the arguments that ``instance.save_hyperparameters(*chosen, ignore=ignore)``, called in ``frame``, stores.

    ``chosen`` is empty (all arguments of the running constructors), names of some arguments, or one mapping or Namespace
    that is stored itself. Raises TypeError for anything else and KeyError for a name that is not an argument.
    """
    others = [value for value in chosen if not isinstance(value, str)]
    if others:
        kept = vars(others[0]) if isinstance(others[0], Namespace) else others[0]
        if len(chosen) > 1 or not isinstance(kept, Mapping):
            raise TypeError(
                "save_hyperparameters takes names of constructor arguments or one mapping, "
                f"found {', '.join(type(value).__name__ for value in chosen)}"
            )
        return dict(kept)
    left_out = {ignore} if isinstance(ignore, str) else set(ignore or ())
    arguments = {n: v for n, v in constructor_arguments(instance, frame).items() if n not in left_out}
    return {name: arguments[name] for name in chosen} if chosen else arguments


def constructor_arguments(instance: object, frame: FrameType) -> dict[str, Any]:
    """Return the arguments of the running constructors of ``instance``; those of a derived class win over its base's."""
    arguments: dict[str, Any] = {}
    for constructor in _constructors(instance, frame):
        names, _, keywords, values = inspect.getargvalues(constructor)
        arguments |= {name: values[name] for name in names[1:]}
        arguments |= values[keywords] if keywords else {}
    return arguments


def _constructors(instance: object, frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the running ``__init__`` methods of ``instance``, the innermost (the base's) first."""
    while frame is not None and frame.f_code.co_name == "__init__":
        first = frame.f_code.co_varnames[0] if frame.f_code.co_argcount else ""
        if frame.f_locals.get(first) is not instance:
            return
        yield frame
        frame = frame.f_back
