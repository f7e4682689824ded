"""Style of all figures: sizes in inches, fonts, and a color, marker and dash pattern for each method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from fusionbench.errors import RequestError

COLUMNS = {"one": 3.5, "two": 7.16}  # text widths of a two-column paper (IEEE), in inches
# inches
WIDEST = 40.0
FONT, SMALL = 7.0, 6.0  # points, at the size at which the figure is printed

# Okabe and Ito 2008, "Color Universal Design", without yellow, which is hard to see in thin lines on white paper
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", "*", ">")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))

RC = {
    "backend": "agg",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same glyphs on every machine
    "font.size": FONT,
    "axes.titlesize": FONT,
    "axes.labelsize": FONT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.borderaxespad": 0.0,
    "legend.labelspacing": 0.25,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "0.88",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "text.parse_math": False,  # titles of cards may contain dollar signs
    "pdf.fonttype": 42,  # TrueType, embedded: IEEE's and ACM's checks refuse the default, Type 3
    "svg.fonttype": "path",  # outlines: looks the same without the font
    "svg.hashsalt": "fusionbench",
    "image.composite_image": False,  # otherwise images are resampled into one, and stored pixels are lost
    "savefig.dpi": 300,
}


class Look(NamedTuple):
    """Color, marker and dash pattern of a method, which distinguish it in print without color too."""

    color: str
    marker: str
    dashes: Any


@contextmanager
def applied() -> Iterator[None]:
    """Apply this package's style in the ``with`` block; the user's matplotlibrc has no effect."""
    import matplotlib
    from cycler import cycler

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, RC))
        matplotlib.rcParams["axes.prop_cycle"] = cycler(color=PALETTE)
        yield


def looks(methods: Iterable[str]) -> dict[str, Look]:
    """Return the look of each method by its position; 70 looks are different, 7 of them in color alone."""
    return {
        name: Look(
            PALETTE[i % len(PALETTE)],
            MARKERS[i % len(MARKERS)],
            DASHES[(i + i // len(PALETTE)) % len(DASHES)],
        )
        for i, name in enumerate(dict.fromkeys(methods))
    }


def parse_width(text: str) -> float:
    """Return the width in inches for ``one`` or ``two`` (columns) or a number. Raises RequestError for any other text."""
    try:
        width = COLUMNS.get(text) or float(text)
    except ValueError:
        width = 0.0
    if not 1.5 <= width <= WIDEST:
        raise RequestError(
            f"--width '{text}' is not a width: give one, two or inches from 1.5 to {WIDEST:g}."
        )
    return width
