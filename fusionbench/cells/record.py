"""The identity of a cell, its folder, and its record run.json before any work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fusionbench.cells.outside.command import drop_sources
from fusionbench.cells.outside.external import external_hash
from fusionbench.cells.planned import CellResult, Failure, Job, PlannedCell, RunOptions
from fusionbench.cells.store import SCHEMA, Cell
from fusionbench.files import digest_of, folder_name
from fusionbench.provenance import provenance
from fusionbench.weights.methods import Weights

PROTOCOL = 1  # to be raised when padding, colour handling or rounding of stored images changes


def make_identity(planned: PlannedCell, manifest: str, options: RunOptions) -> dict[str, Any]:
    """Return everything that determines the images except the weights; ``manifest`` is the hash of the data.

    The batch size and the kind of device are part of it, because both change the last digits of a network's output; the
    device's number is not.
    """
    # no key at all without noise: cells stored before noise existed keep their id
    noise = {"noise": planned.noise.as_dict()} if planned.noise else {}
    return {
        "method": {"name": planned.method.name.partition("@")[0], "files": code_hash(planned)},
        "arguments": planned.config.args,
        "data": manifest,
        "seed": options.seed,
        "protocol": {
            "version": PROTOCOL,
            "device": options.device.partition(":")[0],
            "batch_size": options.batch_size,
            # cells of GPUs from before this key were convolved in TF32
            **({} if options.device == "cpu" else {"arithmetic": "float32"}),
        },
        **noise,
    }


def code_hash(planned: PlannedCell) -> str:
    """Return the SHA-256 of the method's code, or of the images of a method given as a folder of results."""
    method = planned.method
    return external_hash(method.source, planned.split.pairs) if method.external else method.files_hash()


def cell_of(job: Job, weights: Weights) -> Cell:
    """Return the cell of a job with these weights, whether its folder exists or not."""
    split, identity = job.planned.split, {**job.identity, "weights": weights.sha256}
    place = folder_name(f"{split.spec.name}-{split.name}"), folder_name(job.planned.name)
    return Cell(job.options.out.joinpath(*place, digest_of(identity)[:10]))


def new_record(job: Job, weights: Weights) -> dict[str, Any]:
    """Return the content of run.json before any work."""
    planned, split, card = job.planned, job.planned.split, job.planned.method.card
    spec = split.spec
    return {
        "schema": SCHEMA,
        "id": cell_of(job, weights).id,
        "identity": {**job.identity, "weights": weights.sha256},
        "dataset": {
            "name": spec.name,
            "title": spec.title,
            "family": spec.family,
            "split": split.name,
            "a": spec.a,
            "b": spec.b,
            "pairs": len(split.pairs),
            "expected": split.expected,
            "limit": split.limit,
            "split_hash": split.ids_hash,
            "ids": list(split.ids),
        },
        "method": {
            "name": planned.name,
            "title": card.title,
            "kind": card.kind,
            "color": card.color,
            "doi": card.doi,
            "citation": card.paper or card.reference,
            "bibtex": card.bibtex,
            "reading": card.reading,
        },
        "weights": {
            "source": weights.source,
            "sha256": weights.sha256,
            "file": weights.path.name if weights.path else None,
            "note": weights.note,
            "label": weights.label,
        },
        "config": planned.config.as_dict(),
        "status": "running",
        "detail": "",
        "images": {},
        "provenance": {
            **provenance(job.options.device, job.options.seed),
            "started": now(),
            "finished": None,
            "seconds": {"fuse": 0.0, "score": 0.0},
            "energy_j": {"fuse": None, "score": None},
        },
        "probe": [],
    }


def add_phase(
    record: dict[str, Any], phase: str, seconds: float, before: float | None, after: float | None
) -> None:
    """Add the seconds and joules of a phase to those of earlier calls in the record.

    ``before`` and ``after`` are readings of the device's energy counter in joules. The sum is None as soon as one part of
    it is unknown, because a partial sum would look like a small consumption.
    """
    spent, energy = record["provenance"]["seconds"], record["provenance"].setdefault("energy_j", {})
    # before a phase has taken any time, None in the record means nothing yet, not unknown
    earlier = energy.get(phase) if spent[phase] else 0.0
    if earlier is None or before is None or after is None:
        energy[phase] = None
    else:
        energy[phase] = round(earlier + after - before, 1)
    spent[phase] = round(spent[phase] + seconds, 3)


def now() -> str:
    """Return the present time in UTC as ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def record_failure(job: Job, failure: Failure, weights: Weights | None = None) -> CellResult:
    """Write run.json with the failure's status and return the result; ``weights`` is None if unknown."""
    weights = weights or Weights("none")
    cell = cell_of(job, weights)
    drop_sources(cell.path)
    # an earlier call's record is kept: it has the hashes and times of the images that are stored
    record: dict[str, Any] = cell.read_record() or new_record(job, weights)
    record["provenance"]["finished"] = now()
    cell.write_record({**record, "status": failure.status, "detail": failure.detail})
    return CellResult(job.planned, cell.path, failure.status, failure.detail)
