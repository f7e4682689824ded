"""Checkpoints that a method's authors published: their entries in cards, finding and reading them. Does not load torch.

None of them is part of this package. A file is used only if it has the SHA-256 in the card, and no code in it is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fusionbench.config import unknown_key
from fusionbench.errors import ConfigError, WeightsError
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.weights.checkpoints import check_fit, check_values, known_hash, read_state, weights_folder
from fusionbench.weights.methods import (
    Weights,
    base_name,
    imported_weights,
    joined,
    load_weights,
    shipped_weights,
)
from fusionbench.weights.rules import card_rules, rename

if TYPE_CHECKING:
    from torch import Tensor

    from fusionbench.method import FusionMethod

UNSTATED = "none stated"


@dataclass(frozen=True)
class Checkpoint:
    """One set of weights as its authors published it.

    ``files`` maps the names of its files to their SHA-256. ``url`` is the folder with the files in a public repository
    at one commit. ``families`` are those that it is for; empty means all of the method. ``arguments`` are the constructor
    arguments that select it. ``licence`` is the one that the repository states. ``swapped`` names tensors whose two input
    channels are in the opposite order in the file.
    """

    url: str
    files: Mapping[str, str]
    licence: str
    families: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    swapped: tuple[str, ...] = ()

    def address(self, file: str) -> str:
        return f"{self.url}/{quote(file)}"

    def serves(self, family: str, arguments: Mapping[str, Any]) -> bool:
        asked = all(arguments.get(key) == value for key, value in self.arguments.items())
        return asked and (not self.families or family in self.families)

    @property
    def terms(self) -> str:
        """The licence of the files in a sentence."""
        names = ", ".join(self.files)
        if self.licence == UNSTATED:
            return f"{names}: no licence is stated, so all rights are reserved: compare with it, do not pass it on."
        return f"{names}: licence {self.licence}."


def checkpoints(method: MethodSpec) -> tuple[Checkpoint, ...]:
    """Return the checkpoints in a method's card. Raises ConfigError for an entry that cannot be used."""
    return tuple(_checkpoint(entry, method.source) for entry in method.card.checkpoints)


def _checkpoint(entry: Any, where: Path) -> Checkpoint:
    known = [f.name for f in fields(Checkpoint)]
    if not isinstance(entry, Mapping) or not {"url", "files", "licence"} <= entry.keys():
        raise ConfigError(f"{where}: an entry of checkpoints needs url, files and licence, found {entry!r}.")
    for key in entry:
        if key not in known:
            raise ConfigError(f"{where}: checkpoints: {unknown_key(key, known)}")
    files = entry["files"]
    if not isinstance(files, Mapping) or not all(len(str(digest)) == 64 for digest in files.values()):
        raise ConfigError(f"{where}: files of checkpoints map each name to its SHA-256, found {files!r}.")
    lists = {key: tuple(entry.get(key, ())) for key in ("families", "swapped")}
    return Checkpoint(**{**entry, **lists})


def checkpoint_for(method: MethodSpec, family: str, arguments: Mapping[str, Any]) -> Checkpoint | None:
    """Return the checkpoint for a family and arguments, the one with most matching arguments; None if none matches."""
    fitting = [entry for entry in checkpoints(method) if entry.serves(family, arguments)]
    return max(fitting, key=lambda entry: len(entry.arguments), default=None)


def published_file(name: str, file: str) -> Path:
    """Return the path of a method's file: in the folder of the method's name, or in ``weights`` below it if it is there."""
    folder = weights_folder() / base_name(name)
    nested = folder / "weights" / file
    return nested if nested.is_file() and not (folder / file).is_file() else folder / file


def published_weights(method: MethodSpec, family: str, arguments: Mapping[str, Any]) -> Weights | None:
    """Return the authors' weights for a method, a family and constructor arguments, None if files are missing.

    Raises WeightsError if a file does not have the SHA-256 in the card.
    """
    entry = checkpoint_for(method, family, arguments)
    if entry is None:
        return None
    paths = tuple(published_file(method.name, file) for file in entry.files)
    if not all(path.is_file() for path in paths):
        return None
    for path, stated in zip(paths, entry.files.values(), strict=True):
        check_hash(path, stated, method.name)
    return _weights(entry, paths)


def _weights(entry: Checkpoint, paths: tuple[Path, ...]) -> Weights:
    licence = "no licence stated" if entry.licence == UNSTATED else f"licence {entry.licence}"
    note = f"the authors' weights {', '.join(entry.files)} ({licence})"
    terms = entry.terms if entry.licence == UNSTATED else ""
    return Weights("published", paths[0], joined(list(entry.files.values())), note, paths, terms)


def available_weights(method: MethodSpec, family: str, arguments: dict[str, Any]) -> Weights | None:
    """Return the weights for a method that need no training: imported, else published, else shipped ones, else None.

    Raises WeightsError if a file has another SHA-256 than stated.
    """
    wanted = method, family, arguments
    return imported_weights(*wanted) or published_weights(*wanted) or shipped_weights(*wanted)


def checkpoint_of(method: MethodSpec, path: Path) -> tuple[Checkpoint, tuple[Path, ...]] | None:
    """Return the checkpoint to which a file belongs by its SHA-256, and all its files in the folder of this one.

    Returns None for a file that is not published. Raises WeightsError if another file of the checkpoint is missing.
    """
    digest = known_hash(path)
    for entry in checkpoints(method):
        if digest in entry.files.values():
            paths = tuple(
                path if stated == digest else path.with_name(name) for name, stated in entry.files.items()
            )
            for other, stated in zip(paths, entry.files.values(), strict=True):
                check_hash(other, stated, method.name)
            return entry, paths
    return None


def check_hash(path: Path, stated: str, name: str) -> None:
    """Raise WeightsError unless a file has the published SHA-256."""
    digest = known_hash(path)
    if digest != stated:
        raise WeightsError(
            f"{path} has SHA-256 {digest[:10]}, not {stated[:10]} as published: delete it and call "
            f"`{fetch_command(name)}`."
        )


def fetch_command(name: str) -> str:
    """Return the command line that downloads the published files of a method."""
    return f"fusionbench weights fetch {base_name(name)}"


def lacking_sentence(method: MethodSpec, family: str, arguments: Mapping[str, Any]) -> str:
    """Return a sentence on the published files that are missing and how to get them."""
    entry = checkpoint_for(method, family, arguments)
    if entry is None:
        return f"No published weights of {method.name} are for {family}: `fusionbench info {base_name(method.name)}` lists them."
    places = [
        path for path in (published_file(method.name, file) for file in entry.files) if not path.is_file()
    ]
    names = ", ".join(path.name for path in places)
    return (
        f"The authors' weights of {method.name} are not here: `{fetch_command(method.name)}` downloads {names} (licence: "
        f"{entry.licence}), `fusionbench weights import FILE --method {base_name(method.name)}` takes a file that you "
        f"have, to {places[0].parent}."
    )


def load_chosen(spec: MethodSpec, method: FusionMethod, weights: Weights) -> None:
    """Load weights into a method, renaming the tensors if they are files that its authors published.

    Raises WeightsError for files that are damaged, contain code or do not fit.
    """
    if weights.path is None:
        return
    known = checkpoint_of(spec, weights.path) if spec.card.checkpoints else None
    if known is None:
        load_weights(method, weights.path)
        return
    state, _ = read_published(spec, *known)
    expected = method.state_dict()
    state = with_counters(state, expected)
    check_fit(weights.path, expected, state, spec.name)
    check_values(weights.path, expected, state)
    method.load_state_dict(state)


def read_published(
    method: MethodSpec, entry: Checkpoint, paths: tuple[Path, ...]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the tensors of a checkpoint's files under the method's own names, and the dropped names.

    No code in the files is run. Raises WeightsError for files that are damaged or contain code.
    """
    state: dict[str, Any] = {}
    for path in paths:
        state |= flattened(read_state(path))
    renamed, dropped = rename(state, card_rules(method), paths[0])
    # after renaming, because the card names tensors as the method does
    for name in entry.swapped:
        renamed[name] = renamed[name].flip(1)
    return renamed, dropped


def with_counters(state: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state with counters of batches, which files of old torch versions lack and only training reads."""
    counters = {name: tensor for name, tensor in expected.items() if name.endswith(".num_batches_tracked")}
    return counters | state


def flattened(state: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings with their keys joined by dots."""
    leaves: dict[str, Any] = {}
    for key, value in state.items():
        leaves |= (
            flattened(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
        )
    return leaves
