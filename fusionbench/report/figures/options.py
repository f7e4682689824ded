"""What a figure is asked to show, beside the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fusionbench.errors import RequestError
from fusionbench.report.figures.style import COLUMNS


class Box(NamedTuple):
    """A part of an image in pixels; x and y are those of its upper left corner."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True)
class Options:
    """``metrics`` None: all that are scored. ``images`` empty: the most disputed; ``zooms`` likewise.

    ``measured`` is what `fusionbench profile --json` printed. ``crisp`` keeps the stored pixels of images as they
    are, which formats without a resolution of their own can.
    """

    width: float = COLUMNS["two"]
    caption: bool = True
    metrics: tuple[str, ...] | None = None
    images: tuple[str, ...] = ()
    zooms: tuple[Box, ...] = ()
    data_root: str | None = None
    measured: Mapping[str, Any] | None = None
    costs: tuple[str, ...] = ()
    crisp: bool = True


def parse_box(text: str) -> Box:
    """Read ``x,y,w,h``. Raises RequestError."""
    parts = text.split(",")
    try:
        x, y, w, h = (int(part) for part in parts)
    except ValueError:
        raise RequestError(f"--zoom '{text}' is no box: give x,y,w,h in pixels, as in 40,60,80,60.") from None
    if min(x, y) < 0 or min(w, h) < 1:
        raise RequestError(f"--zoom '{text}' is no box: x and y begin at 0, w and h at 1.")
    return Box(x, y, w, h)
