"""Put the files of weights that metrics need into their place, and say which are there. Loads no torch by itself."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from fusionbench.errors import RequestError, WeightsError
from fusionbench.files import write_json, write_through
from fusionbench.metrics.learned.files import (
    KNOWN,
    WeightFile,
    about_file,
    about_path,
    hash_of,
    place_of,
    problem_of,
    remedy,
    weight_file,
)
from fusionbench.metrics.registry import cards, metric_named
from fusionbench.weights.checkpoints import file_hash, is_torchscript
from fusionbench.weights.download import Progress, download, forbid_offline


@dataclass(frozen=True)
class FileState:
    """A known file as it is on this machine; ``state`` is found, missing or broken, as ``problem`` says."""

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
    """Return the file that a metric needs. Raises UnknownNameError, or RequestError where it is not just one."""
    name = metric_named(metric)
    needed = cards()[name].weights
    if len(needed) != 1:
        which = f"several, so name one by --as {' or '.join(needed)}" if needed else "none"
        raise RequestError(f"Files of weights that {name} needs: {which}.")
    return weight_file(needed[0])


def import_file(source: Path, known: WeightFile, sha256: str | None = None, trust: bool = False) -> Path:
    """Copy a file to where metrics look for it and return that place.

    ``sha256`` is what its publisher states. With ``trust`` a file of another SHA-256 than the known one, or an
    archive with code without a known one, is taken as well. Raises WeightsError for files that are missing, not the
    one meant, or do not hold its tensors, and OutputError.
    """
    if not source.is_file():
        raise WeightsError(f"'{source}' is no file of weights: check the path of the file to import.")
    digest = _checked_hash(source, known, sha256, trust)
    _check_tensors(source, known)
    write_through(place_of(known), lambda partial: shutil.copyfile(source, partial))
    return _note(known, digest, {"file": source.name}, trust)


def fetch_file(known: WeightFile, url: str | None = None, progress: Progress | None = None) -> Path:
    """Download a file to where metrics look for it, unless it is there as published, and return that place.

    ``url`` is a mirror's address. Raises DownloadError, OutputError, and WeightsError where nobody publishes the file
    or what came does not hold its tensors.
    """
    forbid_offline(known.file)
    here = _state(known)
    if here.state == "found" and not here.trusted:
        return here.path
    address = url or known.url
    if address is None:
        raise WeightsError(f"No address of {known.file} ({known.name}) is known: {remedy(known)}.")
    digest = download(address, here.path, known.sha256, progress, lambda part: _check(part, known))
    return _note(known, digest, {"url": address}, trust=False)


def _check(part: Path, known: WeightFile) -> None:
    _checked_hash(part, known, None, trust=False)
    _check_tensors(part, known)


def _checked_hash(source: Path, known: WeightFile, sha256: str | None, trust: bool) -> str:
    """Return a file's SHA-256. Raises WeightsError where the file is not to be taken for what it is given as."""
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
    """Write beside a file where it is from and what was checked, and return its place."""
    target = place_of(known)
    about = {"sha256": digest, "source": origin, "trusted": trust and digest != known.sha256}
    write_json(about_path(target), about | {"imported": datetime.now(UTC).isoformat(timespec="milliseconds")})
    return target


def verify_file(state: FileState) -> FileState:
    """Read the file again, whatever its time stamps say, and return its state with the problem found, if any."""
    if state.state != "found" or state.path is None or state.sha256 is None:
        return state
    try:
        digest = file_hash(state.path)
    except WeightsError as error:
        return replace(state, state="broken", problem=str(error))
    if digest == state.sha256:
        return state
    problem = f"{state.path} has SHA-256 {digest[:10]}, no longer {state.sha256[:10]}: {remedy(state.known)}."
    return replace(state, state="broken", problem=problem)
