"""Scoring folders of fused images by metrics of whole sets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_dir

from fusionbench.cells.progress import Reporter
from fusionbench.data.fused.fused_folder import FusedFolder, check_size
from fusionbench.data.images import eight_bit, read_image, read_pair
from fusionbench.devices import pick_device
from fusionbench.errors import ImageError
from fusionbench.folders.request import ScorePlan
from fusionbench.metrics import cards
from fusionbench.metrics.learned.embeddings import EmbeddingCache
from fusionbench.metrics.learned.sets import SetScore, score_set

if TYPE_CHECKING:
    import numpy as np


def score_sets(plan: ScorePlan, folder: FusedFolder, reporter: Reporter) -> dict[str, SetScore]:
    """Return the scores of one folder by set-level metrics, "failed" if one of its images cannot be read."""
    names = [name for name in plan.metrics if cards()[name].per == "set"]
    if not names:
        return {}
    cache = Path(os.environ.get("FUSIONBENCH_CACHE") or user_cache_dir("fusionbench"))
    embeddings = EmbeddingCache(cache / "embeddings", pick_device("auto"))
    return {name: _score(name, plan, folder, embeddings, reporter) for name in names}


def _score(
    name: str, plan: ScorePlan, folder: FusedFolder, embeddings: EmbeddingCache, reporter: Reporter
) -> SetScore:
    count = len(plan.pairs.pairs)
    reporter.start(name, count)
    try:
        return score_set(name, lambda: _triples(plan, folder, reporter), count, embeddings, plan.profile)
    except ImageError as error:
        return SetScore(None, "failed", str(error), count)
    finally:
        reporter.stop()


def _triples(
    plan: ScorePlan, folder: FusedFolder, reporter: Reporter
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    for pair in plan.pairs.pairs:
        a, b = map(eight_bit, read_pair(pair))
        path = folder.files[pair.id]
        fused = read_image(path)
        check_size(path, fused, b)
        yield a, b, eight_bit(fused)
        reporter.advance()
