"""Choosing the run of each method that a table shows, with its label and footnotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from fusionbench.tables.cells import Record
from fusionbench.tables.model import shorten

RANDOM = "random weights"
# where weights come from, in words; other sources are named as they are
SOURCES = {"trained": "trained here", "file": "from a file", "random": "random, never trained"}
COPIES = {
    "infrared": "a",
    "visible": "b",
}  # baselines that copy a source, and are named after those of ir-vis


class Run(NamedTuple):
    """The newest record of a method, the number of older runs left out, and the method's label.

    ``folders`` are those with its images, several if parts of the run are in several runs folders.
    """

    record: Record
    older: int
    label: str
    folders: tuple[Path, ...] = ()


def newest_runs(records: Iterable[Record]) -> list[Run]:
    """Return one run for each method: the one finished last, at equal times the one with the higher id."""
    by_method: dict[str, dict[str, Record]] = {}
    folders: dict[str, list[Path]] = {}
    for record in sorted(records, key=_age):
        # two folders with parts of one run (the same id) are one run, not a newer and an older one
        runs = by_method.setdefault(record["method"]["name"], {})
        before = runs.pop(record["id"], {})
        folders.setdefault(record["id"], []).extend(Path(place) for place in [record.get("path")] if place)
        runs[record["id"]] = {**record, "images": {**before.get("images", {}), **record.get("images", {})}}
    chosen = [(list(runs.values())[-1], len(runs) - 1) for runs in by_method.values()]
    labels = labels_of([record for record, _ in chosen])
    return [
        Run(record, older, labels[record["method"]["name"]], tuple(folders[record["id"]]))
        for record, older in chosen
    ]


def _age(record: Record) -> tuple:
    provenance = record.get("provenance", {})
    finished = provenance.get("finished")
    when = datetime.fromisoformat(finished) if finished else datetime.min
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return when, record["id"], str(record.get("path", ""))


def labels_of(records: Sequence[Record]) -> dict[str, str]:
    """Return the labels by method: the title with the variant, and with the name if two titles are equal."""
    titles = {record["method"]["name"]: _title(record) for record in records}
    uses = Counter(titles.values())
    return {name: f"{title} ({name})" if uses[title] > 1 else title for name, title in titles.items()}


def plain_title(record: Record) -> str:
    """Return a method's title without its variant; a copy of a source is named by that source's modality."""
    name = record["method"]["name"].partition("@")[0]
    if record["method"]["kind"] == "trivial" and name in COPIES:
        modality = record["dataset"][COPIES[name]]
        return f"{modality[:1].upper()}{modality[1:]} (copy of source {COPIES[name]})"
    return record["method"].get("title") or name


def _title(record: Record) -> str:
    name, title = record["method"]["name"], plain_title(record)
    variant = name.partition("@")[2]
    if variant and variant.lower() not in title.lower():
        title = f"{title} @{variant}"
    label = RANDOM if record["weights"]["source"] == "random" else record["weights"].get("label")
    return f"{title}, {label}" if label else title


def run_notes(run: Run) -> tuple[str, ...]:
    """Return the footnotes of a run's row: a status other than ok, the origin of images or weights, older runs."""
    notes = [*_origin(run.record)]
    status, detail = run.record["status"], shorten(run.record.get("detail", ""))
    if status == "running":
        notes.append(f"{run.label}: run not finished")
    elif status != "ok":
        notes.append(f"{run.label} {status}: {detail}" if detail else f"{run.label} {status}")
    if run.older:
        notes.append(
            f"{run.label}: newest of {run.older + 1} runs on these pairs, {run.older} older left out"
        )
    return tuple(notes)


def _origin(record: Record) -> Iterator[str]:
    """Yield notes on how a row differs from the authors' own method run by fusionbench, worded the same for all rows."""
    if record["method"]["kind"] == "external":
        yield "images made elsewhere, taken over as they are"
    elif record["status"] == "ok" and record.get("probe") == []:  # runs of a class have a probe
        yield "images made by a command outside fusionbench"
    if record["identity"].get("noise"):
        yield "fused from sources with noise of that variance in squared gray levels, scored against those without"
    if record["weights"]["source"] == "trained":
        yield "weights trained by fusionbench"
    if seen := record["weights"].get("seen"):
        of = f"{len(seen)} of these {len(record['dataset']['ids'])} pairs"
        yield f"the weights were trained on files of {of}, so that these scores are no test of the method"
