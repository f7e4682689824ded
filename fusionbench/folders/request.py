"""Requests to score folders of fused images, checked before any work; all problems are reported at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fusionbench.cells.done import check_options
from fusionbench.data.fused.fused_folder import FusedFolder, find_fused
from fusionbench.data.own.folder_contents import without_images
from fusionbench.data.own.folder_pairs import pair_folders
from fusionbench.data.pairs import find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import FEW, FusionbenchError, OutputError, PlanError, RequestError, first_names
from fusionbench.metrics import resolve, resolve_profile
from fusionbench.types import Pair

FORMATS = (".csv", ".json", ".parquet")


@dataclass(frozen=True)
class ScoreRequest:
    """The options of `fusionbench score`, named as on the command line.

    The pairs are those of ``dataset`` (split "test" by default), or of files with equal stems in the folders ``a`` and
    ``b``. ``name`` has one entry for each folder in ``fused``; without it the folders' own names are used. ``jobs`` pairs
    are scored at once, by default one per core.
    """

    fused: tuple[Path, ...]
    dataset: str | None = None
    a: Path | None = None
    b: Path | None = None
    name: tuple[str, ...] = ()
    split: str | None = None
    data_root: str | None = None
    limit: int | None = None
    metrics: str | Sequence[str] | None = None
    profile: str = "canonical"
    output: Path | None = None
    jobs: int | None = None


@dataclass(frozen=True)
class PairSet:
    """The pairs to be scored and their origin; pairs of two folders have neither data set nor split."""

    pairs: tuple[Pair, ...]
    title: str
    a: Path
    b: Path
    dataset: str | None = None
    split: str | None = None
    expected: int | None = None
    limit: int | None = None


@dataclass(frozen=True)
class ScorePlan:
    """A checked request: every pair has a file in every folder; ``folders`` are by name."""

    pairs: PairSet
    folders: dict[str, FusedFolder]
    metrics: tuple[str, ...]
    profile: str


def plan_scores(request: ScoreRequest) -> ScorePlan:
    """Check a request and return its plan. Raises PlanError with a sentence for every problem."""
    problems: list[str] = []
    metrics: list[str] = []
    names: tuple[str, ...] = ()
    pairs: PairSet | None = None
    with _noting(problems):
        metrics = resolve(request.metrics, request.profile)
        check_options(metrics)
    with _noting(problems):
        _check_output(request.output)
    with _noting(problems):
        names = _names(request)
    with _noting(problems):
        pairs = _pairs(request)
    fused: list[FusedFolder] = []
    for folder in request.fused:
        with _noting(problems):
            fused.append(find_fused(folder.expanduser(), pairs.pairs if pairs else ()))
            problems += _lacks(fused[-1], pairs.pairs if pairs else ())
    if problems or pairs is None:
        raise PlanError(problems)
    folders = dict(zip(names, fused, strict=True))
    return ScorePlan(pairs, folders, tuple(metrics), resolve_profile(request.profile))


@contextmanager
def _noting(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except FusionbenchError as error:
        problems.append(str(error))


def _check_output(path: Path | None) -> None:
    """Raise RequestError or OutputError if results could not be written, before any work."""
    if path is None:
        return
    if path.suffix.lower() not in FORMATS:
        raise RequestError(f"Scores cannot be written as '{path}': end its name in {', '.join(FORMATS)}.")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise RequestError(f"Writing '{path}' needs pyarrow: `pip install pyarrow`, or name a .csv file.")
    if not path.parent.is_dir() or path.is_dir():
        wrong = (
            "it is a folder; name a file in it" if path.is_dir() else f"no folder '{path.parent}'; make it"
        )
        raise OutputError(f"Cannot write '{path}': {wrong}, or choose another file with -o.")
    # the process id, because other calls may test the same folder at the same time
    probe = path.with_name(f".{path.name}.{os.getpid()}.writable")
    try:
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"Cannot write '{path}' ({error.strerror}): choose another file with -o."
        ) from error


def _names(request: ScoreRequest) -> tuple[str, ...]:
    """Return the names of the folders. Raises RequestError unless there is a different one for each."""
    names = request.name or tuple(path.expanduser().resolve().name for path in request.fused)
    if len(names) != len(request.fused):
        raise RequestError(
            f"{len(names)} --name for {len(request.fused)} --fused: give one for each folder, or none."
        )
    if len(set(names)) < len(names):
        raise RequestError(f"Two folders would have one name ({', '.join(names)}): give --name for each.")
    return names


def _pairs(request: ScoreRequest) -> PairSet:
    given = request.a is not None or request.b is not None
    if request.dataset is not None and given:
        raise RequestError("--dataset has its own pairs: leave out --a and --b, or leave out --dataset.")
    if request.dataset is not None:
        return _split_pairs(request, request.dataset)
    if not given:
        raise RequestError("Say which pairs the images were fused from: --dataset NAME, or --a DIR --b DIR.")
    if request.a is None or request.b is None:
        missing = "--a" if request.a is None else "--b"
        raise RequestError(f"--a and --b go together: add {missing} with the folder of the other sources.")
    if request.split is not None:
        raise RequestError("--split belongs to --dataset: leave it out, two folders have no splits.")
    return _folder_pairs(request.a.expanduser(), request.b.expanduser(), request.limit)


def _split_pairs(request: ScoreRequest, name: str) -> PairSet:
    spec = dataset(name)
    split = find_split(spec, request.split or "test", request.data_root, request.limit)
    first = split.pairs[0]
    return PairSet(
        pairs=split.pairs,
        title=spec.title,
        a=first.a.parent,
        b=first.b.parent,
        dataset=spec.name,
        split=split.name,
        expected=split.expected,
        limit=split.limit,
    )


def _folder_pairs(a: Path, b: Path, limit: int | None) -> PairSet:
    if limit is not None and limit < 1:
        raise RequestError(f"--limit must be at least 1; got {limit}.")
    pairs = pair_folders(a, b, ("--a", "--b"))
    return PairSet(pairs[:limit], f"{a.resolve().name} and {b.resolve().name}", a, b, limit=limit)


def _lacks(folder: FusedFolder, pairs: Sequence[Pair]) -> list[str]:
    """Return sentences on why a folder does not have exactly one image for each pair, none if it has."""
    if folder.conflicts:
        more = len(folder.conflicts) - FEW
        rest = [f"In '{folder.path}' {more} more names are not clear."] if more > 0 else []
        return [*(f"In '{folder.path}' {sentence}" for sentence in folder.conflicts[:FEW]), *rest]
    missing = [pair.id for pair in pairs if pair.id not in folder.files]
    if not missing:
        return []
    absent = (
        f"{len(missing)} of {len(pairs)} pairs have no fused image in '{folder.path}': {first_names(missing)}"
    )
    if folder.hint:
        return [f"{absent}; {folder.hint}."]
    if not folder.files and not folder.extra:
        return [f"{absent}; {without_images(folder.path)}"]
    others = (
        f"others are {first_names([p.name for p in folder.extra])}"
        if folder.extra
        else "no other image is there"
    )
    return [f"{absent} ({others}); name each file after its pair."]
