"""Contract checks of data sets, those of the catalog and of plug-ins. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from fusionbench.checks.verdict import Check, Subject, not_applicable, require
from fusionbench.data.images import read_label, read_pair
from fusionbench.data.pairs import Split, data_root, find_split
from fusionbench.data.registry import dataset
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import DataNotFoundError

DECODED = 20  # pairs per split that are decoded; `data verify` decodes all
CHECKS: dict[str, Check] = {}


def contract(check: Check) -> Check:
    """Add a function to `CHECKS` under its own name."""
    CHECKS[check.__name__] = check
    return check


def dataset_subject(name: str, root: str | None = None) -> Subject:
    """Return the subject of a data set. Raises UnknownNameError, and PluginError for an entry that cannot be used."""
    spec = dataset(name)
    return Subject("dataset", spec.name, CHECKS, lambda: (spec, root))


def splits_here(spec: DatasetSpec, root: str | None) -> Iterator[Split]:
    """Yield the splits that are on this machine; end the check as not applicable if there is none."""
    absent = []
    for name in spec.splits:
        try:
            yield find_split(spec, name, root)
        except DataNotFoundError as error:
            absent.append(str(error))
    if len(absent) == len(spec.splits):
        not_applicable(f"no split is in '{data_root(root) / spec.folder}': {absent[0]}")


@contract
def entry(spec: DatasetSpec, root: str | None) -> str:
    """The catalog entry says what a user of the data needs: licence, citation, address."""
    require(
        spec.url.startswith(("https://", "http://")),
        f"url is '{spec.url}'",
        "give the address of the publisher's page",
    )
    require(
        spec.citation.strip().startswith("@") and "title" in spec.citation,
        "citation is no BibTeX entry",
        "write @article{Key, title = {...}, ...}",
    )
    require("test" in spec.splits, f"splits are {', '.join(spec.splits)}", "name one of them test")
    return f"{spec.family}, a is {spec.a}, b is {spec.b}, licence: {spec.licence.splitlines()[0]}"


@contract
def layout(spec: DatasetSpec, root: str | None) -> str:
    """In each split, a and b are different files."""
    for name, split in spec.splits.items():
        require(split.a != split.b, f"a and b of {name} are both '{split.a}'", "give each its own glob")
    return ", ".join(f"{name}: {split.a} with {split.b}" for name, split in spec.splits.items())


@contract
def counts(spec: DatasetSpec, root: str | None) -> str:
    """No split has more pairs than the entry says, and every file has a partner."""
    said = []
    for split in splits_here(spec, root):
        here = len(split.pairs)
        require(
            split.expected is None or here <= split.expected,
            f"{split.name} has {here} pairs, the entry says {split.expected}",
            "correct count: or the globs",
        )
        require(
            not split.unmatched,
            f"{len(split.unmatched)} files of {split.name} have no partner: {', '.join(split.unmatched[:3])}",
            "give partners one stem, or say in stem_marks how they differ",
        )
        said.append(f"{split.name}: {here} of {split.expected or '?'} pairs")
    return ", ".join(said)


@contract
def pairs_readable(spec: DatasetSpec, root: str | None) -> str:
    """Pairs can be decoded, both images have the same size, and labels are classes of the entry."""
    said = []
    for split in splits_here(spec, root):
        chosen = split.pairs[:DECODED]
        for pair in chosen:
            read_pair(pair)
            if pair.label is not None:
                _check_label(spec, pair.id, int(read_label(pair.label).max()))
        said.append(f"{split.name}: {len(chosen)} of {len(split.pairs)} decoded")
    return ", ".join(said)


def _check_label(spec: DatasetSpec, pair: str, highest: int) -> None:
    require(spec.labels, "a split has label maps", "name their classes under labels:")
    known = len(spec.labels.classes) if spec.labels else 0
    require(highest < known, f"label {highest} in pair {pair}, {known} classes", "complete labels.classes")


@contract
def splits_apart(spec: DatasetSpec, root: str | None) -> str:
    """No image belongs to two splits."""
    splits = list(splits_here(spec, root))
    for first, second in combinations(splits, 2):
        shared = {pair.b for pair in first.pairs} & {pair.b for pair in second.pairs}
        require(
            not shared,
            f"{len(shared)} images are in {first.name} and in {second.name}: {', '.join(map(str, sorted(shared)[:3]))}",
            "separate the globs, or draw the splits by part:",
        )
    return f"{len(splits)} of {len(spec.splits)} splits here"
