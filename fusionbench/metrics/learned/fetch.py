"""Downloading, importing and verifying the files of weights that metrics need. Does not load torch by itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from fusionbench.errors import RequestError, WeightsError
from fusionbench.files import write_json, write_through
from fusionbench.metrics.learned.weight_files import (
    KNOWN,
    WeightFile,
    about_file,
    about_path,
    fetch_hint,
    hash_of,
    place_of,
    problem_of,
    weight_file,
)
from fusionbench.metrics.registry import cards, metric_named
from fusionbench.weights.checkpoints import file_hash, is_torchscript
from fusionbench.weights.download import Progress, download, forbid_offline


@dataclass(frozen=True)
class FileState:
    """A known file on this machine; ``state`` is "found", "missing" or "broken", with ``problem`` as the reason.

    ``trusted`` means that a file other than the published one was imported with --trust.
    """

    known: WeightFile
    state: str
    path: Path
    sha256: str | None = None
    trusted: bool = False
    problem: str | None = None


def file_states() -> list[FileState]:
    """Return the state of every file that a metric can use."""
    return [_state(known) for known in KNOWN.values()]


def _state(known: WeightFile) -> FileState:
    path = place_of(known)
    if not path.is_file():
        return FileState(known, "missing", path)
    try:
        problem = problem_of(known)
        digest = hash_of(path)
        trusted = bool(about_file(path).get("trusted")) and digest != known.sha256
        return FileState(known, "broken" if problem else "found", path, digest, trusted, problem)
    except WeightsError as error:
        return FileState(known, "broken", path, problem=str(error))


def file_for(metric: str) -> WeightFile:
    """Return the file that a metric needs. Raises UnknownNameError, or RequestError if it needs none or several."""
    name = metric_named(metric)
    needed = cards()[name].weights
    if len(needed) != 1:
        which = f"several, so name one by --as {' or '.join(needed)}" if needed else "none"
        raise RequestError(f"Files of weights that {name} needs: {which}.")
    return weight_file(needed[0])


def import_file(source: Path, known: WeightFile, sha256: str | None = None, trust: bool = False) -> Path:
    """Copy a file to the place where metrics look for it and return its path.

    ``sha256`` is the one that its publisher states. ``trust`` also accepts a file whose SHA-256 differs from the known
    one, and an archive with code if none is known. Raises WeightsError for a file that is missing, is not the one meant
    or lacks its tensors, and OutputError if it cannot be written.
    """
    if not source.is_file():
        raise WeightsError(f"'{source}' is not a file of weights: check the path of the file to import.")
    digest = _checked_hash(source, known, sha256, trust)
    _check_tensors(source, known)
    # all checks before the copy, so that a file that is refused leaves an earlier one in its place
    write_through(place_of(known), lambda partial: shutil.copyfile(source, partial))
    return _note(known, digest, {"file": source.name}, trust)


def fetch_file(known: WeightFile, url: str | None = None, progress: Progress | None = None) -> Path:
    """Download a file to the place where metrics look for it, unless it is there already, and return its path.

    ``url`` is the address of a mirror. Raises DownloadError, OutputError, and WeightsError if the file is not published
    anywhere or the download lacks its tensors.
    """
    forbid_offline(known.file)
    here = _state(known)
    if here.state == "found" and not here.trusted:
        return here.path
    address = url or known.url
    if address is None:
        raise WeightsError(f"No address of {known.file} ({known.name}) is known: {fetch_hint(known)}.")
    digest = download(address, here.path, known.sha256, progress, lambda part: _check(part, known))
    return _note(known, digest, {"url": address}, trust=False)


def _check(part: Path, known: WeightFile) -> None:
    _checked_hash(part, known, None, trust=False)
    _check_tensors(part, known)


def _checked_hash(source: Path, known: WeightFile, sha256: str | None, trust: bool) -> str:
    """Return a file's SHA-256. Raises WeightsError if the file must not be accepted as the known one."""
    digest = file_hash(source)
    if sha256 is not None and digest != sha256.strip().lower():
        raise WeightsError(f"'{source}' has SHA-256 {digest}, not {sha256}: get the file again.")
    if trust or digest == known.sha256:
        return digest
    if known.sha256 is not None:
        raise WeightsError(
            f"'{source}' has SHA-256 {digest[:10]}, but the published {known.file} has {known.sha256[:10]}: get that "
            "file, or add --trust if you know who made this one."
        )
    if sha256 is None and is_torchscript(source):
        raise WeightsError(
            f"'{source}' is a TorchScript archive, which holds code: add --trust if you know who made it."
        )
    return digest


def _check_tensors(source: Path, known: WeightFile) -> None:
    if known.check is not None:
        module, _, function = known.check.partition(":")
        getattr(import_module(module), function)(source)


def _note(known: WeightFile, digest: str, origin: dict[str, Any], trust: bool) -> Path:
    """Write a JSON file with origin and hash beside a file, and return the file's path."""
    target = place_of(known)
    about = {"sha256": digest, "source": origin, "trusted": trust and digest != known.sha256}
    write_json(about_path(target), about | {"imported": datetime.now(UTC).isoformat(timespec="milliseconds")})
    return target


def verify_file(state: FileState) -> FileState:
    """Hash the file again, regardless of its time stamps, and return its state with any problem found."""
    if state.state != "found" or state.path is None or state.sha256 is None:
        return state
    try:
        digest = file_hash(state.path)
    except WeightsError as error:
        return replace(state, state="broken", problem=str(error))
    if digest == state.sha256:
        return state
    problem = (
        f"{state.path} has SHA-256 {digest[:10]}, no longer {state.sha256[:10]}: {fetch_hint(state.known)}."
    )
    return replace(state, state="broken", problem=problem)
