"""The compact form of a leaderboard: nothing that a table shows is lost in it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from report_samples import CARDS, weird_leaderboard

from fusionbench.tables import build_tables, render
from fusionbench.tables.leaderboard_file import pack, unpack

NAMES = ["dataset", "split", "run", "profile", "metric", "version", "image", "status", "value", "detail"]


def leaderboard() -> tuple[list[dict], list[tuple]]:
    records, table = weird_leaderboard()
    rows = [*zip(*(table[name] for name in NAMES), strict=True)]
    return records, [(*row[:8], row[8] if row[7] == "ok" else None, row[9]) for row in rows]


@pytest.mark.parametrize("format", ["md", "csv", "tex"])
def test_tables_from_the_files_are_those_from_the_runs(format: str, tmp_path: Path) -> None:
    records, rows = leaderboard()
    for name, text in pack(records, rows).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    again = build_tables(*unpack(tmp_path), cards=CARDS)
    assert render(again, format) == render(build_tables(records, rows, cards=CARDS), format)


def test_scores_come_back_exactly(tmp_path: Path) -> None:
    records, rows = leaderboard()
    for name, text in pack(records, rows).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    unpacked = {tuple(map(str, row[:7])): row[7:] for row in unpack(tmp_path)[1]}
    assert unpacked == {tuple(map(str, row[:7])): row[7:] for row in rows}


def test_the_files_depend_neither_on_order_nor_on_the_machine() -> None:
    records, rows = leaderboard()
    expected = pack(records, rows)
    random.Random(0).shuffle(records)
    random.Random(1).shuffle(rows)
    private = [
        {**record, "path": "/home/me/runs", "probe": [0.5], "log": ["/home/me/x.py"]} for record in records
    ]
    assert pack(private, rows) == expected
