"""A comparison as Markdown or on a terminal, with the same words and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from fusionbench.comparison.metrics import Difference, signed
from fusionbench.comparison.runs import CellComparison, Change, Comparison, Key
from fusionbench.tables.formats.markdown import escape
from fusionbench.tables.model import one_line, printed

if TYPE_CHECKING:
    from rich.console import Console

HEADER = ("Metric", "A", "B", "B − A", "Images", "Verdict")
RULE = ("---", "---:", "---:", "---:", "---:", "---")
NONE = "–"


def render(comparison: Comparison) -> str:
    """Return the comparison as GitHub Markdown; identical cells take one line each."""
    parts = []
    for cell in comparison.cells:
        parts += [f"### {escape(heading(cell))}", *(escape(line) + "  " for line in remarks(cell)), ""]
        if not cell.identical and cell.metrics:
            rows = [HEADER, RULE, *([escape(text) for text in _row(metric)] for metric in cell.metrics)]
            parts += [*(f"| {' | '.join(row)} |" for row in rows), ""]
    return "\n".join([*parts, *(escape(line) + "  " for line in closing(comparison))])


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the comparison with Rich."""
    for cell in comparison.cells:
        console.print(Text(one_line(heading(cell)), style="bold"))
        for line in remarks(cell):
            console.print(Text(one_line(line)))
        if not cell.identical and cell.metrics:
            console.print(_grid(cell.metrics))
        console.print()
    for line in closing(comparison):
        console.print(Text(one_line(line), style="dim"))


def heading(cell: CellComparison) -> str:
    """Return the heading of a cell."""
    return f"{cell.title} on {cell.dataset}, {cell.split} split"


def remarks(cell: CellComparison) -> Iterator[str]:
    """Yield sentences on whether the identities of a cell agree, what else differs, and whether all scores agree."""
    if cell.same_identity:
        yield f"Same identity ({cell.runs[0]})."
    else:
        yield f"Identity differs ({cell.runs[0]} → {cell.runs[1]}): {_listed(cell.identity)}."
    if cell.circumstances:
        yield f"Made under other circumstances: {_listed(cell.circumstances)}."
    if cell.identical:
        yield f"Identical in all {len(cell.metrics)} metrics over {cell.common} images."
    elif not cell.metrics:
        yield "Neither has scores of this profile."
    if cell.caution:
        yield f"Common pairs: {cell.common} of {cell.pairs[0]} in A and {cell.pairs[1]} in B; {cell.caution}."
    for side, status, older in zip("AB", cell.status, cell.older, strict=True):
        if status != "ok":
            yield f"{side} is not ok: {status}."
        if older:
            yield f"{side}: newest of {older + 1} runs, {older} older left out."
    yield from _left_out(cell.metrics)


def _listed(changes: Sequence[Change]) -> str:
    return "; ".join(map(str, changes))


def _left_out(metrics: Sequence[Difference]) -> Iterator[str]:
    """Yield sentences on the images left out, one for all metrics with the same gaps."""
    same: dict[tuple[tuple[str, int], ...], list[str]] = {}
    for metric in metrics:
        if metric.left_out:
            same.setdefault(metric.left_out, []).append(metric.metric)
    for reasons, names in same.items():
        yield f"Left out of {', '.join(names)}: {', '.join(f'{n} {reason}' for reason, n in reasons)}."


def _row(difference: Difference) -> tuple[str, ...]:
    if difference.mean is None or difference.mean_a is None or difference.mean_b is None:
        return difference.metric, NONE, NONE, NONE, str(difference.count), difference.verdict
    means = (printed(mean, difference.digits) for mean in (difference.mean_a, difference.mean_b))
    return (
        difference.metric,
        *means,
        signed(difference.mean, difference.digits),
        str(difference.count),
        difference.verdict,
    )


def _grid(metrics: Sequence[Difference]) -> Grid:
    grid = Grid(box=box.HORIZONTALS, pad_edge=False)
    for number, name in enumerate(HEADER):
        words = number in (0, len(HEADER) - 1)
        grid.add_column(name, justify="left" if words else "right", no_wrap=number < len(HEADER) - 1)
    for difference in metrics:
        grid.add_row(*map(Text, _row(difference)))
    return grid


def closing(comparison: Comparison) -> Iterator[str]:
    """Yield sentences on cells without a partner, and on how to read the numbers."""
    for side, keys in (("A", comparison.only_a), ("B", comparison.only_b)):
        if keys:
            yield f"Only in {side}: {'; '.join(map(_name, keys))}."
    yield (
        f"Profile {comparison.profile}; differences are B − A, image by image; 95 % studentized bootstrap intervals "
        "of their mean."
    )


def _name(key: Key) -> str:
    return f"{key[2]} on {key[0]}, {key[1]} split"
