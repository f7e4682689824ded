"""Where fused images of files may be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fusionbench.data.images import write_image
from fusionbench.errors import OutputError, RequestError
from fusionbench.folders.fuse_files import FileOptions, fuse_files

AVERAGE = FileOptions("average")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for number, name in enumerate(("ir", "vi")):
        write_image(tmp_path / name / "1.png", np.full((8, 8), 40 + number, np.uint8))
    return tmp_path


@pytest.mark.parametrize("name", ["ir", "vi"])
def test_the_folder_of_a_source_is_not_written_over(sources: Path, name: str) -> None:
    before = (sources / name / "1.png").read_bytes()
    with pytest.raises(RequestError, match="is a source"):
        list(fuse_files(sources / "ir", sources / "vi", sources / "vi" / ".." / name, AVERAGE))
    assert (sources / name / "1.png").read_bytes() == before


@pytest.mark.parametrize("output", ["ir/1.png", "vi/1.png", "vi"])
def test_a_source_image_is_not_written_over(sources: Path, output: str) -> None:
    before = [(sources / name / "1.png").read_bytes() for name in ("ir", "vi")]
    with pytest.raises(RequestError, match="is a source"):
        list(fuse_files(sources / "ir" / "1.png", sources / "vi" / "1.png", sources / output, AVERAGE))
    assert [(sources / name / "1.png").read_bytes() for name in ("ir", "vi")] == before


def test_one_image_may_be_written_beside_its_source(sources: Path) -> None:
    target = sources / "vi" / "fused.png"
    assert list(fuse_files(sources / "ir" / "1.png", sources / "vi" / "1.png", target, AVERAGE)) == [target]


@pytest.mark.parametrize("images", [("ir", "vi"), ("ir/1.png", "vi/1.png")])
def test_a_file_where_the_output_folder_has_to_be_is_told(sources: Path, images: tuple[str, str]) -> None:
    (sources / "taken").touch()
    output = sources / "taken" if images[0] == "ir" else sources / "taken" / "1.png"
    with pytest.raises(OutputError, match="taken: a file is where a folder has to be"):
        list(fuse_files(*(sources / image for image in images), output, AVERAGE))
