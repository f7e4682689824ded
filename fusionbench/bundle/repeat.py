"""Recomputing a sample of a bundle's images and their scores."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fusionbench.bundle.again import set_findings, task_findings
from fusionbench.bundle.content import batch_size_of, pixel_hash
from fusionbench.bundle.finding import CheckResult, agree
from fusionbench.cells.score_lines import WHOLE_SET, ScoreKey
from fusionbench.cells.store import Cell
from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.data.noise.setting import CLEAN, noise_from
from fusionbench.data.pairs import Split, find_split
from fusionbench.data.registry import dataset
from fusionbench.errors import FusionbenchError
from fusionbench.metrics import definition_of, score_fused, sources
from fusionbench.metrics.registry import cards
from fusionbench.runs.run import run


def repeat_cells(
    runs: Path, index: dict[str, Any], data_root: str | None, sample: int
) -> Iterator[CheckResult]:
    """Check ``sample`` images of each cell against the data, as far as data, method and weights are on this machine."""
    for place in index["pixels"] if sample else ():
        cell = Cell(runs / place)
        try:
            record = cell.read_record()
        except FusionbenchError:
            continue  # reported already
        if record is not None:
            yield from _repeat(cell, place, record, index["pixels"][place], data_root, sample)


def _repeat(
    cell: Cell, place: str, record: dict[str, Any], pixels: dict[str, str], data_root: str | None, sample: int
) -> Iterator[CheckResult]:
    data = record["dataset"]
    try:
        split = find_split(dataset(data["name"]), data["split"], data_root, data["limit"])
    except FusionbenchError as error:
        yield CheckResult("unchecked", place, f"data are not here: {error}")
        return
    if split.content_hash() != record["identity"]["data"]:
        yield CheckResult(
            "unchecked", place, f"the images of {data['name']} here are not those of the bundle (data hash)"
        )
        return
    chosen = [name for name in data["ids"] if name in pixels][:sample]
    stored = {name: cell.image(name) for name in chosen if cell.image(name).is_file()}
    if stored:
        yield _rescored(cell, place, split, stored, "stored images")
    yield from _left_out(cell, place)
    yield from set_findings(cell, place, split, _readable_scores(cell))
    yield from task_findings(cell, place, split)
    yield from _refused(cell, place, record, split, chosen, pixels, data_root)


def _refused(
    cell: Cell, place: str, record: dict[str, Any], split: Split, chosen: Sequence[str], pixels: dict[str, str],
    data_root: str | None,
) -> Iterator[CheckResult]:  # fmt: skip
    """Fuse the sample with the installed method and compare pixels and scores."""
    name = record["method"]["name"]
    noise = noise_from(record["identity"])
    last = max((record["dataset"]["ids"].index(image) for image in chosen), default=0) + 1
    identity = record["identity"]
    with tempfile.TemporaryDirectory(prefix="fusionbench-") as place_of_runs:
        try:
            result = run(
                name.partition("+")[0], split.spec.name, split=split.name, limit=last, metrics="EN", out=Path(place_of_runs),
                seed=identity["seed"], batch_size=batch_size_of(record), device="cpu", baselines=False,
                no_train=True, noise=str(noise) if noise else CLEAN, data_root=data_root, weights="random" if record["weights"]["source"] == "random" else "auto",
                overrides=tuple(f"args.{key}={_text(value)}" for key, value in identity["arguments"].items()),
            )  # fmt: skip
        except FusionbenchError as error:
            yield CheckResult("unchecked", place, f"{name} cannot be run here: {error}")
            return
        (made,) = result.records()
        if made["status"] != "ok":
            yield CheckResult("unchecked", place, f"{name} did not run here: {made['detail']}")
            return
        others = [
            key
            for key in ("method", "arguments", "weights", "noise")
            if made["identity"].get(key) != identity.get(key)
        ]
        if "weights" in others:
            yield CheckResult(
                "unchecked", place, f"{name} has other weights here than in the bundle: import those first"
            )
            return
        images = {image: Cell(Path(made["path"])).image(image) for image in chosen}
        differing = [image for image, path in images.items() if pixel_hash(path) != pixels[image]]
        here = f"; the {' and '.join(others)} here are others" if others else ""
        if not differing:
            yield CheckResult("ok", place, f"{len(images)} images fused again are the same, pixel for pixel")
        else:
            yield CheckResult(
                "wrong",
                place,
                f"{', '.join(differing)} fused again {_are(differing)} not the packed pixels{here}",
            )
        yield _rescored(cell, place, split, images, "images fused again")


def _are(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _text(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, default_flow_style=True)).removesuffix("...\n").strip()


def _rescored(cell: Cell, place: str, split: Split, images: dict[str, Path], which: str) -> CheckResult:
    """Score images and compare with the bundle's scores, except those that `_left_out` reports."""
    pairs = {pair.id: pair for pair in split.pairs}
    wrong: list[str] = []
    count = 0
    by_profile: dict[tuple[str, str], list[tuple[ScoreKey, float]]] = {}
    for key, line in _readable_scores(cell).items():
        if key.image in images and line["status"] == "ok" and not _obstacle(key):
            by_profile.setdefault((key.image, key.profile), []).append((key, line["value"]))
    for (image, profile), lines in by_profile.items():
        prepared = sources(*map(eight_bit, read_pair(pairs[image])))
        scores = score_fused(
            prepared, eight_bit(read_image(images[image])), [key.metric for key, _ in lines], profile
        )
        for key, value in lines:
            count += 1
            now = scores[key.metric].value
            if not agree(now, value):
                wrong.append(
                    f"{key.metric} of {image} is {'undefined' if now is None else f'{now:.6g}'}, the bundle says {value:.6g}"
                )
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        return CheckResult(
            "wrong", f"{place}/scores.jsonl", f"scored again on {which}: {'; '.join(wrong[:3])}{more}"
        )
    if not count:
        return CheckResult(
            "unchecked", f"{place}/scores.jsonl", f"no score of the sample can be computed again on {which}"
        )
    return CheckResult("ok", f"{place}/scores.jsonl", f"{count} scores computed again on {which} agree")


def _readable_scores(cell: Cell) -> dict[ScoreKey, dict[str, Any]]:
    """Return the scores, none if their file is damaged, which has been reported by then."""
    try:
        return cell.scores()
    except FusionbenchError:
        return {}


def _left_out(cell: Cell, place: str) -> Iterator[CheckResult]:
    """Yield a finding with the metrics of single images that are not recomputed, and the reasons."""
    reasons = {
        key.metric: reason
        for key, line in _readable_scores(cell).items()
        if key.image != WHOLE_SET and line["status"] == "ok" and (reason := _obstacle(key))
    }
    if reasons:
        told = "; ".join(f"{metric} ({reason})" for metric, reason in sorted(reasons.items()))
        yield CheckResult("unchecked", f"{place}/scores.jsonl", f"not computed again: {told}")


def _obstacle(key: ScoreKey) -> str:
    """Return why a score of a single image is not recomputed, an empty text if it is."""
    card = cards().get(key.metric)
    if card is None:
        return "unknown here"
    if card.weights:
        return "takes files of weights"
    try:
        version = definition_of(key.metric, key.profile).version
    except FusionbenchError as error:
        return str(error)
    return "" if version == key.version else f"version {key.version} there, {version} here"
