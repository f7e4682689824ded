"""The data of the page's image viewer: pictures and scores as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fusionbench.report.embedding import Embedded
from fusionbench.report.overlays import Overlays, overlay_documents
from fusionbench.report.pictures import FORMAT, Picture
from fusionbench.tables.board import Board
from fusionbench.tables.model import Column, one_line, shorten


def gallery(entry: Embedded, overlays: Sequence[Overlays] = ()) -> dict[str, Any]:
    """Return the JSON document of a group.

    ``columns`` are the sources and methods, in the order of each image's ``pictures``; ``boards`` contains for each
    profile the ``values`` [image][metric][method], a number or the reason why there is none. ``tasks`` are the
    downstream tasks with their colors, ``drawn`` [image][task][column] the PNG images to draw over the pictures.
    """
    images = entry.shown
    columns = _columns(entry)
    return {
        "key": entry.shelf.group.key,
        "mime": f"image/{FORMAT}",
        "columns": columns,
        "images": [
            {
                "id": chosen.id,
                "tags": list(chosen.tags),
                "place": entry.shelf.group.first.images.index(chosen.id),
                **_pictures(entry.pictures[chosen.id]),
            }
            for chosen in images
        ],
        "boards": [_board(board, [chosen.id for chosen in images]) for board in entry.shelf.group.boards],
        **overlay_documents(overlays, len(columns), [chosen.id for chosen in images]),
    }


def _columns(entry: Embedded) -> list[dict[str, str]]:
    data, first = entry.shelf.group.data, entry.shelf.group.first
    sources = [{"label": one_line(f"{name} ({data[name]})"), "kind": "source"} for name in ("a", "b")]
    return sources + [{"label": one_line(row.label), "kind": row.kind} for row in first.table.rows]


def _pictures(pictures: Sequence[Picture | None]) -> dict[str, Any]:
    known = [picture for picture in pictures if picture]
    return {
        "size": list(known[0].size),
        "native": list(known[0].native),
        "pictures": [picture.text if picture else None for picture in pictures],
    }


def _board(board: Board, images: Sequence[str]) -> dict[str, Any]:
    columns = [column for column in board.table.columns if column.per == "image"]
    return {
        "profile": board.table.profile,
        "metrics": [
            {"name": c.metric, "title": c.title, "arrow": c.arrow, "better": c.better, "digits": c.digits}
            for c in columns
        ],
        "values": [[_row(board, column, image) for column in columns] for image in images],
    }


def _row(board: Board, column: Column, image: str) -> list[float | str]:
    image_scores = [
        scores.get(column.metric, {}).get(column.version, {}).get(image) for scores in board.scores
    ]
    return [
        _value(score, column.digits, run.record) for score, run in zip(image_scores, board.runs, strict=True)
    ]


def _value(score: Any, digits: int, record: Any) -> float | str:
    if score is None:
        return "not scored" if record["status"] == "ok" else str(record["status"])
    if score.value is None:
        return f"{score.status}: {shorten(score.detail)}" if score.detail else score.status
    return round(score.value, digits + 2)
