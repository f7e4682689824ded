"""Errors that a user can cause: one class per remedy, one sentence per message.

Every message says what was asked, what was found and what to do. The command line prints the message without a
traceback and exits with code 2; inside a cell of a run the error becomes the cell's status instead.
"""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

FEW = 3  # names that a message lists if there are many


def nearest(asked: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to ``asked``, ignoring case; None if none is similar."""
    lower = {name.lower(): name for name in known}
    near = get_close_matches(asked.lower(), lower, n=1, cutoff=0.5)
    return lower[near[0]] if near else None


def hint(asked: str, known: Sequence[str]) -> str:
    """Return the end of a sentence on an unknown name: the most similar known name, else all known names."""
    near = nearest(asked, known)
    return f"did you mean '{near}'?" if near else f"known are: {', '.join(known) or 'none'}."


def first_names(names: Collection[object]) -> str:
    """Return the first `FEW` names in quotation marks, and the number of further ones."""
    first = ", ".join(f"'{name}'" for name in list(names)[:FEW])
    return first if len(names) <= FEW else f"{first} and {len(names) - FEW} more"


def in_one_line(error: BaseException) -> str:
    """Return the class and the text of an exception of somebody else's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


class FusionbenchError(Exception):
    """The base of all errors that a user can cause and correct."""


class UnknownNameError(FusionbenchError):
    """A name under which nothing is registered; the message suggests the most similar one."""

    def __init__(self, kind: str, asked: str, known: Iterable[str]) -> None:
        known = sorted(known)
        super().__init__(f"Unknown {kind} '{asked}': {hint(asked, known)}")
        self.kind, self.asked, self.suggestion = kind, asked, nearest(asked, known)


class DataNotFoundError(FusionbenchError):
    """A folder or split that is not on this machine; the remedy is to get it or point --data-root at it."""


class ImageError(FusionbenchError):
    """One image or pair that cannot be used; the remedy is to replace that file."""


class RequestError(FusionbenchError):
    """Options that exclude each other or values out of range; the remedy is another command line."""


class ConfigError(FusionbenchError):
    """A recipe, card or catalog entry with a key or value that is not allowed."""


class PluginError(FusionbenchError):
    """A plug-in that cannot be imported or breaks the contract of methods; the remedy is in its code."""


class WeightsError(FusionbenchError):
    """Weights that are missing or do not fit; the remedy is the command in the message."""


class DownloadError(FusionbenchError):
    """A download that failed or is forbidden; the remedy is to try again, or to import a file obtained otherwise."""


class OutputError(FusionbenchError):
    """A place that cannot be written to (read-only, full); the remedy is another --out."""


class DamagedError(OutputError):
    """A stored file that differs from what was written.

    ``path`` and ``problem`` are kept for callers, such as ``verify``, that report it with another remedy.
    """

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path} {problem}: {remedy}.")
        self.path, self.problem = path, problem


class PlanError(FusionbenchError):
    """Everything that is wrong with a request, one sentence per line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(dict.fromkeys(problems)))
