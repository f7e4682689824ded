"""No test pair was learned from: the pixels of every training pair against those of every test pair at hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fusionbench.data.images import one_channel, read_pair, unit
from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset, datasets
from fusionbench.data.spec import DatasetSpec
from fusionbench.errors import DataNotFoundError
from fusionbench.providers import share
from fusionbench.types import Pair

TRAINING = share("benchmarks") / "training"
RECORDS = sorted(share("methods").glob("*/weights/*.json"))
FAMILIES = ("ir-vis", "medical", "sar-opt")


def known() -> dict[str, DatasetSpec]:
    """Return the catalog's data sets and those that shipped weights were trained on beside them."""
    own = [dataset(str(path)) for path in sorted(TRAINING.glob("*.yaml"))]
    return {spec.name: spec for spec in (*datasets().values(), *own) if not spec.generated}


def splits(name: str, family: str, root: Path) -> Iterator[Split]:
    for spec in known().values():
        if spec.family == family and name in spec.splits:
            try:
                yield find_split(spec, name, root)
            except DataNotFoundError:
                continue


def pixels(pair: Pair) -> tuple[str, str]:
    """Return the SHA-256 of what a method sees of both sources, however their files are encoded."""
    a, b = read_pair(pair)
    return tuple(hashlib.sha256(one_channel(unit(image)).tobytes()).hexdigest() for image in (a, b))


@pytest.fixture(scope="module")
def tested(shared_data: Path) -> dict[str, dict[str, str]]:
    """Return the place of every test image by its pixels, a family each."""
    return {
        family: {
            digest: f"{split.spec.name}/{pair.id}"
            for split in splits("test", family, shared_data)
            if split.spec.name
            != "m3fd-detection"  # a training set here: `m3fd` is what is fused and compared
            for pair in split.pairs
            for digest in pixels(pair)
        }
        for family in FAMILIES
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_no_pixels_of_a_test_pair_are_in_a_training_set(
    family: str, tested: dict[str, dict[str, str]], shared_data: Path
) -> None:
    shared = [
        f"{split.spec.name}/{pair.id} is {tested[family][digest]}"
        for split in splits("train", family, shared_data)
        for pair in split.pairs
        for digest in pixels(pair)
        if digest in tested[family]
    ]
    assert tested[family]
    assert not shared


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_every_pair_of_a_manifest_is_a_training_pair(record: Path, shared_data: Path) -> None:
    for part in json.loads(record.read_text(encoding="utf-8"))["datasets"]:
        split = find_split(known()[part["name"]], part["split"], shared_data)
        assert part["split"] == "train"
        assert set(part["ids"]) <= set(split.ids)
        assert len(part["ids"]) == part["pairs"] > 0
        kept = replace(split, pairs=tuple(pair for pair in split.pairs if pair.id in part["ids"]))
        assert part["files"] == kept.source_digests()
