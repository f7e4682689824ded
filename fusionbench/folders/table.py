"""Tables of mean scores of folders, which have no records, in the form of all other tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusionbench.metrics import cards, profile_of
from fusionbench.tables.caption import CHANNELS, coverage
from fusionbench.tables.cells import WHOLE_SET, ImageScore, name_notes, set_sentences, table_cell
from fusionbench.tables.model import Column, Row, Table, TableCell, rank_column

if TYPE_CHECKING:
    from fusionbench.folders.scores import FolderScores


@dataclass(frozen=True)
class FolderTable(Table):
    """A table of folders, with the origin of the pairs as its heading."""

    @property
    def heading(self) -> str:
        where = f"{self.title}, {self.split} split" if self.split else self.title
        return f"{where}, {self.coverage}"


def folder_table(results: Sequence[FolderScores]) -> FolderTable:
    """Return the table of folders scored on the same pairs with the same profile, one row each in their order."""
    first = results[0]
    pairs, columns = first.pairs, _columns(first)
    return FolderTable(
        dataset=pairs.dataset or "",
        title=pairs.title,
        split=pairs.split or "",
        coverage=_coverage(first),
        pairs=len(pairs.pairs),
        limit=pairs.limit,
        profile=first.profile,
        split_hash="",
        data="",
        columns=columns,
        rows=_rows(results, columns),
        caption=tuple(_caption(results)),
    )


def mean_cells(result: FolderScores) -> tuple[TableCell, ...]:
    """Return, for each metric, its mean and the number of images with a value.

    The mean is None unless every image has a value; for a set metric it is the value itself.
    """
    record = {"dataset": {"ids": list(result.scores)}, "status": "ok", "images": {}}
    return tuple(table_cell(record, column, _scores(result, column)) for column in _columns(result))


def _scores(result: FolderScores, column: Column) -> dict[str, dict[str, Mapping[str, ImageScore]]]:
    by_image: dict[str, Any]
    if column.per == "set":
        by_image = {WHOLE_SET: result.sets[column.metric]}
    else:
        by_image = {image: scores[column.metric] for image, scores in result.scores.items()}
    plain = {image: ImageScore(score.status, score.value, score.detail) for image, score in by_image.items()}
    return {column.metric: {column.version: plain}}


def _columns(result: FolderScores) -> tuple[Column, ...]:
    known = [(cards()[metric], version) for metric, version in result.versions.items()]
    settings = {name: score.setting for name, score in result.sets.items()}
    return tuple(
        Column(
            card.name, card.title, card.better, card.digits, str(version),
            per=card.per, setting=settings.get(card.name, ""),
        )
        for card, version in known
    )  # fmt: skip


def _rows(results: Sequence[FolderScores], columns: Sequence[Column]) -> tuple[Row, ...]:
    table = [list(mean_cells(result)) for result in results]
    if len(results) > 1:  # in a table of one row, marking the best value would mean nothing
        ranked = [
            rank_column(column, cells)
            for column, cells in zip(columns, zip(*table, strict=True), strict=True)
        ]
        table = [list(cells) for cells in zip(*ranked, strict=True)]
    return tuple(
        Row(result.name, result.name, "external", "", "ok", name_notes(cells))
        for result, cells in zip(results, table, strict=True)
    )


def _coverage(result: FolderScores) -> str:
    pairs = result.pairs
    return coverage({"ids": list(result.scores), "expected": pairs.expected, "limit": pairs.limit})


def _caption(results: Sequence[FolderScores]) -> Iterator[str]:
    first = results[0]
    profile = profile_of(first.profile)
    yield f"Mean scores on {first.pairs.title}, {_coverage(first)}."
    for result in results:
        complete = sum(all(s.status == "ok" for s in scores.values()) for scores in result.scores.values())
        yield f"{result.name}: {complete} of {len(result.scores)} images have every score."
    yield f"Profile {profile.name}: metrics on {CHANNELS[profile.gray]} of the 8-bit images."
    yield from set_sentences(_columns(first), len(first.scores))
    yield from (f"{m} {text}." for m, text in profile.undecided.items() if m in first.metrics)
    if len(results) > 1:
        yield "Best in bold, second best underlined, by the printed digits."
