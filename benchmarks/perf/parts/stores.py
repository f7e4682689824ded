"""Synthetic stores of finished runs of the ten default metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sweep import line
from tables import record

from fusionbench.cells.columns import keep_columns
from fusionbench.cells.store import Cell
from fusionbench.files import write_json
from fusionbench.metrics import DEFAULT


def make_store(out: Path, sets: int, rows: int, images: int) -> None:
    """Write the records and scores of finished runs, with the copies that `run` makes of large ones."""
    draw = np.random.default_rng(0)
    ids = [f"{number:05d}" for number in range(images)]
    for place in range(sets):
        for number in range(rows):
            cell = Cell(out / f"set{place}-test" / f"method{number}" / f"run-{number}")
            cell.path.mkdir(parents=True)
            write_json(cell.record_file, record(cell.id, f"method{number}", f"set{place}", ids))
            values = 0.1 * number + draw.random((images, len(DEFAULT)))
            cell.append(
                line(cell.id, image, name, value)
                for image, row in zip(ids, values.tolist(), strict=True)
                for name, value in zip(DEFAULT, row, strict=True)
            )
            keep_columns(cell)
