"""Reading ahead keeps order and bounds; writers report what is stored, oldest first, and what cannot be stored."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from fusionbench.data import pipeline
from fusionbench.data.images import read_image
from fusionbench.data.pipeline import READ_AHEAD, Writers, read_ahead
from fusionbench.errors import OutputError

SECONDS = 60  # no more than a hang takes


def test_batches_come_in_order_and_no_more_than_the_bound_are_read() -> None:
    batches = [[3 * n, 3 * n + 1, 3 * n + 2] for n in range(6)]
    read: list[int] = []
    steps = read_ahead(batches, lambda number: (read.append(number), -number)[1])
    for turn, (batch, loaded) in enumerate(steps):
        assert batch == batches[turn]
        assert loaded == [-number for number in batch]
        assert len(read) <= 3 * (turn + 1 + READ_AHEAD)
    assert sorted(read) == list(range(18))


def test_the_next_batch_is_read_while_the_first_is_worked_on() -> None:
    second = threading.Event()
    steps = read_ahead([[1], [2]], lambda number: second.set() if number == 2 else None)
    next(steps)
    assert second.wait(SECONDS)


def test_an_error_of_reading_is_raised_at_its_turn() -> None:
    steps = read_ahead([[1], [0], [2]], lambda number: 1 / number)
    assert next(steps) == ([1], [1.0])
    with pytest.raises(ZeroDivisionError):
        next(steps)


def test_images_are_told_once_they_are_stored(tmp_path: Path) -> None:
    paths, told = [tmp_path / f"{number}.png" for number in range(20)], []
    with Writers() as writers:
        for number, path in enumerate(paths):
            writers.save(path, np.full((1, 2, 3), number / 255))
            told += writers.written()
            assert number + 1 - len(told) <= 2 * pipeline.WRITERS
        told += writers.written(0)
    assert told == paths
    assert [int(read_image(path)[0, 0]) for path in paths] == list(range(20))


def test_an_image_that_cannot_be_stored_is_an_error_of_the_caller(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where a folder belongs")
    with Writers() as writers:
        writers.save(tmp_path / "folder/image.png", np.zeros((1, 2, 3)))
        with pytest.raises(OutputError):
            list(writers.written(0))
