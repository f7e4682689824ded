"""Leaderboard tables as pure functions of records and scores. Importing this package is cheap."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fusionbench.errors import RequestError
from fusionbench.tables.model import Table, to_json

if TYPE_CHECKING:
    from fusionbench.tables.board import build_tables

__all__ = ["FORMATS", "Table", "build_tables", "render", "to_json"]

FORMATS = {"md": "markdown", "csv": "csv", "tex": "latex", "html": "html"}


def render(tables: Iterable[Table], format: str, **options: Any) -> str:
    """Return the tables as one text in ``format``, a key of `FORMATS`. Raises RequestError for any other.

    ``options`` are those of the format's own ``render``, such as ``width`` for LaTeX.
    """
    module = FORMATS.get(format.lower())
    if module is None:
        raise RequestError(f"Tables cannot be written as '{format}': use one of {', '.join(FORMATS)}.")
    return import_module(f"fusionbench.tables.formats.{module}").render(tables, **options)


def __getattr__(name: str) -> object:
    if name == "build_tables":
        return import_module("fusionbench.tables.board").build_tables
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
