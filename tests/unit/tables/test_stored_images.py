"""Which source images are shown beside fused ones, and what is said where they are not."""

from pathlib import Path

import numpy as np
import pytest
from figure_samples import IDS, board
from PIL import Image

from fusionbench.data.pairs import Split
from fusionbench.data.registry import dataset
from fusionbench.errors import DataNotFoundError
from fusionbench.tables import source_pairs
from fusionbench.types import Pair


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Pairs of the ids that the board in memory has, and one more."""
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save(tmp_path / "x.png")
    file = tmp_path / "x.png"
    pairs = tuple(Pair(image, file, file) for image in (*IDS, "other"))
    return Split(dataset("demo"), "test", tmp_path, pairs, None)


def find(
    monkeypatch: pytest.MonkeyPatch, split_here: Split, hashed: str = "d" * 64
) -> source_pairs.SourcePairs:
    monkeypatch.setattr(source_pairs, "find_split", lambda *asked: split_here)
    monkeypatch.setattr(Split, "content_hash", lambda self: hashed)
    return source_pairs.find_sources(board(), "somewhere")


def test_pairs_of_the_same_content_are_shown_without_a_word(monkeypatch, split):
    sources = find(monkeypatch, split)
    assert (tuple(sources.pairs), sources.note) == (IDS, "")


def test_pairs_of_another_content_are_not_shown(monkeypatch, split):
    sources = find(monkeypatch, split, "e" * 64)
    assert not sources.pairs
    assert "are not those that were fused (another data hash)" in sources.note


def test_some_pairs_are_shown_and_counted_as_their_content_cannot_be_told(monkeypatch, split):
    part = Split(split.spec, "test", split.root, split.pairs[:2], None)
    sources = find(monkeypatch, part, "e" * 64)
    assert tuple(sources.pairs) == IDS[:2]
    assert "available for 2 of 4 pairs, and were not compared" in sources.note


def test_absent_pairs_are_said_to_be_absent_and_no_path_is(monkeypatch, tmp_path):
    def fail(*asked):
        raise DataNotFoundError(f"nothing in {tmp_path}")

    monkeypatch.setattr(source_pairs, "find_split", fail)
    sources = source_pairs.find_sources(board(), str(tmp_path))
    assert "were not available (--data-root names" in sources.note
    assert str(tmp_path) not in sources.note
