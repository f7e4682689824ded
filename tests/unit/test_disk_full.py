"""A disk that fills up in the middle of a run: one sentence, earlier work whole, and the next run completes it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import fusionbench
from fusionbench.errors import OutputError
from fusionbench.runner import fuse


def test_a_full_disk_stops_the_run_and_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    real = fuse.write_image

    def write(path: Path, image: object) -> None:
        if len(written) == 2:
            raise OutputError(f"Cannot write {path}: {os.strerror(errno.ENOSPC)}; free space and run again.")
        written.append(path)
        real(path, image)

    options = {"limit": 4, "metrics": "EN", "baselines": False, "out": tmp_path}
    monkeypatch.setattr(fuse, "write_image", write)
    with pytest.raises(OutputError, match="No space left"):
        fusionbench.run("average", "demo", **options)
    monkeypatch.setattr(fuse, "write_image", real)
    stamps = {path: path.stat().st_mtime_ns for path in written}
    result = fusionbench.run("average", "demo", **options)
    assert result.ok
    assert result.cells[0].fused == 2
    assert {path: path.stat().st_mtime_ns for path in written} == stamps
