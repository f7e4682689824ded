"""Weights of methods as safetensors files with their origin in a JSON file of the same name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusionbench.data.pairs import Split
from fusionbench.errors import WeightsError
from fusionbench.files import digest_of, write_json, write_through
from fusionbench.weights.checkpoints import (
    check_fit,
    check_values,
    file_hash,
    known_hash,
    read_state,
    state_for,
    weights_folder,
)

if TYPE_CHECKING:
    from fusionbench.method import FusionMethod
    from fusionbench.registry.method_spec import MethodSpec


IMPORTED_KEYS = {"arguments", "families", "imported", "note", "sha256"}  # keys needed to choose among imports


@dataclass(frozen=True)
class Weights:
    """The origin of a method's parameters.

    ``source`` is "none", "trained", "imported", "published", "shipped", "file" or "random"; ``note`` is a sentence for
    captions. Published weights may consist of several ``files``, of which ``path`` is the first.
    """

    source: str
    path: Path | None = None
    sha256: str | None = None
    note: str = ""
    files: tuple[Path, ...] = ()
    terms: str = ""  # shown to the user before use: that no licence is stated
    label: str = ""  # appended to the method's title in tables, such as what it was trained without


def joint_hash(paths: Iterable[Path]) -> str:
    """Return one SHA-256 for one or several files. Raises WeightsError if one cannot be read."""
    return joined([file_hash(path) for path in paths])


def joined(digests: Sequence[str]) -> str:
    """Return one SHA-256 for several, in their order; a single one is returned unchanged."""
    return digests[0] if len(digests) == 1 else digest_of(list(digests))


def save_weights(method: FusionMethod, path: Path, provenance: dict[str, Any]) -> str:
    """Write parameters and buffers as safetensors, and their origin as JSON beside them; return the SHA-256."""
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in method.state_dict().items()}
    data = save(state)  # not `save_file`, which handles temporary files and full disks in its own way
    write_through(path, lambda partial: partial.write_bytes(data))
    digest = file_hash(path)
    # after the weights, because this file marks them as complete
    write_json(path.with_suffix(".json"), {**provenance, "sha256": digest})
    return digest


def load_weights(method: FusionMethod, path: Path) -> None:
    """Load a safetensors file or a checkpoint's state dict into a method, strictly.

    Pickles are read with ``weights_only=True``, so they cannot run code. Wrappers and prefixes around the tensors are
    removed, see `state_for`. Raises WeightsError if the file is missing, unreadable, made for another architecture, or
    contains NaN or other values that are not weights.
    """
    stored = read_state(path)
    method.fit_to(stored)
    expected = method.state_dict()
    state = state_for(path, stored, expected)
    check_fit(path, expected, state, type(method).__name__)
    check_values(path, expected, state)
    method.load_state_dict(state)


def shipped_weights(spec: MethodSpec, family: str, arguments: dict[str, Any]) -> Weights | None:
    """Return the weights shipped with a method for a family if they were trained with these arguments, else None.

    ``stands_for`` in their JSON names further arguments for which they are offered: weights trained with another loss fit
    the same network. ``label`` there is what tables append to the method's title. Raises WeightsError if the file does not
    have the SHA-256 in its JSON, or is missing.
    """
    name = spec.card.weights.get(family)
    if not isinstance(name, str) or not name.endswith(".safetensors") or "://" in name:
        return None  # none, or a card's words on where to get them
    path = spec.source / "weights" / name
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{path.with_suffix('.json')} cannot be read ({error}): reinstall what {spec.name} comes with."
        ) from error
    if arguments not in (about["arguments"], about.get("stands_for", about["arguments"])):
        return None
    if not path.is_file():
        raise WeightsError(absent(path, about))
    digest = file_hash(path)
    if digest != about["sha256"]:
        raise WeightsError(
            f"Weights {path} have SHA-256 {digest[:10]}, not {about['sha256'][:10]}: reinstall fusionbench."
        )
    return Weights("shipped", path, digest, about["note"], label=about.get("label", ""))


def absent(path: Path, about: dict[str, Any]) -> str:
    """Return the sentence on how to get shipped weights that are too large to be part of an installed package."""
    size = f"{about['bytes'] / 1e6:.0f} MB" if "bytes" in about else "too large"
    method = path.parent.parent.name
    return (
        f"Weights {path.name} of {method} ({size}, SHA-256 {about['sha256'][:10]}) are not part of an installed package: "
        f"get methods/{method}/weights/{path.name} from fusionbench's repository and run `fusionbench weights import "
        f"{path.name} --method {method}`."
    )


def imported_files(name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the paths of a method's imported weights with the content of their JSON files, oldest first.

    Variants of a method share a folder. Raises WeightsError for a damaged JSON file.
    """
    imported = [(path, _imported_about(path)) for path in (weights_folder() / base_name(name)).glob("*.json")]
    for path, about in sorted(imported, key=lambda entry: (str(entry[1]["imported"]), entry[0])):
        yield path.with_suffix(".safetensors"), about


def base_name(name: str) -> str:
    """Return a method's name without its variants."""
    return name.partition("@")[0]


def _imported_about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        about = None
    if not isinstance(about, dict) or not about.keys() >= IMPORTED_KEYS:
        raise WeightsError(f"{path} is damaged: delete it and import its weights again.")
    return about


def imported_weights(spec: MethodSpec, family: str, arguments: dict[str, Any]) -> Weights | None:
    """Return the weights imported last for a method, a family and these constructor arguments, None without any.

    Raises WeightsError if their file is missing or no longer has the SHA-256 in its JSON.
    """
    fitting = [
        (path, about)
        for path, about in imported_files(spec.name)
        if family in about["families"] and arguments == about["arguments"]
    ]
    if not fitting:
        return None
    path, about = fitting[-1]
    if not path.is_file():
        raise WeightsError(
            f"Imported weights {path} no longer exist: import them again, or delete their JSON file."
        )
    digest = known_hash(path)
    if digest != about["sha256"]:
        raise WeightsError(
            f"Imported weights {path} have SHA-256 {digest[:10]}, not {about['sha256'][:10]}: import them again."
        )
    return Weights("imported", path, digest, about["note"])


def seen_pairs(weights: Weights, split: Split) -> list[str]:
    """Return the ids of the pairs of which either source is a file that these weights were trained on.

    Scores on those show memory, not fusion. This is known only of weights with the record of their training beside them.
    Files are compared by content, so renaming hides nothing, but a copy that was encoded again is not recognised.
    """
    learned = _learned_from(weights)
    if not learned:
        return []
    members = zip(split.pairs, split.source_digests(), strict=True)
    return [pair.id for pair, files in members if not learned.isdisjoint(files.split())]


def _learned_from(weights: Weights) -> set[str]:
    """Return the digests of the sources in the record of a training; empty without a record of these very weights."""
    if weights.path is None:
        return set()
    try:
        about = json.loads(weights.path.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # weights from elsewhere have no record, which their caption says
        return set()
    # another program's file, or one that was left beside replaced weights, says nothing of these
    if not isinstance(about, dict) or about.get("sha256") != weights.sha256:
        return set()
    return {
        digest
        for part in about.get("datasets", [])
        for files in part.get("files", [])
        for digest in files.split()
    }
