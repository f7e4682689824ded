"""What differs between two records: what decides the images, and under what circumstances they were made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fusionbench.data.noise_setting import CLEAN, noise_from
from fusionbench.report.cells import Record

ABSENT = "absent"
HASH_DIGITS = 10
PROBE_TOLERANCE = 1e-4  # other threads and versions of a kernel differ by less, other code by more


class Change(NamedTuple):
    """One fact that two records do not share, as printed."""

    what: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.what} {self.a} → {self.b}"


def identity_changes(a: Record, b: Record) -> tuple[Change, ...]:
    """Return what decides the images and differs; nothing for two runs of one identity."""
    return tuple(_changes(_identity(a), _identity(b)))


def circumstance_changes(a: Record, b: Record) -> tuple[Change, ...]:
    """Return what should not change an image and differs: versions, git state, device, and the probe."""
    found = list(_changes(_circumstances(a), _circumstances(b)))
    if gap := _probe_gap(a.get("probe") or [], b.get("probe") or []):
        found.append(Change("probe", "fuse on the generated pair", gap))
    return tuple(found)


def _identity(record: Record) -> dict[str, Any]:
    identity, data = record["identity"], record["dataset"]
    method = identity["method"]
    return {
        "method": method["name"],
        "method files": short(method.get("files")),
        **{f"args.{key}": value for key, value in (identity.get("arguments") or {}).items()},
        "weights": short(record["weights"].get("sha256")),
        "data": short(identity["data"]),
        "pairs": f"{len(data['ids'])} (ids {short(data['split_hash'])})",
        "seed": identity.get("seed"),
        "noise": str(noise_from(identity) or CLEAN),
        **{f"protocol.{key}": value for key, value in identity.get("protocol", {}).items()},
    }


def _circumstances(record: Record) -> dict[str, Any]:
    known = record.get("provenance", {})
    return {
        "weights from": record["weights"]["source"],
        "fusionbench": known.get("fusionbench"),
        "git": known.get("git"),
        "python": known.get("python"),
        **known.get("versions", {}),
        # records of older versions lack some of these
        **{key: known[key] for key in ("device", "cpu", "driver", "cuda") if known.get(key)},
    }


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Change]:
    for what in dict.fromkeys([*a, *b]):
        before, after = (str(facts.get(what, ABSENT)) for facts in (a, b))
        if before != after:
            yield Change(what, before, after)


def short(digest: Any) -> str:
    """Return the first digits of a hash, as many as a run's folder is named by."""
    return "none" if digest is None else str(digest)[:HASH_DIGITS]


def _probe_gap(a: list[float], b: list[float]) -> str | None:
    """Word a difference of two probes; None where they agree or one was not taken (external images)."""
    if not a or not b or len(a) != len(b):
        return None
    gap = max(abs(x - y) for x, y in zip(a, b, strict=True))
    return f"differs by {gap:.1e}" if gap > PROBE_TOLERANCE else None
