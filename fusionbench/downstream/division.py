"""Division of a data set's labelled pairs into those that train a downstream network and those that test it.

Importing this module loads no torch.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fusionbench.data.pairs import Split, find_split, natural_key, position
from fusionbench.data.spec import DatasetSpec
from fusionbench.downstream.recipes import Task
from fusionbench.errors import DataNotFoundError, RequestError
from fusionbench.types import Pair

ROLES = {"downstream-train": "train", "train": "train", "downstream-test": "test", "test": "test"}
LABELS: dict[Task, str] = {"segment": "label maps", "detect": "boxes"}


@dataclass(frozen=True)
class Division:
    """Labelled pairs to train and to test a network on, in natural order of their ids.

    ``train_split`` and ``test_split`` name their splits, which are the same if one split was divided; ``note`` says in
    words how the pairs were chosen.
    """

    spec: DatasetSpec
    train_split: str
    test_split: str
    train: tuple[Pair, ...]
    test: tuple[Pair, ...]
    note: str
    root: Path

    @property
    def identity(self) -> dict[str, str]:
        """Return a hash of the ids of the pairs on each side."""
        return {side: _ids_hash(pairs) for side, pairs in (("train", self.train), ("test", self.test))}


def find_division(
    spec: DatasetSpec,
    task: Task,
    asked: str = "auto",
    split: str = "test",
    root: str | Path | None = None,
    limit: int | None = None,
) -> Division:
    """Return the division of a data set's labelled pairs.

    ``asked`` is "official" (the data set's own train and test splits), "roles" (``split.csv`` in the data set's folder),
    a CSV file with the columns name and role, or the fraction of the pairs of ``split`` to train on, chosen by hashes
    of their ids; "auto" is the official division if its train split is here with labels, otherwise "roles". Only the
    first ``limit`` pairs of each split are used, as in a run with that limit. Raises DataNotFoundError if there are no
    labels, RequestError if the division cannot be made.
    """
    _check_labels(spec, task, split)
    if asked == "official" or (asked == "auto" and _has_labelled_train(spec, task, root)):
        return _official(spec, task, root, limit)
    pairs = find_split(spec, split, root, limit)
    if asked in ("auto", "roles"):
        file = pairs.root / "split.csv"
        if not file.is_file():
            raise RequestError(
                f"{spec.title} has no labelled train split here and no split.csv with roles: name the pairs to train on with "
                "--division FILE.csv (columns name and role: train or test), or draw them with --division 0.8."
            )
        return _by_file(pairs, task, file, "drawn, roles of split.csv")
    if Path(asked).is_file():
        return _by_file(pairs, task, Path(asked), f"by {Path(asked).name}")
    return _drawn(pairs, task, asked)


def _check_labels(spec: DatasetSpec, task: Task, split: str) -> None:
    known = spec.labels if task == "segment" else spec.boxes
    if known is None:
        raise DataNotFoundError(
            f"{spec.title} has no {LABELS[task]} in the catalog: `fusionbench info {spec.name}` shows what it has."
        )


def _has_labelled_train(spec: DatasetSpec, task: Task, root: str | Path | None) -> bool:
    if "train" not in spec.splits:
        return False
    try:
        return bool(_labelled(find_split(spec, "train", root).pairs, task))
    except DataNotFoundError:
        return False


def _labelled(pairs: tuple[Pair, ...], task: Task) -> tuple[Pair, ...]:
    return tuple(pair for pair in pairs if (pair.label if task == "segment" else pair.boxes))


def _official(spec: DatasetSpec, task: Task, root: str | Path | None, limit: int | None) -> Division:
    splits = [find_split(spec, name, root, limit) for name in ("train", "test")]
    train, test = (_some_labelled(split, task) for split in splits)
    return Division(spec, "train", "test", train, test, "official splits", splits[1].root)


def _some_labelled(split: Split, task: Task) -> tuple[Pair, ...]:
    labelled = _labelled(split.pairs, task)
    if not labelled:
        raise DataNotFoundError(
            f"No pair of {split.spec.title} ({split.name}) has {LABELS[task]}: put them where "
            f"`fusionbench info {split.spec.name}` says, and look with `fusionbench data verify {split.spec.name}`."
        )
    return labelled


def _by_file(split: Split, task: Task, file: Path, note: str) -> Division:
    return _divided(split, task, _read_roles(file).get, note)


def _read_roles(file: Path) -> Mapping[str, str]:
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if not {"name", "role"} <= set(reader.fieldnames or ()):
            raise RequestError(f"'{file}' has no columns name and role: add them (role: train or test).")
        return {row["name"]: ROLES.get(row["role"].strip().lower(), "") for row in reader}


def _drawn(split: Split, task: Task, asked: str) -> Division:
    try:
        fraction = float(asked)
    except ValueError:
        fraction = 0.0
    if not 0 < fraction < 1:
        raise RequestError(
            f"--division '{asked}' is not a division: use auto, official, roles, a CSV file, or a fraction such as 0.8."
        )
    # by the hash of the id rather than by a generator: every machine draws the same pairs
    ranked = sorted(_some_labelled(split, task), key=lambda pair: position(split.spec.name, pair.id))
    chosen = {pair.id for pair in ranked[: round(fraction * len(ranked))]}
    return _divided(
        split,
        task,
        lambda name: "train" if name in chosen else "test",
        f"drawn by ids, {fraction:g} to train",
    )


def _divided(split: Split, task: Task, role: Callable[[str], str | None], note: str) -> Division:
    labelled = _some_labelled(split, task)
    train, test = (
        tuple(sorted((p for p in labelled if role(p.id) == side), key=lambda pair: natural_key(pair.id)))
        for side in ("train", "test")
    )
    if len(train) < 2 or not test:
        raise RequestError(
            f"The division of {split.spec.title} ({note}) leaves {len(train)} pairs to train on and {len(test)} to test: it "
            "takes at least 2 and 1."
        )
    return Division(split.spec, split.name, split.name, train, test, note, split.root)


def _ids_hash(pairs: tuple[Pair, ...]) -> str:
    return hashlib.sha256("\n".join(sorted(pair.id for pair in pairs)).encode()).hexdigest()[:16]
