"""Figures for papers, drawn from run records, training logs, or networks. Importing this package loads no matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from fusionbench.errors import UnknownNameError

if TYPE_CHECKING:
    from fusionbench.figures.drawing import Drawing
    from fusionbench.figures.networks.request import NetworkRequest
    from fusionbench.figures.options import Options
    from fusionbench.tables.board import Board

FROM_RECORDS = ("qualitative", "curves", "lines", "ranks", "tradeoff", "agreement")
FROM_LOGS = ("training", "cosine")
FROM_NETWORKS = ("features", "tsne")
KINDS = (*FROM_RECORDS, *FROM_LOGS, *FROM_NETWORKS)
# subpackage of a kind's module; the modules of all other kinds are in this package
_ROOMS = {
    "qualitative": "images",
    **dict.fromkeys(FROM_LOGS, "logs"),
    **dict.fromkeys(FROM_NETWORKS, "networks"),
}

__all__ = ["FROM_LOGS", "FROM_NETWORKS", "FROM_RECORDS", "KINDS", "check_kind", "draw", "write_figure"]


def check_kind(kind: str) -> None:
    """Raise UnknownNameError for a kind that is not in `KINDS`."""
    if kind not in KINDS:
        raise UnknownNameError("kind of figure", kind, KINDS)


def draw(kind: str, shown: Sequence[Board] | Sequence[Path] | NetworkRequest, options: Options) -> Drawing:
    """Draw one figure in this package's style.

    ``shown`` is boards for `FROM_RECORDS`, folders of trainings for `FROM_LOGS`, or a request for `FROM_NETWORKS`.
    Raises UnknownNameError for an unknown kind, RequestError if there is nothing to draw.
    """
    from fusionbench.figures.style import applied

    check_kind(kind)
    with applied():
        return import_module(".".join(filter(None, (__name__, _ROOMS.get(kind), kind)))).draw(shown, options)


def write_figure(
    kind: str, shown: Sequence[Board] | Sequence[Path] | NetworkRequest, options: Options, path: Path
) -> str:
    """Write one figure as .pdf, .png or .svg, by the path's suffix, and return its caption.

    Fonts are embedded; the same records give the same bytes. Raises RequestError for any other suffix, OutputError if
    the file cannot be written, and the errors of `draw`.
    """
    from fusionbench.figures.drawing import check_suffix, save
    from fusionbench.figures.style import applied

    check_suffix(path)
    drawing = draw(kind, shown, options)
    with applied():
        save(drawing, path)
    return drawing.caption
