"""Scoring the fused images of pairs in several threads: compiled metrics and decoding release the interpreter lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fusionbench.data.fused.fused_folder import check_size
from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.data.raw_counts import CountWatch
from fusionbench.devices import cores, pick_device
from fusionbench.errors import ImageError
from fusionbench.folders.request import ScorePlan, ScoreRequest
from fusionbench.metrics import Score, Sources, cards, score_fused, sources
from fusionbench.metrics.memory import keep_freed_memory
from fusionbench.metrics.registry import has_network, provider_of
from fusionbench.metrics.scoring import one_thread
from fusionbench.types import Pair

if TYPE_CHECKING:
    import numpy as np


class ScoredPair(NamedTuple):
    """The scores of a pair's fused images by folder and metric, and observations on its images' values."""

    scores: dict[str, dict[str, Score]]
    watch: CountWatch


def jobs_of(request: ScoreRequest, plan: ScorePlan) -> int:
    """Return how many pairs are scored at once: as requested, else as many as there are cores.

    It is one if a metric runs a network, which torch parallelises itself, or comes from another package, whose code need
    not be safe with threads.
    """
    if any(has_network(name) or provider_of(name) for name in plan.metrics):
        return 1
    return min(request.jobs or cores(), len(plan.pairs.pairs))


def score_pairs(plan: ScorePlan, jobs: int) -> Iterator[ScoredPair]:
    """Yield the scores of each pair in order; ``jobs`` pairs are scored at once."""
    keep_freed_memory()
    score = partial(_score_pair, plan=plan)
    if jobs == 1:
        yield from map(score, plan.pairs.pairs)
        return
    # the number of torch's threads belongs to the process, so it is set around the pool and not in each call
    with one_thread(), ThreadPoolExecutor(jobs) as pool:
        try:
            yield from pool.map(score, plan.pairs.pairs)
        finally:  # Ctrl-C waits for the pairs that are being scored, not for all
            pool.shutdown(wait=False, cancel_futures=True)


def _score_pair(pair: Pair, plan: ScorePlan) -> ScoredPair:
    """Return the scores of one pair's fused images by the folders' names; unreadable images have the status "failed"."""
    watch = CountWatch()
    try:
        stored = read_pair(pair)
    except ImageError as error:
        return ScoredPair({name: _failed(error, _by_image(plan)) for name in plan.folders}, watch)
    for path, source in zip((pair.a, pair.b), stored, strict=True):
        watch.look(path, source)
    a, b = map(eight_bit, stored)
    prepared = sources(a, b)
    scores = {
        name: _score_file(folder.files[pair.id], b, prepared, plan, watch)
        for name, folder in plan.folders.items()
    }
    return ScoredPair(scores, watch)


def _score_file(
    path: Path, source: np.ndarray, prepared: Sources, plan: ScorePlan, watch: CountWatch
) -> dict[str, Score]:
    try:
        image = read_image(path)
        check_size(path, image, source)
    except ImageError as error:
        return _failed(error, _by_image(plan))
    watch.look(path, image)
    names = _by_image(plan)
    device = pick_device("auto")
    return score_fused(prepared, eight_bit(image), names, plan.profile, device) if names else {}


def _by_image(plan: ScorePlan) -> list[str]:
    return [name for name in plan.metrics if cards()[name].per == "image"]


def _failed(error: ImageError, metrics: Sequence[str]) -> dict[str, Score]:
    return dict.fromkeys(metrics, Score(None, "failed", str(error)))
