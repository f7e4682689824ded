"""Work on one job on a machine of a cluster, with the same result as on the driver's machine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from filelock import FileLock

from fusionbench.cells.planned import CellResult, Job
from fusionbench.cells.score_lines import key_of
from fusionbench.cells.store import Cell
from fusionbench.cells.weights import choose_weights
from fusionbench.data.pairs import data_root
from fusionbench.errors import FusionbenchError, OutputError, PlanError, PluginError
from fusionbench.files import write_through
from fusionbench.metrics.own_files import add_file
from fusionbench.providers import Provider
from fusionbench.runs.local import run_local
from fusionbench.runs.queue import Message
from fusionbench.weights.methods import Weights


@dataclass(frozen=True)
class Errand:
    """A job sent to a machine.

    ``token`` is a file that the driver created in its runs folder: a machine that sees it shares the folder. ``parcel``
    has the files that a machine without the folder needs; None means that they have not been requested yet. ``metrics`` are
    the driver's local files of metrics.
    """

    job: Job
    token: Path
    parcel: Parcel | None = None
    metrics: tuple[Provider, ...] = ()


def run_errand(errand: Errand) -> Message:
    """Run the job and return a message with its outcome.

    The message is ("result", CellResult with its path relative to the runs folder, files to be stored), ("apart",) if
    the folder is not shared and no parcel was sent, or ("unavailable" | "problems" | "unwritable", reason). Errors are
    returned, so that the driver takes an exception of Ray for a lost machine only.
    """
    try:
        _same_metrics(errand.metrics)
        if errand.token.exists():
            return "result", _run(errand.job), {}
        if errand.parcel is None:
            return ("apart",)
        return _run_apart(errand, errand.parcel)
    except PlanError as error:
        return "problems", str(error)
    except OutputError as error:
        return "unwritable", str(error)
    except FusionbenchError as error:
        return "unavailable", str(error)


def _run_apart(errand: Errand, parcel: Parcel) -> Message:
    """Run the job in a temporary folder of this machine and return its files."""
    with TemporaryDirectory(prefix="fusionbench-") as folder:
        out = Path(folder)
        unpack_parcel(out, parcel)
        result = _run(replace(errand.job, options=replace(errand.job.options, out=out)))
        results = pack_results(out, out / result.path if result.path else None)
        return "result", result, {name: data for name, data in results.items() if name not in parcel}


def _run(job: Job) -> CellResult:
    job = replace(job, weights=_same_weights(job))
    device = "cuda:0" if job.options.device == "cuda" else job.options.device
    messages = list(run_local([job], [device], job.options))
    result: CellResult = next(content[0] for _, what, *content in messages if what == "result")
    return replace(result, path=result.path and result.path.relative_to(job.options.out))


def _same_metrics(files: Iterable[Provider]) -> None:
    """Make the driver's files of metrics known here. Raises PluginError if one is missing or has another content."""
    for file in files:
        if add_file(Path(file.value)) != file:
            raise PluginError(
                f"File of metrics '{file.value}' differs between the machines: put it on a path that all share."
            )


def _same_weights(job: Job) -> Weights | None:
    """Return the weights of a job as found on this machine. Raises FusionbenchError if they are missing or differ."""
    if job.weights is None:
        return None
    try:
        here = choose_weights(job.planned, job.options)
    except FusionbenchError:
        here = None
    if here is None or here.sha256 != job.weights.sha256:
        raise FusionbenchError(
            f"the weights chosen for {job.planned.label} are not on every machine: put them on a path that all "
            "share and name the file with --weights."
        )
    return here


def absolute(job: Job) -> Job:
    """Return the job with all paths absolute, because Ray's workers have working folders of their own."""
    split, options = job.planned.split, job.options
    pairs = tuple(
        replace(pair, a=pair.a.absolute(), b=pair.b.absolute(), label=pair.label and pair.label.absolute())
        for pair in split.pairs
    )
    split = replace(split, root=split.root.absolute(), pairs=pairs)
    named = options.weights in ("auto", "trained", "latest", "random")
    options = replace(
        options,
        out=options.out.absolute(),
        data_root=_full(str(data_root(options.data_root))),
        weights=options.weights if named else _full(options.weights),
    )
    return replace(job, planned=replace(job.planned, split=split), options=options)


def _full(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


Parcel = dict[str, bytes]  # content by path below the runs folder, in the order in which it is to be written
# in the order in which they are written: run.json, which says that the rest is there, comes last
CELL_FILES = ("images/*.png", "log.txt", "scores.jsonl", "run.json")
TRAINING_FILES = (
    "training/*/*/*/curves.*",
    "training/*/*/*/weights.safetensors",
    "training/*/*/*/weights.json",
)


def pack_parcel(out: Path, files: Iterable[Path]) -> Parcel:
    """Return the content of files below ``out`` by their relative paths."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def pack_results(out: Path, cell: Path | None) -> Parcel:
    """Return the files of a cell below ``out`` and those of its training, without checkpoints."""
    trained = [path for pattern in TRAINING_FILES for path in sorted(out.glob(pattern))]
    own = [path for pattern in CELL_FILES for path in sorted(cell.glob(pattern))] if cell else []
    return pack_parcel(out, [*trained, *own])


def _write(content: bytes, place: Path) -> None:
    place.write_bytes(content)


def unpack_parcel(out: Path, parcel: Parcel) -> None:
    """Write the files below ``out``, each under a temporary name first. Raises OutputError if that is impossible."""
    for name, content in parcel.items():
        write_through(out / name, partial(_write, content))


def take_in(out: Path, cell: Path | None, parcel: Parcel, fresh: bool) -> None:
    """Store a cell's files and those of its training; scores that are stored already stay. Raises OutputError.

    With ``fresh`` the present content of the cell is deleted first.
    """
    own = {name: data for name, data in parcel.items() if cell and PurePosixPath(name).is_relative_to(cell)}
    unpack_parcel(out, {name: data for name, data in parcel.items() if name not in own})
    if cell is None:
        return
    stored = Cell(out / cell)
    stored.path.mkdir(parents=True, exist_ok=True)
    # the lock of `cells.lock`: local runs may write to the same cell
    with FileLock(stored.path / ".lock"):
        if fresh:
            stored.forget()
        scores = own.pop((cell / "scores.jsonl").as_posix(), b"")
        record = own.pop((cell / "run.json").as_posix())
        unpack_parcel(out, own)
        _add_scores(stored, scores)
        # last, because it says that the rest is there
        unpack_parcel(out, {(cell / "run.json").as_posix(): record})


def _add_scores(stored: Cell, scores: bytes) -> None:
    stored.drop_torn_line()
    earlier = stored.scores()
    lines = [json.loads(line) for line in scores.splitlines()]
    stored.append(line for line in lines if line != earlier.get(key_of(line)))
