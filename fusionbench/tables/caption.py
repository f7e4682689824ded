"""The captions of tables, derived from the records of their rows only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fusionbench.metrics.tasks import is_task_metric
from fusionbench.tables.cells import set_sentences
from fusionbench.tables.model import Column, one_line
from fusionbench.tables.runs import Run

if TYPE_CHECKING:
    from fusionbench.metrics.field_profiles import Profile

CHANNELS = {
    "bt601": "the luma",
    "matlab": "the gray levels (MATLAB's rgb2gray)",
    "opencv": "the gray levels (OpenCV's conversion)",
    "channels": "each color channel, averaged,",
}


def coverage(data: Mapping[str, Any]) -> str:
    """Return how many pairs of a split are used: "361 pairs", "40 of 361 pairs" or "first 5 of 361 pairs"."""
    used, expected = len(data["ids"]), data["expected"]
    count = f"{used} of {expected}" if expected not in (None, used) else str(used)
    noun = "pair" if (expected or used) == 1 else "pairs"
    # a split of unknown size with as many pairs as the limit may have more
    cut = used == data["limit"] and used != expected
    return f"first {count} {noun}" if cut else f"{count} {noun}"


def caption(
    data: Mapping[str, Any],
    runs: Sequence[Run],
    columns: Sequence[Column],
    profile: str,
    uncarded: Sequence[str],
) -> tuple[str, ...]:
    """Return the sentences of a caption: pairs, profile, channel, colour, weights, versions, device, marks.

    ``data`` is the part of the records on the data set. ``uncarded`` are scored metrics for which this installation has
    no card, so that they cannot be shown.
    """
    records = [run.record for run in runs]
    title = data["title"] or data["name"]
    hashes = f"split hash {data['split_hash'][:8]}, data hash {records[0]['identity']['data'][:8]}"
    sentences = [
        # the title is not put first, because Markdown could take its beginning for a list
        f"Mean scores on {title}, {data['split']} split, {coverage(data)} ({hashes}); a is {data['a']}, b is {data['b']}.",
        *_profile(profile, [column for column in columns if not is_task_metric(column.metric)]),
        *set_sentences(columns, len(data["ids"])),
        *_color(runs),
        *_weights(runs),
        *_readings(runs),
        *_versions(columns),
        *_provenance(record["provenance"] for record in records),
        *([f"Not shown, because they have no metric card: {', '.join(uncarded)}."] if uncarded else []),
        "Best in bold, second best underlined, by the printed digits.",
        "A dash with a count: not every pair has a score.",
    ]
    return tuple(one_line(sentence) for sentence in sentences)


WEIGHTS = {
    "trained": "trained by fusionbench",
    "shipped": "as they come with fusionbench",
    "imported": "imported",
    "file": "from a file",
    "random": "random, never trained",
}


def brief(
    data: Mapping[str, Any], runs: Sequence[Run], columns: Sequence[Column], profile: str, gaps: bool
) -> tuple[str, ...]:
    """Return the sentences of a short caption for papers: pairs, definitions, weights, marks.

    ``gaps`` tells whether a cell has no value.
    """
    from fusionbench.metrics import profiles

    title, known = data["title"] or data["name"], profiles().get(profile)
    measured = [column.metric for column in columns if not is_task_metric(column.metric)]
    channels = f", {_channels(known, measured).rstrip(',')}" if known else ""
    sentences = [
        f"Mean scores on {title}, {data['split']} split, {coverage(data)}.",
        *([f"Definitions of the profile {profile}{channels}."] if measured else []),
        *_weights_in_words(runs),
        "Best in bold, second best underlined.",
        *(["A dash with a count: not every pair has a score."] if gaps else []),
    ]
    return tuple(one_line(sentence) for sentence in sentences)


def _weights_in_words(runs: Sequence[Run]) -> Iterator[str]:
    """Yield one sentence on the origins of the rows' weights, if there are any."""
    origins: dict[str, list[str]] = {}
    for run in runs:
        source = run.record["weights"]["source"]
        if source != "none":
            origins.setdefault(WEIGHTS.get(source, source), []).append(run.label)
    if origins:
        several = len(origins) > 1
        said = [f"{words} ({', '.join(rows)})" if several else words for words, rows in origins.items()]
        yield f"Weights: {'; '.join(said)}."


def _profile(name: str, columns: Sequence[Column]) -> Iterator[str]:
    """Yield sentences on the profile of the columns, the channels, and what had to be assumed."""
    from fusionbench.metrics import profiles

    if not columns:
        return
    known = profiles().get(name)
    if known is None:
        yield f"Profile {name}, which this installation does not know."
        return
    yield f"Profile {name}: {_channels(known, [column.metric for column in columns])} of the stored 8-bit images."
    for column in columns:
        if column.metric in known.undecided:
            yield f"{column.metric} {known.undecided[column.metric]}."


def _channels(profile: Profile, metrics: Sequence[str]) -> str:
    """Return which metrics are computed on which channels, because some take red, green and blue in every profile."""
    from fusionbench.metrics import definitions

    gray = f"metrics on {CHANNELS[profile.gray]}"
    # a metric may have been removed from the profile since it was scored
    defined = {name: definitions(name)[profile.metrics[name]] for name in metrics if name in profile.metrics}
    rgb = [name for name, definition in defined.items() if definition.planes == "rgb"]
    if rgb == list(metrics):
        return "metrics on red, green and blue" if rgb else gray
    return f"{gray.rstrip(',')}, {', '.join(rgb)} on red, green and blue," if rgb else gray


def _color(runs: Sequence[Run]) -> Iterator[str]:
    luma = [run for run in runs if run.record["method"].get("color") == "luma"]
    rgb = [run.label for run in runs if run.record["method"].get("color") == "rgb"]
    if luma:
        yield "Luma methods fuse Y (BT.601, full range) and keep source b's chroma."
    if rgb:
        yield f"RGB methods fuse all channels of source b: {', '.join(rgb)}."


def _weights(runs: Sequence[Run]) -> Iterator[str]:
    weights = [(run.label, run.record["weights"]) for run in runs]
    said = [f"{label}: {_weight(entry)}" for label, entry in weights if entry["source"] != "none"]
    if said:
        yield f"Weights: {'; '.join(said)}."


def _readings(runs: Sequence[Run]) -> Iterator[str]:
    """Yield sentences on rows with parts that their papers do not print, so that these are not ascribed to the authors."""
    labels: dict[str, list[str]] = {}
    for run in runs:
        if reading := run.record["method"].get("reading"):
            labels.setdefault(reading.strip().rstrip("."), []).append(run.label)
    for reading, rows in labels.items():
        yield f"{', '.join(rows)}: {reading}."


def _weight(weights: Mapping[str, Any]) -> str:
    digest = f", SHA-256 {weights['sha256'][:8]}" if weights.get("sha256") else ""
    note = (weights.get("note") or "").strip().rstrip(".")
    return f"{weights['source']}{digest}" + (f" ({note})" if note else "")


def _versions(columns: Sequence[Column]) -> Iterator[str]:
    if len({column.version for column in columns}) > 1:
        yield f"Metric versions: {', '.join(f'{c.metric} {c.version}' for c in columns)}."
    elif columns:
        yield f"Metric version {columns[0].version}."
    older = [f"{c.metric} {', '.join(c.older)}" for c in columns if c.older]
    if older:
        yield f"Scores of older metric versions left out: {'; '.join(older)}."


def _provenance(provenances: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a sentence on all versions and devices, because rows of a table may come from different machines."""
    provenances = list(provenances)
    parts = {
        "fusionbench": {p.get("fusionbench") for p in provenances},
        "torch": {p.get("versions", {}).get("torch") for p in provenances},
        "device": {p.get("device") for p in provenances},
    }
    said = [
        f"{name} {', '.join(sorted(filter(None, values)))}" for name, values in parts.items() if any(values)
    ]
    if said:
        yield f"Made with {'; '.join(said)}."
