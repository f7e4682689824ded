"""Printed digits and the ranks that follow from them."""

from __future__ import annotations

from collections import Counter
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


def mean_places(texts: Sequence[str | None], better: str) -> list[float | None]:
    """Rank printed values, 1 = best; equal digits share the mean of the ranks they take up, None has no rank."""
    values = [None if text is None else Decimal(text) for text in texts]
    known = sorted((value for value in values if value is not None), reverse=better == "higher")
    first = {value: i for i, value in reversed(list(enumerate(known, start=1)))}
    uses = Counter(known)
    return [None if value is None else first[value] + (uses[value] - 1) / 2 for value in values]


def rank_column(column: Column, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells of one metric, all rows of a table, with their ranks."""
    places = ranks([None if cell.value is None else cell.text for cell in cells], column.better)
    return [replace(cell, rank=place) for cell, place in zip(cells, places, strict=True)]
