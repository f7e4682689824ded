"""Figures for papers: of records, of training logs, or of what networks do with pairs. Importing this package is cheap."""

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
# where a kind's module lies below this package; the others lie in it
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
    """Draw one figure in our style: of boards, of folders of trainings (`FROM_LOGS`), or of networks (`FROM_NETWORKS`)."""
    from fusionbench.figures.style import applied

    check_kind(kind)
    with applied():
        return import_module(".".join(filter(None, (__name__, _ROOMS.get(kind), kind)))).draw(shown, options)


def write_figure(
    kind: str, shown: Sequence[Board] | Sequence[Path] | NetworkRequest, options: Options, path: Path
) -> str:
    """Write one figure as .pdf, .png or .svg by the path's suffix, and return its caption.

    Fonts are embedded; the same records give the same bytes. Raises RequestError on another suffix, OutputError
    where nothing can be written.
    """
    from fusionbench.figures.drawing import check_suffix, save
    from fusionbench.figures.style import applied

    check_suffix(path)
    drawing = draw(kind, shown, options)
    with applied():
        save(drawing, path)
    return drawing.caption
