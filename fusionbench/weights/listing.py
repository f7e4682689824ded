"""All weights that methods can use without training, and those that are missing. Does not load torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fusionbench.data.registry import datasets
from fusionbench.errors import WeightsError
from fusionbench.registry.method_spec import MethodSpec
from fusionbench.registry.methods import names, spec
from fusionbench.weights.checkpoints import METRICS_FOLDER
from fusionbench.weights.methods import absent, file_hash, imported_files, weights_folder
from fusionbench.weights.published import checkpoints, fetch_command, published_file


@dataclass(frozen=True)
class KnownWeights:
    """A file of weights, or the fact that there is none.

    ``source`` is "shipped", "imported", "published" or "unavailable"; ``command`` is the command that gets unavailable
    weights. ``problem`` says what is wrong with a card or file, None without a known problem. ``licence`` and ``url`` are
    those of the method's card, and not known for an imported file.
    """

    method: str
    families: tuple[str, ...]
    source: str
    path: Path | None = None
    sha256: str | None = None
    note: str = ""
    arguments: dict[str, Any] | None = None
    command: str | None = None
    problem: str | None = None
    licence: str | None = None
    url: str | None = None


def known_weights() -> list[KnownWeights]:
    """Return the weights of every learned method, then imported weights of methods that are no longer installed.

    A broken card or file becomes an entry with a problem and raises no error.
    """
    registered = names()
    entries = [entry for name in registered for entry in _of_method(name)]
    place = weights_folder()
    others = sorted(p.name for p in place.iterdir() if p.is_dir()) if place.is_dir() else []
    for name in (name for name in others if name not in {*registered, METRICS_FOLDER}):
        entries += _imported(name)
    return entries


def _of_method(name: str) -> list[KnownWeights]:
    try:
        method = spec(name)
        learned = method.card.kind == "learned"
        known = [*_shipped(method), *_imported(name), *_published(method)] if learned else []
        return known + _lacking(method, known)
    except Exception as error:  # cards of third parties can be wrong in any way
        return [KnownWeights(name, (), "unavailable", problem=str(error) or type(error).__name__)]


def _shipped(method: MethodSpec) -> list[KnownWeights]:
    """Return one entry per shipped file, which several families may share; cards may also have words instead of files."""
    files: dict[str, list[str]] = {}
    for family, name in method.card.weights.items():
        if isinstance(name, str) and name.endswith(".safetensors") and "://" not in name:
            files.setdefault(name, []).append(family)
    return [_shipped_file(method, name, tuple(families)) for name, families in files.items()]


def _shipped_file(method: MethodSpec, name: str, families: tuple[str, ...]) -> KnownWeights:
    path = method.source / "weights" / name
    card = method.card
    entry = KnownWeights(method.name, families, "shipped", path, licence=card.licence, url=card.url)
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return replace(
            entry,
            sha256=about["sha256"],
            note=about["note"],
            arguments=about["arguments"],
            problem=None if path.is_file() else absent(path, about),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return replace(entry, problem=f"{path.with_suffix('.json')} cannot be read ({error}): reinstall it.")


def _imported(name: str) -> Iterator[KnownWeights]:
    try:
        for path, about in imported_files(name):
            yield KnownWeights(
                about.get("method", name), tuple(about["families"]), "imported", path, about["sha256"],
                about["note"], about["arguments"], problem=_gone(path),
            )  # fmt: skip
    except WeightsError as error:
        yield KnownWeights(name, (), "imported", problem=str(error))


def _published(method: MethodSpec) -> Iterator[KnownWeights]:
    """Yield one entry for each file that the method's authors published, present or not."""
    for entry in checkpoints(method):
        for file, digest in entry.files.items():
            path = published_file(method.name, file)
            here = path.is_file()
            yield KnownWeights(
                method.name, entry.families or method.card.families, "published" if here else "unavailable",
                path if here else None, digest, file, dict(entry.arguments),
                command=None if here else fetch_command(method.name), licence=entry.licence, url=entry.address(file),
            )  # fmt: skip


def _gone(path: Path) -> str | None:
    return None if path.is_file() else f"{path} no longer exists: reinstall or import it again."


def _lacking(method: MethodSpec, known: list[KnownWeights]) -> list[KnownWeights]:
    if method.card.kind != "learned":
        return []
    served = {family for entry in known for family in entry.families}
    return [
        KnownWeights(
            method.name, (family,), "unavailable", note=str(method.card.weights.get(family, "")),
            command=_command(method.name, family), licence=method.card.licence, url=method.card.url,
        )
        for family in method.card.families
        if family not in served
    ]  # fmt: skip


def _command(name: str, family: str) -> str:
    """Return the command that trains for a family, or the one that imports if no data set of it has a train split."""
    training = [
        d.name for d in datasets().values() if d.family == family and "train" in d.splits and not d.generated
    ]
    if training:
        return f"fusionbench train --method {name} --dataset {training[0]}"
    return f"fusionbench weights import FILE --method {name} --family {family}"


def verify_entry(entry: KnownWeights) -> KnownWeights:
    """Hash the file and return the entry, with a problem if the hash differs."""
    if entry.problem or entry.path is None:
        return entry
    try:
        digest = file_hash(entry.path)
    except WeightsError as error:
        return replace(entry, problem=str(error))
    if digest == entry.sha256:
        return entry
    remedies = {"shipped": "reinstall fusionbench", "published": f"call `{fetch_command(entry.method)}`"}
    remedy = remedies.get(entry.source, "import it again")
    stated = str(entry.sha256)[:10]
    return replace(entry, problem=f"{entry.path} has SHA-256 {digest[:10]}, not {stated}: {remedy}.")
