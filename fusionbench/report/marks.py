"""Printed digits and the ranks that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from fusionbench.report.table import Cell, Column


def printed(value: float, digits: int) -> str:
    """Return the value with a fixed number of decimals; zero never carries a minus sign."""
    text = f"{value:.{digits}f}"
    return text if Decimal(text) else text.removeprefix("-")


def ranks(texts: Sequence[str | None], better: str) -> list[int | None]:
    """Rank printed values, 1 = best; equal digits share a rank and the next distinct value gets the next one.

    None (a cell without a value) has no rank and does not count.
    """
    distinct = sorted({Decimal(text) for text in texts if text is not None}, reverse=better == "higher")
    place = {value: rank for rank, value in enumerate(distinct, start=1)}
    return [None if text is None else place[Decimal(text)] for text in texts]


def rank_column(column: Column, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells of one metric, all rows of a table, with their ranks."""
    places = ranks([None if cell.value is None else cell.text for cell in cells], column.better)
    return [replace(cell, rank=place) for cell, place in zip(cells, places, strict=True)]
