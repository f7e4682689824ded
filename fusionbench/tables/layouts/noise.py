"""Tables of methods under noise, with a block of rows for each noise on the sources, beginning without noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fusionbench.data.noise.setting import SourceNoise, noise_from
from fusionbench.errors import RequestError
from fusionbench.tables.cells import Record
from fusionbench.tables.layouts.joined import stacked
from fusionbench.tables.layouts.selection import RowHead, Selection, settings_of, title_of
from fusionbench.tables.model import Table

CLEAN_SOURCES = "none"
ADDED = "Noise"
SAID = (
    "Noise with its variance in squared gray levels is added to the sources before they are fused; scores compare with "
    "the sources without it. Best and second best are those under one noise."
)


def select(records: Sequence[Record], _: Sequence[str], order: Sequence[str]) -> list[Selection]:
    """Return one selection for each noise in the records, named by it. Raises RequestError if none has noise."""
    by_noise: dict[SourceNoise | None, list[Record]] = {}
    for record in records:
        by_noise.setdefault(noise_from(record["identity"]), []).append(record)
    if not set(by_noise) - {None}:
        raise RequestError(
            "No run there had noise on its sources: run with --noise, or a sweep with noise: [...]."
        )
    place = {name: i for i, name in enumerate(order)}
    return [_selection(noise, by_noise[noise], place) for noise in sorted(by_noise, key=_strength)]


def stack(tables: Sequence[Table], noises: Sequence[str]) -> Table:
    """Return one table with a block of rows for each noise; all tables are of the same pairs."""
    first = tables[0]
    of_pairs: dict[str, Any] = {
        fact: getattr(first, fact)
        for fact in ("dataset", "title", "split", "coverage", "pairs", "limit", "split_hash", "data")
    }
    joined = stacked(tables, noises, ADDED)
    rest = joined.caption[1 if len(tables) == 1 else len(tables) :]
    short = joined.brief[1 if len(tables) == 1 else len(tables) :]
    joined = replace(joined, caption=(first.caption[0], *rest), brief=(*first.brief[:1], *short), parts=())
    return replace(joined, **of_pairs).saying(SAID)


def _strength(noise: SourceNoise | None) -> tuple[tuple[str, float], ...]:
    """Return a sort key that groups kinds of noise and orders each by variance."""
    return (
        tuple((f"{source}.{added.kind}", added.variance) for source, added in noise.by_source())
        if noise
        else ()
    )


def _selection(noise: SourceNoise | None, records: Sequence[Record], place: dict[str, int]) -> Selection:
    rows: dict[str, Record] = {record["method"]["name"]: record for record in reversed(records)}

    def order(name: str) -> tuple[bool, int, str]:
        quiet = name.removesuffix(str(noise or "")).rstrip("@+")
        return rows[name]["method"]["kind"] == "trivial", place.get(quiet, len(place)), quiet

    lines = {name: RowHead(_label(rows[name], noise), (), name) for name in sorted(rows, key=order)}
    return Selection(str(noise or CLEAN_SOURCES), "Method", (), tuple(records), lines)


def _label(record: Record, noise: SourceNoise | None) -> str:
    """Return a method's title with its variants and settings, without the noise, which the block's title states."""
    of_noise = str(noise).split("+") if noise else []
    rest = [part for part in settings_of(record) if part not in of_noise]
    return f"{title_of([record])} @{'+'.join(rest)}" if rest else title_of([record])
