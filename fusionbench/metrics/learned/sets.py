"""Scoring sets of images by metrics that have one value for all fused images of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image

from fusionbench.errors import ConfigError, RequestError, WeightsError
from fusionbench.metrics.learned.cmmd import Views
from fusionbench.metrics.learned.embeddings import EmbeddingCache
from fusionbench.metrics.learned.mmd import Kernel
from fusionbench.metrics.learned.sets_options import SetOptions, options_of, setting_of, tower_of
from fusionbench.metrics.profiles import definition_of
from fusionbench.metrics.registry import CANONICAL, function_of

SMALLEST = 2  # images of a set
Triples = Callable[[], Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]]]


class SetScore(NamedTuple):
    """The value of one metric for a set of ``images`` scenes.

    ``value`` and the bounds of its 95 % interval are None unless ``status`` is "ok"; otherwise ``detail`` gives the
    reason. "undefined" is final for this set, "unavailable" means that weights are missing. ``setting`` describes the
    towers and the kernel.
    """

    value: float | None
    status: str
    detail: str
    images: int
    setting: str = ""
    low: float | None = None
    high: float | None = None


def score_set(
    metric: str, triples: Triples, images: int, cache: EmbeddingCache, profile: str = CANONICAL
) -> SetScore:
    """Return the score of a set by a metric with ``per="set"``.

    ``triples()`` yields a, b and fused of each of the ``images`` scenes, uint8 [H, W] or [H, W, 3]. Raises OutputError
    where embeddings cannot be stored, and the errors of ``triples``.
    """
    try:
        setting, options = setting_of(metric), options_of(metric)
        if images < SMALLEST:
            reason = f"{images} image is not a set: a set needs at least {SMALLEST}"
            return SetScore(None, "undefined", reason, images, setting)
        views = _views(triples, options, cache)
    except (WeightsError, ConfigError) as error:
        return SetScore(None, "unavailable", str(error), images)
    kernel = Kernel(options.sigma, options.scale, options.normalize, options.unbiased)
    try:
        result = function_of(definition_of(metric, profile))(views, kernel)
    except RequestError as error:  # embeddings of length 0 or with infinite numbers
        return SetScore(None, "undefined", str(error), images, setting)
    return SetScore(result.value, "ok", setting, images, setting, result.low, result.high)


def _views(triples: Triples, options: SetOptions, cache: EmbeddingCache) -> Views:
    of_a, of_b = tower_of(options.a), tower_of(options.b)
    embeddings = [
        [
            cache.embedding(tower, levels)
            for tower, levels in (
                (of_a, a),
                (of_a, _luma(fused) if options.luma_a else fused),
                (of_b, b),
                (of_b, fused),
            )
        ]
        for a, b, fused in triples()
    ]
    return Views(*(np.stack(column) for column in zip(*embeddings, strict=True)))


def _luma(levels: np.ndarray) -> np.ndarray:
    """Return the luma of ITU-R BT.601, uint8 [H, W]; a single channel is returned unchanged."""
    return np.asarray(Image.fromarray(levels).convert("L"))
