"""The agreement of metrics in their order of methods: Kendall's tau-b between every two metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from fusionbench.statistics.paired import PairedScores, paired_scores

if TYPE_CHECKING:
    from fusionbench.tables.board import Board


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau-b between metrics, [metrics, metrics], in [-1, 1].

    It is 1 if both order the methods in the same way and -1 if in the opposite way; lower-is-better metrics are negated.
    ``tau`` compares the methods' means, ``by_image`` is the mean over images of the tau of single images. It is NaN where
    one of the two ties all methods. ``left_out`` are metrics that are not included, with the reason.
    """

    metrics: tuple[str, ...]
    tau: ndarray
    by_image: ndarray
    methods: tuple[str, ...]
    images: int
    left_out: tuple[tuple[str, str], ...]


def agreement(board: Board) -> Agreement:
    """Return the agreement of a board's metrics over the methods that have all scores of every image."""
    return agreement_of(paired_scores(board))


def agreement_of(comparison: PairedScores) -> Agreement:
    """Return the agreement of the metrics of a comparison."""
    values = comparison.oriented
    tau = by_image = np.full((len(comparison.metrics), len(comparison.metrics)), np.nan)
    if comparison.decidable:
        tau, by_image = kendall(values.mean(axis=2)[:, :, None]), kendall(values)
    return Agreement(
        comparison.metrics, tau, by_image, comparison.methods, comparison.images, comparison.left_out
    )


def kendall(values: ndarray) -> ndarray:
    """Return Kendall's tau-b between every two metrics, [metrics, metrics], averaged over images.

    tau-b = (concordant - discordant) / sqrt(pairs untied in x * pairs untied in y) over pairs of methods, for ``values``
    [metrics, methods, images] (doi 10.1093/biomet/33.3.239). Images on which one of the two metrics ties all methods have
    no tau and are left out; NaN if none is left.
    """
    i, j = np.triu_indices(values.shape[1], 1)
    signs = np.sign(values[:, i] - values[:, j])  # [metrics, pairs of methods, images]
    products = np.einsum("apn,bpn->abn", signs, signs)
    untied = np.einsum("aan->an", products)
    norms = np.sqrt(untied[:, None] * untied[None])
    there = norms > 0
    taus = np.divide(products, norms, out=np.zeros_like(products), where=there)
    used = there.sum(axis=2)
    return np.divide(taus.sum(axis=2), used, out=np.full(used.shape, np.nan), where=used > 0)
