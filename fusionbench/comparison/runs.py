"""Comparing two sets of runs: their common cells, differences of identity, and each metric image by image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from fusionbench.comparison.metrics import Difference, metric_difference
from fusionbench.data.noise.setting import CLEAN, noise_from
from fusionbench.errors import RequestError
from fusionbench.metrics.tasks import task_cards
from fusionbench.tables.cells import Record, Scores, index_scores
from fusionbench.tables.runs import Run, newest_runs

Key = tuple[str, str, str]  # data set, split, method
Rows = Callable[[Iterable[Record]], Iterable[tuple[Any, ...]]]


@dataclass(frozen=True)
class CellComparison:
    """One method on one split in both sets, each with its newest run; ``older`` counts the runs left out.

    ``identity`` are differences in what determines the images, ``circumstances`` differences in what should not.
    ``common`` counts the images that both have. ``caution`` says which facts on these images are not recorded.
    """

    dataset: str
    split: str
    method: str
    title: str
    runs: tuple[str, str]
    status: tuple[str, str]
    older: tuple[int, int]
    pairs: tuple[int, int]
    common: int
    identity: tuple[Change, ...]
    circumstances: tuple[Change, ...]
    caution: str
    metrics: tuple[Difference, ...]

    @property
    def same_identity(self) -> bool:
        return not self.identity

    @property
    def identical(self) -> bool:
        """Whether the identities and all scores are the same, and there are scores at all."""
        same = all(metric.kind == "identical" and not metric.one_sided for metric in self.metrics)
        return self.same_identity and bool(self.metrics) and same


@dataclass(frozen=True)
class Comparison:
    """The cells of both sets, and those that only one of them has."""

    profile: str
    cells: tuple[CellComparison, ...]
    only_a: tuple[Key, ...]
    only_b: tuple[Key, ...]


def compare_runs(
    a: Sequence[Record],
    b: Sequence[Record],
    rows: Rows,
    *,
    metrics: Sequence[str] | None = None,
    profile: str = "canonical",
    cards: Mapping[str, Any] | None = None,
) -> Comparison:
    """Compare the newest runs of each data set, split and method in both sets; differences are B minus A.

    ``rows`` returns the scores of records, as `fusionbench.cells.store.score_rows` does; it is called for one cell at a
    time, to bound the memory. ``metrics`` are names of cards, by default all with scores on either side. Raises
    RequestError if the sets have no cell in common.
    """
    if cards is None:
        from fusionbench.metrics import cards as known_cards

        cards = known_cards()
    ours, theirs = _newest(a), _newest(b)
    both = [key for key in sorted(ours) if key in theirs]
    only_a, only_b = (tuple(sorted(x.keys() - y.keys())) for x, y in ((ours, theirs), (theirs, ours)))
    if not both:
        raise RequestError(
            f"The two have no data set, split and method in common: A holds {_named(only_a)}, B {_named(only_b)}."
        )
    wanted = None if metrics is None else [{**cards, **task_cards(metrics)}[name] for name in metrics]
    cells = []
    for key in both:
        scores = _scores(ours[key], a, rows, profile), _scores(theirs[key], b, rows, profile)
        known = {**cards, **task_cards([*scores[0], *scores[1]])}
        scored = wanted or [card for name, card in known.items() if name in scores[0] or name in scores[1]]
        cells.append(_cell(key, (ours[key], theirs[key]), scores, scored))
    return Comparison(profile, tuple(cells), only_a, only_b)


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as dictionaries, lists, strings, numbers and None."""
    document = asdict(comparison)
    for cell, entry in zip(comparison.cells, document["cells"], strict=True):
        entry |= {"same_identity": cell.same_identity, "identical": cell.identical}
        for name in ("identity", "circumstances"):
            entry[name] = [change._asdict() for change in getattr(cell, name)]
        for metric in entry["metrics"]:
            metric["left_out"] = dict(metric["left_out"])
    return document


def _newest(records: Sequence[Record]) -> dict[Key, Run]:
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        data = record["dataset"]
        groups.setdefault((data["name"], data["split"]), []).append(record)
    return {
        (*where, run.record["method"]["name"]): run
        for where, members in groups.items()
        for run in newest_runs(members)
    }


def _named(keys: Sequence[Key], most: int = 3) -> str:
    named = [f"{data}-{split} {method}" for data, split, method in keys[:most]]
    more = [f"{len(keys) - most} more"] if len(keys) > most else []
    return ", ".join(named + more)


def _scores(run: Run, records: Sequence[Record], rows: Rows, profile: str) -> Scores:
    """Return the scores of one run, which may be in several folders, without reading those of other cells."""
    data = run.record["dataset"]
    where = data["name"], data["split"], run.record["id"]
    parts = [r for r in records if (r["dataset"]["name"], r["dataset"]["split"], r["id"]) == where]
    return index_scores(rows(parts), profile).get(where, {})


def _cell(
    key: Key, runs: tuple[Run, Run], scores: tuple[Scores, Scores], cards: Sequence[Any]
) -> CellComparison:
    a, b = (run.record for run in runs)
    ids = [record["dataset"]["ids"] for record in (a, b)]
    others = set(ids[1])
    common = [image for image in ids[0] if image in others]
    caution, comparable = _content(a, b, common)
    if comparable:
        whole = len(common) == len(ids[0]) == len(ids[1])
        differences = [_difference(card, common, scores, whole) for card in cards]
    else:
        differences = [Difference(card.name, "incomparable", f"not comparable: {caution}") for card in cards]
    return CellComparison(
        *key,
        title=runs[0].label,
        runs=(a["id"], b["id"]),
        status=(a["status"], b["status"]),
        older=(runs[0].older, runs[1].older),
        pairs=(len(ids[0]), len(ids[1])),
        common=len(common),
        identity=identity_changes(a, b),
        circumstances=circumstance_changes(a, b),
        caution=caution,
        metrics=tuple(differences),
    )


def _difference(card: Any, common: Sequence[str], scores: tuple[Scores, Scores], whole: bool) -> Difference:
    """Return the difference in one metric; a set-level metric is comparable only for the same set of images."""
    if card.per == "set" and not whole:
        return Difference(
            card.name, "incomparable", "not comparable: of other sets of images", better=card.better
        )
    return metric_difference(card, common, *scores)


def _content(a: Record, b: Record, common: Sequence[str]) -> tuple[str, bool]:
    """Return a caution about the common images, and whether their scores can be compared."""
    if not common:
        return "other pairs", False
    if a["identity"]["data"] == b["identity"]["data"]:
        return "", True
    if len(common) == len(a["dataset"]["ids"]) == len(b["dataset"]["ids"]):
        return "the sources of these names have other content", False
    # a record has one hash of all of its pairs, and none of single pairs
    return f"that the {len(common)} common pairs have the same content is assumed, not recorded", True


ABSENT = "absent"
HASH_DIGITS = 10
PROBE_TOLERANCE = 1e-4  # as in `fusionbench.cells.cell`: kernels differ by less, other code by more


class Change(NamedTuple):
    """One fact in which two records differ, as printed."""

    what: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.what} {self.a} → {self.b}"


def identity_changes(a: Record, b: Record) -> tuple[Change, ...]:
    """Return the differences in facts that determine the images, none for two runs of one identity."""
    return tuple(_changes(_identity(a), _identity(b)))


def circumstance_changes(a: Record, b: Record) -> tuple[Change, ...]:
    """Return the differences in facts that should not change images: versions, git state, device, and the probe."""
    changes = list(_changes(_circumstances(a), _circumstances(b)))
    if gap := _probe_gap(a.get("probe") or [], b.get("probe") or []):
        changes.append(Change("probe", "fuse on the generated pair", gap))
    return tuple(changes)


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
        # records of earlier versions lack some of these
        **{key: known[key] for key in ("device", "cpu", "driver", "cuda") if known.get(key)},
    }


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Change]:
    for what in dict.fromkeys([*a, *b]):
        before, after = (str(facts.get(what, ABSENT)) for facts in (a, b))
        if before != after:
            yield Change(what, before, after)


def short(digest: Any) -> str:
    """Return as many first digits of a hash as the names of runs' folders have."""
    return "none" if digest is None else str(digest)[:HASH_DIGITS]


def _probe_gap(a: list[float], b: list[float]) -> str | None:
    """Return the difference of two probes in words, None if they agree or one is missing (external images)."""
    if not a or not b or len(a) != len(b):
        return None
    gap = max(abs(x - y) for x, y in zip(a, b, strict=True))
    return f"differs by {gap:.1e}" if gap > PROBE_TOLERANCE else None
