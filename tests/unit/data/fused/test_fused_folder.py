"""Which file of a folder belongs to which pair, for ``fusionbench score`` and for ``images:DIR``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fusionbench.cells.outside.external import external_hash, take_missing
from fusionbench.cells.store import Cell
from fusionbench.data.fused.fused_folder import check_size, find_fused
from fusionbench.errors import DataNotFoundError, ImageError
from fusionbench.types import Pair

MEMORY = Path("/proc/self/mem")


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (12, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Pair, ...]:
    names = ("01", "01_2", "02")
    return tuple(
        Pair(n, picture(tmp_path / "a" / f"{n}.png", i), picture(tmp_path / "b" / f"{n}.jpg", i))
        for i, n in enumerate(names)
    )


@pytest.mark.parametrize("kind", ["png", "PNG", "jpg", "JPEG", "bmp", "tif", "TIFF"])
def test_the_type_of_a_file_does_not_matter(kind: str, pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    for pair in pairs:
        picture(tmp_path / "f" / f"{pair.id}.{kind}")
    (tmp_path / "f" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "f" / "._01.png").write_bytes(b"x")
    fused = find_fused(tmp_path / "f", pairs)
    assert {name: path.name for name, path in fused.files.items()} == {p.id: f"{p.id}.{kind}" for p in pairs}
    assert fused.extra == ()


def test_two_types_of_one_name_are_a_conflict_only_where_it_matters(
    pairs: tuple[Pair, ...], tmp_path: Path
) -> None:
    for name in ("01.png", "01_2.png", "02.png", "99.png", "99.jpg"):
        picture(tmp_path / "f" / name)
    assert [path.name for path in find_fused(tmp_path / "f", pairs).extra] == ["99.jpg", "99.png"]
    picture(tmp_path / "f" / "02.JPG")
    fused = find_fused(tmp_path / "f", pairs)
    assert fused.files == {}
    assert fused.conflicts == (
        "'02.JPG' and '02.png' could both be the fused image of '02': keep one of them.",
    )


def test_sources_behind_a_limit_are_known(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    """Alone, '01' would take the image of '01_2' for its own."""
    picture(tmp_path / "f" / "01_2_fused.png")
    fused = find_fused(tmp_path / "f", pairs[:1])
    assert fused.files == {}
    assert "'01'" in fused.conflicts[0]
    assert "'01_2'" in fused.conflicts[0]


def test_a_folder_that_is_not_there_is_named(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="nowhere"):
        find_fused(tmp_path / "nowhere", pairs)
    with pytest.raises(DataNotFoundError, match=r"01\.png"):
        find_fused(pairs[0].a, pairs)


def test_a_wrong_size_is_said_with_both_sizes() -> None:
    check_size(Path("x.png"), np.zeros((4, 6, 3)), np.zeros((4, 6)))
    with pytest.raises(ImageError, match=r"'x\.png' is 6x4, its sources are 4x6"):
        check_size(Path("x.png"), np.zeros((4, 6)), np.zeros((6, 4)))


def take(folder: Path, pairs: tuple[Pair, ...], cell: Cell) -> dict[str, str]:
    failures = take_missing(folder, pairs, cell, lambda *_: None)
    return {name: failure.detail for name, failure in failures.items()}


def test_images_of_an_external_method_may_have_an_addition(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    for i, pair in enumerate(pairs):
        picture(tmp_path / "plain" / f"{pair.id}.png", i)
        picture(tmp_path / "f" / f"x_{pair.id}_fused.png", i)
    assert external_hash(tmp_path / "f", pairs) == external_hash(tmp_path / "plain", pairs)
    assert take(tmp_path / "f", pairs, Cell(tmp_path / "cell")) == {}
    for i, pair in enumerate(pairs):
        stored = np.asarray(Image.open(tmp_path / "cell" / "images" / f"{pair.id}.png"))
        expected = np.random.default_rng(i).integers(0, 256, (12, 16), dtype=np.uint8)
        assert np.array_equal(stored, expected)


@pytest.mark.skipif(not MEMORY.exists(), reason=f"the system has no {MEMORY}")
def test_an_image_that_cannot_be_read_fails_alone(pairs: tuple[Pair, ...], tmp_path: Path) -> None:
    for pair in pairs:
        picture(tmp_path / "f" / f"{pair.id}.png")
    broken = tmp_path / "f" / f"{pairs[1].id}.png"
    broken.unlink()
    broken.symlink_to(MEMORY)  # root, too, cannot read the beginning of a process's memory
    whole = external_hash(tmp_path / "f", pairs)
    assert external_hash(tmp_path / "f", pairs) == whole
    (failure,) = take(tmp_path / "f", pairs, Cell(tmp_path / "cell")).items()
    assert failure[0] == pairs[1].id
    assert "cannot be read (Input/output error)" in failure[1]


def test_an_external_method_fails_where_images_are_absent_or_doubtful(
    pairs: tuple[Pair, ...], tmp_path: Path
) -> None:
    picture(tmp_path / "f" / "01_2_fused.png")
    details = take(tmp_path / "f", pairs, Cell(tmp_path / "cell"))
    assert set(details) == {"01", "01_2", "02"}
    assert "could be the fused image of '01' and of '01_2'" in details["02"]
    picture(tmp_path / "f" / "01_fused.png")
    details = take(tmp_path / "f", pairs, Cell(tmp_path / "cell"))
    assert list(details) == ["02"]
    assert "No image '02'" in details["02"]
