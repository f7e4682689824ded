"""How every figure looks: sizes in inches, fonts, and a color, marker and dash pattern for each method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from fusionbench.errors import RequestError

COLUMNS = {"one": 3.5, "two": 7.16}  # text widths of a two-column paper (IEEE), in inches
WIDEST = 40.0
FONT, SMALL = 7.0, 6.0  # points, at the size at which the figure is printed

# Okabe and Ito 2008, "Color Universal Design", without the yellow, which thin lines on white paper lose
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "X", "P", "<", "*", ">")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)), (0, (8, 2)))

RC = {
    "backend": "agg",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that two machines draw the same glyphs
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
    "text.parse_math": False,  # a title from a card may hold dollar signs
    "pdf.fonttype": 42,  # TrueType, embedded: IEEE's and ACM's checks refuse the default, Type 3
    "svg.fonttype": "path",  # looks alike where the font is absent
    "svg.hashsalt": "fusionbench",
    "image.composite_image": False,  # else images without scaling are resampled together
    "savefig.dpi": 300,
}


class Look(NamedTuple):
    """What tells one method from the others, in print without color too."""

    color: str
    marker: str
    dashes: Any


@contextmanager
def applied() -> Iterator[None]:
    """Draw and save with our settings alone: a matplotlibrc of the user's changes nothing."""
    import matplotlib
    from cycler import cycler

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, RC))
        matplotlib.rcParams["axes.prop_cycle"] = cycler(color=PALETTE)
        yield


def looks(methods: Iterable[str]) -> dict[str, Look]:
    """Give each method its look by its place; 70 methods have different ones, 7 different colors."""
    return {
        name: Look(
            PALETTE[i % len(PALETTE)],
            MARKERS[i % len(MARKERS)],
            DASHES[(i + i // len(PALETTE)) % len(DASHES)],
        )
        for i, name in enumerate(dict.fromkeys(methods))
    }


def parse_width(text: str) -> float:
    """Return inches for ``one`` or ``two`` (columns) or a number. Raises RequestError."""
    try:
        width = COLUMNS.get(text) or float(text)
    except ValueError:
        width = 0.0
    if not 1.5 <= width <= WIDEST:
        raise RequestError(f"--width '{text}' is no width: give one, two or inches from 1.5 to {WIDEST:g}.")
    return width
