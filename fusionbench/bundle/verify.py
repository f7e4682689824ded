"""``fusionbench verify``: check a bundle by its own content and, if the data are present, by recomputing a sample."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fusionbench.bundle.content import INDEX, RUNS, SCHEMA, TABLES, pixel_hash, rendered_tables, sha256
from fusionbench.bundle.finding import CheckResult
from fusionbench.cells.score_lines import read_lines
from fusionbench.cells.store import Cell
from fusionbench.cells.task_scores import task_results
from fusionbench.errors import DamagedError, FusionbenchError, RequestError
from fusionbench.files import digest_of


def verify(bundle: Path, data_root: str | None = None, sample: int = 2) -> list[CheckResult]:
    """Check a bundle and return the findings.

    If the data are present, ``sample`` images of each cell are fused and scored again. Raises RequestError for a file
    that is not a bundle.
    """
    from fusionbench.bundle.repeat import repeat_cells

    with tempfile.TemporaryDirectory(prefix="fusionbench-") as place:
        folder = Path(place)
        index = _unpack(bundle, folder)
        checked = [*_files(folder, index), *_cells(folder, index), *_tables(folder, index)]
        return [*checked, *repeat_cells(folder / RUNS, index, data_root, sample)]


def _unpack(bundle: Path, folder: Path) -> dict[str, Any]:
    """Extract a bundle below ``folder`` and return its index. Raises RequestError for a file that is not a bundle."""
    try:
        with zipfile.ZipFile(bundle) as archive:
            archive.extractall(folder)
        index: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        schema, _ = index["schema"], (index["files"], index["pixels"], index["requests"])
    except FileNotFoundError as error:
        raise RequestError(
            f"'{bundle}' does not exist or holds no {INDEX}: give a file that `fusionbench pack` wrote."
        ) from error
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"'{bundle}' is not a bundle or is damaged ({error}): give a file that `fusionbench pack` wrote."
        ) from error
    if schema != SCHEMA:
        raise RequestError(
            f"'{bundle}' has schema {schema}, this version reads {SCHEMA}: use the version that wrote it."
        )
    return index


def _files(folder: Path, index: dict[str, Any]) -> Iterator[CheckResult]:
    """Compare each file with its hash in the index."""
    listed = index["files"]
    here = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {INDEX}
    wrong = False
    for name in sorted(here | listed.keys()):
        if name not in here:
            yield CheckResult("wrong", name, "is listed, but not in the bundle")
        elif name not in listed:
            yield CheckResult("wrong", name, "is in the bundle, but not listed")
        elif sha256((folder / name).read_bytes()) != listed[name]:
            yield CheckResult("wrong", name, "was changed after packing: its SHA-256 is another")
        else:
            continue
        wrong = True
    if not wrong:
        yield CheckResult("ok", "files", f"all {len(here)} have the SHA-256 that the index lists")


def _cells(folder: Path, index: dict[str, Any]) -> Iterator[CheckResult]:
    """Check each cell: its id is the hash of its identity, and scores, images and tasks belong to the run."""
    problems: list[CheckResult] = []
    for place, pixels in index["pixels"].items():
        cell = Cell(folder / RUNS / place)
        for part in (
            _record(cell, place),
            _scores(cell, place),
            _images(cell, place, pixels),
            _tasks(cell, place),
        ):
            try:
                # the checks are generators: their errors are raised here
                problems += part
            except FusionbenchError as error:
                problems.append(_refusal(error, folder, place))
    yield from problems
    if not problems:
        yield CheckResult(
            "ok", "cells", f"all {len(index['pixels'])} agree with their identities, scores and images"
        )


def _refusal(error: FusionbenchError, folder: Path, part: str) -> CheckResult:
    """Return an error of the store as a finding, without its remedy, which applies to runs and not to bundles."""
    if isinstance(error, DamagedError):
        return CheckResult("wrong", error.path.relative_to(folder / RUNS).as_posix(), error.problem)
    return CheckResult("wrong", part, str(error).replace(f"{folder}/", ""))


def _record(cell: Cell, place: str) -> Iterator[CheckResult]:
    record = cell.read_record()
    if record is None:
        yield CheckResult("wrong", place, "has no run.json")
        return
    expected = digest_of(record["identity"])[:10]
    if not cell.id == record["id"] == expected:
        yield CheckResult(
            "wrong",
            place,
            f"its identity has the id {expected}: method, arguments, weights or data were changed",
        )


def _scores(cell: Cell, place: str) -> Iterator[CheckResult]:
    for line in read_lines(cell.scores_file):
        if line["run"] != cell.id:
            yield CheckResult(
                "wrong", f"{place}/scores.jsonl", f"a score of {line['metric']} belongs to run {line['run']}"
            )
            break


def _images(cell: Cell, place: str, pixels: dict[str, str]) -> Iterator[CheckResult]:
    for name in sorted(cell.stored()):
        if pixel_hash(cell.image(name)) != pixels.get(name):
            yield CheckResult(
                "wrong", f"{place}/images/{name}.png", "does not have the pixels that were packed"
            )


def _tasks(cell: Cell, place: str) -> Iterator[CheckResult]:
    for result in task_results(cell.path):
        what = f"{place}/{result.path.relative_to(cell.path).as_posix()}"
        if digest_of(result.record["identity"])[:10] != result.path.name:
            yield CheckResult(
                "wrong", what, "its identity has another id: recipe, seed, pairs or labels were changed"
            )
        elif result.record["run"] != cell.id:
            yield CheckResult("wrong", what, f"belongs to run {result.record['run']}")


def _tables(folder: Path, index: dict[str, Any]) -> Iterator[CheckResult]:
    """Render the tables again from records and scores, and compare them byte by byte."""
    stored = {name for name in index["files"] if name.startswith(f"{TABLES}/")}
    try:
        made = rendered_tables(folder / RUNS)
    except (FusionbenchError, KeyError) as error:
        yield CheckResult(
            "wrong", TABLES, f"cannot be made from the records: {error}".replace(f"{folder}/", "")
        )
        return
    changed = [
        name
        for name in sorted(stored)
        if not (folder / name).is_file() or (folder / name).read_bytes() != made.get(name)
    ]
    if not changed:
        yield CheckResult("ok", TABLES, f"all {len(stored)} follow from records and scores, byte for byte")
    from fusionbench import __version__

    for name in changed:
        if index["fusionbench"] == __version__:
            yield CheckResult("wrong", name, "does not follow from the records and scores beside it")
        else:
            yield CheckResult(
                "unchecked",
                name,
                f"this version ({__version__}) renders it otherwise than {index['fusionbench']}, which packed it",
            )
